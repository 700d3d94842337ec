module Ortho.Tests.Orthogonal.ConvolutionSpectrumTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.ConvolutionZoo
open TorchSharp

let private circle axes case =
    walk ConvolutionBorder.Circular axes case

/// Circles of every stride on which no two taps meet, whose dense matrix would be large.
let private wide (case: Case) =
    let walk = circle 2 case
    let size more = walk.Options.Stride * (int64 more + 7L)

    { walk with
        Sizes = [ size case.Size; size case.Second ]
    }

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"convolution's singular values on {bench}"
        [
            for axes in [ 1; 2 ] do
                check $"on {axes} axes are those of the dense matrix, as many and in that order" (fun case ->
                    let walk = circle axes case
                    let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                    let values = ConvolutionSpectrum.singularValues walk.Options walk.Sizes kernel
                    let matrix = LinearMap.toMatrix (Convolution.map walk.Options walk.Sizes kernel)
                    let expected = torch.linalg.svdvals matrix

                    (if values.shape = expected.shape && values.dtype = expected.dtype then
                         Dense.apart values expected
                     else
                         infinity)
                    |> Property.within bench.Product $"{walk}")

            check "say how far the dense matrix is from orthonormal rows or columns" (fun case ->
                let walk = circle 1 case
                let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                let defect = ConvolutionSpectrum.defect walk.Options walk.Sizes kernel
                let matrix = LinearMap.toMatrix (Convolution.map walk.Options walk.Sizes kernel)

                let gram =
                    if matrix.size 0 <= matrix.size 1 then
                        matrix.matmul matrix.mH
                    else
                        matrix.mH.matmul matrix

                let excess = gram - Dense.identity bench.Kind (gram.size 0)
                let spectral = Array.reduce max (Dense.singularValues excess)

                max (abs (defect.Frobenius - Dense.size excess)) (abs (defect.Spectral - spectral))
                |> fun apart -> apart / (1.0 + Dense.size excess)
                |> Property.within bench.Product $"{walk}")

            check "have as sum of squares that of the kernel times the number of outputs" (fun case ->
                let walk = wide case
                let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                let values = ConvolutionSpectrum.singularValues walk.Options walk.Sizes kernel

                let outputs =
                    walk.Sizes |> List.fold (fun product n -> product * n / walk.Options.Stride) 1L

                let expected = Dense.size kernel ** 2.0 * float outputs

                abs (Dense.size values ** 2.0 / expected - 1.0)
                |> Property.within bench.Product $"{walk}")

            testCase "have the largest at power iteration's limit; other borders have theirs by it" (fun () ->
                use _ = torch.NewDisposeScope()
                // Entries around 1: the mean of a grid is stretched most, by far.
                let kernel = Seed.normal 8 bench.Kind [ 4L; 3L; 3L; 5L ] + 1.0

                for border in borders do
                    let options = ConvolutionOptions.Default.WithBorder border
                    let map = Convolution.map options [ 6L; 5L ] kernel
                    let exact = Array.reduce max (Dense.singularValues (LinearMap.toMatrix map))
                    Expect.isLessThanOrEqual (abs (LinearMap.norm 1 map / exact - 1.0)) bench.Iteration $"{border}"

                    if border.IsCircular then
                        let values = ConvolutionSpectrum.singularValues options [ 6L; 5L ] kernel
                        let largest = values[0].``to``(torch.float64).item<float>()
                        Expect.isLessThanOrEqual (abs (largest / exact - 1.0)) bench.Product "largest")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kernel = Seed.normal 8 bench.Kind [ 4L; 3L; 3L ]
                let options = ConvolutionOptions.Default.WithStride 2L

                let grown =
                    Dense.growthOfResults (fun () ->
                        ConvolutionSpectrum.defect options [ 6L ] kernel |> ignore
                        [ ConvolutionSpectrum.singularValues options [ 6L ] kernel ])

                Expect.equal grown 0L "live tensors")
        ]

let private gradients (bench: Bench) =
    Property.check Property.costly $"the gradient of singular values is right on {bench}" (fun case ->
        let walk = circle 1 case

        // The sum of cubes does not see the order of the values, which a step may change.
        let cubes (kernel: torch.Tensor) =
            let values = ConvolutionSpectrum.singularValues walk.Options walk.Sizes kernel
            values.mul(values).mul(values).sum()

        Seed.normal case.Seed bench.Kind walk.Kernel
        |> Law.gradient case.Seed cubes
        |> Property.within Bench.gradient $"{walk}")

let private examples =
    [
        testCase "the sum of two neighbours on a circle of 4 has 2, sqrt 2, sqrt 2, 0" (fun () ->
            use _ = torch.NewDisposeScope()
            let kernel = torch.ones (1L, 1L, 2L, dtype = Nullable torch.float64)

            let values =
                ConvolutionSpectrum.singularValues ConvolutionOptions.Default [ 4L ] kernel

            let expected = torch.tensor [| 2.0; sqrt 2.0; sqrt 2.0; 0.0 |]
            Expect.isLessThanOrEqual (Dense.apart values expected) Bench.double.Head.Product "values")

        testCase "other borders, and what Convolution.map refuses, are refused" (fun () ->
            use _ = torch.NewDisposeScope()
            let kernel = Seed.normal 1 TensorKind.float64 [ 2L; 2L; 3L ]

            for border in borders.Tail do
                Refusal.expect $"{border}" (fun () ->
                    ConvolutionSpectrum.singularValues (ConvolutionOptions.Default.WithBorder border) [ 4L ] kernel
                    |> ignore)

            Refusal.expect "stride" (fun () ->
                ConvolutionSpectrum.defect (ConvolutionOptions.Default.WithStride 3L) [ 4L ] kernel
                |> ignore))
    ]

let tests =
    testList
        "ConvolutionSpectrum"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            yield! examples
        ]
