using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Block-diagonal and butterfly maps, Hadamard matrices, equiangular frames and initial weights as C# calls them.</summary>
internal static class ButterflyTests
{
    public static Test All => Runner.TestList("butterflies",
    [
        Case("block-diagonal maps and their radius", Blocks),
        Case("butterflies and their count", Butterflies),
        Case("Hadamard matrices, codes and transforms", Hadamards),
        Case("equiangular frames", Frames),
        Case("initial weights", Weights),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Blocks()
    {
        var s = 0.1 * Skew.OfSquare(Draw(1, 3, 4, 4));
        var q = BlockDiagonal.OfSkew(s);
        Small(Law.Promises(1, q), "unitary");
        Small(Law.Equality(1, q, BlockDiagonal.OfOrthogonal(Cayley.Matrix(s))), "given blocks");
        Small(Law.Equality(1, BlockDiagonal.Neumann(order: 4, s), BlockDiagonal.OfBlocks(Cayley.NeumannMatrix(4, s))), "a series");
        Small(Law.Equality(1, BlockDiagonal.Shared(3, Cayley.OfSkew(s[0])), BlockDiagonal.OfSkew(stack([s[0], s[0], s[0]]))), "one block for all");
        That(BlockDiagonal.Distance(BlockDiagonal.Project(radius: 0.01, s)).item<double>() <= 0.01, "within the radius");
    }

    static void Butterflies()
    {
        var m = Butterfly.FactorsToConnect(n: 16, b: 4);
        Equal(3, m, "factors");
        Equal(72L, Butterfly.ParameterCount(m, 16, 4), "numbers");
        var s = Skew.OfVector(4, Draw(1, m, 4, 6));
        var q = Butterfly.OfSkew(s);
        Small(Law.Promises(1, q), "unitary");
        Small(Law.Equality(1, q, Butterfly.OfOrthogonal(Cayley.Matrix(s))), "given blocks");
        Small(Law.Equality(1, q, Butterfly.OfBlocks(Cayley.Matrix(s))), "any blocks");
        That(q.TryInverse(out var inverse) && inverse == q.Adjoint, "knows its inverse");
    }

    static void Hadamards()
    {
        var h = Hadamard.Transform(8);
        Small(Law.Distance(h.ToMatrix(), Hadamard.Matrix(TensorKind.Float64, 8) / Math.Sqrt(8)), "as a matrix");
        That(h.Adjoint == h, "its own adjoint");
        Small(Law.Promises(1, Hadamard.Random(seed: 1, 8)), "a random rotation");
        var codes = Hadamard.Codes(TensorKind.Float64, count: 20, length: 12);
        Equal(20L, codes.shape[0], "codes");
        Small(Math.Abs(codes[0].dot(codes[1]).item<double>()), "at half distance");
    }

    static void Frames()
    {
        var simplex = EquiangularFrame.Simplex(TensorKind.Float64, 3);
        Small(Math.Abs(EquiangularFrame.Coherence(simplex) - EquiangularFrame.WelchBound(4, 3)), "meets the bound");
        var found = EquiangularFrame.Search(seed: 1, TensorKind.Float64, steps: 500, bound: 0.5, count: 12, dimension: 6);
        That(found.Coherence <= 0.5001 && found.Steps > 0 && found.Vectors.shape[1] == 6, "found");
    }

    static void Weights()
    {
        var w = Initialization.Orthogonal(1, TensorKind.Float64, Initialization.Gain(Activation.Relu), [4, 2, 3, 3]);
        Small(Law.Orthogonality(w.flatten(1) / Math.Sqrt(2)), "filters");
        Equal(2.0, Initialization.VarianceGain(rows: 8, columns: 2), "a tall weight");
        nn.Module<Tensor, Tensor>[] layers = [nn.Linear(6, 5, dtype: float64), nn.ReLU(), nn.Linear(5, 4, dtype: float64)];
        var reports = Initialization.LayerSequential(seed: 1, tolerance: 0.1, layers, Draw(2, 50, 6));
        Equal(2, reports.Length, "layers with weights");
        Small(Math.Abs(reports[1].After - 1), "unit variance");
        Equal(0, Initialization.UnitVariance(0.1, layers, Draw(2, 50, 6))[0].Divisions, "nothing left to do");
        That(reports[0].Layer == 0 && reports[0].Before > 0, "a report");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("blocks", () => Butterfly.OfBlocks(Draw(1, 2, 4, 3, 3)));
        Refused<ArgumentException>("s", () => Butterfly.OfSkew(Draw(1, 2, 4, 4, 4)));
        Refused<ArgumentException>("b", () => Butterfly.FactorsToConnect(24, 4));
        Refused<ArgumentException>("radius", () => BlockDiagonal.Project(-1, zeros(1, 2, 2)));
        Refused<ArgumentOutOfRangeException>("count", () => BlockDiagonal.Shared(0, LinearMaps.Identity(2)));
        Refused<ArgumentException>("n", () => Hadamard.Transform(12));
        Refused<ArgumentException>("n", () => Hadamard.Matrix(TensorKind.Float64, 52));
        Refused<ArgumentOutOfRangeException>("count", () => Hadamard.Codes(TensorKind.Float64, 9, 4));
        Refused<ArgumentException>("bound", () => EquiangularFrame.Search(1, TensorKind.Float64, 10, 0.1, 20, 5));
        Refused<ArgumentException>("shape", () => Initialization.Orthogonal(1, TensorKind.Float64, 1, [4]));
        Refused<ArgumentException>("input", () => Initialization.UnitVariance(0.1, [nn.Linear(2, 2)], zeros(3, 2)));
        Refused<ArgumentException>("layers", () => Initialization.UnitVariance(0.1, [null!], zeros(3, 2)));
    }
}
