/// <summary>Skew-symmetric matrices, S^T = -S, and skew-Hermitian ones, S* = -S, for complex entries: the directions in which an orthogonal
/// (unitary) matrix can move.</summary>
/// <remarks>Two ways from a square matrix X exist in the field, and they differ in scale: <c>ofSquare</c> is the geotorch and torch one,
/// tril(X, -1) - tril(X, -1)^T; <c>part</c> is the OFT and BOFT one, (X - X^T) / 2, the nearest skew matrix.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Skew

open System
open Ortho
open TorchSharp

/// <summary>The dimension of the space of real skew n x n matrices, n (n - 1) / 2.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("Dimension")>]
let dimension (n: int64) =
    Guard.positive "n" n
    n * (n - 1L) / 2L

/// <summary>L - L*, with L the strictly lower triangle of a square matrix.</summary>
/// <param name="m">Shape [*batch; n; n]. Only the strictly lower triangle is read; of a complex matrix also the imaginary part of the
/// diagonal, which gives 2i times it: with it every skew-Hermitian matrix is reached.</param>
/// <returns>Skew, shape [*batch; n; n].</returns>
/// <exception cref="T:System.ArgumentException">Not square in its last two axes, or not floating or complex.</exception>
[<CompiledName("OfSquare")>]
let ofSquare (m: torch.Tensor) =
    Guard.square "m" m
    Guard.floating "m" m
    use lower = m.tril (if m.is_complex () then 0L else -1L)
    use adjoint = lower.mH
    lower .- adjoint

let private strictlyLower (n: int64) (device: torch.Device) =
    use full = torch.ones ([| n; n |], dtype = Nullable torch.bool, device = device)
    full.tril -1L

/// <summary>The skew matrix whose strictly lower triangle, row by row, is the given vector.</summary>
/// <param name="n">Size of the matrix.</param>
/// <param name="v">Shape [*batch; n (n - 1) / 2]: entries (2,1), (3,1), (3,2), (4,1), ...</param>
/// <returns>Shape [*batch; n; n]. The diagonal is zero, also of a complex one.</returns>
/// <exception cref="T:System.ArgumentException">Another length, or not floating or complex.</exception>
[<CompiledName("OfVector")>]
let ofVector (n: int64) (v: torch.Tensor) =
    let length = dimension n
    Guard.rankAtLeast "v" 1 v
    Guard.floating "v" v
    let batch = Array.init (int v.ndim - 1) v.size

    Guard.holds "v" (v.size (batch.Length) = length) (fun () ->
        $"v must have {length} = n (n - 1) / 2 entries on its last axis for n = {n}, but has shape {Guard.showShape v.shape}.")

    use scope = torch.NewDisposeScope()
    let zeros = v.new_zeros (Array.append batch [| n; n |])
    // A scatter through a mask fills in row-major order, which is the order of v.
    let lower = zeros.masked_scatter (strictlyLower n v.device, v)
    scope.MoveToOuter(lower .- lower.mH)

/// <summary>The strictly lower triangle of a square matrix, row by row: the inverse of <c>ofVector</c>.</summary>
/// <param name="s">Shape [*batch; n; n]; nothing else of it is read.</param>
/// <returns>Shape [*batch; n (n - 1) / 2].</returns>
/// <exception cref="T:System.ArgumentException">Not square in its last two axes, or not floating or complex.</exception>
[<CompiledName("ToVector")>]
let toVector (s: torch.Tensor) =
    Guard.square "s" s
    Guard.floating "s" s
    let batch = Array.init (int s.ndim - 2) s.size
    let n = s.size batch.Length
    use scope = torch.NewDisposeScope()
    let entries = s.masked_select (strictlyLower n s.device)
    scope.MoveToOuter(entries.reshape (Array.append batch [| n * (n - 1L) / 2L |]))

/// <summary>(X - X*) / 2, the skew matrix nearest to X in Frobenius norm.</summary>
/// <param name="x">Shape [*batch; n; n].</param>
/// <exception cref="T:System.ArgumentException">Not square in its last two axes, or not floating or complex.</exception>
[<CompiledName("Part")>]
let part (x: torch.Tensor) =
    Guard.square "x" x
    Guard.floating "x" x
    use adjoint = x.mH
    use difference = x .- adjoint
    multiply 0.5 difference

/// Frobenius norms of the matrices of a batch.
let internal lengths (x: torch.Tensor) =
    use flat = x.flatten -2L
    flat.norm -1

/// <summary>How far a matrix is from skew: |S + S*|_F / |S|_F, between 0 (skew) and 2 (self-adjoint); 0 for zero, NaN if an entry is NaN or infinite.</summary>
/// <param name="s">Shape [*batch; n; n]; the worst of the batch counts.</param>
/// <exception cref="T:System.ArgumentException">Empty, not square in its last two axes, or not floating or complex.</exception>
[<CompiledName("Defect")>]
let defect (s: torch.Tensor) : float =
    Guard.square "s" s
    Guard.floating "s" s
    Guard.notEmpty "s" s
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    if s.ndim = 2L then
        // One matrix: fewer steps, which count for a small one.
        let gap = number (lengths (s .+ s.mH))
        if gap = 0.0 then 0.0 else gap / number (lengths s)
    else
        let sizes = lengths s
        // A zero matrix is divided by 1.
        let divisors = sizes .+ sizes.logical_not().``to`` sizes.dtype
        number ((lengths (s .+ s.mH)).div(divisors).max())
