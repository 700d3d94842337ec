namespace Ortho

open System.Collections.Generic

/// <summary>Brauer diagrams (every block a pair) and Grood's (l+k)\n-diagrams (n free vertices, the others in pairs).</summary>
/// <remarks>
/// <para>Both are partition diagrams, the free vertices being blocks of one. A diagram of n free vertices stands for a map of SO(n): the
/// sign of the values of its free vertices, taken top row then bottom row, as a permutation of 1..n, times a delta for each pair.</para>
/// <para>A chord joins two vertices on a circle: the top row left to right, then the bottom row right to left. A cup is a pair in the top
/// row, a cap a pair in the bottom row.</para>
/// <para>Sources: Brauer 1937; Grood 1999; Pearce-Crump 2212.08630.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Brauer =

    /// The free vertices: blocks of one, in the order of the vertices (top row, then bottom row).
    [<CompiledName("FreeVertices")>]
    let freeVertices (d: Diagram) : int[] =
        Guard.notNull "d" d

        d.Partition.Blocks
        |> Array.filter (fun block -> block.Length = 1)
        |> Array.concat

    /// Whether every block is a pair, but for exactly `free` free vertices.
    [<CompiledName("IsBrauer")>]
    let isBrauer (free: int) (d: Diagram) : bool =
        Guard.atLeast "free" 0 free

        (freeVertices d).Length = free
        && d.Partition.Blocks |> Array.forall (fun block -> block.Length <= 2)

    /// <summary>How many (k,l)-diagrams have so many free vertices and else pairs: C(m, free) (m - free - 1)!! for m = l + k, or 0.</summary>
    [<CompiledName("Count")>]
    let count (free: int) (k: int) (l: int) : bigint =
        Guard.atLeast "free" 0 free
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l
        let m = l + k

        if free > m || (m - free) % 2 = 1 then
            0I
        else
            let choose =
                (1I, [ 1..free ])
                ||> List.fold (fun c i -> c * bigint (m - free + i) / bigint i)

            (choose, [ 1..2 .. m - free - 1 ]) ||> List.fold (fun c odd -> c * bigint odd)

    /// Ways to join the vertices in pairs but for so many, lexicographic: the first is free or joined to each later one.
    let rec private matchings (free: int) (vertices: int list) : int[] list list =
        match vertices with
        | [] -> [ [] ]
        | first :: rest ->
            [
                if free > 0 then
                    for others in matchings (free - 1) rest -> [| first |] :: others
                if rest.Length > free then
                    for partner in rest do
                        for others in matchings free (List.except [ partner ] rest) -> [| first; partner |] :: others
            ]
            |> List.filter (fun blocks -> List.sumBy Array.length blocks = vertices.Length)

    /// <summary>All (k,l)-diagrams of so many free vertices and else pairs.</summary>
    /// <exception cref="T:System.ArgumentException">There are more than the limit; the message says how many.</exception>
    [<CompiledName("EnumerateWithin")>]
    let enumerateWithin (limit: int) (free: int) (k: int) (l: int) : Diagram[] =
        let count = count free k l

        count
        |> SetPartition.withinLimit limit $"diagrams from order {k} to order {l} with {free} free vertices"

        if count.IsZero then
            [||]
        else
            matchings free [ 0 .. l + k - 1 ]
            |> List.map (Diagram.ofBlocks k l)
            |> Array.ofList

    /// All (k,l)-diagrams of so many free vertices and else pairs, at most `SetPartition.limit` of them.
    [<CompiledName("Enumerate")>]
    let enumerate (free: int) (k: int) (l: int) : Diagram[] =
        enumerateWithin SetPartition.limit free k l

    /// The pairs, each from left to right and by their first vertex.
    let private pairs (d: Diagram) =
        Guard.notNull "d" d

        d.Partition.Blocks |> Array.filter (fun block -> block.Length = 2)

    /// The number of pairs in the top row.
    [<CompiledName("Cups")>]
    let cups (d: Diagram) : int =
        pairs d |> Array.filter (fun pair -> pair[1] < d.TopCount) |> Array.length

    /// The number of pairs in the bottom row.
    [<CompiledName("Caps")>]
    let caps (d: Diagram) : int =
        pairs d |> Array.filter (fun pair -> pair[0] >= d.TopCount) |> Array.length

    /// The number of pairs of chords that cross, the vertices being on a circle.
    [<CompiledName("Crossings")>]
    let crossings (d: Diagram) : int =
        Guard.notNull "d" d
        let last = d.TopCount + d.BottomCount - 1

        let place (v: int) =
            if v < d.TopCount then v else last - (v - d.TopCount)

        let chords =
            pairs d
            |> Array.map (fun pair ->
                let a, b = place pair[0], place pair[1]
                min a b, max a b)

        chords
        |> Array.sumBy (fun (a, b) -> chords |> Array.filter (fun (c, e) -> a < c && c < b && b < e) |> Array.length)

    /// <summary>(-1)^(crossings + cups): with it the symplectic maps multiply exactly, F2 F1 = (-n)^removed F.</summary>
    [<CompiledName("Sign")>]
    let sign (d: Diagram) : int =
        if (crossings d + cups d) % 2 = 0 then 1 else -1

    /// The vertices of d2, d1 stacked: top row of d2, middle row, bottom row of d1; and what joins them.
    let private stack (d2: Diagram) (d1: Diagram) (joined: seq<int * int>) =
        let middle = d2.TopCount
        let sets = DisjointSets(middle + d1.TopCount + d1.BottomCount)

        for pair in pairs d2 do
            sets.Union(pair[0], pair[1])

        for pair in pairs d1 do
            sets.Union(middle + pair[0], middle + pair[1])

        for a, b in joined do
            sets.Union(a, b)

        let outer =
            [|
                yield! [ 0 .. middle - 1 ]
                for j in 0 .. d1.BottomCount - 1 -> middle + d1.TopCount + j
            |]

        let roots = outer |> Array.map sets.Find

        let diagram =
            SetPartition.ofLabels roots |> Diagram.ofPartition d1.BottomCount d2.TopCount

        struct (sets, roots, diagram)

    /// The number of components without an outer vertex.
    let private loops (sets: DisjointSets) (diagram: Diagram) = sets.Components - diagram.BlockCount

    /// The sign of the sort of distinct numbers into increasing order.
    let private sortSign (numbers: int[]) =
        let mutable inversions = 0

        for i in 0 .. numbers.Length - 1 do
            for j in i + 1 .. numbers.Length - 1 do
                if numbers[i] > numbers[j] then
                    inversions <- inversions + 1

        if inversions % 2 = 0 then 1I else -1I

    /// One of the two has free vertices: they move along the pairs of the other.
    let private oneHead (n: int) (d2: Diagram) (d1: Diagram) (free: int[]) =
        let struct (sets, roots, diagram) = stack d2 d1 []
        let places = free |> Array.map sets.Find

        // Two free vertices joined: the sign of a repeated value is 0. Else each ends at one outer vertex.
        if (Array.distinct places).Length < free.Length then
            [||]
        else
            let ends =
                places
                |> Array.map (fun place -> roots |> Array.findIndex (fun root -> root = place))

            [|
                {
                    Diagram = diagram
                    Coefficient = sortSign ends * bigint.Pow(bigint n, loops sets diagram)
                }
            |]

    let rec private permutations (items: int list) : int list list =
        match items with
        | [] -> [ [] ]
        | _ ->
            items
            |> List.collect (fun item ->
                permutations (List.except [ item ] items) |> List.map (fun rest -> item :: rest))

    /// Both have free vertices: the product of two signs is a sum over the ways to join them.
    let private twoHeads (n: int) (d2: Diagram) (d1: Diagram) (free2: int[]) (free1: int[]) =
        let total = Dictionary<Diagram, bigint>()

        for order in permutations [ 0 .. n - 1 ] do
            let joined = order |> List.mapi (fun i j -> free2[i], free1[j])
            let struct (sets, _, diagram) = stack d2 d1 joined
            let term = sortSign (Array.ofList order) * bigint.Pow(bigint n, loops sets diagram)
            total[diagram] <- total.GetValueOrDefault diagram + term

        [|
            for KeyValue(diagram, coefficient) in total do
                if not coefficient.IsZero then
                    {
                        Diagram = diagram
                        Coefficient = coefficient
                    }
        |]

    /// <summary>The product of the SO(n)-maps of two diagrams, "d2 after d1", as a combination of such maps.</summary>
    /// <param name="n">The dimension of R^n, and the number of free vertices of a diagram that has any.</param>
    /// <param name="d2">The later: pairs and 0 or n free vertices.</param>
    /// <param name="d1">The earlier, with as many top vertices as d2 has bottom vertices.</param>
    /// <returns>One term for pairs alone; one or none if one diagram has free vertices; up to n! Brauer diagrams if both have.</returns>
    /// <exception cref="T:System.ArgumentException">A diagram has other blocks, or the rows do not match.</exception>
    /// <remarks>A removed loop counts n. Source: Grood 1999; Pearce-Crump 2304.14165; the sum over n! ways is
    /// sgn(a) sgn(b) = sum over s of sgn(s) prod delta(a_i, b_s(i)).</remarks>
    [<CompiledName("Product")>]
    let product (n: int) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
        Guard.positive "n" n
        Guard.notNull "d2" d2
        Guard.notNull "d1" d1

        let check name (d: Diagram) =
            Guard.holds name (isBrauer 0 d || isBrauer n d) (fun () ->
                $"{name} must have pairs and 0 or {n} free vertices, but is {d}.")

        check "d2" d2
        check "d1" d1

        Guard.holds "d1" (d2.BottomCount = d1.TopCount) (fun () ->
            $"The top row of d1 must match the bottom row of d2, but d1 has {d1.TopCount} top and d2 has {d2.BottomCount} bottom vertices.")

        let free2 = freeVertices d2
        let free1 = freeVertices d1 |> Array.map (fun v -> d2.TopCount + v)

        if free2.Length > 0 && free1.Length > 0 then
            twoHeads n d2 d1 free2 free1
        elif free2.Length + free1.Length > 0 then
            oneHead n d2 d1 (Array.append free2 free1)
        else
            let stacked = Diagram.compose d2 d1

            [|
                {
                    Diagram = stacked.Diagram
                    Coefficient = bigint.Pow(bigint n, stacked.Removed)
                }
            |]
