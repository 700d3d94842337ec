module Ortho.Tests.Program

open Expecto

[<EntryPoint>]
let main arguments =
    runTestsWithCLIArgs [ CLIArguments.Sequenced ] arguments (testList "Ortho.Research" [])
