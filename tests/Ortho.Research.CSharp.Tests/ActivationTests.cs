using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Learned activations, positional embeddings and the stable rank, as a C# caller writes them.</summary>
internal static class ActivationTests
{
    public static Test All => Runner.TestList("activations",
    [
        Case("learned activations and their gains", Activations),
        Case("positional embeddings and the stable rank", Embeddings),
    ]);

    static void Activations()
    {
        using var model = nn.Sequential(
            ("hermite", new HermiteActivation(degree: 3)),
            ("fourier", new FourierActivation(3, isOrthonormal: true)),
            ("tropical", new TropicalActivation(3)),
            ("rational", new TropicalRationalActivation(3)));
        model.to(float64);
        Equal(4, model.forward(Draw(1, 4)).shape[0], "entry by entry");
        That(model.state_dict().ContainsKey("rational.numeratorSlopes"), "names of parameters");
        using var hermite = new HermiteActivation(3, TensorKind.Float64);
        Small(Math.Abs(hermite.Gain.Slope - ActivationGain.Hermite(3)), "gain");
        Small(Math.Abs(ActivationGain.UnderRule(Hermite.ProbabilistsRule(40), hermite).Value - hermite.Gain.Value), "gain by quadrature");
        using var line = HermiteActivation.Interpolate(1, -2, 2, points: 41, x => 2 * x, TensorKind.Float64);
        Small(Law.Distance(line.get_parameter("coefficients")!, tensor(new[] { 0.0, 2.0 })), "a line");
    }

    static void Embeddings()
    {
        var (x, shifts) = (linspace(0, 1, 9, dtype: float64), linspace(0, 1, 5, dtype: float64));
        Equal("9 5", string.Join(" ", PositionalEmbedding.Gaussian(0.1, shifts, x).shape), "shape");
        var features = PositionalEmbedding.Fourier(PositionalEmbedding.RandomFrequencies(seed: 1, bandwidth: 5, TensorKind.Float64, [6]), x);
        Small(Law.Distance(features.square().sum(-1), full(9, 6, dtype: float64)), "length");
        Small(Math.Abs(StableRank.OfMatrix(eye(3, dtype: float64)).item<double>() - 3), "stable rank");
    }
}
