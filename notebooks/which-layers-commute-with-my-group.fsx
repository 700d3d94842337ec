(**
# Which linear layers commute with my group?

**The question.** Relabel the vertices of a graph, or turn a molecule: a network that knows better than to care must be built of layers that commute with
relabelling or turning. Which linear layers do, how many weights have they, and what may stand between them?

**What to take away.** Every such layer is a weighted sum of a few fixed maps, and each map is a small picture: a diagram. `Equivariant.linear` makes the layer from the
group and the features; `Equivariant.check` measures that it commutes; `Equivariant.mayApply` says which activations may follow. What the group already
says need not be learned: fewer weights, fewer samples, and for permutations the same weights at every size.
*)
(*** condition: ipynb ***)
#load "../scripts/figures.fsx"
(*** condition: prepare ***)
#load "../scripts/figures.fsx"
(** *)
open TorchSharp
open Plotly.NET
open Ortho
open Ortho.Lab

(**
## How many layers there are

A group of n x n matrices g acts on vectors by `x -> g x`, on matrices by `A -> g A gᵀ`, and on tensors of order k on each of their k axes. A linear map from tensors of order k
to tensors of order l commutes with the group if it does not matter whether g acts before it or after it. These maps form a space; its dimension is the number of weights
of a layer, for each pair of an input and an output channel. For the groups here it depends on k + l alone, and there is a formula (`Basis.dimension`).

All groups of the table act on R⁴. Each number is also found without any formula, as the dimension of a null space (`Rep.invariantDimension`); a cell
would show both if they differed.
*)
let groups =
    [
        Group.symmetric 4 // all permutations of the coordinates
        Group.alternating 4 // the even ones
        Group.automorphisms (Graph.Cycle 4) // those that keep the edges of a square
        Group.orthogonal 4 // rotations and mirror images
        Group.specialOrthogonal 4 // rotations
        Group.symplectic 4 // linear maps that keep areas in the two planes of position and momentum, summed
    ]

let orders = [ 1..4 ]

let dimension group order =
    let formula = Basis.dimension group order 0
    let found = Rep.vector group |> Rep.tensorPower order |> Rep.invariantDimension

    if formula = bigint found then
        string formula
    else
        $"{formula} or {found}?"

Report.format
    ("commutes with" :: [ for order in orders -> $"k + l = {order}" ])
    [
        yield "nothing: any matrix" :: [ for order in orders -> string (pown 4 order) ]
        for group in groups -> string group :: List.map (dimension group) orders
    ]
|> printfn "%s"
(*** include-output ***)

(**
The larger the group, the fewer the weights. Every map that commutes with permutations commutes with the even ones; so A_n has at least the maps of S_n, and at small n a few more.
A map of O(n) for odd k + l would change its sign under `-1`, which lies in O(n): there is none but 0.

For S_n nothing grows with n, once n is as large as k + l:
*)
Report.format
    [ "order 2 to order 2"; "weights of S_n"; "of O(n)"; "any matrix" ]
    [
        for n in [ 2; 3; 4; 5; 10; 100 ] ->
            [
                $"n = {n}"
                string (Basis.dimension (Group.symmetric n) 2 2)
                string (Basis.dimension (Group.orthogonal n) 2 2)
                string (pown (bigint n) 4)
            ]
    ]
|> printfn "%s"
(*** include-output ***)

(**
## Each layer is a picture

A diagram has a row of dots on top, one for each axis of the output, and one below, for each axis of the input. Dots of one colour are joined: their indices are equal. An
input index that is joined to no output is summed over; an output index that is joined to no input is free, and the output the same along it. These are all the
diagrams from two dots to two, fifteen of them, and what each does to a matrix A: "row sums → diagonal" puts the sum of row i at place (i, i),
"row sums\n→ rows" puts it at all places of row i. The formulas are not taken on trust: each is compared with the map of its diagram (`Functor.diagram`).
*)
let n = 5
let diagonal (v: torch.Tensor) = torch.diag_embed v

