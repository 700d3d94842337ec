namespace Ortho

open System
open TorchSharp

/// <summary>A rotation, a scale and a translation: x goes to scale x Q + translation.</summary>
[<NoEquality; NoComparison>]
type Similarity =
    {
        /// Shape [*batch; n; n], determinant 1.
        Rotation: torch.Tensor
        /// Shape [*batch; 1; 1].
        Scale: torch.Tensor
        /// Shape [*batch; 1; n].
        Translation: torch.Tensor
    }

    /// <summary>scale X Q + translation.</summary>
    /// <param name="x">Points as rows, shape [*batch; m; n].</param>
    /// <exception cref="T:System.ArgumentException">Another last size or type.</exception>
    member this.Apply(x: torch.Tensor) : torch.Tensor =
        Guard.rankAtLeast "x" 2 x
        let n = this.Rotation.size (int this.Rotation.ndim - 1)

        Guard.holds "x" (x.size (int x.ndim - 1) = n && x.dtype = this.Rotation.dtype) (fun () ->
            $"x must have {n} entries on its last axis and be {this.Rotation.dtype}, but has shape {Guard.showShape x.shape} and is {x.dtype}.")

        use scope = torch.NewDisposeScope()
        scope.MoveToOuter((x.matmul this.Rotation .* this.Scale) .+ this.Translation)

