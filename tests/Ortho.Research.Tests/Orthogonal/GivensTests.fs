module Ortho.Tests.Orthogonal.GivensTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// One schedule of each kind, on about `size` coordinates.
let private schedules (case: Case) =
    let n = case.Size + 1

    let mixed =
        PlaneSchedule.ofPairs n (PlaneScheduleTests.randomPairs case.Seed n (3 * n))

    [
        PlaneSchedule.sequential case.Size
        PlaneSchedule.roundRobin case.Size
        PlaneSchedule.butterfly (1 <<< case.Second % 4)
        PlaneSchedule.tournament case.Size
        mixed
        PlaneSchedule.reversed mixed
        (PlaneSchedule.merge mixed).Schedule
    ]

let private anglesOf (bench: Bench) (case: Case) (schedule: PlaneSchedule) =
    Seed.normal case.Seed bench.Kind [ int64 schedule.Count ]

/// The largest of a residual over the schedules.
let private worst (case: Case) (residual: PlaneSchedule -> float) =
    schedules case |> List.map residual |> List.reduce max

/// The matrix of one rotation, entry by entry.
let private plane (n: int) (struct (i, j)) (t: float) =
    let entries = Array2D.init n n (fun a b -> if a = b then 1.0 else 0.0)
    entries[i, i] <- cos t
    entries[j, j] <- cos t
    entries[i, j] <- -(sin t)
    entries[j, i] <- sin t
    torch.tensor (entries, dtype = torch.float64)

