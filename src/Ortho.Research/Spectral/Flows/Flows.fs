/// <summary>Equations of one or two functions on periodic grids: heat, Burgers, Korteweg-de Vries, Kuramoto-Sivashinsky, reaction and diffusion.</summary>
/// <remarks>
/// Products are truncated Galerkin: factors and product keep the modes with (degree + 1) |m| &lt; n (2/3 rule for squares, 1/2 rule for cubes), so that nothing
/// aliases and what the equation conserves by the product rule, the truncated system conserves. Each takes the precision and device of the states to come.
/// Lengths, times and parameters are those of the equation as written.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Flows

open System
open Ortho
open TorchSharp

let private isOneAxis (grid: PeriodicGrid) =
    Guard.notNull "grid" grid
    Guard.holds "grid" (grid.Rank = 1) (fun () -> $"grid must have one axis, but has {grid.Rank}.")

let private notNegative (name: string) (value: float) =
    Guard.finite name value
    Guard.atLeast name 0.0 value

/// The integral over the box of one function: V/N times mode 0.
let private integral (grid: PeriodicGrid) (u: torch.Tensor) =
    let mode =
        Array.fold
            (fun (u: torch.Tensor) axis -> u.select (axis, 0L))
            u
            (Array.init grid.Rank (fun a -> int64 (a - grid.Rank)))

    multiply (grid.Volume / float grid.Space.Size) mode.real

let internal invariant (name: string) (measure: torch.Tensor -> torch.Tensor) = Invariant(name, measure)

let private mass (grid: PeriodicGrid) = invariant "mass" (integral grid)

/// Half the integral of the square.
let private energy (grid: PeriodicGrid) =
    invariant "energy" (fun u -> multiply 0.5 (Periodic.inner grid u u))

/// The spectrum of f of the values, both truncated for products of a degree.
let private onPoints (grid: PeriodicGrid) (kept: torch.Tensor) (f: torch.Tensor -> torch.Tensor) (u: torch.Tensor) =
    f (Periodic.backward grid (u .* kept)) |> Periodic.forward grid |> (.*) kept

