/// <summary>Hermite polynomials and functions, orthonormal, so that nothing overflows that need not.</summary>
/// <remarks>
/// Probabilists': he_k = He_k / sqrt k!, weight exp(-x^2/2) / sqrt(2 pi) (the mean over a standard normal variable), he_k' = sqrt k he_(k-1).
/// Physicists': h_k = H_k / sqrt(2^k k! sqrt pi), weight exp(-x^2), h_k' = sqrt(2k) h_(k-1).
/// Functions: psi_k = h_k exp(-x^2/2), weight 1, psi_k' = sqrt(k/2) psi_(k-1) - sqrt((k+1)/2) psi_(k+1).
/// Antiderivatives vanish at 0. Polynomials of degree near 700 exceed 1.8e308 at their outer nodes, and so far a basis goes; in float32 values overflow
/// from about size 90. Functions have no such limit. Abramowitz and Stegun 22, 25.4.46.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Hermite

open System
open Ortho

/// Orthonormal polynomials with phi_k' = sqrt(scale k) phi_(k-1) under a normal weight.
let private family (name: string) (first: float) (scale: float) : PolynomialFamily =
    let terms (size: int) =
        ThreeTerm.OfFunctions(
            size,
            first,
            (fun k -> sqrt (scale / float (k + 1))),
            (fun _ -> 0.0),
            (fun k -> sqrt (float k / float (k + 1))),
            (fun _ -> 1.0)
        )

    {
        Name = name
        Lower = Double.NegativeInfinity
        Upper = Double.PositiveInfinity
        Terms = terms
        Differentiate = fun n -> Coefficients.banded "∂" n n [ 1L, (fun i -> sqrt (scale * float (i + 1L))) ]
        Integrate =
            fun n ->
                PolynomialBasis.vanishingAt
                    terms
                    0.0
                    n
                    [ -1L, (fun i -> if i = 0L then 0.0 else 1.0 / sqrt (scale * float i)) ]
    }

let internal probabilistsFamily = family "Hermite (probabilists')" 1.0 1.0

let internal physicistsFamily =
    family "Hermite (physicists')" (1.0 / sqrt (sqrt Math.PI)) 2.0

/// <summary>The basis he_0, ..., he_(n-1), orthonormal under the standard normal density, with the Gauss rule of n nodes, exact to degree 2n - 1.</summary>
/// <param name="n">Size, at least 1; at most about 700, where values at the nodes leave float64.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Probabilists")>]
let probabilists (n: int64) : SpectralBasis =
    PolynomialBasis.gauss probabilistsFamily n

/// <summary>The basis h_0, ..., h_(n-1), orthonormal under exp(-x^2), with the Gauss rule of n nodes, exact to degree 2n - 1.</summary>
/// <param name="n">Size, at least 1; at most about 700, where values at the nodes leave float64.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Physicists")>]
let physicists (n: int64) : SpectralBasis =
    PolynomialBasis.gauss physicistsFamily n

/// <summary>The Gauss rule of n nodes for the mean over a standard normal variable. Weights below 5e-324 are 0.</summary>
/// <exception cref="T:System.ArgumentException">n is not between 1 and 65536.</exception>
[<CompiledName("ProbabilistsRule")>]
let probabilistsRule (n: int64) : QuadratureRule =
    PolynomialBasis.rule probabilistsFamily n

/// <summary>The Gauss rule of n nodes for the weight exp(-x^2). Weights below 5e-324 are 0.</summary>
/// <exception cref="T:System.ArgumentException">n is not between 1 and 65536.</exception>
[<CompiledName("PhysicistsRule")>]
let physicistsRule (n: int64) : QuadratureRule = PolynomialBasis.rule physicistsFamily n

// exp(-512) = fraction 2^-739.
let private fraction = Math.ScaleB(exp -512.0, 739)

/// psi_k(x) in row i and column k: the recurrence of the polynomials with a binary exponent of its own, and exp(-x^2/2) to the last digits.
let private functionValues (size: int) (points: float[]) : float[] =
    let terms = physicistsFamily.Terms size
    let table = Array.zeroCreate (points.Length * size)
    let large, tiny = Math.ScaleB(1.0, 500), Math.ScaleB(1.0, -500)

    points
    |> Array.iteri (fun i point ->
        // Every function of the greatest size is 0 there.
        let x = Math.Clamp(point, -1e3, 1e3)
        let square = x * x
        let rest = Math.FusedMultiplyAdd(x, x, -square)
        let pieces = floor (square / 1024.0)

        let decay =
            exp ((1024.0 * pieces - square) / 2.0) * exp (-rest / 2.0) * fraction ** pieces

        let mutable before, now, exponent = 0.0, terms.First, -739 * int pieces

        for k in 0 .. size - 1 do
            table[i * size + k] <- Math.ScaleB(now * decay, exponent)
            let next = terms.Slope[k] * x * now - terms.Back[k] * before
            before <- now
            now <- next

            if abs now > large then
                before <- before * tiny
                now <- now * tiny
                exponent <- exponent + 500)

    table

let private functionDerivative (n: int64) =
    Coefficients.banded
        "∂"
        n
        (n + 1L)
        [
            1L, (fun i -> sqrt (float (i + 1L) / 2.0))
            -1L, (fun i -> -(sqrt (float i / 2.0)))
        ]

let rec private functionParts (n: int64) : BasisParts =
    Guard.between "n" 1L 8192L n
    let size = int n

    let struct (nodes, _, _) = GaussQuadrature.rootRule (physicistsFamily.Terms size)

    let at = functionValues size nodes

    let weights =
        Array.init size (fun j -> 1.0 / Seq.sum (Seq.init size (fun k -> at[j * size + k] * at[j * size + k])))

    let analyze =
        Array.init (size * size) (fun i -> at[i % size * size + i / size] * weights[i % size])

    let ones = Array.create size 1.0

    {
        Name = $"Hermite functions[{n}]"
        Family = "Hermite functions"
        Lower = Double.NegativeInfinity
        Upper = Double.PositiveInfinity
        Nodes = nodes
        Weights = weights
        SquaredNorms = ones
        DiscreteNorms = ones
        Analyze = PolynomialBasis.fixedMatrix "analyze" size size analyze
        Synthesize = PolynomialBasis.fixedMatrix "synthesize" size size at
        EvaluateAt =
            fun points ->
                functionValues size points
                |> PolynomialBasis.fixedMatrix "evaluate" points.Length size
        Differentiate = Ok(functionDerivative n)
        Integrate = Error "the antiderivative of a function that decays does not decay in general"
        Embed = Coefficients.resize n
        ProductSize = None
        Resize = functionParts
    }

/// <summary>The basis psi_0, ..., psi_(n-1), orthonormal on the line, with the nodes of the physicists' rule and weights w_j exp(x_j^2): sum_j w_j f(x_j) stands for the
/// integral of f, and is exact for products of two functions of the basis.</summary>
/// <param name="n">Size, at least 1, at most 8192.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Functions")>]
let functions (n: int64) : SpectralBasis = functionParts n |> SpectralBasis
