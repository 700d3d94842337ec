module Ortho.Tests.PolynomialZoo

open Ortho
open ZooEntry

/// On both sides of the limit of the dense cosine transforms.
let private length (case: Case) =
    n case + (if case.Second % 2 = 0 then 0L else 60L) + 1L

/// An interior point and one outside.
let private points (case: Case) =
    [ for i in 0 .. case.Second -> 0.3 * float i - 0.7 ]

let private maps name (basis: Case -> SpectralBasis) =
    [
        free $"analysis, {name}" (fun case -> (basis case).Analyze)
        free $"synthesis, {name}" (fun case -> (basis case).Synthesize)
        free $"evaluation, {name}" (fun case -> (basis case).EvaluateAt(points case))
        free $"derivative, {name}" (fun case -> (basis case).Differentiate)
        free $"antiderivative, {name}" (fun case -> (basis case).Integrate)
    ]

let entries =
    maps "Chebyshev" (fun case -> Chebyshev.gauss (length case))
    @ maps "Chebyshev Lobatto on another interval" (fun case ->
        Chebyshev.lobatto (length case) |> SpectralBasis.on (-1.0, 3.0))
    @ maps "Chebyshev second kind" (fun case -> Chebyshev.secondKind (length case))
    @ maps "Legendre" (fun case -> Legendre.gauss (n case))
    @ maps "Jacobi" (fun case -> Jacobi.gauss 0.5 -0.3 (n case))
    @ maps "Hermite" (fun case -> Hermite.probabilists (n case))
    @ maps "Laguerre" (fun case -> Laguerre.gauss 0.5 (n case))
    @ [
        free "analysis, Hermite functions" (fun case -> (Hermite.functions (n case)).Analyze)
        free "derivative, Hermite functions" (fun case -> (Hermite.functions (n case)).Differentiate)
        free "ultraspherical derivative" (fun case -> Ultraspherical.differential (float (m case - 1L)) (n case))
        free "ultraspherical conversion" (fun case -> Ultraspherical.conversion (float (m case - 1L)) (n case))
        free "Chebyshev to Legendre" (fun case ->
            SpectralBasis.convert (Chebyshev.gauss (n case)) (Legendre.gauss (m case)))
        free "another size" (fun case -> SpectralBasis.convert (Legendre.gauss (n case)) (Legendre.gauss (m case)))
        free "analysis on a grid" (fun case ->
            SpectralBasis.analyzeGrid [ Chebyshev.gauss (n case); Legendre.gauss (m case) ])
        free "derivative along an axis" (fun case ->
            SpectralBasis.differentiateAlong 1 [ Chebyshev.gauss (n case); Legendre.gauss (m case) ])
        { entry "product with a function" (fun case -> [ [ m case ] ]) (fun case p ->
              SpectralBasis.multiplyBy (Legendre.gauss (n case)) p[0]) with
            IsComplex = true
        }
    ]
