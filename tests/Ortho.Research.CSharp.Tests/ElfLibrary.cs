using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Writes ELF shared libraries of a few hundred bytes, with just the sections that are read here.</summary>
internal static class ElfLibrary
{
    public const string NeededVersion = "GLIBCXX_3.4.32";

    const int DynamicStrings = 1, DynamicSymbols = 2;
    const byte GlobalFunction = 0x12, WeakFunction = 0x22;

    sealed record Section(uint Type, byte[] Bytes, uint Link = 0, uint Info = 0, ulong EntrySize = 0, ulong Address = 0);

    /// <summary>Needs one version of libm and two of libstdc++; one undefined symbol is bound to the newer of these.</summary>
    public static byte[] WithNeededVersions()
    {
        var strings = new Strings();
        var symbols = Bytes(writer =>
        {
            Symbol(writer, 0, 0, 0, 0);
            Symbol(writer, strings["exp"], GlobalFunction, 0, 0);
            Symbol(writer, strings["_ZSt21ios_base_library_initv"], GlobalFunction, 0, 0);
            Symbol(writer, strings["optional"], WeakFunction, 0, 0);
            Symbol(writer, strings["own"], GlobalFunction, 5, 0);
        });
        var versions = Bytes(writer =>
        {
            foreach (ushort index in new[] { 0, 2, 4, 3, 4 }) writer.Write(index);
        });
        var needed = Bytes(writer =>
        {
            NeededLibrary(writer, strings["libm.so.6"], count: 1, next: 32);
            NeededVersionEntry(writer, 2, strings["GLIBC_2.29"], next: 0);
            NeededLibrary(writer, strings["libstdc++.so.6"], count: 2, next: 0);
            NeededVersionEntry(writer, 3, strings["GLIBCXX_3.4.30"], next: 16);
            NeededVersionEntry(writer, 4, strings[NeededVersion], next: 0);
        });
        return Library(
            new Section(3, strings.ToArray()),
            new Section(11, symbols, Link: DynamicStrings, EntrySize: 24),
            new Section(0x6fffffff, versions, Link: DynamicSymbols, EntrySize: 2),
            new Section(0x6ffffffe, needed, Link: DynamicStrings, Info: 2));
    }

    /// <summary>Exports the function by which libtorch tells its release: landing mark, movabs rax, ret.</summary>
    public static byte[] OfLibtorch(byte major, byte minor, byte patch)
    {
        const ulong address = 0x4000;
        var strings = new Strings();
        var symbols = Bytes(writer =>
        {
            Symbol(writer, 0, 0, 0, 0);
            Symbol(writer, strings["aoti_torch_abi_version"], GlobalFunction, 3, address + 8);
        });
        byte[] code = [.. new byte[8], 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0xb8, 0, 0, 0, 0, 0, patch, minor, major, 0xc3];
        return Library(
            new Section(3, strings.ToArray()),
            new Section(11, symbols, Link: DynamicStrings, EntrySize: 24),
            new Section(1, code, Address: address));
    }

    static byte[] Library(params Section[] sections) => Bytes(writer =>
    {
        const int header = 64;
        var table = header + sections.Sum(section => section.Bytes.Length);
        writer.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write((ushort)3); // shared library
        writer.Write((ushort)62); // x86-64
        writer.Write(1);
        writer.Write(0L); // entry
        writer.Write(0L); // program headers
        writer.Write((long)table);
        writer.Write(0);
        foreach (ushort number in new[] { header, 56, 0, 64, sections.Length + 1, 0 }) writer.Write(number);

        foreach (var section in sections) writer.Write(section.Bytes);

        writer.Write(new byte[64]);
        var offset = header;
        foreach (var section in sections)
        {
            writer.Write(0); // name
            writer.Write(section.Type);
            writer.Write(0L); // flags
            writer.Write(section.Address);
            writer.Write((long)offset);
            writer.Write((long)section.Bytes.Length);
            writer.Write(section.Link);
            writer.Write(section.Info);
            writer.Write(1L); // alignment
            writer.Write(section.EntrySize);
            offset += section.Bytes.Length;
        }
    });

    static void Symbol(BinaryWriter writer, int name, byte info, ushort section, ulong value)
    {
        writer.Write(name);
        writer.Write(info);
        writer.Write((byte)0);
        writer.Write(section);
        writer.Write(value);
        writer.Write(0L);
    }

    static void NeededLibrary(BinaryWriter writer, int file, ushort count, int next)
    {
        writer.Write((ushort)1);
        writer.Write(count);
        writer.Write(file);
        writer.Write(16);
        writer.Write(next);
    }

    static void NeededVersionEntry(BinaryWriter writer, ushort index, int name, int next)
    {
        writer.Write(0); // hash
        writer.Write((ushort)0); // flags
        writer.Write(index);
        writer.Write(name);
        writer.Write(next);
    }

    static byte[] Bytes(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        write(writer);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>A string table that grows as strings are asked for.</summary>
    sealed class Strings
    {
        readonly List<byte> bytes = [0];

        public int this[string text]
        {
            get
            {
                var offset = bytes.Count;
                bytes.AddRange(Encoding.ASCII.GetBytes(text + "\0"));
                return offset;
            }
        }

        public byte[] ToArray() => [.. bytes];
    }
}
