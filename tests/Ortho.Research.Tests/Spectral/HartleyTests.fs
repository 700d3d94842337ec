module Ortho.Tests.HartleyTests

open System
open Expecto
open Ortho
open TorchSharp

let private product = (Bench.double.Head).Product

let private each name (law: int64 -> float) =
    testCase name (fun () ->
        for n in [ 1L .. 130L ] @ [ 257L; 360L; 1024L ] do
            use _ = torch.NewDisposeScope()
            let residual = law n
            Expect.isLessThanOrEqual residual product $"n = {n}")

let tests =
    testList
        "Hartley transform"
        [
            each "is the real minus the imaginary part of the Fourier transform" (fun n ->
                let x = Seed.normal 1 TensorKind.float64 [ 3L; n ]
                let spectrum = torch.fft.fft_ (x, n, -1L, FFTNormType.Ortho)
                Law.distance ((Hartley.transform n).Apply x) (spectrum.real.sub spectrum.imag))

            each "is its own inverse and adjoint" (fun n ->
                let map = Hartley.transform n
                List.max [ Law.inverse 1 map map; Law.selfAdjoint 2 map; Law.unitary 3 map ])

            each "native, plain and dense forms agree" (fun n ->
                let native =
                    Hartley.byForm (fun n -> RowChoice.native (RowKernel.tryHartley n) (HartleyForm.plain n)) n

                let plain = Hartley.byForm HartleyForm.plain n

                let dense = Hartley.byForm (fun n -> RowForm.dense n (HartleyForm.entry n)) n

                let narrow map = LinearMap.on TensorKind.float32 map

                List.max
                    [
                        Law.equality 1 native dense
                        Law.equality 2 plain dense
                        // The scale of float32's rounding to float64's.
                        1e-7 * Law.equality 3 (narrow native) (narrow dense)
                    ])

            testCase "four points by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let y = (Hartley.transform 4L).Apply(torch.tensor [| 1.0; 2.0; 4.0; 8.0 |])
                // cas: 1 1 1 1, 1 1 -1 -1, 1 -1 1 -1, 1 -1 -1 1; over 2.
                Expect.isLessThan (Law.distance y (torch.tensor [| 7.5; -4.5; -2.5; 1.5 |])) 1e-15 "values")

            testCase "bad input is refused" (fun () -> Refusal.expect "n" (fun () -> Hartley.transform 0L |> ignore))
        ]
