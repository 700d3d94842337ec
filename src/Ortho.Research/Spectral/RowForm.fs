/// Transforms of rows, the last axis of a tensor, in several forms.
[<RequireQualifiedAccess>]
module internal Ortho.RowForm

open Ortho
open TorchSharp

/// The longest transform that is done by its dense matrix whatever the device.
let denseLimit = 64L

/// x by the matrix of n rows with the given entries (row, column).
let dense (n: int64) (entry: int64 -> int64 -> float) : torch.Tensor -> torch.Tensor =
    let size = int n
    // Transposed, for rows of input: column k of it is row k of the transform.
    let table =
        Table.ofNumbers [| n; n |] (Array.init (size * size) (fun i -> entry (int64 (i % size)) (int64 (i / size))))

    fun (x: torch.Tensor) -> x.matmul (table.Like x)

/// An action on real tensors, for complex ones too: part by part.
let onParts (action: torch.Tensor -> torch.Tensor) =
    Actions.scoped (fun x ->
        if x.numel () = 0L then
            // MKL refuses an empty batch.
            x.alias ()
        elif x.is_complex () then
            torch.complex (action x.real, action x.imag)
        else
            action x)
