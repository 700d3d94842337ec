module Ortho.Tests.StepperTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private float64s (numbers: float[]) = torch.tensor numbers

let private last (options: RunOptions) time (stepper: Stepper) (u: torch.Tensor) =
    (TimeRun.until options time stepper u).State

/// log2 of the ratio of the errors at one time for steps h and h/2.
let measuredOrder (exact: torch.Tensor) (time: float) (h: float) (stepper: float -> Stepper) (u: torch.Tensor) =
    let error h =
        (last RunOptions.Default time (stepper h) u).sub(exact).abs().max().item<float>()

    Math.Log2(error h / error (h / 2.0))

/// The logistic equation u' = a u - a u^2 with u(0) = 1/2: u = 1/(1 + exp(-a t)), split into a diagonal linear part and the rest.
let private rates = [| 0.5; 1.0; -1.5 |]
let private start () = float64s [| 0.5; 0.5; 0.5 |]

let private logistic time =
    rates |> Array.map (fun a -> 1.0 / (1.0 + exp (-a * time))) |> float64s

let private square (u: torch.Tensor) = (u.mul u).mul(float64s rates).neg()

let private orders =
    [
        "RK4", 4, 0.1, (fun h -> Stepper.rungeKutta4 h (fun u -> u.mul(float64s rates).add(square u)))
        "ETDRK4", 4, 0.1, (fun h -> Stepper.exponentialRungeKutta4 h (float64s rates) square)
        "ETDRK2", 2, 0.05, (fun h -> Stepper.exponentialRungeKutta2 h (float64s rates) square)
        "ARS(2,2,2)", 2, 0.05, (fun h -> Stepper.implicitExplicit h (float64s rates) square)
        "Strang",
        2,
        0.05,
        (fun h ->
            Stepper.strang
                h
                (fun time u -> u.mul ((float64s rates).mul(time.ToScalar()).exp()))
                // u' = -a u^2: u/(1 + a u t).
                (fun time u -> u.div ((u.mul(float64s rates).mul(time.ToScalar())).add(1.0.ToScalar()))))
    ]

let private stepperOf name h =
    orders
    |> List.find (fun (n, _, _, _) -> n = name)
    |> fun (_, _, _, make) -> make h

/// (exp z - 1)/z and the others by their series, for |z| at most 1: coefficients 1/(n + p)! and the like.
let private phi (p: int) (z: float) =
    let mutable term, sum = 1.0, 0.0

    for n in 1..p do
        term <- term / float n

    for n in 0..40 do
        sum <- sum + term
        term <- term * z / float (n + p + 1)

    sum

