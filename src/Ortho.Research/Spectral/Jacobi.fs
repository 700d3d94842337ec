/// <summary>Jacobi polynomials P_k^(alpha, beta) on [-1, 1], orthogonal under (1 - x)^alpha (1 + x)^beta.</summary>
/// <remarks>Standard normalisation: P_k(1) = (alpha + 1)_k / k!. Abramowitz and Stegun 22.7.1 (recurrence), 22.2.1 (norms); integrals: Doha 2002.
/// The derivative is a dense triangular map, since it has no sum of a fixed form in its own family; <c>Ultraspherical</c> has one.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Jacobi

open Ortho

/// P_j = a P'_(j+1) + b P'_j + c P'_(j-1).
let private byDerivatives (alpha: float) (beta: float) (j: int64) : struct (float * float * float) =
    let n, sum = float j, alpha + beta

    let a =
        if j = 0L then
            2.0 / (sum + 2.0)
        else
            2.0 * (n + sum + 1.0) / ((2.0 * n + sum + 1.0) * (2.0 * n + sum + 2.0))

    let b =
        if j = 0L then
            0.0
        else
            2.0 * (alpha - beta) / ((2.0 * n + sum) * (2.0 * n + sum + 2.0))

    let c =
        if j < 2L then
            0.0
        else
            -2.0 * (n + alpha) * (n + beta)
            / ((n + sum) * (2.0 * n + sum) * (2.0 * n + sum + 1.0))

    a, b, c

/// Column by column, from the top coefficient of the derivative down.
let private derivative (alpha: float) (beta: float) (n: int64) : LinearMap =
    let size = int n
    let matrix = Array2D.zeroCreate size size
    let coefficients = Array.init size (int64 >> byDerivatives alpha beta)

    for column in 1 .. size - 1 do
        for row in column - 1 .. -1 .. 0 do
            // Coefficient row + 1 of the antiderivative: 1 in the column's place, else 0.
            let wanted = if row + 1 = column then 1.0 else 0.0

            let above k =
                if k < size then matrix[k, column] else 0.0

            let struct (a, _, _) = coefficients[row]
            let struct (_, b, _) = coefficients[row + 1]

            let c =
                if row + 2 < size then
                    let struct (_, _, c) = coefficients[row + 2]
                    c
                else
                    0.0

            matrix[row, column] <- (wanted - b * above (row + 1) - c * above (row + 2)) / a

    matrix
    |> Seq.cast<float>
    |> Seq.toArray
    |> PolynomialBasis.fixedMatrix "∂" size size

let internal family (alpha: float) (beta: float) : PolynomialFamily =
    let sum = alpha + beta

    let mass =
        2.0 ** (sum + 1.0)
        * exp (
            PolynomialBasis.logGamma (alpha + 1.0) + PolynomialBasis.logGamma (beta + 1.0)
            - PolynomialBasis.logGamma (sum + 2.0)
        )

    let terms (size: int) =
        let norms = Array.create size mass

        for k in 1 .. size - 1 do
            let n = float k

            norms[k] <-
                if k = 1 then
                    mass * (alpha + 1.0) * (beta + 1.0) / (sum + 3.0)
                else
                    norms[k - 1] * (n + alpha) * (n + beta) * (2.0 * n + sum - 1.0)
                    / (n * (n + sum) * (2.0 * n + sum + 1.0))

        ThreeTerm.OfFunctions(
            size,
            1.0,
            (fun k ->
                let n = float k

                if k = 0 then
                    (sum + 2.0) / 2.0
                else
                    (2.0 * n + sum + 1.0) * (2.0 * n + sum + 2.0)
                    / (2.0 * (n + 1.0) * (n + sum + 1.0))),
            (fun k ->
                let n = float k

                if k = 0 then
                    (alpha - beta) / 2.0
                else
                    (alpha - beta) * sum * (2.0 * n + sum + 1.0)
                    / (2.0 * (n + 1.0) * (n + sum + 1.0) * (2.0 * n + sum))),
            (fun k ->
                let n = float k

                if k = 0 then
                    0.0
                else
                    (n + alpha) * (n + beta) * (2.0 * n + sum + 2.0)
                    / ((n + 1.0) * (n + sum + 1.0) * (2.0 * n + sum))),
            (fun k -> norms[k])
        )

    let part (pick: struct (float * float * float) -> float) (offset: int64) =
        offset,
        fun (i: int64) ->
            if i = 0L then
                0.0
            else
                pick (byDerivatives alpha beta (i + offset))

    {
        Name = $"Jacobi({alpha:R}, {beta:R})"
        Lower = -1.0
        Upper = 1.0
        Terms = terms
        Differentiate = derivative alpha beta
        Integrate =
            fun n ->
                PolynomialBasis.vanishingAt
                    terms
                    -1.0
                    n
                    [
                        part (fun (struct (a, _, _)) -> a) -1L
                        part (fun (struct (_, b, _)) -> b) 0L
                        part (fun (struct (_, _, c)) -> c) 1L
                    ]
    }

let private checkExponents (alpha: float) (beta: float) =
    let check name (value: float) =
        Guard.holds name (value > -1.0 && value <= 100.0) (fun () ->
            $"{name} must be above -1 and at most 100, but is {value}.")

    check "alpha" alpha
    check "beta" beta

/// <summary>The basis P_0, ..., P_(n-1) with the Gauss rule of n nodes, exact to degree 2n - 1.</summary>
/// <param name="alpha">Exponent of 1 - x: above -1, at most 100.</param>
/// <param name="beta">Exponent of 1 + x: above -1, at most 100.</param>
/// <param name="n">Size, at least 1, at most 8192: analysis, synthesis and derivative are dense.</param>
/// <exception cref="T:System.ArgumentException">A number is outside its range.</exception>
[<CompiledName("Gauss")>]
let gauss (alpha: float) (beta: float) (n: int64) : SpectralBasis =
    checkExponents alpha beta
    PolynomialBasis.gauss (family alpha beta) n

/// <summary>The Gauss rule of n nodes for the weight (1 - x)^alpha (1 + x)^beta.</summary>
/// <exception cref="T:System.ArgumentException">alpha or beta is not above -1 or is above 100, or n is not between 1 and 65536.</exception>
[<CompiledName("Rule")>]
let rule (alpha: float) (beta: float) (n: int64) : QuadratureRule =
    checkExponents alpha beta
    PolynomialBasis.rule (family alpha beta) n
