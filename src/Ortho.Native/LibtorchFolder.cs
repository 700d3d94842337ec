using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using TorchSharp;

namespace Ortho.Native;

/// <summary>Where libtorch and TorchSharp's bridge lie on this machine.</summary>
internal static class LibtorchFolder
{
    /// <summary>Names the environment variable that replaces the packages' libtorch by another of the same release.</summary>
    public const string Variable = "ORTHO_TORCH";

    public const string Bridge = "libLibTorchSharp.so";

    /// <summary>libtorch's parts, each after those that it needs.</summary>
    public static readonly string[] Parts = ["libc10.so", "libc10_cuda.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch.so"];

    /// <summary>The folder that ORTHO_TORCH names, as a full path, checked before anything of it is loaded.</summary>
    /// <exception cref="ArgumentException">It is not a folder, lacks a part of libtorch, or holds another release.</exception>
    public static string Chosen(string value)
    {
        var folder = Path.GetFullPath(value);
        if (!Directory.Exists(folder)) throw Unfit(value, "which is not a folder");

        var missing = Missing(folder);
        if (missing.Count > 0)
        {
            var below = Path.Combine(folder, "lib");
            var hint = Directory.Exists(below) && Missing(below).Count == 0 ? $" (its folder lib has all: '{below}')" : "";
            throw Unfit(value, $"which lacks {string.Join(", ", missing)}{hint}");
        }

        var version = LibtorchVersion.Read(folder);
        if (version is null || !LibtorchVersion.FitsBridge(version)) throw Unfit(value, $"which holds libtorch {version ?? "of an unknown release"}");
        return folder;
    }

    /// <summary>The first folder with libtorch among those where packages put it.</summary>
    public static string InPackages()
    {
        var folder = Path.GetDirectoryName(Find("libtorch_cpu.so"))!;
        var missing = Missing(folder);
        if (missing.Count > 0) throw new DllNotFoundException($"The libtorch in {folder} lacks {string.Join(", ", missing)}. Restore the packages and build again.");
        return folder;
    }

    /// <summary>The full path of a native library of the packages.</summary>
    public static string Find(string file)
    {
        var roots = Roots().Select(Path.GetFullPath).Distinct().ToList();
        return roots.Select(root => Path.Combine(root, file)).FirstOrDefault(File.Exists) ?? throw new DllNotFoundException(
            $"TorchSharp's native library {file} was not found. Reference the package TorchSharp-cpu (or one of TorchSharp's CUDA packages) and build again"
            + (file == Bridge ? "." : $", or set {Variable} to a folder that holds libtorch {LibtorchVersion.OfBridge}.")
            + $" Looked in:{string.Concat(roots.Select(root => $"\n  {root}"))}");
    }

    /// <summary>Whether the folder holds libtorch's CUDA part.</summary>
    public static bool HasCuda(string folder) => File.Exists(Path.Combine(folder, "libtorch_cuda.so"));

    /// <summary>TorchSharp looks for libtorch by name, which starts with the program's folders and ends beside TorchSharp's assembly.</summary>
    public static IEnumerable<string> Probed(string file) =>
        ((string?)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(Beside())
            .Select(folder => Path.Combine(folder, file))
            .Where(File.Exists);

    static List<string> Missing(string folder) =>
        [.. Parts.Where(part => !part.EndsWith("_cuda.so", StringComparison.Ordinal) && !File.Exists(Path.Combine(folder, part)))];

    static ArgumentException Unfit(string value, string reason) =>
        new($"{Variable} must name a folder that holds libtorch {LibtorchVersion.OfBridge}, the release TorchSharp was built for"
            + $" (in a Python installation: torch/lib), but is '{value}', {reason}.");

    static IEnumerable<string> Roots()
    {
        var native = Path.Combine("runtimes", "linux-x64", "native");
        var beside = Beside();
        yield return beside; // an output folder with its natives
        yield return Path.Combine(beside, native); // an output folder for all systems
        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, native);
        yield return Path.Combine(beside, "..", "..", native); // TorchSharp's package, as scripts that name a package see it
        foreach (var packages in new[] { Path.Combine(beside, "..", "..", "..", ".."), Packages() })
            yield return Path.Combine(packages, "libtorch-cpu-linux-x64", LibtorchVersion.OfBridge, native);
    }

    /// <summary>The type of a tensor leads to TorchSharp's assembly without running the constructor of torch, which would load the libraries.</summary>
    static string Beside() =>
        typeof(torch.Tensor).Assembly.Location is { Length: > 0 } location ? Path.GetDirectoryName(location)! : AppContext.BaseDirectory;

    static string Packages() =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } packages
            ? packages
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
