namespace Ortho

open System
open TorchSharp

/// How far a map K is from orthonormal rows (or columns, if it has fewer of those): the norms of K K* - I (or K* K - I).
type ConvolutionDefect =
    {
        /// The square root of the sum of squares.
        Frobenius: float
        /// The largest singular value.
        Spectral: float
    }

/// <summary>The singular values of circular convolutions, exactly, from small matrices: one for each frequency.</summary>
/// <remarks>
/// <para>At stride 1 the Fourier transform splits the map into one out x in matrix for each frequency, K^(f) = sum over t of K[t] exp (2 pi i D f t / n)
/// (Sedghi, Gupta and Long 2019). A stride S folds S frequencies of each axis onto one: the blocks [K^(g), K^(g + N), ...] / sqrt S stand side by
/// side, g below N = n / S. Groups stay apart.</para>
/// <para>A real kernel has conjugate blocks at opposite frequencies: half of them are computed. For the other borders <c>LinearMap.norm</c>
/// gives the largest singular value by power iteration.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module ConvolutionSpectrum =

    /// exp (2 pi i D f t / n) for the frequencies f = g + s N, shape [S * count; k]: s slow, g fast and below the count.
    let private waves (like: torch.Tensor) (count: int64) (walk: ConvolutionWalk) =
        use _ = torch.NewDisposeScope()
        let n = walk.Size

        // The angle is reduced in integers.
        let angles =
            [|
                for s in 0L .. walk.Stride - 1L do
                    for g in 0L .. count - 1L do
                        for t in 0L .. walk.Kernel - 1L do
                            let turns = (g + s * walk.Output) * (walk.Dilation * t % n) % n
                            2.0 * Math.PI * float turns / float n
            |]

        let table = Table.ofPolar (Array.create angles.Length 1.0) angles
        (table.Like like).reshape([| -1L; walk.Kernel |]).MoveToOuterDisposeScope()

    /// The blocks of the coarse frequencies below count along the last axis, shape [N1; count; groups; out/groups; in/groups * S1 * S2].
    let private blocks (groups: int64) (walks: ConvolutionWalk[]) (count: int64) (kernel: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let first, second = walks[0], walks[1]
        let perGroup, channels = kernel.size 0 / groups, kernel.size 1
        let firstWaves = waves kernel first.Output first
        let secondWaves = waves kernel count second
        let taps = (ConvolutionWalk.plane kernel).``to`` firstWaves.dtype
        let cells = firstWaves.matmul(taps).matmul(secondWaves.t ())

        let split =
            cells.reshape
                [|
                    groups
                    perGroup
                    channels
                    first.Stride
                    first.Output
                    second.Stride
                    count
                |]

        let together =
            split.permute(4L, 6L, 0L, 1L, 2L, 3L, 5L).reshape([| first.Output; count; groups; perGroup; -1L |])

        scope.MoveToOuter(multiply (1.0 / sqrt (float (first.Stride * second.Stride))) together)

    let private circular (options: ConvolutionOptions) (sizes: seq<int64>) (kernel: torch.Tensor) =
        let walks = ConvolutionWalk.ofKernel options sizes kernel

        Guard.holds "options" options.Border.IsCircular (fun () ->
            $"options must have a circular border, which the Fourier transform needs, but have {options.Border}; LinearMap.norm takes any map.")

        walks

    /// <summary>Every singular value of a circular convolution.</summary>
    /// <param name="options">Stride, dilation and groups; the border must be circular.</param>
    /// <param name="sizes">Sizes of the grid, multiples of the stride.</param>
    /// <param name="kernel">Shape [out; in/groups; k] or [out; in/groups; k1; k2]. Differentiable where the singular values of a block differ.</param>
    /// <returns>Largest first, as many as the smaller side of the map's matrix has, shape [min (out * outputs, in * inputs)], real.</returns>
    /// <exception cref="T:System.ArgumentException">As for <c>Convolution.map</c>, or the border is not circular.</exception>
    /// <remarks>O(out in S^2 (k + min (out, in S^2))) operations for each output point, and half of the map's blocks in memory: out in numbers for each input point.</remarks>
    [<CompiledName("SingularValues")>]
    let singularValues (options: ConvolutionOptions) (sizes: seq<int64>) (kernel: torch.Tensor) : torch.Tensor =
        let walks = circular options sizes kernel
        use scope = torch.NewDisposeScope()
        let n = walks[1].Output
        let count = if kernel.is_complex () then n else n / 2L + 1L

        let values = torch.linalg.svdvals (blocks options.Groups walks count kernel)

        // Frequencies that differ from their opposite stand for both.
        let twice =
            if kernel.is_complex () then
                values.narrow (1L, 0L, 0L)
            else
                values.narrow (1L, 1L, (n - 1L) / 2L)

        let struct (sorted, _) =
            torch.cat([| values; twice |], 1L).flatten(0L).sort(0L, descending = true)

        scope.MoveToOuter sorted

    /// <summary>How far a circular convolution K is from orthonormal rows, or columns if it has fewer of those: |K K* - I| or |K* K - I|.</summary>
    /// <param name="options">Stride, dilation and groups; the border must be circular.</param>
    /// <param name="sizes">Sizes of the grid, multiples of the stride.</param>
    /// <param name="kernel">Shape [out; in/groups; k] or [out; in/groups; k1; k2].</param>
    /// <exception cref="T:System.ArgumentException">As for <c>Convolution.map</c>, or the border is not circular.</exception>
    [<CompiledName("Defect")>]
    let defect (options: ConvolutionOptions) (sizes: seq<int64>) (kernel: torch.Tensor) : ConvolutionDefect =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let values = (singularValues options sizes kernel).``to`` torch.float64
        let excess = plus -1.0 (values .* values)

        {
            Frobenius = number (excess.norm ())
            Spectral = number (excess.abs().max())
        }
