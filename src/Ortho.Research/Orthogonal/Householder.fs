/// <summary>Householder reflections H(v) = I - 2 v v* / (v* v), and products of them.</summary>
/// <remarks>
/// <para>A product of r reflections is kept in compact WY form, H(v_1) ... H(v_r) = I - U T U*, with the v_i as columns of U, T upper
/// triangular and T^-1 = striu (U* U) + diag (U* U) / 2. It is applied in three thin products and never built as an n x n matrix.</para>
/// <para>Only the directions of the vectors count, not their lengths nor (for complex ones) their phases.</para>
/// <para>Householder 1958; Schreiber and Van Loan 1989; T^-1: Joffrain et al. 2006, "Accumulating Householder transformations, revisited".</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Householder

open System
open System.Runtime.InteropServices
open Ortho
open TorchSharp

/// More reflections than this are cut into blocks, each with a triangle of its own: the cost stays O(r n) an element. A block is
/// no longer than n either: with dependent vectors the triangle's entries grow, and digits are lost (measured: 100 times eps).
let private blockSize (n: int64) = min 64L n

/// One block I - U T U*, as it acts on rows: x -> x - ((x U^*T) T^T) U^T.
[<NoEquality; NoComparison>]
type private Block =
    {
        /// U^T: the vectors as rows, [r; n].
        Vectors: torch.Tensor
        /// The conjugate of U, [n; r]: a view.
        Adjoints: torch.Tensor
        /// T^T, [r; r].
        Triangle: torch.Tensor
        /// The conjugate of T, [r; r]: a view.
        AdjointTriangle: torch.Tensor
    }

