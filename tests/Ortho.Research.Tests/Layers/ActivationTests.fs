module Ortho.Tests.ActivationTests

open System
open System.IO
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

type private Layer = torch.nn.Module<torch.Tensor, torch.Tensor>

let private activations (kind: TensorKind) (degree: int) : (string * Layer) list =
    [
        "Hermite", new HermiteActivation(degree, kind)
        "Fourier", new FourierActivation(degree, false, kind)
        "orthonormal Fourier", new FourierActivation(degree, true, kind)
        "tropical", new TropicalActivation(degree, kind)
        "tropical rational", new TropicalRationalActivation(degree, kind)
    ]

/// Every parameter drawn: far from where it starts.
let private shaken (seed: int) (layer: Layer) =
    use _ = torch.no_grad ()

    for struct (i, p) in layer.parameters () |> Seq.mapi (fun i p -> struct (i, p)) do
        p.copy_ (Seed.normal (Seed.derive seed i) (TensorKind.ofTensor p) p.shape)
        |> ignore

    layer

let private numbers (x: torch.Tensor) =
    x.detach().``to``(torch.float64).cpu().data<float>().ToArray()

let private parameter (layer: Layer) (name: string) = numbers (layer.get_parameter name)

let private normal = Hermite.probabilistsRule 40L

let private period: QuadratureRule =
    {
        Nodes = [| for j in 0..63 -> 2.0 * Math.PI * float j / 64.0 |]
        Weights = Array.create 64 (1.0 / 64.0)
    }

/// The formulas as written, number by number.
let private plain (layer: Layer) (x: float) : float =
    let factorial k =
        Seq.fold (fun product i -> product * float i) 1.0 (seq { 2..k })

    let rec he k =
        if k = 0 then 1.0
        elif k = 1 then x
        else x * he (k - 1) - float (k - 1) * he (k - 2)

    match layer with
    | :? HermiteActivation ->
        parameter layer "coefficients"
        |> Array.mapi (fun k a -> a * he k / factorial k)
        |> Array.sum
    | :? FourierActivation as fourier ->
        let a, w, p =
            parameter layer "coefficients", parameter layer "frequencies", parameter layer "phases"

        let scale = if fourier.IsOrthonormal then sqrt 2.0 else 1.0

        (parameter layer "fundamental")[0]
        + scale
          * Seq.sum (Seq.init a.Length (fun k -> a[k] * cos (w[k] * x - p[k]) / factorial (k + 1)))
    | :? TropicalActivation as tropical ->
        let a = parameter layer "coefficients"

        sqrt 2.0 / float tropical.Degree
        * Array.reduce max (Array.mapi (fun k a -> a + float k * x) a)
    | _ ->
        let most intercepts slopes =
            Array.map2 (fun a w -> a + w * x) (parameter layer intercepts) (parameter layer slopes)
            |> Array.reduce max

        sqrt 2.0 / float ((parameter layer "numerator").Length - 1)
        * (most "numerator" "numeratorSlopes" - most "denominator" "denominatorSlopes")

let private laws (bench: Bench) =
    testList
        $"on {bench}"
        [
            Property.check Property.config "the recurrences are the formulas, of any shape and stride" (fun case ->
                activations bench.Kind case.Second
                |> List.map (fun (_, layer) ->
                    use layer = shaken case.Seed layer
                    let x = Seed.normal case.Seed bench.Kind (case.Batch @ [ 2L; 3L ])
                    let y = layer.forward (x.transpose (-1L, -2L))
                    let expected = numbers x |> Array.map (plain layer)

                    let found =
                        if
                            y.shape = Array.append (Array.ofList case.Batch) [| 3L; 2L |]
                            && y.dtype = x.dtype
                        then
                            numbers ((y.transpose (-1L, -2L)).contiguous())
                        else
                            Array.create expected.Length nan

                    let size v = sqrt (Array.sumBy (fun v -> v * v) v)

                    size (Array.map2 (-) found expected) / (size expected + 1.0))
                |> List.reduce max
                |> Property.within bench.Product "values")

            testCase "an empty batch gives an empty batch" (fun () ->
                use _ = torch.NewDisposeScope()

                for name, layer in activations bench.Kind 3 do
                    use layer = layer
                    let empty = Seed.normal 1 bench.Kind [ 0L; 4L ]
                    Expect.equal (layer.forward empty).shape [| 0L; 4L |] name)
        ]

