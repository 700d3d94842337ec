/// <summary>Gram-Schmidt orthonormalization of columns, in the three ways of the field; dependent columns are refused, or dropped by name.</summary>
/// <remarks>All three give the sign-fixed Q of a QR factorization, with a loss of orthogonality of order eps cond^2 (classical), eps cond (modified)
/// and eps (twice). Differentiable compositions of vector operations, fast for large batches of small matrices; <c>Stiefel.ofMatrix</c> is QR.
/// Björck 1967; Giraud, Langou and Rozložník 2005.</remarks>
[<RequireQualifiedAccess>]
module Ortho.GramSchmidt

open System
open System.Runtime.InteropServices
open Ortho
open TorchSharp

let private column (a: torch.Tensor) (j: int64) = a.narrow (-1L, j, 1L)

let private classicalPass (found: torch.Tensor[]) (w: torch.Tensor) =
    let q = torch.cat (found, -1L)
    w .- q.matmul (q.mH.matmul w)

let private modifiedPass (found: torch.Tensor[]) (w: torch.Tensor) =
    found |> Array.fold (fun (w: torch.Tensor) v -> w .- v.matmul (v.mH.matmul w)) w

let private twicePass (found: torch.Tensor[]) =
    classicalPass found >> classicalPass found

let private length (w: torch.Tensor) = (w.norm -2).unsqueeze -2L

/// The vector less its parts along those found, to be brought to length 1, and how much of its length is left.
let private residual pass (found: torch.Tensor[]) (u: torch.Tensor) =
    // The length of u does not count: nothing overflows.
    let scaled = u.div (u.detach().abs().amax([| -2L |], true))
    let w = if found.Length = 0 then scaled else pass found scaled
    let size = length w
    struct (w.div size, size.detach().div(length (scaled.detach ())))

/// A column of which no more is left depends on those before it.
let private negligible (a: torch.Tensor) =
    4.0 * float (a.size (int a.ndim - 2)) * Membership.rounding a

let private orthonormalize (name: string) pass (a: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast name 2 a
    Guard.floating name a
    let rows, columns = a.size (int a.ndim - 2), a.size (int a.ndim - 1)

    Guard.holds name (rows >= columns && columns > 0L) (fun () ->
        $"{name} must have at least as many rows as columns, and a column, but has shape {Guard.showShape a.shape}.")

    use scope = torch.NewDisposeScope()
    let found = ResizeArray<torch.Tensor>()
    let left = ResizeArray<torch.Tensor>()

    for j in 0L .. columns - 1L do
        let struct (v, ratio) = residual pass (found.ToArray()) (column a j)
        found.Add v
        left.Add ratio

    if a.numel () > 0L then
        use _ = torch.no_grad ()
        let least = torch.cat(left.ToArray(), -1L).reshape(-1L, columns).amin [| 0L |]
        let numbers = least.``to``(torch.float64, torch.CPU).contiguous()
        let values = MemoryMarshal.Cast<byte, float>(numbers.bytes).ToArray()

        match values |> Array.tryFindIndex (fun ratio -> not (ratio > negligible a)) with
        | Some j ->
            raise (
                ArgumentException(
                    $"{name} must have independent finite columns, but of column {j} only {values[j]:G3} is left once those before it are taken out.",
                    name
                )
            )
        | None -> ()

    scope.MoveToOuter(torch.cat (found.ToArray(), -1L))

/// Twice, for a tensor that errors call by the given name.
let internal twiceNamed (name: string) (a: torch.Tensor) : torch.Tensor = orthonormalize name twicePass a

/// <summary>Classical Gram-Schmidt: all inner products are taken with the column as it was. It loses orthogonality as the condition squared.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k], k at most n. Differentiable.</param>
/// <returns>Shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">Wide, not floating or complex, or a column is zero, not finite, or dependent to rounding on those before it.</exception>
[<CompiledName("Classical")>]
let classical (a: torch.Tensor) : torch.Tensor = orthonormalize "a" classicalPass a

/// <summary>Modified Gram-Schmidt: each inner product is taken with what is left of the column. It loses orthogonality as the condition.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k], k at most n. Differentiable.</param>
/// <returns>Shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>classical</c>.</exception>
[<CompiledName("Modified")>]
let modified (a: torch.Tensor) : torch.Tensor = orthonormalize "a" modifiedPass a

/// <summary>Classical Gram-Schmidt twice for each column: orthonormal to rounding, whatever the condition.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k], k at most n. Differentiable.</param>
/// <returns>Shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>classical</c>.</exception>
[<CompiledName("Twice")>]
let twice (a: torch.Tensor) : torch.Tensor = twiceNamed "a" a

/// <summary>An orthonormal basis of the span of columns that may depend on each other: a column of which no more than the tolerance is left is dropped.</summary>
/// <param name="tolerance">From 0 to 1, of the column's own length; rounding is always dropped.</param>
/// <param name="a">Shape [n; k], wide ones too. Differentiable as long as the same columns stay.</param>
/// <returns>Shape [n; r], r from 0 to min (n, k). Another order of columns may keep others: <c>Projection.ofSpan</c> decides by singular values.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, an entry is not finite, or the tolerance is out of range.</exception>
[<CompiledName("Dropping")>]
let dropping (tolerance: float) (a: torch.Tensor) : torch.Tensor =
    Guard.rank "a" 2 a
    Guard.floating "a" a
    Guard.between "tolerance" 0.0 1.0 tolerance
    use scope = torch.NewDisposeScope()
    let found = ResizeArray<torch.Tensor>()

    for j in 0L .. a.size 1 - 1L do
        let u = column a j
        let largest = number (u.detach().abs().amax [| -2L; -1L |])
        Guard.holds "a" (Double.IsFinite largest) (fun () -> $"a must be finite, but column {j} is not.")

        if largest > 0.0 && int64 found.Count < a.size 0 then
            let struct (v, ratio) = residual twicePass (found.ToArray()) u

            if number ratio > max tolerance (negligible a) then
                found.Add v

    scope.MoveToOuter(
        if found.Count = 0 then
            a.new_zeros (a.size 0, 0L)
        else
            torch.cat (found.ToArray(), -1L)
    )
