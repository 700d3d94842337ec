/// Frames, projections and rotations as maps.
module Ortho.Tests.ManifoldZoo

open Ortho
open TorchSharp

open ZooEntry

/// Rows enough that random columns are well conditioned.
let private tall case = n case + m case + 3L

/// So many dimensions that subspaces of two fewer meet in a space of one at least.
let private roomy case = m case + 6L

let private most case = m case + 4L

/// Columns near those of the identity, as far from dependent as they can be.
let private nearIdentity (p: torch.Tensor) =
    use quarter = p.mul (torch.full_like (p, 0.15))
    quarter.add (torch.eye (p.shape[0], p.shape[1], dtype = p.dtype, device = p.device))

let entries: ZooEntry list =
    [
        entry "frame by QR" (matrix tall m) (fun _ p -> Stiefel.frame p[0])
        entry "square frame by QR" (matrix m m) (fun _ p ->
            use near = nearIdentity p[0]
            Stiefel.frame near)
        entry "projection on a frame" (matrix tall m) (fun _ p ->
            use q = Stiefel.ofMatrix p[0]
            Projection.ofFrame q)
        entry "projection on columns" (matrix tall m) (fun _ p -> Projection.ofColumns p[0])
        entry "projection on a span" (matrix tall m) (fun _ p ->
            use twice = torch.cat ([| p[0]; p[0] |], 1L)
            Projection.ofSpan 1e-5 twice)
        entry "complement" (matrix tall m) (fun _ p -> Projection.complement (Projection.ofColumns p[0]))
        entry "null space" (matrix m tall) (fun _ p -> Projection.nullSpace 1e-5 (LinearMap.ofMatrix p[0]))
        entry "null space of a map between tensors" (matrix (fun _ -> 2L) wide) (fun case p ->
            LinearMap.ofFunctions
                "rows"
                (Space.ofShape [ wide case; 1L ], Space.Of 2L)
                ((fun x -> x.squeeze(-1L).matmul(p[0].t())), (fun y -> y.matmul(p[0].conj()).unsqueeze -1L))
            |> LinearMap.on (TensorKind.ofTensor p[0])
            |> Projection.nullSpace 1e-5)
        entry "sum of subspaces" (pair (matrix tall m) (matrix tall (fun _ -> 1L))) (fun _ p ->
            Projection.sum 1e-5 p[0] p[1])
        entry "intersection of subspaces" (pair (matrix roomy most) (matrix roomy most)) (fun _ p ->
            Projection.intersection 1e-5 p[0] p[1])
        entry "projection away from a vector" (fun case -> [ [ wide case ] ]) (fun _ p -> Projection.awayFrom p[0])
        { entry "rotation by Gram-Schmidt" (matrix (fun case -> m case + 1L) m) (fun _ p ->
              use near = nearIdentity p[0]
              use r = RotationRepresentation.ofColumns near
              Rotation.map r) with
            IsComplex = false
        }
    ]
