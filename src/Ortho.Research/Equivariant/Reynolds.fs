namespace Ortho

open System
open TorchSharp

/// <summary>The projection of any linear map (R^n)^k -> (R^n)^l onto those that commute with a group, orthogonal in the Frobenius product.</summary>
/// <remarks>
/// <para>For a compact group it is the Reynolds operator, the mean of sigma(g)^-1 A rho(g) over the group by Haar's law. Permutations: the mean over each
/// orbit of the group on (l + k)-tuples of indices, whatever the group's order. O(n), SO(n): the nearest combination of the spanning maps, since the mean of
/// an orthogonal representation is the orthogonal projection. Sp(n) is not compact and has no mean: the nearest combination is given there too.</para>
/// <para>Matrices are [n^l; n^k]: rows are output indices, row-major. Laws: P P = P = P*, trace P = `Basis.dimension`, P A = A exactly for the equivariant A.
/// Sources: Sturmfels 1993, section 2.1 (Reynolds operator); Pearce-Crump 2212.08630, 2301.10152 (spanning sets).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Reynolds =

    /// The equivariant maps in coordinates of their own: of matrices as vectors [*batch; n^(l + k)], and back.
    [<NoEquality; NoComparison>]
    type private Frame =
        {
            /// [*batch; n^(l + k)] -> [*batch; dimension].
            Analyse: torch.Tensor -> torch.Tensor
            /// [*batch; dimension] -> [*batch; n^(l + k)].
            Synthesise: torch.Tensor -> torch.Tensor
        }

    let private power (group: Group) (order: int) =
        Space.power order (Space.Of(int64 group.Dimension))

    /// The most entries of a matrix, and of the spanning maps of O(n), SO(n), Sp(n) together: 1 GiB of float64. Orbits are sought among 2^24 tuples.
    let private entryLimit (group: Group) =
        1I <<< (if (Group.tryPermutations group).IsSome then 24 else 27)

    let private check (group: Group) (k: int) (l: int) =
        Guard.notNull "group" group
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l
        let entries = bigint.Pow(bigint group.Dimension, k + l)

        Guard.holds "k" (entries <= entryLimit group) (fun () ->
            $"k must leave matrices of at most {entryLimit group} entries, but those from order {k} to order {l} of {group} have {entries}.")

        entries

    /// Means over the orbits of indices; each entry then carries its orbit's.
    let private orbitMeans (permutations: PermutationGroup) (m: int) : Frame =
        let orbitOf = permutations.OrbitsOfTuples m
        let sizes = orbitOf |> Array.countBy id |> Array.sortBy fst |> Array.map snd
        let labels = torch.tensor (Array.map int64 orbitOf)
        let counts = Table.ofNumbers [| sizes.LongLength |] (Array.map float sizes)

        {
            Analyse =
                fun x ->
                    let last = x.ndim - 1L
                    let shape = Array.append (Array.init (int last) x.size) [| sizes.LongLength |]

                    let sums = x.new_zeros shape |> addAt last (labels.``to`` x.device) x
                    sums.div (counts.Like x)
            Synthesise = fun means -> means.index_select (means.ndim - 1L, labels.``to`` means.device)
        }

    let private entriesOf (map: LinearMap) = (LinearMap.toMatrix map).reshape -1L

    /// An orthonormal basis of the equivariant maps, as rows: float64, [dimension; n^(l + k)].
    let private orthonormal (group: Group) (k: int) (l: int) (entries: bigint) =
        use _ = torch.no_grad ()
        use scope = torch.NewDisposeScope()
        let maps = Basis.spanning group k l

        Guard.holds "k" (entries * bigint maps.Length <= entryLimit group) (fun () ->
            $"k must leave spanning maps of at most {entryLimit group} entries in all, but there are {maps.Length} of {entries} entries for {group}.")

        if maps.Length = 0 then
            torch.zeros (0L, int64 entries, dtype = torch.float64)
        else
            let images = torch.stack (maps |> Array.map entriesOf)
            let struct (_, _, vh) = torch.linalg.svd (images, fullMatrices = false)
            // The rank is a theorem's: no cut of small singular values.
            vh.narrow(0L, 0L, int64 (Basis.dimension group k l)).contiguous()
        |> scope.MoveToOuter

    let private frame (group: Group) (k: int) (l: int) : Frame =
        let entries = check group k l

        match Group.tryPermutations group with
        | Some permutations -> orbitMeans permutations (k + l)
        | None ->
            let rows = Table(orthonormal group k l entries)

            {
                Analyse = fun x -> x.matmul ((rows.Like x).``to``(x.dtype).t())
                Synthesise = fun c -> c.matmul ((rows.Like c).``to`` c.dtype)
            }

    let private shape (group: Group) (k: int) (l: int) =
        [| (power group l).Size; (power group k).Size |]

    /// <summary>The projection as a linear map of matrices, made once for many.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <returns>A projection of the space [n^l; n^k]: it takes batches of matrices, real or complex, and is differentiable.</returns>
    /// <exception cref="T:System.ArgumentException">The matrices have more than 2^27 entries (2^24 for permutations), or the spanning maps together.</exception>
    [<CompiledName("Projection")>]
    let projection (group: Group) (k: int) (l: int) : LinearMap =
        let frame = frame group k l
        let space = Space.Of(shape group k l)

        let act =
            Actions.scoped (fun (x: torch.Tensor) ->
                Guard.floating "x" x
                (x.flatten -2L |> frame.Analyse |> frame.Synthesise).reshape x.shape)

        Build.leaf $"Reynolds[{group}]" space space Traits.Projection (Nullable()) act act

    let private checkMatrix (group: Group) (k: int) (l: int) (matrix: torch.Tensor) =
        check group k l |> ignore
        Guard.rankAtLeast "matrix" 2 matrix
        Guard.floating "matrix" matrix

        Guard.holds "matrix" (matrix.shape[int matrix.ndim - 2 ..] = shape group k l) (fun () ->
            $"matrix must have last axes {Guard.showShape (shape group k l)} for order {k} to order {l} of {group}, but has shape {Guard.showShape matrix.shape}.")

    /// <summary>The equivariant matrix nearest to a matrix.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <param name="matrix">Shape [*batch; n^l; n^k], real or complex.</param>
    /// <returns>The same shape, type and device; differentiable. For many calls make the `projection` once.</returns>
    /// <exception cref="T:System.ArgumentException">The matrix has another shape, or too many entries (see `projection`).</exception>
    [<CompiledName("ProjectMatrix")>]
    let projectMatrix (group: Group) (k: int) (l: int) (matrix: torch.Tensor) : torch.Tensor =
        checkMatrix group k l matrix
        use scope = torch.NewDisposeScope()
        scope.MoveToOuter((projection group k l).Apply matrix)

    /// The matrix [n^l; n^k] of a map between tensors of those orders, or between vectors of their entries.
    let private matrixOf (group: Group) (k: int) (l: int) (map: LinearMap) =
        check group k l |> ignore
        Guard.notNull "map" map

        let fits (space: Space) order =
            space = power group order || space = Space.Of (power group order).Size

        Guard.holds "map" (fits map.Domain k && fits map.Codomain l) (fun () ->
            $"map must go from {power group k} to {power group l}, or between vectors of as many entries, but {map} goes from {map.Domain} to {map.Codomain}.")

        Guard.holds "map" (not map.Kind.HasValue || not (torch.is_complex map.Kind.Value.Dtype)) (fun () ->
            $"map must be real, but {map} is {map.Kind.Value}.")

        LinearMap.toMatrix map

    /// Coordinates of the projection of a matrix [n^l; n^k] in spanning maps, those of least norm; differentiable in the matrix.
    let private coordinatesOf (group: Group) (k: int) (l: int) (maps: LinearMap[]) (matrix: torch.Tensor) =
        use scope = torch.NewDisposeScope()

        if maps.Length = 0 then
            scope.MoveToOuter(matrix.new_zeros 0L)
        else
            let frame = frame group k l

            let dual =
                use _ = torch.no_grad ()

                maps
                |> Array.map (entriesOf >> frame.Analyse)
                |> torch.stack
                |> torch.linalg.pinv

            (frame.Analyse(matrix.reshape -1L)).matmul(dual.``to`` (matrix.dtype, matrix.device))
            |> scope.MoveToOuter

    /// <summary>The equivariant map nearest to a map, as a combination of `Basis.spanning`.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <param name="map">A real map from [n; ...; n] (k axes) to [n; ...; n] (l axes), or between vectors of n^k and n^l entries.</param>
    /// <returns>A sum of multiples of the spanning maps, applied without a dense matrix, that takes tensors of any type and device. Coefficients below
    /// 1e-14 of the largest are left out. Not differentiable in the map's own parameters: `projectMatrix` is.</returns>
    /// <exception cref="T:System.ArgumentException">The map has other spaces, is complex, or is too large (see `projection`).</exception>
    [<CompiledName("Project")>]
    let project (group: Group) (k: int) (l: int) (map: LinearMap) : LinearMap =
        use _ = torch.no_grad ()
        use matrix = matrixOf group k l map
        use double = matrix.``to`` (torch.float64, torch.CPU)
        let maps = Basis.spanning group k l
        use found = coordinatesOf group k l maps double
        let coefficients = found.data<float>().ToArray()
        let largest = coefficients |> Array.fold (fun most c -> max most (abs c)) 0.0

        Array.zip coefficients maps
        |> Array.filter (fun (c, _) -> not (abs c <= 1e-14 * largest))
        |> Array.map (fun (c, a) -> c * a)
        |> Array.append [| LinearMap.zero (power group k) (power group l) |]
        |> Simplify.sum

    let private distance (group: Group) (k: int) (l: int) (matrix: torch.Tensor) =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let double = matrix.``to`` (torch.float64, torch.CPU)
        let apart = number ((double .- projectMatrix group k l double).norm())
        if apart = 0.0 then 0.0 else apart / number (double.norm ())

    /// <summary>How far a map is from the equivariant maps: |A - P A| / |A| in the Frobenius norm; 0 up to rounding for an equivariant map, 1 for one
    /// orthogonal to them all.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <param name="map">A real map as in `project`.</param>
    /// <exception cref="T:System.ArgumentException">The map has other spaces, is complex, or is too large (see `projection`).</exception>
    [<CompiledName("Defect")>]
    let defect (group: Group) (k: int) (l: int) (map: LinearMap) : float =
        use _ = torch.no_grad ()
        use matrix = matrixOf group k l map
        distance group k l matrix

    /// <summary>The coordinates of an equivariant map in `Basis.spanning`: c with A = c[0] A_0 + c[1] A_1 + ...</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <param name="map">A real map as in `project`.</param>
    /// <returns>Shape [spanning maps], of the map's type and device, differentiable in its parameters; where the spanning maps are dependent, those of
    /// least norm.</returns>
    /// <exception cref="T:System.ArgumentException">The map is not equivariant: its `defect` is above 1e-9 (1e-4 in float32), and the message says it; or
    /// it has other spaces, is complex, or is too large (see `projection`).</exception>
    [<CompiledName("Coordinates")>]
    let coordinates (group: Group) (k: int) (l: int) (map: LinearMap) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let matrix = matrixOf group k l map
        let allowed = if matrix.dtype = torch.float64 then 1e-9 else 1e-4
        let apart = distance group k l matrix

        Guard.holds "map" (apart <= allowed) (fun () ->
            $"map must commute with {group}, but {map} is at distance {apart:G3} of its norm from the maps that do, more than {allowed:G3}.")

        scope.MoveToOuter(coordinatesOf group k l (Basis.spanning group k l) matrix)
