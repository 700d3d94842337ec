/// <summary>Found by the .NET host through the STARTUP_HOOKS property of runtimeconfig.json.</summary>
internal static class StartupHook
{
    public static void Initialize() { }
}
