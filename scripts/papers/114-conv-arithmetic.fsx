#!/usr/bin/env -S dotnet fsi
// A guide to convolution arithmetic for deep learning (1603.07285): its 15 relationships between the sizes of a convolution,
// each held against the shapes that torch really gives, for every input, kernel, stride, padding and dilation up to a bound;
// and the law behind them: the transposed convolution is the adjoint.
#load "../ortho.fsx"

open TorchSharp
open Ortho
open Ortho.Lab

let inputs = Experiment.size 40L 12L // the bounds of the search: all smaller sizes are tried

let kernels, strides, paddings, dilations =
    Experiment.size (7L, 4L, 3L, 3L) (5L, 3L, 2L, 2L)

let axes =
    [
        for k in 1L .. kernels do
            for s in 1L .. strides do
                for p in 0L .. paddings do
                    for d in 1L .. dilations ->
                        {
                            Kernel = k
                            Stride = s
                            Padding = p
                            Dilation = d
                        }
    ]

let zeros (shape: int64 list) = torch.zeros (Array.ofList shape)

/// The sizes that torch gives.
let convolved (axis: ConvolutionAxis) i =
    use _ = torch.NewDisposeScope()
    let input, weight = zeros [ 1L; 1L; i ], zeros [ 1L; 1L; axis.Kernel ]
    torch.nn.functional.conv1d(input, weight, null, axis.Stride, axis.Padding, axis.Dilation).shape[2]

let pooled (axis: ConvolutionAxis) i =
    use _ = torch.NewDisposeScope()
    torch.nn.functional.max_pool1d(zeros [ 1L; 1L; i ], axis.Kernel, axis.Stride).shape[2]

let transposed (axis: ConvolutionAxis) (outputPadding: int64) (i: int64) =
    use _ = torch.NewDisposeScope()
    let input, weight = zeros [ 1L; 1L; i ], zeros [ 1L; 1L; axis.Kernel ]

    torch.nn.functional
        .conv_transpose1d(input, weight, null, axis.Stride, axis.Padding, outputPadding, axis.Dilation)
        .shape[2]

/// Counts the cases that satisfy the relationship's condition, and those where the formula and torch differ.
let relation number what condition formula measured =
    let cases =
        [
            for axis in axes do
                for i in 1L .. inputs do
                    if (ConvolutionArithmetic.tryOutputSize axis i).IsSome && condition axis i then
                        axis, i
        ]

    Claim.equals $"{what}: wrong of {cases.Length:N0} cases" (Paper $"relationship {number}", 0) (fun () ->
        cases
        |> List.filter (fun (axis, i) -> formula axis i <> measured axis i)
        |> List.length)

/// Conditions.
let plain axis _ = axis.Dilation = 1L
let unit axis i = plain axis i && axis.Stride = 1L
let valid axis i = unit axis i && axis.Padding = 0L

let half axis i =
    unit axis i && axis.Kernel % 2L = 1L && axis.Padding = axis.Kernel / 2L

let full axis i =
    unit axis i && axis.Padding = axis.Kernel - 1L

let noPadding axis i = plain axis i && axis.Padding = 0L

let fits axis i =
    plain axis i && (i + 2L * axis.Padding - axis.Kernel) % axis.Stride = 0L

/// The transposed convolution is fed what the convolution gives for i, so o' should be i again.
let o axis i = ConvolutionArithmetic.outputSize axis i

let back axis i =
    transposed axis (ConvolutionArithmetic.remainder axis i) (o axis i)

let backPlain axis i = transposed axis 0L (o axis i)

/// The largest relative difference between <C x, y> and <x, C* y> over all geometries, channels 2 to 3, in float64.
let adjointResidual (seed: int) =
    use _ = torch.NewDisposeScope()
    use generator = new torch.Generator(uint64 seed, torch.CPU)

    let draw (shape: int64 list) =
        torch.randn (Array.ofList shape, dtype = torch.float64, generator = generator)

    let residual (axis: ConvolutionAxis) i =
        use _ = torch.NewDisposeScope()
        let x, weight = draw [ 1L; 2L; i ], draw [ 3L; 2L; axis.Kernel ]

        let cx =
            torch.nn.functional.conv1d (x, weight, null, axis.Stride, axis.Padding, axis.Dilation)

        let y = draw (List.ofArray cx.shape)
        let a = ConvolutionArithmetic.remainder axis i

        let cty =
            torch.nn.functional.conv_transpose1d (y, weight, null, axis.Stride, axis.Padding, a, axis.Dilation)

        let difference = (cx.mul y).sum().item<float>() - (x.mul cty).sum().item<float>()
        abs difference / (cx.norm().item<float>() * y.norm().item<float>())

    [
        for axis in axes do
            for i in [ 23L; 24L; 25L; 26L ] -> residual axis i
    ]
    |> List.max

Experiment.run
    "114"
    "A guide to convolution arithmetic for deep learning (1603.07285)"
    [
        relation 1 "s=1, p=0: o = i-k+1" valid (fun c i -> i - c.Kernel + 1L) convolved
        relation 2 "s=1: o = i-k+2p+1" unit (fun c i -> i - c.Kernel + 2L * c.Padding + 1L) convolved
        relation 3 "half padding: o = i" half (fun _ i -> i) convolved
        relation 4 "full padding: o = i+k-1" full (fun c i -> i + c.Kernel - 1L) convolved
        relation 5 "p=0: o = (i-k)/s+1" noPadding (fun c i -> (i - c.Kernel) / c.Stride + 1L) convolved
        relation 6 "o = (i+2p-k)/s+1" plain o convolved
        relation 7 "pooling: o = (i-k)/s+1" noPadding o pooled
        relation 8 "transposed, s=1, p=0: o' = i'+k-1" valid (fun c i -> o c i + c.Kernel - 1L) backPlain
        relation 9 "transposed, s=1: o' = i'+k-1-2p" unit (fun c i -> o c i + c.Kernel - 1L - 2L * c.Padding) backPlain
        relation 10 "transposed, half padding: o' = i'" half (fun c i -> o c i) backPlain
        relation 11 "transposed, full padding: o' = i'-(k-1)" full (fun c i -> o c i - (c.Kernel - 1L)) backPlain
        relation
            12
            "transposed, p=0, s | i-k: o' = s(i'-1)+k"
            (fun c i -> noPadding c i && fits c i)
            (fun c i -> c.Stride * (o c i - 1L) + c.Kernel)
            backPlain
        relation
            13
            "transposed, s | i+2p-k: o' = s(i'-1)+k-2p"
            fits
            (fun c i -> c.Stride * (o c i - 1L) + c.Kernel - 2L * c.Padding)
            backPlain
        relation
            14
            "transposed, a = (i+2p-k) mod s: o' = s(i'-1)+a+k-2p"
            plain
            (fun c i -> ConvolutionArithmetic.transposedOutputSize c (ConvolutionArithmetic.remainder c i) (o c i))
            back
        relation 15 "dilated: o = (i+2p-k-(k-1)(d-1))/s+1" (fun _ _ -> true) o convolved
        relation 14 "and recovers i, dilated too" (fun _ _ -> true) (fun _ i -> i) back
        Claim.overSeeds [ 1; 2; 3 ] (fun seed ->
            Claim.below "<Cx, y> = <x, C*y>, largest relative difference" (Ours, 1e-12) (fun () ->
                adjointResidual seed))
    ]
|> exit
