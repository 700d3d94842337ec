/// Gradients of the Lipschitz layers, and what they are as modules.
module Ortho.Tests.Orthogonal.LipschitzModulesTests

open System
open System.IO
open Expecto
open Ortho
open Ortho.Tests
open Ortho.Tests.Orthogonal.LipschitzLayersTests
open TorchSharp

/// A slope against central differences: the best of three steps, since rounding spoils a short one where a network cancels large
/// numbers, and a kink of a relu inside a long one. A wrong slope is far from all three.
let private slopeError (scale: float) (slope: float) (difference: float -> float) =
    [ 1e-5; 1e-6; 1e-7 ]
    |> List.map (fun step ->
        let expected = difference step
        let error = abs (slope - expected)
        // Where every relu is shut, all is zero.
        if error = 0.0 then
            0.0
        else
            error / (abs slope + abs expected + 1e-3 * scale))
    |> List.reduce min

let private gradients (bench: Bench) =
    testList
        $"gradients on {bench}"
        [
            Property.check Property.costly "are right in the input and in every parameter" (fun case ->
                let residual (n: int64) (layer: Layer) =
                    let x = (Seed.normal case.Seed bench.Kind [ 3L; n ]).requires_grad_ true
                    let w = Seed.normal (case.Seed + 1) bench.Kind (layer.forward x).shape
                    let loss () = (w * layer.forward x).sum()
                    layer.zero_grad ()
                    (loss ()).backward()
                    let scale = Dense.size (layer.forward x) * Dense.size w
                    use _ = torch.no_grad ()

                    let difference (leaf: torch.Tensor) (i: int64) (step: float) =
                        let entry = (leaf.view -1L).select(0L, i)

                        let shift (step: float) =
                            entry.add_ (torch.tensor step) |> ignore

                        let at (step: float) =
                            shift step
                            let value = (loss ()).item<float>()
                            shift -step
                            value

                        (at step - at -step) / (2.0 * step)

                    Seq.append [ x ] (layer.parameters () |> Seq.map (fun p -> p :> torch.Tensor))
                    |> Seq.collect (fun leaf ->
                        seq {
                            for i in 0L .. leaf.numel () - 1L do
                                // A parameter that does not act, as the scale of X for q = 1, may have no gradient.
                                let slope =
                                    if isNull leaf.grad then
                                        0.0
                                    else
                                        (leaf.grad.view -1L).select(0L, i).item<float>()

                                slopeError scale slope (difference leaf i)
                        })
                    |> Seq.reduce max

                layers
                    { case with
                        Size = 1 + case.Size % 4
                        Second = 1 + case.Second % 3
                    }
                |> List.map (fun (_, n, _, layer) ->
                    use layer = shaken bench case.Seed layer
                    residual n layer)
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")
        ]

let private modules =
    testList
        "as modules"
        [
            testCase "their parameters have names" (fun () ->
                let names (layer: Layer) =
                    layer.state_dict().Keys |> Seq.sort |> String.concat " "

                Expect.equal (names (new AlmostOrthogonalLayer(1, 3L, 2L))) "bias weight" "almost orthogonal"
                Expect.equal (names (new LipschitzResidualLayer(1, 3L, 2L))) "bias logarithm weight" "residual"
                Expect.equal (names (new SandwichLayer(1, 3L, 2L))) "bias psi scale weight" "sandwich"

                Expect.equal
                    (names (new LipschitzNetwork(1, 1.0, [ 3L; 2L; 4L ])))
                    "bias layer1.bias layer1.psi layer1.scale layer1.weight scale weight"
                    "network")

            testCase
                "start finite and alike for one seed, outlive scopes, save, load and stand in a Sequential"
                (fun () ->
                    let create (seed: int) =
                        use _ = torch.NewDisposeScope()

                        torch.nn.Sequential(
                            struct ("network",
                                    new LipschitzNetwork(seed, 2.0, [ 3L; 8L; 4L ])
                                    :> torch.nn.Module<torch.Tensor, torch.Tensor>),
                            struct ("residual",
                                    new LipschitzResidualLayer(seed, 4L, 6L)
                                    :> torch.nn.Module<torch.Tensor, torch.Tensor>),
                            struct ("last",
                                    new AlmostOrthogonalLayer(seed, 4L, 2L)
                                    :> torch.nn.Module<torch.Tensor, torch.Tensor>)
                        )

                    use _ = torch.NewDisposeScope()
                    use a = create 1
                    use same = create 1
                    use b = create 2
                    let x = Seed.normal 1 TensorKind.float32 [ 5L; 3L ]
                    Expect.equal (Law.distance (a.forward x) (same.forward x)) 0.0 "one seed"
                    Expect.isGreaterThan (Law.distance (a.forward x) (b.forward x)) 0.01 "another"
                    let path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat")

                    try
                        a.save path |> ignore
                        b.load path |> ignore
                        Expect.equal (Law.distance (a.forward x) (b.forward x)) 0.0 "loaded"
                    finally
                        File.Delete path)

            testCase "a network learns as steep a function as its bound lets it, and keeps the bound" (fun () ->
                use _ = torch.NewDisposeScope()
                let bound = 2.0
                use network = new LipschitzNetwork(1, bound, [ 1L; 16L; 16L; 1L ])
                network.``to`` torch.float64 |> ignore
                let x = torch.linspace(-2.0, 2.0, 201L, dtype = torch.float64).unsqueeze -1L
                // A tent of slope 2.
                let y = 2.0 - 2.0 * x.abs ()
                use optimizer = torch.optim.Adam(network.parameters (), lr = 0.02)

                let step () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let loss = (network.forward x - y).square().mean()
                    loss.backward ()
                    optimizer.step () |> ignore
                    loss.item<float>()

                let losses = Array.init 300 (fun _ -> step ())
                Expect.isLessThan losses[299] (0.05 * losses[0]) "loss"
                let values = (network.forward x).detach()

                let slopes =
                    (values.narrow (0L, 1L, 200L) - values.narrow (0L, 0L, 200L)).abs() / 0.02

                let steepest = slopes.max().item<float>()
                Expect.isLessThanOrEqual steepest (bound * (1.0 + 1e-11)) "the bound holds"
                Expect.isGreaterThan steepest (0.9 * bound) "and is used")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = torch.zeros (5L, 4L)

                for name, (body: unit -> unit) in
                    [
                        "inputs", (fun () -> new AlmostOrthogonalLayer(1, 0L, 2L) |> ignore)
                        "outputs", (fun () -> new AlmostOrthogonalLayer(1, 2L, 0L) |> ignore)
                        "width", (fun () -> new LipschitzResidualLayer(1, 0L, 2L) |> ignore)
                        "hidden", (fun () -> new LipschitzResidualLayer(1, 2L, -1L) |> ignore)
                        "inputs", (fun () -> new SandwichLayer(1, 0L, 2L) |> ignore)
                        "outputs", (fun () -> new SandwichLayer(1, 2L, 0L) |> ignore)
                        "activation", (fun () -> new SandwichLayer(1, 2L, 2L, null) |> ignore)
                        "bound", (fun () -> new LipschitzNetwork(1, 0.0, [ 2L; 2L ]) |> ignore)
                        "bound", (fun () -> new LipschitzNetwork(1, nan, [ 2L; 2L ]) |> ignore)
                        "one width", (fun () -> new LipschitzNetwork(1, 1.0, [ 2L ]) |> ignore)
                        "a width", (fun () -> new LipschitzNetwork(1, 1.0, [ 2L; 0L; 1L ]) |> ignore)
                        "no widths", (fun () -> new LipschitzNetwork(1, 1.0, null) |> ignore)
                        "x", (fun () -> (new SandwichLayer(1, 3L, 2L)).forward x |> ignore)
                        "x", (fun () -> (new AlmostOrthogonalLayer(1, 3L, 2L)).forward x |> ignore)
                        "x", (fun () -> (new LipschitzResidualLayer(1, 3L, 2L)).forward x |> ignore)
                        "x", (fun () -> (new LipschitzNetwork(1, 1.0, [ 3L; 2L ])).forward x |> ignore)
                        "null", (fun () -> (new LipschitzNetwork(1, 1.0, [ 3L; 2L ])).forward null |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests =
    testList "Lipschitz modules" [ yield! Bench.double |> List.map gradients; modules ]
