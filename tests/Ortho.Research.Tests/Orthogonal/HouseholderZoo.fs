module Ortho.Tests.HouseholderZoo

open Ortho
open TorchSharp
open ZooEntry

/// Scales that make LAPACK's factors unitary: 1 / tau = |v|^2 / 2 + i s.
let scales (a: torch.Tensor) (s: torch.Tensor) =
    let one = torch.ones_like s
    let halves = (a.tril(-1L).abs().square().sum(0L) + one.abs ()) * 0.5

    if a.is_complex () then
        (torch.complex (halves, s.imag)).reciprocal()
    else
        halves.reciprocal ()

let private tall case = n case + m case

let entries =
    [
        entry "rotation of reflections" (matrix (fun case -> 2L * m case) n) (fun _ p -> Householder.rotation p[0])
        entry "triangular frame" (matrix tall m) (fun _ p -> Householder.triangular p[0])
        entry "triangular orthogonal matrix" (matrix n n) (fun _ p -> Householder.triangular p[0])
        entry "reflections in LAPACK's form" (fun case -> [ [ tall case; n case ]; [ n case ] ]) (fun _ p ->
            Householder.ofLapack p[0] (scales p[0] p[1]))
    ]
