/// Maps of fixed matrices, which take tensors of either precision, real or complex, on any device.
[<RequireQualifiedAccess>]
module internal Ortho.FixedMatrix

open System
open Ortho
open TorchSharp

/// <summary>The map of a real matrix, without parameters.</summary>
/// <param name="name">What formulas call it.</param>
/// <param name="traits">What the caller promises.</param>
/// <param name="matrix">float64, shape [m; n].</param>
let ofMatrix (name: string) (traits: Traits) (matrix: torch.Tensor) : LinearMap =
    use columns = matrix.t ()
    let forward, backward = Table(columns.contiguous ()), Table(matrix.contiguous ())

    let action (table: Table) (x: torch.Tensor) =
        Guard.floating "x" x
        use numbers = table.Like x
        use factor = numbers.``to`` x.dtype
        x.matmul factor

    Build.leaf
        name
        (Space.Of(matrix.size 1))
        (Space.Of(matrix.size 0))
        traits
        (Nullable())
        (action forward)
        (action backward)
