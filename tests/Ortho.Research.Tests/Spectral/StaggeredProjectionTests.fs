module Ortho.Tests.StaggeredProjectionTests

open System
open Expecto
open Ortho
open Ortho.Tests.Orthogonal
open TorchSharp

let private flowOf (reynolds: float) (richardson: float) (case: Case) =
    StratifiedFlow.create reynolds richardson (int64 (4 + case.Size)) (int64 (5 + case.Second))

/// Free of divergence.
let private draw (bench: Bench) (case: Case) (flow: StratifiedFlow) =
    let x = Seed.normal case.Seed bench.Kind (Seq.append case.Batch flow.Space.Shape)

    x.select(x.ndim - 3L, 2L).mul_(torch.tensor 0.1).add_(torch.tensor 1.0)
    |> ignore

    x.select(x.ndim - 3L, 1L).select(x.ndim - 3L, 0L).zero_() |> ignore
    StaggeredProjection.project flow x

let private density (x: torch.Tensor) = x.select (x.ndim - 3L, 2L)
let private velocity (x: torch.Tensor) = x.narrow (x.ndim - 3L, 0L, 2L)

/// 2 dt (|u|/dx + |w|/dz + (1/dx^2 + 1/dz^2)/Re) = 1.
let private carefulStep (flow: StratifiedFlow) (x: torch.Tensor) =
    let dx, dz = flow.Length / float flow.Columns, flow.Height / float flow.Rows

    let fastest (field: int64) =
        x.select(x.ndim - 3L, field).abs().max().``to``(torch.float64).item<float>()

    let diffusion = (1.0 / (dx * dx) + 1.0 / (dz * dz)) / flow.Reynolds
    0.25 / (fastest 0L / dx + fastest 1L / dz + diffusion)

let private laws (bench: Bench) =
    testList
        $"on {bench}"
        [
            Property.check Property.config "a step is free of divergence, and at rest at the lower wall" (fun case ->
                let flow = flowOf 200.0 0.25 case
                let x = draw bench case flow
                let y = (StaggeredProjection.step flow 1e-3).Step x
                let w = y.select (y.ndim - 3L, 1L)
                let wall = w.select (w.ndim - 2L, 0L)
                let scale = Dense.size (velocity y) * float (max flow.Rows flow.Columns)

                Dense.size (StaggeredProjection.divergence flow y) / scale + Dense.size wall
                |> Property.within bench.Product "divergence")

            Property.check Property.config "the projection is one, orthogonal, and moves no density" (fun case ->
                let flow = flowOf 200.0 0.25 case
                let x = Seed.normal case.Seed bench.Kind (Seq.append case.Batch flow.Space.Shape)
                let w = x.select (x.ndim - 3L, 1L)
                w.select(w.ndim - 2L, 0L).zero_() |> ignore
                let y = StaggeredProjection.project flow x

                let residuals =
                    [
                        Law.distance (StaggeredProjection.project flow y) y
                        abs ((x.sub y).mul(y).sum().``to``(torch.float64).item<float>())
                        / (x.norm().``to``(torch.float64).item<float>() ** 2.0)
                        Law.distance (density y) (density x)
                    ]

                List.reduce max residuals |> Property.within bench.Product "residual")

            Property.check Property.config "mass is kept" (fun case ->
                let flow = flowOf 200.0 0.25 case
                let x = draw bench case flow
                let y = (StaggeredProjection.step flow 1e-3).Step x
                let mass (x: torch.Tensor) = (density x).sum [| -2L; -1L |]
                Law.distance (mass y) (mass x) |> Property.within bench.Product "drift")

            Property.check Property.config "the density stays in its range" (fun case ->
                let flow = flowOf 200.0 0.25 case
                let x = draw bench case flow
                let y = (StaggeredProjection.step flow (carefulStep flow x)).Step x

                let most (x: torch.Tensor) =
                    (density x).max().``to``(torch.float64).item<float>()

                let least (x: torch.Tensor) =
                    (density x).min().``to``(torch.float64).item<float>()

                max (most y - most x) (least x - least y)
                |> Property.within bench.Product "beyond")

            Property.check Property.config "nothing depends on where the period begins" (fun case ->
                let flow = flowOf 200.0 0.25 case
                let x = draw bench case flow
                let step = StaggeredProjection.step flow 1e-3
                let turn (x: torch.Tensor) = x.roll (int64 case.Second, x.ndim - 1L)

                Law.distance (step.Step(turn x)) (turn (step.Step x))
                |> Property.within bench.Product "distance")
        ]

let private inDouble = Bench.double.Head

/// The slope of log error over log size of the cells.
let private orderOf (error: int64 -> float) (coarse: int64) =
    log (error coarse / error (2L * coarse)) / log 2.0

/// u = sin (pi z) between walls at rest decays by exp (-pi^2 t / Re): the error at t = 1/2, Re = 10.
let private decay (rows: int64) =
    use _ = torch.NewDisposeScope()
    let flow = StratifiedFlow.create 10.0 0.0 rows 6L
    let places = StaggeredProjection.places flow
    let u = places[1].mul(torch.tensor Math.PI).sin().expand(rows, 6L)
    let mutable x = torch.stack ([| u; torch.zeros_like u; torch.ones_like u |], 0L)
    let steps = int (rows * rows / 8L)
    let step = StaggeredProjection.step flow (0.5 / float steps)

    for _ in 1..steps do
        x <- step.Step x

    let exact = u.mul (torch.tensor (exp (-Math.PI * Math.PI * 0.05)))
    (x[0L].sub exact).norm().item<float>() / exact.norm().item<float>()

