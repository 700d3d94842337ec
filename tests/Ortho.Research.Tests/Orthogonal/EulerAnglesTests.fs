module Ortho.Tests.Orthogonal.EulerAnglesTests

open System
open Expecto
open Ortho
open Ortho.Tests
open Ortho.Tests.Orthogonal.RotationTests
open TorchSharp

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Euler angles on {bench}"
        [
            for order, axes in orders do
                let unit i =
                    [ for j in 0..2 -> if i = j then 1.0 else 0.0 ]

                let isProper = axes[0] = axes[2]
                let lock = if isProper then 0.0 else Math.PI / 2.0

                check $"{order} are three turns about turned axes" (fun case ->
                    let random = Random case.Seed
                    let angles = List.init 3 (fun _ -> random.NextDouble() * 6.0 - 3.0)

                    let expected =
                        List.map2 (fun axis angle -> turn bench.Kind (unit axis) angle) axes angles
                        |> List.reduce (fun a b -> a.matmul b)

                    Law.distance (EulerAngles.toMatrix order (vector bench.Kind angles)) expected
                    |> Property.within bench.Product "distance")

                check $"{order} in their range come back, away from the lock" (fun case ->
                    let random = Random case.Seed

                    let between low high =
                        low + (high - low) * random.NextDouble()

                    let b = if isProper then between 0.1 3.0 else between -1.4 1.4
                    let angles = vector bench.Kind [ between -3.1 3.1; b; between -3.1 3.1 ]

                    // A sine of 0.1 is known to 10 times the rounding.
                    Law.distance (EulerAngles.ofMatrix order (EulerAngles.toMatrix order angles)) angles
                    |> Property.within bench.Iteration "distance")

                check $"{order} at and near the lock give the rotation again; at it the third is 0" (fun case ->
                    let random = Random case.Seed
                    let off = [| 0.0; 1e-15; 1e-12; 1e-9; 1e-7; 1e-5; 1e-3; 0.0; 0.0 |][case.Size - 1]
                    let turned = if case.Second % 2 = 0 then 1.0 else -1.0

                    let middle =
                        (if isProper && turned < 0.0 then
                             Math.PI - off
                         else
                             turned * lock + turned * off)

                    let angles =
                        vector bench.Kind [ random.NextDouble() * 6.0 - 3.0; middle; random.NextDouble() * 6.0 - 3.0 ]

                    let r = EulerAngles.toMatrix order angles
                    let found = EulerAngles.ofMatrix order r
                    let third = found[2L].``to``(torch.float64).item<float>()

                    (if off = 0.0 && third <> 0.0 then
                         infinity
                     else
                         Law.distance (EulerAngles.toMatrix order found) r)
                    |> Property.within bench.Product "distance")
        ]

let tests = testList "EulerAngles" (Bench.real |> List.map laws)
