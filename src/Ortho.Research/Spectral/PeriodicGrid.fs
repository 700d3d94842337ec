namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>A box of points that repeats in every direction: sizes n1, n2, ..., lengths L1, L2, ...; point j of an axis lies at j L / n.</summary>
[<Sealed; NoComparison; NoEquality>]
type PeriodicGrid internal (sizes: int64[], lengths: float[]) =
    let last = sizes.Length - 1

    /// Number of points of each axis.
    member _.Sizes: IReadOnlyList<int64> = Array.AsReadOnly sizes

    /// Length of each axis.
    member _.Lengths: IReadOnlyList<float> = Array.AsReadOnly lengths

    /// Number of axes.
    member _.Rank = sizes.Length

    /// The space of real functions on the grid, [n1; ...; nd].
    member _.Space = Space.Of sizes

    /// The shape of their half spectra, [n1; ...; nd/2 + 1]: complex numbers.
    member _.Spectrum =
        Space.Of(Array.mapi (fun axis n -> if axis = last then n / 2L + 1L else n) sizes)

    /// Volume of the box.
    member _.Volume = Array.reduce (*) lengths

    override _.ToString() =
        let shown = lengths |> Array.map string |> String.concat " x "
        $"{Guard.showShape sizes} points on {shown}"

/// <summary>Functions on periodic grids of any dimension and their real Fourier transforms; Parseval.</summary>
/// <remarks>
/// The transform is that of <c>rfftn</c>, without a factor: u(x) = (1/N) sum over k of U_k exp(i k x), k = 2 pi m / L with m = 0, 1, ..., -1 on all axes but
/// the last, m = 0, ..., n/2 on the last. Spectra and values have leading batch axes.
/// </remarks>
[<RequireQualifiedAccess>]
module Periodic =

    /// <summary>A periodic grid.</summary>
    /// <param name="sizes">Number of points of each axis, each at least 1; one axis or more.</param>
    /// <param name="lengths">Length of each axis, above 0; as many.</param>
    /// <exception cref="T:System.ArgumentException">No axis, a bad size or length, or different numbers of them.</exception>
    [<CompiledName("Grid")>]
    let grid (sizes: seq<int64>) (lengths: seq<float>) : PeriodicGrid =
        Guard.notNull "sizes" sizes
        Guard.notNull "lengths" lengths
        let sizes, lengths = Seq.toArray sizes, Seq.toArray lengths

        Guard.holds "sizes" (sizes.Length >= 1 && sizes |> Array.forall (fun n -> n >= 1L)) (fun () ->
            $"sizes must be one or more, each at least 1, but are {Guard.showShape sizes}.")

        Guard.holds "lengths" (lengths.Length = sizes.Length) (fun () ->
            $"lengths must be {sizes.Length}, one for each size, but are {lengths.Length}.")

        for length in lengths do
            Guard.finite "lengths" length
            Guard.holds "lengths" (length > 0.0) (fun () -> $"lengths must be above 0, but one is {length}.")

        PeriodicGrid(sizes, lengths)

    let private axes (grid: PeriodicGrid) =
        Array.init grid.Rank (fun axis -> int64 (axis - grid.Rank))

    let private hasLastAxes (shape: Space) (x: torch.Tensor) =
        let batch = int x.ndim - shape.Rank
        batch >= 0 && x.shape.AsSpan(batch).SequenceEqual(shape.Axes.AsSpan())

    let private fits (name: string) (what: string) (shape: Space) (x: torch.Tensor) =
        Guard.holds name (hasLastAxes shape x) (fun () ->
            $"{name} must have last axes {shape}, {what}, but has shape {Guard.showShape x.shape}.")

    let internal checkValues (name: string) (grid: PeriodicGrid) (x: torch.Tensor) =
        Guard.notNull "grid" grid
        Guard.real name x
        fits name "the grid" grid.Space x

    let internal checkSpectrum (name: string) (grid: PeriodicGrid) (x: torch.Tensor) =
        Guard.notNull "grid" grid
        Guard.live name x

        Guard.holds name (x.is_complex ()) (fun () ->
            $"{name} must be a complex half spectrum, but is {x.dtype}: Periodic.toSpectrum makes one from values.")

        fits name "the half spectrum of the grid" grid.Spectrum x

    /// The complex type of the precision of a kind.
    let internal complexKind (kind: TensorKind) =
        { kind with
            Dtype =
                if TensorKind.realDtype kind.Dtype = torch.float64 then
                    torch.complex128
                else
                    torch.complex64
        }

    let internal checkKind (kind: TensorKind) =
        let real = TensorKind.realDtype kind.Dtype

        Guard.holds "kind" (real = torch.float32 || real = torch.float64) (fun () ->
            $"kind must be of single or double precision, but is {kind}.")

    /// Real numbers along one axis, of the precision of a kind, in a shape that broadcasts against the others.
    let internal along (grid: PeriodicGrid) (axis: int) (kind: TensorKind) (numbers: float[]) =
        use flat =
            vector
                { kind with
                    Dtype = TensorKind.realDtype kind.Dtype
                }
                numbers

        flat.reshape (Array.init grid.Rank (fun other -> if other = axis then numbers.LongLength else 1L))

    /// The whole numbers m of an axis, in the order of its transform.
    let internal modes (grid: PeriodicGrid) (axis: int) =
        let n = grid.Sizes[axis]

        if axis = grid.Rank - 1 then
            Array.init (int (n / 2L) + 1) int64
        else
            Array.init (int n) (fun j -> if 2L * int64 j < n then int64 j else int64 j - n)

    let internal isNyquist (n: int64) (m: int64) = n % 2L = 0L && 2L * abs m = n

    /// <summary>The coordinates of the points.</summary>
    /// <param name="kind">Real type and device of the result.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>Shape [d; n1; ...; nd]: coordinate a of each point in row a.</returns>
    [<CompiledName("Points")>]
    let points (kind: TensorKind) (grid: PeriodicGrid) : torch.Tensor =
        Guard.notNull "grid" grid
        checkKind kind
        use scope = torch.NewDisposeScope()

        Array.init grid.Rank (fun axis ->
            let spacing = grid.Lengths[axis] / float grid.Sizes[axis]
            let numbers = Array.init (int grid.Sizes[axis]) (fun j -> float j * spacing)
            (along grid axis kind numbers).expand grid.Space.Axes)
        |> torch.stack
        |> scope.MoveToOuter

    /// The transform of real values that were checked. MKL refuses an empty batch.
    let internal forward (grid: PeriodicGrid) (x: torch.Tensor) =
        if x.numel () = 0L then
            let batch = x.shape[.. int x.ndim - grid.Rank - 1]
            let dtype = (complexKind (TensorKind.ofTensor x)).Dtype
            torch.zeros (Array.append batch grid.Spectrum.Axes, dtype = Nullable dtype, device = x.device)
        else
            torch.fft.rfftn (x, dim = axes grid)

    /// The values of a spectrum that was checked.
    let internal backward (grid: PeriodicGrid) (x: torch.Tensor) =
        if x.numel () = 0L then
            let batch = x.shape[.. int x.ndim - grid.Rank - 1]
            let dtype = TensorKind.realDtype x.dtype
            torch.zeros (Array.append batch grid.Space.Axes, dtype = Nullable dtype, device = x.device)
        else
            // One after the other: torch's irfftn of two axes takes twice as long.
            let n = grid.Sizes[grid.Rank - 1]

            if grid.Rank = 1 then
                torch.fft.irfft (x, n = n)
            else
                use whole = torch.fft.ifftn (x, dim = (axes grid)[.. grid.Rank - 2])
                torch.fft.irfft (whole, n = n)

    /// <summary>The half spectrum of real values: rfftn over the axes of the grid.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="values">Real, shape [*batch; n1; ...; nd].</param>
    /// <returns>Complex, shape [*batch; n1; ...; nd/2 + 1].</returns>
    /// <exception cref="T:System.ArgumentException">Complex values, or values of another grid.</exception>
    [<CompiledName("ToSpectrum")>]
    let toSpectrum (grid: PeriodicGrid) (values: torch.Tensor) : torch.Tensor =
        checkValues "values" grid values
        forward grid values

    /// <summary>The values of a half spectrum: what irfftn gives over the axes of the grid, so that toValues (toSpectrum u) = u.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="spectrum">Complex, shape [*batch; n1; ...; nd/2 + 1].</param>
    /// <returns>Real, shape [*batch; n1; ...; nd].</returns>
    /// <exception cref="T:System.ArgumentException">Real numbers, or the spectrum of another grid.</exception>
    [<CompiledName("ToValues")>]
    let toValues (grid: PeriodicGrid) (spectrum: torch.Tensor) : torch.Tensor =
        checkSpectrum "spectrum" grid spectrum
        backward grid spectrum

    /// How many modes of the whole spectrum each mode of the half spectrum stands for.
    let private multiplicity (kind: TensorKind) (grid: PeriodicGrid) =
        let axis = grid.Rank - 1
        let n = grid.Sizes[axis]

        modes grid axis
        |> Array.map (fun m -> if m = 0L || isNyquist n m then 1.0 else 2.0)
        |> along grid axis kind

    /// <summary>The integral of u v over the box, from the half spectra of both, by Parseval: V/N^2 times the sum of w_k Re(conj(U_k) V_k), where w_k is 2 for
    /// modes of the last axis that stand for a pair, and 1 for m = 0 and Nyquist.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="first">Shape [*batch; n1; ...; nd/2 + 1].</param>
    /// <param name="second">The same shape, or one that broadcasts.</param>
    /// <returns>Real, shape [*batch].</returns>
    /// <exception cref="T:System.ArgumentException">A spectrum does not fit the grid.</exception>
    [<CompiledName("Inner")>]
    let inner (grid: PeriodicGrid) (first: torch.Tensor) (second: torch.Tensor) : torch.Tensor =
        Guard.notNull "second" second
        checkSpectrum "first" grid first
        checkSpectrum "second" grid second
        use scope = torch.NewDisposeScope()
        let count = float grid.Space.Size
        let weights = multiplicity (TensorKind.ofTensor first) grid
        let products = (first.conj () .* second).real .* weights

        products.sum (axes grid)
        |> multiply (grid.Volume / (count * count))
        |> scope.MoveToOuter
