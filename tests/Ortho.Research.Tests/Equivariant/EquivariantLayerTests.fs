module Ortho.Tests.EquivariantLayerTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// n in 1..4, orders 0..2, channels 1..3.
let private sizes (case: Case) =
    let random = Random case.Seed
    1 + random.Next 4, random.Next 3, random.Next 3, 1 + random.Next 3, 1 + random.Next 3

let private weight (kind: TensorKind) (case: Case) n (k: int, c: int) (l: int, d: int) =
    Seed.normal case.Seed kind [ int64 (Basis.dimension (Group.symmetric n) k l); int64 c; int64 d ]

let private law name (residual: Case -> float) =
    Property.check Property.config name (fun case -> residual case |> Property.within 1e-12 name)

let private float32 = TensorKind.float32

let tests =
    testList
        "equivariant layer"
        [
            law "is the sum of its diagrams, each with its own matrix of channels" (fun case ->
                let n, k, l, c, d = sizes case
                let group = Group.symmetric n
                let w = weight TensorKind.float64 case n (k, c) (l, d)

                let plain =
                    Equivariant.diagrams group k l
                    |> Array.mapi (fun i diagram -> Functor.diagram n diagram .*. LinearMap.ofMatrix (w[int64 i].t()))
                    |> Array.reduce (+)

                Law.equality case.Seed (Equivariant.ofWeight group (k, l) w) plain)

            law "commutes with the group, bias included" (fun case ->
                let n, k, l, c, d = sizes case
                use layer = new EquivariantLayer(case.Seed, Group.symmetric n, k, c, l, d)
                layer.``to`` torch.float64 |> ignore
                use _ = torch.no_grad ()

                (layer.get_parameter "bias")
                    .copy_(Seed.normal 3 TensorKind.float64 (layer.get_parameter("bias").shape))
                |> ignore

                let g = Group.random case.Seed layer.Group
                let x = case.Draw (Bench.double.Head) layer.InputRep.Space
                let moved = (layer.InputRep.Of g).Apply x
                Law.distance (layer.forward moved) ((layer.OutputRep.Of g).Apply(layer.forward x)))

            law "the linear part commutes with the generators" (fun case ->
                let n, k, l, c, d = sizes case
                use layer = new EquivariantLayer(case.Seed, Group.symmetric n, k, c, l, d)
                layer.``to`` torch.float64 |> ignore
                Rep.equivariance case.Seed 1 (layer.InputRep, layer.OutputRep) layer.Linear)

            testCase "lists each diagram of the basis once, and has exactly dim Hom times channels weights" (fun () ->
                for n in 1..5 do
                    for k in 0..3 do
                        for l in 0..2 do
                            let group = Group.symmetric n
                            let diagrams = Equivariant.diagrams group k l

                            Expect.equal
                                (set diagrams)
                                (set (Basis.diagrams group k l))
                                $"diagrams, n = {n}, {k} -> {l}"

                            Expect.equal
                                (bigint diagrams.Length)
                                (Basis.dimension group k l)
                                $"each once, n = {n}, {k} -> {l}"

                use layer = new EquivariantLayer(1, Group.symmetric 5, 2, 3, 2, 4)
                let count = layer.parameters () |> Seq.sumBy _.numel()
                Expect.equal count (15L * 3L * 4L + 2L * 4L) "15 + 2 for a pair of channels, as in Maron et al. 2019")

            testCase "its gradient in x, in the weights, and of the gradient" (fun () ->
                use _ = torch.NewDisposeScope()

                for n, k, l, c, d in [ 3, 2, 2, 2, 3; 2, 2, 1, 1, 2; 4, 1, 2, 2, 1; 3, 0, 2, 1, 1; 2, 2, 2, 1, 1 ] do
                    let case =
                        {
                            Size = 1
                            Second = 1
                            Batch = []
                            Seed = n + k
                        }

                    let w = weight TensorKind.float64 case n (k, c) (l, d)

                    let map w =
                        Equivariant.ofWeight (Group.symmetric n) (k, l) w

                    let x = Seed.normal 7 TensorKind.float64 (Seq.append [ 2L ] (map w).Domain.Shape)
                    Expect.isLessThan (Law.gradient 1 (map w).Apply x) Bench.gradient "x"
                    Expect.isLessThan (Law.gradient 1 (fun w -> (map w).Apply x) w) Bench.gradient "weights"

                    // The gradient of |A x|^2 / 2 in x is A* A x; its own gradient is seen through a second backward.
                    let slope (x: torch.Tensor) =
                        // Differences run without gradients, and autograd.grad on a tensor without a graph ends the process.
                        use _ = torch.enable_grad ()

                        let leaf =
                            if x.requires_grad then
                                x
                            else
                                x.detach().requires_grad_ true

                        let y = (map w).Apply leaf
                        let energy = (y.mul y).sum()
                        (torch.autograd.grad ([| energy |], [| leaf |], create_graph = true, retain_graph = true))[0]

                    Expect.isLessThan (Law.gradient 1 slope x) Bench.gradient "second derivative")

            testCase "same values with and without gradients asked for" (fun () ->
                use _ = torch.NewDisposeScope()
                use layer = new EquivariantLayer(1, Group.symmetric 4, 2, 3, 2, 2)
                let x = Seed.normal 1 float32 [ 5L; 4L; 4L; 3L ]
                let learning = layer.forward (x.clone().requires_grad_ true)
                use _ = torch.no_grad ()
                Expect.equal (Law.distance learning (layer.forward x)) 0.0 "values")

            testCase "fits A -> A + A^T + diag(A 1) at n = 5, and the same weights serve n = 9" (fun () ->
                use _ = torch.NewDisposeScope()

                let target (a: torch.Tensor) =
                    a.add(a.mT).add(torch.diag_embed (a.sum -1L))
                // Least squares: the layer is linear in its weights.
                let n, kind = 5, TensorKind.float64

                let samples (n: int) seed =
                    Seed.normal seed kind [ 12L; int64 n; int64 n ]

                let column (n: int) (x: torch.Tensor) (d: Diagram) =
                    ((Functor.diagram n d).Apply x).flatten()

                let diagrams = Equivariant.diagrams (Group.symmetric n) 2 2
                let images = diagrams |> Array.map (column n (samples n 1))

                let w =
                    (Basis.coordinates images ((target (samples n 1)).flatten())).reshape(15L, 1L, 1L)

                for size in [ 5; 9 ] do
                    let x = samples size 2

                    let y =
                        (Equivariant.ofWeight (Group.symmetric size) (2, 2) w).Apply(x.unsqueeze -1L)

                    Expect.isLessThan (Law.distance (y.squeeze -1L) (target x)) 1e-12 $"n = {size}")

            testCase "first weights keep the variance of independent normal input" (fun () ->
                use _ = torch.NewDisposeScope()

                for n, k, l in [ 8, 2, 2; 8, 2, 1; 10, 1, 2; 3, 2, 2 ] do
                    let squares =
                        [
                            for seed in 1..40 do
                                use layer = new EquivariantLayer(seed, Group.symmetric n, k, 4, l, 6)
                                use _ = torch.no_grad ()

                                let y =
                                    layer.forward (
                                        Seed.normal
                                            (Seed.derive seed 1)
                                            float32
                                            (Seq.append [ 16L ] layer.InputRep.Space.Shape)
                                    )

                                float ((y.mul y).mean().item<float32>())
                        ]

                    // 40 draws of the weights; their spread gives the standard error.
                    let mean = List.average squares
                    let spread = sqrt (squares |> List.averageBy (fun s -> (s - mean) ** 2.0))
                    Expect.isLessThan (abs (mean - 1.0)) (4.0 * spread / sqrt 39.0) $"mean square, n = {n}, {k} -> {l}")

            testCase "a thousand steps leave no tensor behind" (fun () ->
                use layer = new EquivariantLayer(1, Group.symmetric 4, 2, 2, 1, 2)
                use x = Seed.normal 1 float32 [ 3L; 4L; 4L; 2L ]
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

                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors")

            testCase "bad input is refused before any weight is made" (fun () ->
                use _ = torch.NewDisposeScope()
                Refusal.expect "channels" (fun () -> new EquivariantLayer(1, Group.symmetric 3, 1, 0, 1, 1) |> ignore)
                Refusal.expect "order" (fun () -> new EquivariantLayer(1, Group.symmetric 3, -1, 1, 1, 1) |> ignore)
                Refusal.expect "size" (fun () -> new EquivariantLayer(1, Group.symmetric 12, 7, 1, 7, 1) |> ignore)

                Refusal.expect "weight" (fun () ->
                    Equivariant.ofWeight (Group.symmetric 3) (2, 2) (torch.zeros (15L, 1L, 1L))
                    |> ignore)

                use layer = new EquivariantLayer(1, Group.symmetric 3, 2, 1, 1, 1)
                Refusal.expect "axes that are not n" (fun () -> layer.forward (torch.ones (2L, 4L, 4L, 1L)) |> ignore))
        ]
