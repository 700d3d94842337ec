using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Ortho.Native;
using TorchSharp;

namespace Ortho.Research.CSharp.Tests;

/// <summary>This program, started again in another environment: what is loaded is decided once in a process, before its first line.</summary>
internal sealed record NativeProcess(int ExitCode, string Output, string Errors)
{
    public const string ReportArgument = "--report-native-libraries";

    /// <summary>What the other process does: says what is loaded, and that it computes.</summary>
    public static int Report()
    {
        Console.WriteLine(NativeLoad.Loaded);
        Console.WriteLine($"Sum = {torch.ones(3).sum().item<float>()}");
        return 0;
    }

    /// <summary>Starts the program of a folder. A variable that is null is unset, and ORTHO_TORCH is, unless given.</summary>
    public static async Task<NativeProcess> Start(string folder, params (string Name, string? Value)[] environment)
    {
        var assembly = Path.Combine(folder, "Ortho.Research.CSharp.Tests.dll");
        var throughHost = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";
        var start = new ProcessStartInfo(throughHost ? Environment.ProcessPath! : Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null)!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (throughHost) start.ArgumentList.Add(assembly);
        start.ArgumentList.Add(ReportArgument);
        start.Environment.Remove("ORTHO_TORCH");
        foreach (var (name, value) in environment) start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new NativeProcess(process.ExitCode, await output, await errors);
    }

    public static NativeProcess Run(params (string Name, string? Value)[] environment) =>
        Start(AppContext.BaseDirectory, environment).GetAwaiter().GetResult();

    public static NativeProcess[] RunTogether(int count, params (string Name, string? Value)[] environment)
    {
        var runs = new List<Task<NativeProcess>>();
        for (var run = 0; run < count; run++) runs.Add(Start(AppContext.BaseDirectory, environment));
        return Task.WhenAll(runs).GetAwaiter().GetResult();
    }
}
