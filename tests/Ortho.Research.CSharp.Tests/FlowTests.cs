using System;
using System.IO;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Periodic grids, steppers, runs and flows as C# calls them.</summary>
internal static class FlowTests
{
    public static Test All => Runner.TestList("flows",
    [
        Case("periodic grids and their maps", Grids),
        Case("steppers of functions", Steppers),
        Case("runs: invariants, progress, blow-up", Runs),
        Case("runs: saved and resumed", Resumed),
        Case("a vortex decays", Vortex),
        Case("equations on a line", Lines),
        Case("refuse bad input by the name of the argument", BadInput),
    ]);

    static PeriodicGrid Plane => Periodic.Grid([8, 9], [2 * Math.PI, 2 * Math.PI]);

    static void Grids()
    {
        var grid = Plane;
        var x = Periodic.Points(TensorKind.Float64, grid);
        var wave = (x[0] + 2 * x[1]).sin();
        Small(Law.Distance(PeriodicMaps.Laplacian(grid).Apply(wave), -5 * wave), "the Laplacian of a wave");
        Small(Law.Distance(PeriodicMaps.InverseLaplacian(grid).Apply(wave), -0.2 * wave), "and its inverse");
        Small(Law.Distance(PeriodicMaps.Derivative(1, 1, grid).Apply(wave), 2 * (x[0] + 2 * x[1]).cos()), "a derivative");
        Small(Law.Distance(PeriodicMaps.Truncation(2, grid).Apply(wave), wave), "kept by the two-thirds rule");
        var spectrum = Periodic.ToSpectrum(grid, wave);
        That(grid.Spectrum == Space.Of(8, 5) && grid.Sizes[1] == 9 && grid.Rank == 2 && grid.Volume > 39, "the shape of spectra");
        Small(Law.Distance(Periodic.ToValues(grid, spectrum), wave), "there and back");
        Small(Math.Abs(Periodic.Inner(grid, spectrum, spectrum).item<double>() / grid.Volume - 0.5), "Parseval");
        var fine = PeriodicMaps.Padded(grid);
        Small(Law.Distance(Periodic.ToSpectrum(fine, (Periodic.Points(TensorKind.Float64, fine)[0] + 2 * Periodic.Points(TensorKind.Float64, fine)[1]).sin()), PeriodicMaps.Resample(grid, fine, spectrum)), "a finer grid");
        Small(PeriodicMaps.Product(grid, wave, wave).mean().item<double>() - 0.5, "a product");
        Small(Math.Abs(PeriodicSymbol.Laplacian(TensorKind.Float64, grid)[1, 2].item<double>() + 5), "a symbol");
    }

    static void Steppers()
    {
        var u = ones(1, float64);
        var rate = tensor(new[] { -1.0 });
        Stepper[] steppers =
        [
            Stepper.RungeKutta4(0.01, u => u * rate),
            Stepper.ExponentialRungeKutta4(0.01, rate, u => zeros_like(u)),
            Stepper.ExponentialRungeKutta2(0.01, rate, u => zeros_like(u)),
            Stepper.ImplicitExplicit(0.01, rate, u => zeros_like(u)),
            Stepper.Strang(0.01, (time, u) => u * Math.Exp(-time / 2), (time, u) => u * Math.Exp(-time / 2)),
        ];
        foreach (var stepper in steppers)
            That(Math.Abs(TimeRun.Until(RunOptions.Default, 1, stepper, u).State.item<double>() - Math.Exp(-1)) < Math.Pow(0.03, stepper.Order), stepper.ToString());
        Equal("RK4 4 0.01", $"{steppers[0].Name} {steppers[0].Order} {steppers[0].TimeStep}", "what it says of itself");
    }

    static void Runs()
    {
        var calls = 0;
        var mass = new Invariant("mass", u => u.sum());
        var options = RunOptions.Default.WithInvariants([mass]).WithEvery(5).WithProgress(progress => calls += (int)progress.Step);
        var grow = Stepper.RungeKutta4(1, u => u);
        var run = TimeRun.Steps(options, 10, grow, ones(2, float64));
        Equal(15, calls, "told at 0, 5 and 10");
        That(run.Drifts.Single().Relative > 1e4 && run.Steps == 10 && run.Time == 10, "a drift");
        var error = Raised<BlowUpException>(() => TimeRun.Steps(options.WithLimit(100), 10, grow, ones(2, float64)));
        That(error.Step == 5 && error.Time == 5 && error.Largest > 100, error.Message);
        var warning = "";
        TimeRun.Steps(options.WithStableStep(u => StableStep.Linear(ones_like(u).neg() * 4), text => warning = text), 1, grow, ones(2, float64));
        That(warning.Contains("larger than 0.6963"), warning);
    }

