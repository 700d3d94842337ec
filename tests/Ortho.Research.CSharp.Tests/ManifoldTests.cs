using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Frames, projections and rotations as C# calls them.</summary>
internal static class ManifoldTests
{
    public static Test All => Runner.TestList("manifolds",
    [
        Case("frames, tangents and retractions", Frames),
        Case("projections and angles of subspaces", Projections),
        Case("Gram-Schmidt in three ways", GramSchmidts),
        Case("rotations by numbers, both ways", Rotations),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Frames()
    {
        var x = Stiefel.OfMatrix(Draw(1, 6, 2));
        Small(Law.Orthogonality(x), "a frame");
        var frame = Stiefel.Frame(x);
        That(frame.Domain == Space.Of(2) && frame.Promises(Traits.Isometry), "as a map");
        Small(Law.Distance(frame.ToMatrix(), x), "of itself");
        var g = Draw(2, 6, 2);
        var z = Stiefel.Tangent(x, g);
        Small(Stiefel.TangencyDefect(x, z), "a tangent");
        Small(Law.Distance(Stiefel.Gradient(x, g), z), "the gradient of the Euclidean metric");
        var slope = (g * z).sum();
        Small(Law.Distance(Stiefel.CanonicalInner(x, Stiefel.CanonicalGradient(x, g), z), slope), "that of the canonical metric");
        Func<Tensor, Tensor, Tensor>[] retractions = [Retraction.Qr, Retraction.Polar, Retraction.Cayley, Retraction.Exponential];
        foreach (var retract in retractions)
        {
            Small(Law.Orthogonality(retract(x, z)), "a step");
            Small(Law.Distance(retract(x, 0.0 * z), x), "no step");
        }
    }

    static void Projections()
    {
        var a = Draw(1, 6, 2);
        var p = Projection.OfColumns(a);
        Small(Law.Promises(1, p), "a projection");
        Small(Law.Equality(1, p, Projection.OfSpan(tolerance: 1e-8, cat([a, a], 1))), "of dependent columns");
        Small(Law.Equality(1, p, Projection.OfFrame(Stiefel.OfMatrix(a))), "of a frame");
        Small(Law.Equality(1, Projection.Complement(p), Projection.NullSpace(1e-8, LinearMaps.OfMatrix(a.t()))), "its complement");
        var b = Draw(2, 6, 5);
        Small(Law.Equality(1, Projection.Sum(1e-8, a, a), p), "a sum");
        Small(Law.Equality(1, Projection.Intersection(1e-8, a, a), p), "an intersection");
        Small(Law.Promises(1, Projection.Intersection(1e-8, a, b)), "another");
        var g = Draw(3, 6);
        Small(Law.Distance(Projection.AwayFrom(g).Apply(b.t()), Projection.Reject(g, b.t())), "away from a vector");
        Small(Law.Orthogonality(Projection.LeadingFrame(1, a)), "the leading vector");
        Small(PrincipalAngles.Between(a, 2.0 * a).max().item<double>(), "no angle");
        var c = Draw(4, 6, 2);
        var (gap, chordal, geodesic) = (PrincipalAngles.Gap(a, c), PrincipalAngles.Chordal(a, c), PrincipalAngles.Geodesic(a, c));
        That(gap.item<double>() <= chordal.item<double>() && chordal.item<double>() <= geodesic.item<double>(), "distances in order");
    }

    static void GramSchmidts()
    {
        var a = Draw(1, 8, 3);
        var q = Stiefel.OfMatrix(a);
        Small(Law.Distance(GramSchmidt.Classical(a), q), "classical");
        Small(Law.Distance(GramSchmidt.Modified(a), q), "modified");
        Small(Law.Distance(GramSchmidt.Twice(a), q), "twice");
        Small(Law.Distance(GramSchmidt.Dropping(1e-8, cat([a, a], 1)), q), "dropping");
    }

    static void Rotations()
    {
        var r = Rotation.Random(1, TensorKind.Float64, [4]);
        Small(Law.Distance(RotationRepresentation.OfSixD(RotationRepresentation.ToSixD(r)), r), "6D");
        Small(Law.Distance(RotationRepresentation.OfStereographic(3, RotationRepresentation.ToStereographic(r)), r), "5D");
        Small(Law.Distance(RotationRepresentation.OfColumns(RotationRepresentation.ToColumns(r)), r), "columns");
        Equal(10L, RotationRepresentation.StereographicDimension(4), "numbers for n = 4");
        var q = Quaternion.OfMatrix(r);
        Small(Law.Distance(Quaternion.ToMatrix(Quaternion.Product(q, q)), r.matmul(r)), "quaternions");
        Small(Law.Distance(RotationVector.ToMatrix(RotationVector.OfMatrix(r)), r), "rotation vectors");
        Small(Law.Distance(EulerAngles.ToMatrix(EulerOrder.ZYX, EulerAngles.OfMatrix(EulerOrder.ZYX, r)), r), "Euler angles");
        Small(Law.Distance(Rotation.Angle(r, r.matmul(r)), RotationVector.OfMatrix(r).norm(-1)), "angles");
        Small(Law.Unitary(1, Rotation.Map(r[0])), "as a map");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("a", () => Stiefel.OfMatrix(Draw(1, 2, 3)));
        Refused<ArgumentException>("z", () => Retraction.Cayley(eye(3, 2, dtype: float64), ones(3, 2, float64)));
        Refused<ArgumentException>("a", () => Projection.OfColumns(ones(3, 2, float64)));
        Refused<ArgumentException>("p", () => Projection.Complement(LinearMaps.OfMatrix(Draw(1, 2, 2))));
        Refused<ArgumentException>("a", () => GramSchmidt.Twice(ones(3, 2, float64)));
        Refused<ArgumentException>("v", () => RotationRepresentation.OfSixD(ones(6, float64)));
        Refused<ArgumentException>("q", () => Quaternion.ToMatrix(zeros(4, float64)));
        Refused<ArgumentException>("r", () => RotationVector.OfMatrix(-eye(3, dtype: float64)));
        Refused<ArgumentNullException>("order", () => EulerAngles.ToMatrix(null!, zeros(3, float64)));
    }
}
