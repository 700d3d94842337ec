namespace Ortho

open System
open TorchSharp

/// <summary>A group of n x n matrices that acts on R^n.</summary>
[<RequireQualifiedAccess>]
type Group =
    internal
    /// The permutations of n coordinates.
    | Permutations of n: int
    /// The even ones.
    | EvenPermutations of n: int
    /// The permutations that keep the edges of a graph.
    | GraphAutomorphisms of Graph
    | AllOrthogonal of n: int
    | Rotations of n: int
    | SymplecticForm of n: int

    /// n: the group acts on R^n.
    member this.Dimension =
        match this with
        | Permutations n
        | EvenPermutations n
        | AllOrthogonal n
        | Rotations n
        | SymplecticForm n -> n
        | GraphAutomorphisms graph -> graph.Size

    /// <summary>The symmetric group S_n, acting on R^n by permuting coordinates.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    static member Symmetric(n: int) =
        Guard.positive "n" n
        Permutations n

    /// <summary>The alternating group A_n: the even permutations of coordinates.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    static member Alternating(n: int) =
        Guard.positive "n" n
        EvenPermutations n

    /// <summary>The automorphisms of a graph, acting on R^n by permuting its vertices.</summary>
    static member Automorphisms(graph: Graph) =
        Guard.notNull "graph" graph
        GraphAutomorphisms graph

    /// <summary>The orthogonal group O(n): g* g = 1.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    static member Orthogonal(n: int) =
        Guard.positive "n" n
        AllOrthogonal n

    /// <summary>The special orthogonal group SO(n): g* g = 1, det g = 1.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    static member SpecialOrthogonal(n: int) =
        Guard.positive "n" n
        Rotations n

    /// <summary>The real symplectic group Sp(n): g^T eps g = eps, eps the block diagonal of [0, 1; -1, 0] (coordinates 1, 1', 2, 2', ...). Not compact.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 or odd.</exception>
    static member Symplectic(n: int) =
        Guard.positive "n" n
        Guard.holds "n" (n % 2 = 0) (fun () -> $"n must be even for Sp(n), but is {n}.")
        SymplecticForm n

    /// Whether both are null or equal.
    static member op_Equality(a: Group, b: Group) = Object.Equals(a, b)

    /// Whether one is null or they differ.
    static member op_Inequality(a: Group, b: Group) = not (Object.Equals(a, b))

    override this.ToString() =
        match this with
        | Permutations n -> $"S_{n}"
        | EvenPermutations n -> $"A_{n}"
        | GraphAutomorphisms graph -> $"Aut({graph})"
        | AllOrthogonal n -> $"O({n})"
        | Rotations n -> $"SO({n})"
        | SymplecticForm n -> $"Sp({n})"

