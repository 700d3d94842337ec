#!/usr/bin/env -S dotnet fsi
// An Algorithm for Computing with Brauer's Group Equivariant Neural Network Layers (2304.14165): a diagram is a permutation after a planar
// diagram after a permutation, and the planar one a Kronecker product of small matrices. Checked for every small diagram of S_n, O(n), Sp(n)
// and SO(n); then its additions, counted, and the time of diagrams and of whole layers against the dense matrix, where it loses too.
#load "../figures.fsx"

open System
open Plotly.NET
open Plotly.NET.LayoutObjects
open TorchSharp
open Ortho
open Ortho.Lab

let batch = 32
let budget = Experiment.size 0.25 0.04 // seconds for each time
let double = TensorKind.float64

// Four kinds of diagrams: their maps, and the entries of their matrices by definition.

/// All words of m values, in the order of rows and columns.
let rec words (n: int) (m: int) : int list list =
    if m = 0 then
        [ [] ]
    else
        [
            for first in 0 .. n - 1 do
                for rest in words n (m - 1) -> first :: rest
        ]

/// The sign of a word as a permutation; 0 if a value repeats.
let rec signOf (word: int list) =
    match word with
    | first :: rest when List.contains first rest -> 0
    | first :: rest -> pown -1 (rest |> List.filter (fun v -> v < first) |> List.length) * signOf rest
    | [] -> 1

type Family =
    {
        Group: int -> Group
        Size: int // n
        Most: int // vertices l + k
        Diagrams: int -> int -> Diagram[]
        Map: Diagram -> LinearMap
        /// What a block gives for the values of its vertices; of free vertices the sign of all is apart.
        Block: Diagram -> int[] -> int list -> int
        HasHead: bool
    }

    member family.Name = string (family.Group family.Size)

let partitions =
    {
        Group = Group.symmetric
        Size = 3
        Most = Experiment.size 6 5
        Diagrams = Diagram.enumerate
        Map = Functor.diagram 3
        Block = fun _ _ values -> if List.forall ((=) values.Head) values then 1 else 0
        HasHead = false
    }

let pairs =
    { partitions with
        Group = Group.orthogonal
        Most = 6
        Diagrams = Brauer.enumerate 0
    }

let forms =
    { pairs with
        Group = Group.symplectic
        Size = 4
        Most = Experiment.size 6 4
        Map = SymplecticFunctor.raw 4
        Block =
            fun d block values ->
                let a, b = values[0], values[1]

                if block[0] < d.TopCount && block[1] >= d.TopCount then
                    (if a = b then 1 else 0)
                elif a / 2 = b / 2 then
                    b - a
                else
                    0
    }

let heads =
    { pairs with
        Group = Group.specialOrthogonal
        Most = 5
        Diagrams = Brauer.enumerate 3
        Map = HeadFunctor.determinant 3
        HasHead = true
    }

let families = [ partitions; pairs; forms; heads ]

let dense (family: Family) (d: Diagram) =
    let blocks, free = d.Partition.Blocks, Brauer.freeVertices d

    let entry (word: int list) =
        let word = Array.ofList word
        let values = Array.map (fun v -> word[v]) >> List.ofArray
        let head = if family.HasHead then signOf (values free) else 1

        (head, blocks)
        ||> Array.fold (fun product block ->
            if product = 0 then
                0
            else
                product * family.Block d block (values block))

    let n = int64 family.Size

    torch
        .tensor(
            [|
                for word in words family.Size (d.TopCount + d.BottomCount) -> float (entry word)
            |]
        )
        .reshape(pown n d.TopCount, pown n d.BottomCount)

/// All diagrams of a family with so many vertices at most.
let all most (family: Family) =
    [
        for m in 0..most do
            for l in 0..m do
                yield! family.Diagrams (m - l) l
    ]

let input (family: Family) (d: Diagram) =
    Seed.normal d.BottomCount double [ 3L; yield! List.replicate d.BottomCount (int64 family.Size) ]

/// The greatest distance, over all diagrams, of two ways to the same tensor.
let worst (family: Family) (distance: Diagram -> float) =
    let each d =
        use _ = torch.NewDisposeScope()
        distance d

    all family.Most family |> List.map each |> List.reduce max

let byMatrix family d =
    let y = (family.Map d).Apply(input family d)
    Law.distance (y.reshape (3L, -1L)) ((input family d).reshape(3L, -1L).matmul((dense family d).t()))

