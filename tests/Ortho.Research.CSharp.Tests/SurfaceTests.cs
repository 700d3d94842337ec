using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using Expecto;
using Expecto.CSharp;

namespace Ortho.Research.CSharp.Tests;

/// <summary>What a C# program sees of the library: no type of F#'s own.</summary>
internal static class SurfaceTests
{
    public static Test All => Runner.TestList("surface",
    [
        Runner.TestCase("no public member shows a type of F#'s own", NoFSharpTypes),
        Runner.TestCase("these tests name none", NoFSharpNames),
    ]);

    /// <summary>Members that are F#'s side of the counter, each with what C# calls instead.</summary>
    static readonly Dictionary<string, string> ForFSharp = new()
    {
        ["Ortho.Guard.holds"] = "a check inside the library",
        ["Ortho.Law.gradient"] = "Laws.Gradient",
        ["Ortho.OrbitBasis.Extend"] = "Linq over OrbitBasis.OfDiagram or ToDiagrams",
        ["Ortho.Learn.map"] = "new LearnedMap",
        ["Ortho.Equivariant.OfWeight"] = "EquivariantLayer.Linear: its pair of orders is System.Tuple",
        ["Ortho.ConvolutionArithmetic.tryOutputSize"] = "outputSize",
    };

    static readonly string[] OfFSharp = ["FSharpFunc", "FSharpOption", "FSharpValueOption", "FSharpList", "FSharpRef", "FSharpMap", "FSharpSet", "System.Tuple", "Microsoft.FSharp.Core.Unit"];

    static IEnumerable<Type> TypesOf(MethodBase method) =>
        method.GetParameters().Select(p => p.ParameterType).Append(method is MethodInfo m ? m.ReturnType : typeof(void));

    static void NoFSharpTypes()
    {
        var shown =
            from type in typeof(LinearMap).Assembly.GetExportedTypes()
            where !type.Name.EndsWith("Module") && !type.IsNested
            from member in type.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly).OfType<MethodBase>()
            let name = $"{type.FullName}.{member.Name}"
            where !member.Name.Contains('$') && !member.IsDefined(typeof(CompilerGeneratedAttribute)) && !ForFSharp.ContainsKey(name)
            where TypesOf(member).Any(t => OfFSharp.Any(f => t.ToString().Contains(f)))
            select $"{name}({string.Join(", ", member.GetParameters().Select(p => p.ParameterType))})";
        var list = shown.ToList();
        if (list.Count > 0) throw new InvalidOperationException(string.Join("\n", list));

        var gone = ForFSharp.Keys.Where(name => typeof(LinearMap).Assembly.GetType(name[..name.LastIndexOf('.')])?.GetMethod(name[(name.LastIndexOf('.') + 1)..]) is null);
        LinearMapTests.Equal("", string.Join(" ", gone), "allowed members that exist no more");
    }

    static void NoFSharpNames() => NamesIn(Path.GetDirectoryName(ThisFile())!);

    static string ThisFile([CallerFilePath] string path = "") => path;

    static void NamesIn(string folder)
    {
        var name = string.Join('.', "Microsoft", "FSharp");
        var found = Directory.GetFiles(folder, "*.cs").Where(file => File.ReadLines(file).Any(line => line.Contains("using " + name))).ToList();
        if (found.Count > 0) throw new InvalidOperationException(string.Join(", ", found));
    }
}
