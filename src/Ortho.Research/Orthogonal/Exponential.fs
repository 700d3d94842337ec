/// <summary>The exponential of a skew matrix, which is a rotation (a unitary matrix, for skew-Hermitian ones), and its inverse, the principal logarithm.</summary>
/// <remarks>
/// <para>Scaling and squaring: exp(S) = T(S / 2^k)^(2^k), with T the Taylor polynomial of degree 18 in five products, and k from a bound of the
/// spectral norm, (|S^6|_F)^(1/6), that costs no product of its own. Real 3 x 3 matrices take Rodrigues' formula.</para>
/// <para>The gradient goes back through the squarings and the five products, for twice the cost of the value.</para>
/// <para>The cost grows with |S|: a training keeps S near 0 by moving a base point B, the map being B exp(S) (dynamic trivialization,
/// Lezcano-Casado 2019, 1909.09501): <c>at</c> and <c>rebase</c>.</para>
/// <para>Higham 2005; Bader, Blanes and Casas 2019, "Computing the matrix exponential with an optimized Taylor polynomial approximation".</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Exponential

open System
open Ortho
open TorchSharp

/// Bader, Blanes and Casas: B_1 to B_5 as combinations of I, A, A^2, A^3, A^6. With C = B_1 B_5 + B_4 the polynomial is B_2 + (B_3 + C) C.
let internal taylor =
    [|
        [|
            0.0
            -1.00365581030144618291e-01
            -8.02924648241156932449e-03
            -8.92138498045729985177e-04
            0.0
        |]
        [|
            0.0
            3.97849749499645077844e-01
            1.36783778460411720168e+00
            4.98289622525382669416e-01
            -6.37898194594723280150e-04
        |]
        [|
            -1.09676396052962061844e+01
            1.68015813878906206114e+00
            5.71779846478865511061e-02
            -6.98210122488052056106e-03
            3.34975017086070470649e-05
        |]
        [|
            -9.04316832390810593223e-02
            -6.76404519071381882256e-02
            6.75961301770459654925e-02
            2.95552570429315521194e-02
            -1.39180257516060693404e-05
        |]
        [|
            0.0
            0.0
            -9.23364619367118555360e-02
            -1.69364939002081722752e-02
            -1.40086798182036094347e-05
        |]
    |]

/// What the norm may be for the polynomial to be exact to rounding.
let private reach (s: torch.Tensor) =
    if TensorKind.realDtype s.dtype = torch.float64 then
        1.09
    else
        3.01

