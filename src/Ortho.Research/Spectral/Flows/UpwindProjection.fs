/// <summary>The shear-layer scheme of kh2d-solver as published: nodes, first-order upwind advection, one projection a step.</summary>
/// <remarks>
/// <para>Nodes include both ends. A step: u, then w with the new u, then the density with both are advected, upwind in space and explicit in time; explicit
/// diffusion; buoyancy; a pressure from the central divergence by sine transforms, 0 on the whole border; its central gradient. Then no velocity at the
/// walls, and the first column is set to the last, which nothing changes.</para>
/// <para>What is odd in it is kept: the inverse transform is scaled by 1/(4 m n) for m x n inner nodes, not 1/(4 (m+1)(n+1)), which makes the pressure about 1 % too
/// large; the compact Laplacian is not the product of the central divergence and gradient, so the velocity keeps some divergence; mass drifts, since
/// advection is not in flux form. Source: Herho et al. 2509.16080 and its code. `StaggeredProjection` is the corrected, second-order variant.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.UpwindProjection

open System
open System.Runtime.InteropServices
open Ortho
open Ortho.Native
open TorchSharp

let private spacings (flow: StratifiedFlow) =
    flow.Length / float (flow.Columns - 1L), flow.Height / float (flow.Rows - 1L)

/// <summary>The coordinates of the nodes.</summary>
/// <returns>x of the columns and z of the rows, ends included: float64, shapes [1; columns] and [rows; 1].</returns>
/// <exception cref="T:System.ArgumentException">A bad flow.</exception>
[<CompiledName("Nodes")>]
let nodes (flow: StratifiedFlow) : struct (torch.Tensor * torch.Tensor) =
    StratifiedFlow.check flow
    use scope = torch.NewDisposeScope()
    let dx, dz = spacings flow

    let line (count: int64) (step: float) =
        vector TensorKind.float64 (Array.init (int count) (fun i -> step * float i))

    scope.MoveToOuter((line flow.Columns dx).reshape(1L, -1L), (line flow.Rows dz).reshape(-1L, 1L))

/// <summary>The time step that the authors take: 0.4 of a cell at the largest initial velocities, or 0.2 of the smaller squared spacing over the viscosity,
/// whichever is less.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">The first state, [*batch; 3; rows; columns].</param>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("TimeStep")>]
let timeStep (flow: StratifiedFlow) (state: torch.Tensor) : float =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    use _ = torch.NewDisposeScope()
    let dx, dz = spacings flow

    let fastest (field: int64) =
        number (state.select(state.ndim - 3L, field).abs().max()) + 1e-10

    let advective = 0.4 * min (dx / fastest 0L) (dz / fastest 1L)
    min advective (0.2 * (min dx dz ** 2.0) / flow.Viscosity)

/// The inner nodes of [...; rows; columns], moved by so many rows and columns.
let private inner (rows: int64) (columns: int64) (q: torch.Tensor) =
    q
        .narrow(q.ndim - 2L, 1L + rows, q.size (int q.ndim - 2) - 2L)
        .narrow(q.ndim - 1L, 1L + columns, q.size (int q.ndim - 1) - 2L)

/// q with other inner nodes.
let private withInner (values: torch.Tensor) (q: torch.Tensor) =
    let y = q.clone ()
    (inner 0L 0L y).copy_ values |> ignore
    y

/// As the native kernel: max (v, 0) times the difference behind, min (v, 0) times that ahead.
let private upwind (speed: torch.Tensor) (behind: torch.Tensor) (ahead: torch.Tensor) =
    let forward = speed.relu ()
    forward .* behind .+ ((speed .- forward) .* ahead)

let private advect (cx: float) (cz: float) (u: torch.Tensor) (w: torch.Tensor) (q: torch.Tensor) =
    let c = inner 0L 0L q
    let x = upwind (inner 0L 0L u) (c .- inner 0L -1L q) (inner 0L 1L q .- c)
    let z = upwind (inner 0L 0L w) (c .- inner -1L 0L q) (inner 1L 0L q .- c)
    withInner (c .- (multiply cx x .+ multiply cz z)) q

let private diffuse (cx: float) (cz: float) (q: torch.Tensor) =
    let x = inner 0L -1L q .+ inner 0L 1L q
    let z = inner -1L 0L q .+ inner 1L 0L q

    withInner
        (multiply (1.0 - 2.0 * (cx + cz)) (inner 0L 0L q)
         .+ (multiply cx x .+ multiply cz z))
        q

/// The central differences of a field at the inner nodes, along x and z.
let private slopes (dx: float) (dz: float) (q: torch.Tensor) =
    multiply (0.5 / dx) (inner 0L 1L q .- inner 0L -1L q), multiply (0.5 / dz) (inner 1L 0L q .- inner -1L 0L q)

let private plainStep
    (flow: StratifiedFlow)
    (dt: float)
    (pressure: torch.Tensor -> torch.Tensor)
    (state: torch.Tensor)
    =
    let dx, dz = spacings flow
    let field (i: int64) = state.select (state.ndim - 3L, i)
    let advected = advect (dt / dx) (dt / dz)

    let spread =
        diffuse (flow.Viscosity * dt / (dx * dx)) (flow.Viscosity * dt / (dz * dz))

    let u, w, density = field 0L, field 1L, field 2L
    let u = advected u w u
    let w = advected u w w
    let density = spread (advected u w density)
    let u, w = spread u, spread w
    let sink = multiply (dt * flow.Gravity) (plus -1.0 (inner 0L 0L density))
    let w = withInner (inner 0L 0L w .- sink) w
    let ux, _ = slopes dx dz u
    let _, wz = slopes dx dz w
    // The pressure times dt.
    let p = withInner (pressure (ux .+ wz)) (torch.zeros_like u)
    let px, pz = slopes dx dz p

    let atWalls (q: torch.Tensor) =
        let y = torch.zeros_like q

        y.narrow(y.ndim - 2L, 1L, flow.Rows - 2L).copy_(q.narrow (q.ndim - 2L, 1L, flow.Rows - 2L))
        |> ignore

        y

    let atSides (q: torch.Tensor) =
        let rest = q.narrow (q.ndim - 1L, 1L, flow.Columns - 1L)
        torch.cat ([| q.narrow (q.ndim - 1L, flow.Columns - 1L, 1L); rest |], -1L)

    torch.stack (
        [|
            withInner (inner 0L 0L u .- px) u |> atWalls |> atSides
            withInner (inner 0L 0L w .- pz) w |> atWalls |> atSides
            atSides density
        |],
        -3L
    )

