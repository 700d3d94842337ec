namespace Ortho

open TorchSharp

/// <summary>Bases of Hom_G((R^n)^k, (R^n)^l), the linear maps that commute with a group, and how many there are.</summary>
/// <remarks>
/// <para>The dimension depends on m = l + k alone. S_n: the diagrams of m vertices with at most n blocks index two bases, D (diagram) and X (orbit); the D
/// of diagrams with more than n blocks depend on those. A_n: X, and J for n or n - 1 blocks. O(n): E of the Brauer diagrams. Sp(n): F of them.
/// SO(n): E, and H of the diagrams with n free vertices. Aut(G): the indicators of its orbits on m-tuples.</para>
/// <para>Sources: Pearce-Crump 2212.08648, 2212.08630, 2304.14165, 2307.07810; dimensions by Schur-Weyl duality.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Basis =

    let private check (group: Group) (k: int) (l: int) =
        Guard.notNull "group" group
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l

    /// <summary>The dimension of the space of equivariant maps, by formula: no tensor is made.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <remarks>S_n: the restricted Bell number B(m, n), m = l + k. A_n: B(m, n) + S(m, n) + S(m, n - 1). O(n), Sp(n), SO(n): standard tableaux of m boxes
    /// with at most n rows of even length; with at most n rows and columns of even length; with, besides O(n)'s, exactly n rows of odd length.
    /// Aut(G): orbits on m-tuples.</remarks>
    [<CompiledName("Dimension")>]
    let dimension (group: Group) (k: int) (l: int) : bigint =
        check group k l
        Dimension.ranks group (k + l) |> Dimension.total

    /// <summary>The number of maps of `spanning`, by formula: as `dimension` says for S_n, A_n and Aut(G), (m-1)!! for O(n) and Sp(n), m = l + k even,
    /// and for SO(n) besides C(m, n) (m-n-1)!!, m - n even. It is the dimension where `isIndependent`.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    [<CompiledName("SpanningCount")>]
    let spanningCount (group: Group) (k: int) (l: int) : bigint =
        check group k l
        Dimension.sizes group (k + l) |> Dimension.total

    /// <summary>The diagrams that index the bases of S_n; for O(n) and Sp(n) the Brauer diagrams.</summary>
    /// <exception cref="T:System.ArgumentException">There are more than `limit`; the message says how many. The group's maps are not indexed by diagrams
    /// of one kind (A_n, SO(n), Aut(G)): see `spanning`.</exception>
    [<CompiledName("DiagramsWithin")>]
    let diagramsWithin (limit: int) (group: Group) (k: int) (l: int) : Diagram[] =
        check group k l

        match group with
        | Group.Permutations n -> Diagram.enumerateWithin limit n k l
        | Group.AllOrthogonal _
        | Group.SymplecticForm _ -> Brauer.enumerateWithin limit 0 k l
        | _ ->
            let message =
                $"group must be S_n, O(n) or Sp(n), whose maps are indexed by diagrams of one kind, but is {group}: Basis.spanning lists its maps."

            raise (System.ArgumentException(message, "group"))

    /// The diagrams that index the bases, at most `SetPartition.limit` of them.
    [<CompiledName("Diagrams")>]
    let diagrams (group: Group) (k: int) (l: int) : Diagram[] =
        diagramsWithin SetPartition.limit group k l

    /// <summary>The maps of diagrams: D_d for S_n (a basis), D_d and J_d for A_n (a basis), E_d for O(n), F_d for Sp(n), E_d and H_d for SO(n).</summary>
    /// <exception cref="T:System.ArgumentException">The group is Aut(G), or there are more than a million.</exception>
    [<CompiledName("Diagram")>]
    let diagram (group: Group) (k: int) (l: int) : LinearMap[] =
        check group k l

        Spanning.within SetPartition.limit group k l |> Array.map (Spanning.toMap group)

    /// <summary>The orbit basis of S_n: X_d for each of `diagrams`. Orthogonal in the Frobenius inner product, |X_d|^2 = n!/(n-t)! for t blocks. For
    /// A_n the X_d, then the J_d, which are orthogonal too; for Aut(G) the indicators of its orbits.</summary>
    /// <exception cref="T:System.ArgumentException">The group does not permute coordinates, or there are too many.</exception>
    [<CompiledName("Orbit")>]
    let orbit (group: Group) (k: int) (l: int) : LinearMap[] =
        check group k l

        match group with
        | Group.Permutations n -> diagrams group k l |> Array.map (Functor.orbit n)
        | Group.EvenPermutations n ->
            let all = diagrams (Group.Symmetric n) k l

            let split =
                if n = 1 then
                    [||]
                else
                    all |> Array.filter (fun d -> d.BlockCount >= n - 1)

            Array.append (Array.map (Functor.orbit n) all) (Array.map (HeadFunctor.jellyfish n) split)
        | Group.GraphAutomorphisms graph -> OrbitFunctor.indicators graph.Automorphisms k l
        | _ ->
            let message = $"group must permute coordinates (S_n, A_n, Aut(G)), but is {group}."
            raise (System.ArgumentException(message, "group"))

    /// <summary>Maps that span the equivariant maps, by the group's theorem: those of `diagram`, for Aut(G) those of `orbit`. A basis for S_n, A_n and
    /// Aut(G); for O(n), SO(n) and Sp(n) only where n is large enough (`isIndependent`).</summary>
    /// <exception cref="T:System.ArgumentException">There are more than a million.</exception>
    [<CompiledName("Spanning")>]
    let spanning (group: Group) (k: int) (l: int) : LinearMap[] =
        check group k l

        match group with
        | Group.GraphAutomorphisms _ -> orbit group k l
        | _ -> diagram group k l

    /// <summary>Whether `spanning` is a basis. S_n, A_n, Aut(G): always. O(n): n >= m / 2. Sp(n): n >= m. SO(n): as O(n), and m at most n or m - n odd.</summary>
    [<CompiledName("IsIndependent")>]
    let isIndependent (group: Group) (k: int) (l: int) : bool =
        check group k l
        Dimension.isIndependent group (k + l)

    /// <summary>The places in `spanning` of maps that are a basis: from the front, each that is no combination of those before it. Exact, and no
    /// tensor is made.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <returns>As many as `dimension`, increasing.</returns>
    /// <exception cref="T:System.ArgumentException">There are more than a million maps to choose from.</exception>
    /// <remarks>Where the maps are dependent, elimination on `Gram.matrix` modulo a prime: N maps of rank r take N r^2 / 2 steps.</remarks>
    [<CompiledName("IndependentIndices")>]
    let independentIndices (group: Group) (k: int) (l: int) : int[] =
        check group k l

        if Dimension.isIndependent group (k + l) then
            let count = spanningCount group k l

            count
            |> SetPartition.withinLimit SetPartition.limit $"spanning maps from order {k} to order {l} of {group}"

            Array.init (int count) id
        else
            Spanning.within SetPartition.limit group k l |> Independence.indices group k l

    /// <summary>A basis: the maps of `spanning` at `independentIndices`.</summary>
    /// <exception cref="T:System.ArgumentException">There are more than a million maps to choose from.</exception>
    [<CompiledName("Independent")>]
    let independent (group: Group) (k: int) (l: int) : LinearMap[] =
        if isIndependent group k l then
            spanning group k l
        else
            let maps = Spanning.within SetPartition.limit group k l

            Independence.indices group k l maps
            |> Array.map (fun i -> Spanning.toMap group maps[i])

    /// The sum of one or more maps. In halves: a sum looks for each of its terms among all.
    let rec private sum (maps: LinearMap[]) : LinearMap =
        if maps.Length = 1 then
            maps[0]
        else
            let first, second = Array.splitAt (maps.Length / 2) maps
            sum first + sum second

    /// <summary>An orthonormal basis in the Frobenius inner product. S_n, A_n, Aut(G): the maps of `orbit` over their norms. O(n), Sp(n), SO(n):
    /// Gram-Schmidt of `independent` from the front, with coefficients from exact inner products.</summary>
    /// <returns>As many as `dimension`; each takes tensors of any floating point type.</returns>
    /// <exception cref="T:System.ArgumentException">There are more than a million maps to choose from, or for O(n), Sp(n) and SO(n) the dimension is
    /// above `Gram.limit`.</exception>
    [<CompiledName("Orthonormal")>]
    let orthonormal (group: Group) (k: int) (l: int) : LinearMap[] =
        check group k l

        match group with
        | Orthonormal.Orbits norms -> Array.map2 (fun norm map -> 1.0 / norm * map) (norms k l) (orbit group k l)
        | _ ->
            dimension group k l
            |> SetPartition.withinLimit Gram.limit $"maps of a basis from order {k} to order {l} of {group}"

            let maps = Spanning.within SetPartition.limit group k l
            let chosen = Independence.indices group k l maps |> Array.map (fun i -> maps[i])
            let coefficients = Orthonormal.ofIndependent group chosen
            let independent = chosen |> Array.map (Spanning.toMap group)

            Array.init chosen.Length (fun i ->
                [|
                    for j in 0..i do
                        if coefficients[i, j] <> 0.0 then
                            coefficients[i, j] * independent[j]
                |]
                |> sum)

    /// <summary>The coefficients of `orthonormal` in `spanning`: orthonormal[i] = sum over j of c[i, j] spanning[j].</summary>
    /// <returns>Shape [dimension; spanningCount]. C G C^T = 1 for G = `Gram.matrix`.</returns>
    /// <exception cref="T:System.ArgumentException">There would be more than 2^24 coefficients.</exception>
    [<CompiledName("OrthonormalCoefficients")>]
    let orthonormalCoefficients (group: Group) (k: int) (l: int) : float[,] =
        check group k l
        let rows, columns = dimension group k l, spanningCount group k l

        rows * columns
        |> SetPartition.withinLimit (Gram.limit * Gram.limit) $"coefficients ({rows} x {columns})"

        Orthonormal.coefficients group k l

    /// The diagrams of D and X, and the number of J.
    let private diagramsAndHeads (group: Group) (k: int) (l: int) =
        check group k l

        match group with
        | Group.Permutations _
        | Group.EvenPermutations _ ->
            let all = diagrams (Group.Symmetric group.Dimension) k l
            all, int (spanningCount group k l) - all.Length
        | _ ->
            let message =
                $"group must be S_n or A_n, whose maps have coordinates in D and X, but is {group}."

            raise (System.ArgumentException(message, "group"))

    /// <summary>The change of coordinates from `diagram` to `orbit`: c -> x with c[0] D[0] + c[1] D[1] + ... = x[0] X[0] + x[1] X[1] + .... Its
    /// matrix has entry 1 where the column's diagram refines the row's (J stays as it is).</summary>
    /// <param name="group">S_n or A_n, for any n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <returns>A map of R^dimension, on tensors [*batch; dimension] of any type, exact on integers; differentiable.</returns>
    /// <exception cref="T:System.ArgumentException">The group is another, or the matrix has more than a million entries.</exception>
    [<CompiledName("DiagramToOrbit")>]
    let diagramToOrbit (group: Group) (k: int) (l: int) : LinearMap =
        let diagrams, heads = diagramsAndHeads group k l
        OrbitCoordinates.change "D→X" (OrbitBasis.ofDiagram group.Dimension) heads diagrams

    /// <summary>The change of coordinates from `orbit` to `diagram`, inverse to `diagramToOrbit`: its entries are the Moebius function of the
    /// lattice of partitions.</summary>
    /// <param name="group">S_n or A_n, for any n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <returns>A map of R^dimension, on tensors [*batch; dimension] of any type, exact on integers; differentiable.</returns>
    /// <exception cref="T:System.ArgumentException">The group is another, or the matrix has more than a million entries.</exception>
    [<CompiledName("OrbitToDiagram")>]
    let orbitToDiagram (group: Group) (k: int) (l: int) : LinearMap =
        let diagrams, heads = diagramsAndHeads group k l
        OrbitCoordinates.change "X→D" OrbitBasis.toDiagrams heads diagrams

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
