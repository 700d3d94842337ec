namespace Ortho

open TorchSharp

/// <summary>A representation: a space, and for each element g of a group (a matrix of R^n) a linear map of that space.</summary>
[<Sealed; NoEquality; NoComparison>]
type Rep internal (name: string, group: Group, space: Space, act: LinearMap -> LinearMap) =
    /// The group that acts.
    member _.Group = group

    /// The space it acts on.
    member _.Space = space

    /// The map of an element g, given as a map of R^n.
    member _.Of(g: LinearMap) =
        Guard.notNull "g" g
        act g

    override _.ToString() = name

/// Representations built from R^n, and the law of maps between them.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Rep =

    /// R^n itself: g acts as g.
    let vector (group: Group) =
        Guard.notNull "group" group
        Rep($"{group} on R^{group.Dimension}", group, Space.Of(int64 group.Dimension), id)

    /// R^n with coordinates permuted by S_n.
    let permutation (n: int) = vector (Group.symmetric n)

    /// The space of a shape on which every element acts as the identity, e.g. channels.
    let trivial (space: Space) (group: Group) =
        Guard.notNull "space" space
        Guard.notNull "group" group
        Rep($"trivial {space}", group, space, (fun _ -> LinearMap.identity space))

    let private sameGroup (left: Rep) (right: Rep) =
        Guard.notNull "left" left
        Guard.notNull "right" right

        Guard.holds "right" (left.Group = right.Group) (fun () ->
            $"right must be a representation of {left.Group}, like left, but is one of {right.Group}.")

    /// <summary>The tensor product: g acts as left(g) (x) right(g).</summary>
    /// <exception cref="T:System.ArgumentException">The groups differ.</exception>
    let tensor (left: Rep) (right: Rep) =
        sameGroup left right
        Rep($"({left}) ⊗ ({right})", left.Group, left.Space.Tensor right.Space, (fun g -> left.Of g .*. right.Of g))

    /// <summary>The direct sum, on flat vectors: g acts on each part.</summary>
    /// <exception cref="T:System.ArgumentException">The groups differ.</exception>
    let directSum (left: Rep) (right: Rep) =
        sameGroup left right
        Rep($"({left}) ⊕ ({right})", left.Group, left.Space.DirectSum right.Space, (fun g -> left.Of g .+. right.Of g))

    /// The k-fold tensor power: shape [n; ...; n] for R^n, scalars for k = 0.
    let tensorPower (k: int) (rep: Rep) =
        Guard.atLeast "k" 0 k

        let act (g: LinearMap) =
            if k = 0 then
                LinearMap.identity Space.scalar
            else
                Array.replicate k (rep.Of g) |> Array.reduce (.*.)

        Rep($"({rep})^⊗{k}", rep.Group, Space.power k rep.Space, act)

    /// The same representation on each of the channels, which are the last axis.
    let channels (count: int) (rep: Rep) =
        Guard.positive "count" count
        tensor rep (trivial (Space.Of(int64 count)) rep.Group)

    /// <summary>How far a map is from commuting with the group: the largest residual of A rho(g) = sigma(g) A over the generators and
    /// over `elements` random elements.</summary>
    /// <param name="seed">Draws the elements and the vectors.</param>
    /// <param name="elements">How many random elements.</param>
    /// <param name="rho">How the group acts on the map's domain.</param>
    /// <param name="sigma">How it acts on the codomain.</param>
    /// <param name="map">The map A.</param>
    let equivariance (seed: int) (elements: int) (rho: Rep, sigma: Rep) (map: LinearMap) : float =
        Guard.notNull "sigma" sigma
        Guard.notNull "map" map
        sameGroup rho sigma

        Guard.holds "map" (map.Domain = rho.Space && map.Codomain = sigma.Space) (fun () ->
            $"map must go from {rho.Space} to {sigma.Space}, but {map} goes from {map.Domain} to {map.Codomain}.")

        seq {
            yield! Group.generators rho.Group
            for i in 1..elements -> Group.random (Seed.derive seed i) rho.Group
        }
        |> Seq.mapi (fun i g -> Law.equivariance (Seed.derive seed (-i)) (rho.Of g) (sigma.Of g) map)
        |> Seq.fold max 0.0

    /// <summary>How far a function is from commuting with a group: the largest |f(rho(g) x) - sigma(g) f(x)| over |f(rho(g) x)| + |sigma(g) f(x)|, for the
    /// generators g, four random elements and random x.</summary>
    /// <param name="seed">Draws the elements and the inputs.</param>
    /// <param name="kind">Type and device of the inputs.</param>
    /// <param name="rho">How the group acts on what f reads.</param>
    /// <param name="sigma">How it acts on what f gives.</param>
    /// <param name="f">From [*batch; input element] to [*batch; output element].</param>
    let residual (seed: int) (kind: TensorKind) (rho: Rep, sigma: Rep) (f: torch.Tensor -> torch.Tensor) : float =
        sameGroup rho sigma
        use _ = torch.no_grad ()

        seq {
            yield! Group.generators rho.Group
            for i in 1..4 -> Group.random (Seed.derive seed i) rho.Group
        }
        |> Seq.mapi (fun i g ->
            use _ = torch.NewDisposeScope()

            let x =
                Seed.normal (Seed.derive seed (-i)) kind (Array.append [| 4L |] rho.Space.Axes)

            let moved = f ((rho.Of g).Apply x)
            Law.distance moved ((sigma.Of g).Apply(f x)))
        // NaN is the worst.
        |> Seq.fold (fun worst next -> if next <= worst then worst else next) 0.0

    /// <summary>The dimension of the space of vectors that every element fixes, found numerically: no formula is used.</summary>
    /// <param name="rep">How the group acts.</param>
    /// <returns>The nullity of the sum over generators g of (rho(g) - 1)* (rho(g) - 1): eigenvalues below 1e-10 of the largest count as 0.</returns>
    /// <exception cref="T:System.ArgumentException">The matrix would have more than 2^27 entries.</exception>
    /// <remarks>For a tensor power of order l + k of a self-dual representation this is the dimension of the equivariant maps from order k
    /// to order l. A dense symmetric eigenvalue problem in float64: time grows with the cube of the space's size (4096: about 10 s).</remarks>
    let invariantDimension (rep: Rep) : int =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()

        let energy (g: LinearMap) =
            let moved = rep.Of g - LinearMap.identity rep.Space
            moved.Adjoint * moved

        let eigenvalues =
            Group.generators rep.Group
            |> Array.map energy
            |> Array.reduce (+)
            |> LinearMap.toMatrix
            |> torch.linalg.eigvalsh

        let bound = multiply 1e-10 (eigenvalues.max ())
        int (number (eigenvalues.le(bound).sum()))

