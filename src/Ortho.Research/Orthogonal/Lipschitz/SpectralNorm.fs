/// <summary>The spectral norm of a matrix, its largest singular value: exact, from below by power iteration, from above by Gram
/// iteration; and matrices divided by it.</summary>
/// <remarks>For a map that is no matrix there is <c>LinearMap.norm</c>, which iterates until it converges.</remarks>
[<RequireQualifiedAccess>]
module Ortho.SpectralNorm

open Ortho
open TorchSharp

let private check (w: torch.Tensor) =
    Guard.rankAtLeast "w" 2 w
    Guard.floating "w" w
    Guard.notEmpty "w" w

/// The largest absolute value of each matrix, [*batch; 1; 1], a constant to autograd.
let internal largest (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    use detached = w.detach ()
    scope.MoveToOuter(detached.abs().amax([| -2L; -1L |], true))

/// Frobenius norms of the matrices of a batch, [*batch].
let private lengths (x: torch.Tensor) =
    use flat = x.flatten -2L
    flat.norm -1

/// The matrix norms of w / c, times c, for the largest entry c of each matrix: nothing overflows or underflows. Norms are homogeneous,
/// so that c being a constant does not change their gradient.
let private scaled (norms: torch.Tensor -> torch.Tensor) (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let size = largest w
    scope.MoveToOuter(size.squeeze(-1L).squeeze(-1L) .* norms (w.div (orOne size)))

/// <summary>The spectral norm by singular values.</summary>
/// <param name="w">Shape [*batch; m; n]. Differentiable where the largest singular value is simple; elsewhere one of the subgradients u v*.</param>
/// <returns>Shape [*batch], real.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, empty, or not floating or complex.</exception>
[<CompiledName("Exact")>]
let exact (w: torch.Tensor) : torch.Tensor =
    check w
    use values = torch.linalg.svdvals w
    values.select (-1L, 0L)

/// <summary>A lower bound of the spectral norm: |W v| for the unit vector v that some steps of power iteration on W* W give.</summary>
/// <param name="seed">Draws the start, the same for each matrix of a batch.</param>
/// <param name="steps">At least 1. The relative error falls like (second / first singular value)^(4 steps).</param>
/// <param name="w">Shape [*batch; m; n]. Differentiable, v held fixed (Miyato et al. 2018).</param>
/// <returns>Shape [*batch], real, above the norm by rounding at most.</returns>
/// <exception cref="T:System.ArgumentException">steps is below 1; w has fewer than two axes, is empty, or not floating or complex.</exception>
[<CompiledName("LowerBound")>]
let lowerBound (seed: int) (steps: int) (w: torch.Tensor) : torch.Tensor =
    Guard.positive "steps" steps
    check w

    let unit (x: torch.Tensor) =
        x.div (orOne (x.norm(-2).unsqueeze -2L))

    /// Where the steps end, for a constant matrix.
    let direction (w: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let start = Seed.normal seed (TensorKind.ofTensor w) [ w.size (int w.ndim - 1); 1L ]
        let mutable v = unit start

        for _ in 1..steps do
            v <- unit (w.mH.matmul (unit (w.matmul v)))

        scope.MoveToOuter v

    scaled
        (fun w ->
            let v = direction (w.detach ())
            lengths (w.matmul v))
        w

/// <summary>An upper bound of the spectral norm by Gram iteration: G goes to (G / |G|_F)^2 from G = W* W or W W*, the smaller of them;
/// the norm is at most the limit of |W* W|^(2^k)|_F, to the power 2^-(k+1).</summary>
/// <param name="steps">k, at least 0. The bound is at most r^(2^-(k+2)) times the norm, r being the rank: for r = 1000, 1.24 at k = 3 and
/// 1.014 at k = 5 at worst.</param>
/// <param name="w">Shape [*batch; m; n]. Differentiable.</param>
/// <returns>Shape [*batch], real, below the norm by rounding at most; 0 for zero.</returns>
/// <exception cref="T:System.ArgumentException">steps is negative; w has fewer than two axes, is empty, or not floating or complex.</exception>
/// <remarks>Delattre, Barthelemy, Araujo and Allauzen 2023 (2305.16173).</remarks>
[<CompiledName("UpperBound")>]
let upperBound (steps: int) (w: torch.Tensor) : torch.Tensor =
    Guard.atLeast "steps" 0 steps
    check w

    scaled
        (fun w ->
            let isTall = w.size (int w.ndim - 2) >= w.size (int w.ndim - 1)
            let mutable gram = if isTall then w.mH.matmul w else w.matmul w.mH
            let mutable length = orOne (lengths gram)
            let mutable logarithm = length.log ()

            for step in 1..steps do
                let unit = gram.div (length.unsqueeze(-1L).unsqueeze -1L)
                gram <- unit.matmul unit
                length <- orOne (lengths gram)
                logarithm <- logarithm |> addMultiple (0.5 ** float step) (length.log ())

            (multiply 0.5 logarithm).exp())
        w

/// <summary>The map of W / max (1, |W|): a matrix of norm above 1 is divided by its norm, another one stays.</summary>
/// <param name="w">Shape [m; n]. Differentiable; the norm is exact, as by <c>exact</c>, and part of the gradient.</param>
/// <returns>A map from [n] to [m] of norm at most 1.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, or not floating or complex.</exception>
/// <remarks>Miyato et al. 2018 (1802.05957) divide by the norm also where it is below 1, and take <c>lowerBound</c> for it, which
/// leaves norms above 1.</remarks>
[<CompiledName("Normalised")>]
let normalised (w: torch.Tensor) : LinearMap =
    Guard.rank "w" 2 w

    let divided =
        use scope = torch.NewDisposeScope()
        let norm = exact w
        scope.MoveToOuter(w.div (torch.maximum (norm, torch.ones_like norm)))

    LinearMap.ofMatrix divided
