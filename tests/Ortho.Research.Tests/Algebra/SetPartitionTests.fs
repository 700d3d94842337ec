module Ortho.Tests.Algebra.SetPartitionTests

open System
open Expecto
open Ortho

let private law name (holds: PartitionTriple -> bool) =
    testPropertyWithConfig Config.cheap name holds

let private together (p: SetPartition) i j = p.BlockOf i = p.BlockOf j

/// True if the predicate holds for every two elements.
let private everyPair (size: int) (holds: int -> int -> bool) =
    List.allPairs [ 0 .. size - 1 ] [ 0 .. size - 1 ]
    |> List.forall (fun (i, j) -> holds i j)

let private lattice =
    testList
        "lattice"
        [
            law "join and meet are associative" (fun c ->
                SetPartition.join c.P (SetPartition.join c.Q c.R) = SetPartition.join (SetPartition.join c.P c.Q) c.R
                && SetPartition.meet c.P (SetPartition.meet c.Q c.R) =
                    SetPartition.meet (SetPartition.meet c.P c.Q) c.R)

            law "join and meet are commutative" (fun c ->
                SetPartition.join c.P c.Q = SetPartition.join c.Q c.P
                && SetPartition.meet c.P c.Q = SetPartition.meet c.Q c.P)

            law "join and meet absorb each other" (fun c ->
                SetPartition.join c.P (SetPartition.meet c.P c.Q) = c.P
                && SetPartition.meet c.P (SetPartition.join c.P c.Q) = c.P)

            law "the finest and the coarsest partition are neutral" (fun c ->
                SetPartition.join c.P (SetPartition.finest c.P.Size) = c.P
                && SetPartition.meet c.P (SetPartition.coarsest c.P.Size) = c.P)

            law "two elements meet in one block exactly when both partitions say so" (fun c ->
                let meet = SetPartition.meet c.P c.Q
                everyPair c.P.Size (fun i j -> together meet i j = (together c.P i j && together c.Q i j)))

            law "the join is the least of the upper bounds" (fun c ->
                let join = SetPartition.join c.P c.Q

                let above r =
                    SetPartition.refines r c.P && SetPartition.refines r c.Q

                above join
                && SetPartition.enumerate c.P.Size
                   |> Array.filter above
                   |> Array.forall (fun r -> join |> SetPartition.refines r))

            law "refines means that elements together stay together" (fun c ->
                let finer = SetPartition.meet c.P c.Q

                let expected p q =
                    everyPair c.P.Size (fun i j -> together q i j || not (together p i j))

                (c.P |> SetPartition.refines c.Q) = expected c.P c.Q
                && (finer |> SetPartition.refines c.Q) = expected finer c.Q)

            law "refines is a partial order" (fun c ->
                let p, q, r =
                    SetPartition.meet c.P (SetPartition.meet c.Q c.R), SetPartition.meet c.Q c.R, c.R

                let antisymmetric a b =
                    not (SetPartition.refines a b && SetPartition.refines b a) || a = b

                SetPartition.refines c.P c.P
                && SetPartition.refines q p
                && SetPartition.refines r q
                && SetPartition.refines r p
                && antisymmetric c.P c.Q)

            law "p refines q exactly when their join is q" (fun c ->
                (c.P |> SetPartition.refines c.Q) = (SetPartition.join c.P c.Q = c.Q))

            law "coarsenings are the partitions above" (fun c ->
                let above =
                    SetPartition.enumerate c.P.Size
                    |> Array.filter (fun q -> c.P |> SetPartition.refines q)

                Array.sort (SetPartition.coarsenings c.P) = above)

            law "Moebius inversion: the sum of mu(p, s) over p <= s <= q is 1 if p = q, else 0" (fun c ->
                let sum q =
                    SetPartition.enumerate c.P.Size
                    |> Array.filter (fun s -> SetPartition.refines s c.P && SetPartition.refines q s)
                    |> Array.sumBy (SetPartition.moebius c.P)

                [ SetPartition.join c.P c.Q; SetPartition.coarsest c.P.Size; c.P; c.Q ]
                |> List.forall (fun q -> sum q = (if q = c.P then 1I else 0I)))
        ]

