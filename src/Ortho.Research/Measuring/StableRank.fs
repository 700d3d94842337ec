/// <summary>The stable rank of a matrix, |A|_F^2 / |A|_2^2 = sum_i (s_i / s_0)^2: a rank that small singular values do not move.</summary>
[<RequireQualifiedAccess>]
module Ortho.StableRank

open Ortho
open TorchSharp

/// <summary>The stable rank, from 1 to the rank; 0 for zero. It knows neither scale nor unitary maps from either side.</summary>
/// <param name="a">Shape [*batch; m; n]. Differentiable where the largest singular value is simple.</param>
/// <returns>Shape [*batch], real.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, an empty matrix, or not floating or complex.</exception>
/// <remarks>Rudelson and Vershynin 2007. Zheng, Ramasinghe and Lucey 2021 (2107.02561) measure positional embeddings by it.</remarks>
[<CompiledName("OfMatrix")>]
let ofMatrix (a: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "a" 2 a
    Guard.floating "a" a
    let axes = int a.ndim

    Guard.holds "a" (a.size (axes - 2) > 0L && a.size (axes - 1) > 0L) (fun () ->
        $"a must have at least one row and column, but has shape {Guard.showShape a.shape}.")

    use scope = torch.NewDisposeScope()
    let values = torch.linalg.svdvals a
    let ratios = values.div (orOne (values.narrow (-1L, 0L, 1L)))
    scope.MoveToOuter((ratios .* ratios).sum -1L)
