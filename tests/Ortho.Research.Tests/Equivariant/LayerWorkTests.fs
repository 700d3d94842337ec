/// What a layer's methods cost, as counted, and that they give the same.
module Ortho.Tests.LayerWorkTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests.EquivariantLayerCases
open TorchSharp

let private methods = [ LayerMethod.Factored; LayerMethod.Dense ]

/// A group with diagrams, every kind with small and with large n.
let private groupOf (random: Random) =
    match random.Next 5 with
    | 0 -> Group.symmetric (1 + random.Next 4)
    | 1 -> Group.alternating (1 + random.Next 4)
    | 2 -> Group.orthogonal (1 + random.Next 4)
    | 3 -> Group.specialOrthogonal (1 + random.Next 4)
    | _ -> Group.symplectic (2 + 2 * random.Next 2)

/// Orders k -> l with a map that is not 0, so few and so small that a layer keeps them dense.
let private ordersOf (random: Random) (largest: float) (group: Group) =
    let rec draw () =
        let k, l = random.Next 4, random.Next 4
        let maps = Basis.dimension group k l
        let entries = float maps * float group.Dimension ** float (k + l)
        if maps > 0I && entries <= largest then k, l else draw ()

    draw ()

let private has (method: LayerMethod) (layer: EquivariantLayer) =
    try
        layer.Method <- method
        true
    with :? ArgumentException ->
        false

/// One summand each, direct sums, or a product of two groups; with a bias or without. It has both methods.
let rec private layerFrom (seed: int) : EquivariantLayer =
    let random = Random seed
    let group, channels = groupOf random, (fun () -> 1 + random.Next 3)

    let groups, input, output =
        match random.Next 3 with
        | 0 ->
            let k, l = ordersOf random 20000.0 group
            [| group |], Features.tensors k (channels ()), Features.tensors l (channels ())
        | 1 ->
            let k, l = ordersOf random 4000.0 group

            [| group |],
            Features.tensors k (channels ()) + Features.tensors 1 2 + Features.tensors 0 1,
            Features.tensors l (channels ()) + Features.tensors 1 (channels ())
        | _ ->
            let other = groupOf random
            let k, l = ordersOf random 300.0 group
            let k', l' = ordersOf random 30.0 other

            [| group; other |], Features.local [ k; k' ] (channels ()), Features.local [ l; l' ] (channels ())

    let layer =
        drawn seed (new EquivariantLayer(seed, groups, input, output, random.Next 2 = 0))

    if has LayerMethod.Dense layer then
        layer
    else
        layer.Dispose()
        layerFrom (seed + 1)

/// A batch of no, one or two axes.
let private inputOf (case: Case) (layer: EquivariantLayer) =
    Seed.normal (Seed.derive case.Seed 7) TensorKind.float64 (Seq.append case.Batch layer.InputRep.Space.Shape)

let private by (method: LayerMethod) (layer: EquivariantLayer) (x: torch.Tensor) =
    layer.Method <- method
    layer.forward x

let private law name (holds: Case -> EquivariantLayer -> FsCheck.Property) =
    Property.check Property.config name (fun case ->
        use layer = layerFrom case.Seed
        let groups = String.Join(" x ", layer.Groups)

        holds case layer
        |> Prop.label $"{groups} from {layer.InputRep.Space} to {layer.OutputRep.Space}")

