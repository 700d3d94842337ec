module Ortho.Tests.PeriodicZoo

open Ortho
open ZooEntry

let private grid (case: Case) =
    Periodic.grid [ n case; m case ] [ 3.0; 2.0 ]

let entries =
    [
        free "periodic first derivative" (fun case -> PeriodicMaps.derivative (case.Seed % 2) 1 (grid case))
        free "periodic second derivative" (fun case -> PeriodicMaps.derivative (case.Seed % 2) 2 (grid case))
        free "periodic Laplacian" (grid >> PeriodicMaps.laplacian)
        free "periodic inverse Laplacian" (grid >> PeriodicMaps.inverseLaplacian)
        free "periodic truncation" (fun case -> PeriodicMaps.truncation (1 + case.Second % 3) (grid case))
    ]
