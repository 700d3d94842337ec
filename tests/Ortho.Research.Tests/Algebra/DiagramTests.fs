module Ortho.Tests.Algebra.DiagramTests

open System
open Expecto
open Ortho

let private law name (holds: Stack -> bool) =
    testPropertyWithConfig Config.cheap name holds

let private category =
    testList
        "category"
        [
            law "products are associative, removed components included" (fun c ->
                let lower = Diagram.compose c.D2 c.D1
                let left = Diagram.compose c.D3 lower.Diagram
                let upper = Diagram.compose c.D3 c.D2
                let right = Diagram.compose upper.Diagram c.D1

                left.Diagram = right.Diagram
                && left.Removed + lower.Removed = right.Removed + upper.Removed)

            law "the identity is neutral" (fun c ->
                let d = c.D1
                let same = { Diagram = d; Removed = 0 }

                Diagram.compose (Diagram.identity d.TopCount) d = same
                && Diagram.compose d (Diagram.identity d.BottomCount) = same)

            law "the adjoint reverses products and is its own inverse" (fun c ->
                let product = Diagram.compose c.D2 c.D1

                let reversed = Diagram.compose (Diagram.adjoint c.D1) (Diagram.adjoint c.D2)

                Diagram.adjoint (Diagram.adjoint c.D1) = c.D1
                && reversed.Diagram = Diagram.adjoint product.Diagram
                && reversed.Removed = product.Removed)

            law "the adjoint of a tensor product is that of the adjoints" (fun c ->
                Diagram.adjoint (Diagram.tensor c.D2 c.D1) =
                    Diagram.tensor (Diagram.adjoint c.D2) (Diagram.adjoint c.D1))

            law "tensor products are associative with the empty diagram as unit" (fun c ->
                let one = Diagram.identity 0

                Diagram.tensor c.D3 (Diagram.tensor c.D2 c.D1) = Diagram.tensor (Diagram.tensor c.D3 c.D2) c.D1
                && Diagram.tensor one c.D1 = c.D1
                && Diagram.tensor c.D1 one = c.D1)

            law "interchange: (a (x) b)(c (x) d) = ac (x) bd" (fun c ->
                let first = Diagram.compose c.D2 c.D1
                let second = Diagram.compose c.D3 c.D2

                let both = Diagram.compose (Diagram.tensor c.D2 c.D3) (Diagram.tensor c.D1 c.D2)

                both.Diagram = Diagram.tensor first.Diagram second.Diagram
                && both.Removed = first.Removed + second.Removed)

            law "a product has no more through blocks than its factors" (fun c ->
                let product = Diagram.compose c.D2 c.D1

                let most = min (Diagram.propagatingNumber c.D2) (Diagram.propagatingNumber c.D1)
                Diagram.propagatingNumber product.Diagram <= most)

            testPropertyWithConfig Config.cheap "permutations are a functor" (fun (c: PermutationTriple) ->
                let first, second = Diagram.ofPermutation c.First, Diagram.ofPermutation c.Second
                let product = Diagram.compose second first
                let expected = Permutation.compose c.Second c.First

                product.Diagram = Diagram.ofPermutation expected
                && product.Removed = 0
                && Diagram.tryPermutation product.Diagram = Some expected
                && Diagram.adjoint first = Diagram.ofPermutation (Permutation.inverse c.First))
        ]

/// A diagram with rows of one size, from the first elements of a partition.
let private square (p: SetPartition) =
    let k = p.Size / 2

    SetPartition.ofLabels [| for v in 0 .. 2 * k - 1 -> p.BlockOf v |]
    |> Diagram.ofPartition k k