let private laws =
    [
        law "both methods give the same" (fun case layer ->
            let x = inputOf case layer

            Law.distance (by LayerMethod.Factored layer x) (by LayerMethod.Dense layer x)
            |> Property.within 1e-12 "distance")

        law "both methods have the same gradients" (fun case layer ->
            let gradients method =
                let x = (inputOf case layer).requires_grad_ true
                layer.zero_grad ()
                let y = by method layer x
                (y.mul (Seed.normal case.Seed TensorKind.float64 y.shape)).sum().backward()

                [
                    for tensor in Seq.append [ x ] (Seq.cast (layer.parameters ())) ->
                        if isNull tensor.grad then
                            torch.zeros_like tensor
                        else
                            tensor.grad.clone ()
                ]

            List.map2 Law.distance (gradients LayerMethod.Factored) (gradients LayerMethod.Dense)
            |> List.reduce max
            |> Property.within 1e-12 "distance")

        law "the cheapest is the lesser of both" (fun case layer ->
            let batch = int64 (Random(case.Seed + 1).Next 400)

            let costs =
                methods
                |> List.map (fun method -> layer.Work(batch, method))
                |> List.sortBy _.Cost

            layer.Work(batch, LayerMethod.Cheapest) = costs.Head |> Prop.label $"{costs}")

        // The methods round differently, so the last digits tell which one ran.
        law "the cheapest is what runs where no gradient is asked for" (fun case layer ->
            use _ = torch.no_grad ()
            let x = inputOf case layer
            let batch = List.fold (*) 1L case.Batch
            let best = methods |> List.minBy (fun method -> layer.Work(batch, method).Cost)

            Law.distance (by LayerMethod.Cheapest layer x) (by best layer x) = 0.0
            |> Prop.label $"{best}")

        law "work is affine in the batch" (fun case layer ->
            methods
            |> List.forall (fun method ->
                let at batch = layer.Work(batch, method)
                let none, one, many = at 0L, at 1L, at (int64 case.Seed)

                let line (of': LayerWork -> float) =
                    of' none + float case.Seed * (of' one - of' none)

                let near a b = abs (a - b) <= 1e-12 * (abs a + abs b)

                near many.Moved (line _.Moved)
                && near many.Products (line _.Products)
                && many.Calls = none.Calls)
            |> Prop.label "affine")

        // A group of diagrams with m through blocks is one product for each of their n^m values: every contraction with every placement.
        Property.check Property.config "products: each diagram for each value of its through blocks" (fun case ->
            let random = Random case.Seed
            let k, l = random.Next 4, random.Next 4
            let c, d, batch = 1 + random.Next 3, 1 + random.Next 3, int64 (random.Next 5)

            // So large that all diagrams are independent.
            let group, diagrams =
                match (if (k + l) % 2 = 0 then random.Next 3 else 0) with
                | 0 -> Group.symmetric (6 + random.Next 3), Diagram.enumerate k l
                | 1 -> Group.orthogonal (3 + random.Next 3), Brauer.enumerate 0 k l
                | _ -> Group.symplectic (6 + 2 * random.Next 2), Brauer.enumerate 0 k l

            let work =
                use layer = new EquivariantLayer(1, group, k, c, l, d, false)
                layer.Work(batch, LayerMethod.Factored)

            let expected =
                diagrams
                |> Array.sumBy (fun diagram -> pown (int64 group.Dimension) (Diagram.propagatingNumber diagram))

            work.Products = float (batch * int64 (c * d) * expected)
            |> Prop.label $"{group}, {k} -> {l}: {work.Products}")
    ]

/// Group, k -> l, channels c -> d, bias, and for each number m of through blocks (m, contractions, placements), counted by hand.
let private counted =
    [
        Group.symmetric 5, (2, 2), (3, 4), false, [ 2, 1, 2; 1, 3, 3; 0, 2, 2 ]
        Group.orthogonal 4, (3, 3), (2, 5), true, [ 3, 1, 6; 1, 3, 3 ]
        Group.symplectic 6, (3, 3), (2, 2), false, [ 3, 1, 6; 1, 3, 3 ]
        Group.symmetric 7, (1, 1), (2, 3), false, [ 1, 1, 1; 0, 1, 1 ]
        Group.symmetric 4, (2, 1), (1, 2), false, [ 1, 3, 1; 0, 2, 1 ]
        Group.orthogonal 5, (2, 2), (3, 3), false, [ 2, 1, 2; 0, 1, 1 ]
    ]

let private examples =
    [
        for group, (k, l), (c, d), hasBias, groups in counted do
            testCase $"products of a layer of {group}, {k} -> {l}, by hand" (fun () ->
                use layer = new EquivariantLayer(1, group, k, c, l, d, hasBias)
                let n = int64 group.Dimension

                for batch in [ 0L; 1L; 17L ] do
                    let expected =
                        groups
                        |> List.sumBy (fun (m, p, q) -> batch * pown n m * int64 p * int64 c * int64 q * int64 d)

                    Expect.equal
                        (layer.Work(batch, LayerMethod.Factored).Products)
                        (float expected)
                        $"batch of {batch}")

        testCase "a bias is one more contraction of the group without through blocks" (fun () ->
            use layer = new EquivariantLayer(1, Group.symmetric 5, 2, 3, 2, 4)
            let others = 25 * 1 * 3 * 2 * 4 + 5 * 3 * 3 * 3 * 4

            Expect.equal
                (layer.Work(1L, LayerMethod.Factored).Products)
                (float (others + (2 * 3 + 1) * 2 * 4))
                "products")

        testCase "the products of a dense layer: its matrix from 15 maps, then the matrix times the batch" (fun () ->
            use layer = new EquivariantLayer(1, Group.symmetric 4, 2, 3, 2, 2, false)
            let entries = 256 * 3 * 2
            Expect.equal (layer.Work(9L, LayerMethod.Dense).Products) (float (15 * entries + 9 * entries)) "products")

        testCase "many diagrams of few numbers are cheapest dense, one diagram of many numbers factored" (fun () ->
            use small = new EquivariantLayer(1, Group.symmetric 3, 2, 1, 2, 1)
            use large = new EquivariantLayer(1, Group.orthogonal 256, 1, 1, 1, 1)

            for batch in [ 1L; 100L ] do
                Expect.equal (small.Work(batch, LayerMethod.Cheapest)) (small.Work(batch, LayerMethod.Dense)) "S_3"

                Expect.equal
                    (large.Work(batch, LayerMethod.Cheapest))
                    (large.Work(batch, LayerMethod.Factored))
                    "O(256)")

        testCase "the method that is set is what runs, cheapest or not: the roundings of the two differ" (fun () ->
            use _ = torch.no_grad ()

            // Layers that keep a dense matrix, for batches that are cheapest by it and for others.
            let seen =
                [
                    for n in 20..20..100 do
                        for channels in 1..4 do
                            use _ = torch.NewDisposeScope()

                            use layer =
                                drawn 1 (new EquivariantLayer(1, Group.symmetric n, 1, channels, 1, channels))

                            if has LayerMethod.Dense layer then
                                for batch in [ 1L; 2048L ] do
                                    let best = methods |> List.minBy (fun method -> layer.Work(batch, method).Cost)
                                    let shape = Seq.append [ batch ] layer.InputRep.Space.Shape
                                    let x = Seed.normal 2 TensorKind.float64 shape
                                    let what = $"S_{n}, {channels} channels, batch {batch}, {best}"

                                    let distance =
                                        Law.distance (by LayerMethod.Factored layer x) (by LayerMethod.Dense layer x)

                                    Expect.isGreaterThan distance 0.0 $"{what}: not the same steps"
                                    Expect.isLessThan distance 1e-12 $"{what}: the same layer"

                                    Expect.equal
                                        (Law.distance (by LayerMethod.Cheapest layer x) (by best layer x))
                                        0.0
                                        $"{what}: what runs"

                                    best
                ]

            Expect.equal (List.distinct seen |> List.length) 2 $"both are cheapest somewhere: {seen}")

        testCase "a method that the layer does not have is refused, to set and to count" (fun () ->
            let refused name (layer: EquivariantLayer) (method: LayerMethod) =
                Refusal.expect $"{name}, set" (fun () -> layer.Method <- method)
                Refusal.expect $"{name}, counted" (fun () -> layer.Work(1L, method) |> ignore)
                Expect.equal layer.Method LayerMethod.Cheapest $"{name}: nothing changed"

            use graph = new EquivariantLayer(1, Group.automorphisms (Graph.Cycle 5), 1, 1, 1, 1)
            refused "Aut(G) has no diagrams" graph LayerMethod.Factored
            refused "no such method" graph (enum<LayerMethod> 7)
            graph.Method <- LayerMethod.Dense
            Expect.equal (graph.Work(3L, LayerMethod.Cheapest)) (graph.Work(3L, LayerMethod.Dense)) "Aut(G) is dense"

            use large = new EquivariantLayer(1, Group.orthogonal 16, 3, 1, 3, 1)
            refused "a matrix of 4096 x 4096 is not kept" large LayerMethod.Dense
            large.Method <- LayerMethod.Factored
            Expect.equal (large.Work(3L, LayerMethod.Cheapest)) (large.Work(3L, LayerMethod.Factored)) "a large layer"
            Refusal.expect "batch" (fun () -> large.Work(-1L, LayerMethod.Factored) |> ignore))
    ]

let tests = testList "work of a layer" [ yield! laws; yield! examples ]
