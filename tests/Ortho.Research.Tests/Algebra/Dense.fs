/// Dense integer matrices by definition: the oracle of the algebra tests. Rows and columns are multi-indices in row-major order.
module Ortho.Tests.Algebra.Dense

open Ortho

/// The digits of a multi-index of a row of vertices, the leftmost slowest.
let private digits (n: int) (length: int) (index: int) =
    let values = Array.zeroCreate length
    let mutable rest = index

    for axis in length - 1 .. -1 .. 0 do
        values[axis] <- rest % n
        rest <- rest / n

    values

/// 1 where `holds (sameBlock, sameValue)` for every two vertices of the diagram, else 0.
let private indicator (holds: bool -> bool -> bool) (n: int) (d: Diagram) : bigint[,] =
    let rows = pown n d.TopCount
    let columns = pown n d.BottomCount
    let vertices = d.TopCount + d.BottomCount

    Array2D.init rows columns (fun i j ->
        let values = Array.append (digits n d.TopCount i) (digits n d.BottomCount j)
        let mutable every = true

        for v in 0 .. vertices - 1 do
            for w in v + 1 .. vertices - 1 do
                every <- every && holds (d.BlockOf v = d.BlockOf w) (values[v] = values[w])

        if every then 1I else 0I)

/// D_d: vertices of one block carry one value.
let diagram (n: int) (d: Diagram) =
    indicator (fun sameBlock sameValue -> sameValue || not sameBlock) n d

/// X_d: vertices carry one value exactly when they share a block.
let orbit (n: int) (d: Diagram) =
    indicator (fun sameBlock sameValue -> sameBlock = sameValue) n d

let scale (factor: bigint) (a: bigint[,]) = Array2D.map (fun x -> factor * x) a

let transpose (a: bigint[,]) =
    Array2D.init (Array2D.length2 a) (Array2D.length1 a) (fun i j -> a[j, i])

let multiply (a: bigint[,]) (b: bigint[,]) =
    Array2D.init (Array2D.length1 a) (Array2D.length2 b) (fun i j ->
        let mutable sum = 0I

        for t in 0 .. Array2D.length2 a - 1 do
            if not a[i, t].IsZero && not b[t, j].IsZero then
                sum <- sum + a[i, t] * b[t, j]

        sum)

let kronecker (a: bigint[,]) (b: bigint[,]) =
    let rows, columns = Array2D.length1 b, Array2D.length2 b

    Array2D.init (Array2D.length1 a * rows) (Array2D.length2 a * columns) (fun i j ->
        a[i / rows, j / columns] * b[i % rows, j % columns])

/// The sum of the terms, each diagram read as a matrix by `matrix`.
let combination (rows: int) (columns: int) (matrix: Diagram -> bigint[,]) (terms: DiagramTerm[]) =
    let sum = Array2D.create rows columns 0I

    for term in terms do
        let a = matrix term.Diagram

        for i in 0 .. rows - 1 do
            for j in 0 .. columns - 1 do
                sum[i, j] <- sum[i, j] + term.Coefficient * a[i, j]

    sum
