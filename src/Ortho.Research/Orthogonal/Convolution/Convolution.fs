namespace Ortho

open System
open TorchSharp

/// <summary>Convolution of several channels on a line or a plane, as deep learning has it: the kernel is not flipped (cross-correlation).</summary>
/// <remarks>
/// <para>y[o, i] = sum over c, t of K[o, c, t] x[c, S i + D t - p], with stride S, dilation D, and p = floor(D (k - 1) / 2) for circular
/// and 'same' borders, as torch's padding = "same": for odd k the window is centred. The adjoint is the transposed convolution, exact for
/// every stride, border and size.</para>
/// <para>The singular values of the map are in <c>ConvolutionSpectrum</c>, its orthogonality in <c>ConvolutionOrthogonality</c>; orthonormal rows of the
/// reshaped kernel do not make an orthogonal map.</para>
/// <para>Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Convolution =

    /// The grid continued periodically, by so many points before and after along the last two axes.
    let private continued (before: int64[]) (after: int64[]) (x: torch.Tensor) =
        let size axis = x.size (axis + 2)

        let fits axis =
            max before[axis] after[axis] <= size axis

        if Array.forall (fun n -> n = 0L) before && Array.forall (fun n -> n = 0L) after then
            x.alias ()
        elif fits 0 && fits 1 then
            torch.nn.functional.pad (x, [| before[1]; after[1]; before[0]; after[0] |], PaddingModes.Circular)
        else
            // A window longer than the grid meets it more than once.
            let copies axis n = (n + size axis - 1L) / size axis

            let tiles =
                Array.init 2 (fun axis -> copies axis before[axis] + 1L + copies axis after[axis])

            use tiled = x.tile [| 1L; 1L; tiles[0]; tiles[1] |]

            let along axis (y: torch.Tensor) =
                y.narrow (
                    int64 axis + 2L,
                    copies axis before[axis] * size axis - before[axis],
                    before[axis] + size axis + after[axis]
                )

            use part = along 0 tiled
            along 1 part

    let private forward (border: ConvolutionBorder) (groups: int64) (walks: ConvolutionWalk[]) (kernel: torch.Tensor) =
        let before, after = walks |> Array.map _.Before, walks |> Array.map _.After
        let strides, dilation = walks |> Array.map _.Stride, walks |> Array.map _.Dilation

        fun (x: torch.Tensor) ->
            let padded, padding =
                if border.IsCircular then
                    continued before after x, [| 0L; 0L |]
                elif before = after then
                    x, before
                else
                    torch.nn.functional.pad (x, [| before[1]; after[1]; before[0]; after[0] |]), [| 0L; 0L |]

            torch.nn.functional.conv2d (
                padded,
                kernel,
                strides = strides,
                padding = padding,
                dilation = dilation,
                groups = groups
            )

    /// The transposed convolution. On a circle the coarse grid is continued until every window that touches the fine one is there.
    let private backward (border: ConvolutionBorder) (groups: int64) (walks: ConvolutionWalk[]) (kernel: torch.Tensor) =
        let strides, dilation = walks |> Array.map _.Stride, walks |> Array.map _.Dilation

        let before, after =
            if border.IsCircular then
                walks |> Array.map (fun w -> w.After / w.Stride),
                walks |> Array.map (fun w -> (w.Before + w.Stride - 1L) / w.Stride)
            else
                [| 0L; 0L |], [| 0L; 0L |]

        // Points of the full transposed convolution in front of the first point of the grid.
        let cut = Array.map2 (fun w before -> w.Stride * before + w.Before) walks before

        let spare =
            Array.init 2 (fun axis ->
                let w = walks[axis]
                let windows = before[axis] + w.Output + after[axis]
                let full = w.Stride * (windows - 1L) + w.Dilation * (w.Kernel - 1L) + 1L
                w.Size - (full - 2L * cut[axis]))

        fun (y: torch.Tensor) ->
            let z =
                torch.nn.functional.conv_transpose2d (
                    continued before after y,
                    kernel,
                    strides = strides,
                    padding = cut,
                    output_padding = Array.map (max 0L) spare,
                    dilation = dilation,
                    groups = groups
                )

            z.narrow(2L, 0L, walks[0].Size).narrow(3L, 0L, walks[1].Size)

    /// An action on [n; channels; size; size] as one on [*batch; channels; *sizes].
    let private onBatches (domain: Space) (codomain: Space) (walks: int64[]) (action: torch.Tensor -> torch.Tensor) =
        Actions.scoped (fun x ->
            let batch = Array.init (int x.ndim - domain.Rank) (fun axis -> x.size axis)
            let count = Array.fold (*) 1L batch

            let y = x.reshape [| count; domain.Axes[0]; walks[0]; walks[1] |] |> action

            y.reshape (Array.append batch codomain.Axes))

    /// <summary>The convolution of a grid with a kernel.</summary>
    /// <param name="options">Border, stride, dilation and groups.</param>
    /// <param name="sizes">Sizes of the grid: one for a line, two for a plane; multiples of the stride on a circle.</param>
    /// <param name="kernel">Shape [out; in/groups; k] or [out; in/groups; k1; k2]. Differentiable. It is not copied.</param>
    /// <returns>A map from [in; *sizes] to [out; *outputSizes], whose adjoint is the transposed convolution. A window may be longer than a circle.</returns>
    /// <exception cref="T:System.ArgumentException">An option or size is out of range, sizes and kernel do not fit, the kernel is not floating or complex, no window
    /// fits, or the stride does not divide the size of a circle.</exception>
    [<CompiledName("Map")>]
    let map (options: ConvolutionOptions) (sizes: seq<int64>) (kernel: torch.Tensor) : LinearMap =
        let walks = ConvolutionWalk.ofKernel options sizes kernel
        let own = walks[4 - int kernel.ndim ..]
        let weight = ConvolutionWalk.plane kernel

        let conjugate =
            if kernel.is_complex () then
                use lazily = weight.conj ()
                lazily.resolve_conj ()
            else
                weight

        let channels = kernel.size 1 * options.Groups
        let domain = Space.Of(Array.append [| channels |] (own |> Array.map _.Size))

        let codomain =
            Space.Of(Array.append [| kernel.size 0 |] (own |> Array.map _.Output))

        Build.leaf
            $"Convolution{Guard.showShape kernel.shape}"
            domain
            codomain
            Traits.None
            (Nullable(TensorKind.ofTensor kernel))
            (forward options.Border options.Groups walks weight
             |> onBatches domain codomain (walks |> Array.map _.Size))
            (backward options.Border options.Groups walks conjugate
             |> onBatches codomain domain (walks |> Array.map _.Output))

    /// <summary>The circular convolution of stride 1, dilation 1 and one group.</summary>
    /// <param name="sizes">Sizes of the grid: one for a line, two for a plane.</param>
    /// <param name="kernel">Shape [out; in; k] or [out; in; k1; k2]. Differentiable. It is not copied.</param>
    /// <returns>A map from [in; *sizes] to [out; *sizes].</returns>
    /// <exception cref="T:System.ArgumentException">Sizes and kernel do not fit, or the kernel is not floating or complex.</exception>
    [<CompiledName("Circular")>]
    let circular (sizes: seq<int64>) (kernel: torch.Tensor) : LinearMap =
        map ConvolutionOptions.Default sizes kernel