/// The dense product in float64, the first pair rightmost.
let private product (schedule: PlaneSchedule) (angles: torch.Tensor) =
    let numbers =
        [
            for r in 0L .. int64 schedule.Count - 1L -> angles[r].``to``(torch.float64).item<float>()
        ]

    Seq.fold2
        (fun (q: torch.Tensor) pair t -> (plane schedule.Size pair t).matmul q)
        (Dense.identity TensorKind.float64 (int64 schedule.Size))
        schedule.Pairs
        numbers
    |> _.``to``(angles.dtype, angles.device)

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"laws on {bench}"
        [
            check "a chain is the product of its rotations, one dense matrix after the other" (fun case ->
                worst case (fun schedule ->
                    let angles = anglesOf bench case schedule
                    let expected = product schedule angles
                    let q = Givens.chain schedule angles

                    max
                        (Law.distance (LinearMap.toMatrix q) expected)
                        (Law.distance (LinearMap.toMatrix q.Adjoint) (expected.t ())))
                |> Property.within bench.Product "distance")

            check "a chain is its rotations one after the other, the first pair acting first" (fun case ->
                let n = case.Size + 1
                let pairs = PlaneScheduleTests.randomPairs case.Seed n case.Second
                let schedule = PlaneSchedule.ofPairs n pairs
                let angles = anglesOf bench case schedule

                let composed =
                    pairs
                    |> Array.mapi (fun r (struct (i, j)) -> Givens.rotation n (i, j) angles[int64 r])
                    |> Array.reduce (fun first next -> LinearMap.andThen next first)

                Law.equality case.Seed (Givens.chain schedule angles) composed
                |> Property.within bench.Product "distance")

            check "its determinant is 1, and angles of zero leave all as it is" (fun case ->
                worst case (fun schedule ->
                    let angles = anglesOf bench case schedule

                    let determinant =
                        torch.linalg.det (LinearMap.toMatrix (Givens.chain schedule angles))

                    let still = Givens.chain schedule (torch.zeros_like angles)
                    let x = case.Draw bench still.Domain

                    max
                        (Law.distance determinant (torch.ones_like determinant))
                        (if Law.distance (still.Apply x) x = 0.0 then
                             0.0
                         else
                             infinity))
                |> Property.within bench.Product "determinant")

            check "merged rounds give the same product" (fun case ->
                worst case (fun schedule ->
                    let angles = anglesOf bench case schedule
                    let merged = PlaneSchedule.merge schedule
                    let order = torch.tensor (Seq.toArray merged.Order, device = bench.Kind.Device)

                    Law.equality
                        case.Seed
                        (Givens.chain schedule angles)
                        (Givens.chain merged.Schedule (angles.index_select (0L, order))))
                |> Property.within bench.Product "distance")

            check "the factors of an orthogonal matrix give it back, whatever its determinant" (fun case ->
                let n = int64 case.Size
                let q = Dense.frame case.Seed bench.Kind n n
                let found = Givens.factors q
                let determinant = Math.Sign(torch.linalg.det(q).``to``(torch.float64).item<float>())
                let rounds = if case.Size = 1 then 0 else 2 * case.Size - 3

                if
                    found.Determinant = determinant
                    && found.Schedule.Count = case.Size * (case.Size - 1) / 2
                    && found.Schedule.RoundCount = rounds
                then
                    Law.distance (LinearMap.toMatrix (Givens.ofMatrix q)) q
                else
                    infinity
                |> Property.within bench.Product "distance")

            check "tournament angles turn x onto the first unit vector, and with them any x to any y" (fun case ->
                let n = int64 case.Size + 1L
                let schedule = PlaneSchedule.tournament (int n)

                let x, y =
                    Seed.normal case.Seed bench.Kind [ n ], Seed.normal (case.Seed + 1) bench.Kind [ n ]

                let y = y * (x.norm () / y.norm ())
                let down = Givens.chain schedule (Givens.tournamentAngles x)
                let up = (Givens.chain schedule (Givens.tournamentAngles y)).Adjoint
                let target = (Dense.identity bench.Kind n).select(0L, 0L) * x.norm ()

                max (Law.distance (down.Apply x) target) (Law.distance ((up * down).Apply x) y)
                |> Property.within bench.Product "distance")

            check "tournament angles of a batch are those of its elements" (fun case ->
                let x = Seed.normal case.Seed bench.Kind [ 2L; 3L; int64 case.Size + 1L ]

                let all = Givens.tournamentAngles x

                Law.distance all[1L, 2L] (Givens.tournamentAngles x[1L, 2L])
                |> Property.within bench.Product "distance")

            testCase "ready-made matrices and vectors: identity, a swap, zeros" (fun () ->
                use _ = torch.NewDisposeScope()
                let identity = Dense.identity bench.Kind 4L

                let swap =
                    identity.index_select (0L, torch.tensor ([| 0L; 2L; 1L; 3L |], device = bench.Kind.Device))

                for q, determinant in [ identity, 1; swap, -1; -identity, 1 ] do
                    Expect.equal (Givens.factors q).Determinant determinant "determinant"
                    let found = LinearMap.toMatrix (Givens.ofMatrix q)
                    Expect.isLessThanOrEqual (Law.distance found q) bench.Product "given back"

                Expect.equal (Dense.size (Givens.factors identity).Angles) 0.0 "nothing to turn"
                Expect.equal (Dense.size (Givens.tournamentAngles (identity[0L]))) 0.0 "there already"
                Expect.equal (Dense.size (Givens.tournamentAngles (torch.zeros_like identity))) 0.0 "zeros")

            testCase "a quarter turn takes i to j and j to -i" (fun () ->
                use _ = torch.NewDisposeScope()
                let identity = Dense.identity bench.Kind 3L
                let quarter = torch.ones_like identity[0L, 0L] * (Math.PI / 2.0)
                let q = Givens.rotation 3 (2, 0) quarter
                Expect.isLessThanOrEqual (Law.distance (q.Apply identity[2L]) identity[0L]) bench.Product "i to j"
                Expect.isLessThanOrEqual (Law.distance (q.Apply identity[0L]) -identity[2L]) bench.Product "j to -i"
                Expect.equal (Law.distance (q.Apply identity[1L]) identity[1L]) 0.0 "the other stays"

                let chain =
                    Givens.chain (PlaneSchedule.sequential 3) (Seed.normal 1 bench.Kind [ 2L ])

                Expect.equal [ string q; string chain ] [ "G(2,0)[3]"; "G[2x3]" ] "formulas")

            testCase
                "partners at every stride are the right ones: taken from the adjacent column, as in GOFT's code, they turn nothing"
                (fun () ->
                    use _ = torch.NewDisposeScope()

                    for n in [ 4; 8 ] do
                        let schedule = PlaneSchedule.tournament n
                        let angles = Seed.normal n bench.Kind [ int64 schedule.Count ]
                        let ours = LinearMap.toMatrix (Givens.chain schedule angles)
                        Expect.isLessThanOrEqual (Law.orthogonality ours) bench.Product "ours"

                        // y_i = c x_i - s x_(i+1), y_j = s x_(j+1) + c x_j for pairs (i, j) of any stride.
                        let theirs =
                            Seq.zip schedule.Pairs (angles.``to``(torch.float64, torch.CPU).data<float>().ToArray())
                            |> Seq.fold
                                (fun (q: torch.Tensor) (struct (i, j), t) ->
                                    let step = plane n (struct (i, j)) t

                                    if j > i + 1 then
                                        step[i, i ^^^ 1] <- step[i, j].clone()
                                        step[j, j ^^^ 1] <- step[j, i].clone()
                                        step[i, j] <- torch.zeros ([||], dtype = torch.float64)
                                        step[j, i] <- torch.zeros ([||], dtype = torch.float64)

                                    step.matmul q)
                                (Dense.identity TensorKind.float64 (int64 n))

                        Expect.isGreaterThan (Law.orthogonality theirs) 0.05 "theirs")
        ]

