/// Butterfly maps of the zoo.
module Ortho.Tests.ButterflyZoo

open Ortho
open Ortho.Tests.ZooEntry

/// 1 to 3 factors of 4 to 8 blocks of 2 or 4; one factor of blocks of 1 to 3 as well.
let private shape (case: Case) =
    let m = 1L + m case % 3L
    let b = if m = 1L then 1L + n case % 3L else 2L + 2L * (n case % 2L)
    [ [ m; 4L * (1L + n case % 2L); b; b ] ]

let private iterated (entry: ZooEntry) = { entry with Tolerance = _.Iteration }

let entries: ZooEntry list =
    [
        entry "butterfly of blocks" shape (fun _ p -> Butterfly.ofBlocks p[0])
        entry "butterfly of orthogonal blocks" shape (fun _ p ->
            Butterfly.ofOrthogonal (Cayley.matrix (Skew.ofSquare p[0])))
        |> iterated
        entry "butterfly of skew matrices" shape (fun _ p -> Butterfly.ofSkew (Skew.ofSquare p[0]))
        |> iterated
    ]
