module Ortho.Tests.Program

open Expecto

let private tests =
    testList
        "Ortho.Research"
        [
            Algebra.PermutationTests.tests
            Algebra.SetPartitionTests.tests
            Algebra.DiagramTests.tests
            Algebra.OrbitBasisTests.tests
            Algebra.YoungDiagramTests.tests
        ]

[<EntryPoint>]
let main arguments =
    runTestsWithCLIArgs [ CLIArguments.Sequenced ] arguments tests
