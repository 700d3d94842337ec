/// Inner products from diagrams against sums over all entries, and against products of diagrams.
module Ortho.Tests.GramTests

open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// All tuples of m values below n, row-major.
let rec private tuples (n: int) (m: int) : int[][] =
    if m = 0 then
        [| [||] |]
    else
        tuples n (m - 1)
        |> Array.collect (fun first -> Array.init n (fun last -> Array.append first [| last |]))

/// The sign of a word as a permutation of its values, 0 if one repeats.
let private sgn (word: int[]) =
    let pairs =
        [
            for i in 0 .. word.Length - 1 do
                for j in i + 1 .. word.Length - 1 -> sign (word[j] - word[i])
        ]

    List.fold (*) 1 pairs

let private blocks (d: Diagram) = d.Partition.Blocks

let private allAlike (values: int[]) (block: int[]) =
    block |> Array.forall (fun v -> values[v] = values[block[0]])

/// Entries by definition, as a function of the values of the vertices: catalogue A2.
module private Entry =
    let diagram (d: Diagram) =
        let blocks = blocks d
        fun (values: int[]) -> if Array.forall (allAlike values) blocks then 1 else 0

    let orbit (d: Diagram) =
        let blocks = blocks d

        fun (values: int[]) ->
            let firsts = blocks |> Array.map (fun block -> values[block[0]])

            if
                Array.forall (allAlike values) blocks
                && (Array.distinct firsts).Length = firsts.Length
            then
                1
            else
                0

    let symplectic (d: Diagram) =
        let blocks = blocks d

        fun (values: int[]) ->
            blocks
            |> Array.map (fun pair ->
                let a, b = values[pair[0]], values[pair[1]]

                if (pair[0] < d.TopCount) <> (pair[1] < d.TopCount) then
                    if a = b then 1 else 0
                elif a / 2 = b / 2 then
                    b - a
                else
                    0)
            |> Array.fold (*) 1

    let determinant (d: Diagram) =
        let free = Brauer.freeVertices d
        let entry = diagram d
        fun (values: int[]) -> entry values * sgn (free |> Array.map (fun v -> values[v]))

    let jellyfish (n: int) (d: Diagram) =
        let blocks = blocks d
        let entry = orbit d

        fun (values: int[]) ->
            let word = blocks |> Array.map (fun block -> values[block[0]])
            let missing = [| 0 .. n - 1 |] |> Array.except word
            // With a repeated value X is 0; the word of an X that is not has n letters.
            if entry values = 0 then
                0
            else
                sgn (Array.append word missing)

    /// Of the spanning maps of a group, in their order.
    let spanning (group: Group) (k: int) (l: int) =
        Spanning.within 10_000 group k l
        |> Array.map (fun map ->
            match group, map with
            | _, Plain d -> diagram d
            | _, Form d -> symplectic d
            | Group.EvenPermutations n, Head d -> jellyfish n d
            | _, Head d -> determinant d)

let private inner (a: int[]) (b: int[]) =
    Array.fold2 (fun sum x y -> sum + int64 x * int64 y) 0L a b |> bigint

let private dense (n: int) (m: int) (entry: int[] -> int) = tuples n m |> Array.map entry

let private groups =
    [
        for n in 1..5 do
            Group.symmetric n
            Group.alternating n
            Group.orthogonal n
            Group.specialOrthogonal n

            if n % 2 = 0 then
                Group.symplectic n
    ]

/// Every way to split m that is small enough for sums over all entries.
let private orders (largest: int) (group: Group) =
    [
        for m in 0..6 do
            let work =
                bigint.Pow(bigint group.Dimension, m)
                * bigint.Pow(Basis.spanningCount group 0 m, 2)

            if work <= bigint largest then
                for k in 0..m -> k, m - k
    ]

let private exhaustive =
    [
        for group in groups do
            yield
                testCase $"{group}: the matrix is that of sums over all entries" (fun () ->
                    let orders = orders 5_000_000 group
                    Expect.isGreaterThan orders.Length 5 "several orders"

                    for k, l in orders do
                        let vectors = Entry.spanning group k l |> Array.map (dense group.Dimension (k + l))

                        let expected =
                            Array2D.init vectors.Length vectors.Length (fun i j -> inner vectors[i] vectors[j])

                        Expect.equal (Gram.matrix group k l) expected $"k = {k}, l = {l}")

            yield
                testCase $"{group}: the maps have these entries, in this order" (fun () ->
                    for k, l in orders 200_000 group do
                        let maps = Basis.spanning group k l
                        let entries = Entry.spanning group k l
                        Expect.equal maps.Length entries.Length "as many"

                        for map, entry in Array.zip maps entries do
                            use matrix = LinearMap.toMatrix map

                            Expect.equal
                                (matrix.flatten().data<float>().ToArray())
                                (dense group.Dimension (k + l) entry |> Array.map float)
                                $"{map}")

        yield
            testCase "Aut(G): the sizes of orbits, on the diagonal" (fun () ->
                for graph in [ Graph.Path 4; Graph.Cycle 5; Graph.Complete 3 ] do
                    for k, l in [ 0, 0; 1, 0; 1, 1; 2, 1 ] do
                        let group = Group.automorphisms graph

                        let rows =
                            Basis.orbit group k l
                            |> Array.map (fun map -> (LinearMap.toMatrix map).flatten())
                            |> torch.stack

                        let expected = rows.matmul (rows.t ())
                        let gram = Gram.matrix group k l |> Array2D.map float |> torch.tensor
                        Expect.equal (Law.distance gram expected) 0.0 $"{graph}, k = {k}, l = {l}")
    ]

