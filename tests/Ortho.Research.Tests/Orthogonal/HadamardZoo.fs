/// Walsh-Hadamard transforms of the zoo.
module Ortho.Tests.HadamardZoo

open Ortho
open Ortho.Tests.ZooEntry

/// 1 to 256: one pass and two.
let private length (case: Case) = 1L <<< (case.Size - 1)

let entries: ZooEntry list =
    [
        free "Walsh-Hadamard transform" (fun case -> Hadamard.transform (length case))
        free "random signs and Hadamard" (fun case -> Hadamard.random case.Seed (length case))
    ]