let alongRows (v: torch.Tensor) =
    v.unsqueeze(-1L).expand(int64 n, int64 n) // B[i, j] = v[i]

let alongColumns (v: torch.Tensor) =
    v.unsqueeze(-2L).expand(int64 n, int64 n) // B[i, j] = v[j]

let everywhere (t: torch.Tensor) = t.expand (int64 n, int64 n)
let ones = torch.ones (int64 n, dtype = torch.float64)

/// Dots: 0 and 1 are the output's (B's row, B's column), 2 and 3 the input's (A's row, A's column).
let fifteen: (string * int list list * (torch.Tensor -> torch.Tensor)) list =
    [
        "A itself", [ [ 0; 2 ]; [ 1; 3 ] ], id
        "A transposed", [ [ 0; 3 ]; [ 1; 2 ] ], _.mT
        "only its diagonal", [ [ 0; 1; 2; 3 ] ], (fun a -> diagonal (a.diagonal ()))
        "row sums → diagonal", [ [ 0; 1; 2 ]; [ 3 ] ], (fun a -> diagonal (a.sum 1L))
        "column sums → diagonal", [ [ 0; 1; 3 ]; [ 2 ] ], (fun a -> diagonal (a.sum 0L))
        "row sums\n→ rows", [ [ 0; 2 ]; [ 1 ]; [ 3 ] ], (fun a -> alongRows (a.sum 1L))
        "row sums\n→ columns", [ [ 1; 2 ]; [ 0 ]; [ 3 ] ], (fun a -> alongColumns (a.sum 1L))
        "column sums\n→ rows", [ [ 0; 3 ]; [ 1 ]; [ 2 ] ], (fun a -> alongRows (a.sum 0L))
        "column sums\n→ columns", [ [ 1; 3 ]; [ 0 ]; [ 2 ] ], (fun a -> alongColumns (a.sum 0L))
        "diagonal → rows", [ [ 0; 2; 3 ]; [ 1 ] ], (fun a -> alongRows (a.diagonal ()))
        "diagonal → columns", [ [ 1; 2; 3 ]; [ 0 ] ], (fun a -> alongColumns (a.diagonal ()))
        "trace → diagonal", [ [ 0; 1 ]; [ 2; 3 ] ], (fun a -> diagonal (a.trace().mul ones))
        "trace → everywhere", [ [ 2; 3 ]; [ 0 ]; [ 1 ] ], (fun a -> everywhere (a.trace ()))
        "sum → diagonal", [ [ 0; 1 ]; [ 2 ]; [ 3 ] ], (fun a -> diagonal (a.sum().mul ones))
        "sum → everywhere", [ [ 0 ]; [ 1 ]; [ 2 ]; [ 3 ] ], (fun a -> everywhere (a.sum ()))
    ]

let named =
    [
        for name, blocks, formula in fifteen -> name, Diagram.ofBlocks 2 2 blocks, formula
    ]

let matrix = Seed.normal 1 TensorKind.float64 [ int64 n; int64 n ]

let worst =
    named
    |> List.map (fun (_, diagram, formula) -> Law.distance ((Functor.diagram n diagram).Apply matrix) (formula matrix))
    |> List.max

let diagrams = named |> List.map (fun (_, diagram, _) -> diagram)
printfn "all of S_%d from order 2 to order 2: %b" n (set diagrams = set (Basis.diagrams (Group.symmetric n) 2 2))
printfn "largest distance of a formula from its diagram: %s" (Report.number worst)
(*** include-output ***)

[ for name, diagram, _ in named -> name, diagram ]
|> DiagramPicture.grid 5
|> Figure.titled "What commutes with relabelling: 15 diagrams, 15 things to do to a matrix"
|> Figure.cell "which-layers-commute-with-my-group-permutations"
(*** include-it-raw ***)
(**
![Fifteen small diagrams of two rows of two dots, with captions.](pictures/which-layers-commute-with-my-group-permutations.png)

For O(n) only pairs are left: a turn does not respect single coordinates, so no index may be summed over or repeated alone. Rotations, whose
determinant is 1, have besides these the diagrams with a *head*: the sign of a permutation of n free indices. From two axes of R³ to one
that is the cross product.
*)
let pairs = Brauer.enumerate 0 2 2 // no free dots
let crossing = Brauer.enumerate 3 2 1 |> Array.exactlyOne // three

