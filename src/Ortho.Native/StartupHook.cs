using System;
using System.IO;
using Ortho.Native;

/// <summary>Found by the .NET host through the STARTUP_HOOKS property of runtimeconfig.json; runs before a program's first line.</summary>
internal static class StartupHook
{
    /// <summary>An exception here would end the program with a stack trace of the host; the reader needs the one sentence that says what to do.</summary>
    public static void Initialize()
    {
        try
        {
            NativeLoad.Ensure();
        }
        catch (Exception problem) when (problem is DllNotFoundException or ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"Ortho.Native: {problem.Message}");
            Environment.Exit(1);
        }
    }
}
