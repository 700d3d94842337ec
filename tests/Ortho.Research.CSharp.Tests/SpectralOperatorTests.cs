using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Learned operators on coefficients as C# calls them.</summary>
internal static class SpectralOperatorTests
{
    public static Test All => Runner.TestList("spectral operators",
    [
        Case("an operator, its loss and its side conditions", Learned),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Learned()
    {
        SpectralBasis[] bases = [Fourier.Real(5), Chebyshev.Lobatto(4)];
        using var op = new SpectralOperator(seed: 1, bases, inputChannels: 2, outputChannels: 1, width: 3, depth: 2, PointwiseActivation.Gelu);
        Equal((2, 1, 3, 2, 2), (op.InputChannels, op.OutputChannels, op.Width, op.Depth, op.Bases.Count), "sizes");
        Equal(12L + 2 * (20 * 9 + 9 + 3) + 3, op.parameters().Sum(p => p.numel()), "parameters");
        op.to(float64);
        var u = op.forward(Draw(1, 6, 2, 5, 4)).squeeze(1);
        var zero = Mollifier.Dirichlet([Chebyshev.Lobatto(5), Chebyshev.Lobatto(4)]).Apply(u);
        Small(SpectralBasis.SynthesizeGrid([Chebyshev.Lobatto(5), Chebyshev.Lobatto(4)]).Apply(zero)[0, 0, 0].abs().item<double>(), "a corner");
        Equal(u.shape[1], Mollifier.Periodic(bases).Domain.Shape[0], "periodic");
        Equal(u.shape[2], Mollifier.InitialValue(1, bases).Domain.Shape[1], "initial value");
        var loss = SpectralLoss.Weighted(bases, u);
        loss.mean().backward();
        That(op.parameters().All(p => p.grad is not null), "gradients");
        Small(Law.Distance(SpectralLoss.Weighted([Fourier.Real(1)], ones(1, float64)), 2 * Math.PI * SpectralLoss.Unweighted([Fourier.Real(1)], ones(1, float64))), "weights");
        Small(Law.Adjoint(1, SpectralConvolution.OfWeight(Draw(2, 5, 2, 3))), "adjoint");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("bases", () => new SpectralOperator(1, [], 1, 1, 1, 1, PointwiseActivation.Gelu));
        Refused<ArgumentOutOfRangeException>("depth", () => new SpectralOperator(1, [Fourier.Real(2)], 1, 1, 1, 0, PointwiseActivation.Gelu));
        Refused<ArgumentException>("residual", () => SpectralLoss.Weighted([Fourier.Real(2)], ones(3)));
        Refused<ArgumentException>("weight", () => SpectralConvolution.OfWeight(ones(3)));
    }
}
