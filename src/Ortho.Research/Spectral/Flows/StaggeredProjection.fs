/// <summary>Stratified shear flows to second order: staggered grid, periodic along x, walls without slip, density in flux form.</summary>
/// <remarks>
/// <para>u lies in the middle of the left sides of cells, w in the middle of their lower sides (row 0 is the lower wall, where it stays 0), density in
/// the centres (Harlow and Welch 1965). Momentum is advected in flux form by central means, which keep the energy of the advection; density by
/// limited upwind-biased fluxes (van Leer 1974), so that mass is kept to rounding and the range up to the time step's error. Three stages of Runge and Kutta (Shu and Osher
/// 1988), each projected exactly: the Laplacian of the pressure is the product of divergence and gradient, so that div u is rounding.</para>
/// <para>The corrected variant of `UpwindProjection`, for the same flows.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.StaggeredProjection

open Ortho
open TorchSharp

let private spacings (flow: StratifiedFlow) =
    flow.Length / float flow.Columns, flow.Height / float flow.Rows

/// <summary>Where the fields lie.</summary>
/// <returns>Four tensors in float64: x of u, shape [1; columns], z of u and density, [rows; 1], x of w and density, [1; columns], z of w, [rows; 1].</returns>
/// <exception cref="T:System.ArgumentException">A bad flow.</exception>
[<CompiledName("Places")>]
let places (flow: StratifiedFlow) : torch.Tensor[] =
    StratifiedFlow.check flow
    let dx, dz = spacings flow

    let line (count: int64) (step: float) (first: float) (shape: int64[]) =
        use numbers =
            vector TensorKind.float64 (Array.init (int count) (fun i -> step * (float i + first)))

        numbers.reshape shape

    [|
        line flow.Columns dx 0.0 [| 1L; -1L |]
        line flow.Rows dz 0.5 [| -1L; 1L |]
        line flow.Columns dx 0.5 [| 1L; -1L |]
        line flow.Rows dz 0.0 [| -1L; 1L |]
    |]

/// <summary>A time step for it: half of the longest that keeps the density in its range with the initial velocities, which may grow.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">The first state, [*batch; 3; rows; columns].</param>
/// <returns>1/4 of 1 / (|u| / dx + |w| / dz + (1/dx^2 + 1/dz^2) / Re), the largest velocities.</returns>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("TimeStep")>]
let timeStep (flow: StratifiedFlow) (state: torch.Tensor) : float =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    use _ = torch.NewDisposeScope()
    let dx, dz = spacings flow

    let fastest (field: int64) =
        number (state.select(state.ndim - 3L, field).abs().max())

    0.25
    / (fastest 0L / dx
       + fastest 1L / dz
       + flow.Viscosity * (1.0 / (dx * dx) + 1.0 / (dz * dz)))

/// The value one column to the right or, for -1, to the left; the grid closes on itself.
let private right (by: int64) (q: torch.Tensor) = q.roll (-by, q.ndim - 1L)

let private rowsOf (first: int64) (count: int64) (q: torch.Tensor) = q.narrow (q.ndim - 2L, first, count)

/// q between a row below it and one above.
let private between (below: torch.Tensor) (above: torch.Tensor) (q: torch.Tensor) =
    torch.cat ([| below; q; above |], -2L)

let private firstRow (q: torch.Tensor) = rowsOf 0L 1L q

let private lastRow (q: torch.Tensor) =
    rowsOf (q.size (int q.ndim - 2) - 1L) 1L q

let private half (a: torch.Tensor) (b: torch.Tensor) = multiply 0.5 (a .+ b)

/// What flows through lower sides, [rows + 1], less what flows through upper ones.
let private gain (dz: float) (flux: torch.Tensor) =
    let rows = flux.size (int flux.ndim - 2) - 1L
    multiply (1.0 / dz) (rowsOf 0L rows flux .- rowsOf 1L rows flux)

/// The harmonic mean of two slopes of one sign, else 0: the slope of van Leer's limiter.
let private limited (a: torch.Tensor) (b: torch.Tensor) =
    let product = (a .* b).relu()
    let sum = a .+ b
    (multiply 2.0 product).div(orOne (sum .* product.sign ()))

