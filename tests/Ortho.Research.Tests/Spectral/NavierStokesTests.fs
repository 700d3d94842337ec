module Ortho.Tests.NavierStokesTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private kind = TensorKind.float64
let private tau = 2.0 * Math.PI

/// A plane grid of odd or even sizes with lengths of its own, large enough to keep modes.
let private gridOf (case: Case) =
    Periodic.grid [ int64 (3 + case.Size); int64 (4 + case.Second) ] [ 1.0 + float (case.Seed % 7) / 3.0; 2.0 ]

/// Random vorticity of mean 0, in all modes or in the kept ones.
let private draw (kind: TensorKind) (case: Case) (grid: PeriodicGrid) =
    let values = Seed.normal case.Seed kind (Seq.append case.Batch grid.Space.Axes)
    Periodic.toSpectrum grid (values.sub (values.mean ([| -2L; -1L |], keepdim = true)))

let private largest (x: torch.Tensor) = x.abs().max().item<float>()

/// |<a, b>| over |a| |b|, the largest of a batch.
let private angle (grid: PeriodicGrid) (a: torch.Tensor) (b: torch.Tensor) =
    let inner x y = Periodic.inner grid x y
    let sizes = (inner a a).mul(inner b b).sqrt()
    // Where nothing moves, all is 0.
    largest ((inner a b).div(sizes.clamp_min (1e-300.ToScalar())))

/// Vorticity with a few large modes, from a seed.
let private eddies (grid: PeriodicGrid) =
    let x = Periodic.points kind grid

    let wave a b phase =
        (x[0].mul((a: float).ToScalar()).add(x[1].mul((b: float).ToScalar())).add((phase: float).ToScalar())).cos()

    (wave 1.0 0.0 0.3).add(wave 0.0 2.0 1.0).add(wave 2.0 1.0 2.0).add(wave 1.0 -1.0 0.5)

let private law name tolerance (residual: Case -> PeriodicGrid -> float) =
    Property.check Property.config name (fun case -> residual case (gridOf case) |> Property.within tolerance name)

