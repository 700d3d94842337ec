namespace Ortho

open System.Collections.Generic

/// <summary>What joins the two rows of the diagrams of one group of a layer: m crossing strands, and for diagrams with a head its strands below
/// and above.</summary>
[<NoComparison>]
type internal CrossingKey =
    {
        Crossing: int
        Head: (struct (int * int)) voption
    }

/// <summary>The diagrams of one kind as pairs of a contraction of the bottom row and a placement in the top row.</summary>
/// <remarks>
/// The order of the crossing strands belongs to the placement. Every pair is one diagram, so a layer contracts once for each contraction, mixes
/// channels in one matrix product, and places once for each placement.
/// </remarks>
[<RequireQualifiedAccess>]
module internal CrossingGroups =

    let rec private choices (count: int) (items: 'a list) : 'a list list =
        match count, items with
        | 0, _ -> [ [] ]
        | _, [] -> []
        | _, head :: tail ->
            (choices (count - 1) tail |> List.map (fun rest -> head :: rest))
            @ choices count tail

    let private orders (items: 'a list) : 'a list list =
        Antisymmetry.arrangements items.Length [ 0 .. items.Length - 1 ]
        |> List.map (List.map (fun i -> items[i]))

    /// Whether the diagrams with a head have so many strands.
    let private hasHead (group: Group) (strands: int) =
        match group with
        | Group.EvenPermutations n -> n > 1 && (strands = n || strands = n - 1)
        | _ -> false

    /// <summary>The kinds of diagrams from rows of the given lengths to rows of the given lengths (bottom, top) of a group with diagrams.</summary>
    let keys (group: Group) (bottoms: int[]) (tops: int[]) : CrossingKey[] =
        let k, l = Array.max bottoms, Array.max tops

        [|
            for m in 0 .. min k l do
                { Crossing = m; Head = ValueNone }

            match group with
            | Group.EvenPermutations _ ->
                for m in 0 .. min k l do
                    for below in 0 .. k - m do
                        for above in 0 .. l - m do
                            if hasHead group (m + below + above) then
                                {
                                    Crossing = m
                                    Head = ValueSome(struct (below, above))
                                }
            | Group.Rotations n when n > 1 ->
                for m in 0 .. min k l do
                    for below in 0 .. min n (k - m) do
                        if n - below <= l - m then
                            {
                                Crossing = m
                                Head = ValueSome(struct (below, n - below))
                            }
            | _ -> ()
        |]

    /// The blocks of every way to cut a row of so many axes, as far as the group's diagrams do.
    let private cuts (group: Group) (axes: int) : int[] list[] =
        match group with
        | Group.AllOrthogonal _
        | Group.SymplecticForm _
        | Group.Rotations _ when group <> Group.Rotations 1 ->
            [|
                for free in axes .. -2 .. 0 do
                    for d in Brauer.enumerate free axes 0 do
                        List.ofArray d.Partition.Blocks
            |]
        | _ ->
            [|
                for partition in SetPartition.enumerate axes -> List.ofArray partition.Blocks
            |]

    /// Whether a block of a row may cross or go to a head: for O(n), SO(n) and Sp(n) those of one axis, which must.
    let private isPaired (group: Group) =
        match group with
        | Group.Rotations 1 -> false
        | Group.AllOrthogonal _
        | Group.SymplecticForm _
        | Group.Rotations _ -> true
        | _ -> false

    /// <summary>Every way to read a row of one factor.</summary>
    /// <param name="group">The factor.</param>
    /// <param name="key">The kind of diagram.</param>
    /// <param name="isTop">Whether the row is the upper one, whose parts fix the order of the crossing strands.</param>
    /// <param name="first">The place of its first axis in the row of all factors.</param>
    /// <param name="axes">How many axes it has.</param>
    let parts (group: Group) (key: CrossingKey) (isTop: bool) (first: int) (axes: int) : RowPart[] =
        let strand (block: int[]) =
            {
                Size = int64 group.Dimension
                Axes = block |> Array.map (fun axis -> first + axis)
            }

        let headed =
            key.Head
            |> ValueOption.map (fun (struct (below, above)) -> if isTop then above else below)

        let antisymmetry = headed |> ValueOption.map (Antisymmetry.make group.Dimension)
        let strands = List.map strand >> Array.ofList

        [|
            for blocks in cuts group axes do
                let mayCross, paired =
                    if isPaired group then
                        blocks |> List.partition (fun block -> block.Length = 1)
                    else
                        blocks, []

                for crossing in choices key.Crossing mayCross do
                    let rest = mayCross |> List.except crossing

                    let closed, head = if key.Head.IsSome then paired, rest else paired @ rest, []

                    // A strand of one axis that neither crosses nor goes to a head is no pair.
                    let isDiagram =
                        match headed with
                        | ValueSome count -> head.Length = count
                        | ValueNone -> not (isPaired group && rest.Length > 0)

                    if isDiagram then
                        let isForm = group.IsSymplecticForm

                        for ordered in (if isTop then orders crossing else [ crossing ]) do
                            {
                                Segments =
                                    [|
                                        {
                                            Crossing = strands ordered
                                            Head =
                                                antisymmetry
                                                |> ValueOption.map (fun antisymmetry ->
                                                    struct (strands head, antisymmetry))
                                        }
                                    |]
                                Closed = if isForm then [||] else strands closed
                                Forms = if isForm then strands closed else [||]
                            }
        |]

    /// <summary>From the axes between the rows of the bottom row to those of the top row, for one segment with a head: indices are those of its crossing
    /// strands and its head together, row-major.</summary>
    let between (group: Group) (key: CrossingKey) : SignedEntry[] =
        let n = group.Dimension

        match key.Head with
        | ValueNone -> [||]
        | ValueSome(below, above) ->
            let number count =
                Antisymmetry.subsets n count |> List.mapi (fun i subset -> subset, i) |> dict

            let belowNumber, aboveNumber = number below, number above
            let values = [ 0 .. n - 1 ]

            let crossings =
                match group with
                // Of SO(n) the crossing strands have no part in the sign, and any values.
                | Group.Rotations _ -> List.init (pown n key.Crossing) (fun index -> index, [])
                | _ ->
                    Antisymmetry.arrangements key.Crossing values
                    |> List.map (fun word -> Antisymmetry.place n word, word)

            [|
                for index, word in crossings do
                    for under in Antisymmetry.subsets n below do
                        if not (List.exists (fun value -> List.contains value word) under) then
                            let left = values |> List.except (word @ under)

                            for over in choices above left do
                                let missing = left |> List.except over

                                {
                                    Row = index * aboveNumber.Count + aboveNumber[over]
                                    Column = index * belowNumber.Count + belowNumber[under]
                                    IsOdd = Antisymmetry.isOdd (word @ over @ under @ missing)
                                }
            |]

    /// The diagram of a contraction and a placement of one factor, whose rows start at the given axes.
    let private diagram (bottom: RowPart, firstBottom: int, k: int) (top: RowPart, firstTop: int, l: int) : Diagram =
        let below (strand: Strand) =
            strand.Axes |> Array.map (fun axis -> axis - firstBottom + l)

        let above (strand: Strand) =
            strand.Axes |> Array.map (fun axis -> axis - firstTop)

        Array.concat
            [
                Array.map2 (fun t b -> Array.append (above t) (below b)) top.Crossing bottom.Crossing
                Array.concat [ top.Closed; top.Forms; top.Heads ] |> Array.map above
                Array.concat [ bottom.Closed; bottom.Forms; bottom.Heads ] |> Array.map below
            ]
        |> Diagram.ofBlocks k l

    /// A spanning map by its place in the list, and whether the pair stands for minus it.
    [<Struct>]
    type Pair = { Index: int; IsOdd: bool }

    /// <summary>The spanning map that a contraction and a placement of one factor make, if there is one.</summary>
    /// <param name="group">The factor.</param>
    /// <param name="k">Its axes in the bottom row.</param>
    /// <param name="l">Its axes in the top row.</param>
    let pairing (group: Group) (k: int) (l: int) =
        let places = Dictionary<struct (bool * Diagram), int>()

        Spanning.within SetPartition.limit group k l
        |> Array.iteri (fun i map ->
            match map with
            | Plain d
            | Form d -> places[struct (false, d)] <- i
            | Head d -> places[struct (true, d)] <- i)

        fun (key: CrossingKey) (bottom: RowPart, firstBottom: int) (top: RowPart, firstTop: int) ->
            let d = diagram (bottom, firstBottom, k) (top, firstTop, l)

            match places.TryGetValue(struct (key.Head.IsSome, d)) with
            | false, _ -> ValueNone
            | true, index ->
                // J takes the values of blocks by their least vertex; between the rows they stand crossing strands first.
                let isOdd =
                    match group with
                    | Group.EvenPermutations _ when key.Head.IsSome ->
                        [
                            for strand in top.Crossing -> d.BlockOf(strand.Axes[0] - firstTop)
                            for strand in top.Heads -> d.BlockOf(strand.Axes[0] - firstTop)
                            for strand in bottom.Heads -> d.BlockOf(strand.Axes[0] - firstBottom + l)
                        ]
                        |> Antisymmetry.isOdd
                    | _ -> false

                ValueSome { Index = index; IsOdd = isOdd }
