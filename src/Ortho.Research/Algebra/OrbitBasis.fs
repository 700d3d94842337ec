namespace Ortho

/// One diagram of a linear combination.
type DiagramTerm =
    {
        Diagram: Diagram
        Coefficient: bigint
    }

/// <summary>The orbit basis X of the S_n-equivariant maps, next to the diagram basis D.</summary>
/// <remarks>
/// The entry of D_d at the indices of d's vertices is 1 where every block carries one value; that of X_d is 1 where moreover
/// different blocks carry different values, so X_d = 0 if d has more than n blocks. Source: Benkart and Halverson 2017;
/// Pearce-Crump 2212.08648.
/// </remarks>
[<RequireQualifiedAccess>]
module OrbitBasis =

    /// D_d as a sum of orbit elements: X of every coarsening of at most n blocks, each once.
    [<CompiledName("OfDiagram")>]
    let ofDiagram (n: int) (d: Diagram) : DiagramTerm[] =
        Guard.notNull "d" d
        Guard.atLeast "n" 0 n

        SetPartition.coarsenings d.Partition
        |> Array.filter (fun coarse -> coarse.BlockCount <= n)
        |> Array.map (fun coarse ->
            {
                Diagram = { Top = d.TopCount; Blocks = coarse }
                Coefficient = 1I
            })

    /// X_d as a combination of diagram elements, the same for every n: the Moebius inverse of `ofDiagram`.
    [<CompiledName("ToDiagrams")>]
    let toDiagrams (d: Diagram) : DiagramTerm[] =
        Guard.notNull "d" d

        SetPartition.coarsenings d.Partition
        |> Array.map (fun coarse ->
            {
                Diagram = { Top = d.TopCount; Blocks = coarse }
                Coefficient = SetPartition.moebius d.Partition coarse
            })

    /// <summary>The linear extension of a map from diagrams to combinations, e.g. `ofDiagram n` or `toDiagrams`, to a combination.</summary>
    /// <returns>Distinct diagrams with coefficients that are not 0, by first appearance.</returns>
    [<CompiledName("Extend")>]
    let extend (expand: Diagram -> DiagramTerm[]) (terms: DiagramTerm[]) : DiagramTerm[] =
        Guard.notNull "terms" terms

        [|
            for term in terms do
                for image in expand term.Diagram do
                    { image with
                        Coefficient = term.Coefficient * image.Coefficient
                    }
        |]
        |> Array.groupBy _.Diagram
        |> Array.map (fun (d, images) ->
            {
                Diagram = d
                Coefficient = images |> Array.sumBy _.Coefficient
            })
        |> Array.filter (fun term -> not term.Coefficient.IsZero)

    /// Ways to pair some of a things with distinct ones of b others.
    let private pairings (a: int) (b: int) : bigint =
        // The term of i pairs is C(a, i) C(b, i) i!.
        let mutable term = 1I
        let mutable sum = 1I

        for i in 0 .. min a b - 1 do
            term <- term * bigint (a - i) * bigint (b - i) / bigint (i + 1)
            sum <- sum + term

        sum

    /// a (a-1) ... (a-c+1).
    let private falling (a: int) (c: int) : bigint =
        let mutable product = 1I

        for i in 0 .. c - 1 do
            product <- product * bigint (a - i)

        product

    /// <summary>The squared Frobenius norm of X_d, its number of entries 1: n (n-1) ... (n-t+1) = n!/(n-t)! for t blocks, 0 for more than n.</summary>
    /// <param name="n">The dimension of R^n, at least 0.</param>
    /// <param name="d">The diagram.</param>
    [<CompiledName("NormSquared")>]
    let normSquared (n: int) (d: Diagram) : bigint =
        Guard.atLeast "n" 0 n
        Guard.notNull "d" d
        falling n d.BlockCount

    /// <summary>The product X_d2 X_d1 as a combination of orbit elements; empty if it is 0.</summary>
    /// <param name="n">The dimension of R^n, at least 0.</param>
    /// <param name="d2">The diagram applied last.</param>
    /// <param name="d1">The diagram applied first.</param>
    /// <returns>Distinct diagrams with coefficients that are not 0.</returns>
    /// <exception cref="T:System.ArgumentException">The rows do not match, or there are more terms than `SetPartition.limit`.</exception>
    /// <remarks>
    /// 0 unless d2 and d1 cut the middle row alike. Otherwise the sum, over the diagrams r made of `compose d2 d1` by merging
    /// some top blocks of d2 with distinct bottom blocks of d1, of (n-|r|)(n-|r|-1)...(n-|r|-c+1) X_r, c the removed components.
    /// </remarks>
    [<CompiledName("Product")>]
    let product (n: int) (d2: Diagram) (d1: Diagram) : DiagramTerm[] =
        Guard.atLeast "n" 0 n
        let stacked = Diagram.compose d2 d1
        let cut (growth: int[]) = SetPartition.ofLabels growth
        let middle2 = cut d2.Partition.Growth[d2.TopCount ..]
        let middle1 = cut d1.Partition.Growth[.. d1.TopCount - 1]

        if middle2 <> middle1 then
            [||]
        else
            // The blocks that may merge, by their numbers in the product.
            let tops =
                Diagram.topBlocks d2
                |> Array.map (fun block -> stacked.Diagram.BlockOf block[0])

            let bottoms =
                Diagram.bottomBlocks d1
                |> Array.map (fun block -> stacked.Diagram.BlockOf(d2.TopCount + block[0] - d1.TopCount))

            pairings tops.Length bottoms.Length
            |> SetPartition.withinLimit SetPartition.limit $"terms in the orbit product of {d2} and {d1}"

            let terms = ResizeArray()
            // merged[b]: the block that block b has become part of.
            let merged = Array.init stacked.Diagram.BlockCount id

            let rec visit (index: int) (blockCount: int) =
                if index < tops.Length then
                    visit (index + 1) blockCount

                    for bottom in bottoms do
                        if merged[bottom] = bottom then
                            merged[bottom] <- tops[index]
                            visit (index + 1) (blockCount - 1)
                            merged[bottom] <- bottom
                elif blockCount + stacked.Removed <= n then
                    let blocks =
                        stacked.Diagram.Partition.Growth
                        |> Array.map (fun block -> merged[block])
                        |> SetPartition.ofSmallLabels merged.Length

                    terms.Add
                        {
                            Diagram = { Top = d2.TopCount; Blocks = blocks }
                            Coefficient = falling (n - blockCount) stacked.Removed
                        }

            visit 0 stacked.Diagram.BlockCount
            terms.ToArray()
