/// Block-diagonal maps of the zoo.
module Ortho.Tests.BlockDiagonalZoo

open Ortho
open Ortho.Tests.ZooEntry
open TorchSharp

let private size case = 1L + n case % 4L

let entries: ZooEntry list =
    [
        entry "blocks" (fun case -> [ [ m case; size case; 1L + m case % 3L ] ]) (fun _ p ->
            BlockDiagonal.ofBlocks p[0])
        { entry "orthogonal blocks" (fun case -> [ [ m case; size case; size case ] ]) (fun _ p ->
              BlockDiagonal.ofOrthogonal (Cayley.matrix (Skew.ofSquare p[0]))) with
            Tolerance = _.Iteration
        }
        { entry "blocks of orthonormal columns" (fun case -> [ [ m case; 4L; 4L ] ]) (fun _ p ->
              BlockDiagonal.ofOrthogonal ((Cayley.matrix (Skew.ofSquare p[0])).narrow(-1L, 0L, 2L))) with
            Tolerance = _.Iteration
        }
        { entry "blocks of skew matrices" (fun case -> [ [ m case; size case; size case ] ]) (fun _ p ->
              BlockDiagonal.ofSkew (Skew.ofSquare p[0])) with
            Tolerance = _.Iteration
        }
        entry "blocks by Neumann's series" (fun case -> [ [ m case; size case; size case ] ]) (fun case p ->
            use quarter = p[0].div(torch.full_like (p[0], 4.0))
            BlockDiagonal.neumann (case.Size % 5) (Skew.ofSquare quarter))
        entry "shared block" (fun case -> [ [ n case ] ]) (fun case p ->
            BlockDiagonal.shared (m case) (Householder.reflection p[0]))
        entry "shared block between tensors" (matrix n m) (fun case p ->
            BlockDiagonal.shared (m case) (LinearMap.ofDiagonal p[0]))
    ]
