/// Permutation groups, automorphisms of graphs, bilabelled graphs and their maps.
module Ortho.Tests.GraphTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// Circles side by side.
let private circles (sizes: int list) =
    let starts = List.scan (+) 0 sizes

    Graph.OfEdges(
        List.sum sizes,
        [|
            for start, size in List.zip (List.take sizes.Length starts) sizes do
                for i in 0 .. size - 1 -> [| start + i; start + (i + 1) % size |]
        |]
    )

let private named =
    [
        // Catalogue A6: graph, order of Aut, orbits on m-tuples for m = 0..4.
        "C5", Graph.Cycle 5, 10I, [ 1I; 1I; 3I; 13I; 63I ]
        "P4", Graph.Path 4, 2I, [ 1I; 2I; 8I; 32I; 128I ]
        "Petersen", Graph.Petersen, 120I, [ 1I; 1I; 3I; 15I; 107I ]
        "K33", Graph.CompleteBipartite(3, 3), 72I, [ 1I; 1I; 3I; 11I; 46I ]
        "Q3", Graph.Hypercube 3, 48I, [ 1I; 1I; 4I; 20I; 120I ]
        // (S_3 wr S_2) x D_4, counts by enumeration. Refinement cannot tell the circles apart: a search must try more than one image.
        "C3 + C4 + C3", circles [ 3; 4; 3 ], 576I, [ 1I; 2I; 8I; 39I; 220I ]
    ]

let private orbits (group: PermutationGroup) m =
    1 + Array.reduce max (group.OrbitsOfTuples m)

let private table =
    [
        for name, graph, order, counts in named ->
            testCase $"{name}: order and orbits as in the table, by union and by Burnside" (fun () ->
                let group = graph.Automorphisms
                Expect.equal group.Order order "order"
                Expect.all (group.Elements 1000) graph.IsAutomorphism "automorphisms"
                Expect.equal (group.Elements 1000 |> Array.distinct |> Array.length |> bigint) order "each once"
                Expect.equal (List.init 5 group.CountOrbits) counts "Burnside"
                Expect.equal (List.init 5 (orbits group >> bigint)) counts "union of tuples")
    ]

/// A random graph of up to 6 vertices.
let private random (seed: int) (n: int) =
    let random = Random seed

    Graph.OfEdges(
        n,
        [|
            for i in 0 .. n - 1 do
                for j in i + 1 .. n - 1 do
                    if random.Next 2 = 0 then
                        [| i; j |]
        |]
    )

let private permutations (n: int) =
    (PermutationGroup.Symmetric n).Elements 1000

