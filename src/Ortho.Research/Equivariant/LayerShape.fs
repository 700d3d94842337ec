namespace Ortho

open System

/// <summary>Facts about layers between features that need no map: dimensions, sizes, norms.</summary>
[<RequireQualifiedAccess>]
module internal LayerShape =

    /// The orders of each input summand, a constant's last.
    let bottoms (groups: Group[]) (input: Features) (hasConstant: bool) =
        [|
            for i in 0 .. input.Count - 1 -> input.OrdersOf i
            if hasConstant then
                yield Array.zeroCreate<int> groups.Length
        |]

    /// The number of maps for each pair of summands.
    let dimensions (groups: Group[]) (input: Features) (output: Features) (hasConstant: bool) : bigint[,] =
        let bottoms = bottoms groups input hasConstant

        Array2D.init bottoms.Length output.Count (fun i j ->
            (1I, Array.indexed groups)
            ||> Array.fold (fun product (f, group) ->
                product * Basis.dimension group (bottoms[i][f]) (output.OrdersOf(j)[f])))

    /// The number of entries of a tensor of some orders.
    let size (groups: Group[]) (orders: int[]) : float =
        (1.0, groups, orders)
        |||> Array.fold2 (fun size group order -> size * float group.Dimension ** float order)

    /// |A|^2 of each map of a basis, which is the number of its entries that are not 0.
    let squares (groups: Group[]) (bottom: int[]) (top: int[]) : float[] =
        groups
        |> Array.mapi (fun f group ->
            let k, l = bottom[f], top[f]

            match group with
            | Group.GraphAutomorphisms graph ->
                graph.Automorphisms.OrbitsOfTuples(k + l)
                |> Array.countBy id
                |> Array.sortBy fst
                |> Array.map (snd >> float)
            | _ ->
                let all = Spanning.within SetPartition.limit group k l

                Basis.independentIndices group k l
                |> Array.map (fun index -> Spanning.normSquared group all[index]))
        |> Array.reduce (fun left right -> Array.allPairs left right |> Array.map (fun (a, b) -> a * b))

    /// What a dense layer would make, for each pair of summands that has maps.
    let denseSizes (groups: Group[]) (input: Features) (output: Features) (hasConstant: bool) : DenseSize[] =
        let counts = dimensions groups input output hasConstant
        let bottoms = bottoms groups input hasConstant

        [|
            for i in 0 .. bottoms.Length - 1 do
                for j in 0 .. output.Count - 1 do
                    if counts[i, j] > 0I then
                        let c = if i < input.Count then input.ChannelsOf i else 1L

                        {
                            Maps = int counts[i, j]
                            Channels = float (c * output.ChannelsOf j)
                            Entries = size groups bottoms[i] * size groups (output.OrdersOf j)
                            Nonzeros = squares groups bottoms[i] (output.OrdersOf j) |> Array.sum
                        }
        |]
