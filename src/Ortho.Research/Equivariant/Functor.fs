namespace Ortho

open System
open TorchSharp

/// <summary>From diagrams to linear maps (R^n)^k -> (R^n)^l, without a dense matrix and without a copy of the input.</summary>
/// <remarks>
/// Source: Pearce-Crump 2212.08648 (bases), 2304.14165 (fast multiplication). D_d has entry 1 where all vertices of each block carry
/// one value. The map reads the diagonals of its input through one strided view, sums the blocks that end below, and gives a view
/// again (permuted, expanded); only where two top vertices share a block does it write into zeros. Additions: n to the number of
/// blocks that meet the bottom row. Laws: D_d2 D_d1 = n^c D_(d2 d1), D_(d (x) e) = D_d (x) D_e, D_d* = D_(d*).
/// </remarks>
[<RequireQualifiedAccess>]
module Functor =

    /// What the action of D_d needs to know, once for all inputs.
    type private Plan =
        {
            Top: int
            Bottom: int
            /// Bottom vertices of each block that meets the bottom row: through blocks first.
            Reads: int[][]
            /// How many of those are through blocks.
            Through: int
            /// Top vertices of each block that meets the top row: through blocks first, in the same order.
            Writes: int[][]
        }

    let private plan (d: Diagram) =
        let top = d.TopCount
        let through = Diagram.throughBlocks d

        let below (block: int[]) =
            block |> Array.filter (fun v -> v >= top) |> Array.map (fun v -> v - top)

        let above (block: int[]) =
            block |> Array.filter (fun v -> v < top)

        {
            Top = top
            Bottom = d.BottomCount
            Reads = Array.append (Array.map below through) (Array.map below (Diagram.bottomBlocks d))
            Through = through.Length
            Writes = Array.append (Array.map above through) (Diagram.topBlocks d)
        }

    let private act (n: int64) (plan: Plan) =
        let axes =
            Array.init plan.Writes.Length (fun i -> if i < plan.Through then i else -1)

        let isPermutationOfViews =
            plan.Writes |> Array.forall (fun block -> block.Length = 1)

        Actions.scoped (fun (x: torch.Tensor) ->
            let batch = int x.ndim - plan.Bottom
            let view = StridedView.diagonal batch plan.Bottom n plan.Reads x

            let sum =
                match [| for i in plan.Through .. plan.Reads.Length - 1 -> int64 (batch + i) |] with
                | [||] -> view
                // Boolean and small integer tensors would widen; the type is the input's.
                | closed -> view.sum (closed, keepdim = false, ``type`` = Nullable x.dtype)

            let spread = StridedView.broadcast batch n axes sum

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

    /// <summary>The map D_d: (R^n)^k -> (R^n)^l of a (k,l)-diagram. It takes tensors of any type, integers too.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="d">The diagram: its bottom row is the input's axes, its top row the output's.</param>
    [<CompiledName("Diagram")>]
    let diagram (n: int) (d: Diagram) : LinearMap =
        Guard.positive "n" n
        let size = int64 n
        let space (axes: int) = Space.power axes (Space.Of size)
        let flipped = Diagram.adjoint d

        let traits =
            Build.given (Diagram.isPermutation d) Traits.Permutation
            ||| Build.given (flipped = d) Traits.SelfAdjoint

        if d = Diagram.identity d.BottomCount then
            LinearMap.identity (space d.BottomCount)
        else
            Build.leaf
                $"D{d.Partition}"
                (space d.BottomCount)
                (space d.TopCount)
                traits
                (Nullable())
                (act size (plan d))
                (act size (plan flipped))

    /// <summary>The map X_d of the orbit basis: entry 1 where vertices carry equal values exactly when they share a block.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="d">The diagram. X_d = 0 if it has more than n blocks.</param>
    /// <remarks>X_d = sum of mu(d, e) D_e over the coarsenings e of d (Moebius inversion), as many terms as Bell (number of blocks).</remarks>
    [<CompiledName("Orbit")>]
    let orbit (n: int) (d: Diagram) : LinearMap =
        Guard.positive "n" n

        if d.BlockCount > n then
            let map = diagram n d
            LinearMap.zero map.Domain map.Codomain
        else
            OrbitBasis.toDiagrams d
            |> Array.map (fun term -> float term.Coefficient * diagram n term.Diagram)
            |> Array.reduce (+)
