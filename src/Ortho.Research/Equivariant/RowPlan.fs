namespace Ortho

open System
open TorchSharp

/// Axes of a row that carry one value, and their size.
[<NoComparison>]
type internal Strand = { Size: int64; Axes: int[] }

/// The strands of one factor of the group that cross to the other row: one by one, and those that go antisymmetrised to a head.
[<NoEquality; NoComparison>]
type internal Segment =
    {
        Crossing: Strand[]
        Head: (struct (Strand[] * Antisymmetry)) voption
    }

    /// The axes that it has between the rows.
    member this.AxisCount = this.Crossing.Length + (if this.Head.IsSome then 1 else 0)

/// <summary>How one row of a diagram is read, which is how it is written backwards.</summary>
/// <remarks>Between the rows stand, for each segment, the axes of its crossing strands and one of size C(n, f) for a head of f strands.</remarks>
[<NoEquality; NoComparison>]
type internal RowPart =
    {
        Segments: Segment[]
        /// Summed over their value.
        Closed: Strand[]
        /// Pairs of axes joined by the symplectic form, left axis first.
        Forms: Strand[]
    }

    member this.Crossing = this.Segments |> Array.collect _.Crossing

    member this.Heads =
        this.Segments
        |> Array.collect (fun segment ->
            match segment.Head with
            | ValueSome(strands, _) -> strands
            | ValueNone -> [||])

/// A tensor on the way from a row to its parts: the row itself, or what another node gives when some of its open strands are summed.
[<NoEquality; NoComparison>]
type internal RowNode =
    {
        Source: int
        /// Which open strands of the source are summed.
        Summed: int[]
        /// All strands but those of heads and forms: what tells rows that are cut differently apart.
        Strands: Strand[]
        Open: Strand[]
        Heads: Strand[]
        Forms: Strand[]
    }

/// <summary>All parts of one row together: what parts share is computed once.</summary>
[<NoEquality; NoComparison>]
type internal RowPlan =
    {
        /// Sizes of the axes of the row.
        Sizes: int64[]
        Nodes: RowNode[]
        Parts: RowPart[]
        /// For each part its node, and the open strands of the node in the order of the part's crossing ones.
        Places: (struct (int * int[]))[]
    }