/// The flipped diagram of SO(n) has the transposed matrix but for a sign, that of taking the free vertices of one row past the other's.
let byAdjoint family (d: Diagram) =
    let x = (input family d).requires_grad_ true
    let y = (family.Map d).Apply x
    let v = Seed.normal 7 double y.shape
    y.mul(v).sum().backward()
    let free = Brauer.freeVertices d
    let above = free |> Array.filter (fun v -> v < d.TopCount) |> Array.length

    let sign =
        if family.HasHead then
            pown -1.0 (above * (free.Length - above))
        else
            1.0

    Law.distance x.grad ((sign * family.Map(Diagram.adjoint d)).Apply v)

// The factors, and others made from the blocks in another order.

let compose a b = (Diagram.compose a b).Diagram

let product (f: DiagramFactors) =
    compose (Diagram.ofPermutation f.Left) (compose f.Planar (Diagram.ofPermutation f.Right))

/// In the order of the planar diagram: blocks of the top row, that cross, of the bottom row.
let blocksOf (d: Diagram) =
    Array.concat [ Diagram.topBlocks d; Diagram.throughBlocks d; Diagram.bottomBlocks d ]

let above (d: Diagram) = Array.filter (fun v -> v < d.TopCount)
let below (d: Diagram) = Array.filter (fun v -> v >= d.TopCount)

let alone (d: Diagram) (block: int[]) =
    Diagram.ofBlocks (below d block).Length (above d block).Length [ [ 0 .. block.Length - 1 ] ]

let beside (d: Diagram) blocks =
    blocks |> Array.map (alone d) |> Array.fold Diagram.tensor (Diagram.identity 0)

/// Factors with the blocks in the opposite order.
let turned (d: Diagram) : DiagramFactors =
    let blocks = Array.rev (blocksOf d)

    let order row shift =
        blocks
        |> Array.collect row
        |> Array.map (fun v -> v - shift)
        |> Permutation.ofArray

    {
        Left = order (above d) 0
        Planar = beside d blocks
        Right = Permutation.inverse (order (below d) d.TopCount)
    }

let inSteps (d: Diagram) (f: DiagramFactors) =
    let step x d = (Functor.diagram 3 d).Apply x
    List.fold step (input partitions d) [ Diagram.ofPermutation f.Right; f.Planar; Diagram.ofPermutation f.Left ]

let kronecker (d: Diagram) =
    blocksOf d
    |> Array.map (alone d >> dense partitions)
    |> Array.fold (fun a b -> torch.kron (a, b)) (torch.ones (1L, 1L, dtype = torch.float64))

// Additions, counted from what a diagram gives: of ones, each output is the number of its terms; of random integers, equal outputs are one
// sum written often. (The library's tests count inside the action.)

let counted n (d: Diagram) =
    use _ = torch.NewDisposeScope()
    let random, shape = Random 5, Array.replicate d.BottomCount (int64 n)

    let outputs (draw: unit -> int64) =
        let x =
            torch.tensor([| for _ in 1 .. pown n d.BottomCount -> draw () |]).reshape shape

        ((Functor.diagram n d).Apply x).contiguous().data<int64>().ToArray()

    Array.zip (outputs (fun () -> 1L)) (outputs (fun () -> random.NextInt64(1L <<< 50)))
    |> Array.filter (fun (terms, _) -> terms > 0L)
    |> Array.distinctBy snd
    |> Array.sumBy fst
    |> bigint

let caps (d: Diagram) = (Diagram.bottomBlocks d).Length
let power (n: int) (exponent: int) = bigint.Pow(bigint n, exponent)

// Times of a batch of 32 in float64, l = k = 3.

let time budget (run: unit -> torch.Tensor) =
    use _ = torch.no_grad ()

    let run () =
        use _ = torch.NewDisposeScope()
        run () |> ignore

    (Timing.least budget run).Seconds

let draw kind (batch: int) (space: Space) =
    Seed.normal 1 kind (Seq.append [ int64 batch ] space.Shape)

let layerOf group k l =
    let layer = new EquivariantLayer(1, group, k, 1, l, 1, false)
    layer.``to`` torch.float64 |> ignore
    layer.Method <- LayerMethod.Factored
    layer

let factored (n: int) =
    use _ = torch.NewDisposeScope()
    use layer = layerOf (Group.orthogonal n) 3 3
    let x = draw double batch layer.InputRep.Space
    time budget (fun () -> layer.forward x)

