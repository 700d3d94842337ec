using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using Expecto;
using Expecto.CSharp;
using static Ortho.Research.CSharp.Tests.Check;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Mathematics without tensors: permutations, partitions, diagrams, Young diagrams, sizes of convolutions.</summary>
internal static class AlgebraTests
{
    public static Test All => Runner.TestList("algebra",
    [
        Runner.TestCase("permutations compose, invert and fall into cycles", Permutations),
        Runner.TestCase("set partitions are counted, listed, joined and met", Partitions),
        Runner.TestCase("diagrams compose, stand side by side, turn over and factor", Diagrams),
        Runner.TestCase("orbit and diagram bases change into each other", Orbits),
        Runner.TestCase("Young diagrams grow, shrink and count tableaux", YoungDiagrams),
        Runner.TestCase("convolutions have sizes", Convolutions),
        Runner.TestCase("equal values are equal by ==, as keys and in order", Equality),
        Runner.TestCase("long lists are refused with their length", Limits),
        Runner.TestCase("bad input is refused by the name of the argument", BadInput),
    ]);

    static void Permutations()
    {
        var p = Permutation.OfArray([1, 2, 0, 3]);
        Equal("[1 2 0 3], 4 points, 0 -> 1", $"{p}, {p.Size} points, 0 -> {p[0]}", "images");
        That(p.Compose(p.Inverse) == Permutation.Identity(4), "an inverse");
        Equal("0 1 2|3", string.Join('|', p.Cycles.Select(cycle => string.Join(' ', cycle))), "cycles");
        Equal("3 1", string.Join(' ', p.CycleType), "cycle type");
        Equal(1, p.Sign, "sign");
    }

    static void Partitions()
    {
        var (p, q) = (SetPartition.OfBlocks([[0, 1], [2], [3]]), SetPartition.OfLabels([7, 5, 5, 1]));
        Equal("{0,1|2|3} {0|1,2|3} {0,1,2|3} {0|1|2|3}", $"{p} {q} {p.Join(q)} {p.Meet(q)}", "join and meet");
        That(p.Meet(q) == SetPartition.Finest(4) && p.Refines(SetPartition.Coarsest(4)), "ends of the lattice");
        Equal(5, p.Coarsenings.Length, "coarsenings");
        Equal("0,1 2 3", string.Join(' ', p.Blocks.Select(block => string.Join(',', block))), "blocks");
        Equal("4 3 0", $"{p.Size} {p.BlockCount} {p.BlockOf(1)}", "facts");
        Equal((BigInteger)(-6), SetPartition.Moebius(SetPartition.Finest(4), SetPartition.Coarsest(4)), "Moebius function");
        Equal(15, SetPartition.Enumerate(4).Length, "all of 4");
        Equal(8, SetPartition.EnumerateAtMost(2, 4).Length, "of at most 2 blocks");
        Equal((BigInteger)8, SetPartition.RestrictedBell(4, 2), "counted");
        Equal(SetPartition.Bell(30), Enumerable.Range(0, 31).Select(t => SetPartition.Stirling(30, t)).Aggregate(BigInteger.Add), "a number beyond long");
    }

    static void Diagrams()
    {
        var split = Diagram.OfBlocks(1, 2, [[0, 1, 2]]);
        Equal("(1,2) {0,1,2}, 2 above, 1 below", $"{split}, {split.TopCount} above, {split.BottomCount} below", "a diagram");
        var product = split.Adjoint.Compose(split);
        That(product.Diagram == Diagram.Identity(1) && product.Removed == 0, "split and merge");
        That(split.Tensor(split) == Diagram.OfBlocks(2, 4, [[0, 1, 4], [2, 3, 5]]), "side by side");
        var swap = Diagram.OfPermutation(Permutation.OfArray([1, 0]));
        That(swap.IsPermutation && swap.TryPermutation(out var p) && p[0] == 1, "a permutation's");
        That(!split.TryPermutation(out _), "no permutation's");
        Equal("a b\nb a", swap.Draw(), "drawn");
        var d = Diagram.OfPartition(2, 2, SetPartition.OfBlocks([[0, 3], [1], [2]]));
        Equal("1 1 1", $"{d.TopBlocks.Length} {d.BottomBlocks.Length} {d.PropagatingNumber}", "rows and crossings");
        Equal("0 3", string.Join(' ', d.ThroughBlocks.Single()), "the block that crosses");
        var parts = d.Factor();
        var again = Diagram.OfPermutation(parts.Left).Compose(parts.Planar).Diagram.Compose(Diagram.OfPermutation(parts.Right));
        That(again.Diagram == d, "factors give it back");
        Equal(SetPartition.Coarsest(2), swap.Closure, "a swap closes to one loop");
        Equal(15, Diagram.Enumerate(2, 2).Length, "all");
        Equal(8, Diagram.EnumerateAtMost(2, 2, 2).Length, "of at most two blocks");
    }

