/// <summary>Block-diagonal maps diag (B_1, ..., B_r), applied as one batched product; with orthogonal blocks, the rotations of orthogonal finetuning.</summary>
/// <remarks>OFT: Qiu et al. 2023 (2306.07280); Neumann blocks: Qiu et al. 2025 (OFTv2, 2506.19847). C(K) = (I + K) (I - K)^-1 as in <c>Cayley</c>.</remarks>
[<RequireQualifiedAccess>]
module Ortho.BlockDiagonal

open System
open Ortho
open TorchSharp

/// What an action does to vectors as columns, [n; columns] to [m; columns], done to rows. Small blocks want the columns side by side:
/// a copy then costs less than strided products (measured: for blocks below 16, and where axes are exchanged).
let internal onColumns (copy: bool) (action: torch.Tensor -> torch.Tensor) =
    Actions.scoped (fun x ->
        let batch = Array.init (int x.ndim - 1) x.size
        let columns = x.reshape([| -1L; x.size batch.Length |]).t()
        let y = action (if copy then columns.contiguous () else columns)
        y.t().reshape(Array.append batch [| y.size 0 |]))

/// Each block times its own part of a vector. The product comes back in rows by views alone.
let private act (blocks: torch.Tensor) =
    let count, rows, columns = blocks.size 0, blocks.size 1, blocks.size 2

    onColumns (columns < 16L) (fun x ->
        let parts = x.reshape [| count; columns; x.size 1 |]
        (blocks.bmm parts).reshape [| count * rows; x.size 1 |])

let private map (traits: Traits) (blocks: torch.Tensor) =
    let count, rows, columns = blocks.size 0, blocks.size 1, blocks.size 2

    Build.leaf
        $"Blocks[{count}x{rows}x{columns}]"
        (Space.Of(count * columns))
        (Space.Of(count * rows))
        traits
        (Nullable(TensorKind.ofTensor blocks))
        (act blocks)
        (act blocks.mH)

/// <summary>The block-diagonal map of given blocks. It promises nothing.</summary>
/// <param name="blocks">B_1, ..., B_r, shape [r; m; n]. Differentiable.</param>
/// <returns>A map from [r n] to [r m].</returns>
/// <exception cref="T:System.ArgumentException">Not of three axes, empty, or not floating or complex.</exception>
[<CompiledName("OfBlocks")>]
let ofBlocks (blocks: torch.Tensor) : LinearMap =
    Guard.rank "blocks" 3 blocks
    Guard.floating "blocks" blocks
    Guard.notEmpty "blocks" blocks
    map Traits.None blocks

/// <summary>The block-diagonal map of blocks with orthonormal columns, which are checked.</summary>
/// <param name="blocks">Shape [r; m; n], n at most m. Differentiable.</param>
/// <returns>A map from [r n] to [r m]: unitary for square blocks, otherwise an isometry.</returns>
/// <exception cref="T:System.ArgumentException">Not of three axes, empty, not floating or complex, wide, or columns not orthonormal to 1e-10 (float64) or
/// 1e-4 (float32).</exception>
[<CompiledName("OfOrthogonal")>]
let ofOrthogonal (blocks: torch.Tensor) : LinearMap =
    Guard.rank "blocks" 3 blocks
    Membership.orthonormal "blocks" blocks |> ignore

    map
        (if blocks.size 1 = blocks.size 2 then
             Traits.Unitary
         else
             Traits.Isometry)
        blocks

let private skewBlocks (s: torch.Tensor) =
    Guard.rank "s" 3 s
    Guard.notEmpty "s" s

/// <summary>The block-diagonal rotation of OFT: the Cayley transforms of r skew matrices.</summary>
/// <param name="s">K_1, ..., K_r: skew or skew-Hermitian, shape [r; b; b]; r b (b - 1) / 2 free numbers. Differentiable.</param>
/// <returns>A unitary map from [r b] to [r b]; the identity for K = 0. PEFT's exact branch is its adjoint.</returns>
/// <exception cref="T:System.ArgumentException">Not of three axes, empty, not square, not floating or complex, or not skew to 1e-12 (float64) or 1e-5 (float32) relative.</exception>
[<CompiledName("OfSkew")>]
let ofSkew (s: torch.Tensor) : LinearMap =
    skewBlocks s
    map Traits.Unitary (Cayley.matrix s)

