module Ortho.Tests.Orthogonal.LipschitzLayersTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

type internal Layer = torch.nn.Module<torch.Tensor, torch.Tensor>

let private identity =
    Func<torch.Tensor, torch.Tensor>(fun (x: torch.Tensor) -> x.alias ())

let private tanh =
    Func<torch.Tensor, torch.Tensor>(fun (x: torch.Tensor) -> x.tanh ())

let private parameter (layer: Layer) (name: string) : torch.Tensor = layer.get_parameter name

let private set (layer: Layer) (name: string) (value: torch.Tensor) =
    use _ = torch.no_grad ()
    (parameter layer name).copy_ value |> ignore

/// In the bench's type, with every parameter drawn: far from where it starts.
let internal shaken (bench: Bench) (seed: int) (layer: Layer) =
    layer.``to`` (bench.Kind.Dtype) |> ignore
    use _ = torch.no_grad ()

    for struct (i, p) in layer.parameters () |> Seq.mapi (fun i p -> struct (i, p)) do
        p.copy_ (Seed.normal (Seed.derive seed i) bench.Kind p.shape * 1.5) |> ignore

    layer

/// The same layer, every bias zero.
let private unbiased (layer: Layer) =
    use _ = torch.no_grad ()

    for struct (name, p) in layer.named_parameters () do
        if name.EndsWith "bias" then
            p.zero_ () |> ignore

    layer

/// f(x) - f(0) for unit vectors x, as columns.
let private linearPart (bench: Bench) (n: int64) (layer: Layer) =
    let units = Dense.identity bench.Kind n
    (layer.forward units - layer.forward (torch.zeros_like units)).t()

/// The norm of the Jacobian at a point, by autograd.
let private jacobianNorm (layer: Layer) (x: torch.Tensor) =
    let leaf = x.detach().clone().requires_grad_ true

    let rows =
        [|
            for i in 0L .. (layer.forward x).shape[0] - 1L do
                leaf.grad <- null
                (layer.forward leaf).select(0L, i).backward()
                leaf.grad.clone ()
        |]

    Array.reduce max (Dense.singularValues (torch.stack rows))

/// How far |f(x) - f(y)| exceeds g |x - y|, over the sizes of what is subtracted, for pairs far apart and near, and the norm of a Jacobian g.
let private excess (bench: Bench) (seed: int) (n: int64) (bound: float) (layer: Layer) =
    let lengths (x: torch.Tensor) = x.norm -1

    let ofPairs (x: torch.Tensor) (y: torch.Tensor) =
        let fx, fy, allowed = layer.forward x, layer.forward y, bound * lengths (x - y)
        let excess = (lengths (fx - fy) - allowed) / (lengths fx + lengths fy + allowed)
        excess.max().``to``(torch.float64).item<float>()

    let x, y =
        Seed.normal seed bench.Kind [ 64L; n ] * 2.0, Seed.normal (seed + 1) bench.Kind [ 64L; n ] * 2.0

    [
        ofPairs x y
        ofPairs x (x + y * 0.01)
        for i in 0L .. 3L do
            jacobianNorm layer x[i] / bound - 1.0
    ]
    |> List.reduce max

