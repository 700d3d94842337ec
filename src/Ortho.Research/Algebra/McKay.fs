/// The McKay quiver of S_n and its permutation representation M = R^n: a node for each irreducible representation, and as many
/// edges from one to another as M (x) the first holds the second, which is the ways to remove a box and add one.
/// Source: Pearce-Crump 2212.08648; the rule is Ind Res, the branching rule of S_(n-1) in S_n.
[<RequireQualifiedAccess>]
module Ortho.McKay

open System.Collections.Generic

/// The diagrams one step away, each as often as there are edges.
let private neighbours (y: YoungDiagram) : YoungDiagram[] =
    YoungDiagram.removeBox y |> Array.collect YoungDiagram.addBox

/// The matrix of edge counts, rows and columns in the order of `YoungDiagram.enumerate n`.
[<CompiledName("Adjacency")>]
let adjacency (n: int) : int[,] =
    let entries = YoungDiagram.count n * YoungDiagram.count n

    entries
    |> SetPartition.withinLimit SetPartition.limit $"entries in the McKay matrix of S_{n}"

    let nodes = YoungDiagram.enumerate n
    let index = nodes |> Array.mapi (fun i node -> KeyValuePair(node, i)) |> Dictionary
    let matrix = Array2D.zeroCreate nodes.Length nodes.Length

    for node in nodes do
        for neighbour in neighbours node do
            let i, j = index[node], index[neighbour]
            matrix[i, j] <- matrix[i, j] + 1

    matrix

/// <summary>Number of closed walks of m steps from the trivial representation (n): the dimension of the invariants of M^m.</summary>
/// <remarks>Equals `SetPartition.restrictedBell m n`, by another road. Holds only the nodes that m steps reach.</remarks>
[<CompiledName("Walks")>]
let walks (n: int) (m: int) : bigint =
    Guard.atLeast "n" 0 n
    Guard.atLeast "m" 0 m
    let start = YoungDiagram.ofRows (if n = 0 then [||] else [| n |])

    let step (counts: Dictionary<YoungDiagram, bigint>) =
        let next = Dictionary()

        for entry in counts do
            for neighbour in neighbours entry.Key do
                next[neighbour] <- next.GetValueOrDefault(neighbour, 0I) + entry.Value

        next

    let mutable counts = Dictionary()
    counts.Add(start, 1I)

    for _ in 1..m do
        counts <- step counts

    counts.GetValueOrDefault(start, 0I)
