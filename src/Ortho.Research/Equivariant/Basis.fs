namespace Ortho

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
