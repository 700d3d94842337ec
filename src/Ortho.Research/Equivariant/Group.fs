namespace Ortho

open System

/// <summary>A group of n x n matrices that acts on R^n.</summary>
[<RequireQualifiedAccess>]
type Group =
    /// The permutations of n coordinates.
    | Permutations of n: int

    /// n: the group acts on R^n.
    member this.Dimension =
        match this with
        | Permutations n -> n

    /// <summary>The symmetric group S_n, acting on R^n by permuting coordinates.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    static member Symmetric(n: int) =
        Guard.positive "n" n
        Permutations n

    override this.ToString() =
        match this with
        | Permutations n -> $"S_{n}"

/// Groups: generators and random elements, as linear maps of R^n.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Group =

    /// <summary>The symmetric group S_n, acting on R^n by permuting coordinates.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    let symmetric (n: int) = Group.Symmetric n

    /// The element that takes coordinate i to place p[i]: (g x)[p[i]] = x[i].
    let ofPermutation (p: Permutation) =
        let inverse = Permutation.inverse p
        LinearMap.ofPermutation (inverse.ToArray() |> Array.map int64)

    /// <summary>Elements that generate the group: a map that commutes with these commutes with all.</summary>
    let generators (group: Group) : LinearMap[] =
        match group with
        | Group.Permutations n ->
            let swap = Array.init n (fun i -> if i > 1 || n = 1 then i else 1 - i)
            let cycle = Array.init n (fun i -> (i + 1) % n)
            [| swap; cycle |] |> Array.map (Permutation.ofArray >> ofPermutation)

    /// A random element, uniform over the group.
    let random (seed: int) (group: Group) : LinearMap =
        match group with
        | Group.Permutations n ->
            let images = Array.init n id
            Random(seed).Shuffle images
            Permutation.ofArray images |> ofPermutation

// What a C# program calls.
type Group with

    /// Elements that generate the group.
    member this.Generators = Group.generators this

    /// A random element, uniform over the group.
    member this.Random(seed: int) = Group.random seed this