let u, v =
    Seed.normal 2 TensorKind.float64 [ 3L ], Seed.normal 3 TensorKind.float64 [ 3L ]

let product = (HeadFunctor.determinant 3 crossing).Apply(torch.outer (u, v))

let distance =
    [ torch.linalg.cross (u, v); torch.linalg.cross (v, u) ]
    |> List.map (Law.distance product)

printfn
    "distance of the diagram of u vᵀ from u x v: %s, from v x u: %s"
    (Report.number distance[0])
    (Report.number distance[1])
(*** include-output ***)

let nameOf diagram =
    named |> List.pick (fun (name, d, _) -> if d = diagram then Some name else None)

[
    for d in pairs do
        nameOf d, DiagramPicture.sketch DiagramPicture.hollow d
    "cross product, SO(3) only", DiagramPicture.sketch DiagramPicture.determinant crossing
]
|> Sketch.grid 4
|> Figure.titled "What commutes with turning: the three of O(3), and one of SO(3) with a head"
|> Figure.cell "which-layers-commute-with-my-group-rotations"
(*** include-it-raw ***)
(**
![Three diagrams of two pairs each, and one whose three dots are tied to a bar.](pictures/which-layers-commute-with-my-group-rotations.png)

## A layer by the front door

`Features.tensors order channels` says what a layer reads and what it writes. Channels are the last axis, and the group leaves them alone: every
diagram gets a small matrix of weights, input channels by output channels. Features of several orders are summed by `+`; then an element is one flat
vector. `Features.local` has an order for each factor of a product of groups.
*)
let parameters (layer: torch.nn.Module) =
    layer.parameters () |> Seq.sumBy _.numel()

let layers =
    [
        Equivariant.linear 1 (Group.symmetric 8) (Features.tensors 2 1) (Features.tensors 2 16)
        Equivariant.linear 1 (Group.symmetric 8) (Features.tensors 2 1 + Features.tensors 1 3) (Features.tensors 1 16) // a graph with 3 numbers at each vertex
        Equivariant.linear 1 (Group.orthogonal 3) (Features.tensors 2 4) (Features.tensors 2 4)
        Equivariant.linear 1 (Group.specialOrthogonal 3) (Features.tensors 2 4) (Features.tensors 1 4)
        Equivariant.local
            1
            [ Group.symmetric 5; Group.orthogonal 3 ]
            (Features.local [ 1; 1 ] 1)
            (Features.local [ 2; 1 ] 4)
    ]

Report.format
    [
        "group"
        "reads, channels x (order)"
        "writes"
        "parameters"
        "of a dense layer"
        "does not commute by"
    ]
    [
        for layer in layers ->
            let sizes =
                [ layer.Input; layer.Output ]
                |> List.map (fun features -> (Features.space (Seq.toArray layer.Groups) features).Size)

            [
                String.concat " x " [ for group in layer.Groups -> string group ]
                string layer.Input
                string layer.Output
                string (parameters layer)
                string (sizes[0] * sizes[1] + sizes[1])
                Report.number (Equivariant.check 1 layer)
            ]
    ]
|> printfn "%s"
(*** include-output ***)

(**
(In single precision rounding is about 1e-7.)

## What may stand between layers

A pointwise activation must commute as well. Permutations move numbers about, and no function applied to each minds that. Rotations mix coordinates, and
every function but a linear one minds. `Equivariant.mayApply` decides, exactly, and says why:
*)
let afterGraphs = Features.rep [| Group.symmetric 8 |] 0 (Features.tensors 2 16)
let afterVectors = Features.rep [| Group.orthogonal 3 |] 0 (Features.tensors 1 16)
let afterScalars = Features.rep [| Group.orthogonal 3 |] 0 (Features.tensors 0 16)

