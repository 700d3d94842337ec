namespace Ortho

open System
open TorchSharp

/// <summary>A layer laid out: its plan, the shape of the weights of each pair of summands, and where each weight goes.</summary>
[<NoEquality; NoComparison>]
type internal LayerLayout =
    {
        Plan: LayerPlan
        /// For each input summand (a constant last) and output summand: equivariant maps, input channels, output channels.
        Blocks: (struct (int * int * int))[,]
        /// From the weights of all blocks, end to end, to those of the plan. Every weight goes to one place.
        Arrange: LinearMap
    }

/// From groups and features to the diagrams of a layer.
[<RequireQualifiedAccess>]
module internal LayerDiagrams =

    /// A part of the row of all factors, and what it is in each.
    [<NoEquality; NoComparison>]
    type private Product =
        {
            Whole: RowPart
            Factors: (struct (RowPart * int))[]
        }

    let rec private cartesian (choices: 'a[] list) : 'a list list =
        match choices with
        | [] -> [ [] ]
        | first :: rest ->
            [
                for choice in first do
                    for others in cartesian rest do
                        choice :: others
            ]

    /// Every way to read a row that has so many axes for each factor.
    let private parts (groups: Group[]) (keys: CrossingKey[]) (isTop: bool) (orders: int[]) : Product[] =
        let starts = orders |> Array.scan (+) 0

        [
            for f in 0 .. groups.Length - 1 ->
                CrossingGroups.parts groups[f] keys[f] isTop starts[f] orders[f]
                |> Array.map (fun part -> struct (part, starts[f]))
        ]
        |> cartesian
        |> List.map (fun factors ->
            let all = factors |> List.map (fun struct (part, _) -> part)

            {
                Whole =
                    {
                        Segments = all |> Seq.collect _.Segments |> Array.ofSeq
                        Closed = all |> Seq.collect _.Closed |> Array.ofSeq
                        Forms = all |> Seq.collect _.Forms |> Array.ofSeq
                    }
                Factors = Array.ofList factors
            })
        |> Array.ofList

    /// What stands between the rows of the diagrams of one key for each factor.
    let private heads (groups: Group[]) (keys: CrossingKey[]) : LayerHead[] =
        let axisCount (key: CrossingKey) =
            key.Crossing + (if key.Head.IsSome then 1 else 0)

        let starts = keys |> Array.map axisCount |> Array.scan (+) 0

        [|
            for f in 0 .. groups.Length - 1 do
                match keys[f].Head with
                | ValueNone -> ()
                | ValueSome(below, above) ->
                    let n = groups[f].Dimension

                    // Of SO(n) the crossing strands have no part in the sign.
                    let crossing = if groups[f].IsRotations then 0 else keys[f].Crossing
                    let entries = CrossingGroups.between groups[f] { keys[f] with Crossing = crossing }

                    let sizes count =
                        Array.append
                            (Array.replicate crossing (int64 n))
                            [| (Antisymmetry.subsets n count).Length |> int64 |]

                    let rows (sizes: int64[]) = int (Array.reduce (*) sizes)

                    {
                        FirstAxis = starts[f] + keys[f].Crossing - crossing
                        AxisCount = crossing + 1
                        Forward = SignedGather.ofEntries (rows (sizes above)) entries
                        Backward = SignedGather.ofEntries (rows (sizes below)) (SignedGather.transpose entries)
                        SizesForward = sizes above
                        SizesBackward = sizes below
                    }
        |]

    /// The map that takes each weight to its place; index -1 is no weight.
    let private arrangement (total: int) (places: (struct (int * bool))[]) : LinearMap =
        if total = 0 then
            // No space has size 0: the map is never applied.
            LinearMap.identity Space.scalar
        else
            let back = Array.zeroCreate<int> total
            let backSign = Array.zeroCreate<int64> total

            places
            |> Array.iteri (fun place (struct (index, isOdd)) ->
                if index >= 0 then
                    back[index] <- place
                    backSign[index] <- if isOdd then -1L else 1L)

            let index = places |> Array.map (fun struct (index, _) -> max index 0)

            let sign =
                places
                |> Array.map (fun struct (index, isOdd) ->
                    if index < 0 then 0L
                    elif isOdd then -1L
                    else 1L)

            // Arrays, not tensors: a backward pass may come when every scope of the forward pass has ended.
            let gather (index: int[]) (sign: int64[]) =
                let isPositive = sign |> Array.forall (fun s -> s = 1L)

                Actions.scoped (fun (w: torch.Tensor) ->
                    let read = w.index_select (w.ndim - 1L, torch.tensor(index).``to`` w.device)

                    if isPositive then
                        read
                    else
                        read .* torch.tensor(sign).``to``(w.dtype, w.device))

            Build.leaf
                "arrange"
                (Space.Of(int64 total))
                (Space.Of places.LongLength)
                Traits.None
                (Nullable())
                (gather index sign)
                (gather back backSign)
            |> LinearFunction.Wrap

    let private side
        (features: Features)
        (constant: float voption)
        (axes: int64[][])
        (groups: Product[][][])
        : LayerSide =
        let slots =
            let next = Array.zeroCreate<int> axes.Length

            groups
            |> Array.map (fun terms ->
                [|
                    for term in 0 .. axes.Length - 1 do
                        for _ in terms[term] do
                            yield struct (term, next[term])
                            next[term] <- next[term] + 1
                |])

        {
            Features = features
            Axes = axes
            Rows =
                Array.init axes.Length (fun term ->
                    match groups |> Array.collect (fun terms -> terms[term] |> Array.map _.Whole) with
                    | [||] -> ValueNone
                    | parts -> ValueSome(RowPlan.make axes[term] parts))
            Slots = slots
            Constant = constant
        }

    /// <summary>The layout of a layer.</summary>
    /// <param name="kept">For a factor and two orders the spanning maps that have weights, by their numbers.</param>
    /// <param name="groups">The factors of the group, each with diagrams.</param>
    /// <param name="input">What the layer reads.</param>
    /// <param name="output">What it writes.</param>
    /// <param name="hasConstant">Whether it reads a constant 1 too, for a bias.</param>
    let make
        (kept: Group -> int -> int -> int[])
        (groups: Group[])
        (input: Features)
        (output: Features)
        (hasConstant: bool)
        : LayerLayout =
        let factors = groups.Length

        let bottoms =
            [|
                for i in 0 .. input.Count - 1 -> input.OrdersOf i
                if hasConstant then
                    yield Array.zeroCreate factors
            |]

        let tops = Array.init output.Count output.OrdersOf

        let inputChannels =
            [|
                for i in 0 .. input.Count - 1 -> int (input.ChannelsOf i)
                if hasConstant then
                    yield 1
            |]

        let outputChannels = Array.init output.Count (output.ChannelsOf >> int)

        /// For each factor the pairing, the place of each spanning map among those kept, and their number.
        let maps =
            Array2D.init bottoms.Length tops.Length (fun i j ->
                Array.init factors (fun f ->
                    let k, l = bottoms[i][f], tops[j][f]
                    let kept = kept groups[f] k l
                    let places = kept |> Array.mapi (fun place index -> index, place) |> dict
                    struct (CrossingGroups.pairing groups[f] k l, places, kept.Length)))

        let counts =
            maps
            |> Array2D.map (fun factors -> factors |> Array.fold (fun d (struct (_, _, count)) -> d * count) 1)

        let starts =
            let sizes =
                [|
                    for i in 0 .. bottoms.Length - 1 do
                        for j in 0 .. tops.Length - 1 -> counts[i, j] * inputChannels[i] * outputChannels[j]
                |]

            sizes |> Array.scan (+) 0

        /// The place among the weights' maps of what two parts make together.
        let pair (keys: CrossingKey[]) (i: int) (bottom: Product) (j: int) (top: Product) =
            let mutable place, isOdd = 0, false

            for f in 0 .. factors - 1 do
                let struct (pairing, places, count) = maps[i, j][f]
                let struct (below, firstBelow) = bottom.Factors[f]
                let struct (above, firstAbove) = top.Factors[f]

                if place >= 0 then
                    match pairing keys[f] (below, firstBelow) (above, firstAbove) with
                    | ValueSome found when places.ContainsKey found.Index ->
                        place <- place * count + places[found.Index]
                        isOdd <- isOdd <> found.IsOdd
                    | _ -> place <- -1

            struct (place, isOdd)

        let all =
            [|
                for f in 0 .. factors - 1 ->
                    CrossingGroups.keys
                        groups[f]
                        (bottoms |> Array.map (fun o -> o[f]))
                        (tops |> Array.map (fun o -> o[f]))
            |]
            |> List.ofArray
            |> cartesian
            |> List.map Array.ofList
            |> List.choose (fun keys ->
                let below = bottoms |> Array.map (parts groups keys false)
                let above = tops |> Array.map (parts groups keys true)

                let pairs =
                    Array2D.init bottoms.Length tops.Length (fun i j ->
                        let bottom, top = below[i], above[j]
                        Array2D.init bottom.Length top.Length (fun p q -> pair keys i bottom[p] j top[q]))

                let isUsed (struct (place, _)) = place >= 0

                // What stands in no map, because n is small, is not computed.
                let usedBelow =
                    Array.init bottoms.Length (fun i ->
                        [|
                            for p in 0 .. below[i].Length - 1 do
                                if
                                    Seq.exists
                                        (fun j -> Array.exists isUsed (pairs[i, j][p, *]))
                                        [ 0 .. tops.Length - 1 ]
                                then
                                    p
                        |])

                let usedAbove =
                    Array.init tops.Length (fun j ->
                        [|
                            for q in 0 .. above[j].Length - 1 do
                                if
                                    Seq.exists
                                        (fun i -> Array.exists isUsed (pairs[i, j][*, q]))
                                        [ 0 .. bottoms.Length - 1 ]
                                then
                                    q
                        |])

                if usedBelow |> Array.forall Array.isEmpty then
                    None
                else
                    let places =
                        [|
                            for i in 0 .. bottoms.Length - 1 do
                                for p in usedBelow[i] do
                                    for c in 0 .. inputChannels[i] - 1 do
                                        for j in 0 .. tops.Length - 1 do
                                            let start = starts[i * tops.Length + j]
                                            let width = outputChannels[j]

                                            for q in usedAbove[j] do
                                                let struct (place, isOdd) = pairs[i, j][p, q]

                                                for d in 0 .. width - 1 do
                                                    if place < 0 then
                                                        yield struct (-1, false)
                                                    else
                                                        yield
                                                            struct (start + (place * inputChannels[i] + c) * width + d,
                                                                    isOdd)
                        |]

                    Some(
                        struct (keys,
                                Array.init bottoms.Length (fun i -> usedBelow[i] |> Array.map (fun p -> below[i][p])),
                                Array.init tops.Length (fun j -> usedAbove[j] |> Array.map (fun q -> above[j][q])),
                                places)
                    ))
            |> Array.ofList

        let axes (orders: int[]) =
            (groups, orders)
            ||> Array.map2 (fun group order -> Array.replicate order (int64 group.Dimension))
            |> Array.concat

        {
            Plan =
                {
                    Input =
                        all
                        |> Array.map (fun struct (_, below, _, _) -> below)
                        |> side input (if hasConstant then ValueSome 1.0 else ValueNone) (Array.map axes bottoms)
                    Output =
                        all
                        |> Array.map (fun struct (_, _, above, _) -> above)
                        |> side output ValueNone (Array.map axes tops)
                    Heads = all |> Array.map (fun struct (keys, _, _, _) -> heads groups keys)
                    Starts =
                        all
                        |> Array.scan (fun start (struct (_, _, _, places)) -> start + places.LongLength) 0L
                    IsAdjoint = false
                }
            Blocks =
                counts
                |> Array2D.mapi (fun i j count -> struct (count, inputChannels[i], outputChannels[j]))
            Arrange =
                all
                |> Array.collect (fun struct (_, _, _, places) -> places)
                |> arrangement (Array.last starts)
        }
