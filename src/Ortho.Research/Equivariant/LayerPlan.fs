namespace Ortho

open System
open TorchSharp

/// <summary>One side of a layer: its summands, how each is cut into parts, and which parts meet the other side in each group.</summary>
[<NoEquality; NoComparison>]
type internal LayerSide =
    {
        Features: Features
        /// The axes of each summand, without channels.
        Axes: int64[][]
        Rows: RowPlan voption[]
        /// For each group the summand and the number of the part, in the order of the channels.
        Slots: (struct (int * int))[][]
        /// The last summand is no part of the vector but a constant, 1 or 0: what a bias is multiplied by.
        Constant: float voption
    }

    member this.Count = this.Axes.Length

    member this.Channels(term: int) =
        if term < this.Features.Count then
            this.Features.ChannelsOf term
        else
            1L

    member this.Width(group: int) =
        this.Slots[group] |> Array.sumBy (fun (struct (term, _)) -> this.Channels term)

/// What stands between the rows of one group, for a factor with a head: a matrix of signs on some axes, and its transpose.
[<NoEquality; NoComparison>]
type internal LayerHead =
    {
        FirstAxis: int
        AxisCount: int
        Forward: SignedGather
        Backward: SignedGather
        /// Sizes of the axes after it and before it.
        SizesForward: int64[]
        SizesBackward: int64[]
    }

    member this.Adjoint =
        {
            FirstAxis = this.FirstAxis
            AxisCount = this.AxisCount
            Forward = this.Backward
            Backward = this.Forward
            SizesForward = this.SizesBackward
            SizesBackward = this.SizesForward
        }

/// <summary>What a layer needs to know about its diagrams, once for all weights.</summary>
/// <remarks>The weights of all groups stand in one vector: for each group a matrix, row-major, from the channels of its contractions to those
/// of its placements.</remarks>
[<NoEquality; NoComparison>]
type internal LayerPlan =
    {
        Input: LayerSide
        Output: LayerSide
        /// For each group its heads, and where its matrix starts.
        Heads: LayerHead[][]
        Starts: int64[]
        /// Whether matrices are read transposed: the plan of the adjoint.
        IsAdjoint: bool
    }

    /// The adjoint of the linear part. A constant is no part of the vector, and no input of the adjoint's adjoint.
    member this.Adjoint =
        let still (side: LayerSide) =
            { side with
                Constant = side.Constant |> ValueOption.map (fun _ -> 0.0)
            }

        {
            Input = still this.Output
            Output = still this.Input
            Heads = this.Heads |> Array.map (Array.map _.Adjoint)
            Starts = this.Starts
            IsAdjoint = not this.IsAdjoint
        }

