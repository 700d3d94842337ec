/// <summary>Linear maps of functions on a periodic grid: derivatives, the Laplacian and its inverse, truncation to the modes that products keep; and
/// changes of grid, by which products lose nothing to aliasing.</summary>
/// <remarks>Maps act on values, real or complex (part by part), of either precision on any device.</remarks>
[<RequireQualifiedAccess>]
module Ortho.PeriodicMaps

open System
open Ortho
open TorchSharp

/// values -> values: every mode times its symbol.
let private multiplier (name: string) (traits: Traits) (grid: PeriodicGrid) (symbol: torch.Tensor) : LinearMap =
    let action (table: Table) =
        let ofReal (x: torch.Tensor) =
            Periodic.forward grid x |> Table.times table |> Periodic.backward grid

        Actions.scoped (fun x ->
            Guard.floating "x" x

            if x.is_complex () then
                torch.complex (ofReal x.real, ofReal x.imag)
            else
                ofReal x)

    // The action of a symbol with its conjugate is the adjoint's: real parts of Fourier modes are orthogonal under the plain inner product.
    let conjugate =
        if symbol.is_complex () then
            symbol.conj().resolve_conj()
        else
            symbol

    Build.leaf
        $"{name}{grid.Space}"
        grid.Space
        grid.Space
        traits
        (Nullable())
        (action (Table symbol))
        (action (Table conjugate))
    |> LinearFunction.Wrap

/// <summary>The derivative of an order along an axis. On even grids the Nyquist mode has odd derivative 0.</summary>
/// <param name="axis">0, ..., d-1.</param>
/// <param name="order">At least 0.</param>
/// <param name="grid">The grid.</param>
/// <returns>A map of [n1; ...; nd]: self-adjoint for even orders; for odd ones the adjoint is minus the map.</returns>
/// <exception cref="T:System.ArgumentException">No such axis, or a negative order.</exception>
[<CompiledName("Derivative")>]
let derivative (axis: int) (order: int) (grid: PeriodicGrid) : LinearMap =
    let symbol = PeriodicSymbol.derivative TensorKind.float64 axis order grid

    if order % 2 = 0 then
        multiplier $"∂{axis}^{order}" Traits.SelfAdjoint grid (symbol.real.contiguous ())
    else
        multiplier $"∂{axis}^{order}" Traits.None grid symbol

/// <summary>The Laplacian: a self-adjoint map of [n1; ...; nd].</summary>
[<CompiledName("Laplacian")>]
let laplacian (grid: PeriodicGrid) : LinearMap =
    multiplier "Δ" Traits.SelfAdjoint grid (PeriodicSymbol.laplacian TensorKind.float64 grid)

/// <summary>The pseudo-inverse of the Laplacian: f minus its mean goes to the u of mean 0 with Laplacian u = f.</summary>
[<CompiledName("InverseLaplacian")>]
let inverseLaplacian (grid: PeriodicGrid) : LinearMap =
    multiplier "Δ⁺" Traits.SelfAdjoint grid (PeriodicSymbol.inverseLaplacian TensorKind.float64 grid)

/// <summary>The projection onto the modes with (degree + 1) |m| &lt; n on every axis, as <c>PeriodicSymbol.keptModes</c> says.</summary>
/// <param name="degree">Number of factors of the products to come, at least 1: 2 is the two-thirds rule.</param>
/// <param name="grid">The grid.</param>
[<CompiledName("Truncation")>]
let truncation (degree: int) (grid: PeriodicGrid) : LinearMap =
    multiplier $"P{degree}" Traits.Projection grid (PeriodicSymbol.keptModes TensorKind.float64 degree grid)

/// A whole axis of n modes, in FFT order, to m modes. Nyquist's mode is halved between +n/2 and -n/2 where both have a place, and gathered where they share one.
let private resizeWhole (axis: int64) (m: int64) (x: torch.Tensor) =
    let n = x.size (int axis)

    if n = m then
        x
    else
        let small = min n m
        let half = (small - 1L) / 2L
        let part start count = x.narrow (axis, start, count)

        let zeros count =
            let shape = x.shape
            shape[int axis] <- count
            x.new_zeros shape

        let nyquist =
            if small % 2L = 1L then
                [||]
            elif m < n then
                [| part (small / 2L) 1L .+ part (n - small / 2L) 1L |]
            else
                let shared = multiply 0.5 (part (n / 2L) 1L) in [| shared; shared |]

        torch.cat (
            [|
                part 0L (half + 1L)
                yield! Array.truncate 1 nyquist
                zeros (max 0L (m - 2L * half - 1L - nyquist.LongLength))
                yield! nyquist |> Array.skip (min 1 nyquist.Length)
                part (n - half) half
            |],
            axis
        )

