/// What the native kernel does when it is misused, and what memory it touches.
module Ortho.Tests.Orthogonal.RotationKernelMemoryTests

open System
open System.Collections.Generic
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Native
open Ortho.Tests
open TorchSharp
open Ortho.Tests.Orthogonal.RotationKernelTests

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

let tests = testList "RotationKernel: memory" [ misuse; safety ]
