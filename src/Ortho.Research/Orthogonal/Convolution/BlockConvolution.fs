/// <summary>Orthogonal convolutions with explicit small kernels, as products of the simplest ones: an orthogonal matrix at one tap, and
/// P + (I - P) shift, which is orthogonal for every orthogonal projection P.</summary>
/// <remarks>
/// <para>Kernels are [out; in; k] or [out; in; k1; k2], as those of a cross-correlation. A convolution after another is a convolution, whose
/// kernel is their block convolution (<c>compose</c>), of size k + l - 1; block convolution is associative. With circular borders all here is
/// orthogonal to rounding, for images of any size.</para>
/// <para>A kernel of k1 x k2 taps takes k1 - 1 projections along the first axis and k2 - 1 along the second. Stride s: an orthonormal frame of patches of s
/// taps comes last. Several groups: one kernel for each, joined along the output channels.</para>
/// <para>Xiao et al. 2018 (1806.05393, algorithm 1); Li et al. 2019 (BCOP, 1911.00937); strides: Boissin et al. 2025 (AOC, 2501.08930).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.BlockConvolution

open System
open Ortho
open TorchSharp

let private spatial (kernel: torch.Tensor) = kernel.shape |> Array.skip 2

let private checkKernel (name: string) (kernel: torch.Tensor) =
    Guard.floating name kernel
    Guard.notEmpty name kernel

    Guard.holds name (kernel.ndim = 3L || kernel.ndim = 4L) (fun () ->
        $"{name} must have shape [out; in; k] or [out; in; k1; k2], but has shape {Guard.showShape kernel.shape}.")