/// A bound of the largest spectral norm of a batch of normal matrices; real skew ones, and their powers, have singular values in pairs.
let private bound (s: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    if s.numel () = 0L then
        0.0
    else
        let size = number ((Skew.lengths s).max())
        if s.is_complex () then size else size / sqrt 2.0

/// The stacked matrices' combinations, one for each row of weights.
let private combine (weights: torch.Tensor) (stacked: torch.Tensor) =
    weights.matmul(stacked.reshape [| weights.size 1; -1L |]).reshape stacked.shape

/// 3/2 Q - 1/2 Q Q* Q: squares the defect that squarings have doubled.
let private polished (q: torch.Tensor) =
    plusProduct 1.5 q -0.5 q (q.mH.matmul q)

let private rule (halvings: int) =
    let scale = 2.0 ** float -halvings

    {
        Value =
            fun s ->
                let a = multiply scale s
                let a2 = a.matmul a
                let a3 = a2.matmul a
                let a6 = a3.matmul a3
                let size = (bound a6) ** (1.0 / 6.0) / scale

                let squarings =
                    if size > reach s then
                        min halvings (int (ceil (Math.Log2(size / reach s))))
                    else
                        0

                let powers = torch.stack [| (identityLike a).expand_as a; a; a2; a3; a6 |]

                let unscale = 2.0 ** float (halvings - squarings)

                let weights =
                    taylor
                    |> Array.collect (
                        Array.map2 (fun power weight -> weight * unscale ** power) [| 0.0; 1.0; 2.0; 3.0; 6.0 |]
                    )
                    |> vector (TensorKind.ofTensor s)
                    |> _.reshape(5L, 5L)

                let b = combine weights powers

                let c =
                    plusProduct 1.0 (b.select (0L, 3L)) 1.0 (b.select (0L, 0L)) (b.select (0L, 4L))

                let d = b.select (0L, 2L) .+ c
                let first = plusProduct 1.0 (b.select (0L, 1L)) 1.0 d c

                let squares =
                    Array.scan
                        (fun (q: torch.Tensor) i ->
                            let square = q.matmul q
                            if i % 4 = 0 then polished square else square)
                        first
                        [| 1..squarings |]

                Array.append [| squares[squarings]; weights; powers; b; c; d |] squares[.. squarings - 1]
        Gradient =
            fun kept gradient ->
                let weights, powers, b, c, d = kept[2], kept[3], kept[4], kept[5], kept[6]
                let mutable slope = gradient

                for i in kept.Length - 1 .. -1 .. 7 do
                    let adjoint = kept[i].mH
                    slope <- plusProduct 1.0 (adjoint.matmul slope) 1.0 slope adjoint

                let ofD = slope.matmul c.mH
                let ofC = plusProduct 1.0 ofD 1.0 d.mH slope
                let first, last = b.select (0L, 0L), b.select (0L, 4L)

                let ofPowers =
                    torch.stack [| ofC.matmul last.mH; slope; ofD; ofC; first.mH.matmul ofC |]
                    |> combine (weights.t ())

                let a, a2, a3 =
                    powers.select (0L, 1L), powers.select (0L, 2L), powers.select (0L, 3L)

                let given (i: int64) = ofPowers.select (0L, i)

                // A and A^3 are skew and A^2 is self-adjoint: signs instead of adjoints.
                let ofA3 =
                    plusProduct 1.0 (plusProduct 1.0 (given 3L) -1.0 (given 4L) a3) -1.0 a3 (given 4L)

                let ofA2 = plusProduct 1.0 (given 2L) -1.0 ofA3 a

                let ofA =
                    plusProduct 1.0 (given 1L) 1.0 a2 ofA3
                    |> fun sum -> plusProduct 1.0 sum -1.0 ofA2 a
                    |> fun sum -> plusProduct 1.0 sum -1.0 a ofA2

                multiply scale ofA
        // The derivative of exp at S* along G is the corner of the exponential of a block matrix (Higham 2008, theorem 3.6).
        Plain =
            fun s gradient ->
                let n = s.size (int s.ndim - 1)
                let adjoint = s.mH
                let above = torch.cat ([| adjoint; gradient |], -1L)
                let below = torch.cat ([| torch.zeros_like adjoint; adjoint |], -1L)
                let both = torch.matrix_exp (torch.cat ([| above; below |], -2L))
                both.narrow(-2L, 0L, n).narrow(-1L, n, n)
    }

/// I + (sin t / t) S + 2 (sin (t/2) / t)^2 S^2 for the angle t; the factors by their series below t = 1e-4, where t has no derivative.
let private rodrigues (s: torch.Tensor) =
    s
    |> Actions.scoped (fun s ->
        let squared = (s .* s).sum([| -2L; -1L |], keepdim = true) |> multiply 0.5
        let isSmall = (squared.detach () |> plus -1e-8).signbit()
        let one = torch.ones_like squared
        let angle = torch.where(isSmall, one, squared).sqrt()
        let half = multiply 0.5 angle
        let chord = half.sin().div half

        let series (terms: float[]) =
            Array.foldBack
                (fun (c: float) (sum: torch.Tensor) -> plus c (sum .* squared))
                terms
                (torch.zeros_like squared)

        let sine =
            torch.where (isSmall, series [| 1.0; -1.0 / 6.0; 1.0 / 120.0 |], angle.sin().div angle)

        let versine =
            torch.where (isSmall, series [| 0.5; -1.0 / 24.0; 1.0 / 720.0 |], chord .* chord |> multiply 0.5)

        identityLike s .+ sine .* s .+ versine .* s.matmul s)

/// <summary>The rotation exp(S) of a skew matrix.</summary>
/// <param name="s">S: skew, or skew-Hermitian, shape [*batch; n; n]. Differentiable to any order.</param>
/// <returns>Orthogonal with determinant 1 (unitary), shape [*batch; n; n].</returns>
/// <exception cref="T:System.ArgumentException">Not square, not floating or complex, or not skew to 1e-12 (float64) or 1e-5 (float32) relative.</exception>
/// <remarks>Five products and one for each doubling of |S| beyond 3 (float32) or 1.1 (float64), and twice as many for the gradient. A batch is scaled by its
/// largest matrix. Every fourth squaring is followed by a Newton-Schulz step, so that the result is orthogonal to rounding however large S is; its
/// angles are as accurate as eps |S|.</remarks>
[<CompiledName("Matrix")>]
let matrix (s: torch.Tensor) : torch.Tensor =
    Membership.skew "s" s

    if s.size (int s.ndim - 1) = 3L && not (s.is_complex ()) then
        rodrigues s
    else
        let size = bound s

        let halvings = if size > 1.0 then int (ceil (Math.Log2 size)) else 0

        MatrixFunction.Apply (rule halvings) s

let private ofRotation (name: string) (q: torch.Tensor) : LinearMap =
    let transposed = q.t ()
    let conjugate = q.conj ()
    let rows, columns = q.size 0, q.size 1

    Build.leaf
        name
        (Space.Of columns)
        (Space.Of rows)
        (Build.given (rows = columns) Traits.Unitary ||| Traits.Isometry)
        (Nullable(TensorKind.ofTensor q))
        (fun x -> x.matmul transposed)
        (fun y -> y.matmul conjugate)

/// <summary>The rotation exp(S) of a skew matrix as a map on vectors.</summary>
/// <param name="s">S: skew, or skew-Hermitian, shape [n; n]. Differentiable.</param>
/// <returns>A unitary map from [n] to [n]; real ones have determinant 1. It keeps the matrix, which is computed once.</returns>
/// <exception cref="T:System.ArgumentException">Not one square matrix, empty, or refused by <c>matrix</c>.</exception>
[<CompiledName("OfSkew")>]
let ofSkew (s: torch.Tensor) : LinearMap =
    Guard.rank "s" 2 s
    Guard.notEmpty "s" s
    ofRotation $"exp[{s.size 0}]" (matrix s)

let private checkBase (b: torch.Tensor) (s: torch.Tensor) =
    Membership.orthonormal "b" b |> ignore
    Guard.square "s" s

    Guard.holds "b" (b.size (int b.ndim - 1) = s.size (int s.ndim - 1)) (fun () ->
        $"b must have as many columns as s = {Guard.showShape s.shape} has rows, but has shape {Guard.showShape b.shape}.")

    Guard.holds "b" (TensorKind.matches (TensorKind.ofTensor s) b) (fun () ->
        $"b must be {TensorKind.ofTensor s}, like s, but is {TensorKind.ofTensor b}.")

/// <summary>B exp(S): the matrix at S as seen from a base point B.</summary>
/// <param name="b">B: orthonormal columns, shape [*batch; m; n], m >= n. Differentiable.</param>
/// <param name="s">S: skew, or skew-Hermitian, shape [*batch; n; n]. Differentiable. At S = 0 the gradient in S is the gradient along the orthogonal
/// group at B.</param>
/// <returns>Orthonormal columns, shape [*batch; m; n].</returns>
/// <exception cref="T:System.ArgumentException">b is not orthonormal to 1e-10 (float64) or 1e-4 (float32), does not fit s, or is of another type; s is refused by <c>matrix</c>.</exception>
[<CompiledName("At")>]
let at (b: torch.Tensor) (s: torch.Tensor) : torch.Tensor =
    Guard.live "s" s
    checkBase b s
    use q = matrix s
    b.matmul q

/// <summary>B exp(S) as a map on vectors.</summary>
/// <param name="b">B: orthonormal columns, shape [m; n], m >= n.</param>
/// <param name="s">S: skew, or skew-Hermitian, shape [n; n]. Differentiable.</param>
/// <returns>An isometry from [n] to [m], unitary for m = n.</returns>
/// <exception cref="T:System.ArgumentException">Not two matrices, or refused by <c>at</c>.</exception>
[<CompiledName("OfSkewAt")>]
let ofSkewAt (b: torch.Tensor) (s: torch.Tensor) : LinearMap =
    Guard.rank "b" 2 b
    Guard.rank "s" 2 s
    let q = at b s
    ofRotation $"B exp[{q.size 0}x{q.size 1}]" q

/// <summary>The next base point, B exp(S), after which S starts again at zero: the map stays where it was.</summary>
/// <param name="b">B, as for <c>at</c>.</param>
/// <param name="s">S, as for <c>at</c>.</param>
/// <returns>A new tensor without gradient, orthonormal to rounding: one Newton-Schulz step keeps rounding from growing over many moves. Copy it into
/// the parameter that holds B, and set the one that holds S to zero.</returns>
/// <exception cref="T:System.ArgumentException">Refused by <c>at</c>.</exception>
[<CompiledName("Rebase")>]
let rebase (b: torch.Tensor) (s: torch.Tensor) : torch.Tensor =
    use _ = torch.no_grad ()
    use moved = at b s
    Actions.scoped polished moved

/// <summary>The principal logarithm of an orthogonal matrix: the skew S with exp(S) = Q and angles below pi.</summary>
/// <param name="q">Orthogonal or unitary, shape [*batch; n; n], with no eigenvalue -1. Differentiable to any order.</param>
/// <returns>Skew (skew-Hermitian) to the last digit, shape [*batch; n; n].</returns>
/// <exception cref="T:System.ArgumentException">Not square, not floating or complex, empty, not orthogonal to 1e-10 (float64) or 1e-4 (float32); or an
/// eigenvalue is so near to -1 that S would lose half of the digits. Every real orthogonal matrix of determinant -1 has the eigenvalue -1.</exception>
/// <remarks>Three square roots, each the polar factor of Q + I, bring the angles below pi / 8; then the series of 2 artanh of the inverse Cayley
/// transform, whose eigenvalues are i tan of half an angle.</remarks>
[<CompiledName("ToSkew")>]
let toSkew (q: torch.Tensor) : torch.Tensor =
    Guard.square "q" q
    Membership.orthonormal "q" q |> ignore
    Cayley.refuseMinusOne "q" q

    q
    |> Actions.scoped (fun q ->
        let root (x: torch.Tensor) = Polar.factor (x .+ identityLike x)
        let k = q |> root |> root |> root |> Cayley.inverse
        let identity = identityLike k
        let squared = k.matmul k
        // tan (pi / 16)^2 = 0.04: its 11th power is below rounding.
        let mutable series = multiply (1.0 / 23.0) squared

        for j in 10..-1..1 do
            series <- squared.matmul (addMultiple (1.0 / float (2 * j + 1)) identity series)

        plusProduct 1.0 k 1.0 k series |> multiply 16.0 |> Skew.part)
