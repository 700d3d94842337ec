module Ortho.Tests.Orthogonal.PrincipalAnglesTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private normal (bench: Bench) (seed: int) rows columns =
    Seed.normal seed bench.Kind [ rows; columns ]

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"angles of subspaces on {bench}"
        [
            check "principal angles are those that were put in, from 1e-12 to a right angle" (fun case ->
                let k = int64 case.Second
                let angles = [| 0.0; 1e-12; 3e-9; 1e-4; 0.8; Math.PI / 2.0 - 1e-9; Math.PI / 2.0 |]
                let used = Array.init (int k) (fun i -> angles[(i + case.Seed) % 7]) |> Array.sort
                let q = Stiefel.ofMatrix (normal bench case.Seed (2L * k + 3L) (2L * k + 1L))
                let real = TensorKind.realDtype bench.Kind.Dtype

                let numbers (f: float -> float) =
                    torch.tensor (Array.map f used, dtype = real, device = bench.Kind.Device)

                let a = q.narrow (1L, 0L, k)
                let b = a * numbers cos + q.narrow (1L, k, k) * numbers sin
                let mixing = Stiefel.ofMatrix (normal bench (case.Seed + 1) k k)
                let wider = torch.cat ([| a.matmul mixing; q.narrow (1L, 2L * k, 1L) |], 1L)
                let expected = numbers id

                let away (x: torch.Tensor) =
                    (x - expected).abs().max().``to``(torch.float64).item<float>()

                [
                    away (PrincipalAngles.between (a.matmul mixing) b)
                    away (PrincipalAngles.between b (a * 2.0))
                    away (PrincipalAngles.between wider b)
                    away (PrincipalAngles.between b wider)
                ]
                |> List.reduce max
                |> Property.within bench.Product "radians")

            check "distances of subspaces are norms of the difference of their projections" (fun case ->
                let k = int64 case.Second
                let shape = case.Batch @ [ 2L * k + int64 case.Size; k ]

                let a, b =
                    Seed.normal case.Seed bench.Kind shape, Seed.normal (case.Seed + 1) bench.Kind shape

                let p (a: torch.Tensor) =
                    let q = Stiefel.ofMatrix a in q.matmul q.mH

                let difference = p a - p b
                let angles = PrincipalAngles.between a b

                [
                    Law.distance (PrincipalAngles.gap a b) (torch.linalg.svdvals(difference).amax [| -1L |])
                    Law.distance (PrincipalAngles.chordal a b) (difference.flatten(-2L).norm -1 / sqrt 2.0)
                    Law.distance (PrincipalAngles.geodesic a b) (angles.square().sum(-1L).sqrt())
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

        ]

let tests = testList "PrincipalAngles" (Bench.all |> List.map laws)
