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

let private inputs (bench: Bench) (case: Case) =
    let schedule = schedule case
    let rows = int64 (case.Seed % 45)

    let draw part shape =
        Seed.normal (Seed.derive case.Seed part) bench.Kind shape

    let n = int64 schedule.Size
    struct (schedule, draw 1 [ int64 schedule.Count ], draw 2 [ rows; n ], draw 3 [ rows; n ])

/// Value and gradients of sum (weights * chain x).
let private slopes
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

/// A function whose backward gives no gradient at all.
[<Sealed>]
type private Forgetful() =
    inherit torch.autograd.SingleTensorFunction<Forgetful>()
    override _.Name = "Forgetful"
    override _.forward(_, arguments) = (arguments[0] :?> torch.Tensor).clone()
    override _.backward(_, _) = List [ null ]

let private misuse =
    testList
        "misuse does not end the process"
        [
            testCase "a result or angles changed in place before backward make gradients NaN" (fun () ->
                use _ = torch.NewDisposeScope()

                for changesResult in [ true; false ] do
                    let angles = (Seed.normal 1 TensorKind.float64 [ 4L ]).requires_grad_ true
                    let x = (Seed.normal 2 TensorKind.float64 [ 3L; 5L ]).requires_grad_ true
                    let y = (Givens.chain (PlaneSchedule.sequential 5) angles).Apply x
                    let changed = if changesResult then y else angles

                    using (torch.no_grad ()) (fun _ -> changed.zero_ () |> ignore)
                    y.sum().backward()
                    Expect.isTrue (x.grad.isnan().all().item<bool>()) "in x"
                    Expect.isTrue (angles.grad.isnan().all().item<bool>()) "in the angles")

            testCase "no gradient from above is none below" (fun () ->
                use _ = torch.NewDisposeScope()
                let angles = (Seed.normal 1 TensorKind.float64 [ 4L ]).requires_grad_ true
                let x = Seed.normal 2 TensorKind.float64 [ 3L; 5L ]
                let y = (Givens.chain (PlaneSchedule.sequential 5) angles).Apply x
                (Forgetful.apply [| box y |]).sum().backward()
                Expect.isTrue (isNull angles.grad || Dense.size angles.grad = 0.0) "none")

            testCase "x disposed before backward does no harm, since the result is what is kept" (fun () ->
                use _ = torch.NewDisposeScope()
                let angles = (Seed.normal 1 TensorKind.float64 [ 4L ]).requires_grad_ true
                let x = Seed.normal 2 TensorKind.float64 [ 3L; 5L ]
                let schedule = PlaneSchedule.sequential 5

                let expected =
                    slopes (PlainRotations.applyBy false schedule) angles x (torch.ones_like x)

                let y = (Givens.chain schedule angles).Apply x
                x.Dispose()
                y.sum().backward()
                Expect.isLessThanOrEqual (Law.distance angles.grad expected[2]) 1e-12 "gradient")

            testCase "types that the kernel does not know take the plain form" (fun () ->
                use _ = torch.NewDisposeScope()
                let schedule = PlaneSchedule.roundRobin 6

                let angles, x =
                    Seed.normal 1 TensorKind.float64 [ 15L ], Seed.normal 2 TensorKind.float64 [ 3L; 6L ]

                let low (t: torch.Tensor) = t.``to`` torch.bfloat16
                let y = (Givens.chain schedule (low angles)).Apply(low x)
                Expect.equal y.dtype torch.bfloat16 "type"
                let expected = (Givens.chain schedule angles).Apply x
                // bfloat16 rounds by 2^-9, here ten times one after the other.
                Expect.isLessThan (Law.distance (y.``to`` torch.float64) expected) 0.02 "value")
        ]

