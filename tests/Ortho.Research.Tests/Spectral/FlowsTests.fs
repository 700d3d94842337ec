module Ortho.Tests.FlowsTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private kind = TensorKind.float64
let private tau = 2.0 * Math.PI
let private largest (x: torch.Tensor) = x.abs().max().item<float>()
let private line (n: int64) (length: float) = Periodic.grid [ n ] [ length ]

let private onLine (grid: PeriodicGrid) (f: float -> float) =
    torch.tensor (Array.init (int grid.Sizes[0]) (fun j -> f (float j * grid.Lengths[0] / float grid.Sizes[0])))

let private at (flow: Flow) (time: float) (stepper: Stepper) (start: torch.Tensor) =
    (TimeRun.until RunOptions.Default time stepper (flow.ToSpectrum start)).State
    |> flow.ToValues

/// A random line of odd or even size.
let private lineOf (case: Case) =
    line (int64 (case.Size + 5)) (1.0 + float case.Second)

let private draw (case: Case) (grid: PeriodicGrid) =
    Seed.normal case.Seed kind (Seq.append case.Batch grid.Space.Axes)

let private law name tolerance (residual: Case -> float) =
    Property.check Property.config name (fun case -> residual case |> Property.within tolerance name)

/// Cole-Hopf: with phi = 1 + a exp(-viscosity t) cos x, a solution of the heat equation, u = -2 viscosity phi_x / phi.
let private coleHopf (viscosity: float) (time: float) (x: float) =
    let a = 0.5 * exp (-viscosity * time)
    2.0 * viscosity * a * sin x / (1.0 + a * cos x)

let private soliton (speed: float) (x: float) =
    speed / 2.0 / cosh (sqrt speed / 2.0 * x) ** 2.0

