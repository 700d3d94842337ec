/// <summary>The polar factor U V* of a matrix M = U S V*, which is the nearest matrix with orthonormal columns (rows, of a wide matrix), and the
/// iterations that approach it by products alone.</summary>
/// <remarks>
/// <para>Every iteration here is an odd polynomial of the singular values, U p(S) V*, and works on the smaller of the two Gram matrices.
/// <c>newtonSchulz</c> and <c>bjorck</c> converge to the polar factor, <c>polarExpress</c> nearly does in few steps, and <c>muon</c> does not.</para>
/// <para>Fan and Hoffman 1955; Bjorck and Bowie 1971; Higham, Functions of Matrices, chapter 8.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Polar

open System
open Ortho
open TorchSharp

/// X with H X + X H = R, for self-adjoint positive H; the argument is H and R stacked. The operator is its own adjoint, so
/// that derivatives of any order are solutions again.
let rec private sylvester () =
    let apart (pair: torch.Tensor) =
        struct (pair.select (0L, 0L), pair.select (0L, 1L))

    let solved (vectors: torch.Tensor) (sums: torch.Tensor) (right: torch.Tensor) =
        let inner = vectors.mH.matmul(right).matmul(vectors).div sums
        vectors.matmul(inner).matmul(vectors.mH)

    let slopes (x: torch.Tensor) (y: torch.Tensor) =
        let adjoint = x.mH
        torch.stack [| (y.matmul adjoint .+ adjoint.matmul y).neg(); y |]

    {
        Value =
            fun pair ->
                let struct (h, right) = apart pair
                let struct (values, vectors) = torch.linalg.eigh h
                let sums = values.unsqueeze -1L .+ values.unsqueeze -2L
                [| solved vectors sums right; vectors; sums |]
        Gradient = fun kept gradient -> slopes kept[1] (solved kept[2] kept[3] gradient)
        Plain =
            fun pair gradient ->
                let struct (h, _) = apart pair

                slopes
                    (MatrixFunction.Apply (sylvester ()) pair)
                    (MatrixFunction.Apply (sylvester ()) (torch.stack [| h; gradient |]))
    }

let private refuseDeficient (m: torch.Tensor) (values: torch.Tensor) =
    if values.numel () > 0L then
        use _ = torch.NewDisposeScope()
        let largest = values.amax [| -1L |]
        let ratio = number (values.amin([| -1L |]).div(largest).min())

        let epsilon =
            if TensorKind.realDtype m.dtype = torch.float64 then
                2.3e-16
            else
                1.2e-7

        let least =
            4.0
            * epsilon
            * sqrt (float (max (m.size (int m.ndim - 1)) (m.size (int m.ndim - 2))))

        // A zero matrix gives NaN, and is refused.
        Guard.holds "m" (ratio > least) (fun () ->
            $"m must have full rank to have one nearest frame, but its smallest singular value is {number (values.min ()):G3}, {ratio:G3} of its matrix's largest, and at least {least:G3} is needed.")

/// U V* of a square or tall matrix. With X' = V* X V for the moving parts, dQ solves a Sylvester equation whose divisors are s_i + s_j:
/// equal singular values do no harm.
let rec private rule () =
    let beyond (m: torch.Tensor) (q: torch.Tensor) (gradient: torch.Tensor) =
        if m.size (int m.ndim - 1) = m.size (int m.ndim - 2) then
            ValueNone
        else
            ValueSome(gradient .- q.matmul (q.mH.matmul gradient))

    {
        Value =
            fun m ->
                let struct (u, values, adjoint) = torch.linalg.svd (m, fullMatrices = false)
                refuseDeficient m values
                [| u.matmul adjoint; u; values; adjoint |]
        Gradient =
            fun kept gradient ->
                let u, values, adjoint = kept[2], kept[3], kept[4]
                let v = adjoint.mH

                let inner =
                    u.mH.matmul(gradient).matmul(v).div(values.unsqueeze -1L .+ values.unsqueeze -2L)

                let along = u.matmul (inner .- inner.mH)

                match beyond kept[0] u gradient with
                | ValueNone -> along.matmul adjoint
                | ValueSome rest -> (along .+ rest.matmul(v).div(values.unsqueeze -2L)).matmul adjoint
        Plain =
            fun m gradient ->
                let q = MatrixFunction.Apply (rule ()) m
                let h = q.mH.matmul m
                let turning = q.mH.matmul gradient
                let pair = torch.stack [| h; turning .- turning.mH |]
                let along = q.matmul (MatrixFunction.Apply (sylvester ()) pair)

                match beyond m q gradient with
                | ValueNone -> along
                | ValueSome rest -> along .+ rest.matmul (torch.linalg.inv h)
    }

/// f of the matrix or of its adjoint, whichever has no more rows than columns (than rows, for `isTall`).
let private turned (isTall: bool) (f: torch.Tensor -> torch.Tensor) (m: torch.Tensor) =
    let rows, columns = m.size (int m.ndim - 2), m.size (int m.ndim - 1)

    if rows = columns || (rows > columns) = isTall then
        f m
    else
        m |> Actions.scoped (fun m -> (f m.mH).mH)