/// The last axis, modes 0, ..., n/2, to modes 0, ..., m/2. The whole axes must be done.
let private resizeHalf (wholeAxes: int64[]) (n: int64) (m: int64) (x: torch.Tensor) =
    let axis = x.ndim - 1L
    let small = min n m
    let half = (small - 1L) / 2L
    let part start count = x.narrow (axis, start, count)

    let nyquist =
        if small % 2L = 1L then
            [||]
        elif m < n then
            // Modes +m/2 and -m/2 share a place: the second is the conjugate of the first at -k of the other axes.
            let mode = part (m / 2L) 1L

            let mirror =
                if wholeAxes.Length = 0 then
                    mode.conj ()
                else
                    mode.conj().flip(wholeAxes).roll(Array.map (fun _ -> 1L) wholeAxes, wholeAxes)

            [| mode .+ mirror |]
        else
            [| multiply 0.5 (part (n / 2L) 1L) |]

    let shape = x.shape
    shape[int axis] <- m / 2L - half - nyquist.LongLength

    torch.cat ([| part 0L (half + 1L); yield! nyquist; x.new_zeros shape |], axis)

/// <summary>The spectrum of the same function on another grid of the same box: finer grids interpolate it, coarser ones drop modes.</summary>
/// <param name="grid">The grid of the spectrum.</param>
/// <param name="target">The other grid: as many axes; its lengths are not read.</param>
/// <param name="spectrum">Complex, shape [*batch; n1; ...; nd/2 + 1].</param>
/// <returns>Complex, shape [*batch; m1; ...; md/2 + 1].</returns>
/// <exception cref="T:System.ArgumentException">Another number of axes, or the spectrum of another grid.</exception>
/// <remarks>Nyquist's mode of the coarser grid is a pure cosine: halved on the way up, gathered from both signs on the way down.</remarks>
[<CompiledName("Resample")>]
let resample (grid: PeriodicGrid) (target: PeriodicGrid) (spectrum: torch.Tensor) : torch.Tensor =
    Guard.notNull "target" target
    Periodic.checkSpectrum "spectrum" grid spectrum

    Guard.holds "target" (target.Rank = grid.Rank) (fun () ->
        $"target must have {grid.Rank} axes, like the grid, but has {target.Rank}.")

    spectrum
    |> Actions.scoped (fun spectrum ->
        let batch = spectrum.ndim - int64 grid.Rank
        let wholeAxes = Array.init (grid.Rank - 1) (fun axis -> batch + int64 axis)
        let last = grid.Rank - 1

        let whole =
            wholeAxes
            |> Array.indexed
            |> Array.fold (fun x (axis, place) -> resizeWhole place target.Sizes[axis] x) spectrum

        (if grid.Sizes[last] = target.Sizes[last] then
             whole
         else
             resizeHalf wholeAxes grid.Sizes[last] target.Sizes[last] whole)
        |> multiply (float target.Space.Size / float grid.Space.Size))

/// <summary>The grid with half as many points again on every axis, rounded up: products of two functions do not alias there (the 3/2 rule).</summary>
[<CompiledName("Padded")>]
let padded (grid: PeriodicGrid) : PeriodicGrid =
    Guard.notNull "grid" grid
    Periodic.grid (grid.Sizes |> Seq.map (fun n -> (3L * n + 1L) / 2L)) grid.Lengths

/// <summary>The product of two functions on the finer grid of the 3/2 rule, brought back to this one: exact in all modes but Nyquist's, which is left out
/// of both factors and of the product.</summary>
/// <param name="grid">The grid.</param>
/// <param name="first">Real values, shape [*batch; n1; ...; nd].</param>
/// <param name="second">Real values of the same shape, or one that broadcasts.</param>
/// <returns>Real values.</returns>
/// <exception cref="T:System.ArgumentException">Values of another grid, or complex ones.</exception>
/// <remarks>Orszag 1971; the modes |m| &lt; n/2 of the product are those of the exact product of the trigonometric polynomials.</remarks>
[<CompiledName("Product")>]
let product (grid: PeriodicGrid) (first: torch.Tensor) (second: torch.Tensor) : torch.Tensor =
    Guard.notNull "second" second
    Periodic.checkValues "first" grid first
    Periodic.checkValues "second" grid second
    use scope = torch.NewDisposeScope()
    let fine = padded grid
    let kept = PeriodicSymbol.keptModes (TensorKind.ofTensor first) 1 grid

    let refined (x: torch.Tensor) =
        Periodic.forward grid x .* kept |> resample grid fine |> Periodic.backward fine

    Periodic.forward fine (refined first .* refined second)
    |> resample fine grid
    |> fun spectrum -> spectrum .* kept
    |> Periodic.backward grid
    |> scope.MoveToOuter
