using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
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
        Case("gives the bases as maps", Bases),
        Case("has exact inner products and bases made from them", InnerProducts),
        Case("projects maps onto the equivariant ones", Projections),
        Case("acts by group elements", Groups),
        Case("has a layer that commutes with permutations", Layer),
        Case("sums and products", Sums),
        Case("trains the layer", Training),
        Case("says which activations commute with a representation", Activations),
        Case("refuses bad input by the name of the argument", BadInput),
    ]);

    static void Counts()
    {
        Equal("203", SetPartition.Bell(6).ToString(), "Bell(6)");
        Equal("14", Basis.Dimension(Group.Symmetric(3), 2, 2).ToString(), "weights of a 2 -> 2 layer at n = 3");
        Equal(15, Basis.Diagrams(Group.Symmetric(4), 2, 2).Length, "diagrams at n = 4");
        Equal("{0,1|2}", SetPartition.OfBlocks([[0, 1], [2]]).ToString(), "a partition");
    }

    static void Diagrams()
    {
        var trace = Diagram.OfBlocks(2, 0, [[0, 1]]);
        var product = trace.Compose(trace.Adjoint);
        Equal(1, product.Removed, "one loop");
        var map = Functor.Diagram(3, trace) * Functor.Diagram(3, trace.Adjoint);
        Equal(3.0, map.ToMatrix().item<double>(), "a loop is worth n");
        Equal("7", Functor.Additions(7, trace).ToString(), "additions of a trace");
    }

    static void Representations()
    {
        var vector = Rep.Permutation(4);
        var trace = Functor.Diagram(4, Diagram.OfBlocks(2, 1, [[0, 1, 2]]));
        Small(vector.TensorPower(2).Equivariance(1, 5, vector, trace), "the diagonal");
        var first = LinearMaps.OfMatrix(eye(4, dtype: float64).narrow(0, 0, 1));
        Small(vector.Residual(1, TensorKind.Float64, vector, x => x.relu()), "relu commutes with permutations");
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

    static void Bases()
    {
        var group = Group.Symmetric(3);
        var (diagrams, orbits) = (Basis.Diagram(group, 1, 1), Basis.Orbit(group, 1, 1));
        Small(Law.Distance(diagrams.Aggregate((a, b) => a + b).ToMatrix(), eye(3, dtype: float64) + 1), "the identity and all ones");
        Small(Law.Distance(orbits.Aggregate((a, b) => a + b).ToMatrix(), ones(3, 3, float64)), "an orbit basis adds up to all ones");
        Small(Law.Equality(1, orbits[1], diagrams[1] - diagrams[0]), "and is made of diagrams");
        Equal(Basis.Dimension(group, 2, 1), Rep.Vector(group).TensorPower(3).InvariantDimension, "the dimension, found numerically");
        var x = Draw(1, 10, 3);
        var weights = Basis.Coordinates(diagrams.Select(map => map.Apply(x)).ToArray(), 2 * x + 3 * x.sum(1, keepdim: true));
        Equal("2 3", string.Join(' ', weights.data<double>().Select(w => Math.Round(w, 9))), "weights fitted to data");
    }

    static void InnerProducts()
    {
        var (plane, gram) = (Group.Orthogonal(2), Gram.Matrix(Group.Orthogonal(2), 2, 2));
        Equal("4 2 2 2 4 2 2 2 4", string.Join(' ', gram.Cast<System.Numerics.BigInteger>()), "n to the number of loops");
        Equal("3 3 False", $"{Basis.SpanningCount(plane, 2, 2)} {Basis.Dimension(plane, 2, 2)} {Basis.IsIndependent(plane, 1, 5)}", "counts");
        var chosen = Basis.IndependentIndices(plane, 3, 3);
        Equal("10 10 15", $"{chosen.Length} {Basis.Independent(plane, 3, 3).Length} {Basis.Spanning(plane, 3, 3).Length}", "a basis among them");
        var basis = Basis.Orthonormal(plane, 3, 3);
        var rows = stack(basis.Select(map => map.ToMatrix().flatten()).ToArray());
        Small(Law.Distance(rows.mm(rows.t()), eye(10, dtype: float64)), "orthonormal");
        var coefficients = tensor(Basis.OrthonormalCoefficients(plane, 3, 3));
        Equal("10 15", string.Join(' ', coefficients.shape), "coefficients in the spanning maps");
        var cup = Diagram.OfBlocks(0, 2, [[0, 1]]);
        var apart = Diagram.OfBlocks(0, 2, [[0], [1]]);
        Equal("3 9 0 6 4 2 6", string.Join(' ', Gram.Diagram(3, cup, apart), Gram.Diagram(3, apart, apart), Gram.Orbit(3, cup, apart), Gram.Orbit(3, apart, apart), Gram.Symplectic(4, cup, cup), Gram.Determinant(2, apart, apart), Gram.Jellyfish(3, apart, apart)), "one by one");
        var (change, back) = (Basis.DiagramToOrbit(Group.Symmetric(3), 1, 1), Basis.OrbitToDiagram(Group.Symmetric(3), 1, 1));
        Equal("7 2", string.Join(' ', change.Apply(tensor(new long[] { 5, 2 })).data<long>()), "from D to X");
        Small(Law.Equality(1, back * change, LinearMaps.Identity(2)), "and back");
        Refused<ArgumentException>("q", () => Gram.Diagram(3, cup, Diagram.Identity(2)));
    }

    static void Projections()
    {
        var group = Group.Orthogonal(3);
        var matrix = Draw(1, 3, 3);
        var nearest = eye(3, dtype: float64) * (matrix.trace() / 3);
        Small(Law.Distance(Reynolds.ProjectMatrix(group, 1, 1, matrix), nearest), "the nearest multiple of the identity");
        var map = LinearMaps.OfMatrix(matrix);
        var kept = Reynolds.Project(group, 1, 1, map);
        Small(Law.Distance(kept.ToMatrix(), nearest), "as a map");
        Small(Law.Distance(Reynolds.Coordinates(group, 1, 1, kept), matrix.trace().reshape(1) / 3), "its one coordinate");
        Small(Reynolds.Defect(group, 1, 1, kept), "it commutes");
        That(Reynolds.Defect(group, 1, 1, map) > 0.1, "the matrix does not");
        var projection = Reynolds.Projection(Group.Alternating(3), 1, 1);
        That(projection.Promises(Traits.Projection) && projection.Domain == Space.Of(3, 3), "a projection of matrices");
        Small(Law.Promises(1, projection), "as promised");
    }

    static void Groups()
    {
        var group = Group.Symmetric(4);
        Equal("S_4 4", $"{group} {group.Dimension}", "a group");
        var g = Group.OfPermutation(Permutation.OfArray([1, 2, 3, 0]));
        Equal("3 0 1 2", string.Join(' ', g.Apply(arange(4, dtype: float64)).data<double>()), "coordinate i moves to place p[i]");
        foreach (var element in group.Generators.Append(group.Random(1))) Small(Law.Unitary(1, element), "elements are unitary");
        var pair = Rep.Vector(group).Tensor(Rep.Trivial(2, group)).DirectSum(Rep.Permutation(4));
        That(pair.Space == Space.Of(12) && pair.Group == group, "a representation");
        Small(Law.Equality(1, pair.Of(g * g), pair.Of(g) * pair.Of(g)), "products go to products");
        That(Rep.Vector(group).Channels(2).Space == Space.Of(4, 2), "channels come last");
    }

    static void Sums()
    {
        using var layer = Equivariant.Linear(1, Group.Orthogonal(3), Features.Tensors(0, 4) + Features.Tensors(1, 2), Features.Tensors(1, 3).Plus(Features.Tensors(2, 1)));
        layer.to(float64);
        Small(Equivariant.Check(1, layer), "commutes with O(3)");
        Equal("weight_0_1 weight_1_0 bias_1", string.Join(' ', layer.state_dict().Keys), "no map joins an even order to an odd one");
        Equal(9 + 9, (int)layer.forward(Draw(2, 5, 4 + 6)).size(1), "a flat vector");
        Equal("5 3 3 1", string.Join(' ', layer.Output.Split([.. layer.Groups], layer.forward(Draw(2, 5, 10)))[1].shape), "and its parts");
        using var local = Equivariant.Local(2, [Group.Symmetric(4), Group.Orthogonal(3)], Features.Local([1, 1], 2), Features.Local([1, 1], 2));
        local.to(float64);
        Small(Equivariant.Check(1, local), "a set of vectors: S_4 x O(3)");
        Equal("4 3 2", string.Join(' ', local.Input.Space([.. local.Groups]).Shape), "axes of the factors, then channels");
        Equal("[1, 1] 2", $"[{string.Join(", ", local.Input.Terms[0].Orders)}] {local.Input.Terms[0].Channels}", "a summand");
    }

    static void Training()
    {
        using var layer = new EquivariantLayer(seed: 1, Group.Symmetric(4), inputOrder: 1, inputChannels: 1, outputOrder: 1, outputChannels: 1, hasBias: false);
        Equal("weight", string.Join(' ', layer.state_dict().Keys), "no bias");
        using var model = nn.Sequential(("sets", layer));
        using var adam = optim.Adam(model.parameters(), 0.05);
        var x = Seed.Normal(1, TensorKind.Float32, [64, 4, 1]);
        var y = 2 * x - x.sum(1, keepdim: true);
        for (var i = 0; i < 400; i++)
        {
            using var step = NewDisposeScope();
            adam.zero_grad();
            nn.functional.mse_loss(model.forward(x), y).backward();
            adam.step();
        }

        That(Law.Distance(model.forward(x), y) < 1e-3, "learned");
        Equal("{0,1} 2, {0|1} -1", string.Join(", ", Basis.Diagrams(layer.Group, 1, 1).Zip(layer.get_parameter("weight")!.flatten().data<float>(), (d, w) => $"{d.Partition} {Math.Round(w, 2)}")), "a weight for each diagram");
        var again = Equivariant.OfWeight(layer.Group, 1, 1, layer.get_parameter("weight")!);
        Equal(0.0, Law.Distance(again.Apply(x), layer.Linear.Apply(x)), "the layer's map from its weights");
    }

    static void Activations()
    {
        var (relu, tanh) = (PointwiseActivation.Relu, PointwiseActivation.Tanh);
        var signs = diag(tensor(new[] { 1.0, -1.0 }));
        That(PointwiseActivation.Admits(tanh, signs) && !PointwiseActivation.Admits(relu, signs), "tanh is odd");
        Small(PointwiseActivation.Commutes(1, tanh, LinearMaps.OfMatrix(signs)), "and commutes");
        var rotations = Rep.Vector(Group.SpecialOrthogonal(3));
        var answer = PointwiseActivation.MayApply(relu, rotations);
        That(!answer.IsAllowed && answer.Reason.StartsWith("ReLU does not commute with SO(3) on R^3: an element mixes"), answer.Reason);
        var cube = new ActivationFunction("cube", ActivationClass.Odd, x => x * x * x);
        Small(PointwiseActivation.ClassDefect(1, cube), "the class of one's own function");
        That(Equivariant.MayApply(cube, Rep.Permutation(4).TensorPower(2)).IsAllowed, "permutations take it");
        using var layer = new EquivariantLayer(1, Group.Symmetric(4), 2, 3, 1, 2);
        using var model = nn.Sequential(layer, nn.GELU(), nn.Softmax(1));
        var warnings = EquivarianceWarnings.OfModules([model]);
        That(warnings.Length == 1 && warnings[0].StartsWith("module 2: Softmax is unknown"), string.Join(", ", warnings));
    }

    static void BadInput()
    {
        Refused<ArgumentOutOfRangeException>("n", () => Group.Symmetric(0));
        Refused<ArgumentOutOfRangeException>("k", () => Basis.Dimension(Group.Symmetric(3), -1, 1));
        Refused<ArgumentException>("right", () => Rep.Permutation(3).Tensor(Rep.Permutation(4)));
        Refused<ArgumentOutOfRangeException>("inputChannels", () => new EquivariantLayer(1, Group.Symmetric(3), 1, 0, 1, 1));
        Refused<ArgumentException>("output", () => new EquivariantLayer(1, Group.Symmetric(20), 4, 100, 4, 100));
        Refused<ArgumentException>("output", () => new EquivariantLayer(1, Group.Orthogonal(3), 2, 1, 1, 1));
        Refused<ArgumentException>("input", () => Equivariant.Local(1, [Group.Symmetric(3)], Features.Local([1, 1], 1), Features.Tensors(1, 1)));
        Refused<ArgumentException>("weight", () => Equivariant.OfWeight(Group.Symmetric(3), 1, 1, zeros(3, 1, 1)));
        Refused<ArgumentException>("map", () => Rep.Permutation(3).Equivariance(1, 1, Rep.Permutation(3), LinearMaps.Identity(4)));
        Refused<ArgumentException>("matrix", () => Reynolds.ProjectMatrix(Group.Orthogonal(3), 1, 1, zeros(3, 9)));
        Refused<ArgumentException>("map", () => Reynolds.Coordinates(Group.Orthogonal(3), 1, 1, LinearMaps.OfMatrix(Draw(1, 3, 3))));
        using var layer = new EquivariantLayer(1, Group.Symmetric(3), 1, 2, 1, 2);
        Refused<ArgumentException>("x", () => layer.forward(zeros(5, 4, 2)));
    }
}
