/// Matrices of maps.
[<RequireQualifiedAccess>]
module internal Ortho.Block

open System
open TorchSharp

/// A matrix of maps, on flat vectors: rows share a codomain, columns share a domain.
let ofMaps (maps: LinearMap[,]) : LinearMap =
    Guard.notNull "maps" maps
    let rows, columns = maps.GetLength 0, maps.GetLength 1

    Guard.holds "maps" (rows > 0 && columns > 0) (fun () ->
        $"maps must have at least one row and one column, but is {rows} x {columns}.")

    maps
    |> Array2D.iteri (fun r c map ->
        Guard.notNull $"maps[{r}, {c}]" map

        if map.Codomain <> maps[r, 0].Codomain || map.Domain <> maps[0, c].Domain then
            raise (
                ArgumentException(
                    $"maps[{r}, {c}] must go from {maps[0, c].Domain} to {maps[r, 0].Codomain}, like its column and its row, but goes from {map.Domain} to {map.Codomain}.",
                    "maps"
                )
            ))

    let all = maps |> Seq.cast<LinearMap> |> Seq.toArray
    let kind = Simplify.commonKind "put in a block" all
    let domains = Array.init columns (fun c -> maps[0, c].Domain)
    let codomains = Array.init rows (fun r -> maps[r, 0].Codomain)
    let total (spaces: Space[]) = Space.Of(spaces |> Array.sumBy _.Size)

    let isDiagonal =
        rows = columns
        && Seq.forall
            (fun r -> Seq.forall (fun c -> r = c || maps[r, c].Form.IsZero) (seq { 0 .. columns - 1 }))
            (seq { 0 .. rows - 1 })

    if isDiagonal then
        Simplify.directSum (Array.init rows (fun r -> maps[r, r]))
    elif all |> Array.forall _.Form.IsZero then
        Build.zero (total domains) (total codomains)
    else
        let transposed = Array2D.init columns rows (fun c r -> maps[r, c].Adjoint)

        let action (domains: Space[]) (codomains: Space[]) (maps: LinearMap[,]) =
            maps
            |> Array2D.map (fun map -> if map.Form.IsZero then ValueNone else ValueSome map.Action)
            |> Actions.block domains codomains

        let symmetric =
            rows = columns
            && Seq.forall2
                (fun (a: LinearMap) b -> Object.ReferenceEquals(a, b))
                (Seq.cast<LinearMap> maps)
                (Seq.cast<LinearMap> transposed)

        Build.pair
            (total domains)
            (total codomains)
            (Build.given symmetric Traits.SelfAdjoint)
            kind
            (Block maps, action domains codomains maps)
            ((fun _ -> Block transposed), action codomains domains transposed)
