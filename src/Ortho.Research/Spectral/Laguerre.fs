/// <summary>Laguerre polynomials L_k^(alpha) on [0, infinity), orthogonal under x^alpha exp(-x).</summary>
/// <remarks>Standard normalisation: L_k(0) = (alpha + 1)_k / k!, norms Gamma(k + alpha + 1) / k!. L_k' is minus the sum of L_0, ..., L_(k-1), and the integral of L_k from 0 is
/// L_k - L_(k+1) up to a constant. A basis goes as far as the values at its nodes are float64 numbers, about n = 350; the rule has no such limit.
/// Abramowitz and Stegun 22, 25.4.45.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Laguerre

open System
open Ortho

let internal family (alpha: float) : PolynomialFamily =
    let mass = exp (PolynomialBasis.logGamma (alpha + 1.0))

    let terms (size: int) =
        let norms = Array.create size mass

        for k in 1 .. size - 1 do
            norms[k] <- norms[k - 1] * (float k + alpha) / float k

        ThreeTerm.OfFunctions(
            size,
            1.0,
            (fun k -> -1.0 / float (k + 1)),
            (fun k -> (float (2 * k + 1) + alpha) / float (k + 1)),
            (fun k -> if k = 0 then 0.0 else (float k + alpha) / float (k + 1)),
            (fun k -> norms[k])
        )

    {
        Name = $"Laguerre({alpha:R})"
        Lower = 0.0
        Upper = Double.PositiveInfinity
        Terms = terms
        Differentiate = fun n -> -1.0 * Coefficients.tailSums 1L n
        Integrate =
            fun n ->
                PolynomialBasis.vanishingAt
                    terms
                    0.0
                    n
                    [ 0L, (fun i -> if i = 0L then 0.0 else 1.0); -1L, (fun _ -> -1.0) ]
    }

let private checkAlpha (alpha: float) =
    Guard.holds "alpha" (alpha > -1.0 && alpha <= 100.0) (fun () ->
        $"alpha must be above -1 and at most 100, but is {alpha}.")

/// <summary>The basis L_0, ..., L_(n-1) with the Gauss rule of n nodes, exact to degree 2n - 1.</summary>
/// <param name="alpha">Above -1, at most 100.</param>
/// <param name="n">Size, at least 1; at most about 350, where values at the nodes leave float64.</param>
/// <exception cref="T:System.ArgumentException">A number is outside its range.</exception>
[<CompiledName("Gauss")>]
let gauss (alpha: float) (n: int64) : SpectralBasis =
    checkAlpha alpha
    PolynomialBasis.gauss (family alpha) n

/// <summary>The Gauss rule of n nodes for the weight x^alpha exp(-x). Weights below 5e-324 are 0.</summary>
/// <exception cref="T:System.ArgumentException">alpha is not above -1 or is above 100, or n is not between 1 and 65536.</exception>
[<CompiledName("Rule")>]
let rule (alpha: float) (n: int64) : QuadratureRule =
    checkAlpha alpha
    PolynomialBasis.rule (family alpha) n
