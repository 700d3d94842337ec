/// <summary>Orthogonal projections P = P* = P^2 as maps on vectors [n], kept thin: P x = Q (Q* x) for a frame Q of the subspace.</summary>
/// <remarks>Golub and Van Loan 2013, section 2.5.1 and 6.4. A subspace is given by columns that span it; where they may depend on each other, a
/// tolerance relative to the largest singular value decides the dimension, which is then differentiable only along changes that keep it.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Projection

open System
open Ortho
open TorchSharp

/// Q Q* for orthonormal columns, unchecked.
let private onto (q: torch.Tensor) : LinearMap =
    let n, k = q.size 0, q.size 1
    let space = Space.Of n
    let transposed = q.t ()
    // The caller may free q: the map has handles of its own.
    let conjugate = if q.is_complex () then q.conj () else q.alias ()

    let action (x: torch.Tensor) =
        use weights = x.matmul conjugate
        weights.matmul transposed

    Build.leaf $"P[{n}: {k}]" space space Traits.Projection (Nullable(TensorKind.ofTensor q)) action action

/// <summary>The projection Q Q* on the span of orthonormal columns.</summary>
/// <param name="q">Orthonormal columns, shape [n; k]. Differentiable.</param>
/// <returns>A projection on [n], of rank k.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("OfFrame")>]
let ofFrame (q: torch.Tensor) : LinearMap =
    Guard.rank "q" 2 q
    Membership.orthonormal "q" q |> ignore
    onto q

/// <summary>The projection on the span of independent columns.</summary>
/// <param name="a">Shape [n; k], k at most n. Differentiable; only the span counts.</param>
/// <returns>A projection on [n], of rank k.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, wide, not floating or complex, or columns dependent to rounding (<c>ofSpan</c> takes those).</exception>
[<CompiledName("OfColumns")>]
let ofColumns (a: torch.Tensor) : LinearMap =
    Guard.rank "a" 2 a
    onto (Stiefel.ofMatrix a)

/// The checks of a matrix whose columns span a subspace.
let private spanning (name: string) (a: torch.Tensor) =
    Guard.rank name 2 a
    Guard.floating name a
    Guard.notEmpty name a
    use _ = torch.NewDisposeScope()
    let largest = number (a.detach().abs().max())
    Guard.holds name (Double.IsFinite largest) (fun () -> $"{name} must be finite, but has an entry that is not.")