/// Random pairs but for so many free vertices.
let private randomBrauer (seed: int) (free: int) (k: int) (l: int) =
    let vertices = Array.init (k + l) id
    System.Random(seed).Shuffle vertices

    Seq.append (vertices[.. free - 1] |> Seq.map (fun v -> [| v |])) (vertices[free..] |> Array.chunkBySize 2)
    |> Diagram.ofBlocks k l

let private randomDiagram (seed: int) (k: int) (l: int) =
    let random = System.Random seed

    Array.init (k + l) (fun _ -> random.Next(1 + random.Next(k + l + 1)))
    |> SetPartition.ofLabels
    |> Diagram.ofPartition k l

/// The diagram with all vertices below, or all above.
let private below (d: Diagram) =
    Diagram.ofPartition d.Partition.Size 0 d.Partition

let private above (d: Diagram) =
    Diagram.ofPartition 0 d.Partition.Size d.Partition

let private total (terms: DiagramTerm[]) = terms |> Array.sumBy _.Coefficient

let private equal (name: string) (actual: bigint) (expected: bigint) =
    actual = expected |> Prop.label $"{name}: {actual}, expected {expected}"

/// k and l of a case with k + l = 2 pairs + free.
let private rows (case: Case) (pairs: int) (free: int) =
    let m = 2 * pairs + free
    let k = case.Seed % (m + 1)
    k, m - k

let private laws =
    [
        Property.check Property.config "D and E: as a product of diagrams bent to one row" (fun case ->
            let k, l = case.Size, case.Second
            let n = 1 + case.Seed % 50
            let p, q = randomDiagram case.Seed k l, randomDiagram (case.Seed + 1) k l
            let product = Diagram.compose (below p) (above q)
            equal "D" (Gram.diagram n p q) (bigint.Pow(bigint n, product.Removed)))

        Property.check Property.config "E: large diagrams of pairs" (fun case ->
            let k, l = rows case (case.Size + case.Second) 0
            let n = 1 + case.Seed % 50
            let p, q = randomBrauer case.Seed 0 k l, randomBrauer (case.Seed + 1) 0 k l
            equal "E" (Gram.diagram n p q) (total (Brauer.product n (below p) (above q))))

        Property.check Property.config "H: as the sum over n! ways to join the free vertices" (fun case ->
            let n = 1 + case.Seed % 5
            let k, l = rows case (case.Second % 4) n
            let p, q = randomBrauer case.Seed n k l, randomBrauer (case.Seed + 1) n k l
            equal "H" (Gram.determinant n p q) (total (Brauer.product n (below p) (above q))))

        Property.check Property.config "H: few pairs, so that most are not 0" (fun case ->
            let n = 2 + case.Seed % 4
            let k, l = rows case (case.Second % 2) n
            let p, q = randomBrauer case.Seed n k l, randomBrauer (case.Seed + 1) n k l
            equal "H" (Gram.determinant n p q) (total (Brauer.product n (below p) (above q))))

        // The signed maps multiply as diagrams of loop value -n, and a trace over k axes is (-1)^k that of the category.
        Property.check Property.config "F: as traces of the signed functor" (fun case ->
            let k, l = rows case (case.Size + case.Second) 0
            let n = 2 * (1 + case.Seed % 20)
            let p, q = randomBrauer case.Seed 0 k l, randomBrauer (case.Seed + 1) 0 k l
            let loops = (Diagram.compose (below p) (above q)).Removed
            let odd = (k + Brauer.cups p + Brauer.caps p) % 2 = 1

            let sign = Brauer.sign p * Brauer.sign q * (if odd then -1 else 1)

            equal "F" (Gram.symplectic n p q) (bigint sign * bigint.Pow(bigint -n, loops)))

        Property.check Property.config "F: as sums over all entries" (fun case ->
            let n = 2 + 2 * (case.Size % 2)
            let k, l = rows case (if n = 2 then 1 + case.Second % 5 else 1 + case.Second % 3) 0
            let p, q = randomBrauer case.Seed 0 k l, randomBrauer (case.Seed + 1) 0 k l
            let vector d = dense n (k + l) (Entry.symplectic d)
            equal "F" (Gram.symplectic n p q) (inner (vector p) (vector q)))

        Property.check Property.config "X and J: as sums over all entries" (fun case ->
            let n = 2 + case.Seed % 3
            let k, l = case.Second % 3, 1 + case.Size % 2
            let all = Diagram.enumerate k l
            let pick i = all[(case.Seed + i) % all.Length]
            // The same diagram now and then.
            let p, q = pick 0, pick (case.Size % 2)
            let x d = dense n (k + l) (Entry.orbit d)

            let hasHead (d: Diagram) =
                d.BlockCount = n || d.BlockCount = n - 1

            let j d = dense n (k + l) (Entry.jellyfish n d)

            equal "X" (Gram.orbit n p q) (inner (x p) (x q))
            .&. (if hasHead p && hasHead q then
                     equal "J" (Gram.jellyfish n p q) (inner (j p) (j q))
                 else
                     Prop.ofTestable true))
    ]

