using System;
using System.IO;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>The hub as a service calls it: maps, laws, learned maps.</summary>
internal static class LinearMapTests
{
    public static Test All => Runner.TestList("linear maps",
    [
        Case("compose, add, scale and tensor by operators", Operators),
        Case("apply to a batch, and to one element", Apply),
        Case("are given by two lambdas and a promise", Functions),
        Case("invert where they can, and say when they cannot", Inverse),
        Case("obey laws that are numbers", Laws),
        Case("print as formulas", Formulas),
        Case("refuse bad input by the name of the argument", BadInput),
        Case("learn, save and load as modules do", Learn),
    ]);

    /// <summary>A test inside a dispose scope.</summary>
    public static Test Case(string name, Action body) => Runner.TestCase(name, () =>
    {
        using var scope = NewDisposeScope();
        body();
    });

    /// <summary>Expects a residual of rounding size in float64.</summary>
    public static void Small(double residual, string what)
    {
        if (!(residual <= 1e-12)) throw new InvalidOperationException($"{what}: {residual:E2} is more than rounding.");
    }

    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!Equals(expected, actual)) throw new InvalidOperationException($"{what}: expected {expected}, got {actual}.");
    }

    static Tensor Draw(int seed, params long[] shape) => Seed.Normal(seed, TensorKind.Of(zeros(1, float64)), shape);

    static void Operators()
    {
        var (a, b) = (Draw(1, 2, 3), Draw(2, 3, 2));
        LinearMap f = LinearMaps.OfMatrix(a), g = LinearMaps.OfMatrix(b);
        Small(Law.Distance((f * g).ToMatrix(), a.matmul(b)), "f * g");
        Small(Law.Distance((2.0 * f - f).ToMatrix(), a), "2 f - f");
        Small(Law.Distance((f + g.Adjoint).ToMatrix(), a + b.T), "f + g*");
        Small(Law.Distance((-f).ToMatrix(), -a), "-f");
        Small(Law.Distance(f.Tensor(g).ToMatrix(), kron(a, b)), "f tensor g");
        Small(Law.Distance(f.DirectSum(g).ToMatrix(), block_diag(a, b)), "f direct sum g");
        Small(Law.Distance(g.Then(f).ToMatrix(), a.matmul(b)), "g then f");
        Small(Law.Distance(LinearMaps.Block(new[,] { { f, LinearMaps.Identity(2) } }).ToMatrix(), cat([a, eye(2, dtype: float64)], 1)), "block");
    }

    static void Apply()
    {
        var map = LinearMaps.OfPermutation(2, 0, 1);
        Equal("30 10 20", string.Join(' ', map.Apply(tensor(new double[] { 10, 20, 30 })).data<double>().ToArray()), "permutation");
        Equal("5 4 3", string.Join(' ', map.Apply(zeros(5, 4, 3)).shape), "shape of a batch");
        Equal(new Space[] { 3, 3 }.First(), map.Domain, "a size stands for a space");
        var wide = LinearMaps.Reshape(new long[] { 2, 3 }, 6);
        Equal(true, wide.Traits.HasFlag(Traits.Unitary), "a reshape promises to be unitary");
        Small(Law.Isometry(1, wide), "reshape");
    }

    static void Functions()
    {
        var shift = LinearMaps.OfFunctions("shift", 5, 5, x => x.roll(1, -1), y => y.roll(-1, -1), Traits.Unitary);
        Small(Law.Adjoint(1, shift), "adjoint");
        Small(Law.Promises(1, shift), "promises");
        Equal("I[5]", (shift.Adjoint * shift).ToString(), "unitary maps cancel");
        var wrong = LinearMaps.OfFunctions("wrong", 5, 5, x => x.roll(1, -1), y => y.roll(1, -1));
        Equal(true, Law.Adjoint(1, wrong) > 1e-3, "a wrong adjoint is seen");
    }

    static void Inverse()
    {
        var d = LinearMaps.OfDiagonal(tensor(new double[] { 1, 2, 4 }));
        var map = 2.0 * (LinearMaps.OfPermutation(2, 0, 1) * d);
        Small(Law.Inverse(1, map, map.Inverse()), "inverse");
        Equal(false, LinearMaps.OfMatrix(Draw(1, 3, 3)).TryInverse(out _), "a matrix knows none");
        Equal(true, d.TryInverse(out var half) && half.Apply(ones(3, float64))[2].item<double>() == 0.25, "a diagonal does");
        Small(Math.Abs(map.Norm() - 8) / 8, "norm");
    }

    static void Laws()
    {
        var q = Householder.Chain(Draw(1, 3, 8));
        Small(Law.Unitary(1, q), "a chain of reflections");
        Small(Law.Orthogonality(Cayley.OfSkew(Skew.OfSquare(Draw(2, 6, 6))).ToMatrix()), "a Cayley transform");
        Small(Law.Unitary(1, Cosine.Transform(CosineType.DctII, 100)), "a cosine transform");
        GridAxis[] axes = [Poisson.Axis(Boundary.Neumann, 8, 0.5), Poisson.Axis(Boundary.Dirichlet, 5, 0.25)];
        Small(Law.Inverse(1, Poisson.Solver(axes), Poisson.Laplacian(axes)), "a Poisson solver");
        Small(Ortho.Laws.Gradient(1, x => x.mul(x), Draw(3, 4)) / 1e6, "a gradient, to 1e-6");
    }

    static void Formulas()
    {
        var (h, d) = (Householder.Reflection(Draw(1, 3)), LinearMaps.OfDiagonal(Draw(2, 3)));
        Equal("H[3]·diag[3]·H[3]", (h * d * h).ToString(), "product");
        Equal("I[3]", (h * h).ToString(), "a reflection is its own inverse");
    }

    static void BadInput()
    {
        var map = LinearMaps.OfMatrix(Draw(1, 2, 3));
        Refused<ArgumentException>("x", () => map.Apply(zeros(4, float64)));
        Refused<ArgumentException>("x", () => map.Apply(zeros(3, float32)));
        Refused<ArgumentNullException>("x", () => map.Apply(null!));
        Refused<ArgumentException>("b", () => _ = map * map);
        Refused<ArgumentException>("sizes", () => Space.Of(3, 0));
        Refused<ArgumentNullException>("apply", () => LinearMaps.OfFunctions("f", 3, 3, null!, y => y));
        Refused<ArgumentException>("vectors", () => Householder.Chain(zeros(2, 3)));
        var dead = zeros(3, float64);
        dead.Dispose();
        try
        {
            map.Apply(dead);
            throw new InvalidOperationException("A disposed tensor was taken.");
        }
        catch (ObjectDisposedException error)
        {
            Equal("x", error.ObjectName, "the disposed argument");
        }
    }

    public static void Refused<TException>(string argument, Action body) where TException : ArgumentException
    {
        try
        {
            body();
        }
        catch (TException error)
        {
            Equal(argument, error.ParamName, "the refused argument");
            return;
        }

        throw new InvalidOperationException($"Bad {argument} was taken.");
    }

    static void Learn()
    {
        LearnedMap Fresh(int seed) => new("rotate", [Parameters.Named("vectors", Parameters.Normal(seed, 3, 4))], p => Householder.Chain(p[0]));
        var hidden = Householder.Chain(Seed.Normal(5, TensorKind.Of(zeros(1)), [3L, 4L]));
        var x = randn(64, 4, generator: new Generator(1));
        var y = hidden.Apply(x);
        using var learned = Fresh(1);
        using var model = nn.Sequential(("rotate", learned), ("nothing", nn.Identity()));
        Equal("rotate.vectors", string.Join(' ', model.state_dict().Keys), "names");
        using var adam = optim.Adam(model.parameters(), 0.05);
        for (var i = 0; i < 400; i++)
        {
            using var step = NewDisposeScope();
            adam.zero_grad();
            nn.functional.mse_loss(model.forward(x), y).backward();
            adam.step();
        }

        Equal(true, Law.Distance(learned.Realize().Apply(x), y) < 1e-3, "learned");
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat");
        try
        {
            learned.save(path);
            using var other = Fresh(2);
            other.load(path);
            Small(Law.Distance(other.forward(x), learned.forward(x)), "loaded");
        }
        finally
        {
            File.Delete(path);
        }
    }
}