let private complexLaws (bench: Bench) =
    Property.check Property.config $"complex vectors turn as their parts do on {bench}, conjugates too" (fun case ->
        worst case (fun schedule ->
            let angles = (anglesOf bench case schedule).real.contiguous()
            let z = case.Draw bench (Space.Of(int64 schedule.Size))

            let real, complex =
                Givens.chain schedule angles, Givens.complexChain schedule angles

            let expected =
                torch.complex (real.Apply(z.real.contiguous ()), real.Apply(z.imag.contiguous ()))

            let lazily = z.conj ()

            [
                Law.distance (complex.Apply z) expected
                Law.distance (complex.Apply lazily) (expected.conj ())
                // The imaginary part of a lazy conjugate has a lazy sign.
                Law.distance (real.Apply lazily.imag) -expected.imag
            ]
            |> List.reduce max)
        |> Property.within bench.Product "distance")

let private ranks =
    testCase "a round robin's angles move the product in every direction, neighbours' in n - 1" (fun () ->
        use _ = torch.NewDisposeScope()

        let rank (schedule: PlaneSchedule) (seed: int) =
            let angles = Seed.normal seed TensorKind.float64 [ int64 schedule.Count ]

            let matrix (angles: torch.Tensor) =
                (LinearMap.toMatrix (Givens.chain schedule angles)).flatten()

            let step = 1e-5

            let columns =
                [|
                    for unit in (Dense.identity TensorKind.float64 angles.shape[0] * step).unbind 0 ->
                        (matrix (angles + unit) - matrix (angles - unit)) / (2.0 * step)
                |]

            // Differences are good to 1e-10.
            torch.linalg.matrix_rank(torch.stack columns, atol = 1e-6).item<int64>()

        for n in [ 4; 6; 8 ] do
            for seed in 1..3 do
                Expect.equal (rank (PlaneSchedule.roundRobin n) seed) (int64 (n * (n - 1) / 2)) "dim SO(n)"
                Expect.equal (rank (PlaneSchedule.sequential n) seed) (int64 (n - 1)) "neighbours")

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let draw (shape: int64 list) = Seed.normal 1 TensorKind.float64 shape
        let schedule = PlaneSchedule.sequential 4
        let scalar = draw []

        for name, (body: unit -> obj) in
            [
                "too few angles", (fun () -> Givens.chain schedule (draw [ 2L ]) :> obj)
                "too many angles", (fun () -> Givens.chain schedule (draw [ 4L ]))
                "a batch of angles", (fun () -> Givens.chain schedule (draw [ 1L; 3L ]))
                "complex angles", (fun () -> Givens.chain schedule (torch.zeros (3L, dtype = torch.complex128)))
                "integer angles", (fun () -> Givens.chain schedule (torch.zeros (3L, dtype = torch.int64)))
                "no schedule", (fun () -> Givens.chain Unchecked.defaultof<_> (draw [ 3L ]))
                "no angles", (fun () -> Givens.chain schedule null)
                "half angles", (fun () -> Givens.complexChain schedule (torch.zeros (3L, dtype = torch.float16)))
                "i too large", (fun () -> Givens.rotation 3 (3, 0) scalar)
                "j negative", (fun () -> Givens.rotation 3 (0, -1) scalar)
                "one coordinate", (fun () -> Givens.rotation 3 (1, 1) scalar)
                "an angle with an axis", (fun () -> Givens.rotation 3 (0, 1) (draw [ 1L ]))
                "not orthogonal", (fun () -> Givens.factors (draw [ 3L; 3L ]))
                "a frame", (fun () -> Givens.ofMatrix (Dense.frame 1 TensorKind.float64 3L 2L))
                "complex", (fun () -> Givens.factors (Dense.frame 1 (TensorKind.cpu torch.complex128) 3L 3L))
                "one entry", (fun () -> Givens.tournamentAngles (draw [ 3L; 1L ]))
                "no axis", (fun () -> Givens.tournamentAngles scalar)
                "complex entries", (fun () -> Givens.tournamentAngles (torch.zeros (3L, dtype = torch.complex64)))
            ] do
            Refusal.expect name (fun () -> body () |> ignore))

let private memory =
    testCase "factors, angles and maps leave nothing behind" (fun () ->
        use _ = torch.NewDisposeScope()
        let q = Dense.frame 1 TensorKind.float64 5L 5L
        let x = Seed.normal 2 TensorKind.float64 [ 3L; 5L ]
        let angles = Seed.normal 3 TensorKind.float64 [ 4L ]
        let map = Givens.chain (PlaneSchedule.sequential 5) angles

        let grown =
            Dense.growthOfResults (fun () ->
                [
                    (Givens.factors q).Angles
                    Givens.tournamentAngles x
                    map.Apply x
                    map.Adjoint.Apply x
                ])

        Expect.equal grown 0L "live tensors")

let tests =
    testList
        "Givens"
        [
            yield! Bench.real |> List.map laws
            yield! Bench.complex |> List.map complexLaws
            ranks
            refusals
            memory
        ]