let private closing =
    let law name (holds: PartitionTriple -> bool) =
        testPropertyWithConfig Config.cheap name holds

    let components d = (Diagram.closure d).BlockCount

    testList
        "closure"
        [
            law "its components are what cups below and caps above remove" (fun c ->
                let d = square c.P
                let k = d.TopCount
                let cups = Diagram.ofBlocks 0 (2 * k) [ for i in 0 .. k - 1 -> [ i; k + i ] ]
                let bent = Diagram.compose (Diagram.tensor d (Diagram.identity k)) cups
                let closed = Diagram.compose (Diagram.adjoint cups) bent.Diagram
                components d = closed.Removed + bent.Removed)

            law "d2 d1 and d1 d2 close to as many components, with those that the products remove" (fun c ->
                let d1, d2 = square c.P, square c.Q

                let around second first =
                    let product = Diagram.compose second first
                    components product.Diagram + product.Removed

                around d2 d1 = around d1 d2)

            law "the trace of D_d is n to the number of its components" (fun c ->
                let d = square c.P

                [ 1; 2; 3 ]
                |> List.forall (fun n ->
                    let matrix = Dense.diagram n d

                    let trace =
                        seq { 0 .. Array2D.length1 matrix - 1 } |> Seq.sumBy (fun i -> matrix[i, i])

                    trace = bigint.Pow(bigint n, components d)))

            testPropertyWithConfig Config.cheap "of a permutation: its cycles" (fun (c: PermutationTriple) ->
                Diagram.closure (Diagram.ofPermutation c.First) = SetPartition.ofBlocks (Permutation.cycles c.First))
        ]

/// The diagrams of one block, side by side.
let private sideBySide (parts: (int * int)[]) =
    (Diagram.identity 0, parts)
    ||> Array.fold (fun left (k, l) -> Diagram.tensor left (Diagram.ofPartition k l (SetPartition.coarsest (k + l))))

let private factors =
    testList
        "factors"
        [
            law "left after planar after right is the diagram" (fun c ->
                let factors = Diagram.factor c.D1
                let inner = Diagram.compose factors.Planar (Diagram.ofPermutation factors.Right)

                let outer = Diagram.compose (Diagram.ofPermutation factors.Left) inner.Diagram
                inner.Removed = 0 && outer.Removed = 0 && outer.Diagram = c.D1)

            law
                "the planar factor is top blocks, through blocks, bottom blocks side by side, the largest bottom block last"
                (fun c ->
                    let d = c.D1

                    let inTop block =
                        block |> Array.filter (fun v -> v < d.TopCount) |> Array.length

                    let expected =
                        [|
                            for block in Diagram.topBlocks d -> 0, block.Length
                            for block in Diagram.throughBlocks d -> block.Length - inTop block, inTop block
                            for size in Diagram.bottomBlocks d |> Array.map Array.length |> Array.sort -> size, 0
                        |]

                    (Diagram.factor d).Planar = sideBySide expected)

            law "top, through and bottom blocks are all blocks, sorted by the rows they meet" (fun c ->
                let d = c.D1

                let top, through, bottom =
                    Diagram.topBlocks d, Diagram.throughBlocks d, Diagram.bottomBlocks d

                let isTop v = v < d.TopCount

                Array.sortBy Array.head (Array.concat [ top; through; bottom ]) = d.Partition.Blocks
                && top |> Array.forall (Array.forall isTop)
                && bottom |> Array.forall (fun block -> not (Array.exists isTop block))
                && through
                   |> Array.forall (fun block -> Array.exists isTop block && not (Array.forall isTop block)))
        ]

let private dense name (holds: DenseCase -> bool) =
    testPropertyWithConfig Config.cheap name holds

let private matrices =
    testList
        "matrices"
        [
            dense "D_d2 D_d1 = n^removed D_(d2 after d1)" (fun c ->
                let product = Diagram.compose c.Last c.First

                let loops = pown (bigint c.N) product.Removed
                let found = Dense.multiply (Dense.diagram c.N c.Last) (Dense.diagram c.N c.First)
                found = Dense.scale loops (Dense.diagram c.N product.Diagram))

            dense "the matrix of the adjoint is the transpose" (fun c ->
                Dense.diagram c.N (Diagram.adjoint c.First) = Dense.transpose (Dense.diagram c.N c.First))

            dense "the matrix of a tensor product is the Kronecker product" (fun c ->
                let n = min c.N 2

                let found = Dense.diagram n (Diagram.tensor c.Last c.First)
                found = Dense.kronecker (Dense.diagram n c.Last) (Dense.diagram n c.First))

            testCase "the matrix of the identity is the identity" (fun () ->
                for n in 1..4 do
                    for k in 0..3 do
                        let expected =
                            Array2D.init (pown n k) (pown n k) (fun i j -> if i = j then 1I else 0I)

                        Expect.equal (Dense.diagram n (Diagram.identity k)) expected $"n = {n}, k = {k}")
        ]

