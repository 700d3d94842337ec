/// <summary>The squared norm of a function from its coefficients: what is minimised when a residual should vanish everywhere, not only at points of a grid.</summary>
/// <remarks>
/// By Parseval's identity the integral of |R|^2 w over the domain is the sum of g_k |r_k|^2, with the norms g_k of the functions of the bases and w the product of
/// their weights (for Chebyshev bases 1 / sqrt (1 - x^2)). Gradients are exact, no grid is involved. Source: Du, Chalapathi and Krishnapriyan 2024
/// (neural spectral methods, arXiv 2312.05225).
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.SpectralLoss

open System
open Ortho
open TorchSharp

let private checkedResidual (bases: seq<SpectralBasis>) (residual: torch.Tensor) : SpectralBasis[] =
    Guard.notNull "bases" bases
    let bases = Seq.toArray bases
    Guard.holds "bases" (bases.Length > 0) (fun () -> "bases must hold at least one basis, but hold none.")
    bases |> Array.iteri (fun i basis -> Guard.notNull $"bases[{i}]" basis)
    Guard.rankAtLeast "residual" bases.Length residual
    Guard.floating "residual" residual
    let sizes = bases |> Array.map _.Size

    Guard.holds "residual" (residual.shape[residual.shape.Length - sizes.Length ..] = sizes) (fun () ->
        $"residual must have last axes {Guard.showShape sizes}, the sizes of the bases, but has shape {Guard.showShape residual.shape}.")

    bases

let private sumOfLast (axes: int) (x: torch.Tensor) =
    x.sum (Array.init axes (fun i -> int64 (i - axes)))

/// <summary>The integral of |R|^2 w: sum of g_k |r_k|^2 over the modes k.</summary>
/// <param name="bases">A basis for each axis of the domain.</param>
/// <param name="residual">Coefficients r of R, shape [*batch; n1; ...; nd], real or complex.</param>
/// <returns>Shape [*batch], real.</returns>
/// <exception cref="T:System.ArgumentException">No basis, or last axes of other sizes than theirs.</exception>
[<CompiledName("Weighted")>]
let weighted (bases: seq<SpectralBasis>) (residual: torch.Tensor) : torch.Tensor =
    let bases = checkedResidual bases residual
    use scope = torch.NewDisposeScope()

    let along (i: int) (x: torch.Tensor) =
        let shape = Array.init bases.Length (fun j -> if i = j then bases[i].Size else 1L)
        Table.times (Table.ofNumbers shape bases[i].Parts.SquaredNorms) x

    Seq.foldBack along [ 0 .. bases.Length - 1 ] (squaredModulus residual)
    |> sumOfLast bases.Length
    |> scope.MoveToOuter

/// <summary>Sum of |r_k|^2 over the modes k, as the public code of the paper does: for orthonormal functions the same as <c>weighted</c>, else another norm.</summary>
/// <remarks>It is equivalent to it: weighted lies between the least and the greatest product of norms times this.</remarks>
/// <param name="bases">A basis for each axis of the domain.</param>
/// <param name="residual">Coefficients r of R, shape [*batch; n1; ...; nd], real or complex.</param>
/// <returns>Shape [*batch], real.</returns>
/// <exception cref="T:System.ArgumentException">No basis, or last axes of other sizes than theirs.</exception>
[<CompiledName("Unweighted")>]
let unweighted (bases: seq<SpectralBasis>) (residual: torch.Tensor) : torch.Tensor =
    let bases = checkedResidual bases residual
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(sumOfLast bases.Length (squaredModulus residual))