/// Groups: generators and random elements, as linear maps of R^n.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Group =

    /// <summary>The symmetric group S_n, acting on R^n by permuting coordinates.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    let symmetric (n: int) = Group.Symmetric n

    /// The alternating group A_n: the even permutations of coordinates.
    let alternating (n: int) = Group.Alternating n

    /// The automorphisms of a graph, acting on R^n by permuting its vertices.
    let automorphisms (graph: Graph) = Group.Automorphisms graph

    /// The orthogonal group O(n).
    let orthogonal (n: int) = Group.Orthogonal n

    /// The special orthogonal group SO(n).
    let specialOrthogonal (n: int) = Group.SpecialOrthogonal n

    /// The real symplectic group Sp(n), n even.
    let symplectic (n: int) = Group.Symplectic n

    /// The element that takes coordinate i to place p[i]: (g x)[p[i]] = x[i].
    let ofPermutation (p: Permutation) =
        let inverse = Permutation.inverse p
        LinearMap.ofPermutation (inverse.ToArray() |> Array.map int64)

    /// The permutations of a group that has no other elements.
    let internal tryPermutations (group: Group) : PermutationGroup option =
        match group with
        | Group.Permutations n -> Some(PermutationGroup.Symmetric n)
        | Group.EvenPermutations n -> Some(PermutationGroup.Alternating n)
        | Group.GraphAutomorphisms graph -> Some graph.Automorphisms
        | _ -> None

    let private square (n: int) (entry: int -> int -> float) =
        vector TensorKind.float64 (Array.init (n * n) (fun i -> entry (i / n) (i % n)))
        |> fun flat ->
            use flat = flat
            flat.reshape (int64 n, int64 n)

    let private ofEntries (name: string) (traits: Traits) (n: int) (entry: int -> int -> float) =
        use matrix = square n entry
        FixedMatrix.ofMatrix name traits matrix

    let private delta i j = if i = j then 1.0 else 0.0

    /// The rotation of coordinates i and i + 1 by the angle of the triangle 3, 4, 5, which is no rational part of a turn.
    let private turn (n: int) (i: int) =
        ofEntries $"G[{i}]" Traits.Unitary n (fun row column ->
            match row - i, column - i with
            | 0, 0
            | 1, 1 -> 0.6
            | 0, 1 -> -0.8
            | 1, 0 -> 0.8
            | _ -> delta row column)

    let private mirror (n: int) =
        ofEntries "R" (Traits.Unitary ||| Traits.SelfAdjoint) n (fun row column ->
            if row = 0 && column = 0 then -1.0 else delta row column)

    /// eps(a, a') = 1, eps(a', a) = -1.
    let private form (row: int) (column: int) =
        if row / 2 = column / 2 then float (column - row) else 0.0

    /// x -> x + size eps(v, x) v, for v a sum of coordinate vectors.
    let private transvection (n: int) (size: float) (v: float[]) =
        let covector =
            Array.init n (fun j -> Seq.sum (seq { for i in 0 .. n - 1 -> v[i] * form i j }))

        ofEntries "T" Traits.None n (fun row column -> delta row column + size * v[row] * covector[column])

    /// <summary>Elements that generate the group, or a subgroup that is dense in it (for Sp(n): Zariski-dense), so that a map that commutes
    /// with these on tensor powers commutes with all.</summary>
    /// <remarks>SO(n): rotations of neighbours by the angle of the triangle 3, 4, 5, of infinite order; O(n): a mirror too. Sp(n): the transvections of
    /// the coordinate vectors and of neighbours' sums, which generate Sp(n, Z); Borel 1960 has its density.</remarks>
    let generators (group: Group) : LinearMap[] =
        match group with
        | Group.AllOrthogonal n -> [| yield mirror n; for i in 0 .. n - 2 -> turn n i |]
        | Group.Rotations 1 -> [| LinearMap.identity (Space.Of 1L) |]
        | Group.Rotations n -> [| for i in 0 .. n - 2 -> turn n i |]
        | Group.SymplecticForm n ->
            [|
                for i in 0 .. n - 1 do
                    yield transvection n 1.0 (Array.init n (delta i))
                for i in 0..2 .. n - 3 do
                    yield transvection n 1.0 (Array.init n (fun j -> delta i j + delta (i + 2) j))
            |]
        | _ ->
            match (tryPermutations group).Value.Generators with
            | [||] -> [| LinearMap.identity (Space.Of(int64 group.Dimension)) |]
            | generators -> generators |> Array.map ofPermutation

    /// <summary>A random element: uniform over a finite group, Haar's law for O(n) and SO(n); for Sp(n), which has no such law, a product of 2 n
    /// transvections of random vectors, of norm about 2 to 10.</summary>
    let random (seed: int) (group: Group) : LinearMap =
        let n = int64 group.Dimension

        match group with
        | Group.AllOrthogonal _ ->
            use q = Haar.orthogonal seed TensorKind.float64 n
            FixedMatrix.ofMatrix "g" Traits.Unitary q
        | Group.Rotations _ ->
            use q = Haar.specialOrthogonal seed TensorKind.float64 n
            FixedMatrix.ofMatrix "g" Traits.Unitary q
        | Group.SymplecticForm n ->
            let random = Random seed

            let draw _ =
                let v = Array.init n (fun _ -> random.NextDouble() - 0.5)
                transvection n (3.0 / float n) v

            Array.init (2 * n) draw |> Array.reduce (*)
        | _ -> (tryPermutations group).Value.Random seed |> ofPermutation

    /// <summary>How far a map of R^n is from the group: 0 up to rounding for an element.</summary>
    /// <param name="group">The group.</param>
    /// <param name="g">A map from R^n to R^n.</param>
    /// <returns>O(n), SO(n): |g* g - 1| / sqrt n, and |det g - 1| for SO(n). Sp(n): |g^T eps g - eps| / sqrt n. Permutations: the distance to the
    /// nearest matrix of zeros and ones over sqrt n, infinite if that is no element.</returns>
    /// <exception cref="T:System.ArgumentException">g has other spaces.</exception>
    let defect (group: Group) (g: LinearMap) : float =
        Guard.notNull "group" group
        Guard.notNull "g" g
        let n = group.Dimension
        let space = Space.Of(int64 n)

        Guard.holds "g" (g.Domain = space && g.Codomain = space) (fun () ->
            $"g must be a map of {space}, but goes from {g.Domain} to {g.Codomain}.")

        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let matrix = (LinearMap.toMatrix g).``to``(torch.float64, torch.CPU)

        let size (x: torch.Tensor) =
            number (x.flatten().norm 0) / sqrt (float n)

        match group with
        | Group.AllOrthogonal _ -> size (matrix.t().matmul matrix .- square n delta)
        | Group.Rotations _ ->
            let determinant = number (torch.linalg.det matrix)
            max (size (matrix.t().matmul matrix .- square n delta)) (abs (determinant - 1.0))
        | Group.SymplecticForm _ ->
            let eps = square n form
            size (matrix.t().matmul(eps).matmul matrix .- eps)
        | _ ->
            let rounded = matrix.round ()
            let images = rounded.argmax 0L
            let indices = [| for i in 0L .. int64 n - 1L -> int (images[i].item<int64>()) |]

            let isElement =
                (Array.distinct indices).Length = n
                && number (rounded.abs().sum()) = float n
                && (tryPermutations group).Value.Contains(Permutation.ofArray indices)

            if isElement then size (matrix .- rounded) else infinity

// What a C# program calls.
type Group with

    /// Elements that generate the group, or a dense subgroup.
    member this.Generators = Group.generators this

    /// The element of S_n that takes coordinate i to place p[i].
    static member OfPermutation(p: Permutation) = Group.ofPermutation p

    /// A random element.
    member this.Random(seed: int) = Group.random seed this

    /// How far a map of R^n is from the group.
    member this.Defect(g: LinearMap) = Group.defect this g
