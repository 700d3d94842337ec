using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Expecto;
using Expecto.CSharp;
using Ortho.Native;
using TorchSharp;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Loading the native libraries: first use, the bridge's cached copy, and ORTHO_TORCH.</summary>
internal static class NativeTests
{
    public static readonly string Bridge = Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");
    static readonly string[] Parts = ["libc10.so", "libtorch_cpu.so", "libtorch.so", "libgomp-98b21ff3.so.1"];

    public static bool OnLinux => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public static Test All => Runner.TestList("native libraries",
    [
        ElfPatchTests.All,
        .. OnLinux ? LoadTests() : [],
    ]);

    static Test[] LoadTests() =>
    [
        Runner.TestCase("are loaded once, whichever thread asks", OnceForAllThreads),
        Runner.TestCase("are of the release that TorchSharp names", Release),
        Runner.TestCase("load in four processes that start together with an empty cache", StartTogether),
        Runner.TestCase("load although the cached copy is damaged, and repair it", RepairCache),
        Runner.TestCase("load without a place for the user's data", NoCache),
        Runner.TestCase("that are missing are named, with where they were looked for", MissingLibraries),
        Runner.TestList("from ORTHO_TORCH",
        [
            Runner.TestCase("load from links and from copies, and no second libtorch joins one that is there", ChosenFolder),
            Runner.TestCase("are refused unless it names a folder with all of libtorch", UnfitFolder),
            Runner.TestCase("are refused with both releases if it is another one", OtherRelease),
        ]),
    ];

    static void OnceForAllThreads()
    {
        var seen = new TorchLibraries[8];
        Parallel.For(0, seen.Length, thread =>
        {
            NativeLoad.Ensure();
            seen[thread] = NativeLoad.Loaded;
        });
        Expect.isTrue(seen.All(libraries => ReferenceEquals(libraries, seen[0])), "one answer");
    }

    static void Release()
    {
        var named = string.Join('.', torch.__version__.Split('.').Take(3));
        Expect.equal(NativeLoad.Loaded.BridgeVersion, named, "the bridge's");
        Expect.equal(NativeLoad.Loaded.LibtorchVersion.Split('+')[0], named, "libtorch's");
        Expect.equal(NativeLoad.Loaded.Cuda, File.Exists(Path.Combine(NativeLoad.Loaded.Folder, "libtorch_cuda.so")), "CUDA as in the folder");
    }

    static void StartTogether() => InFolder(home =>
    {
        foreach (var process in NativeProcess.RunTogether(4, ("HOME", home), ("XDG_DATA_HOME", Path.Combine(home, "data")))) Succeeded(process);
        var files = Directory.GetFiles(home, "*LibTorchSharp*", SearchOption.AllDirectories);
        Expect.equal(files.Length, NativeLoad.Loaded.PatchedBridge ? 1 : 0, "one copy, if any is needed, and no drafts");
        foreach (var file in files) Expect.isTrue(File.ReadAllBytes(file).AsSpan().SequenceEqual(Portable()), "the copy is whole");
    });

    static void RepairCache() => InFolder(home =>
    {
        if (!NativeLoad.Loaded.PatchedBridge) return;
        (string, string?)[] environment = [("HOME", home), ("XDG_DATA_HOME", home)];
        Succeeded(NativeProcess.Run(environment));
        var copy = Directory.GetFiles(home, "*.so", SearchOption.AllDirectories).Single();
        var wrong = Portable();
        wrong[wrong.Length / 2] ^= 1;
        foreach (var damaged in new[] { [], Portable()[..100_000], wrong })
        {
            File.WriteAllBytes(copy, damaged);
            Succeeded(NativeProcess.Run(environment));
            Expect.isTrue(File.ReadAllBytes(copy).AsSpan().SequenceEqual(Portable()), $"a copy of {damaged.Length} bytes is repaired");
        }
    });

    static void NoCache() => InFolder(temporary =>
    {
        Succeeded(NativeProcess.Run(("XDG_DATA_HOME", Bridge), ("TMPDIR", temporary)));
        Expect.isEmpty(Directory.GetFileSystemEntries(temporary, "ortho*"), "nothing is left behind");
        Succeeded(NativeProcess.Run(("XDG_DATA_HOME", null), ("HOME", null)));
    });

