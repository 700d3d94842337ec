using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Reflections in LAPACK's form, uniform random matrices and alignments, as C# calls them.</summary>
internal static class HouseholderTests
{
    public static Test All => Runner.TestList("reflections, uniform matrices, alignments",
    [
        Case("reflections in LAPACK's form, there and back", Lapack),
        Case("frames with as many numbers as dimensions", Triangular),
        Case("uniform matrices, frames and subspaces", Uniform),
        Case("alignments of points", Alignments),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Lapack()
    {
        var (a, tau) = geqrf(Draw(1, 5, 3));
        Small(Law.Distance(Householder.OfLapack(a, tau).ToMatrix(), linalg.householder_product(a, tau)), "as torch builds it");
        var q = Haar.Orthogonal(1, TensorKind.Float64, 4);
        var form = Householder.ToLapack(q);
        Small(Law.Distance(Householder.OfLapack(form.Reflectors, form.Scales).ToMatrix() * form.Signs, q), "there and back");
    }

    static void Triangular()
    {
        var map = new LearnedMap("rotate", [Parameters.Zeros(Skew.Dimension(4)).Named("numbers")], p => Householder.Triangular(Skew.OfVector(4, p[0])));
        Small(Law.Distance(map.Realize().ToMatrix().to(float64), tensor(new double[] { -1, -1, -1, 1 }).diag()), "a start at zero");
        var frame = Householder.Triangular(Draw(1, 6, 2));
        That(frame.Promises(Traits.Isometry) && frame.Domain == Space.Of(2), "a frame");
        Small(Law.Isometry(1, frame), "its columns");
    }

    static void Uniform()
    {
        var (real, complex) = (TensorKind.Float64, TensorKind.Cpu(complex128));
        Small(Law.Orthogonality(Haar.Frames(1, real, [3, 5, 2])), "a batch of frames");
        Small(Math.Abs(linalg.det(Haar.SpecialOrthogonal(1, real, 4)).item<double>() - 1), "SO(4)");
        Small(Law.Orthogonality(Haar.Unitary(1, complex, 3)), "U(3)");
        Small((linalg.det(Haar.SpecialUnitary(1, complex, 3)) - 1).abs().item<double>(), "SU(3)");
        Small((linalg.det(Haar.Rotations(1, real, [7, 3, 3])) - 1).abs().max().item<double>(), "a batch of rotations");
        Small(Law.Unitary(1, Haar.Chain(1, real, 6)), "a chain");
        Small(Law.Projection(1, Haar.Projection(1, real, 6, 2)), "a subspace");
    }

    static void Alignments()
    {
        var a = Draw(1, 6, 3);
        var q = Haar.SpecialOrthogonal(2, TensorKind.Float64, 3);
        var b = a.matmul(q);
        Small(Law.Distance(Procrustes.Orthogonal(a, b), q), "an orthogonal matrix");
        Small(Law.Distance(Procrustes.Rotation(a, b), q), "a rotation");
        Small(Law.Distance(Procrustes.Align(a, b).Apply(a), b), "as a map");
        Small(Law.Distance(Procrustes.AlignByRotation(a, b).Adjoint.Apply(b), a), "and back");
        Small(Procrustes.Excess(a, b, q), "nothing to gain");
        var found = Procrustes.Similarity(a, 3 * b + 1);
        Small(Law.Distance(found.Apply(a), 3 * b + 1), "scaled and moved");
        Small(Math.Abs(found.Scale.item<double>() - 3), "the scale");
        Small(Law.Distance(found.Rotation, q), "the rotation");
        Small(Law.Distance(found.Translation, ones(1, 3, float64)), "the translation");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("a", () => Householder.Triangular(Draw(1, 2, 3)));
        Refused<ArgumentException>("vectors", () => Householder.Rotation(Draw(1, 3, 4)));
        Refused<ArgumentException>("tau", () => Householder.OfLapack(Draw(1, 3, 2), ones(2, float64)));
        Refused<ArgumentException>("q", () => Householder.ToLapack(Draw(1, 3, 2)));
        Refused<ArgumentException>("shape", () => Haar.Frames(1, TensorKind.Float64, [2, 3]));
        Refused<ArgumentException>("kind", () => Haar.Unitary(1, TensorKind.Float64, 3));
        Refused<ArgumentOutOfRangeException>("n", () => Haar.Chain(1, TensorKind.Float64, 0));
        Refused<ArgumentOutOfRangeException>("k", () => Haar.Projection(1, TensorKind.Float64, 3, 4));
        Refused<ArgumentException>("b", () => Procrustes.Orthogonal(Draw(1, 4, 3), Draw(1, 3, 3)));
        Refused<ArgumentException>("a", () => Procrustes.Similarity(ones(4, 3, float64), Draw(1, 4, 3)));
        Refused<ArgumentException>("q", () => Procrustes.Excess(Draw(1, 4, 3), Draw(2, 4, 3), Draw(1, 2, 2)));
    }
}
