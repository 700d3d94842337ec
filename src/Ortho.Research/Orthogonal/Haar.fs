/// <summary>Random orthogonal and unitary matrices, frames and subspaces, uniform: their law (Haar's measure) is kept by every fixed rotation.</summary>
/// <remarks>QR of a Gaussian matrix with the phases of R's diagonal moved into Q; without them the law is not Haar's, nor with another law of the
/// entries. Determinant 1: one column takes the determinant. Mezzadri 2007, "How to generate random matrices from the classical compact groups";
/// products of reflections: Stewart 1980.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Haar

open System
open Ortho
open TorchSharp

let private precise (kind: TensorKind) =
    match TensorKind.realDtype kind.Dtype with
    | torch.ScalarType.Float32
    | torch.ScalarType.Float64 -> ()
    | _ ->
        raise (
            ArgumentException(
                $"kind must be of float32, float64 or a complex type of their precision, but is {kind}.",
                "kind"
            )
        )

/// x / |x|, and 1 for 0.
let private phase (x: torch.Tensor) =
    x.sgn () .+ x.logical_not().``to`` x.dtype

/// <summary>Uniform orthonormal frames: the Stiefel manifold; O(n) and U(n) for square ones.</summary>
/// <param name="seed">Same seed, same frames.</param>
/// <param name="kind">float32, float64 or complex, and the device.</param>
/// <param name="shape">[*batch; n; k] with k at most n: k orthonormal columns in n dimensions, independent over the batch.</param>
/// <returns>The given shape. Never n x n: a thin QR factorization of n k numbers, O(n k^2).</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two sizes, one of the last two below 1 or a batch size below 0, k above n, or another type.</exception>
[<CompiledName("Frames")>]
let frames (seed: int) (kind: TensorKind) (shape: seq<int64>) : torch.Tensor =
    Guard.notNull "shape" shape
    let sizes = Seq.toArray shape
    precise kind

    Guard.holds
        "shape"
        (sizes.Length >= 2
         && sizes[sizes.Length - 1] >= 1L
         && sizes[sizes.Length - 2] >= sizes[sizes.Length - 1])
        (fun () ->
            $"shape must be [*batch; n; k] with k from 1 to n: no more orthonormal vectors than dimensions exist. It is {Guard.showShape sizes}.")

    use scope = torch.NewDisposeScope()
    let struct (q, r) = torch.linalg.qr (Seed.normal seed kind sizes)
    scope.MoveToOuter(q .* phase(r.diagonal (0L, -2L, -1L)).unsqueeze -2L)

/// <summary>Uniform matrices of determinant 1: the rotations SO(n), or SU(n) for a complex type.</summary>
/// <param name="seed">Same seed, same matrices.</param>
/// <param name="kind">float32, float64 or complex, and the device.</param>
/// <param name="shape">[*batch; n; n].</param>
/// <returns>The given shape.</returns>
/// <exception cref="T:System.ArgumentException">The last two sizes differ or are below 1, or another type.</exception>
[<CompiledName("Rotations")>]
let rotations (seed: int) (kind: TensorKind) (shape: seq<int64>) : torch.Tensor =
    Guard.notNull "shape" shape
    let sizes = Seq.toArray shape

    Guard.holds "shape" (sizes.Length >= 2 && sizes[sizes.Length - 1] = sizes[sizes.Length - 2]) (fun () ->
        $"shape must be square in its last two sizes, but is {Guard.showShape sizes}.")

    use scope = torch.NewDisposeScope()
    let q = frames seed kind sizes
    let n = sizes[sizes.Length - 1]
    // One column is divided by the determinant.
    let turn = phase(torch.linalg.det q).conj().unsqueeze(-1L).unsqueeze -1L
    scope.MoveToOuter(torch.cat ([| q.narrow (-1L, 0L, 1L) .* turn; q.narrow (-1L, 1L, n - 1L) |], -1L))

let private isComplex (expected: bool) (kind: TensorKind) =
    let wanted = if expected then "complex" else "real"

    Guard.holds "kind" (torch.is_complex kind.Dtype = expected) (fun () ->
        $"kind must be of {wanted} type, but is {kind}.")

