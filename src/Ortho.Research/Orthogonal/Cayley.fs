/// <summary>The Cayley transform C(K) = (I + K) (I - K)^-1 of a skew matrix, its Neumann series, and its inverse.</summary>
/// <remarks>
/// <para>The convention is that of the OFT paper. geotorch and torch use (I + A/2) (I - A/2)^-1 = C(A/2): halve the argument. PEFT's exact
/// branch is C(-K), the adjoint; its Neumann branch has the sign used here.</para>
/// <para>C(K) is orthogonal with determinant 1, or unitary for skew-Hermitian K. An eigenvalue i s of K becomes exp (2 i atan s), so that
/// -1 is never an eigenvalue of C(K), and |C(K) - I|_F^2 = sum of 4 s^2 / (1 + s^2) over the singular values s of K, at most 4 |K|_F^2.</para>
/// <para>Cayley 1846; Qiu et al. 2023 (OFT, 2306.07280); Neumann series: Qiu et al. 2025 (OFTv2, 2506.19847).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Cayley

open System
open Ortho
open TorchSharp

/// <summary>C(K) = (I + K) (I - K)^-1 as a matrix.</summary>
/// <param name="s">K: skew, or skew-Hermitian, shape [*batch; n; n]. Differentiable.</param>
/// <returns>Orthogonal with determinant 1 (unitary), shape [*batch; n; n].</returns>
/// <exception cref="T:System.ArgumentException">Not square, not floating or complex, or not skew to 1e-12 (float64) or 1e-5 (float32) relative.</exception>
/// <remarks>One inverse, as 2 (I - K)^-1 - I; its gradient is two products. At n = 64 a gradient written by hand was no faster: leaving
/// the native graph costs as much as the two operations that it saves. The error grows with the condition number of I - K, at most
/// sqrt (1 + |K|^2).</remarks>
[<CompiledName("Matrix")>]
let matrix (s: torch.Tensor) : torch.Tensor =
    Membership.skew "s" s
    use scope = torch.NewDisposeScope()
    let identity = identityLike s
    let inverse = torch.linalg.inv (identity .- s)
    scope.MoveToOuter(identity.neg () |> addMultiple 2.0 inverse)

/// <summary>C(K) = (I + K) (I - K)^-1 as a map on vectors.</summary>
/// <param name="s">K: skew, or skew-Hermitian, shape [n; n]. Differentiable. For the convention of geotorch and torch give A/2.</param>
/// <returns>A unitary map from [n] to [n]; real ones have determinant 1. It keeps the matrix, which is computed once.</returns>
/// <exception cref="T:System.ArgumentException">Not one square matrix, not floating or complex, empty, or not skew to 1e-12 (float64) or 1e-5 (float32) relative.</exception>
[<CompiledName("OfSkew")>]
let ofSkew (s: torch.Tensor) : LinearMap =
    Guard.rank "s" 2 s
    Guard.notEmpty "s" s
    let q = matrix s
    let transposed = q.t ()
    let conjugate = q.conj ()
    let space = Space.Of(s.size 0)

    Build.leaf
        $"Cayley{space}"
        space
        space
        Traits.Unitary
        (Nullable(TensorKind.ofTensor s))
        (fun x -> x.matmul transposed)
        (fun y -> y.matmul conjugate)

/// z (I + K + ... + K^order), for K given as the factor on the right.
let private series (order: int) (right: torch.Tensor) (z: torch.Tensor) =
    let mutable sum = z

    for _ in 1..order do
        sum <- z .+ sum.matmul right

    sum

/// <summary>The Neumann approximation R_k = (I + K) (I + K + ... + K^k) = C(K) (I - K^(k+1)) as a matrix.</summary>
/// <param name="order">k, the highest power of the series, at least 0. PEFT's num_cayley_neumann_terms = t is k = t - 2 for t of 4 or more.</param>
/// <param name="s">K: skew, or skew-Hermitian, shape [*batch; n; n]. Differentiable.</param>
/// <returns>Shape [*batch; n; n], not orthogonal: see <c>neumannDefect</c>.</returns>
/// <exception cref="T:System.ArgumentException">order is negative; s is not square, not floating or complex, or not skew.</exception>
[<CompiledName("NeumannMatrix")>]
let neumannMatrix (order: int) (s: torch.Tensor) : torch.Tensor =
    Guard.atLeast "order" 0 order
    Membership.skew "s" s
    use scope = torch.NewDisposeScope()
    identityLike s .+ s |> series order s |> scope.MoveToOuter