/// Seconds of the layer of O(n) from order k to order k, also as it chooses, of its ready-made matrix, and of making that; how far apart the
/// results are.
let against k n =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    use layer = layerOf (Group.orthogonal n) k k
    let x = draw double batch layer.InputRep.Space

    let matrix =
        Timing.least 0.0 (fun () -> (LinearMap.toMatrix layer.Linear).t().contiguous())

    let product () =
        x.reshape(int64 batch, -1L).matmul matrix.Value

    let factored = time budget (fun () -> layer.forward x)

    let distance =
        Law.distance (product ()) ((layer.forward x).reshape(int64 batch, -1L))

    layer.Method <- LayerMethod.Cheapest
    let work (method: LayerMethod) = layer.Work(int64 batch, method)

    {|
        Factored = factored
        Cheapest = time budget (fun () -> layer.forward x)
        IsFactored = work LayerMethod.Cheapest = work LayerMethod.Factored
        Dense = time budget product
        Matrix = matrix.Seconds
        Distance = distance
    |}

let sizes = Experiment.size [ 4; 6; 8; 10; 12; 14; 16 ] [ 4; 8; 12; 16 ]
let more = Experiment.size [ 24; 32; 40; 48 ] [ 24; 32 ] // an output above 32 MiB costs fresh pages each time
let cubes = lazy Map [ for n in sizes -> n, against 3 n ]

let single blocks n =
    use _ = torch.NewDisposeScope()
    let map = Functor.diagram n (Diagram.ofBlocks 3 3 blocks)
    let x = draw double batch map.Domain
    time budget (fun () -> map.Apply x)

/// What is timed, the exponent of n in theory, and the times.
let curves =
    let over sizes time = lazy [ for n in sizes -> n, time n ]
    let all = over (sizes @ more)

    [
        "dense matrix, ready-made", 6, over sizes (fun n -> cubes.Value[n].Dense)
        "O(n) layer, 15 diagrams", 3, over sizes (fun n -> cubes.Value[n].Factored)
        "the layer, larger n", 3, over (16 :: more) factored
        "3 blocks below, summed", 3, all (single [ [ 0 ]; [ 1 ]; [ 2 ]; [ 3 ]; [ 4 ]; [ 5 ] ])
        "2 blocks below, summed", 2, all (single [ [ 0 ]; [ 1 ]; [ 2 ]; [ 3; 4 ]; [ 5 ] ])
        "1 block below, summed", 1, all (single [ [ 0 ]; [ 1 ]; [ 2 ]; [ 3; 4; 5 ] ])
        "3 crossing: a view", 0, all (single [ [ 0; 4 ]; [ 1; 5 ]; [ 2; 3 ] ])
        "cap and cup: writes n³", 3, all (single [ [ 0; 1 ]; [ 2; 3 ]; [ 4; 5 ] ])
        "1 block in all: writes n³", 3, all (single [ [ 0..5 ] ])
    ]

/// The exponent of n in the upper half of the sizes: least squares of the logarithms.
let slope (points: (int * float) list) =
    let points =
        points
        |> List.skip (points.Length / 2)
        |> List.map (fun (n, t) -> log (float n), log t)

    let x, y = List.averageBy fst points, List.averageBy snd points

    List.sumBy (fun (u, v) -> (u - x) * (v - y)) points
    / List.sumBy (fun (u, _) -> (u - x) ** 2.0) points

/// Dense over factored for k = l, n: what the catalogue measured, and what is measured here.
let ratios =
    lazy
        [
            for k, n, theirs in
                [
                    2, 16, 3.0
                    2, 32, 44.0
                    3, 8, 14.0
                    3, 16, 72.0
                    4, 6, 3.5
                    4, 4, 1.0 / 16.0
                ] do
                let t = if k = 3 then cubes.Value[n] else against k n
                (k, n), theirs, t.Dense / t.Factored, t
        ]

let ratio key =
    ratios.Value
    |> List.pick (fun (at, _, ratio, _) -> if at = key then Some ratio else None)

let batches = [ 1; 32; 1024 ]

