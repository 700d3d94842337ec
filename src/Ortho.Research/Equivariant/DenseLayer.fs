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
    /// The entries that are not 0, of all maps: their places, the number of the map of each, and the signs or null where all are 1.
    | Nonzeros of places: torch.Tensor * maps: torch.Tensor * signs: torch.Tensor

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

    /// Up to so many entries of all maps a product of matrices makes the layer's matrix; beyond, their nonzeros are summed.
    [<Literal>]
    let fewEntries = 16_384.0

    /// Maps that are matrices of 0, 1 and -1.
    let entries (maps: LinearMap[]) : DenseBlock =
        use scope = torch.NewDisposeScope()
        let size = maps[0].Domain.Size * maps[0].Codomain.Size

        let column (map: LinearMap) = (LinearMap.toMatrix map).reshape -1L

        if float maps.Length * float size <= fewEntries then
            let table = Table(torch.stack(maps |> Array.map column, 1).contiguous())

            for tensor in table.Tensors do
                scope.MoveToOuter tensor |> ignore

            Entries table
        else
            let found =
                maps
                |> Array.map (fun map ->
                    use inner = torch.NewDisposeScope()
                    let column = column map
                    let places = column.nonzero().flatten()
                    let signs = column.index_select(0L, places).``to`` torch.int64
                    inner.MoveToOuter places |> ignore
                    inner.MoveToOuter signs |> ignore
                    places, signs)

            let signs = torch.cat (found |> Array.map snd)
            let isPositive = signs.gt(torch.zeros_like signs).all().item<bool>()

            let numbers =
                found
                |> Array.mapi (fun i (places, _) -> Array.replicate (int (places.numel ())) i)
                |> Array.concat

            Nonzeros(
                scope.MoveToOuter(torch.cat (found |> Array.map fst)),
                scope.MoveToOuter(torch.tensor numbers),
                if isPositive then null else scope.MoveToOuter signs
            )

    /// The tensors that a layer holds.
    let tensors (layer: DenseLayer) : torch.Tensor[] =
        [|
            for block in Seq.cast<DenseBlock voption> layer.Blocks do
                match block with
                | ValueSome(Orbits numbers) -> yield numbers
                | ValueSome(Entries table) -> yield! table.Tensors
                | ValueSome(Nonzeros(places, maps, signs)) ->
                    yield places
                    yield maps

                    if not (isNull signs) then
                        yield signs
                | ValueNone -> ()
        |]

    /// The matrix [N_in c; N_out d] of the weights [D; c; d].
    let private matrix (block: DenseBlock) (inputs: int64) (outputs: int64) (weight: torch.Tensor) =
        let c, d = weight.size 1, weight.size 2

        let spread =
            match block with
            | Orbits numbers -> weight.index_select (0L, numbers.``to`` weight.device)
            | Entries table -> (table.Like weight).``to``(weight.dtype).matmul(weight.reshape (weight.size 0, c * d))
            | Nonzeros(places, maps, signs) ->
                let read =
                    weight.reshape(weight.size 0, c * d).index_select(0L, maps.``to`` weight.device)

                let signed =
                    if isNull signs then
                        read
                    else
                        read .* signs.``to``(weight.dtype, weight.device).unsqueeze -1L

                weight.new_zeros (outputs * inputs, c * d)
                |> addAt 0L (places.``to`` weight.device) signed

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