    static void Resumed()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var options = RunOptions.Default.WithCheckpoint(Path.Combine(folder.FullName, "run"), 2);
            var turn = Stepper.RungeKutta4(0.1, u => u.flip(0) * tensor(new[] { 1.0, -1.0 }));
            var whole = TimeRun.Steps(options, 8, turn, ones(2, float64)).State;
            TimeRun.Steps(options, 3, turn, ones(2, float64));
            That(whole.Equals(TimeRun.Resume(options, 8, turn).State), "the same numbers");
            File.AppendAllText(options.CheckpointPath, "x");
            Raised<InvalidDataException>(() => TimeRun.Resume(options, 9, turn));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    static void Vortex()
    {
        var grid = Plane;
        var flow = NavierStokes.Flow(TensorKind.Float64, 0.1, grid);
        var x = Periodic.Points(TensorKind.Float64, grid);
        var vortex = 2 * x[0].cos() * x[1].cos();
        var w = flow.ToSpectrum(vortex);
        var run = TimeRun.Steps(RunOptions.Default.WithInvariants(flow.Invariants), 10, flow.RungeKutta4(0.01), w);
        Small(Law.Distance(flow.ToValues(run.State), Math.Exp(-0.02) * vortex), "Taylor-Green");
        Small(Math.Abs(NavierStokes.Energy(grid, w).item<double>() / grid.Volume - 0.25), "energy");
        Small(Math.Abs(NavierStokes.Enstrophy(grid, w).item<double>() / grid.Volume - 0.5), "enstrophy");
        Small(NavierStokes.Velocity(grid, w).sum().item<double>(), "no mean velocity");
        Small(Law.Distance(2 * NavierStokes.StreamFunction(grid, w), w), "stream function");
        Small(NavierStokes.ForcedFlow(0.1, 0.2 * vortex, grid).Rate(w).abs().max().item<double>() / 100, "forced to rest");
        That(flow.StableStep(w) < flow.StableStepOfTransport(w), "viscosity limits the step");
    }

    static void Lines()
    {
        var kind = TensorKind.Float64;
        var line = Periodic.Grid([32], [20.0]);
        Flow[] flows =
        [
            Flows.Heat(kind, 0.1, line), Flows.Burgers(kind, 0.1, line), Flows.KortewegDeVries(kind, line), Flows.KuramotoSivashinsky(kind, line),
            Flows.Fisher(kind, 0.1, 1, line), Flows.AllenCahn(kind, 0.1, line), Flows.GrayScott(kind, (0.1, 0.2), (0.04, 0.06), line),
            Flow.Of("still", line, zeros(17, float64), u => zeros_like(u)),
        ];
        foreach (var flow in flows)
        {
            var u = flow.ToSpectrum(rand(flow.State.Shape.SkipLast(1).Append(32).ToArray(), float64));
            var exact = flow.ExponentialRungeKutta4(1e-3).Step(u);
            That(Law.Distance(exact, flow.RungeKutta4(1e-5).Step(u)) < 1, flow.ToString());
            That(Law.Distance(exact, flow.ImplicitExplicit(1e-3).Step(u)) < 1e-2, flow.ToString());
            Small(Law.Distance(flow.Rate(u), flow.Nonlinear(u) + flow.Symbol * u), flow.Name);
        }
    }

    static void BadInput()
    {
        Refused<ArgumentException>("sizes", () => Periodic.Grid([], []));
        Refused<ArgumentException>("lengths", () => Periodic.Grid([4], [0.0]));
        Refused<ArgumentException>("values", () => Periodic.ToSpectrum(Plane, zeros(3, 3)));
        Refused<ArgumentException>("spectrum", () => Periodic.ToValues(Plane, zeros(8, 9)));
        Refused<ArgumentException>("timeStep", () => Stepper.RungeKutta4(0, u => u));
        Refused<ArgumentException>("time", () => TimeRun.Until(RunOptions.Default, 0.15, Stepper.RungeKutta4(0.1, u => u), ones(1)));
        Refused<ArgumentException>("grid", () => Flows.Burgers(TensorKind.Float64, 0.1, Plane));
        Refused<ArgumentOutOfRangeException>("viscosity", () => NavierStokes.Flow(TensorKind.Float64, -1, Plane));
    }
}