let private counts =
    testList
        "counts"
        [
            testCase "Bell numbers" (fun () ->
                let expected = [ 1I; 1I; 2I; 5I; 15I; 52I; 203I; 877I; 4140I ]
                Expect.equal (List.map SetPartition.bell [ 0..8 ]) expected "catalogue, A1"
                Expect.equal (SetPartition.bell 30) 846749014511809332450147I "OEIS A000110")

            testCase "Stirling numbers of the second kind" (fun () ->
                Expect.equal
                    (List.map (SetPartition.stirling 6) [ 0..7 ])
                    [ 0I; 1I; 31I; 90I; 65I; 15I; 1I; 0I ]
                    "m = 6"

                Expect.equal (SetPartition.stirling 0 0) 1I "m = 0")

            testCase "restricted Bell numbers" (fun () ->
                let expected =
                    [
                        [ 1; 1; 1; 1; 1; 1; 1 ]
                        [ 1; 1; 2; 4; 8; 16; 32 ]
                        [ 1; 1; 2; 5; 14; 41; 122 ]
                        [ 1; 1; 2; 5; 15; 51; 187 ]
                        [ 1; 1; 2; 5; 15; 52; 202 ]
                        [ 1; 1; 2; 5; 15; 52; 203 ]
                    ]

                let found =
                    [ for n in 1..6 -> [ for m in 0..6 -> int (SetPartition.restrictedBell m n) ] ]

                Expect.equal found expected "catalogue, A4, S_n")

            testCase "lists are as long as the counts, increasing and without duplicates" (fun () ->
                for m in 0..8 do
                    for most in 0 .. m + 1 do
                        let found = SetPartition.enumerateAtMost most m

                        Expect.equal
                            (bigint found.Length)
                            (SetPartition.restrictedBell m most)
                            $"m = {m}, at most {most}"

                        Expect.equal (found |> Array.distinct |> Array.sort) found $"order, m = {m}, at most {most}"
                        Expect.isTrue (found |> Array.forall (fun p -> p.BlockCount <= most)) "block counts"

                        for t in 0..most do
                            let exactly = found |> Array.filter (fun p -> p.BlockCount = t)
                            Expect.equal (bigint exactly.Length) (SetPartition.stirling m t) $"m = {m}, t = {t}")

            testCase "every listed partition is canonical" (fun () ->
                for p in SetPartition.enumerate 7 do
                    Expect.equal (SetPartition.ofBlocks p.Blocks) p $"{p}")
        ]

let private examples =
    testList
        "examples"
        [
            testCase "the five partitions of three elements" (fun () ->
                Expect.equal
                    (SetPartition.enumerate 3 |> Array.map string)
                    [| "{0,1,2}"; "{0,1|2}"; "{0,2|1}"; "{0|1,2}"; "{0|1|2}" |]
                    "order of restricted growth strings")

            testCase "blocks come back by least element, each increasing" (fun () ->
                let p = SetPartition.ofBlocks [ [ 4; 2 ]; [ 3; 0 ]; [ 1 ] ]
                Expect.equal p.Blocks [| [| 0; 3 |]; [| 1 |]; [| 2; 4 |] |] "blocks"
                Expect.equal p (SetPartition.ofLabels [| 7; -1; 5; 7; 5 |]) "labels"
                Expect.equal (p.BlockOf 4) 2 "block of 4"
                Expect.equal $"%A{p}" "{0,3|1|2,4}" "text")

            testCase "mu from the finest to the coarsest partition of five is 4!" (fun () ->
                Expect.equal (SetPartition.moebius (SetPartition.finest 5) (SetPartition.coarsest 5)) 24I "mu"
                Expect.equal (SetPartition.moebius (SetPartition.coarsest 5) (SetPartition.finest 5)) 0I "not ordered")
        ]

let private refused (part: string) (action: unit -> unit) =
    Expect.throwsC action (fun error ->
        Expect.isTrue (error :? ArgumentException) $"{error.GetType()}"
        Expect.stringContains error.Message part "message")

let private badInput =
    testList
        "bad input"
        [
            testCase "an element in two blocks" (fun () ->
                refused "1 is in blocks 0 and 1" (fun () -> SetPartition.ofBlocks [ [ 0; 1 ]; [ 1; 2 ] ] |> ignore))

            testCase "an element that is missing" (fun () ->
                refused "each of 0..2" (fun () -> SetPartition.ofBlocks [ [ 0; 1 ]; [ 3 ] ] |> ignore))

            testCase "an empty block" (fun () ->
                refused "block 1 is" (fun () -> SetPartition.ofBlocks [ [ 0 ]; [] ] |> ignore))

            testCase "no blocks at all" (fun () ->
                refused "blocks" (fun () -> SetPartition.ofBlocks (null: int[][]) |> ignore))

            testCase "a negative size" (fun () ->
                refused "m must be at least 0, but is -1" (fun () -> SetPartition.enumerate -1 |> ignore))

            testCase "two sizes" (fun () ->
                let two, three = SetPartition.finest 2, SetPartition.finest 3

                for operation in [ SetPartition.join; SetPartition.meet ] do
                    refused "p has 2 elements and q has 3" (fun () -> operation two three |> ignore)

                refused "one size" (fun () -> SetPartition.refines two three |> ignore)
                refused "one size" (fun () -> SetPartition.moebius two three |> ignore))

            testCase "a list above the limit is refused with its length" (fun () ->
                refused "846749014511809332450147 " (fun () -> SetPartition.enumerate 30 |> ignore)
                refused "There are 203 " (fun () -> SetPartition.enumerateWithin 202 6 6 |> ignore)
                Expect.equal (SetPartition.enumerateWithin 203 6 6).Length 203 "at the limit"
                Expect.equal (SetPartition.enumerateAtMost 1 1000).Length 1 "few blocks of many")
        ]

let tests = testList "SetPartition" [ lattice; counts; examples; badInput ]
