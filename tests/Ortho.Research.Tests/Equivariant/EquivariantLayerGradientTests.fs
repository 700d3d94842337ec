/// Gradients of equivariant layers, first and second, and what may happen between the passes.
module Ortho.Tests.EquivariantLayerGradientTests

open Expecto
open Ortho
open Ortho.Tests.EquivariantLayerCases
open TorchSharp

let tests =
    testList
        "gradients of equivariant layers"
        [
            for group, k, l in examples do
                testCase $"gradients in x, in the weights, and of the gradient: {group}, {k} -> {l}" (fun () ->
                    use _ = torch.NewDisposeScope()

                    let shape =
                        {
                            Group = group
                            K = k
                            L = l
                            C = 2
                            D = 3
                        }

                    let w = weightOf float64 (k + l) shape
                    let x = Seed.normal 7 float64 (Seq.append [ 2L ] (mapOf shape w).Domain.Shape)
                    Expect.isLessThan (Law.gradient 1 (mapOf shape w).Apply x) Bench.gradient "x"
                    Expect.isLessThan (Law.gradient 1 (fun w -> (mapOf shape w).Apply x) w) Bench.gradient "weights"

                    // Of an energy of y its slope in x and in w; their own slopes are seen through a second backward.
                    let slopes
                        (first: torch.Tensor)
                        (other: torch.Tensor)
                        (apply: torch.Tensor -> torch.Tensor -> torch.Tensor)
                        =
                        // Differences run without gradients, and autograd.grad on a tensor without a graph ends the process.
                        use _ = torch.enable_grad ()

                        let leaf =
                            if first.requires_grad then
                                first
                            else
                                first.detach().requires_grad_ true

                        let other = other.detach().requires_grad_ true
                        let y = apply leaf other
                        let energy = (y.mul(y).mul y).sum()

                        let both =
                            torch.autograd.grad (
                                [| energy |],
                                [| leaf; other |],
                                create_graph = true,
                                retain_graph = true
                            )

                        torch.cat ([| both[0].reshape -1L; both[1].reshape -1L |], 0L)

                    let inX x =
                        slopes x w (fun x w -> (mapOf shape w).Apply x)

                    let inW w =
                        slopes w x (fun w x -> (mapOf shape w).Apply x)

                    Expect.isLessThan (Law.gradient 1 inX x) Bench.gradient "second derivatives with x"
                    Expect.isLessThan (Law.gradient 1 inW w) Bench.gradient "second derivatives with w")

            testCase "gradient in a bias" (fun () ->
                use _ = torch.NewDisposeScope()

                use layer = drawn 1 (new EquivariantLayer(1, Group.specialOrthogonal 3, 1, 2, 3, 2))

                let x = Seed.normal 2 float64 [ 2L; 3L; 2L ]
                let bias = layer.get_parameter "bias"
                (layer.forward(x).pow(torch.tensor 2.0)).sum().backward()
                let slope = bias.grad

                let difference (i: int64) =
                    let energy step =
                        use _ = torch.no_grad ()
                        let unit = torch.zeros_like(bias).flatten()
                        unit[i] <- torch.tensor (step: float)
                        bias.add_ (unit.reshape bias.shape) |> ignore
                        let energy = layer.forward(x).pow(torch.tensor 2.0).sum().item<float>()
                        bias.sub_ (unit.reshape bias.shape) |> ignore
                        energy

                    (energy 1e-6 - energy -1e-6) / 2e-6

                let differences =
                    torch.tensor(Array.init (int (bias.numel ())) (int64 >> difference)).reshape bias.shape

                Expect.isLessThan (Law.distance slope differences) Bench.gradient "bias")

            testCase "gradients of a dense layer" (fun () ->
                use _ = torch.NewDisposeScope()

                for group in [ Group.symmetric 3; Group.automorphisms (Graph.Cycle 4) ] do
                    let shape =
                        {
                            Group = group
                            K = 1
                            L = 1
                            C = 2
                            D = 3
                        }

                    let w = weightOf float64 1 shape
                    let map = mapBy LayerMethod.Dense shape
                    let x = Seed.normal 7 float64 (Seq.append [ 2L ] (map w).Domain.Shape)
                    Expect.isLessThan (Law.gradient 1 (map w).Apply x) Bench.gradient "x"
                    Expect.isLessThan (Law.gradient 1 (fun w -> (map w).Apply x) w) Bench.gradient "weights")

            testCase "the backward pass may come when the scope of the map has ended" (fun () ->
                for method in [ LayerMethod.Factored; LayerMethod.Dense ] do
                    for group, k, l in examples do
                        use _ = torch.NewDisposeScope()

                        let shape =
                            {
                                Group = group
                                K = k
                                L = l
                                C = 2
                                D = 4
                            }

                        let w = (weightOf float64 1 shape).requires_grad_ true

                        let energy =
                            use inner = torch.NewDisposeScope()
                            let map = mapBy method shape w
                            let x = Seed.normal 2 float64 (Seq.append [ 3L ] map.Domain.Shape)
                            inner.MoveToOuter((map.Apply x).square().sum())

                        energy.backward ()
                        Expect.isGreaterThan (w.grad.norm().item<float>()) 0.0 $"{group}, {k} -> {l}, {method}")

            testCase "a tensor changed in place between the passes gives NaN, and the process lives" (fun () ->
                use _ = torch.NewDisposeScope()

                let shape =
                    {
                        Group = Group.symmetric 3
                        K = 2
                        L = 1
                        C = 1
                        D = 1
                    }

                let w = (weightOf float64 1 shape).requires_grad_ true
                let x = (Seed.normal 2 float64 [ 3L; 3L; 1L ])
                let y = (mapOf shape w).Apply x
                x.mul_ (torch.tensor 2.0) |> ignore
                y.sum().backward()
                Expect.isTrue (w.grad.isnan().all().item<bool>()) "gradient")
        ]
