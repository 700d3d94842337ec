namespace Ortho

open System
open TorchSharp

/// <summary>From bilabelled graphs to linear maps that commute with the automorphisms of a graph G.</summary>
/// <remarks>Entry (I, J) counts the homomorphisms H -> G that take the labels above to I and those below to J. Exactly a functor: products, tensor
/// products and transposes go to those of the maps, without a scalar. Source: Mancinska and Roberson 2020; 2307.07810.</remarks>
[<RequireQualifiedAccess>]
module GraphFunctor =

    /// The names of the axes of einsum.
    let private letter (v: int) =
        string ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[v])

    let private act (graph: Graph) (adjacency: Table) (h: BilabelledGraph) =
        let n = int64 graph.Size
        let below, above = h.Bottom |> Array.distinct, h.Top |> Array.distinct
        let batchLetter = letter h.Size

        let axesOf (labels: int[]) (v: int) =
            [|
                for axis in 0 .. labels.Length - 1 do
                    if labels[axis] = v then
                        axis
            |]

        let reads = below |> Array.map (axesOf h.Bottom)
        let writes = above |> Array.map (axesOf h.Top)
        let covered = Set.ofSeq (Seq.append below (Seq.concat h.Edges))

        let alone =
            [|
                for v in 0 .. h.Size - 1 do
                    if not (covered.Contains v) then
                        v
            |]

        let formula =
            String.Join(
                ",",
                seq {
                    yield batchLetter + String.Join("", below |> Array.map letter)
                    for edge in h.Edges -> letter edge[0] + letter edge[1]
                    for v in alone -> letter v
                }
            )
            + "->"
            + batchLetter
            + String.Join("", above |> Array.map letter)

        Actions.scoped (fun (x: torch.Tensor) ->
            let batch = int x.ndim - h.Bottom.Length
            let kept = Array.init batch x.size
            let view = StridedView.diagonal batch h.Bottom.Length n reads x

            let flat =
                view.reshape (Array.append [| Array.fold (*) 1L kept |] (Array.replicate below.Length n))

            let matrix = (adjacency.Like x).``to`` x.dtype

            let operands =
                [|
                    yield flat
                    for _ in h.Edges -> matrix
                    for _ in alone -> x.new_ones n
                |]

            let counted = torch.einsum (formula, operands)
            let spread = counted.reshape (Array.append kept (Array.replicate above.Length n))

            let y = x.new_zeros (Array.append kept (Array.replicate h.Top.Length n))
            use place = StridedView.diagonal batch h.Top.Length n writes y
            addInPlace place spread
            y)

    /// <summary>The map of a bilabelled graph for a graph G.</summary>
    /// <param name="graph">G: n vertices, the size of each axis.</param>
    /// <param name="h">The bilabelled graph, of at most 51 vertices. A loop in it gives 0.</param>
    /// <returns>A map from (R^n)^k to (R^n)^l for k labels below and l above.</returns>
    /// <exception cref="T:System.ArgumentException">Too many vertices.</exception>
    /// <remarks>Contracted edge by edge (einsum): no dense matrix over tuples is made, unless h itself is that dense.</remarks>
    [<CompiledName("Homomorphisms")>]
    let homomorphisms (graph: Graph) (h: BilabelledGraph) : LinearMap =
        Guard.notNull "graph" graph
        Guard.notNull "h" h
        Guard.holds "h" (h.Size <= 51) (fun () -> $"h must have at most 51 vertices, but has {h.Size}.")
        let n = graph.Size

        let entries =
            Array.init (n * n) (fun i -> if graph.HasEdge(i / n, i % n) then 1.0 else 0.0)

        let adjacency = Table.ofNumbers [| int64 n; int64 n |] entries
        let space (axes: int) = Space.power axes (Space.Of(int64 n))

        Build.leaf
            $"Hom({h.Size})"
            (space h.Bottom.Length)
            (space h.Top.Length)
            Traits.None
            (Nullable())
            (act graph adjacency h)
            (act graph adjacency h.Adjoint)