let private check (m: torch.Tensor) =
    Guard.rankAtLeast "m" 2 m
    Guard.floating "m" m

    Guard.holds "m" (m.size (int m.ndim - 2) > 0L && m.size (int m.ndim - 1) > 0L) (fun () ->
        $"m must have rows and columns, but has shape {Guard.showShape m.shape}.")

/// <summary>The polar factor U V* of M = U S V*: the nearest matrix with orthonormal columns (or rows) in every unitarily invariant norm.</summary>
/// <param name="m">Shape [*batch; m; n], of full rank. Differentiable to any order, also where singular values are equal.</param>
/// <returns>Shape [*batch; m; n]: orthonormal columns if m >= n, orthonormal rows if not.</returns>
/// <exception cref="T:System.ArgumentException">Fewer than two axes, no rows or columns, not floating or complex, an entry is NaN or infinite, or a matrix
/// is rank-deficient: its smallest singular value is below 4 eps sqrt (max(m, n)) times its largest.</exception>
/// <remarks>By the singular value decomposition. The gradient grows as 1 / (s_i + s_j) of the two smallest singular values (1 / s of the smallest, of a matrix that is not square).</remarks>
[<CompiledName("Factor")>]
let factor (m: torch.Tensor) : torch.Tensor =
    check m

    if m.numel () > 0L then
        use _ = torch.NewDisposeScope()
        let largest = number (m.detach().abs().max())

        Guard.holds "m" (Double.IsFinite largest) (fun () ->
            "m must be finite, but has an entry that is NaN or infinite.")

    turned true (MatrixFunction.Apply(rule ())) m

/// <summary>The polar factor as a map on vectors.</summary>
/// <param name="m">Shape [m; n], of full rank. Differentiable.</param>
/// <returns>A map from [n] to [m]: an isometry if m >= n, its adjoint if m &lt;= n, both if m = n. It keeps the matrix, which is computed once.</returns>
/// <exception cref="T:System.ArgumentException">Not of two axes, or refused by <c>factor</c>.</exception>
[<CompiledName("OfMatrix")>]
let ofMatrix (m: torch.Tensor) : LinearMap =
    Guard.rank "m" 2 m
    let q = factor m
    let transposed = q.t ()
    let conjugate = q.conj ()
    let rows, columns = m.size 0, m.size 1

    Build.leaf
        $"Polar[{rows}x{columns}]"
        (Space.Of columns)
        (Space.Of rows)
        (Build.given (rows >= columns) Traits.Isometry
         ||| Build.given (rows <= columns) Traits.Coisometry)
        (Nullable(TensorKind.ofTensor m))
        (fun x -> x.matmul transposed)
        (fun y -> y.matmul conjugate)

/// The step repeated, on the wide side.
let private iterate (steps: int) (step: int -> torch.Tensor -> torch.Tensor) =
    turned false (fun m ->
        let mutable x = m.alias ()

        for i in 0 .. steps - 1 do
            use previous = x
            x <- Actions.scoped (step i) previous

        x)

/// <summary>Bjorck's iteration of any order p: X (I + E/2 + 3/8 E^2 + ... ), the series of (I - E)^(-1/2) up to E^p, with E = I - X* X.</summary>
/// <param name="order">p, at least 1. Order 1 is the cubic Newton-Schulz step, order 2 the convergent quintic (15/8, -10/8, 3/8).</param>
/// <param name="steps">How many steps, at least 0. Each costs p + 1 products.</param>
/// <param name="m">Shape [*batch; m; n], singular values between 0 and sqrt 3 (not 0): divide by the spectral or the Frobenius norm first. Differentiable.</param>
/// <returns>Shape [*batch; m; n]. One step takes the defect |E| to order |E|^(p+1).</returns>
/// <exception cref="T:System.ArgumentException">order below 1, steps below 0, fewer than two axes, no rows or columns, or not floating or complex.</exception>
/// <remarks>Bjorck and Bowie 1971, equation 2.5; their general step with beta 1/2 and order 1 is the cubic one.</remarks>
[<CompiledName("Bjorck")>]
let bjorck (order: int) (steps: int) (m: torch.Tensor) : torch.Tensor =
    Guard.positive "order" order
    Guard.atLeast "steps" 0 steps
    check m

    // The coefficients of (1 - e)^(-1/2).
    let coefficients =
        Seq.scan (fun c k -> c * (2.0 * float k - 1.0) / (2.0 * float k)) 1.0 (seq { 1..order })
        |> Seq.toArray

    m
    |> iterate steps (fun _ x ->
        let identity = x.mH |> identityLike
        let defect = identity .- x.matmul x.mH
        let mutable series = multiply coefficients[order] defect

        for k in order - 1 .. -1 .. 1 do
            series <- defect.matmul (addMultiple coefficients[k] identity series)

        plusProduct 1.0 x 1.0 series x)

