namespace Ortho

open System
open System.Runtime.InteropServices

/// <summary>A (k,l)-partition diagram: a partition of l top vertices 0..l-1 and k bottom vertices l..l+k-1, each row left to right.</summary>
/// <remarks>
/// It stands for a map (R^n)^k to (R^n)^l: the top row indexes the output's axes, the bottom row the input's. Equality is structural.
/// Sources: Martin 1994 (partition algebra); Pearce-Crump 2212.08648 and 2304.14144 (layers, category).
/// </remarks>
[<StructuredFormatDisplay("{Text}")>]
type Diagram =
    internal
        {
            Top: int
            Blocks: SetPartition
        }

    /// Number l of top vertices.
    member d.TopCount = d.Top

    /// Number k of bottom vertices.
    member d.BottomCount = d.Blocks.Size - d.Top

    /// The partition of the l + k vertices.
    member d.Partition = d.Blocks

    /// Number of blocks.
    member d.BlockCount = d.Blocks.BlockCount

    /// Number of the block that holds the vertex.
    member d.BlockOf(vertex: int) =
        Guard.between "vertex" 0 (d.Blocks.Size - 1) vertex
        d.Blocks.Growth[vertex]

    member internal d.Text = d.ToString()

    /// The sizes and blocks, e.g. (1,2) {0,2|1} for k = 1 and l = 2.
    override d.ToString() = $"({d.BottomCount},{d.Top}) {d.Blocks}"

/// A product of two diagrams, and how many components were lost in the middle row: D_d2 D_d1 = n^Removed D_Diagram.
type DiagramProduct = { Diagram: Diagram; Removed: int }

/// A diagram as Left after Planar after Right, the outer two being permutations of its top and its bottom row.
type DiagramFactors =
    {
        Left: Permutation
        Planar: Diagram
        Right: Permutation
    }

