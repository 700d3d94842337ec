using System;
using System.Linq;
using Expecto;
using Expecto.CSharp;
using Ortho.Native;
using TorchSharp;
using static Ortho.Research.CSharp.Tests.Check;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Wavelets, linear recurrences and multigrid as C# calls them.</summary>
internal static class MultiscaleTests
{
    public static Test All => Runner.TestList("multiscale",
    [
        Case("wavelets of rows and pictures", Wavelets),
        Case("packets", Packets),
        Case("linear recurrences", Scans),
        Case("multigrid cycles", Cycles),
        Case("refuse bad input by the name of the argument", BadInput),
        Case("kernels touch nothing outside what they are given", Kernels),
    ]);

    static void Wavelets()
    {
        var db4 = Wavelet.Daubechies(4);
        Equal("db4", db4.Name, "a name");
        Equal(8, db4.LowPass.Count, "taps");
        That(db4.IsOrthogonal && db4.Border == WaveletBorder.Periodic && db4.VanishingMoments == 4, "facts");
        Small(db4.LowPass.Sum() - Math.Sqrt(2), "the sum of taps");
        Equal(1, Wavelet.Haar.VanishingMoments, "Haar");
        var row = WaveletTransform.Decimated(3, Wavelet.Symlet(5), 64);
        Small(Law.Unitary(1, row.Analyze), "unitary");
        Equal("aaa aad ad d", string.Join(' ', row.Subbands.Select(s => s.Path)), "coarse to fine");
        var x = Draw(1, 2, 64);
        Equal(32L, row.Part("d", row.Analyze.Apply(x)).shape[1], "the finest details");
        var jpeg = Wavelet.Biorthogonal97.Symmetric();
        var picture = WaveletTransform.Decimated(WaveletTransform.MaxLevels(jpeg, new long[] { 9, 7 }), jpeg, new long[] { 9, 7 });
        Small(Law.Inverse(1, picture.Analyze, picture.Synthesize), "there and back");
        Small(Law.Inverse(1, WaveletTransform.Level(Wavelet.Biorthogonal53, 6).Analyze, WaveletTransform.Level(Wavelet.Biorthogonal53, 6).Synthesize), "5/3");
    }

    static void Packets()
    {
        Small(Law.Unitary(1, WaveletTransform.Packets(3, Wavelet.Daubechies(2), 16).Analyze), "full");
        var basis = WaveletTransform.PacketBasis(["a", "da", "dd"], Wavelet.Daubechies(2), 16);
        Small(Law.Unitary(1, basis.Analyze), "of a basis");
        Equal(8L, basis.Subbands[0].Shape[0], "a leaf");
        Equal(12L, basis.Subbands[2].Start[0], "another");
    }

    static void Scans()
    {
        var (a, b) = (tensor(new[] { 0.5, -1 }), Draw(1, 3, 5, 2));
        var x = Scan.States(a, b);
        foreach (var form in new[] { ScanForm.Sequential, ScanForm.Doubling, ScanForm.Chunked, ScanForm.Fourier })
            Small(Law.Distance(Scan.StatesBy(form, a, b), x), form.ToString());
        Small(Law.Distance(Scan.Invariant(5, a).Apply(b), x), "as a map");
        Small(Law.Adjoint(1, Scan.Varying(Draw(2, 5, 2))), "its adjoint");
        Small(Law.Distance(Scan.StatesFrom(x[.., 1], a, b[.., 2..]), x[.., 2..]), "carried on");
        var (product, sum) = Scan.Join((a, b[0, 0]), (a, b[0, 1]));
        Small(Law.Distance(product, a * a), "two factors");
        Small(Law.Distance(sum, x[0, 1]), "two steps");
    }

