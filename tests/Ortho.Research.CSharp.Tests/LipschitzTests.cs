using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Norms, maps and layers that do not expand, penalties and angles, as C# calls them.</summary>
internal static class LipschitzTests
{
    public static Test All => Runner.TestList("Lipschitz",
    [
        Case("spectral norms and their bounds", Norms),
        Case("maps of norm at most 1", Maps),
        Case("layers and networks", Layers),
        Case("Koopman factors", Koopman),
        Case("penalties", Penalties),
        Case("angles between rows", Angles),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static double Number(Tensor x) => x.item<double>();

    static void Norms()
    {
        var w = Draw(1, 5, 3);
        var norm = Number(SpectralNorm.Exact(w));
        That(Number(SpectralNorm.LowerBound(seed: 1, steps: 3, w)) <= norm, "power iteration stays below");
        That(Number(SpectralNorm.UpperBound(steps: 3, w)) >= norm, "Gram iteration stays above");
        Small(Math.Abs(SpectralNorm.Normalised(5 * w).Norm() - 1), "normalised");
    }

    static void Maps()
    {
        That(Lipschitz.AlmostOrthogonal(Draw(1, 4, 6)).Norm() <= 1, "almost orthogonal");
        var (a, b) = Lipschitz.CayleyPair(Draw(1, 3, 3), Draw(2, 5, 3));
        Small(Law.Distance(a.matmul(a.T) + b.matmul(b.T), eye(3, dtype: float64)), "a tall pair");
        Small(Law.Distance(Lipschitz.SandwichLinear(Draw(1, 3, 3), Draw(2, 5, 3)).ToMatrix(), 2 * a.T.matmul(b)), "its linear form");
        Small(Law.Distance(Lipschitz.GroupSort(2, tensor(new double[] { 1, 3, 5, -2 })), tensor(new double[] { 3, 1, 5, -2 })), "MaxMin");
    }

    static void Layers()
    {
        using var model = nn.Sequential(
            ("sandwich", new SandwichLayer(1, 3, 4)),
            ("tanh", new SandwichLayer(2, 4, 4, x => x.tanh())),
            ("residual", new LipschitzResidualLayer(3, width: 4, hidden: 6)),
            ("last", new AlmostOrthogonalLayer(4, inputs: 4, outputs: 2)),
            ("network", new LipschitzNetwork(5, bound: 3, [2, 4, 2])));
        model.to(float64);
        var (x, y) = (Draw(1, 20, 3), Draw(2, 20, 3));
        var ratios = (model.forward(x) - model.forward(y)).norm(1) / (x - y).norm(1);
        That(Number(ratios.max()) <= 3 + 1e-12, "3-Lipschitz");
        That(model.state_dict().ContainsKey("network.layer1.psi"), "names of parameters");
        using var smooth = new LipschitzNetwork(5, 3, [2, 4, 2], x => x.tanh());
        Equal(3.0, smooth.Bound, "its bound");
        using var linear = new AlmostOrthogonalLayer(4, 4, 2);
        That(linear.Linear.Codomain == Space.Of(2), "its linear part");
    }

    static void Koopman()
    {
        Small(Math.Abs(Number(KoopmanBound.LogFactor(order: 4.5, Cayley.Matrix(Skew.OfSquare(Draw(1, 8, 8)))))), "an orthogonal weight");
        That(double.IsPositiveInfinity(Number(KoopmanBound.LogFactor(2, ones(3, 2, dtype: float64)))), "dependent columns");
        Small(Math.Abs(KoopmanBound.LogRestriction(1, 2) + 0.5 * Math.Log10(4 * Math.PI)), "restriction to a plane's complement");
    }

    static void Penalties()
    {
        var w = Draw(1, 6, 4);
        Small(Math.Abs(Number(OrthogonalityPenalty.Rows(w) - OrthogonalityPenalty.Columns(w)) - 2) / 10, "6 - 4");
        Small(Number(OrthogonalityPenalty.RestrictedIsometry(eye(3, dtype: float64))), "the identity");
        Small(Law.Distance(OrthogonalityPenalty.InterGroup(1, w), OrthogonalityPenalty.Rows(w)), "one group");
        Small(Law.Distance(OrthogonalityPenalty.IntraGroup(6, w), OrthogonalityPenalty.Rows(w)), "groups of one");
        var weight = w.clone().requires_grad_();
        OrthogonalityPenalty.Rows(weight).backward();
        Small(Law.Distance(weight.grad!, 4 * (w.matmul(w.T).matmul(w) - w)), "its gradient");
    }

    static void Angles()
    {
        var star = tensor(Enumerable.Range(0, 3).SelectMany(i => new[] { Math.Cos(2 * Math.PI * i / 3), Math.Sin(2 * Math.PI * i / 3) }).ToArray()).reshape(3, 2);
        Small(Math.Abs(Number(RowAngles.Coherence(star)) - 0.5), "coherence");
        Small(Math.Abs(Number(RowAngles.Orthogonality(star)) - 0.5), "orthogonality");
        Small(Math.Abs(Number(RowAngles.Energy(order: 1, star)) - 6 / Math.Sqrt(3)), "energy");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("w", () => SpectralNorm.Exact(zeros(3)));
        Refused<ArgumentOutOfRangeException>("steps", () => SpectralNorm.LowerBound(1, 0, zeros(2, 2)));
        Refused<ArgumentException>("y", () => Lipschitz.CayleyPair(Draw(1, 3, 3), Draw(2, 3, 2)));
        Refused<ArgumentException>("size", () => Lipschitz.GroupSort(2, Draw(1, 3)));
        Refused<ArgumentException>("bound", () => new LipschitzNetwork(1, -1, [2, 2]));
        Refused<ArgumentException>("widths", () => new LipschitzNetwork(1, 1, [2]));
        Refused<ArgumentException>("x", () => new SandwichLayer(1, 2, 2).forward(zeros(3)));
        Refused<ArgumentException>("groups", () => OrthogonalityPenalty.InterGroup(4, Draw(1, 6, 4)));
        Refused<ArgumentException>("w", () => RowAngles.Coherence(Draw(1, 1, 4)));
        Refused<ArgumentException>("order", () => KoopmanBound.LogRestriction(0, 1));
    }
}
