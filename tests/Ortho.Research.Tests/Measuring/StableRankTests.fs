module Ortho.Tests.StableRankTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private numbers (x: torch.Tensor) =
    x.``to``(torch.float64).reshape(-1L).cpu().data<float>().ToArray()

let private laws (bench: Bench) =
    testList
        $"on {bench}"
        [
            Property.check Property.config "lies from 1 to the rank" (fun case ->
                // Of rank at most Second.
                let m, n, r = int64 case.Size, int64 case.Size + 2L, int64 case.Second

                let draw part shape =
                    Seed.normal (Seed.derive case.Seed part) bench.Kind (case.Batch @ shape)

                let a = (draw 1 [ m; r ]).matmul(draw 2 [ r; n ])

                numbers (StableRank.ofMatrix a)
                |> Array.map (fun rank -> max (1.0 - rank) (rank - float (min m r)))
                |> Array.reduce max
                |> Property.within bench.Product "excess")

            Property.check Property.config "knows neither scale nor unitary maps, and is |A|_F^2 / |A|_2^2" (fun case ->
                let m, n = int64 case.Size, int64 case.Second
                let a = Seed.normal case.Seed bench.Kind (case.Batch @ [ m; n ])

                let haar part size =
                    (if torch.is_complex bench.Kind.Dtype then
                         Haar.unitary
                     else
                         Haar.orthogonal)
                        (Seed.derive case.Seed part)
                        bench.Kind
                        size

                let turned = (haar 1 m).matmul(a).matmul(haar 2 n)
                let rank = StableRank.ofMatrix a

                let expected =
                    a.abs().square().sum([| -2L; -1L |]) / (SpectralNorm.exact a).square()

                [
                    Law.distance (StableRank.ofMatrix turned) rank
                    Law.distance (StableRank.ofMatrix (a * 1e15)) rank
                    Law.distance (StableRank.ofMatrix (a * 1e-15)) rank
                    Law.distance expected rank
                ]
                |> List.reduce max
                |> Property.within bench.Product "rank")
        ]

let tests =
    testList
        "stable rank"
        [
            yield! Bench.all |> List.map laws

            Property.check Property.costly "its gradient is right" (fun case ->
                Seed.normal case.Seed TensorKind.float64 [ 2L; int64 case.Second; 3L ]
                |> Law.gradient case.Seed StableRank.ofMatrix
                |> Property.within Bench.gradient "gradient")

            testCase "by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let rank (a: torch.Tensor) = (numbers (StableRank.ofMatrix a))[0]

                Expect.floatClose Accuracy.veryHigh (rank (torch.eye (4L, dtype = torch.float64))) 4.0 "identity"
                Expect.floatClose Accuracy.veryHigh (rank (torch.ones (3L, 5L, dtype = torch.float64))) 1.0 "rank one"

                Expect.floatClose
                    Accuracy.veryHigh
                    (rank (torch.diag (torch.tensor [| 2.0; 1.0; -1.0 |])))
                    1.5
                    "diag (2, 1, -1)"

                Expect.equal (rank (torch.zeros (2L, 2L, dtype = torch.float64))) 0.0 "zero"
                Expect.equal (StableRank.ofMatrix (torch.zeros (0L, 2L, 2L))).shape [| 0L |] "empty batch")

            testCase "leaves nothing behind" (fun () ->
                use a = Seed.normal 1 TensorKind.float64 [ 3L; 4L ]
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

                for _ in 1..1000 do
                    (StableRank.ofMatrix a).Dispose()

                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                Refusal.expect "axes" (fun () -> StableRank.ofMatrix (torch.zeros 3L) |> ignore)
                Refusal.expect "empty" (fun () -> StableRank.ofMatrix (torch.zeros (0L, 3L)) |> ignore)

                Refusal.expect "integers" (fun () ->
                    StableRank.ofMatrix (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore))
        ]
