using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Fourier series, spherical harmonics, splines and correlations as C# calls them.</summary>
internal static class FourierTests
{
    public static Test All => Runner.TestList("Fourier, sphere, splines",
    [
        Case("Fourier series", Series),
        Case("spherical harmonics", Harmonics),
        Case("B-splines", Splines),
        Case("two-point correlations", Correlations),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Series()
    {
        var x = Draw(1, 2, 7);
        Small(Law.Unitary(1, FourierTransform.Real(7)), "a unitary transform");
        var wide = x.to(complex128);
        Small(Law.Distance(FourierTransform.Unitary(7).Apply(wide), fft.fft_(wide, norm: FFTNormType.Ortho)), "the complex one");
        var basis = Fourier.Real(16).On(0, 2);
        var c = basis.Approximate(t => Math.Sin(Math.PI * t));
        Small(Law.Distance(Fourier.Derivative(2, basis).Apply(c), -Math.PI * Math.PI * c), "second derivative");
        Small(Law.Distance(Fourier.Shift(0.5, basis).Apply(c), basis.Approximate(t => -Math.Cos(Math.PI * t))), "shift");
        Small(Law.Distance(basis.Resize(17).Differentiate.Apply(Fourier.Antiderivative(basis, c)).narrow(-1, 0, 16), c), "antiderivative");
        Equal(17L, Fourier.Integrate(basis).Codomain.Size, "its size");
        Small(Law.Inverse(1, Fourier.Resample(7, 12), Fourier.Resample(12, 7)), "resampling");
        var exponentials = Fourier.ToComplex(7) * Fourier.Real(7).Analyze;
        Small(Law.Distance(exponentials.Apply(x), Fourier.Complex(7).Analyze.Apply(x)), "exponentials");
        Small(Law.Distance((Fourier.ToReal(7) * exponentials).Apply(x).real, Fourier.Real(7).Analyze.Apply(x)), "and back");
        Equal(-1.0, Fourier.Frequencies(Fourier.Complex(7))[6], "a frequency");
    }

    static void Harmonics()
    {
        var grid = SphereGrid.OfDegree(5);
        Equal((6L, 11L, 5), (grid.Latitudes, grid.Longitudes, grid.Degree), "a grid");
        Small(Math.Abs(11 * grid.Weights.Sum() - 4 * Math.PI), "its weights");
        Small(Math.Abs(grid.Heights[0] + grid.Heights[5]) + Math.Abs(grid.Angles[1] - 2 * Math.PI / 11), "its points");
        var (there, back) = (SphericalTransform.Synthesize(5, grid), SphericalTransform.Analyze(5, grid));
        Small(Law.Inverse(1, there, back), "there and back");
        Small(Law.Equality(1, there.Adjoint * SphericalTransform.Weights(grid), back), "the adjoint under the weights");
        var c = Draw(2, SphericalHarmonics.Count(5));
        Small(Law.Distance(SphericalHarmonics.EvaluateAt(5, grid.Points().flatten(0, 1)).Apply(c), there.Apply(c).flatten()), "values at points");
        var turned = SphericalHarmonics.Rotation(5, Rotation.Random(1, TensorKind.Float64, [])).Apply(c);
        Small(Law.Distance(SphericalHarmonics.Power(turned), SphericalHarmonics.Power(c)), "power");
        Equal(-6.0, SphericalHarmonics.Laplacian(5).Apply(ones(36, float64))[SphericalHarmonics.Index(2, 1)].item<double>(), "an eigenvalue");
        Equal(36L, SphericalHarmonics.Values(5, Draw(3, 4, 3)).shape[1], "values");
        Equal(SphereGrid.Of(6, 11).Degree, grid.Degree, "the same by its sizes");
    }

    static void Splines()
    {
        var basis = BSpline.OpenUniform(degree: 3, intervals: 5, lower: 0, upper: 1);
        Equal((8L, 3, 12, false), (basis.Size, basis.Degree, basis.Knots.Count, basis.IsPeriodic), "a basis");
        var points = SplineInterpolation.Greville(basis).Select(x => Math.Clamp(x, basis.Lower, basis.Upper)).ToArray();
        var c = SplineInterpolation.Interpolate(basis).Apply(tensor(points.Select(x => x * x * x).ToArray()));
        Small(Math.Abs(BSpline.EvaluateAt([0.3], basis).Apply(c).item<double>() - 0.027), "a cubic");
        Small(Math.Abs(BSpline.DerivativeAt(2, [0.3], basis).Apply(c).item<double>() - 1.8) / 100, "its second derivative, to 1e-10");
        var slope = (BSpline.EvaluateAt([0.3], BSpline.DerivativeBasis(basis)) * BSpline.Differentiate(basis)).Apply(c);
        Small(Math.Abs(slope.item<double>() - 0.27) / 10, "its slope, to 1e-11");
        var finer = KnotInsertion.Refine([0.5], basis);
        var inserted = KnotInsertion.Map([0.5], basis).Apply(c);
        Small(Law.Distance(BSpline.EvaluateAt(points, finer).Apply(inserted), BSpline.EvaluateAt(points, basis).Apply(c)), "with one more knot");
        Small(Math.Abs(BSpline.Integrals(basis).Sum() - 1), "integrals");
        Small(Law.Distance(BSpline.Gram(basis).Apply(ones(8, float64)), tensor(BSpline.Integrals(basis).ToArray())), "Gram matrix");
        Small(Law.Inverse(1, BSpline.EvaluateAt([.. points, 0.45], basis), SplineInterpolation.LeastSquares([.. points, 0.45], basis)), "least squares");
        var ring = BSpline.PeriodicUniform(2, 6, 0, 1);
        Small(Law.Distance(BSpline.Values(ring, tensor(new[] { 0.1 })), BSpline.Values(ring, tensor(new[] { 1.1 }))), "a period");
        Equal(2L, BSpline.OfKnots(1, [0, 0, 1, 1]).Size, "given knots");
    }

    static void Correlations()
    {
        var a = tensor(new long[] { 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0 });
        var b = tensor(new long[] { 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 });
        That(TwoPointCorrelation.AreEqual(2, a, b) && !TwoPointCorrelation.AreRelated(2, a, b), "a confused pair");
        Equal(4L, TwoPointCorrelation.OfStructure(2, a)[1, 1, 0].item<long>(), "cells of a phase");
        That(TwoPointCorrelation.AreEqual(3, TwoPointCorrelation.Embed(2, [3], a), TwoPointCorrelation.Embed(2, [3], b)), "embedded");
        var tiles = tensor(new long[,] { { 0, 1 }, { 2, 0 } });
        var child = TwoPointCorrelation.Coalesce([0, 1, 1], TwoPointCorrelation.Refine(tiles, a));
        That(TwoPointCorrelation.AreEqual(2, child, TwoPointCorrelation.Coalesce([0, 1, 1], TwoPointCorrelation.Refine(tiles, b))), "children");
        Equal(4, TwoPointCorrelation.ConfusedSets(12).Count, "classes");
    }

    static void BadInput()
    {
        Refused<ArgumentOutOfRangeException>("n", () => Fourier.Real(0));
        Refused<ArgumentException>("basis", () => Fourier.Shift(1, Legendre.Gauss(3)));
        Refused<ArgumentException>("coefficients", () => Fourier.Antiderivative(Fourier.Real(3), ones(3, float64)));
        Refused<ArgumentException>("x", () => FourierTransform.Unitary(3).Apply(ones(3)));
        Refused<ArgumentException>("grid", () => SphericalTransform.Analyze(3, SphereGrid.Of(3, 7)));
        Refused<ArgumentException>("points", () => BSpline.EvaluateAt([2], BSpline.OpenUniform(1, 2, 0, 1)));
        Refused<ArgumentException>("structure", () => TwoPointCorrelation.OfStructure(2, ones(3)));
    }
}
