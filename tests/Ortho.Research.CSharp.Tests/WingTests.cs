using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Orthogonal maps and spectral methods as C# calls them.</summary>
internal static class WingTests
{
    public static Test All => Runner.TestList("wings",
    [
        Case("skew matrices and their numbers", Skews),
        Case("reflections, their chains and frames", Reflections),
        Case("Cayley transforms, exact and by series", Cayleys),
        Case("cosine transforms along axes", Cosines),
        Case("Poisson solvers", PoissonSolvers),
        Case("Poisson on any ends, good sizes, Hartley", Grids),
        Case("wings meet in one product", Together),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Skews()
    {
        Equal(6L, Skew.Dimension(4), "numbers of a 4 x 4");
        var v = Draw(1, 6);
        var s = Skew.OfVector(4, v);
        Small(Law.Distance(Skew.ToVector(s), v), "there and back");
        Small(Law.Distance(Skew.Part(s), s), "its own skew part");
        Small(Skew.Defect(Skew.OfSquare(Draw(2, 3, 5, 5))), "a batch");
        That(Skew.Defect(eye(3, dtype: float64)) > 0.1, "the identity is not skew");
    }

    static void Reflections()
    {
        var v = Draw(1, 5);
        var h = Householder.Reflection(v);
        Small(Law.Distance(h.Apply(v), -v), "v goes to -v");
        Equal("I[5]", (h * h).ToString(), "a reflection is its own inverse");
        var q = Householder.Chain(Draw(2, 3, 5));
        Small(Law.Unitary(1, q), "a chain");
        Small(Law.Equality(1, Householder.OfMatrix(q.ToMatrix()), q), "found from its matrix");
        Equal(2L, Householder.Vectors(Householder.Frame(Draw(3, 2, 5), 2).ToMatrix()).shape[0], "vectors of a frame");
        var frame = Householder.Frame(Draw(3, 2, 5), 2);
        That(frame.Domain == Space.Of(2) && frame.Promises(Traits.Isometry), "a frame");
        Small(Law.Orthogonality(frame.ToMatrix()), "its columns");
    }

    static void Cayleys()
    {
        var s = 0.05 * Skew.OfSquare(Draw(1, 6, 6));
        var q = Cayley.OfSkew(s);
        Small(Law.Promises(1, q), "unitary");
        Small(Law.Distance(q.ToMatrix(), Cayley.Matrix(s)), "as a matrix");
        Small(Law.Distance(Cayley.ToSkew(Cayley.Matrix(s)), s), "there and back");
        That(Law.Equality(1, Cayley.Neumann(order: 8, s), q) < 1e-3, "a series of eight terms");
        Small(Law.Distance(Cayley.Neumann(2, s).ToMatrix(), Cayley.NeumannMatrix(2, s)), "as a matrix too");
        That(linalg.norm(Cayley.NeumannDefect(8, s)).item<double>() < 1e-3, "its defect");
    }

    static void Cosines()
    {
        Small(Law.Unitary(1, Cosine.Transform(CosineType.DctII, 100)), "a transform");
        Small(Law.Equality(1, Cosine.Transform(CosineType.DctII, 9).Adjoint, Cosine.Transform(CosineType.DctIII, 9)), "II and III");
        Space picture = new long[] { 8, 6 };
        var both = Cosine.Separable([CosineType.DctII, CosineType.DstI], picture);
        Small(Law.Equality(1, both, Cosine.Along(CosineType.DctII, 0, picture) * Cosine.Along(CosineType.DstI, 1, picture)), "one axis after the other");
        Small(Law.Distance(Cosine.Plain(CosineType.DctII, 8).Apply(ones(8, float64)), tensor(new double[] { 16, 0, 0, 0, 0, 0, 0, 0 })), "scaled as in SciPy");
        That(CosineType.DctII.IsDctII && CosineType.DctII != CosineType.DctIV, "types are compared");
    }

    static void Grids()
    {
        GridAxis[] axes = [Poisson.Axis(Boundary.Periodic, 8, 0.5), Poisson.AxisOn(GridPoints.Nodes, Boundary.DirichletNeumann, 5, 0.25)];
        Equal(1.25, axes[1].Length, "from end to end");
        Equal(0.25, axes[1].Places[0], "one spacing from a Dirichlet end");
        var screened = Poisson.ScreenedSolver(2, axes);
        var f = Draw(1, 8, 5);
        var u = screened.Apply(f);
        Small(Law.Distance(Poisson.Laplacian(axes).Apply(u) - 2 * u, f), "screened");
        var v = SpectralPoisson.Solver(axes).Apply(f);
        Small(Law.Distance(SpectralPoisson.Laplacian(axes).Apply(v), f), "by the exact symbol");
        Small(Law.Inverse(1, SpectralPoisson.Laplacian([axes[0]]) - 2.0 * LinearMaps.Identity(8), SpectralPoisson.ScreenedSolver(2, [axes[0]])), "screened");
        That(SpectralPoisson.Eigenvalues(axes).max().item<double>() < 0, "no constant fits a Dirichlet end");
        var sine = TransformType.NewCosine(CosineType.DstI);
        Equal(383L, GoodSize.Next(sine, 382), "one grid line more");
        That(!GoodSize.IsGood(sine, 382) && GoodSize.Slowdown(sine, 382) > 3 && GoodSize.Remark(sine, 382).Contains("383 points"), "a prime");
        Equal((384L, 381L, 383L), (GoodSize.Length(sine, 383), GoodSize.Length(sine, 380), GoodSize.Nearest(sine, 382)), "lengths");
        Equal(12L, GoodSize.Previous(Poisson.Transform(axes[0]), 13), "a periodic axis");
        Small(Law.Inverse(1, Hartley.Transform(9), Hartley.Transform(9)), "its own inverse");
    }

    static void PoissonSolvers()
    {
        GridAxis[] axes = [Poisson.Axis(Boundary.Neumann, 8, 0.5), Poisson.Axis(Boundary.Dirichlet, 5, 0.25)];
        var (laplacian, solver) = (Poisson.Laplacian(axes), Poisson.Solver(axes));
        Small(Law.Inverse(1, solver, laplacian), "a solver");
        Small(Math.Abs(laplacian.Norm() + Poisson.Eigenvalues(axes).min().item<double>()) / laplacian.Norm() / 1e3, "the largest eigenvalue, to 1e-9");
        Equal(5L, axes[1].Size, "an axis");
        var terms = Poisson.BoundaryTerms(axes);
        That(terms.Domain == Space.Of(10, 7) && terms.Codomain == solver.Domain, "boundary data");
        Small(Law.Adjoint(1, terms), "as a map");
        Equal(0.0, Poisson.Incompatibility(axes, ones(8, 5, float64)), "a Dirichlet end takes any right-hand side");
        Small(Math.Abs(Poisson.Incompatibility([axes[0]], ones(8, float64)) - 1), "Neumann ends take no constant");
    }

    static void Together()
    {
        var dct = Cosine.Transform(CosineType.DctII, 6);
        var map = dct.Adjoint * Householder.Chain(Draw(1, 2, 6)) * Cayley.OfSkew(Skew.OfSquare(Draw(2, 6, 6))) * dct;
        Small(Law.Unitary(1, map), "a product of unitary maps");
        That(map.TryInverse(out var inverse), "knows its inverse");
        Small(Law.Inverse(1, map, inverse), "which undoes it");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("vectors", () => Householder.Chain(zeros(2, 3)));
        Refused<ArgumentException>("v", () => Householder.Reflection(Draw(1, 2, 3)));
        Refused<ArgumentException>("s", () => Cayley.OfSkew(eye(3, dtype: float64)));
        Refused<ArgumentOutOfRangeException>("order", () => Cayley.Neumann(-1, zeros(2, 2)));
        Refused<ArgumentException>("m", () => Skew.OfSquare(Draw(1, 2, 3)));
        Refused<ArgumentOutOfRangeException>("n", () => Cosine.Transform(CosineType.DctI, 1));
        Refused<ArgumentException>("kinds", () => Cosine.Separable([CosineType.DctI], new long[] { 3, 3 }));
        Refused<ArgumentOutOfRangeException>("axis", () => Cosine.Along(CosineType.DctII, 1, 3));
        Refused<ArgumentException>("axes", () => Poisson.Solver([]));
    }
}
