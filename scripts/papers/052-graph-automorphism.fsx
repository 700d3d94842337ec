#!/usr/bin/env -S dotnet fsi
// Graph Automorphism Group Equivariant Neural Networks (2307.07810): the layers (R^n)^k -> (R^n)^l that commute with the automorphisms of
// a graph G are spanned by the matrices that count homomorphisms to G from small graphs with k + l labels. Their number is found by three
// routes; the matrices are checked exactly, in integers; and a layer for the pentagon learns L^2 x, which a layer for S_5 cannot.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let paw = Graph.OfEdges(4, [| [| 0; 1 |]; [| 1; 2 |]; [| 2; 0 |]; [| 0; 3 |] |])
let k33 = Graph.CompleteBipartite(3, 3)

/// Graph, order of its group, orbits on m-tuples of vertices for m = 0..4: the weights of a layer from order k to order m - k.
let graphs =
    [
        "C5", Graph.Cycle 5, 10, [ 1; 1; 3; 13; 63 ]
        "P4", Graph.Path 4, 2, [ 1; 2; 8; 32; 128 ]
        "Petersen", Graph.Petersen, 120, [ 1; 1; 3; 15; 107 ]
        "K33", k33, 72, [ 1; 1; 3; 11; 46 ]
        "cube Q3", Graph.Hypercube 3, 48, [ 1; 1; 4; 20; 120 ]
    ]

/// The rank at m = 2 of the matrices of graphs of up to 1, 2, 3, 4 vertices.
let ranks =
    [
        "P4", Graph.Path 4, [ 1; 4; 8; 8 ]
        "C6", Graph.Cycle 6, [ 1; 3; 4; 4 ]
        "paw", paw, [ 1; 4; 9; 10 ]
        "C5", Graph.Cycle 5, [ 1; 3; 3; 3 ]
    ]

let burnside (graph: Graph) m = int (graph.Automorphisms.CountOrbits m)

let enumerated (graph: Graph) m =
    1 + Array.reduce max (graph.Automorphisms.OrbitsOfTuples m)

let tuples size m =
    List.fold
        (fun found _ ->
            [
                for t in found do
                    for i in 0 .. size - 1 -> i :: t
            ])
        [ [] ]
        [ 1..m ]

/// All graphs of v vertices, with k labels below and l above in all ways.
let labelled v (k, l) =
    let pairs =
        [|
            for i in 0 .. v - 1 do
                for j in i + 1 .. v - 1 -> [| i; j |]
        |]

    [
        for edges in 0 .. (1 <<< pairs.Length) - 1 do
            let graph =
                Graph.OfEdges(
                    v,
                    pairs
                    |> Array.indexed
                    |> Array.filter (fun (i, _) -> edges >>> i &&& 1 = 1)
                    |> Array.map snd
                )

            for labels in tuples v (k + l) ->
                let labels = Array.ofList labels
                BilabelledGraph.Of(graph, labels[.. l - 1], labels[l..])
    ]

/// The matrix of homomorphism counts, in int64.
let counts graph (h: BilabelledGraph) =
    GraphFunctor.homomorphisms graph h
    |> LinearMap.on (TensorKind.cpu torch.int64)
    |> LinearMap.toMatrix
    |> fun x -> x.flatten().reshape x.shape // a column keeps odd strides, which torch.kron does not take

/// The rank of the matrices of all graphs of up to v vertices with m labels. At most `burnside`, as all commute with the group.
let rank graph m v =
    use _ = torch.NewDisposeScope()

    torch.stack
        [|
            for size in 1..v do
                for h in labelled size (m / 2, m - m / 2) -> (counts graph h).flatten()
        |]
    |> _.``to``(torch.float64)
    |> torch.linalg.matrix_rank
    |> _.item<int64>()
    |> int

let ranked =
    lazy
        (ranks
         |> List.map (fun (name, graph, _) -> name, [ for v in 1..4 -> rank graph 2 v ])
         |> Map)

// Products, tensor products and transposes: all pairs of graphs of up to 2 vertices and orders up to `top`; of 3 vertices from order 1 to 1.
let top = Experiment.size 2 1

