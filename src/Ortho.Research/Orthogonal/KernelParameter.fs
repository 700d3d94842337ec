namespace Ortho

open TorchSharp

/// <summary>The kernel of an orthogonal convolution, as an orthonormal patch and projections that start by moving nothing.</summary>
/// <remarks>Along each axis projections alternate with complements, P_1, I - P_2, P_3, ...: where all P are equal each pair of factors is a shift, so that
/// for an odd number of taps beyond the patch's the kernel is the patch alone, in its middle.</remarks>
[<RequireQualifiedAccess>]
module internal KernelParameter =

    /// How many projections each axis takes.
    let private counts (taps: int64[]) (patch: torch.Tensor) =
        taps |> Array.mapi (fun axis k -> k - patch.size (axis + 2))

    /// The channels that the projections act on: those of BlockConvolution.
    let private channels (patch: torch.Tensor) =
        if Array.forall ((=) 1L) patch.shape[2..] then
            max (patch.size 0) (patch.size 1)
        else
            patch.size 1

    /// Whether there is anything to learn in the projections.
    let private hasGraphs (taps: int64[]) (patch: torch.Tensor) =
        Array.sum (counts taps patch) > 0L && channels patch > 1L

    /// <summary>What a kernel learns: of the patch as a matrix, and of the projections as graphs.</summary>
    /// <param name="seed">Draws the graphs.</param>
    /// <param name="size">Standard deviation of the graphs; 0 to start at the patch alone.</param>
    /// <param name="taps">Taps along each axis, at least those of the patch.</param>
    /// <param name="patch">Shape [out; in; *stride], orthonormal as a matrix.</param>
    let parameters (seed: int) (size: float) (taps: int64[]) (patch: torch.Tensor) : Parameter[] =
        // A parameter reads its tensor when the module is made: this one belongs to the caller's scope.
        let flat = patch.flatten 1L

        let graphs =
            if hasGraphs taps patch then
                let c = channels patch

                [|
                    Parameter.normal seed [ Array.sum (counts taps patch); c - c / 2L; c / 2L ]
                    |> Parameter.scaled size
                    |> Parameter.on (TensorKind.ofTensor patch)
                    |> Parameter.named "graphs"
                |]
            else
                [||]

        Array.append (FrameParameter.parameters flat) graphs

    /// The patch of these parameters, [out; in; *stride], and the projections for the taps.
    let parts (taps: int64[]) (shape: int64[]) (p: torch.Tensor[]) : struct (torch.Tensor * torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let patch = (FrameParameter.matrix p).reshape shape
        let learned = FrameParameter.count (p[0].size 0) (p[0].size 1)
        let counts = counts taps patch
        let c = channels patch

        let projections =
            if p.Length > learned then
                BlockConvolution.projections p[learned]
            else
                patch.new_zeros (Array.sum counts, c, c)

        let odd =
            [|
                for count in counts do
                    for i in 0L .. count - 1L -> float (i % 2L)
            |]
            |> vector (TensorKind.ofTensor patch)
            |> fun odd -> odd.reshape (-1L, 1L, 1L)

        let identity =
            torch.eye (c, dtype = System.Nullable patch.dtype, device = patch.device)
        // odd + (1 - 2 odd) P: P or I - P.
        let signed = (plus 1.0 (multiply -2.0 odd)) .* projections .+ odd .* identity
        struct (scope.MoveToOuter patch, scope.MoveToOuter signed)
