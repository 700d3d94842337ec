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
            Algebra.YoungDiagramTests.tests
            Algebra.ConvolutionArithmeticTests.tests
            Orthogonal.SkewTests.tests
            Orthogonal.HouseholderTests.tests
            Orthogonal.CayleyTests.tests
            FunctorTests.tests
            BrauerTests.tests
            GraphTests.tests
            GroupTests.tests
            EquivariantLayerTests.tests
            CosineTests.tests
            PoissonTests.tests
            Lab.IdxTests.tests
            Lab.TextTests.tests
            Lab.ClaimTests.tests
            Lab.RecordTests.tests
            Lab.ReportTests.tests
            Lab.TimingTests.tests
            Lab.ReproductionTests.tests
            Lab.DatasetTests.tests
            Lab.FigureTests.tests
        ]

[<EntryPoint>]
let main arguments =
    // Small tensors, and a machine that may be busy: more threads only wait for each other.
    torch.set_num_threads 1

    match arguments with
    | [| "--scalar-race" |] ->
        printfn $"{ScalarRace.hub 100_000}"
        0
    | _ ->
        if not (torch.cuda.is_available ()) then
            printfn "No GPU: the GPU benches are skipped."

        runTestsWithCLIArgs [ CLIArguments.Sequenced ] arguments tests
