/// <summary>Quaternions w + x i + y j + z k as rotations of space, scalar first: (w, x, y, z) on the last axis.</summary>
/// <remarks>q and -q are one rotation, v -> q v q^-1, by the angle 2 atan2 (|(x, y, z)|, w) about (x, y, z). Conversion after Shepperd 1978.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Quaternion

open System
open Ortho
open TorchSharp

let private four (name: string) (q: torch.Tensor) =
    Guard.rankAtLeast name 1 q
    Guard.real name q

    Guard.holds name (q.size (int q.ndim - 1) = 4L) (fun () ->
        $"{name} must have four numbers (w, x, y, z) on its last axis, but has shape {Guard.showShape q.shape}.")

/// <summary>The product p q, which as a rotation is q, then p.</summary>
/// <param name="p">Real, shape [*batch; 4]. Differentiable.</param>
/// <param name="q">Of p's shape. Differentiable.</param>
/// <returns>Shape [*batch; 4], of length |p| |q|.</returns>
/// <exception cref="T:System.ArgumentException">Not four numbers, not real, or p and q differ in shape, type or device.</exception>
[<CompiledName("Product")>]
let product (p: torch.Tensor) (q: torch.Tensor) : torch.Tensor =
    Guard.live "p" p
    Guard.live "q" q
    four "p" p
    four "q" q
    Membership.alike "q" q "p" p
    use scope = torch.NewDisposeScope()
    let a, b = p.narrow (-1L, 0L, 1L), q.narrow (-1L, 0L, 1L)
    let u, v = p.narrow (-1L, 1L, 3L), q.narrow (-1L, 1L, 3L)
    let turned = (RotationRepresentation.cross u).matmul(v.unsqueeze -1L).squeeze -1L
    let scalar = a .* b .- (u .* v).sum(-1L, true)
    scope.MoveToOuter(torch.cat ([| scalar; a .* v .+ b .* u .+ turned |], -1L))

/// <summary>The rotation of a quaternion.</summary>
/// <param name="q">Not zero, shape [*batch; 4], scalar first. Differentiable; its length does not matter.</param>
/// <returns>Rotation, shape [*batch; 3; 3].</returns>
/// <exception cref="T:System.ArgumentException">Not four numbers, not real, zero, or not finite.</exception>
[<CompiledName("ToMatrix")>]
let toMatrix (q: torch.Tensor) : torch.Tensor =
    four "q" q
    use scope = torch.NewDisposeScope()
    let sizes = q.detach().abs().amax([| -1L |], true)

    if q.numel () > 0L then
        let least, most = number (sizes.min ()), number (sizes.max ())

        Guard.holds "q" (least > 0.0 && Double.IsFinite most) (fun () ->
            $"q must be finite and not zero, but its largest entries go from {least:G3} to {most:G3}.")

    let scaled = q.div sizes
    let unit = scaled.div (scaled.norm(-1).unsqueeze -1L)
    let w = unit.narrow(-1L, 0L, 1L).unsqueeze -1L
    let k = RotationRepresentation.cross (unit.narrow (-1L, 1L, 3L))
    // R = I + 2 w K + 2 K^2.
    let one = torch.eye (3L, dtype = Nullable q.dtype, device = q.device)
    scope.MoveToOuter(one .+ multiply 2.0 (w .* k .+ k.matmul k))

/// <summary>The unit quaternion of a rotation with a scalar part that is not negative.</summary>
/// <param name="r">Rotation, shape [*batch; 3; 3]. Differentiable; half turns are where the sign jumps.</param>
/// <returns>Shape [*batch; 4], scalar first, of length 1. For half turns (w = 0 to the last digit) the largest entry is positive.</returns>
/// <exception cref="T:System.ArgumentException">Not 3 x 3, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
/// <remarks>4 q q^T is linear in R; its row with the largest diagonal entry, at least 1, is brought to length 1: nothing cancels.</remarks>
[<CompiledName("OfMatrix")>]
let ofMatrix (r: torch.Tensor) : torch.Tensor =
    Membership.rotation "r" 3L r
    use scope = torch.NewDisposeScope()
    let at i j = r.select(-2L, i).select(-1L, j)
    let x, y, z = at 0L 0L, at 1L 1L, at 2L 2L
    let wx, wy, wz = at 2L 1L .- at 1L 2L, at 0L 2L .- at 2L 0L, at 1L 0L .- at 0L 1L
    let xy, xz, yz = at 0L 1L .+ at 1L 0L, at 0L 2L .+ at 2L 0L, at 1L 2L .+ at 2L 1L

    let squares =
        [| x .+ y .+ z; x .- y .- z; y .- x .- z; z .- x .- y |] |> Array.map (plus 1.0)

    let rows =
        [|
            [| squares[0]; wx; wy; wz |]
            [| wx; squares[1]; xy; xz |]
            [| wy; xy; squares[2]; yz |]
            [| wz; xz; yz; squares[3] |]
        |]
        |> Array.map (fun row -> torch.stack (row, -1L))

    let table = torch.stack (rows, -2L)
    let largest = torch.stack(squares, -1L).detach().argmax(-1L, true)

    let row =
        let shape = Array.append (Array.init (int r.ndim - 2) r.size) [| 1L; 4L |]
        table.gather(-2L, largest.unsqueeze(-1L).expand shape).squeeze -2L

    let unit = row.div (row.norm(-1).unsqueeze -1L)
    let sign = unit.narrow(-1L, 0L, 1L).detach().sign()
    scope.MoveToOuter(unit .* (sign .+ sign.logical_not().``to`` sign.dtype))
