module Ortho.Tests.Orthogonal.InitializationTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

type private Layer = torch.nn.Module<torch.Tensor, torch.Tensor>

let private laws (bench: Bench) =
    testList
        $"initial weights on {bench}"
        [
            Property.check Property.config "are orthogonal times the gain, flattened after the first axis" (fun case ->
                let gain = 0.5 + float case.Second
                let shape = [ int64 case.Size; int64 case.Second; 2L ]
                let w = Initialization.orthogonal case.Seed bench.Kind gain shape
                let matrix = w.flatten (1L) / gain

                (if w.shape = List.toArray shape && TensorKind.ofTensor w = bench.Kind then
                     Law.orthogonality matrix
                 else
                     infinity)
                |> Property.within bench.Product "orthogonality")

            Property.check Property.config "are Haar: the triangle of the Gaussian has a positive diagonal" (fun case ->
                let n, k = int64 (max case.Size case.Second), int64 (min case.Size case.Second)
                let gaussian = Seed.normal case.Seed bench.Kind [ n; k ]
                let q = Initialization.orthogonal case.Seed bench.Kind 1.0 [ n; k ]
                let r = q.mH.matmul gaussian
                let diagonal = r.diagonal ()
                let real = if diagonal.is_complex () then diagonal.real else diagonal

                let positive = real.min().``to``(torch.float64).item<float>() > 0.0
                let phases = Dense.size (diagonal - real) / Dense.size diagonal

                (if positive then
                     max phases (Dense.size (r.tril -1L) / Dense.size r)
                 else
                     infinity)
                |> Property.within bench.Product "below the diagonal")

            Property.check
                Property.config
                "with the variance gain have squares that sum to the number of rows"
                (fun case ->
                    let rows, columns = int64 case.Size, int64 case.Second
                    let gain = Initialization.varianceGain rows columns
                    let w = Initialization.orthogonal case.Seed bench.Kind gain [ rows; columns ]

                    abs (Dense.size w ** 2.0 / float rows - 1.0)
                    |> Property.within bench.Product "mean square of a row")
        ]

/// A network of given widths, without biases, and the modules that have weights.
let private network (kind: TensorKind) (activation: unit -> Layer) (widths: int64 list) =
    List.pairwise widths
    |> List.collect (fun (a, b) ->
        [
            torch.nn.Linear(a, b, hasBias = false, dtype = kind.Dtype, device = kind.Device) :> Layer
            activation ()
        ])

let private weight (layer: Layer) : torch.Tensor = layer.get_parameter "weight"

let private variance (x: torch.Tensor) =
    x.var(false).``to``(torch.float64).item<float>()