let private groups =
    [
        testCase "orders of S_n and A_n; A_n holds the even ones" (fun () ->
            Expect.equal [ for n in 1..6 -> (PermutationGroup.Symmetric n).Order ] [ 1I; 2I; 6I; 24I; 120I; 720I ] "n!"

            Expect.equal
                [ for n in 1..6 -> (PermutationGroup.Alternating n).Order ]
                [ 1I; 1I; 3I; 12I; 60I; 360I ]
                "n!/2"

            for p in permutations 5 do
                Expect.equal ((PermutationGroup.Alternating 5).Contains p) (Permutation.sign p = 1) "even"

            // Mathieu's group M11.
            let cycles (lists: int list list) =
                let images = Array.init 11 id

                for cycle in lists do
                    List.iteri (fun i v -> images[v - 1] <- cycle[(i + 1) % cycle.Length] - 1) cycle

                Permutation.ofArray images

            let m11 =
                PermutationGroup.OfGenerators(
                    11,
                    [| cycles [ [ 1..11 ] ]; cycles [ [ 3; 7; 11; 8 ]; [ 4; 10; 5; 6 ] ] |]
                )

            Expect.equal m11.Order 7920I "M11")

        testCase "graphs are equal by their edges, whatever their order" (fun () ->
            Expect.equal (Graph.OfEdges(3, [| [| 2; 1 |]; [| 1; 0 |] |])) (Graph.Path 3) "the same edges"
            Expect.notEqual (Graph.Path 3) (Graph.Cycle 3) "other edges")

        testCase "a permutation of other points is no element" (fun () ->
            Expect.isFalse ((PermutationGroup.Symmetric 3).Contains(Permutation.identity 4)) "four points")

        testCase "dimensions past the limit of tuples are Burnside's" (fun () ->
            // Of 10 elements the identity fixes 5^11 tuples, above 2^24, and each of 5 reflections one.
            let dimension = Basis.dimension (Group.automorphisms (Graph.Cycle 5)) 5 6
            Expect.equal dimension ((48828125I + 5I) / 10I) "C5")

        testCase "random elements are spread evenly" (fun () ->
            let group = PermutationGroup.Symmetric 4
            let counts = Seq.init 4800 group.Random |> Seq.countBy id |> Seq.toList
            Expect.equal counts.Length 24 "all met"
            // Chi-square of 23 degrees of freedom: above 60 by chance once in 30,000; seeds are fixed.
            let chi = counts |> List.sumBy (fun (_, c) -> (float c - 200.0) ** 2.0 / 200.0)
            Expect.isLessThan chi 60.0 "chi-square")

        Property.check Property.config "the automorphisms found are all there are" (fun case ->
            let graph = random case.Seed (1 + case.Size % 6)
            let group = graph.Automorphisms
            let all = permutations graph.Size |> Array.filter graph.IsAutomorphism

            (group.Order = bigint all.Length && Array.forall group.Contains all)
            |> Prop.label $"{graph}")

        Property.check Property.config "orbits on tuples by union are as many as Burnside says" (fun case ->
            let group = (random case.Seed (1 + case.Size % 6)).Automorphisms
            let m = case.Second % 4
            (bigint (orbits group m) = group.CountOrbits m) |> Prop.label $"{m}")
    ]

/// Counts of homomorphisms by trying every map of vertices.
let private counted (graph: Graph) (h: BilabelledGraph) =
    let n = graph.Size

    let index (labels: int[]) (image: int[]) =
        (0, labels) ||> Array.fold (fun i v -> i * n + image[v])

    let matrix = Array2D.zeroCreate (pown n h.Top.Length) (pown n h.Bottom.Length)

    for number in 0 .. pown n h.Size - 1 do
        let image = Array.init h.Size (fun v -> number / pown n v % n)

        if
            h.Edges
            |> Array.forall (fun edge -> graph.HasEdge(image[edge[0]], image[edge[1]]))
        then
            let i, j = index h.Top image, index h.Bottom image
            matrix[i, j] <- matrix[i, j] + 1L

    let rows, columns = Array2D.length1 matrix, Array2D.length2 matrix

    torch
        .tensor(Array.init (rows * columns) (fun i -> matrix[i / columns, i % columns]))
        .reshape(int64 rows, int64 columns)

let private exactly (map: LinearMap) =
    let columns = map.Domain.Size

    let units =
        torch.eye(columns, dtype = torch.float64).reshape(Array.append [| columns |] (Seq.toArray map.Domain.Shape))

    (map.Apply units).reshape(columns, map.Codomain.Size).t().``to``(torch.int64).contiguous()

let private same (a: torch.Tensor) (b: torch.Tensor) =
    a.shape = b.shape && a.contiguous().Equals(b.contiguous ())

