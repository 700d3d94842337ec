module Ortho.Tests.Program

open Expecto
open TorchSharp

let tests =
    testList
        "Ortho.Research"
        [
            LinearMapTests.tests
            LearnTests.tests
            ScalarTests.tests
            ZooLaws.tests
            Algebra.PermutationTests.tests
            Algebra.SetPartitionTests.tests
            Algebra.DiagramTests.tests
            Algebra.OrbitBasisTests.tests
            Algebra.JellyfishTests.tests
            Algebra.YoungDiagramTests.tests
            Algebra.ConvolutionArithmeticTests.tests
            Orthogonal.SkewTests.tests
            Orthogonal.HouseholderTests.tests
            Orthogonal.HouseholderMatrixTests.tests
            Orthogonal.HouseholderLapackTests.tests
            Orthogonal.HouseholderPaperTests.tests
            Orthogonal.CayleyTests.tests
            Orthogonal.BlockDiagonalTests.tests
            Orthogonal.ButterflyTests.tests
            Orthogonal.HadamardTests.tests
            Orthogonal.EquiangularFrameTests.tests
            Orthogonal.InitializationTests.tests
            Orthogonal.SpectralNormTests.tests
            Orthogonal.LipschitzTests.tests
            Orthogonal.LipschitzLayersTests.tests
            Orthogonal.LipschitzModulesTests.tests
            Orthogonal.KoopmanBoundTests.tests
            Orthogonal.OrthogonalityPenaltyTests.tests
            Orthogonal.RowAnglesTests.tests
            Orthogonal.ConvolutionTests.tests
            Orthogonal.ConvolutionSpectrumTests.tests
            Orthogonal.ConvolutionOrthogonalityTests.tests
            Orthogonal.ConvolutionExistenceTests.tests
            Orthogonal.BlockConvolutionTests.tests
            Orthogonal.BlockConvolutionExampleTests.tests
            Orthogonal.SkewConvolutionTests.tests
            Orthogonal.FourierConvolutionTests.tests
            Orthogonal.ConvolutionInitializationTests.tests
            Orthogonal.HaarTests.tests
            Orthogonal.ProcrustesTests.tests
            Orthogonal.PlaneScheduleTests.tests
            Orthogonal.RotationKernelTests.tests
            Orthogonal.RotationKernelMemoryTests.tests
            Orthogonal.GivensTests.tests
            Orthogonal.PolarTests.tests
            Orthogonal.PolarIterationTests.tests
            Orthogonal.PolarGradientTests.tests
            Orthogonal.ExponentialTests.tests
            Orthogonal.StiefelTests.tests
            Orthogonal.RetractionTests.tests
            Orthogonal.ProjectionTests.tests
            Orthogonal.PrincipalAnglesTests.tests
            Orthogonal.GramSchmidtTests.tests
            Orthogonal.RotationTests.tests
            Orthogonal.EulerAnglesTests.tests
            Orthogonal.RotationGradientTests.tests
            Orthogonal.ExponentialGradientTests.tests
            Orthogonal.FrontDoorTests.tests
            FunctorTests.tests
            BrauerTests.tests
            GraphTests.tests
            GroupTests.tests
            GramTests.tests
            BasisTests.tests
            ReynoldsTests.tests
            RowSumTests.tests
            EquivariantLayerGradientTests.tests
            EquivariantLayerTests.tests
            LayerWorkTests.tests
            PointwiseActivationTests.tests
            CosineTests.tests
            RowKernelTests.tests
            HartleyTests.tests
            GoodSizeTests.tests
            PoissonTests.tests
            UpwindProjectionTests.tests
            StaggeredProjectionTests.tests
            FieldComplexityTests.tests
            PoissonOrderTests.tests
            SpectralPoissonTests.tests
            FourierTransformTests.tests
            FourierTests.tests
            SphericalHarmonicsTests.tests
            BSplineTests.tests
            TwoPointCorrelationTests.tests
            SpectralOperatorTests.tests
            GaussQuadratureTests.tests
            PolynomialBasisTests.tests
            FunTests.tests
            BoundaryProblemTests.tests
            WaveletFilterTests.tests
            WaveletTests.tests
            ScanTests.tests
            MultigridTests.tests
            PeriodicTests.tests
            StepperTests.tests
            TimeRunTests.tests
            NavierStokesTests.tests
            FlowsTests.tests
            ActivationTests.tests
            PositionalEmbeddingTests.tests
            StableRankTests.tests
            Lab.IdxTests.tests
            Lab.TextTests.tests
            Lab.ClaimTests.tests
            Lab.RecordTests.tests
            Lab.ReportTests.tests
            Lab.TimingTests.tests
            Lab.ReproductionTests.tests
            Lab.DatasetTests.tests
            Lab.FigureTests.tests
            Lab.PictureTests.tests
        ]

[<EntryPoint>]
let main arguments =
    // Small tensors, and a machine that may be busy: more threads only wait for each other.
    torch.set_num_threads 1

    match arguments with
    | [| "--scalar-race" |] ->
        printfn $"{ScalarRace.hub 100_000}"
        0
    | [| argument; work |] when argument = Orthogonal.PeakMemory.argument ->
        Orthogonal.PeakMemory.report work
        0
    | _ ->
        if not (torch.cuda.is_available ()) then
            printfn "No GPU: the GPU benches are skipped."

        runTestsWithCLIArgs [ CLIArguments.Sequenced ] arguments tests