    static void Cycles()
    {
        var stencil = Stencil.Laplacian(1);
        var (a, cycle) = (Stencil.Operator(stencil, 31), Multigrid.VCycle(MultigridOptions.Default, stencil, 31));
        That(cycle.Promises(Traits.SelfAdjoint), "self-adjoint");
        var (left, leftByTwo) = (Multigrid.ErrorMap(cycle, a), Multigrid.ErrorMap(Multigrid.TwoGrid(MultigridOptions.Default, stencil, 31), a));
        That((left * left * left * left).Norm() < 0.01, "converges");
        That((leftByTwo * leftByTwo * leftByTwo * leftByTwo).Norm() < 0.001, "two grids");
        var (down, up) = (Multigrid.Restriction(31), Multigrid.Prolongation(31));
        Small(Law.Equality(1, down * a * up, Stencil.Operator(Stencil.Galerkin(stencil), 15)), "Galerkin");
        var smoother = Stencil.Jacobi(2.0 / 3, stencil, 31);
        var level = new MultigridLevel(a, [smoother], [smoother], down, up);
        var coarsest = Multigrid.VCycle(MultigridOptions.Default, Stencil.Galerkin(stencil), 15);
        Small(Law.Equality(1, Multigrid.Cycle(coarsest, [level]), cycle), "a cycle of levels");
    }

    static void BadInput()
    {
        Refused<ArgumentOutOfRangeException>("moments", () => Wavelet.Daubechies(11));
        Refused<ArgumentException>("wavelet", () => Wavelet.Haar.Symmetric());
        Refused<ArgumentException>("space", () => WaveletTransform.Level(Wavelet.Haar, 7));
        Refused<ArgumentException>("leaves", () => WaveletTransform.PacketBasis(["a"], Wavelet.Haar, 8));
        Refused<ArgumentException>("a", () => Scan.States(ones(4, float64), zeros(5, 3, float64)));
        Refused<ArgumentException>("space", () => Multigrid.Prolongation(4));
        Refused<ArgumentException>("stencil", () => Stencil.Operator([1, 2], 4));
    }

    static void Kernels()
    {
        double[] taps = [0.5, 0.5], four = new double[4], eight = new double[8];
        Refused<ArgumentException>("low", () => new PeriodicFilterBank([1], [1], 4, [0], [4]));
        Refused<ArgumentException>("high", () => new PeriodicFilterBank(taps, [1], 4, [0], [4]));
        Refused<ArgumentOutOfRangeException>("length", () => new PeriodicFilterBank(taps, taps, 0, [], []));
        Refused<ArgumentException>("lengths", () => new PeriodicFilterBank(taps, taps, 4, [0], [2]));
        Refused<ArgumentException>("lengths", () => new PeriodicFilterBank(taps, taps, 3, [0], [3]));
        Refused<ArgumentException>("lengths", () => new PeriodicFilterBank(taps, taps, 4, [0], []));
        Refused<ArgumentException>("starts", () => new PeriodicFilterBank(taps, taps, 4, [0, 3], [4, 2]));
        var bank = new PeriodicFilterBank(taps, taps, 4, [0], [4]);
        Refused<ArgumentException>("x", () => bank.Analyze<double>(new double[3], new double[3], 1));
        Refused<ArgumentException>("y", () => bank.Analyze<double>(four, eight, 1));
        Refused<ArgumentException>("y", () => bank.Synthesize<double>(four, four, 1));
        Refused<ArgumentOutOfRangeException>("threads", () => bank.Synthesize<double>(four, eight.AsSpan(0, 4), 0));
        var shape = new LinearScan.Shape(1, 2, 2, false, false, false);
        Refused<ArgumentException>("a", () => LinearScan.Forward<double>(shape, four, four, new double[4], false, 1));
        Refused<ArgumentException>("b", () => LinearScan.Forward<double>(shape, taps, eight, new double[4], false, 1));
        Refused<ArgumentException>("x", () => LinearScan.Reverse<double>(shape, taps, four, eight, [], [], false, 1));
        Refused<ArgumentException>("sums", () => LinearScan.Reverse<double>(shape, taps, four, new double[4], four, four, false, 1));
        Refused<ArgumentOutOfRangeException>("shape", () => LinearScan.Forward<double>(default, taps, four, new double[4], false, 1));
    }
}
