using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Expecto;
using Expecto.CSharp;
using static Ortho.Research.CSharp.Tests.Check;

namespace Ortho.Research.CSharp.Tests;

/// <summary>What a C# program sees of the library: no type of F#'s own, and everything that F# sees.</summary>
internal static class SurfaceTests
{
    public static Test All => Runner.TestList("surface",
    [
        Runner.TestCase("no public member shows a type of F#'s own", NoFSharpTypes),
        Runner.TestCase("public members have C#'s capitals", Capitals),
        Runner.TestCase("what an F# module does, a C# member does", Complete),
        Case("null is refused by the name of the argument", Nulls),
        Runner.TestCase("C# programs here name nothing of F#'s", NoFSharpNames),
    ]);

    /// <summary>F#'s side of the counter: rooms (by their own name) and members, each with the reason or with what C# calls instead.</summary>
    static readonly Dictionary<string, string> ForFSharp = new()
    {
        ["Guard"] = "checks inside the library",
        ["Learn.map"] = "new LearnedMap",
        ["Law.gradient"] = "Laws.Gradient",
        ["PointwiseActivation.OfFunction"] = "new ActivationFunction",
        ["OrbitBasis.Extend"] = "Linq over OrbitBasis.OfDiagram or ToDiagrams",
        ["ConvolutionArithmetic.tryOutputSize"] = "ConvolutionAxis.TryOutputSize",
    };

    /// <summary>Functions of modules that C# calls by another name than their own.</summary>
    static readonly Dictionary<string, string> Otherwise = new()
    {
        ["LinearMap.compose"] = "a * b",
        ["LinearMap.andThen"] = "a.Then(b)",
        ["LinearMap.add"] = "a + b",
        ["LinearMap.scale"] = "2.0 * a",
        ["Space.ofShape"] = "Space.Of",
        ["Space.scalar"] = "Space.Of()",
        ["TensorKind.ofTensor"] = "TensorKind.Of",
        ["TensorKind.realDtype"] = "for writers of maps",
        ["Permutation.apply"] = "p[i]",
        ["Diagram.blockOfVertex"] = "d.BlockOf",
        ["Fun.ofFunction"] = "new Fun(f, lower, upper)",
        ["Fun.ofFunctionWithin"] = "new Fun(f, lower, upper, limit)",
        ["SetPartition.limit"] = "the limit itself: EnumerateWithin takes another",
    };

    static readonly string[] OfFSharp = ["FSharp", "System.Tuple"];
    static readonly Type[] Types = typeof(LinearMap).Assembly.GetExportedTypes();
    static readonly Type[] Modules = Types.Where(type => type.Name.EndsWith("Module")).ToArray();

    const BindingFlags Declared = BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    static bool IsWritten(MemberInfo member) => !member.Name.Contains('$') && !member.Name.Contains("_Dot") && !member.IsDefined(typeof(CompilerGeneratedAttribute));

    /// <summary>All that C# may call, with its name as in ForFSharp.</summary>
    static IEnumerable<(string Name, MemberInfo Member)> Members() =>
        from type in Types.Except(Modules)
        where !ForFSharp.ContainsKey(type.Name)
        from member in type.GetMembers(Declared)
        where IsWritten(member)
        select ($"{type.Name}.{member.Name}", member);

