/// The native kernel against the plain form: values, gradients, second derivatives, and what it may touch.
module Ortho.Tests.Orthogonal.RotationKernelTests

open System
open System.Collections.Generic
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Native
open Ortho.Tests
open TorchSharp

/// Sizes on both sides of what the kernel cuts at: 64 columns, 8 and 16 rows.
/// Four angles or more: the slope of one alone may be small by chance. GivensTests has the smallest chains.
let private schedule (case: Case) =
    let n = 5 + case.Seed % 150

    match case.Second with
    | 1 -> PlaneSchedule.sequential n
    | 2 -> PlaneSchedule.tournament n
    | 3 -> PlaneSchedule.butterfly (2 <<< case.Size)
    | 4 -> PlaneSchedule.roundRobin (2 * case.Size + 2)
    | _ -> PlaneSchedule.ofPairs n (PlaneScheduleTests.randomPairs case.Seed n 60)

let inputs (bench: Bench) (case: Case) =
    let schedule = schedule case
    let rows = int64 (case.Seed % 45)

    let draw part shape =
        Seed.normal (Seed.derive case.Seed part) bench.Kind shape

    let n = int64 schedule.Size
    struct (schedule, draw 1 [ int64 schedule.Count ], draw 2 [ rows; n ], draw 3 [ rows; n ])

/// Value and gradients of sum (weights * chain x).
let slopes
    (act: torch.Tensor -> torch.Tensor -> torch.Tensor)
    (angles: torch.Tensor)
    (x: torch.Tensor)
    (weights: torch.Tensor)
    =
    let angles = angles.detach().clone().requires_grad_ true
    let x = x.detach().clone().requires_grad_ true
    let y: torch.Tensor = act angles x
    y.mul(weights).sum().backward()
    [ y.detach (); x.grad; angles.grad ]

let private distance (a: torch.Tensor list) (b: torch.Tensor list) =
    List.map2 Law.distance a b |> List.reduce max