// What a C# program calls.
type Rep with

    /// R^n itself.
    static member Vector(group: Group) = Rep.vector group

    /// R^n with coordinates permuted by S_n.
    static member Permutation(n: int) = Rep.permutation n

    /// The space of a shape on which every element acts as the identity.
    static member Trivial(space: Space, group: Group) = Rep.trivial space group

    /// The tensor product with another representation of the group.
    member this.Tensor(right: Rep) = Rep.tensor this right

    /// The direct sum with another representation of the group, on flat vectors.
    member this.DirectSum(right: Rep) = Rep.directSum this right

    /// The k-fold tensor power.
    member this.TensorPower(k: int) = Rep.tensorPower k this

    /// The same representation on each of the channels, which are the last axis.
    member this.Channels(count: int) = Rep.channels count this

    /// How far a map from this representation to another is from commuting with the group.
    member this.Equivariance(seed: int, elements: int, sigma: Rep, map: LinearMap) =
        Rep.equivariance seed elements (this, sigma) map

    /// How far a function from this representation to another is from commuting with the group.
    member this.Residual(seed: int, kind: TensorKind, sigma: Rep, f: System.Func<torch.Tensor, torch.Tensor>) =
        Guard.notNull "sigma" sigma
        Guard.notNull "f" f
        Rep.residual seed kind (this, sigma) f.Invoke

    /// The dimension of the space of vectors that every element fixes, found numerically.
    member this.InvariantDimension = Rep.invariantDimension this