/// <summary>The same by Neumann's series of the given order, without an inverse: OFTv2. See <c>Cayley.neumann</c>.</summary>
/// <param name="order">k, the highest power of the series, at least 0: take an even one.</param>
/// <param name="s">K_1, ..., K_r of spectral norm below 1: skew or skew-Hermitian, shape [r; b; b]. Differentiable.</param>
/// <returns>A map from [r b] to [r b]. It promises nothing: its exact defect is <c>Cayley.neumannDefect</c>.</returns>
/// <exception cref="T:System.ArgumentException">order is negative, or s is refused as by <c>ofSkew</c>.</exception>
[<CompiledName("Neumann")>]
let neumann (order: int) (s: torch.Tensor) : LinearMap =
    Guard.atLeast "order" 0 order
    skewBlocks s
    map Traits.None (Cayley.neumannMatrix order s)

/// <summary>One map shared by all r blocks of a vector: diag (A, ..., A), with what A promises.</summary>
/// <param name="count">r, at least 1.</param>
/// <param name="block">A, between any spaces, whose elements are read row-major.</param>
/// <returns>A map from [r n] to [r m], for A from n to m numbers.</returns>
/// <exception cref="T:System.ArgumentException">count is below 1.</exception>
[<CompiledName("Shared")>]
let shared (count: int64) (block: LinearMap) : LinearMap =
    Guard.positive "count" count
    Guard.notNull "block" block
    let repeated = LinearMap.identity (Space.Of count) .*. block

    LinearMap.reshape repeated.Codomain (Space.Of repeated.Codomain.Size)
    * repeated
    * LinearMap.reshape (Space.Of repeated.Domain.Size) repeated.Domain

/// <summary>How far the rotation of skew blocks is from the identity: |diag (C(K_1), ..., C(K_r)) - I|_F, without cancellation for small K.</summary>
/// <param name="s">Skew or skew-Hermitian, shape [*batch; r; b; b]. Differentiable but at zero.</param>
/// <returns>Shape [*batch]: the root of the sum of 4 s^2 / (1 + s^2) over all singular values s of the K_i, at most 2 |K|_F.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than three axes, empty, or not skew as for <c>ofSkew</c>.</exception>
[<CompiledName("Distance")>]
let distance (s: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "s" 3 s
    Guard.notEmpty "s" s
    Membership.skew "s" s
    use scope = torch.NewDisposeScope()

    let identity =
        torch.eye (s.size (int s.ndim - 1), dtype = Nullable s.dtype, device = s.device)
    // C(K) - I = 2 (I - K)^-1 K.
    let half = torch.linalg.solve (identity .- s, s)
    let length = half.flatten(-3L).norm -1
    scope.MoveToOuter(multiply 2.0 (if length.is_complex () then length.real else length))

/// <summary>Constrained OFT: K with every block shortened to |K_i|_F of at most radius / (2 sqrt r), so that |C(K) - I|_F is at most the radius.</summary>
/// <param name="radius">Positive.</param>
/// <param name="s">K_1, ..., K_r: skew or skew-Hermitian, shape [*batch; r; b; b]. Differentiable.</param>
/// <returns>Skew, same shape; a block that is short enough is not changed.</returns>
/// <exception cref="T:System.ArgumentException">radius is not positive and finite; fewer than three axes, empty, or not skew as for <c>ofSkew</c>.</exception>
/// <remarks>The OFT paper clamps to radius / sqrt r, which bounds |C(K) - I|_F by twice the radius only.</remarks>
[<CompiledName("Project")>]
let project (radius: float) (s: torch.Tensor) : torch.Tensor =
    Guard.finite "radius" radius
    Guard.holds "radius" (radius > 0.0) (fun () -> $"radius must be positive, but is {radius}.")
    Guard.rankAtLeast "s" 3 s
    Guard.notEmpty "s" s
    Membership.skew "s" s
    use scope = torch.NewDisposeScope()
    let count = s.size (int s.ndim - 3)

    let flat =
        (Skew.lengths s).reshape(Array.append (Array.init (int s.ndim - 2) s.size) [| 1L; 1L |])

    let lengths = if flat.is_complex () then flat.real else flat
    let limit = radius / (2.0 * sqrt (float count))
    let limits = plus limit (torch.zeros_like lengths)
    // The larger of limit and length; limit / limit is exactly 1.
    scope.MoveToOuter(s .* limits.div (torch.maximum (limits, lengths)))
