using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>The hub as a service calls it: maps and their laws.</summary>
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
        Case("promise traits", Promises),
        Case("are bound to a kind of tensor, or to none", Kinds),
        Case("have spaces, which are values", Spaces),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

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
        That(map.Domain == Space.Of(3), "the domain");
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
        Small(Math.Abs(map.Norm(seed: 7) - map.Adjoint.Norm()) / 8, "of the adjoint");
    }

    static void Laws()
    {
        var (turn, scale) = (LinearMaps.OfPermutation(2, 0, 1), LinearMaps.OfDiagonal(Draw(1, 3)));
        foreach (Func<int, LinearMap, double> law in new[] { Law.Linearity, Law.Adjoint, Law.BatchInvariance, Law.Promises }) Small(law(1, turn * scale), "every map");
        Small(Law.Isometry(1, turn) + Law.Coisometry(1, turn) + Law.Unitary(1, turn) + Law.Rearrangement(1, turn), "a permutation");
        That(Law.Unitary(1, scale) > 0.1 && Law.Idempotence(1, scale) > 0.1, "a diagonal is neither unitary nor idempotent");
        Small(Law.SelfAdjoint(1, scale), "a real diagonal");
        var first = LinearMaps.OfMatrix(eye(3, dtype: float64).narrow(0, 0, 2));
        Small(Law.Projection(1, first.Adjoint * first), "the first two coordinates");
        Small(Law.Equality(1, turn * turn, turn.Adjoint), "a third of a turn, twice");
        Small(Law.Equivariance(1, turn, turn, turn * turn), "turns commute");
        That(Ortho.Laws.Gradient(1, x => x.mul(x), Draw(3, 4)) < 1e-6, "the gradient of a square");
        That(Ortho.Laws.Gradient(1, x => x.detach().mul(x), Draw(3, 4)) > 0.1, "half of it");
    }

    static void Formulas()
    {
        var (p, d) = (LinearMaps.OfPermutation(1, 0, 2), LinearMaps.OfDiagonal(Draw(2, 3)));
        Equal("P[3]·diag[3]·P[3]", (p * d * p).ToString(), "product");
        Equal("I[3]", (p * p).ToString(), "a swap is its own inverse");
        Equal("2 diag[3] ⊗ I[1] - P[3] ⊗ I[1]", (2.0 * d.Tensor(LinearMaps.Identity(1)) - p.Tensor(LinearMaps.Identity(1))).ToString(), "sum");
    }

    static void Promises()
    {
        var map = LinearMaps.OfMatrix(eye(3, dtype: float64).flip(0));
        Equal(Traits.None, map.Traits, "a matrix promises nothing");
        var kept = map.Promise(Traits.Unitary | Traits.SelfAdjoint);
        That(kept.Promises(Traits.Unitary), "promised");
        Small(Law.Promises(1, kept), "kept");
        That(kept.TryInverse(out var inverse) && ReferenceEquals(inverse, kept.Adjoint), "a unitary map knows its inverse");
        That(Law.Promises(1, map.Promise(Traits.Idempotent)) > 0.1, "broken");
    }

    static void Kinds()
    {
        var any = LinearMaps.OfPermutation(1, 0);
        Equal(null, any.Kind, "a permutation takes any");
        var single = any.On(TensorKind.Float32);
        Equal(TensorKind.Float32, single.Kind, "bound");
        Equal(float32, single.ToMatrix().dtype, "of its matrix");
        Equal(complex128, any.On(TensorKind.Cpu(complex128)).ToMatrix().dtype, "of any two");
        Refused<ArgumentException>("kind", () => single.On(TensorKind.Float64));
        Equal("float32 on cpu", single.Kind.ToString(), "prints");
    }

    static void Spaces()
    {
        Space vector = 3, matrix = new long[] { 3, 3 }, other = Space.Of(3, 3);
        That(matrix == other && matrix != vector && matrix.Equals(other), "compared by their axes");
        That(vector.Tensor(vector) == matrix && vector.Power(2) == matrix && vector.Power(0) == Space.Of(), "tensor products");
        That(matrix.DirectSum(vector) == Space.Of(12), "direct sums are flat");
        Equal("[3; 3]", matrix.ToString(), "prints");
        Equal("3 3, 2, 9", $"{string.Join(' ', matrix.Shape)}, {matrix.Rank}, {matrix.Size}", "facts");
        Space? none = null;
        That(none != matrix && none == null, "null is no space");
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
        Refused<ArgumentNullException>("domain", () => LinearMaps.OfFunctions("f", null!, 3, x => x, y => y));
        Refused<ArgumentException>("order", () => LinearMaps.OfPermutation(0, 0));
        Refused<ArgumentException>("codomain", () => LinearMaps.Reshape(4, 5));
        Refused<ArgumentException>("map", () => map.Inverse());
        Refused<ArgumentOutOfRangeException>("factor", () => _ = double.NaN * map);
        var shape = Raised<ArgumentException>(() => map.Apply(zeros(5, 4, dtype: float64))).Message;
        That(shape.Contains("[3]") && shape.Contains("[5; 4]") && shape.Contains("M[2x3]"), $"says what was asked and what came: {shape}");
        var dead = zeros(3, float64);
        dead.Dispose();
        Equal("x", Raised<ObjectDisposedException>(() => map.Apply(dead)).ObjectName, "the disposed argument");
    }
}