let tests =
    testList
        "Navier-Stokes"
        [
            law "the nonlinear part keeps energy and enstrophy to rounding" 1e-13 (fun case grid ->
                let w = draw kind case grid
                let rate = (NavierStokes.flow kind 0.1 grid).Nonlinear w
                max (angle grid rate w) (angle grid rate (NavierStokes.streamFunction grid w)))

            law "it is -u . grad w, its products padded and all truncated" 1e-11 (fun case grid ->
                let kept = PeriodicSymbol.keptModes kind 2 grid
                let w = (draw kind case grid).mul kept
                let u = NavierStokes.velocity grid w

                let slope axis =
                    (PeriodicMaps.derivative axis 1 grid).Apply(Periodic.toValues grid w)

                let plain =
                    Array.init 2 (fun axis -> PeriodicMaps.product grid (u.select (-3L, int64 axis)) (slope axis))
                    |> Array.reduce (.+)
                    |> Periodic.toSpectrum grid

                let rate = (NavierStokes.flow kind 0.1 grid).Nonlinear w
                let wanted = plain.mul(kept).neg()

                (rate.sub wanted).norm().item<float>()
                / (w.norm().item<float>() * largest u * 10.0 + 1e-300))

            law "its velocity has the curl w and no divergence" 1e-12 (fun case grid ->
                // Nyquist's modes have no first derivative.
                let w = (draw kind case grid).mul(PeriodicSymbol.keptModes kind 1 grid)
                let u = NavierStokes.velocity grid w

                let slope axis i =
                    (PeriodicMaps.derivative axis 1 grid).Apply(u.select (-3L, int64 i))

                let values = Periodic.toValues grid w
                let size = largest values + 1e-300

                max (largest ((slope 0 1).sub(slope 1 0).sub values)) (largest ((slope 0 0).add(slope 1 1)))
                / size)

            law "energy is half the integral of the squared velocity" 1e-12 (fun case grid ->
                let w = (draw kind case grid).mul(PeriodicSymbol.keptModes kind 1 grid)
                let u = NavierStokes.velocity grid w

                let plain =
                    (u.square().sum [| -3L; -2L; -1L |]).mul((0.5 * grid.Volume / float grid.Space.Size).ToScalar())

                Law.distance (NavierStokes.energy grid w) plain)

            testList
                "the kernel and the tensor operations agree"
                [
                    for dtype in [ torch.float32; torch.float64 ] ->
                        law (string dtype) (if dtype = torch.float32 then 1e-5 else 1e-13) (fun case grid ->
                            let kind = TensorKind.cpu dtype
                            let flow = NavierStokes.flow kind 0.1 grid
                            let w = draw kind case grid
                            let plain = w.detach().clone().requires_grad_ true
                            // One that the kernel must read through its strides.
                            let turned = w.transpose(-1L, -2L).contiguous().transpose(-1L, -2L)
                            let size = number ((flow.Rate w).abs().max()) + number (w.abs().max())
                            let distance (a: torch.Tensor) (b: torch.Tensor) = number (a.sub(b).abs().max()) / size

                            [
                                distance (flow.Nonlinear w) (flow.Nonlinear plain)
                                distance (flow.Rate w) (flow.Rate plain)
                                distance (flow.Rate turned) (flow.Rate plain)
                                distance (flow.Rate w) ((flow.Nonlinear w).add(w.mul flow.Symbol))
                            ]
                            |> List.max)
                ]

            testCase "Taylor-Green vortices decay as they should" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 16L; 17L ] do
                    let grid = Periodic.grid [ n; n ] [ tau; tau ]
                    let x = Periodic.points kind grid
                    let start = (x[0].cos()).mul(x[1].cos()).mul(2.0.ToScalar())
                    let viscosity, time = 0.05, 2.0
                    let flow = NavierStokes.flow kind viscosity grid
                    let exact = start.mul ((exp (-2.0 * viscosity * time)).ToScalar())

                    let at (stepper: Stepper) =
                        (TimeRun.until RunOptions.Default time stepper (flow.ToSpectrum start)).State
                        |> flow.ToValues

                    Expect.isLessThan (largest ((at (flow.ExponentialRungeKutta4 0.1)).sub exact)) 1e-12 $"ETDRK4, {n}"
                    Expect.isLessThan (largest ((at (flow.RungeKutta4 0.02)).sub exact)) 1e-12 $"RK4, {n}"

                    let u = NavierStokes.velocity grid (flow.ToSpectrum start)
                    // u = (d_1 psi, -d_0 psi), psi = cos x cos y.
                    let expected =
                        torch.stack [| (x[0].cos()).mul(x[1].sin()).neg(); (x[0].sin()).mul(x[1].cos()) |]

                    Expect.isLessThan (largest (u.sub expected)) 1e-14 "velocity")

            testCase "without viscosity energy and enstrophy drift with the order of the stepper" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 24L; 24L ] [ tau; tau ]
                let flow = NavierStokes.flow kind 0.0 grid
                let start = flow.ToSpectrum(eddies grid)

                let run h =
                    TimeRun.until (RunOptions.Default.WithInvariants flow.Invariants) 2.0 (flow.RungeKutta4 h) start

                let coarse, fine = run 0.1, run 0.0125

                for i in 0..1 do
                    // Three halvings; the terms of h^4 and h^5 in the energy have opposite signs, so that single halvings give 3 to 5.
                    let order = Math.Log2(coarse.Drifts[i].Relative / fine.Drifts[i].Relative) / 3.0
                    Expect.isGreaterThan order 3.8 $"{coarse.Drifts[i].Name}: order {order:F2}"
                    Expect.isLessThan fine.Drifts[i].Relative 1e-9 $"{fine.Drifts[i].Name}"
                // And the state moved.
                Expect.isGreaterThan (largest (fine.State.sub start) / largest start) 0.1 "moved")

            testCase "the steppers converge to one flow with their orders" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 24L; 24L ] [ tau; tau ]
                let flow = NavierStokes.flow kind 0.01 grid
                let start = flow.ToSpectrum(eddies grid)

                let at (stepper: Stepper) =
                    (TimeRun.until RunOptions.Default 1.0 stepper start).State

                let exact = at (flow.ExponentialRungeKutta4 0.0025)

                for name, order, tolerance, make in
                    [
                        "RK4", 4.0, 0.1, flow.RungeKutta4
                        "ETDRK4", 4.0, 0.1, flow.ExponentialRungeKutta4
                        "ARS(2,2,2)", 2.0, 0.05, flow.ImplicitExplicit
                    ] do
                    let h = if order = 4.0 then 0.05 else 0.025

                    let measured =
                        Math.Log2(largest ((at (make h)).sub exact) / largest ((at (make (h / 2.0))).sub exact))

                    Expect.isLessThan (abs (measured - order)) tolerance $"{name}: {measured:F3}")

            testCase "forcing: a steady state where it balances viscosity" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 12L; 13L ] [ tau; tau ]
                let x = Periodic.points kind grid
                // Kolmogorov's flow: w = cos 2 y is steady under 4 viscosity cos 2 y.
                let w = (x[1].mul(2.0.ToScalar())).cos()
                let flow = NavierStokes.forcedFlow 0.25 w grid
                Expect.isLessThan (largest (flow.Rate(flow.ToSpectrum w))) 1e-11 "steady"

                let step (f: torch.Tensor) =
                    let flow = NavierStokes.forcedFlow 0.25 f grid

                    (flow.RungeKutta4 0.1).Step((flow.RungeKutta4 0.1).Step(flow.ToSpectrum(eddies grid)))
                    |> flow.ToValues

                let small = Periodic.grid [ 12L; 13L ] [ tau; tau ]

                Expect.isLessThan
                    (Law.gradient 1 step (Seed.normal 1 kind small.Space.Axes))
                    Bench.gradient
                    "gradient in it")

            testCase "gradients flow through steps" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 8L; 9L ] [ tau; 3.0 ]
                let flow = NavierStokes.flow kind 0.1 grid
                let start = Seed.normal 1 kind [ 2L; 8L; 9L ]

                for stepper in
                    [
                        flow.RungeKutta4 0.05
                        flow.ExponentialRungeKutta4 0.05
                        flow.ImplicitExplicit 0.05
                    ] do
                    let twice (x: torch.Tensor) =
                        flow.ToValues(stepper.Step(stepper.Step(flow.ToSpectrum x)))

                    Expect.isLessThan (Law.gradient 1 twice start) Bench.gradient stepper.Name)

            testCase "a batch flows as its elements do, and nothing stays behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 8L; 10L ] [ tau; 3.0 ]
                let flow = NavierStokes.flow kind 0.1 grid
                let w = flow.ToSpectrum(Seed.normal 1 kind [ 3L; 2L; 8L; 10L ])
                let stepper = flow.RungeKutta4 0.05
                let together = stepper.Step w
                let first = stepper.Step((w.select (0L, 2L)).select(0L, 1L))
                Expect.isLessThan (Law.distance ((together.select (0L, 2L)).select(0L, 1L)) first) 1e-14 "element"
                Expect.equal (stepper.Step(w.narrow (0L, 0L, 0L))).shape [| 0L; 2L; 8L; 6L |] "empty batch"

                let live () =
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount

                let before = live ()

                for _ in 1..3 do
                    (stepper.Step w).Dispose()
                    flow.StableStep w |> ignore

                Expect.equal (live () - before) 0L "live tensors")

            testCase "the stable step: below it nothing grows, far above it the run blows up" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 32L; 32L ] [ tau; tau ]
                let flow = NavierStokes.flow kind 0.001 grid
                let w = flow.ToSpectrum((Seed.normal 1 kind [ 32L; 32L ]).mul(10.0.ToScalar()))
                let stable = flow.StableStep w

                let run h =
                    TimeRun.steps (RunOptions.Default.WithInvariants flow.Invariants) 100L (flow.RungeKutta4 h) w

                let calm = run (0.5 * stable)

                Expect.isLessThan
                    (largest (NavierStokes.enstrophy grid calm.State))
                    (1.001 * largest (NavierStokes.enstrophy grid w))
                    "calm"

                Expect.throwsT<BlowUpException> (fun () -> run (20.0 * stable) |> ignore) "blow-up"
                Expect.isGreaterThan (flow.StableStepOfTransport w) stable "viscosity limits it too")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()

                let line, plane =
                    Periodic.grid [ 8L ] [ 1.0 ], Periodic.grid [ 8L; 6L ] [ 1.0; 1.0 ]

                Refusal.expect "a line" (fun () -> NavierStokes.flow kind 0.1 line |> ignore)
                Refusal.expect "viscosity" (fun () -> NavierStokes.flow kind -0.1 plane |> ignore)
                Refusal.expect "viscosity NaN" (fun () -> NavierStokes.flow kind nan plane |> ignore)
                let values = torch.zeros ([| 8L; 6L |], dtype = torch.float64)
                Refusal.expect "forcing" (fun () -> NavierStokes.forcedFlow 0.1 (values.t ()) plane |> ignore)
                let flow = NavierStokes.flow kind 0.1 plane
                Refusal.expect "values for spectra" (fun () -> flow.Rate values |> ignore)
                Refusal.expect "another grid" (fun () -> flow.ToSpectrum(values.t ()) |> ignore)
                Refusal.expect "another precision" (fun () -> flow.ToSpectrum(values.``to`` torch.float32) |> ignore)
                Refusal.expect "stepped" (fun () -> (flow.RungeKutta4 0.1).Step values |> ignore)

                Refusal.expect "energy" (fun () ->
                    NavierStokes.energy line (Periodic.toSpectrum line values[0L]) |> ignore))
        ]
