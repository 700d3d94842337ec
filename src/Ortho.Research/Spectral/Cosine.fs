/// <summary>Discrete cosine and sine transforms, all eight, as linear maps: orthonormal ones, and plain ones scaled as in SciPy and FFTW.</summary>
/// <remarks>
/// Row k and column j count from 0; e is 1/sqrt 2 where stated, else 1. Every orthonormal transform has adjoint = inverse.
/// <code>
/// DCT-I    sqrt(2/(n-1)) e_k e_j cos(pi k j/(n-1))           e at both ends; n at least 2
/// DCT-II   sqrt(2/n) e_k cos(pi k (2j+1)/(2n))               e at k = 0
/// DCT-III  the transpose of DCT-II
/// DCT-IV   sqrt(2/n) cos(pi (2k+1)(2j+1)/(4n))
/// DST-I    sqrt(2/(n+1)) sin(pi (k+1)(j+1)/(n+1))
/// DST-II   sqrt(2/n) e_k sin(pi (k+1)(2j+1)/(2n))            e at k = n-1
/// DST-III  the transpose of DST-II
/// DST-IV   sqrt(2/n) sin(pi (2k+1)(2j+1)/(4n))
/// </code>
/// Sources: Rao and Yip 1990; Martucci 1994; fast form of II and III: Makhoul 1980. Where a dense matrix is faster (short rows, some hundred
/// of a bad length), it is used. The maps take real and complex tensors (complex ones part by part) of either precision on any device. A length with
/// large prime factors is 5 to 20 times slower: n-1 for DCT-I, n+1 for DST-I, n for the others; <c>GoodSize</c> tells good ones.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Cosine

open System
open Ortho
open TorchSharp

let private checkLength (kind: CosineType) (n: int64) =
    Guard.notNull "kind" kind
    Guard.atLeast "n" (if kind = CosineType.DctI then 2L else 1L) n

/// The form by FFT: native passes where they fit, plain tensor operations elsewhere.
let internal fast (kind: CosineType) (n: int64) : torch.Tensor -> torch.Tensor =
    RowChoice.native (RowKernel.tryCosine kind n) (CosineForm.fast kind n)

/// The form of least cost.
let internal form (kind: CosineType) (n: int64) : torch.Tensor -> torch.Tensor =
    RowChoice.byCost n (FftCost.cosine kind n) (fun () -> CosineForm.dense kind n) (fast kind n)

/// A transform with its actions by one of the forms.
let internal byForm
    (form: CosineType -> int64 -> torch.Tensor -> torch.Tensor)
    (kind: CosineType)
    (n: int64)
    : LinearMap =
    let inverse = CosineForm.inverse kind

    let traits = Traits.Unitary ||| Build.given (inverse = kind) Traits.SelfAdjoint

    Build.leaf
        $"{kind}[{n}]"
        (Space.Of n)
        (Space.Of n)
        traits
        (Nullable())
        (RowForm.onParts (form kind n))
        (RowForm.onParts (form inverse n))
    |> LinearFunction.Wrap

/// <summary>The orthonormal transform of length n: unitary, and self-adjoint for types I and IV.</summary>
/// <param name="kind">Which of the eight.</param>
/// <param name="n">Length, at least 1 (at least 2 for DCT-I).</param>
/// <exception cref="T:System.ArgumentException">n is too small.</exception>
[<CompiledName("Transform")>]
let transform (kind: CosineType) (n: int64) : LinearMap =
    checkLength kind n

    byForm form kind n

/// The diagonal that the orthonormal transform has on its output, and that on its input, with respect to the plain one.
let private scales (kind: CosineType) (n: int64) : float[] * float[] =
    let at (special: int64 -> bool) (value: float) (other: float) =
        Array.init (int n) (fun i -> if special (int64 i) then value else other)

    let all (value: float) = Array.create (int n) value
    let first i = (i = 0L)
    let last i = (i = n - 1L)

    match kind with
    | CosineType.DctI ->
        let ends i = first i || last i
        at ends (sqrt (0.25 / float (n - 1L))) (sqrt (0.5 / float (n - 1L))), at ends (sqrt 2.0) 1.0
    | CosineType.DctII -> at first (sqrt (0.25 / float n)) (sqrt (0.5 / float n)), all 1.0
    | CosineType.DctIII -> all 1.0, at first (sqrt (1.0 / float n)) (sqrt (0.5 / float n))
    | CosineType.DstI -> all (sqrt (0.5 / float (n + 1L))), all 1.0
    | CosineType.DstII -> at last (sqrt (0.25 / float n)) (sqrt (0.5 / float n)), all 1.0
    | CosineType.DstIII -> all 1.0, at last (sqrt (1.0 / float n)) (sqrt (0.5 / float n))
    | CosineType.DctIV
    | CosineType.DstIV -> all (sqrt (0.5 / float n)), all 1.0

/// <summary>The unnormalised transform of length n, as in SciPy (norm=None) and FFTW: twice the sums of the table without roots and e;
/// DCT-I counts the two ends once, DCT-III the first entry once, DST-III the last entry once.</summary>
/// <param name="kind">Which of the eight.</param>
/// <param name="n">Length, at least 1 (at least 2 for DCT-I).</param>
/// <exception cref="T:System.ArgumentException">n is too small.</exception>
[<CompiledName("Plain")>]
let plain (kind: CosineType) (n: int64) : LinearMap =
    let unitary = transform kind n
    let output, input = scales kind n

    let divided (scale: float[]) =
        FixedDiagonal.ofNumbers $"c[{n}]" (Space.Of n) (scale |> Array.map (fun s -> 1.0 / s))

    divided output * unitary * divided input

/// <summary>The orthonormal transform along one axis of a space.</summary>
/// <param name="kind">Which of the eight.</param>
/// <param name="axis">The axis, from 0; its size is the length.</param>
/// <param name="space">The space of one element.</param>
/// <exception cref="T:System.ArgumentException">No such axis, or it is too short.</exception>
[<CompiledName("Along")>]
let along (kind: CosineType) (axis: int) (space: Space) : LinearMap =
    Guard.notNull "kind" kind
    Guard.notNull "space" space
    Guard.between "axis" 0 (space.Rank - 1) axis

    space.Axes
    |> Array.mapi (fun i n ->
        if i = axis then
            transform kind n
        else
            LinearMap.identity (Space.Of n))
    |> Simplify.kronecker

/// <summary>The tensor product of orthonormal transforms, one for each axis of a space.</summary>
/// <param name="kinds">A transform for each axis.</param>
/// <param name="space">The space of one element.</param>
/// <exception cref="T:System.ArgumentException">Another number of transforms than axes, or an axis is too short.</exception>
[<CompiledName("Separable")>]
let separable (kinds: seq<CosineType>) (space: Space) : LinearMap =
    Guard.notNull "kinds" kinds
    Guard.notNull "space" space
    let kinds = Seq.toArray kinds

    Guard.holds "kinds" (kinds.Length = space.Rank && kinds.Length > 0) (fun () ->
        $"kinds must hold one transform for each axis of {space}, but holds {kinds.Length}.")

    Array.map2 transform kinds space.Axes |> Simplify.kronecker
