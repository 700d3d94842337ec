/// <summary>Steps on the Stiefel manifold: a frame X and a tangent Z there give a frame R(X, Z) with R(X, 0) = X and R(X, t Z) = X + t Z + O(t^2).</summary>
/// <remarks>
/// <para>All are thin: O(n k^2) for the frame, and at most a 2k x 2k problem beside it. All are differentiable in X and Z, at Z = 0 too.</para>
/// <para>Cayley and exponential agree with the geodesic of the canonical metric to second order and exactly; polar is second order in the Euclidean
/// metric; QR is the cheapest. Absil, Mahony and Sepulchre 2008, "Optimization Algorithms on Matrix Manifolds", section 4.1.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Retraction

open System
open Ortho
open TorchSharp

/// A frame and a tangent there. What a short z is off is measured by the length of X itself: at a critical point a tangent is rounding alone.
let private tangent (x: torch.Tensor) (z: torch.Tensor) =
    Stiefel.pair x "z" z
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let divisors = torch.maximum (Skew.lengths z, Skew.lengths x)
    let defect = number ((Stiefel.offTangent x z).div(divisors).max())

    let tolerance =
        Membership.rounding x |> fun eps -> if eps < 1e-10 then 1e-10 else 1e3 * eps

    Guard.holds "z" (defect <= tolerance) (fun () ->
        $"z must be tangent at x (x* z skew), but |x* z + z* x| / (2 max (|z|, |x|)) is {defect:G3}, above {tolerance:G3}; Stiefel.tangent projects.")

let private identity (k: int64) (x: torch.Tensor) =
    torch.eye (k, dtype = Nullable x.dtype, device = x.device)

/// <summary>The frame of X + Z by sign-fixed QR.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k]. Differentiable.</param>
/// <param name="z">Tangent at x, of its shape. Differentiable.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not tangent there.</exception>
[<CompiledName("Qr")>]
let qr (x: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    tangent x z
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(Stiefel.ofMatrix (x .+ z))

/// <summary>The polar factor (X + Z) (I + Z* Z)^(-1/2), the frame nearest to X + Z.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k]. Differentiable.</param>
/// <param name="z">Tangent at x, of its shape. Differentiable.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not tangent there.</exception>
/// <remarks>Singular values of X + Z are never below 1: it always exists.</remarks>
[<CompiledName("Polar")>]
let polar (x: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    tangent x z
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(Polar.factor (x .+ z))

/// <summary>(I - W/2)^-1 (I + W/2) X for the skew W = P Z X* - X Z* P, P = I - X X* / 2, which has W X = Z (Wen and Yin 2013).</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k]. Differentiable.</param>
/// <param name="z">Tangent at x, of its shape. Differentiable.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not tangent there.</exception>
/// <remarks>W = U V* with 2k columns: one 2k x 2k solve (Sherman, Morrison and Woodbury).</remarks>
[<CompiledName("Cayley")>]
let cayley (x: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    tangent x z
    use scope = torch.NewDisposeScope()
    let pz = z .- multiply 0.5 (x.matmul (x.mH.matmul z))
    let u = torch.cat ([| pz; x |], -1L)
    let v = torch.cat ([| x; pz.neg () |], -1L)
    let small = identity (u.size (int u.ndim - 1)) x .- multiply 0.5 (v.mH.matmul u)
    scope.MoveToOuter(x .+ u.matmul (torch.linalg.solve (small, v.mH.matmul x)))

/// <summary>The geodesic of the canonical metric from X in direction Z, at time 1 (give t Z for time t).</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k]. Differentiable.</param>
/// <param name="z">Tangent at x, of its shape. Differentiable.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k].</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not tangent there.</exception>
/// <remarks>
/// With A = X* Z and K = Z - X A it is [X K] exp [A, -K* K; I, 0] [I; 0], one 2k x 2k exponential. Edelman, Arias and Smith 1998, theorem 2.1,
/// take Q R = K and exp [A, -R*; R, 0] instead; their factor R has no derivative where K loses rank, as at Z = 0, and the form here has.
/// K is divided by its size s where that exceeds 1, which keeps the blocks [A, -K* K / s; s I, 0] balanced.
/// </remarks>
[<CompiledName("Exponential")>]
let exponential (x: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    tangent x z
    use scope = torch.NewDisposeScope()
    let k = x.size (int x.ndim - 1)
    let a = x.mH.matmul z
    let across = z .- x.matmul a
    let gram = across.mH.matmul across
    // An upper bound of the largest singular value of K.
    let rows = gram.detach().abs().sum(-1L).amax([| -1L |], true).unsqueeze -1L
    let size = torch.maximum(rows, torch.ones_like rows).sqrt()
    let one = identity k x

    let generator =
        torch.cat (
            [|
                torch.cat ([| a; gram.div(size).neg() |], -1L)
                torch.cat ([| one .* size; torch.zeros_like a |], -1L)
            |],
            -2L
        )

    let turned = torch.matrix_exp(generator).narrow(-1L, 0L, k)
    let along = x.matmul (turned.narrow (-2L, 0L, k))
    scope.MoveToOuter(along .+ across.div(size).matmul(turned.narrow (-2L, k, k)))
