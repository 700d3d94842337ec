namespace Ortho

open System
open TorchSharp

/// <summary>LAPACK's form of a matrix with orthonormal columns: (I - tau_1 v_1 v_1*) ... (I - tau_k v_k v_k*) times a diagonal.</summary>
[<NoEquality; NoComparison>]
type LapackForm =
    {
        /// Shape [n; k]: below the diagonal the v_j, which have zeros above place j and 1 there. The diagonal and what is above it is not read.
        Reflectors: torch.Tensor
        /// Shape [k]: tau_j = 2 / |v_j|^2, or 0 for no reflection; complex numbers with |tau|^2 |v|^2 = 2 Re tau for complex v.
        Scales: torch.Tensor
        /// Shape [k]: 1 or -1.
        Signs: torch.Tensor
    }

/// <summary>Householder reflections H(v) = I - 2 v v* / (v* v), and products of them.</summary>
/// <remarks>
/// <para>A product of r reflections is kept in compact WY form, H(v_1) ... H(v_r) = I - U T U*, with the v_i as columns of U, T upper
/// triangular and T^-1 = striu (U* U) + diag (U* U) / 2. It is applied in three thin products and never built as an n x n matrix.</para>
/// <para>Only the directions of the vectors count, not their lengths nor (for complex ones) their phases.</para>
/// <para>Two forms of a matrix: <c>vectors</c> finds the fewest reflections, without signs; <c>toLapack</c> and <c>triangular</c> have vectors
/// of a triangular pattern, as many free numbers as the set has dimensions, and signs.</para>
/// <para>Householder 1958; Schreiber and Van Loan 1989; T^-1: Joffrain et al. 2006, "Accumulating Householder transformations, revisited".</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Householder =

    /// <summary>The reflection H(v) = I - 2 v v* / (v* v): v goes to -v, what is orthogonal to v stays.</summary>
    /// <param name="v">Shape [n]. Differentiable; its length does not matter.</param>
    /// <returns>A map from [n] to [n], unitary, self-adjoint, with determinant -1.</returns>
    /// <exception cref="T:System.ArgumentException">Not of one axis, not floating or complex, zero, or an entry is NaN or infinite.</exception>
    [<CompiledName("Reflection")>]
    let reflection (v: torch.Tensor) : LinearMap =
        Guard.rank "v" 1 v
        Guard.floating "v" v
        Guard.notEmpty "v" v
        use row = v.unsqueeze 0L
        CompactWY.product "v" row

    /// <summary>The product H(v_1) H(v_2) ... H(v_r): the last reflection acts first.</summary>
    /// <param name="vectors">The v_i as rows, shape [r; n]; r may be 0 (the identity) and may exceed n. Differentiable.</param>
    /// <returns>A map from [n] to [n], unitary with determinant (-1)^r; self-adjoint for r = 1. It keeps O(r n) numbers.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, or a vector is zero or has an entry that is NaN or
    /// infinite (that check synchronises with the device once).</exception>
    /// <remarks>Cost of making it O(r n min (r, 64)), of applying it O(r n) an element. Complex vectors give determinant (-1)^r too: not
    /// every unitary matrix is such a product.</remarks>
    [<CompiledName("Chain")>]
    let chain (vectors: torch.Tensor) : LinearMap =
        Guard.rank "vectors" 2 vectors
        Guard.floating "vectors" vectors
        let n = vectors.size 1

        Guard.holds "vectors" (n > 0L) (fun () ->
            $"vectors must have at least one entry each, but has shape {Guard.showShape vectors.shape}.")

        if vectors.size 0 = 0L then
            LinearMap.identity (Space.Of n) |> LinearMap.on (TensorKind.ofTensor vectors)
        else
            CompactWY.product "vectors" vectors

    /// <summary>A rotation as the product of an even number of reflections: determinant 1, where <c>chain</c> has (-1)^r.</summary>
    /// <param name="vectors">The v_i as rows, shape [r; n] with r even. Differentiable.</param>
    /// <returns>As <c>chain</c>; n vectors (n - 1 for odd n) reach every rotation.</returns>
    /// <exception cref="T:System.ArgumentException">r is odd: no odd number of reflections is a rotation; or refused as by <c>chain</c>.</exception>
    [<CompiledName("Rotation")>]
    let rotation (vectors: torch.Tensor) : LinearMap =
        Guard.rank "vectors" 2 vectors

        Guard.holds "vectors" (vectors.size 0 % 2L = 0L) (fun () ->
            $"vectors must be an even number for a rotation, since r reflections have determinant (-1)^r, but are {vectors.size 0}.")

        chain vectors

    /// The first k coordinates of an n-vector: [k] -> [n], zeros after x.
    let private inclusion (n: int64) (k: int64) =
        if k = n then
            LinearMap.identity (Space.Of n)
        else
            Build.leaf
                $"E[{n}x{k}]"
                (Space.Of k)
                (Space.Of n)
                Traits.Isometry
                (Nullable())
                (fun x ->
                    let batch = Array.init (int x.ndim - 1) x.size
                    use zeros = x.new_zeros (Array.append batch [| n - k |])
                    torch.cat ([| x; zeros |], -1L))
                (fun y -> y.narrow (y.ndim - 1L, 0L, k))

    /// <summary>The first k columns of H(v_1) ... H(v_r), an orthonormal k-frame in n dimensions that is never built as n x n.</summary>
    /// <param name="vectors">The v_i as rows, shape [r; n]. r = k vectors reach every frame of k columns.</param>
    /// <param name="k">Number of columns, from 1 to n.</param>
    /// <returns>An isometry from [k] to [n].</returns>
    /// <exception cref="T:System.ArgumentException">k is not between 1 and n, or the vectors are refused as by <c>chain</c>.</exception>
    [<CompiledName("Frame")>]
    let frame (vectors: torch.Tensor) (k: int64) : LinearMap =
        Guard.rank "vectors" 2 vectors
        Guard.between "k" 1L (vectors.size 1) k
        chain vectors * inclusion (vectors.size 1) k

    /// Refuses what has more columns than rows.
    let private tall (name: string) (a: torch.Tensor) =
        Guard.rank name 2 a
        Guard.floating name a
        Guard.notEmpty name a

        Guard.holds name (a.size 0 >= a.size 1) (fun () ->
            $"{name} must have at least as many rows as columns, but has shape {Guard.showShape a.shape}.")

    /// The first r columns of a as LAPACK reads them, as rows: zeros, then 1 at place j, then the entries below the diagonal.
    let private reflectors (r: int64) (a: torch.Tensor) =
        use scope = torch.NewDisposeScope()

        let units = torch.eye (a.size 0, r, dtype = Nullable a.dtype, device = a.device)

        scope.MoveToOuter((a.narrow(1L, 0L, r).tril -1L .+ units).mT)

    /// <summary>The frame of k columns, or the square matrix, with as many free numbers as its set has dimensions: k reflections along
    /// v_j = e_j + (column j below the diagonal), n - 1 of them for k = n.</summary>
    /// <param name="a">Shape [n; k], k at most n; only its n k - k (k + 1) / 2 entries below the diagonal are read. For k = n and a vector of
    /// n (n - 1) / 2 numbers take <c>Skew.ofVector</c>. Differentiable, and any finite numbers will do.</param>
    /// <returns>An isometry from [k] to [n], for k = n unitary with determinant (-1)^(n-1): what torch.linalg.householder_product makes of a and
    /// tau_j = 2 / |v_j|^2 (tau_n = 0). Zeros give -1 on the diagonal, and +1 as its last entry for k = n.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, empty, wide, or an entry is NaN or infinite.</exception>
    /// <remarks>Reaches every real frame but those with a column that its turn finds at e_j exactly, and the orthogonal matrices up to the sign
    /// of the last column. A complex frame is reached up to the phases of its columns.</remarks>
    [<CompiledName("Triangular")>]
    let triangular (a: torch.Tensor) : LinearMap =
        tall "a" a
        let n, k = a.size 0, a.size 1
        use rows = reflectors (min k (n - 1L)) a

        let reflected =
            if rows.size 0 = 0L then
                chain rows
            else
                CompactWY.product "a" rows

        reflected * inclusion n k

    /// <summary>The form that torch.geqrf gives, as a map: (I - tau_1 v_1 v_1*) ... (I - tau_r v_r v_r*) on the first k coordinates, as
    /// torch.linalg.householder_product (a, tau), which builds it, and torch.ormqr, which applies it to one matrix without gradients.</summary>
    /// <param name="a">Shape [n; k], k at most n; only entries below the diagonal are read: those of the v_j. Differentiable.</param>
    /// <param name="tau">Shape [r], r at most k. Each 0, for no reflection, or such that the factor is unitary: 2 / |v_j|^2 for real v_j, and
    /// |tau|^2 |v|^2 = 2 Re tau for complex ones. Of it only the imaginary part of 1 / tau is free and differentiated; the rest follows a.</param>
    /// <returns>An isometry from [k] to [n], unitary for k = n.</returns>
    /// <exception cref="T:System.ArgumentException">a is not of two axes, not floating or complex, empty, wide or not finite; tau is not of its type and device, too long, or
    /// a factor is not unitary to 1e-10 (float64) or 1e-4 (float32).</exception>
    [<CompiledName("OfLapack")>]
    let ofLapack (a: torch.Tensor) (tau: torch.Tensor) : LinearMap =
        tall "a" a
        Guard.rank "tau" 1 tau
        let n, k, r = a.size 0, a.size 1, tau.size 0

        Guard.holds "tau" (r <= k && TensorKind.matches (TensorKind.ofTensor a) tau) (fun () ->
            $"tau must have at most {k} entries and be {TensorKind.ofTensor a}, like a, but has shape {Guard.showShape tau.shape} and is {TensorKind.ofTensor tau}.")

        use every = reflectors r a
        use used = Membership.unitaryFactors "tau" every tau
        use rows = every.index_select (0L, used)

        let reflected =
            if rows.size 0 = 0L then
                chain rows
            elif tau.is_complex () then
                use scales = tau.index_select (0L, used)
                use inverses = scales.reciprocal ()
                use conjugates = inverses.conj ()
                // 2 i s = 1 / tau - conj (1 / tau).
                use twists = inverses .- conjugates
                CompactWY.twisted "a" twists rows
            else
                CompactWY.product "a" rows

        reflected * inclusion n k

    /// <summary>LAPACK's form of a given matrix with orthonormal columns: q = <c>ofLapack</c> of reflectors and scales, times the diagonal of signs.</summary>
    /// <param name="q">Orthonormal columns, shape [n; k], k at most n.</param>
    /// <returns>Not differentiable. For real q, <c>triangular</c> of the reflectors is the same map: this is how it starts at a given matrix.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, wide, empty, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
    [<CompiledName("ToLapack")>]
    let toLapack (q: torch.Tensor) : LapackForm =
        Guard.rank "q" 2 q
        Membership.orthonormal "q" q |> ignore
        use scope = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let n, k = q.size 0, q.size 1
        let struct (factored, tau) = torch.geqrf q
        let signs = factored.diagonal().sgn()

        let scales, signs =
            if q.is_complex () then
                tau, signs
            else
                // LAPACK leaves out the reflection of a column that needs none; H(e_j), which only turns a sign, makes it one of the chart's.
                let turns = tau.logical_not().``to`` tau.dtype
                turns.narrow(0L, min k (n - 1L), k - min k (n - 1L)).zero_() |> ignore
                addMultiple 2.0 turns tau, addMultiple -2.0 turns (torch.ones_like turns) .* signs

        {
            Reflectors = scope.MoveToOuter factored
            Scales = scope.MoveToOuter scales
            Signs = scope.MoveToOuter signs
        }

    /// <summary>The reflections whose product is a given real orthogonal matrix, or has given orthonormal first columns.</summary>
    /// <param name="q">Real with orthonormal columns, shape [n; k], k at most n.</param>
    /// <returns>Unit vectors, shape [r; n], with <c>chain</c> equal to q for k = n and <c>frame</c> of k columns equal to q otherwise. r is at most k;
    /// for k = n it is the rank of q - I, the smallest number possible (Cartan and Dieudonne), and 0 for the identity. Not differentiable in q.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, not real, wide, empty, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
    /// <remarks>Again and again the column farthest from its unit vector is reflected onto it: each reflection enlarges the space of fixed
    /// vectors. No signs are left over, unlike in a QR factorization. Cost O(n k r), a few synchronisations with the device a reflection.</remarks>
    [<CompiledName("Vectors")>]
    let vectors (q: torch.Tensor) : torch.Tensor =
        Guard.rank "q" 2 q
        Guard.real "q" q
        let struct (vectors, phases) = Elimination.reflections q
        phases.Dispose()
        vectors

    /// <summary>A given orthogonal (unitary) matrix, or frame of orthonormal columns, as a product of reflections; see <c>vectors</c>.</summary>
    /// <param name="q">Orthonormal columns, shape [n; k], k at most n. A complex q needs a diagonal of phases after the reflections.</param>
    /// <returns>A map from [k] to [n] equal to q: unitary for k = n, otherwise an isometry. Not differentiable in q.</returns>
    /// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, wide, empty, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
    [<CompiledName("OfMatrix")>]
    let ofMatrix (q: torch.Tensor) : LinearMap =
        Guard.rank "q" 2 q
        let struct (vectors, phases) = Elimination.reflections q
        use vectors = vectors
        let reflected = frame vectors (q.size 1)

        if q.is_complex () then
            reflected * (LinearMap.ofDiagonal phases |> LinearMap.promise Traits.Unitary)
        else
            phases.Dispose()
            reflected
