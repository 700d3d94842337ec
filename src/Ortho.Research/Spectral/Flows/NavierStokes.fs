/// <summary>Two-dimensional incompressible flow on a periodic box, by its vorticity: w_t + u . grad w = viscosity Laplacian w + forcing.</summary>
/// <remarks>
/// <para>w = d_0 u_1 - d_1 u_0, w = -Laplacian psi, u = (d_1 psi, -d_0 psi); the mean velocity is 0. Products are truncated Galerkin by the 2/3 rule, so that
/// N conserves energy and enstrophy: the inner products of N(w) with psi and with w are 0 to rounding.</para>
/// <para>With u . grad w = curl div (u u) only two functions go each way (Basdevant 1983, J. Comput. Phys. 50): N = (k_0^2 - k_1^2) (u_0 u_1)^ + k_0 k_1
/// (u_1^2 - u_0^2)^, four real transforms for one right-hand side.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.NavierStokes

open Ortho
open TorchSharp

let private isPlane (grid: PeriodicGrid) =
    Guard.notNull "grid" grid
    Guard.holds "grid" (grid.Rank = 2) (fun () -> $"grid must have two axes, but has {grid.Rank}.")

/// psi of w.
let private potential (grid: PeriodicGrid) (w: torch.Tensor) =
    w .* (PeriodicSymbol.inverseLaplacian (TensorKind.ofTensor w) grid).negative()

/// What the velocity of w multiplies it by: shape [2; n0; n1/2 + 1], purely imaginary.
let private velocitySymbol (kind: TensorKind) (grid: PeriodicGrid) =
    let inverse = PeriodicSymbol.inverseLaplacian kind grid

    let slope axis =
        PeriodicSymbol.derivative kind axis 1 grid

    torch.stack [| (slope 1 .* inverse).negative(); slope 0 .* inverse |]

/// <summary>The velocity of a vorticity, on the points.</summary>
/// <param name="grid">Of two axes.</param>
/// <param name="w">The half spectrum of the vorticity, shape [*batch; n0; n1/2 + 1].</param>
/// <returns>Real, shape [*batch; 2; n0; n1]: the component along axis a in row a.</returns>
/// <exception cref="T:System.ArgumentException">Another number of axes, or the spectrum of another grid.</exception>
[<CompiledName("Velocity")>]
let velocity (grid: PeriodicGrid) (w: torch.Tensor) : torch.Tensor =
    isPlane grid
    Periodic.checkSpectrum "w" grid w

    w
    |> Actions.scoped (fun w ->
        w.unsqueeze -3L .* velocitySymbol (TensorKind.ofTensor w) grid
        |> Periodic.backward grid)

/// <summary>The half spectrum of the stream function psi: w = -Laplacian psi, mean 0.</summary>
/// <param name="grid">Of two axes.</param>
/// <param name="w">The half spectrum of the vorticity, shape [*batch; n0; n1/2 + 1].</param>
/// <exception cref="T:System.ArgumentException">Another number of axes, or the spectrum of another grid.</exception>
[<CompiledName("StreamFunction")>]
let streamFunction (grid: PeriodicGrid) (w: torch.Tensor) : torch.Tensor =
    isPlane grid
    Periodic.checkSpectrum "w" grid w
    Actions.scoped (potential grid) w

/// <summary>Kinetic energy: half the integral of |u|^2, which is that of psi w.</summary>
/// <param name="grid">Of two axes.</param>
/// <param name="w">The half spectrum of the vorticity, shape [*batch; n0; n1/2 + 1].</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">Another number of axes, or the spectrum of another grid.</exception>
[<CompiledName("Energy")>]
let energy (grid: PeriodicGrid) (w: torch.Tensor) : torch.Tensor =
    isPlane grid
    Periodic.checkSpectrum "w" grid w
    Actions.scoped (fun w -> Periodic.inner grid (potential grid w) w |> multiply 0.5) w

/// <summary>Enstrophy: half the integral of w^2.</summary>
/// <param name="grid">Of two axes.</param>
/// <param name="w">The half spectrum of the vorticity, shape [*batch; n0; n1/2 + 1].</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">Another number of axes, or the spectrum of another grid.</exception>
[<CompiledName("Enstrophy")>]
let enstrophy (grid: PeriodicGrid) (w: torch.Tensor) : torch.Tensor =
    isPlane grid
    Periodic.checkSpectrum "w" grid w
    Actions.scoped (fun w -> Periodic.inner grid w w |> multiply 0.5) w

