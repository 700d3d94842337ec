/// Linear recurrences and multigrid for the zoo.
module Ortho.Tests.ScanZoo

open Ortho
open Ortho.Tests.ZooEntry

let private grid case = Space.Of(2L * n case + 3L)

let private picture case =
    Space.ofShape [ 2L * m case + 1L; 2L * (m case % 3L) + 3L ]

let private stencil (case: Case) (count: int) =
    let random = System.Random case.Seed
    // A diagonal that dominates: every cycle has an exact coarsest solution.
    Array.init count (fun i -> random.NextDouble() - 0.5 + (if i = count / 2 then float count else 0.0))

let entries: ZooEntry list =
    [
        entry "scan with one factor" (fun case -> [ [ m case ] ]) (fun case p -> Scan.invariant (n case) p[0])
        entry "scan with factors for each step" (matrix n m) (fun _ p -> Scan.varying p[0])
        free "interpolation" (grid >> Multigrid.prolongation)
        free "full weighting of pictures" (picture >> Multigrid.restriction)
        free "stencil" (fun case -> Stencil.operator (stencil case 3) (grid case))
        free "stencil of pictures" (fun case -> Stencil.operator (stencil case 9) (Space.ofShape [ n case; m case ]))
        free "Jacobi sweep" (fun case -> Stencil.jacobi 0.7 (stencil case 3) (grid case))
        free "two-grid cycle" (fun case ->
            Multigrid.twoGrid
                { MultigridOptions.Default with
                    PreSweeps = 2
                }
                (stencil case 9)
                (picture case))
        free "V-cycle" (fun case ->
            Multigrid.vCycle MultigridOptions.Default (Stencil.laplacian 1) (Space.Of(15L + 16L * (m case % 2L))))
        free "V-cycle without sweeps before" (fun case ->
            Multigrid.vCycle
                { MultigridOptions.Default with
                    PreSweeps = 0
                }
                (stencil case 3)
                (grid case))
    ]
