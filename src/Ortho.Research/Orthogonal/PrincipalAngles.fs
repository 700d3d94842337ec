/// <summary>The principal (canonical) angles between two subspaces, and the distances made of them.</summary>
/// <remarks>Cosines are the singular values of Qa* Qb, sines those of Qb - Qa (Qa* Qb); each angle is the arctangent of the two, accurate to rounding at 0, at
/// pi/2 and between. Björck and Golub 1973; Knyazev and Argentati 2002.</remarks>
[<RequireQualifiedAccess>]
module Ortho.PrincipalAngles

open Ortho
open TorchSharp

/// <summary>The angles, ascending, from 0 to pi/2.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k]. Only their span counts. Differentiable where angles differ.</param>
/// <param name="b">Independent columns, shape [*batch; n; l].</param>
/// <returns>Real, shape [*batch; min (k, l)].</returns>
/// <exception cref="T:System.ArgumentException">Columns are dependent or more than n, or a and b differ in rows, batch, type or device.</exception>
[<CompiledName("Between")>]
let between (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "a" 2 a
    Guard.rankAtLeast "b" 2 b

    let outer (x: torch.Tensor) =
        Array.sub x.shape 0 (x.shape.Length - 1)

    Guard.holds "b" (outer a = outer b && TensorKind.ofTensor a = TensorKind.ofTensor b) (fun () ->
        $"b must have the axes of a, {Guard.showShape a.shape}, but for the last, and be {TensorKind.ofTensor a}, but has shape {Guard.showShape b.shape} and is {TensorKind.ofTensor b}.")

    use scope = torch.NewDisposeScope()
    let qa = Stiefel.frameOf "a" a
    let qb = Stiefel.frameOf "b" b
    let isWider = qa.size (int qa.ndim - 1) >= qb.size (int qb.ndim - 1)
    let struct (wide, narrow) = if isWider then struct (qa, qb) else struct (qb, qa)
    let product = wide.mH.matmul narrow
    let cosines = torch.linalg.svdvals product
    let sines = torch.linalg.svdvals (narrow .- wide.matmul product)
    scope.MoveToOuter(torch.atan2 (sines.flip -1L, cosines))

let private alike (a: torch.Tensor) (b: torch.Tensor) =
    Guard.rankAtLeast "a" 2 a
    Guard.rankAtLeast "b" 2 b

    Guard.holds "b" (a.size (int a.ndim - 1) = b.size (int b.ndim - 1)) (fun () ->
        $"b must span as many dimensions as a, with shape {Guard.showShape a.shape}, but has shape {Guard.showShape b.shape}.")

/// <summary>The length of the shortest way between two subspaces of one dimension on the Grassmann manifold: the root of the sum of squared angles.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k].</param>
/// <param name="b">Independent columns, shape [*batch; n; k].</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>between</c>, or the dimensions differ.</exception>
[<CompiledName("Geodesic")>]
let geodesic (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
    alike a b
    use angles = between a b
    angles.norm -1

/// <summary>The gap |Pa - Pb|, the spectral norm of the difference of the projections: the sine of the largest angle, from 0 to 1.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k].</param>
/// <param name="b">Independent columns, shape [*batch; n; k].</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>between</c>, or the dimensions differ.</exception>
[<CompiledName("Gap")>]
let gap (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
    alike a b
    use angles = between a b
    use largest = angles.amax [| -1L |]
    largest.sin ()

/// <summary>The chordal distance |Pa - Pb|_F / sqrt 2: the root of the sum of squared sines.</summary>
/// <param name="a">Independent columns, shape [*batch; n; k].</param>
/// <param name="b">Independent columns, shape [*batch; n; k].</param>
/// <returns>Real, shape [*batch].</returns>
/// <exception cref="T:System.ArgumentException">As for <c>between</c>, or the dimensions differ.</exception>
[<CompiledName("Chordal")>]
let chordal (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
    alike a b
    use angles = between a b
    use sines = angles.sin ()
    sines.norm -1
