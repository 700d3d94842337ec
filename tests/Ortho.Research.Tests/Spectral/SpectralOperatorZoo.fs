module Ortho.Tests.SpectralOperatorZoo

open Ortho
open ZooEntry

let private lobatto n = Chebyshev.lobatto (n + 1L)

let entries =
    [
        entry "channels mixed mode by mode" (fun case -> [ [ n case; m case; 2L; 3L ] ]) (fun _ p ->
            SpectralConvolution.ofWeight p[0])
        free "zero at a corner, periodic and not" (fun case ->
            Mollifier.periodic [ Fourier.real (n case + 1L); Legendre.gauss (m case) ])
        free "zero on the boundary" (fun case ->
            Mollifier.dirichlet [ lobatto (n case + 1L); Legendre.lobatto (m case + 2L) ])
        free "zero at the first time" (fun case -> Mollifier.initialValue 1 [ Fourier.real (n case); lobatto (m case) ])
    ]