    static void Orbits()
    {
        var d = Diagram.OfBlocks(1, 1, [[0], [1]]);
        Equal("{0,1} 1, {0|1} 1", Terms(OrbitBasis.OfDiagram(3, d)), "all ones: equal and different");
        Equal("{0,1} -1, {0|1} 1", Terms(OrbitBasis.ToDiagrams(d)), "different: all ones less equal");
        Equal("{0,1} 2, {0|1} 1", Terms(OrbitBasis.Product(3, d, d)), "(J - I)^2 = 2 I + (J - I) at n = 3");
        var points = Diagram.OfBlocks(0, 2, [[0], [1]]);
        That(Jellyfish.IsJellyfish(3, points) && !Jellyfish.IsJellyfish(4, points), "n or n - 1 blocks");
        Equal(6, (int)Jellyfish.Product(3, points.Adjoint, points).Single().Coefficient, "the length of the sign tensor of three letters");
        Equal(1, Jellyfish.AfterOrbit(3, points, Diagram.Identity(0)).Length, "J after X");
        Equal(1, Jellyfish.BeforeOrbit(3, Diagram.Identity(0), points.Adjoint).Length, "X after J");

        static string Terms(DiagramTerm[] terms) =>
            string.Join(", ", terms.OrderBy(term => term.Diagram.BlockCount).Select(term => $"{term.Diagram.Partition} {term.Coefficient}"));
    }

    static void YoungDiagrams()
    {
        var y = YoungDiagram.OfRows([2, 1]);
        Equal("(2,1), 3 boxes, 2 tableaux", $"{y}, {y.Size} boxes, {y.Tableaux} tableaux", "a diagram");
        Equal("(3,1) (2,2) (2,1,1)", string.Join(' ', y.AddBox().AsEnumerable()), "one box more");
        Equal("(1,1) (2)", string.Join(' ', y.RemoveBox().AsEnumerable()), "one box less");
        Equal(YoungDiagram.Count(6), YoungDiagram.Enumerate(6).Length, "of six boxes");
        Equal((BigInteger)720, YoungDiagram.Enumerate(6).Aggregate(BigInteger.Zero, (sum, shape) => sum + shape.Tableaux * shape.Tableaux), "squares sum to 6!");
        Equal(SetPartition.RestrictedBell(4, 3), McKay.Walks(3, 4), "closed walks");
        Equal(3, McKay.Adjacency(3).GetLength(0), "irreducible representations of S_3");
    }

    static void Convolutions()
    {
        var axis = new ConvolutionAxis(kernel: 3, stride: 2, padding: 1, dilation: 1);
        Equal("112 1", $"{ConvolutionArithmetic.OutputSize(axis, 224)} {ConvolutionArithmetic.Remainder(axis, 224)}", "half");
        Equal(224L, ConvolutionArithmetic.TransposedOutputSize(axis, 1, 112), "and back");
        That(axis.TryOutputSize(224, out var size) && size == 112, "a size");
        That(!ConvolutionArithmetic.OfKernel(5).TryOutputSize(4, out _), "no window fits");
        Refused<ArgumentOutOfRangeException>("input", () => ConvolutionArithmetic.OutputSize(ConvolutionArithmetic.OfKernel(5), 4));
    }

    static void Equality()
    {
        Diagram a = Diagram.OfBlocks(1, 1, [[0, 1]]), b = Diagram.Identity(1), c = Diagram.OfBlocks(1, 1, [[0], [1]]);
        That(a == b && a != c && !ReferenceEquals(a, b), "diagrams");
        That(SetPartition.Finest(3) == SetPartition.OfLabels([5, 6, 7]) && SetPartition.Finest(3) != SetPartition.Coarsest(3), "partitions");
        That(YoungDiagram.OfRows([2, 1]) == YoungDiagram.Enumerate(3)[1] && Permutation.Identity(2) != Permutation.OfArray([1, 0]), "the others");
        That(Group.Symmetric(3) == Group.Symmetric(3) && Group.Symmetric(3) != Group.Symmetric(4), "groups");
        Diagram? none = null;
        That(none != a && a != none && none == null, "null");
        Equal(2, new HashSet<Diagram> { a, b, c }.Count, "as keys");
        var partitions = SetPartition.Enumerate(4);
        That(partitions.Order().SequenceEqual(partitions), "lists are in order");
    }

    static void Limits()
    {
        var refusal = Raised<ArgumentException>(() => SetPartition.Enumerate(100)).Message;
        That(refusal.Contains(SetPartition.Bell(100).ToString()), refusal);
        Equal(5, SetPartition.EnumerateWithin(5, 3, 3).Length, "as many as the limit");
        Raised<ArgumentException>(() => SetPartition.EnumerateWithin(4, 3, 3));
        Equal(2, Diagram.EnumerateWithin(2, 2, 1, 1).Length, "diagrams");
        Raised<ArgumentException>(() => Diagram.EnumerateWithin(1, 2, 1, 1));
    }

    static void BadInput()
    {
        Refused<ArgumentException>("images", () => Permutation.OfArray([0, 0]));
        Refused<ArgumentOutOfRangeException>("i", () => _ = Permutation.Identity(2)[2]);
        Refused<ArgumentException>("q", () => Permutation.Identity(2).Compose(Permutation.Identity(3)));
        Refused<ArgumentException>("blocks", () => SetPartition.OfBlocks([[0, 1], [1]]));
        Refused<ArgumentException>("q", () => SetPartition.Finest(2).Join(SetPartition.Finest(3)));
        Refused<ArgumentOutOfRangeException>("m", () => SetPartition.Bell(-1));
        Refused<ArgumentException>("partition", () => Diagram.OfPartition(1, 1, SetPartition.Finest(3)));
        Refused<ArgumentException>("d1", () => Diagram.Identity(1).Compose(Diagram.Identity(2)));
        Refused<ArgumentException>("rows", () => YoungDiagram.OfRows([1, 2]));
    }
}
