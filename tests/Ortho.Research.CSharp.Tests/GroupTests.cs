using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Groups beyond S_n, their diagrams, and the maps that commute with them.</summary>
internal static class GroupTests
{
    public static Test All => Runner.TestList("groups",
    [
        Case("count the maps that commute with them", Dimensions),
        Case("have generators, random elements, and know their own", Elements),
        Case("list the maps that span", Spanning),
        Case("diagrams of pairs multiply", Diagrams),
        Case("graphs have automorphisms and maps of their own", Graphs),
        Case("of permutations are known by their generators", Permutations),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Dimensions()
    {
        Equal("3 6 2 22 3", string.Join(' ',
            Basis.Dimension(Group.Orthogonal(3), 2, 2),
            Basis.Dimension(Group.SpecialOrthogonal(3), 3, 2),
            Basis.Dimension(Group.Symplectic(2), 2, 2),
            Basis.Dimension(Group.Alternating(4), 2, 2),
            Basis.Dimension(Group.Automorphisms(Graph.Cycle(5)), 1, 1)), "dimensions");
        That(!Basis.IsIndependent(Group.SpecialOrthogonal(3), 3, 2), "ten maps, six dimensions");
    }

    static void Elements()
    {
        foreach (var group in new[] { Group.Orthogonal(3), Group.SpecialOrthogonal(3), Group.Symplectic(4), Group.Alternating(4) })
        {
            That(group.Generators.Append(group.Random(1)).All(g => group.Defect(g) < 1e-12), $"{group}");
        }

        var swap = Group.OfPermutation(Permutation.OfArray([1, 0, 2, 3]));
        That(double.IsInfinity(Group.Alternating(4).Defect(swap)), "a swap is odd");
    }

    static void Spanning()
    {
        var group = Group.SpecialOrthogonal(3);
        var cross = Basis.Spanning(group, 2, 1).Single();
        var vector = Rep.Vector(group);
        Small(vector.TensorPower(2).Equivariance(1, 5, vector, cross), "the cross product");
        var (x, y) = (Draw(1, 3), Draw(2, 3));
        Small(Law.Distance(cross.Apply(outer(x, y)), linalg.cross(x, y)), "the cross product as it is known");
    }

    static void Diagrams()
    {
        Equal(3, Brauer.Enumerate(0, 2, 2).Length, "pairs of four vertices");
        Equal("105", Brauer.Count(0, 4, 4).ToString(), "of eight");
        var head = Diagram.OfBlocks(2, 1, [[0], [1], [2]]);
        That(Brauer.IsBrauer(3, head), "three free vertices");
        Equal("0 1 2", string.Join(' ', Brauer.FreeVertices(head)), "free vertices");
        var terms = Brauer.Product(3, head.Adjoint, head);
        Small(Law.Distance(
            (HeadFunctor.Determinant(3, head.Adjoint) * HeadFunctor.Determinant(3, head)).ToMatrix(),
            terms.Select(term => (double)term.Coefficient * Functor.Diagram(3, term.Diagram).ToMatrix()).Aggregate((a, b) => a + b)), "two heads");
        var bridge = Diagram.OfBlocks(2, 2, [[0, 1], [2, 3]]);
        Equal("1 1 0 -1", $"{Brauer.Cups(bridge)} {Brauer.Caps(bridge)} {Brauer.Crossings(bridge)} {Brauer.Sign(bridge)}", "of a bridge");
        Small(Law.Equality(1, SymplecticFunctor.Signed(4, bridge), -1.0 * SymplecticFunctor.Raw(4, bridge)), "sign");
        Equal("J{0|1,2}", HeadFunctor.Jellyfish(3, Diagram.OfBlocks(2, 1, [[0], [1, 2]])).ToString(), "a jellyfish");
    }

    static void Graphs()
    {
        var petersen = Graph.Petersen;
        Equal("120", petersen.Automorphisms.Order.ToString(), "automorphisms");
        That(petersen.HasEdge(0, 1) && petersen.Neighbours(0).Length == 3 && petersen.Edges.Length == 15 && petersen.Size == 10, "edges");
        That(Graph.OfEdges(2, [[1, 0]]) == Graph.Path(2), "one graph");
        var edge = BilabelledGraph.Of(Graph.Complete(2), [0], [1]);
        var adjacency = GraphFunctor.Homomorphisms(petersen, edge);
        Small(Law.Equality(1, GraphFunctor.Homomorphisms(petersen, edge.Compose(edge)), adjacency * adjacency), "paths of two edges");
        Equal(2, edge.Tensor(edge.Adjoint).Top.Length, "labels");
    }

    static void Permutations()
    {
        var group = PermutationGroup.OfGenerators(4, [Permutation.OfArray([1, 2, 3, 0])]);
        Equal("4", group.Order.ToString(), "a cycle");
        Equal(4, group.Elements(10).Length, "elements");
        That(group.Contains(group.Random(3)) && !group.Contains(Permutation.OfArray([1, 0, 2, 3])), "its own");
        Equal("4", group.CountOrbits(2).ToString(), "orbits of pairs");
        Equal(4, group.OrbitsOfTuples(2).Distinct().Count(), "the same by union");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("n", () => Group.Symplectic(3));
        Refused<ArgumentException>("edges", () => Graph.OfEdges(2, [[1, 1]]));
        Refused<ArgumentException>("d", () => HeadFunctor.Determinant(3, Diagram.Identity(1)));
        Refused<ArgumentException>("d", () => SymplecticFunctor.Raw(2, Diagram.OfBlocks(1, 1, [[0], [1]])));
        Refused<ArgumentException>("generators", () => PermutationGroup.OfGenerators(3, [Permutation.Identity(2)]));
    }
}
