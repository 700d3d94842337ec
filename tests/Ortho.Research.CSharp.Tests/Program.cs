using Expecto;
using Expecto.CSharp;
using Ortho.Research.CSharp.Tests;

if (args is [NativeProcess.ReportArgument]) return NativeProcess.Report();

return Runner.RunTestsWithCLIArgs([Tests.CLIArguments.Sequenced], args, Runner.TestList("C#",
[
    NativeTests.All,
    AlgebraTests.All,
    LinearMapTests.All,
    LearnTests.All,
    EquivariantTests.All,
    WingTests.All,
    ShearLayerTests.All,
    MultiscaleTests.All,
    FlowTests.All,
    HouseholderTests.All,
    ButterflyTests.All,
    LipschitzTests.All,
    ConvolutionTests.All,
    OrthogonalConvolutionTests.All,
    PlaneTests.All,
    ManifoldTests.All,
    MatrixTests.All,
    GroupTests.All,
    FrontDoorTests.All,
    SpectralBasisTests.All,
    FourierTests.All,
    SpectralOperatorTests.All,
    ActivationTests.All,
    SurfaceTests.All,
]));