/// Small layers in float32, those that keep a dense form, by each method, by turns, so that all see the same machine: times, what was chosen, and Cheapest over the better.
let choices =
    lazy
        [
            for group, k, l in
                [
                    Group.symmetric 4, 2, 2
                    Group.symmetric 8, 2, 2
                    Group.symmetric 50, 1, 1
                    Group.symmetric 100, 1, 1
                    Group.orthogonal 8, 2, 2
                    Group.orthogonal 4, 3, 3
                    Group.specialOrthogonal 3, 2, 2
                ] do
                for channels in [ 1; 8 ] do
                    use layer = new EquivariantLayer(1, group, k, channels, l, channels)

                    let hasDense =
                        try
                            layer.Method <- LayerMethod.Dense
                            true
                        with :? ArgumentException ->
                            false

                    for batch in (if hasDense then batches else []) do
                        use _ = torch.NewDisposeScope()
                        let x = draw TensorKind.float32 batch layer.InputRep.Space

                        let run (method: LayerMethod) =
                            layer.Method <- method
                            time 0.006 (fun () -> layer.forward x)

                        let times =
                            List.init (Experiment.size 10 2) (fun _ ->
                                List.map run [ LayerMethod.Factored; LayerMethod.Dense; LayerMethod.Cheapest ])
                            |> List.transpose
                            |> List.map (List.reduce min)

                        let work (method: LayerMethod) = layer.Work(int64 batch, method)
                        let isDense = work LayerMethod.Cheapest = work LayerMethod.Dense

                        {|
                            Layer = $"{group}, {k} -> {l}, {channels} channels"
                            Batch = batch
                            Times = times
                            Chosen = if isDense then "dense" else "factored"
                            Ratio = times[2] / min times[0] times[1]
                        |}
        ]

let wrong what place cases holds =
    Claim.equals $"{what}: wrong of {List.length cases:N0}" (Paper place, 0) (fun () ->
        use _ = torch.NewDisposeScope()
        cases |> List.filter (holds >> not) |> List.length)

let code =
    Experiment.run
        "009"
        "An Algorithm for Computing with Brauer's Group Equivariant Neural Network Layers (2304.14165)"
        [
            for name, cases in [ "partition, l + k <= 6", all 6 partitions; "Brauer, l + k <= 8", all 8 pairs ] do
                wrong $"permutation, planar, permutation make d ({name})" "Factor" cases (fun d ->
                    product (Diagram.factor d) = d)

                wrong $"planar is its blocks side by side ({name})" "PlanarMult" cases (fun d ->
                    let planar = (Diagram.factor d).Planar
                    planar = beside planar (blocksOf planar))
            wrong "its matrix is their Kronecker product, n = 3" "PlanarMult" (all 4 partitions) (fun d ->
                let planar = (Diagram.factor d).Planar
                (dense partitions planar).Equals(kronecker planar))
            for family in families do
                Claim.below
                    $"{family.Name}, l + k <= {family.Most}: d v against the matrix by definition"
                    (Paper "MatrixMult", 1e-10)
                    (fun () -> worst family (byMatrix family))

                Claim.below
                    $"{family.Name}, l + k <= {family.Most}: gradient in v against the flipped diagram"
                    (Paper "law", 1e-10)
                    (fun () -> worst family (byAdjoint family))
            Claim.below "S_3: the same in three steps, and by other factors" (Paper "Factor", 1e-10) (fun () ->
                worst { partitions with Most = 5 } (fun d ->
                    let y = (Functor.diagram 3 d).Apply(input partitions d)
                    let other = turned d

                    if product other <> d then
                        infinity
                    else
                        max (Law.distance (inSteps d (Diagram.factor d)) y) (Law.distance (inSteps d other) y)))
            for n in [ 2; Experiment.size 5 3 ] do
                wrong $"counted additions are n^(blocks below), n = {n}, partition" "cost" (all 6 partitions) (fun d ->
                    counted n d = Functor.additions n d && counted n d <= power n d.BottomCount)

                wrong $"counted additions are n^(k - caps), n = {n}, Brauer" "cost" (all 6 pairs) (fun d ->
                    counted n d = Functor.additions n d
                    && counted n d = power n (d.BottomCount - caps d))
            for name, exponent, points in curves do
                if exponent = 6 then
                    Claim.within $"time against n: {name}" (Paper "time", 6.0, 0.75) (fun () -> slope points.Value)
                elif not (name.Contains "larger") then
                    // From below: a call costs some 10 microseconds whatever n is.
                    Claim.below $"time against n: {name}, {exponent}" (Paper "time", float exponent + 0.75) (fun () ->
                        slope points.Value)
            Claim.below "layers against their matrix" (Ours, 1e-10) (fun () ->
                ratios.Value |> List.map (fun (_, _, _, t) -> t.Distance) |> List.reduce max)
            Claim.above "O(16), 3 -> 3: dense over factored" (Paper "time", 10.0) (fun () -> ratio (3, 16))
            Claim.above "O(16), 3 -> 3: making the matrix over one pass" (Paper "start-up", 10.0) (fun () ->
                cubes.Value[16].Matrix / cubes.Value[16].Factored)
            Claim.below "O(4), 4 -> 4, the losing case: dense over factored" (Paper "time", 1.0) (fun () ->
                ratio (4, 4))
            Claim.below "there Cheapest over factored" (Ours, 1.1) (fun () ->
                let _, _, _, t = List.last ratios.Value
                t.Cheapest / t.Factored)
        ]

