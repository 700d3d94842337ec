/// Maps of norm at most 1.
module Ortho.Tests.LipschitzZoo

open Ortho
open ZooEntry

let entries: ZooEntry list =
    [
        entry "spectrally normalised map" (matrix m n) (fun _ p -> SpectralNorm.normalised p[0])
        entry "almost orthogonal map" (matrix m n) (fun _ p -> Lipschitz.almostOrthogonal p[0])
        { entry "linear form of a sandwich" (pair (matrix n n) (matrix m n)) (fun _ p ->
              Lipschitz.sandwichLinear p[0] p[1]) with
            Tolerance = _.Iteration
        }
    ]
