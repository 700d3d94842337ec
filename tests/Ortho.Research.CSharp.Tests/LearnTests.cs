using System;
using System.IO;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Learned maps as TorchSharp's own modules: trained, saved, moved, put in a Sequential.</summary>
internal static class LearnTests
{
    public static Test All => Runner.TestList("learned maps",
    [
        Case("train in a Sequential", Training),
        Case("save and load under the names of their parameters", Saving),
        Case("outlive the scope they are made in, and so does nothing else", Scopes),
        Case("give the map as it is now", Realize),
        Case("start from parameters of any kind", Starts),
        Case("move to another type", Moves),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static LearnedMap Rotation(int seed) => new("rotation", [Parameters.Normal(seed, 4, 4).Named("skew")], p => Cayley.OfSkew(Skew.OfSquare(p[0])));

    static Tensor Single(int seed, params long[] shape) => Seed.Normal(seed, TensorKind.Float32, shape);

    static void Training()
    {
        using var hidden = Rotation(5);
        using var learned = Rotation(1);
        using var model = nn.Sequential(("rotation", learned), ("bias", nn.Linear(4, 4, hasBias: false)));
        Equal("rotation.skew bias.weight", string.Join(' ', model.state_dict().Keys), "names");
        using var adam = optim.Adam(model.parameters(), 0.02);
        var (x, first, last) = (Single(3, 64, 4), float.NaN, float.NaN);
        var y = hidden.forward(x).detach();
        for (var i = 0; i < 300; i++)
        {
            using var step = NewDisposeScope();
            adam.zero_grad();
            var loss = nn.functional.mse_loss(model.forward(x), y);
            loss.backward();
            adam.step();
            last = loss.item<float>();
            if (i == 0) first = last;
        }

        That(last < 1e-3 * first, $"the loss fell from {first} to {last}");
        That(Law.Unitary(1, learned.Realize()) < 1e-5, "still a rotation");
    }

    static void Saving()
    {
        using var learned = Rotation(1);
        using var other = Rotation(2);
        var x = Single(3, 5, 4);
        That(Law.Distance(other.forward(x), learned.forward(x)) > 0.1, "two seeds, two maps");
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat");
        try
        {
            learned.save(file);
            other.load(file);
        }
        finally
        {
            File.Delete(file);
        }

        Equal(0.0, Law.Distance(other.forward(x), learned.forward(x)), "loaded");
    }

    static void Scopes()
    {
        LearnedMap learned;
        using (NewDisposeScope()) learned = Rotation(1);
        var x = Single(3, 5, 4);
        using (learned)
        {
            learned.forward(x).Dispose();
            var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            for (var i = 0; i < 20; i++) learned.forward(x).Dispose();
            Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount, "live tensors after twenty calls");
        }
    }

    static void Realize()
    {
        using var learned = Rotation(1);
        var map = learned.Realize();
        That(map.Domain == learned.Domain && map.Codomain == Space.Of(4), "spaces");
        var x = Single(3, 5, 4);
        var before = map.Apply(x);
        using (no_grad()) learned.get_parameter("skew")!.zero_();
        Equal(0.0, Law.Distance(before, map.Apply(x)), "later steps do not reach it");
        Equal(0.0, Law.Distance(x, learned.forward(x)), "they reach the module");
        That(!map.Apply(x).requires_grad, "no gradients");
    }

    static void Starts()
    {
        Parameter[] starts =
        [
            Parameters.Zeros(3),
            Parameters.Uniform(1, 2, 3, 3).Named("scale"),
            Parameters.Normal(2, 3).Scaled(1e-6),
            Parameters.OfTensor(ones(3)).Named("start"),
        ];
        using var learned = new LearnedMap("sum", starts, p => p.Select(LinearMaps.OfDiagonal).Aggregate((a, b) => a + b));
        Equal("p0 scale p2 start", string.Join(' ', learned.ParameterNames), "names");
        Equal("p0 scale p2 start", string.Join(' ', learned.state_dict().Keys), "of what is saved");
        var sum = learned.forward(ones(3));
        That(sum.min().item<float>() >= 2.999 && sum.max().item<float>() < 4.001, "0 + [2, 3) + 0 + 1");
        Equal("3", string.Join(' ', starts[0].Shape), "shape");
    }

    static void Moves()
    {
        var wide = Parameters.Normal(1, 4, 4).On(TensorKind.Float64);
        Equal(TensorKind.Float64, wide.Kind, "a parameter's kind");
        using var learned = Rotation(1);
        learned.to(float64);
        Small(Law.Unitary(1, learned.Realize()), "in float64");
        Refused<ArgumentException>("x", () => learned.forward(zeros(4)));
    }

    static void BadInput()
    {
        Parameter[] one = [Parameters.Zeros(3)];
        Refused<ArgumentNullException>("name", () => new LearnedMap(null!, one, p => LinearMaps.OfDiagonal(p[0])));
        Refused<ArgumentNullException>("parameters", () => new LearnedMap("m", null!, p => LinearMaps.OfDiagonal(p[0])));
        Refused<ArgumentNullException>("build", () => new LearnedMap("m", one, null!));
        Refused<ArgumentException>("parameters", () => new LearnedMap("m", [one[0].Named("a"), one[0].Named("a")], p => LinearMaps.OfDiagonal(p[0])));
        Refused<ArgumentException>("name", () => one[0].Named("a.b"));
        Refused<ArgumentException>("sizes", () => Parameters.Zeros(3, 0));
        Refused<ArgumentException>("value", () => Parameters.OfTensor(arange(3)));
        Raised<InvalidOperationException>(() => new LearnedMap("m", one, _ => null!));
    }
}
