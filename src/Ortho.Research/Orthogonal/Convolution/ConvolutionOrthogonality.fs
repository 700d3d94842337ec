namespace Ortho

open System
open TorchSharp

/// Whether some kernel makes a convolution orthogonal: orthonormal rows for out at most in * S^axes, orthonormal columns otherwise.
type ConvolutionExistence =
    {
        /// Whether there is such a kernel.
        Exists: bool
        /// Why, in words.
        Reason: string
        /// 0 where one exists. On a circle the least L_orth, which some kernel reaches. For the valid border no kernel has a
        /// |K* K - I|_F^2 below this; some reach it if out is at least 2^axes in and sizes at least 2 k - 2.
        LeastDefect: float
    }

/// <summary>When a convolution is orthogonal, and a penalty that says how far it is from that.</summary>
/// <remarks>
/// <para>The orthogonality of a kernel reshaped to a matrix is not that of the convolution, unless windows do not overlap.</para>
/// <para>Achour, Malgouyres and Mamalet 2022, "Existence, Stability and Scalability of Orthogonal Convolutional Neural Networks" (2108.05623);
/// the penalty without its last term: Wang et al. 2020.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module ConvolutionOrthogonality =

    /// Zeros between taps, so that neighbours lie a dilation apart along an axis.
    let private spread (axis: int64) (dilation: int64) (kernel: torch.Tensor) =
        if dilation = 1L then
            kernel.alias ()
        else
            use _ = torch.NewDisposeScope()
            let k = kernel.size (int axis)
            let last = kernel.transpose (axis, 3L)
            let shape = last.shape
            let zeros = last.new_zeros (Array.append shape [| dilation - 1L |])

            torch
                .cat([| last.unsqueeze 4L; zeros |], 4L)
                .reshape([| shape[0]; shape[1]; shape[2]; k * dilation |])
                .narrow(3L, 0L, dilation * (k - 1L) + 1L)
                .transpose(axis, 3L)
                .MoveToOuterDisposeScope()

    /// <summary>L_orth(K) = |conv (K, K; padding P, stride S) - I_0|_F^2 - max (0, out - in S^axes), with P = floor ((k - 1) / S) S: 0 exactly if the
    /// circular convolution is orthogonal.</summary>
    /// <param name="options">Stride, dilation (then k is the reach of the kernel) and groups (then it is the sum over them). The border does not enter.</param>
    /// <param name="kernel">Shape [out; in/groups; k] or [out; in/groups; k1; k2]. Differentiable.</param>
    /// <returns>A real scalar. On every circle (torus) of size 2 k - 1 or more, |K K* - I|_F^2 (|K* K - I|_F^2 for out above in S^axes) is this times
    /// the number of output points.</returns>
    /// <exception cref="T:System.ArgumentException">An option is out of range, the kernel is not floating or complex or not of such a shape, or the groups do not divide it.</exception>
    /// <remarks>Rounding may leave a tiny number on either side of 0.</remarks>
    [<CompiledName("Penalty")>]
    let penalty (options: ConvolutionOptions) (kernel: torch.Tensor) : torch.Tensor =
        ConvolutionWalk.check options
        Guard.live "kernel" kernel
        Guard.floating "kernel" kernel
        // A circle of one stride has room for every kernel.
        let axes = max 0 (int kernel.ndim - 2)

        let walks =
            ConvolutionWalk.ofShape
                { options with
                    Border = ConvolutionBorder.Circular
                }
                (Array.create axes options.Stride)
                "kernel"
                kernel.shape

        use scope = torch.NewDisposeScope()
        let groups, out, channels = options.Groups, kernel.size 0, kernel.size 1
        let perGroup = out / groups
        let weight = ConvolutionWalk.plane kernel

        // Every filter of a group as an image, the groups side by side as channels.
        let wide = spread 3L walks[1].Dilation (spread 2L walks[0].Dilation weight)

        let images =
            wide
                .reshape([| groups; perGroup; channels; wide.size 2; wide.size 3 |])
                .permute(1L, 0L, 2L, 3L, 4L)
                .flatten(1L, 2L)

        let shifts = walks |> Array.map (fun w -> w.Dilation * (w.Kernel - 1L) / w.Stride)

        let products =
            torch.nn.functional.conv2d (
                images,
                (if weight.is_complex () then
                     weight.conj().resolve_conj()
                 else
                     weight),
                strides = (walks |> Array.map _.Stride),
                padding = Array.map2 (fun w shift -> w.Stride * shift) walks shifts,
                dilation = (walks |> Array.map _.Dilation),
                groups = groups
            )

        let identity =
            torch
                .eye(perGroup, dtype = Nullable kernel.dtype, device = kernel.device)
                .tile([| 1L; groups |])
                .reshape([| perGroup; out; 1L; 1L |])

        let centred =
            torch.nn.functional.pad (identity, [| shifts[1]; shifts[1]; shifts[0]; shifts[0] |])

        let size = (products .- centred).abs()
        let cell = walks |> Array.fold (fun product w -> product * w.Stride) 1L
        let surplus = groups * max 0L (perGroup - channels * cell)
        scope.MoveToOuter(plus -(float surplus) ((size .* size).sum()))

    /// The largest number in which both can be divided.
    let rec private divisor (a: int64) (b: int64) = if b = 0L then a else divisor b (a % b)

    /// On a circle: a window meets only so many of the stride's cell, and a kernel of that rank without overlaps reaches the bound.
    let private onCircle (options: ConvolutionOptions) (walks: ConvolutionWalk[]) (perGroup: int64) (channels: int64) =
        let cell = walks |> Array.fold (fun product w -> product * w.Stride) 1L

        let met =
            walks
            |> Array.fold (fun product w -> product * min w.Kernel (w.Stride / divisor w.Stride w.Dilation)) 1L

        let rank = channels * met
        let least = max 0L (min perGroup (channels * cell) - rank)
        let rows = perGroup <= channels * cell

        let reason =
            match rows, least = 0L with
            | true, true -> $"{perGroup} orthonormal rows fit into the {rank} inputs that a window has to itself"
            | true, false ->
                $"{perGroup} orthonormal rows do not fit into the {rank} inputs that a window has to itself"
            | false, true -> $"the kernel reaches all {rank} inputs in each step of the stride"
            | false, false ->
                $"the kernel reaches only {rank} of the {channels * cell} inputs in each step of the stride"

        struct (least = 0L, reason, float (options.Groups * least))

    /// 1* P 1 for the projection P onto the energies that pixels can have along one axis, when each window gives tap t the energy a_t.
    let private reachable (w: ConvolutionWalk) =
        use _ = torch.NewDisposeScope()
        let k, windows = w.Kernel, float w.Output

        let overlaps =
            [|
                for s in 0L .. k - 1L do
                    for t in 0L .. k - 1L -> max 0.0 (windows - float (abs (s - t)))
            |]

        let gram = (vector TensorKind.float64 overlaps).reshape([| k; k |])
        let ones = torch.ones ([| k; 1L |], dtype = Nullable torch.float64)
        windows * windows * number (torch.linalg.solve(gram, ones).sum())

    let private valid (options: ConvolutionOptions) (walks: ConvolutionWalk[]) (perGroup: int64) (channels: int64) =
        let tiles = walks |> Array.forall (fun w -> (w.Kernel - 1L) % w.Output = 0L)

        let product (of': ConvolutionWalk -> int64) =
            walks |> Array.fold (fun product w -> product * of' w) 1L

        let inputs, outputs = channels * product _.Size, perGroup * product _.Output

        if perGroup <= channels then
            struct (true, "one tap with orthonormal rows, the others zero, is a kernel", 0.0)
        elif tiles && outputs >= inputs then
            struct (true, "windows one after the other that do not overlap reach every input once", 0.0)
        elif tiles then
            struct (false,
                    $"{inputs} columns do not fit into {outputs} rows",
                    float (options.Groups * (inputs - outputs)))
        else
            let energy =
                float (product _.Size)
                - (walks |> Array.fold (fun product w -> product * reachable w) 1.0)

            struct (false,
                    "fewer windows reach an input near the border than one inside, so that not all columns have length 1",
                    float options.Groups * max (float channels * energy) (float (inputs - outputs)))

    /// <summary>Whether some kernel makes the convolution orthogonal, and how near the best one comes.</summary>
    /// <param name="options">Circular: any stride, dilation and groups. 'Same' and valid: stride and dilation 1.</param>
    /// <param name="sizes">Sizes of the grid.</param>
    /// <param name="kernelShape">[out; in/groups; k] or [out; in/groups; k1; k2].</param>
    /// <returns>Per group, with M outputs, C inputs and S = stride: on a circle rows exist if M is at most C times the product of min (k, S) over the axes, and
    /// columns if k is at least S along each axis (D dilated: S / gcd (S, D) for S in min (k, S)). 'Same': always, by a kernel that is zero but at its
    /// centre tap; no other one if the sizes are at least k. Valid: rows always; columns never for k above 1 and sizes of 2 k - 1 or more.</returns>
    /// <exception cref="T:System.ArgumentException">Options, sizes and shape do not fit together, or nothing is known: a stride or dilation above 1 with another border
    /// than a circular one, or a padding that is neither 0 nor 'same'.</exception>
    /// <remarks>The paper has square kernels, dilation 1 and grids of at least 2 k - 1 points. On smaller ones with valid border columns exist if along each axis the
    /// number of windows divides k - 1 and M is large enough.</remarks>
    [<CompiledName("Existence")>]
    let existence (options: ConvolutionOptions) (sizes: seq<int64>) (kernelShape: seq<int64>) : ConvolutionExistence =
        ConvolutionWalk.check options
        Guard.notNull "sizes" sizes
        Guard.notNull "kernelShape" kernelShape
        let shape = Seq.toArray kernelShape
        let walks = ConvolutionWalk.ofShape options sizes "kernelShape" shape
        let perGroup, channels = shape[0] / options.Groups, shape[1]

        let isSame =
            walks
            |> Array.forall (fun w -> w.Before = (w.Kernel - 1L) / 2L && w.Before + w.After = w.Kernel - 1L)

        let isValid = walks |> Array.forall (fun w -> w.Before = 0L && w.After = 0L)

        let struct (exists, reason, least) =
            if options.Border.IsCircular then
                onCircle options walks perGroup channels
            else
                Guard.holds "options" (options.Stride = 1L && options.Dilation = 1L && (isSame || isValid)) (fun () ->
                    $"options must have stride 1, dilation 1 and a 'same' or valid border where it is not circular, but are {options}.")

                if isSame then
                    struct (true,
                            "a kernel whose centre tap is orthogonal and whose other taps are zero; no other one on grids at least as large as the kernel",
                            0.0)
                else
                    valid options walks perGroup channels

        {
            Exists = exists
            Reason = reason
            LeastDefect = least
        }
