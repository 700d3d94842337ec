module Ortho.Tests.GridZoo

open System
open Ortho
open ZooEntry

/// Two short axes of any kinds, or one that is long enough for an FFT.
let private axes (case: Case) =
    let random = Random case.Seed
    let first, second = Grids.axis random, Grids.axis random

    if case.Second % 3 = 0 then
        [ { first with Size = first.Size + 60L } ]
    else
        [ { first with Size = min 4L first.Size }; second ]

let entries =
    [
        free "Hartley transform" (fun case -> Hartley.transform (n case + (if case.Second % 2 = 0 then 0L else 60L)))
        free "Laplacian of any ends" (fun case -> Poisson.laplacian (axes case))
        free "boundary terms of any ends" (fun case -> Poisson.boundaryTerms (axes case))
        free "solver of any ends" (fun case -> Poisson.solver (axes case))
        free "screened solver of any ends" (fun case -> Poisson.screenedSolver 0.75 (axes case))
        free "exact Laplacian of any ends" (fun case -> SpectralPoisson.laplacian (axes case))
        free "exact solver of any ends" (fun case -> SpectralPoisson.solver (axes case))
        free "exact screened solver of any ends" (fun case -> SpectralPoisson.screenedSolver 0.75 (axes case))
    ]
