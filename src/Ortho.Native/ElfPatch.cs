using System;
using System.Collections.Generic;
using System.Text;

namespace Ortho.Native;

/// <summary>Makes one needed symbol version of a shared library optional, so that an older system can load it.</summary>
/// <remarks>
/// TorchSharp's bridge needs version GLIBCXX_3.4.32 of libstdc++ (GCC 13) for a single symbol that only marks how the library was linked.
/// A loader refuses a library whose needed version is missing unless the version is weak, and resolves a missing weak symbol to zero.
/// Where the version exists, the changed library behaves as before.
/// </remarks>
public static class ElfPatch
{
    const int EntrySize = 16, WeakVersion = 2, GlobalBinding = 1, WeakBinding = 2, FirstNamedVersion = 2;

    /// <summary>Marks <paramref name="version"/> and the undefined symbols bound to it weak, in place. A second call changes nothing.</summary>
    /// <param name="image">All bytes of a 64-bit little-endian ELF shared library; unchanged if an exception is thrown.</param>
    /// <param name="version">The version's name, such as GLIBCXX_3.4.32.</param>
    /// <returns>False, and nothing is changed, if the library does not need the version.</returns>
    /// <exception cref="ArgumentException">The image is not such a library or contradicts itself; the message says at which byte.</exception>
    public static bool Weaken(byte[] image, string version)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentException.ThrowIfNullOrEmpty(version);

        var elf = new ElfImage(image);
        if (elf.Find(ElfSection.NeededVersions) is not { } needed) return false;

        var changes = new List<(int Offset, byte Value)>();
        var indices = new HashSet<int>();
        foreach (var entry in NeededVersions(elf, needed, Encoding.UTF8.GetBytes(version)))
        {
            changes.Add((entry + 4, (byte)(image[entry + 4] | WeakVersion)));
            indices.Add(VersionIndex(elf, entry + 6));
        }
        if (indices.Count == 0) return false;

        foreach (var symbol in UndefinedSymbols(elf, indices))
            if (image[symbol + 4] >> 4 == GlobalBinding)
                changes.Add((symbol + 4, (byte)(WeakBinding << 4 | image[symbol + 4] & 15)));

        foreach (var (offset, value) in changes) image[offset] = value;
        return true;
    }

    /// <summary>
    /// Offsets of the entries that name the version. The section is a chain of libraries (version, count, file, first entry, next library), each with a
    /// chain of entries (hash, flags, index, name, next). A chain only moves forward and the entries fit in the section, so the walk ends.
    /// </summary>
    static List<int> NeededVersions(ElfImage elf, ElfSection needed, ReadOnlySpan<byte> version)
    {
        var found = new List<int>();
        var names = elf.StringsOf(needed);
        var budget = needed.Size / EntrySize;
        if (needed.Info == 0) throw ElfImage.Unexpected("at least one needed library", needed.Offset, "none");
        long library = needed.Offset;
        for (var libraries = needed.Info; libraries > 0; libraries--)
        {
            Take(ref budget, library);
            ElfImage.Record(needed, library, EntrySize, "a needed library", library);
            if (elf.U16(library) != 1) throw ElfImage.Unexpected("1 (the version of a needed library)", library, $"{elf.U16(library)}");

            var entry = library + elf.U32(library + 8);
            for (var entries = elf.U16(library + 2); entries > 0; entries--)
            {
                Take(ref budget, entry);
                var here = ElfImage.Record(needed, entry, EntrySize, "a needed version", library + 8);
                if (elf.Text(names, elf.U32(here + 8), here + 8).SequenceEqual(version)) found.Add(here);
                entry = Next(elf, here + 12, here, last: entries == 1);
            }
            library = Next(elf, library + 12, library, last: libraries == 1);
        }
        return found;
    }

    /// <summary>Offsets of the symbols that other libraries must provide in one of the versions.</summary>
    static List<int> UndefinedSymbols(ElfImage elf, HashSet<int> indices)
    {
        var symbols = elf.FindSymbols() ?? throw ElfImage.Unexpected("a table of dynamic symbols", 40, "none");
        var versions = elf.Find(ElfSection.SymbolVersions) ?? throw ElfImage.Unexpected("a table of symbol versions", 40, "none");
        var count = symbols.Size / ElfImage.SymbolSize;
        if (versions.Link != symbols.Index || versions.Size != 2L * count)
            throw ElfImage.Unexpected($"the versions of {count} symbols in section {symbols.Index}", versions.Offset, $"{versions.Size} bytes for section {versions.Link}");

        var found = new List<int>();
        for (var index = 0; index < count; index++)
        {
            var symbol = symbols.Offset + index * ElfImage.SymbolSize;
            var defined = elf.U16(symbol + 6) != 0;
            if (!defined && indices.Contains(elf.U16(versions.Offset + 2 * index) & 0x7fff)) found.Add(symbol);
        }
        return found;
    }

    /// <summary>Indices 0 and 1 mean "local" and "global": weakening them would weaken every symbol without a version.</summary>
    static int VersionIndex(ElfImage elf, int where)
    {
        var index = elf.U16(where) & 0x7fff;
        return index >= FirstNamedVersion ? index : throw ElfImage.Unexpected($"a version index of at least {FirstNamedVersion}", where, $"{index}");
    }

    /// <summary>The last entry of a chain says 0, every other how far ahead the next one starts.</summary>
    static long Next(ElfImage elf, long where, long from, bool last)
    {
        var step = elf.U32(where);
        if (last && step != 0) throw ElfImage.Unexpected("0 (no next entry)", where, $"{step}");
        if (!last && step < EntrySize) throw ElfImage.Unexpected($"a step of at least {EntrySize} to the next entry", where, $"{step}");
        return from + step;
    }

    static void Take(ref int budget, long where)
    {
        if (budget-- == 0) throw ElfImage.Unexpected("no more entries than the section holds", where, "one more");
    }
}
