namespace Ortho

open System
open TorchSharp

/// <summary>The verbs of linear maps. Data comes last, so that |> reads left to right.</summary>
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module LinearMap =

    /// The largest matrix that <c>toMatrix</c> makes: 2^27 entries, 1 GiB of float64.
    let private matrixLimit = 1L <<< 27

    // ---- constructors ----

    /// The identity of a space: x -> x.
    let identity (space: Space) = Build.identity space

    /// The map that takes every element to zero.
    let zero (domain: Space) (codomain: Space) = Build.zero domain codomain

    /// <summary>The map of a dense matrix, between vectors.</summary>
    /// <param name="matrix">Shape [m; n]: a map from [n] to [m]. It is not copied.</param>
    /// <exception cref="T:System.ArgumentException">Not a floating or complex tensor of two axes, or empty.</exception>
    let ofMatrix (matrix: torch.Tensor) =
        Guard.rank "matrix" 2 matrix
        Guard.floating "matrix" matrix
        Guard.notEmpty "matrix" matrix
        let rows, columns = matrix.size 0, matrix.size 1
        let transposed = matrix.t ()
        let conjugate = if matrix.is_complex () then matrix.conj () else matrix
        let times (right: torch.Tensor) (x: torch.Tensor) = x.matmul right

        Build.leaf
            $"M[{rows}x{columns}]"
            (Space.Of columns)
            (Space.Of rows)
            Traits.None
            (Nullable(TensorKind.ofTensor matrix))
            (times transposed)
            (times conjugate)

    /// <summary>The map that multiplies entry by entry.</summary>
    /// <param name="entries">The diagonal, in the shape of the space. It is not copied.</param>
    /// <exception cref="T:System.ArgumentException">Not a floating or complex tensor, or empty.</exception>
    let ofDiagonal (entries: torch.Tensor) =
        Guard.floating "entries" entries
        Guard.notEmpty "entries" entries
        Build.diagonal entries

    /// <summary>The map y[i] = x[order[i]] on vectors.</summary>
    /// <exception cref="T:System.ArgumentException">order is empty, or not a permutation of 0, 1, ..., n-1.</exception>
    let ofPermutation (order: seq<int64>) =
        let order = Seq.toArray order
        let seen = Array.zeroCreate<bool> order.Length

        let isNew i =
            let inside = i >= 0L && i < order.LongLength && not seen[int i]

            if inside then
                seen[int i] <- true

            inside

        Guard.holds "order" (order.Length > 0 && Array.forall isNew order) (fun () ->
            $"order must contain each of 0, ..., n-1 once, but is {Guard.showShape order}.")

        Build.permutation order

    /// <summary>The elements of one space read, row-major, as elements of another of the same size.</summary>
    /// <exception cref="T:System.ArgumentException">The sizes differ.</exception>
    let reshape (domain: Space) (codomain: Space) =
        if domain.Size <> codomain.Size then
            raise (
                ArgumentException(
                    $"codomain must have the {domain.Size} entries of {domain}, but {codomain} has {codomain.Size}.",
                    "codomain"
                )
            )

        let into (source: Space) (target: Space) (x: torch.Tensor) =
            let batch = Array.init (int x.ndim - source.Rank) (fun axis -> x.size axis)
            x.reshape (Array.append batch target.Axes)

        if domain = codomain then
            identity domain
        else
            Build.leaf
                $"reshape{domain}{codomain}"
                domain
                codomain
                Traits.Permutation
                (Nullable())
                (into domain codomain)
                (into codomain domain)

    /// <summary>A map given by two functions, each from [*batch, domain] to [*batch, codomain] (the second the other way round).</summary>
    /// <remarks>The functions may make temporaries: all but the result is freed. They must not write into their argument. Nothing is
    /// promised until <c>promise</c> says so; <c>Law.adjoint</c> tells whether the two fit together.</remarks>
    /// <exception cref="T:System.InvalidOperationException">When applied: a function gave another shape than it should.</exception>
    let ofFunctions
        (name: string)
        (domain: Space, codomain: Space)
        (apply: torch.Tensor -> torch.Tensor, adjoint: torch.Tensor -> torch.Tensor)
        =
        Guard.notNull "name" name
        Guard.notNull "domain" domain
        Guard.notNull "codomain" codomain

        let checkedAction (side: string) (source: Space) (target: Space) (f: torch.Tensor -> torch.Tensor) =
            Actions.scoped (fun x ->
                let y = f x
                let batch = int x.ndim - source.Rank
                let shape = Array.append (Array.init batch (fun axis -> x.size axis)) target.Axes

                if isNull y || y.shape <> shape then
                    let got = if isNull y then "null" else Guard.showShape y.shape

                    raise (
                        InvalidOperationException(
                            $"{side} of {name} must give shape {Guard.showShape shape}, but gave {got}."
                        )
                    )

                y)

        Build.leaf
            name
            domain
            codomain
            Traits.None
            (Nullable())
            (checkedAction "Apply" domain codomain apply)
            (checkedAction "Adjoint" codomain domain adjoint)

    let private rebuilt traits kind (map: LinearMap) =
        let copied = Build.pair map.Domain map.Codomain traits kind (map.Form, map.Action)

        match map.Form with
        | Leaf _ -> copied (Adjoint, map.Adjoint.Action)
        | _ -> copied ((fun _ -> map.Adjoint.Form), map.Adjoint.Action)

    /// <summary>The same map, with more promised. A promise that does not hold gives wrong results later: check it with <c>Law.promises</c>.</summary>
    let promise (traits: Traits) (map: LinearMap) =
        rebuilt (map.Traits ||| traits) map.Kind map

    /// <summary>The same map, bound to one type and device: it refuses other input, and laws and <c>toMatrix</c> draw theirs from it.</summary>
    /// <exception cref="T:System.ArgumentException">The map is bound to another type or device already.</exception>
    let on (kind: TensorKind) (map: LinearMap) =
        if map.Kind.HasValue && map.Kind.Value <> kind then
            raise (
                ArgumentException(
                    $"kind must be {map.Kind.Value}, to which {map} is bound, but is {kind}. Move the tensors it was made from.",
                    "kind"
                )
            )

        rebuilt map.Traits (Nullable kind) map

    // ---- verbs ----

    /// A x for each element of a batch: [*batch, domain] -> [*batch, codomain].
    let apply (map: LinearMap) (x: torch.Tensor) = map.Apply x

    /// A*, with ⟨A x, y⟩ = ⟨x, A* y⟩.
    let adjoint (map: LinearMap) = map.Adjoint

    /// a after b, as in a product of matrices.
    let compose (a: LinearMap) (b: LinearMap) = Simplify.compose a b

    /// First the map, then `next`: q |> andThen g is g * q.
    let andThen (next: LinearMap) (map: LinearMap) = Simplify.compose next map

    /// The sum of two maps.
    let add (other: LinearMap) (map: LinearMap) = Simplify.add map other

    /// factor times the map.
    let scale (factor: float) (map: LinearMap) = Simplify.scale factor map

    /// The tensor (Kronecker) product map ⊗ right: the map on the first axes, `right` on the last.
    let tensor (right: LinearMap) (map: LinearMap) = Simplify.kronecker [| map; right |]

    /// The direct sum map ⊕ right: the map on the first part of a flat vector, `right` on the rest.
    let directSum (right: LinearMap) (map: LinearMap) = Simplify.directSum [| map; right |]

    /// <summary>A matrix of maps on flat vectors. Maps in a row share their codomain, maps in a column their domain.</summary>
    /// <exception cref="T:System.ArgumentException">Empty, ragged, or spaces that do not fit.</exception>
    let block (rows: seq<#seq<LinearMap>>) =
        let rows = rows |> Seq.map Seq.toArray |> Seq.toArray

        Guard.holds "rows" (rows.Length > 0 && rows |> Array.forall (fun row -> row.Length = rows[0].Length)) (fun () ->
            let lengths = rows |> Seq.map (fun row -> row.LongLength) |> Guard.showShape
            $"rows must be one or more lists of one length, but have lengths {lengths}.")

        Block.ofMaps (array2D rows)

    /// The kind of tensor that a map takes: its own, or float64 on the CPU for a map that takes any.
    let internal kindOf (map: LinearMap) =
        if map.Kind.HasValue then
            map.Kind.Value
        else
            TensorKind.float64

    /// <summary>The dense matrix of a map, for looking and for tests.</summary>
    /// <returns>Shape [codomain.Size; domain.Size], of the map's kind; float64 on the CPU for a map that takes any.</returns>
    /// <exception cref="T:System.ArgumentException">The matrix would have more than 2^27 entries.</exception>
    let toMatrix (map: LinearMap) =
        let rows, columns = map.Codomain.Size, map.Domain.Size

        Guard.holds "map" (rows <= matrixLimit / columns) (fun () ->
            $"map must have a matrix of at most {matrixLimit} entries, but {map} is {rows} x {columns}.")

        let kind = kindOf map
        use scope = torch.NewDisposeScope()
        let units = torch.eye (columns, dtype = Nullable kind.Dtype, device = kind.Device)
        let images = map.Apply(units.reshape (Array.append [| columns |] map.Domain.Axes))
        scope.MoveToOuter(images.reshape([| columns; rows |]).t().contiguous())

    /// <summary>The inverse where the way the map was made tells it: unitary maps, multiples, invertible diagonals, and products,
    /// tensor products and direct sums of those. None otherwise.</summary>
    let rec tryInverse (map: LinearMap) : LinearMap option =
        let all (maps: LinearMap[]) =
            let inverses = maps |> Array.map tryInverse

            if inverses |> Array.forall _.IsSome then
                Some(inverses |> Array.map _.Value)
            else
                None

        if map.Promises Traits.Unitary then
            Some map.Adjoint
        else
            match map.Form with
            | Scaled(factor, inner) -> tryInverse inner |> Option.map (scale (1.0 / factor))
            | Adjoint inner when not (inner.Form.IsAdjoint || inner.Form.IsLeaf) ->
                tryInverse inner |> Option.map adjoint
            | Diagonal(_, entries) ->
                use zeros = entries.count_nonzero ()

                if zeros.item<int64>() = entries.numel () then
                    Some(Build.diagonal (entries.reciprocal ()))
                else
                    None
            | Fixed(name, space, numbers) -> FixedDiagonal.tryInverse name space numbers
            | Composed maps -> all maps |> Option.map (Array.rev >> Array.reduce compose)
            | Kronecker maps -> all maps |> Option.map Simplify.kronecker
            | DirectSum maps -> all maps |> Option.map Simplify.directSum
            | _ -> None

    /// <summary>The inverse where the way the map was made tells it; see <c>tryInverse</c>.</summary>
    /// <exception cref="T:System.ArgumentException">No inverse is known.</exception>
    let inverse (map: LinearMap) =
        match tryInverse map with
        | Some found -> found
        | None ->
            raise (
                ArgumentException(
                    $"map must be unitary, diagonal without zeros, or a multiple, product, tensor product or direct sum of such maps, but is {map}.",
                    "map"
                )
            )

    /// <summary>The spectral norm by power iteration on A* A from a random start: never above the norm, and below it by a relative
    /// error that shrinks with each step like (second / first singular value)^4.</summary>
    /// <remarks>Stops when a step changes the estimate by less than 1e-12 (float64) or 1e-7 (float32), or after 1000 steps.</remarks>
    let norm (seed: int) (map: LinearMap) : float =
        let kind = kindOf map

        let tolerance =
            if TensorKind.realDtype kind.Dtype = torch.float64 then
                1e-12
            else
                1e-7

        use _ = torch.no_grad ()
        use scope = torch.NewDisposeScope()

        let length (x: torch.Tensor) =
            x.norm().``to``(torch.float64) |> number

        let rec iterate step (estimate: float) (x: torch.Tensor) =
            use inner = torch.NewDisposeScope()
            let y = map.Apply(multiply (1.0 / length x) x)
            let next = length y

            if step = 1000 || next = 0.0 || abs (next - estimate) <= tolerance * next then
                next
            else
                iterate (step + 1) next (inner.MoveToOuter(map.Adjoint.Apply y))

        Seed.normal seed kind map.Domain.Axes |> iterate 1 infinity
