namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>A flow u' = L u + N(u) of functions on a periodic grid, by their half spectra: L multiplies each mode, N is computed on the points.</summary>
/// <remarks>A flow holds the tensors it was made from and lives as long as they do. States are complex, shape [*batch, fields; n1; ...; nd/2 + 1], where fields
/// is nothing for one function and their number for several.</remarks>
[<Sealed; NoEquality; NoComparison>]
type Flow
    internal
    (
        name: string,
        grid: PeriodicGrid,
        fields: int64[],
        symbol: torch.Tensor,
        nonlinear: torch.Tensor -> torch.Tensor,
        rate: (torch.Tensor -> torch.Tensor) voption,
        transport: torch.Tensor -> float,
        invariants: Invariant[]
    ) =
    let shape = Space.Of(Array.append fields grid.Spectrum.Axes)

    let check (u: torch.Tensor) =
        Periodic.checkSpectrum "u" grid u
        let batch = int u.ndim - shape.Rank

        Guard.holds "u" (u.dtype = symbol.dtype && batch >= 0 && u.shape[batch..] = shape.Axes) (fun () ->
            $"u must be {symbol.dtype} with last axes {shape}, the spectra of {name}, but is {u.dtype} {Guard.showShape u.shape}.")

    let evaluate (u: torch.Tensor) =
        if u.numel () = 0L then torch.zeros_like u else nonlinear u

    let total (u: torch.Tensor) =
        match rate with
        | ValueSome rate when u.numel () > 0L -> rate u
        | _ -> evaluate u .+ (symbol .* u)

    /// The equation's name.
    member _.Name = name

    /// Where its functions live.
    member _.Grid = grid

    /// The shape of a state without batch axes.
    member _.State = shape

    /// L: complex, the shape of a state or one that broadcasts to it.
    member _.Symbol = symbol

    /// What the equation keeps, or what is of interest about it: each with one number for each element of a batch.
    member _.Invariants: IReadOnlyList<Invariant> = Array.AsReadOnly invariants

    /// <summary>N(u).</summary>
    /// <param name="u">Complex, shape [*batch, state].</param>
    member _.Nonlinear(u: torch.Tensor) : torch.Tensor =
        check u
        Actions.scoped evaluate u

    /// <summary>L u + N(u).</summary>
    /// <param name="u">Complex, shape [*batch, state].</param>
    member _.Rate(u: torch.Tensor) : torch.Tensor =
        check u
        Actions.scoped total u

    /// <summary>The state of given values.</summary>
    /// <param name="values">Real, of the precision of the flow, shape [*batch, fields; n1; ...; nd].</param>
    member _.ToSpectrum(values: torch.Tensor) : torch.Tensor =
        let u = Periodic.toSpectrum grid values

        try
            check u
            u
        with _ ->
            u.Dispose()
            reraise ()

    /// <summary>The values of a state: real, shape [*batch, fields; n1; ...; nd].</summary>
    /// <param name="u">Complex, shape [*batch, state].</param>
    member _.ToValues(u: torch.Tensor) : torch.Tensor =
        check u
        Periodic.backward grid u

    /// <summary>An estimate of the largest stable step of RK4: transport and linear part together.</summary>
    /// <param name="u">Complex, shape [*batch, state].</param>
    member _.StableStep(u: torch.Tensor) : float =
        check u
        StableStep.ofRate (transport u + StableStep.diffusiveRate symbol)

    /// <summary>An estimate of the largest stable step where the linear part does not limit it: for ETDRK4 and ARS(2,2,2), of transport alone.</summary>
    /// <param name="u">Complex, shape [*batch, state].</param>
    member _.StableStepOfTransport(u: torch.Tensor) : float =
        check u
        StableStep.ofRate (transport u)

    /// RK4 with a step in time.
    member _.RungeKutta4(timeStep: float) =
        Stepper.rungeKutta4 timeStep (fun u ->
            check u
            total u)

    /// ETDRK4 with a step in time: L exactly.
    member _.ExponentialRungeKutta4(timeStep: float) =
        Stepper.exponentialRungeKutta4 timeStep symbol (fun u ->
            check u
            evaluate u)

    /// ARS(2,2,2) with a step in time: L implicitly.
    member _.ImplicitExplicit(timeStep: float) =
        Stepper.implicitExplicit timeStep symbol (fun u ->
            check u
            evaluate u)

    override this.ToString() = $"{name}, {grid}"

    /// <summary>A flow of your own of one function.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="grid">Where it lives.</param>
    /// <param name="symbol">L, real or complex, of single or double precision; the shape of the spectrum, or one that broadcasts to it.</param>
    /// <param name="nonlinear">N, from spectra to spectra of the same shape: truncate what you multiply (<c>PeriodicSymbol.keptModes</c>).</param>
    /// <exception cref="T:System.ArgumentException">The symbol does not fit the grid.</exception>
    static member Of
        (name: string, grid: PeriodicGrid, symbol: torch.Tensor, nonlinear: Func<torch.Tensor, torch.Tensor>)
        =
        Guard.notNull "name" name
        Guard.notNull "grid" grid
        Guard.floating "symbol" symbol
        Guard.notNull "nonlinear" nonlinear
        let kind = Periodic.complexKind (TensorKind.ofTensor symbol)
        Periodic.checkKind kind
        let axes = grid.Spectrum.Axes

        Guard.holds
            "symbol"
            (int symbol.ndim = axes.Length
             && Array.forall2 (fun n m -> n = 1L || n = m) symbol.shape axes)
            (fun () ->
                $"symbol must have the shape {grid.Spectrum} of the spectrum, or sizes 1, but has {Guard.showShape symbol.shape}.")

        Flow(name, grid, [||], symbol.``to`` kind.Dtype, nonlinear.Invoke, ValueNone, (fun _ -> 0.0), [||])
