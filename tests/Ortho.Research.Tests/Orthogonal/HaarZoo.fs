module Ortho.Tests.HaarZoo

open Ortho
open ZooEntry

/// A map that is random in the type and on the device of its one parameter, which it does not depend on.
let private random name (build: Case -> TensorKind -> LinearMap) =
    entry name (fun _ -> [ [ 1L ] ]) (fun case p -> build case (TensorKind.ofTensor p[0]))

let entries =
    [
        random "uniform chain of reflections" (fun case kind -> Haar.chain case.Seed kind (n case))
        random "projection onto a uniform subspace" (fun case kind ->
            Haar.projection case.Seed kind (n case) (min (m case) (n case)))
    ]
