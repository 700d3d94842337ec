namespace Ortho

open System

/// <summary>What a layer does for a batch, counted without running it, forward only.</summary>
type LayerWork =
    {
        /// Operations on tensors.
        Calls: int
        /// Numbers read and written, but for those of products.
        Moved: float
        /// Multiplications with addition.
        Products: float
    }

    /// <summary>The work in units of one number moved (about 0.3 ns): a call costs 9,000 of them, a product 0.08.</summary>
    /// <remarks>Fitted to times of layers of 1 to 10^6 numbers in float32 on one core; only which of two forms is cheaper is read from it.</remarks>
    member work.Cost = 9000.0 * float work.Calls + work.Moved + 0.08 * work.Products

    /// The cost with a backward pass of the factored form, whose calls back are its own; and of the dense form, whose every step autograd records.
    member internal work.CostWithSlopes(isDense: bool) =
        let calls = float work.Calls

        work.Cost
        + (if isDense then
               33000.0 * calls
           else
               200000.0 + 13000.0 * calls)

    /// The sum of both.
    static member (+)(a: LayerWork, b: LayerWork) =
        Guard.notNull "a" a
        Guard.notNull "b" b

        {
            Calls = a.Calls + b.Calls
            Moved = a.Moved + b.Moved
            Products = a.Products + b.Products
        }

/// What a dense layer makes and applies, for one pair of summands.
[<NoComparison>]
type internal DenseSize =
    {
        Maps: int
        /// Input channels times output channels.
        Channels: float
        /// Of the matrix of one map.
        Entries: float
        /// Entries of all maps that are not 0.
        Nonzeros: float
    }

