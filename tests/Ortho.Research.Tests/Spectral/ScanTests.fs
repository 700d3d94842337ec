module Ortho.Tests.ScanTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private forms =
    [ ScanForm.Sequential; ScanForm.Doubling; ScanForm.Chunked; ScanForm.Fourier ]

let private steps (case: Case) = int64 (case.Size * case.Second)

/// Factors of modulus below one, of the shape for the case: [P], [L; P], or that of b.
let private factors (bench: Bench) (case: Case) (length: int64) (width: int64) =
    let shape =
        match case.Seed % 3 with
        | 0 -> [ width ]
        | 1 -> [ length; width ]
        | _ -> case.Batch @ [ length; width ]

    let a = Seed.normal (Seed.derive case.Seed 1) bench.Kind shape
    let size = a.abs().add(1.0.ToScalar())
    a.div size

let private inputs (bench: Bench) (case: Case) (length: int64) (width: int64) =
    Seed.normal (Seed.derive case.Seed 2) bench.Kind (case.Batch @ [ length; width ])

/// The definition, number by number.
let private bySteps (a: torch.Tensor) (b: torch.Tensor) =
    let wide (x: torch.Tensor) =
        let parts =
            torch.view_as_real(x.``to``(torch.complex128).expand(b.shape).clone()).data<float>().ToArray()

        Array.init (parts.Length / 2) (fun i -> Numerics.Complex(parts[2 * i], parts[2 * i + 1]))

    let factors, x = wide a, wide b
    let axes = b.shape.Length
    let length, width = int b.shape[axes - 2], int b.shape[axes - 1]

    for i in 0 .. x.Length - 1 do
        if i / width % length > 0 then
            x[i] <- factors[i] * x[i - width] + x[i]

    torch.complex (
        torch.tensor(x |> Array.map _.Real).reshape b.shape,
        torch.tensor(x |> Array.map _.Imaginary).reshape b.shape
    )

let private agree (bench: Bench) =
    Property.check Property.config $"all forms are the definition, on {bench}" (fun case ->
        let length, width = steps case, int64 (1 + case.Seed % 9)
        let a, b = factors bench case length width, inputs bench case length width
        let expected = bySteps a b

        forms
        |> Seq.filter (fun form -> form <> ScanForm.Fourier || a.ndim = 1L)
        |> Seq.map (fun form -> Law.distance ((Scan.statesBy form a b).``to`` torch.complex128) expected)
        |> Seq.append
            [
                Law.distance ((ScanKernel.loop ScanDirection.Forward a b).``to`` torch.complex128) expected
                Law.distance ((Scan.states a b).``to`` torch.complex128) expected
            ]
        |> Seq.max
        |> Property.within bench.Product "distance")

/// The diagonal of S4D and S5: |a| below one, phases all round.
let private longFactors (dtype: torch.ScalarType) (width: int64) =
    let real = TensorKind.float64
    let size = (multiply -0.01 (Seed.uniform 1 real [ width ])).exp()
    let angle = multiply (2.0 * Math.PI) (Seed.uniform 2 real [ width ])
    torch.complex(size.mul (angle.cos ()), size.mul (angle.sin ())).``to`` dtype

let private derivatives (direction: ScanDirection) (kind: TensorKind) (shape: int64 list) (seed: int) =
    let b = Seed.normal seed kind [ 2L; 5L; 3L ]
    let a = Seed.normal (seed + 1) kind shape
    let act (a: torch.Tensor) (b: torch.Tensor) = ScanFunction.Act direction a b

    let real (x: torch.Tensor) =
        if x.is_complex () then torch.view_as_real x else x

    /// The gradient of a weighted sum of squares of the states, in a and b, by the function and by autograd through the loop.
    let slopes (second: bool) (act: torch.Tensor -> torch.Tensor -> torch.Tensor) =
        let a, b =
            a.detach().clone().requires_grad_ true, b.detach().clone().requires_grad_ true

        let energy = (real (act a b)).pow(3.0.ToScalar()).sum()

        if not second then
            energy.backward ()
        else
            let first =
                torch.autograd.grad ([| energy |], [| a; b |], create_graph = true, retain_graph = true)

            let sum =
                (real first[0]).pow(2.0.ToScalar()).sum().add((real first[1]).pow(2.0.ToScalar()).sum())

            sum.backward ()

        a.grad, b.grad

    [
        for second in [ false; true ] do
            let ours, loops = slopes second act, slopes second (ScanKernel.loop direction)
            Law.distance (fst ours) (fst loops)
            Law.distance (snd ours) (snd loops)
    ]
    |> List.max