let private nativeStep<'T
    when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType and 'T: unmanaged and 'T :> Numerics.INumber<'T>>
    (kernel: UpwindFlow)
    (pressure: torch.Tensor -> torch.Tensor)
    (state: torch.Tensor)
    =
    let shape = state.shape
    let rows, columns = shape[shape.Length - 2], shape[shape.Length - 1]
    let states = state.contiguous().reshape(-1L, 3L, rows, columns)
    let next = torch.empty_like states
    let count = states.size 0
    let divergence = states.new_empty [| count; rows - 2L; columns - 2L |]
    let scratch = states.new_empty [| 3L; rows; columns |]

    for i in 0L .. count - 1L do
        use from = states[i]
        use into = next[i]
        use slope = divergence[i]

        kernel.Predict<'T>(
            Span.op_Implicit (MemoryMarshal.Cast<byte, 'T> from.bytes),
            MemoryMarshal.Cast<byte, 'T> into.bytes,
            MemoryMarshal.Cast<byte, 'T> scratch.bytes,
            MemoryMarshal.Cast<byte, 'T> slope.bytes
        )

    let p = (pressure divergence).contiguous()

    for i in 0L .. count - 1L do
        use into = next[i]
        use given = p[i]

        kernel.Correct<'T>(
            MemoryMarshal.Cast<byte, 'T> into.bytes,
            Span.op_Implicit (MemoryMarshal.Cast<byte, 'T> given.bytes)
        )

    next.reshape shape

/// <summary>One step of the scheme as published.</summary>
/// <param name="flow">The flow, with nodes at both ends of each axis.</param>
/// <param name="dt">Time step, above 0; see `timeStep`.</param>
/// <exception cref="T:System.ArgumentException">A bad flow, or a time step that is not positive and finite, or one at which explicit diffusion is
/// unstable (dt / Re over either squared spacing 0.25 or more).</exception>
/// <remarks>On the CPU without gradients by a native kernel, else by tensor operations: differentiable where no velocity is 0 (there the slope is that
/// of flow against the axis). An odd count of nodes on each axis with small
/// factors in count - 1 makes the sine transforms fast (385 x 193, not 384 x 192).</remarks>
[<CompiledName("Step")>]
let step (flow: StratifiedFlow) (dt: float) : Stepper =
    StratifiedFlow.check flow
    Guard.finite "dt" dt
    Guard.holds "dt" (dt > 0.0) (fun () -> $"dt must be above 0, but is {dt}.")
    let dx, dz = spacings flow
    let diffusion = flow.Viscosity * dt / (min dx dz ** 2.0)

    Guard.holds "dt" (diffusion < 0.25) (fun () ->
        $"dt must keep dt / Re over the squared spacing below 0.25, but {dt} makes it {diffusion}.")

    let m, n = flow.Rows - 2L, flow.Columns - 2L

    let solver =
        Poisson.solver [ Poisson.axis Boundary.Dirichlet m dz; Poisson.axis Boundary.Dirichlet n dx ]

    let asPublished = float ((m + 1L) * (n + 1L)) / float (m * n)

    let pressure (divergence: torch.Tensor) =
        multiply asPublished (solver.Apply divergence)

    let kernel =
        UpwindFlow(int flow.Rows, int flow.Columns, dx, dz, dt, flow.Viscosity, flow.Gravity)

    let action (state: torch.Tensor) =
        let isTracked = torch.is_grad_enabled () && state.requires_grad
        let isPlain = state.device_type = DeviceType.CPU && state.numel () > 0L

        if isTracked || not isPlain then
            plainStep flow dt pressure state
        elif state.dtype = torch.float32 then
            nativeStep<float32> kernel pressure state
        elif state.dtype = torch.float64 then
            nativeStep<float> kernel pressure state
        else
            plainStep flow dt pressure state

    FlowState.stepper $"upwind projection of {flow.Rows} x {flow.Columns} nodes" 1 dt flow.Space action

/// <summary>The vorticity w_x - u_z by central differences at the inner nodes, 0 on the border.</summary>
/// <param name="flow">The flow.</param>
/// <param name="state">[*batch; 3; rows; columns].</param>
/// <returns>[*batch; rows; columns].</returns>
/// <exception cref="T:System.ArgumentException">A bad flow or another shape.</exception>
[<CompiledName("Vorticity")>]
let vorticity (flow: StratifiedFlow) (state: torch.Tensor) : torch.Tensor =
    StratifiedFlow.check flow
    FlowState.check flow.Space state
    use scope = torch.NewDisposeScope()
    let dx, dz = spacings flow
    let u, w = state.select (state.ndim - 3L, 0L), state.select (state.ndim - 3L, 1L)
    let wx, _ = slopes dx dz w
    let _, uz = slopes dx dz u
    scope.MoveToOuter(withInner (wx .- uz) (torch.zeros_like u))
