namespace rec Ortho

open System
open TorchSharp

/// <summary>A linear map between spaces of tensors, given by what it does and by what its adjoint does.</summary>
/// <remarks>
/// <para>A map is a closure over tensors and lives as long as they do: one made inside a dispose scope ends with it. It holds no
/// dense matrix unless it was made from one, and it is differentiable in its input and in the tensors it was made from.</para>
/// <para>Products, sums, tensor products and direct sums simplify when they are made: the identity vanishes, scale factors hoist,
/// permutations merge, and what a trait promises to cancel cancels.</para>
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type LinearMap
    internal
    (
        domain: Space,
        codomain: Space,
        traits: Traits,
        kind: Nullable<TensorKind>,
        form: Form<LinearMap>,
        action: torch.Tensor -> torch.Tensor
    ) =
    let mutable adjoint = Unchecked.defaultof<LinearMap>

    /// The space of one input element: its axes are the last axes of a tensor, and axes before them are batch.
    member _.Domain = domain

    /// The space of one output element.
    member _.Codomain = codomain

    /// What the map promises by construction.
    member _.Traits = traits

    /// The type and device of the tensors that the map was made from; none for a map that takes any.
    member _.Kind = kind

    /// <summary>The adjoint A*, with ⟨A x, y⟩ = ⟨x, A* y⟩. The adjoint of the adjoint is this very map.</summary>
    member _.Adjoint = adjoint

    member internal _.Form = form

    /// The action without checks. Returns a fresh handle, never its argument.
    member internal _.Action = action

    member internal this.Pair(other: LinearMap) =
        adjoint <- other
        other.SetAdjoint this

    member internal _.SetAdjoint(other: LinearMap) = adjoint <- other

    /// Whether all of these traits are promised.
    member _.Promises(promised: Traits) = traits &&& promised = promised

    /// <summary>A x for each element of a batch.</summary>
    /// <param name="x">Shape [*batch, domain].</param>
    /// <returns>Shape [*batch, codomain], a fresh handle (perhaps a view of x: copy it before writing into it).</returns>
    /// <exception cref="T:System.ArgumentException">The last axes of x are not the domain, or x differs in type or device from the tensors of the map.</exception>
    /// <exception cref="T:System.ObjectDisposedException">x has been disposed.</exception>
    member this.Apply(x: torch.Tensor) : torch.Tensor =
        Guard.live "x" x
        let axes = domain.Axes
        let batch = int x.ndim - axes.Length
        let mutable fits = batch >= 0

        if fits then
            for i in 0 .. axes.Length - 1 do
                fits <- fits && x.size (batch + i) = axes[i]

        if not fits then
            raise (
                ArgumentException(
                    $"x must have last axes {domain}, the domain of {this}, but has shape {Guard.showShape x.shape}.",
                    "x"
                )
            )

        if kind.HasValue && not (TensorKind.matches kind.Value x) then
            raise (
                ArgumentException(
                    $"x must be {kind.Value}, like the tensors of {this}, but is {TensorKind.ofTensor x}.",
                    "x"
                )
            )

        let y = action x
        // Nothing below may be finalised while libtorch reads it: the map holds its tensors, and this line holds the map.
        GC.KeepAlive this
        GC.KeepAlive x
        y

    /// The map as a formula: adjoint *, product ·, tensor product ⊗, direct sum ⊕.
    override this.ToString() =
        Formula.show (fun (map: LinearMap) -> map.Form) form

    /// a * b is "a after b": (a * b) x = a (b x).
    static member (*)(a: LinearMap, b: LinearMap) = Simplify.compose a b

    /// The multiple of a map.
    static member (*)(factor: float, a: LinearMap) = Simplify.scale factor a

    /// The sum of two maps.
    static member (+)(a: LinearMap, b: LinearMap) = Simplify.add a b

    /// The difference of two maps.
    static member (-)(a: LinearMap, b: LinearMap) =
        Guard.notNull "b" b
        Simplify.add a (Simplify.scale -1.0 b)

    /// The map times -1.
    static member (~-)(a: LinearMap) = Simplify.scale -1.0 a

    /// The tensor (Kronecker) product: a on the first axes, b on the last.
    static member (.*.)(a: LinearMap, b: LinearMap) = Simplify.kronecker [| a; b |]

    /// The direct sum: a on the first part of a flat vector, b on the rest.
    static member (.+.)(a: LinearMap, b: LinearMap) = Simplify.directSum [| a; b |]