let private safety =
    testList
        "the kernel's memory"
        [
            Property.check Property.config "nothing outside its spans is read or written" (fun case ->
                let struct (schedule, angles, x, _) = inputs Bench.double.Head case
                let kernel = PlaneSchedule.kernel schedule
                let count, length = schedule.Count, int (x.numel ())
                // NaN around all that is given: read, it would spread; written over, it would be gone.
                let fence = 37

                let fenced (values: float[]) =
                    Array.concat [ Array.create fence nan; values; Array.create fence nan ]

                let inside (values: float[]) =
                    values[fence .. values.Length - fence - 1]

                let isFenced (values: float[]) =
                    Seq.append values[.. fence - 1] values[values.Length - fence ..]
                    |> Seq.forall Double.IsNaN

                let part (values: float[]) =
                    Memory<float>(values, fence, values.Length - 2 * fence)

                let numbers (t: torch.Tensor) =
                    if t.numel () = 0L then [||] else t.data<float>().ToArray()

                let c, s = fenced (numbers (angles.cos ())), fenced (numbers (angles.sin ()))
                let source, y = fenced (numbers x), fenced (Array.zeroCreate length)

                let slope, angleSlopes =
                    fenced (Array.zeroCreate length), fenced (Array.zeroCreate count)

                kernel.Apply<float>((part source).Span, (part y).Span, (part c).Span, (part s).Span, 1)

                kernel.Slopes<float>(
                    (part y).Span,
                    (part source).Span,
                    (part slope).Span,
                    (part angleSlopes).Span,
                    (part c).Span,
                    (part s).Span,
                    1
                )

                let all = [ c; s; source; y; slope; angleSlopes ]

                (List.forall isFenced all
                 && List.forall (inside >> Array.forall Double.IsFinite) all)
                |> Prop.label "beyond the fence")

            testCase "no index out of range and no length that does not fit reaches it" (fun () ->
                let planes n (first: int list) (second: int list) =
                    PlaneRotations(n, ReadOnlySpan(List.toArray first), ReadOnlySpan(List.toArray second))

                for bad in [ -1; 3; 4; Int32.MinValue; Int32.MaxValue ] do
                    Refusal.expect $"first {bad}" (fun () -> planes 3 [ 0; bad ] [ 1; 1 ] |> ignore)
                    Refusal.expect $"second {bad}" (fun () -> planes 3 [ 0; 0 ] [ 1; bad ] |> ignore)

                Refusal.expect "a pair of one" (fun () -> planes 3 [ 1 ] [ 1 ] |> ignore)
                Refusal.expect "more first than second" (fun () -> planes 3 [ 0; 1 ] [ 1 ] |> ignore)
                Refusal.expect "no coordinate" (fun () -> planes 0 [] [] |> ignore)

                Refusal.expect "too many coordinates" (fun () ->
                    planes (PlaneRotations.LargestSize + 1) [] [] |> ignore)

                let kernel = planes 3 [ 0; 1 ] [ 1; 2 ]
                let some n = Array.create n 0.5

                let apply x y c s threads () =
                    kernel.Apply<float>(
                        ReadOnlySpan(some x),
                        Span(some y),
                        ReadOnlySpan(some c),
                        ReadOnlySpan(some s),
                        threads
                    )

                let slopes y g x a c () =
                    kernel.Slopes<float>(
                        ReadOnlySpan(some y),
                        ReadOnlySpan(some g),
                        Span(some x),
                        Span(some a),
                        ReadOnlySpan(some c),
                        ReadOnlySpan(some 2),
                        1
                    )

                apply 6 6 2 2 1 ()
                slopes 6 6 6 2 2 ()

                for name, body in
                    [
                        "part of a row", apply 5 5 2 2 1
                        "a short result", apply 6 3 2 2 1
                        "few cosines", apply 6 6 1 2 1
                        "few sines", apply 6 6 2 1 1
                        "no thread", apply 6 6 2 2 0
                        "a short gradient", slopes 6 3 6 2 2
                        "a short slope", slopes 6 6 3 2 2
                        "few angle slopes", slopes 6 6 6 1 2
                        "many cosines", slopes 6 6 6 2 3
                    ] do
                    Refusal.expect name body)

            testCase "many steps, and graphs that are dropped, leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let angles = (Seed.normal 1 TensorKind.float32 [ 4L ]).requires_grad_ true
                let x = Seed.normal 2 TensorKind.float32 [ 3L; 5L ]
                let map = Givens.chain (PlaneSchedule.sequential 5) angles

                Dense.growth (fun () ->
                    (map.Apply x).sum().backward()
                    angles.grad.zero_ () |> ignore
                    map.Apply(map.Adjoint.Apply x) |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let grown = Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply x ])
                Expect.equal grown 0L "outside of any inner scope")
        ]

let tests =
    testList
        "RotationKernel"
        [
            yield! Bench.real |> List.map agreement
            yield! Bench.double |> List.map higher
            misuse
            safety
        ]
