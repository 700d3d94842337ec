module Ortho.Tests.Orthogonal.ConvolutionInitializationTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// The largest |cos| between two different rows, [*batch; rows; entries]; 0 for one row.
let private largestCosine (rows: torch.Tensor) =
    let length = rows.abs().square().sum(-1L, keepdim = true).sqrt()
    let unit = rows / length
    let gram = unit.matmul unit.mH
    let off = gram - torch.diag_embed (gram.diagonal (0L, -2L, -1L))
    off.abs().max().ToDouble()

/// The filters as the published code makes them: singular vectors of a symmetrised Gaussian on the half spectrum, then an inverse real transform. No noise.
let private published (seed: int) (filters: int64) (k: int64) =
    let half = k / 2L + 1L
    let size = k * half
    let x = Seed.normal seed TensorKind.float64 [ size; size ]
    // Upper triangle mirrored, as their code symmetrises.
    let symmetric = x.triu () + x.triu().mT - torch.diag (x.diagonal ())
    let struct (u, _, _) = torch.linalg.svd symmetric
    let spectra = u.mT.narrow(0L, 0L, filters).reshape(filters, k, half)
    let complex = torch.complex (spectra, torch.zeros_like spectra)
    torch.fft.irfft2(complex, s = [| k; k |]).flatten 1L

let private shape (case: Case) =
    let axes = 1 + case.Seed % 2
    List.init axes (fun axis -> 1L + (int64 case.Second + int64 axis) % 4L)

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"initial kernels on {bench}"
        [
            check "delta-orthogonal ones keep norms, with every border, and have one tap" (fun case ->
                let taps = shape case
                let inputs = 1L + int64 case.Size % 3L
                let outputs = inputs + int64 case.Second % 3L

                let kernel =
                    ConvolutionInitialization.deltaOrthogonal case.Seed bench.Kind (outputs :: inputs :: taps)

                let image = taps |> List.map (fun _ -> 3L)

                let centre =
                    List.fold (fun (part: torch.Tensor) k -> part.select (2L, (k - 1L) / 2L)) kernel taps

                let border border =
                    LinearMap.promise
                        Traits.Isometry
                        (Convolution.map (ConvolutionOptions.Default.WithBorder border) image kernel)
                    |> Law.promises case.Seed

                [
                    Law.orthogonality centre
                    border ConvolutionBorder.Circular
                    border ConvolutionBorder.Same
                    abs (Dense.size kernel - Dense.size centre)
                    if Seq.toList kernel.shape = outputs :: inputs :: taps then
                        0.0
                    else
                        infinity
                ]
                |> List.reduce max
                |> Property.within bench.Product "residual")

            check "convolution-aware ones are orthogonal in space and in frequency, set by set" (fun case ->
                let taps = shape case
                let all = List.fold (*) 1L taps
                let inputs = int64 case.Size

                let kernel =
                    ConvolutionInitialization.convolutionAware case.Seed bench.Kind (3L :: inputs :: taps)

                let axes =
                    taps |> List.mapi (fun axis _ -> int64 (axis - taps.Length)) |> List.toArray

                let waves = torch.fft.fftn (kernel, dim = axes)

                let cosines (kernel: torch.Tensor) =
                    [
                        for start in 0L .. all .. inputs - 1L ->
                            largestCosine ((kernel.narrow (1L, start, min all (inputs - start))).flatten 2L)
                    ]

                cosines kernel @ cosines waves
                |> List.reduce max
                |> Property.within bench.Product "|cos|")

            check "convolution-aware ones have mean square 2 / fan_in" (fun case ->
                let taps = shape case

                let kernel =
                    ConvolutionInitialization.convolutionAware case.Seed bench.Kind (2L :: int64 case.Size :: taps)

                let expected = 2.0 / float (int64 case.Size * List.fold (*) 1L taps)
                let square = Dense.size kernel ** 2.0 / float (kernel.numel ())

                (if
                     Seq.toList kernel.shape = 2L :: int64 case.Size :: taps
                     && TensorKind.ofTensor kernel = bench.Kind
                 then
                     abs (square - expected) / expected
                 else
                     infinity)
                |> Property.within bench.Product "mean square")

            check "are the same for the same seed, and others for another" (fun case ->
                let both seed =
                    [
                        ConvolutionInitialization.deltaOrthogonal seed bench.Kind [ 4L; 3L; 2L ]
                        ConvolutionInitialization.convolutionAware seed bench.Kind [ 4L; 3L; 3L ]
                    ]

                let same =
                    List.map2 Law.distance (both case.Seed) (both case.Seed) |> List.reduce max

                let other =
                    List.map2 Law.distance (both case.Seed) (both (case.Seed + 1)) |> List.min

                (same = 0.0 && other > 0.1) |> Prop.label $"{same}, {other}")

            testCase "leave no tensor behind" (fun () ->
                let grown =
                    Dense.growthOfResults (fun () ->
                        [
                            ConvolutionInitialization.deltaOrthogonal 1 bench.Kind [ 4L; 3L; 3L; 3L ]
                            ConvolutionInitialization.convolutionAware 1 bench.Kind [ 4L; 3L; 3L; 3L ]
                            ConvolutionInitialization.convolutionAware 1 bench.Kind [ 4L; 10L; 3L; 3L ]
                        ])

                Expect.equal grown 0L "live tensors")
        ]

let private catalogue =
    testList
        "initial kernels and what is published"
        [
            testCase "the published construction is orthogonal in neither domain; ours in both" (fun () ->
                use _ = torch.NewDisposeScope()

                let theirs = List.init 200 (fun seed -> largestCosine (published seed 6L 3L))
                Expect.isGreaterThan (List.min theirs) 0.3 "theirs, every draw"
                Expect.isGreaterThan (List.reduce max theirs) 0.9 "theirs, the worst draw"

                let ours =
                    List.init 20 (fun seed ->
                        largestCosine (
                            (ConvolutionInitialization.convolutionAware seed TensorKind.float64 [ 1L; 6L; 3L; 3L ])
                                .flatten
                                2L
                        ))
                    |> List.reduce max

                Expect.isLessThan ours 1e-12 "ours")

            testCase "frames are uniform: each sign as often as the other" (fun () ->
                use _ = torch.NewDisposeScope()

                // Of 1 x 1 frames and of first entries of 2 x 2 ones, in 400 draws: 200 +- 10.
                for inputs, taps in [ 1L, 1L; 2L, 2L ] do
                    let kernel =
                        ConvolutionInitialization.convolutionAware 1 TensorKind.float64 [ 400L; inputs; taps ]

                    let first = kernel.select(2L, 0L).select(1L, 0L)
                    let positive = first.gt(torch.zeros_like first).sum().ToInt64()
                    Expect.isTrue (positive > 150L && positive < 250L) $"{positive} of 400")

            testCase "bad input is refused" (fun () ->
                let kind = TensorKind.float64

                Refusal.expect "more inputs" (fun () ->
                    ConvolutionInitialization.deltaOrthogonal 1 kind [ 2L; 3L; 3L ] |> ignore)

                Refusal.expect "no taps" (fun () ->
                    ConvolutionInitialization.deltaOrthogonal 1 kind [ 3L; 2L ] |> ignore)

                Refusal.expect "a size of 0" (fun () ->
                    ConvolutionInitialization.convolutionAware 1 kind [ 3L; 0L; 3L ] |> ignore)

                Refusal.expect "no taps at all" (fun () ->
                    ConvolutionInitialization.convolutionAware 1 kind [ 3L ] |> ignore))
        ]

let tests =
    testList "initial kernels" [ yield! Bench.all |> List.map laws; catalogue ]
