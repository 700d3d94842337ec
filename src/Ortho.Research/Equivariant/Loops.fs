namespace Ortho

/// <summary>What two diagrams of pairs and free vertices close to when their vertices are glued: loops, and paths between free vertices.</summary>
/// <remarks>Each result is a sign (0 if the inner product is 0) and a number of loops: the inner product is sign n^loops, times n! if there are
/// free vertices.</remarks>
[<RequireQualifiedAccess>]
module internal Loops =

    /// The vertex that each is paired with: itself if it is free.
    let partners (d: Diagram) : int[] =
        let partner = Array.init (d.TopCount + d.BottomCount) id

        for block in d.Partition.Blocks do
            partner[block[0]] <- block[block.Length - 1]
            partner[block[block.Length - 1]] <- block[0]

        partner

    /// Walks the loops through unseen vertices, by pairs of p and q in turn; `step` gets each pair as it is walked. The number of loops.
    let inline private walk (seen: bool[]) (p: int[]) (q: int[]) ([<InlineIfLambda>] step: int -> int -> unit) : int =
        let mutable loops = 0

        for start in 0 .. p.Length - 1 do
            if not seen[start] then
                loops <- loops + 1
                let mutable v = start

                while not seen[v] do
                    let w = p[v]
                    seen[v] <- true
                    seen[w] <- true
                    step v w
                    step w q[w]
                    v <- q[w]

        loops

    /// Every pair is a delta: a loop is the trace of 1.
    let deltas (p: int[]) (q: int[]) : struct (int * int) =
        struct (1, walk (Array.zeroCreate p.Length) p q (fun _ _ -> ()))

    /// <summary>Every pair is eps of its lesser, then its greater vertex.</summary>
    /// <remarks>So it is for a pair inside a row of F; but eps^T applied to the bottom axes of all maps, which keeps inner products, turns the deltas
    /// between rows to eps too, and eps below (twice) to itself. A loop of 2 h pairs is the trace of a product of eps, and of eps^T = -eps for a
    /// pair walked from its greater vertex; eps^2 = -1, so it is (-1)^(h + pairs walked backwards) n.</remarks>
    let forms (p: int[]) (q: int[]) : struct (int * int) =
        let mutable backwards = 0

        let loops =
            walk (Array.zeroCreate p.Length) p q (fun v w ->
                if v > w then
                    backwards <- backwards + 1)

        struct ((if (p.Length / 2 + backwards) % 2 = 0 then 1 else -1), loops)

    /// <summary>As `deltas`, times the signs of the values of the free vertices of p and of q.</summary>
    /// <remarks>A path joins two free vertices. If both are of one diagram the sign of a repeated value is 0. Else free vertex i of p carries the
    /// value of free vertex s(i) of q, and the sum over values of sgn(v) sgn(v s^-1) is n! sgn(s).</remarks>
    let heads (p: int[]) (q: int[]) : struct (int * int) =
        let seen = Array.zeroCreate<bool> p.Length
        let mutable sign = 1
        // The ends in q of the paths from the free vertices of p, so far.
        let ends = ResizeArray<int>()

        for start in 0 .. p.Length - 1 do
            if p[start] = start && sign <> 0 then
                let mutable v = start
                seen[v] <- true

                while q[v] <> v && sign <> 0 do
                    let w = q[v]
                    seen[w] <- true

                    if p[w] = w then
                        sign <- 0
                    else
                        v <- p[w]
                        seen[v] <- true

                for earlier in ends do
                    if earlier > v then
                        sign <- -sign

                ends.Add v

        if sign = 0 then
            struct (0, 0)
        else
            struct (sign, walk seen p q (fun _ _ -> ()))