/// <summary>The Neumann approximation R_k = (I + K) (I + K + ... + K^k) = C(K) (I - K^(k+1)) as a map on vectors.</summary>
/// <param name="order">k, the highest power of the series, at least 0. PEFT's num_cayley_neumann_terms = t is k = t - 2 for t of 4 or more
/// (its default 5 is k = 3; 3 is k = 2 as well, and 2 is I + 2 K, which is none of these).</param>
/// <param name="s">K: skew, or skew-Hermitian, shape [n; n]. Differentiable. R_k approaches C(K) only if the spectral norm of K is below 1.</param>
/// <returns>A map from [n] to [n]. It promises nothing: R_k* R_k = (I - K^(k+1))* (I - K^(k+1)), which is I + |K^(k+1)|^2 for even k and
/// (I - K^(k+1))^2 for odd k. An even k is quadratically nearer to unitary: at |K| = 0.1 the defect is 2e-4 for k = 3 and 1e-10 for k = 4.</returns>
/// <exception cref="T:System.ArgumentException">order is negative; s is not one square matrix, not floating or complex, empty, or not skew to 1e-12 (float64)
/// or 1e-5 (float32) relative.</exception>
/// <remarks>Fewer than n rows of input are multiplied by K k + 1 times; for n rows or more R_k is formed first, in k products of n x n matrices.</remarks>
[<CompiledName("Neumann")>]
let neumann (order: int) (s: torch.Tensor) : LinearMap =
    Guard.atLeast "order" 0 order
    Guard.rank "s" 2 s
    Guard.notEmpty "s" s
    Membership.skew "s" s
    let n = s.size 0
    let transposed = s.t ()
    let conjugate = s.conj ()

    let times (right: torch.Tensor) =
        Actions.scoped (fun x ->
            if x.numel () >= n * n then
                x.matmul (identityLike right .+ right |> series order right)
            else
                x .+ x.matmul right |> series order right)

    Build.leaf
        $"Neumann{order}[{n}]"
        (Space.Of n)
        (Space.Of n)
        Traits.None
        (Nullable(TensorKind.ofTensor s))
        (times transposed)
        (times conjugate)

/// <summary>The exact orthogonality defect R_k* R_k - I of the Neumann approximation, from P = K^(k+1) alone: P* P for even k, P^2 - 2 P for odd k.</summary>
/// <param name="order">k, at least 0.</param>
/// <param name="s">K: skew, or skew-Hermitian, shape [*batch; n; n]. Differentiable.</param>
/// <returns>Self-adjoint, shape [*batch; n; n]. In terms of the singular values s of K its eigenvalues are s^(2k+2) for even k, and
/// (1 - (-1)^((k+1)/2) s^(k+1))^2 - 1 for odd k. Nothing cancels: a defect of 1e-30 keeps its digits.</returns>
/// <exception cref="T:System.ArgumentException">order is negative; s is not square, not floating or complex, or not skew.</exception>
[<CompiledName("NeumannDefect")>]
let neumannDefect (order: int) (s: torch.Tensor) : torch.Tensor =
    Guard.atLeast "order" 0 order
    Membership.skew "s" s
    use scope = torch.NewDisposeScope()
    let power = s.matrix_power (order + 1)

    scope.MoveToOuter(
        if order % 2 = 0 then
            power.mH.matmul power
        else
            power.matmul power |> addMultiple -2.0 power
    )

/// Refuses an orthogonal Q with an eigenvalue at -1, or so near that what is made of (Q + I)^-1 would lose half of the digits.
let internal refuseMinusOne (name: string) (q: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    let least =
        if TensorKind.realDtype q.dtype = torch.float64 then
            1e-8
        else
            1e-4

    // Q + I is normal: its singular values are the distances of Q's eigenvalues from -1.
    let nearest = number (torch.linalg.svdvals(q .+ identityLike q).min())

    Guard.holds name (nearest >= least) (fun () ->
        $"{name} must have no eigenvalue within {least} of -1, which neither a Cayley transform nor the exponential of a principal logarithm has and every real orthogonal matrix of determinant -1 has, but one is at {nearest:G3} from it.")

/// (Q - I) (Q + I)^-1 without checks.
let internal inverse (q: torch.Tensor) =
    q
    |> Actions.scoped (fun q ->
        let inverse = torch.linalg.inv (q .+ identityLike q)
        // I - 2 (Q + I)^-1, less what rounding leaves of its self-adjoint part.
        inverse.mH .- inverse)

/// <summary>The inverse of the Cayley transform: K = (Q - I) (Q + I)^-1.</summary>
/// <param name="q">Orthogonal or unitary, shape [*batch; n; n], with no eigenvalue -1. Differentiable.</param>
/// <returns>Skew (skew-Hermitian) to the last digit, shape [*batch; n; n], with <c>matrix</c> of it equal to q.</returns>
/// <exception cref="T:System.ArgumentException">Not square, not floating or complex, empty, not orthogonal to 1e-10 (float64) or 1e-4 (float32); or an
/// eigenvalue is so near to -1 that K would lose half of the digits. Every real orthogonal matrix of determinant -1 has the eigenvalue -1.</exception>
[<CompiledName("ToSkew")>]
let toSkew (q: torch.Tensor) : torch.Tensor =
    Guard.square "q" q
    Membership.orthonormal "q" q |> ignore
    refuseMinusOne "q" q
    inverse q