/// Counts the work of the forms of a layer.
[<RequireQualifiedAccess>]
module internal LayerWork =

    let private none =
        {
            Calls = 0
            Moved = 0.0
            Products = 0.0
        }

    let private calls (count: int) (moved: float) =
        {
            Calls = count
            Moved = moved
            Products = 0.0
        }

    let private size (sizes: seq<int64>) =
        Seq.fold (fun product (n: int64) -> product * float n) 1.0 sizes

    let private sizeOf (strands: Strand[]) = size (strands |> Seq.map _.Size)

    let private nodeSize (node: RowNode) = sizeOf node.Open * sizeOf node.Heads

    let private partSize (part: RowPart) =
        part.Segments
        |> Seq.map (fun segment ->
            sizeOf segment.Crossing
            * match segment.Head with
              | ValueSome(_, antisymmetry) -> float antisymmetry.Fold.Rows
              | ValueNone -> 1.0)
        |> Seq.fold (*) 1.0

    /// Folding or unfolding the heads of a part: a gather of signs each.
    let private heads (scale: float) (part: RowPart) =
        (none, part.Segments)
        ||> Array.fold (fun work segment ->
            match segment.Head with
            | ValueSome(strands, antisymmetry) when antisymmetry.Order > 1 ->
                work + calls 4 (3.0 * scale * sizeOf part.Crossing * sizeOf strands)
            | _ -> work)

    /// Contractions, for so many elements of channels and batch.
    let private contract (_: int64) (scale: float) (row: RowPlan) =
        let node (node: RowNode) =
            let forms =
                node.Forms |> Seq.fold (fun product form -> product * float form.Size / 2.0) 1.0

            if node.Source >= 0 then
                calls 1 (scale * (nodeSize row.Nodes[node.Source] + nodeSize node))
            elif node.Forms.Length > 0 then
                let choices = pown 2 node.Forms.Length
                calls (3 * choices) (float choices * scale * (nodeSize node * (forms + 2.0)))
            else
                none

        Array.fold (fun work n -> work + node n) none row.Nodes
        |> fun work -> Array.fold (fun work part -> work + heads scale part) work row.Parts

    /// Expansions: the terms of each node are added, each sum to its source's, and what does not reach the whole row to the output.
    let private expand (channels: int64) (scale: float) (row: RowPlan) =
        let whole = scale * size row.Sizes
        let isOrdered (struct (_, order: int[])) = order = Array.sort order

        let terms =
            row.Nodes
            |> Array.mapi (fun i _ ->
                let parts = row.Places |> Array.filter (fun (struct (node, _)) -> node = i)

                let sums = row.Nodes |> Array.filter (fun node -> node.Source = i)
                struct (parts.Length + sums.Length, parts |> Array.filter (isOrdered >> not) |> Array.length))

        let node (work: LayerWork) (i: int) =
            let node, size = row.Nodes[i], scale * nodeSize row.Nodes[i]
            let struct (count, reordered) = terms[i]

            let sum =
                // One pass for all terms that reach the whole row, where the kernel fits.
                if channels >= 4L && RowPlan.isWhole node then
                    calls count (float (1 + count) * size)
                else
                    // One pass for each term but the first, dearer where strands change places.
                    calls (count - 1) (float (3 * (count - 1) + 2 * reordered) * size)

            let placed =
                if node.Source >= 0 || RowPlan.isWhole node then
                    none
                else
                    calls (pown 2 node.Forms.Length) (3.0 * min whole size)

            work + sum + placed

        let output =
            let isBase (node: RowNode) = node.Source < 0

            if
                row.Nodes
                |> Array.exists (fun node -> isBase node && not (RowPlan.isWhole node))
            then
                calls 1 whole
            else
                none

        // The views of a part cost about one call.
        (none, row.Parts)
        ||> Array.fold (fun work part -> work + heads scale part + calls 1 0.0)
        |> fun work -> Array.fold node (work + output) [| 0 .. row.Nodes.Length - 1 |]

    /// <summary>The work of a layer through its diagrams.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="weights">How many weights the plan has.</param>
    /// <param name="batch">Number of elements.</param>
    let ofPlan (plan: LayerPlan) (weights: int64) (batch: float) : LayerWork =
        let side (work: int64 -> float -> RowPlan -> LayerWork) (side: LayerSide) =
            side.Rows
            |> Array.mapi (fun term row ->
                match row with
                | ValueSome row -> work (side.Channels term) (batch * float (side.Channels term)) row
                | ValueNone -> none)
            |> Array.fold (+) none

        let group (index: int) =
            let slots = plan.Input.Slots[index]
            let struct (term, part) = slots[0]

            let positions =
                batch
                * match plan.Input.Rows[term] with
                  | ValueSome row -> partSize row.Parts[part]
                  | ValueNone -> 1.0

            let rows, columns = float (plan.Input.Width index), float (plan.Output.Width index)

            {
                Calls = 1 + (if slots.Length > 1 then 1 else 0) + 3 * plan.Heads[index].Length
                Moved =
                    (if slots.Length > 1 then 2.0 * positions * rows else 0.0)
                    + 3.0 * float plan.Heads[index].Length * positions * rows
                    + positions * columns
                Products = positions * rows * columns
            }

        Array.init plan.Heads.Length group
        |> Array.fold (+) none
        |> (+) (side contract plan.Input)
        |> (+) (side expand plan.Output)
        |> (+) (calls 4 (float weights * 2.0))

    /// <summary>The work of a layer as a dense matrix, made anew.</summary>
    /// <param name="blocks">For each pair of summands: maps, channels, entries of one map, and those of all maps that are not 0.</param>
    /// <param name="withSlopes">Whether slopes in the weights will be asked for, which cost much where nonzeros are summed.</param>
    /// <param name="batch">Number of elements.</param>
    let ofDense (blocks: DenseSize seq) (withSlopes: bool) (batch: float) : LayerWork =
        (calls 2 0.0, blocks)
        ||> Seq.fold (fun work block ->
            let entries = block.Entries * block.Channels

            let making =
                if float block.Maps * block.Entries <= DenseLayer.fewEntries then
                    {
                        Calls = 3
                        Moved = 1.5 * entries
                        Products = float block.Maps * entries
                    }
                else
                    // Sums at places in memory: dearer than plain moves, and for slopes much dearer.
                    let each = if withSlopes then 250.0 else 12.0
                    calls 5 (3.0 * entries + (each + block.Channels) * block.Nonzeros)

            work
            + making
            + {
                  Calls = 0
                  Moved = 0.0
                  Products = batch * entries
              })