/// <summary>The rotation that brings one set of points nearest to another: min |A Q - B|_F over orthogonal Q, points as rows.</summary>
/// <remarks>
/// <para>With the singular value decomposition A* B = U S V* the minimiser is Q = U V*, and U diag (1, ..., 1, det (U V*)) V* among those of
/// determinant 1. Then Q* A* B = V S V* is self-adjoint and positive semidefinite, which proves that Q is a minimiser: see <c>excess</c>.</para>
/// <para>Where A* B is singular many Q are minimisers; the one nearest to the identity is taken (for A = 0 the identity itself).</para>
/// <para>Gradients in A and B go through the singular value decomposition: right where the singular values of A* B are positive and distinct; NaN or infinite
/// where two agree, arbitrary where A* B is singular. With determinant 1 the last two must also differ if the determinant of U V* is -1.</para>
/// <para>Schoenemann 1966; determinant 1: Kabsch 1976; scale and translation: Umeyama 1991.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Procrustes =

    /// A* B, after checks.
    let private products (a: torch.Tensor) (b: torch.Tensor) =
        for struct (name, x) in [| struct ("a", a); struct ("b", b) |] do
            Guard.rankAtLeast name 2 x
            Guard.floating name x
            Guard.notEmpty name x
            Guard.finiteEntries name x

        Guard.holds "b" (b.shape = a.shape && TensorKind.matches (TensorKind.ofTensor a) b) (fun () ->
            $"b must have the shape {Guard.showShape a.shape} and type of a, {TensorKind.ofTensor a}, but has shape {Guard.showShape b.shape} and is {TensorKind.ofTensor b}.")

        use adjoint = a.mH
        adjoint.matmul b

    /// U V*, or with the last column of U times a sign such that the determinant is the given one.
    let private polar (determinant: torch.Tensor) (u: torch.Tensor) (v: torch.Tensor) =
        let q = u.matmul v

        if isNull determinant then
            q
        else
            let n = u.size (int u.ndim - 1)

            let sign =
                (torch.linalg.det (q.detach ()) .* determinant).sgn().unsqueeze(-1L).unsqueeze -1L

            let signed =
                torch.cat ([| u.narrow (-1L, 0L, n - 1L); u.narrow (-1L, n - 1L, 1L) .* sign |], -1L)

            signed.matmul v

    /// The minimiser for A* B = m: of the given determinant (a tensor of signs), or any if that is null.
    let private nearest (determinant: torch.Tensor) (m: torch.Tensor) =
        let struct (u, s, v) = torch.linalg.svd (m, fullMatrices = false)
        let n = m.size (int m.ndim - 1)
        let rounding = if s.dtype = torch.float64 then 4e-15 else 2e-6
        let unresolved = multiply (rounding * float n) (s.detach().narrow(-1L, 0L, 1L))
        let singular = s.detach().le unresolved
        // One sign is free: with a determinant given, one zero singular value leaves no choice.
        if not (singular.any().item<bool>()) then
            polar determinant u v
        else
            let turn =
                use _ = torch.no_grad ()
                let u, v = u.detach (), v.detach ()
                let free = singular.``to``(m.dtype).unsqueeze -1L
                let settled = (singular.logical_not().``to`` m.dtype).diag_embed()
                // I, but on the null spaces the polar factor of U* V: nearest to the identity. The 2 is above all cosines.
                let inner = (u.mH.matmul v.mH .* (free .* free.mH)) .+ multiply 2.0 settled
                let struct (innerU, _, innerV) = torch.linalg.svd (inner, fullMatrices = false)

                let determinant =
                    if isNull determinant then
                        null
                    else
                        torch.linalg.det (u.matmul v) .* determinant

                polar determinant innerU innerV

            u.matmul(turn).matmul v

    let private one (a: torch.Tensor) =
        torch.ones (Array.empty<int64>, dtype = Nullable a.dtype, device = a.device)

    /// <summary>The orthogonal (unitary) Q that minimises |A Q - B|_F.</summary>
    /// <param name="a">Points as rows, shape [*batch; m; n].</param>
    /// <param name="b">Their images, same shape.</param>
    /// <returns>Shape [*batch; n; n].</returns>
    /// <exception cref="T:System.ArgumentException">Shapes or types differ, fewer than two axes, empty, not floating or complex, or not finite.</exception>
    [<CompiledName("Orthogonal")>]
    let orthogonal (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        products a b |> nearest null |> scope.MoveToOuter

    /// <summary>The rotation (determinant 1) that minimises |A Q - B|_F.</summary>
    /// <param name="a">Points as rows, shape [*batch; m; n], real.</param>
    /// <param name="b">Their images, same shape.</param>
    /// <returns>Shape [*batch; n; n].</returns>
    /// <exception cref="T:System.ArgumentException">Shapes or types differ, fewer than two axes, empty, not real, or not finite.</exception>
    [<CompiledName("Rotation")>]
    let rotation (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        Guard.real "a" a
        use scope = torch.NewDisposeScope()
        products a b |> nearest (one a) |> scope.MoveToOuter

    let private toMap (q: torch.Tensor) =
        // On rows x Q, which is Q^T on each.
        LinearMap.ofMatrix q.mT |> LinearMap.promise Traits.Unitary

    /// <summary>The orthogonal (unitary) map that brings A nearest to B: <c>orthogonal</c> for one pair, as a map from [n] to [n] on rows.</summary>
    /// <param name="a">Points as rows, shape [m; n].</param>
    /// <param name="b">Their images, same shape: applied to a, the map gives nearly b.</param>
    /// <returns>A unitary map; its adjoint brings B to A.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, or as for <c>orthogonal</c>.</exception>
    [<CompiledName("Align")>]
    let align (a: torch.Tensor) (b: torch.Tensor) : LinearMap =
        Guard.rank "a" 2 a
        toMap (orthogonal a b)

    /// <summary>The rotation that brings A nearest to B: <c>rotation</c> for one pair, as a map from [n] to [n] on rows.</summary>
    /// <param name="a">Points as rows, shape [m; n], real.</param>
    /// <param name="b">Their images, same shape: applied to a, the map gives nearly b.</param>
    /// <returns>A unitary map of determinant 1; its adjoint brings B to A.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, or as for <c>rotation</c>.</exception>
    [<CompiledName("AlignByRotation")>]
    let alignByRotation (a: torch.Tensor) (b: torch.Tensor) : LinearMap =
        Guard.rank "a" 2 a
        toMap (rotation a b)

    /// <summary>How far Q is from minimising |A Q - B|_F over all orthogonal (unitary) matrices: with P = Q* A* B, the larger of
    /// |P - P*| / 2 and the size of the negative eigenvalues of P's self-adjoint part, over |P|. Rounding for a minimiser, and only for one.</summary>
    /// <param name="a">Points as rows, shape [*batch; m; n].</param>
    /// <param name="b">Their images, same shape.</param>
    /// <param name="q">Shape [*batch; n; n], unitary.</param>
    /// <returns>Between 0 and 1, the worst of the batch. A minimiser among rotations whose free determinant would be -1 has |s_n| / |P| here.</returns>
    /// <exception cref="T:System.ArgumentException">Shapes or types do not fit, or not finite.</exception>
    [<CompiledName("Excess")>]
    let excess (a: torch.Tensor) (b: torch.Tensor) (q: torch.Tensor) : float =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let m = products a b
        Guard.live "q" q

        Guard.holds "q" (q.shape = m.shape && TensorKind.matches (TensorKind.ofTensor a) q) (fun () ->
            $"q must have shape {Guard.showShape m.shape} and be {TensorKind.ofTensor a}, like a, but has shape {Guard.showShape q.shape} and is {TensorKind.ofTensor q}.")

        let p = q.mH.matmul m
        let self = multiply 0.5 (p .+ p.mH)
        let eigenvalues = torch.linalg.eigvalsh self
        let negative = (eigenvalues.abs () .- eigenvalues).norm -1
        let size = Skew.lengths p
        let divisors = size .+ size.logical_not().``to`` size.dtype
        let worst = torch.maximum (Skew.lengths (p .- self), multiply 0.5 negative)
        number ((worst.div divisors).max())

    /// <summary>The rotation, scale and translation that minimise |scale A Q + translation - B|_F.</summary>
    /// <param name="a">Points as rows, shape [*batch; m; n], real, not all equal.</param>
    /// <param name="b">Their images, same shape.</param>
    /// <returns>Scale at least 0 (0 if the points of b are all equal).</returns>
    /// <exception cref="T:System.ArgumentException">As for <c>rotation</c>, or the points of a are all equal: no scale is best then.</exception>
    [<CompiledName("Similarity")>]
    let similarity (a: torch.Tensor) (b: torch.Tensor) : Similarity =
        Guard.real "a" a
        use scope = torch.NewDisposeScope()
        products a b |> ignore
        let meanA, meanB = a.mean ([| -2L |], true), b.mean ([| -2L |], true)
        let centredA, centredB = a .- meanA, b .- meanB
        let spread = (centredA .* centredA).sum([| -2L; -1L |], true)
        // What rounding leaves of equal points.
        let rounding = if a.dtype = torch.float64 then 1e-28 else 1e-11
        let least = multiply rounding ((a .* a).sum([| -2L; -1L |], true))

        Guard.holds "a" (not ((spread.detach ()).le(least.detach ()).any().item<bool>())) (fun () ->
            "a must have points that differ, in each of the batch, but all are equal: no scale is best.")

        let q = centredA.mT.matmul centredB |> nearest (one a)
        let scale = (centredA.matmul q .* centredB).sum([| -2L; -1L |], true).div spread
        let translation = meanB .- (meanA.matmul q .* scale)

        {
            Rotation = scope.MoveToOuter q
            Scale = scope.MoveToOuter scale
            Translation = scope.MoveToOuter translation
        }
