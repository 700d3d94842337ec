module Ortho.Tests.Orthogonal.PolarTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// A matrix with given singular values, of any shape.
let withValues (seed: int) (kind: TensorKind) (rows: int64) (columns: int64) (values: float[]) =
    let k = min rows columns

    let diagonal =
        torch.tensor(values, dtype = torch.float64).``to``(kind.Dtype, kind.Device)

    let u = Dense.frame seed kind rows k
    let v = Dense.frame (seed + 1) kind columns k
    (u * diagonal.unsqueeze 0L).matmul v.mH, u.matmul v.mH, u, v

/// U f(S) V* for the singular values of a case, which lie between low and 1.
let drawn (low: float) (bench: Bench) (case: Case) =
    let rows, columns = int64 case.Size, int64 case.Second
    let random = Random case.Seed

    let values =
        Array.init (int (min rows columns)) (fun _ -> low + (1.0 - low) * random.NextDouble())

    let m, q, u, v = withValues case.Seed bench.Kind rows columns values

    let mapped (f: float -> float) =
        let diagonal =
            torch.tensor(Array.map f values, dtype = torch.float64).``to``(bench.Kind.Dtype, bench.Kind.Device)

        (u * diagonal.unsqueeze 0L).matmul v.mH

    m, q, values, mapped