for rep in [ afterGraphs; afterVectors; afterScalars ] do
    for activation in [ PointwiseActivation.relu; PointwiseActivation.tanh ] do
        printfn "%O\n" (Equivariant.mayApply activation rep)
(*** include-output ***)

(**
What one does with vectors instead: act on what does not turn. A *gate* multiplies each vector by a function of its length; products of vectors (u·v, u vᵀ) give new scalars
and matrices, on scalars any activation is allowed, and the next linear layer mixes what has come out.
*)
let gate (x: torch.Tensor) =
    x * x.norm(-2, keepdim = true).sigmoid() // x: [*; 3; channels]

let lengths (x: torch.Tensor) = x.norm(-2).relu()

Report.format
    [ "function of 16 vectors in R³"; "does not commute with O(3) by" ]
    [
        for name, target, f in
            [
                "ReLU of each coordinate", afterVectors, (fun (x: torch.Tensor) -> x.relu ())
                "a gate: x times the sigmoid of its length", afterVectors, gate
                "ReLU of the lengths, which are scalars", afterScalars, lengths
            ] ->
            [
                name
                Report.number (Rep.residual 1 TensorKind.float32 (afterVectors, target) f)
            ]
    ]
|> printfn "%s"
(*** include-output ***)

(**
## Three weights that are a law of physics

The moment of inertia of a cloud of masses, `I = sum of m (|r|² 1 - r rᵀ)`, is an equivariant linear function of `S = sum of m r rᵀ`. So it is a sum of O(3)'s three
diagrams, and one cloud tells their weights. (A dense 9 x 9 matrix would need six clouds, as symmetric matrices have six entries.)
*)
let inertia seed =
    let r = Seed.normal seed TensorKind.float64 [ 10L; 3L ]
    let m = Seed.uniform (Seed.derive seed 1) TensorKind.float64 [ 10L; 1L ]
    let s = r.mT.matmul (m * r)
    s, (m * r * r).sum() * torch.eye (3L, dtype = torch.float64) - s

let s, i = inertia 1
let maps = Basis.diagram (Group.orthogonal 3) 2 2 // in the order of `pairs`
let weights = Basis.coordinates [| for map in maps -> map.Apply s |] i

let fitted =
    Array.map2 LinearMap.scale (weights.data<double>().ToArray()) maps
    |> Array.reduce (+)

for diagram, weight in Array.zip pairs (weights.data<double>().ToArray()) do
    printfn "%s: %.6f" (nameOf diagram) weight

let fresh, truth = inertia 2
printfn "relative error on another cloud: %s" (Report.number (Law.distance (fitted.Apply fresh) truth))
(*** include-output ***)

(**
The trace on the diagonal has weight 1, and S, which is its own transpose, shares its -1 between the two.

## A task of graphs: the spectral radius

Random graphs of 8 vertices; to be learned is the largest eigenvalue of the adjacency matrix over n (shifted and scaled to a mean of about 0 and a size of about 1). Relabelling
the vertices does not change it. Everything that the tasks need of the group: how it acts on what goes in and on what comes out.
*)
type Task =
    {
        Groups: Group[]
        Input: Features
        Output: Features
    }

let kind = TensorKind.float32

/// How each factor of the group acts on input and output.
let actions task =
    [
        for factor in 0 .. task.Groups.Length - 1 ->
            task.Groups[factor], Features.rep task.Groups factor task.Input, Features.rep task.Groups factor task.Output
    ]

/// How far a network is from commuting with the group: rounding, or of the order of 0.1 to 1.
let residual task (network: torch.Tensor -> torch.Tensor) =
    actions task
    |> List.map (fun (_, rho, sigma) -> Rep.residual 1 kind (rho, sigma) network)
    |> List.max

/// A batch moved by a random element of the group, answers included: augmentation.
let moved task seed (x: torch.Tensor, y: torch.Tensor) =
    ((x, y), actions task)
    ||> List.fold (fun (x, y) (group, rho, sigma) ->
        let g = Group.random seed group
        (rho.Of g).Apply x, (sigma.Of g).Apply y)

