/// <summary>The exact Laplacian of the waves that fit a grid, and its inverse: the same transforms as <c>Poisson</c>, without its second-order error.</summary>
/// <remarks>
/// Wave k is multiplied by -(angle / h)^2 instead of -(2 sin(angle / 2) / h)^2: exact for functions that are sums of the waves (periodic and band-limited, or continued so
/// by reflection at the ends), and as accurate as their coefficients decay for smooth periodic ones. At ends the data are homogeneous: subtract a function
/// that takes given ones. The Nyquist wave of an even periodic axis has -(pi / h)^2. Canuto, Hussaini, Quarteroni and Zang 2006, section 2.1.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.SpectralPoisson

open System
open Ortho
open TorchSharp

let private sums (axes: GridAxis[]) =
    GridAxis.outer
        (+)
        (fun axis ->
            GridAxis.angles axis
            |> Array.map (fun angle -> -((angle / axis.Spacing) ** 2.0)))
        axes

/// <summary>The Laplacian of the waves of a grid.</summary>
/// <param name="axes">One to three axes.</param>
/// <returns>A map of [n1; n2; ...], self-adjoint unless a Neumann end lies on a node.</returns>
/// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
[<CompiledName("Laplacian")>]
let laplacian (axes: seq<GridAxis>) : LinearMap =
    let axes = Poisson.checkedAxes axes
    GridTransform.diagonal $"Λ{GridAxis.space axes}" axes (sums axes)

/// <summary>The eigenvalues of the Laplacian, at the places that the transforms of its axes give them.</summary>
/// <returns>float64 on the CPU, shape [n1; n2; ...]; not positive, and 0 only for the constant of a grid whose axes are all Neumann or periodic.</returns>
/// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
[<CompiledName("Eigenvalues")>]
let eigenvalues (axes: seq<GridAxis>) : torch.Tensor =
    let axes = Poisson.checkedAxes axes
    use flat = vector TensorKind.float64 (sums axes)
    flat.reshape (GridAxis.space axes).Axes

/// <summary>The solver of (Laplacian - lambda) u = f with homogeneous data: f -> u.</summary>
/// <param name="lambda">At least 0.</param>
/// <param name="axes">One to three axes.</param>
/// <returns>A map of [n1; n2; ...], self-adjoint unless a Neumann end lies on a node.</returns>
/// <exception cref="T:System.ArgumentException">lambda is negative or not finite; no axis or more than three, or a bad one.</exception>
[<CompiledName("ScreenedSolver")>]
let screenedSolver (lambda: float) (axes: seq<GridAxis>) : LinearMap =
    Poisson.checkedLambda lambda
    let axes = Poisson.checkedAxes axes
    let space = GridAxis.space axes

    let name =
        if lambda = 0.0 then
            $"Λ⁺{space}"
        else
            $"(Λ{space} - {lambda})⁻¹"

    GridTransform.diagonal name axes (Poisson.reciprocals lambda (sums axes))

/// <summary>The inverse of the Laplacian with homogeneous data: f -> u with Laplacian u = f.</summary>
/// <param name="axes">One to three axes.</param>
/// <returns>A map of [n1; n2; ...]. With Neumann ends or a period on every axis it takes f minus its mean to the u of mean 0, as <c>Poisson.solver</c> does.</returns>
/// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
[<CompiledName("Solver")>]
let solver (axes: seq<GridAxis>) : LinearMap = screenedSolver 0.0 axes
