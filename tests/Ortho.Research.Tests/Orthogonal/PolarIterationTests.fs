module Ortho.Tests.Orthogonal.PolarIterationTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp
open Ortho.Tests.Orthogonal.PolarTests

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"iterations on {bench}"
        [
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
                    |> List.reduce max
                    |> Property.within bench.Product "distance")

            check "Bjorck's step of order p is U p(S) V*, and leaves a defect of order p + 1" (fun case ->
                let order = 1 + case.Seed % 5
                let m, _, _, mapped = drawn 0.9 bench case

                let step x =
                    let e = 1.0 - x * x
                    // The binomial coefficients of (1 - e)^(-1/2).
                    let c = [| 1.0; 1.0 / 2.0; 3.0 / 8.0; 5.0 / 16.0; 35.0 / 128.0; 63.0 / 256.0 |]
                    x * Seq.sum (seq { for k in 0..order -> c[k] * e ** float k })

                let left = Array.reduce max (Dense.singularValues (defect (Polar.bjorck order 1 m)))
                let before = Array.reduce max (Dense.singularValues (defect m))

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
                |> List.reduce max
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
                |> List.reduce max
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
                    Array.min found, Array.reduce max found

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

let tests =
    testList "Polar iterations" [ yield! Bench.all |> List.map laws; constants ]
