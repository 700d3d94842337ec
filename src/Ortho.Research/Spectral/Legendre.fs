/// <summary>Legendre polynomials P_k on [-1, 1], weight 1: P_k(1) = 1, integral of P_k^2 = 2 / (2k + 1).</summary>
/// <remarks>(k + 1) P_(k+1) = (2k + 1) x P_k - k P_(k-1). Abramowitz and Stegun 22, 25.4.29 (Gauss), 25.4.32 (Lobatto); DLMF 18.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Legendre

open Ortho

let internal family: PolynomialFamily =
    let terms (size: int) =
        ThreeTerm.OfFunctions(
            size,
            1.0,
            (fun k -> float (2 * k + 1) / float (k + 1)),
            (fun _ -> 0.0),
            (fun k -> float k / float (k + 1)),
            (fun k -> 2.0 / float (2 * k + 1))
        )

    {
        Name = "Legendre"
        Lower = -1.0
        Upper = 1.0
        Terms = terms
        Differentiate = Ultraspherical.derivative 0.5
        Integrate = Ultraspherical.integral terms 0.5
    }

/// <summary>The basis P_0, ..., P_(n-1) with the Gauss rule of n nodes, exact to degree 2n - 1.</summary>
/// <param name="n">Size, at least 1, at most 8192: analysis and synthesis are dense.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Gauss")>]
let gauss (n: int64) : SpectralBasis = PolynomialBasis.gauss family n

/// Nodes: the ends, and the roots of P'_(n-1), which is a multiple of C_(n-2)^(3/2). Weights: 2 / (n (n-1) P_(n-1)(x)^2).
let private lobattoNodes (terms: ThreeTerm) : struct (float[] * float[] * float[]) =
    let n = terms.Size

    let inside =
        if n = 2 then
            [||]
        else
            let struct (nodes, _, _) =
                GaussQuadrature.rootRule ((Ultraspherical.family 1.5).Terms(n - 2))

            nodes

    let nodes = Array.concat [ [| -1.0 |]; inside; [| 1.0 |] ]
    let table = PolynomialBasis.values terms nodes

    let weights =
        Array.init n (fun j -> 2.0 / (float n * float (n - 1) * table[j * n + n - 1] * table[j * n + n - 1]))

    nodes, weights, weights |> Array.map sqrt

/// <summary>The basis P_0, ..., P_(n-1) with the Lobatto rule of n nodes, which has both ends and is exact to degree 2n - 3: the discrete norm of P_(n-1) is 2 / (n - 1).</summary>
/// <param name="n">Size, at least 2, at most 8192.</param>
/// <exception cref="T:System.ArgumentException">n is outside its range.</exception>
[<CompiledName("Lobatto")>]
let lobatto (n: int64) : SpectralBasis =
    let discrete (norms: float[]) =
        norms
        |> Array.mapi (fun k norm -> if k = norms.Length - 1 then 2.0 / float k else norm)

    PolynomialBasis.ofRule family "Lobatto" 2L lobattoNodes discrete n

/// <summary>The Gauss rule of n nodes: sum_j w_j f(x_j) for the integral of f over [-1, 1].</summary>
/// <exception cref="T:System.ArgumentException">n is not between 1 and 65536.</exception>
[<CompiledName("Rule")>]
let rule (n: int64) : QuadratureRule = PolynomialBasis.rule family n
