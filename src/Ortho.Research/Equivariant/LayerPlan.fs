namespace Ortho

open TorchSharp

/// What an equivariant map with channels needs to know about its diagrams, once for all weights: it holds no tensor.
[<NoEquality; NoComparison>]
type internal LayerPlan =
    {
        Groups: CrossingGroup[]
        /// For each group: its contractions, the space between, its placements.
        Contract: LinearMap[]
        Between: LinearMap[]
        Expand: LinearMap[]
    }

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal LayerPlan =

    /// The diagrams from order k to order l by crossing blocks; refused with their number if there are too many.
    let groups (group: Group) (k: int) (l: int) : CrossingGroup[] =
        let count = Basis.dimension group k l

        match group with
        | Group.Permutations _ -> ()
        | _ ->
            let message =
                $"group must be S_n for a layer with channels, but is {group}: Basis.spanning lists the maps of other groups."

            raise (System.ArgumentException(message, "group"))

        count
        |> SetPartition.withinLimit SetPartition.limit $"diagrams from order {k} to order {l} of {group}"

        CrossingGroups.make group.Dimension k l

    /// All diagrams of the groups, in order.
    let diagrams (groups: CrossingGroup[]) : Diagram[] =
        groups
        |> Array.collect (fun group -> group.Pairs |> Seq.cast<Diagram option> |> Seq.choose id |> Seq.toArray)

    /// The plan of maps from order k with c channels to order l with d channels.
    let make (group: Group) (k: int, l: int) (c: int64, d: int64) : LayerPlan =
        let n = group.Dimension
        let groups = groups group k l
        let crossing (group: CrossingGroup) = group.Contractions[0].Crossing.Length

        {
            Groups = groups
            Contract =
                groups
                |> Array.map (fun group -> CrossingGroups.contract n k c group.Contractions)
            Between =
                groups
                |> Array.map (fun group -> LinearMap.identity (Space.power (crossing group) (Space.Of(int64 n))))
            Expand = groups |> Array.map (fun group -> CrossingGroups.expand n l d group.Placements)
        }

    /// For each group the matrix that takes the channels of its contractions to those of its placements.
    let private matrices (groups: CrossingGroup[]) (weight: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let count, c, d = weight.size 0, weight.size 1, weight.size 2

        let isFull (group: CrossingGroup) =
            group.Pairs |> Seq.cast<Diagram option> |> Seq.forall _.IsSome

        // A row of zeros for the pairs that are no diagram, if there are any.
        let rows =
            if Array.forall isFull groups then
                weight
            else
                torch.cat ([| weight; weight.new_zeros [| 1L; c; d |] |], 0L)

        let mutable next = 0L

        groups
        |> Array.map (fun group ->
            let p, q = group.Contractions.LongLength, group.Placements.LongLength
            let first = next

            let index =
                group.Pairs
                |> Seq.cast<Diagram option>
                |> Seq.map (fun pair ->
                    if pair.IsSome then
                        next <- next + 1L
                        next - 1L
                    else
                        count)
                |> Seq.toArray

            let blocks =
                if isFull group then
                    rows.narrow (0L, first, p * q)
                else
                    rows.index_select (0L, torch.tensor(index).``to`` weight.device)

            blocks.reshape([| p; q; c; d |]).permute(1L, 3L, 0L, 2L).reshape(q * d, p * c)
            |> scope.MoveToOuter)

    /// The map of the given weights, shape [diagrams; c; d].
    let map (weight: torch.Tensor) (plan: LayerPlan) : LinearMap =
        matrices plan.Groups weight
        |> Array.mapi (fun i matrix ->
            plan.Expand[i]
            * (plan.Between[i] .*. LinearMap.ofMatrix matrix)
            * plan.Contract[i])
        |> Array.reduce (+)