let private gradients (bench: Bench) =
    Property.check Property.costly $"gradients are right in the input and in every parameter, on {bench}" (fun case ->
        activations bench.Kind case.Second
        |> List.map (fun (_, layer) ->
            use layer = shaken case.Seed layer
            let x = Seed.normal (case.Seed + 1) bench.Kind [ 5L ]

            let inParameter (p: Modules.Parameter) =
                // The gradient at p by a copy that shares no graph: p is set to it, and its own gradient read.
                let w = Seed.normal (case.Seed + 2) bench.Kind [ 5L ]
                let loss () = (w * layer.forward x).sum()
                layer.zero_grad ()
                (loss ()).backward()
                let slope = p.grad.clone ()
                use _ = torch.no_grad ()

                let difference (i: int64) =
                    let entry = p.select (0L, i)

                    let at (step: float) =
                        entry.add_ (torch.tensor step) |> ignore
                        let value = (loss ()).item<float>()
                        entry.add_ (torch.tensor -step) |> ignore
                        value

                    (at 1e-6 - at -1e-6) / 2e-6

                let expected =
                    torch.tensor (Array.init (int (p.size 0)) (fun i -> difference (int64 i)))

                let scale =
                    (slope.norm () + expected.norm ()).item<float>()
                    + 1e-3 * (layer.forward x).norm().item<float>()

                (slope - expected).norm().item<float>() / scale

            layer.parameters ()
            |> Seq.map inParameter
            |> Seq.append [ Law.gradient case.Seed layer.forward x ]
            |> Seq.reduce max)
        |> List.reduce max
        |> Property.within Bench.gradient "gradient")

/// The distance of two pairs of gains, over 1 and their size.
let private apart (a: SecondMoments) (b: SecondMoments) =
    let distance x y = abs (x - y) / (1.0 + abs y)
    max (distance a.Value b.Value) (distance a.Slope b.Slope)