let graphs n =
    {
        Groups = [| Group.symmetric n |]
        Input = Features.tensors 2 1
        Output = Features.tensors 0 1
    }

/// Adjacency matrices, [count; n; n; 1], of graphs with edge probabilities between 0.2 and 0.8, and their scaled spectral radii, [count; 1].
let randomGraphs seed (n: int64) (count: int64) =
    use scope = torch.NewDisposeScope()
    let p = 0.2 + 0.6 * Seed.uniform (Seed.derive seed 1) kind [ count; 1L; 1L ]

    let above =
        (Seed.uniform seed kind [ count; n; n ]).lt(p).``to``(torch.float32).triu 1L

    let a = above + above.mT
    let radius = torch.linalg.eigvalsh(a).narrow(-1L, n - 1L, 1L)
    let struct (x, y) = scope.MoveToOuter(a.unsqueeze -1L, 6.0 * radius / float n - 3.0)
    x, y

(**
The network: matrices to matrices to matrices to scalars, ReLU between. It shall work at any n with the same weights, so here the weights stand alone, and
`Equivariant.ofWeight` makes the layer for the n at hand. One thing has to be said: diagrams *add up*, and sums over vertices grow with n. Divided by n for each index that is summed
over they are averages, which do not. An input index is summed over where its block touches no output: `BottomBlocks` counts these.
*)
/// Weights of average-taking layers from order 2 to order l, shape [dim Hom; c; d].
let averages (n: int) l =
    [|
        for diagram in Basis.diagrams (Group.symmetric n) 2 l -> float32 n ** -float32 diagram.BottomBlocks.Length
    |]
    |> torch.tensor
    |> _.reshape(-1L, 1L, 1L)

/// From scalars to scalars: a dense layer, as every matrix commutes with a group that does nothing.
let scalarLayer seed c d =
    Equivariant.linear seed (Group.symmetric 1) (Features.tensors 0 c) (Features.tensors 0 d)

type GraphNetwork(seed: int, channels: int64) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("GraphNetwork")

    let weight part l c d =
        let count = int64 (Basis.dimension (Group.symmetric 8) 2 l)
        let scale = sqrt (2.0 / float (count * c))
        new Modules.Parameter(scale * Seed.normal (Seed.derive seed part) kind [ count; c; d ])

    let bias part =
        new Modules.Parameter(0.1 * Seed.normal (Seed.derive seed part) kind [ channels ])

    let first, second, pool =
        weight 1 2 1L channels, weight 2 2 channels channels, weight 3 0 channels channels

    let bias1, bias2, bias3 = bias 4, bias 5, bias 6
    let last = scalarLayer seed (int channels) 1
    do this.RegisterComponents()

    // No dispose scope of its own: the maps must live until gradients have gone back through them.
    override _.forward x =
        let n = int (x.size 1)

        let layer l (weight: torch.Tensor) (x: torch.Tensor) =
            (Equivariant.ofWeight (Group.symmetric n) (2, l) (weight * averages n l)).Apply x

        (layer 2 first x + bias1).relu()
        |> fun x -> (layer 2 second x + bias2).relu()
        |> fun x -> (layer 0 pool x + bias3).relu()
        |> last.forward

(**
To compare with: a network of dense layers with more parameters, trained as it is and on batches that are relabelled at random. The number of channels
or the width (one of two) and the step size (one of three) were chosen for each network on samples of their own, none of which appear below. One thing was not equal: the
form of the network of bodies, further down, took several attempts, while the dense networks keep their usual form.
*)
let dense seed (inputs: int) (width: int) (output: int64 list) =
    let layer part = scalarLayer (Seed.derive seed part)
    let outputs = int (List.reduce (*) output)

    torch.nn.Sequential(
        torch.nn.Flatten 1L :> torch.nn.Module<torch.Tensor, torch.Tensor>,
        layer 1 inputs width,
        torch.nn.ReLU(),
        layer 2 width width,
        torch.nn.ReLU(),
        layer 3 width outputs,
        torch.nn.Unflatten(1L, List.toArray output)
    )