let private agreement (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"the kernel on {bench}"
        [
            check "gives the plain form's values and gradients, whose two ways agree" (fun case ->
                let struct (schedule, angles, x, weights) = inputs bench case
                let kernel = slopes (RotationFunction.Act schedule) angles x weights
                let byRounds = slopes (PlainRotations.applyBy false schedule) angles x weights
                let byColumns = slopes (PlainRotations.applyBy true schedule) angles x weights

                max (distance kernel byRounds) (distance byColumns byRounds)
                |> Property.within bench.Product "distance")

            check "gives the same slopes as the plain formula of the slopes" (fun case ->
                let struct (schedule, angles, y, gradient) = inputs bench case

                if y.numel () = 0L then
                    0.0
                else
                    let native = RotationKernel.slopes schedule angles y gradient
                    let byRounds = PlainRotations.slopesBy false schedule angles y gradient
                    let byColumns = PlainRotations.slopesBy true schedule angles y gradient
                    let list (struct (a: torch.Tensor, b: torch.Tensor)) = [ a; b ]
                    max (distance (list native) (list byRounds)) (distance (list native) (list byColumns))
                |> Property.within bench.Product "distance")

            check "takes strides, slices and expanded gradients" (fun case ->
                let struct (schedule, angles, x, _) = inputs bench case
                let n = int64 schedule.Size
                let expected = RotationFunction.Act schedule angles x
                let strided = x.t().contiguous().t()
                let sliced = torch.cat([| x; x |], 1L).narrow(1L, n, n)
                let one = Seed.normal case.Seed bench.Kind [ n ]
                let expanded = one.expand (x.size 0, n)

                // The gradient of a sum is an expanded one.
                let angles' = angles.detach().clone().requires_grad_ true
                (RotationFunction.Act schedule angles' x).sum().backward()

                let plain =
                    slopes (PlainRotations.applyBy false schedule) angles x (torch.ones_like x)

                [
                    Law.distance (RotationFunction.Act schedule angles strided) expected
                    Law.distance (RotationFunction.Act schedule angles sliced) expected
                    Law.distance
                        (RotationFunction.Act schedule angles expanded)
                        (PlainRotations.applyBy true schedule angles expanded)
                    Law.distance angles'.grad plain[2]
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            testCase "does not depend on the number of threads, to the last bit" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.roundRobin 64
                let angles = Seed.normal 1 bench.Kind [ int64 schedule.Count ]
                // 13 parts or more, the last one ragged; enough work for several threads.
                let x, weights =
                    Seed.normal 2 bench.Kind [ 203L; 64L ], Seed.normal 3 bench.Kind [ 203L; 64L ]

                let before = torch.get_num_threads ()

                let on threads =
                    torch.set_num_threads threads
                    slopes (RotationFunction.Act schedule) angles x weights

                try
                    let single = on 1

                    for threads in [ 2; 3; 8 ] do
                        Expect.equal (distance (on threads) single) 0.0 $"{threads} threads"
                finally
                    torch.set_num_threads before)

            testCase "makes a graph only where one is asked for" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.tournament 5
                let angles, x = Seed.normal 1 bench.Kind [ 4L ], Seed.normal 2 bench.Kind [ 3L; 5L ]

                let expected =
                    slopes (PlainRotations.applyBy false schedule) angles x (torch.ones_like x)

                let tracked (t: torch.Tensor) = t.detach().clone().requires_grad_ true
                let run angles x = RotationFunction.Act schedule angles x
                let x', angles' = tracked x, tracked angles
                (run angles x').sum().backward()
                (run angles' x).sum().backward()
                Expect.isLessThanOrEqual (distance [ x'.grad; angles'.grad ] expected.Tail) bench.Product "one alone"
                Expect.isFalse (run angles x).requires_grad "neither"

                for mode in [ torch.no_grad; torch.inference_mode ] do
                    use _ = mode ()
                    let y = run angles' x'
                    Expect.isFalse y.requires_grad "no graph"
                    Expect.isLessThanOrEqual (Law.distance y expected.Head) bench.Product "value")

            testCase "an empty batch gives gradients of zero" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.tournament 5

                let angles, x =
                    Seed.normal 1 bench.Kind [ 4L ], Seed.normal 2 bench.Kind [ 3L; 0L; 5L ]

                let found = slopes (RotationFunction.Act schedule) angles x (torch.ones_like x)
                Expect.equal (found |> List.map _.shape) [ x.shape; x.shape; angles.shape ] "shapes"
                Expect.equal (Dense.size found[2]) 0.0 "angles")

            testCase "a chain without rotations still carries gradients" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.sequential 1
                let x = Seed.normal 1 bench.Kind [ 3L; 1L ]

                let found =
                    slopes (RotationFunction.Act schedule) (Seed.normal 1 bench.Kind [ 0L ]) x x

                Expect.equal (distance found.[0..1] [ x; x ]) 0.0 "identity"
                Expect.equal found[2].shape [| 0L |] "no angle")
        ]

let private higher (bench: Bench) =
    let check = Property.check Property.costly
    let kernel, plain = RotationFunction.Act, PlainRotations.applyBy false

    /// The gradient of sum (chain x)^3 in one of x and the angles, itself with a graph.
    let slope act (schedule: PlaneSchedule) (inX: bool) (angles: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
        use _ = torch.enable_grad ()

        let ready (t: torch.Tensor) =
            if t.requires_grad then
                t
            else
                t.detach().requires_grad_ true

        let angles, x = ready angles, ready x
        let y: torch.Tensor = act schedule angles x
        let total = (y * y * y).sum()
        Expect.isTrue total.requires_grad "a graph: without one, autograd.grad ends the process"

        torch.autograd.grad ([| total |], [| (if inX then x else angles) |], create_graph = true, retain_graph = true)
        |> Seq.head

    testList
        $"second derivatives of the kernel on {bench}"
        [
            check "are the plain form's, and right by differences" (fun case ->
                let n = case.Size % 4 + 2

                let schedule =
                    PlaneSchedule.ofPairs n (PlaneScheduleTests.randomPairs case.Seed n 5)

                let angles = Seed.normal case.Seed bench.Kind [ 5L ]
                let x = Seed.normal (case.Seed + 1) bench.Kind [ 2L; int64 n ]

                [
                    for inX in [ true; false ] do
                        Law.gradient case.Seed (fun t -> slope kernel schedule inX t x) angles
                        Law.gradient case.Seed (fun t -> slope kernel schedule inX angles t) x

                        let second act =
                            let angles = angles.detach().clone().requires_grad_ true
                            let x = x.detach().clone().requires_grad_ true
                            (slope act schedule inX angles x).square().sum().backward()
                            [ angles.grad; x.grad ]

                        // Plain and native agree to rounding, far below the differences' tolerance.
                        if distance (second kernel) (second plain) > bench.Product then
                            infinity
                ]
                |> List.reduce max
                |> Property.within (10.0 * Bench.gradient) "second derivative")

            testCase "exist where x alone has a gradient" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.roundRobin 4
                let angles, x = Seed.normal 1 bench.Kind [ 6L ], Seed.normal 2 bench.Kind [ 3L; 4L ]

                let inX (x: torch.Tensor) =
                    use _ = torch.enable_grad ()

                    let x =
                        if x.requires_grad then
                            x
                        else
                            x.detach().requires_grad_ true

                    let y = RotationFunction.Act schedule angles x
                    Expect.isTrue y.requires_grad "a graph"
                    let total = (y * y * y).sum()

                    torch.autograd.grad ([| total |], [| x |], create_graph = true, retain_graph = true)
                    |> Seq.head

                Expect.isLessThanOrEqual (Law.gradient 1 inX x) (10.0 * Bench.gradient) "second derivative")

            testCase "a graph may be gone through twice" (fun () ->
                use _ = torch.NewDisposeScope()
                let angles = (Seed.normal 1 bench.Kind [ 4L ]).requires_grad_ true

                let y =
                    RotationFunction.Act (PlaneSchedule.sequential 5) angles (Seed.normal 2 bench.Kind [ 3L; 5L ])

                let total = y.square().mul(Seed.normal 3 bench.Kind [ 3L; 5L ]).sum()
                total.backward (retain_graph = true)
                let once = angles.grad.clone ()
                total.backward ()
                Expect.isLessThanOrEqual (Law.distance angles.grad (once + once)) bench.Product "twice the gradient")
        ]

let tests =
    testList
        "RotationKernel"
        [
            yield! Bench.real |> List.map agreement
            yield! Bench.double |> List.map higher
        ]
