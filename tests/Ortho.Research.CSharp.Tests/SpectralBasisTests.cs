using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using static Ortho.Research.CSharp.Tests.Check;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Bases of functions and functions themselves, as C# calls them.</summary>
internal static class SpectralBasisTests
{
    public static Test All => Runner.TestList("bases of functions",
    [
        Case("nodes, weights, analysis and calculus", Bases),
        Case("quadrature of any recurrence", Rules),
        Case("functions to machine precision", Functions),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Bases()
    {
        var basis = Legendre.Gauss(12).On(0, 2);
        Equal(12L, basis.Size, "size");
        Small(Math.Abs(basis.Quadrature(Math.Exp) - (Math.Exp(2) - 1)), "quadrature");
        var coefficients = basis.Approximate(Math.Exp);
        var slope = (basis.EvaluateAt([0.0, 1.5]) * basis.Differentiate).Apply(coefficients);
        That(Math.Abs(slope[1].item<double>() - Math.Exp(1.5)) < 1e-8, "derivative");
        Small(Law.Inverse(1, basis.Analyze, basis.Synthesize), "round trip");
        var chebyshev = Chebyshev.Lobatto(12).On(0, 2);
        Small(Law.Inverse(2, SpectralBasis.Convert(basis, chebyshev), SpectralBasis.Convert(chebyshev, basis)), "conversion");
        Equal(23L, basis.Product(coefficients, coefficients).shape[0], "size of a product");
        Small(Law.Adjoint(3, basis.MultiplyBy(coefficients)), "multiplication");
        Equal((12L, 5L, 2L), Shape(SpectralBasis.Grid([basis, Hermite.Functions(5)])), "grid");
        Small(Law.Adjoint(4, Ultraspherical.Conversion(1, 5) * Ultraspherical.Differential(0, 5)), "banded maps");
        Equal(4, new[] { Jacobi.Gauss(1, 0, 3), Laguerre.Gauss(0, 3), Hermite.Physicists(3), Chebyshev.SecondKind(3) }.Select(b => b.Name).Distinct().Count(), "names");
    }

    static (long, long, long) Shape(TorchSharp.torch.Tensor x) => (x.shape[0], x.shape[1], x.shape[2]);

    static void Rules()
    {
        var rule = GaussQuadrature.OfRecurrence(2, [0, 0], [1 / Math.Sqrt(3)]);
        Small(Math.Abs(rule.Nodes[1] - 1 / Math.Sqrt(3)), "node");
        Small(Math.Abs(rule.Weights[1] - 1), "weight");
        Small(Math.Abs(Laguerre.Rule(0, 40).Weights.Sum() - 1), "sum of weights");
    }

    static void Functions()
    {
        var f = new Fun(x => Math.Sin(x * x), 0, 4);
        Small(Math.Abs(f.Evaluate(1.5) - Math.Sin(2.25)), "value");
        Small(Math.Abs(f.Roots()[^1] - Math.Sqrt(5 * Math.PI)), "root");
        var (place, value) = f.Maximum();
        Small(Math.Abs(value - 1), $"greatest value, at {place}");
        Small(Math.Abs((f.Antiderivative().Derivative() - f).Integral()), "calculus");
        Small(Math.Abs((2.0 * f * f / (f + 3.0)).Evaluate(1) - 2 * Math.Pow(Math.Sin(1), 2) / (Math.Sin(1) + 3)), "arithmetic");
        Small(Math.Abs(f.Map(Math.Exp).Evaluate(2) - Math.Exp(Math.Sin(4))), "composition");
        var one = Fun.OfCoefficients([1], 0, 1);
        Small(Math.Abs(BoundaryProblem.Solve([-1.0 * one, one], [BoundaryProblem.Condition(0, 0, 1)], 0.0 * one).Evaluate(1) - Math.E), "u' = u");
        Equal(3L, Fun.OfCoefficients([1, 2, 3], -1, 1).Size, "size");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("f", () => new Fun(x => 1 / x));
        Refused<ArgumentException>("f", () => new Fun(Math.Abs, -1, 1, 100));
        Refused<ArgumentException>("f", () => Legendre.Lobatto(3).Approximate(x => 1 / x));
        Refused<ArgumentOutOfRangeException>("n", () => Chebyshev.Gauss(0));
        Refused<ArgumentException>("lower", () => Legendre.Gauss(2).On(0, double.PositiveInfinity));
    }
}