type Network = torch.nn.Module<torch.Tensor, torch.Tensor>

type Contender =
    {
        Name: string
        /// By seed.
        Network: int -> Network
        /// The first step size of Adam.
        Rate: float
        /// What is done to a batch, by seed.
        Change: int -> torch.Tensor * torch.Tensor -> torch.Tensor * torch.Tensor
    }

let contender name rate change network =
    {
        Name = name
        Network = network
        Rate = rate
        Change = change
    }

/// 400 steps of Adam on batches of 32, step sizes falling to 0.
let train contender seed (x: torch.Tensor, y: torch.Tensor) =
    let network = contender.Network seed
    let steps = 400
    use optimizer = torch.optim.Adam(network.parameters (), contender.Rate)
    let schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, float steps)

    for step in 1..steps do
        use _ = torch.NewDisposeScope()
        let order = (Seed.uniform (Seed.derive seed step) kind [ x.size 0 ]).argsort 0L
        let chosen = order.narrow (0L, 0L, min 32L (x.size 0))

        let x, y =
            contender.Change (Seed.derive seed -step) (x.index_select (0L, chosen), y.index_select (0L, chosen))

        optimizer.zero_grad ()
        torch.nn.functional.mse_loss(network.forward x, y).backward()
        optimizer.step () |> ignore
        schedule.step ()

    network

/// The root mean square error over that of the best constant: 1 is having learned nothing.
let error (x: torch.Tensor, y: torch.Tensor) (network: Network) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let size (t: torch.Tensor) = float (t.norm().item<float32>())
    size (network.forward x - y) / size (y - y.mean ([| 0L |], keepdim = true))

let sizes = [ 15; 50; 150; 500 ]
let seeds = Experiment.size [ 1; 2; 3 ] [ 1 ] // one seed with --quick

/// All contenders, trained on the first samples, for each number of them and each seed.
let race (x: torch.Tensor, y: torch.Tensor) contenders =
    [
        for contender in contenders ->
            contender.Name,
            [
                for size in sizes do
                    for seed in seeds ->
                        size, train contender seed (x.narrow (0L, 0L, int64 size), y.narrow (0L, 0L, int64 size))
            ]
    ]

let errors test runs =
    [ for size, network in runs -> size, error test network ]

/// Each run is a point, a line joins the medians.
let compare title (curves: (string * (int * float) list) list) =
    [
        for (name, points), colour in Seq.zip curves Figure.palette do
            let colour = Color.fromString colour

            let middle runs =
                (runs |> List.map snd |> List.sort)[List.length runs / 2]

            let medians = [ for size, runs in List.groupBy fst points -> size, middle runs ]
            Chart.Line(medians, Name = name, LineColor = colour)
            Chart.Point(points, MarkerColor = colour, ShowLegend = false)
    ]
    |> Chart.combine
    |> Figure.themed title "number of training samples" "error (1: nothing learned)"
    |> Chart.withXAxis (
        LayoutObjects.LinearAxis.init (
            AxisType = StyleParam.AxisType.Log,
            TickVals = sizes,
            TickText = List.map string sizes
        )
    )
    |> Figure.logarithmicY

/// The same on given samples: how far the answers to moved samples are from the moved answers.
let residualOn task (x: torch.Tensor, _: torch.Tensor) (network: Network) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    [
        for seed in 1..4 ->
            let movedX, movedY = moved task seed (x, network.forward x)
            Law.distance (network.forward movedX) movedY
    ]
    |> List.max

/// Parameters, and how far the networks are from commuting, first and after training on the most samples.
let summary task test (contenders: Contender list) (results: (string * (int * Network) list) list) =
    Report.format
        [
            "network"
            "parameters"
            "untrained, noise"
            "trained, noise"
            "trained, new samples"
        ]
        [
            for contender, (_, runs) in List.zip contenders results ->
                let first, last = contender.Network(List.last seeds), snd (List.last runs)

                [
                    contender.Name
                    string (parameters first)
                    Report.number (residual task first.forward)
                    Report.number (residual task last.forward)
                    Report.number (residualOn task test last)
                ]
        ]

