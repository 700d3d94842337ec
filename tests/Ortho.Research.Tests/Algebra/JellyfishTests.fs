module Ortho.Tests.Algebra.JellyfishTests

open Expecto
open Ortho
open Ortho.Tests

/// The sign of distinct values by counting inversions, the missing one last.
let private sign (n: int) (values: int[]) =
    let word = Array.append values (Array.except values [| 0 .. n - 1 |])

    let mutable sign = 1I

    for i in 0 .. n - 1 do
        for j in i + 1 .. n - 1 do
            if word[i] > word[j] then
                sign <- -sign

    sign

/// J_d by definition: the ones of X_d, with signs.
let private jellyfish (n: int) (d: Diagram) : bigint[,] =
    let value (row: int) (column: int) (vertex: int) =
        let place, index =
            if vertex < d.TopCount then
                d.TopCount - 1 - vertex, row
            else
                d.TopCount + d.BottomCount - 1 - vertex, column

        index / pown n place % n

    Dense.orbit n d
    |> Array2D.mapi (fun i j one ->
        if one.IsZero then
            0I
        else
            d.Partition.Blocks |> Array.map (fun block -> value i j block[0]) |> sign n)

/// n and the three rows, top to bottom: every pair of diagrams of each is tried. Up to three blocks vanish.
let private sizes =
    [
        2, 1, 1, 1
        2, 2, 2, 1
        3, 2, 2, 2
        3, 1, 3, 1
        3, 1, 2, 2
        3, 0, 2, 0
        4, 1, 3, 1
        4, 2, 2, 2
        4, 0, 3, 1
        4, 0, 4, 0
    ]

let private every name product (matrix2: int -> Diagram -> bigint[,]) matrix1 matrixOfTerms isLast isFirst =
    testCase name (fun () ->
        let mutable nonZero = 0

        for n, l, m, k in sizes do
            for d2 in Diagram.enumerateAtMost n m l |> Array.filter (isLast n) do
                for d1 in Diagram.enumerateAtMost n k m |> Array.filter (isFirst n) do
                    let terms: DiagramTerm[] = product n d2 d1
                    let found = Dense.combination (pown n l) (pown n k) (matrixOfTerms n) terms
                    let expected = Dense.multiply (matrix2 n d2) (matrix1 n d1)

                    if found <> expected then
                        failtest $"n = {n}: {d2} after {d1}"

                    if terms |> Array.exists (fun term -> term.Coefficient.IsZero) then
                        failtest $"n = {n}: a term of coefficient 0 in {d2} after {d1}"

                    if terms.Length > 0 then
                        nonZero <- nonZero + 1

        Expect.isGreaterThan nonZero 50 "products that are not 0")

let private any _ (_: Diagram) = true

let tests =
    testList
        "jellyfish products"
        [
            every
                "J J is the listed combination of X"
                Jellyfish.product
                jellyfish
                jellyfish
                Dense.orbit
                Jellyfish.isJellyfish
                Jellyfish.isJellyfish

            every
                "J X is the listed combination of J"
                Jellyfish.afterOrbit
                jellyfish
                Dense.orbit
                jellyfish
                Jellyfish.isJellyfish
                any

            every
                "X J is the listed combination of J"
                Jellyfish.beforeOrbit
                Dense.orbit
                jellyfish
                jellyfish
                any
                Jellyfish.isJellyfish

            testCase "the sign of two letters, by hand" (fun () ->
                // n = 2: J of two separate points of the top row is e1 e2 - e2 e1; its square length is 2.
                let points = Diagram.ofBlocks 0 2 [ [ 0 ]; [ 1 ] ]
                let length = Jellyfish.product 2 (Diagram.adjoint points) points
                Expect.equal length[0].Coefficient 2I "<e1 e2 - e2 e1, itself>"
                // J of one through block is diag(1, -1), with square 1 = X of the same block.
                let through = Diagram.identity 1

                Expect.equal
                    (Jellyfish.product 2 through through)
                    [| { Diagram = through; Coefficient = 1I } |]
                    "diag(1, -1)^2")

            testCase "long sums stay exact: n = 12" (fun () ->
                // Eleven separate points: the square length of the sign tensor of 11 axes is 12!.
                let points = Diagram.ofBlocks 0 11 [ for v in 0..10 -> [ v ] ]
                let length = Jellyfish.product 12 (Diagram.adjoint points) points
                Expect.equal length[0].Coefficient (Seq.fold (*) 1I [ for i in 1..12 -> bigint i ]) "12!")

            testCase "bad input" (fun () ->
                let one, two = Diagram.identity 1, Diagram.identity 2
                Refusal.expect "n" (fun () -> Jellyfish.product 1 one one |> ignore)
                Refusal.expect "d2 of one block" (fun () -> Jellyfish.product 3 one two |> ignore)
                Refusal.expect "d1 of one block" (fun () -> Jellyfish.product 3 two one |> ignore)
                Refusal.expect "rows" (fun () -> Jellyfish.afterOrbit 2 one two |> ignore)
                Refusal.expect "rows below" (fun () -> Jellyfish.beforeOrbit 2 two one |> ignore))
        ]
