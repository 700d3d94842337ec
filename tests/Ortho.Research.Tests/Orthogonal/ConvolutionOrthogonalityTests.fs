module Ortho.Tests.Orthogonal.ConvolutionOrthogonalityTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.ConvolutionZoo
open TorchSharp

let private plain = ConvolutionOptions.Default

/// On a circle of at least 2 k - 1 points along each axis, k being the kernel's reach, with 1 to 4 outputs and 1 or 2 inputs a group.
let private roomy axes (case: Case) =
    let walk = walk ConvolutionBorder.Circular axes case

    let options =
        { walk.Options with
            Dilation = if axes = 1 then walk.Options.Dilation else 1L
        }

    let random = Random(case.Seed + 1)

    let size k =
        let least = 2L * options.Dilation * (k - 1L) + 1L

        options.Stride
        * ((least + options.Stride - 1L) / options.Stride + int64 (random.Next 2))

    let taps = walk.Kernel[2..] |> List.map (fun k -> if axes = 1 then k else min k 3L)

    {
        Options = options
        Sizes = taps |> List.map size
        Kernel = options.Groups * int64 (1 + random.Next 4) :: walk.Kernel[1] :: taps
    }

let private outputs (walk: Walk) =
    walk.Sizes
    |> List.fold (fun product n -> product * float (n / walk.Options.Stride)) 1.0

let private scalar (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

let private laws (bench: Bench) =
    testList
        $"orthogonality of convolutions on {bench}"
        [
            for axes in [ 1; 2 ] do
                Property.check
                    Property.config
                    $"on {axes} axes |K K* - I|^2, or |K* K - I|^2, is L_orth times the number of outputs"
                    (fun case ->
                        let walk = roomy axes case
                        let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                        let penalty = scalar (ConvolutionOrthogonality.penalty walk.Options kernel)
                        let matrix = LinearMap.toMatrix (Convolution.map walk.Options walk.Sizes kernel)

                        let gram =
                            if matrix.size 0 <= matrix.size 1 then
                                matrix.matmul matrix.mH
                            else
                                matrix.mH.matmul matrix

                        let expected = Dense.size (gram - Dense.identity bench.Kind (gram.size 0)) ** 2.0

                        abs (outputs walk * penalty - expected) / (1.0 + expected)
                        |> Property.within bench.Product $"{walk}")

            Property.check Property.config "the spectral defect is within the paper's factor of L_orth" (fun case ->
                let walk = roomy 1 { case with Seed = case.Seed * 2 }

                let walk =
                    { walk with
                        Options =
                            { walk.Options with
                                Dilation = 1L
                                Groups = 1L
                            }
                    }

                let kernel = Seed.normal case.Seed bench.Kind walk.Kernel

                let m, c, k, s =
                    float kernel.shape[0], float kernel.shape[1], kernel.shape[2], walk.Options.Stride

                let penalty = scalar (ConvolutionOrthogonality.penalty walk.Options kernel)
                let defect = ConvolutionSpectrum.defect walk.Options walk.Sizes kernel
                let rows = m <= c * float s

                let alpha =
                    if rows then
                        m * float (2L * ((k - 1L) / s) + 1L)
                    else
                        c * float (2L * k - 1L)

                (defect.Spectral ** 2.0 <= alpha * penalty * (1.0 + bench.Iteration))
                |> Prop.label $"{defect.Spectral ** 2.0} > {alpha} * {penalty}, {walk}")

            testCase "one kernel's defect grows with the grid as L_orth says: N = 4, 8, 16" (fun () ->
                use _ = torch.NewDisposeScope()

                for m, c in [ 3L, 2L; 9L, 2L ] do
                    let options = plain.WithStride 2L
                    let kernel = Seed.normal 3 bench.Kind [ m; c; 3L; 3L ] * 0.2
                    let penalty = scalar (ConvolutionOrthogonality.penalty options kernel)

                    for n in [ 4L; 8L; 16L ] do
                        let defect = ConvolutionSpectrum.defect options [ 2L * n; 2L * n ] kernel
                        let expected = float (n * n) * penalty

                        Expect.isLessThanOrEqual
                            (abs (defect.Frobenius ** 2.0 / expected - 1.0))
                            bench.Product
                            $"{m} {n}")

            testCase
                "an orthonormal reshaped kernel is an orthogonal convolution only where windows do not overlap"
                (fun () ->
                    use _ = torch.NewDisposeScope()
                    let rows = (Dense.frame 4 bench.Kind 36L 8L).mH
                    let kernel = rows.reshape (8L, 4L, 3L, 3L)

                    let values stride =
                        ConvolutionSpectrum.singularValues (plain.WithStride stride) [ 9L; 9L ] kernel

                    let spread (values: torch.Tensor) =
                        scalar (values[0]) - scalar (values[-1L])

                    Expect.isLessThanOrEqual (spread (values 3L)) bench.Product "stride 3"
                    Expect.isGreaterThan (spread (values 1L)) 0.5 "stride 1"

                    Expect.isGreaterThan
                        (scalar (ConvolutionOrthogonality.penalty plain kernel))
                        0.5
                        "L_orth at stride 1"

                    let apart =
                        abs (scalar (ConvolutionOrthogonality.penalty (plain.WithStride 3L) kernel))

                    Expect.isLessThanOrEqual apart bench.Product "L_orth at stride 3")

            testCase "the penalty leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kernel = Seed.normal 8 bench.Kind [ 4L; 3L; 3L ]

                let options =
                    { plain with
                        Dilation = 2L
                        Groups = 2L
                    }

                let grown =
                    Dense.growthOfResults (fun () ->
                        ConvolutionOrthogonality.existence plain [ 6L ] kernel.shape |> ignore
                        [ ConvolutionOrthogonality.penalty options kernel ])

                Expect.equal grown 0L "live tensors")
        ]

let private gradients (bench: Bench) =
    Property.check Property.costly $"the gradient of L_orth is right on {bench}" (fun case ->
        let walk = roomy (1 + case.Seed % 2) case

        let draw shape =
            Seed.normal case.Seed bench.Kind shape * 0.3

        max
            (Law.gradient case.Seed (ConvolutionOrthogonality.penalty walk.Options) (draw walk.Kernel))
            (Law.gradient
                case.Seed
                (Dense.complexOf >> ConvolutionOrthogonality.penalty walk.Options)
                (draw (walk.Kernel @ [ 2L ])))
        |> Property.within Bench.gradient $"{walk}")

let private refusals =
    testCase "bad input is refused: options, kernel" (fun () ->
        use _ = torch.NewDisposeScope()
        let kernel = Seed.normal 1 TensorKind.float64 [ 4L; 2L; 3L ]

        let penalty options kernel () =
            ConvolutionOrthogonality.penalty options kernel |> ignore

        for name, body in
            [
                "a matrix", penalty plain kernel[0L]
                "groups", penalty (plain.WithGroups 3L) kernel
                "stride", penalty (plain.WithStride 0L) kernel
                "integers", penalty plain (kernel.``to`` torch.int64)
            ] do
            Refusal.expect name body)

let tests =
    testList
        "ConvolutionOrthogonality"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            refusals
        ]
