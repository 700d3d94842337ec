module Ortho.Tests.PolarZoo

open Ortho
open ZooEntry

/// Of full rank by their shape: chance could make a square matrix nearly singular.
let entries =
    [
        entry "polar factor of a tall matrix" (matrix (fun case -> n case + wide case) n) (fun _ p ->
            Polar.ofMatrix p[0])
        entry "polar factor of a wide matrix" (matrix n (fun case -> n case + wide case)) (fun _ p ->
            Polar.ofMatrix p[0])
        entry "polar factor of a square matrix" (matrix n n) (fun case p ->
            use identity = Orthogonal.Dense.identity (TensorKind.ofTensor p[0]) (n case)
            Polar.ofMatrix (Skew.ofSquare(p[0]).add identity))
    ]
