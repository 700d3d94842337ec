using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Convolutions as C# calls them.</summary>
internal static class ConvolutionTests
{
    public static Test All => Runner.TestList("convolutions",
    [
        Case("maps of every border", Maps),
        Case("singular values", Spectra),
        Case("orthogonality: penalty and existence", Orthogonality),
        Case("a learned convolution", Learned),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Maps()
    {
        var kernel = Draw(1, 4, 2, 3, 5);
        var circular = Convolution.Circular([6, 8], kernel);
        That(circular.Domain == Space.Of(2, 6, 8) && circular.Codomain == Space.Of(4, 6, 8), "spaces");
        Small(Law.Adjoint(1, circular), "its adjoint");
        Equal("Convolution[4; 2; 3; 5]", circular.ToString(), "its name");

        var options = ConvolutionOptions.Default.WithBorder(ConvolutionBorder.Valid).WithStride(2).WithDilation(1).WithGroups(2);
        Equal(new ConvolutionOptions(ConvolutionBorder.Valid, stride: 2, dilation: 1, groups: 2), options, "options");
        var strided = Convolution.Map(options, [6, 8], kernel);
        That(strided.Domain == Space.Of(4, 6, 8) && strided.Codomain == Space.Of(4, 2, 2), "spaces of a strided one");
        Small(Law.Adjoint(1, strided), "its adjoint");
        foreach (var border in new[] { ConvolutionBorder.Same, ConvolutionBorder.NewPadded(1) })
            Small(Law.Adjoint(2, Convolution.Map(ConvolutionOptions.Default.WithBorder(border), [7], Draw(2, 3, 2, 4))), border.ToString());
    }

    static void Spectra()
    {
        var kernel = Draw(1, 4, 2, 3);
        var options = ConvolutionOptions.Default.WithStride(2);
        var values = ConvolutionSpectrum.SingularValues(options, [6], kernel);
        Small(Law.Distance(values, linalg.svdvals(Convolution.Map(options, [6], kernel).ToMatrix())), "singular values");
        var defect = ConvolutionSpectrum.Defect(options, [6], kernel);
        That(defect.Spectral <= defect.Frobenius && defect.Spectral > 0, "its defect");
    }

    static void Orthogonality()
    {
        var options = ConvolutionOptions.Default.WithStride(4);
        var refused = ConvolutionOrthogonality.Existence(options, [8, 8], [10, 1, 3, 3]);
        That(!refused.Exists && refused.LeastDefect == 1 && refused.Reason.Contains("9 inputs"), "10 rows and 9 inputs");
        That(ConvolutionOrthogonality.Existence(options, [8, 8], [9, 1, 3, 3]).Exists, "9 rows and 9 inputs");
        var kernel = eye(9, dtype: float64).reshape(9, 1, 3, 3);
        Small(Math.Abs(ConvolutionOrthogonality.Penalty(options, kernel).item<double>()), "windows that do not overlap");
        Small(Law.Coisometry(1, Convolution.Map(options, [8, 8], kernel)), "orthonormal rows");
    }

    static void Learned()
    {
        using var learned = new LearnedMap("convolve", [Parameters.OfTensor(Draw(1, 2, 2, 3))], p => Convolution.Circular([5], p[0]));
        using var penalty = ConvolutionOrthogonality.Penalty(ConvolutionOptions.Default, learned.get_parameter("p0")!);
        penalty.backward();
        That(learned.get_parameter("p0")!.grad is not null, "a gradient of the penalty");
        Equal(2L, learned.forward(Draw(2, 7, 2, 5)).shape[1], "channels");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("kernel", () => Convolution.Circular([4], Draw(1, 2, 2)));
        Refused<ArgumentException>("sizes", () => Convolution.Circular([4], Draw(1, 2, 2, 3, 3)));
        Refused<ArgumentException>("sizes", () => Convolution.Map(ConvolutionOptions.Default.WithStride(3), [4], Draw(1, 2, 2, 3)));
        Refused<ArgumentOutOfRangeException>("options.Stride", () => Convolution.Map(ConvolutionOptions.Default.WithStride(0), [4], Draw(1, 2, 2, 3)));
        Refused<ArgumentNullException>("options.Border", () => Convolution.Map(new ConvolutionOptions(null!, 1, 1, 1), [4], Draw(1, 2, 2, 3)));
        Refused<ArgumentException>("options", () => ConvolutionSpectrum.Defect(ConvolutionOptions.Default.WithBorder(ConvolutionBorder.Same), [4], Draw(1, 2, 2, 3)));
        Refused<ArgumentException>("kernelShape", () => ConvolutionOrthogonality.Existence(ConvolutionOptions.Default, [4], [2, 2]));
    }
}
