module Ortho.Tests.Algebra.OrbitBasisTests

open System
open Expecto
open Ortho

let private law name (holds: DenseCase -> bool) =
    testPropertyWithConfig Config.cheap name holds

let private combination n (d: Diagram) matrix terms =
    Dense.combination (pown n d.TopCount) (pown n d.BottomCount) matrix terms

let private laws =
    testList
        "laws"
        [
            law "X_d2 X_d1 is the listed combination of orbit elements" (fun c ->
                let terms = OrbitBasis.product c.N c.Last c.First
                let rows, columns = pown c.N c.Last.TopCount, pown c.N c.First.BottomCount

                let found = Dense.multiply (Dense.orbit c.N c.Last) (Dense.orbit c.N c.First)

                found = Dense.combination rows columns (Dense.orbit c.N) terms
                && terms |> Array.forall (fun term -> not term.Coefficient.IsZero)
                && terms |> Array.distinctBy (fun term -> term.Diagram) |> Array.length = terms.Length)

            law "the squared norm of X is the number of its ones, counted in the dense matrix" (fun c ->
                OrbitBasis.normSquared c.N c.First = (Dense.orbit c.N c.First |> Seq.cast<bigint> |> Seq.sum))

            law "D_d is the sum of X over coarser diagrams" (fun c ->
                Dense.diagram c.N c.First =
                    combination c.N c.First (Dense.orbit c.N) (OrbitBasis.ofDiagram c.N c.First))

            law "from D to X and back, and the other way, is the same diagram" (fun c ->
                let alone = [| { Diagram = c.First; Coefficient = 1I } |]

                let there, back = OrbitBasis.ofDiagram c.N, OrbitBasis.toDiagrams
                // The X of more than n blocks are 0.
                c.First.BlockCount > c.N
                || alone |> OrbitBasis.extend there |> OrbitBasis.extend back = alone
                   && alone |> OrbitBasis.extend back |> OrbitBasis.extend there = alone)

            law "X_d is the Moebius combination of D over coarser diagrams" (fun c ->
                Dense.orbit c.N c.First = combination c.N c.First (Dense.diagram c.N) (OrbitBasis.toDiagrams c.First))
        ]

let private examples =
    testList
        "examples"
        [
            testCase "the all-ones matrix without its diagonal, squared" (fun () ->
                // (J - I)^2 = (n - 1) I + (n - 2)(J - I).
                let off = Diagram.ofBlocks 1 1 [ [ 0 ]; [ 1 ] ]

                let expected =
                    [
                        { Diagram = off; Coefficient = 5I }
                        {
                            Diagram = Diagram.identity 1
                            Coefficient = 6I
                        }
                    ]

                let found = OrbitBasis.product 7 off off |> Array.toList
                Expect.equal (found |> List.sortBy (fun t -> t.Coefficient)) expected "n = 7")

            testCase "diagrams of more than n blocks are zero" (fun () ->
                let d = Diagram.ofBlocks 2 1 [ [ 0 ]; [ 1 ]; [ 2 ] ]
                Expect.isEmpty (OrbitBasis.product 2 (Diagram.identity 1) d) "product"
                Expect.isTrue (OrbitBasis.ofDiagram 2 d |> Array.forall (fun t -> t.Diagram.BlockCount <= 2)) "sum")

            testCase "the linear extension merges like terms and drops those that cancel" (fun () ->
                let one, two = Diagram.identity 1, Diagram.ofBlocks 1 1 [ [ 0 ]; [ 1 ] ]

                let term coefficient d =
                    {
                        Diagram = d
                        Coefficient = coefficient
                    }

                let expand d =
                    if d = one then
                        [| term 1I one; term 2I two |]
                    else
                        [| term -1I one; term 3I two |]

                let found = OrbitBasis.extend expand [| term 2I one; term 2I two |]
                Expect.equal found [| term 10I two |] "2 (D1 + 2 D2) + 2 (-D1 + 3 D2)")

            testCase "bad input" (fun () ->
                Expect.throwsT<ArgumentException>
                    (fun () -> OrbitBasis.product 3 (Diagram.identity 2) (Diagram.identity 1) |> ignore)
                    "rows"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> OrbitBasis.ofDiagram -1 (Diagram.identity 1) |> ignore)
                    "n")
        ]

let tests = testList "OrbitBasis" [ laws; examples ]
