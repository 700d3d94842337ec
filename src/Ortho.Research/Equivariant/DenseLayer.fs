namespace Ortho

open System
open TorchSharp

/// The spanning maps of one pair of summands, so that weights make a matrix of them.
[<NoEquality; NoComparison>]
type internal DenseBlock =
    /// Every entry (I, J) belongs to one map: its number, for I and J row-major.
    | Orbits of torch.Tensor
    /// The entries of all maps: [entries; maps].
    | Entries of Table

/// <summary>A layer as one dense matrix, made from the weights at each use: for groups without diagrams, and where everything is small.</summary>
[<NoEquality; NoComparison>]
type internal DenseLayer =
    {
        Input: Features
        Output: Features
        /// Number of entries of each summand without channels; of the input a constant may be the last.
        InputSizes: int64[]
        OutputSizes: int64[]
        /// The shapes of one element of either side.
        InputShape: int64[]
        OutputShape: int64[]
        HasConstant: bool
        Blocks: DenseBlock voption[,]
    }

[<RequireQualifiedAccess>]
module internal DenseLayer =

    /// The most entries of maps that a layer keeps.
    [<Literal>]
    let limit = 16_777_216L

    /// The maps of a permutation group by the orbits of its tuples.
    let orbits (group: PermutationGroup) (k: int) (l: int) : DenseBlock =
        let numbers = group.OrbitsOfTuples(k + l)
        Orbits(torch.tensor numbers)

    /// The maps of a product of groups, one after the other those of the last factor fastest.
    let entries (maps: LinearMap[]) : DenseBlock =
        use scope = torch.NewDisposeScope()
        let columns = maps |> Array.map (fun map -> (LinearMap.toMatrix map).reshape -1L)
        let table = Table(torch.stack(columns, 1).contiguous())

        for tensor in table.Tensors do
            scope.MoveToOuter tensor |> ignore

        Entries table

    /// The tensors that a layer holds.
    let tensors (layer: DenseLayer) : torch.Tensor[] =
        [|
            for block in Seq.cast<DenseBlock voption> layer.Blocks do
                match block with
                | ValueSome(Orbits numbers) -> yield numbers
                | ValueSome(Entries table) -> yield! table.Tensors
                | ValueNone -> ()
        |]

    /// The matrix [N_in c; N_out d] of the weights [D; c; d].
    let private matrix (block: DenseBlock) (inputs: int64) (outputs: int64) (weight: torch.Tensor) =
        let c, d = weight.size 1, weight.size 2

        let spread =
            match block with
            | Orbits numbers -> weight.index_select (0L, numbers.``to`` weight.device)
            | Entries table -> (table.Like weight).``to``(weight.dtype).matmul(weight.reshape (weight.size 0, c * d))

        spread.reshape(outputs, inputs, c, d).permute(1L, 2L, 0L, 3L).reshape(inputs * c, outputs * d)

    let private row (layer: DenseLayer) (weights: torch.Tensor[,]) (like: torch.Tensor) (i: int) =
        let channels =
            if i < layer.Input.Count then
                layer.Input.ChannelsOf i
            else
                1L

        let blocks =
            Array.init layer.Output.Count (fun j ->
                match layer.Blocks[i, j] with
                | ValueSome block -> matrix block layer.InputSizes[i] layer.OutputSizes[j] weights[i, j]
                | ValueNone ->
                    like.new_zeros (layer.InputSizes[i] * channels, layer.OutputSizes[j] * layer.Output.ChannelsOf j))

        if blocks.Length = 1 then
            blocks[0]
        else
            torch.cat (blocks, 1L)

    /// The matrix from the input's vector to the output's, for products from the right.
    let private whole (layer: DenseLayer) (weights: torch.Tensor[,]) (like: torch.Tensor) =
        match Array.init layer.Input.Count (row layer weights like) with
        | [| single |] -> single
        | rows -> torch.cat (rows, 0L)

    let private product (rank: int) (shape: int64[]) (x: torch.Tensor) (right: torch.Tensor) (constant: torch.Tensor) =
        let batch = x.shape[.. int x.ndim - rank - 1]
        let y = (x.reshape (Array.append batch [| right.size 0 |])).matmul right
        let y = if isNull constant then y else y .+ constant
        y.reshape (Array.append batch shape)

    /// <summary>The layer: the input's vector, [*batch; ...], to the output's.</summary>
    /// <param name="layer">The maps.</param>
    /// <param name="weights">For each pair of summands [D; c; d], null where there is no map.</param>
    /// <param name="x">The input.</param>
    let run (layer: DenseLayer) (weights: torch.Tensor[,]) (x: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()

        let constant =
            if layer.HasConstant then
                (row layer weights x layer.Input.Count).reshape -1L
            else
                null

        product layer.InputShape.Length layer.OutputShape x (whole layer weights x) constant
        |> scope.MoveToOuter

    /// The adjoint of the linear part.
    let runAdjoint (layer: DenseLayer) (weights: torch.Tensor[,]) (y: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()

        product layer.OutputShape.Length layer.InputShape y (whole layer weights y).mH null
        |> scope.MoveToOuter
