namespace Ortho

open TorchSharp

/// <summary>Bases of Hom_G((R^n)^k, (R^n)^l), the linear maps that commute with a group, and how many there are.</summary>
/// <remarks>
/// S_n: the diagrams of l + k vertices with at most n blocks index two bases, D (diagram) and X (orbit). Source: Pearce-Crump
/// 2212.08648, theorems on the two bases; the D of diagrams with more than n blocks depend on those.
/// </remarks>
[<RequireQualifiedAccess>]
module Basis =

    let private checkOrders (k: int) (l: int) =
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l

    /// <summary>The dimension of the space of equivariant maps, by formula: no tensor is made. S_n: the restricted Bell number B(l+k, n).</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    [<CompiledName("Dimension")>]
    let dimension (group: Group) (k: int) (l: int) : bigint =
        checkOrders k l

        match group with
        | Group.Permutations n -> SetPartition.restrictedBell (l + k) n

    /// <summary>The diagrams that index the bases.</summary>
    /// <exception cref="T:System.ArgumentException">There are more than `limit`; the message says how many.</exception>
    [<CompiledName("DiagramsWithin")>]
    let diagramsWithin (limit: int) (group: Group) (k: int) (l: int) : Diagram[] =
        checkOrders k l

        match group with
        | Group.Permutations n -> Diagram.enumerateWithin limit n k l

    /// The diagrams that index the bases, at most `SetPartition.limit` of them.
    [<CompiledName("Diagrams")>]
    let diagrams (group: Group) (k: int) (l: int) : Diagram[] =
        diagramsWithin SetPartition.limit group k l

    /// The diagram basis: D_d for each of `diagrams`.
    [<CompiledName("Diagram")>]
    let diagram (group: Group) (k: int) (l: int) : LinearMap[] =
        diagrams group k l |> Array.map (Functor.diagram group.Dimension)

    /// The orbit basis: X_d for each of `diagrams`. Orthogonal in the Frobenius inner product, |X_d|^2 = n!/(n-t)! for t blocks.
    [<CompiledName("Orbit")>]
    let orbit (group: Group) (k: int) (l: int) : LinearMap[] =
        diagrams group k l |> Array.map (Functor.orbit group.Dimension)

    /// <summary>The least-squares coordinates of a tensor in the span of others: c with y = c[0] images[0] + c[1] images[1] + ... as
    /// nearly as can be. With images A_i x of a basis A it fits the weights of an equivariant layer to data (x, y).</summary>
    /// <param name="images">One or more tensors, each of the shape and type of y.</param>
    /// <param name="y">The tensor to fit; its axes are all alike.</param>
    /// <returns>Shape [images.Length]; of the coordinates that fit equally well (dependent images) those of least norm.</returns>
    /// <exception cref="T:System.ArgumentException">There is no image, or one differs from y in shape.</exception>
    [<CompiledName("Coordinates")>]
    let coordinates (images: torch.Tensor[]) (y: torch.Tensor) : torch.Tensor =
        Guard.notNull "images" images
        Guard.floating "y" y
        Guard.holds "images" (images.Length > 0) (fun () -> "images must be at least one, but are none.")

        for image in images do
            Guard.holds "images" (image.shape = y.shape) (fun () ->
                $"images must have shape {Guard.showShape y.shape}, like y, but one has {Guard.showShape image.shape}.")

        use scope = torch.NewDisposeScope()
        let design = torch.stack(images |> Array.map _.reshape(-1L)).t()
        // Not lstsq: two calls on the same tensors may differ in the last digits.
        scope.MoveToOuter(torch.linalg.pinv(design).matmul(y.reshape -1L))