/// compose without checks.
let private after (second: torch.Tensor) (first: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let taps = spatial second
    let weight = second.flip (Array.init taps.Length (fun axis -> int64 axis + 2L))
    let image = first.transpose (0L, 1L)
    let padding = taps |> Array.map (fun k -> k - 1L)

    let joined =
        if taps.Length = 1 then
            torch.nn.functional.conv1d (image, weight, padding = Nullable padding[0])
        else
            torch.nn.functional.conv2d (image, weight, padding = padding)

    scope.MoveToOuter(joined.transpose(0L, 1L).contiguous())

/// <summary>The kernel of one convolution after another: K[n] = sum over a + b = n of second[a] first[b], each tap a matrix.</summary>
/// <param name="second">Shape [out; middle; *k]. It may be the kernel of a convolution with a stride: then the result is, of the same stride.</param>
/// <param name="first">Shape [middle; in; *l], of a convolution of stride 1.</param>
/// <returns>Shape [out; in; *(k + l - 1)]. Differentiable in both.</returns>
/// <exception cref="T:System.ArgumentException">Not kernels of one or two axes, not floating or complex, or they do not fit together.</exception>
[<CompiledName("Compose")>]
let compose (second: torch.Tensor) (first: torch.Tensor) : torch.Tensor =
    Guard.live "second" second
    Guard.live "first" first
    checkKernel "second" second
    checkKernel "first" first

    Guard.holds
        "first"
        (first.ndim = second.ndim
         && first.size 0 = second.size 1
         && TensorKind.ofTensor first = TensorKind.ofTensor second)
        (fun () ->
            $"first must give the {second.size 1} channels that second takes, with as many spatial axes, of the same type and device; first has shape {Guard.showShape first.shape} ({TensorKind.ofTensor first}) and second {Guard.showShape second.shape} ({TensorKind.ofTensor second}).")

    after second first

/// The product of kernels, the last applied first, by a balanced tree of block convolutions.
let rec private tree (kernels: torch.Tensor[]) =
    if kernels.Length = 1 then
        kernels[0]
    else
        kernels
        |> Array.chunkBySize 2
        |> Array.map (fun pair -> if pair.Length = 1 then pair[0] else after pair[0] pair[1])
        |> tree

/// <summary>The orthogonal projections on the graphs of matrices, {(u, B u)}: P = V (V* V)^-1 V* with V = [I; B]. Every projection of rank r whose image
/// meets the last c - r axes only in 0 is one of these, with its own B.</summary>
/// <param name="graphs">B: any matrices, shape [*batch; c - r; r]. Differentiable everywhere; zeros give the projection on the first r axes.</param>
/// <returns>Shape [*batch; c; c], of rank r. The error grows with 1 + |B|^2.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, or not floating or complex.</exception>
[<CompiledName("Projections")>]
let projections (graphs: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "graphs" 2 graphs
    Guard.floating "graphs" graphs
    use scope = torch.NewDisposeScope()
    let rank = graphs.size (int graphs.ndim - 1)
    let adjoint = graphs.mH

    let identity =
        torch.eye (rank, dtype = Nullable graphs.dtype, device = graphs.device)

    let core = torch.linalg.inv (identity .+ adjoint.matmul graphs)
    let below = graphs.matmul core
    let left = torch.cat ([| core; below |], -2L)
    let right = torch.cat ([| below.mH; below.matmul adjoint |], -2L)
    scope.MoveToOuter(torch.cat ([| left; right |], -1L))

/// How many projections each axis takes.
let private counts (name: string) (sizes: int64[]) (patch: int64[]) =
    Guard.holds
        name
        (sizes.Length = patch.Length
         && (sizes.Length = 1 || sizes.Length = 2)
         && Array.forall2 (fun k s -> k >= s) sizes patch)
        (fun () ->
            $"{name} must be the numbers of taps along one or two axes, at least {Guard.showShape patch}, but are {Guard.showShape sizes}.")

    Array.map2 (-) sizes patch

let private checkProjections (channels: int64) (count: int64) (projections: torch.Tensor) =
    Guard.rank "projections" 3 projections
    Guard.floating "projections" projections

    Guard.holds "projections" (projections.shape = [| count; channels; channels |]) (fun () ->
        $"projections must be {count} matrices for these sizes, shape {Guard.showShape [| count; channels; channels |]}, but have shape {Guard.showShape projections.shape}.")

    Membership.projection "projections" projections

/// The kernel of P + (I - P) shift along one of the axes.
let private factor (axes: int) (axis: int) (p: torch.Tensor) (complement: torch.Tensor) =
    let kernel = torch.stack ([| p; complement |], -1L)

    if axes = 1 then
        kernel
    else
        kernel.unsqueeze (if axis = 0 then -1L else -2L)

/// ofProjections without checks; at least one projection.
let private factors (counts: int64[]) (projections: torch.Tensor) =
    let channels = projections.size 1

    let identity =
        torch.eye (channels, dtype = Nullable projections.dtype, device = projections.device)

    let complements = identity .- projections
    let pairs = if counts.Length = 1 then 0L else Array.min counts

    let blocks =
        if pairs = 0L then
            [||]
        else
            // Along the first axis after along the second: the four products of (P, I - P) and (Q, I - Q), from P Q alone.
            let p, q =
                projections.narrow (0L, 0L, pairs), projections.narrow (0L, counts[0], pairs)

            let both = p.matmul q
            let first = p .- both
            let second = q .- both
            let neither = complements.narrow (0L, 0L, pairs) .- second
            let rows = torch.stack ([| both; first; second; neither |], -1L)
            let kernels = rows.reshape [| pairs; channels; channels; 2L; 2L |]
            Array.init (int pairs) (fun i -> kernels.select (0L, int64 i))

    let rest =
        [|
            for axis in 0 .. counts.Length - 1 do
                for i in pairs .. counts[axis] - 1L do
                    let place = i + (if axis = 0 then 0L else counts[0])
                    factor counts.Length axis (projections.select (0L, place)) (complements.select (0L, place))
        |]

    tree (Array.append blocks rest)

/// <summary>The kernel of the product of P + (I - P) shift over the given projections, along the first and the second axis in turn: unitary.</summary>
/// <param name="sizes">Taps along each of one or two axes, at least 1.</param>
/// <param name="projections">Shape [sum of (k - 1); c; c], those along the first axis first. Differentiable.</param>
/// <returns>Shape [c; c; *sizes].</returns>
/// <exception cref="T:System.ArgumentException">Sizes out of range, another number of matrices, or not orthogonal projections to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("OfProjections")>]
let ofProjections (sizes: seq<int64>) (projections: torch.Tensor) : torch.Tensor =
    Guard.notNull "sizes" sizes
    Guard.live "projections" projections
    let sizes = Seq.toArray sizes
    let counts = counts "sizes" sizes (Array.map (fun _ -> 1L) sizes)
    Guard.rank "projections" 3 projections
    let channels = projections.size 2
    checkProjections channels (Array.sum counts) projections
    use scope = torch.NewDisposeScope()

    scope.MoveToOuter(
        if Array.sum counts = 0L then
            torch
                .eye(channels, dtype = Nullable projections.dtype, device = projections.device)
                .reshape(Array.append [| channels; channels |] sizes)
        else
            (factors counts projections).contiguous()
    )

/// Whether the projections act on the output channels: at stride 1, if there are more of those.
let private actsOnOutput (frame: torch.Tensor) =
    Array.forall ((=) 1L) (spatial frame) && frame.size 0 > frame.size 1

let private checkFrame (frame: torch.Tensor) =
    checkKernel "frame" frame
    use flat = frame.flatten 1L

    use tall =
        if flat.size 0 >= flat.size 1 then
            flat.alias ()
        else
            flat.mH

    Membership.orthonormal "frame" tall |> ignore

/// <summary>The kernel of an orthogonal convolution whose stride is the patch of the frame: the projections' unitary convolution on the input
/// channels, then the frame. At stride 1 with more output than input channels the frame comes first, so that the projections have room.</summary>
/// <param name="sizes">Taps along each of one or two axes, at least those of the frame.</param>
/// <param name="frame">Shape [out; in; *stride]: as a matrix [out; in * taps], orthonormal rows or columns. Stride 1 is [out; in; 1; 1]. Differentiable.</param>
/// <param name="projections">Shape [sum of (k - stride); c; c] with c = in, or c = out at stride 1 if that is more. Differentiable.</param>
/// <returns>Shape [out; in; *sizes]: rows orthonormal for out at most in * stride taps, columns for at least so many.</returns>
/// <exception cref="T:System.ArgumentException">Shapes do not fit, the frame is not orthonormal or the projections are none, to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("Kernel")>]
let kernel (sizes: seq<int64>) (frame: torch.Tensor) (projections: torch.Tensor) : torch.Tensor =
    Guard.notNull "sizes" sizes
    Guard.live "frame" frame
    Guard.live "projections" projections
    let sizes = Seq.toArray sizes
    checkFrame frame
    let counts = counts "sizes" sizes (spatial frame)
    let onOutput = actsOnOutput frame
    checkProjections (if onOutput then frame.size 0 else frame.size 1) (Array.sum counts) projections

    Guard.holds "projections" (TensorKind.ofTensor projections = TensorKind.ofTensor frame) (fun () ->
        $"projections must be {TensorKind.ofTensor frame}, like frame, but are {TensorKind.ofTensor projections}.")

    use scope = torch.NewDisposeScope()

    scope.MoveToOuter(
        if Array.sum counts = 0L then frame.alias ()
        elif onOutput then after (factors counts projections) frame
        else after frame (factors counts projections)
    )

/// <summary>How many numbers a unitary convolution of c channels takes: c (c - 1) / 2 for the matrix, r (c - r) for each projection.</summary>
/// <param name="sizes">Taps along each of one or two axes, at least 1.</param>
/// <param name="channels">c, at least 1.</param>
/// <param name="rank">r, the rank of the projections, 0 to c. c / 2 gives the most.</param>
/// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
[<CompiledName("ParameterCount")>]
let parameterCount (sizes: seq<int64>) (channels: int64) (rank: int64) : int64 =
    Guard.notNull "sizes" sizes
    Guard.positive "channels" channels
    Guard.between "rank" 0L channels rank
    let sizes = Seq.toArray sizes
    let counts = counts "sizes" sizes (Array.map (fun _ -> 1L) sizes)

    Skew.dimension channels + Array.sum counts * rank * (channels - rank)

/// <summary>The orthogonal circular convolution of <c>kernel</c>, as a map on images; its stride is the patch of the frame.</summary>
/// <param name="image">Sizes of the image, one or two, multiples of the stride.</param>
/// <param name="sizes">Taps along each axis.</param>
/// <param name="frame">As in <c>kernel</c>, with the same stride along both axes. <c>Cayley.matrix</c> makes square ones.</param>
/// <param name="projections">As in <c>kernel</c>; <c>projections</c> makes them.</param>
/// <returns>A map from [in; *image] to [out; *image / stride]: an isometry for out of at least in * stride taps, a coisometry for at most so many, unitary
/// for both. Differentiable in frame and projections.</returns>
/// <exception cref="T:System.ArgumentException">As in <c>kernel</c>; strides differ; image sizes are no multiples of the stride.</exception>
[<CompiledName("Map")>]
let map (image: seq<int64>) (sizes: seq<int64>) (frame: torch.Tensor) (projections: torch.Tensor) : LinearMap =
    Guard.notNull "image" image
    Guard.notNull "sizes" sizes
    Guard.live "projections" projections
    checkKernel "frame" frame
    let patch = spatial frame
    let stride = patch[0]

    Guard.holds "frame" (Array.forall ((=) stride) patch) (fun () ->
        $"frame must have patches as long along one axis as along the other for a map, but has shape {Guard.showShape frame.shape}.")

    let image = Seq.toArray image

    Guard.holds
        "image"
        (image.Length = patch.Length
         && image |> Array.forall (fun n -> n >= 1L && n % stride = 0L))
        (fun () ->
            $"image must have {patch.Length} sizes, multiples of the stride {stride}, but is {Guard.showShape image}.")

    let options = ConvolutionOptions.Default.WithStride stride
    let kernel = kernel sizes frame projections
    let rows, columns = frame.size 0, frame.numel () / frame.size 0

    Convolution.map options image kernel
    |> LinearMap.promise (
        Build.given (rows >= columns) Traits.Isometry
        ||| Build.given (rows <= columns) Traits.Coisometry
    )