/// The steps of a layer: contractions, one matrix product for each group, placements.
[<RequireQualifiedAccess>]
module internal LayerPlan =

    /// The summands of x, [*batch; axes; channels] each, the constant last.
    let private terms (side: LayerSide) (x: torch.Tensor) : torch.Tensor[] =
        let count = side.Features.Count

        if count = 1 && side.Constant.IsNone then
            [| x |]
        else
            let batch =
                if count = 1 then
                    int x.ndim - side.Axes[0].Length - 1
                else
                    int x.ndim - 1

            let shape = x.shape[.. batch - 1]
            let mutable start = 0L

            [|
                if count = 1 then
                    x
                else
                    for term in 0 .. count - 1 do
                        let size = Array.fold (*) (side.Channels term) side.Axes[term]
                        let part = x.narrow (x.ndim - 1L, start, size)
                        start <- start + size
                        part.reshape (Array.concat [ shape; side.Axes[term]; [| side.Channels term |] ])

                match side.Constant with
                | ValueSome number ->
                    let constant = if number = 0.0 then x.new_zeros 1L else x.new_ones 1L
                    constant.expand (Array.append shape [| 1L |])
                | ValueNone -> ()
            |]

    /// For each group the contractions of a side, side by side in the channels.
    let private gather (side: LayerSide) (x: torch.Tensor) : torch.Tensor[] =
        let pieces =
            (side.Rows, terms side x)
            ||> Array.map2 (fun row x ->
                match row with
                | ValueSome row -> RowPlan.contract row x
                | ValueNone -> [||])

        side.Slots
        |> Array.map (fun slots ->
            match slots |> Array.map (fun struct (term, part) -> pieces[term][part]) with
            | [| single |] -> single
            | several -> torch.cat (several, -1L))

    /// The sum of what is placed, as the side's vector. `like` tells the batch, the type and the device.
    let private scatter (side: LayerSide) (batch: int64[]) (like: torch.Tensor) (groups: torch.Tensor[]) =
        let pieces =
            side.Rows
            |> Array.map (fun row ->
                match row with
                | ValueSome row -> Array.zeroCreate<torch.Tensor> row.Parts.Length
                | ValueNone -> [||])

        side.Slots
        |> Array.iteri (fun group slots ->
            let mutable start = 0L
            let all = groups[group]

            for struct (term, part) in slots do
                let width = side.Channels term

                pieces[term][part] <-
                    if slots.Length = 1 then
                        all
                    else
                        all.narrow (all.ndim - 1L, start, width)

                start <- start + width)

        Array.init side.Features.Count (fun term ->
            match side.Rows[term] with
            | ValueSome row -> RowPlan.expand row pieces[term]
            | ValueNone -> like.new_zeros (Array.concat [ batch; side.Axes[term]; [| side.Channels term |] ]))
        |> Features.join side.Features

    let private batchOf (side: LayerSide) (x: torch.Tensor) =
        let rank =
            if side.Features.Count = 1 then
                side.Axes[0].Length + 1
            else
                1

        x.shape[.. int x.ndim - rank - 1]

    let private cross (heads: LayerHead[]) (batch: int) (z: torch.Tensor) =
        (z, heads)
        ||> Array.fold (fun z head ->
            let first = batch + head.FirstAxis
            let shape = z.shape

            let recut (middle: int64[]) =
                Array.concat [ shape[.. first - 1]; middle; shape[first + head.AxisCount ..] ]

            let size = Array.fold (*) 1L shape[first .. first + head.AxisCount - 1]

            (z.reshape (recut [| size |]) |> SignedGather.apply first head.Forward).reshape(recut head.SizesForward))

    let private matrix (plan: LayerPlan) (weights: torch.Tensor) (group: int) =
        let rows, columns = plan.Input.Width group, plan.Output.Width group
        let block = weights.narrow (0L, plan.Starts[group], rows * columns)

        if plan.IsAdjoint then
            block.reshape([| columns; rows |]).t()
        else
            block.reshape [| rows; columns |]

    /// The layer: the input's vector, [*batch; ...], to the output's.
    let run (plan: LayerPlan) (x: torch.Tensor) (weights: torch.Tensor) : torch.Tensor =
        let batch = batchOf plan.Input x

        gather plan.Input x
        |> Array.mapi (fun group z -> (cross plan.Heads[group] batch.Length z).matmul(matrix plan weights group))
        |> scatter plan.Output batch x

    /// A slope v in the output, contracted as its placements' transposes do: what both slopes below start from.
    let contractSlope (plan: LayerPlan) (v: torch.Tensor) : torch.Tensor[] = gather plan.Output v

    /// <summary>The slope of Re sum(conj(v) run (x, w)) in x: the layer of the adjoint plan.</summary>
    let slopeInInput
        (plan: LayerPlan)
        (weights: torch.Tensor)
        (v: torch.Tensor)
        (placed: torch.Tensor[])
        : torch.Tensor =
        let back = plan.Adjoint
        let batch = batchOf back.Input v

        let conjugate = if weights.is_complex () then weights.conj () else weights

        placed
        |> Array.mapi (fun group u -> (cross back.Heads[group] batch.Length u).matmul(matrix back conjugate group))
        |> scatter back.Output batch v

    /// <summary>The slope of the same in w: for each group the sum over all positions of conj(z) u, z what x is contracted to and u what v is.</summary>
    let slopeInWeights (plan: LayerPlan) (x: torch.Tensor) (placed: torch.Tensor[]) : torch.Tensor =
        let batch = (batchOf plan.Input x).Length

        let flat (x: torch.Tensor) =
            x.reshape (x.numel () / x.size (int x.ndim - 1), x.size (int x.ndim - 1))

        let part (group: int) (z: torch.Tensor) =
            let z = flat (cross plan.Heads[group] batch z)
            let z = if z.is_complex () then z.conj () else z
            let u = flat placed[group]
            let slope = if plan.IsAdjoint then u.t().matmul z else z.t().matmul u
            slope.reshape -1L

        match gather plan.Input x |> Array.mapi part with
        | [||] -> x.new_zeros [| 0L |]
        | parts -> torch.cat (parts, 0L)
