module Ortho.Tests.TwoPointCorrelationTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// A random structure of up to three axes.
let private drawn (case: Case) (phases: int) =
    let random = Random case.Seed

    let shape =
        Array.init (case.Second % 3 + 1) (fun _ -> int64 (random.Next(1, 2 + case.Size)))

    let size = int (Array.reduce (*) shape)
    torch.tensor(Array.init size (fun _ -> int64 (random.Next phases))).reshape shape

let private phasesOf (case: Case) = case.Size % 3 + 2

/// The sum of the definition, by translations of the whole grid.
let private direct (phases: int) (structure: torch.Tensor) =
    let shape = structure.shape
    let axes = Array.init shape.Length int64
    let size = int (structure.numel ())

    let is p =
        structure.eq(torch.tensor (int64 p)).``to`` torch.int64

    let shiftOf flat =
        Array.init shape.Length (fun axis ->
            let stride = Array.fold (*) 1L shape[axis + 1 ..]
            int64 flat / stride % shape[axis])

    let count p q flat =
        // I_q at x + r.
        let moved = (is q).roll(shiftOf flat |> Array.map (~-), axes)
        (is p).mul(moved).sum().item<int64>()

    [|
        for p in 0 .. phases - 1 do
            for q in 0 .. phases - 1 do
                for flat in 0 .. size - 1 -> count p q flat
    |]
    |> fun counts -> torch.tensor(counts).reshape(Array.append [| int64 phases; int64 phases |] shape)

let private law name (holds: Case -> bool) =
    Property.check Property.config name (fun case -> holds case |> Prop.label name)

let private ofRows (rows: string list) =
    let cells =
        [|
            for row in rows do
                for cell in row -> int64 cell - int64 '1'
        |]

    torch.tensor(cells).reshape(int64 rows.Length, int64 rows.Head.Length)

let private ofSet (n: int) (set: int seq) =
    torch.tensor [| for i in 0 .. n - 1 -> if Seq.contains i set then 1L else 0L |]

let private root =
    ofRows [ "112"; "122"; "221"; "122" ], ofRows [ "112"; "221"; "221"; "221" ]

let private confused =
    [
        2, (fun () -> root)
        2, (fun () -> ofSet 12 [ 0; 1; 4; 6 ], ofSet 12 [ 0; 1; 3; 7 ])
        2, (fun () -> ofSet 12 [ 0; 1; 2; 4; 7 ], ofSet 12 [ 0; 1; 3; 5; 6 ])
    ]

