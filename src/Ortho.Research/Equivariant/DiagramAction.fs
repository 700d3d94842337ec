/// <summary>How the map of a diagram reads its input and writes its output, with a step in between.</summary>
/// <remarks>The input is read through one strided view, an axis for each block that meets the bottom row; closed blocks are summed; the step
/// in between sees the open axes of the bottom row and gives those of the top row; new axes are made for blocks that lie in the top row.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.DiagramAction

open System
open TorchSharp

/// What an action needs to know, once for all inputs.
type Plan =
    {
        Top: int
        Bottom: int
        /// Bottom vertices of each block that meets the bottom row: the open ones first, those that are summed last.
        Reads: int[][]
        Closed: int
        /// Top vertices of each block that meets the top row: the open ones first, those that get a new axis last.
        Writes: int[][]
        New: int
    }

let private below (d: Diagram) (block: int[]) =
    block
    |> Array.filter (fun v -> v >= d.TopCount)
    |> Array.map (fun v -> v - d.TopCount)

let private above (d: Diagram) (block: int[]) =
    block |> Array.filter (fun v -> v < d.TopCount)

/// <summary>The plan in which some blocks of one row stay open: the through blocks, then those that `isOpen` names.</summary>
let planWith (isOpen: int[] -> bool) (d: Diagram) : Plan =
    let through = Diagram.throughBlocks d
    let openBottom, closedBottom = Diagram.bottomBlocks d |> Array.partition isOpen
    let openTop, newTop = Diagram.topBlocks d |> Array.partition isOpen

    {
        Top = d.TopCount
        Bottom = d.BottomCount
        Reads = Array.concat [ through; openBottom; closedBottom ] |> Array.map (below d)
        Closed = closedBottom.Length
        Writes = Array.concat [ through; openTop; newTop ] |> Array.map (above d)
        New = newTop.Length
    }

/// The plan of D_d: blocks of the bottom row are summed, blocks of the top row are new.
let plan (d: Diagram) : Plan = planWith (fun _ -> false) d

/// <summary>The action on tensors of axes n.</summary>
/// <param name="n">The size of an axis.</param>
/// <param name="plan">What to read, sum and write.</param>
/// <param name="between">From the open axes of the bottom row, which are the last, to those of the top row.</param>
let act (n: int64) (plan: Plan) (between: torch.Tensor -> torch.Tensor) : torch.Tensor -> torch.Tensor =
    let axes =
        Array.init plan.Writes.Length (fun i -> if i < plan.Writes.Length - plan.New then i else -1)

    let isPermutationOfViews =
        plan.Writes |> Array.forall (fun block -> block.Length = 1)

    Actions.scoped (fun (x: torch.Tensor) ->
        let batch = int x.ndim - plan.Bottom
        let view = StridedView.diagonal batch plan.Bottom n plan.Reads x

        let sum =
            match
                [|
                    for i in plan.Reads.Length - plan.Closed .. plan.Reads.Length - 1 -> int64 (batch + i)
                |]
            with
            | [||] -> view
            // Boolean and small integer tensors would widen; the type is the input's.
            | closed -> view.sum (closed, keepdim = false, ``type`` = Nullable x.dtype)

        let spread = StridedView.broadcast batch n axes (between sum)

        if isPermutationOfViews then
            // The axis of each top vertex is that of its block.
            let blockOf = Array.zeroCreate<int64> plan.Top

            plan.Writes
            |> Array.iteri (fun i block -> blockOf[block[0]] <- int64 (batch + i))

            spread.permute (Array.append (Array.init batch int64) blockOf)
        else
            let shape =
                Array.init (batch + plan.Top) (fun axis -> if axis < batch then x.size axis else n)

            let y = x.new_zeros shape
            use place = StridedView.diagonal batch plan.Top n plan.Writes y
            addInPlace place spread
            y)