let defect (x: torch.Tensor) =
    let isWide = x.shape[0] <= x.shape[1]
    let gram = if isWide then x.matmul x.mH else x.mH.matmul x
    Dense.identity (TensorKind.ofTensor x) gram.shape[0] - gram

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"polar factor on {bench}"
        [
            check "is U V*, as a matrix and as a map" (fun case ->
                let m, q, _, _ = drawn 0.05 bench case
                let map = Polar.ofMatrix m
                let x, y = case.Draw bench map.Domain, case.Draw bench map.Codomain

                [
                    Law.distance (Polar.factor m) q
                    Law.distance (Polar.factor (m * 1e-6)) q
                    Law.distance (map.Apply x) (x.matmul q.mT)
                    Law.distance (map.Adjoint.Apply y) (y.matmul (q.conj ()))
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "is orthonormal to rounding, whatever the condition" (fun case ->
                let m, _, _, _ = drawn 1e-4 bench case
                Law.orthogonality (Polar.factor m) |> Property.within bench.Product "defect")

            check "is nearer than any other frame, in Frobenius norm" (fun case ->
                let rows, columns = int64 case.Size + int64 case.Second, int64 case.Second
                let m = Seed.normal case.Seed bench.Kind [ rows; columns ]
                let q = Polar.factor m
                let least = Dense.size (m - q)

                let others =
                    [
                        for i in 1..5 -> Dense.frame (case.Seed + i) bench.Kind rows columns
                        for size in [ 0.3; 0.01 ] ->
                            (Exponential.matrix (Dense.skew case.Seed bench.Kind rows size)).matmul q
                    ]

                others
                |> List.map (fun other -> (least - Dense.size (m - other)) / Dense.size m)
                |> List.reduce max
                |> Property.within bench.Product "nearer by")

            check "leaves a self-adjoint positive factor" (fun case ->
                let m, q, values, _ = drawn 0.05 bench case
                let isTall = m.shape[0] >= m.shape[1]
                let q' = Polar.factor m
                let h = if isTall then q'.mH.matmul m else m.matmul q'.mH
                ignore q
                let found = Dense.singularValues h |> Array.sort

                let apart =
                    Array.map2 (fun a b -> abs (a - b)) found (Array.sort values)
                    |> Array.reduce max

                max apart (Law.distance h h.mH) |> Property.within bench.Iteration "distance")

            check "is its own polar factor, and fixed by every convergent iteration" (fun case ->
                let _, q, _, _ = drawn 0.5 bench case

                [
                    Law.distance (Polar.factor q) q
                    Law.distance (Polar.newtonSchulz 3 q) q
                    for order in 1..4 do
                        Law.distance (Polar.bjorck order 2 q) q
                    Law.distance (Polar.newtonSchulz 0 q) q
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            testCase "a batch of matrices is its matrices one by one; an empty batch is empty" (fun () ->
                use _ = torch.NewDisposeScope()

                for rows, columns in [ 4L, 4L; 6L, 3L; 3L, 6L ] do
                    let m = Seed.normal 1 bench.Kind [ 2L; 3L; rows; columns ] * 0.3

                    for name, f in
                        [
                            "factor", Polar.factor
                            "newtonSchulz", Polar.newtonSchulz 2
                            "bjorck", Polar.bjorck 3 2
                            "muon", Polar.muon 5
                            "polarExpress", Polar.polarExpress 5
                        ] do
                        let all = f m
                        let one = Law.distance all[1L, 2L] (f m[1L, 2L])
                        Expect.isLessThanOrEqual one bench.Iteration name
                        // A single batch axis takes another kernel.
                        let flat =
                            Law.distance (f (m.reshape (6L, rows, columns))) ((f m).reshape(6L, rows, columns))

                        Expect.isLessThanOrEqual flat bench.Iteration $"{name} of one batch axis"
                        Expect.equal (f (m.narrow (0L, 0L, 0L))).shape [| 0L; 3L; rows; columns |] $"{name} of nothing")

            testCase "leaves no tensor behind, with gradients and without" (fun () ->
                use _ = torch.NewDisposeScope()

                for rows in [ 3L; 5L; 7L ] do
                    let m = Seed.normal 1 bench.Kind [ rows; 5L ]
                    let leaf = m.detach().clone().requires_grad_ true

                    Dense.growth (fun () ->
                        let loss = (Polar.factor leaf).abs().sum() + (Polar.muon 2 leaf).abs().sum()
                        loss.backward ()
                        leaf.grad.Dispose()
                        leaf.grad <- null)
                    |> fun grown -> Expect.equal grown 0L "live tensors"

                    let grown =
                        Dense.growthOfResults (fun () ->
                            [
                                Polar.factor m
                                Polar.newtonSchulz 2 m
                                Polar.bjorck 3 1 m
                                Polar.muon 2 m
                                Polar.polarExpress 2 m
                            ])

                    Expect.equal grown 0L "outside of any inner scope")
        ]

let private refusals =
    testList
        "bad input"
        [
            testCase "is refused: rank, shape, type, numbers" (fun () ->
                use _ = torch.NewDisposeScope()
                let m = Seed.normal 1 TensorKind.float64 [ 5L; 3L ]
                let v = m.narrow (1L, 0L, 1L)
                let spoiled = m.clone ()
                spoiled[0L, 0L] <- torch.tensor (nan, dtype = torch.float64)

                for name, (body: unit -> unit) in
                    [
                        "dependent columns", (fun () -> Polar.factor (torch.cat ([| v; v |], 1L)) |> ignore)
                        "rank one, of rounded numbers",
                        (fun () -> Polar.factor (m.matmul(v.narrow (0L, 0L, 3L)).matmul v.mT) |> ignore)
                        "zero", (fun () -> Polar.factor (torch.zeros_like m) |> ignore)
                        "one of a batch", (fun () -> Polar.factor (torch.stack [| m; torch.zeros_like m |]) |> ignore)
                        "with gradient", (fun () -> Polar.factor (torch.zeros_like(m).requires_grad_ true) |> ignore)
                        "not finite", (fun () -> Polar.factor spoiled |> ignore)
                        "one axis", (fun () -> Polar.factor (m.reshape -1L) |> ignore)
                        "no columns", (fun () -> Polar.factor (m.narrow (1L, 0L, 0L)) |> ignore)
                        "integers", (fun () -> Polar.factor (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                        "null", (fun () -> Polar.factor null |> ignore)
                        "a batch for a map", (fun () -> Polar.ofMatrix (m.unsqueeze 0L) |> ignore)
                        "negative steps", (fun () -> Polar.newtonSchulz -1 m |> ignore)
                        "order 0", (fun () -> Polar.bjorck 0 1 m |> ignore)
                        "negative steps of Muon", (fun () -> Polar.muon -1 m |> ignore)
                        "negative steps of the Express", (fun () -> Polar.polarExpress -1 m |> ignore)
                        "one axis", (fun () -> Polar.muon 1 (m.reshape -1L) |> ignore)
                    ] do
                    Refusal.expect name body

                try
                    Polar.factor (torch.diag (torch.tensor [| 1.0; 1e-20 |])) |> ignore
                with error ->
                    Expect.stringContains error.Message "1E-20" "the smallest singular value")
        ]

let tests = testList "Polar" [ yield! Bench.all |> List.map laws; refusals ]