let tests =
    testList
        "steppers"
        [
            testList
                "have the order they state"
                [
                    for name, order, tolerance, make in orders ->
                        testCase name (fun () ->
                            use _ = torch.NewDisposeScope()
                            let time = 2.0
                            let h = if order = 4 then 0.05 else 0.0125
                            let measured = measuredOrder (logistic time) time h make (start ())
                            Expect.equal (make h).Order order "stated"
                            Expect.isLessThan (abs (measured - float order)) tolerance $"measured {measured:F3}")
                ]

            Property.check Property.config "the coefficients are the entire functions they are" (fun case ->
                let z =
                    Seed.normal case.Seed TensorKind.float64 [ 5L ]
                    |> fun x -> x.mul ((if case.Size > 4 then 1e-4 else 1.0).ToScalar())

                let h = 0.5
                let symbol = z.div (h.ToScalar())
                let numbers (x: torch.Tensor) = x.data<float>().ToArray()
                let z = numbers z

                let error (made: torch.Tensor) (formula: float -> float) =
                    Array.map2 (fun made z -> abs (made - h * formula z)) (numbers made) z
                    |> Array.max

                // Kassam and Trefethen's f in phi functions: f1 = phi1 - 3 phi2 + 4 phi3, f2 = phi2 - 2 phi3, f3 = 4 phi3 - phi2.
                [
                    error (ExponentialCoefficients.first h symbol) (phi 1)
                    error (ExponentialCoefficients.second h symbol) (phi 2)
                    error (ExponentialCoefficients.half h symbol) (fun z -> 0.5 * phi 1 (z / 2.0))
                    error (ExponentialCoefficients.atStart h symbol) (fun z -> phi 1 z - 3.0 * phi 2 z + 4.0 * phi 3 z)
                    error (ExponentialCoefficients.inMiddle h symbol) (fun z -> phi 2 z - 2.0 * phi 3 z)
                    error (ExponentialCoefficients.atEnd h symbol) (fun z -> 4.0 * phi 3 z - phi 2 z)
                ]
                |> List.max
                |> Property.within 1e-12 "coefficients")

            Property.check
                Property.config
                "real symbols and complex ones give the same numbers, stiff ones too"
                (fun case ->
                    let symbol =
                        (Seed.normal case.Seed TensorKind.float64 [ 4L ]).abs().mul((-1000.0).ToScalar())

                    let u = Seed.normal (case.Seed + 1) TensorKind.float64 (case.Batch @ [ 4L ])
                    let complex = torch.complex (u, (torch.zeros_like u))

                    let make (l: torch.Tensor) =
                        Stepper.exponentialRungeKutta4 0.1 l (fun u -> u.mul u)

                    Law.distance ((make (symbol.``to`` torch.complex128)).Step complex).real ((make symbol).Step u)
                    |> Property.within 1e-12 "difference")

            Property.check
                Property.config
                "exponential steps are exact for a linear equation with a constant"
                (fun case ->
                    let symbol = Seed.normal case.Seed TensorKind.float64 [ 3L ]
                    let source = Seed.normal (case.Seed + 1) TensorKind.float64 [ 3L ]
                    let u = Seed.normal (case.Seed + 2) TensorKind.float64 (case.Batch @ [ 3L ])
                    let h = 0.7
                    let e = (symbol.mul (h.ToScalar())).exp()
                    let exact = u.mul(e).add(e.sub(1.0.ToScalar()).div(symbol).mul source)

                    [ Stepper.exponentialRungeKutta2; Stepper.exponentialRungeKutta4 ]
                    |> List.map (fun make ->
                        Law.distance ((make h symbol (fun u -> source.expand_as(u).clone())).Step u) exact)
                    |> List.max
                    |> Property.within 1e-11 "difference")

            testCase "ETDRK4 of order 4 for an oscillating symbol" (fun () ->
                use _ = torch.NewDisposeScope()
                // u' = i u + i |u|^2 u: u = r exp(i (1 + r^2) t).
                let r = float64s [| 0.5; 1.0 |]
                let zero = (torch.zeros_like r)
                let turn = torch.complex (zero, zero.add (1.0.ToScalar()))

                let rest (u: torch.Tensor) =
                    u.mul((u.mul (u.conj ())).real).mul turn

                let angle = (r.mul(r).add(1.0.ToScalar())).mul(2.0.ToScalar())
                let exact = torch.complex (r.mul (angle.cos ()), r.mul (angle.sin ()))
                let u = torch.complex (r, zero)
                let time, h = 2.0, 0.05

                let error h =
                    (last RunOptions.Default time (Stepper.exponentialRungeKutta4 h turn rest) u)
                        .sub(exact)
                        .abs()
                        .max()
                        .item<float>()

                let measured = Math.Log2(error h / error (h / 2.0))
                Expect.isLessThan (abs (measured - 4.0)) 0.1 $"measured {measured:F3}")

            testCase "a step backwards undoes a step forwards, to its order" (fun () ->
                use _ = torch.NewDisposeScope()
                let u = start ()
                let back = (stepperOf "RK4" -0.01).Step((stepperOf "RK4" 0.01).Step u)
                Expect.isLessThan (Law.distance back u) 1e-10 "RK4"
                // Strang with exact flows is symmetric: exactly.
                let strang = (stepperOf "Strang" -0.1).Step((stepperOf "Strang" 0.1).Step u)
                Expect.isLessThan (Law.distance strang u) 1e-15 "Strang")

            testList
                "have the right gradients"
                [
                    for name, _, _, make in orders ->
                        testCase name (fun () ->
                            use _ = torch.NewDisposeScope()
                            let stepper = make 0.1
                            let twice (u: torch.Tensor) = stepper.Step(stepper.Step u)
                            Expect.isLessThan (Law.gradient 1 twice (start ())) Bench.gradient "state")

                    for name, make in
                        [
                            "ETDRK4", Stepper.exponentialRungeKutta4
                            "ETDRK2", Stepper.exponentialRungeKutta2
                            "ARS(2,2,2)", Stepper.implicitExplicit
                        ] ->
                        testCase $"{name} in L" (fun () ->
                            use _ = torch.NewDisposeScope()
                            let u = start ()

                            Expect.isLessThan
                                (Law.gradient 1 (fun l -> (make 0.1 l square).Step u) (float64s rates))
                                Bench.gradient
                                "symbol")
                ]

            testList
                "free all but the result"
                [
                    for name, _, _, _ in orders ->
                        testCase name (fun () ->
                            use _ = torch.NewDisposeScope()
                            let constant = float64s rates
                            let u = start ()

                            let stepper =
                                match name with
                                | "RK4" -> Stepper.rungeKutta4 0.1 (fun u -> u.mul constant)
                                | "ETDRK4" -> Stepper.exponentialRungeKutta4 0.1 constant (fun u -> u.mul u)
                                | "ETDRK2" -> Stepper.exponentialRungeKutta2 0.1 constant (fun u -> u.mul u)
                                | "ARS(2,2,2)" -> Stepper.implicitExplicit 0.1 constant (fun u -> u.mul u)
                                | _ -> Stepper.strang 0.1 (fun _ u -> u.mul constant) (fun _ u -> u.mul u)

                            let live () =
                                DisposeScopeManager.Statistics.ThreadTotalLiveCount

                            (stepper.Step u).Dispose()
                            (TimeRun.steps RunOptions.Default 5L stepper u).State.Dispose()
                            let before = live ()

                            for _ in 1..5 do
                                (stepper.Step u).Dispose()
                                (TimeRun.steps RunOptions.Default 5L stepper u).State.Dispose()

                            Expect.equal (live () - before) 0L "live tensors")
                ]

            testCase "float32 stays float32" (fun () ->
                use _ = torch.NewDisposeScope()
                let symbol = (float64s rates).``to`` torch.float32
                let u = (start ()).``to`` torch.float32

                Expect.equal
                    ((Stepper.exponentialRungeKutta4 0.1 symbol (fun u -> u.mul u)).Step u).dtype
                    torch.float32
                    "type")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let u = start ()
                let symbol = float64s rates
                Refusal.expect "h = 0" (fun () -> Stepper.rungeKutta4 0.0 id |> ignore)
                Refusal.expect "h NaN" (fun () -> Stepper.strang nan (fun _ u -> u) (fun _ u -> u) |> ignore)
                let stepper = Stepper.exponentialRungeKutta4 0.1 symbol square
                Refusal.expect "axes" (fun () -> stepper.Step(float64s [| 1.0; 2.0 |]) |> ignore)
                Refusal.expect "type" (fun () -> stepper.Step(u.``to`` torch.float32) |> ignore)
                Refusal.expect "integers" (fun () -> stepper.Step(u.``to`` torch.int64) |> ignore)
                let turning = Stepper.implicitExplicit 0.1 (torch.complex (symbol, symbol)) id
                Refusal.expect "real u, complex L" (fun () -> turning.Step u |> ignore)

                Expect.throwsT<InvalidOperationException>
                    (fun () -> (Stepper.rungeKutta4 0.1 (fun u -> u.sum ())).Step u |> ignore)
                    "a rate of another shape")
        ]
