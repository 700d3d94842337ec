/// <summary>Rotations: matrices of SO(n), the maps they are, random ones, and the angle between two of space. Representations by numbers are in
/// <c>RotationRepresentation</c> (6D, 5D), <c>Quaternion</c>, <c>RotationVector</c> and <c>EulerAngles</c>.</summary>
[<RequireQualifiedAccess>]
module Ortho.Rotation

open System
open Ortho
open TorchSharp

/// <summary>A rotation as a map on vectors.</summary>
/// <param name="r">Rotation, shape [n; n]. Differentiable.</param>
/// <returns>A unitary map on [n] of determinant 1.</returns>
/// <exception cref="T:System.ArgumentException">Not one square matrix, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("Map")>]
let map (r: torch.Tensor) : LinearMap =
    Guard.rank "r" 2 r
    Membership.rotation "r" 0L r
    let space = Space.Of(r.size 0)
    let transposed = r.t ()
    // The caller may free r: its memory is held by handles of the map's own.
    let rows = r.alias ()

    Build.leaf
        $"R{space}"
        space
        space
        Traits.Unitary
        (Nullable(TensorKind.ofTensor r))
        (fun x -> x.matmul transposed)
        (fun y -> y.matmul rows)

/// <summary>Random rotations of space, uniform (Haar) in law: of Gaussian quaternions.</summary>
/// <param name="seed">Same seed, same rotations.</param>
/// <param name="kind">A real type and a device.</param>
/// <param name="batch">Axes of the batch; none for one rotation.</param>
/// <returns>Shape [*batch; 3; 3].</returns>
/// <exception cref="T:System.ArgumentException">The type is not real floating point, or a size is negative.</exception>
[<CompiledName("Random")>]
let random (seed: int) (kind: TensorKind) (batch: seq<int64>) : torch.Tensor =
    Guard.notNull "batch" batch

    Guard.holds "kind" (not (torch.is_complex kind.Dtype)) (fun () -> $"kind must be real, but is {kind}.")

    use q = Seed.normal seed kind (Seq.append batch [ 4L ])
    Quaternion.toMatrix q

/// <summary>The angle of the rotation that takes one to the other: the geodesic distance on SO(3), from 0 to pi.</summary>
/// <param name="a">Rotation, shape [*batch; 3; 3]. Differentiable where the angle is neither 0 nor pi; the gradient is finite there too.</param>
/// <param name="b">Of a's shape.</param>
/// <returns>Radians, shape [*batch]. By the arctangent of sine and cosine: accurate to rounding at 0 and at pi, where an arccosine loses half of the digits.</returns>
/// <exception cref="T:System.ArgumentException">Not 3 x 3, not real, not rotations to 1e-10 (float64) or 1e-4 (float32), or a and b differ in shape, type or device.</exception>
[<CompiledName("Angle")>]
let angle (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
    Guard.live "a" a
    Guard.live "b" b
    Membership.rotation "a" 3L a
    Membership.rotation "b" 3L b
    Membership.alike "b" b "a" a
    use scope = torch.NewDisposeScope()
    let between = a.mT.matmul b
    let spread = (between .- between.mT).flatten(-2L).norm -1
    let trace = (between.diagonal (0L, -2L, -1L)).sum -1L
    // |R - R^T|_F = 2 sqrt 2 sin, tr R = 1 + 2 cos.
    scope.MoveToOuter(torch.atan2 (multiply (sqrt 0.5) spread, plus -1.0 trace))
