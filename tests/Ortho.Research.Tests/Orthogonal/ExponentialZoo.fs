module Ortho.Tests.ExponentialZoo

open Ortho
open ZooEntry

let entries =
    [
        { entry "exponential" (matrix n n) (fun _ p -> Exponential.ofSkew (Skew.ofSquare p[0])) with
            Tolerance = _.Iteration
        }
        { entry
              "exponential at a base point"
              (pair (matrix (fun case -> n case + wide case) n) (matrix n n))
              (fun _ p -> Exponential.ofSkewAt (Polar.factor p[0]) (Skew.ofSquare p[1])) with
            Tolerance = _.Iteration
        }
    ]
