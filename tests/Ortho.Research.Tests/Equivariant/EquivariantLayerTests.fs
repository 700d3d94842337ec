module Ortho.Tests.EquivariantLayerTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests.EquivariantLayerCases
open TorchSharp

/// The sum of the maps of a basis, each with its own matrix of channels.
let private plain (maps: LinearMap[]) (weight: torch.Tensor) =
    maps
    |> Array.mapi (fun i map -> map .*. LinearMap.ofMatrix (weight[int64 i].t()))
    |> Array.reduce (+)

let private law name (residual: Case -> float) =
    Property.check Property.config name (fun case -> residual case |> Property.within 1e-12 name)

let private laws =
    [
        law "is the sum of a basis, each map with its own matrix of channels" (fun case ->
            use _ = torch.NewDisposeScope()
            let shape = shape case
            let w = weightOf float64 case.Seed shape
            Law.equality case.Seed (mapOf shape w) (plain (Basis.independent shape.Group shape.K shape.L) w))

        law "the ways to compute it agree, and so do their adjoints" (fun case ->
            use _ = torch.NewDisposeScope()
            let shape = shape case
            let w = weightOf float64 case.Seed shape
            let dense = mapBy LayerMethod.Dense shape w
            let cheapest = Equivariant.ofWeight shape.Group (shape.K, shape.L) w

            max
                (Law.equality case.Seed (mapOf shape w) dense)
                (max
                    (Law.equality case.Seed (mapOf shape w).Adjoint dense.Adjoint)
                    (Law.equality case.Seed cheapest dense)))

        law "its adjoint is the sum of the adjoints" (fun case ->
            use _ = torch.NewDisposeScope()
            let shape = shape case
            let w = weightOf float64 case.Seed shape

            Law.equality
                case.Seed
                (mapOf shape w).Adjoint
                (plain (Basis.independent shape.Group shape.K shape.L) w).Adjoint)

        law "a layer is its linear part and a constant that is equivariant too" (fun case ->
            use _ = torch.NewDisposeScope()
            let s = shape case

            use layer =
                drawn case.Seed (new EquivariantLayer(case.Seed, s.Group, s.K, s.C, s.L, s.D))

            let x = case.Draw Bench.double.Head layer.InputRep.Space
            let linear = layer.Linear.Apply x

            if (Basis.dimension s.Group 0 s.L).IsZero then
                Law.distance (layer.forward x) linear
            else
                let bias = layer.get_parameter("bias").unsqueeze 1L
                let constant = Equivariant.ofWeight s.Group (0, s.L) bias
                Law.distance (layer.forward x) (linear.add (constant.Apply(x.new_ones 1L))))

        law "gradients with complex weights" (fun case ->
            use _ = torch.NewDisposeScope()
            let shape = shape case
            let kind = TensorKind.cpu torch.complex128
            let w = (weightOf kind case.Seed shape).requires_grad_ true
            let map = mapOf shape w

            let x =
                (Seed.normal 7 kind (Seq.append [ 2L ] map.Domain.Shape)).requires_grad_ true

            let v = Seed.normal 8 kind (Seq.append [ 2L ] map.Codomain.Shape)
            // Of Re <v, A x>: A* v in x, and in the weight of each map of the basis the sum of conj(B x) v.
            (v.conj().mul(map.Apply x)).sum().real.backward()
            let maps = Basis.independent shape.Group shape.K shape.L

            let inWeights =
                torch.stack
                    [|
                        for b in maps do
                            let image = (b .*. LinearMap.identity (Space.Of(int64 shape.C))).Apply(x.detach ())

                            let flat (y: torch.Tensor) =
                                y.reshape (-1L, y.size (int y.ndim - 1))

                            (flat image).conj().t().matmul(flat v)
                    |]

            max (Law.distance x.grad (map.Adjoint.Apply v)) (Law.distance w.grad inWeights))

        law "complex weights and input" (fun case ->
            use _ = torch.NewDisposeScope()
            let shape = shape case
            let kind = TensorKind.cpu torch.complex128
            let w = weightOf kind case.Seed shape
            let map = mapOf shape w
            let plain = plain (Basis.independent shape.Group shape.K shape.L) w
            max (Law.equality case.Seed map plain) (Law.adjoint case.Seed map))
    ]

/// Sp(n) is not compact: its elements have norms up to 10, and powers of them lose digits.
let private tolerance (layer: EquivariantLayer) =
    if layer.Groups |> Seq.exists (fun group -> (string group).StartsWith "Sp") then
        1e-9
    else
        1e-12