/// <summary>A uniform orthogonal matrix, [n; n]: O(n), either determinant with equal chance. Batches: <c>frames</c>.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1, or the type is not float32 or float64.</exception>
[<CompiledName("Orthogonal")>]
let orthogonal (seed: int) (kind: TensorKind) (n: int64) : torch.Tensor =
    Guard.positive "n" n
    isComplex false kind
    frames seed kind [ n; n ]

/// <summary>A uniform rotation matrix, [n; n]: SO(n), determinant 1. Batches: <c>rotations</c>.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1, or the type is not float32 or float64.</exception>
[<CompiledName("SpecialOrthogonal")>]
let specialOrthogonal (seed: int) (kind: TensorKind) (n: int64) : torch.Tensor =
    Guard.positive "n" n
    isComplex false kind
    rotations seed kind [ n; n ]

/// <summary>A uniform unitary matrix, [n; n]: U(n). Batches: <c>frames</c>.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1, or the type is not complex.</exception>
[<CompiledName("Unitary")>]
let unitary (seed: int) (kind: TensorKind) (n: int64) : torch.Tensor =
    Guard.positive "n" n
    isComplex true kind
    frames seed kind [ n; n ]

/// <summary>A uniform unitary matrix of determinant 1, [n; n]: SU(n). Batches: <c>rotations</c>.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1, or the type is not complex.</exception>
[<CompiledName("SpecialUnitary")>]
let specialUnitary (seed: int) (kind: TensorKind) (n: int64) : torch.Tensor =
    Guard.positive "n" n
    isComplex true kind
    rotations seed kind [ n; n ]

/// <summary>The projection onto a uniform k-dimensional subspace of n dimensions: a point of the Grassmann manifold.</summary>
/// <param name="seed">Same seed, same subspace.</param>
/// <param name="kind">float32, float64 or complex, and the device.</param>
/// <param name="n">Dimensions of the space, at least 1.</param>
/// <param name="k">Dimensions of the subspace, from 1 to n.</param>
/// <returns>F F* as a map from [n] to [n], self-adjoint and idempotent; it keeps the frame F of n k numbers.</returns>
/// <exception cref="T:System.ArgumentException">n or k is out of range, or another type.</exception>
[<CompiledName("Projection")>]
let projection (seed: int) (kind: TensorKind) (n: int64) (k: int64) : LinearMap =
    Guard.positive "n" n
    Guard.between "k" 1L n k

    let frame =
        frames seed kind [ n; k ]
        |> LinearMap.ofMatrix
        |> LinearMap.promise Traits.Isometry

    frame * frame.Adjoint

/// <summary>A uniform orthogonal or unitary map as a product of n - 1 reflections and a diagonal: no factorization, O(n^2) numbers drawn.</summary>
/// <param name="seed">Same seed, same map.</param>
/// <param name="kind">float32, float64 or complex, and the device.</param>
/// <param name="n">Dimensions, at least 1.</param>
/// <returns>A unitary map from [n] to [n].</returns>
/// <exception cref="T:System.ArgumentException">n is below 1, or another type.</exception>
/// <remarks>Reflection j takes a Gaussian x on coordinates j to n to -phase (x_j) |x| e_j, as the QR factorization of a Gaussian matrix would; the
/// diagonal has the phases of R's. Stewart 1980, "The efficient generation of random orthogonal matrices".</remarks>
[<CompiledName("Chain")>]
let chain (seed: int) (kind: TensorKind) (n: int64) : LinearMap =
    Guard.positive "n" n
    precise kind
    use scope = torch.NewDisposeScope()
    let x = (Seed.normal seed kind [ n; n ]).triu 0L
    let phases = phase (x.diagonal ())
    // Without cancellation: |x| has the phase of x_j.
    let vectors = (x .+ (phases .* x.norm 1).diag_embed()).narrow(0L, 0L, n - 1L)
    let last = phases.narrow (0L, n - 1L, 1L)
    let diagonal = torch.cat [| multiply -1.0 (phases.narrow (0L, 0L, n - 1L)); last |]

    let struct (vectors, diagonal) =
        struct (scope.MoveToOuter vectors, scope.MoveToOuter diagonal)

    scope.Dispose()

    (use vectors = vectors in Householder.chain vectors)
    * (LinearMap.ofDiagonal diagonal |> LinearMap.promise Traits.Unitary)
