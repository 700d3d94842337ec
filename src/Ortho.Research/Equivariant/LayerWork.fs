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

    /// The sum of both.
    static member (+)(a: LayerWork, b: LayerWork) =
        Guard.notNull "a" a
        Guard.notNull "b" b

        {
            Calls = a.Calls + b.Calls
            Moved = a.Moved + b.Moved
            Products = a.Products + b.Products
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
    let private contract (scale: float) (row: RowPlan) =
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

    /// Expansions: each part is added to its node, each node to its source, and the rows to the output.
    let private expand (scale: float) (row: RowPlan) =
        let whole = size row.Sizes

        // A part whose strands change places is read across its memory.
        let isOrdered (struct (_, order: int[])) = order = Array.sort order

        let parts =
            (none, row.Parts, row.Places)
            |||> Array.fold2 (fun work part place ->
                let moves = if isOrdered place then 3.0 else 5.0
                work + heads scale part + calls 1 (moves * scale * partSize part))

        let nodes =
            (none, row.Nodes)
            ||> Array.fold (fun work node ->
                work
                + if node.Source >= 0 then
                      calls 1 (2.0 * scale * nodeSize row.Nodes[node.Source])
                  else
                      calls (pown 2 node.Forms.Length) (3.0 * scale * min whole (nodeSize node)))

        parts + nodes + calls 1 (scale * whole)

    /// <summary>The work of a layer through its diagrams.</summary>
    /// <param name="plan">Its plan.</param>
    /// <param name="weights">How many weights the plan has.</param>
    /// <param name="batch">Number of elements.</param>
    let ofPlan (plan: LayerPlan) (weights: int64) (batch: float) : LayerWork =
        let side (work: float -> RowPlan -> LayerWork) (side: LayerSide) =
            side.Rows
            |> Array.mapi (fun term row ->
                match row with
                | ValueSome row -> work (batch * float (side.Channels term)) row
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
        |> (+) (calls 2 (float weights * 2.0))

    /// <summary>The work of a layer as a dense matrix, made anew.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="blocks">Maps and channels of each pair of summands.</param>
    /// <param name="batch">Number of elements.</param>
    let ofDense (layer: DenseLayer) (blocks: (struct (int * int * int))[,]) (batch: float) : LayerWork =
        let mutable work = calls 2 0.0

        blocks
        |> Array2D.iteri (fun i j (struct (maps, c, d)) ->
            let entries = float layer.InputSizes[i] * float layer.OutputSizes[j] * float (c * d)

            let isOrbits =
                match layer.Blocks[i, j] with
                | ValueSome(Orbits _) -> true
                | _ -> false

            if maps > 0 then
                work <-
                    work
                    + {
                          Calls = 3
                          Moved = 1.5 * entries
                          Products = (if isOrbits then 0.0 else float maps * entries) + batch * entries
                      })

        work
