using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Plane rotations as C# calls them.</summary>
internal static class PlaneTests
{
    public static Test All => Runner.TestList("plane rotations",
    [
        Case("schedules are read as pairs and rounds", Schedules),
        Case("rotations and chains", Chains),
        Case("matrices and vectors as rotations", Factors),
        Case("train as a module", Training),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Schedules()
    {
        var tournament = PlaneSchedule.Tournament(5);
        Equal("(0, 1) (2, 3) (0, 2) (0, 4)", string.Join(' ', tournament.Pairs), "pairs");
        Equal((5, 4, 3), (tournament.Size, tournament.Count, tournament.RoundCount), "numbers");
        foreach (var (i, j) in tournament.Rounds[0]) Equal(i + 1, j, "stride 1");
        That(PlaneSchedule.OfPairs(5, tournament.Pairs).Equals(tournament), "the same pairs");
        That(PlaneSchedule.OfRounds(5, tournament.Rounds).Reversed().Reversed().Equals(tournament), "the same rounds");
        Equal(28, PlaneSchedule.RoundRobin(8).Count, "every pair");
        Equal(3, PlaneSchedule.Butterfly(8).RoundCount, "log2 n");
        var merged = PlaneSchedule.OfRounds(4, new (int, int)[][] { [(0, 1)], [(1, 2)], [(0, 3)] }).Merge();
        Equal(2, merged.Schedule.RoundCount, "(1, 2) and (0, 3) together");
        Equal("0 1 2", string.Join(' ', merged.Order), "angles where they were");
        Equal("3 planes of [4] in 3 rounds", PlaneSchedule.Sequential(4).ToString(), "in words");
    }

    static void Chains()
    {
        var schedule = PlaneSchedule.RoundRobin(6);
        var q = Givens.Chain(schedule, Draw(1, schedule.Count));
        Small(Law.Promises(1, q), "unitary");
        Small(Law.Adjoint(1, q), "its adjoint");
        Small(Math.Abs(linalg.det(q.ToMatrix()).item<double>() - 1), "determinant");
        var turn = Givens.Rotation(3, 0, 1, tensor(Math.PI / 2, dtype: float64));
        Small(Law.Distance(turn.Apply(tensor(new[] { 1.0, 0, 5 })), tensor(new[] { 0.0, 1, 5 })), "a quarter turn");
        var complex = Givens.ComplexChain(schedule, Draw(1, schedule.Count));
        Equal(complex128, complex.Kind!.Value.Dtype, "complex vectors");
        Small(Law.Unitary(1, complex), "turned");
    }

    static void Factors()
    {
        var q = Householder.Chain(Draw(1, 3, 5)).ToMatrix();
        var factors = Givens.Factors(q);
        Equal((-1, 10, 7), (factors.Determinant, factors.Schedule.Count, factors.Schedule.RoundCount), "three reflections");
        Equal(10L, factors.Angles.shape[0], "angles");
        Small(Law.Distance(Givens.OfMatrix(q).ToMatrix(), q), "given back");
        var x = Draw(2, 7);
        var down = Givens.Chain(PlaneSchedule.Tournament(7), Givens.TournamentAngles(x));
        Small(Law.Distance(down.Apply(x), x.norm() * eye(7, dtype: float64)[0]), "onto the first unit vector");
    }

    static void Training()
    {
        var schedule = PlaneSchedule.Butterfly(8);
        using var learned = new LearnedMap("turn", [Parameters.Zeros(schedule.Count)], p => Givens.Chain(schedule, p[0]));
        var x = randn(16, 8, generator: Seed.Generator(1, CPU));
        Equal(0.0, Law.Distance(learned.forward(x), x), "starts at the identity");
        var before = x.roll(1, 1);
        double Loss() => (learned.forward(x) - before).square().mean().item<float>();
        using var adam = optim.Adam(learned.parameters(), 0.05);
        var start = Loss();
        for (var step = 0; step < 50; step++)
        {
            adam.zero_grad();
            (learned.forward(x) - before).square().mean().backward();
            adam.step();
        }

        That(Loss() < 0.8 * start, "learns");
    }

    static void BadInput()
    {
        Refused<ArgumentException>("angles", () => Givens.Chain(PlaneSchedule.Sequential(4), Draw(1, 4)));
        Refused<ArgumentException>("n", () => PlaneSchedule.Butterfly(12));
        Refused<ArgumentException>("pairs", () => PlaneSchedule.OfPairs(3, [(0, 3)]));
        Refused<ArgumentException>("rounds", () => PlaneSchedule.OfRounds(3, new (int, int)[][] { [(0, 1), (1, 2)] }));
        Refused<ArgumentException>("j", () => Givens.Rotation(3, 1, 1, tensor(0.5)));
        Refused<ArgumentException>("q", () => Givens.OfMatrix(Draw(1, 3, 3)));
        Refused<ArgumentException>("x", () => Givens.TournamentAngles(Draw(1, 1)));
    }
}