/// The flux of q through sides with the given speed, from the values behind and ahead and their slopes.
let private through
    (speed: torch.Tensor)
    (behind: torch.Tensor)
    (behindSlope: torch.Tensor)
    (ahead: torch.Tensor)
    (aheadSlope: torch.Tensor)
    =
    let forward = speed.relu ()

    forward .* (behind .+ multiply 0.5 behindSlope)
    .+ ((speed .- forward) .* (ahead .- multiply 0.5 aheadSlope))

/// The change of velocity and density in time, without the pressure.
let private tendency (flow: StratifiedFlow) (state: torch.Tensor) =
    let dx, dz = spacings flow
    let rows = flow.Rows
    let field (i: int64) = state.select (state.ndim - 3L, i)
    let u, w, density = field 0L, field 1L, field 2L
    let nothing = torch.zeros_like (firstRow u)
    // With the upper wall: [rows + 1].
    let walled = torch.cat ([| w; nothing |], -2L)
    let insideW = rowsOf 1L (rows - 1L) w
    let difference (h: float) (after: torch.Tensor) (before: torch.Tensor) = multiply (1.0 / h) (after .- before)

    let second (h: float) (before: torch.Tensor) (q: torch.Tensor) (after: torch.Tensor) =
        multiply (1.0 / (h * h)) (before .+ after .- multiply 2.0 q)

    /// Second differences along z of rows with one given below and one above.
    let secondAlongZ (extended: torch.Tensor) =
        let count = extended.size (int extended.ndim - 2) - 2L
        second dz (rowsOf 0L count extended) (rowsOf 1L count extended) (rowsOf 2L count extended)

    let secondAlongX (q: torch.Tensor) = second dx (right -1L q) q (right 1L q)

    let spread (alongX: torch.Tensor) (alongZ: torch.Tensor) =
        multiply flow.Viscosity (alongX .+ alongZ)

    // u w at the corners between the rows, 0 at the walls.
    let corner =
        half (rowsOf 0L (rows - 1L) u) (rowsOf 1L (rows - 1L) u)
        .* half (right -1L insideW) insideW

    let uAtCentres, wAtCentres =
        half u (right 1L u), half (rowsOf 0L rows walled) (rowsOf 1L rows walled)

    let uSquare, wSquare = uAtCentres .* uAtCentres, wAtCentres .* wAtCentres

    let ofU =
        difference dx (right -1L uSquare) uSquare
        .+ gain dz (between nothing nothing corner)
        // No slip: u changes sign half a cell behind the wall.
        .+ spread (secondAlongX u) (secondAlongZ (between ((firstRow u).neg()) ((lastRow u).neg()) u))

    let ofW =
        difference dx corner (right 1L corner)
        .+ gain dz wSquare
        .+ spread (secondAlongX insideW) (secondAlongZ walled)
        .- multiply flow.Gravity (plus -1.0 (half (rowsOf 0L (rows - 1L) density) (rowsOf 1L (rows - 1L) density)))

    let slopeX = limited (density .- right -1L density) (right 1L density .- density)
    let steps = rowsOf 1L (rows - 1L) density .- rowsOf 0L (rows - 1L) density

    let slopeZ =
        between nothing nothing (limited (rowsOf 0L (rows - 2L) steps) (rowsOf 1L (rows - 2L) steps))

    let fluxX = through u (right -1L density) (right -1L slopeX) density slopeX

    let fluxZ =
        through
            insideW
            (rowsOf 0L (rows - 1L) density)
            (rowsOf 0L (rows - 1L) slopeZ)
            (rowsOf 1L (rows - 1L) density)
            (rowsOf 1L (rows - 1L) slopeZ)

    let ofDensity =
        difference dx fluxX (right 1L fluxX)
        .+ gain dz (between nothing nothing fluxZ)
        .+ spread (secondAlongX density) (secondAlongZ (between (firstRow density) (lastRow density) density))

    torch.stack ([| ofU; torch.cat ([| nothing; ofW |], -2L); ofDensity |], -3L)

