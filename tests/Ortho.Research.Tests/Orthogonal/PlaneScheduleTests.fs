module Ortho.Tests.Orthogonal.PlaneScheduleTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests

/// Any pairs of n coordinates, n at least 2.
let randomPairs (seed: int) (n: int) (count: int) =
    let random = System.Random seed

    Array.init count (fun _ ->
        let i = random.Next n
        struct (i, (i + 1 + random.Next(n - 1)) % n))

let private rounds (schedule: PlaneSchedule) =
    [ for round in schedule.Rounds -> [ for struct (i, j) in round -> i, j ] ]

let private pairs schedule = List.concat (rounds schedule)

let private coordinates pairs =
    pairs |> List.collect (fun (i, j) -> [ i; j ])

let private isDistinct items = List.distinct items = items

let private areDisjoint schedule =
    rounds schedule |> List.forall (coordinates >> isDistinct)

let private every (n: int) =
    [
        for i in 0 .. n - 1 do
            for j in i + 1 .. n - 1 do
                i, j
    ]

let private laws =
    let check name (law: Case -> bool) =
        Property.check Property.config name (fun case -> law case |> Prop.label "broken")

    testList
        "laws"
        [
            check "a round robin meets every pair once, in the fewest rounds of disjoint pairs" (fun case ->
                let n = case.Size * case.Second
                let schedule = PlaneSchedule.roundRobin n

                List.sort (pairs schedule) = every n
                && areDisjoint schedule
                && schedule.RoundCount = (if n = 1 then 0 else n - 1 + n % 2))

            check "a butterfly turns i with i XOR 2^k in round k, every coordinate once" (fun case ->
                let n = 1 <<< case.Size
                let schedule = PlaneSchedule.butterfly n

                schedule.RoundCount = case.Size
                && rounds schedule
                   |> List.indexed
                   |> List.forall (fun (k, round) ->
                       List.sort (coordinates round) = [ 0 .. n - 1 ]
                       && round |> List.forall (fun (i, j) -> (i ^^^ j) = (1 <<< k) && i < j)))

            check
                "a tournament has n - 1 pairs in ceil(log2 n) rounds; who loses does not come back; 0 wins"
                (fun case ->
                    let n = case.Size * case.Second
                    let schedule = PlaneSchedule.tournament n
                    let losers = pairs schedule |> List.map snd

                    let isOut =
                        pairs schedule
                        |> List.indexed
                        |> List.forall (fun (place, (i, j)) ->
                            let before = List.take place losers
                            not (List.contains i before) && not (List.contains j before))

                    areDisjoint schedule
                    && isOut
                    && List.sort losers = [ 1 .. n - 1 ]
                    && schedule.RoundCount = int (ceil (System.Math.Log2(float n))))

            check "pairs keep their order, and a round ends only where a coordinate comes again" (fun case ->
                let n = case.Size + 1
                let given = randomPairs case.Seed n (3 * case.Second)
                let schedule = PlaneSchedule.ofPairs n given

                Seq.toArray schedule.Pairs = given
                && areDisjoint schedule
                && rounds schedule
                   |> List.pairwise
                   |> List.forall (fun (before, after) ->
                       let i, j = after.Head
                       coordinates before |> List.exists (fun k -> k = i || k = j)))

            check "the reverse of the reverse is the schedule itself" (fun case ->
                let n = case.Size + 1
                let schedule = PlaneSchedule.ofPairs n (randomPairs case.Seed n (3 * case.Second))
                let reversed = PlaneSchedule.reversed schedule

                pairs reversed = List.rev (pairs schedule)
                && areDisjoint reversed
                && PlaneSchedule.reversed reversed = schedule)

            check "merged rounds are as few as any that keep the order of pairs that meet" (fun case ->
                let n = case.Size + 1
                let schedule = PlaneSchedule.ofPairs n (randomPairs case.Seed n (4 * case.Second))
                let merged = PlaneSchedule.merge schedule
                let old = Seq.toArray schedule.Pairs
                let order = Seq.toList merged.Order
                let place = order |> List.indexed |> List.map (fun (a, b) -> b, a) |> Map.ofList

                let meet (struct (a, b)) (struct (c, d)) = a = c || a = d || b = c || b = d

                let keepsOrder =
                    Seq.forall
                        (fun (r, s) -> not (meet old[int r] old[int s]) || place[r] < place[s])
                        (Seq.allPairs place.Keys place.Keys |> Seq.filter (fun (r, s) -> r < s))
                // Then some chain of pairs that meet is as long as there are rounds.
                let isFewest =
                    rounds merged.Schedule
                    |> List.pairwise
                    |> List.forall (fun (before, after) ->
                        after
                        |> List.forall (fun (i, j) -> coordinates before |> List.exists (fun k -> k = i || k = j)))

                [ for r in order -> old[int r] ] = Seq.toList merged.Schedule.Pairs
                && List.sort order = [ 0L .. int64 schedule.Count - 1L ]
                && areDisjoint merged.Schedule
                && keepsOrder
                && isFewest)
        ]