/// The right-hand side by plain tensor operations: for gradients, devices and types that the kernel does not take.
let private plain (grid: PeriodicGrid) (velocities: torch.Tensor) (combination: torch.Tensor) (w: torch.Tensor) =
    let u = w.unsqueeze -3L .* velocities |> Periodic.backward grid
    let first, second = u.select (-3L, 0L), u.select (-3L, 1L)

    let products =
        torch.stack ([| first .* second; (second .* second) .- (first .* first) |], -3L)

    (Periodic.forward grid products .* combination).sum -3L

let private build (kind: TensorKind) (viscosity: float) (forcing: torch.Tensor option) (grid: PeriodicGrid) : Flow =
    isPlane grid
    Guard.finite "viscosity" viscosity
    Guard.atLeast "viscosity" 0.0 viscosity
    use scope = torch.NewDisposeScope()
    let complex = (Periodic.complexKind kind).Dtype
    let kept = PeriodicSymbol.keptModes kind 2 grid

    let squares =
        Array.init 2 (fun axis -> PeriodicSymbol.wavenumbers kind axis grid |> fun k -> k .* k)

    let mixed =
        PeriodicSymbol.wavenumbers kind 0 grid .* PeriodicSymbol.wavenumbers kind 1 grid

    let damping = PeriodicSymbol.laplacian kind grid |> multiply viscosity
    let velocities = velocitySymbol kind grid .* kept

    let combination =
        torch.stack [| (squares[0] .- squares[1]) .* kept; mixed .* kept |]

    let symbol = damping.``to`` complex

    let source =
        forcing
        |> Option.map (fun values -> Periodic.forward grid values |> fun spectrum -> spectrum.alias ())

    let forced (rate: torch.Tensor) =
        match source with
        | Some source -> rate .+ source
        | None -> rate

    let kernel = VorticityRate(grid, velocities, combination, damping)
    kernel.Tensors |> Array.iter (scope.MoveToOuter >> ignore)
    scope.MoveToOuter(velocities, combination, symbol) |> ignore
    source |> Option.iter (fun source -> scope.MoveToOuter source |> ignore)

    let nonlinear (isWhole: bool) (w: torch.Tensor) =
        if kernel.Takes w then
            forced (kernel.Rate isWhole w)
        else
            let rate = forced (plain grid velocities combination w)
            if isWhole then rate .+ (symbol .* w) else rate

    let transport (w: torch.Tensor) =
        use velocity = velocity grid w
        StableStep.advectiveRate 2 grid velocity

    Flow(
        "Navier-Stokes",
        grid,
        [||],
        symbol,
        nonlinear false,
        ValueSome(nonlinear true),
        transport,
        [|
            Flows.invariant "energy" (energy grid)
            Flows.invariant "enstrophy" (enstrophy grid)
        |]
    )

/// <summary>The flow without forcing. The states are half spectra of w; for viscosity 0 energy and enstrophy are kept.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="viscosity">At least 0.</param>
/// <param name="grid">Of two axes.</param>
/// <exception cref="T:System.ArgumentException">A negative viscosity, or another number of axes.</exception>
[<CompiledName("Flow")>]
let flow (kind: TensorKind) (viscosity: float) (grid: PeriodicGrid) : Flow = build kind viscosity None grid

/// <summary>The flow with a steady forcing.</summary>
/// <param name="viscosity">At least 0.</param>
/// <param name="forcing">Added to w_t: real values of shape [*batch; n0; n1], in the precision and on the device of the states to come. Gradients reach it.</param>
/// <param name="grid">Of two axes.</param>
/// <exception cref="T:System.ArgumentException">A negative viscosity, another number of axes, or a forcing of another grid.</exception>
[<CompiledName("ForcedFlow")>]
let forcedFlow (viscosity: float) (forcing: torch.Tensor) (grid: PeriodicGrid) : Flow =
    isPlane grid
    Periodic.checkValues "forcing" grid forcing
    build (TensorKind.ofTensor forcing) viscosity (Some forcing) grid
