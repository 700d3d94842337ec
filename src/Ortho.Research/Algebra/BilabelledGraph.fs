namespace Ortho

open System

/// <summary>A (k,l)-bilabelled graph: vertices, edges (loops may appear in products), l labels on vertices above and k below.</summary>
/// <remarks>
/// Labels may repeat, and vertices may have none. It stands for the map (R^n)^k -> (R^n)^l of a graph G of n vertices whose entry counts the
/// homomorphisms to G that take the labelled vertices to the indices. A diagram is one without edges, a vertex for each block.
/// Source: Mancinska and Roberson 2020; Pearce-Crump and Knottenbelt 2307.07810.
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type BilabelledGraph private (size: int, edges: int[][], top: int[], bottom: int[]) =
    static let normal (edges: seq<int[]>) =
        edges
        |> Seq.map (fun edge -> [| min edge[0] edge[1]; max edge[0] edge[1] |])
        |> Seq.distinct
        |> Seq.toArray

    /// <summary>A graph with labels.</summary>
    /// <param name="graph">The vertices and edges.</param>
    /// <param name="top">The labelled vertices above, in order: the axes of the output.</param>
    /// <param name="bottom">The labelled vertices below, in order: the axes of the input.</param>
    /// <exception cref="T:System.ArgumentException">A label is no vertex of the graph.</exception>
    static member Of(graph: Graph, top: int[], bottom: int[]) =
        Guard.notNull "graph" graph
        Guard.notNull "top" top
        Guard.notNull "bottom" bottom

        let check name (labels: int[]) =
            for v in labels do
                Guard.holds name (v >= 0 && v < graph.Size) (fun () ->
                    $"{name} must name vertices from 0 to {graph.Size - 1}, but has {v}.")

        check "top" top
        check "bottom" bottom
        BilabelledGraph(graph.Size, graph.Edges, Array.copy top, Array.copy bottom)

    /// A diagram as a graph without edges: a vertex for each block.
    static member OfDiagram(d: Diagram) =
        Guard.notNull "d" d
        let labels = Array.init (d.TopCount + d.BottomCount) d.BlockOf
        BilabelledGraph(d.BlockCount, [||], labels[.. d.TopCount - 1], labels[d.TopCount ..])

    /// The number of vertices.
    member _.Size = size

    /// The edges, lesser vertex first; a loop joins a vertex to itself.
    member _.Edges = edges |> Array.map Array.copy

    /// The labelled vertices above.
    member _.Top = Array.copy top

    /// The labelled vertices below.
    member _.Bottom = Array.copy bottom

    /// Upside down: its matrix is the transpose.
    member _.Adjoint = BilabelledGraph(size, edges, bottom, top)

    /// Side by side: its matrix is the Kronecker product.
    member _.Tensor(right: BilabelledGraph) =
        Guard.notNull "right" right
        let shift = Array.map ((+) size)

        BilabelledGraph(
            size + right.Size,
            Array.append edges (right.Edges |> Array.map shift),
            Array.append top (shift right.Top),
            Array.append bottom (shift right.Bottom)
        )

    /// <summary>This graph on top of another, their middle labels glued: its matrix is the product of the matrices.</summary>
    /// <exception cref="T:System.ArgumentException">The other has another number of labels above than this below.</exception>
    member _.Compose(first: BilabelledGraph) =
        Guard.notNull "first" first
        let middle = first.Top

        Guard.holds "first" (middle.Length = bottom.Length) (fun () ->
            $"first must have {bottom.Length} labels above, as many as this has below, but has {middle.Length}.")

        let sets = DisjointSets(size + first.Size)
        Array.iter2 (fun v w -> sets.Union(v, size + w)) bottom middle
        let glued = Array.init (size + first.Size) sets.Find |> SetPartition.ofLabels
        let vertex (v: int) = glued.BlockOf v
        let later (v: int) = glued.BlockOf(size + v)

        BilabelledGraph(
            glued.BlockCount,
            normal (Seq.append (edges |> Seq.map (Array.map vertex)) (first.Edges |> Seq.map (Array.map later))),
            Array.map vertex top,
            Array.map later first.Bottom
        )

    override _.ToString() =
        let list (numbers: int[]) = String.Join(",", numbers)
        let pairs = edges |> Array.map (fun edge -> $"{edge[0]}-{edge[1]}")
        $"({bottom.Length},{top.Length}) {size} vertices, edges {String.Join(' ', pairs)}, above {list top}, below {list bottom}"
