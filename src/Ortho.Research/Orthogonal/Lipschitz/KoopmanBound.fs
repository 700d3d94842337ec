/// <summary>The Koopman factor of a weight: the norm of f -> f(W x) between Sobolev spaces, max (1, |W|)^s / det(W* W)^(1/4), by which
/// each layer enters a generalization bound.</summary>
/// <remarks>
/// <para>Hashimoto et al. 2024 (2302.05825), with |W|^s in place of max (1, |W|)^s. H^s(R^n) has the norm |f|^2 = int |F f|^2 (1 + |v|^2)^s dv, F
/// unitary. For square W, F (f o W)(v) = F f(W^-T v) / |det W|, so that |f o W|^2 = int |F f(v)|^2 (1 + |W^T v|^2)^s dv / |det W|, and the
/// supremum of (1 + |W^T v|^2) / (1 + |v|^2) is max (1, |W|^2): the factor is exact.</para>
/// <para>A tall W = Q R of k more rows than columns first restricts f to its range, H^(s + k/2)(R^m) to H^s(R^n), then composes with R, which has
/// the norm and the Gram determinant of W. The restriction is a multiple of a coisometry, so that the exact norm is the product:
/// <c>logFactor</c> with s the order on R^n, plus <c>logRestriction</c>. It does not depend on W.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.KoopmanBound

open System
open Ortho
open TorchSharp

/// <summary>The common logarithm of max (1, |W|)^s / det(W* W)^(1/4), from singular values.</summary>
/// <param name="order">s, the order of the Sobolev space on the side of the columns, not negative; the bound asks for more than n/2.</param>
/// <param name="w">Shape [*batch; m; n]. Differentiable where the largest singular value is simple and not 1.</param>
/// <returns>Shape [*batch], real: 0 for orthonormal columns, infinite for dependent columns (always if m is below n), without gradient there.
/// A singular value below max (m, n) times the rounding of the largest counts as zero. For s of n/2 or more it is not negative.</returns>
/// <exception cref="T:System.ArgumentException">order is negative or not finite; w has fewer than two axes, is empty, or not floating or complex.</exception>
[<CompiledName("LogFactor")>]
let logFactor (order: float) (w: torch.Tensor) : torch.Tensor =
    Guard.finite "order" order
    Guard.atLeast "order" 0.0 order
    Guard.rankAtLeast "w" 2 w
    Guard.floating "w" w
    Guard.notEmpty "w" w
    use scope = torch.NewDisposeScope()
    let rows, columns = w.size (int w.ndim - 2), w.size (int w.ndim - 1)
    let values = torch.linalg.svdvals w
    let largest = values.narrow (-1L, 0L, 1L)
    let least = values.narrow (-1L, min rows columns - 1L, 1L)

    let rounding =
        if values.dtype = torch.float64 then
            Math.BitIncrement 1.0 - 1.0
        else
            float (MathF.BitIncrement 1.0f - 1.0f)

    let isDependent =
        if rows < columns then
            torch.ones_like (least, dtype = Nullable torch.bool)
        else
            least.le (multiply (rounding * float rows) largest)

    // Dependent columns are replaced, so that no gradient is NaN, and then cost -log 0.
    let safe = torch.where (isDependent, torch.ones_like values, values)
    let logarithms = safe.log10 ()
    let norm = torch.nn.functional.relu (logarithms.select (-1L, 0L))
    let cost = isDependent.logical_not().``to``(values.dtype).log10().squeeze -1L

    scope.MoveToOuter(
        (multiply order norm |> addMultiple -0.5 (logarithms.sum ([| -1L |], false)))
        .- cost
    )

/// <summary>The common logarithm of the norm of restriction to a subspace, H^(s + k/2)(R^(n + k)) to H^s(R^n):
/// half of log10 ((4 pi)^(-k/2) Gamma(s) / Gamma(s + k/2)).</summary>
/// <param name="order">s, positive.</param>
/// <param name="codimension">k, not negative.</param>
/// <exception cref="T:System.ArgumentException">order is not positive and finite, or codimension is negative.</exception>
/// <remarks>By Cauchy and Schwarz in the k lost frequencies: int (1 + |v|^2)^(-s - k/2) dv = pi^(k/2) Gamma(s) / Gamma(s + k/2).</remarks>
[<CompiledName("LogRestriction")>]
let logRestriction (order: float) (codimension: int64) : float =
    Guard.holds "order" (order > 0.0 && Double.IsFinite order) (fun () ->
        $"order must be positive and finite, but is {order}.")

    Guard.atLeast "codimension" 0L codimension
    use _ = torch.NewDisposeScope()
    let half = float codimension / 2.0

    let logGamma (s: float) =
        number (torch.lgamma (vector TensorKind.float64 [| s |]))

    (logGamma order - logGamma (order + half) - half * log (4.0 * Math.PI))
    / (2.0 * log 10.0)
