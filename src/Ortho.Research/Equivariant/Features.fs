namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// One summand of the features of a layer: tensors with so many axes for each factor of the group, and channels.
type FeatureTerm =
    {
        /// Tensor order for each factor of the group.
        Orders: IReadOnlyList<int>
        Channels: int
    }

/// <summary>What an equivariant layer reads or writes: a direct sum of tensor powers, each with channels.</summary>
/// <remarks>A single summand has the shape [n; ...; n; channels], for a product of groups the axes of the first factor first. A sum is one flat
/// vector: the summands in order, each row-major.</remarks>
[<Sealed; NoEquality; NoComparison>]
type Features private (terms: (struct (int[] * int))[]) =

    /// The summands.
    member _.Terms: IReadOnlyList<FeatureTerm> =
        Array.AsReadOnly(
            terms
            |> Array.map (fun struct (orders, channels) ->
                {
                    Orders = Array.AsReadOnly orders
                    Channels = channels
                })
        )

    member internal _.OrdersOf(term: int) =
        let struct (orders, _) = terms[term]
        orders

    member internal _.ChannelsOf(term: int) =
        let struct (_, channels) = terms[term]
        int64 channels

    member internal _.Count = terms.Length

    /// How many factors the group must have.
    member _.Factors =
        let struct (orders, _) = terms[0]
        orders.Length

    /// <summary>Tensors of one order on R^n, with channels.</summary>
    /// <param name="order">At least 0.</param>
    /// <param name="channels">At least 1.</param>
    /// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
    static member Tensors(order: int, channels: int) =
        Guard.atLeast "order" 0 order
        Guard.positive "channels" channels
        Features [| struct ([| order |], channels) |]

    /// <summary>Tensors for a product of groups: with orders[i] axes on which the i-th factor acts.</summary>
    /// <exception cref="T:System.ArgumentException">There is no order, or a number is out of range.</exception>
    static member Local(orders: int[], channels: int) =
        Guard.notNull "orders" orders
        Guard.holds "orders" (orders.Length > 0) (fun () -> "orders must be one for each factor, but are none.")

        for order in orders do
            Guard.atLeast "orders" 0 order

        Guard.positive "channels" channels
        Features [| struct (Array.copy orders, channels) |]

    /// <summary>The direct sum: both, one after the other in a flat vector.</summary>
    /// <exception cref="T:System.ArgumentException">The numbers of factors differ.</exception>
    member this.Plus(other: Features) =
        Guard.notNull "other" other

        Guard.holds "other" (other.Factors = this.Factors) (fun () ->
            $"other must be for {this.Factors} factors, but is for {other.Factors}.")

        Features(
            Array.append terms (Array.init other.Count (fun i -> struct (other.OrdersOf i, int (other.ChannelsOf i))))
        )

    /// The direct sum.
    static member (+)(left: Features, right: Features) =
        Guard.notNull "left" left
        Guard.notNull "right" right
        left.Plus right

    /// E.g. 8 x (2) + 4 x (1): channels x orders.
    override _.ToString() =
        let term (struct (orders: int[], channels: int)) =
            let orders = String.Join(", ", orders)
            $"{channels} x ({orders})"

        String.Join(" + ", terms |> Array.map term)