/// Makes maps and their adjoints in one stroke.
module internal Build =

    /// The traits where the condition holds.
    let given (condition: bool) (traits: Traits) =
        if condition then traits else Traits.None

    let private flip (traits: Traits) =
        (traits &&& ~~~Traits.Unitary)
        ||| given (traits.HasFlag Traits.Isometry) Traits.Coisometry
        ||| given (traits.HasFlag Traits.Coisometry) Traits.Isometry

    /// A map and its adjoint. A map that promises to be self-adjoint is its own adjoint.
    let pair domain codomain traits kind (form, action) (adjointForm, adjointAction) =
        let map = LinearMap(domain, codomain, traits, kind, form, action)

        if map.Promises Traits.SelfAdjoint then
            map.Pair map
        else
            map.Pair(LinearMap(codomain, domain, flip traits, kind, adjointForm map, adjointAction))

        map

    /// A map given by two actions that return fresh handles and free what they make.
    let leaf name domain codomain traits kind action adjointAction =
        pair domain codomain traits kind (Leaf name, action) (Adjoint, adjointAction)

    let identity (space: Space) =
        pair
            space
            space
            (Traits.Unitary ||| Traits.Projection)
            (Nullable())
            (Identity space, Actions.identity)
            ((fun _ -> Identity space), Actions.identity)

    let zero (domain: Space) (codomain: Space) =
        pair
            domain
            codomain
            (given (domain = codomain) Traits.Projection)
            (Nullable())
            (Zero, Actions.zero domain codomain)
            ((fun _ -> Zero), Actions.zero codomain domain)

    let permutation (order: int64[]) =
        let n = order.LongLength

        if order |> Array.indexed |> Array.forall (fun (i, j) -> int64 i = j) then
            identity (Space.Of n)
        else
            let inverse = Array.zeroCreate<int64> order.Length
            order |> Array.iteri (fun i j -> inverse[int j] <- int64 i)

            let traits = Traits.Permutation ||| given (order = inverse) Traits.SelfAdjoint

            pair
                (Space.Of n)
                (Space.Of n)
                traits
                (Nullable())
                (Permutation order, Actions.gather order)
                ((fun _ -> Permutation inverse), Actions.gather inverse)

    let diagonal (entries: torch.Tensor) =
        let space = Space.Of entries.shape
        let conjugate = if entries.is_complex () then entries.conj () else entries

        pair
            space
            space
            (given (not (entries.is_complex ())) Traits.SelfAdjoint)
            (Nullable(TensorKind.ofTensor entries))
            (Diagonal(space, entries), (.*) entries)
            ((fun _ -> Diagonal(space, conjugate)), (.*) conjugate)