let private gains =
    testList
        "gains"
        [
            Property.check Property.config "Hermite: of any coefficients, as 40 Gauss nodes have them" (fun case ->
                use layer = new HermiteActivation(case.Second, TensorKind.float64)
                shaken case.Seed layer |> ignore

                apart (ActivationGain.underRule normal layer) layer.Gain
                |> Property.within 1e-12 "gains")

            Property.check Property.config "Hermite: equal at the start, (1/e) sum 1/k!" (fun case ->
                use layer = new HermiteActivation(case.Size, TensorKind.float64)
                let gain = ActivationGain.hermite case.Size

                max
                    (apart (ActivationGain.underRule normal layer) { Value = gain; Slope = gain })
                    (apart layer.Gain { Value = gain; Slope = gain })
                |> Property.within 1e-12 "gains")

            Property.check
                Property.config
                "Fourier: equal at the start over a period, sum (1/k!)^2 / I_0(2), and half the slope without sqrt 2"
                (fun case ->
                    use layer = new FourierActivation(case.Size, true, TensorKind.float64)
                    use plain = new FourierActivation(case.Size, false, TensorKind.float64)
                    let gain = ActivationGain.fourier case.Size

                    [
                        apart (ActivationGain.underRule period layer) { Value = gain; Slope = gain }
                        apart layer.Gain { Value = gain; Slope = gain }
                        apart (ActivationGain.underRule period plain) plain.Gain
                        abs (plain.Gain.Slope - gain / 2.0)
                    ]
                    |> List.reduce max
                    |> Property.within 1e-12 "gains")

            Property.check
                Property.config
                "Fourier: of any coefficients and phases, and whole frequencies that meet, change sign or vanish"
                (fun case ->
                    use layer = new FourierActivation(case.Second, true, TensorKind.float64)
                    shaken case.Seed layer |> ignore
                    use _ = torch.no_grad ()
                    let frequencies: torch.Tensor = layer.get_parameter "frequencies"
                    frequencies.mul_(torch.tensor 2.0).round_() |> ignore

                    apart (ActivationGain.underRule period layer) layer.Gain
                    |> Property.within 1e-12 "gains")

            Property.check
                Property.config
                "tropical: sqrt 2 (relu x + 1/n) at the start, slopes of mean square 1"
                (fun case ->
                    use layer = new TropicalActivation(case.Size, TensorKind.float64)
                    use rational = new TropicalRationalActivation(case.Size, TensorKind.float64)
                    let x = Seed.normal case.Seed TensorKind.float64 [ 50L ]
                    let relu = x.relu () * sqrt 2.0

                    [
                        Law.distance (layer.forward x) (relu + sqrt 2.0 / float case.Size)
                        Law.distance (rational.forward x) relu
                        abs ((ActivationGain.underRule normal layer).Slope - 1.0)
                        apart (ActivationGain.underRule normal rational) { Value = 1.0; Slope = 1.0 }
                    ]
                    |> List.reduce max
                    |> Property.within 1e-12 "tropical")

            testCase "by hand" (fun () ->
                let near (expected: float) (found: float) what =
                    Expect.isLessThan (abs (found - expected)) 5e-6 what

                near 0.9197 (round (1e4 * ActivationGain.hermite 3) / 1e4) "Hermite, n = 3: 5 / (2 e)"
                near (65.0 / 24.0 / Math.E) (ActivationGain.hermite 5) "Hermite, n = 5"
                near 0.98702 (ActivationGain.fourier 3) "Fourier, n = 3"
                use layer = new FourierActivation(1, false, TensorKind.float64)
                near 0.66232646 (parameter layer "coefficients" |> Array.head) "c"
                near 0.0 (parameter layer "fundamental" |> Array.head) "a_0"
                use relu = torch.nn.ReLU()
                let gain = ActivationGain.underRule normal relu
                Expect.isLessThan (apart gain { Value = 0.5; Slope = 0.5 }) 1e-12 "torch's relu")

            testCase "measuring leaves the gradients of parameters as they are" (fun () ->
                use layer = new HermiteActivation(3, TensorKind.float64)
                ActivationGain.underRule normal layer |> ignore
                let coefficients: torch.Tensor = layer.get_parameter "coefficients"
                Expect.isTrue (isNull coefficients.grad && coefficients.requires_grad) "none")
        ]

let private interpolation =
    testList
        "interpolation"
        [
            Property.check Property.config "gives a polynomial back" (fun case ->
                use layer = new HermiteActivation(case.Second, TensorKind.float64)
                shaken case.Seed layer |> ignore

                use found =
                    HermiteActivation.Interpolate(
                        case.Second,
                        -2.0,
                        2.0,
                        12,
                        (fun x -> layer.forward x),
                        TensorKind.float64
                    )

                Law.distance (found.get_parameter "coefficients") (layer.get_parameter "coefficients")
                |> Property.within 1e-12 "coefficients")

            testCase "is least squares on value and slope together: a line to x^2 at -1, 0, 1" (fun () ->
                use found =
                    HermiteActivation.Interpolate(1, -1.0, 1.0, 3, (fun x -> x.square ()), TensorKind.float64)
                // The values alone give a_0 = 2/3; slopes -2, 0, 2 and symmetry give a_1 = 0.
                let a = parameter found "coefficients"
                Expect.isLessThan (abs (a[0] - 2.0 / 3.0) + abs a[1]) 1e-14 "line"
                // x^3 at -1, 1: values a_1 = 1, slopes 3: the mean of 2 values and 2 slopes is 2.
                use cubic =
                    HermiteActivation.Interpolate(
                        1,
                        -1.0,
                        1.0,
                        2,
                        (fun x -> x.pow (torch.tensor 3.0)),
                        TensorKind.float64
                    )

                Expect.isLessThan (abs ((parameter cubic "coefficients")[1] - 2.0)) 1e-13 "slopes count")
        ]

