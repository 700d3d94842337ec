namespace Ortho

/// <summary>Frobenius inner products of the maps that span the equivariant maps, exact and from their diagrams alone: no tensor is made.</summary>
/// <remarks>
/// <para>Glue the vertices of two diagrams. D and E: n to the number of components. X: n!/(n-t)! for one diagram of t blocks with itself, else 0. F: a
/// loop is the trace of a product of eps, eps^T and 1, so plus or minus n. H: n! n^loops, with the sign of how the paths join the free vertices of one
/// to those of the other, or 0 if a path joins two of one. J: n! for a diagram with itself, else 0.</para>
/// <para>Maps with a head are orthogonal to maps without one if n > 1: an element of determinant -1, or an odd permutation, is an isometry that changes
/// the sign of the former alone. Sources: Pearce-Crump 2212.08648, 2212.08630, 2301.10152; Collins and Sniady 2006 (loops).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Gram =

    /// The most maps whose matrix of inner products is made: 2^24 entries.
    [<Literal; CompiledName("Limit")>]
    let limit = 4096

    let private sameRows (p: Diagram) (q: Diagram) =
        Guard.notNull "p" p
        Guard.notNull "q" q

        Guard.holds "q" (q.TopCount = p.TopCount && q.BottomCount = p.BottomCount) (fun () ->
            $"q must have {p.BottomCount} bottom and {p.TopCount} top vertices, like p, but has {q.BottomCount} and {q.TopCount}.")

    let private brauer (free: int) (p: Diagram) (q: Diagram) =
        sameRows p q

        for name, d in [ "p", p; "q", q ] do
            Guard.holds name (Brauer.isBrauer free d) (fun () ->
                $"{name} must have {free} free vertices and else pairs, but is {d}.")

    let private components (p: Diagram) (q: Diagram) =
        let sets = DisjointSets(p.BlockCount + q.BlockCount)

        Array.iter2 (fun a b -> sets.Union(a, p.BlockCount + b)) p.Partition.Growth q.Partition.Growth
        sets.Components

    let private factorial (n: int) =
        Seq.fold (*) 1I (seq { 1I .. bigint n })

    let private value (n: int) (struct (sign: int, exponent: int)) =
        bigint sign * bigint.Pow(bigint n, exponent)

    /// <summary>The inner product of D_p and D_q, or of E_p and E_q: n to the number of blocks of the join of p and q.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="p">A diagram.</param>
    /// <param name="q">One with as many bottom and as many top vertices.</param>
    /// <exception cref="T:System.ArgumentException">n is below 1, or the rows differ.</exception>
    [<CompiledName("Diagram")>]
    let diagram (n: int) (p: Diagram) (q: Diagram) : bigint =
        Guard.positive "n" n
        sameRows p q
        value n (struct (1, components p q))

    /// <summary>The inner product of X_p and X_q: n!/(n-t)! for equal diagrams of t blocks, else 0.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="p">A diagram.</param>
    /// <param name="q">One with as many bottom and as many top vertices.</param>
    /// <exception cref="T:System.ArgumentException">n is below 1, or the rows differ.</exception>
    [<CompiledName("Orbit")>]
    let orbit (n: int) (p: Diagram) (q: Diagram) : bigint =
        Guard.positive "n" n
        sameRows p q
        if p = q then OrbitBasis.normSquared n p else 0I

    /// <summary>The inner product of F_p and F_q of Sp(n) (`SymplecticFunctor.raw`): plus or minus n^loops.</summary>
    /// <param name="n">Dimension of R^n, even.</param>
    /// <param name="p">A Brauer diagram.</param>
    /// <param name="q">One with as many bottom and as many top vertices.</param>
    /// <exception cref="T:System.ArgumentException">n is odd or below 1, a block is not a pair, or the rows differ.</exception>
    [<CompiledName("Symplectic")>]
    let symplectic (n: int) (p: Diagram) (q: Diagram) : bigint =
        Guard.positive "n" n
        Guard.holds "n" (n % 2 = 0) (fun () -> $"n must be even for Sp(n), but is {n}.")
        brauer 0 p q
        value n (Loops.forms (Loops.partners p) (Loops.partners q))

    /// <summary>The inner product of H_p and H_q of SO(n): n! n^loops with a sign, or 0.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="p">A diagram of n free vertices and else pairs.</param>
    /// <param name="q">One with as many bottom and as many top vertices.</param>
    /// <exception cref="T:System.ArgumentException">n is below 1, a diagram has other blocks, or the rows differ.</exception>
    [<CompiledName("Determinant")>]
    let determinant (n: int) (p: Diagram) (q: Diagram) : bigint =
        Guard.positive "n" n
        brauer n p q
        factorial n * value n (Loops.heads (Loops.partners p) (Loops.partners q))

    /// <summary>The inner product of J_p and J_q of A_n: n! for equal diagrams, else 0.</summary>
    /// <param name="n">Dimension of R^n, at least 2.</param>
    /// <param name="p">A diagram of n or n - 1 blocks.</param>
    /// <param name="q">One with as many bottom and as many top vertices.</param>
    /// <exception cref="T:System.ArgumentException">n is below 2, a diagram has another number of blocks, or the rows differ.</exception>
    [<CompiledName("Jellyfish")>]
    let jellyfish (n: int) (p: Diagram) (q: Diagram) : bigint =
        Guard.atLeast "n" 2 n
        sameRows p q

        for name, d in [ "p", p; "q", q ] do
            Guard.holds name (d.BlockCount = n || d.BlockCount = n - 1) (fun () ->
                $"{name} must have {n} or {n - 1} blocks, but has {d.BlockCount}: {d}.")

        if p = q then factorial n else 0I

    /// The inner product of maps i and j, as a sign and an exponent: sign n^exponent, times n! if the maps have heads.
    let internal term (group: Group) (maps: SpanningMap[]) : int -> int -> struct (int * int) =
        let arePairs =
            match group with
            | Group.Permutations _
            | Group.EvenPermutations _
            | Group.Rotations 1 -> false
            | _ -> true

        let partners =
            maps
            |> Array.map (fun map ->
                match map with
                | Plain d
                | Form d
                | Head d -> if arePairs then Loops.partners d else [||])

        fun i j ->
            match maps[i], maps[j] with
            | Plain _, Plain _ when arePairs -> Loops.deltas partners[i] partners[j]
            | Plain p, Plain q -> struct (1, components p q)
            | Form _, Form _ -> Loops.forms partners[i] partners[j]
            | Head _, Head _ when arePairs -> Loops.heads partners[i] partners[j]
            | Head p, Head q -> struct ((if p = q then 1 else 0), 0)
            | _ -> struct (0, 0)

    /// The inner products of some of a group's spanning maps.
    let internal ofMaps (group: Group) (maps: SpanningMap[]) : bigint[,] =
        let term = term group maps
        let n = group.Dimension
        let head = factorial n
        let gram = Array2D.create maps.Length maps.Length 0I

        for i in 0 .. maps.Length - 1 do
            for j in 0..i do
                let entry = value n (term i j)
                gram[i, j] <- if maps[i].IsHead then head * entry else entry
                gram[j, i] <- gram[i, j]

        gram

    /// <summary>The inner products of the maps of `Basis.spanning`, in its order.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input, at least 0.</param>
    /// <param name="l">Tensor order of the output, at least 0.</param>
    /// <returns>A symmetric matrix, positive definite where the maps are independent. Diagonal for Aut(G): the sizes of the orbits.</returns>
    /// <exception cref="T:System.ArgumentException">An order is negative, or there are more than `limit` maps.</exception>
    [<CompiledName("Matrix")>]
    let matrix (group: Group) (k: int) (l: int) : bigint[,] =
        Guard.notNull "group" group
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l

        Dimension.sizes group (k + l)
        |> Dimension.total
        |> SetPartition.withinLimit limit $"spanning maps from order {k} to order {l} of {group}"

        match group with
        | Group.GraphAutomorphisms graph ->
            let sizes = OrbitFunctor.sizes graph.Automorphisms (k + l)
            Array2D.init sizes.Length sizes.Length (fun i j -> if i = j then bigint sizes[i] else 0I)
        | _ -> Spanning.within limit group k l |> ofMaps group
