using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace Ortho.Native;

/// <summary>
/// Loads libtorch and TorchSharp's bridge by full path before TorchSharp looks for them by name. On Linux x64 this lets the bridge load where libstdc++ is
/// older than GCC 13's, keeps a libtorch of another release that is installed in the system out of the process, and lets the environment variable
/// ORTHO_TORCH name a folder whose libtorch is used instead of the packages' (torch/lib of a Python installation with CUDA, for instance).
/// On other systems TorchSharp needs no such care and nothing is done.
/// </summary>
/// <remarks>
/// Must come before the first use of torch: in compiled programs a startup hook sees to it, a script calls <see cref="Ensure"/>.
/// CUDA is initialised by TorchSharp itself when torch is first used, with the libraries that are then loaded. Not tried on a machine with a GPU.
/// </remarks>
public static class NativeLoad
{
    static readonly Lock gate = new();
    static TorchLibraries? loaded;

    /// <summary>Loads the libraries, once; later calls, from any thread, do nothing. After an exception the next call tries again.</summary>
    /// <exception cref="DllNotFoundException">A library is missing or cannot be loaded; the message says where it was looked for and what to do.</exception>
    /// <exception cref="ArgumentException">ORTHO_TORCH is set, but not to a folder with a libtorch of the bridge's release. Nothing was loaded.</exception>
    /// <exception cref="InvalidOperationException">Another libtorch is in the process already.</exception>
    public static void Ensure() => _ = Loaded;

    /// <summary>What is loaded; the first use loads it as <see cref="Ensure"/> does.</summary>
    public static TorchLibraries Loaded
    {
        get
        {
            lock (gate) return loaded ??= Load();
        }
    }

    static bool NeedsCare =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 && !RuntimeInformation.RuntimeIdentifier.Contains("musl");

    static TorchLibraries Load()
    {
        var choice = Environment.GetEnvironmentVariable(LibtorchFolder.Variable);
        if (!NeedsCare)
            return string.IsNullOrEmpty(choice)
                ? new TorchLibraries("", LibtorchVersion.OfBridge, LibtorchVersion.OfBridge, Cuda: false, PatchedBridge: false)
                : throw new ArgumentException($"{LibtorchFolder.Variable} is understood on Linux x64 only, but is '{choice}': unset it to use the libtorch of the packages.");

        var folder = string.IsNullOrEmpty(choice) ? LibtorchFolder.InPackages() : LibtorchFolder.Chosen(choice);
        var version = LibtorchVersion.Read(folder) ?? "of an unknown release";
        if (!LibtorchVersion.FitsBridge(version))
            throw new DllNotFoundException($"TorchSharp was built for libtorch {LibtorchVersion.OfBridge}, but {folder} holds libtorch {version}. Use packages that belong together.");

        var bridge = LibtorchFolder.Find(LibtorchFolder.Bridge);
        RefuseAnother(folder);
        foreach (var part in LibtorchFolder.Parts.Where(part => File.Exists(Path.Combine(folder, part)))) LoadPart(folder, part);
        var patched = LoadedLibrary.Handle(LibtorchFolder.Bridge) is not 0 and var handle
            ? handle != LoadedLibrary.Handle(bridge)
            : PortableBridge.Load(bridge);
        return new TorchLibraries(folder, version, LibtorchVersion.OfBridge, LibtorchFolder.HasCuda(folder), patched);
    }

    /// <summary>Two copies of libtorch in one process abort it: whoever loaded the first one must be told before the second.</summary>
    static void RefuseAnother(string folder)
    {
        const string part = "libtorch_cpu.so";
        var present = LoadedLibrary.Handle(part);
        if (present != 0 && present != LoadedLibrary.Handle(Path.Combine(folder, part)))
            throw new InvalidOperationException(
                $"{LoadedLibrary.PathOf(present)} is loaded already, so {folder} cannot be: call Ortho.Native.NativeLoad.Ensure() before the first use of torch.");
    }

    /// <summary>Loads one part, and where TorchSharp's search by name would find another file first, makes that search find this one.</summary>
    static void LoadPart(string folder, string part)
    {
        var handle = NativeLibrary.Load(Path.Combine(folder, part));
        if (LibtorchFolder.Probed(part).FirstOrDefault() is not { } probed || LoadedLibrary.Handle(probed) == handle) return;

        LoadedLibrary.AlsoAt(handle, probed);
        if (LoadedLibrary.Handle(probed) != handle)
            throw new InvalidOperationException($"TorchSharp would load {probed} beside {Path.Combine(folder, part)}, and the system's loader cannot be told otherwise: remove the first.");
    }
}