let unchanged _ batch = batch

let eight = graphs 8

let contenders =
    [
        contender "commutes with S_8" 0.01 unchanged (fun seed -> new GraphNetwork(seed, 12L))
        contender "dense" 0.03 unchanged (fun seed -> dense seed 64 64 [ 1L ])
        contender "dense, relabelled samples" 0.01 (moved eight) (fun seed -> dense seed 64 64 [ 1L ])
    ]

let results = race (randomGraphs 11 8L 500L) contenders
let graphs8, graphs12 = randomGraphs 12 8L 1000L, randomGraphs 13 12L 1000L
printfn "%s" (summary eight graphs8 contenders results)
(*** include-output ***)

(**
How far each is from commuting, for random matrices (noise) and for graphs that were not trained on. The first network commutes before it has seen a graph, and cannot unlearn
it. The others learn to, as well as they learn the task and for such samples as they have seen: augmentation teaches the symmetry, it does not grant it.

The error on a thousand graphs that were not trained on, and of the first network on a thousand graphs of 12 vertices. It has never seen one; its weights
are the same, only the averages run over more vertices (its error is over the spread of those graphs). The dense networks cannot read such a graph at all.
*)
[
    for name, runs in results do
        name, errors graphs8 runs
    "commutes with S_n, tested at n = 12", errors graphs12 (snd results[0])
]
|> compare "Spectral radius of random graphs of 8 vertices: error on new graphs"
|> Figure.cell "which-layers-commute-with-my-group-graphs"
(*** include-it-raw ***)
(**
![Errors against the number of training graphs, every run a point, lines through the medians.](pictures/which-layers-commute-with-my-group-graphs.png)

## A task of bodies: S_n x O(3)

Five bodies with masses attract each other; to be learned are their accelerations. Renumber the bodies, and the accelerations are renumbered;
turn or mirror space, and they turn along. In features: positions have order 1 for S_5 and order 1 for O(3), masses order 1 and 0, accelerations 1 and 1.
*)
let bodies =
    {
        Groups = [| Group.symmetric 5; Group.orthogonal 3 |]
        Input = Features.local [ 1; 1 ] 1 + Features.local [ 1; 0 ] 1
        Output = Features.local [ 1; 1 ] 1
    }

/// Positions and masses, [count; 5 * 3 + 5], and accelerations, [count; 5; 3; 1].
let clouds seed (count: int64) =
    use scope = torch.NewDisposeScope()
    let r = Seed.normal seed kind [ count; 5L; 3L ]
    let m = 2.0 * Seed.uniform (Seed.derive seed 1) kind [ count; 5L ]
    let between = r.unsqueeze 1L - r.unsqueeze 2L // [i, j]: r_j - r_i
    let softened = between.square().sum(-1L, keepdim = true) + 1.0
    let pull = m.reshape (count, 1L, 5L, 1L) * between / (softened * softened.sqrt ())

    let struct (x, y) =
        scope.MoveToOuter(torch.cat ([| r.flatten 1L; m |], -1L), pull.sum(2L).unsqueeze -1L)

    x, y

(**
The network goes from bodies to *pairs* of bodies: a vector and a scalar for each pair, several channels of both. The lengths of the vectors are scalars
too, and scalars of pairs may pass through ReLU, since S_5 only moves them about and O(3) does not touch them. So a small network, the same for every pair, turns scalars into gates for
the vectors, and a last layer adds up over the pairs of each body. For a product of groups, ask `mayApply` about each factor:
*)
let vectors, scalars = Features.local [ 2; 1 ], Features.local [ 2; 0 ] // of pairs, by the number of channels

