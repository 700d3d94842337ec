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

    let rec private arrangements (count: int) (items: int list) : int list list =
        if count = 0 then
            [ [] ]
        else
            items
            |> List.collect (fun item ->
                arrangements (count - 1) (List.except [ item ] items)
                |> List.map (fun rest -> item :: rest))

    let private isOdd (values: int list) =
        let numbers = Array.ofList values
        let mutable odd = false

        for i in 0 .. numbers.Length - 1 do
            for j in i + 1 .. numbers.Length - 1 do
                if numbers[i] > numbers[j] then
                    odd <- not odd

        odd

    /// The place of values in a tensor of axes n, row-major.
    let private place (n: int) (values: seq<int>) =
        (0L, values) ||> Seq.fold (fun index value -> index * int64 n + int64 value)

    /// <summary>A sparse matrix of signs on the last axes: y[row] += sign x[column] for each entry.</summary>
    /// <param name="inputs">The number of last axes that columns count, row-major.</param>
    /// <param name="outputs">The sizes of the axes that rows count and that take their place.</param>
    /// <param name="entries">Row, column, and whether the sign is odd.</param>
    let private sparse (inputs: int) (outputs: int64[]) (entries: (struct (int64 * int64 * bool))[]) =
        let rows = torch.tensor [| for struct (row, _, _) in entries -> row |]
        let columns = torch.tensor [| for struct (_, column, _) in entries -> column |]

        let signs =
            torch.tensor [| for struct (_, _, odd) in entries -> if odd then -1L else 1L |]

        let size = Array.fold (*) 1L outputs

        fun (x: torch.Tensor) ->
            use scope = torch.NewDisposeScope()
            let kept = Array.init (int x.ndim - inputs) x.size
            let last = int64 kept.Length

            let entries =
                Array.fold (*) 1L (Array.init inputs (fun i -> x.size (kept.Length + i)))

            let flat = x.reshape (Array.append kept [| entries |])
            let read = flat.index_select (last, columns.``to`` x.device)
            let signed = read .* signs.``to`` (x.dtype, x.device)

            x.new_zeros (Array.append kept [| size |])
            |> addAt last (rows.``to`` x.device) signed
            |> fun y -> y.reshape (Array.append kept outputs)
            |> scope.MoveToOuter

    /// From n - s free axes to s: the bottom row antisymmetrised over each subset of values, then placed with the complement above.
    let private determinantStep (n: int) (s: int) =
        let subsets =
            arrangements (n - s) [ 0 .. n - 1 ] |> List.map List.sort |> List.distinct

        let number = subsets |> List.mapi (fun i subset -> subset, int64 i) |> dict

        let gather =
            sparse
                (n - s)
                [| int64 subsets.Length |]
                [|
                    for values in arrangements (n - s) [ 0 .. n - 1 ] ->
                        struct (number[List.sort values], place n values, isOdd values)
                |]

        let scatter =
            sparse
                1
                (Array.replicate s (int64 n))
                [|
                    for subset in subsets do
                        for values in arrangements s (List.except subset [ 0 .. n - 1 ]) ->
                            struct (place n values, number[subset], isOdd (values @ subset))
                |]

        fun (x: torch.Tensor) ->
            use gathered = gather x
            scatter gathered

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

        let step =
            sparse
                read.Length
                (Array.replicate written.Length (int64 n))
                [|
                    for values in arrangements d.BlockCount [ 0 .. n - 1 ] do
                        let valueOf = Array.ofList values
                        let word = [ for block in signature -> valueOf[block] ]
                        let missing = List.except values [ 0 .. n - 1 ]

                        let at (blocks: int[]) =
                            blocks |> Seq.map (fun block -> valueOf[block]) |> place n

                        struct (at written, at read, isOdd (word @ missing))
                |]

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
