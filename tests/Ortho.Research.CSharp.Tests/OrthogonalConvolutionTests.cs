using System;
using Expecto;
using Expecto.CSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Orthogonal convolutions as C# calls them.</summary>
internal static class OrthogonalConvolutionTests
{
    public static Test All => Runner.TestList("orthogonal convolutions",
    [
        Case("products of projections and shifts", Blocks),
        Case("exponentials of skew convolutions", Exponentials),
        Case("Cayley transforms by frequency", Fourier),
        Case("first kernels", Initial),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Blocks()
    {
        long[] image = [4, 6], taps = [3, 2];
        var projections = BlockConvolution.Projections(Draw(1, 3, 2, 2));
        var kernel = BlockConvolution.OfProjections(taps, projections);
        Small(Law.Unitary(1, Convolution.Circular(image, kernel).Promise(Traits.Unitary)), "a kernel");
        var frame = Cayley.Matrix(Skew.OfSquare(Draw(2, 4, 4)));
        var q = BlockConvolution.Map(image, taps, frame.reshape(4, 4, 1, 1), projections);
        That(q.Promises(Traits.Unitary), "unitary");
        Small(Law.Promises(1, q), "a map");
        var whole = BlockConvolution.Compose(frame.reshape(4, 4, 1, 1), kernel);
        Small(Law.Distance(BlockConvolution.Kernel(taps, frame.reshape(4, 4, 1, 1), projections), whole), "its kernel");
        var down = BlockConvolution.Map(image, [3, 4], frame.reshape(4, 1, 2, 2), BlockConvolution.Projections(Draw(3, 3, 1, 0)));
        That(down.Codomain == Space.Of(4, 2, 3) && down.Promises(Traits.Unitary), "stride 2");
        Equal(6L + 3 * 4, BlockConvolution.ParameterCount(taps, 4, 2), "free numbers");
    }

    static void Exponentials()
    {
        var skew = SkewConvolution.Limited(1.0, SkewConvolution.OfKernel(Draw(1, 3, 3, 3, 3)));
        var bound = SkewConvolution.NormBound(skew).item<double>();
        That(bound <= 1.0 + 1e-9, "within the limit");
        var q = SkewConvolution.OfSkew([5, 4], skew);
        Small(Law.Promises(1, q), "unitary");
        var terms = SkewConvolution.Terms(1e-3, bound);
        var near = SkewConvolution.Series(terms, [5, 4], skew);
        That(Law.Equality(1, near, q) < SkewConvolution.Remainder(terms, bound), "few terms");
        Small(Law.Equality(1, Convolution.Circular([5, 4], SkewConvolution.SeriesKernel(terms, skew)), near), "as a kernel");
    }

    static void Fourier()
    {
        long[] image = [4, 5];
        var kernel = Draw(1, 3, 2, 3, 3);
        var q = FourierConvolution.Cayley(image, kernel);
        That(q.Promises(Traits.Isometry) && q.Codomain == Space.Of(3, 4, 5), "more channels out than in");
        Small(Law.Promises(1, q), "keeps norms");
        Small(Law.Equality(1, Convolution.Circular(image, FourierConvolution.CayleyKernel(image, kernel)), q), "as a kernel");
        That(FourierConvolution.Spectrum(image, kernel).shape is [12, 3, 2], "half the frequencies");
    }

    static void Initial()
    {
        var delta = ConvolutionInitialization.DeltaOrthogonal(1, TensorKind.Float64, [4, 3, 3, 3]);
        Small(Law.Promises(1, Convolution.Circular([5, 5], delta).Promise(Traits.Isometry)), "delta-orthogonal");
        var aware = ConvolutionInitialization.ConvolutionAware(1, TensorKind.Float64, [2, 4, 3, 3]);
        Small(Law.Orthogonality(aware[0].flatten(1) * Math.Sqrt(2)), "filters of one output channel");
    }

    static void BadInput()
    {
        var none = zeros([0, 3, 3], float64);
        Refused<ArgumentException>("first", () => BlockConvolution.Compose(Draw(1, 2, 3, 1), Draw(1, 2, 3, 1)));
        Refused<ArgumentException>("projections", () => BlockConvolution.OfProjections([2], Draw(1, 1, 3, 3)));
        Refused<ArgumentException>("frame", () => BlockConvolution.Kernel([1], Draw(1, 3, 3, 1), none));
        Refused<ArgumentException>("sizes", () => BlockConvolution.Kernel([0], Cayley.Matrix(zeros([3, 3], float64)).unsqueeze(2), none));
        Refused<ArgumentException>("image", () => BlockConvolution.Map([3, 3], [1], Cayley.Matrix(zeros([3, 3], float64)).unsqueeze(2), none));
        Refused<ArgumentException>("kernel", () => SkewConvolution.OfKernel(Draw(1, 2, 2, 2)));
        Refused<ArgumentException>("kernel", () => SkewConvolution.OfSkew([4], Draw(1, 2, 2, 3)));
        Refused<ArgumentException>("kernel", () => FourierConvolution.Cayley([4], Draw(1, 2, 2)));
        Refused<ArgumentException>("shape", () => ConvolutionInitialization.DeltaOrthogonal(1, TensorKind.Float64, [2, 3, 3]));
    }
}
