/// <summary>The Stiefel manifold of thin frames, X [n; k] with X* X = I: its tangent spaces {Z : X* Z skew}, its gradients, and frames from any
/// matrix of full rank.</summary>
/// <remarks>
/// <para>Nothing of size n x n is made: every function costs O(n k^2).</para>
/// <para>Two metrics are in use: the Euclidean one, Re tr (Z* Z), and the canonical one, Re tr (Z* (I - X X* / 2) Z), which counts every rotation
/// of the frame once. Tangent spaces and projection on them are the same in both; gradients differ.</para>
/// <para>Edelman, Arias and Smith 1998, "The geometry of algorithms with orthogonality constraints". Steps along tangents are in <c>Retraction</c>.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Stiefel

open System
open Ortho
open TorchSharp

let private tall (name: string) (a: torch.Tensor) =
    Guard.rankAtLeast name 2 a
    Guard.floating name a
    let rows, columns = a.size (int a.ndim - 2), a.size (int a.ndim - 1)

    Guard.holds name (rows >= columns && columns > 0L) (fun () ->
        $"{name} must have at least as many rows as columns, and a column, but has shape {Guard.showShape a.shape}.")

/// Refuses dependent columns, which the triangle of a QR factorization tells once its columns are brought to one size.
let private independent (name: string) (rows: int64) (triangle: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    if triangle.numel () > 0L then
        let scaled = triangle.div (triangle.abs().amax([| -2L |], true))
        let isFinite = Double.IsFinite(number (scaled.abs().sum()))
        // Of unit columns the smallest singular value is at most 1, the largest at least 1.
        let ratio =
            if isFinite then
                let values = torch.linalg.svdvals scaled
                number (values.amin([| -1L |]).div(values.amax [| -1L |]).min())
            else
                nan

        let tolerance = float rows * Membership.rounding triangle

        Guard.holds name (ratio > tolerance) (fun () ->
            if isFinite then
                $"{name} must have independent columns, but its singular values, columns brought to one size, lie {ratio:G3} apart, not above {tolerance:G3}."
            else
                $"{name} must have independent finite columns, but one is zero or not finite.")

/// The frame of a matrix that errors call by the given name.
let internal frameOf (name: string) (a: torch.Tensor) : torch.Tensor =
    tall name a
    use scope = torch.NewDisposeScope()
    let struct (q, r) = torch.linalg.qr a
    let triangle = r.detach ()
    independent name (a.size (int a.ndim - 2)) triangle
    let diagonal = triangle.diagonal (0L, -2L, -1L)
    // The diagonal of LAPACK's R is real: its signs are locally constant.
    scope.MoveToOuter(q .* diagonal.div(diagonal.abs ()).unsqueeze(-2L))

/// <summary>The frame Q of A = Q R with a positive diagonal of R: what Gram-Schmidt makes of the columns, accurate for any condition.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k], k at most n. Differentiable.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k]; the first j span what the first j of a span. A frame gives itself.</returns>
/// <exception cref="T:System.ArgumentException">Wide, not floating or complex, or columns dependent to rounding (or zero, or not finite).</exception>
[<CompiledName("OfMatrix")>]
let ofMatrix (a: torch.Tensor) : torch.Tensor = frameOf "a" a

/// <summary>The frame of any matrix of full rank as a map: the parametrization of isometries by QR.</summary>
/// <param name="a">Independent columns, shape [n; k], k at most n. Differentiable; a frame is its own.</param>
/// <returns>An isometry from [k] to [n], unitary for k = n.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, or refused by <c>ofMatrix</c>.</exception>
[<CompiledName("Frame")>]
let frame (a: torch.Tensor) : LinearMap =
    Guard.rank "a" 2 a
    let q = ofMatrix a
    let n, k = q.size 0, q.size 1
    let transposed = q.t ()
    let conjugate = if q.is_complex () then q.conj () else q

    Build.leaf
        $"Q[{n}x{k}]"
        (Space.Of k)
        (Space.Of n)
        (if n = k then Traits.Unitary else Traits.Isometry)
        (Nullable(TensorKind.ofTensor q))
        (fun x -> x.matmul transposed)
        (fun y -> y.matmul conjugate)

/// A frame and a tensor of its shape.
let internal pair (x: torch.Tensor) (name: string) (z: torch.Tensor) =
    Guard.live "x" x
    Guard.live name z
    Membership.orthonormal "x" x |> ignore
    Membership.alike name z "x" x

/// The self-adjoint part (M + M*) / 2.
let private selfAdjointPart (m: torch.Tensor) = multiply 0.5 (m .+ m.mH)

/// <summary>The tangent vector nearest to Z: Z - X (X* Z + Z* X) / 2. At another frame than Z's own it is vector transport by projection.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k]. Differentiable.</param>
/// <param name="z">Any tensor of x's shape. Differentiable.</param>
/// <returns>Z' with X* Z' skew, of x's shape. The nearest in both metrics.</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not alike.</exception>
[<CompiledName("Tangent")>]
let tangent (x: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    pair x "z" z
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(z .- x.matmul (selfAdjointPart (x.mH.matmul z)))

/// The self-adjoint part of X* Z, which a tangent has not: its length, [*batch].
let internal offTangent (x: torch.Tensor) (z: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(Skew.lengths (selfAdjointPart (x.mH.matmul z)))

/// <summary>How far Z is from tangent at X: |X* Z + Z* X|_F / (2 |Z|_F), at most 1; 0 for zero. The worst of the batch counts.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k].</param>
/// <param name="z">Of x's shape.</param>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or z is not alike.</exception>
[<CompiledName("TangencyDefect")>]
let tangencyDefect (x: torch.Tensor) (z: torch.Tensor) : float =
    pair x "z" z
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let sizes = Skew.lengths z
    let divisors = sizes .+ sizes.logical_not().``to`` sizes.dtype
    number ((offTangent x z).div(divisors).max())

/// <summary>The Riemannian gradient in the Euclidean metric: the tangent part of the plain gradient G, G - X (X* G + G* X) / 2.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k].</param>
/// <param name="g">The gradient of a function of all n x k matrices, of x's shape.</param>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or g is not alike.</exception>
[<CompiledName("Gradient")>]
let gradient (x: torch.Tensor) (g: torch.Tensor) : torch.Tensor =
    pair x "g" g
    tangent x g

/// <summary>The Riemannian gradient in the canonical metric: G - X G* X (Edelman, Arias and Smith 1998, eq. 2.53).</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k].</param>
/// <param name="g">The gradient of a function of all n x k matrices, of x's shape.</param>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or g is not alike.</exception>
[<CompiledName("CanonicalGradient")>]
let canonicalGradient (x: torch.Tensor) (g: torch.Tensor) : torch.Tensor =
    pair x "g" g
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(g .- x.matmul (g.mH.matmul x))

/// <summary>The canonical inner product of tangent vectors, Re tr (Y* (I - X X* / 2) Z), of which <c>Retraction.exponential</c> is the geodesic.</summary>
/// <param name="x">Orthonormal columns, shape [*batch; n; k].</param>
/// <param name="y">Tangent at x.</param>
/// <param name="z">Tangent at x.</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">x has no orthonormal columns, or y or z is not alike.</exception>
[<CompiledName("CanonicalInner")>]
let canonicalInner (x: torch.Tensor) (y: torch.Tensor) (z: torch.Tensor) : torch.Tensor =
    Guard.live "z" z
    pair x "y" y
    Membership.alike "z" z "x" x
    use scope = torch.NewDisposeScope()
    let weighted = z .- multiply 0.5 (x.matmul (x.mH.matmul z))
    let sum = (y.conj().mul weighted).flatten(-2L).sum -1L
    scope.MoveToOuter(if sum.is_complex () then sum.real.clone () else sum)
