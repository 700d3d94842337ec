module Ortho.Tests.ProcrustesZoo

open Ortho
open TorchSharp
open ZooEntry

/// Points whose products with other points are far from singular, so that small changes move the answer little, but more than rounding does.
let private steady (x: torch.Tensor) =
    let weights =
        torch.arange(1L, x.shape[1] + 1L).``to`` x.dtype
        |> fun w -> w.``to``(x.device).diag_embed()

    torch.cat ([| x * 0.2; weights |], 0L)

let entries =
    [
        entry "orthogonal alignment" (pair (matrix m n) (matrix m n)) (fun _ p ->
            Procrustes.align (steady p[0]) (steady p[1]))
        { entry "alignment by a rotation" (pair (matrix m n) (matrix m n)) (fun _ p ->
              Procrustes.alignByRotation (steady p[0]) (steady p[1])) with
            IsComplex = false
        }
    ]
