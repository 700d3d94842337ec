using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ortho.Native;

/// <summary>Loads TorchSharp's bridge where libstdc++ is older than GCC 13's (Debian 12, Ubuntu 22.04): a copy in which the newest version is optional.</summary>
internal static class PortableBridge
{
    const string NewestVersion = "GLIBCXX_3.4.32";

    /// <summary>Loads the bridge, or a copy of it; true if it had to be a copy. The bridge itself, often a hard link into the package folder, is never written.</summary>
    /// <exception cref="DllNotFoundException">Neither can be loaded; the message has the loader's reasons.</exception>
    public static bool Load(string bridge)
    {
        try
        {
            NativeLibrary.Load(bridge);
            return false;
        }
        catch (DllNotFoundException refused)
        {
            LoadCopy(bridge, refused);
            return true;
        }
    }

    static void LoadCopy(string bridge, DllNotFoundException refused)
    {
        var image = File.ReadAllBytes(bridge);
        var key = Convert.ToHexStringLower(SHA256.HashData(image))[..16];
        if (!Weakened(image, bridge)) throw refused;

        var name = Path.GetFileName(bridge);
        if (Cached(Path.Combine(key, name), image) is { } cached && NativeLibrary.TryLoad(cached, out _)) return;

        // No folder for the user's data, or no library may run from it. A folder that only this user can write, gone once the library is loaded.
        try
        {
            var folder = Directory.CreateTempSubdirectory("ortho-research-");
            try
            {
                var copy = Path.Combine(folder.FullName, name);
                File.WriteAllBytes(copy, image);
                NativeLibrary.Load(copy);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new DllNotFoundException(
                $"This system's libstdc++ is too old for {bridge}, and a copy that could be loaded can be written neither to {Root()} nor to {Path.GetTempPath()}:"
                + $" {problem.Message} Set XDG_DATA_HOME or TMPDIR to a folder that can be written.", problem);
        }
    }

    static bool Weakened(byte[] image, string bridge)
    {
        try
        {
            return ElfPatch.Weaken(image, NewestVersion);
        }
        catch (ArgumentException damage)
        {
            throw new DllNotFoundException($"{bridge} is damaged: {damage.Message} Delete its package from the package folder, restore and build again.", damage);
        }
    }

    static string Root() =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "ortho-research");

    /// <summary>
    /// The path of a file in the user's cache with exactly these bytes; null if it cannot be written. A file with other bytes (cut short, damaged) is replaced.
    /// Written aside and renamed, so that processes that start together see all of it or nothing.
    /// </summary>
    static string? Cached(string file, byte[] bytes)
    {
        var path = Path.Combine(Root(), file);
        if (!Path.IsPathRooted(path)) return null;

        var draft = $"{path}.{Guid.NewGuid():N}";
        try
        {
            if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) return path;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            try
            {
                File.WriteAllBytes(draft, bytes);
                File.Move(draft, path, overwrite: true);
                return path;
            }
            finally
            {
                File.Delete(draft);
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
