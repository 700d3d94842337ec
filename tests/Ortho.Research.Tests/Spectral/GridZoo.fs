module Ortho.Tests.GridZoo

open System
open Ortho
open ZooEntry

/// Two axes of different kinds, some of them long enough for an FFT.
let private axes (case: Case) =
    let random = Random case.Seed
    let axis = Grids.axis random
    let long = Grids.axis random

    [
        axis
        { long with
            Size = long.Size + (if case.Second % 3 = 0 then 60L else 0L)
        }
    ]

let entries =
    [
        free "Hartley transform" (fun case -> Hartley.transform (n case + (if case.Second % 2 = 0 then 0L else 60L)))
        free "Laplacian of any ends" (fun case -> Poisson.laplacian (axes case))
        free "boundary terms of any ends" (fun case ->
            Poisson.boundaryTerms (Poisson.axis Boundary.DirichletNeumann (n case) 0.5 :: axes case))
        free "solver of any ends" (fun case ->
            Poisson.solver [ (axes case).Head; Poisson.axis Boundary.NeumannDirichlet (m case) 0.5 ])
        free "screened solver of any ends" (fun case -> Poisson.screenedSolver 0.75 (axes case))
        free "exact Laplacian of any ends" (fun case ->
            SpectralPoisson.laplacian [ (axes case).Head; Poisson.axis Boundary.Dirichlet (m case) 0.5 ])
        free "exact solver of any ends" (fun case ->
            SpectralPoisson.solver [ (axes case).Head; Poisson.axis Boundary.Dirichlet (m case) 0.5 ])
        free "exact screened solver of any ends" (fun case -> SpectralPoisson.screenedSolver 0.75 (axes case))
    ]
