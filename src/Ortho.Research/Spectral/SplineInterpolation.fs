/// <summary>Splines through values, and splines nearest to them.</summary>
/// <remarks>Source: de Boor, A Practical Guide to Splines, 2001, chapters XIII and XIV. The maps hold dense inverses: for some thousands of functions at most.</remarks>
[<RequireQualifiedAccess>]
module Ortho.SplineInterpolation

open System
open System.Collections.Generic
open Ortho
open TorchSharp

/// <summary>The Greville points: the means of degree neighbouring knots, where splines are interpolated. Degree 0: the middles of the intervals.</summary>
/// <returns>basis.Size points that do not fall.</returns>
/// <remarks>The spline with these coefficients is x itself; those of a periodic basis may lie beyond the period's end.</remarks>
[<CompiledName("Greville")>]
let greville (basis: SplineBasis) : IReadOnlyList<float> =
    Guard.notNull "basis" basis
    let p = basis.Degree

    Array.init (int basis.Size) (fun i ->
        if p = 0 then
            (basis.Knot i + basis.Knot(i + 1)) / 2.0
        else
            Array.init p (fun k -> basis.Knot(i + 1 + k)) |> Array.average)
    |> Array.AsReadOnly
    :> IReadOnlyList<float>

/// The pseudo-inverse of the matrix of splines at points, float64.
let private pseudoInverse (points: float[]) (basis: SplineBasis) : torch.Tensor =
    use scope = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let matrix = LinearMap.toMatrix (BSpline.evaluateAt points basis)
    let singular = torch.linalg.svdvals matrix
    let ratio = number (singular.min ()) / number (singular.max ())

    Guard.holds "points" (ratio > 1e-12) (fun () ->
        $"points must determine every coefficient, but the smallest singular value is {ratio:E1} of the largest.")

    scope.MoveToOuter(torch.linalg.pinv (matrix, rtol = 1e-13))

/// <summary>Least squares: values at points -> the coefficients of the spline that is nearest to them.</summary>
/// <param name="points">At least basis.Size, in the interval, and spread so that they determine every coefficient.</param>
/// <param name="basis">The basis.</param>
/// <returns>A map from [number of points] to [basis.Size]: the pseudo-inverse of <c>evaluateAt</c>.</returns>
/// <exception cref="T:System.ArgumentException">Points outside, or too few, or badly spread: the smallest singular value is below 1e-12 of the largest (Schoenberg and Whitney's condition).</exception>
[<CompiledName("LeastSquares")>]
let leastSquares (points: seq<float>) (basis: SplineBasis) : LinearMap =
    Guard.notNull "basis" basis
    let points = BSpline.checkedPoints points basis

    Guard.holds "points" (points.LongLength >= basis.Size) (fun () ->
        $"points must be at least the {basis.Size} functions, but are {points.Length}.")

    use inverse = pseudoInverse points basis
    inverse |> FixedMatrix.ofMatrix $"B⁺[{basis.Size}x{points.Length}]" Traits.None

/// <summary>Interpolation: values at the Greville points -> coefficients.</summary>
/// <returns>A map on [basis.Size], the inverse of <c>evaluateAt</c> at the Greville points.</returns>
/// <exception cref="T:System.ArgumentException">Two Greville points are equal: a knot inside the interval, of multiplicity above the degree, lets splines jump.</exception>
[<CompiledName("Interpolate")>]
let interpolate (basis: SplineBasis) : LinearMap =
    let points = greville basis

    Guard.holds "basis" (points |> Seq.pairwise |> Seq.forall (fun (a, b) -> a < b)) (fun () ->
        "basis must have distinct Greville points, but a knot inside has a multiplicity above the degree.")

    let inside =
        points
        |> Seq.map (fun x ->
            if basis.IsPeriodic then
                x
            else
                min basis.Upper (max basis.Lower x))

    leastSquares inside basis
