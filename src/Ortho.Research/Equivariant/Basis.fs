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

    /// The number of standard tableaux over the Young diagrams of m boxes that a condition on their rows admits.
    let private tableaux (m: int) (admits: int[] -> bool) =
        YoungDiagram.enumerate m
        |> Array.filter (fun y -> admits y.Rows)
        |> Array.sumBy YoungDiagram.tableaux

    let private isEven i = i % 2 = 0

    let private orthogonal (n: int) (m: int) =
        tableaux m (fun rows -> rows.Length <= n && Array.forall isEven rows)

    let private columns (rows: int[]) =
        Array.init (if rows.Length = 0 then 0 else rows[0]) (fun j ->
            rows |> Array.filter (fun row -> row > j) |> Array.length)

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
        let m = l + k

        match group with
        | Group.Permutations n -> SetPartition.restrictedBell m n
        | Group.EvenPermutations 1 -> 1I
        | Group.EvenPermutations n ->
            SetPartition.restrictedBell m n
            + SetPartition.stirling m n
            + SetPartition.stirling m (n - 1)
        | Group.AllOrthogonal n -> orthogonal n m
        | Group.Rotations n ->
            orthogonal n m
            + tableaux m (fun rows -> rows.Length = n && rows |> Array.forall (isEven >> not))
        | Group.SymplecticForm n -> tableaux m (fun rows -> rows.Length <= n && Array.forall isEven (columns rows))
        | Group.GraphAutomorphisms graph ->
            let automorphisms = graph.Automorphisms

            if bigint.Pow(bigint graph.Size, m) <= 16_777_216I then
                bigint (1 + Array.max (automorphisms.OrbitsOfTuples m))
            else
                automorphisms.CountOrbits m

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

        Spanning.within SetPartition.limit group k l
        |> Array.map (Spanning.toMap group)

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
        let m = k + l

        match group with
        | Group.Permutations _
        | Group.EvenPermutations _
        | Group.GraphAutomorphisms _ -> true
        | Group.AllOrthogonal n -> m % 2 = 1 || 2 * n >= m
        | Group.SymplecticForm n -> m % 2 = 1 || n >= m
        | Group.Rotations 1 -> true
        | Group.Rotations n ->
            if m % 2 = 0 && 2 * n < m then false
            elif (m - n) % 2 <> 0 then true
            else m <= n

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
