/// Fourier transforms, spherical harmonics and splines for the zoo.
module Ortho.Tests.FourierZoo

open Ortho
open Ortho.Tests.ZooEntry
open TorchSharp

/// Lengths on both sides of the limit of the dense form.
let private length (case: Case) =
    n case + (if case.Second % 2 = 0 then 0L else 60L)

/// A degree and a grid that resolves it, or more.
let private sphere (case: Case) =
    let degree = case.Size % 5

    degree, SphereGrid.Of(int64 degree + m case, 2L * int64 degree + n case)

/// Splines of degree 0 to 4: clamped, periodic, or on knots of a random sequence.
let splines (case: Case) =
    let degree = case.Size % 5

    match case.Second % 3 with
    | 0 -> BSpline.openUniform degree case.Size (-1.0, 2.0)
    | 1 -> BSpline.periodicUniform degree (degree + case.Second) (0.5, 2.5)
    | _ ->
        let random = System.Random case.Seed

        Array.init (2 * degree + 2 + case.Second) (fun _ -> random.NextDouble())
        |> Array.sort
        |> BSpline.ofKnots degree

/// Points of the interval, both ends among them.
let points (count: int) (case: Case) (basis: SplineBasis) =
    let random = System.Random(Seed.derive case.Seed 5)

    Array.init count (fun i ->
        if i = 0 then
            basis.Lower
        elif i = 1 then
            basis.Upper
        else
            basis.Lower + (basis.Upper - basis.Lower) * random.NextDouble())

let entries: ZooEntry list =
    [
        { free "unitary Fourier" (fun case -> FourierTransform.unitary (length case)) with
            IsReal = false
        }
        free "real Fourier" (fun case -> FourierTransform.real (length case))
        free "analysis, Fourier" (fun case -> (Fourier.real (length case)).Analyze)
        free "synthesis, Fourier on another interval" (fun case ->
            (Fourier.real (n case) |> SpectralBasis.on (-1.0, 2.0)).Synthesize)
        { free "analysis, exponentials" (fun case -> (Fourier.complex (n case)).Analyze) with
            IsReal = false
        }
        { free "derivative, exponentials" (fun case -> (Fourier.complex (n case)).Differentiate) with
            IsReal = false
        }
        { free "exponentials at points" (fun case -> (Fourier.complex (n case)).EvaluateAt [ 0.0; 1.0; 7.0 ]) with
            IsReal = false
        }
        { free "exponentials to cosines and sines" (fun case -> Fourier.toReal (n case)) with
            IsReal = false
        }
        { free "cosines and sines to exponentials" (fun case -> Fourier.toComplex (n case)) with
            IsReal = false
        }
        free "Fourier at points" (fun case -> (Fourier.real (n case)).EvaluateAt [ 0.0; 1.0; 7.0 ])
        free "derivative, Fourier" (fun case -> Fourier.derivative (float case.Second / 2.0) (Fourier.real (n case)))
        free "antiderivative, Fourier" (fun case -> Fourier.integrate (Fourier.real (n case + 1L)))
        free "shift" (fun case -> Fourier.shift 0.7 (Fourier.real (n case)))
        free "resampling" (fun case -> Fourier.resample (length case) (m case))
        free "harmonics to grid" (fun case -> sphere case ||> SphericalTransform.synthesize)
        free "grid to harmonics" (fun case -> sphere case ||> SphericalTransform.analyze)
        free "grid weights" (fun case -> SphericalTransform.weights (snd (sphere case)))
        free "Laplacian of the sphere" (fun case -> SphericalHarmonics.laplacian (case.Size % 5))
        { entry "harmonics at points" (fun case -> [ [ m case; 3L ] ]) (fun case p ->
              SphericalHarmonics.evaluateAt (case.Size % 5) p[0]) with
            IsComplex = false
        }
        free "splines at points" (fun case ->
            let basis = splines case
            BSpline.evaluateAt (points (case.Second + 2) case basis) basis)
        free "slopes of splines" (fun case ->
            let basis = splines case
            BSpline.derivativeAt 1 (points (case.Second + 2) case basis) basis)
        free "derivative of splines" (fun case ->
            BSpline.differentiate (BSpline.openUniform (case.Second % 4 + 1) case.Size (0.0, 2.0)))
        free "derivative of periodic splines" (fun case ->
            BSpline.differentiate (BSpline.periodicUniform (case.Second % 4 + 1) (case.Size + 5) (0.0, 2.0)))
        free "spline interpolation" (fun case ->
            SplineInterpolation.interpolate (BSpline.openUniform (case.Second % 4) case.Size (0.0, 2.0)))
        free "spline least squares" (fun case ->
            let basis = BSpline.openUniform (case.Second % 4) case.Size (0.0, 2.0)

            SplineInterpolation.leastSquares [ for i in 0..40 -> float i / 20.0 ] basis)
        free "knot insertion" (fun case ->
            let basis = splines case
            let middle = basis.Lower + 0.6180339 * (basis.Upper - basis.Lower)
            KnotInsertion.map [ middle; (middle + basis.Lower) / 2.0 ] basis)
        free "Gram of splines" (splines >> BSpline.gram)
    ]
