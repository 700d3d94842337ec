namespace Ortho

/// One of the maps that span the equivariant maps of a group, by the diagram that names it.
type internal SpanningMap =
    /// D_d, which is E_d for a Brauer diagram.
    | Plain of Diagram
    /// F_d of Sp(n).
    | Form of Diagram
    /// With a head: H_d of SO(n), J_d of A_n.
    | Head of Diagram

/// What spans the equivariant maps of a group: diagrams, before any map is made.
[<RequireQualifiedAccess>]
module internal Spanning =

    /// <summary>The spanning maps of all groups but Aut(G), at most `limit` of each kind, those without a head first.</summary>
    /// <exception cref="T:System.ArgumentException">There are more, or the group is Aut(G).</exception>
    let within (limit: int) (group: Group) (k: int) (l: int) : SpanningMap[] =
        let brauer free = Brauer.enumerateWithin limit free k l

        match group with
        | Group.Permutations n -> Diagram.enumerateWithin limit n k l |> Array.map Plain
        | Group.EvenPermutations 1
        | Group.Rotations 1 -> [| SetPartition.coarsest (k + l) |> Diagram.ofPartition k l |> Plain |]
        | Group.EvenPermutations n ->
            let all = Diagram.enumerateWithin limit n k l
            let split = all |> Array.filter (fun d -> d.BlockCount >= n - 1)
            Array.append (Array.map Plain all) (Array.map Head split)
        | Group.AllOrthogonal _ -> brauer 0 |> Array.map Plain
        | Group.SymplecticForm _ -> brauer 0 |> Array.map Form
        | Group.Rotations n -> Array.append (brauer 0 |> Array.map Plain) (brauer n |> Array.map Head)
        | Group.GraphAutomorphisms _ ->
            let message =
                $"group must be S_n, A_n, O(n), SO(n) or Sp(n), whose maps have diagrams, but is {group}: Basis.orbit lists its maps."

            raise (System.ArgumentException(message, "group"))

    /// The linear map of one of them.
    let toMap (group: Group) (map: SpanningMap) : LinearMap =
        let n = group.Dimension

        match group, map with
        | _, Plain d -> Functor.diagram n d
        | _, Form d -> SymplecticFunctor.raw n d
        | Group.EvenPermutations _, Head d -> HeadFunctor.jellyfish n d
        | _, Head d -> HeadFunctor.determinant n d

    /// <summary>The squared Frobenius norm: the number of entries 1 and -1.</summary>
    /// <remarks>n for each block; with a head n! for the free vertices of SO(n), n!/(n - t)! for t blocks of A_n.</remarks>
    let normSquared (group: Group) (map: SpanningMap) : float =
        let n = group.Dimension

        let falling (count: int) =
            Seq.fold (fun product i -> product * float (n - i)) 1.0 [ 0 .. count - 1 ]

        match group, map with
        | _, Plain d
        | _, Form d -> float n ** float d.BlockCount
        | Group.EvenPermutations _, Head d -> falling d.BlockCount
        | _, Head d -> falling n * float n ** float (d.BlockCount - n)