/// Smart constructors: each returns the simplest form it can see.
module internal Simplify =

    let internal commonKind (verb: string) (maps: LinearMap[]) =
        let bound = maps |> Array.filter _.Kind.HasValue

        match Array.tryHead bound with
        | None -> Nullable()
        | Some first ->
            for other in bound do
                if other.Kind.Value <> first.Kind.Value then
                    raise (
                        ArgumentException(
                            $"Maps to {verb} must be of one type and device, but {first} is {first.Kind.Value} and {other} is {other.Kind.Value}."
                        )
                    )

            first.Kind

    let private commonTraits (maps: LinearMap[]) =
        maps |> Array.map _.Traits |> Array.reduce (&&&)

    let private both
        (form: LinearMap[] -> Form<LinearMap>)
        (action: LinearMap[] -> torch.Tensor -> torch.Tensor)
        (maps: LinearMap[])
        (adjoints: LinearMap[])
        =
        (form maps, action maps), ((fun _ -> form adjoints), action adjoints)

    let private adjoints (maps: LinearMap[]) = maps |> Array.map _.Adjoint

    /// factor times a.
    let scale (factor: float) (a: LinearMap) : LinearMap =
        Guard.notNull "a" a
        Guard.finite "factor" factor

        let multiple (factor: float) (inner: LinearMap) =
            let action (map: LinearMap) (x: torch.Tensor) =
                use y = map.Action x
                multiply factor y

            let kept = Traits.SelfAdjoint ||| Build.given (abs factor = 1.0) Traits.Unitary

            Build.pair
                inner.Domain
                inner.Codomain
                (inner.Traits &&& kept)
                inner.Kind
                (Scaled(factor, inner), action inner)
                ((fun _ -> Scaled(factor, inner.Adjoint)), action inner.Adjoint)

        match a.Form with
        | Zero -> a
        | _ when factor = 1.0 -> a
        | _ when factor = 0.0 -> Build.zero a.Domain a.Codomain
        | Scaled(inner, map) -> scale (inner * factor) map
        | _ -> multiple factor a

    /// One map in place of two neighbours in a product, if there is one.
    let private join (a: LinearMap) (b: LinearMap) : LinearMap option =
        let sameSplit (left: LinearMap[]) (right: LinearMap[]) =
            left.Length = right.Length
            && Array.forall2 (fun (l: LinearMap) (r: LinearMap) -> l.Domain = r.Codomain) left right

        match a.Form, b.Form with
        | _ when Object.ReferenceEquals(a.Adjoint, b) && b.Promises Traits.Isometry -> Some(Build.identity b.Domain)
        | _ when Object.ReferenceEquals(a, b) && a.Promises Traits.Idempotent -> Some a
        | Permutation p, Permutation q -> Some(Build.permutation (p |> Array.map (fun i -> q[int i])))
        | Kronecker left, Kronecker right when sameSplit left right -> Some(kronecker (Array.map2 compose left right))
        | DirectSum left, DirectSum right when sameSplit left right -> Some(directSum (Array.map2 compose left right))
        | _ -> None

    /// a after b.
    let compose (a: LinearMap) (b: LinearMap) : LinearMap =
        Guard.notNull "a" a
        Guard.notNull "b" b

        Guard.holds "b" (a.Domain = b.Codomain) (fun () ->
            $"The codomain of b must be the domain {a.Domain} of a = {a}, but b = {b} has codomain {b.Codomain}.")

        let kind = commonKind "compose" [| a; b |]

        let product (factors: LinearMap[]) =
            let reversed = adjoints factors |> Array.rev

            let symmetric =
                Array.forall2 (fun l r -> Object.ReferenceEquals(l, r)) factors reversed

            let half = factors |> Array.take (factors.Length / 2)

            let isSquare =
                symmetric
                && factors.Length % 2 = 0
                && half |> Array.forall _.Promises(Traits.Isometry)

            let traits =
                (commonTraits factors &&& Traits.Permutation)
                ||| Build.given symmetric Traits.SelfAdjoint
                ||| Build.given isSquare Traits.Projection

            let forward, backward =
                both Composed (Array.map _.Action >> Actions.chain) factors reversed

            Build.pair b.Domain a.Codomain traits kind forward backward

        let factors (map: LinearMap) =
            match map.Form with
            | Composed maps -> List.ofArray maps
            | _ -> [ map ]

        match a.Form, b.Form with
        | Identity _, _ -> b
        | _, Identity _ -> a
        | Zero, _
        | _, Zero -> Build.zero b.Domain a.Codomain
        | Scaled(factor, inner), _ -> scale factor (compose inner b)
        | _, Scaled(factor, inner) -> scale factor (compose a inner)
        | _ ->
            match Formula.meet join _.Form.IsIdentity (List.rev (factors a)) (factors b) with
            | [] -> Build.identity b.Domain
            | [ single ] -> single
            | many ->
                // A join may have brought a factor or a zero to the surface.
                if many |> List.exists (fun map -> map.Form.IsScaled || map.Form.IsZero) then
                    many |> List.reduce compose
                else
                    product (Array.ofList many)

    /// The sum of one or more maps between the same spaces, gathered once: the sum of many by `add` takes time with the cube of their number.
    let sum (maps: LinearMap[]) : LinearMap =
        let domain, codomain = maps[0].Domain, maps[0].Codomain
        let kind = commonKind "add" maps

        let terms (map: LinearMap) =
            match map.Form with
            | Zero -> [||]
            | Sum maps -> maps
            | _ -> [| map |]

        let factor (map: LinearMap) =
            match map.Form with
            | Scaled(factor, inner) -> struct (factor, inner)
            | _ -> struct (1.0, map)

        let insert (sum: LinearMap list) (term: LinearMap) =
            let struct (f, inner) = factor term

            let isLike (other: LinearMap) =
                let struct (_, otherInner) = factor other
                Object.ReferenceEquals(inner, otherInner)

            match List.tryFind isLike sum with
            | None -> sum @ [ term ]
            | Some other ->
                let struct (g, _) = factor other
                let merged = scale (f + g) inner

                sum
                |> List.collect (fun map ->
                    if Object.ReferenceEquals(map, other) then
                        List.ofArray (terms merged)
                    else
                        [ map ])

        match maps |> Array.collect terms |> Array.fold insert [] with
        | [] -> Build.zero domain codomain
        | [ single ] -> single
        | many ->
            let maps = Array.ofList many

            let forward, backward =
                both Sum (Array.map _.Action >> Actions.sum) maps (adjoints maps)

            Build.pair domain codomain (commonTraits maps &&& Traits.SelfAdjoint) kind forward backward

    /// The sum of two maps; multiples of one map merge.
    let add (a: LinearMap) (b: LinearMap) : LinearMap =
        Guard.notNull "a" a
        Guard.notNull "b" b

        Guard.holds "b" (a.Domain = b.Domain && a.Codomain = b.Codomain) (fun () ->
            $"b must go from {a.Domain} to {a.Codomain}, as a = {a} does, but b = {b} goes from {b.Domain} to {b.Codomain}.")

        sum [| a; b |]

    /// The tensor product of one or more maps.
    let kronecker (maps: LinearMap[]) : LinearMap =
        maps |> Array.iteri (fun i map -> Guard.notNull $"maps[{i}]" map)
        let kind = commonKind "tensor" maps

        let space (side: LinearMap -> Space) =
            maps |> Array.map side |> Array.reduce Space.tensor

        let flat =
            maps
            |> Array.collect (fun map ->
                match map.Form with
                | Kronecker inner -> inner
                | Scaled(_, inner) ->
                    match inner.Form with
                    | Kronecker parts -> parts
                    | _ -> [| inner |]
                | _ -> [| map |])

        let factor =
            maps
            |> Array.fold
                (fun product map ->
                    match map.Form with
                    | Scaled(factor, _) -> product * factor
                    | _ -> product)
                1.0

        if flat |> Array.exists _.Form.IsZero then
            Build.zero (space _.Domain) (space _.Codomain)
        elif flat |> Array.forall _.Form.IsIdentity then
            Build.identity (space _.Domain) |> scale factor
        elif flat.Length = 1 then
            flat[0] |> scale factor
        else
            let action (parts: LinearMap[]) =
                if parts[.. parts.Length - 2] |> Array.forall _.Form.IsIdentity then
                    // The axes of the identities are batch to the last map.
                    parts[parts.Length - 1].Action
                else

                    parts
                    |> Array.map (fun part ->
                        struct (part.Domain,
                                part.Codomain,
                                (if part.Form.IsIdentity then
                                     ValueNone
                                 else
                                     ValueSome part.Action)))
                    |> Actions.kronecker

            let forward, backward = both Kronecker action flat (adjoints flat)

            Build.pair (space _.Domain) (space _.Codomain) (commonTraits flat) kind forward backward
            |> scale factor

    /// The direct sum of one or more maps, on flat vectors.
    let directSum (maps: LinearMap[]) : LinearMap =
        maps |> Array.iteri (fun i map -> Guard.notNull $"maps[{i}]" map)
        let kind = commonKind "sum directly" maps

        let space (side: LinearMap -> Space) =
            Space.Of(maps |> Array.sumBy (fun map -> (side map).Size))

        let flat =
            maps
            |> Array.collect (fun map ->
                match map.Form with
                | DirectSum inner -> inner
                | _ -> [| map |])

        if flat |> Array.forall _.Form.IsIdentity then
            Build.identity (space _.Domain)
        elif flat |> Array.forall _.Form.IsZero then
            Build.zero (space _.Domain) (space _.Codomain)
        elif flat.Length = 1 && flat[0].Domain.Rank = 1 && flat[0].Codomain.Rank = 1 then
            flat[0]
        else
            let action (parts: LinearMap[]) =
                parts
                |> Array.map (fun part -> struct (part.Domain, part.Codomain, part.Action))
                |> Actions.directSum

            let forward, backward = both DirectSum action flat (adjoints flat)
            Build.pair (space _.Domain) (space _.Codomain) (commonTraits flat) kind forward backward
