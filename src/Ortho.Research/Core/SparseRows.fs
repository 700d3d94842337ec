/// Maps of sparse matrices with the same number of entries in every row, for tensors of either precision, real or complex, on any device.
[<RequireQualifiedAccess>]
module internal Ortho.SparseRows

open System
open Ortho
open TorchSharp

/// <summary>y[i] = sum over k of weights[i][k] x[places[i][k]], without parameters.</summary>
/// <param name="name">What formulas call it.</param>
/// <param name="columns">The size of the domain.</param>
/// <param name="rows">Of each row its places and weights; at least one row, all of one length of at least 1.</param>
let ofRows (name: string) (columns: int64) (rows: (struct (int64[] * float[]))[]) : LinearMap =
    let height = rows.LongLength
    let struct (first, _) = rows[0]
    let width = first.LongLength

    let places =
        torch.tensor (rows |> Array.collect (fun (struct (places, _)) -> places))

    let weights =
        rows
        |> Array.collect (fun (struct (_, weights)) -> weights)
        |> Table.ofNumbers [| height; width |]

    let batchOf (x: torch.Tensor) = x.shape[.. x.shape.Length - 2]

    let forward =
        Actions.scoped (fun x ->
            x.index_select(x.ndim - 1L, places.``to`` x.device).reshape(Array.append (batchOf x) [| height; width |])
            |> Table.times weights
            |> fun terms -> terms.sum -1L)

    let adjoint =
        Actions.scoped (fun y ->
            let terms = (y.unsqueeze -1L |> Table.times weights).flatten(y.ndim - 1L)

            y.new_zeros (Array.append (batchOf y) [| columns |])
            |> addAt (y.ndim - 1L) (places.``to`` y.device) terms)

    Build.leaf name (Space.Of columns) (Space.Of height) Traits.None (Nullable()) forward adjoint
    |> LinearFunction.Wrap
