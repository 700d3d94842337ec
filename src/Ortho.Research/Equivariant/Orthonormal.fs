namespace Ortho

open System.Collections.Generic

/// <summary>Orthonormal combinations of the spanning maps, from their exact inner products.</summary>
/// <remarks>Groups of permutations: the orbit basis is orthogonal. The others: Gram-Schmidt of the independent spanning maps from the front, which is
/// the inverse of the Cholesky factor of their Gram matrix, in float64.</remarks>
[<RequireQualifiedAccess>]
module internal Orthonormal =

    /// Whether the orbit basis is to be normalised; its maps' norms.
    let (|Orbits|_|) (group: Group) =
        match group with
        | Group.Permutations _
        | Group.EvenPermutations _
        | Group.GraphAutomorphisms _ ->
            Some(fun (k: int) (l: int) ->
                match group with
                | Group.GraphAutomorphisms graph ->
                    OrbitFunctor.sizes graph.Automorphisms (k + l) |> Array.map (float >> sqrt)
                | _ ->
                    let n = group.Dimension

                    Spanning.within SetPartition.limit group k l
                    |> Array.map (fun map ->
                        match map with
                        | Head d -> Gram.jellyfish n d d
                        | Plain d
                        | Form d -> OrbitBasis.normSquared n d
                        |> float
                        |> sqrt))
        | _ -> None

    /// L^-1 for a positive definite g = L L^T.
    let private inverseFactor (g: float[,]) : float[,] =
        let size = Array2D.length1 g
        let factor = Array2D.zeroCreate size size
        let inverse = Array2D.zeroCreate size size

        for i in 0 .. size - 1 do
            for j in 0..i do
                let mutable sum = g[i, j]

                for t in 0 .. j - 1 do
                    sum <- sum - factor[i, t] * factor[j, t]

                factor[i, j] <- if i = j then sqrt sum else sum / factor[j, j]

            inverse[i, i] <- 1.0 / factor[i, i]

            for j in 0 .. i - 1 do
                let mutable sum = 0.0

                for t in j .. i - 1 do
                    sum <- sum - factor[i, t] * inverse[t, j]

                inverse[i, j] <- sum / factor[i, i]

        inverse

    /// Lower triangular coefficients of independent maps: row i is an orthonormal map made of maps 0 to i.
    let ofIndependent (group: Group) (maps: SpanningMap[]) : float[,] =
        let gram = Gram.ofMaps group maps
        // The maps divided by their norms first: the diagonal is 1.
        let norms = Array.init maps.Length (fun i -> sqrt (float gram[i, i]))

        gram
        |> Array2D.mapi (fun i j entry -> float entry / norms[i] / norms[j])
        |> inverseFactor
        |> Array2D.mapi (fun _ j entry -> entry / norms[j])

    /// The coefficients of the orthonormal maps in all spanning maps: X_d as D of the coarsenings of d, J_d as it is.
    let private ofOrbits (norms: float[]) (maps: SpanningMap[]) : float[,] =
        let coefficients = Array2D.zeroCreate maps.Length maps.Length
        let number = Dictionary<Diagram, int>()

        maps
        |> Array.iteri (fun i map ->
            match map with
            | Plain d -> number[d] <- i
            | _ -> ())

        maps
        |> Array.iteri (fun i map ->
            match map with
            | Plain d ->
                for term in OrbitBasis.toDiagrams d do
                    coefficients[i, number[term.Diagram]] <- float term.Coefficient / norms[i]
            | _ -> coefficients[i, i] <- 1.0 / norms[i])

        coefficients

    /// The coefficients of the orthonormal maps in all spanning maps, row by row.
    let coefficients (group: Group) (k: int) (l: int) : float[,] =
        match group with
        | Group.GraphAutomorphisms _ & Orbits norms ->
            let norms = norms k l
            Array2D.init norms.Length norms.Length (fun i j -> if i = j then 1.0 / norms[i] else 0.0)
        | Orbits norms -> ofOrbits (norms k l) (Spanning.within Gram.limit group k l)
        | _ ->
            let maps = Spanning.within SetPartition.limit group k l
            let chosen = Independence.indices group k l maps
            let triangle = ofIndependent group (chosen |> Array.map (fun i -> maps[i]))
            let coefficients = Array2D.zeroCreate chosen.Length maps.Length

            triangle |> Array2D.iteri (fun i j entry -> coefficients[i, chosen[j]] <- entry)

            coefficients
