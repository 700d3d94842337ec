/// <summary>Butterfly maps B_(m-1) ... B_1 B_0: sparse factors that mix more and more distant coordinates, log2 (n / b) + 1 of which reach every entry.</summary>
/// <remarks>
/// <para>Cut the n coordinates into chunks of b / 2. Factor i joins chunk c with chunk c + 2^i (c without bit i) by one b x b block, blocks in
/// the order of c: B_i = P_i diag (C_1, ..., C_(n/b)) P_i^T of the paper, with P_i never built. Only axes are exchanged, one copy a factor.</para>
/// <para>m = 1 is block-diagonal, with blocks of any size. BOFT: Liu et al. 2024 (2311.06243), in the order of PEFT.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Butterfly

open System
open System.Numerics
open Ortho
open TorchSharp

/// The parameters of the blocks: [m; n/b; b; b].
let private factors (name: string) (blocks: torch.Tensor) =
    Guard.rank name 4 blocks
    Guard.square name blocks
    Guard.floating name blocks
    Guard.notEmpty name blocks
    let m, count, b = blocks.size 0, blocks.size 1, blocks.size 3

    Guard.holds name (m = 1L || b % 2L = 0L) (fun () ->
        $"{name} must be of even size b for more than one factor, since chunks are of b / 2, but has shape {Guard.showShape blocks.shape}.")

    Guard.holds name (m <= 62L && count % (1L <<< int (m - 1L)) = 0L) (fun () ->
        $"{name} must have a multiple of 2^(m - 1) blocks a factor, n / b, for m = {m} factors, but has shape {Guard.showShape blocks.shape}.")

/// Columns [blocks of factor i; b; columns] as those of factor i + 1, or back: the same exchange of axes.
let private turn (i: int) (z: torch.Tensor) =
    let count, b, columns = z.size 0, z.size 1, z.size 2
    let w = 1L <<< i

    z.reshape([| count / (2L * w); 2L; w; 2L; b / 2L; columns |]).transpose(1L, 3L).reshape [| count; b; columns |]

/// [count; b; columns] in the order of coordinates from or to the order of factor i, by the sizes of the two axes to exchange.
let private order (first: int64) (second: int64) (z: torch.Tensor) =
    let count, b, columns = z.size 0, z.size 1, z.size 2

    if first = 1L || second = 1L then
        z
    else
        z.reshape([| 2L * count / (first * second); first; second; b / 2L; columns |]).transpose(1L, 2L).reshape
            [| count; b; columns |]

let private map (traits: Traits) (blocks: torch.Tensor) =
    let m, count, b = int (blocks.size 0), blocks.size 1, blocks.size 3
    let n = count * b
    let widest = 1L <<< (m - 1)
    let forward = Array.init m (fun i -> blocks.select (0L, int64 i))
    let backward = forward |> Array.map _.mH

    let onColumns (copy: bool) (action: torch.Tensor -> torch.Tensor) =
        BlockDiagonal.onColumns copy (fun x -> (action (x.reshape [| count; b; x.size 1 |])).reshape [| n; x.size 1 |])

    let apply (columns: torch.Tensor) =
        let mutable z = forward[0].bmm columns

        for i in 1 .. m - 1 do
            z <- forward[i].bmm(turn (i - 1) z)

        if m = 1 then z else order widest 2L z

    let adjoint (columns: torch.Tensor) =
        let mutable z = if m = 1 then columns else order 2L widest columns
        z <- backward[m - 1].bmm z

        for i in m - 2 .. -1 .. 0 do
            z <- backward[i].bmm(turn i z)

        z

    Build.leaf
        $"Butterfly[{m}x{count}x{b}]"
        (Space.Of n)
        (Space.Of n)
        traits
        (Nullable(TensorKind.ofTensor blocks))
        (onColumns (b < 16L) apply)
        (onColumns (m > 1 || b < 16L) adjoint)

/// <summary>The butterfly map of given blocks. It promises nothing.</summary>
/// <param name="blocks">Those of B_0 first, shape [m; n/b; b; b]. Differentiable.</param>
/// <returns>A map from [n] to [n].</returns>
/// <exception cref="T:System.ArgumentException">Not of four axes, not square, empty, not floating or complex; b odd for more than one factor; or n not a
/// multiple of b 2^(m-1).</exception>
[<CompiledName("OfBlocks")>]
let ofBlocks (blocks: torch.Tensor) : LinearMap =
    factors "blocks" blocks
    map Traits.None blocks

/// <summary>The butterfly map of orthogonal (unitary) blocks, which are checked.</summary>
/// <param name="blocks">Those of B_0 first, shape [m; n/b; b; b]. Differentiable.</param>
/// <returns>A unitary map from [n] to [n].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>ofBlocks</c>, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("OfOrthogonal")>]
let ofOrthogonal (blocks: torch.Tensor) : LinearMap =
    factors "blocks" blocks
    Membership.orthonormal "blocks" blocks |> ignore
    map Traits.Unitary blocks

/// <summary>The butterfly rotation of BOFT: blocks are the Cayley transforms C(K) = (I + K) (I - K)^-1 of skew matrices.</summary>
/// <param name="s">Skew or skew-Hermitian, those of B_0 first, shape [m; n/b; b; b]. Differentiable. PEFT's blocks are C(-K).</param>
/// <returns>A unitary map from [n] to [n]; the identity for K = 0.</returns>
/// <exception cref="T:System.ArgumentException">As for <c>ofBlocks</c>, or not skew to 1e-12 (float64) or 1e-5 (float32) relative.</exception>
[<CompiledName("OfSkew")>]
let ofSkew (s: torch.Tensor) : LinearMap =
    factors "s" s
    map Traits.Unitary (Cayley.matrix s)

/// <summary>The least number m of factors whose product has no entry that is zero for every choice of blocks: log2 (n / b) + 1. Fewer leave
/// b 2^(m-1) non-zero entries in each row.</summary>
/// <param name="n">Number of coordinates.</param>
/// <param name="b">Size of the blocks.</param>
/// <exception cref="T:System.ArgumentException">n / b is not a power of two; or b is odd and not n.</exception>
[<CompiledName("FactorsToConnect")>]
let factorsToConnect (n: int64) (b: int64) : int =
    Guard.positive "n" n
    Guard.positive "b" b

    Guard.holds "b" (n % b = 0L && BitOperations.IsPow2(n / b) && (b % 2L = 0L || b = n)) (fun () ->
        $"b must be even and n / b a power of two, or b = n, but b is {b} for n = {n}.")

    BitOperations.Log2(uint64 (n / b)) + 1

/// <summary>The number of free parameters of a real butterfly rotation, m n (b - 1) / 2: b (b - 1) / 2 a block. Dense rotations have n (n - 1) / 2.</summary>
/// <param name="m">Number of factors.</param>
/// <param name="n">Number of coordinates.</param>
/// <param name="b">Size of the blocks, which divides n.</param>
/// <exception cref="T:System.ArgumentException">A number is below 1, or b does not divide n.</exception>
[<CompiledName("ParameterCount")>]
let parameterCount (m: int) (n: int64) (b: int64) : int64 =
    Guard.positive "m" m
    Guard.positive "n" n
    Guard.positive "b" b
    Guard.holds "b" (n % b = 0L) (fun () -> $"b must divide n = {n}, but is {b}.")
    int64 m * (n / b) * Skew.dimension b
