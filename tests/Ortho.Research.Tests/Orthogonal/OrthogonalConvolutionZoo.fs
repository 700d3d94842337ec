/// Orthogonal convolutions from free numbers, on lines and planes.
module Ortho.Tests.OrthogonalConvolutionZoo

open System
open Ortho
open ZooEntry
open TorchSharp

/// An orthogonal convolution without its numbers: channels, stride, image and taps.
type Plan =
    {
        Out: int64
        In: int64
        Stride: int64
        Image: int64 list
        Taps: int64 list
    }

    member this.Patch = this.Taps |> List.map (fun _ -> this.Stride)

    /// Channels that the projections act on.
    member this.Channels = if this.Stride = 1L then max this.Out this.In else this.In

    member this.Count = (List.sum this.Taps) - (List.sum this.Patch)

/// Even, odd and different numbers of taps and image sizes, kernels longer than the image, more, fewer and as many output channels.
let plan (axes: int) (case: Case) =
    let random = Random case.Seed
    let draw limit = int64 (1 + random.Next limit)
    let stride = if random.Next 3 = 0 then 2L else 1L

    {
        Out = draw 3
        In = draw 3
        Stride = stride
        Image = List.init axes (fun axis -> stride * (if axes = 1 then n case else 1L + (m case + int64 axis) % 3L))
        Taps = List.init axes (fun axis -> stride + (m case + int64 axis) % (if axes = 1 then 5L else 3L))
    }

/// [out; in; *stride] with orthonormal rows or columns, from a free square matrix of the larger side: columns of a Cayley transform.
let frame (plan: Plan) (free: torch.Tensor) =
    let columns = plan.In * List.fold (*) 1L plan.Patch
    let matrix = Cayley.matrix (Skew.ofSquare free)

    matrix.narrow(0L, 0L, plan.Out).narrow(1L, 0L, columns).reshape(List.toArray (plan.Out :: plan.In :: plan.Patch))

let blockShapes (plan: Plan) =
    let side = max plan.Out (plan.In * List.fold (*) 1L plan.Patch)
    let rank = plan.Channels / 2L
    [ [ side; side ]; [ plan.Count; plan.Channels - rank; rank ] ]

let blockKernel (plan: Plan) (p: torch.Tensor[]) =
    BlockConvolution.kernel plan.Taps (frame plan p[0]) (BlockConvolution.projections p[1])

/// Odd numbers of taps.
let private oddTaps (axes: int) (case: Case) =
    List.init axes (fun axis -> 1L + 2L * ((m case + int64 axis) % (if axes = 1 then 3L else 2L)))

let private image (axes: int) (case: Case) =
    List.init axes (fun axis -> if axes = 1 then n case else 1L + (n case + int64 axis) % 3L)

let private skewShape axes case =
    let c = 1L + n case % 3L
    c :: c :: oddTaps axes case

/// Short enough for few terms.
let private eighth (x: torch.Tensor) = x.div (torch.full_like (x, 8.0))

let entries: ZooEntry list =
    [
        for axes in [ 1; 2 ] do
            { entry $"block convolution on {axes} axes" (plan axes >> blockShapes) (fun case p ->
                  let plan = plan axes case
                  BlockConvolution.map plan.Image plan.Taps (frame plan p[0]) (BlockConvolution.projections p[1])) with
                Tolerance = _.Iteration
            }

            { entry $"skew convolution on {axes} axes" (fun case -> [ skewShape axes case ]) (fun case p ->
                  SkewConvolution.ofSkew (image axes case) (SkewConvolution.ofKernel (eighth p[0]))) with
                Tolerance = _.Iteration
            }

            entry $"series of a skew convolution on {axes} axes" (fun case -> [ skewShape axes case ]) (fun case p ->
                let kernel = SkewConvolution.ofKernel p[0] |> SkewConvolution.limited 1.0
                SkewConvolution.series case.Second (image axes case) kernel)

            { entry
                  $"Cayley convolution on {axes} axes"
                  (fun case -> [ n case % 3L + 1L :: m case % 3L + 1L :: (plan axes case).Taps ])
                  (fun case p -> FourierConvolution.cayley (image axes case) p[0]) with
                Tolerance = _.Iteration
                IsComplex = false
            }
    ]
