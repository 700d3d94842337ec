/// Orthogonal.linear, Orthogonal.conv, Orthogonal.constrain.
module Ortho.Tests.Orthogonal.FrontDoorTests

open System
open System.IO
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

type private Layer = torch.nn.Module<torch.Tensor, torch.Tensor>

/// Some steps away from the start, towards random outputs.
let private train (x: torch.Tensor) (m: Layer) =
    use optimizer = torch.optim.Adam(m.parameters (), lr = 0.05)
    let target = Seed.normal 77 (TensorKind.ofTensor x) (m.forward(x).shape)

    // A number has nothing to learn.
    for _ in 1 .. (if Seq.isEmpty (m.parameters ()) then 0 else 25) do
        use _ = torch.NewDisposeScope()
        optimizer.zero_grad ()
        torch.nn.functional.mse_loss(m.forward x, target).backward()
        optimizer.step () |> ignore

let private double (m: #torch.nn.Module) =
    m.``to`` torch.float64 |> ignore
    m

/// The residual of what a map promises; it must promise to keep norms on its smaller side.
let private orthogonality (map: LinearMap) =
    let small, large = map.Domain.Size, map.Codomain.Size

    if small <= large && not (map.Promises Traits.Isometry) then
        nan
    elif small >= large && not (map.Promises Traits.Coisometry) then
        nan
    else
        Law.promises 1 map

let private learned (make: Case -> LearnedMap) (law: Case -> LearnedMap -> bool) name =
    Property.check Property.costly name (fun case ->
        use m = make case |> double
        law case m |> Prop.label name)

let private linear (case: Case) =
    Orthogonal.linear case.Seed (int64 case.Size, int64 case.Second)

let private conv (case: Case) =
    let taps, image =
        if case.Seed % 2 = 0 then
            [ 1L + int64 case.Seed % 4L ], [ 3L + int64 case.Size ]
        else
            [ 3L; 2L ], [ 4L; 5L ]

    Orthogonal.conv case.Seed (1L + int64 case.Size % 4L, 1L + int64 case.Second % 4L) taps image

let private staysOrthogonal (_: Case) (m: LearnedMap) =
    let before = m.Realize()
    let x = Seed.normal 5 TensorKind.float64 (Seq.append [ 8L ] m.Domain.Shape)
    let y = before.Apply x
    train x m
    let after = m.Realize()

    orthogonality before < 1e-11
    && orthogonality after < 1e-11
    && (m.parameters () |> Seq.forall (fun p -> p.numel () = 0L)
        || Law.distance (after.Apply x) y > 1e-3)

let private maps =
    [
        learned linear staysOrthogonal "a linear map is orthogonal at its start and after training, and moves"
        learned conv staysOrthogonal "a convolution is orthogonal at its start and after training"

        learned
            linear
            (fun case m ->
                let inputs, outputs = int64 case.Size, int64 case.Second

                let expected =
                    if inputs = outputs then
                        inputs * (inputs - 1L) / 2L
                    else
                        inputs * outputs

                (m.parameters () |> Seq.sumBy _.numel()) = expected
                && Seq.sort (m.state_dict().Keys) |> Seq.toList =
                    (if expected = 0L then [ "base" ] else [ "base"; "free" ]))
            "n (n - 1) / 2 numbers for a square map, n k for a frame; the base is saved but not learned"

        testCase "same seed, same map; another seed, another; a scope may end" (fun () ->
            let make seed =
                use _ = torch.NewDisposeScope()
                Orthogonal.linear seed (4L, 4L)

            use a = make 1
            use b = make 1
            use c = make 2
            use _ = torch.NewDisposeScope()
            let x = Seed.normal 3 TensorKind.float32 [ 5L; 4L ]
            Expect.equal (Law.distance (a.forward x) (b.forward x)) 0.0 "same"
            Expect.isGreaterThan (Law.distance (a.forward x) (c.forward x)) 0.1 "another")
    ]

let private linearLayer (case: Case) =
    torch.random.manual_seed (int64 case.Seed) |> ignore

    torch.nn.Linear(int64 case.Size, int64 case.Second, hasBias = (case.Seed % 2 = 0))
    |> double

let private constrained name (law: Case -> bool) =
    Property.check Property.costly name (fun case -> law case |> Prop.label name)

let private rowsOrColumns (w: torch.Tensor) =
    let w = w.flatten 1L
    Law.orthogonality (if w.size 0 >= w.size 1 then w else w.mH)

let private linearLayers =
    [
        constrained "Linear starts at the polar factor, stays orthonormal, and keeps its bias" (fun case ->
            let layer = linearLayer case
            use q = Orthogonal.constrain layer
            let x = case.Draw Bench.double.Head (Space.Of(int64 case.Size))
            let start = q.Weight.detach().clone()
            let expected = torch.nn.functional.linear (x, start, layer.bias)
            let same = Law.distance (q.forward x) expected
            train (Seed.normal 5 TensorKind.float64 [ 8L; int64 case.Size ]) q

            Law.distance start (Polar.factor layer.weight) < 1e-11
            && same < 1e-12
            && rowsOrColumns q.Weight < 1e-11)

        constrained "orthonormal weights do not move, scaled ones by their scale alone" (fun case ->
            let layer = linearLayer case
            let n, k = int64 case.Second, int64 case.Size
            let tall = Haar.frames case.Seed TensorKind.float64 [ max n k; min n k ]
            let w = if n >= k then tall else tall.t ()

            let set (w: torch.Tensor) =
                use _ = torch.no_grad ()
                layer.weight.copy_ w |> ignore
                use q = Orthogonal.constrain layer
                q.Report

            let exact, scaled = set w, set (w * 3.0)

            exact.Moved < 1e-11
            && abs (scaled.Moved - 2.0 / 3.0) < 1e-11
            && scaled.MovedBeyondScale < 1e-11
            && abs (scaled.SmallestSingularValue - 3.0) < 1e-10
            && abs (scaled.LargestSingularValue - 3.0) < 1e-10)

        testCase "the report of a diagonal weight, by hand" (fun () ->
            use _ = torch.NewDisposeScope()
            let layer = torch.nn.Linear(2L, 2L) |> double
            use _ = torch.no_grad ()
            layer.weight.copy_ (torch.tensor [| 3.0; 1.0 |] |> torch.diag) |> ignore
            use q = Orthogonal.constrain layer
            // Q = I: |I - W|^2 = 4 of |W|^2 = 10; the best multiple is 2: |2 I - W|^2 = 2.
            Expect.floatClose Accuracy.high q.Report.Moved (sqrt 0.4) "moved"
            Expect.floatClose Accuracy.high q.Report.MovedBeyondScale (sqrt 0.2) "beyond scale"
            Expect.floatClose Accuracy.high q.Report.SmallestSingularValue 1.0 "smallest"
            Expect.floatClose Accuracy.high q.Report.LargestSingularValue 3.0 "largest")

        testCase "what it does not keep is freed, with no scope around" (fun () ->
            use line = torch.nn.Linear(5L, 3L)

            use plane =
                torch.nn.Conv2d(2L, 3L, 3L, padding = 1L, padding_mode = PaddingModes.Circular)

            for layer in [ line :> Layer; plane ] do
                let once () = (Orthogonal.constrain layer).Dispose()
                once ()
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                once ()
                once ()
                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors")

        testCase "saved and loaded, it is the same layer" (fun () ->
            use _ = torch.NewDisposeScope()

            let make () =
                Orthogonal.constrain (torch.nn.Linear(3L, 5L))

            use a = make ()
            use b = make ()
            let x = Seed.normal 1 TensorKind.float32 [ 4L; 3L ]
            train x a
            let path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat")

            try
                a.save path |> ignore
                b.load path |> ignore
            finally
                File.Delete path

            Expect.equal (Law.distance (a.forward x) (b.forward x)) 0.0 "same")
    ]

/// Layers that can be constrained, with the options of the map that they are on an image.
let private convolutions (case: Case) : (string * Modules.Convolution * ConvolutionOptions * int64 list) list =
    torch.random.manual_seed (int64 case.Seed) |> ignore
    let inputs, outputs = 1L + int64 case.Size % 3L, 1L + int64 case.Second % 4L
    let around = PaddingModes.Circular
    let options = ConvolutionOptions.Default

    [
        "1 x 1", torch.nn.Conv2d(inputs, outputs, 1L), options, [ 4L; 5L ]
        "3 x 3", torch.nn.Conv2d(inputs, outputs, 3L, padding = 1L, padding_mode = around), options, [ 5L; 4L ]
        "3 x 5",
        torch.nn.Conv2d(
            inputs,
            outputs,
            struct (3L, 5L),
            stride = Nullable<struct (int64 * int64)>(struct (1L, 1L)),
            padding = Nullable<struct (int64 * int64)>(struct (1L, 2L)),
            padding_mode = around
        ),
        options,
        [ 5L; 6L ]
        "4 x 4 of stride 2",
        torch.nn.Conv2d(inputs, outputs, 4L, stride = 2L, padding = 1L, padding_mode = around),
        options.WithStride 2L,
        [ 6L; 8L ]
        "2 x 2 of stride 2", torch.nn.Conv2d(inputs, outputs, 2L, stride = 2L), options.WithStride 2L, [ 6L; 4L ]
    ]
    |> List.map (fun (name, layer, options, image) -> name, double layer :> Modules.Convolution, options, image)

let private line (case: Case) =
    torch.random.manual_seed (int64 case.Seed) |> ignore
    let inputs, outputs = 1L + int64 case.Size % 3L, 1L + int64 case.Second % 4L

    torch.nn.Conv1d(inputs, outputs, 5L, padding = 2L, padding_mode = PaddingModes.Circular)
    |> double

/// The largest distance of a singular value from 1.
let private spread (options: ConvolutionOptions) (image: int64 list) (weight: torch.Tensor) =
    let values = ConvolutionSpectrum.singularValues options image weight
    (values - 1.0).abs().max().item<float>()

let private convolutionLayers =
    [
        constrained "Conv1d and Conv2d are orthogonal convolutions at their start and after training" (fun case ->
            let planes = convolutions case

            let all =
                ("line of 5", line case :> Modules.Convolution, ConvolutionOptions.Default, [ 7L ])
                :: planes

            all
            |> List.forall (fun (name, layer, options, image) ->
                use q = Orthogonal.constrain layer
                let inputs = layer.in_channels
                let x = Seed.normal case.Seed TensorKind.float64 (Seq.append [ 3L; inputs ] image)
                let start = spread options image q.Weight
                train x q
                let y = q.forward x

                let expected =
                    let map = Convolution.map options image q.Weight
                    let shape = Array.append [| 1L; -1L |] (Array.create image.Length 1L)
                    let bias: torch.Tensor = q.get_parameter "bias"
                    map.Apply x + bias.reshape shape

                let after = spread options image q.Weight
                // The windows of the map may begin elsewhere on the torus: compare norms, and shifts of the output.
                let shifts =
                    Seq.allPairs [ 0L .. y.size -1 - 1L ] [ 0L .. (if image.Length = 1 then 0L else y.size -2 - 1L) ]
                    |> Seq.map (fun (i, j) ->
                        let moved = expected.roll (i, -1L)
                        Law.distance (if image.Length = 1 then moved else moved.roll (j, -2L)) y)
                    |> Seq.min

                if not (start < 1e-10 && after < 1e-10 && shifts < 1e-11) then
                    failtest $"{name}: start {start}, after {after}, forward {shifts}"

                true))

        constrained "a kernel that is one orthonormal tap in its middle does not move" (fun case ->
            let layer = line case
            let n, k = layer.out_channels, layer.in_channels
            let tall = Haar.frames case.Seed TensorKind.float64 [ max n k; min n k ]
            use _ = torch.no_grad ()
            layer.weight.zero_ () |> ignore
            layer.weight.select(2L, 2L).copy_(if n >= k then tall else tall.t ()) |> ignore
            use q = Orthogonal.constrain layer
            q.Report.Moved < 1e-11 && Law.distance q.Weight layer.weight < 1e-11)
    ]

let private refusals =
    testCase "bad input is refused, with the reason" (fun () ->
        let refuse name (layer: unit -> Layer) =
            Refusal.expect name (fun () -> Orthogonal.constrain (layer ()) |> ignore)

        let around = PaddingModes.Circular
        Refusal.expect "null" (fun () -> Orthogonal.constrain null |> ignore)
        refuse "a ReLU" (fun () -> torch.nn.ReLU())
        refuse "zeros around" (fun () -> torch.nn.Conv2d(2L, 2L, 3L, padding = 1L))
        refuse "no padding" (fun () -> torch.nn.Conv2d(2L, 2L, 3L, padding_mode = around))
        refuse "groups" (fun () -> torch.nn.Conv2d(2L, 2L, 3L, padding = 1L, padding_mode = around, groups = 2L))
        refuse "dilation" (fun () -> torch.nn.Conv2d(2L, 2L, 3L, padding = 1L, padding_mode = around, dilation = 2L))
        refuse "a stride past its taps" (fun () -> torch.nn.Conv1d(2L, 2L, 2L, stride = 3L, padding_mode = around))
        refuse "transposed" (fun () -> torch.nn.ConvTranspose2d(2L, 2L, 3L))

        refuse "weights without full rank" (fun () ->
            let layer = torch.nn.Linear(3L, 3L)
            use _ = torch.no_grad ()
            layer.weight.zero_ () |> ignore
            layer)

        Refusal.expect "no inputs" (fun () -> Orthogonal.linear 1 (0L, 2L) |> ignore)
        Refusal.expect "no outputs" (fun () -> Orthogonal.conv 1 (1L, 0L) [ 3L ] [ 8L ] |> ignore)
        Refusal.expect "three axes" (fun () -> Orthogonal.conv 1 (1L, 1L) [ 3L; 3L; 3L ] [ 8L; 8L; 8L ] |> ignore)
        Refusal.expect "axes that differ" (fun () -> Orthogonal.conv 1 (1L, 1L) [ 3L; 3L ] [ 8L ] |> ignore))

let tests =
    testList "front doors" [ yield! maps; yield! linearLayers; yield! convolutionLayers; refusals ]
