module Ortho.Tests.Orthogonal.PolarGradientTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp
open Ortho.Tests.Orthogonal.PolarTests

// Weights must not be drawn as the matrix is: M is what no turn of its own polar factor is nearer to, and the gradient would be zero.
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
                let x = Seed.normal (case.Seed + 78) bench.Kind [ 2L; m.shape[1] ]

                [
                    Law.gradient case.Seed Polar.factor m
                    Law.gradient case.Seed (fun m -> (Polar.ofMatrix m).Apply x) m
                    Law.gradient case.Seed (Polar.newtonSchulz 3) m
                    Law.gradient case.Seed (Polar.bjorck 3 2) m
                    Law.gradient case.Seed (Polar.muon 2) m
                    Law.gradient case.Seed (Polar.polarExpress 2) m
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "are right for complex matrices" (fun case ->
                let z =
                    Seed.normal (case.Seed + 77) bench.Kind [ int64 case.Second + 4L; int64 case.Second; 2L ]

                [
                    Law.gradient case.Seed (Dense.complexOf >> Polar.factor) z
                    Law.gradient case.Seed (Dense.complexOf >> _.mH >> Polar.factor) z
                    Law.gradient case.Seed (Dense.complexOf >> Polar.muon 2) z
                ]
                |> List.reduce max
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
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "have gradients of their own, by another formula" (fun case ->
                let rows, columns = int64 (1 + case.Size % 4), int64 (1 + case.Second % 4)

                let case =
                    { case with
                        Size = int rows
                        Second = int columns
                    }

                let m, _, _, _ = drawn 0.3 bench case
                let z = Seed.normal (case.Seed + 77) bench.Kind [ rows + columns; columns; 2L ]

                [
                    Dense.secondGradient case.Seed Polar.factor m
                    Dense.secondGradient case.Seed (Dense.complexOf >> Polar.factor >> torch.view_as_real) z
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "second gradient")
        ]

let tests = testList "Polar gradients" (Bench.double |> List.map gradients)
