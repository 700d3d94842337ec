module Ortho.Tests.Algebra.YoungDiagramTests

open System
open Expecto
open Ortho

let private young =
    testList
        "YoungDiagram"
        [
            testCase "lists are as long as the counts, distinct, of one size" (fun () ->
                for n in 0..12 do
                    let found = YoungDiagram.enumerate n
                    Expect.equal (bigint found.Length) (YoungDiagram.count n) $"n = {n}"
                    Expect.equal (Array.distinct found).Length found.Length "distinct"
                    Expect.isTrue (found |> Array.forall (fun y -> y.Size = n)) "size")

            testCase "partition numbers" (fun () ->
                Expect.equal (List.map YoungDiagram.count [ 0..7 ]) [ 1I; 1I; 2I; 3I; 5I; 7I; 11I; 15I ] "OEIS A000041"
                Expect.equal (YoungDiagram.count 100) 190569292I "OEIS A000041")

            testCase "adding a box is the reverse of removing one" (fun () ->
                for n in 0..7 do
                    let up =
                        [
                            for y in YoungDiagram.enumerate n do
                                for z in YoungDiagram.addBox y -> y, z
                        ]

                    let down =
                        [
                            for z in YoungDiagram.enumerate (n + 1) do
                                for y in YoungDiagram.removeBox z -> y, z
                        ]

                    Expect.equal (List.sort up) (List.sort down) $"n = {n}")

            testCase "the squares of the tableau counts sum to n!" (fun () ->
                let squares n =
                    YoungDiagram.enumerate n
                    |> Array.sumBy (fun y -> pown (YoungDiagram.tableaux y) 2)

                Expect.equal (List.map squares [ 0..6 ]) [ 1I; 1I; 2I; 6I; 24I; 120I; 720I ] "Robinson, Schensted")

            testCase "tableaux grow by one box at a time" (fun () ->
                for y in YoungDiagram.enumerate 9 do
                    let sum = YoungDiagram.removeBox y |> Array.sumBy YoungDiagram.tableaux
                    Expect.equal (YoungDiagram.tableaux y) sum $"{y}")

            testCase "bad input" (fun () ->
                for rows in [ [| 1; 2 |]; [| 1; 0 |]; [| -1 |] ] do
                    Expect.throwsT<ArgumentException> (fun () -> YoungDiagram.ofRows rows |> ignore) $"%A{rows}"

                Expect.throwsT<ArgumentException> (fun () -> YoungDiagram.enumerate 100 |> ignore) "too many"
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> YoungDiagram.enumerate -1 |> ignore) "negative")
        ]

let private mcKay =
    testList
        "McKay"
        [
            testCase "closed walks are restricted Bell numbers" (fun () ->
                for n in 0..7 do
                    for m in 0..9 do
                        Expect.equal (McKay.walks n m) (SetPartition.restrictedBell m n) $"n = {n}, m = {m}")

            testCase "the matrix for S_3" (fun () ->
                Expect.equal (McKay.adjacency 3) (array2D [ [ 1; 1; 0 ]; [ 1; 2; 1 ]; [ 0; 1; 1 ] ]) "catalogue, A4"
                Expect.equal (McKay.walks 3 4) 14I "catalogue, A4")

            testCase "dimensions: the matrix multiplies the tableau counts by n" (fun () ->
                for n in 1..8 do
                    let nodes = YoungDiagram.enumerate n
                    let matrix = McKay.adjacency n

                    for i in 0 .. nodes.Length - 1 do
                        let sum =
                            nodes
                            |> Array.mapi (fun j node -> bigint matrix[i, j] * YoungDiagram.tableaux node)
                            |> Array.sum

                        Expect.equal sum (bigint n * YoungDiagram.tableaux nodes[i]) $"{nodes[i]}")

            testCase "a large group costs no more than its walks" (fun () ->
                Expect.equal (McKay.walks 1000 8) (SetPartition.bell 8) "n = 1000")

            testCase "bad input" (fun () ->
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> McKay.walks 3 -1 |> ignore) "m"
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> McKay.walks -1 3 |> ignore) "n"
                Expect.throwsT<ArgumentException> (fun () -> McKay.adjacency 30 |> ignore) "5604 nodes")
        ]

let tests = testList "Young diagrams" [ young; mcKay ]