let hom =
    Map
        [
            for k, l in List.allPairs [ 0..top ] [ 0..top ] ->
                (k, l),
                [
                    for v in 1 .. (if (k, l) = (1, 1) && not Experiment.quick then 3 else 2) do
                        yield! labelled v (k, l)
                ]
        ]

let pairs =
    [
        for (_, l), firsts in Map.toList hom do
            for above in 0..top do
                yield! List.allPairs hom[(l, above)] firsts
    ]

let law what cases holds =
    Claim.equals $"{what}: wrong of {List.length cases:N0}" (Paper "functor", 0) (fun () ->
        use _ = torch.NewDisposeScope()
        cases |> List.filter (holds >> not) |> List.length)

let same (x: torch.Tensor) (y: torch.Tensor) = x.Equals(y.contiguous ())

/// X[g i, g j] = X[i, j] for all X of up to 3 vertices with a label on each side, and all g.
let unmoved (graph: Graph) =
    use _ = torch.NewDisposeScope()

    let all =
        torch.stack
            [|
                for v in 1..3 do
                    for h in labelled v (1, 1) -> counts graph h
            |]

    graph.Automorphisms.Elements 1000
    |> Array.filter (fun g ->
        let index = torch.tensor (g.ToArray() |> Array.map int64)
        (all.index_select(1L, index).index_select(2L, index)).Equals all)
    |> Array.length

// The pentagon: L = 2 I - A, L^2 = 6 I - 4 A + B, B for vertices at distance 2.
let c5 = Graph.Cycle 5
let pentagon, anything = Group.automorphisms c5, Group.symmetric 5

let ofEntries (entry: int -> int -> float) =
    torch.tensor (Array2D.init 5 5 entry, dtype = System.Nullable torch.float64)

let distance i j = min ((i - j + 5) % 5) ((j - i + 5) % 5)
let laplacian = ofEntries (fun i j -> [| 2.0; -1.0; 0.0 |][distance i j])

let power p =
    List.replicate p laplacian |> List.reduce (fun a b -> a.matmul b)