/// The density of a smooth rolling layer at t = 0.2, as means over 16 x 16 blocks.
let private rolling (rows: int64) =
    use scope = torch.NewDisposeScope()
    let flow = StratifiedFlow.create 100.0 0.1 rows (2L * rows)
    let places = StaggeredProjection.places flow

    let turned (place: torch.Tensor) (turns: float) =
        place.mul (torch.tensor (turns * Math.PI))

    let times (factor: float) (x: torch.Tensor) = x.mul (torch.tensor factor)
    // Of the stream function sin^2 (pi z) sin (pi x) / 4: both velocities vanish at the walls, and the density has no slope there.
    let u =
        (turned places[1] 2.0).sin().mul((turned places[0] 1.0).sin()) |> times -0.25

    let w =
        (turned places[3] 1.0).sin().square().mul((turned places[2] 1.0).cos())
        |> times 0.25

    let wave = ((turned places[2] 1.0).cos() |> times 0.02).add(torch.tensor 0.1)
    let density = (turned places[1] 1.0).cos().mul(wave).add(torch.tensor 1.0)
    let all (x: torch.Tensor) = x.expand (rows, 2L * rows)
    let mutable x = torch.stack ([| all u; all w; all density |], 0L)
    let steps = int rows * 2
    let step = StaggeredProjection.step flow (0.2 / float steps)

    for _ in 1..steps do
        x <- step.Step x

    let block = rows / 16L
    scope.MoveToOuter(x[2L].reshape(16L, block, 32L, block).mean [| 1L; 3L |])

let tests =
    testList
        "staggered projection"
        [
            yield! Bench.real |> List.map laws

            Property.check Property.costly "is differentiable in the state" (fun case ->
                let flow = StratifiedFlow.create 200.0 0.25 5L 6L
                let x = draw inDouble { case with Batch = [] } flow

                Law.gradient case.Seed (StaggeredProjection.step flow 1e-2).Step x
                |> Property.within Bench.gradient "gradient")

            Property.check Property.config "advection keeps the energy, to the order of the step" (fun case ->
                // Without viscosity and buoyancy a third-order step drifts by dt^4.
                let flow = flowOf 1e12 0.0 case
                let x = draw inDouble case flow

                let energy (x: torch.Tensor) =
                    (velocity x).square().sum().item<float>()

                let drift (dt: float) =
                    abs (energy ((StaggeredProjection.step flow dt).Step x) / energy x - 1.0)

                let dt = carefulStep flow x
                drift (dt / 64.0) |> Property.within 1e-9 "drift")

            testCase "decay between walls at rest: second order" (fun () ->
                let order = orderOf decay 16L
                Expect.isLessThan (abs (order - 2.0)) 0.05 $"order {order}")

            testCase "a rolling layer converges to second order" (fun () ->
                use _ = torch.NewDisposeScope()
                let at = [| 16L; 32L; 64L; 128L |] |> Array.map rolling

                let distances =
                    Array.pairwise at |> Array.map (fun (a, b) -> (a.sub b).norm().item<float>())

                let order = log (distances[1] / distances[2]) / log 2.0
                Expect.isLessThan (abs (order - 2.0)) 0.25 $"order {order} from {Array.toList distances}")

            testCase "the vorticity of a turning body is twice its rate" (fun () ->
                use _ = torch.NewDisposeScope()
                let flow = StratifiedFlow.create 1.0 0.0 6L 8L
                let places = StaggeredProjection.places flow
                let u, w = places[1].neg().expand(6L, 8L), places[2].expand(6L, 8L)
                let found = StaggeredProjection.vorticity flow (torch.stack ([| u; w; u |], 0L))
                // The period cuts the body between the last column and the first.
                let inner = found.narrow (1L, 1L, 7L)
                Expect.isLessThan (Law.distance inner (torch.full_like (inner, 2.0))) 1e-14 "inside")

            testCase "bad input is refused" (fun () ->
                let flow = StratifiedFlow.create 200.0 0.25 9L 9L
                use x = torch.zeros (3L, 9L, 8L, dtype = torch.float64)
                Refusal.expect "dt" (fun () -> StaggeredProjection.step flow nan |> ignore)
                Refusal.expect "state" (fun () -> (StaggeredProjection.step flow 1e-3).Step x |> ignore)
                Refusal.expect "vorticity" (fun () -> StaggeredProjection.vorticity flow x |> ignore)
                Refusal.expect "project" (fun () -> StaggeredProjection.project flow x |> ignore)
                Refusal.expect "divergence" (fun () -> StaggeredProjection.divergence flow x |> ignore)
                Refusal.expect "time step" (fun () -> StaggeredProjection.timeStep flow x |> ignore)
                Refusal.expect "flow" (fun () -> StaggeredProjection.places { flow with Height = nan } |> ignore))
        ]