let private commutes name (make: Case -> EquivariantLayer) =
    Property.check Property.config name (fun case ->
        use _ = torch.NewDisposeScope()
        use layer = drawn case.Seed (make case)

        Equivariant.check case.Seed layer |> Property.within (tolerance layer) name)

let private equivariance =
    [
        commutes "commutes with the group, bias included" (fun case ->
            let s = shape case
            new EquivariantLayer(case.Seed, s.Group, s.K, s.C, s.L, s.D))

        commutes "direct sums commute" (fun case ->
            let s = shape case

            Equivariant.linear
                case.Seed
                s.Group
                (Features.tensors s.K s.C + Features.tensors 1 2 + Features.tensors 0 1)
                (Features.tensors s.L s.D + Features.tensors 2 1))

        commutes "products of two groups commute with both" (fun case ->
            let s, t = shape case, shape { case with Seed = case.Seed + 1 }

            Equivariant.local
                case.Seed
                [ s.Group; t.Group ]
                (Features.local [ s.K; min 1 t.K ] s.C + Features.local [ 1; 1 ] 1)
                (Features.local [ s.L; t.L % 2 ] s.D + Features.local [ 1; 1 ] 2))
    ]

/// The map of a layer from its summands: each pair by `ofWeight`, in a block matrix.
let private blocks =
    law "a direct sum is the block matrix of its parts" (fun case ->
        use _ = torch.NewDisposeScope()
        let group = (shape case).Group
        let inputs, outputs = [ 2, 2; 1, 1; 0, 3 ], [ 1, 2; 2, 1 ]

        let features =
            List.map (fun (order, channels) -> Features.tensors order channels)
            >> List.reduce (+)

        use layer =
            drawn case.Seed (Equivariant.linear case.Seed group (features inputs) (features outputs))

        let flat (map: LinearMap) =
            LinearMap.reshape map.Codomain (Space.Of map.Codomain.Size)
            * map
            * LinearMap.reshape (Space.Of map.Domain.Size) map.Domain

        let n = int64 group.Dimension

        let part j (l, d) i (k, c) =
            if (Basis.dimension group k l).IsZero then
                LinearMap.zero (Space.Of(pown n k * int64 c)) (Space.Of(pown n l * int64 d))
            else
                flat (Equivariant.ofWeight group (k, l) (layer.get_parameter $"weight_{i}_{j}"))

        outputs
        |> List.mapi (fun j output -> inputs |> List.mapi (fun i input -> part j output i input))
        |> LinearMap.block
        |> Law.equality case.Seed layer.Linear)

let private products =
    law "a product of groups has the tensor products of their maps" (fun case ->
        use _ = torch.NewDisposeScope()
        let s, t = shape case, shape { case with Seed = case.Seed + 1 }
        let s, t = { s with K = min s.K 2 }, { t with K = min t.K 1; L = min t.L 1 }

        let ofOne (shape: Shape) =
            Basis.independent shape.Group shape.K shape.L

        let maps = Array.allPairs (ofOne s) (ofOne t) |> Array.map (fun (a, b) -> a .*. b)

        if maps.Length = 0 then
            0.0
        else
            use layer =
                drawn
                    case.Seed
                    (Equivariant.local
                        case.Seed
                        [ s.Group; t.Group ]
                        (Features.local [ s.K; t.K ] s.C)
                        (Features.local [ s.L; t.L ] s.D))

            Law.equality case.Seed layer.Linear (plain maps (layer.get_parameter "weight")))