/// <summary>The cubic Newton-Schulz iteration X &lt;- 3/2 X - 1/2 X X* X: one step squares the defect I - X* X, up to a factor 3/4.</summary>
/// <param name="steps">How many steps, at least 0. Each costs two products.</param>
/// <param name="m">Shape [*batch; m; n], singular values between 0 and sqrt 3 (not 0): divide by the spectral or the Frobenius norm first. Differentiable.</param>
/// <returns>Shape [*batch; m; n].</returns>
/// <exception cref="T:System.ArgumentException">steps below 0, fewer than two axes, no rows or columns, or not floating or complex.</exception>
/// <remarks>A step is also one gradient step of size 1 / (4 lambda) on the penalty lambda/2 |X* X - I|_F^2.</remarks>
[<CompiledName("NewtonSchulz")>]
let newtonSchulz (steps: int) (m: torch.Tensor) : torch.Tensor = bjorck 1 steps m

/// a X + (b A + c A^2) X, with A = X X*.
let private quintic (struct (a, b, c)) (x: torch.Tensor) =
    let gram = x.matmul x.mH
    let weights = plusProduct b gram c gram gram
    plusProduct a x 1.0 weights x

/// M / (cushion |M|_F + 1e-7).
let private normalised (cushion: float) (m: torch.Tensor) =
    m
    |> Actions.scoped (fun m ->
        let sizes = Skew.lengths m |> multiply cushion |> plus 1e-7
        m.div (sizes.unsqueeze(-1L).unsqueeze -1L))

/// <summary>Muon's quintic iteration, a X + (b A + c A^2) X with A = X X* and (a, b, c) = (3.4445, -4.7750, 2.0315), from M / (|M|_F + 1e-7). It does not converge:
/// singular values come to lie near 1 and stay spread.</summary>
/// <param name="steps">How many steps, at least 0; Muon takes 5. Each costs three products.</param>
/// <param name="m">Shape [*batch; m; n]. Differentiable.</param>
/// <returns>Shape [*batch; m; n]. After 5 steps singular values that were at least 0.01 of |M|_F lie between 0.6818 and 1.1344; those down to 0.002 of it
/// reach at most 1.203, and far smaller ones only grow about 485-fold.</returns>
/// <exception cref="T:System.ArgumentException">steps below 0, fewer than two axes, no rows or columns, or not floating or complex.</exception>
/// <remarks>Jordan et al. 2024, "Muon". Muon computes in bfloat16; here the type is that of m.</remarks>
[<CompiledName("Muon")>]
let muon (steps: int) (m: torch.Tensor) : torch.Tensor =
    Guard.atLeast "steps" 0 steps
    check m
    use unit = normalised 1.0 m
    iterate steps (fun _ -> quintic (struct (3.4445, -4.7750, 2.0315))) unit

/// Minimax quintics for singular values in [0.001, 1], one after the other; from the eighth on the convergent quintic.
let internal expressCoefficients =
    [|
        struct (8.28721201814563, -23.595886519098837, 17.300387312530933)
        struct (4.107059111542203, -2.9478499167379106, 0.5448431082926601)
        struct (3.9486908534822946, -2.908902115962949, 0.5518191394370137)
        struct (3.3184196573706015, -2.488488024314874, 0.51004894012372)
        struct (2.300652019954817, -1.6689039845747493, 0.4188073119525673)
        struct (1.891301407787398, -1.2679958271945868, 0.37680408948524835)
        struct (1.8750014808534479, -1.2500016453999487, 0.3750001645474248)
        struct (1.875, -1.25, 0.375)
    |]

/// <summary>The Polar Express: each quintic step is the minimax one for the interval that the steps before it leave, from singular values in [0.001, 1] on.</summary>
/// <param name="steps">How many steps, at least 0. Each costs three products; from the eighth on they are those of the convergent quintic.</param>
/// <param name="m">Shape [*batch; m; n]. It is divided by 1.01 |M|_F + 1e-7 first. Differentiable.</param>
/// <returns>Shape [*batch; m; n].</returns>
/// <exception cref="T:System.ArgumentException">steps below 0, fewer than two axes, no rows or columns, or not floating or complex.</exception>
/// <remarks>Amsel, Persson, Musco and Gower 2025 (2505.16932), algorithm 1: p(x / 1.01) in place of each p but the last, against rounding, so that the first seven
/// steps end near 0.99 and later ones converge.</remarks>
[<CompiledName("PolarExpress")>]
let polarExpress (steps: int) (m: torch.Tensor) : torch.Tensor =
    Guard.atLeast "steps" 0 steps
    check m

    let step i =
        let last = expressCoefficients.Length - 1
        let struct (a, b, c) = expressCoefficients[min i last]

        if i < last then
            quintic (struct (a / 1.01, b / 1.01 ** 3.0, c / 1.01 ** 5.0))
        else
            quintic (struct (a, b, c))

    use unit = normalised 1.01 m
    iterate steps step unit
