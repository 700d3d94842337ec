using System;
using System.IO;
using System.IO.MemoryMappedFiles;
using System.Linq;
using System.Text.RegularExpressions;

namespace Ortho.Native;

/// <summary>Learns the release of a libtorch without loading it: a bridge built for another release would fail at its first call, or worse, later.</summary>
internal static partial class LibtorchVersion
{
    /// <summary>The release that TorchSharp's bridge was built for. Changes with the TorchSharp package.</summary>
    public const string OfBridge = "2.10.0";

    /// <summary>The release of the libtorch in a folder; null if neither the library nor a file beside it tells.</summary>
    public static string? Read(string folder)
    {
        var library = Path.Combine(folder, "libtorch_cpu.so");
        var compiled = InCode(library);
        var written = InText(folder) ?? InFileName(library);
        return compiled is null || written is not null && Release(written) == compiled ? written : compiled;
    }

    /// <summary>Whether a release, whatever it was compiled for (+cpu, +cu128), is the bridge's.</summary>
    public static bool FitsBridge(string version) => Release(version) == OfBridge;

    static string Release(string version) => version.Split('+')[0];

    /// <summary>From 2.9 on, libtorch exports a C function that returns its release in the upper three bytes: the constant in its machine code.</summary>
    /// <remarks>torch/headeronly/version.h: TORCH_ABI_VERSION is major, minor, patch, from the highest byte down.</remarks>
    static string? InCode(string library)
    {
        using var handle = File.OpenHandle(library);
        var length = RandomAccess.GetLength(handle);
        if (length is 0 or > int.MaxValue) return null;
        using var file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        using var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        unsafe
        {
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            try
            {
                return InCode(new ElfImage(new ReadOnlySpan<byte>(start, (int)length)));
            }
            catch (ArgumentException) // not a shared library, or a damaged one: it has no release
            {
                return null;
            }
            finally
            {
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }
    }

    static string? InCode(ElfImage elf)
    {
        var name = "\0aoti_torch_abi_version\0"u8;
        if (elf.FindSymbols() is not { } symbols) return null;
        var strings = elf.StringsOf(symbols);
        var place = elf.Bytes(strings).IndexOf(name) + 1;
        if (place == 0) return null;

        for (var symbol = symbols.Offset; symbol < symbols.Offset + symbols.Size; symbol += ElfImage.SymbolSize)
        {
            var section = elf.U16(symbol + 6);
            if (elf.U32(symbol) != place || section == 0) continue;
            var text = elf.Section(section, symbol + 6);
            var start = elf.U64(symbol + 8) - text.Address;
            return start < (ulong)text.Size ? ReturnedRelease(elf.Bytes(text)[(int)start..]) : null;
        }
        return null;
    }

    /// <summary>The x86-64 instructions "movabs rax, constant; ret", after an optional landing mark.</summary>
    static string? ReturnedRelease(ReadOnlySpan<byte> code)
    {
        ReadOnlySpan<byte> landing = [0xf3, 0x0f, 0x1e, 0xfa], load = [0x48, 0xb8];
        if (code.StartsWith(landing)) code = code[landing.Length..];
        return code.Length > 10 && code.StartsWith(load) && code[10] == 0xc3 ? $"{code[9]}.{code[8]}.{code[7]}" : null;
    }

    /// <summary>A Python installation has version.py, the libtorch archive build-version, and a Linux distribution CMake's package file.</summary>
    static string? InText(string folder) =>
        new[] { "../version.py", "../build-version", "../share/cmake/Torch/TorchConfigVersion.cmake", "cmake/Torch/TorchConfigVersion.cmake" }
            .Select(file => Path.Combine(folder, file))
            .Where(File.Exists)
            .Select(file => ReleasePattern().Match(File.ReadAllText(file)))
            .FirstOrDefault(match => match.Success)?.Value;

    static string? InFileName(string library)
    {
        var match = FileNamePattern().Match(File.ResolveLinkTarget(library, returnFinalTarget: true)?.Name ?? library);
        return match.Success ? match.Groups[1].Value : null;
    }

    [GeneratedRegex(@"\d+\.\d+\.\d+[\w.+]*")]
    private static partial Regex ReleasePattern();

    [GeneratedRegex(@"\.so\.(\d+(\.\d+)+)$")]
    private static partial Regex FileNamePattern();
}