for name, features in [ "vectors", vectors 16; "scalars", scalars 16 ] do
    let allowed =
        [
            for factor in 0..1 ->
                Equivariant.mayApply PointwiseActivation.relu (Features.rep bodies.Groups factor features)
        ]

    printfn "ReLU on %s of pairs: %s" name (if List.forall _.IsAllowed allowed then "yes" else "no")
(*** include-output ***)

type BodyNetwork(seed: int, channels: int) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("BodyNetwork")

    let layer part input output =
        Equivariant.local (Seed.derive seed part) bodies.Groups input output

    let lift = layer 1 bodies.Input (vectors channels + scalars channels)
    let scalarLayer part = scalarLayer (Seed.derive seed part)

    let first, second, third =
        scalarLayer 2 (2 * channels) 32, scalarLayer 3 32 32, scalarLayer 4 32 channels

    let collect = layer 5 (vectors channels) bodies.Output
    do this.RegisterComponents()

    override _.forward x =
        let parts = Features.split bodies.Groups lift.Output (lift.forward x)
        let vectors, scalars = parts[0], parts[1] // [*; 5; 5; 3; channels], [*; 5; 5; channels]
        let squares = vectors.square().sum -2L
        let lengths = squares / (squares.square () + 1.0).sqrt().sqrt() // about the length where it is large, smooth at 0

        let gates =
            torch.cat ([| lengths; scalars |], -1L)
            |> first.forward
            |> fun x -> x.relu ()
            |> second.forward
            |> fun x -> x.relu ()
            |> third.forward

        collect.forward (vectors * gates.unsqueeze -2L)

let rivals =
    let dense seed = dense seed 20 128 [ 5L; 3L; 1L ]

    [
        contender "commutes with S_5 x O(3)" 0.01 unchanged (fun seed -> new BodyNetwork(seed, 16))
        contender "dense" 0.01 unchanged (fun seed -> dense seed)
        contender "dense, renumbered and turned samples" 0.01 (moved bodies) (fun seed -> dense seed)
    ]

let outcomes = race (clouds 11 500L) rivals
let newClouds = clouds 12 1000L
printfn "%s" (summary bodies newClouds rivals outcomes)
(*** include-output ***)

[ for name, runs in outcomes -> name, errors newClouds runs ]
|> compare "Accelerations of five bodies: error on new clouds"
|> Figure.cell "which-layers-commute-with-my-group-bodies"
(*** include-it-raw ***)
(**
![Errors against the number of training clouds, every run a point, lines through the medians.](pictures/which-layers-commute-with-my-group-bodies.png)

Compare the scatter with the slope before reading much into a line: three seeds are few, and 400 steps are short. The network that commutes is easy to constrain and not
always easy to train: its runs differ by where they start more than by how many clouds they saw. What does not depend on luck is the table above.

## Limits

- **High orders cost.** The number of diagrams grows like the Bell numbers, and a tensor of order k has n to the k entries. Contractions are shared and no dense matrix is made, but
  order 4 of S_n to order 4 is thousands of maps. Layers of low order between products made by hand, as above, go far.
- **Order 2 does not see everything.** Networks of order 2 with pointwise activations cannot tell certain graphs apart (those that vertex colouring cannot, 1-WL); matrix
  products between layers, or order 3, can.
- **Small n.** For O(n), SO(n) and Sp(n) the diagrams may depend on each other (`Basis.isIndependent`). Layers choose a basis of them by exact arithmetic, so no weight is idle.
- **Sp(n) is not compact.** There is no mean over the group, random elements stretch, and residuals lose a digit or two.
- **Sums.** Layers of `Equivariant.linear` add up. For one n that is a matter of scale; for weights that serve every n, take averages as above.

To read next: [What is a LinearMap?](what-is-a-linear-map.ipynb) on the maps that layers are made of; `scripts/papers/049-partition-diagrams.fsx` on the two bases
of S_n; Maron et al. 2019 (1812.09902) for graphs; Pearce-Crump 2212.08648 and 2212.08630 for the diagrams; Pacini et al. 2401.09235 for activations.
*)