let private examples =
    testList
        "examples"
        [
            testCase "a tournament of five" (fun () ->
                Expect.equal
                    (rounds (PlaneSchedule.tournament 5))
                    [ [ 0, 1; 2, 3 ]; [ 0, 2 ]; [ 0, 4 ] ]
                    "survivors at strides 1, 2, 4")

            testCase "neighbours of four, alone and with a pair that can move up" (fun () ->
                Expect.equal (rounds (PlaneSchedule.sequential 4)) [ [ 0, 1 ]; [ 1, 2 ]; [ 2, 3 ] ] "neighbours"

                let merged =
                    PlaneSchedule.ofPairs 4 [ struct (0, 1); struct (1, 2); struct (3, 0); struct (2, 3) ]
                    |> PlaneSchedule.merge

                Expect.equal (rounds merged.Schedule) [ [ 0, 1 ]; [ 1, 2; 3, 0 ]; [ 2, 3 ] ] "merged"
                Expect.sequenceEqual merged.Order [ 0L; 1L; 2L; 3L ] "order"

                let late =
                    PlaneSchedule.ofRounds
                        4
                        [ [ struct (0, 1) ]; [ struct (1, 2) ]; [ struct (2, 0) ]; [ struct (3, 1) ] ]
                    |> PlaneSchedule.merge

                Expect.equal (rounds late.Schedule) [ [ 0, 1 ]; [ 1, 2 ]; [ 2, 0; 3, 1 ] ] "merged"
                Expect.equal (string late.Schedule) "4 planes of [4] in 3 rounds" "in words")

            testCase "a size of one has no pairs, one of two a single one" (fun () ->
                for schedule in
                    [
                        PlaneSchedule.sequential
                        PlaneSchedule.roundRobin
                        PlaneSchedule.butterfly
                        PlaneSchedule.tournament
                    ] do
                    Expect.equal (rounds (schedule 1)) [] "one"
                    Expect.equal (rounds (schedule 2)) [ [ 0, 1 ] ] "two")

            testCase "given rounds stay as they are, empty ones vanish" (fun () ->
                let schedule =
                    PlaneSchedule.ofRounds 5 [ [ struct (4, 0) ]; []; [ struct (1, 2); struct (0, 4) ] ]

                Expect.equal (rounds schedule) [ [ 4, 0 ]; [ 1, 2; 0, 4 ] ] "rounds"
                Expect.equal (schedule.Size, schedule.Count, schedule.RoundCount) (5, 3, 2) "numbers")
        ]

let private refusals =
    testCase "bad input is refused, and the pairs that clash are named" (fun () ->
        for name, (body: unit -> PlaneSchedule) in
            [
                "no coordinate", (fun () -> PlaneSchedule.sequential 0)
                "negative size", (fun () -> PlaneSchedule.tournament -1)
                "more pairs than memory", (fun () -> PlaneSchedule.roundRobin 100_000)
                "not a power of two", (fun () -> PlaneSchedule.butterfly 6)
                "no power of two", (fun () -> PlaneSchedule.butterfly 0)
                "no pairs", (fun () -> PlaneSchedule.ofPairs 3 null)
                "a null round", (fun () -> PlaneSchedule.ofRounds 3 [ null ])
                "one coordinate twice", (fun () -> PlaneSchedule.ofPairs 3 [ struct (1, 1) ])
                "null", (fun () -> PlaneSchedule.reversed Unchecked.defaultof<_>)
                for bad in [ -1; 3; System.Int32.MinValue; System.Int32.MaxValue ] do
                    $"first {bad}", (fun () -> PlaneSchedule.ofPairs 3 [ struct (bad, 1) ])
                    $"second {bad}", (fun () -> PlaneSchedule.ofRounds 3 [ [ struct (1, bad) ] ])
            ] do
            Refusal.expect name (fun () -> body () |> ignore)

        Expect.throwsC
            (fun () ->
                PlaneSchedule.ofRounds 5 [ [ struct (0, 3) ]; [ struct (0, 1); struct (4, 1) ] ]
                |> ignore)
            (fun error -> Expect.stringContains error.Message "(0, 1) and (4, 1) of round 1 share 1" "what clashes"))

let tests = testList "PlaneSchedule" [ laws; examples; refusals ]