let private counts =
    [
        testCase "has exactly dim Hom times channels weights, and its bias dim Hom(0, l) times channels" (fun () ->
            for group in
                [
                    Group.symmetric 3
                    Group.symmetric 5
                    Group.alternating 3
                    Group.orthogonal 2
                    Group.orthogonal 4
                    Group.specialOrthogonal 3
                    Group.symplectic 2
                    Group.symplectic 4
                    Group.automorphisms (Graph.Cycle 5)
                ] do
                for k in 0..3 do
                    for l in 0..2 do
                        let dimension = Basis.dimension group k l

                        if dimension > 0I then
                            use layer = new EquivariantLayer(1, group, k, 3, l, 2)
                            let count = layer.parameters () |> Seq.sumBy _.numel()

                            Expect.equal
                                (bigint count)
                                (6I * dimension + 2I * Basis.dimension group 0 l)
                                $"{group}, {k} -> {l}"

            use layer = new EquivariantLayer(1, Group.symmetric 5, 2, 3, 2, 4)

            Expect.equal
                (layer.parameters () |> Seq.sumBy _.numel())
                (15L * 3L * 4L + 2L * 4L)
                "15 + 2 for a pair of channels, as in Maron et al. 2019")

        testCase "the cross product is the only SO(3)-layer from 2 to 1" (fun () ->
            use _ = torch.NewDisposeScope()
            let u, v = Seed.normal 1 float64 [ 7L; 3L ], Seed.normal 2 float64 [ 7L; 3L ]

            let layer =
                Equivariant.ofWeight
                    (Group.specialOrthogonal 3)
                    (2, 1)
                    (torch.ones (1L, 1L, 1L, dtype = torch.float64))

            let outer = u.unsqueeze(-1L).mul(v.unsqueeze -2L).unsqueeze -1L
            Expect.isLessThan (Law.distance (layer.Apply(outer).squeeze -1L) (torch.linalg.cross (u, v))) 1e-15 "u x v")

        testCase "fits A -> A + A^T + diag(A 1) at n = 5, and the same weights serve n = 9" (fun () ->
            use _ = torch.NewDisposeScope()

            let target (a: torch.Tensor) =
                a.add(a.mT).add(torch.diag_embed (a.sum -1L))
            // Least squares: the layer is linear in its weights.
            let n = 5

            let samples (n: int) seed =
                Seed.normal seed float64 [ 12L; int64 n; int64 n ]

            let image (map: LinearMap) = (map.Apply(samples n 1)).flatten()
            let images = Basis.independent (Group.symmetric n) 2 2 |> Array.map image

            let w =
                (Basis.coordinates images ((target (samples n 1)).flatten())).reshape(15L, 1L, 1L)

            for size in [ 5; 9 ] do
                let x = samples size 2

                let y =
                    (Equivariant.ofWeight (Group.symmetric size) (2, 2) w).Apply(x.unsqueeze -1L)

                Expect.isLessThan (Law.distance (y.squeeze -1L) (target x)) 1e-12 $"n = {size}")

        testCase "first weights keep the variance of independent normal input" (fun () ->
            use _ = torch.NewDisposeScope()

            let layers: (string * (int -> EquivariantLayer)) list =
                [
                    for group, k, l in
                        [
                            Group.symmetric 8, 2, 2
                            Group.symmetric 8, 2, 1
                            Group.symmetric 10, 1, 2
                            Group.symmetric 3, 2, 2
                            Group.alternating 3, 2, 1
                            Group.orthogonal 5, 2, 2
                            Group.specialOrthogonal 3, 2, 1
                            Group.symplectic 4, 3, 1
                            Group.automorphisms (Graph.Cycle 6), 1, 1
                        ] do
                        $"{group}, {k} -> {l}", (fun seed -> new EquivariantLayer(seed, group, k, 4, l, 6))
                    "a direct sum",
                    (fun seed ->
                        Equivariant.linear
                            seed
                            (Group.symmetric 6)
                            (Features.tensors 2 4 + Features.tensors 1 5)
                            (Features.tensors 1 6))
                    "a product",
                    (fun seed ->
                        Equivariant.local
                            seed
                            [ Group.symmetric 4; Group.orthogonal 3 ]
                            (Features.local [ 1; 1 ] 4)
                            (Features.local [ 1; 1 ] 6))
                ]

            for name, make in layers do
                let squares =
                    [
                        for seed in 1..40 do
                            use layer = make seed
                            use _ = torch.no_grad ()

                            let y =
                                layer.forward (
                                    Seed.normal
                                        (Seed.derive seed 1)
                                        TensorKind.float32
                                        (Seq.append [ 16L ] layer.InputRep.Space.Shape)
                                )

                            float ((y.mul y).mean().item<float32>())
                    ]

                // 40 draws of the weights; their spread gives the standard error.
                let mean = List.average squares
                let spread = sqrt (squares |> List.averageBy (fun s -> (s - mean) ** 2.0))
                Expect.isLessThan (abs (mean - 1.0)) (4.0 * spread / sqrt 39.0) $"mean square, {name}")
    ]

