using System;
using System.Buffers.Binary;

namespace Ortho.Native;

/// <summary>One section of an ELF image; its bytes are known to lie inside the image.</summary>
/// <param name="Index">Place in the section table.</param>
/// <param name="Type">What the section holds; the constants below are those read here.</param>
/// <param name="Offset">First byte in the image.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Address">First address once loaded; symbols are given by address.</param>
/// <param name="Link">Index of the section that this one refers to, by type: its strings or its symbols.</param>
/// <param name="Info">A number whose meaning depends on the type; for needed versions how many libraries are listed.</param>
/// <param name="EntrySize">Bytes of one entry, where all have the same size.</param>
internal readonly record struct ElfSection(int Index, uint Type, int Offset, int Size, ulong Address, uint Link, uint Info, ulong EntrySize)
{
    public const uint Strings = 3, DynamicSymbols = 11, NeededVersions = 0x6ffffffe, SymbolVersions = 0x6fffffff;
}

/// <summary>
/// A 64-bit little-endian ELF shared library, read through its section table. Every offset is checked before it is followed:
/// whatever the bytes are, a reader gets a value or an <see cref="ArgumentException"/> that says what was expected where.
/// </summary>
/// <remarks>System V Application Binary Interface, chapters 4 and 5; symbol versions: Linux Standard Base Core, chapter 10.7.</remarks>
internal readonly ref struct ElfImage
{
    public const int SymbolSize = 24;
    const int HeaderSize = 64, SectionHeaderSize = 64;

    readonly ReadOnlySpan<byte> image;
    readonly long table;

    /// <summary>Checks the header and that the section table lies inside the image.</summary>
    public ElfImage(ReadOnlySpan<byte> image)
    {
        this.image = image;
        if (image.Length < HeaderSize) throw Unexpected($"a header of {HeaderSize} bytes", 0, $"{image.Length} bytes in all");
        if (!image.StartsWith("\u007fELF"u8)) throw Unexpected("the ELF signature", 0, Convert.ToHexString(image[..4]));
        Expect(4, image[4], 2, "the 64-bit class");
        Expect(5, image[5], 1, "little-endian byte order");
        Expect(6, image[6], 1, "ELF version");
        Expect(16, U16(16), 3, "the type of a shared library");
        Expect(58, U16(58), SectionHeaderSize, "the size of a section header");

        SectionCount = U16(60);
        if (SectionCount == 0) throw Unexpected("at least one section", 60, "none");
        table = Inside(U64(40), (ulong)SectionCount * SectionHeaderSize, 40, "the section table");
    }

    public int SectionCount { get; }

    /// <summary>The section with this index in the section table.</summary>
    public ElfSection Section(long index, long where)
    {
        if (index <= 0 || index >= SectionCount) throw Unexpected($"a section index from 1 to {SectionCount - 1}", where, $"{index}");
        var header = table + index * SectionHeaderSize;
        var size = U64(header + 32);
        return new ElfSection(
            Index: (int)index,
            Type: U32(header + 4),
            Offset: Inside(U64(header + 24), size, header + 24, $"section {index}"),
            Size: (int)size,
            Address: U64(header + 16),
            Link: U32(header + 40),
            Info: U32(header + 44),
            EntrySize: U64(header + 56));
    }

    /// <summary>The only section of a type; null if there is none.</summary>
    public ElfSection? Find(uint type)
    {
        ElfSection? found = null;
        for (var index = 1; index < SectionCount; index++)
        {
            var where = table + index * SectionHeaderSize + 4;
            if (U32(where) != type) continue;
            if (found is not null) throw Unexpected($"one section of type {type:x}", where, "a second one");
            found = Section(index, where);
        }
        return found;
    }

    /// <summary>The dynamic symbols, whose entries are known to be whole.</summary>
    public ElfSection? FindSymbols()
    {
        if (Find(ElfSection.DynamicSymbols) is not { } symbols) return null;
        if (symbols.EntrySize != SymbolSize || symbols.Size % SymbolSize != 0)
            throw Unexpected($"symbols of {SymbolSize} bytes", symbols.Offset, $"{symbols.Size} bytes in entries of {symbols.EntrySize}");
        return symbols;
    }

    /// <summary>The strings that a section refers to.</summary>
    public ElfSection StringsOf(ElfSection section)
    {
        var where = table + section.Index * SectionHeaderSize + 40;
        var strings = Section(section.Link, where);
        Expect(where, strings.Type, ElfSection.Strings, $"the type of section {strings.Index}, a string table");
        return strings;
    }

    /// <summary>The bytes of the string that starts at an offset of a string table, without the zero that ends it.</summary>
    public ReadOnlySpan<byte> Text(ElfSection strings, uint offset, long where)
    {
        if (offset >= strings.Size) throw Unexpected($"a string offset below {strings.Size}", where, $"{offset}");
        var rest = Bytes(strings)[(int)offset..];
        var length = rest.IndexOf((byte)0);
        if (length < 0) throw Unexpected("a string that ends in its table", strings.Offset + offset, "no end");
        return rest[..length];
    }

    public ReadOnlySpan<byte> Bytes(ElfSection section) => image.Slice(section.Offset, section.Size);

    public ushort U16(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

    public uint U32(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

    public ulong U64(long offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));

    /// <summary>The offset of a record, known to lie inside its section.</summary>
    public static int Record(ElfSection section, long offset, int size, string what, long where)
    {
        if (offset < section.Offset || offset + size > (long)section.Offset + section.Size)
            throw Unexpected($"{what} inside section {section.Index} (bytes {section.Offset} to {(long)section.Offset + section.Size})", where, $"byte {offset}");
        return (int)offset;
    }

    public static ArgumentException Unexpected(string expected, long where, string found) =>
        new($"The image must be a 64-bit little-endian ELF shared library, but at byte {where} it has {found} where {expected} was expected.", "image");

    static void Expect(long where, uint found, uint expected, string what)
    {
        if (found != expected) throw Unexpected($"{expected} ({what})", where, $"{found}");
    }

    int Inside(ulong offset, ulong size, long where, string what)
    {
        var length = (ulong)image.Length;
        if (offset > length || size > length - offset) throw Unexpected($"{what} inside the {length} bytes", where, $"{size} bytes from byte {offset}");
        return (int)offset;
    }

    ReadOnlySpan<byte> At(long offset, int size) =>
        offset >= 0 && offset <= image.Length - size
            ? image.Slice((int)offset, size)
            : throw Unexpected($"{size} bytes", offset, "the end");
}