let private examples =
    testList
        "examples"
        [
            testCase "there are 203 diagrams from 3 to 3, and 122 of at most three blocks" (fun () ->
                Expect.equal (Diagram.enumerate 3 3).Length 203 "all"
                Expect.equal (Diagram.enumerateAtMost 3 3 3).Length 122 "n = 3"

                for d in Diagram.enumerate 1 2 do
                    Expect.equal (d.BottomCount, d.TopCount) (1, 2) "rows")

            testCase "a cap after a cup is a loop: nothing is left, one component is removed" (fun () ->
                let cup = Diagram.ofBlocks 0 2 [ [ 0; 1 ] ]
                let loop = Diagram.compose (Diagram.adjoint cup) cup

                Expect.equal
                    loop
                    {
                        Diagram = Diagram.identity 0
                        Removed = 1
                    }
                    "loop")

            testCase "snake: the identity with a bend straightens" (fun () ->
                let one, cup = Diagram.identity 1, Diagram.ofBlocks 0 2 [ [ 0; 1 ] ]

                let snake =
                    Diagram.compose (Diagram.tensor (Diagram.adjoint cup) one) (Diagram.tensor one cup)

                Expect.equal snake { Diagram = one; Removed = 0 } "snake")

            testCase "the bottom vertex j of a permutation is joined to the top vertex p[j]" (fun () ->
                let p = Permutation.ofArray [| 1; 2; 0 |]
                let expected = Diagram.ofBlocks 3 3 [ [ 1; 3 ]; [ 2; 4 ]; [ 0; 5 ] ]
                Expect.equal (Diagram.ofPermutation p) expected "blocks"
                Expect.isTrue (Diagram.isPermutation expected) "is a permutation"
                Expect.isFalse (Diagram.isPermutation (Diagram.ofBlocks 2 2 [ [ 0; 1 ]; [ 2; 3 ] ])) "cup and cap")

            testCase "text and drawing" (fun () ->
                let d = Diagram.ofBlocks 3 2 [ [ 0; 2; 4 ]; [ 1 ]; [ 3 ] ]
                Expect.equal (string d) "(3,2) {0,2,4|1|3}" "text"
                Expect.equal (Diagram.draw d) "a .\na . a" "drawing"

                Expect.equal
                    (Diagram.draw (Diagram.identity 28)).Length
                    (2 * (26 + 2 * 2 + 27) + 1)
                    "letters go on with aa"

                Expect.equal (Diagram.blockOfVertex 4 d) 0 "block of a vertex")
        ]

let private refused (part: string) (action: unit -> unit) =
    Expect.throwsC action (fun error ->
        Expect.isTrue (error :? ArgumentException) $"{error.GetType()}"
        Expect.stringContains error.Message part "message")

let private badInput =
    testList
        "bad input"
        [
            testCase "rows that do not match" (fun () ->
                refused "d1 has 2 top and d2 has 3 bottom vertices" (fun () ->
                    Diagram.compose (Diagram.identity 3) (Diagram.identity 2) |> ignore))

            testCase "a partition of another size" (fun () ->
                refused "l + k = 2 + 1 vertices, but has 4 elements" (fun () ->
                    Diagram.ofPartition 1 2 (SetPartition.finest 4) |> ignore))

            testCase "negative rows" (fun () ->
                refused "k must be at least 0, but is -1" (fun () -> Diagram.enumerate -1 2 |> ignore)

                refused "k must be at least 0, but is -1" (fun () ->
                    Diagram.ofPartition -1 2 (SetPartition.finest 1) |> ignore)

                refused "l must be at least 0, but is -2" (fun () -> Diagram.enumerateAtMost 3 1 -2 |> ignore))

            testCase "a vertex out of range" (fun () ->
                refused "between 0 and 3, but is 4" (fun () -> Diagram.identity 2 |> Diagram.blockOfVertex 4 |> ignore))

            testCase "rows of two sizes are not closed" (fun () ->
                refused "has 2 top and 1 bottom vertices" (fun () ->
                    Diagram.closure (Diagram.ofBlocks 1 2 [ [ 0; 1; 2 ] ]) |> ignore))

            testCase "too many diagrams" (fun () ->
                refused "51724158235372 " (fun () -> Diagram.enumerate 10 10 |> ignore))
        ]

let tests =
    testList "Diagram" [ category; closing; factors; matrices; examples; badInput ]