let internal layers (case: Case) : (string * int64 * float * Layer) list =
    let n, m = int64 case.Size, int64 case.Second

    [
        "almost orthogonal", n, 1.0, new AlmostOrthogonalLayer(case.Seed, n, m)
        "residual", n, 1.0, new LipschitzResidualLayer(case.Seed, n, m)
        "wide residual", m, 1.0, new LipschitzResidualLayer(case.Seed, m, n)
        "sandwich", n, 1.0, new SandwichLayer(case.Seed, n, m)
        "sandwich of tanh", m, 1.0, new SandwichLayer(case.Seed, m, n, tanh)
        "network", n, 3.0, new LipschitzNetwork(case.Seed, 3.0, [ n; m; n + 1L; m ])
        "network of tanh", n, 0.5, new LipschitzNetwork(case.Seed, 0.5, [ n; 4L; m ], tanh)
        "network of one layer", n, 2.0, new LipschitzNetwork(case.Seed, 2.0, [ n; m ])
    ]

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Lipschitz layers on {bench}"
        [
            check "expand no two points, nor any direction, beyond their bound, whatever their parameters" (fun case ->
                layers case
                |> List.map (fun (_, n, bound, layer) ->
                    use layer = shaken bench case.Seed layer
                    excess bench case.Seed n bound layer)
                |> List.reduce max
                |> Property.within bench.Iteration "excess")

            check "treat a batch as its elements, in their own type" (fun case ->
                layers case
                |> List.map (fun (_, n, _, layer) ->
                    use layer = shaken bench case.Seed layer
                    let x = Seed.normal case.Seed bench.Kind [ 2L; 3L; n ]
                    let together = layer.forward x
                    let alone = layer.forward x[1L, 2L]
                    let empty = layer.forward (x.narrow (1L, 0L, 0L))

                    if
                        together.dtype <> bench.Kind.Dtype
                        || empty.shape <> [| 2L; 0L; together.shape[2] |]
                    then
                        infinity
                    else
                        Dense.apart together[1L, 2L] alone)
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "almost orthogonal: the map and the bias" (fun case ->
                let n, m = int64 case.Size, int64 case.Second
                use layer = new AlmostOrthogonalLayer(case.Seed, n, m)
                shaken bench case.Seed layer |> ignore
                let x = Seed.normal case.Seed bench.Kind [ 4L; n ]

                let expected =
                    (Lipschitz.almostOrthogonal (parameter layer "weight")).Apply x
                    + parameter layer "bias"

                Law.distance (layer.forward x) expected
                |> Property.within bench.Product "distance")

            check "residual: the formula of the paper, entry by entry" (fun case ->
                let n, hidden = int64 case.Size, int64 case.Second
                use layer = new LipschitzResidualLayer(case.Seed, n, hidden)
                shaken bench case.Seed layer |> ignore
                let w, bias = parameter layer "weight", parameter layer "bias"
                let q = (parameter layer "logarithm").exp()
                let gram = w.t().matmul(w).abs()
                let t = (gram * q.unsqueeze 0L / q.unsqueeze 1L).sum -1L
                let x = Seed.normal case.Seed bench.Kind [ 4L; n ]
                let expected = x - 2.0 * ((x.matmul w + bias).relu() / t).matmul(w.t ())

                Law.distance (layer.forward x) expected
                |> Property.within bench.Product "distance")

            check "residual: orthonormal columns and an open relu give a reflection" (fun case ->
                let n, hidden = int64 (max case.Size case.Second), int64 (min case.Size case.Second)
                use layer = new LipschitzResidualLayer(case.Seed, n, hidden)
                layer.``to`` bench.Kind.Dtype |> ignore
                let q = Dense.frame case.Seed bench.Kind n hidden
                set layer "weight" q
                set layer "bias" (torch.ones (hidden, dtype = bench.Kind.Dtype) * 10.0)
                let expected = Dense.identity bench.Kind n - 2.0 * q.matmul (q.t ())

                Law.distance (linearPart bench n layer) expected
                |> Property.within bench.Iteration "distance")

            testCase "residual: only differences of logarithms count, also of huge ones" (fun () ->
                use _ = torch.NewDisposeScope()
                use layer = new LipschitzResidualLayer(1, 5L, 3L)
                shaken bench 1 layer |> ignore
                let x = Seed.normal 2 bench.Kind [ 4L; 5L ]

                let at (shift: float) =
                    set layer "logarithm" (torch.tensor([| shift; shift + 0.5; shift - 0.5 |]).``to`` bench.Kind.Dtype)
                    layer.forward x

                Expect.isLessThanOrEqual (Law.distance (at 512.0) (at 0.0)) bench.Product "shifted"
                Expect.isLessThanOrEqual (Law.distance (at -2048.0) (at 0.0)) bench.Product "shifted down"
                set layer "logarithm" (torch.tensor([| 2000.0; -2000.0; 0.0 |]).``to`` bench.Kind.Dtype)
                Expect.isTrue ((layer.forward x).isfinite().all().item<bool>()) "far apart")

            testCase "are finite, as are their gradients, at zero weights" (fun () ->
                use _ = torch.NewDisposeScope()

                for name, n, _, layer in
                    layers
                        {
                            Size = 3
                            Second = 2
                            Batch = []
                            Seed = 1
                        } do
                    layer.``to`` bench.Kind.Dtype |> ignore

                    for p in layer.parameters () do
                        use _ = torch.no_grad ()
                        p.zero_ () |> ignore

                    let y = layer.forward (Seed.normal 1 bench.Kind [ 5L; n ])
                    y.sum().backward()

                    let finite (x: torch.Tensor) =
                        isNull x || x.isfinite().all().item<bool>()

                    Expect.isTrue (finite y) name
                    Expect.all (layer.parameters ()) (fun p -> finite p.grad) $"{name}, gradients")

            check "sandwich: with slopes 1 it is 2 A^T B x + sqrt 2 A^T Psi b" (fun case ->
                let n, m = int64 case.Size, int64 case.Second
                use layer = new SandwichLayer(case.Seed, n, m, identity)
                shaken bench case.Seed layer |> ignore
                let weight = parameter layer "weight"
                let scaled = weight * (parameter layer "scale" / weight.norm ())
                let x, y = scaled.narrow (0L, 0L, m), scaled.narrow (0L, m, n)
                let struct (a, _) = Lipschitz.cayleyPair x y

                let constant =
                    (sqrt 2.0 * (parameter layer "psi").exp() * parameter layer "bias").matmul a

                let input = Seed.normal case.Seed bench.Kind [ 4L; n ]
                let expected = (Lipschitz.sandwichLinear x y).Apply input + constant

                // Psi is up to e^5: what is divided by it and multiplied by it again.
                Law.distance (layer.forward input) expected
                |> Property.within bench.Iteration "distance")

            check "sandwich: the activation acts between B and A^T" (fun case ->
                let n, m = int64 case.Size, int64 case.Second
                use layer = new SandwichLayer(case.Seed, n, m, tanh)
                shaken bench case.Seed layer |> ignore
                let weight, psi = parameter layer "weight", (parameter layer "psi").exp()
                let scaled = weight * (parameter layer "scale" / weight.norm ())

                let struct (a, b) =
                    Lipschitz.cayleyPair (scaled.narrow (0L, 0L, m)) (scaled.narrow (0L, m, n))

                let input = Seed.normal case.Seed bench.Kind [ 4L; n ]

                let inner =
                    sqrt 2.0 * torch.diag(1.0 / psi).matmul(b).matmul(input.t ())
                    + (parameter layer "bias").unsqueeze 1L

                let expected = (sqrt 2.0 * a.t().matmul(torch.diag psi).matmul(inner.tanh ())).t()

                Law.distance (layer.forward input) expected
                |> Property.within bench.Iteration "distance")

            testCase "sandwich: the bound is reached" (fun () ->
                use _ = torch.NewDisposeScope()
                use layer = new SandwichLayer(1, 1L, 1L)
                layer.``to`` bench.Kind.Dtype |> ignore
                let t = tan (Math.PI / 8.0)
                set layer "weight" (torch.tensor([| 0.0; t |]).reshape(2L, 1L).``to`` bench.Kind.Dtype)
                set layer "scale" (torch.tensor(t).``to`` bench.Kind.Dtype)
                set layer "psi" (torch.tensor([| 2.0 |]).``to`` bench.Kind.Dtype)
                let norm = jacobianNorm layer (torch.tensor([| -1.0 |]).``to`` bench.Kind.Dtype)
                Expect.isLessThanOrEqual (abs (norm - 1.0)) bench.Product "slope")

            check "network: the linear parts are g times those of g = 1, and end in g B" (fun case ->
                let n, m = int64 case.Size, int64 case.Second

                let part (bound: float) (widths: int64 list) =
                    use network = new LipschitzNetwork(case.Seed, bound, widths, identity)
                    linearPart bench n (unbiased (shaken bench case.Seed network))

                use last = new LipschitzNetwork(case.Seed, 7.0, [ n; m ], identity)
                unbiased (shaken bench case.Seed last) |> ignore
                let weight = parameter last "weight"
                let scaled = weight * (parameter last "scale" / weight.norm ())

                let struct (_, b) =
                    Lipschitz.cayleyPair (scaled.narrow (0L, 0L, m)) (scaled.narrow (0L, m, n))

                max
                    (Law.distance (linearPart bench n last) (7.0 * b))
                    (Dense.apart (part 7.0 [ n; m; 3L ]) (7.0 * part 1.0 [ n; m; 3L ]))
                |> Property.within bench.Iteration "distance")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()

                for name, n, _, layer in
                    layers
                        {
                            Size = 3
                            Second = 2
                            Batch = []
                            Seed = 1
                        } do
                    layer.``to`` bench.Kind.Dtype |> ignore
                    let x = Seed.normal 1 bench.Kind [ 5L; n ]
                    Expect.equal (Dense.growthOfResults (fun () -> [ layer.forward x ])) 0L name

                    Dense.growth (fun () -> (layer.forward (x.requires_grad_ true)).sum().backward())
                    |> fun grown -> Expect.equal grown 0L $"{name}, backward")
        ]

let tests = testList "Lipschitz layers" (Bench.real |> List.map laws)
