namespace Ortho

open System
open TorchSharp

/// How one row of a diagram is read or written: the axes of each block that crosses to the other row, in order, and of each that does not.
type internal RowPart =
    {
        Crossing: int[][]
        Closed: int[][]
    }

    member this.BlockCount = this.Crossing.Length + this.Closed.Length

/// <summary>The diagrams with m crossing blocks, as pairs of a contraction of the bottom row and a placement in the top row.</summary>
/// <remarks>
/// A contraction reads an input of k axes to one of m axes (sums included), a placement writes that to l axes; the order of the
/// crossing blocks belongs to the placement. Every pair is one diagram, so a layer contracts once per contraction, mixes channels in one
/// matrix product, and places once per placement.
/// </remarks>
type internal CrossingGroup =
    {
        Contractions: RowPart[]
        Placements: RowPart[]
        /// The diagram of a contraction and a placement, or none where it would have too many blocks.
        Pairs: Diagram option[,]
    }

module internal CrossingGroups =

    let rec private choices (count: int) (items: 'a list) : 'a list list =
        match count, items with
        | 0, _ -> [ [] ]
        | _, [] -> []
        | _, head :: tail ->
            (choices (count - 1) tail |> List.map (fun rest -> head :: rest))
            @ choices count tail

    let rec private orders (items: 'a list) : 'a list list =
        match items with
        | [] -> [ [] ]
        | _ ->
            items
            |> List.indexed
            |> List.collect (fun (i, item) -> orders (List.removeAt i items) |> List.map (fun rest -> item :: rest))

    /// Every way to let m blocks of a partition of `axes` axes cross, in one order or in all.
    let private rowParts (axes: int) (m: int) (arrange: int[] list -> int[] list list) =
        [|
            for partition in SetPartition.enumerate axes do
                let blocks = List.ofArray partition.Blocks

                for crossing in choices m blocks do
                    let closed = blocks |> List.except crossing |> Array.ofList

                    for ordered in arrange crossing do
                        {
                            Crossing = Array.ofList ordered
                            Closed = closed
                        }
        |]

    /// The diagrams of k bottom and l top vertices with at most n blocks, for each number m of crossing blocks.
    let make (n: int) (k: int) (l: int) : CrossingGroup[] =
        [|
            for m in 0 .. min k l do
                let contractions = rowParts k m List.singleton
                let placements = rowParts l m orders

                let diagram (contraction: RowPart) (placement: RowPart) =
                    if contraction.BlockCount + placement.BlockCount - m > n then
                        None
                    else
                        let below (block: int[]) = block |> Array.map (fun v -> v + l)

                        Array.concat
                            [
                                Array.map2 Array.append placement.Crossing (Array.map below contraction.Crossing)
                                placement.Closed
                                Array.map below contraction.Closed
                            ]
                        |> Diagram.ofBlocks k l
                        |> Some

                let pairs =
                    Array2D.init contractions.Length placements.Length (fun p q ->
                        diagram contractions[p] placements[q])

                if pairs |> Seq.cast<Diagram option> |> Seq.exists _.IsSome then
                    {
                        Contractions = contractions
                        Placements = placements
                        Pairs = pairs
                    }
        |]

    let private crossingCount (parts: RowPart[]) = parts[0].Crossing.Length

    /// Contractions of [*batch; n^k; C], side by side in the channels: [*batch; n^m; parts C].
    let private gather (n: int64) (k: int) (parts: RowPart[]) =
        Actions.scoped (fun (x: torch.Tensor) ->
            let batch = int x.ndim - k - 1
            let m = crossingCount parts

            let pieces =
                parts
                |> Array.map (fun part ->
                    let view = StridedView.diagonal batch k n (Array.append part.Crossing part.Closed) x

                    match part.Closed with
                    | [||] -> view
                    | closed -> view.sum (Array.init closed.Length (fun i -> int64 (batch + m + i))))

            if pieces.Length = 1 then
                pieces[0]
            else
                torch.cat (pieces, -1L))

    /// The sum of the placements of [*batch; n^m; parts C], one for each part of the channels: [*batch; n^l; C].
    let private place (n: int64) (l: int) (channels: int64) (parts: RowPart[]) =
        let m = crossingCount parts

        Actions.scoped (fun (y: torch.Tensor) ->
            let batch = int y.ndim - m - 1
            let last = y.ndim - 1L

            let spread (q: int) =
                let part = parts[q]
                let axes = Array.append (Array.init m id) (Array.replicate part.Closed.Length -1)
                StridedView.broadcast batch n axes (y.narrow (last, int64 q * channels, channels))

            let shape =
                Array.concat
                    [
                        Array.init batch (fun axis -> y.size axis)
                        Array.replicate l n
                        [| channels |]
                    ]

            let sum = y.new_zeros shape

            for q in 0 .. parts.Length - 1 do
                let blocks = Array.append parts[q].Crossing parts[q].Closed
                addInPlace (StridedView.diagonal batch l n blocks sum) (spread q)

            sum)

    /// <summary>The contractions of a group as one map, [n^k; C] -> [n^m; parts C], side by side in the channels.</summary>
    let contract (n: int) (k: int) (channels: int64) (parts: RowPart[]) : LinearMap =
        let size = int64 n

        let space (axes: int) (channels: int64) =
            (Space.power axes (Space.Of size)).Tensor(Space.Of channels)

        let domain, codomain =
            space k channels, space (crossingCount parts) (int64 parts.Length * channels)

        Build.leaf
            "contract"
            domain
            codomain
            Traits.None
            (Nullable())
            (gather size k parts)
            (place size k channels parts)
        |> LinearFunction.Wrap

    /// The placements of a group as one map, [n^m; parts C] -> [n^l; C]: the adjoint of the contractions of the same parts.
    let expand (n: int) (l: int) (channels: int64) (parts: RowPart[]) : LinearMap =
        (contract n l channels parts).Adjoint