/// <summary>The divergence at the centres of cells.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">[*batch; 3; rows; columns].</param>
/// <returns>[*batch; rows; columns]; rounding after a step.</returns>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("Divergence")>]
let divergence (flow: StratifiedFlow) (state: torch.Tensor) : torch.Tensor =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    use scope = torch.NewDisposeScope()
    let dx, dz = spacings flow
    let u, w = state.select (state.ndim - 3L, 0L), state.select (state.ndim - 3L, 1L)
    let walled = torch.cat ([| w; torch.zeros_like (firstRow w) |], -2L)
    scope.MoveToOuter(multiply (1.0 / dx) (right 1L u .- u) .- gain dz walled)

/// <summary>The vorticity w_x - u_z at the inner corners of cells, by central differences.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">[*batch; 3; rows; columns].</param>
/// <returns>[*batch; rows - 1; columns].</returns>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("Vorticity")>]
let vorticity (flow: StratifiedFlow) (state: torch.Tensor) : torch.Tensor =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    use scope = torch.NewDisposeScope()
    let dx, dz = spacings flow
    let u, w = state.select (state.ndim - 3L, 0L), state.select (state.ndim - 3L, 1L)
    let inside = rowsOf 1L (flow.Rows - 1L) w
    scope.MoveToOuter(multiply (1.0 / dx) (inside .- right -1L inside) .+ gain dz u)

/// The state with w = 0 at the lower wall.
let private closed (state: torch.Tensor) =
    let w = state.select (state.ndim - 3L, 1L)
    let inside = rowsOf 1L (w.size (int w.ndim - 2) - 1L) w
    let w = torch.cat ([| torch.zeros_like (firstRow w); inside |], -2L)
    torch.stack ([| state.select (state.ndim - 3L, 0L); w; state.select (state.ndim - 3L, 2L) |], -3L)

/// The pressure's gradient taken from the velocity, so that nothing flows together anywhere.
let private projection (flow: StratifiedFlow) =
    let dx, dz = spacings flow

    let solver =
        Poisson.solver
            [
                Poisson.axis Boundary.Neumann flow.Rows dz
                Poisson.axis Boundary.Periodic flow.Columns dx
            ]

    fun (state: torch.Tensor) ->
        let p = solver.Apply(divergence flow state)
        let alongX = multiply (1.0 / dx) (p .- right -1L p)
        let rows = flow.Rows - 1L

        let alongZ =
            torch.cat (
                [|
                    torch.zeros_like (firstRow p)
                    multiply (1.0 / dz) (rowsOf 1L rows p .- rowsOf 0L rows p)
                |],
                -2L
            )

        state .- torch.stack ([| alongX; alongZ; torch.zeros_like p |], -3L)

/// <summary>The nearest state that is free of divergence and at rest at the lower wall: what a flow must start from.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">[*batch; 3; rows; columns]; w of row 0 is taken as 0.</param>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("Project")>]
let project (flow: StratifiedFlow) (state: torch.Tensor) : torch.Tensor =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    Actions.scoped (closed >> projection flow) state

/// <summary>One step: third order in time, second in space.</summary>
/// <param name="flow">The flow.</param>
/// <param name="dt">Time step, above 0; see `timeStep`. The density keeps its range where 2 dt (|u| / dx + |w| / dz + (1/dx^2 + 1/dz^2) / Re) is at most 1.</param>
/// <exception cref="T:System.ArgumentException">A bad flow, or a time step that is not positive and finite.</exception>
/// <remarks>Differentiable tensor operations. Start from what `project` gives: a state that is not free of divergence compresses the density in its first step, and w at the lower
/// wall (row 0) stays what it is.</remarks>
[<CompiledName("Step")>]
let step (flow: StratifiedFlow) (dt: float) : Stepper =
    StratifiedFlow.check flow
    Guard.finite "dt" dt
    Guard.holds "dt" (dt > 0.0) (fun () -> $"dt must be above 0, but is {dt}.")
    let project = projection flow

    let stage (old: float) (start: torch.Tensor) (state: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let next = state |> addMultiple dt (tendency flow state)

        scope.MoveToOuter(
            project (
                if old = 0.0 then
                    next
                else
                    multiply (1.0 - old) next |> addMultiple old start
            )
        )

    let action (state: torch.Tensor) =
        let first = stage 0.0 state state
        let second = stage 0.75 state first
        stage (1.0 / 3.0) state second

    FlowState.stepper $"staggered projection of {flow.Rows} x {flow.Columns} cells" 3 dt flow.Space action
