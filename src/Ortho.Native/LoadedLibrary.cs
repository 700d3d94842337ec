using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Ortho.Native;

/// <summary>Asks glibc's loader what is in the process, and gives a loaded library a second path.</summary>
internal static partial class LoadedLibrary
{
    const int Lazy = 1, OnlyIfLoaded = 4, LinkMap = 2;

    /// <summary>The handle of a library that is already in the process, by the loader's short name or by path; 0 if it is not.</summary>
    public static nint Handle(string nameOrPath) => Open(nameOrPath, Lazy | OnlyIfLoaded);

    /// <summary>The path that a library was loaded from.</summary>
    public static string PathOf(nint handle) => Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(NameOf(handle)))!;

    /// <summary>
    /// From now on, loading <paramref name="path"/> gives this library, although another file lies there. TorchSharp loads libtorch_cpu by name, finds the
    /// packages' copy in the program's folder, and a second libtorch in a process aborts it. The loader compares a requested path with the names of the
    /// libraries it has before it opens the file, so the name it keeps (l_name of struct link_map, see dlinfo(3)) is set to that path.
    /// </summary>
    public static void AlsoAt(nint handle, string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path + "\0");
        unsafe
        {
            var copy = (byte*)NativeMemory.Alloc((nuint)bytes.Length); // the loader may free it: malloc's
            bytes.CopyTo(new Span<byte>(copy, bytes.Length));
            Marshal.WriteIntPtr(NameOf(handle), (nint)copy);
        }
    }

    /// <summary>Address of the pointer to the name: the second field of struct link_map.</summary>
    static nint NameOf(nint handle) =>
        Information(handle, LinkMap, out var map) == 0
            ? map + nint.Size
            : throw new IOException("The system's loader does not tell where a library was loaded from.");

    [LibraryImport("libc.so.6", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string file, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dlinfo")]
    private static partial int Information(nint handle, int request, out nint answer);
}
