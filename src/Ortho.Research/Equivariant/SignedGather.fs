namespace Ortho

open TorchSharp

/// <summary>A sparse matrix of signs, by rows: y[r] = sum over i of Sign[r, i] x[Index[r, i]]. It holds no tensor.</summary>
[<NoEquality; NoComparison>]
type internal SignedGather =
    {
        Rows: int
        /// Entries of a row, zeros included.
        FanIn: int
        Index: int64[]
        Sign: int64[]
    }

/// One entry of a matrix of signs.
[<Struct>]
type internal SignedEntry = { Row: int; Column: int; IsOdd: bool }

[<RequireQualifiedAccess>]
module internal SignedGather =

    /// The matrix of some entries with so many rows.
    let ofEntries (rows: int) (entries: SignedEntry[]) : SignedGather =
        let filled = Array.zeroCreate<int> rows

        for entry in entries do
            filled[entry.Row] <- filled[entry.Row] + 1

        let fanIn = max 1 (Array.max filled)
        let index, sign = Array.zeroCreate (rows * fanIn), Array.zeroCreate (rows * fanIn)
        System.Array.Clear filled

        for entry in entries do
            let place = entry.Row * fanIn + filled[entry.Row]
            filled[entry.Row] <- filled[entry.Row] + 1
            index[place] <- int64 entry.Column
            sign[place] <- if entry.IsOdd then -1L else 1L

        {
            Rows = rows
            FanIn = fanIn
            Index = index
            Sign = sign
        }

    /// The entries of the transposed matrix.
    let transpose (entries: SignedEntry[]) =
        entries
        |> Array.map (fun entry ->
            { entry with
                Row = entry.Column
                Column = entry.Row
            })

    /// The matrix applied along one axis, which gets the size `Rows`.
    let apply (axis: int) (matrix: SignedGather) (x: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let index = torch.tensor(matrix.Index).``to`` x.device
        let read = x.index_select (int64 axis, index)

        let signed =
            if matrix.Sign |> Array.forall (fun sign -> sign = 1L) then
                read
            else
                let after = Array.replicate (int x.ndim - axis - 1) 1L
                let sign = torch.tensor(matrix.Sign).``to``(x.dtype, x.device)
                read .* sign.reshape (Array.append [| matrix.Sign.LongLength |] after)

        let y =
            if matrix.FanIn = 1 then
                signed
            else
                let shape =
                    [|
                        for i in 0 .. axis - 1 -> x.size i
                        yield int64 matrix.Rows
                        yield int64 matrix.FanIn
                        for i in axis + 1 .. int x.ndim - 1 -> x.size i
                    |]

                (signed.reshape shape).sum([| int64 axis + 1L |], keepdim = false, ``type`` = System.Nullable x.dtype)

        scope.MoveToOuter y
