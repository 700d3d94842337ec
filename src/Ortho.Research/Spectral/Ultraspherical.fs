/// <summary>Ultraspherical (Gegenbauer) polynomials C_k^(lambda) on [-1, 1], orthogonal under (1 - x^2)^(lambda - 1/2), and the banded maps between neighbouring lambdas.</summary>
/// <remarks>Standard normalisation: C_k(1) = (2 lambda)_k / k!, integral of C_k^2 w = pi 2^(1 - 2 lambda) Gamma(k + 2 lambda) / (k! (k + lambda) Gamma(lambda)^2). lambda = 1/2 is Legendre's,
/// lambda = 1 Chebyshev's second kind. Abramowitz and Stegun 22; DLMF 18. The banded maps: Olver and Townsend 2013, section 2.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Ultraspherical

open System
open Ortho

/// Row k is 2 (k + lambda) times the sum of the coefficients k + 1, k + 3, ...
let internal derivative (lambda: float) (n: int64) : LinearMap =
    let factors = Array.init (int n) (fun k -> 2.0 * (float k + lambda))

    FixedDiagonal.ofNumbers "2(k+λ)" (Space.Of n) factors
    * Coefficients.tailSums 2L n
    |> LinearFunction.Wrap

/// The integral of C_j is (C_(j+1) - C_(j-1)) / (2 (j + lambda)).
let internal integral (terms: int -> ThreeTerm) (lambda: float) (n: int64) : LinearMap =
    PolynomialBasis.vanishingAt
        terms
        -1.0
        n
        [
            -1L, (fun i -> 1.0 / (2.0 * (float (i - 1L) + lambda)))
            1L,
            (fun i ->
                if i = 0L then
                    0.0
                else
                    -1.0 / (2.0 * (float (i + 1L) + lambda)))
        ]

let internal family (lambda: float) : PolynomialFamily =
    let mass =
        sqrt Math.PI
        * exp (
            PolynomialBasis.logGamma (lambda + 0.5)
            - PolynomialBasis.logGamma (lambda + 1.0)
        )

    let terms (size: int) =
        let norms = Array.create size mass

        for k in 1 .. size - 1 do
            let j = float k

            norms[k] <-
                norms[k - 1] * (j + 2.0 * lambda - 1.0) * (j - 1.0 + lambda)
                / (j * (j + lambda))

        ThreeTerm.OfFunctions(
            size,
            1.0,
            (fun k -> 2.0 * (float k + lambda) / float (k + 1)),
            (fun _ -> 0.0),
            (fun k ->
                if k = 0 then
                    0.0
                else
                    (float (k - 1) + 2.0 * lambda) / float (k + 1)),
            (fun k -> norms[k])
        )

    {
        Name = $"Ultraspherical({lambda:R})"
        Lower = -1.0
        Upper = 1.0
        Terms = terms
        Differentiate = derivative lambda
        Integrate = integral terms lambda
    }

let private checkLambda (lambda: float) =
    Guard.holds "lambda" (lambda > -0.5 && lambda <= 100.0 && lambda <> 0.0) (fun () ->
        $"lambda must be above -0.5, at most 100, and not 0 (the first kind of Chebyshev's), but is {lambda}.")

/// <summary>The basis C_0, ..., C_(n-1) with the Gauss rule of n nodes.</summary>
/// <param name="lambda">Above -1/2, at most 100, not 0.</param>
/// <param name="n">Size, at least 1, at most 8192: analysis and synthesis are dense.</param>
/// <exception cref="T:System.ArgumentException">A number is outside its range.</exception>
[<CompiledName("Gauss")>]
let gauss (lambda: float) (n: int64) : SpectralBasis =
    checkLambda lambda
    PolynomialBasis.gauss (family lambda) n

/// <summary>The Gauss rule of n nodes for the weight (1 - x^2)^(lambda - 1/2).</summary>
/// <exception cref="T:System.ArgumentException">lambda is not above -1/2, is 0 or above 100, or n is not between 1 and 65536.</exception>
[<CompiledName("Rule")>]
let rule (lambda: float) (n: int64) : QuadratureRule =
    checkLambda lambda
    PolynomialBasis.rule (family lambda) n

let private checkStep (lambda: float) (n: int64) =
    Guard.holds "lambda" (lambda >= 0.0 && Double.IsFinite lambda) (fun () ->
        $"lambda must be finite and at least 0 (0 for the first kind of Chebyshev's), but is {lambda}.")

    Guard.positive "n" n

/// <summary>The derivative as one diagonal: coefficients in C^(lambda) -> coefficients of the derivative in C^(lambda + 1), [n] -> [n] with a last 0.</summary>
/// <param name="lambda">At least 0; 0 stands for T_k, whose derivative is k U_(k-1).</param>
/// <param name="n">Size, at least 1.</param>
/// <exception cref="T:System.ArgumentException">A number is outside its range.</exception>
[<CompiledName("Differential")>]
let differential (lambda: float) (n: int64) : LinearMap =
    checkStep lambda n

    Coefficients.banded "D" n n [ 1L, (fun i -> if lambda = 0.0 then float (i + 1L) else 2.0 * lambda) ]

/// <summary>The same function in the next family, by two diagonals: coefficients in C^(lambda) -> coefficients in C^(lambda + 1), [n] -> [n].</summary>
/// <param name="lambda">At least 0; 0 stands for T_k = (U_k - U_(k-2)) / 2.</param>
/// <param name="n">Size, at least 1.</param>
/// <exception cref="T:System.ArgumentException">A number is outside its range.</exception>
/// <remarks>C_k^(lambda) = lambda / (lambda + k) (C_k^(lambda+1) - C_(k-2)^(lambda+1)).</remarks>
[<CompiledName("Conversion")>]
let conversion (lambda: float) (n: int64) : LinearMap =
    checkStep lambda n

    let factor (k: int64) =
        if k = 0L then 1.0
        elif lambda = 0.0 then 0.5
        else lambda / (lambda + float k)

    Coefficients.banded "S" n n [ 0L, factor; 2L, (fun i -> -(factor (i + 2L))) ]
