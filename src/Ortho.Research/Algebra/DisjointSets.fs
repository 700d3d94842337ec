namespace Ortho

/// Disjoint sets that only ever merge (union-find with path halving): the connected components behind joins and products.
[<Sealed; NoEquality; NoComparison>]
type internal DisjointSets(count: int) =
    let parent = Array.init count id
    let mutable components = count

    /// Number of sets left.
    member _.Components = components

    /// The representative of the set that holds i.
    member _.Find(i: int) =
        let mutable root = i

        while parent[root] <> root do
            parent[root] <- parent[parent[root]]
            root <- parent[root]

        root

    /// Merges the sets that hold i and j.
    member sets.Union(i: int, j: int) =
        let a = sets.Find i
        let b = sets.Find j

        if a <> b then
            parent[b] <- a
            components <- components - 1
