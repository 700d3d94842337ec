/// <summary>Diagonals and placements of tensors with axes of size n, through strided views: an axis for each block of axes.</summary>
/// <remarks>
/// The stride of a block is the sum of the strides of its axes, so the view reads exactly the entries at which the axes of each
/// block agree. Nothing is copied, and any batch, strides and trailing axes are taken.
/// </remarks>
module internal Ortho.StridedView

open TorchSharp

/// Sizes and strides of a view of x with its batch axes, one axis of size n for each block, and the axes after the first `batch + k`.
let private layout (batch: int) (k: int) (n: int64) (blocks: int[][]) (x: torch.Tensor) =
    let strides = x.stride ()
    let after = int x.ndim - batch - k
    let tail = Array.init after (fun i -> batch + k + i)

    let sizes =
        [|
            for axis in 0 .. batch - 1 -> x.size axis
            for _ in blocks -> n
            for axis in tail -> x.size axis
        |]

    let steps =
        [|
            for axis in 0 .. batch - 1 -> strides[axis]
            for block in blocks -> block |> Array.sumBy (fun axis -> strides[batch + axis])
            for axis in tail -> strides[axis]
        |]

    sizes, steps

/// <summary>The view of x in which the axes of each block are one: [*batch; n^k; *tail] -> [*batch; n^blocks; *tail].</summary>
/// <param name="batch">Number of leading axes left alone.</param>
/// <param name="k">Number of axes of size n after them, each in one block.</param>
/// <param name="n">Their size.</param>
/// <param name="blocks">The axes of each block, counted from the first after the batch.</param>
/// <param name="x">The tensor; the view shares its memory.</param>
let diagonal (batch: int) (k: int) (n: int64) (blocks: int[][]) (x: torch.Tensor) =
    if blocks |> Array.forall (fun block -> block.Length = 1) then
        let tail = int x.ndim - batch - k

        x.permute
            [|
                for axis in 0 .. batch - 1 -> int64 axis
                for block in blocks -> int64 (batch + block[0])
                for axis in 0 .. tail - 1 -> int64 (batch + k + axis)
            |]
    else
        let sizes, steps = layout batch k n blocks x
        // Without its own offset a view reads from the start of the storage.
        x.as_strided (sizes, steps, x.storage_offset ())

/// <summary>y with an axis of size n, along which it is constant, for each block that has none: a view.</summary>
/// <param name="batch">Number of leading axes left alone.</param>
/// <param name="n">The size of the new axes.</param>
/// <param name="axes">For each block of the result the axis of y that it is (counted after the batch), or -1 for a new one.</param>
/// <param name="y">[*batch; n^m; *tail], m the number of axes that are not -1.</param>
/// <returns>[*batch; n^blocks; *tail].</returns>
let broadcast (batch: int) (n: int64) (axes: int[]) (y: torch.Tensor) =
    let m = axes |> Array.filter (fun axis -> axis >= 0) |> Array.length
    let tail = int y.ndim - batch - m
    let fresh = axes.Length - m
    // New axes stand after the old ones, then everything is put in order.
    let mutable view = y.alias ()

    for i in 0 .. fresh - 1 do
        use previous = view
        view <- previous.unsqueeze (int64 (batch + m + i))

    // The fresh axes before each block, from the number of blocks without an axis of their own.
    let freshBefore =
        axes |> Array.scan (fun count axis -> if axis < 0 then count + 1 else count) 0

    let order =
        [|
            yield! Array.init batch int64
            yield!
                axes
                |> Array.mapi (fun i axis -> int64 (batch + (if axis >= 0 then axis else m + freshBefore[i])))
            yield! Array.init tail (fun i -> int64 (batch + axes.Length + i))
        |]

    use spread = view
    use ordered = spread.permute order

    let sizes =
        Array.init (int ordered.ndim) (fun axis ->
            if axis >= batch && axis < batch + axes.Length then
                n
            else
                ordered.size axis)

    ordered.expand sizes

/// <summary>A view of x in which each block of axes is read along a line: [*batch; n^k; *tail] -> [*batch; sizes; *tail].</summary>
/// <param name="batch">Number of leading axes left alone.</param>
/// <param name="tail">Number of last axes left alone.</param>
/// <param name="sizes">The size of each axis of the view between those.</param>
/// <param name="lines">For each of them the axes (counted after the batch) that move with it, with their first index and their step.</param>
/// <param name="x">The tensor; the view shares its memory.</param>
let along (batch: int) (tail: int) (sizes: int64[]) (lines: (struct (int * int64 * int64))[][]) (x: torch.Tensor) =
    let strides = x.stride ()
    let last = int x.ndim - tail

    let start =
        lines
        |> Array.sumBy (Array.sumBy (fun (struct (axis, first, _)) -> first * strides[batch + axis]))

    let step =
        Array.sumBy (fun (struct (axis, _, step)) -> step * strides[batch + axis])

    x.as_strided (
        Array.concat [ Array.init batch x.size; sizes; Array.init tail (fun i -> x.size (last + i)) ],
        Array.concat [ strides[.. batch - 1]; Array.map step lines; strides[last..] ],
        x.storage_offset () + start
    )

/// <summary>All the memory that x reads, from its first entry to its last, as one dense axis: a view. x is not empty.</summary>
let run (x: torch.Tensor) =
    let length =
        Array.fold2 (fun length size stride -> length + (size - 1L) * stride) 1L x.shape (x.stride ())

    x.as_strided ([| length |], [| 1L |], x.storage_offset ())
