namespace Ortho

open System
open TorchSharp

/// <summary>From Brauer diagrams to linear maps (R^n)^k -> (R^n)^l that commute with Sp(n), n = 2 r.</summary>
/// <remarks>
/// <para>Basis 1, 1', 2, 2', ..., r, r' with the form eps(a, b') = -eps(b', a) = delta. A pair between the rows is a delta; a pair inside one row is
/// eps of the values, left vertex first. A pair inside a row is read or written as two strided views, one of each sign: no dense matrix, no copy
/// of the input, n^(k - caps) additions.</para>
/// <para><c>raw</c> multiplies exactly only up to sign (the snake straightens to -1); <c>signed</c> carries the sign
/// (-1)^(crossings + cups) and is exact: F2 F1 = (-n)^removed F. The span is the same. Source: Pearce-Crump 2212.08630; Brauer 1937.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module SymplecticFunctor =

    /// The pairs of a row that cross to the other, and those inside it, as axes of the row.
    let private row (axes: int -> int) (isInRow: int -> bool) (d: Diagram) =
        let inRow = d.Partition.Blocks |> Array.map (Array.filter isInRow)

        let crossing =
            inRow
            |> Array.filter (fun block -> block.Length = 1)
            |> Array.map (fun block -> axes block[0])

        let inside =
            inRow
            |> Array.filter (fun block -> block.Length = 2)
            |> Array.map (fun block -> struct (axes block[0], axes block[1]))

        crossing, inside

    /// The choices of one of two signs for each pair: an array of bits, and the product of the signs.
    let private choices (count: int) =
        Array.init (pown 2 count) (fun number ->
            let bits = Array.init count (fun i -> int64 (number >>> i &&& 1))
            bits, bits |> Array.sum |> (fun minus -> minus % 2L = 0L))

    /// The view of one choice: crossing axes whole, inside a pair the entries (a, a') for bit 0, (a', a) for bit 1.
    let private view (n: int64) (batch: int) (crossing: int[]) (inside: (struct (int * int))[]) (bits: int64[]) x =
        StridedView.along
            batch
            0
            [|
                for _ in crossing -> n
                for _ in inside -> n / 2L
            |]
            [|
                for axis in crossing -> [| struct (axis, 0L, 1L) |]
                for struct (left, right), bit in Array.zip inside bits ->
                    [| struct (left, bit, 2L); struct (right, 1L - bit, 2L) |]
            |]
            x

    let private act (n: int64) (d: Diagram) =
        let top = d.TopCount
        // Blocks are ordered by their least vertex, so crossing pairs come in the order of the top row.
        let writes, cups = row id (fun v -> v < top) d

        let reads = d |> Diagram.throughBlocks |> Array.map (fun pair -> pair[1] - top)

        let _, caps = row (fun v -> v - top) (fun v -> v >= top) d
        let through = reads.Length

        Actions.scoped (fun (x: torch.Tensor) ->
            let batch = int x.ndim - d.BottomCount

            let sum =
                if caps.Length = 0 then
                    x.permute
                        [|
                            for axis in 0 .. batch - 1 -> int64 axis
                            for axis in reads -> int64 (batch + axis)
                        |]
                else
                    let closed = Array.init caps.Length (fun i -> int64 (batch + through + i))

                    choices caps.Length
                    |> Array.map (fun (bits, isPlus) ->
                        let part = view n batch reads caps bits x
                        let total = part.sum (closed, keepdim = false, ``type`` = Nullable x.dtype)
                        if isPlus then total else total.neg ())
                    |> Array.reduce (.+)

            if cups.Length = 0 then
                let axisOf = Array.zeroCreate<int64> top
                writes |> Array.iteri (fun i axis -> axisOf[axis] <- int64 (batch + i))
                sum.permute (Array.append (Array.init batch int64) axisOf)
            else
                let y = x.new_zeros (Array.append (Array.init batch x.size) (Array.replicate top n))
                let minus = sum.neg ()

                let open' =
                    Array.append (Array.init (batch + through) sum.size) (Array.replicate cups.Length 1L)

                for bits, isPlus in choices cups.Length do
                    let place = view n batch writes cups bits y
                    addInPlace place ((if isPlus then sum else minus).reshape open')

                y)

    let private check (n: int) (d: Diagram) =
        Guard.notNull "d" d
        Guard.positive "n" n
        Guard.holds "n" (n % 2 = 0) (fun () -> $"n must be even for Sp(n), but is {n}.")
        Guard.holds "d" (Brauer.isBrauer 0 d) (fun () -> $"d must be a Brauer diagram (pairs alone), but is {d}.")

    /// <summary>The map F_d as the pairs say, without a sign of its own.</summary>
    /// <param name="n">Dimension of R^n, even.</param>
    /// <param name="d">A Brauer diagram: its bottom row is the input's axes, its top row the output's. Its transpose is that of the flipped diagram.</param>
    /// <exception cref="T:System.ArgumentException">n is odd, or d has a block that is not a pair.</exception>
    [<CompiledName("Raw")>]
    let raw (n: int) (d: Diagram) : LinearMap =
        check n d

        if Brauer.cups d + Brauer.caps d = 0 then
            Functor.diagram n d
        else
            let size = int64 n
            let space (axes: int) = Space.power axes (Space.Of size)
            let flipped = Diagram.adjoint d

            Build.leaf
                $"F{d.Partition}"
                (space d.BottomCount)
                (space d.TopCount)
                (Build.given (flipped = d) Traits.SelfAdjoint)
                (Nullable())
                (act size d)
                (act size flipped)

    /// <summary>The map (-1)^(crossings + cups) F_d: a functor from the Brauer category of loop value -n.</summary>
    /// <param name="n">Dimension of R^n, even.</param>
    /// <param name="d">A Brauer diagram. Its transpose is (-1)^(caps + cups) times that of the flipped diagram.</param>
    /// <exception cref="T:System.ArgumentException">n is odd, or d has a block that is not a pair.</exception>
    [<CompiledName("Signed")>]
    let signed (n: int) (d: Diagram) : LinearMap =
        let map = raw n d
        if Brauer.sign d = 1 then map else -map
