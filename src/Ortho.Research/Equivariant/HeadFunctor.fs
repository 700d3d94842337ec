namespace Ortho

open System
open TorchSharp

/// <summary>Maps with a head: the sign of the values of n vertices or blocks, as a permutation of 1..n (0 if a value repeats).</summary>
/// <remarks>
/// <para>SO(n): H_d of a diagram with n free vertices and else pairs: the sign of the free vertices' values (top row, then bottom row), times a
/// delta for each pair. Under g of O(n) it gains the factor det g. A_n: J_d of a diagram with n or n - 1 blocks: X_d times the sign of the blocks'
/// values, the missing value last.</para>
/// <para>A head is applied to diagonals, by n! signed terms or less: free bottom vertices are antisymmetrised first, then placed.
/// Sources: Grood 1999; Comes 2020 (jellyfish); Pearce-Crump 2212.08630, 2304.14165.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module HeadFunctor =

    /// From n - s free axes, the last, to s: the bottom row antisymmetrised over each set of values, then placed with the complement above.
    let private determinantStep (n: int) (s: int) =
        // n! signs, written down when they are first used: a map that is only listed costs nothing.
        let signs =
            lazy (Antisymmetry.make n (n - s), Antisymmetry.complement n s, Antisymmetry.make n s)

        fun (x: torch.Tensor) ->
            let below, complement, above = signs.Value
            let axis = int x.ndim - (n - s)
            use folded = Antisymmetry.fold axis below x
            use moved = SignedGather.apply axis complement folded
            Antisymmetry.unfold axis above moved

    let private space (n: int) (axes: int) = Space.power axes (Space.Of(int64 n))

    /// <summary>The map H_d of SO(n): the sign of the free vertices' values times a delta for each pair.</summary>
    /// <param name="n">Dimension of R^n, at least 1 and at most 8 (n! signs).</param>
    /// <param name="d">n free vertices, the others in pairs. Its transpose is (-1)^(s (n - s)) H of the flipped diagram, s free vertices being above.</param>
    /// <exception cref="T:System.ArgumentException">n is out of range, or d has other blocks.</exception>
    [<CompiledName("Determinant")>]
    let determinant (n: int) (d: Diagram) : LinearMap =
        Guard.notNull "d" d
        Guard.between "n" 1 8 n

        Guard.holds "d" (Brauer.isBrauer n d) (fun () -> $"d must have {n} free vertices and else pairs, but is {d}.")

        let free = Brauer.freeVertices d
        let above = free |> Array.filter (fun v -> v < d.TopCount) |> Array.length
        let isFree (block: int[]) = block.Length = 1
        let flipped = Diagram.adjoint d

        let forward =
            DiagramAction.act (int64 n) (DiagramAction.planWith isFree d) (determinantStep n above)

        let backward =
            DiagramAction.act (int64 n) (DiagramAction.planWith isFree flipped) (determinantStep n (n - above))

        let adjoint =
            if above * (n - above) % 2 = 0 then
                backward
            else
                Actions.scoped (fun y -> (backward y).neg())

        Build.leaf
            $"H{d.Partition}"
            (space n d.BottomCount)
            (space n d.TopCount)
            (Build.given (flipped = d && above * (n - above) % 2 = 0) Traits.SelfAdjoint)
            (Nullable())
            forward
            adjoint

    /// Signed by the values of the blocks, in the order of `signature`, the missing value last.
    let private jellyfishAction (n: int) (signature: int[]) (d: Diagram) =
        let plan = DiagramAction.planWith (fun _ -> true) d
        let through = Diagram.throughBlocks d

        let number (blocks: int[][]) =
            blocks |> Array.map (fun block -> d.BlockOf block[0])

        let read = number (Array.append through (Diagram.bottomBlocks d))
        let written = number (Array.append through (Diagram.topBlocks d))

        let entries () =
            [|
                for values in Antisymmetry.arrangements d.BlockCount [ 0 .. n - 1 ] do
                    let valueOf = Array.ofList values
                    let word = [ for block in signature -> valueOf[block] ]
                    let missing = List.except values [ 0 .. n - 1 ]

                    let at (blocks: int[]) =
                        blocks |> Seq.map (fun block -> valueOf[block]) |> Antisymmetry.place n

                    {
                        Row = at written
                        Column = at read
                        IsOdd = Antisymmetry.isOdd (word @ missing)
                    }
            |]

        let matrix = lazy SignedGather.ofEntries (pown n written.Length) (entries ())

        let step (x: torch.Tensor) =
            let kept = Array.init (int x.ndim - read.Length) x.size
            use flat = x.reshape (Array.append kept [| pown (int64 n) read.Length |])
            use signed = SignedGather.apply kept.Length matrix.Value flat
            signed.reshape (Array.append kept (Array.replicate written.Length (int64 n)))

        DiagramAction.act (int64 n) plan step

    /// <summary>The map J_d of A_n: X_d times the sign of the values of its blocks by least vertex, and of the missing value if there is one.</summary>
    /// <param name="n">Dimension of R^n, from 2 to 8 (n! signs).</param>
    /// <param name="d">A diagram of n or n - 1 blocks.</param>
    /// <exception cref="T:System.ArgumentException">n is out of range, or d has another number of blocks.</exception>
    [<CompiledName("Jellyfish")>]
    let jellyfish (n: int) (d: Diagram) : LinearMap =
        Guard.notNull "d" d
        Guard.between "n" 2 8 n

        Guard.holds "d" (d.BlockCount = n || d.BlockCount = n - 1) (fun () ->
            $"d must have {n} or {n - 1} blocks, but has {d.BlockCount}: {d}.")

        let flipped = Diagram.adjoint d
        let m, l = d.TopCount + d.BottomCount, d.TopCount
        let flip (vertex: int) = (vertex + m - l) % m

        // The blocks of the flipped diagram in the order of d's.
        let signature =
            d.Partition.Blocks |> Array.map (fun block -> flipped.BlockOf(flip block[0]))

        Build.leaf
            $"J{d.Partition}"
            (space n d.BottomCount)
            (space n d.TopCount)
            Traits.None
            (Nullable())
            (jellyfishAction n (Array.init d.BlockCount id) d)
            (jellyfishAction n signature flipped)
