using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Expecto;
using Expecto.CSharp;
using Ortho.Native;

namespace Ortho.Research.CSharp.Tests;

/// <summary>Making a needed version optional: two bytes of a whole library, nothing of anything else.</summary>
internal static class ElfPatchTests
{
    public static Test All => Runner.TestList("a needed version is made optional",
    [
        Runner.TestCase("by two bytes, once", TwoBytes),
        Runner.TestCase("unless the library does not need it", NotNeeded),
        Runner.TestCase("and bytes of any length that are no library are refused", Garbage),
        Runner.TestCase("and a library with any one byte wrong is changed or refused", OneByteWrong),
        Runner.TestCase("and chains that stop early, stand still or leave their section are refused", Chains),
        Runner.TestCase("and missing arguments are refused", MissingArguments),
        .. NativeTests.OnLinux ? OfBridge() : [],
    ]);

    static Test[] OfBridge() =>
    [
        Runner.TestCase("by two bytes of the bridge, which lies unchanged in the program's folder", BridgeTwoBytes),
        Runner.TestCase("and a bridge cut short is refused", BridgeCutShort),
        Runner.TestCase("and a bridge with wrong bytes in its tables is changed or refused", BridgeWrongBytes),
    ];

    static void TwoBytes()
    {
        var before = ElfLibrary.WithNeededVersions();
        var after = (byte[])before.Clone();
        Expect.isTrue(ElfPatch.Weaken(after, ElfLibrary.NeededVersion), "the version is needed");
        Expect.equal(after.Length, before.Length, "same length");
        var changes = Changes(before, after);
        Expect.sequenceEqual(changes, [(0x12, 0x22), (0, 2)], "the symbol's binding, then the version's flag");

        var again = (byte[])after.Clone();
        Expect.isTrue(ElfPatch.Weaken(again, ElfLibrary.NeededVersion), "the version is still needed");
        Expect.sequenceEqual(again, after, "a second call changes nothing");
    }

    static void NotNeeded()
    {
        foreach (var library in new[] { ElfLibrary.WithNeededVersions(), ElfLibrary.OfLibtorch(2, 10, 0) })
        {
            var image = (byte[])library.Clone();
            Expect.isFalse(ElfPatch.Weaken(image, "GLIBCXX_3.4.3"), "the start of a name is not the name");
            Expect.sequenceEqual(image, library, "unchanged");
        }
    }

    static void Garbage()
    {
        var random = new Random(20240601);
        var header = ElfLibrary.WithNeededVersions();
        foreach (var known in new[] { 0, 4, 20 }) // nothing, the signature, all up to the section table's place
            for (var length = 0; length <= 4096; length++)
            {
                var image = new byte[length];
                random.NextBytes(image);
                header.AsSpan(0, Math.Min(known, length)).CopyTo(image);
                Expect.isFalse(ChangedOrRefused(image), $"{length} bytes of which {known} are known must be refused");
            }
    }

    static void OneByteWrong()
    {
        var library = ElfLibrary.WithNeededVersions();
        for (var place = 0; place < library.Length; place++)
            foreach (var mask in new byte[] { 1, 2, 4, 16, 128, 255 })
            {
                var image = (byte[])library.Clone();
                image[place] ^= mask;
                ChangedOrRefused(image);
            }
    }

    static void Chains()
    {
        var library = ElfLibrary.WithNeededVersions();
        var needed = library.Length - 5 * 64 - 80; // two libraries and three versions before a table of five sections
        (int Place, uint Value)[] wrong =
        [
            (12, 0), (12, 1), (12, 80), (12, 0xfffffff0), // next library
            (8, 0), (8, 80), (8, 0xffffffff), // first version
            (48 + 12, 0), (48 + 12, 8), (48 + 12, 0xfffffff0), (64 + 12, 16), // next version
        ];
        foreach (var (place, value) in wrong)
        {
            var image = (byte[])library.Clone();
            BitConverter.TryWriteBytes(image.AsSpan(needed + place), value);
            Expect.isFalse(ChangedOrRefused(image), $"{value:x} at {place} of the needed versions must be refused");
        }
    }

    static void MissingArguments()
    {
        Refused<ArgumentNullException>(() => ElfPatch.Weaken(null!, ElfLibrary.NeededVersion));
        Refused<ArgumentNullException>(() => ElfPatch.Weaken(ElfLibrary.WithNeededVersions(), null!));
        Refused<ArgumentException>(() => ElfPatch.Weaken(ElfLibrary.WithNeededVersions(), ""));
    }

    static void BridgeTwoBytes()
    {
        var before = File.ReadAllBytes(NativeTests.Bridge);
        var after = (byte[])before.Clone();
        Expect.isTrue(ElfPatch.Weaken(after, ElfLibrary.NeededVersion), "the version is needed");
        Expect.sequenceEqual(Changes(before, after).Order(), [(0, 2), (0x12, 0x22)], "one flag and one symbol");
    }

    static void BridgeCutShort()
    {
        var bridge = File.ReadAllBytes(NativeTests.Bridge);
        foreach (var length in Enumerable.Range(0, 4097).Concat(Enumerable.Range(1, bridge.Length / 10007).Select(part => part * 10007)).Append(bridge.Length - 1))
            Expect.isFalse(ChangedOrRefused(bridge[..length]), $"{length} bytes must be refused");
    }

    static void BridgeWrongBytes()
    {
        var bridge = File.ReadAllBytes(NativeTests.Bridge);
        var table = (int)BitConverter.ToInt64(bridge, 40);
        var needed = Enumerable.Range(0, BitConverter.ToUInt16(bridge, 60)).Select(index => table + 64 * index).Single(section => BitConverter.ToUInt32(bridge, section + 4) == 0x6ffffffe);
        (int Start, int Length)[] tables = [(0, 64), (table, bridge.Length - table), ((int)BitConverter.ToInt64(bridge, needed + 24), (int)BitConverter.ToInt64(bridge, needed + 32))];

        var random = new Random(20240602);
        var image = (byte[])bridge.Clone();
        for (var round = 0; round < 1500; round++)
        {
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                var (start, length) = tables[random.Next(tables.Length)];
                image[start + random.Next(length)] = (byte)random.Next(256);
            }
            ChangedOrRefused(image);
            bridge.CopyTo(image.AsSpan());
        }
    }

    /// <summary>Whether the library was changed; if it was refused with an ArgumentException, checks that nothing was. No other exception passes.</summary>
    static bool ChangedOrRefused(byte[] image)
    {
        var before = SHA256.HashData(image);
        try
        {
            return ElfPatch.Weaken(image, ElfLibrary.NeededVersion);
        }
        catch (ArgumentException refusal)
        {
            Expect.equal(refusal.ParamName, "image", "the refusal names the argument");
            Expect.isTrue(SHA256.HashData(image).AsSpan().SequenceEqual(before), "a refused image is unchanged");
            return false;
        }
    }

    static IEnumerable<(int Before, int After)> Changes(byte[] before, byte[] after) =>
        before.Zip(after, (b, a) => ((int)b, (int)a)).Where(pair => pair.Item1 != pair.Item2).ToArray();

    static void Refused<TException>(Action action) where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException)
        {
            return;
        }
        throw new InvalidOperationException($"{typeof(TException).Name} was expected.");
    }
}
