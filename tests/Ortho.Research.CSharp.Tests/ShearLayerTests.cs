using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Flows, and measures of fields, as a C# caller writes them.</summary>
internal static class ShearLayerTests
{
    public static Test All => Runner.TestList("shear layers",
    [
        Case("a shear layer rolls up", ShearLayer),
    ]);

    static void ShearLayer()
    {
        var flow = StratifiedFlow.Create(reynolds: 500, richardson: 0.1, rows: 33, columns: 65);
        var (x, z) = UpwindProjection.Nodes(flow);
        var u = ((z - 0.5) / 0.05).tanh().expand(33, 65);
        var w = 0.01 * (4 * Math.PI * x).sin() * (-((z - 0.5) / 0.1).square()).exp();
        var state = stack([u, w, 1.1 - 0.1 * u]);
        var step = UpwindProjection.Step(flow, UpwindProjection.TimeStep(flow, state));
        Equal("[3; 33; 65]", $"{flow.Space}", "its states");
        double Mixing() => FieldComplexity.Mixing(state[2], UpwindProjection.Vorticity(flow, state));
        var before = Mixing();
        var time = 0.0;
        for (; time < 1; time += step.TimeStep) state = step.Step(state);
        That(Mixing() != before && state.isfinite().all().item<bool>(), "it moves and stays finite");
        That(FieldComplexity.Entropy(50, state[2]) <= Math.Log(50) && FieldComplexity.Index(state[2]) > 0, "measures");
    }
}
