module Ortho.Tests.Orthogonal.PolarTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// A matrix with given singular values, of any shape.
let private withValues (seed: int) (kind: TensorKind) (rows: int64) (columns: int64) (values: float[]) =
    let k = min rows columns

    let diagonal =
        torch.tensor(values, dtype = torch.float64).``to``(kind.Dtype, kind.Device)

    let u = Dense.frame seed kind rows k
    let v = Dense.frame (seed + 1) kind columns k
    (u * diagonal.unsqueeze 0L).matmul v.mH, u.matmul v.mH, u, v

/// U f(S) V* for the singular values of a case, which lie between low and 1.
let private drawn (low: float) (bench: Bench) (case: Case) =
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

let private defect (x: torch.Tensor) =
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
                |> List.max
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
                |> List.max
                |> Property.within bench.Product "nearer by")

            check "leaves a self-adjoint positive factor" (fun case ->
                let m, q, values, _ = drawn 0.05 bench case
                let isTall = m.shape[0] >= m.shape[1]
                let q' = Polar.factor m
                let h = if isTall then q'.mH.matmul m else m.matmul q'.mH
                ignore q
                let found = Dense.singularValues h |> Array.sort

                let apart =
                    Array.map2 (fun a b -> abs (a - b)) found (Array.sort values) |> Array.max

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
                |> List.max
                |> Property.within bench.Product "distance")

            check
                "a Newton-Schulz step takes the defect E to (3 E^2 + E^3) / 4, and a quintic one to its third order"
                (fun case ->
                    let m, _, _, _ = drawn 0.2 bench case
                    let e = defect m
                    let squared = e.matmul e
                    let quintic = Dense.size (defect (Polar.bjorck 2 1 m))
                    // 1 - (1 - e) (1 + e/2 + 3/8 e^2)^2 = 5/8 e^3 + 15/64 e^4 + 9/64 e^5
                    let fourth = squared.matmul squared

                    let expected =
                        0.625 * squared.matmul e + 0.234375 * fourth + 0.140625 * fourth.matmul e

                    [
                        Dense.apart (defect (Polar.newtonSchulz 1 m)) (0.75 * squared + 0.25 * squared.matmul e)
                        Dense.apart (defect (Polar.bjorck 2 1 m)) expected
                        quintic - Dense.size e
                    ]
                    |> List.max
                    |> Property.within bench.Product "distance")

            check "Bjorck's step of order p is U p(S) V*, and leaves a defect of order p + 1" (fun case ->
                let order = 1 + case.Seed % 5
                let m, _, _, mapped = drawn 0.9 bench case

                let step x =
                    let e = 1.0 - x * x
                    // The binomial coefficients of (1 - e)^(-1/2).
                    let c = [| 1.0; 1.0 / 2.0; 3.0 / 8.0; 5.0 / 16.0; 35.0 / 128.0; 63.0 / 256.0 |]
                    x * Seq.sum (seq { for k in 0..order -> c[k] * e ** float k })

                let left = Array.max (Dense.singularValues (defect (Polar.bjorck order 1 m)))
                let before = Array.max (Dense.singularValues (defect m))

                max (Law.distance (Polar.bjorck order 1 m) (mapped step)) (left - before ** float (order + 1))
                |> Property.within bench.Product "distance")

            check "the iterations converge to it" (fun case ->
                let m, q, _, _ = drawn 0.05 bench case

                [
                    Law.distance (Polar.newtonSchulz 15 m) q
                    Law.distance (Polar.bjorck 2 10 m) q
                    Law.distance (Polar.bjorck 4 8 m) q
                    Law.distance (Polar.polarExpress 12 m) q
                ]
                |> List.max
                |> Property.within bench.Iteration "distance")

            check "one gradient step of size 1 / (4 lambda) on the penalty is a Newton-Schulz step" (fun case ->
                let m, _, _, _ = drawn 0.05 bench case
                let lambda = 0.1 + float case.Second
                let x = m.detach().requires_grad_ true
                let penalty = (defect x).abs().square().sum() * (lambda / 2.0)
                penalty.backward ()

                Law.distance (m - x.grad / (4.0 * lambda)) (Polar.newtonSchulz 1 m)
                |> Property.within bench.Product "distance")

            check "Muon's steps and the Polar Express are their polynomials of the singular values" (fun case ->
                let m, _, values, mapped = drawn 0.01 bench case
                let size = values |> Array.sumBy (fun s -> s * s) |> sqrt
                let steps = case.Seed % 10
                let quintic (a, b, c) x = a * x + b * x ** 3.0 + c * x ** 5.0

                let muon =
                    Seq.replicate steps (quintic (3.4445, -4.7750, 2.0315)) |> Seq.fold (>>) id

                let express =
                    [ 0 .. steps - 1 ]
                    |> List.map (fun i ->
                        let struct (a, b, c) = Polar.expressCoefficients[min i 7]
                        let safety = if i < 7 then 1.01 else 1.0
                        fun x -> quintic (a, b, c) (x / safety))
                    |> List.fold (>>) id

                [
                    Law.distance (Polar.muon steps m) (mapped (fun s -> muon (s / (size + 1e-7))))
                    Law.distance (Polar.polarExpress steps m) (mapped (fun s -> express (s / (1.01 * size + 1e-7))))
                ]
                |> List.max
                |> Property.within bench.Iteration "distance")

            testCase "Muon's five steps give the band of its fame, and more do not converge" (fun () ->
                use _ = torch.NewDisposeScope()
                // Pairs with |M|_F = 1, small singular values from 0.002 on.
                let count = 4000

                let values low =
                    Array.init count (fun i -> low * (1.0 / low) ** (float i / float count / 2.0))

                let spread steps low =
                    let pairs = values low |> Array.collect (fun s -> [| s; sqrt (1.0 - s * s) |])

                    let m =
                        torch
                            .diag_embed(torch.tensor(pairs, dtype = torch.float64).reshape(int64 count, 2L))
                            .``to``(bench.Kind.Dtype, bench.Kind.Device)

                    let found = Dense.singularValues (Polar.muon steps m)
                    Array.min found, Array.max found

                let least, most = spread 5 0.01

                Expect.isTrue
                    (least >= 0.6818 && most <= 1.1344)
                    $"singular values of 0.01 and more: {least} to {most}"

                let _, most = spread 5 0.002
                Expect.isLessThanOrEqual most 1.203 "down to 0.002"
                let least, most = spread 50 0.01
                Expect.isTrue (least < 0.8 && most > 1.1) $"after 50 steps: {least} to {most}"

                let tiny =
                    Polar.muon
                        5
                        (torch.diag (torch.tensor([| 1.0; 1e-7 |], dtype = torch.float64).``to`` bench.Kind.Dtype))

                let growth = (Array.min (Dense.singularValues tiny)) / 1e-7
                Expect.isLessThan (abs (growth / 485.0 - 1.0)) 0.01 $"far smaller ones grow {growth}-fold")

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

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients of the polar factor on {bench}"
        [
            check "are right for tall, wide and square matrices, in x too" (fun case ->
                // The normalised 1 x 1 matrix hardly moves: its gradient would be rounding.
                let case =
                    { case with
                        Size = 1 + case.Size
                        Second = 1 + case.Second
                    }

                let m, _, _, _ = drawn 0.3 bench case
                let x = Seed.normal case.Seed bench.Kind [ 2L; m.shape[1] ]

                [
                    Law.gradient case.Seed Polar.factor m
                    Law.gradient case.Seed (fun m -> (Polar.ofMatrix m).Apply x) m
                    Law.gradient case.Seed (Polar.newtonSchulz 3) m
                    Law.gradient case.Seed (Polar.bjorck 3 2) m
                    Law.gradient case.Seed (Polar.muon 2) m
                    Law.gradient case.Seed (Polar.polarExpress 2) m
                ]
                |> List.max
                |> Property.within Bench.gradient "gradient")

            check "are right for complex matrices" (fun case ->
                let z =
                    Seed.normal case.Seed bench.Kind [ int64 case.Second + 4L; int64 case.Second; 2L ]

                [
                    Law.gradient case.Seed (Dense.complexOf >> Polar.factor) z
                    Law.gradient case.Seed (Dense.complexOf >> _.mH >> Polar.factor) z
                    Law.gradient case.Seed (Dense.complexOf >> Polar.muon 2) z
                ]
                |> List.max
                |> Property.within Bench.gradient "gradient")

            check "are right where singular values are equal, also of second order" (fun case ->
                let rows, columns = int64 (1 + case.Size % 4), int64 (1 + case.Second % 4)
                let kind = bench.Kind
                let equal = Array.create (int (min rows columns)) 0.7
                let m, _, _, _ = withValues case.Seed kind rows columns equal

                [
                    Law.gradient case.Seed Polar.factor m
                    Dense.secondGradient case.Seed Polar.factor m
                    Law.gradient case.Seed Polar.factor (Dense.identity kind 3L)
                ]
                |> List.max
                |> Property.within Bench.gradient "gradient")

            check "have gradients of their own, by another formula" (fun case ->
                let rows, columns = int64 (1 + case.Size % 4), int64 (1 + case.Second % 4)

                let case =
                    { case with
                        Size = int rows
                        Second = int columns
                    }

                let m, _, _, _ = drawn 0.3 bench case
                let z = Seed.normal case.Seed bench.Kind [ rows + columns; columns; 2L ]

                [
                    Dense.secondGradient case.Seed Polar.factor m
                    Dense.secondGradient case.Seed (Dense.complexOf >> Polar.factor >> torch.view_as_real) z
                ]
                |> List.max
                |> Property.within Bench.gradient "second gradient")
        ]