/// Partition diagrams: the morphisms k to l of the partition category, their facts and products.
[<RequireQualifiedAccess>]
module Diagram =

    /// <summary>The diagram with k bottom vertices, l top vertices and the blocks of a partition of l + k elements.</summary>
    /// <exception cref="T:System.ArgumentException">The partition has another size than l + k.</exception>
    let ofPartition (k: int) (l: int) (partition: SetPartition) : Diagram =
        Guard.notNull "partition" partition
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l

        Guard.holds "partition" (partition.Size = l + k) (fun () ->
            $"partition must be one of l + k = {l} + {k} vertices, but has {partition.Size} elements.")

        { Top = l; Blocks = partition }

    /// The diagram with k bottom vertices, l top vertices and the given blocks, in any order.
    let ofBlocks (k: int) (l: int) (blocks: seq<#seq<int>>) : Diagram =
        SetPartition.ofBlocks blocks |> ofPartition k l

    /// All (k,l)-diagrams of at most maxBlocks blocks; refused with their number if there are more than the limit.
    let enumerateWithin (limit: int) (maxBlocks: int) (k: int) (l: int) : Diagram[] =
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l

        SetPartition.enumerateWithin limit maxBlocks (l + k)
        |> Array.map (fun partition -> { Top = l; Blocks = partition })

    /// The (k,l)-diagrams of at most n blocks: a basis of the S_n-equivariant maps (R^n)^k to (R^n)^l.
    let enumerateAtMost (n: int) (k: int) (l: int) : Diagram[] =
        enumerateWithin SetPartition.limit n k l

    /// All (k,l)-diagrams, Bell(l+k) of them.
    let enumerate (k: int) (l: int) : Diagram[] = enumerateAtMost (l + k) k l

    /// The diagram of a permutation: bottom vertex j is joined to top vertex p[j], so products go to products.
    let ofPermutation (p: Permutation) : Diagram =
        Guard.notNull "p" p

        {
            Top = p.Size
            Blocks =
                {
                    Growth = Array.append (Array.init p.Size id) p.Images
                    Count = p.Size
                }
        }

    /// The diagram that joins every bottom vertex to the top vertex above it.
    let identity (k: int) : Diagram = Permutation.identity k |> ofPermutation

    /// The blocks that lie in the top row alone, by least vertex.
    let topBlocks (d: Diagram) : int[][] =
        d.Blocks.Blocks
        |> Array.filter (fun block -> Array.forall (fun v -> v < d.Top) block)

    /// The blocks that lie in the bottom row alone, by least vertex; vertices count from l.
    let bottomBlocks (d: Diagram) : int[][] =
        d.Blocks.Blocks
        |> Array.filter (fun block -> Array.forall (fun v -> v >= d.Top) block)

    /// The blocks that meet both rows, by least top vertex.
    let throughBlocks (d: Diagram) : int[][] =
        d.Blocks.Blocks
        |> Array.filter (fun block -> block[0] < d.Top && Array.last block >= d.Top)

    /// Number of blocks that meet both rows; a product has at most the smaller of its factors' numbers.
    let propagatingNumber (d: Diagram) : int = (throughBlocks d).Length

    /// Number of the block that holds the vertex.
    let blockOfVertex (vertex: int) (d: Diagram) : int = d.BlockOf vertex

    /// True if every block joins one top to one bottom vertex.
    let isPermutation (d: Diagram) : bool =
        d.Top = d.BottomCount && propagatingNumber d = d.Top

    /// The permutation whose diagram this is, if there is one.
    let tryPermutation (d: Diagram) : Permutation option =
        if isPermutation d then
            Some { Images = d.Blocks.Growth[d.Top ..] }
        else
            None

    let private composable (d2: Diagram) (d1: Diagram) =
        Guard.notNull "d2" d2
        Guard.notNull "d1" d1

        Guard.holds "d1" (d2.BottomCount = d1.Top) (fun () ->
            $"The top row of d1 must match the bottom row of d2, but d1 has {d1.Top} top and d2 has {d2.BottomCount} bottom vertices.")

    /// <summary>The product "d2 after d1": d2 is stacked on d1, and the components that lie in the middle row are removed.</summary>
    /// <exception cref="T:System.ArgumentException">The bottom row of d2 and the top row of d1 have different sizes.</exception>
    let compose (d2: Diagram) (d1: Diagram) : DiagramProduct =
        composable d2 d1
        let blocks1, blocks2 = d1.Blocks, d2.Blocks
        // The sets hold the blocks of d2, then those of d1.
        let sets = DisjointSets(blocks2.Count + blocks1.Count)

        for middle in 0 .. d1.Top - 1 do
            sets.Union(blocks2.Growth[d2.Top + middle], blocks2.Count + blocks1.Growth[middle])

        let labelOf (vertex: int) =
            if vertex < d2.Top then
                sets.Find blocks2.Growth[vertex]
            else
                sets.Find(blocks2.Count + blocks1.Growth[d1.Top + vertex - d2.Top])

        let partition =
            Array.init (d2.Top + d1.BottomCount) labelOf
            |> SetPartition.ofSmallLabels (blocks2.Count + blocks1.Count)

        {
            Diagram = { Top = d2.Top; Blocks = partition }
            Removed = sets.Components - partition.Count
        }

    /// The diagrams side by side: the matrix of `tensor left right` is the Kronecker product of theirs, in this order.
    let tensor (left: Diagram) (right: Diagram) : Diagram =
        Guard.notNull "right" right

        let labels =
            [|
                yield! left.Blocks.Growth[.. left.Top - 1]
                for block in right.Blocks.Growth[.. right.Top - 1] -> left.BlockCount + block
                yield! left.Blocks.Growth[left.Top ..]
                for block in right.Blocks.Growth[right.Top ..] -> left.BlockCount + block
            |]

        {
            Top = left.Top + right.Top
            Blocks = SetPartition.ofSmallLabels (left.BlockCount + right.BlockCount) labels
        }

    /// The diagram upside down: its matrix is the transpose.
    let adjoint (d: Diagram) : Diagram =
        let growth = d.Blocks.Growth

        {
            Top = d.BottomCount
            Blocks =
                Array.append growth[d.Top ..] growth[.. d.Top - 1]
                |> SetPartition.ofSmallLabels d.BlockCount
        }

    /// <summary>The components of a (k,k)-diagram when each top vertex is joined to the bottom vertex below it: a partition of the k positions.</summary>
    /// <exception cref="T:System.ArgumentException">The rows differ in size.</exception>
    /// <remarks>The trace of D_d is n to the number of its blocks: the closed diagram is a number. Source: Martin 1994; Pearce-Crump 2304.14144.</remarks>
    let closure (d: Diagram) : SetPartition =
        Guard.notNull "d" d

        Guard.holds "d" (d.Top = d.BottomCount) (fun () ->
            $"d must have rows of one size to be closed, but has {d.Top} top and {d.BottomCount} bottom vertices.")

        let growth, sets = d.Blocks.Growth, DisjointSets d.BlockCount

        for position in 0 .. d.Top - 1 do
            sets.Union(growth[position], growth[d.Top + position])

        growth[.. d.Top - 1]
        |> Array.map sets.Find
        |> SetPartition.ofSmallLabels d.BlockCount

    /// <summary>Factors d = Left after Planar after Right, where the matrix of Planar is a Kronecker product of small ones.</summary>
    /// <remarks>
    /// In Planar every block occupies neighbouring vertices. Top row: the top blocks, then the through blocks; bottom row: the
    /// through blocks in the same order, then the bottom blocks by increasing size (the largest is summed out first).
    /// Source: Pearce-Crump 2304.14165, Factor.
    /// </remarks>
    let factor (d: Diagram) : DiagramFactors =
        let top = d.Top
        let through = throughBlocks d

        let order =
            [|
                yield! Array.concat (topBlocks d)
                for block in through do
                    yield! Array.filter (fun v -> v < top) block
                for block in through do
                    yield! Array.filter (fun v -> v >= top) block
                yield! bottomBlocks d |> Array.sortBy Array.length |> Array.concat
            |]

        let planar =
            order
            |> Array.map (fun v -> d.Blocks.Growth[v])
            |> SetPartition.ofSmallLabels d.BlockCount

        {
            Left = { Images = order[.. top - 1] }
            Planar = { Top = top; Blocks = planar }
            Right =
                Permutation.inverse
                    {
                        Images = order[top..] |> Array.map (fun v -> v - top)
                    }
        }

    /// The vertices of each row, left to right, under a letter for their block; a block of one vertex is a dot.
    let draw (d: Diagram) : string =
        let blocks = d.Blocks.Blocks

        // The blocks of two or more vertices are a, b, ..., z, aa, ab, ...
        let rec letters number =
            let letter = string (char (int 'a' + number % 26))

            if number < 26 then
                letter
            else
                letters (number / 26 - 1) + letter

        let names =
            (0, blocks)
            ||> Array.mapFold (fun next block ->
                if block.Length = 1 then
                    ".", next
                else
                    letters next, next + 1)
            |> fst

        let row (growth: int[]) =
            growth |> Array.map (fun block -> names[block]) |> String.concat " "

        row d.Blocks.Growth[.. d.Top - 1] + "\n" + row d.Blocks.Growth[d.Top ..]

// What a C# program calls.
type Diagram with

    /// Whether both are null or equal.
    static member op_Equality(a: Diagram, b: Diagram) = Object.Equals(a, b)

    /// Whether one is null or they differ.
    static member op_Inequality(a: Diagram, b: Diagram) = not (Object.Equals(a, b))

    /// The diagram with k bottom vertices, l top vertices and the blocks of a partition of l + k elements.
    static member OfPartition(k: int, l: int, partition: SetPartition) = Diagram.ofPartition k l partition

    /// The diagram with k bottom vertices, l top vertices and the given blocks.
    static member OfBlocks(k: int, l: int, blocks: int[][]) = Diagram.ofBlocks k l blocks

    /// The diagram of a permutation.
    static member OfPermutation(p: Permutation) = Diagram.ofPermutation p

    /// The diagram that joins every bottom vertex to the top vertex above it.
    static member Identity(k: int) = Diagram.identity k

    /// All (k,l)-diagrams.
    static member Enumerate(k: int, l: int) = Diagram.enumerate k l

    /// The (k,l)-diagrams of at most n blocks.
    static member EnumerateAtMost(n: int, k: int, l: int) = Diagram.enumerateAtMost n k l

    /// The (k,l)-diagrams of at most maxBlocks blocks, if there are no more than the limit.
    static member EnumerateWithin(limit: int, maxBlocks: int, k: int, l: int) =
        Diagram.enumerateWithin limit maxBlocks k l

    /// This diagram stacked on d1.
    member d2.Compose(d1: Diagram) = Diagram.compose d2 d1

    /// This diagram with another one to its right.
    member left.Tensor(right: Diagram) = Diagram.tensor left right

    /// This diagram upside down.
    member d.Adjoint = Diagram.adjoint d

    /// The components of this diagram when each top vertex is joined to the bottom vertex below it.
    member d.Closure = Diagram.closure d

    /// This diagram as permutation after planar after permutation.
    member d.Factor() = Diagram.factor d

    /// The blocks that lie in the top row alone.
    member d.TopBlocks = Diagram.topBlocks d

    /// The blocks that lie in the bottom row alone.
    member d.BottomBlocks = Diagram.bottomBlocks d

    /// The blocks that meet both rows.
    member d.ThroughBlocks = Diagram.throughBlocks d

    /// Number of blocks that meet both rows.
    member d.PropagatingNumber = Diagram.propagatingNumber d

    /// True if every block joins one top to one bottom vertex.
    member d.IsPermutation = Diagram.isPermutation d

    /// Whether this is the diagram of a permutation, and of which.
    member d.TryPermutation([<Out>] permutation: byref<Permutation>) =
        match Diagram.tryPermutation d with
        | Some found ->
            permutation <- found
            true
        | None -> false

    /// The two rows, a letter for each block.
    member d.Draw() = Diagram.draw d
