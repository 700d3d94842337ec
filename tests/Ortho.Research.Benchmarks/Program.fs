module Ortho.Benchmarks.Program

[<EntryPoint>]
let main _ = 0
