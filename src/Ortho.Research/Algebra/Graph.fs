namespace Ortho

open System
open System.Collections.Generic

/// <summary>A simple graph on the vertices 0..n-1, and its automorphisms.</summary>
[<Sealed>]
type Graph private (size: int, edges: int[][]) as this =
    let adjacency = Array2D.create size size false

    do
        for edge in edges do
            adjacency[edge[0], edge[1]] <- true
            adjacency[edge[1], edge[0]] <- true

    let neighbours =
        Array.init size (fun v ->
            [|
                for w in 0 .. size - 1 do
                    if adjacency[v, w] then
                        w
            |])

    let automorphisms: Lazy<PermutationGroup> = lazy this.FindAutomorphisms()

    /// <summary>The graph of n vertices with the given edges.</summary>
    /// <param name="n">The number of vertices, at least 1.</param>
    /// <param name="edges">Pairs of different vertices, in either order; one may be given twice.</param>
    /// <exception cref="T:System.ArgumentException">An edge is no pair, a loop, or has a vertex out of range.</exception>
    static member OfEdges(n: int, edges: int[][]) =
        Guard.positive "n" n
        Guard.notNull "edges" edges

        for edge in edges do
            Guard.notNull "edges" edge
            let text = String.Join(", ", edge)

            Guard.holds
                "edges"
                (edge.Length = 2
                 && edge[0] <> edge[1]
                 && edge |> Array.forall (fun v -> v >= 0 && v < n))
                (fun () -> $"edges must be pairs of different vertices from 0 to {n - 1}, but one is ({text}).")

        let distinct =
            edges
            |> Array.map (fun edge -> [| min edge[0] edge[1]; max edge[0] edge[1] |])
            |> Array.distinct
            |> Array.sort

        Graph(n, distinct)

    /// The cycle of n vertices, n at least 3.
    static member Cycle(n: int) =
        Guard.atLeast "n" 3 n
        Graph.OfEdges(n, Array.init n (fun i -> [| i; (i + 1) % n |]))

    /// The path of n vertices.
    static member Path(n: int) =
        Guard.positive "n" n
        Graph.OfEdges(n, Array.init (n - 1) (fun i -> [| i; i + 1 |]))

    /// The complete graph of n vertices: its automorphisms are S_n.
    static member Complete(n: int) =
        Guard.positive "n" n

        Graph.OfEdges(
            n,
            [|
                for i in 0 .. n - 1 do
                    for j in i + 1 .. n - 1 -> [| i; j |]
            |]
        )

    /// The complete bipartite graph of a and b vertices.
    static member CompleteBipartite(a: int, b: int) =
        Guard.positive "a" a
        Guard.positive "b" b

        Graph.OfEdges(
            a + b,
            [|
                for i in 0 .. a - 1 do
                    for j in a .. a + b - 1 -> [| i; j |]
            |]
        )

    /// The cube of d dimensions, 2^d vertices.
    static member Hypercube(d: int) =
        Guard.between "d" 0 10 d
        let n = 1 <<< d

        Graph.OfEdges(
            n,
            [|
                for v in 0 .. n - 1 do
                    for i in 0 .. d - 1 do
                        if v >>> i &&& 1 = 0 then
                            [| v; v ||| (1 <<< i) |]
            |]
        )

    /// Petersen's graph: outer cycle 0..4, inner star 5..9.
    static member Petersen =
        Graph.OfEdges(
            10,
            [|
                for i in 0..4 do
                    [| i; (i + 1) % 5 |]
                    [| i; i + 5 |]
                    [| i + 5; (i + 2) % 5 + 5 |]
            |]
        )

    /// The number of vertices.
    member _.Size = size

    /// The edges, each once, lesser vertex first.
    member _.Edges = edges |> Array.map Array.copy

    /// Whether two vertices are joined.
    member _.HasEdge(v: int, w: int) =
        Guard.between "v" 0 (size - 1) v
        Guard.between "w" 0 (size - 1) w
        adjacency[v, w]

    /// The vertices joined to one.
    member _.Neighbours(v: int) =
        Guard.between "v" 0 (size - 1) v
        Array.copy neighbours[v]

    /// Whether a permutation of the vertices keeps edges.
    member _.IsAutomorphism(p: Permutation) =
        Guard.notNull "p" p

        p.Size = size
        && edges
           |> Array.forall (fun edge -> adjacency[p.Images[edge[0]], p.Images[edge[1]]])

    /// Splits the classes of two colourings until each vertex of a class has as many neighbours in each class; None if they then differ.
    member private _.Refine(first: int[], second: int[]) =
        let mutable colours = Some(first, second)
        let mutable count = -1

        let signature (colour: int[]) (v: int) =
            let around = neighbours[v] |> Array.map (fun w -> colour[w]) |> Array.sort
            struct (colour[v], around)

        let compare (struct (a: int, x: int[])) (struct (b: int, y: int[])) =
            if a <> b then compare a b else compare x y

        let mutable isStable = false

        while not isStable do
            match colours with
            | None -> isStable <- true
            | Some(a, b) ->
                let ofA, ofB = Array.init size (signature a), Array.init size (signature b)
                let sorted = Array.sortWith compare ofA

                if Array.forall2 (fun x y -> compare x y = 0) sorted (Array.sortWith compare ofB) then
                    let classes = sorted |> Array.distinct
                    let number = Dictionary<string, int>()
                    let name (struct (colour: int, around: int[])) = $"{colour}:" + String.Join(",", around)
                    classes |> Array.iteri (fun i c -> number[name c] <- i)
                    isStable <- classes.Length = count
                    count <- classes.Length

                    colours <-
                        Some(ofA |> Array.map (fun s -> number[name s]), ofB |> Array.map (fun s -> number[name s]))
                else
                    colours <- None

        colours

    /// An automorphism that takes the colours of the first colouring to those of the second, if there is one.
    member private graph.Search(first: int[], second: int[]) : int[] option =
        match graph.Refine(first, second) with
        | None -> None
        | Some(a, b) ->
            let cells = Array.groupBy (fun v -> a[v]) [| 0 .. size - 1 |]

            match cells |> Array.tryFind (fun (_, cell) -> cell.Length > 1) with
            | None ->
                let place = Array.zeroCreate size
                b |> Array.iteri (fun v colour -> place[colour] <- v)
                let images = a |> Array.map (fun colour -> place[colour])

                if graph.IsAutomorphism(Permutation.ofArray images) then
                    Some images
                else
                    None
            | Some(colour, cell) ->
                let single (colours: int[]) (v: int) = Array.updateAt v size colours

                seq { 0 .. size - 1 }
                |> Seq.filter (fun w -> b[w] = colour)
                |> Seq.tryPick (fun w -> graph.Search(single a cell[0], single b w))

    /// <summary>The group of the permutations that keep edges.</summary>
    /// <remarks>Individualisation and refinement (McKay 1981): for each point of a base that the refinement leaves open, one automorphism to each
    /// point of its class that is not in its orbit yet. Fast for the graphs of a few dozen vertices that layers are made for; strongly regular graphs
    /// are the hard ones.</remarks>
    member _.Automorphisms = automorphisms.Value

    member private graph.FindAutomorphisms() : PermutationGroup =
        let found = ResizeArray<Permutation>()

        // The base: points made single until the refinement is discrete, with the colouring before each.
        let rec basePoints (colours: int[]) =
            match graph.Refine(colours, colours) with
            | None -> []
            | Some(stable, _) ->
                match
                    Array.groupBy (fun v -> stable[v]) [| 0 .. size - 1 |]
                    |> Array.tryFind (fun (_, cell) -> cell.Length > 1)
                with
                | None -> []
                | Some(_, cell) -> (stable, cell) :: basePoints (Array.updateAt cell[0] size stable)

        for colours, cell in List.rev (basePoints (Array.create size 0)) do
            // All found so far fix the points before this one: it is the deepest level not done.
            let orbits = DisjointSets size

            let join (p: Permutation) =
                p.Images |> Array.iteri (fun i image -> orbits.Union(i, image))

            Seq.iter join found
            let point = cell[0]

            for other in cell[1..] do
                if orbits.Find other <> orbits.Find point then
                    match graph.Search(Array.updateAt point size colours, Array.updateAt other size colours) with
                    | Some images ->
                        let p = Permutation.ofArray images
                        found.Add p
                        join p
                    | None -> ()

        PermutationGroup.OfGenerators(size, found.ToArray())

    /// The same number of vertices and the same edges.
    override _.Equals(other: obj) =
        match other with
        | :? Graph as graph -> graph.Size = size && graph.Edges = edges
        | _ -> false

    override _.GetHashCode() = HashCode.Combine(size, edges.Length)

    /// Whether both are null or equal.
    static member op_Equality(a: Graph, b: Graph) = Object.Equals(a, b)

    /// Whether one is null or they differ.
    static member op_Inequality(a: Graph, b: Graph) = not (Object.Equals(a, b))

    override _.ToString() =
        $"a graph of {size} vertices and {edges.Length} edges"
