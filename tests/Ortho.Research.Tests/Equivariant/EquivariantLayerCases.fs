/// Layers to test: groups, orders and channels, and every way to compute them.
module Ortho.Tests.EquivariantLayerCases

open System
open Expecto
open Ortho
open TorchSharp

/// A group, orders and channels with an equivariant map that is not 0, every group with small and with large n.
type Shape =
    {
        Group: Group
        K: int
        L: int
        C: int
        D: int
    }

let shape (case: Case) : Shape =
    let random = Random case.Seed

    let group =
        match random.Next 6 with
        | 0 -> Group.symmetric (1 + random.Next 4)
        | 1 -> Group.alternating (1 + random.Next 4)
        | 2 -> Group.orthogonal (1 + random.Next 4)
        | 3 -> Group.specialOrthogonal (1 + random.Next 4)
        | 4 -> Group.symplectic (2 + 2 * random.Next 2)
        | _ -> Group.automorphisms ([| Graph.Path 3; Graph.Cycle 4; Graph.Cycle 5 |][random.Next 3])

    let rec orders () =
        let k, l = random.Next 4, random.Next 3

        if Basis.dimension group k l > 0I then k, l else orders ()

    let k, l = orders ()

    {
        Group = group
        K = k
        L = l
        C = 1 + random.Next 3
        D = 1 + random.Next 6
    }

let weightOf (kind: TensorKind) (seed: int) (shape: Shape) =
    Seed.normal
        seed
        kind
        [
            int64 (Basis.dimension shape.Group shape.K shape.L)
            int64 shape.C
            int64 shape.D
        ]

/// By the diagrams where there are any: what is small would else be dense.
let mapBy (method: LayerMethod) (shape: Shape) (weight: torch.Tensor) =
    let features (order: int) (channels: int) = Features.tensors order channels

    LayerForm.linear
        (LayerForm.make [| shape.Group |] (features shape.K shape.C) (features shape.L shape.D) false)
        method
        (array2D [ [ weight ] ])
        (TensorKind.ofTensor weight)

let mapOf (shape: Shape) (weight: torch.Tensor) = mapBy LayerMethod.Factored shape weight

let isGraph (group: Group) = (string group).StartsWith "Aut"

/// Through its diagrams, or as a dense matrix if it keeps one, or as it chooses.
let byMethod (seed: int) (layer: EquivariantLayer) =
    let tryMethod (method: LayerMethod) =
        try
            layer.Method <- method
        with :? ArgumentException ->
            Expect.isTrue (method = LayerMethod.Dense || Seq.exists isGraph layer.Groups) "only Aut(G) has no diagrams"

    tryMethod (enum<LayerMethod>(seed % 3))
    layer

let float64 = TensorKind.float64

/// Every parameter drawn anew, biases too.
let drawn (seed: int) (layer: EquivariantLayer) =
    use _ = torch.no_grad ()
    layer.``to`` torch.float64 |> ignore

    layer.parameters ()
    |> Seq.iteri (fun i p -> p.copy_ (Seed.normal (Seed.derive seed i) float64 p.shape) |> ignore)

    byMethod seed layer

/// One of each kind: heads above, below and in both rows, forms, small n, dense.
let examples =
    [
        Group.symmetric 3, 2, 2
        Group.symmetric 2, 2, 1
        Group.symmetric 4, 1, 2
        Group.symmetric 3, 0, 2
        Group.alternating 3, 2, 1
        Group.alternating 3, 1, 1
        Group.alternating 3, 2, 2
        Group.orthogonal 3, 2, 2
        Group.orthogonal 2, 3, 1
        Group.specialOrthogonal 3, 2, 1
        Group.specialOrthogonal 2, 1, 1
        Group.symplectic 2, 2, 2
        Group.automorphisms (Graph.Cycle 4), 1, 1
    ]
