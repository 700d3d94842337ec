module Ortho.Tests.Program

open Expecto
open TorchSharp

let tests =
    testList
        "Ortho.Research"
        [
            Algebra.ConvolutionArithmeticTests.tests
            Lab.IdxTests.tests
            Lab.TextTests.tests
            Lab.ClaimTests.tests
            Lab.RecordTests.tests
            Lab.ReportTests.tests
            Lab.ReproductionTests.tests
            Lab.DatasetTests.tests
            Lab.FigureTests.tests
        ]

[<EntryPoint>]
let main arguments =
    torch.set_num_threads 1
    runTestsWithCLIArgs [ CLIArguments.Sequenced ] arguments tests