let private labelled (seed: int) (k: int) (l: int) =
    let random' = Random seed
    let h = random (seed + 1) (1 + random'.Next 3)

    let labels count =
        Array.init count (fun _ -> random'.Next h.Size)

    BilabelledGraph.Of(h, labels l, labels k)

let private law name (holds: Case -> Graph -> bool) =
    Property.check Property.config name (fun case ->
        let graph = random case.Seed (1 + case.Size % 4)
        holds case graph |> Prop.label $"{graph}")

let private maps =
    [
        law "entries count homomorphisms, and the adjoint is the transpose" (fun case graph ->
            let h = labelled case.Seed (case.Second % 3) (case.Size % 3)
            let map = GraphFunctor.homomorphisms graph h
            let matrix = counted graph h
            same (exactly map) matrix && same (exactly map.Adjoint) (matrix.t ()))

        law "glued graphs give the product, graphs side by side the Kronecker product" (fun case graph ->
            let middle = case.Second % 3

            let h1, h2 =
                labelled case.Seed 1 middle, labelled (case.Seed + 7) middle (case.Size % 2)

            let map = GraphFunctor.homomorphisms graph

            same (exactly (map (h2.Compose h1))) ((exactly (map h2)).matmul(exactly (map h1)))
            && same (exactly (map (h2.Tensor h1))) (torch.kron (exactly (map h2), exactly (map h1))))

        law "a diagram is a graph without edges" (fun case graph ->
            let labels = Array.init 4 (fun i -> (case.Seed >>> 2 * i) % 4)

            let d =
                SetPartition.ofLabels labels
                |> Diagram.ofPartition (case.Second % 5) (4 - case.Second % 5)

            same
                (exactly (GraphFunctor.homomorphisms graph (BilabelledGraph.OfDiagram d)))
                (exactly (Functor.diagram graph.Size d)))

        law "they commute with the automorphisms" (fun case graph ->
            let h = labelled case.Seed 2 (case.Size % 3)
            let map = exactly (GraphFunctor.homomorphisms graph h)

            graph.Automorphisms.Generators
            |> Array.forall (fun p ->
                let g = Group.ofPermutation p

                let power k =
                    exactly (
                        Rep.vector (Group.symmetric graph.Size)
                        |> Rep.tensorPower k
                        |> fun rep -> rep.Of g
                    )

                same ((power h.Top.Length).matmul map) (map.matmul (power 2))))

        testCase "edge with a label on each end is the adjacency matrix; a loop gives 0" (fun () ->
            let graph = Graph.Cycle 5
            let edge = BilabelledGraph.Of(Graph.Complete 2, [| 0 |], [| 1 |])
            let matrix = exactly (GraphFunctor.homomorphisms graph edge)
            Expect.equal (matrix.sum().item<int64>()) 10L "ten ones"
            let cup = BilabelledGraph.OfDiagram(Diagram.ofBlocks 0 2 [ [ 0; 1 ] ])
            let loop = (BilabelledGraph.Of(Graph.Complete 2, [||], [| 0; 1 |])).Compose cup
            Expect.equal (exactly (GraphFunctor.homomorphisms graph loop)).NumberOfElements 1L "a number"
            Expect.equal ((exactly (GraphFunctor.homomorphisms graph loop)).sum().item<int64>()) 0L "zero")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        Refusal.expect "a loop" (fun () -> Graph.OfEdges(3, [| [| 1; 1 |] |]) |> ignore)
        Refusal.expect "a vertex out of range" (fun () -> Graph.OfEdges(3, [| [| 0; 3 |] |]) |> ignore)
        Refusal.expect "three ends" (fun () -> Graph.OfEdges(3, [| [| 0; 1; 2 |] |]) |> ignore)
        Refusal.expect "no vertex" (fun () -> Graph.OfEdges(0, [||]) |> ignore)
        Refusal.expect "size" (fun () -> PermutationGroup.OfGenerators(3, [| Permutation.identity 4 |]) |> ignore)
        Refusal.expect "many elements" (fun () -> (PermutationGroup.Symmetric 12).Elements 1000 |> ignore)
        Refusal.expect "many tuples" (fun () -> (PermutationGroup.Symmetric 12).OrbitsOfTuples 12 |> ignore)
        let edge = Graph.Complete 2
        Refusal.expect "label" (fun () -> BilabelledGraph.Of(edge, [| 2 |], [||]) |> ignore)
        let one = BilabelledGraph.Of(edge, [| 0 |], [| 1 |])
        Refusal.expect "middle" (fun () -> one.Compose(BilabelledGraph.Of(edge, [| 0; 1 |], [||])) |> ignore))

let tests =
    testList "graphs and their automorphisms" [ yield! table; yield! groups; yield! maps; refusals ]