/// Weights fitted by least squares to y = L^p x, and |y - prediction| / |y| on other inputs.
let fit group p (x: torch.Tensor) (fresh: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let maps = Basis.spanning group 1 1

    let images (x: torch.Tensor) =
        maps |> Array.map (fun map -> map.Apply x)

    let target (x: torch.Tensor) = x.matmul (power p)
    let weights = Basis.coordinates (images x) (target x)

    let predicted =
        torch.tensordot (torch.stack (images fresh), weights, [| 0L |], [| 0L |])

    let error =
        (predicted.sub(target fresh).norm()).item<float>()
        / (target fresh).norm().item<float>()

    weights.data<float>().ToArray() |> List.ofArray, error

/// White input in the exact sense: the unit vectors, whose Gram matrix is I.
let white = torch.eye (5L, dtype = System.Nullable torch.float64)

let draw seed =
    Seed.normal seed TensorKind.float64 [ Experiment.size 100_000L 20_000L; 5L ]

let code =
    Experiment.run
        "052"
        "Graph Automorphism Group Equivariant Neural Networks (2307.07810)"
        [
            for name, graph, order, row in graphs do
                Claim.equals $"{name}: automorphisms" (Ours, order) (fun () -> int graph.Automorphisms.Order)

                Claim.equals $"{name}: weights for m = 0..4 by Burnside" (Ours, row) (fun () ->
                    [ for m in 0..4 -> burnside graph m ])

                Claim.equals $"{name}: by enumerating orbits" (Ours, row) (fun () ->
                    [ for m in 0..4 -> enumerated graph m ])
            for name, graph in [ "P4", Graph.Path 4; "C5", c5; "C6", Graph.Cycle 6; "K33", k33 ] do
                Claim.equals
                    $"{name}: rank of homomorphism matrices, m = 0..2, up to 4 vertices"
                    (Paper "theorem: they span", [ for m in 0..2 -> burnside graph m ])
                    (fun () -> [ for m in 0..2 -> rank graph m 4 ])
            for name, _, row in ranks do
                Claim.equals $"{name}: rank at m = 2 for up to 1, 2, 3, 4 vertices" (Ours, row) (fun () ->
                    ranked.Value[name])
            law "X_(h2 h1) = X_h2 X_h1 in int64" pairs (fun (h2, h1) ->
                same (counts c5 (h2.Compose h1)) ((counts c5 h2).matmul(counts c5 h1)))
            law "X_(h (x) h') = kron (X_h, X_h')" (List.allPairs hom[(1, 1)] hom[(0, 1)]) (fun (h, h') ->
                same (counts c5 (h.Tensor h')) (torch.kron (counts c5 h, counts c5 h')))
            law "X_(h upside down) = X_h^T" (hom |> Map.toList |> List.collect snd) (fun h ->
                same (counts c5 h.Adjoint) ((counts c5 h).t()))
            for name, graph in [ "C5", c5; "P4", Graph.Path 4; "K33", k33; "paw", paw ] do
                Claim.equals
                    $"{name}: elements with which every X, up to 3 vertices, commutes"
                    (Paper "equivariance", int graph.Automorphisms.Order)
                    (fun () -> unmoved graph)
            Claim.holds "C5, m = 2: the basis is I, A, and distance 2" (Paper "theorem: they span") (fun () ->
                let found = Basis.spanning pentagon 1 1 |> Array.map LinearMap.toMatrix

                let expected =
                    [|
                        for d in 0..2 -> ofEntries (fun i j -> if distance i j = d then 1.0 else 0.0)
                    |]

                found.Length = 3
                && expected |> Array.forall (fun e -> found |> Array.exists e.Equals))
            Claim.equals "weights of a layer 1 -> 1: Aut(C5), S_5" (Ours, (3, 2)) (fun () ->
                (Basis.spanning pentagon 1 1).Length, (Basis.spanning anything 1 1).Length)
            Claim.equals "L^2 x by Aut(C5): weights for I, A, distance 2" (Ours, [ 6.0; -4.0; 1.0 ]) (fun () ->
                fst (fit pentagon 2 (draw 1) white)
                |> List.map (fun w -> System.Math.Round(w, 9)))
            Claim.below "L^2 x by Aut(C5): relative error on white input" (Ours, 1e-12) (fun () ->
                snd (fit pentagon 2 (draw 1) white))
            Claim.within
                "L^2 x by S_5: relative error, unit vectors as white input"
                (Ours, sqrt (125.0 / 350.0), 1e-12)
                (fun () -> snd (fit anything 2 white white))
            Claim.overSeeds (Experiment.size [ 1..5 ] [ 1 ]) (fun seed ->
                Claim.within "the same, fitted to and measured on random input" (Ours, 0.5976, 5e-3) (fun () ->
                    snd (fit anything 2 (draw seed) (draw (seed + 100)))))
        ]

let curve name count =
    Chart.Line([ for m in 0..4 -> m, count m ], Name = name, ShowMarkers = true)

[
    for name, graph, _, _ in graphs do
        yield curve name (burnside graph)
    yield curve "S<sub>n</sub>, n ≥ 4" (fun m -> int (Basis.dimension (Group.symmetric 10) m 0))
]
|> Chart.combine
|> Figure.themed
    "Weights of a layer that commutes with the automorphisms of a graph (2307.07810)"
    "orders of output and input, l + k"
    "number of weights"
|> Figure.logarithmicY
|> Figure.save "052-weights"

[
    for name, graph, _ in ranks ->
        let full = float (burnside graph 2)

        Chart.Line(
            [ for v, r in List.indexed ranked.Value[name] -> v + 1, float r / full ],
            Name = $"{name}, {full} orbits",
            ShowMarkers = true
        )
]
|> Chart.combine
|> Figure.themed
    "How small graphs span: rank of homomorphism matrices at l + k = 2 (2307.07810)"
    "vertices of the graphs, up to"
    "rank / number of orbits"
|> Figure.save "052-rank"

[
    for name, group in
        [
            "Aut(C<sub>5</sub>), 3 weights", pentagon
            "S<sub>5</sub>, 2 weights", anything
        ] -> Chart.Line([ for p in 1..8 -> p, snd (fit group p white white) ], Name = name, ShowMarkers = true)
]
|> Chart.combine
|> Figure.themed
    "Learning the power L<sup>p</sup> of the pentagon's Laplacian (2307.07810)"
    "power p"
    "relative error on white input"
|> Figure.save "052-learning"

exit code