let milliseconds (seconds: float) = (1e3 * seconds).ToString "0.###"

printfn
    "\nMilliseconds for l = k = 3, a batch of %d in float64; slopes in the upper half of the sizes, and in theory"
    batch

Report.table
    [ ""; yield! [ for n in sizes @ more -> $"n={n}" ]; "slope"; "theory" ]
    [
        for name, exponent, points in curves do
            let points = points.Value

            let cell n =
                points |> List.tryFind (fst >> (=) n) |> Option.map (snd >> milliseconds)

            [
                name
                yield! [ for n in sizes @ more -> Option.defaultValue "" (cell n) ]
                (slope points).ToString "0.0"
                string exponent
            ]
    ]

printfn "\nO(n), k -> k: the time of the ready-made dense matrix over that of the layer"

Report.table
    [
        "k"
        "n"
        "factored ms"
        "dense ms"
        "ratio"
        "catalogue"
        "making the matrix s"
        "Cheapest ms"
        "is"
    ]
    [
        for (k, n), theirs, ratio, t in ratios.Value ->
            let text (x: float) = x.ToString "0.##"

            [
                string k
                string n
                milliseconds t.Factored
                milliseconds t.Dense
                text ratio
                text theirs
                t.Matrix.ToString "0.###"
                milliseconds t.Cheapest
                if t.IsFactored then "factored" else "dense"
            ]
    ]

// Counted work chooses, not a clock: an aim, 1.1, and no claim, for a time may be missed by what else the machine does.
printfn
    "\nWhat layers choose: dense over factored time, the choice, and Cheapest over the better (worst %s, aim 1.1), in float32"
    ((choices.Value |> List.map _.Ratio |> List.reduce max).ToString "0.##")

Report.table
    [ "layer"; yield! [ for batch in batches -> $"batch {batch}" ] ]
    [
        for layer, cells in choices.Value |> List.groupBy _.Layer ->
            layer
            :: [ for c in cells -> $"{c.Times[1] / c.Times[0]:F2}  {c.Chosen}  {c.Ratio:F2}" ]
    ]

let worstChoice = choices.Value |> List.maxBy _.Ratio
printfn "Worst: %s, batch %d, %s, %.2f" worstChoice.Layer worstChoice.Batch worstChoice.Chosen worstChoice.Ratio

let example =
    Diagram.ofBlocks 6 5 [ [ 0; 2 ]; [ 1; 5; 9 ]; [ 3; 4; 7 ]; [ 6; 8 ]; [ 10 ] ]

let factors = Diagram.factor example

[
    $"d = {example.Partition}", example
    "left: moves the axes of the output", Diagram.ofPermutation factors.Left
    "planar: blocks side by side", factors.Planar
    "right: moves the axes of the input", Diagram.ofPermutation factors.Right
]
|> DiagramPicture.grid 2
|> Figure.titled "A diagram is left after planar after right (2304.14165)"
|> Figure.save "009-factors"

// The layer's two ranges of n share a colour.
let colours =
    List.item 0 Figure.palette
    :: List.item 1 Figure.palette
    :: List.tail Figure.palette

let ticks (values: float list) =
    LinearAxis.init (TickMode = StyleParam.TickMode.Array, TickVals = values, TickText = List.map Report.number values)

List.map2
    (fun (name, exponent, points: Lazy<_>) colour ->
        Chart.Line(
            [ for n, t in points.Value -> n, 1e3 * t ],
            Name = $"{name}: slope {slope points.Value:F1}, theory {exponent}",
            ShowMarkers = true,
            LineColor = Color.fromString colour,
            MarkerColor = Color.fromString colour
        ))
    curves
    colours
|> Chart.combine
|> Figure.themed "A dense matrix, a layer and single diagrams, l = k = 3 (2304.14165)" "n" "time for a batch of 32 (ms)"
|> Chart.withXAxis (ticks [ 4.0; 8.0; 12.0; 16.0; 24.0; 32.0; 48.0 ])
|> Chart.withYAxis (ticks [ 0.01; 0.1; 1.0; 10.0; 100.0 ])
|> Figure.logarithmicX
|> Figure.logarithmicY
|> Chart.withSize (700, 640)
|> Figure.save "009-times"

exit code