let private scaling (bench: Bench) =
    let relu () = torch.nn.ReLU() :> Layer
    let input = fun () -> 3.0 * Seed.normal 1 bench.Kind [ 64L; 12L ]

    testList
        $"unit variance on {bench}"
        [
            testCase "one division is exact for linear layers, and a second call changes nothing" (fun () ->
                use _ = torch.NewDisposeScope()
                let layers = network bench.Kind relu [ 12L; 20L; 7L; 9L ]
                let x = input ()
                let reports = Initialization.layerSequential 1 0.1 layers x
                Expect.equal (reports |> Array.map _.Layer) [| 0; 1; 2 |] "layers"

                for report in reports do
                    Expect.isLessThanOrEqual (abs (report.After - 1.0)) bench.Product "after"
                    Expect.isGreaterThan (abs (report.Before - 1.0)) 0.1 "before"
                    Expect.equal report.Divisions 1 "divisions"

                let mutable y = x

                layers
                |> List.iteri (fun i layer ->
                    y <- layer.call y

                    if i % 2 = 0 then
                        Expect.isLessThanOrEqual (abs (variance y - 1.0)) bench.Product $"output of {i}"
                        let w = weight layer
                        let scaled = w / w.norm () * sqrt (float (min w.shape[0] w.shape[1]))
                        Expect.isLessThanOrEqual (Law.orthogonality scaled) bench.Product "a multiple of orthonormal")

                let before = weight(layers[2]).clone()
                let again = Initialization.unitVariance 0.1 layers x
                Expect.equal (again |> Array.map _.Divisions) [| 0; 0; 0 |] "divisions of the second call"
                Expect.equal (Law.distance (weight layers[2]) before) 0.0 "weights of the second call")

            testCase "before is the variance over the layers that are scaled already" (fun () ->
                use _ = torch.NewDisposeScope()
                let layers = network bench.Kind relu [ 12L; 20L; 7L ]
                let x = input ()
                let first = layers[0].call x
                let second = layers[2].call(layers[1].call(first / sqrt (variance first)))
                let reports = Initialization.unitVariance 0.01 layers x
                Expect.isLessThanOrEqual (abs (reports[0].Before / variance first - 1.0)) bench.Product "first"
                Expect.isLessThanOrEqual (abs (reports[1].Before / variance second - 1.0)) bench.Product "second")

            testCase "data times a gives the first weight over a" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = input ()

                let first (scale: float) =
                    let layers = network bench.Kind relu [ 12L; 20L; 7L ]
                    Initialization.layerSequential 1 0.001 layers (x * scale) |> ignore
                    weight layers[0], weight layers[2]

                let w1, w2 = first 1.0
                let v1, v2 = first 4.0
                Expect.isLessThanOrEqual (Law.distance (v1 * 4.0) w1) bench.Product "first"
                Expect.isLessThanOrEqual (Law.distance v2 w2) bench.Product "second")

            testCase "thirty layers keep variance 1 where the plain ones vanish" (fun () ->
                use _ = torch.NewDisposeScope()
                let layers = network bench.Kind relu (List.replicate 31 24L)
                let x = Seed.normal 1 bench.Kind [ 64L; 24L ]

                let run () =
                    List.fold (fun (x: torch.Tensor) (layer: Layer) -> layer.call x) x layers[..58]

                Expect.isLessThan (variance (run ())) 1e-6 "as TorchSharp makes them"
                let reports = Initialization.layerSequential 1 0.01 layers x
                Expect.equal reports.Length 30 "layers"
                Expect.isLessThanOrEqual (abs (variance (run ()) - 1.0)) 0.01 "the thirtieth")

            testCase "convolutions and biases; normalisations and modules in a Sequential" (fun () ->
                use _ = torch.NewDisposeScope()

                let conv =
                    torch.nn.Conv2d(2L, 6L, 3L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let linear =
                    torch.nn.Linear(24L, 5L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let norm =
                    torch.nn.BatchNorm2d(6L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let net =
                    torch.nn.Sequential(
                        struct ("features",
                                torch.nn.Sequential(struct ("conv", conv :> Layer), struct ("norm", norm :> Layer))
                                :> Layer),
                        struct ("flatten", torch.nn.Flatten() :> Layer),
                        struct ("linear", linear :> Layer)
                    )

                let x = Seed.normal 2 bench.Kind [ 10L; 2L; 4L; 4L ]
                let reports = Initialization.layerSequential 3 0.1 [ net :> Layer ] x
                Expect.equal reports.Length 2 "layers with weights"
                Expect.isLessThanOrEqual (abs (variance (conv.call x) - 1.0)) bench.Product "the convolution"
                Expect.equal (Dense.size conv.bias) 0.0 "its bias"
                Expect.isLessThanOrEqual (abs (variance (net.call x) - 1.0)) 0.1 "the last"
                Expect.equal (Dense.size (norm.weight - torch.ones_like norm.weight)) 0.0 "normalisation"
                Expect.isTrue linear.weight.requires_grad "weights still learn")

            testCase "a bias takes more divisions, and is left alone by unitVariance" (fun () ->
                use _ = torch.NewDisposeScope()

                let linear =
                    torch.nn.Linear(12L, 20L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let before = linear.bias.clone ()
                let reports = Initialization.unitVariance 1e-3 [ linear :> Layer ] (input ())
                Expect.isGreaterThan reports[0].Divisions 1 "divisions"
                Expect.isLessThan (abs (reports[0].After - 1.0)) 1e-3 "after"
                Expect.equal (Law.distance linear.bias before) 0.0 "bias")

            testCase "no variance is refused, and nothing is left behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let layers = network bench.Kind relu [ 12L; 20L; 7L ]
                let x = input ()

                for name, body in
                    [
                        "zero input", (fun () -> Initialization.unitVariance 0.1 layers (torch.zeros_like x) |> ignore)
                        "NaN", (fun () -> Initialization.unitVariance 0.1 layers (torch.ones_like x * nan) |> ignore)
                        "zero input beside a bias",
                        (fun () ->
                            let biased =
                                torch.nn.Linear(12L, 3L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                            Initialization.unitVariance 0.1 [ biased :> Layer ] (torch.zeros_like x)
                            |> ignore)
                        "tolerance 0", (fun () -> Initialization.unitVariance 0.0 layers x |> ignore)
                        "tolerance NaN", (fun () -> Initialization.layerSequential 1 nan layers x |> ignore)
                        "null layer", (fun () -> Initialization.unitVariance 0.1 [ null ] x |> ignore)
                        "empty input",
                        (fun () -> Initialization.unitVariance 0.1 layers (x.narrow (0L, 0L, 0L)) |> ignore)
                    ] do
                    Refusal.expect name body

                Dense.growth (fun () -> Initialization.layerSequential 1 0.1 layers x |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors")
        ]

let private single =
    testList
        "gains and bad input"
        [
            testCase "gains are torch's" (fun () ->
                for activation, kind in
                    [
                        Activation.Linear, torch.nn.init.NonlinearityType.Linear
                        Activation.Sigmoid, torch.nn.init.NonlinearityType.Sigmoid
                        Activation.Tanh, torch.nn.init.NonlinearityType.Tanh
                        Activation.Relu, torch.nn.init.NonlinearityType.ReLU
                    ] do
                    let expected = torch.nn.init.calculate_gain (kind, 0.0)
                    Expect.floatClose Accuracy.veryHigh (Initialization.gain activation) expected $"{activation}"

                Expect.equal (Initialization.gain Activation.Selu) 0.75 "selu, 3/4 in torch")

            testCase "the variance gain by hand" (fun () ->
                Expect.equal (Initialization.varianceGain 16L 4L) 2.0 "tall"
                Expect.equal (Initialization.varianceGain 4L 16L) 1.0 "wide"
                Expect.equal (Initialization.varianceGain 4L 4L) 1.0 "square")

            testCase "same seed, same weight; both signs occur" (fun () ->
                use _ = torch.NewDisposeScope()

                let draw seed =
                    Initialization.orthogonal seed TensorKind.float64 1.0 [ 3L; 5L ]

                Expect.equal (Law.distance (draw 1) (draw 1)) 0.0 "same"
                Expect.isGreaterThan (Law.distance (draw 1) (draw 2)) 0.1 "other"

                let one seed =
                    (Initialization.orthogonal seed TensorKind.float64 1.0 [ 1L; 1L ]).item<float>()

                Expect.equal (set [ for seed in 1..20 -> one seed ]) (set [ -1.0; 1.0 ]) "signs")

            testCase "bad input is refused" (fun () ->
                let kind = TensorKind.float64

                for name, body in
                    [
                        "one axis", (fun () -> Initialization.orthogonal 1 kind 1.0 [ 3L ] |> ignore)
                        "size 0", (fun () -> Initialization.orthogonal 1 kind 1.0 [ 3L; 0L ] |> ignore)
                        "gain NaN", (fun () -> Initialization.orthogonal 1 kind nan [ 3L; 2L ] |> ignore)
                        "null", (fun () -> Initialization.orthogonal 1 kind 1.0 null |> ignore)
                        "no rows", (fun () -> Initialization.varianceGain 0L 2L |> ignore)
                        "no columns", (fun () -> Initialization.varianceGain 2L 0L |> ignore)
                    ] do
                    Refusal.expect name body

                use _ = torch.NewDisposeScope()

                Dense.growthOfResults (fun () -> [ Initialization.orthogonal 1 kind 2.0 [ 3L; 5L ] ])
                |> fun grown -> Expect.equal grown 0L "leaves no tensor behind")
        ]

let tests =
    testList
        "Initialization"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map scaling
            single
        ]
