using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Orthogonal layers for the hurried, and TorchSharp's own layers kept orthogonal.</summary>
internal static class FrontDoorTests
{
    public static Test All => Runner.TestList("front doors",
    [
        Case("a learned orthogonal matrix in a Sequential", Linear),
        Case("a learned orthogonal convolution", Convolution),
        Case("a Linear of TorchSharp's trains and stays orthonormal", Constrained),
        Case("a Conv2d of TorchSharp's becomes an orthogonal convolution", ConstrainedConvolution),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static void Linear()
    {
        using var rotation = Orthogonal.Linear(seed: 1, inputs: 6, outputs: 6);
        using var frame = Orthogonal.Linear(2, 6, 3);
        using var model = nn.Sequential(("rotation", rotation), ("frame", frame));
        Equal("4 3", string.Join(' ', model.forward(zeros(4, 6)).shape), "shape");
        Equal(15L + 18L, model.parameters().Sum(p => p.numel()), "numbers to learn");
        That(frame.Realize().Promises(Traits.Coisometry), "fewer outputs than inputs");
        That(Law.Promises(1, rotation.Realize()) < 1e-5, "unitary");
    }

    static void Convolution()
    {
        using var conv = Orthogonal.Conv(seed: 1, inputs: 2, outputs: 3, taps: [3, 3], image: [5, 6]);
        conv.to(float64);
        var map = conv.Realize();
        That(map.Domain == Space.Of(2, 5, 6) && map.Codomain == Space.Of(3, 5, 6), "spaces");
        Small(Law.Isometry(1, map), "isometry");
    }

    static void Constrained()
    {
        using var given = nn.Linear(5, 4);
        using var layer = Orthogonal.Constrain(given);
        var x = Draw(1, 16, 5).to(float32);
        That(layer.Report.Moved > 0 && layer.Report.MovedBeyondScale <= layer.Report.Moved + 1e-6, layer.Report.ToString());
        using var adam = optim.Adam(layer.parameters(), 0.05);
        for (var i = 0; i < 20; i++)
        {
            using var step = NewDisposeScope();
            adam.zero_grad();
            layer.forward(x).square().sum().backward();
            adam.step();
        }

        That(Law.Orthogonality(layer.Weight.mT) < 1e-5, "orthonormal rows");
        Equal("base bias free", string.Join(' ', layer.state_dict().Keys.Order()), "names");
    }

    static void ConstrainedConvolution()
    {
        using var given = nn.Conv2d(3, 3, 3, padding: 1, padding_mode: PaddingModes.Circular, bias: false);
        using var layer = Orthogonal.Constrain(given);
        layer.to(float64);
        var x = Draw(1, 2, 3, 6, 6);
        Small(Law.Distance(linalg.norm(layer.forward(x)), linalg.norm(x)), "the norm of an image");
    }

    static void BadInput()
    {
        Refused<System.ArgumentException>("inputs", () => Orthogonal.Linear(1, 0, 2));
        Refused<System.ArgumentException>("taps", () => Orthogonal.Conv(1, 2, 2, [], [4]));
        Refused<System.ArgumentException>("layer", () => Orthogonal.Constrain(nn.ReLU()));
        Refused<System.ArgumentException>("layer", () => Orthogonal.Constrain(nn.Conv2d(2, 2, 3, padding: 1)));
    }
}