/// Features of equivariant layers, their spaces and how groups act on them.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Features =

    /// Tensors of one order on R^n, with channels.
    let tensors (order: int) (channels: int) = Features.Tensors(order, channels)

    /// Tensors for a product of groups: with orders[i] axes on which the i-th factor acts.
    let local (orders: seq<int>) (channels: int) =
        Guard.notNull "orders" orders
        Features.Local(Seq.toArray orders, channels)

    /// <summary>The groups of a product fit the features: as many as they have factors.</summary>
    /// <exception cref="T:System.ArgumentException">They do not.</exception>
    let internal check (name: string) (groups: Group[]) (features: Features) =
        Guard.notNull "groups" groups
        Guard.notNull name features

        for group in groups do
            Guard.notNull "groups" group

        Guard.holds name (features.Factors = groups.Length) (fun () ->
            $"{name} must have an order for each of the {groups.Length} groups, but has {features.Factors}: {features}.")

    /// Sizes of the axes of one summand, without channels.
    let internal axes (groups: Group[]) (features: Features) (term: int) : int64[] =
        (groups, features.OrdersOf term)
        ||> Array.map2 (fun group order -> Array.replicate order (int64 group.Dimension))
        |> Array.concat

    let private spaceOf (groups: Group[]) (features: Features) (term: int) =
        Space.Of(Array.append (axes groups features term) [| features.ChannelsOf term |])

    /// The space of one element: for a single summand [n; ...; n; channels], else a flat vector.
    let space (groups: Group[]) (features: Features) : Space =
        check "features" groups features

        Array.init features.Count (spaceOf groups features)
        |> Array.reduce (fun left right -> left.DirectSum right)

    /// <summary>How one factor of the group acts.</summary>
    /// <param name="groups">The factors.</param>
    /// <param name="factor">Which of them acts; the others stand still.</param>
    /// <param name="features">On what.</param>
    let rep (groups: Group[]) (factor: int) (features: Features) : Rep =
        check "features" groups features
        Guard.between "factor" 0 (groups.Length - 1) factor
        let group = groups[factor]

        let ofTerm (term: int) =
            let orders = features.OrdersOf term

            let still (sizes: int64[]) = Rep.trivial (Space.Of sizes) group

            let before = Features.Local(orders[..factor], 1)
            let first = axes groups[..factor] before 0
            let all = Array.append (axes groups features term) [| features.ChannelsOf term |]
            let start = first.Length - orders[factor]

            let parts =
                [
                    if start > 0 then
                        still all[.. start - 1]
                    if orders[factor] > 0 then
                        Rep.tensorPower orders[factor] (Rep.vector group)
                    still all[first.Length ..]
                ]

            List.reduce Rep.tensor parts

        Array.init features.Count ofTerm |> Array.reduce Rep.directSum

    /// <summary>A flat vector of features cut into its summands.</summary>
    /// <param name="groups">The factors of the group.</param>
    /// <param name="features">What the vector holds.</param>
    /// <param name="x">The shape of the features' space after any batch axes.</param>
    /// <returns>For each summand [*batch; n; ...; n; channels], views of x where its strides allow.</returns>
    /// <exception cref="T:System.ArgumentException">x has other last axes.</exception>
    let split (groups: Group[]) (features: Features) (x: torch.Tensor) : torch.Tensor[] =
        let whole = space groups features
        Guard.live "x" x
        let batch = int x.ndim - whole.Rank

        Guard.holds "x" (batch >= 0 && x.shape[batch..] = whole.Axes) (fun () ->
            $"x must have last axes {whole}, the space of {features}, but has shape {Guard.showShape x.shape}.")

        if features.Count = 1 then
            [| x.alias () |]
        else
            let mutable start = 0L

            Array.init features.Count (fun term ->
                let space = spaceOf groups features term
                use part = x.narrow (x.ndim - 1L, start, space.Size)
                start <- start + space.Size
                part.reshape (Array.append x.shape[.. batch - 1] space.Axes))

    /// <summary>Summands, each [*batch; n; ...; n; channels], as one flat vector; a single one as it is.</summary>
    let internal join (features: Features) (parts: torch.Tensor[]) : torch.Tensor =
        if features.Count = 1 then
            parts[0]
        else
            let flat =
                parts
                |> Array.mapi (fun term part ->
                    let batch = int part.ndim - Array.sum (features.OrdersOf term) - 1
                    let size = Array.fold (*) 1L part.shape[batch..]
                    part.reshape (Array.append part.shape[.. batch - 1] [| size |]))

            torch.cat (flat, -1L)

// What a C# program calls.
type Features with

    /// The space of one element for the factors of a group.
    member this.Space([<ParamArray>] groups: Group[]) = Features.space groups this

    /// How one factor of the group acts.
    member this.Rep(groups: Group[], factor: int) = Features.rep groups factor this

    /// A flat vector of features cut into its summands.
    member this.Split(groups: Group[], x: torch.Tensor) = Features.split groups this x