let tests =
    testList
        "two-point correlations"
        [
            Property.check Property.costly "are the sums of the definition, exactly" (fun case ->
                let case = { case with Size = min case.Size 5 }
                let phases = phasesOf case
                let structure = drawn case phases

                (TwoPointCorrelation.ofStructure phases structure).Equals(direct phases structure)
                |> Prop.label "counts")

            law "a translation leaves them; a reflection of all axes exchanges the phases of a pair" (fun case ->
                let phases = phasesOf case
                let structure = drawn case phases
                let axes = Array.init (int structure.ndim) int64
                let random = Random(Seed.derive case.Seed 1)

                let moved =
                    structure.roll (axes |> Array.map (fun _ -> int64 (random.Next 9)), axes)

                let counts = TwoPointCorrelation.ofStructure phases structure
                let reflected = TwoPointCorrelation.ofStructure phases (structure.flip axes)

                TwoPointCorrelation.areEqual phases structure moved
                && reflected.Equals(counts.transpose (0L, 1L)))

            law "of two phases a reflection of all axes leaves them" (fun case ->
                let structure = drawn case 2
                TwoPointCorrelation.areEqual 2 structure (structure.flip (Array.init (int structure.ndim) int64)))

            law "they count: sums over a phase of the pair, and the diagonal at distance 0" (fun case ->
                let phases = phasesOf case
                let structure = drawn case phases
                let counts = (TwoPointCorrelation.ofStructure phases structure).flatten 2L
                let sizes = torch.bincount (structure.flatten (), minlength = phases)

                (counts.sum 1L).Equals(sizes.unsqueeze(-1L).expand_as(counts.sum 1L))
                && (counts.select (2L, 0L)).Equals(torch.diag sizes))

            law
                "what a translation, reflections and an exchange of phases make is related; another structure seldom"
                (fun case ->
                    let phases = phasesOf case
                    let structure = drawn case phases
                    let random = Random(Seed.derive case.Seed 2)
                    let names = Array.init phases id
                    random.Shuffle names
                    let axes = Array.init (int structure.ndim) int64
                    let flipped = axes |> Array.filter (fun _ -> random.Next 2 = 1)

                    let moved =
                        structure.roll (axes |> Array.map (fun _ -> int64 (random.Next 9)), axes)

                    let moved = if flipped.Length = 0 then moved else moved.flip flipped
                    TwoPointCorrelation.areRelated phases structure (TwoPointCorrelation.coalesce names moved))

            testCase "the published roots are confused and not related" (fun () ->
                use _ = torch.NewDisposeScope()

                for phases, pair in confused do
                    let a, b = pair ()
                    Expect.isTrue (TwoPointCorrelation.areEqual phases a b) "equal"
                    Expect.isFalse (TwoPointCorrelation.areRelated phases a b) "related"

                // One cell moved.
                Expect.isFalse
                    (TwoPointCorrelation.areEqual 2 (ofSet 12 [ 0; 1; 4; 6 ]) (ofSet 12 [ 0; 1; 4; 7 ]))
                    "another set")

            Property.check
                Property.costly
                "children of confused structures are confused: tiles of any phases, and fusions"
                (fun case ->
                    let random = Random case.Seed

                    confused
                    |> List.forall (fun (phases, pair) ->
                        let a, b = pair ()
                        let factors = Array.init (int a.ndim) (fun _ -> int64 (random.Next(1, 4)))
                        let count = phases * int (Array.reduce (*) factors)

                        let tiles =
                            torch
                                .tensor(Array.init count (fun _ -> int64 (random.Next 3)))
                                .reshape(Array.append [| int64 phases |] factors)

                        let refined = TwoPointCorrelation.refine tiles
                        let embedded = TwoPointCorrelation.embed phases factors
                        let fused = TwoPointCorrelation.coalesce [ 0; 1; 0 ]

                        TwoPointCorrelation.areEqual 3 (refined a) (refined b)
                        && TwoPointCorrelation.areEqual (phases + 1) (embedded a) (embedded b)
                        && TwoPointCorrelation.areEqual 2 (fused (refined a)) (fused (refined b)))
                    |> Prop.label "children")

            testCase "a child by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let parent = torch.tensor (array2D [ [ 0L; 1L ] ])
                let child = TwoPointCorrelation.embed 2 [ 2L; 2L ] parent
                let expected = torch.tensor (array2D [ [ 0L; 2L; 1L; 2L ]; [ 2L; 2L; 2L; 2L ] ])
                Expect.isTrue (child.Equals expected) "embedded"
                let tiles = torch.tensor([| 0L; 1L; 2L; 3L |]).reshape(2L, 1L, 2L)
                let refined = TwoPointCorrelation.refine tiles parent
                Expect.isTrue (refined.Equals(torch.tensor (array2D [ [ 0L; 1L; 2L; 3L ] ]))) "refined")

            testCase "confused sets: none below 12, then 4, 3 and 12 classes" (fun () ->
                for n in 1..11 do
                    Expect.equal (TwoPointCorrelation.confusedSets n).Count 0 $"n = {n}"

                let classes = TwoPointCorrelation.confusedSets 12
                Expect.equal classes.Count 4 "n = 12"

                Expect.equal
                    (classes |> Seq.map (fun sets -> sets[0].Length) |> Seq.sort |> List.ofSeq)
                    [ 4; 5; 5; 5 ]
                    "their sizes"

                Expect.equal
                    (classes |> Seq.find (fun sets -> sets[0].Length = 4) |> List.ofSeq)
                    [ [| 0; 1; 4; 6 |]; [| 0; 1; 3; 7 |] ]
                    "the pair of four"

                Expect.equal (TwoPointCorrelation.confusedSets 13).Count 3 "n = 13"
                Expect.equal (TwoPointCorrelation.confusedSets 14).Count 12 "n = 14"

                for sets in classes do
                    use _ = torch.NewDisposeScope()
                    let a, b = ofSet 12 sets[0], ofSet 12 sets[1]

                    Expect.isTrue
                        (TwoPointCorrelation.areEqual 2 a b && not (TwoPointCorrelation.areRelated 2 a b))
                        "by FFT")

            testCase "no tensor is left behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let a, b = root

                let live () =
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount

                let once () =
                    (TwoPointCorrelation.ofStructure 2 a).Dispose()
                    TwoPointCorrelation.areEqual 2 a b |> ignore
                    TwoPointCorrelation.areRelated 2 a b |> ignore
                    (TwoPointCorrelation.embed 2 [ 2L; 3L ] a).Dispose()
                    (TwoPointCorrelation.coalesce [ 1; 0 ] a).Dispose()

                once ()
                let before = live ()
                once ()
                Expect.equal (live ()) before "live tensors")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let a, _ = root
                Refusal.expect "floats" (fun () -> TwoPointCorrelation.ofStructure 2 (torch.ones 3L) |> ignore)
                Refusal.expect "phases" (fun () -> TwoPointCorrelation.ofStructure 0 a |> ignore)
                Refusal.expect "a phase too high" (fun () -> TwoPointCorrelation.ofStructure 1 a |> ignore)
                Refusal.expect "negative" (fun () -> TwoPointCorrelation.ofStructure 2 (a.neg ()) |> ignore)
                Refusal.expect "shapes" (fun () -> TwoPointCorrelation.areEqual 2 a (a.t ()) |> ignore)
                Refusal.expect "many phases" (fun () -> TwoPointCorrelation.areRelated 9 a a |> ignore)
                Refusal.expect "tiles" (fun () -> TwoPointCorrelation.refine a a |> ignore)

                Refusal.expect "few tiles" (fun () ->
                    TwoPointCorrelation.refine (a.narrow(0L, 0L, 1L).unsqueeze 0L) a |> ignore)

                Refusal.expect "factors" (fun () -> TwoPointCorrelation.embed 2 [ 2L ] a |> ignore)
                Refusal.expect "factor 0" (fun () -> TwoPointCorrelation.embed 2 [ 2L; 0L ] a |> ignore)
                Refusal.expect "names" (fun () -> TwoPointCorrelation.coalesce [] a |> ignore)
                Refusal.expect "name below 0" (fun () -> TwoPointCorrelation.coalesce [ 0; -1 ] a |> ignore)
                Refusal.expect "n" (fun () -> TwoPointCorrelation.confusedSets 25 |> ignore))
        ]
