/// <summary>Rotation vectors (axis times angle, in radians) as rotations of space: the exponential and the logarithm of SO(3).</summary>
/// <remarks>Rodrigues 1840: R = I + s(t) K + s(t / 4)^2 K^2 / 2 with K v = u x v, t = |u|^2, s(t) = sin (sqrt t) / sqrt t, which is smooth at 0.</remarks>
[<RequireQualifiedAccess>]
module Ortho.RotationVector

open System
open Ortho
open TorchSharp

/// Below this t the sum of a power series in t, above it a formula: neither branch ever sees what would make it NaN.
let private piecewise (coefficients: float[]) (formula: torch.Tensor -> torch.Tensor) (t: torch.Tensor) =
    let limit = multiply 0.01 (torch.ones_like t)
    let isSmall = t.detach().lt limit
    let small = torch.where (isSmall, t, torch.zeros_like t)
    let large = torch.where (isSmall, torch.ones_like t, t)

    let series =
        Array.foldBack
            (fun coefficient (sum: torch.Tensor) -> sum .* small |> plus coefficient)
            coefficients
            (torch.zeros_like t)

    torch.where (isSmall, series, formula large)

/// sin (sqrt t) / sqrt t = 1 - t/6 + t^2/120 - ...
let private sinc =
    let coefficients =
        Array.scan (fun c k -> -c / float (2 * k * (2 * k + 1))) 1.0 [| 1..7 |]

    piecewise coefficients (fun t -> let angle = t.sqrt () in angle.sin().div angle)

/// <summary>The rotation by the angle |u| about u.</summary>
/// <param name="u">Real, shape [*batch; 3], any length. Differentiable, at 0 too.</param>
/// <returns>Rotation, shape [*batch; 3; 3].</returns>
/// <exception cref="T:System.ArgumentException">Not three numbers, not real, or not finite.</exception>
[<CompiledName("ToMatrix")>]
let toMatrix (u: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "u" 1 u
    Guard.real "u" u

    Guard.holds "u" (u.size (int u.ndim - 1) = 3L) (fun () ->
        $"u must have three numbers on its last axis, but has shape {Guard.showShape u.shape}.")

    use scope = torch.NewDisposeScope()

    if u.numel () > 0L then
        let largest = number (u.detach().abs().max())
        Guard.holds "u" (Double.IsFinite largest) (fun () -> "u must be finite, but has an entry that is not.")

    let t = (u .* u).sum(-1L).unsqueeze(-1L).unsqueeze -1L
    let k = RotationRepresentation.cross u
    let half = sinc (multiply 0.25 t)
    let one = torch.eye (3L, dtype = Nullable u.dtype, device = u.device)
    scope.MoveToOuter(one .+ sinc t .* k .+ multiply 0.5 (half .* half) .* k.matmul k)

/// asin (sqrt m) / sqrt m = sum of (2k)! / (4^k (k!)^2 (2k+1)) m^k.
let private arcsineSeries =
    Array.init 10 (fun k ->
        let central =
            Seq.fold (fun c j -> c * float (2 * j - 1) / float (2 * j)) 1.0 (seq { 1..k })

        central / float (2 * k + 1))

/// <summary>The rotation vector of a rotation, of length from 0 to pi: the principal logarithm.</summary>
/// <param name="r">Rotation, shape [*batch; 3; 3]. Differentiable, at the identity too; half turns are where the sign jumps.</param>
/// <returns>Shape [*batch; 3]. Of the two vectors of a half turn the one whose largest entry is positive.</returns>
/// <exception cref="T:System.ArgumentException">Not 3 x 3, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
/// <remarks>By the quaternion (w, v): u = 2 v atan2 (|v|, w) / |v|, accurate at 0 and at pi.</remarks>
[<CompiledName("OfMatrix")>]
let ofMatrix (r: torch.Tensor) : torch.Tensor =
    use q = Quaternion.ofMatrix r
    use scope = torch.NewDisposeScope()
    let w = q.narrow (-1L, 0L, 1L)
    let v = q.narrow (-1L, 1L, 3L)
    let m = (v .* v).sum(-1L, true)

    let factor =
        piecewise arcsineSeries (fun m -> let sine = m.sqrt () in torch.atan2(sine, w).div sine) m

    scope.MoveToOuter(multiply 2.0 factor .* v)