/// The largest absolute value of each vector, [r; 1], after checking that it is finite and not zero.
let private largest (name: string) (vectors: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let sizes = vectors.abs().amax([| -1L |], true)
    let numbers = sizes.``to``(torch.float64, torch.CPU).contiguous()
    let values = MemoryMarshal.Cast<byte, float>(numbers.bytes).ToArray()

    match
        values
        |> Array.tryFindIndex (fun size -> not (Double.IsFinite size) || size = 0.0)
    with
    | Some row ->
        let found = if values[row] = 0.0 then "is zero" else "is not finite"
        raise (ArgumentException($"{name} must be finite and not zero, but vector {row} {found}.", name))
    | None -> scope.MoveToOuter sizes

/// <summary>The compact WY form of a product of reflections along rows whose largest entry is of size 1.</summary>
let private block (vectors: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let r = vectors.size 0
    let adjoints = vectors.mH
    // The transpose of U* U, and so the transpose of T^-1 from its lower triangle.
    let gram = vectors.matmul adjoints
    let twice = gram.tril 0L .+ gram.tril -1L

    let identity =
        torch.eye (r, dtype = Nullable vectors.dtype, device = vectors.device)

    let triangle =
        torch.linalg.solve_triangular (twice, multiply 2.0 identity, upper = false)

    {
        Vectors = vectors
        Adjoints = scope.MoveToOuter adjoints
        Triangle = scope.MoveToOuter triangle
        AdjointTriangle = scope.MoveToOuter triangle.mH
    }

/// The product of blocks on rows; the last of the array acts first.
let private act (n: int64) (triangle: Block -> torch.Tensor) (blocks: Block[]) =
    let action =
        blocks
        |> Array.map (fun block ->
            Actions.scoped (fun x ->
                let weights = (x.matmul block.Adjoints).matmul(triangle block)
                x.addmm (weights, block.Vectors, 1.0f, -1.0f)))
        |> Actions.chain

    fun (x: torch.Tensor) ->
        use rows = x.reshape [| -1L; n |]
        use y = action rows
        y.reshape x.shape

/// The product of the reflections along the rows of vectors, which errors call by the given name.
let private product (name: string) (vectors: torch.Tensor) : LinearMap =
    let r, n = vectors.size 0, vectors.size 1
    // H does not depend on the length of v: dividing by a constant moves neither the map nor its gradient, and nothing overflows.
    use sizes = largest name vectors
    use scaled = vectors.div sizes

    let size = blockSize n

    let blocks =
        Array.init (int ((r + size - 1L) / size)) (fun i ->
            let start = int64 i * size
            block (scaled.narrow (0L, start, min size (r - start))))

    let formula, traits =
        if r = 1L then
            $"H[{n}]", Traits.Unitary ||| Traits.SelfAdjoint
        else
            $"H[{r}x{n}]", Traits.Unitary

    Build.leaf
        formula
        (Space.Of n)
        (Space.Of n)
        traits
        (Nullable(TensorKind.ofTensor vectors))
        (act n _.Triangle blocks)
        (act n _.AdjointTriangle (Array.rev blocks))

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
    product "v" row

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
        product "vectors" vectors

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

/// The column that is farthest from its unit vector, and how far: |w - e_j|, w being column j times the conjugate of its entry's phase.
let private farthest (units: torch.Tensor) (work: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    let turned = if work.is_complex () then work.abs () else work
    let distances = (turned .- units).norm 0
    let struct (distance, column) = distances.max 0L
    struct (column.item<int64>(), number distance)

/// The vector v with H(v) q_j = phase e_j, of length 1, and the phase.
let private toUnit (j: int64) (column: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let kind = TensorKind.ofTensor column
    let head = column.narrow (0L, j, 1L)
    let first = number (if head.is_complex () then head.abs () else head)

    let phase =
        if head.is_complex () && first > 0.0 then
            head.div (head.abs ())
        else
            torch.ones_like head

    let w = column .* phase.conj ()
    w.narrow(0L, j, 1L).zero_() |> ignore
    let tailSquare = number (w.norm 0) ** 2.0
    // first - 1 without cancellation: first^2 + tailSquare = 1.
    let start =
        if first > 0.0 then
            -tailSquare / (1.0 + first)
        else
            first - 1.0

    addInPlace (w.narrow (0L, j, 1L)) (vector kind [| start |])
    let v = multiply (1.0 / sqrt (start * start + tailSquare)) w
    struct (scope.MoveToOuter v, scope.MoveToOuter phase)

/// What takes orthonormal columns to unit vectors: q = H(v_1) ... H(v_r) [D; 0], D = diag (phases), all 1 if q is real.
let private eliminate (q: torch.Tensor) =
    let defect = Membership.orthonormal "q" q
    use scope = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let n, k = q.size 0, q.size 1
    let real = TensorKind.realDtype q.dtype

    let rounding =
        if real = torch.float64 then
            Math.BitIncrement 1.0 - 1.0
        else
            float (MathF.BitIncrement 1.0f - 1.0f)

    // A column this near to its unit vector is there already, as far as rounding and the columns' own defect tell.
    let negligible = (16.0 * rounding + 2.0 * defect) * sqrt (float n)
    let units = torch.eye (n, k, dtype = Nullable real, device = q.device)
    let work = q.clone ()
    let vectors = ResizeArray<torch.Tensor>()
    let mutable remaining = true

    while remaining do
        let struct (j, distance) = farthest units work
        remaining <- distance > negligible && vectors.Count < int k

        if remaining then
            use inner = torch.NewDisposeScope()
            let struct (v, phase) = toUnit j (work.select (1L, j))
            let weights = (v.conj().unsqueeze 0L).matmul work
            addInPlace work ((multiply -2.0 v).unsqueeze(1L).matmul weights)
            // Column j is now phase e_j and row j is zero elsewhere; rounding must not blur that, or small later vectors would move it.
            work.select(0L, j).zero_() |> ignore
            work.select(1L, j).zero_() |> ignore
            addInPlace (work.select(1L, j).narrow(0L, j, 1L)) phase
            vectors.Add(inner.MoveToOuter v)

    let stacked =
        if vectors.Count = 0 then
            q.new_zeros (0L, n)
        else
            torch.stack (vectors.ToArray())

    let diagonal = work.diagonal ()

    let phases =
        if q.is_complex () then
            diagonal.div (diagonal.abs ())
        else
            torch.ones_like diagonal

    struct (scope.MoveToOuter stacked, scope.MoveToOuter phases)

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
    let struct (vectors, phases) = eliminate q
    phases.Dispose()
    vectors

/// <summary>A given orthogonal (unitary) matrix, or frame of orthonormal columns, as a product of reflections; see <c>vectors</c>.</summary>
/// <param name="q">Orthonormal columns, shape [n; k], k at most n. A complex q needs a diagonal of phases after the reflections.</param>
/// <returns>A map from [k] to [n] equal to q: unitary for k = n, otherwise an isometry. Not differentiable in q.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, not floating or complex, wide, empty, or columns not orthonormal to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("OfMatrix")>]
let ofMatrix (q: torch.Tensor) : LinearMap =
    Guard.rank "q" 2 q
    let struct (vectors, phases) = eliminate q
    use vectors = vectors
    let reflected = frame vectors (q.size 1)

    if q.is_complex () then
        reflected * (LinearMap.ofDiagonal phases |> LinearMap.promise Traits.Unitary)
    else
        phases.Dispose()
        reflected
