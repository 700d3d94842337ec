/// <summary>Measures of the angles between the rows of a weight (flattened filters, neurons): none depends on the lengths of the rows, and a unitary map
/// applied to all of them changes none.</summary>
/// <remarks>Each takes [*batch; m; n] with m of at least 2 and gives [*batch], real and differentiable.</remarks>
[<RequireQualifiedAccess>]
module Ortho.RowAngles

open System
open Ortho
open TorchSharp

let private check (w: torch.Tensor) =
    Guard.rankAtLeast "w" 2 w
    Guard.floating "w" w
    Guard.notEmpty "w" w

    Guard.holds "w" (w.size (int w.ndim - 2) >= 2L) (fun () ->
        $"w must have at least two rows, but has shape {Guard.showShape w.shape}.")

/// Rows of length 1; zero rows stay.
let private units (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let scaled = w.div (orOne (w.detach().abs().amax([| -1L |], true)))
    scope.MoveToOuter(scaled.div (orOne (scaled.norm(-1).unsqueeze -1L)))

/// 1 off the diagonal.
let private apart (w: torch.Tensor) (kind: torch.ScalarType) =
    use identity =
        torch.eye (w.size (int w.ndim - 2), dtype = Nullable kind, device = w.device)

    use others = identity.logical_not ()
    others.``to`` kind

/// |cos| of the angle of each pair of different rows.
let private cosines (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let unit = units w
    let magnitudes = (unit.matmul unit.mH).abs()
    scope.MoveToOuter(magnitudes .* apart w magnitudes.dtype)

/// <summary>The mutual coherence: the largest |cos| of the angle between two rows.</summary>
/// <param name="w">Shape [*batch; m; n]. A zero row counts as orthogonal to all.</param>
/// <returns>Shape [*batch]: 0 for orthogonal rows, 1 if two are parallel, and at least sqrt ((m - n) / (n (m - 1))) for rows that are not zero (Welch).</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes or rows, empty, or not floating or complex.</exception>
[<CompiledName("Coherence")>]
let coherence (w: torch.Tensor) : torch.Tensor =
    check w
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter((cosines w).amax([| -2L; -1L |], false))

/// <summary>1 less the mean of |cos| over all pairs of rows.</summary>
/// <param name="w">Shape [*batch; m; n]. A zero row counts as orthogonal to all.</param>
/// <returns>Shape [*batch]: 1 for orthogonal rows, 0 for parallel ones.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes or rows, empty, or not floating or complex.</exception>
/// <remarks>Gavrikov and Keuper 2022 (2204.02481).</remarks>
[<CompiledName("Orthogonality")>]
let orthogonality (w: torch.Tensor) : torch.Tensor =
    check w
    use scope = torch.NewDisposeScope()
    let rows = float (w.size (int w.ndim - 2))
    let total = (cosines w).sum([| -2L; -1L |], false)
    scope.MoveToOuter(plus 1.0 (multiply (-1.0 / (rows * (rows - 1.0))) total))

/// <summary>The hyperspherical energy: the sum of |u_i - u_j|^-s over ordered pairs of different rows u = w / |w|; of -log |u_i - u_j| for s = 0.</summary>
/// <param name="order">s, not negative; 1 in the papers.</param>
/// <param name="w">Real, shape [*batch; m; n], with neurons as rows, as in torch's weights. A zero row counts as the origin.</param>
/// <returns>Shape [*batch]; infinite, without a gradient, if two rows have the same direction.</returns>
/// <exception cref="T:System.ArgumentException">order is negative or not finite; w has fewer than two axes or rows, is empty, or not real.</exception>
/// <remarks>Liu et al. 2018 (1805.09298); Qiu et al. 2023 (2306.07280). Distances are of differences, not 2 - 2 cos, which loses those below 1e-8. Once
/// differentiable: torch has no second derivative of distances.</remarks>
[<CompiledName("Energy")>]
let energy (order: float) (w: torch.Tensor) : torch.Tensor =
    Guard.finite "order" order
    Guard.atLeast "order" 0.0 order
    check w
    Guard.real "w" w
    use scope = torch.NewDisposeScope()
    let unit = units w
    let others = apart w w.dtype

    let distances =
        torch.cdist (unit, unit, 2.0, compute_mode.donot_use_mm_for_euclid_dist)

    // 1, with logarithm 0, on the diagonal.
    let logarithms = (distances .+ others.logical_not().``to`` w.dtype).log()

    let terms =
        if order = 0.0 then
            multiply -1.0 logarithms
        else
            (multiply (-order) logarithms).exp()

    scope.MoveToOuter((terms .* others).sum([| -2L; -1L |], false))