let tests =
    testList
        "flows"
        [
            law "heat: each mode decays by its own exponential" 1e-12 (fun case ->
                let grid = PeriodicTests.gridOf case
                let flow = Flows.heat kind 0.3 grid
                let u = Periodic.toSpectrum grid (draw case grid)

                let exact =
                    u.mul ((PeriodicSymbol.laplacian kind grid).mul((0.3 * 0.2).ToScalar()).exp())

                Law.distance ((flow.ExponentialRungeKutta4 0.1).Step((flow.ExponentialRungeKutta4 0.1).Step u)) exact)

            law "the transport u u_x keeps mass and energy to rounding" 1e-12 (fun case ->
                let grid = lineOf case
                let u = Periodic.toSpectrum grid (draw case grid)

                [
                    Flows.burgers kind 0.0 grid
                    Flows.kortewegDeVries kind grid
                    Flows.kuramotoSivashinsky kind grid
                ]
                |> List.map (fun flow ->
                    let rate = flow.Nonlinear u
                    let inner a b = Periodic.inner grid a b
                    let sizes = (inner rate rate).mul(inner u u).sqrt().add(1e-300.ToScalar())
                    max (largest (rate.select (-1L, 0L))) (largest ((inner rate u).div sizes)))
                |> List.max)

            law "dispersion keeps energy to rounding" 1e-12 (fun case ->
                let grid = lineOf case
                let u = Periodic.toSpectrum grid (draw case grid)
                let dispersed = u.mul (Flows.kortewegDeVries kind grid).Symbol
                let inner a b = Periodic.inner grid a b
                largest ((inner dispersed u).div((inner dispersed dispersed).mul(inner u u).sqrt())))

            law "rates are those of the equations as written, products padded" 1e-11 (fun case ->
                let grid = lineOf case
                let kept = PeriodicSymbol.keptModes kind 2 grid

                let u =
                    (Periodic.toSpectrum grid (draw case grid)).mul kept |> Periodic.toValues grid

                let d order =
                    (PeriodicMaps.derivative 0 order grid).Apply u

                let cut (x: torch.Tensor) =
                    (Periodic.toSpectrum grid x).mul kept |> Periodic.toValues grid

                let product (factor: float) (a: torch.Tensor) b =
                    (cut (PeriodicMaps.product grid a b)).mul(factor.ToScalar())

                let times (factor: float) (x: torch.Tensor) = x.mul (factor.ToScalar())

                [
                    Flows.burgers kind 0.3 grid, (times 0.3 (d 2)).add(product -1.0 u (d 1))
                    Flows.kortewegDeVries kind grid, (product -6.0 u (d 1)).sub(d 3)
                    Flows.kuramotoSivashinsky kind grid, (product -1.0 u (d 1)).sub(d 2).sub(d 4)
                    Flows.fisher kind 0.3 2.0 grid, (times 0.3 (d 2)).add(times 2.0 u).add(product -2.0 u u)
                ]
                |> List.map (fun (flow, exact) -> Law.distance (flow.ToValues(flow.Rate(flow.ToSpectrum u))) exact)
                |> List.max)

            law
                "cubes do not alias: Allen-Cahn and Gray-Scott against a grid that holds all products"
                1e-12
                (fun case ->
                    let grid = lineOf case
                    let wide = line (4L * grid.Sizes[0] + 1L) grid.Lengths[0]
                    let kept = PeriodicSymbol.keptModes kind 3 grid

                    let cut seed =
                        (Periodic.toSpectrum grid (draw { case with Seed = seed } grid)).mul kept

                    let u, v = cut case.Seed, cut (case.Seed + 1)

                    let values x =
                        Periodic.toValues wide (PeriodicMaps.resample grid wide x)

                    let back x =
                        (PeriodicMaps.resample wide grid (Periodic.toSpectrum wide x)).mul kept

                    let laplacian = PeriodicSymbol.laplacian kind grid
                    let times (factor: float) (x: torch.Tensor) = x.mul (factor.ToScalar())
                    let cube = back ((values u).pow(3.0.ToScalar()))
                    let allenCahn = (times 0.1 (u.mul laplacian)).add(u).sub cube
                    let reaction = back ((values u).mul((values v).square()))

                    let feed =
                        Periodic.toSpectrum grid (torch.full_like (Periodic.toValues grid u, 0.04.ToScalar()))

                    let grayScott =
                        torch.stack (
                            [|
                                (times 0.2 (u.mul laplacian)).sub(reaction).sub(times 0.04 u).add feed
                                (times 0.1 (v.mul laplacian)).add(reaction).sub(times 0.1 v)
                            |],
                            -2L
                        )

                    let both = torch.stack ([| u; v |], -2L)

                    max
                        (Law.distance ((Flows.allenCahn kind 0.1 grid).Rate u) allenCahn)
                        (Law.distance
                            ((Flows.grayScott kind (struct (0.2, 0.1)) (struct (0.04, 0.06)) grid).Rate both)
                            grayScott))

            testCase "Burgers by Cole and Hopf, with the orders of the steppers" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 96L tau
                let viscosity, time = 0.5, 1.0
                let flow = Flows.burgers kind viscosity grid
                let exact = onLine grid (coleHopf viscosity time)

                let error (stepper: Stepper) =
                    largest ((at flow time stepper (onLine grid (coleHopf viscosity 0.0))).sub exact)

                Expect.isLessThan (error (flow.ExponentialRungeKutta4 0.005)) 1e-11 "ETDRK4"

                for name, order, tolerance, h, make in
                    [
                        "ETDRK4", 4.0, 0.1, 0.05, flow.ExponentialRungeKutta4
                        "ARS(2,2,2)", 2.0, 0.05, 0.0125, flow.ImplicitExplicit
                        "ETDRK2",
                        2.0,
                        0.05,
                        0.0125,
                        fun h -> Stepper.exponentialRungeKutta2 h flow.Symbol flow.Nonlinear
                    ] do
                    let measured = Math.Log2(error (make h) / error (make (h / 2.0)))
                    Expect.isLessThan (abs (measured - order)) tolerance $"{name}: {measured:F3}")

            testCase "Burgers split after Strang: the heat exactly, the transport by RK4" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 96L tau
                let viscosity, time = 0.5, 1.0
                let flow = Flows.burgers kind viscosity grid
                let exact = onLine grid (coleHopf viscosity time)

                let heat (time: float) (u: torch.Tensor) =
                    u.mul ((flow.Symbol.mul (time.ToScalar())).exp())

                let transport (time: float) =
                    (Stepper.rungeKutta4 time flow.Nonlinear).Step

                let error h =
                    largest (
                        (at flow time (Stepper.strang h heat transport) (onLine grid (coleHopf viscosity 0.0))).sub
                            exact
                    )

                let measured = Math.Log2(error 0.025 / error 0.0125)
                Expect.isLessThan (abs (measured - 2.0)) 0.05 $"{measured:F3}")

            testCase "the soliton of Korteweg and de Vries" (fun () ->
                use _ = torch.NewDisposeScope()
                let length, speed, time = 40.0, 1.5, 2.0
                let grid = line 192L length
                let flow = Flows.kortewegDeVries kind grid
                let start = onLine grid (fun x -> soliton speed (x - 18.5))
                let exact = onLine grid (fun x -> soliton speed (x - 18.5 - speed * time))

                let run h =
                    TimeRun.until
                        (RunOptions.Default.WithInvariants flow.Invariants)
                        time
                        (flow.ExponentialRungeKutta4 h)
                        (flow.ToSpectrum start)

                let fine = run 0.0025
                Expect.isLessThan (largest ((flow.ToValues fine.State).sub exact)) 1e-7 "shape and place"
                Expect.isLessThan fine.Drifts[0].Relative 1e-13 "mass"
                Expect.isLessThan fine.Drifts[1].Relative 1e-9 "energy"
                // The integral of c/2 sech^2 is 2 sqrt c; half that of its square is c^(3/2)/3.
                Expect.isLessThan (abs (fine.Drifts[0].Start - 2.0 * sqrt speed)) 1e-8 "mass by hand"
                Expect.isLessThan (abs (fine.Drifts[1].Start - speed ** 1.5 / 3.0)) 1e-8 "energy by hand"

                let error h =
                    largest ((flow.ToValues (run h).State).sub exact)

                let measured = Math.Log2(error 0.02 / error 0.01)
                Expect.isLessThan (abs (measured - 4.0)) 0.1 $"order {measured:F3}")

            testCase "Fisher's travelling wave" (fun () ->
                use _ = torch.NewDisposeScope()
                // Two fronts, mirror images, far from each other and from themselves.
                let grid = line 512L 240.0
                let flow = Flows.fisher kind 1.0 1.0 grid

                let wave time =
                    onLine grid (fun x ->
                        (1.0 + exp ((abs (x - 120.0) - 70.0 - 5.0 * time / sqrt 6.0) / sqrt 6.0))
                        ** -2.0)

                let reached = at flow 3.0 (flow.ExponentialRungeKutta4 0.02) (wave 0.0)
                Expect.isLessThan (largest (reached.sub (wave 3.0))) 1e-8 "the wave")

            testCase "Allen-Cahn: what is the same everywhere, and a front at rest" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 6L; 7L ] [ 1.0; 2.0 ]
                let flow = Flows.allenCahn kind 0.01 grid
                let start = 0.3
                let exact = start * exp 1.0 / sqrt (1.0 + start * start * (exp 2.0 - 1.0))

                let constant (value: float) =
                    torch.full ([| 6L; 7L |], value.ToScalar(), dtype = torch.float64)

                Expect.isLessThan
                    (largest ((at flow 1.0 (flow.ExponentialRungeKutta4 0.01) (constant start)).sub(constant exact)))
                    1e-9
                    "u' = u - u^3"

                let line = line 768L 40.0
                let front = Flows.allenCahn kind 0.25 line
                // tanh (x / (sqrt 2 width)), width 1/2.
                let u = onLine line (fun x -> tanh ((10.0 - abs (x - 20.0)) / (sqrt 2.0 * 0.5)))
                Expect.isLessThan (largest (front.ToValues(front.Rate(front.ToSpectrum u)))) 1e-8 "at rest")

            testCase "Gray-Scott: rest, and mass without feed and kill" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 16L; 15L ] [ 2.0; 2.0 ]
                let flow = Flows.grayScott kind (struct (2e-3, 1e-3)) (struct (0.04, 0.06)) grid

                let rest =
                    torch.stack
                        [|
                            torch.ones ([| 16L; 15L |], dtype = torch.float64)
                            torch.zeros ([| 16L; 15L |], dtype = torch.float64)
                        |]

                Expect.isLessThan (largest (flow.Rate(flow.ToSpectrum rest))) 1e-12 "u = 1, v = 0"
                let closed = Flows.grayScott kind (struct (2e-3, 1e-3)) (struct (0.0, 0.0)) grid
                let start = (Seed.uniform 1 kind [ 3L; 2L; 16L; 15L ])

                let run =
                    TimeRun.steps
                        (RunOptions.Default.WithInvariants closed.Invariants)
                        20L
                        (closed.ExponentialRungeKutta4 0.1)
                        (closed.ToSpectrum start)

                Expect.isLessThan run.Drifts[0].Relative 1e-13 "mass")

            testCase "Kuramoto-Sivashinsky: small waves grow by k^2 - k^4, large ones stay bounded" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 64L 32.0
                let flow = Flows.kuramotoSivashinsky kind grid
                let k = 3.0 * tau / 32.0
                let small = onLine grid (fun x -> 1e-8 * cos (k * x))
                let grown = small.mul ((exp (k * k - k ** 4.0)).ToScalar())

                Expect.isLessThan
                    (largest ((at flow 1.0 (flow.ExponentialRungeKutta4 0.1) small).sub grown) / 1e-8)
                    1e-7
                    "growth"

                let chaos = (Seed.normal 1 kind [ 64L ])
                let options = (RunOptions.Default.WithInvariants flow.Invariants).WithLimit 1e3

                let run =
                    TimeRun.steps options 400L (flow.ExponentialRungeKutta4 0.25) (flow.ToSpectrum chaos)

                Expect.isLessThan (largest (flow.ToValues run.State)) 5.0 "bounded"
                Expect.isLessThan run.Drifts[0].Largest 1e-11 "mass")

            testCase "heat by RK4: stable below the estimate, not above" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 16L 1.0
                let flow = Flows.heat kind 0.5 grid

                let u =
                    flow.ToSpectrum(
                        draw
                            {
                                Size = 1
                                Second = 1
                                Batch = []
                                Seed = 1
                            }
                            grid
                    )

                let stable = flow.StableStep u
                let largestMode = 0.5 * (16.0 * Math.PI) ** 2.0
                Expect.floatClose Accuracy.high stable (2.785293563405282 / largestMode) "2.785 / (d k^2)"

                let mode h =
                    (TimeRun.steps RunOptions.Default 100L (flow.RungeKutta4 h) u).State[8L].abs().item<float>()

                let before = u[8L].abs().item<float>()
                Expect.isLessThan (mode (0.99 * stable)) before "below"
                Expect.isGreaterThan (mode (1.01 * stable)) before "above"
                Expect.isTrue (Double.IsPositiveInfinity(flow.StableStepOfTransport u)) "nothing moves")

            testCase "transport by RK4: stable below the estimate, not above" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 15L 1.0
                let symbol = (PeriodicSymbol.derivative kind 0 1 grid).mul((-2.0).ToScalar())
                let flow = Flow.Of("transport", grid, symbol, fun u -> (torch.zeros_like u))
                let u = Periodic.toSpectrum grid (Seed.normal 1 kind [ 15L ])
                let stable = StableStep.linear symbol
                let velocity = torch.full ([| 1L; 15L |], 2.0.ToScalar(), dtype = torch.float64)
                Expect.floatClose Accuracy.high stable (StableStep.advective 1 grid velocity) "both ways"

                let mode h =
                    (TimeRun.steps RunOptions.Default 200L (flow.RungeKutta4 h) u).State[7L].abs().item<float>()

                let before = u[7L].abs().item<float>()
                Expect.isLessThan (mode (0.99 * stable)) before "below"
                Expect.isGreaterThan (mode (1.01 * stable)) before "above")

            testCase "single precision, empty batches, gradients" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = line 12L tau

                for make in
                    [
                        fun kind -> Flows.burgers kind 0.1 grid
                        fun kind -> Flows.kortewegDeVries kind grid
                        fun kind -> Flows.kuramotoSivashinsky kind grid
                        fun kind -> Flows.fisher kind 0.1 1.0 grid
                        fun kind -> Flows.allenCahn kind 0.1 grid
                        fun kind -> Flows.heat kind 0.1 grid
                        fun kind -> Flows.grayScott kind (struct (0.1, 0.2)) (struct (0.04, 0.06)) grid
                    ] do
                    let flow = make kind
                    let single = make TensorKind.float32

                    let x =
                        Seed.normal
                            1
                            kind
                            (Seq.append
                                [ 2L ]
                                (flow.State.Shape
                                 |> Seq.truncate (flow.State.Rank - 1)
                                 |> fun s -> Seq.append s [ 12L ]))

                    let step (flow: Flow) (x: torch.Tensor) =
                        flow.ToValues((flow.ExponentialRungeKutta4 0.01).Step(flow.ToSpectrum x))

                    let coarse = step single (x.``to`` torch.float32)
                    Expect.equal coarse.dtype torch.float32 $"{flow.Name}: type"

                    Expect.isLessThan
                        (Law.distance (coarse.``to`` torch.float64) (step flow x))
                        1e-5
                        $"{flow.Name}: single"

                    Expect.equal
                        (step flow (x.narrow (0L, 0L, 0L))).shape
                        (Array.append [| 0L |] x.shape[1..])
                        $"{flow.Name}: empty"

                    Expect.isLessThan (Law.gradient 1 (step flow) x) Bench.gradient $"{flow.Name}: gradient")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let plane = Periodic.grid [ 4L; 4L ] [ 1.0; 1.0 ]
                Refusal.expect "a plane" (fun () -> Flows.burgers kind 0.1 plane |> ignore)
                Refusal.expect "viscosity" (fun () -> Flows.burgers kind -0.1 (line 4L 1.0) |> ignore)
                Refusal.expect "diffusivity" (fun () -> Flows.heat kind nan plane |> ignore)

                Refusal.expect "diffusivities" (fun () ->
                    Flows.grayScott kind (struct (0.1, -0.1)) (struct (0.0, 0.0)) plane |> ignore)

                Refusal.expect "integers" (fun () -> Flows.heat (TensorKind.cpu torch.int64) 0.1 plane |> ignore)
                let flow = Flows.grayScott kind (struct (0.1, 0.1)) (struct (0.0, 0.0)) plane

                Refusal.expect "one field" (fun () ->
                    flow.ToSpectrum(torch.zeros ([| 4L; 4L |], dtype = torch.float64)) |> ignore)

                Refusal.expect "symbol" (fun () -> Flow.Of("x", plane, torch.zeros 4L, fun u -> u) |> ignore)
                Refusal.expect "velocity" (fun () -> StableStep.advective 2 plane (torch.zeros (3L, 4L, 4L)) |> ignore)
                Refusal.expect "no symbol" (fun () -> StableStep.linear (torch.zeros 0L) |> ignore))
        ]