/// <summary>Contractions of a row to parts, and their transpose: the expansion of parts to a row.</summary>
/// <remarks>
/// Tensors are [*batch; axes of the row; channels]. All diagonals come first, by strided views; then sums, each from the smallest
/// tensor that has been made. The expansion goes the same way back: sums are joined while they are small.
/// Source: Pearce-Crump 2304.14165, with the work shared by the diagrams of a layer.
/// </remarks>
[<RequireQualifiedAccess>]
module internal RowPlan =

    /// Whether a node sees the row as it is: every axis a strand of its own.
    let isWhole (node: RowNode) =
        node.Forms.Length = 0
        && Array.append node.Open node.Heads
           |> Array.forall (fun strand -> strand.Axes.Length = 1)

    /// The plan of some parts of a row with axes of the given sizes.
    let make (sizes: int64[]) (parts: RowPart[]) : RowPlan =
        let nodes = ResizeArray<RowNode>()
        let byAxis (strands: Strand[]) = strands |> Array.sortBy _.Axes[0]

        let find (node: RowNode) =
            nodes
            |> Seq.tryFindIndex (fun other ->
                other.Strands = node.Strands
                && other.Open = node.Open
                && other.Heads = node.Heads
                && other.Forms = node.Forms)

        let add (node: RowNode) =
            nodes.Add node
            nodes.Count - 1

        let rowOf (part: RowPart) =
            let strands = byAxis (Array.append part.Crossing part.Closed)

            {
                Source = -1
                Summed = [||]
                Strands = strands
                Open = strands
                Heads = part.Heads
                Forms = part.Forms
            }

        /// A node of the same row with fewer sums, the smallest there is.
        let source (row: RowNode) (wanted: Strand[]) =
            let isPossible (other: RowNode) =
                other.Strands = row.Strands
                && other.Heads = row.Heads
                && other.Forms = row.Forms
                && wanted |> Array.forall (fun strand -> Array.contains strand other.Open)

            let rowIndex = find row |> Option.defaultWith (fun () -> add row)

            Seq.indexed nodes
            |> Seq.filter (snd >> isPossible)
            |> Seq.minBy (fun (_, other) -> other.Open.Length)
            |> fst
            |> fun best ->
                if nodes[best].Open.Length < row.Open.Length then
                    best
                else
                    rowIndex

        let nodeOf (part: RowPart) =
            let row = rowOf part
            let wanted = { row with Open = byAxis part.Crossing }

            match find wanted with
            | Some index -> index
            | None when part.Closed.Length = 0 -> add row
            | None ->
                let from = source row wanted.Open
                let available = nodes[from].Open

                add
                    { wanted with
                        Source = from
                        Summed =
                            [|
                                for i in 0 .. available.Length - 1 do
                                    if not (Array.contains available[i] wanted.Open) then
                                        i
                            |]
                    }

        let places = Array.zeroCreate<struct (int * int[])> parts.Length

        // Fewer sums first, so that more can start from them.
        for index in Seq.sortBy (fun i -> parts[i].Closed.Length) [ 0 .. parts.Length - 1 ] do
            let part = parts[index]
            let node = nodeOf part

            places[index] <-
                struct (node,
                        part.Crossing
                        |> Array.map (fun strand -> Array.IndexOf(nodes[node].Open, strand)))

        {
            Sizes = sizes
            Nodes = nodes.ToArray()
            Parts = parts
            Places = places
        }

    /// The choices of one of two signs for each form: bits, and whether the product of the signs is plus.
    let private choices (forms: Strand[]) =
        [|
            for number in 0 .. pown 2 forms.Length - 1 ->
                let bits = Array.init forms.Length (fun i -> int64 (number >>> i &&& 1))
                struct (bits, Array.sum bits % 2L = 0L)
        |]

    /// The view of x with an axis for each open strand, each strand of a head and, of half the size, each form at the given signs.
    let private view (batch: int) (node: RowNode) (bits: int64[]) (x: torch.Tensor) =
        let whole = Array.append node.Open node.Heads

        StridedView.along
            batch
            1
            [|
                for strand in whole -> strand.Size
                for form in node.Forms -> form.Size / 2L
            |]
            [|
                for strand in whole -> [| for axis in strand.Axes -> struct (axis, 0L, 1L) |]
                for form, bit in Array.zip node.Forms bits ->
                    [| struct (form.Axes[0], bit, 2L); struct (form.Axes[1], 1L - bit, 2L) |]
            |]
            x

    let private sumOver (axes: int64[]) (x: torch.Tensor) =
        x.sum (axes, keepdim = false, ``type`` = Nullable x.dtype)

    /// The row as a node sees it that sums nothing: open strands, strands of heads, channels.
    let private read (batch: int) (node: RowNode) (x: torch.Tensor) =
        let first = batch + node.Open.Length + node.Heads.Length
        let forms = Array.init node.Forms.Length (fun i -> int64 (first + i))

        choices node.Forms
        |> Array.map (fun struct (bits, isPlus) ->
            let seen = view batch node bits x

            if forms.Length = 0 then
                seen
            else
                let total = sumOver forms seen
                if isPlus then total else total.neg ())
        |> Array.reduce (.+)

    /// Moves the axes after the batch into an order.
    let private permuted (batch: int) (order: int[]) (x: torch.Tensor) =
        if order |> Array.indexed |> Array.forall (fun (i, j) -> i = j) then
            x
        else
            x.permute
                [|
                    yield! Array.init batch int64
                    for axis in order -> int64 (batch + axis)
                    for axis in batch + order.Length .. int x.ndim - 1 -> int64 axis
                |]

    /// From the axes of a node (open, then heads) to those of the part (by segment, heads as single strands): an order.
    let private segmentOrder (part: RowPart) (order: int[]) =
        let mutable crossing, head = 0, order.Length

        [|
            for segment in part.Segments do
                for _ in segment.Crossing do
                    yield order[crossing]
                    crossing <- crossing + 1

                match segment.Head with
                | ValueSome(strands, _) ->
                    for _ in strands do
                        yield head
                        head <- head + 1
                | ValueNone -> ()
        |]

    let private inverse (order: int[]) =
        let back = Array.zeroCreate order.Length
        order |> Array.iteri (fun i axis -> back[axis] <- i)
        back

    /// The heads of a part, each with its first axis: what folding starts at.
    let private heads (batch: int) (part: RowPart) =
        let mutable axis = batch

        [|
            for segment in part.Segments do
                axis <- axis + segment.Crossing.Length

                match segment.Head with
                | ValueSome(_, antisymmetry) ->
                    yield struct (axis, antisymmetry)
                    axis <- axis + 1
                | ValueNone -> ()
        |]

    /// <summary>All parts of a row.</summary>
    /// <param name="plan">The parts.</param>
    /// <param name="x">[*batch; axes of the row; channels].</param>
    /// <returns>For each part [*batch; its axes between the rows; channels]; views of x or of one another, or fresh.</returns>
    let contract (plan: RowPlan) (x: torch.Tensor) : torch.Tensor[] =
        let batch = int x.ndim - plan.Sizes.Length - 1
        let tensors = Array.zeroCreate<torch.Tensor> plan.Nodes.Length

        plan.Nodes
        |> Array.iteri (fun i node ->
            tensors[i] <-
                if node.Source < 0 then
                    read batch node x
                else
                    sumOver (node.Summed |> Array.map (fun axis -> int64 (batch + axis))) tensors[node.Source])

        Array.map2
            (fun (part: RowPart) (struct (node, order)) ->
                (permuted batch (segmentOrder part order) tensors[node], heads batch part)
                ||> Array.fold (fun x (struct (axis, antisymmetry)) -> Antisymmetry.fold axis antisymmetry x))
            plan.Parts
            plan.Places

    /// The sum of terms, and whether nobody else reads its memory. A term may have axes of size 1 for those along which it is constant.
    let private total (terms: seq<struct (torch.Tensor * bool)>) : struct (torch.Tensor * bool) =
        let holds (x: torch.Tensor) (y: torch.Tensor) =
            Array.forall2 (fun (a: int64) b -> a >= b) x.shape y.shape

        terms
        |> Seq.reduce (fun (struct (sum, sumIsOwned)) (struct (term, termIsOwned)) ->
            if sumIsOwned && holds sum term then
                addInPlace sum term
                struct (sum, true)
            elif termIsOwned && holds term sum then
                addInPlace term sum
                struct (term, true)
            else
                struct (sum .+ term, true))

    /// <summary>The transpose of `contract`: the sum of the parts' expansions.</summary>
    /// <param name="plan">The parts.</param>
    /// <param name="pieces">For each part [*batch; its axes between the rows; channels].</param>
    /// <returns>[*batch; axes of the row; channels], fresh or a view of a piece.</returns>
    let expand (plan: RowPlan) (pieces: torch.Tensor[]) : torch.Tensor =
        let terms =
            plan.Nodes |> Array.map (fun _ -> ResizeArray<struct (torch.Tensor * bool)>())

        let first = pieces[0]
        let batch = int first.ndim - 1 - (plan.Parts[0].Segments |> Array.sumBy _.AxisCount)

        for i in 0 .. plan.Parts.Length - 1 do
            let part = plan.Parts[i]
            let struct (node, order) = plan.Places[i]

            (pieces[i], Array.rev (heads batch part))
            ||> Array.fold (fun z (struct (axis, antisymmetry)) -> Antisymmetry.unfold axis antisymmetry z)
            |> permuted batch (inverse (segmentOrder part order))
            |> fun z -> terms[node].Add(struct (z, false))

        let spread (node: RowNode) (z: torch.Tensor) =
            (z, node.Summed)
            ||> Array.fold (fun z axis -> z.unsqueeze (int64 (batch + axis)))

        // A sum is broadcast only when it is added to a greater one; sources stand before what is made from them.
        for i in plan.Nodes.Length - 1 .. -1 .. 0 do
            let node = plan.Nodes[i]

            if node.Source >= 0 && terms[i].Count > 0 then
                let struct (sum, isOwned) = total terms[i]
                terms[node.Source].Add(struct (spread node sum, isOwned))

        let shape =
            [|
                for axis in 0 .. batch - 1 -> first.size axis
                yield! plan.Sizes
                yield first.size (int first.ndim - 1)
            |]

        let rows =
            [|
                for i in 0 .. plan.Nodes.Length - 1 do
                    if plan.Nodes[i].Source < 0 && terms[i].Count > 0 then
                        struct (plan.Nodes[i], terms[i])
            |]

        /// A term over whole axes, in the order of the row's.
        let inRow (node: RowNode) (struct (z: torch.Tensor, isOwned: bool)) =
            let order = Array.append node.Open node.Heads |> Array.map _.Axes[0] |> inverse
            struct (permuted batch order z, isOwned)

        let whole =
            [|
                for struct (node, terms) in rows do
                    if isWhole node then
                        for term in terms -> inRow node term
            |]

        let struct (sum, isOwned) =
            match whole with
            | [||] -> struct (null, false)
            | [| single |] -> single
            | several ->
                let tensors = several |> Array.map (fun struct (z, _) -> z)

                if RowSum.fits shape tensors then
                    struct (RowSum.ofTerms shape tensors, true)
                else
                    total several

        let others = rows |> Array.filter (fun (struct (node, _)) -> not (isWhole node))

        if others.Length = 0 then
            sum.expand shape
        else
            // Written into below: every entry needs memory of its own.
            let y =
                if isNull sum then first.new_zeros shape
                elif isOwned && sum.shape = shape then sum
                else sum.expand(shape).clone()

            for struct (node, terms) in others do
                let struct (z, _) = total terms

                let placed =
                    (z, node.Forms)
                    ||> Array.fold (fun z _ -> z.unsqueeze (int64 (batch + node.Open.Length + node.Heads.Length)))

                for struct (bits, isPlus) in choices node.Forms do
                    addInPlace (view batch node bits y) (if isPlus then placed else placed.neg ())

            y
