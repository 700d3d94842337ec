using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Exponentials and polar factors as C# calls them.</summary>
internal static class MatrixTests
{
    public static Test All => Runner.TestList("exponential and polar factor",
    [
        Case("rotations, their logarithms and base points", Exponentials),
        Case("polar factors and the iterations towards them", Polars),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Exponentials()
    {
        var s = 0.2 * Skew.OfSquare(Draw(1, 6, 6));
        var q = Exponential.OfSkew(s);
        Small(Law.Promises(1, q), "unitary");
        Small(Law.Distance(q.ToMatrix(), Exponential.Matrix(s)), "as a matrix");
        Small(Law.Distance(Exponential.ToSkew(Exponential.Matrix(s)), s), "there and back");
        var b = Polar.Factor(Draw(2, 8, 6));
        Small(Law.Distance(Exponential.At(b, s), b.matmul(Exponential.Matrix(s))), "at a base point");
        Small(Law.Distance(Exponential.OfSkewAt(b, s).ToMatrix(), Exponential.At(b, s)), "as a map");
        Small(Law.Distance(Exponential.Rebase(b, s), Exponential.At(b, s)), "the next base point");
    }

    static void Polars()
    {
        var m = Draw(1, 6, 4);
        var q = Polar.Factor(m);
        Small(Law.Orthogonality(q), "orthonormal columns");
        var map = Polar.OfMatrix(m);
        That(map.Domain == Space.Of(4) && map.Promises(Traits.Isometry), "an isometry");
        Small(Law.Distance(map.ToMatrix(), q), "as a map");
        var unit = m / linalg.norm(m);
        Small(Law.Distance(Polar.NewtonSchulz(25, unit), q), "Newton-Schulz");
        Small(Law.Distance(Polar.Bjorck(order: 2, steps: 15, unit), q), "the convergent quintic");
        Small(Law.Distance(Polar.PolarExpress(12, m), q), "the Polar Express");
        That(Law.Orthogonality(Polar.Muon(5, m)) is > 1e-3 and < 0.5, "Muon comes near and no nearer");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("s", () => Exponential.Matrix(eye(3, dtype: float64)));
        Refused<ArgumentException>("b", () => Exponential.At(2 * eye(2, dtype: float64), zeros(2, 2, float64)));
        Refused<ArgumentException>("q", () => Exponential.ToSkew(-eye(2, dtype: float64)));
        Refused<ArgumentException>("m", () => Polar.Factor(zeros(3, 2, float64)));
        Refused<ArgumentOutOfRangeException>("order", () => Polar.Bjorck(0, 1, Draw(1, 2, 2)));
        Refused<ArgumentOutOfRangeException>("steps", () => Polar.Muon(-1, Draw(1, 2, 2)));
    }
}