    static void MissingLibraries() => InFolder(program =>
    {
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory).Where(file => !Path.GetFileName(file).Contains(".so", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(program, Path.GetFileName(file)));
        var process = NativeProcess.Start(program, ("NUGET_PACKAGES", program)).GetAwaiter().GetResult();
        Failed(process, "libtorch_cpu.so was not found", "TorchSharp-cpu", program, "ORTHO_TORCH");
    });

    static void ChosenFolder() => InFolder(folder =>
    {
        foreach (var part in Parts) File.CreateSymbolicLink(Path.Combine(folder, part), Path.Combine(AppContext.BaseDirectory, part));
        Expect.stringContains(Succeeded(NativeProcess.Run(("ORTHO_TORCH", folder))), $"Folder = {folder},", "the links' folder");

        foreach (var part in Parts)
        {
            File.Delete(Path.Combine(folder, part));
            File.Copy(Path.Combine(AppContext.BaseDirectory, part), Path.Combine(folder, part));
        }
        Expect.stringContains(Succeeded(NativeProcess.Run(("ORTHO_TORCH", folder))), $"Folder = {folder},", "the copies' folder");

        var loadedBefore = NativeProcess.Run(("LD_PRELOAD", Path.Combine(folder, "libtorch_cpu.so")));
        Failed(loadedBefore, "is loaded already", folder, AppContext.BaseDirectory.TrimEnd('/'));
    });

    static void UnfitFolder() => InFolder(folder =>
    {
        var nowhere = Path.Combine(folder, "nowhere");
        Failed(NativeProcess.Run(("ORTHO_TORCH", nowhere)), "ORTHO_TORCH", nowhere, "not a folder", NativeLoad.Loaded.BridgeVersion);
        Failed(NativeProcess.Run(("ORTHO_TORCH", Bridge)), "ORTHO_TORCH", Bridge, "not a folder");
        Failed(NativeProcess.Run(("ORTHO_TORCH", folder)), "ORTHO_TORCH", folder, "libc10.so, libtorch_cpu.so, libtorch.so");
        var lib = LibtorchOf(Path.Combine(folder, "lib"), []);
        Failed(NativeProcess.Run(("ORTHO_TORCH", folder)), "ORTHO_TORCH", $"'{lib}'");
        Failed(NativeProcess.Run(("ORTHO_TORCH", lib)), "ORTHO_TORCH", lib, "unknown release");
    });

    static void OtherRelease() => InFolder(folder =>
    {
        var lib = LibtorchOf(Path.Combine(folder, "lib"), ElfLibrary.OfLibtorch(2, 9, 1));
        Failed(NativeProcess.Run(("ORTHO_TORCH", lib)), lib, "libtorch 2.9.1", NativeLoad.Loaded.BridgeVersion);
        File.WriteAllBytes(Path.Combine(lib, "libtorch_cpu.so"), ElfLibrary.WithNeededVersions());
        File.WriteAllText(Path.Combine(folder, "version.py"), "__all__ = ['__version__']\n__version__ = '2.8.0+cu128'\ncuda = '12.8'\n");
        Failed(NativeProcess.Run(("ORTHO_TORCH", lib)), lib, "libtorch 2.8.0+cu128", NativeLoad.Loaded.BridgeVersion);
    });

    static byte[] Portable()
    {
        var image = File.ReadAllBytes(Bridge);
        ElfPatch.Weaken(image, ElfLibrary.NeededVersion);
        return image;
    }

    /// <summary>A folder with files named as libtorch's parts.</summary>
    static string LibtorchOf(string folder, byte[] library)
    {
        Directory.CreateDirectory(folder);
        foreach (var part in Parts) File.WriteAllBytes(Path.Combine(folder, part), part == "libtorch_cpu.so" ? library : []);
        return folder;
    }

    static string Succeeded(NativeProcess process)
    {
        Expect.equal(process.ExitCode, 0, $"exit code, with errors: {process.Errors}");
        Expect.stringContains(process.Output, "Sum = 3", "it computes");
        return process.Output;
    }

    static void Failed(NativeProcess process, params string[] words)
    {
        Expect.equal(process.ExitCode, 1, $"exit code, with errors: {process.Errors}");
        foreach (var word in words) Expect.stringContains(process.Errors, word, "the message");
        Expect.isFalse(process.Errors.Contains("   at ", StringComparison.Ordinal), $"a sentence, no stack trace: {process.Errors}");
    }

    static void InFolder(Action<string> test)
    {
        var folder = Directory.CreateTempSubdirectory("native-tests-");
        try
        {
            test(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
