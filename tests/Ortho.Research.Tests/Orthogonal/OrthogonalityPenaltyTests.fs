module Ortho.Tests.Orthogonal.OrthogonalityPenaltyTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private draw (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Second ])

let private value (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

/// |W W* - I|^2 of one matrix, in full.
let private plain (w: torch.Tensor) =
    Dense.size (w.matmul w.mH - Dense.identity (TensorKind.ofTensor w) w.shape[0])
    ** 2.0

let private apart (seen: torch.Tensor) (expected: float) =
    abs (value seen - expected) / (1.0 + abs expected)

/// The rows of the given numbers.
let private pick (rows: seq<int64>) (w: torch.Tensor) =
    torch.stack [| for row in rows -> w[row] |]

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"penalties on {bench}"
        [
            check "of rows and columns are the plain ones" (fun case ->
                let w = draw bench { case with Batch = [] }

                max
                    (apart (OrthogonalityPenalty.rows w) (plain w))
                    (apart (OrthogonalityPenalty.columns w) (plain w.mH))
                |> Property.within bench.Product "distance")

            check "of a batch are those of its matrices" (fun case ->
                let w = draw bench case

                let last =
                    if case.Batch.IsEmpty then
                        [||]
                    else
                        case.Batch
                        |> List.map (fun n -> torch.TensorIndex.Single(n - 1L))
                        |> List.toArray

                [
                    OrthogonalityPenalty.rows
                    OrthogonalityPenalty.columns
                    OrthogonalityPenalty.restrictedIsometry
                    OrthogonalityPenalty.interGroup 1L
                    OrthogonalityPenalty.intraGroup 1L
                ]
                |> List.map (fun penalty ->
                    let together = penalty w

                    if together.shape <> List.toArray case.Batch then infinity
                    elif last.Length = 0 then 0.0
                    else apart together[last] (value (penalty w[last])))
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "of orthonormal columns is zero, and m - n of their rows" (fun case ->
                let m, n = int64 (max case.Size case.Second), int64 (min case.Size case.Second)
                let q = Dense.frame case.Seed bench.Kind m n

                [
                    apart (OrthogonalityPenalty.columns q) 0.0
                    apart (OrthogonalityPenalty.rows q) (float (m - n))
                    apart (OrthogonalityPenalty.restrictedIsometry q) 0.0
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "of restricted isometry is the largest |s^2 - 1| over singular values" (fun case ->
                let w = draw bench { case with Batch = [] }

                let expected =
                    Dense.singularValues w
                    |> Array.map (fun s -> abs (s * s - 1.0))
                    |> Array.reduce max

                apart (OrthogonalityPenalty.restrictedIsometry w) expected
                |> Property.within bench.Product "distance")

            check "of groups are sums over their sets of rows" (fun case ->
                let groups, size = int64 case.Second, int64 (1 + case.Seed % 4)
                let w = Seed.normal case.Seed bench.Kind [ groups * size; int64 case.Size ]

                let consecutive =
                    [ for g in 0L .. groups - 1L -> pick [ g * size .. g * size + size - 1L ] w ]

                let across =
                    [
                        for i in 0L .. size - 1L -> pick [ for g in 0L .. groups - 1L -> g * size + i ] w
                    ]

                max
                    (apart (OrthogonalityPenalty.interGroup groups w) (List.sumBy plain consecutive))
                    (apart (OrthogonalityPenalty.intraGroup groups w) (List.sumBy plain across))
                |> Property.within bench.Product "distance")

            check "of one group is that of rows; of groups of one row it makes lengths 1" (fun case ->
                let w = draw bench { case with Batch = [] }
                let m = int64 case.Size
                let lengths = (w.abs().square().sum -1L - 1.0).square().sum() |> value

                [
                    apart (OrthogonalityPenalty.interGroup 1L w) (plain w)
                    apart (OrthogonalityPenalty.interGroup m w) lengths
                    apart (OrthogonalityPenalty.intraGroup 1L w) lengths
                    apart (OrthogonalityPenalty.intraGroup m w) (plain w)
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "of rows do not see a unitary map after them" (fun case ->
                let w = draw bench case

                let q =
                    Dense.frame (case.Seed + 1) bench.Kind (int64 case.Second) (int64 case.Second)

                [ OrthogonalityPenalty.rows; OrthogonalityPenalty.interGroup (int64 case.Size) ]
                |> List.map (fun penalty -> Law.distance (penalty (w.matmul q)) (penalty w))
                |> List.reduce max
                |> Property.within bench.Product "distance")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]

                Dense.growthOfResults (fun () ->
                    [
                        OrthogonalityPenalty.rows w
                        OrthogonalityPenalty.columns w
                        OrthogonalityPenalty.restrictedIsometry w
                        OrthogonalityPenalty.interGroup 2L w
                        OrthogonalityPenalty.intraGroup 2L w
                    ])
                |> fun grown -> Expect.equal grown 0L "results alone")
        ]

let private slope (penalty: torch.Tensor -> torch.Tensor) (w: torch.Tensor) =
    let leaf = w.detach().clone().requires_grad_ true
    (penalty leaf).sum().backward()
    leaf.grad

let private gradients (bench: Bench) =
    testList
        $"gradients on {bench}"
        [
            Property.check Property.config "are 4 W (W* W - I), of rows and of columns" (fun case ->
                let w = draw bench case
                let expected = 4.0 * (w.matmul (w.mH.matmul w) - w)

                max
                    (Law.distance (slope OrthogonalityPenalty.rows w) expected)
                    (Law.distance (slope OrthogonalityPenalty.columns w) expected)
                |> Property.within bench.Product "distance")

            Property.check
                Property.config
                "of lambda / 2 make a step of 1 / (4 lambda) a step of Newton and Schulz"
                (fun case ->
                    let w = draw bench case
                    let lambda = 0.1 * float case.Second

                    let penalty w =
                        OrthogonalityPenalty.columns w * (lambda / 2.0)

                    let step = w - slope penalty w / (4.0 * lambda)
                    let expected = 1.5 * w - 0.5 * w.matmul (w.mH.matmul w)

                    Dense.size (step - expected) / (Dense.size w + Dense.size expected)
                    |> Property.within bench.Product "distance")

            Property.check Property.costly "are right, also in complex weights" (fun case ->
                let w = Seed.normal case.Seed bench.Kind [ 4L; int64 case.Size; 2L ]

                [
                    OrthogonalityPenalty.rows
                    OrthogonalityPenalty.columns
                    OrthogonalityPenalty.restrictedIsometry
                    OrthogonalityPenalty.interGroup 2L
                    OrthogonalityPenalty.intraGroup 2L
                ]
                |> List.map (fun penalty ->
                    max
                        (Law.gradient case.Seed penalty (w.select (2L, 0L)))
                        (Law.gradient case.Seed (Dense.complexOf >> penalty) w))
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")
        ]

let private stalls =
    testCase "more rows than columns: all rows stall at m - n, groups of fewer reach zero" (fun () ->
        use _ = torch.NewDisposeScope()
        let start = Seed.normal 1 TensorKind.float64 [ 16L; 4L ] * 0.3

        let descend (penalty: torch.Tensor -> torch.Tensor) =
            let mutable w = start

            for _ in 1..2000 do
                w <- w - 0.02 * slope penalty w

            value (penalty w)

        Expect.floatClose Accuracy.high (descend OrthogonalityPenalty.rows) 12.0 "all rows: 16 - 4"
        Expect.isLessThan (descend (OrthogonalityPenalty.interGroup 8L)) 1e-6 "8 groups of 2")

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let w = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]

        for name, (body: unit -> unit) in
            [
                "vector", (fun () -> OrthogonalityPenalty.rows w[0] |> ignore)
                "empty", (fun () -> OrthogonalityPenalty.columns (torch.zeros (0L, 2L)) |> ignore)
                "integers", (fun () -> OrthogonalityPenalty.rows (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                "null", (fun () -> OrthogonalityPenalty.restrictedIsometry null |> ignore)
                "no groups", (fun () -> OrthogonalityPenalty.interGroup 0L w |> ignore)
                "groups that do not divide", (fun () -> OrthogonalityPenalty.intraGroup 3L w |> ignore)
            ] do
            Refusal.expect name body)

let tests =
    testList
        "OrthogonalityPenalty"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            stalls
            refusals
        ]
