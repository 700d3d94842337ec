/// Gauss's quadrature on [-1, 1] for the rooms that integrate piecewise or over heights of a sphere.
[<RequireQualifiedAccess>]
module internal Ortho.GaussLegendre

open System

/// P_n (x) and its derivative, by the three-term recurrence; |x| below 1.
let private legendre (n: int) (x: float) =
    let mutable before, here = 0.0, 1.0

    for k in 0 .. n - 1 do
        let next = (float (2 * k + 1) * x * here - float k * before) / float (k + 1)

        before <- here
        here <- next

    struct (here, float n * (before - x * here) / ((1.0 - x) * (1.0 + x)))

/// <summary>The n nodes, from the largest down, and their weights: exact for polynomials of degree 2n - 1.</summary>
/// <remarks>Newton's method from cos(pi (i + 3/4) / (n + 1/2)); nodes are mirrored, so that the rule is symmetric to the last bit.</remarks>
let rule (n: int) : struct (float[] * float[]) =
    let nodes, weights = Array.zeroCreate<float> n, Array.zeroCreate<float> n

    for i in 0 .. (n - 1) / 2 do
        let mutable x = cos (Math.PI * (float i + 0.75) / (float n + 0.5))

        for _ in 1..8 do
            let struct (value, slope) = legendre n x
            x <- x - value / slope

        // The middle node of an odd rule.
        if 2 * i + 1 = n then
            x <- 0.0

        let struct (_, slope) = legendre n x
        let weight = 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope)
        nodes[i] <- x
        weights[i] <- weight
        nodes[n - 1 - i] <- -x
        weights[n - 1 - i] <- weight

    struct (nodes, weights)