let tests =
    testList
        "scan"
        [
            for bench in Bench.all do
                agree bench

            agree
                { Bench.complex.Head with
                    Kind = TensorKind.cpu torch.complex64
                    Product = Bench.real.Head.Product
                }

            testCase "all forms agree over 16,384 steps, in double and in single precision" (fun () ->
                use _ = torch.NewDisposeScope()

                // Tolerances of the paper's laws: S5 (2208.04933).
                for dtype, tolerance in [ torch.complex128, 1e-12; torch.complex64, 3e-5 ] do
                    let a = longFactors dtype 16L

                    let b =
                        Seed.normal
                            3
                            { TensorKind.float64 with
                                Dtype = dtype
                            }
                            [ 16384L; 16L ]

                    let first = Scan.statesBy ScanForm.Sequential a b

                    for form in forms.Tail do
                        Expect.isLessThan (Law.distance (Scan.statesBy form a b) first) tolerance $"{form} in {dtype}"

                    let varying = a.expand(16384L, 16L).contiguous()

                    for form in [ ScanForm.Sequential; ScanForm.Doubling; ScanForm.Chunked ] do
                        Expect.isLessThan
                            (Law.distance (Scan.statesBy form varying b) first)
                            tolerance
                            $"{form}, factors for each step, in {dtype}")

            testCase "by hand: halves of a running sum" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = torch.tensor [| 0.5; -1.0 |]
                let b = torch.tensor([| 1.0; 1.0; 1.0; 2.0; 1.0; 3.0 |]).reshape(3L, 2L)
                let expected = torch.tensor([| 1.0; 1.0; 1.5; 1.0; 1.75; 2.0 |]).reshape(3L, 2L)
                let start = torch.tensor [| 2.0; 4.0 |]
                let carried = torch.tensor([| 2.0; -3.0; 2.0; 5.0; 2.0; -2.0 |]).reshape(3L, 2L)

                for form in forms do
                    Expect.isLessThan (Law.distance (Scan.statesBy form a b) expected) 1e-15 $"{form}"

                Expect.equal (Law.distance (Scan.statesFrom start a b) carried) 0.0 "from a state")

            Property.check
                Property.config
                "two steps in one: associative, and a scan is their running product"
                (fun case ->
                    let bench = Bench.complex.Head

                    let draw i =
                        struct (Seed.normal (case.Seed + i) bench.Kind [ 3L ],
                                Seed.normal (case.Seed + i + 10) bench.Kind [ 3L ])

                    let p, q, r = draw 0, draw 1, draw 2
                    let struct (a1, b1) = Scan.join (Scan.join p q) r
                    let struct (a2, b2) = Scan.join p (Scan.join q r)
                    let pairs = [| p; q; r |]

                    let each select =
                        torch.stack (pairs |> Array.map select, 0L)

                    let states =
                        Scan.states (each (fun (struct (a, _)) -> a)) (each (fun (struct (_, b)) -> b))

                    [ Law.distance a1 a2; Law.distance b1 b2; Law.distance b1 states[2L] ]
                    |> List.max
                    |> Property.within bench.Product "join")

            Property.check Property.config "a scan that carries on where another ended is one scan" (fun case ->
                let bench = Bench.all[case.Seed / 7 % Bench.all.Length]
                let first, second, width = int64 case.Size, int64 case.Second, 3L

                let a, b =
                    factors bench case (first + second) width, inputs bench case (first + second) width

                let whole = Scan.states a b

                let cut (x: torch.Tensor) =
                    if x.ndim = 1L then
                        x
                    else
                        x.narrow (x.ndim - 2L, first, second)

                let last = whole.select (whole.ndim - 2L, first - 1L)

                Law.distance (Scan.statesFrom last (cut a) (cut b)) (cut whole)
                |> Property.within bench.Product "carried on")

            Property.check
                Property.costly
                "gradients in a, b and the start agree with differences, in every form"
                (fun case ->
                    let bench = Bench.double.Head
                    let length, width = steps case, 2L
                    let a, b = factors bench case length width, inputs bench case length width
                    let start = Seed.normal case.Seed bench.Kind (case.Batch @ [ width ])

                    [
                        for form in forms do
                            if form <> ScanForm.Fourier || a.ndim = 1L then
                                Law.gradient case.Seed (fun a -> Scan.statesBy form a b) a
                                Law.gradient case.Seed (Scan.statesBy form a) b

                        Law.gradient case.Seed (fun start -> Scan.statesFrom start a b) start
                        Law.gradient case.Seed (fun a -> Scan.statesFrom start a b) a
                        Law.gradient case.Seed (Scan.statesFrom start a) b
                    ]
                    |> List.max
                    |> Property.within Bench.gradient "gradient")

            testCase "with roots of unity the last states, over sqrt L, are a unitary map of the inputs" (fun () ->
                use _ = torch.NewDisposeScope()
                // Vandermonde: x_L = V u, V_ik = a_i^(L - 1 - k) (2307.11888).
                let length = 16L

                let angle =
                    multiply (2.0 * Math.PI / float length) (torch.arange (length, dtype = torch.float64))

                let a = torch.complex (angle.cos (), angle.sin ())
                let eye = torch.eye (length, dtype = torch.complex128)
                // Sequence k has the input 1 at step k, for all recurrences alike.
                let inputs = eye.unsqueeze(2L).expand(length, length, length)
                let last = (Scan.states a inputs).select(1L, length - 1L)
                Expect.isLessThan (Law.orthogonality (multiply (1.0 / sqrt (float length)) last)) 1e-13 "V / sqrt L")

            testList
                "first and second derivatives are those of the loop"
                [
                    for kind in [ TensorKind.float64; TensorKind.cpu torch.complex128 ] do
                        for direction in [ ScanDirection.Forward; ScanDirection.Reverse ] do
                            for shape in [ [ 3L ]; [ 5L; 3L ]; [ 2L; 5L; 3L ] ] do
                                testCase $"{kind}, {direction}, a of {shape}" (fun () ->
                                    use _ = torch.NewDisposeScope()

                                    Expect.isLessThan (derivatives direction kind shape 1) 1e-12 "slopes in a and b")
                ]

            testCase "views, lazy conjugates and expanded tensors give what fresh ones give" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.cpu torch.complex128
                let a, b = longFactors torch.complex128 3L, Seed.normal 1 kind [ 3L; 7L; 2L ]
                let turned = b.permute (2L, 1L, 0L)
                let fresh = turned.clone ()

                Expect.equal (Law.distance (Scan.states a turned) (Scan.states a fresh)) 0.0 "permuted"

                Expect.equal
                    (Law.distance (Scan.states (a.conj ()) (turned.conj ())) ((Scan.states a fresh).conj()))
                    0.0
                    "conjugate"

                let one = fresh.narrow (0L, 0L, 1L)

                Expect.equal
                    (Law.distance (Scan.states a (one.expand (4L, 7L, 3L))) ((Scan.states a one).expand(4L, 7L, 3L)))
                    0.0
                    "expanded")

            testCase "the numbers do not depend on the number of threads" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.float32
                let a, b = (Seed.uniform 1 kind [ 16L ]), Seed.normal 2 kind [ 9L; 2048L; 16L ]

                let slopes () =
                    let a = a.clone().requires_grad_ true
                    (Scan.states a b).pow(2.0.ToScalar()).sum().backward()
                    a.grad

                let one = slopes ()

                try
                    torch.set_num_threads 3
                    Expect.equal (Law.distance (slopes ()) one) 0.0 "slopes"
                finally
                    torch.set_num_threads 1)

            testCase "an empty batch gives an empty batch, and one step its input" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = torch.ones (3L, dtype = torch.float64)

                for form in forms do
                    Expect.equal
                        (Scan.statesBy form a (torch.zeros (0L, 4L, 3L, dtype = torch.float64))).shape
                        [| 0L; 4L; 3L |]
                        $"{form}"

                    let b = Seed.normal 1 TensorKind.float64 [ 2L; 1L; 3L ]
                    Expect.isLessThan (Law.distance (Scan.statesBy form a b) b) 1e-15 $"{form}, one step")

            testCase "a change in place before backward gives NaN, not a wrong number" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = (torch.ones (2L, dtype = torch.float64)).requires_grad_ true
                let x = Scan.states a (torch.ones (3L, 2L, dtype = torch.float64))
                let loss = x.sum ()
                (use _ = torch.no_grad () in x.mul_ (torch.zeros_like x) |> ignore)
                loss.backward ()
                Expect.isTrue (a.grad.isnan().all().item<bool>()) "NaN")

            testCase "a thousand steps of training leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = (Seed.uniform 1 TensorKind.float64 [ 3L ]).requires_grad_ true
                let b = Seed.normal 2 TensorKind.float64 [ 2L; 20L; 3L ]

                let once form =
                    use _ = torch.NewDisposeScope()
                    (Scan.statesBy form a b).sum().backward()

                forms |> List.iter once
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

                for _ in 1..250 do
                    forms |> List.iter once

                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let b = torch.zeros (2L, 4L, 3L, dtype = torch.float64)

                let ones (shape: int64 list) =
                    torch.ones (List.toArray shape, dtype = torch.float64)

                Refusal.expect "a" (fun () -> Scan.states (ones [ 4L ]) b |> ignore)
                Refusal.expect "a" (fun () -> Scan.states (ones [ 3L; 3L ]) b |> ignore)
                Refusal.expect "a" (fun () -> Scan.states (torch.ones 3L) b |> ignore)
                Refusal.expect "b" (fun () -> Scan.states (ones [ 3L ]) (ones [ 3L ]) |> ignore)
                Refusal.expect "b" (fun () -> Scan.states (ones [ 3L ]) (ones [ 2L; 0L; 3L ]) |> ignore)

                Refusal.expect "b" (fun () ->
                    Scan.states (ones [ 3L ]) (torch.zeros (4L, 3L, dtype = torch.int64)) |> ignore)

                Refusal.expect "form" (fun () -> Scan.statesBy ScanForm.Fourier (ones [ 4L; 3L ]) b |> ignore)
                Refusal.expect "start" (fun () -> Scan.statesFrom (ones [ 2L ]) (ones [ 3L ]) b |> ignore)
                Refusal.expect "start" (fun () -> Scan.statesFrom (torch.ones 3L) (ones [ 3L ]) b |> ignore)
                Refusal.expect "length" (fun () -> Scan.invariant 0L (ones [ 3L ]) |> ignore)
                Refusal.expect "a" (fun () -> Scan.invariant 4L (ones [ 3L; 3L ]) |> ignore)
                Refusal.expect "a" (fun () -> Scan.varying (ones [ 3L ]) |> ignore))
        ]