let private modules =
    testList
        "as modules"
        [
            testCase "their parameters have names" (fun () ->
                let names =
                    activations TensorKind.float32 2
                    |> List.map (fun (_, layer) -> layer.state_dict().Keys |> Seq.sort |> String.concat " ")

                Expect.equal
                    names
                    [
                        "coefficients"
                        "coefficients frequencies fundamental phases"
                        "coefficients frequencies fundamental phases"
                        "coefficients"
                        "denominator denominatorSlopes numerator numeratorSlopes"
                    ]
                    "names")

            testCase "stand in a Sequential, move, save, load, outlive scopes and learn" (fun () ->
                let create () =
                    use _ = torch.NewDisposeScope()

                    torch.nn.Sequential(
                        [|
                            for name, layer in activations TensorKind.float32 3 -> struct (name, layer)
                        |]
                    )

                use _ = torch.NewDisposeScope()
                use a = create ()
                use b = create ()
                a.``to`` torch.float64 |> ignore
                b.``to`` torch.float64 |> ignore
                let x = Seed.normal 1 TensorKind.float64 [ 40L ]
                let goal = x.sin ()
                use optimizer = torch.optim.Adam(a.parameters (), lr = 0.01)

                let step () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let loss = (a.forward x - goal).square().mean()
                    loss.backward ()
                    optimizer.step () |> ignore
                    loss.item<float>()

                let losses = Array.init 100 (fun _ -> step ())
                Expect.isLessThan losses[99] (0.5 * losses[0]) "loss"
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                step () |> ignore
                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors"
                let path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat")

                try
                    a.save path |> ignore
                    b.load path |> ignore
                    Expect.equal (Law.distance (a.forward x) (b.forward x)) 0.0 "loaded"
                finally
                    File.Delete path)

            testCase "a thousand calls leave nothing behind" (fun () ->
                use x = Seed.normal 1 TensorKind.float64 [ 3L; 4L ]

                for name, layer in activations TensorKind.float64 4 do
                    use layer = layer

                    let call () =
                        use y = layer.forward x
                        Expect.equal y.shape x.shape name
                        ActivationGain.underRule normal layer |> ignore

                    call ()
                    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

                    for _ in 1..1000 do
                        call ()

                    Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before name)

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let double = TensorKind.float64
                let x = torch.zeros 4L

                let fit degree lower upper points (f: torch.Tensor -> torch.Tensor) =
                    HermiteActivation.Interpolate(degree, lower, upper, points, f, double) |> ignore

                for name, (body: unit -> unit) in
                    [
                        "degree", (fun () -> new HermiteActivation(0) |> ignore)
                        "degree", (fun () -> new FourierActivation(0) |> ignore)
                        "degree", (fun () -> new TropicalActivation(-1) |> ignore)
                        "degree", (fun () -> new TropicalRationalActivation(0) |> ignore)
                        "kind", (fun () -> new HermiteActivation(3, TensorKind.cpu torch.int64) |> ignore)
                        "kind", (fun () -> new FourierActivation(3, true, TensorKind.cpu torch.complex64) |> ignore)
                        "one coefficient", (fun () -> new HermiteActivation([ 1.0 ], double) |> ignore)
                        "NaN", (fun () -> new HermiteActivation([ 1.0; nan ], double) |> ignore)
                        "x", (fun () -> (new HermiteActivation(3, double)).forward x |> ignore)
                        "x",
                        (fun () ->
                            (new FourierActivation(3)).forward(torch.zeros (4L, dtype = torch.int64))
                            |> ignore)
                        "null", (fun () -> (new TropicalActivation(3)).forward null |> ignore)
                        "degree", (fun () -> fit 0 -1.0 1.0 5 _.alias())
                        "upper", (fun () -> fit 3 1.0 1.0 5 _.alias())
                        "points", (fun () -> fit 8 -1.0 1.0 4 _.alias())
                        "f", (fun () -> fit 3 -1.0 1.0 5 _.sum())
                        "not finite", (fun () -> fit 3 -1.0 1.0 5 _.log())
                        "degree", (fun () -> ActivationGain.hermite 0 |> ignore)
                        "degree", (fun () -> ActivationGain.fourier 0 |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests =
    testList
        "learned activations"
        [
            yield! Bench.real |> List.map laws
            yield! Bench.double |> List.map gradients
            gains
            interpolation
            modules
        ]
