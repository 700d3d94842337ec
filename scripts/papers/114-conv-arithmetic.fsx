#!/usr/bin/env -S dotnet fsi
// A guide to convolution arithmetic for deep learning (1603.07285): its relationships between the sizes of a convolution (input i,
// kernel k, stride s, padding p, dilation d, output o; i', o' of the transposed one), each held against the shapes that torch
// gives, for every i, k, s, p, d up to a bound; and the law behind them: the transposed convolution is the adjoint.
#load "../ortho.fsx"

open TorchSharp
open Ortho
open Ortho.Lab

let inputs = Experiment.size 40L 12L // all sizes from 1 to these bounds are tried

let kernels, strides, paddings, dilations =
    Experiment.size (7L, 4L, 3L, 3L) (5L, 3L, 2L, 2L)

let axis k s p d =
    {
        Kernel = k
        Stride = s
        Padding = p
        Dilation = d
    }

let axes =
    List.allPairs
        (List.allPairs [ 1L .. kernels ] [ 1L .. strides ])
        (List.allPairs [ 0L .. paddings ] [ 1L .. dilations ])
    |> List.map (fun ((k, s), (p, d)) -> axis k s p d)

/// The third size of what a function of tensors gives; zeros will do.
let sizeOf (f: torch.Tensor -> torch.Tensor) (i: int64) =
    use _ = torch.NewDisposeScope()
    (f (torch.zeros [| 1L; 1L; i |])).shape[2]

let conv (c: ConvolutionAxis) (weight: torch.Tensor) x =
    torch.nn.functional.conv1d (x, weight, null, c.Stride, c.Padding, c.Dilation)

let transposedConv (c: ConvolutionAxis) (outputPadding: int64) (weight: torch.Tensor) y =
    torch.nn.functional.conv_transpose1d (y, weight, null, c.Stride, c.Padding, outputPadding, c.Dilation)

/// The sizes that torch gives. A transposed convolution is fed o, so that o' should be i again.
let o c i = ConvolutionArithmetic.outputSize c i
let a c i = ConvolutionArithmetic.remainder c i
let kernel (c: ConvolutionAxis) = torch.zeros [| 1L; 1L; c.Kernel |]

let direct c i =
    i |> sizeOf (fun x -> conv c (kernel c) x)

let pooled (c: ConvolutionAxis) i =
    i |> sizeOf (fun x -> torch.nn.functional.max_pool1d (x, c.Kernel, c.Stride))

let back c i =
    o c i |> sizeOf (fun y -> transposedConv c 0L (kernel c) y)

let backPadded c i =
    o c i |> sizeOf (fun y -> transposedConv c (a c i) (kernel c) y)

/// A relationship of sizes: the cases that it is stated for, its formula, and what torch gives. The claim: none is wrong.
let relation number what condition formula measured =
    let cases =
        List.allPairs axes [ 1L .. inputs ]
        |> List.filter (fun (c, i) -> (ConvolutionArithmetic.tryOutputSize c i).IsSome && condition c i)

    Claim.equals $"{what}: wrong of {cases.Length:N0} cases" (Paper $"relationship {number}", 0) (fun () ->
        cases |> List.filter (fun (c, i) -> formula c i <> measured c i) |> List.length)

let any c _ = c.Dilation = 1L
let unit c i = any c i && c.Stride = 1L
let valid c i = unit c i && c.Padding = 0L

let half c i =
    unit c i && c.Kernel % 2L = 1L && c.Padding = c.Kernel / 2L

let full c i = unit c i && c.Padding = c.Kernel - 1L
let unpadded c i = any c i && c.Padding = 0L
let fits c i = any c i && a c i = 0L
let unpaddedFits c i = unpadded c i && fits c i

/// The convolution of 2 channels of length i with 3 kernels, as a linear map whose adjoint is the transposed convolution.
let convolution c (i: int64) (weight: torch.Tensor) =
    LinearMap.ofFunctions
        "convolution"
        (Space.Of(2L, i), Space.Of(3L, o c i))
        (conv c weight, transposedConv c (a c i) weight)

/// The largest residual of the adjoint law over all geometries and four inputs, in float64.
let adjointResidual (seed: int) =
    List.allPairs axes [ 23L .. 26L ]
    |> List.map (fun (c, i) ->
        use _ = torch.NewDisposeScope()
        Law.adjoint seed (Seed.normal seed TensorKind.float64 [ 3L; 2L; c.Kernel ] |> convolution c i))
    |> List.max

/// The paper's formulas, in its letters: f k s p i for a convolution, f k s p i' for a transposed one, which is fed i' = o.
let at f c i = f c.Kernel c.Stride c.Padding i
let at' f c i = f c.Kernel c.Stride c.Padding (o c i)
let strided k s p i = s * (i - 1L) + k - 2L * p

Experiment.run
    "114"
    "A guide to convolution arithmetic for deep learning (1603.07285)"
    [
        relation 1 "s=1, p=0: o = i-k+1" valid (at (fun k _ _ i -> i - k + 1L)) direct
        relation 2 "s=1: o = i-k+2p+1" unit (at (fun k _ p i -> i - k + 2L * p + 1L)) direct
        relation 3 "half padding: o = i" half (at (fun _ _ _ i -> i)) direct
        relation 4 "full padding: o = i+k-1" full (at (fun k _ _ i -> i + k - 1L)) direct
        relation 5 "p=0: o = (i-k)/s+1" unpadded (at (fun k s _ i -> (i - k) / s + 1L)) direct
        relation 6 "o = (i+2p-k)/s+1" any (at (fun k s p i -> (i + 2L * p - k) / s + 1L)) direct
        relation 7 "pooling: o = (i-k)/s+1" unpadded (at (fun k s _ i -> (i - k) / s + 1L)) pooled
        relation 8 "transposed, s=1, p=0: o' = i'+k-1" valid (at' (fun k _ _ i -> i + k - 1L)) back
        relation 9 "transposed, s=1: o' = i'+k-1-2p" unit (at' (fun k _ p i -> i + k - 1L - 2L * p)) back
        relation 10 "transposed, half padding: o' = i'" half (at' (fun _ _ _ i -> i)) back
        relation 11 "transposed, full padding: o' = i'-(k-1)" full (at' (fun k _ _ i -> i - (k - 1L))) back
        relation 12 "transposed, p=0, s | i-k: o' = s(i'-1)+k" unpaddedFits (at' (fun k s _ i -> s * (i - 1L) + k)) back
        relation 13 "transposed, s | i+2p-k: o' = s(i'-1)+k-2p" fits (at' strided) back
        relation
            14
            "transposed, a = (i+2p-k) mod s: o' = s(i'-1)+a+k-2p"
            any
            (fun c i -> at' strided c i + a c i)
            backPadded
        relation 15 "dilated: o = (i+2p-k-(k-1)(d-1))/s+1" (fun _ _ -> true) o direct
        relation 14 "and recovers i, dilated too" (fun _ _ -> true) (fun _ i -> i) backPadded
        Claim.overSeeds [ 1; 2; 3 ] (fun seed ->
            Claim.below "<Cx, y> = <x, C*y>, largest residual of the law" (Ours, 1e-12) (fun () ->
                adjointResidual seed))
    ]
|> exit
