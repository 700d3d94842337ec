using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.LinearMapTests;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Partitions, diagrams, representations and equivariant layers from C#.</summary>
internal static class EquivariantTests
{
    public static Test All => Runner.TestList("equivariance",
    [
        Case("counts partitions and lists diagrams", Counts),
        Case("composes diagrams as their maps compose", Diagrams),
        Case("measures how far a map is from commuting with the group", Representations),
        Case("trains a layer that commutes with permutations", Layer),
    ]);

    static void Counts()
    {
        Equal("203", SetPartition.Bell(6).ToString(), "Bell(6)");
        Equal("14", Basis.Dimension(Group.Symmetric(3), 2, 2).ToString(), "weights of a 2 -> 2 layer at n = 3");
        Equal(15, Basis.Diagrams(Group.Symmetric(4), 2, 2).Length, "diagrams at n = 4");
        Equal("{0,1|2}", SetPartition.OfBlocks([[0, 1], [2]]).ToString(), "a partition");
        Refused<System.ArgumentException>("n", () => Group.Symmetric(0));
    }

    static void Diagrams()
    {
        var trace = Diagram.OfBlocks(2, 0, [[0, 1]]);
        var product = trace.Compose(trace.Adjoint);
        Equal(1, product.Removed, "one loop");
        var map = Functor.Diagram(3, trace) * Functor.Diagram(3, trace.Adjoint);
        Equal(3.0, map.ToMatrix().item<double>(), "a loop is worth n");
    }

    static void Representations()
    {
        var vector = Rep.Permutation(4);
        var trace = Functor.Diagram(4, Diagram.OfBlocks(2, 1, [[0, 1, 2]]));
        Small(vector.TensorPower(2).Equivariance(1, 5, vector, trace), "the diagonal");
        var first = LinearMaps.OfMatrix(eye(4, dtype: float64).narrow(0, 0, 1));
        Equal(true, vector.Equivariance(1, 5, Rep.Trivial(1, vector.Group), first) > 0.1, "the first coordinate does not commute");
    }

    static void Layer()
    {
        using var layer = new EquivariantLayer(1, Group.Symmetric(5), 2, 3, 1, 2);
        Equal("weight bias", string.Join(' ', layer.state_dict().Keys), "names");
        Equal(5 * 3 * 2 + 1 * 2, layer.parameters().Sum(p => (int)p.numel()), "parameters");
        layer.to(float64);
        Small(layer.InputRep.Equivariance(1, 5, layer.OutputRep, layer.Linear), "equivariance");
        Equal("7 5 2", string.Join(' ', layer.forward(zeros(7, 5, 5, 3, dtype: float64)).shape), "shape");
    }
}
