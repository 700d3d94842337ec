/// <summary>Maps that no parameters can make expand: almost orthogonal matrices, the Cayley transform of a tall pair, groups sorted.</summary>
/// <remarks>The layers made of them are <c>AlmostOrthogonalLayer</c>, <c>LipschitzResidualLayer</c>, <c>SandwichLayer</c> and <c>LipschitzNetwork</c>.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Lipschitz

open System
open Ortho
open TorchSharp

/// sum_j |W* W|_ij q_j for each column i, with 1 for 0. Since diag (this / q) - W* W is diagonally dominant after scaling by q, it is
/// positive semidefinite.
let internal dominance (q: torch.Tensor) (w: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let magnitudes = (w.mH.matmul w).abs()
    scope.MoveToOuter(orOne (magnitudes.matmul q))

/// <summary>The almost orthogonal map W D, D = diag (sum_j |W* W|_ij)^(-1/2).</summary>
/// <param name="w">Shape [m; n]. Its scale does not matter. Differentiable where no column is zero and no two are orthogonal; a zero column
/// stays zero.</param>
/// <returns>A map from [n] to [m] of norm at most 1, an isometry if the columns of w are orthogonal and none is zero.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, or not floating or complex.</exception>
/// <remarks>AOL: Prach and Lampert 2022 (2208.03160): D^-2 - W* W is diagonally dominant. Cost O(m n^2), no iteration.</remarks>
[<CompiledName("AlmostOrthogonal")>]
let almostOrthogonal (w: torch.Tensor) : LinearMap =
    Guard.rank "w" 2 w
    Guard.floating "w" w
    Guard.notEmpty "w" w

    let weight =
        use scope = torch.NewDisposeScope()
        // The map does not depend on the scale of W: dividing by a constant moves neither it nor its gradient, and nothing underflows.
        let unit = w.div (orOne (SpectralNorm.largest w))
        let ones = unit.abs().detach().new_ones(w.size 1)
        scope.MoveToOuter(unit.div ((dominance ones unit).sqrt()))

    LinearMap.ofMatrix weight

/// <summary>The Cayley transform of a tall pair: A* = (I - Z) (I + Z)^-1 and B* = -2 Y (I + Z)^-1 for Z = X - X* + Y* Y. The matrix [A B]
/// has orthonormal rows, A A* + B B* = I.</summary>
/// <param name="x">Shape [*batch; q; q]; only X - X* counts. Differentiable.</param>
/// <param name="y">Shape [*batch; p; q], of the batch axes of x. Differentiable.</param>
/// <returns>A, shape [*batch; q; q], and B, shape [*batch; q; p].</returns>
/// <exception cref="T:System.ArgumentException">x is not square, y does not fit x in shape, type or device, or they are not floating or complex.</exception>
/// <remarks>Wang and Manchester 2023 (2301.11526); Trockman and Kolter 2021 for the square case, which for Y = 0 is
/// A* = C(-X + X*) by <c>Cayley.matrix</c>. One inverse of a q x q matrix whose singular values are at least 1.</remarks>
[<CompiledName("CayleyPair")>]
let cayleyPair (x: torch.Tensor) (y: torch.Tensor) : struct (torch.Tensor * torch.Tensor) =
    Guard.square "x" x
    Guard.floating "x" x
    Guard.live "y" y
    let axes = int x.ndim
    let shape (t: torch.Tensor) = Guard.showShape t.shape

    Guard.holds
        "y"
        (int y.ndim = axes
         && y.size (axes - 1) = x.size (axes - 1)
         && Seq.forall (fun axis -> y.size axis = x.size axis) (seq { 0 .. axes - 3 }))
        (fun () ->
            $"y must have shape [*batch; p; q] for x of shape [*batch; q; q] = {shape x}, but has shape {shape y}.")

    let kind = TensorKind.ofTensor x

    Guard.holds "y" (TensorKind.matches kind y) (fun () -> $"y must be {kind}, like x, but is {TensorKind.ofTensor y}.")
    use scope = torch.NewDisposeScope()

    let identity =
        torch.eye (x.size (axes - 1), dtype = Nullable x.dtype, device = x.device)

    let z = (x .- x.mH) .+ y.mH.matmul y
    let inverse = torch.linalg.inv (identity .+ z)
    let a = (multiply 2.0 inverse .- identity).mH
    let b = (multiply -2.0 (y.matmul inverse)).mH
    struct (scope.MoveToOuter a, scope.MoveToOuter b)

/// <summary>The linear form 2 A* B of a sandwich layer, with A and B as of <c>cayleyPair</c>: where every slope of its activation is 1.</summary>
/// <param name="x">Shape [q; q]. Differentiable.</param>
/// <param name="y">Shape [p; q]. Differentiable.</param>
/// <returns>A map from [p] to [q] of norm at most 1: A* and B are orthonormal rows cut in two. Norm 1 is reached, as sin 2t for A = cos t, B = sin t.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, or refused as by <c>cayleyPair</c>.</exception>
[<CompiledName("SandwichLinear")>]
let sandwichLinear (x: torch.Tensor) (y: torch.Tensor) : LinearMap =
    Guard.rank "x" 2 x
    Guard.notEmpty "x" x
    Guard.rank "y" 2 y
    Guard.notEmpty "y" y
    let struct (a, b) = cayleyPair x y

    (LinearMap.ofMatrix a).Adjoint * LinearMap.ofMatrix b |> LinearMap.scale 2.0

/// <summary>GroupSort: each group of neighbours on the last axis is sorted, the largest first. Groups of 2 are MaxMin.</summary>
/// <param name="size">Entries of a group, at least 1; it divides the last axis.</param>
/// <param name="x">Shape [*batch; n], real. Differentiable where the entries of a group differ.</param>
/// <returns>Shape [*batch; n]. It keeps norms, and distances do not grow: where it is differentiable it only moves entries.</returns>
/// <exception cref="T:System.ArgumentException">size is below 1 or does not divide n; x has no axes or is not real.</exception>
/// <remarks>Anil, Lucas and Grosse 2019 (1811.05381). Not an activation for a sandwich or residual layer, which need one entry by entry.</remarks>
[<CompiledName("GroupSort")>]
let groupSort (size: int64) (x: torch.Tensor) : torch.Tensor =
    Guard.positive "size" size
    Guard.rankAtLeast "x" 1 x
    Guard.real "x" x
    let last = int x.ndim - 1
    let n = x.size last

    Guard.holds "size" (n % size = 0L) (fun () ->
        $"size must divide the last axis of x, but is {size} for shape {Guard.showShape x.shape}.")

    use scope = torch.NewDisposeScope()
    let batch = Array.init last (fun axis -> x.size axis)
    let groups = x.reshape (Array.append batch [| n / size; size |])
    let struct (sorted, _) = groups.sort (-1L, descending = true)
    scope.MoveToOuter(sorted.reshape x.shape)
