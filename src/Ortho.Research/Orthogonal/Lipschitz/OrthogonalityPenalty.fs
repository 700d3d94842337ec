/// <summary>Penalties that pull the rows or columns of a weight towards orthonormal ones.</summary>
/// <remarks>Filters of a convolution are rows: flatten them first. Each takes [*batch; m; n] and gives [*batch], real and differentiable.
/// For W of shape m x n, |W W* - I|^2 = |W* W - I|^2 + (m - n), so that each is computed from the smaller of the two Gram matrices.</remarks>
[<RequireQualifiedAccess>]
module Ortho.OrthogonalityPenalty

open System
open Ortho
open TorchSharp

let private check (w: torch.Tensor) =
    Guard.rankAtLeast "w" 2 w
    Guard.floating "w" w
    Guard.notEmpty "w" w

/// The smaller Gram matrix less the identity.
let private defect (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let rows, columns = w.size (int w.ndim - 2), w.size (int w.ndim - 1)
    let gram = if rows >= columns then w.mH.matmul w else w.matmul w.mH

    let identity =
        torch.eye (min rows columns, dtype = Nullable w.dtype, device = w.device)

    scope.MoveToOuter(gram .- identity)

/// |defect|^2 + excess, over the last two axes.
let private squared (excess: int64) (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let d = defect w
    let entries = if d.is_complex () then (d .* d.conj ()).real else d .* d
    let total = entries.sum ([| -2L; -1L |], false)
    scope.MoveToOuter(if excess > 0L then plus (float excess) total else total)

let private excess (w: torch.Tensor) =
    w.size (int w.ndim - 2) - w.size (int w.ndim - 1)

/// <summary>|W W* - I|_F^2: zero for orthonormal rows; at least m - n if there are more rows than columns.</summary>
/// <param name="w">Shape [*batch; m; n].</param>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, empty, or not floating or complex.</exception>
[<CompiledName("Rows")>]
let rows (w: torch.Tensor) : torch.Tensor =
    check w
    squared (excess w) w

/// <summary>|W* W - I|_F^2: zero for orthonormal columns; at least n - m if there are more columns than rows.</summary>
/// <param name="w">Shape [*batch; m; n].</param>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, empty, or not floating or complex.</exception>
/// <remarks>Its gradient is 4 W (W* W - I), as that of <c>rows</c>: a step of 1/8 is the Newton-Schulz step W (3 I - W* W) / 2. Xie, Xiong and Pu 2017
/// (1703.01827) weigh it by lambda / 2, for which the step is 1 / (4 lambda).</remarks>
[<CompiledName("Columns")>]
let columns (w: torch.Tensor) : torch.Tensor =
    check w
    squared (-(excess w)) w

/// <summary>The restricted isometry penalty: the spectral norm of the smaller of W* W - I and W W* - I.</summary>
/// <param name="w">Shape [*batch; m; n].</param>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, empty, or not floating or complex.</exception>
/// <remarks>SRIP: Bansal, Chen and Wang 2018 (1810.09102), who estimate the norm by two steps of power iteration; here it is exact.</remarks>
[<CompiledName("RestrictedIsometry")>]
let restrictedIsometry (w: torch.Tensor) : torch.Tensor =
    check w
    use defect = defect w
    SpectralNorm.exact defect

/// W as its groups: [*batch; groups; m / groups; n].
let private grouped (groups: int64) (w: torch.Tensor) =
    Guard.positive "groups" groups
    check w
    let axes = int w.ndim
    let rows = w.size (axes - 2)

    Guard.holds "groups" (rows % groups = 0L) (fun () -> $"groups must divide the {rows} rows of w, but is {groups}.")

    let batch = Array.init (axes - 2) (fun axis -> w.size axis)
    w.reshape (Array.append batch [| groups; rows / groups; w.size (axes - 1) |])

/// The penalties of the sets of rows, summed.
let private total (sets: torch.Tensor) =
    use each = rows sets
    each.sum ([| -1L |], false)

/// <summary>The sum of |A A* - I|_F^2 over the groups A of m / groups consecutive rows: 1 group is <c>rows</c>, m groups only make rows of length 1.</summary>
/// <param name="groups">Number of groups; it divides the number of rows.</param>
/// <param name="w">Shape [*batch; m; n].</param>
/// <exception cref="T:System.ArgumentException">groups is below 1 or does not divide m; w has fewer than two axes, is empty, or not floating or complex.</exception>
/// <remarks>GOR inter: Kurtz, Bar and Giryes 2023 (2306.10001). Their code leaves out the constant m - n of sets that have more rows than columns.</remarks>
[<CompiledName("InterGroup")>]
let interGroup (groups: int64) (w: torch.Tensor) : torch.Tensor =
    use sets = grouped groups w
    total sets

/// <summary>The sum of |A A* - I|_F^2 over the sets A of the i-th rows of all groups, each of <c>groups</c> rows.</summary>
/// <param name="groups">Number of groups; it divides the number of rows.</param>
/// <param name="w">Shape [*batch; m; n].</param>
/// <exception cref="T:System.ArgumentException">groups is below 1 or does not divide m; w has fewer than two axes, is empty, or not floating or complex.</exception>
/// <remarks>GOR intra: Kurtz, Bar and Giryes 2023 (2306.10001).</remarks>
[<CompiledName("IntraGroup")>]
let intraGroup (groups: int64) (w: torch.Tensor) : torch.Tensor =
    use sets = grouped groups w
    use transposed = sets.transpose (-3L, -2L)
    total transposed