    static IEnumerable<Type> TypesIn(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType),
        ConstructorInfo constructor => constructor.GetParameters().Select(p => p.ParameterType),
        PropertyInfo property => [property.PropertyType],
        FieldInfo field => [field.FieldType],
        Type nested => nested.BaseType is { } parent ? [parent] : [],
        _ => [],
    };

    static bool ShowsFSharp(MemberInfo member) => TypesIn(member).Any(type => OfFSharp.Any(type.ToString().Contains));

    static void NoFSharpTypes()
    {
        None("These show F#'s own types", Members().Where(m => ShowsFSharp(m.Member) && !ForFSharp.ContainsKey(m.Name)).Select(m => m.Name));
        None("These are allowed for nothing", ForFSharp.Keys.Where(name => name.Contains('.')).Except(Members().Where(m => ShowsFSharp(m.Member)).Select(m => m.Name)));
        None("These rooms are no more", ForFSharp.Keys.Where(name => !name.Contains('.')).Except(Types.Select(type => type.Name)));
    }

    static void Capitals()
    {
        string[] ofTorchSharp = ["forward"];
        var small =
            from m in Members()
            where !ForFSharp.ContainsKey(m.Name) && !ofTorchSharp.Contains(m.Member.Name)
            where m.Member is not FieldInfo { IsSpecialName: true }
            where char.IsLower(Regex.Replace(m.Member.Name, "^([gs]et_|op_|\\.)", "")[0]) && m.Member is not ConstructorInfo
            select m.Name;
        None("These begin with a small letter", small);
    }

    static void Complete()
    {
        var missing =
            from module in Modules
            let name = module.Name[..^"Module".Length]
            let type = Types.Single(type => type.FullName == $"{module.Namespace}.{name}")
            let called = new[] { type, Types.SingleOrDefault(other => other.Name == name + "s") }.OfType<Type>().SelectMany(side => side.GetMembers(Declared)).Select(member => member.Name).ToHashSet()
            from member in module.GetMembers(Declared)
            where IsWritten(member) && member is not MethodInfo { IsSpecialName: true }
            where !called.Contains(char.ToUpperInvariant(member.Name[0]) + member.Name[1..])
            select $"{name}.{member.Name}";
        var list = missing.ToList();
        None("C# has nothing for these", list.Except(Otherwise.Keys));
        None("These have their own name now", Otherwise.Keys.Except(list));
    }

    /// <summary>An argument that each type's members take.</summary>
    static readonly Dictionary<Type, Func<object>> Samples = new()
    {
        [typeof(string)] = () => "name",
        [typeof(int)] = () => 2,
        [typeof(long)] = () => 2L,
        [typeof(double)] = () => 0.5,
        [typeof(bool)] = () => true,
        [typeof(Traits)] = () => Traits.None,
        [typeof(TensorKind)] = () => TensorKind.Float64,
        [typeof(TorchSharp.torch.Tensor)] = () => Skew.OfSquare(Draw(1, 2, 2)),
        [typeof(TorchSharp.torch.Device)] = () => TorchSharp.torch.CPU,
        [typeof(TorchSharp.torch.ScalarType)] = () => TorchSharp.torch.float64,
        [typeof(TorchSharp.torch.Tensor[])] = () => new[] { Draw(1, 2, 2) },
        [typeof(IEnumerable<long>)] = () => new[] { 2L },
        [typeof(long[])] = () => new[] { 1L, 0L },
        [typeof(int[])] = () => new[] { 1, 0 },
        [typeof(int[][])] = () => new int[][] { [0, 1], [2, 3] },
        [typeof(Space)] = () => Space.Of(2),
        [typeof(LinearMap)] = () => LinearMaps.Identity(2),
        [typeof(LinearMap[,])] = () => new[,] { { LinearMaps.Identity(2) } },
        [typeof(Func<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>)] = () => (TorchSharp.torch.Tensor x) => x.alias(),
        [typeof(Parameter)] = () => Parameters.Zeros(2),
        [typeof(IEnumerable<Parameter>)] = () => new[] { Parameters.Zeros(2) },
        [typeof(Func<IReadOnlyList<TorchSharp.torch.Tensor>, LinearMap>)] = () => (IReadOnlyList<TorchSharp.torch.Tensor> p) => LinearMaps.OfDiagonal(p[0]),
        [typeof(Permutation)] = () => Permutation.Identity(2),
        [typeof(Permutation[])] = () => new[] { Permutation.Identity(2) },
        [typeof(PermutationGroup)] = () => PermutationGroup.Symmetric(2),
        [typeof(Graph)] = () => Graph.Complete(2),
        [typeof(BilabelledGraph)] = () => BilabelledGraph.Of(Graph.Complete(2), [0], [1]),
        [typeof(SetPartition)] = () => SetPartition.Finest(4),
        [typeof(Diagram)] = () => Diagram.Identity(2),
        [typeof(YoungDiagram)] = () => YoungDiagram.OfRows([2]),
        [typeof(ConvolutionBorder)] = () => ConvolutionBorder.Circular,
        [typeof(ConvolutionOptions)] = () => ConvolutionOptions.Default,
        [typeof(ConvolutionAxis)] = () => ConvolutionArithmetic.OfKernel(2),
        [typeof(Group)] = () => Group.Symmetric(2),
        [typeof(Rep)] = () => Rep.Permutation(2),
        [typeof(CosineType)] = () => CosineType.DctII,
        [typeof(EulerOrder)] = () => EulerOrder.XYZ,
        [typeof(IEnumerable<CosineType>)] = () => new[] { CosineType.DctII },
        [typeof(Boundary)] = () => Boundary.Neumann,
        [typeof(GridPoints)] = () => GridPoints.Centres,
        [typeof(GridAxis)] = () => Poisson.Axis(Boundary.Neumann, 2, 1),
        [typeof(TransformType)] = () => TransformType.Fourier,
        [typeof(IEnumerable<GridAxis>)] = () => new[] { Poisson.Axis(Boundary.Neumann, 2, 1) },
        [typeof(IEnumerable<int>)] = () => new[] { 0, 1 },
        [typeof(SphereGrid)] = () => SphereGrid.OfDegree(2),
        [typeof(SplineBasis)] = () => BSpline.OpenUniform(1, 2, 0, 1),
        [typeof(SpectralBasis)] = () => Chebyshev.Gauss(2),
        [typeof(SpectralOperator)] = () => new SpectralOperator(1, [Chebyshev.Gauss(2)], 1, 1, 1, 1, PointwiseActivation.Tanh),
        [typeof(IEnumerable<SpectralBasis>)] = () => new[] { Chebyshev.Gauss(2) },
        [typeof(Fun)] = () => new Fun(Math.Exp),
        [typeof(Func<double, double>)] = () => (double x) => x,
        [typeof(IEnumerable<Fun>)] = () => new[] { new Fun(Math.Exp), new Fun(Math.Exp) },
        [typeof(IEnumerable<BoundaryCondition>)] = () => new[] { BoundaryProblem.Condition(0, 0, 1) },
        [typeof(IEnumerable<double>)] = () => new[] { 1.0 },
        [typeof(PeriodicGrid)] = () => Periodic.Grid([4, 4], [1, 1]),
        [typeof(ValueTuple<double, double>)] = () => (0.5, 0.5),
        [typeof(Stepper)] = () => Stepper.RungeKutta4(0.1, u => u),
        [typeof(Func<double, TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>)] = () => (double time, TorchSharp.torch.Tensor x) => x.alias(),
        [typeof(Invariant)] = () => new Invariant("mass", u => u.sum()),
        [typeof(IEnumerable<Invariant>)] = () => new[] { new Invariant("mass", u => u.sum()) },
        [typeof(RunOptions)] = () => RunOptions.Default,
        [typeof(Action<RunProgress>)] = () => (RunProgress progress) => { },
        [typeof(Action<string>)] = () => (string text) => { },
        [typeof(Func<TorchSharp.torch.Tensor, double>)] = () => (TorchSharp.torch.Tensor x) => 1.0,
        [typeof(Flow)] = () => NavierStokes.Flow(TensorKind.Float64, 0.1, Periodic.Grid([4, 4], [1, 1])),
        [typeof(Activation)] = () => Activation.Relu,
        [typeof(IEnumerable<TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>>)] = () => new[] { TorchSharp.torch.nn.Identity() },
        [typeof(PlaneSchedule)] = () => PlaneSchedule.Sequential(2),
        [typeof(IEnumerable<ValueTuple<int, int>>)] = () => new[] { (0, 1) },
        [typeof(IEnumerable<IEnumerable<ValueTuple<int, int>>>)] = () => new[] { new[] { (0, 1) } },
        [typeof(Similarity)] = () => Procrustes.Similarity(Draw(1, 3, 2), Draw(2, 3, 2)),
        [typeof(LearnedMap)] = () => new LearnedMap("m", [Parameters.Zeros(2)], p => LinearMaps.OfDiagonal(p[0])),
        [typeof(AlmostOrthogonalLayer)] = () => new AlmostOrthogonalLayer(1, 2, 2),
        [typeof(LipschitzResidualLayer)] = () => new LipschitzResidualLayer(1, 2, 2),
        [typeof(SandwichLayer)] = () => new SandwichLayer(1, 2, 2),
        [typeof(LipschitzNetwork)] = () => new LipschitzNetwork(1, 1, [2, 2]),
        [typeof(ConstrainedLayer)] = () => Orthogonal.Constrain(TorchSharp.torch.nn.Linear(2, 2)),
        [typeof(TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>)] = () => TorchSharp.torch.nn.Linear(2, 2),
        [typeof(Group[])] = () => new[] { Group.Symmetric(2) },
        [typeof(IEnumerable<Group>)] = () => new[] { Group.Symmetric(2) },
        [typeof(Features)] = () => Features.Tensors(1, 1),
        [typeof(ActivationClass)] = () => ActivationClass.Odd,
        [typeof(ActivationFunction)] = () => PointwiseActivation.Tanh,
        [typeof(IEnumerable<TorchSharp.torch.nn.Module>)] = () => new[] { TorchSharp.torch.nn.Identity() },
        [typeof(LayerWork)] = () => new EquivariantLayer(1, Group.Symmetric(2), 1, 1, 1, 1).Work(1, LayerMethod.Factored),
        [typeof(StratifiedFlow)] = () => StratifiedFlow.Create(100, 0.1, 5, 5),
        [typeof(Wavelet)] = () => Wavelet.Biorthogonal53,
        [typeof(WaveletBorder)] = () => WaveletBorder.Periodic,
        [typeof(WaveletTransform)] = () => WaveletTransform.Level(Wavelet.Haar, 2),
        [typeof(IEnumerable<string>)] = () => new[] { "a", "d" },
        [typeof(ScanForm)] = () => ScanForm.Doubling,
        [typeof(MultigridOptions)] = () => MultigridOptions.Default,
        [typeof(IEnumerable<MultigridLevel>)] = () => new[] { new MultigridLevel(LinearMaps.Identity(3), [], [], Multigrid.Restriction(3), Multigrid.Prolongation(3)) },
        [typeof(HermiteActivation)] = () => new HermiteActivation(2),
        [typeof(FourierActivation)] = () => new FourierActivation(2),
        [typeof(TropicalActivation)] = () => new TropicalActivation(2),
        [typeof(TropicalRationalActivation)] = () => new TropicalRationalActivation(2),
        [typeof(QuadratureRule)] = () => Hermite.ProbabilistsRule(2),
        [typeof(EquivariantLayer)] = () => new EquivariantLayer(1, Group.Symmetric(2), 1, 1, 1, 1),
    };

    static void Nulls()
    {
        // Plain records.
        Type[] results =
        [
            typeof(DiagramProduct),
            typeof(DiagramFactors),
            typeof(DiagramTerm),
            typeof(FeatureTerm),
            typeof(LayerWork),
            typeof(GridAxis),
            typeof(QuadratureRule),
            typeof(BoundaryCondition),
            typeof(TensorKind),
            typeof(Drift),
            typeof(RunProgress),
            typeof(RunResult),
            typeof(RunOptions),
            typeof(ConstraintReport),
            typeof(LapackForm),
            typeof(Similarity),
            typeof(EquiangularVectors),
            typeof(ConvolutionOptions),
            typeof(ConvolutionExistence),
            typeof(MergedSchedule),
            typeof(GivensFactors),
            typeof(Admissibility),
            typeof(StratifiedFlow),
            typeof(Subband),
            typeof(WaveletTransform),
            typeof(MultigridOptions),
            typeof(MultigridLevel),
            typeof(SecondMoments),
        ];
        string[] takesNull = ["op_Equality", "op_Inequality", "Equals", "CompareTo"];
        var wrong = new List<string>();
        foreach (var (name, member) in Members())
        {
            if (member is not MethodBase { ContainsGenericParameters: false } method || takesNull.Contains(method.Name)) continue;
            if (method.IsConstructor && results.Contains(method.DeclaringType)) continue;
            var parameters = method.GetParameters();
            for (var place = 0; place < parameters.Length; place++)
            {
                var type = parameters[place].ParameterType;
                if (type.IsValueType || type.IsByRef || ForFSharp.ContainsKey(name)) continue;
                if (parameters.FirstOrDefault(p => !p.IsOut && !Samples.ContainsKey(p.ParameterType)) is { } unknown) { wrong.Add($"{name}: no sample of {unknown.ParameterType}"); continue; }
                var arguments = parameters.Select((p, i) => i == place || p.IsOut ? null : Samples[p.ParameterType]()).ToArray();
                string happened;
                try
                {
                    if (method is ConstructorInfo constructor) constructor.Invoke(arguments);
                    else method.Invoke(method.IsStatic ? null : Samples[method.DeclaringType!](), arguments);
                    happened = "was taken";
                }
                catch (TargetInvocationException error)
                {
                    if (error.InnerException is ArgumentException refusal && refusal.ParamName == parameters[place].Name) continue;
                    happened = error.InnerException is ArgumentException other ? $"was refused as {other.ParamName}" : $"gave {error.InnerException!.GetType().Name}";
                }

                wrong.Add($"{name}: {parameters[place].Name} {happened}");
            }
        }

        None("Null", wrong.Select(line => "\n" + line));
    }

    static void NoFSharpNames()
    {
        var here = Path.GetDirectoryName(ThisFile())!;
        var names = new Regex(string.Join('|', Modules.Select(module => $@"\b{module.Name}\b").Append(string.Join(@"\.", "Microsoft", "FSharp"))));
        var files = Directory.GetFiles(here, "*.cs").Append(Path.Combine(here, "..", "..", "scripts", "quickstart.cs"));
        None("These name F#'s side", files.SelectMany(file => names.Matches(File.ReadAllText(file)).Select(match => $"{Path.GetFileName(file)}: {match}")));
    }

    static string ThisFile([CallerFilePath] string path = "") => path;

    static void None(string what, IEnumerable<string> names) => Equal("", string.Join(", ", names.Distinct().Order()), what);
}
