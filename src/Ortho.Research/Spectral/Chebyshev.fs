/// <summary>Chebyshev polynomials on [-1, 1] by fast cosine and sine transforms: T_k of the first kind (weight 1 / sqrt (1 - x^2)) and U_k of the second (weight sqrt (1 - x^2)).</summary>
/// <remarks>T_k(cos t) = cos k t, norms pi for T_0 and pi/2 else; U_k(cos t) = sin (k + 1) t / sin t, norms pi/2. Nodes ascend, x_j = -cos t_j, so that the coefficients of
/// the transforms alternate in sign. Up to n = 64 the transforms are dense. Mason and Handscomb 2003; Trefethen 2013.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Chebyshev

open System
open Ortho

let private terms (size: int) =
    ThreeTerm.OfFunctions(
        size,
        1.0,
        (fun k -> if k = 0 then 1.0 else 2.0),
        (fun _ -> 0.0),
        (fun k -> if k = 0 then 0.0 else 1.0),
        (fun k -> if k = 0 then Math.PI else Math.PI / 2.0)
    )

/// d_k = 2 sum of j c_j over j = k + 1, k + 3, ..., half of it for k = 0.
let private derivative (n: int64) : LinearMap =
    let diagonal name numbers =
        FixedDiagonal.ofNumbers name (Space.Of n) (Array.init (int n) numbers)

    diagonal "2" (fun k -> if k = 0 then 1.0 else 2.0)
    * Coefficients.tailSums 2L n
    * diagonal "k" float
    |> LinearFunction.Wrap

/// The integral of T_j is (T_(j+1) / (j + 1) - T_(j-1) / (j - 1)) / 2, of T_0 it is T_1.
let private integral (n: int64) : LinearMap =
    PolynomialBasis.vanishingAt
        terms
        -1.0
        n
        [
            -1L, (fun i -> if i = 1L then 1.0 else 0.5 / float i)
            1L, (fun i -> if i = 0L then 0.0 else -0.5 / float i)
        ]

let internal family: PolynomialFamily =
    {
        Name = "Chebyshev"
        Lower = -1.0
        Upper = 1.0
        Terms = terms
        Differentiate = derivative
        Integrate = integral
    }

let private alternate (k: int) = if k % 2 = 0 then 1.0 else -1.0

/// Output scale times transform times input scale, and the inverse of that.
let private transforms (kind: CosineType) (n: int64) (output: int -> float) (input: int -> float) =
    let diagonal name (numbers: int -> float) =
        FixedDiagonal.ofNumbers name (Space.Of n) (Array.init (int n) numbers)

    let inverse (numbers: int -> float) k = 1.0 / numbers k
    let transform = Cosine.transform kind n

    diagonal "a" output * transform * diagonal "b" input,
    diagonal "1/b" (inverse input)
    * transform.Adjoint
    * diagonal "1/a" (inverse output)

let private limit = 1L <<< 24

let private checkedSize (least: int64) (n: int64) =
    Guard.atLeast "n" least n
    Guard.holds "n" (n <= limit) (fun () -> $"n must be at most 2^24, but is {n}.")

let rec private gaussParts (n: int64) : BasisParts =
    checkedSize 1L n
    let size = float n
    let terms = terms (int n)

    PolynomialBasis.withTransforms
        family
        "Gauss"
        terms
        (Array.init (int n) (fun j -> sin (Math.PI * float (2 * j + 1 - int n) / (2.0 * size))),
         Array.create (int n) (Math.PI / size),
         terms.Norms)
        (transforms CosineType.DctII n (fun k -> alternate k * sqrt ((if k = 0 then 1.0 else 2.0) / size)) (fun _ ->
            1.0))
        gaussParts

/// <summary>The basis T_0, ..., T_(n-1) with the Gauss nodes -cos (pi (2j + 1) / (2n)), all weights pi / n: exact to degree 2n - 1.</summary>
/// <param name="n">Size, at least 1, at most 2^24.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Gauss")>]
let gauss (n: int64) : SpectralBasis = gaussParts n |> SpectralBasis

let rec private lobattoParts (n: int64) : BasisParts =
    checkedSize 2L n
    let size = float (n - 1L)
    let terms = terms (int n)
    let isEnd j = j = 0 || j = int n - 1

    let ends inside (atEnd: float) j = if isEnd j then atEnd else inside

    PolynomialBasis.withTransforms
        family
        "Lobatto"
        terms
        (Array.init (int n) (fun j -> sin (Math.PI * float (2 * j + 1 - int n) / (2.0 * size))),
         Array.init (int n) (ends (Math.PI / size) (Math.PI / (2.0 * size))),
         terms.Norms
         |> Array.mapi (fun k norm -> if k = int n - 1 then Math.PI else norm))
        (transforms
            CosineType.DctI
            n
            (fun k -> alternate k * ends (sqrt (2.0 / size)) (sqrt (1.0 / size)) k)
            (ends 1.0 (sqrt 0.5)))
        lobattoParts

/// <summary>The basis T_0, ..., T_(n-1) with the Lobatto nodes -cos (pi j / (n - 1)), both ends among them: exact to degree 2n - 3, and the discrete norm of T_(n-1) is pi.</summary>
/// <param name="n">Size, at least 2, at most 2^24. Fastest where n - 1 has small prime factors only.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Lobatto")>]
let lobatto (n: int64) : SpectralBasis = lobattoParts n |> SpectralBasis

let private secondFamily =
    { Ultraspherical.family 1.0 with
        Name = "Chebyshev U"
    }

let rec private secondKindParts (n: int64) : BasisParts =
    checkedSize 1L n
    let size = float (n + 1L)

    let terms =
        { secondFamily.Terms(int n) with
            Norms = Array.create (int n) (Math.PI / 2.0)
        }

    let sines =
        Array.init (int n) (fun j -> cos (Math.PI * float (2 * j + 1 - int n) / (2.0 * size)))

    PolynomialBasis.withTransforms
        secondFamily
        "Gauss"
        terms
        (Array.init (int n) (fun j -> sin (Math.PI * float (2 * j + 1 - int n) / (2.0 * size))),
         sines |> Array.map (fun s -> Math.PI / size * s * s),
         terms.Norms)
        (transforms CosineType.DstI n (fun k -> alternate k * sqrt (2.0 / size)) (fun j -> sines[j]))
        secondKindParts

/// <summary>The basis U_0, ..., U_(n-1) with the Gauss nodes -cos (pi (j + 1) / (n + 1)), the inner nodes of a Lobatto rule of n + 2: exact to degree 2n - 1.</summary>
/// <param name="n">Size, at least 1, at most 2^24.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("SecondKind")>]
let secondKind (n: int64) : SpectralBasis = secondKindParts n |> SpectralBasis
