/// <summary>The compact WY form of products of reflections, H(v_1) ... H(v_r) = I - U T U*, cut into blocks.</summary>
/// <remarks>U has the v_i as columns; T is upper triangular with T^-1 = striu (U* U) + diag (U* U) / 2. With i s_j added to entry j of that
/// diagonal, s real, factor j is I - tau v v* with 1 / tau = |v|^2 / 2 + i s: every unitary matrix of that form, LAPACK's complex reflectors among
/// them. Schreiber and Van Loan 1989; T^-1: Joffrain et al. 2006, "Accumulating Householder transformations, revisited".</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.CompactWY

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

/// The compact WY form of a product along rows whose largest entry is of size 1. Twists are 2 i s_j as a vector, or null for reflections.
let private block (vectors: torch.Tensor) (twists: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let r = vectors.size 0
    let adjoints = vectors.mH
    // The transpose of U* U, and so the transpose of T^-1 from its lower triangle.
    let gram = vectors.matmul adjoints
    let twice = gram.tril 0L .+ gram.tril -1L

    let twice =
        if isNull twists then
            twice
        else
            twice .+ twists.diag_embed ()

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

/// The product of I - tau_j v_j v_j* along one or more rows of vectors, which errors call by the given name. Twists are 2 i times the
/// imaginary parts s_j of 1 / tau_j, for the vectors as they are given; null for reflections.
let twisted (name: string) (twists: torch.Tensor) (vectors: torch.Tensor) : LinearMap =
    let r, n = vectors.size 0, vectors.size 1
    // H does not depend on the length of v: dividing by a constant moves neither the map nor its gradient, and nothing overflows.
    use sizes = largest name vectors
    use scaled = vectors.div sizes

    use twists =
        if isNull twists then
            null
        else
            use lengths = sizes.flatten ()
            use squares = lengths .* lengths
            twists.div squares

    let size = blockSize n

    let blocks =
        Array.init (int ((r + size - 1L) / size)) (fun i ->
            let start = int64 i * size
            let count = min size (r - start)

            use part =
                if isNull twists then
                    null
                else
                    twists.narrow (0L, start, count)

            block (scaled.narrow (0L, start, count)) part)

    let formula, traits =
        if r = 1L && isNull twists then
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

/// The product of the reflections along one or more rows of vectors, which errors call by the given name.
let product (name: string) (vectors: torch.Tensor) : LinearMap = twisted name null vectors