/// The largest size of the values, times a factor, as the speed along the first axis.
let private speed (grid: PeriodicGrid) (factor: float) (u: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    let values = Periodic.backward grid u |> multiply factor
    StableStep.advectiveRate 2 grid (values.unsqueeze (values.ndim - 1L))

let private complexSymbol (kind: TensorKind) (symbol: torch.Tensor) =
    symbol.``to`` (Periodic.complexKind kind).Dtype

let private none (u: torch.Tensor) = torch.zeros_like u

/// <summary>The heat equation u_t = diffusivity Laplacian u; its steps by ETDRK4 are exact.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="diffusivity">At least 0.</param>
/// <param name="grid">Of any number of axes.</param>
[<CompiledName("Heat")>]
let heat (kind: TensorKind) (diffusivity: float) (grid: PeriodicGrid) : Flow =
    notNegative "diffusivity" diffusivity
    use scope = torch.NewDisposeScope()

    let symbol =
        PeriodicSymbol.laplacian kind grid |> multiply diffusivity |> complexSymbol kind

    Flow("heat", grid, [||], scope.MoveToOuter symbol, none, ValueNone, (fun _ -> 0.0), [| mass grid |])

/// u_t = -(factor/2) (u^2)_x + L u on a line, L given by its derivatives: pairs of order and factor.
let private transported
    (name: string)
    (kind: TensorKind)
    (factor: float)
    (linear: (int * float) list)
    (invariants: Invariant list)
    (grid: PeriodicGrid)
    =
    use scope = torch.NewDisposeScope()

    let derivative order =
        PeriodicSymbol.derivative kind 0 order grid

    let symbol =
        linear
        |> List.map (fun (order, size) -> multiply size (derivative order))
        |> List.reduce (.+)

    let kept = PeriodicSymbol.keptModes kind 2 grid
    let slope = derivative 1 |> multiply (-0.5 * factor)

    let nonlinear (u: torch.Tensor) =
        onPoints grid kept (fun u -> u .* u) u .* slope

    scope.MoveToOuter(symbol, kept, slope) |> ignore
    Flow(name, grid, [||], symbol, nonlinear, ValueNone, speed grid factor, List.toArray invariants)

/// <summary>Burgers' equation u_t + u u_x = viscosity u_xx. Mass is kept; energy, half the integral of u^2, falls, and is kept for viscosity 0 until a
/// shock forms.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="viscosity">At least 0.</param>
/// <param name="grid">Of one axis.</param>
[<CompiledName("Burgers")>]
let burgers (kind: TensorKind) (viscosity: float) (grid: PeriodicGrid) : Flow =
    isOneAxis grid
    notNegative "viscosity" viscosity
    transported "Burgers" kind 1.0 [ 2, viscosity ] [ mass grid; energy grid ] grid

/// <summary>The Korteweg-de Vries equation u_t + 6 u u_x + u_xxx = 0. Mass and energy (half the integral of u^2, the momentum) are kept. A soliton of speed c
/// is (c/2) / cosh^2 (sqrt c (x - c t) / 2).</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="grid">Of one axis.</param>
[<CompiledName("KortewegDeVries")>]
let kortewegDeVries (kind: TensorKind) (grid: PeriodicGrid) : Flow =
    isOneAxis grid
    transported "Korteweg-de Vries" kind 6.0 [ 3, -1.0 ] [ mass grid; energy grid ] grid

/// <summary>The Kuramoto-Sivashinsky equation u_t + u u_x + u_xx + u_xxxx = 0: long waves grow, short ones decay, chaos for lengths above about 22. Mass is kept.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="grid">Of one axis.</param>
[<CompiledName("KuramotoSivashinsky")>]
let kuramotoSivashinsky (kind: TensorKind) (grid: PeriodicGrid) : Flow =
    isOneAxis grid
    transported "Kuramoto-Sivashinsky" kind 1.0 [ 2, -1.0; 4, -1.0 ] [ mass grid ] grid

/// One function that diffuses and grows at a rate, less a power of it: u_t = diffusivity Laplacian u + growth (u - u^degree).
let private reacting
    (name: string)
    (kind: TensorKind)
    (diffusivity: float)
    (growth: float)
    (degree: int)
    (grid: PeriodicGrid)
    =
    notNegative "diffusivity" diffusivity
    Guard.finite "growth" growth
    use scope = torch.NewDisposeScope()

    let symbol =
        PeriodicSymbol.laplacian kind grid
        |> multiply diffusivity
        |> plus growth
        |> complexSymbol kind

    let kept = PeriodicSymbol.keptModes kind degree grid

    let power (u: torch.Tensor) =
        (if degree = 2 then u .* u else u .* u .* u) |> multiply -growth

    scope.MoveToOuter(symbol, kept) |> ignore
    Flow(name, grid, [||], symbol, onPoints grid kept power, ValueNone, (fun _ -> 0.0), [||])

/// <summary>Fisher's equation u_t = diffusivity Laplacian u + growth u (1 - u).</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="diffusivity">At least 0.</param>
/// <param name="growth">Any number.</param>
/// <param name="grid">Of any number of axes.</param>
/// <remarks>On a line with both numbers 1, (1 + exp((x - 5 t / sqrt 6) / sqrt 6))^-2 is a travelling wave: Ablowitz and Zeppetella 1979.</remarks>
[<CompiledName("Fisher")>]
let fisher (kind: TensorKind) (diffusivity: float) (growth: float) (grid: PeriodicGrid) : Flow =
    reacting "Fisher" kind diffusivity growth 2 grid

/// <summary>The Allen-Cahn equation u_t = diffusivity Laplacian u + u - u^3.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="diffusivity">At least 0: the square of a front's width.</param>
/// <param name="grid">Of any number of axes.</param>
[<CompiledName("AllenCahn")>]
let allenCahn (kind: TensorKind) (diffusivity: float) (grid: PeriodicGrid) : Flow =
    reacting "Allen-Cahn" kind diffusivity 1.0 3 grid

/// <summary>The Gray-Scott equations u_t = d_u Laplacian u - u v^2 + feed (1 - u), v_t = d_v Laplacian v + u v^2 - (feed + kill) v. States have two fields, u and v.</summary>
/// <param name="kind">Precision and device.</param>
/// <param name="diffusivities">d_u and d_v, each at least 0.</param>
/// <param name="rates">feed and kill.</param>
/// <param name="grid">Of any number of axes.</param>
/// <remarks>Pearson 1993. Without feed and kill the sum of both masses is kept.</remarks>
[<CompiledName("GrayScott")>]
let grayScott
    (kind: TensorKind)
    (diffusivities: struct (float * float))
    (rates: struct (float * float))
    (grid: PeriodicGrid)
    : Flow =
    let struct (ofU, ofV) = diffusivities
    let struct (feed, kill) = rates
    notNegative "diffusivities" (min ofU ofV)
    notNegative "diffusivities" (max ofU ofV)
    Guard.finite "rates" (feed + kill)
    use scope = torch.NewDisposeScope()
    let laplacian = PeriodicSymbol.laplacian kind grid

    let decaying diffusivity rate =
        multiply diffusivity laplacian |> plus -rate

    let symbol =
        torch.stack [| decaying ofU feed; decaying ofV (feed + kill) |]
        |> complexSymbol kind

    let kept = PeriodicSymbol.keptModes kind 3 grid
    let axis = -int64 grid.Rank - 1L
    let field (u: torch.Tensor) i = u.select (u.ndim + axis, i)

    let reaction (values: torch.Tensor) =
        let u, v = field values 0L, field values 1L
        let product = u .* v .* v
        torch.stack ([| product.negative () |> plus feed; product |], values.ndim + axis)

    let total (u: torch.Tensor) =
        integral grid (field u 0L .+ field u 1L)

    scope.MoveToOuter(symbol, kept) |> ignore

    Flow(
        "Gray-Scott",
        grid,
        [| 2L |],
        symbol,
        onPoints grid kept reaction,
        ValueNone,
        (fun _ -> 0.0),
        [| invariant "mass" total |]
    )
