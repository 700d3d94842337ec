module Ortho.Tests.Orthogonal.SkewConvolutionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// Channels 1 to 3, odd taps, images shorter and longer than the kernel.
let private free (bench: Bench) (case: Case) =
    let axes = 1 + case.Seed % 2
    let channels = 1L + int64 case.Size % 3L

    let taps =
        Array.init axes (fun axis -> 1L + 2L * ((int64 case.Second + int64 axis) % 2L))

    let image = List.init axes (fun axis -> 1L + (int64 case.Size + int64 axis) % 4L)
    image, Seed.normal case.Seed bench.Kind (Array.append [| channels; channels |] taps)

let private skew bench case =
    let image, kernel = free bench case
    image, SkewConvolution.ofKernel kernel

let private dense image kernel =
    LinearMap.toMatrix (Convolution.circular image kernel)

let private norm (matrix: torch.Tensor) =
    Array.reduce max (Dense.singularValues matrix)

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"skew convolution on {bench}"
        [
            check "has a skew matrix" (fun case ->
                let image, kernel = skew bench case
                let matrix = dense image kernel

                Dense.apart matrix.mH -matrix |> Property.within bench.Product "distance")

            check "is the exponential of the dense matrix" (fun case ->
                let image, kernel = skew bench case
                let map = SkewConvolution.ofSkew image kernel

                (if map.Promises Traits.Unitary then
                     Dense.apart (LinearMap.toMatrix map) (Dense.exponential (dense image kernel))
                     / sqrt (float map.Domain.Size)
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            check "has all singular values 1, and exp(-L) for its adjoint and inverse" (fun case ->
                let image, kernel = skew bench case
                let map = SkewConvolution.ofSkew image kernel
                let back = SkewConvolution.ofSkew image -kernel

                [
                    BlockConvolutionTests.spread map
                    Law.equality case.Seed map.Adjoint back
                    Law.inverse case.Seed map back
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "stays unitary for long kernels" (fun case ->
                let image, kernel = skew bench case

                BlockConvolutionTests.spread (SkewConvolution.ofSkew image (5.0 * kernel))
                |> Property.within bench.Iteration "distance")

            check "by few terms is the sum of powers, as a map and as a kernel" (fun case ->
                let image, kernel = skew bench case
                let terms = 1 + case.Second % 5
                let l = dense image kernel
                let identity = Dense.identity bench.Kind (l.shape[0])

                let expected =
                    Seq.scan
                        (fun (power: torch.Tensor) j -> power.matmul l / float j)
                        identity
                        (seq { 1 .. terms - 1 })
                    |> Seq.reduce (fun a b -> a + b)

                let explicit = SkewConvolution.seriesKernel terms kernel
                let map = SkewConvolution.series terms image kernel

                let sizes =
                    kernel.shape[2..] |> Array.map (fun k -> (int64 terms - 1L) * (k - 1L) + 1L)

                (if explicit.shape[2..] = sizes && map.Traits = Traits.None then
                     [
                         Law.distance (LinearMap.toMatrix map) expected
                         Law.distance (LinearMap.toMatrix map.Adjoint) expected.mH
                         Law.distance (dense image explicit) expected
                     ]
                     |> List.reduce max
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            check "has a norm within its bound, which is near to the norms of the matrices it is cut into" (fun case ->
                let image, kernel = skew bench case
                let bound = (SkewConvolution.normBound kernel).ToDouble()
                let taps = kernel.shape[2..] |> Array.fold (*) 1L
                let c = kernel.shape[0]

                let cuts =
                    [
                        kernel.flatten 1L
                        if kernel.ndim = 4L then
                            kernel.permute(0L, 2L, 1L, 3L).reshape(c * kernel.shape[2], c * kernel.shape[3])
                    ]

                let least = sqrt (float taps) * (cuts |> List.map norm |> List.min)
                // |G^4|_F^(1/8) is at most r^(1/16) times the largest of r singular values.
                let most = least * float (c * Array.reduce max kernel.shape[2..]) ** (1.0 / 16.0)
                let slack = 1.0 + bench.Iteration

                (norm (dense image kernel) <= bound * slack
                 && least <= bound * slack
                 && bound <= most * slack)
                |> Prop.label $"norm {norm (dense image kernel)}, bound {bound} between {least} and {most}")

            check "is scaled down to a limit, never up" (fun case ->
                let _, kernel = skew bench case
                let bound = (SkewConvolution.normBound kernel).ToDouble()
                let tight = SkewConvolution.limited (0.5 * bound + 0.01) kernel
                let wide = SkewConvolution.limited (2.0 * bound + 0.01) kernel
                let reached = (SkewConvolution.normBound tight).ToDouble()

                let expected =
                    if bound > 0.5 * bound + 0.01 then
                        0.5 * bound + 0.01
                    else
                        bound

                max (abs (reached - expected) / (expected + 0.01)) (Dense.apart wide kernel)
                |> Property.within bench.Iteration "distance")

            testCase "of zero is the identity, with a gradient" (fun () ->
                use _ = torch.NewDisposeScope()

                let zero =
                    (torch.zeros ([| 2L; 2L; 3L; 3L |], dtype = bench.Kind.Dtype, device = bench.Kind.Device))
                        .requires_grad_
                        true

                let kernel = SkewConvolution.ofKernel zero |> SkewConvolution.limited 1.0
                Expect.equal ((SkewConvolution.normBound (kernel.detach ())).ToDouble()) 0.0 "bound"
                let x = Seed.normal 1 bench.Kind [ 2L; 4L; 4L ]
                let y = (SkewConvolution.ofSkew [ 4L; 4L ] kernel).Apply x
                Expect.equal (Law.distance y x) 0.0 "identity"
                let map = SkewConvolution.series 3 [ 4L; 4L ] kernel
                let weights = Seed.normal 2 bench.Kind [ 2L; 4L; 4L ]
                let sum = ((map.Apply x).mul weights).sum()
                (if sum.is_complex () then sum.real else sum).backward()
                let size = Dense.size zero.grad
                Expect.isTrue (Double.IsFinite size && size > 0.1) $"the gradient is {size}")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kernel = SkewConvolution.ofKernel (Seed.normal 1 bench.Kind [ 2L; 2L; 3L; 3L ])
                let x = Seed.normal 2 bench.Kind [ 2L; 4L; 4L ]

                let grown =
                    Dense.growthOfResults (fun () ->
                        [
                            SkewConvolution.ofKernel kernel
                            SkewConvolution.normBound kernel
                            SkewConvolution.limited 1.0 kernel
                            SkewConvolution.seriesKernel 4 kernel
                        ])

                Expect.equal grown 0L "of kernels"

                for map in
                    [
                        SkewConvolution.ofSkew [ 4L; 4L ] kernel
                        SkewConvolution.series 4 [ 4L; 4L ] kernel
                    ] do
                    let grown = Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply x ])
                    Expect.equal grown 0L "of maps")
        ]

let private doubleLaws (bench: Bench) =
    testList
        $"series of a skew convolution on {bench}"
        [
            Property.check Property.costly "misses at most |L|^n / n!, and nearly that for a short L" (fun case ->
                let image, kernel = skew bench case
                let size = norm (dense image kernel)
                // Of norm 0.4, unless it is zero.
                let short = if size = 0.0 then kernel else kernel * (0.4 / size)
                let l = dense image short
                let exact = Dense.exponential l

                let missed =
                    [
                        for terms in 1..8 ->
                            let stated = SkewConvolution.remainder terms (norm l)

                            let measured =
                                norm (LinearMap.toMatrix (SkewConvolution.series terms image short) - exact)

                            stated, measured
                    ]

                missed
                |> List.forall (fun (stated, measured) ->
                    measured <= stated + bench.Iteration
                    && (measured >= 0.8 * stated - bench.Iteration))
                |> Prop.label $"{missed}")

            Property.check Property.costly "misses at most |L|^n / n! of a long L too" (fun case ->
                let image, kernel = skew bench case
                let l = dense image kernel
                let terms = 1 + case.Size * 3
                let series = LinearMap.toMatrix (SkewConvolution.series terms image kernel)
                let missed = norm (series - Dense.exponential l)
                // Rounding grows with the largest term, exp |L|.
                missed
                <= SkewConvolution.remainder terms (norm l)
                   + 1e-15 * exp (norm l)
                   + bench.Iteration
                |> Prop.label $"{missed}")

            Property.check Property.config "takes the fewest terms for a tolerance" (fun case ->
                let norm, tolerance = float case.Size / 3.0, 10.0 ** -(float case.Second * 2.0)
                let terms = SkewConvolution.terms tolerance norm

                (SkewConvolution.remainder terms norm <= tolerance
                 && (terms = 1 || SkewConvolution.remainder (terms - 1) norm > tolerance))
                |> Prop.label $"{terms}")

            Property.check Property.costly "has the right gradients" (fun case ->
                let _, kernel = free bench case

                [
                    Law.gradient case.Seed (SkewConvolution.ofKernel >> SkewConvolution.normBound) kernel
                    Law.gradient case.Seed (SkewConvolution.ofKernel >> SkewConvolution.limited 0.3) kernel
                    Law.gradient case.Seed (SkewConvolution.ofKernel >> SkewConvolution.seriesKernel 3) kernel
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "numbers: the paper's 6 and 12 terms" (fun () ->
                Expect.floatClose Accuracy.high (SkewConvolution.remainder 6 1.0) (1.0 / 720.0) "1 / 6!"
                Expect.isLessThan (SkewConvolution.remainder 12 1.0) 2.1e-9 "1 / 12!"
                Expect.equal (SkewConvolution.terms 1e-16 0.0) 1 "zero")
        ]

let private trainingLaws (bench: Bench) =
    testCase $"skew convolution on {bench} stays orthogonal for 25 steps" (fun () ->
        use _ = torch.NewDisposeScope()
        let p = [| Seed.normal 1 bench.Kind [ 4L; 4L; 3L; 3L ] |]

        let build (p: torch.Tensor[]) =
            SkewConvolution.ofSkew [ 4L; 5L ] (SkewConvolution.ofKernel p[0])

        Expect.isLessThanOrEqual
            (BlockConvolutionTests.spread (BlockConvolutionTests.trained 25 p build))
            bench.Iteration
            "distance from 1")

let private refusals =
    testCase "skew convolution refuses bad input" (fun () ->
        use _ = torch.NewDisposeScope()

        let draw shape =
            Seed.normal 1 TensorKind.float64 (shape: int64 list)

        let skew = SkewConvolution.ofKernel (draw [ 2L; 2L; 3L ])
        Refusal.expect "even taps" (fun () -> SkewConvolution.ofKernel (draw [ 2L; 2L; 2L ]) |> ignore)
        Refusal.expect "unequal channels" (fun () -> SkewConvolution.ofKernel (draw [ 2L; 3L; 3L ]) |> ignore)
        Refusal.expect "a matrix" (fun () -> SkewConvolution.ofKernel (draw [ 2L; 2L ]) |> ignore)
        Refusal.expect "not skew" (fun () -> SkewConvolution.ofSkew [ 4L ] (draw [ 2L; 2L; 3L ]) |> ignore)

        Refusal.expect "not skew for a series" (fun () ->
            SkewConvolution.series 3 [ 4L ] (draw [ 2L; 2L; 3L ]) |> ignore)

        Refusal.expect "not skew for a bound" (fun () -> SkewConvolution.normBound (draw [ 2L; 2L; 3L ]) |> ignore)

        Refusal.expect "not skew for a kernel" (fun () ->
            SkewConvolution.seriesKernel 3 (draw [ 2L; 2L; 3L ]) |> ignore)

        Refusal.expect "NaN" (fun () -> SkewConvolution.ofSkew [ 4L ] (skew * nan) |> ignore)
        Refusal.expect "no terms" (fun () -> SkewConvolution.series 0 [ 4L ] skew |> ignore)
        Refusal.expect "no terms of a kernel" (fun () -> SkewConvolution.seriesKernel 0 skew |> ignore)
        Refusal.expect "two sizes" (fun () -> SkewConvolution.ofSkew [ 4L; 4L ] skew |> ignore)
        Refusal.expect "limit" (fun () -> SkewConvolution.limited 0.0 skew |> ignore)
        Refusal.expect "norm" (fun () -> SkewConvolution.remainder 3 -1.0 |> ignore)
        Refusal.expect "tolerance" (fun () -> SkewConvolution.terms 0.0 1.0 |> ignore))

let tests =
    testList
        "skew convolutions"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map doubleLaws
            yield! Bench.real |> List.map trainingLaws
            refusals
        ]
