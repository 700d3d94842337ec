namespace Ortho

/// The sizes of the spanning sets of equivariant maps and of their spans, by formula: maps without a head and maps with one (J of A_n, H of SO(n)).
[<RequireQualifiedAccess>]
module internal Dimension =

    /// The number of standard tableaux over the Young diagrams of m boxes that a condition on their rows admits.
    let private tableaux (m: int) (admits: int[] -> bool) =
        YoungDiagram.enumerate m
        |> Array.filter (fun y -> admits y.Rows)
        |> Array.sumBy YoungDiagram.tableaux

    let private isEven i = i % 2 = 0

    let private orthogonal (n: int) (m: int) =
        tableaux m (fun rows -> rows.Length <= n && Array.forall isEven rows)

    let private columns (rows: int[]) =
        Array.init (if rows.Length = 0 then 0 else rows[0]) (fun j ->
            rows |> Array.filter (fun row -> row > j) |> Array.length)

    /// How many of m-tuples' orbits a graph has.
    let private orbits (graph: Graph) (m: int) =
        let automorphisms = graph.Automorphisms

        if bigint.Pow(bigint graph.Size, m) <= 16_777_216I then
            bigint (1 + Array.max (automorphisms.OrbitsOfTuples m))
        else
            automorphisms.CountOrbits m

    /// S(m, n) + S(m, n - 1).
    let private split (m: int) (n: int) =
        SetPartition.stirling m n + SetPartition.stirling m (n - 1)

    /// How many maps without a head, and how many with one, are listed to span.
    let sizes (group: Group) (m: int) : struct (bigint * bigint) =
        match group with
        | Group.EvenPermutations 1
        | Group.Rotations 1 -> struct (1I, 0I)
        | Group.Permutations n -> struct (SetPartition.restrictedBell m n, 0I)
        | Group.EvenPermutations n -> struct (SetPartition.restrictedBell m n, split m n)
        | Group.AllOrthogonal _
        | Group.SymplecticForm _ -> struct (Brauer.count 0 m 0, 0I)
        | Group.Rotations n -> struct (Brauer.count 0 m 0, Brauer.count n m 0)
        | Group.GraphAutomorphisms graph -> struct (orbits graph m, 0I)

    /// The dimension of their spans, which meet in 0 alone.
    let ranks (group: Group) (m: int) : struct (bigint * bigint) =
        match group with
        | Group.AllOrthogonal n -> struct (orthogonal n m, 0I)
        | Group.SymplecticForm n ->
            struct (tableaux m (fun rows -> rows.Length <= n && Array.forall isEven (columns rows)), 0I)
        | Group.Rotations n when n > 1 ->
            let isHead (rows: int[]) =
                rows.Length = n && rows |> Array.forall (isEven >> not)

            struct (orthogonal n m, tableaux m isHead)
        | _ -> sizes group m

    /// Whether the spanning maps are independent: a theorem for each group.
    let isIndependent (group: Group) (m: int) : bool =
        match group with
        | Group.Permutations _
        | Group.EvenPermutations _
        | Group.GraphAutomorphisms _
        | Group.Rotations 1 -> true
        | Group.AllOrthogonal n -> m % 2 = 1 || 2 * n >= m
        | Group.SymplecticForm n -> m % 2 = 1 || n >= m
        | Group.Rotations n ->
            if m % 2 = 0 && 2 * n < m then false
            elif (m - n) % 2 <> 0 then true
            else m <= n

    /// Both numbers as one.
    let total (struct (plain: bigint, heads: bigint)) = plain + heads