/// The odd quintic nearest to 1 on [low, high], by exchange; its error has four extrema of alternating sign.
let private minimax (low: float) (high: float) =
    if low / high > 0.999995 then
        [| 1.875 / high; -1.25 / high ** 3.0; 0.375 / high ** 5.0 |]
    else
        let rec exchange (inner: float * float) (previous: float) (rounds: int) =
            let points = [| low; fst inner; snd inner; high |]

            let rows =
                points
                |> Array.mapi (fun i x -> [| x; x ** 3.0; x ** 5.0; (if i % 2 = 0 then 1.0 else -1.0) |])

            use system = torch.tensor (Array.concat rows, dtype = torch.float64)
            use right = torch.ones (4L, dtype = torch.float64)
            use square = system.reshape (4L, 4L)
            use solution = torch.linalg.solve (square, right)
            let found = solution.data<float>().ToArray()
            let a, b, c, error = found[0], found[1], found[2], found[3]

            if abs (error - previous) <= 1e-15 || rounds = 0 then
                [| a; b; c |]
            else
                let root sign =
                    sqrt ((-3.0 * b + sign * sqrt (9.0 * b * b - 20.0 * a * c)) / (10.0 * c))

                exchange (root -1.0, root 1.0) error (rounds - 1)

        exchange ((3.0 * low + high) / 4.0, (low + 3.0 * high) / 4.0) infinity 100

let private constants =
    testList
        "the Polar Express"
        [
            testCase "has the minimax composition's coefficients, for singular values in [0.001, 1]" (fun () ->
                // The paper widens no interval beyond 1 : 0.024, and then centres the polynomial for the true interval.
                let cushion = 0.02407327424182761
                let mutable low, high = 1e-3, 1.0

                for i in 0..6 do
                    let p = minimax (max low (cushion * high)) high

                    let value x =
                        p[0] * x + p[1] * x ** 3.0 + p[2] * x ** 5.0

                    let centre = 2.0 / (value low + value high)
                    let struct (a, b, c) = Polar.expressCoefficients[i]

                    for found, expected in Seq.zip [ a; b; c ] p do
                        Expect.isLessThan (abs (found / (expected * centre) - 1.0)) 1e-7 $"step {i}"

                    low <- centre * value low
                    high <- 2.0 - low

                let struct (a, b, c) = Polar.expressCoefficients[7]
                Expect.equal (a, b, c) (1.875, -1.25, 0.375) "the convergent quintic")
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

let tests =
    testList
        "Polar"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            constants
            refusals
        ]