/// Orthonormal columns, [n; r], of the span of a. The columns are mixed by the leading right singular vectors, held fixed, into r independent
/// ones: their span is differentiable where singular values are equal too.
let private spanFrame (tolerance: float) (a: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let struct (_, values, vh) = torch.linalg.svd (a.detach (), fullMatrices = false)
    let rounding = float (max (a.size 0) (a.size 1)) * Membership.rounding a
    let largest = values.narrow (0L, 0L, 1L)
    let limit = multiply (max tolerance rounding) largest
    let rank = int64 (number (values.gt(limit).sum()))

    scope.MoveToOuter(
        if rank = 0L then
            a.new_zeros (a.size 0, 0L)
        else
            let struct (q, _) = torch.linalg.qr (a.matmul (vh.narrow(0L, 0L, rank).mH))
            q
    )

let private none (like: torch.Tensor) : LinearMap =
    let space = Space.Of(like.size 0)
    LinearMap.zero space space |> LinearMap.on (TensorKind.ofTensor like)

let private ontoOrNone (q: torch.Tensor) : LinearMap =
    if q.size 1 = 0L then none q else onto q

/// <summary>The projection on the span of columns that may depend on each other, by singular values.</summary>
/// <param name="tolerance">From 0 to 1: a singular value of no more than this part of the largest counts as zero; rounding, max (n, k) eps, always does.</param>
/// <param name="a">Shape [n; k], wide ones too. Differentiable along changes that keep the rank.</param>
/// <returns>A projection on [n], of the rank of a; the zero map for a = 0.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, not floating or complex, not finite, or the tolerance is out of range.</exception>
[<CompiledName("OfSpan")>]
let ofSpan (tolerance: float) (a: torch.Tensor) : LinearMap =
    Guard.between "tolerance" 0.0 1.0 tolerance
    spanning "a" a
    ontoOrNone (spanFrame tolerance a)

/// <summary>The projection I - P on what is orthogonal to P's range.</summary>
/// <param name="p">A map that promises to be a projection.</param>
/// <exception cref="T:System.ArgumentException">p does not promise to be self-adjoint and idempotent.</exception>
[<CompiledName("Complement")>]
let complement (p: LinearMap) : LinearMap =
    Guard.notNull "p" p

    Guard.holds "p" (p.Promises Traits.Projection) (fun () ->
        $"p must promise to be self-adjoint and idempotent, but {p} promises {p.Traits}.")

    let action (x: torch.Tensor) =
        use y = p.Action x
        x .- y

    Build.leaf $"(I - {p})" p.Domain p.Domain Traits.Projection p.Kind action action

/// <summary>The projection on the null space of a map, {x : A x = 0}.</summary>
/// <param name="tolerance">From 0 to 1: singular values of no more than this part of the largest count as zero; rounding always does.</param>
/// <param name="a">Any map; its dense matrix is made once (a matrix: <c>LinearMap.ofMatrix</c>). Differentiable along changes that keep the rank.</param>
/// <returns>A projection on a's domain, kept as a frame of the rank of a.</returns>
/// <exception cref="T:System.ArgumentException">The matrix is not finite, or larger than <c>toMatrix</c> allows; the tolerance is out of range.</exception>
[<CompiledName("NullSpace")>]
let nullSpace (tolerance: float) (a: LinearMap) : LinearMap =
    Guard.notNull "a" a
    Guard.between "tolerance" 0.0 1.0 tolerance
    // The matrix of A*, by whichever of the two maps has fewer basis vectors to be applied to: never n x n for a thin one.
    use matrix =
        LinearMap.toMatrix (if a.Codomain.Size < a.Domain.Size then a.Adjoint else a)

    use rows =
        if a.Codomain.Size < a.Domain.Size then
            matrix.alias ()
        else
            matrix.mH

    spanning "a" rows
    let flat = complement (ontoOrNone (spanFrame tolerance rows))

    if a.Domain.Rank = 1 then
        flat
    else
        let toVector = LinearMap.reshape a.Domain flat.Domain
        toVector.Adjoint * flat * toVector |> LinearMap.promise Traits.Projection

let private twoSpans (tolerance: float) (a: torch.Tensor) (b: torch.Tensor) =
    Guard.live "a" a
    Guard.live "b" b
    Guard.between "tolerance" 0.0 1.0 tolerance
    spanning "a" a
    spanning "b" b

    Guard.holds "b" (a.size 0 = b.size 0 && TensorKind.ofTensor a = TensorKind.ofTensor b) (fun () ->
        $"b must have {a.size 0} rows and be {TensorKind.ofTensor a}, like a, but has shape {Guard.showShape b.shape} and is {TensorKind.ofTensor b}.")

    struct (spanFrame tolerance a, spanFrame tolerance b)

/// <summary>The projection on the sum of two subspaces, the span of the columns of both.</summary>
/// <param name="tolerance">From 0 to 1, for the rank of a, of b, and of their frames side by side; rounding always counts as zero.</param>
/// <param name="a">Shape [n; k]. Differentiable along changes that keep the dimensions.</param>
/// <param name="b">Shape [n; l].</param>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, not finite, not alike, or the tolerance is out of range.</exception>
[<CompiledName("Sum")>]
let sum (tolerance: float) (a: torch.Tensor) (b: torch.Tensor) : LinearMap =
    let struct (qa, qb) = twoSpans tolerance a b
    use qa = qa
    use qb = qb
    use both = torch.cat ([| qa; qb |], -1L)

    if both.size 1 = 0L then
        none a
    else
        ontoOrNone (spanFrame tolerance both)

/// A frame of what the spans of two frames share.
let private shared (tolerance: float) (qa: torch.Tensor) (qb: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let n, k = qa.size 0, qa.size 1
    let apart = qa .- qb.matmul (qb.mH.matmul qa)
    let struct (u, sines, _) = torch.linalg.svd (apart.detach (), fullMatrices = false)
    let one = torch.ones_like (sines.narrow (0L, 0L, 1L))
    let limit = multiply (max tolerance (float n * Membership.rounding qa)) one
    let away = int64 (number (sines.gt(limit).sum()))

    scope.MoveToOuter(
        if away = 0L then
            qa.alias ()
        else
            // In the coordinates of qa the shared part is what is orthogonal to the rows that lead away from b: a fixed basis of it,
            // projected once more, has the derivatives of the space.
            let struct (rows, _) = torch.linalg.qr ((u.narrow(1L, 0L, away).mH.matmul apart).mH)

            let struct (full, _) =
                torch.linalg.qr (rows.detach (), torch.linalg.QRMode.Complete)

            let start = full.narrow (1L, away, k - away)
            let kernel = start .- rows.matmul (rows.mH.matmul start)

            if away = k then
                qa.new_zeros (n, 0L)
            else
                let struct (basis, _) = torch.linalg.qr kernel
                qa.matmul basis
    )

/// <summary>The projection on the intersection of two subspaces: the directions of the first whose sine of the angle to the second is zero.</summary>
/// <param name="tolerance">From 0 to 1: the largest sine that counts as zero, and the tolerance for the ranks of a and b; rounding always counts as zero.</param>
/// <param name="a">Shape [n; k]. Differentiable along changes that keep the dimensions: so in general position, of dimension k + l - n.</param>
/// <param name="b">Shape [n; l].</param>
/// <exception cref="T:System.ArgumentException">Not of two axes, empty, not finite, not alike, or the tolerance is out of range.</exception>
/// <remarks>Sines, the singular values of Qa - Qb (Qb* Qa), see angles of 1e-15; cosines would take angles of 1e-8 for zero (Björck and Golub 1973).</remarks>
[<CompiledName("Intersection")>]
let intersection (tolerance: float) (a: torch.Tensor) (b: torch.Tensor) : LinearMap =
    let struct (qa, qb) = twoSpans tolerance a b
    use qa = qa
    use qb = qb

    if qa.size 1 = 0L || qb.size 1 = 0L then
        none a
    else
        let frame = shared tolerance qa qb
        ontoOrNone frame

/// Vectors along the last axis, brought to length 1.
let private unit (name: string) (g: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let sizes = g.detach().abs().amax([| -1L |], true)
    let least, most = number (sizes.min ()), number (sizes.max ())

    Guard.holds name (least > 0.0 && Double.IsFinite most) (fun () ->
        $"{name} must be finite and not zero, but its vectors have largest entries from {least:G3} to {most:G3}.")

    let scaled = g.div sizes
    scope.MoveToOuter(scaled.div (scaled.norm(-1).unsqueeze -1L))

/// <summary>The projection I - g g* / |g|^2 on what is orthogonal to a vector.</summary>
/// <param name="g">Shape [n]. Differentiable; its length does not matter.</param>
/// <exception cref="T:System.ArgumentException">Not of one axis, not floating or complex, zero, or not finite.</exception>
[<CompiledName("AwayFrom")>]
let awayFrom (g: torch.Tensor) : LinearMap =
    Guard.rank "g" 1 g
    Guard.floating "g" g
    Guard.notEmpty "g" g
    use direction = unit "g" g
    complement (onto (direction.unsqueeze -1L))

/// <summary>x - g (g* x) / |g|^2 for each pair of vectors: the part of x that is orthogonal to g (the orthogonal fusion of DOLG, 2108.02927).</summary>
/// <param name="g">Shape [*batch; n], which may spread over x's: [b; 1; n] for b sets of sites. Differentiable; its length does not matter.</param>
/// <param name="x">Shape [*batch; n]. Differentiable.</param>
/// <exception cref="T:System.ArgumentException">Not floating or complex, of different last axes, types or devices, shapes that do not spread to one, or a g that is zero or not finite.</exception>
[<CompiledName("Reject")>]
let reject (g: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "g" 1 g
    Guard.rankAtLeast "x" 1 x
    Guard.floating "g" g
    Guard.notEmpty "g" g
    let n = g.size (int g.ndim - 1)

    let spreads =
        Seq.forall2 (fun a b -> a = b || a = 1L || b = 1L) (Array.rev g.shape) (Array.rev x.shape)

    Guard.holds
        "x"
        (x.size (int x.ndim - 1) = n
         && spreads
         && TensorKind.ofTensor x = TensorKind.ofTensor g)
        (fun () ->
            $"x must have {n} entries on its last axis, axes that fit those of g, {Guard.showShape g.shape}, and be {TensorKind.ofTensor g}, but has shape {Guard.showShape x.shape} and is {TensorKind.ofTensor x}.")

    use scope = torch.NewDisposeScope()
    let direction = unit "g" g
    let along = (x .* direction.conj ()).sum(-1L, true)
    scope.MoveToOuter(x .- along .* direction)

/// <summary>The k leading left singular vectors of A, an orthonormal basis of its best subspace of dimension k: for data Z = U S V*, U_k = Z V_k S_k^-1, the
/// orthogonal projection layer of DOHSC (2302.06430).</summary>
/// <param name="k">From 1 to the rank of a.</param>
/// <param name="a">Shape [*batch; n; m]. Gradients exist where the singular values differ, in what does not depend on the signs (phases) of the vectors.</param>
/// <returns>Orthonormal columns, shape [*batch; n; k], each up to a sign (phase).</returns>
/// <exception cref="T:System.ArgumentException">a is of lower rank than k, empty, not finite, not floating or complex, or k is out of range.</exception>
[<CompiledName("LeadingFrame")>]
let leadingFrame (k: int64) (a: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "a" 2 a
    Guard.floating "a" a
    Guard.notEmpty "a" a
    let n, m = a.size (int a.ndim - 2), a.size (int a.ndim - 1)
    Guard.between "k" 1L (min n m) k
    use scope = torch.NewDisposeScope()
    let largest = number (a.detach().abs().max())
    Guard.holds "a" (Double.IsFinite largest) (fun () -> "a must be finite, but has an entry that is not.")
    let struct (u, values, _) = torch.linalg.svd (a, fullMatrices = false)
    let seen = values.detach ()
    let share = number (seen.select(-1L, k - 1L).div(seen.select (-1L, 0L)).min())
    let tolerance = float (max n m) * Membership.rounding a

    Guard.holds "a" (share > tolerance) (fun () ->
        $"a must have rank {k} at least, but singular value {k} is {share:G3} of the largest, not above {tolerance:G3}.")

    scope.MoveToOuter(u.narrow (-1L, 0L, k))