let private examples =
    [
        testCase "one loop of eps and eps^T: <cup, cup> = n, and the snake" (fun () ->
            let cup = Diagram.ofBlocks 0 2 [ [ 0; 1 ] ]
            Expect.equal (Gram.symplectic 4 cup cup) 4I "tr eps^T eps"
            let cups = Diagram.ofBlocks 0 4 [ [ 0; 1 ]; [ 2; 3 ] ]
            let crossed = Diagram.ofBlocks 0 4 [ [ 0; 2 ]; [ 1; 3 ] ]
            let nested = Diagram.ofBlocks 0 4 [ [ 0; 3 ]; [ 1; 2 ] ]
            Expect.equal (Gram.symplectic 4 cups cups) 16I "two loops"
            Expect.equal (Gram.symplectic 4 cups crossed) 4I "0-1-3-2-0: eps eps eps^T eps^T"
            Expect.equal (Gram.symplectic 4 cups nested) -4I "0-1-2-3-0: eps eps eps eps^T"
            Expect.equal (Gram.symplectic 4 crossed nested) 4I "0-2-1-3-0: eps eps^T eps eps^T")

        testCase "Sp(2): Pluecker's relation of the three ways to pair four vertices" (fun () ->
            let gram = Gram.matrix (Group.symplectic 2) 0 4
            // e(01) e(23) - e(02) e(13) + e(03) e(12) = 0 (Pluecker).
            for row in 0..2 do
                Expect.equal (gram[row, 0] - gram[row, 1] + gram[row, 2]) 0I "a null vector")

        testCase "heads: sgn against a transposed sgn, and against two joined" (fun () ->
            let straight = Diagram.ofBlocks 2 2 [ [| 0 |]; [| 1 |]; [| 2; 3 |] ]
            let crossed = Diagram.ofBlocks 2 2 [ [| 2 |]; [| 3 |]; [| 0; 1 |] ]
            let mixed = Diagram.ofBlocks 2 2 [ [| 0 |]; [| 2 |]; [| 1; 3 |] ]
            Expect.equal (Gram.determinant 2 straight straight) 4I "n! n"
            Expect.equal (Gram.determinant 2 straight crossed) 0I "a pair joins two free vertices"
            // sum over a, c of sgn(a, c) sgn(a, c): the pair of `mixed` gives vertex 1 the value of vertex 3, that of `straight` that of vertex 2.
            Expect.equal (Gram.determinant 2 straight mixed) 2I "one way to join"
            let swapped = Diagram.ofBlocks 2 2 [ [| 1 |]; [| 2 |]; [| 0; 3 |] ]
            Expect.equal (Gram.determinant 2 straight swapped) -2I "0-3-2, 1: crossed")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        let pair = Diagram.ofBlocks 0 2 [ [ 0; 1 ] ]
        let through = Diagram.identity 1
        let block = Diagram.ofBlocks 0 3 [ [ 0; 1; 2 ] ]
        Refusal.expect "rows" (fun () -> Gram.diagram 3 pair through |> ignore)
        Refusal.expect "rows of X" (fun () -> Gram.orbit 3 pair through |> ignore)
        Refusal.expect "rows of F" (fun () -> Gram.symplectic 2 pair through |> ignore)
        Refusal.expect "rows of J" (fun () -> Gram.jellyfish 2 pair through |> ignore)
        Refusal.expect "n" (fun () -> Gram.diagram 0 pair pair |> ignore)
        Refusal.expect "odd n" (fun () -> Gram.symplectic 3 pair pair |> ignore)
        Refusal.expect "no pairs" (fun () -> Gram.symplectic 2 block block |> ignore)
        Refusal.expect "no head" (fun () -> Gram.determinant 2 pair pair |> ignore)
        Refusal.expect "blocks" (fun () -> Gram.jellyfish 4 pair pair |> ignore)
        Refusal.expect "n = 1" (fun () -> Gram.jellyfish 1 pair pair |> ignore)
        Refusal.expect "order" (fun () -> Gram.matrix (Group.orthogonal 3) -1 1 |> ignore)
        Refusal.expect "too many" (fun () -> Gram.matrix (Group.orthogonal 3) 6 6 |> ignore))

let tests =
    testList "Gram matrices" [ yield! exhaustive; yield! laws; yield! examples; refusals ]