let private life =
    [
        testCase "same values with and without gradients asked for" (fun () ->
            use _ = torch.NewDisposeScope()
            use layer = new EquivariantLayer(1, Group.symmetric 4, 2, 3, 2, 2)
            let x = Seed.normal 1 TensorKind.float32 [ 5L; 4L; 4L; 3L ]
            let learning = layer.forward (x.clone().requires_grad_ true)
            use _ = torch.no_grad ()
            Expect.equal (Law.distance learning (layer.forward x)) 0.0 "values")

        testCase "outlives the scope that it is made in, and takes an empty batch" (fun () ->
            for group, k, l in examples do
                let layer =
                    use _ = torch.NewDisposeScope()
                    new EquivariantLayer(1, group, k, 2, l, 3)

                use layer = layer
                use _ = torch.NewDisposeScope()
                let space = layer.InputRep.Space

                let y =
                    layer.forward (torch.zeros (Array.append [| 0L |] (Seq.toArray space.Shape)))

                Expect.equal y.shape (Array.append [| 0L |] (Seq.toArray layer.OutputRep.Space.Shape)) $"{group}")

        testCase "a thousand steps leave no tensor behind" (fun () ->
            for make in
                [
                    fun () -> new EquivariantLayer(1, Group.symmetric 4, 2, 2, 1, 2)
                    fun () -> new EquivariantLayer(1, Group.specialOrthogonal 3, 2, 2, 1, 2)
                    fun () -> new EquivariantLayer(1, Group.automorphisms (Graph.Cycle 4), 1, 2, 1, 2)
                ] do
                use layer = make ()

                use x =
                    Seed.normal 1 TensorKind.float32 (Seq.append [ 3L ] layer.InputRep.Space.Shape)

                use optimizer = torch.optim.SGD(layer.parameters (), 1e-3)

                let step () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let y = layer.forward x
                    (y.mul y).mean().backward()
                    optimizer.step () |> ignore

                for _ in 1..5 do
                    step ()

                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

                for _ in 1..1000 do
                    step ()

                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before $"live tensors, {layer.Group}")

        testCase "bad input is refused before any weight is made" (fun () ->
            use _ = torch.NewDisposeScope()
            let group = Group.symmetric 3
            Refusal.expect "channels" (fun () -> new EquivariantLayer(1, group, 1, 0, 1, 1) |> ignore)
            Refusal.expect "order" (fun () -> new EquivariantLayer(1, group, -1, 1, 1, 1) |> ignore)
            Refusal.expect "size" (fun () -> new EquivariantLayer(1, Group.symmetric 12, 7, 1, 7, 1) |> ignore)
            Refusal.expect "no map" (fun () -> new EquivariantLayer(1, Group.orthogonal 3, 2, 1, 1, 1) |> ignore)
            let petersen = Group.automorphisms Graph.Petersen
            Refusal.expect "entries" (fun () -> new EquivariantLayer(1, petersen, 4, 1, 4, 1) |> ignore)

            Refusal.expect "factors" (fun () ->
                Equivariant.local 1 [ group; group ] (Features.tensors 1 1) (Features.local [ 1; 1 ] 1)
                |> ignore)

            Refusal.expect "factors of a sum" (fun () -> Features.tensors 1 1 + Features.local [ 1; 1 ] 1 |> ignore)
            Refusal.expect "no factor" (fun () -> Features.local [] 1 |> ignore)

            Refusal.expect "weight" (fun () -> Equivariant.ofWeight group (2, 2) (torch.zeros (15L, 1L, 1L)) |> ignore)

            Refusal.expect "groups of a residual" (fun () ->
                Rep.residual 1 float64 (Rep.vector group, Rep.vector (Group.alternating 3)) (fun x -> x.alias ())
                |> ignore)

            // A layer that was refused is finalised, half made as it is: an exception there would end the process.
            GC.Collect()
            GC.WaitForPendingFinalizers()

            use layer = new EquivariantLayer(1, group, 2, 1, 1, 1)
            Refusal.expect "axes that are not n" (fun () -> layer.forward (torch.ones (2L, 4L, 4L, 1L)) |> ignore)

            Refusal.expect "kind" (fun () ->
                layer.forward (torch.ones (2L, 3L, 3L, 1L, dtype = torch.float64)) |> ignore))

        testCase "the residual sees a layer that does not commute" (fun () ->
            use _ = torch.NewDisposeScope()
            let rho = Rep.vector (Group.orthogonal 3)
            let relu (x: torch.Tensor) = x.relu ()
            Expect.isGreaterThan (Rep.residual 1 float64 (rho, rho) relu) 0.1 "relu on vectors")
    ]

let tests =
    testList
        "equivariant layer"
        [
            yield! laws
            yield! equivariance
            blocks
            products
            yield! counts
            yield! life
        ]
