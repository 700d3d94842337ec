/// <summary>What maps of functions on a periodic grid multiply their half spectra by: wavenumbers, derivatives, the Laplacian and its inverse, truncation.</summary>
/// <remarks>For even n the mode m = n/2 (Nyquist) is a pure cosine on the grid: its odd derivatives are 0 there (Trefethen 2000, Spectral Methods in
/// MATLAB, chapter 3), and even ones are kept.</remarks>
[<RequireQualifiedAccess>]
module Ortho.PeriodicSymbol

open System
open Ortho
open TorchSharp

let private checkAxis (grid: PeriodicGrid) (axis: int) =
    Guard.notNull "grid" grid
    Guard.between "axis" 0 (grid.Rank - 1) axis

/// <summary>The wavenumbers k = 2 pi m / L of an axis; Nyquist's is -pi n / L, on the last axis +pi n / L.</summary>
/// <param name="kind">Type and device: the result is real.</param>
/// <param name="axis">0, ..., d-1.</param>
/// <param name="grid">The grid.</param>
/// <returns>The size of the spectrum along the axis, 1 along the others: it broadcasts.</returns>
[<CompiledName("Wavenumbers")>]
let wavenumbers (kind: TensorKind) (axis: int) (grid: PeriodicGrid) : torch.Tensor =
    checkAxis grid axis
    Periodic.checkKind kind

    Periodic.modes grid axis
    |> Array.map (fun m -> 2.0 * Math.PI * float m / grid.Lengths[axis])
    |> Periodic.along grid axis kind

/// <summary>What the derivative of an order along an axis multiplies a spectrum by: (i k)^order, and 0 at Nyquist for odd orders.</summary>
/// <param name="kind">Type and device: the result is complex, of the same precision.</param>
/// <param name="axis">0, ..., d-1.</param>
/// <param name="order">At least 0.</param>
/// <param name="grid">The grid.</param>
/// <returns>The size of the spectrum along the axis, 1 along the others: it broadcasts.</returns>
[<CompiledName("Derivative")>]
let derivative (kind: TensorKind) (axis: int) (order: int) (grid: PeriodicGrid) : torch.Tensor =
    checkAxis grid axis
    Guard.atLeast "order" 0 order
    Periodic.checkKind kind
    use scope = torch.NewDisposeScope()
    let n = grid.Sizes[axis]

    let sizes =
        Periodic.modes grid axis
        |> Array.map (fun m ->
            if order % 2 = 1 && Periodic.isNyquist n m then
                0.0
            else
                let power = (2.0 * Math.PI * float m / grid.Lengths[axis]) ** float order
                if order % 4 < 2 then power else -power)

    let size = Periodic.along grid axis kind sizes

    let zero = size.new_zeros size.shape

    (if order % 2 = 0 then
         torch.complex (size, zero)
     else
         torch.complex (zero, size))
    |> scope.MoveToOuter

/// <summary>What the Laplacian multiplies a spectrum by: -|k|^2, Nyquist modes included.</summary>
/// <param name="kind">Type and device: the result is real.</param>
/// <param name="grid">The grid.</param>
/// <returns>The shape of the spectrum.</returns>
[<CompiledName("Laplacian")>]
let laplacian (kind: TensorKind) (grid: PeriodicGrid) : torch.Tensor =
    Guard.notNull "grid" grid
    use scope = torch.NewDisposeScope()

    Array.init grid.Rank (fun axis -> wavenumbers kind axis grid |> fun k -> (k .* k).negative())
    |> Array.reduce (.+)
    |> scope.MoveToOuter

/// <summary>What the inverse of the Laplacian multiplies a spectrum by: -1/|k|^2, and 0 at k = 0: the solution of mean 0.</summary>
/// <param name="kind">Type and device: the result is real.</param>
/// <param name="grid">The grid.</param>
/// <returns>The shape of the spectrum.</returns>
[<CompiledName("InverseLaplacian")>]
let inverseLaplacian (kind: TensorKind) (grid: PeriodicGrid) : torch.Tensor =
    use scope = torch.NewDisposeScope()
    let symbol = laplacian kind grid
    let isConstant = symbol.logical_not().``to`` symbol.dtype
    ((orOne symbol).reciprocal() .- isConstant) |> scope.MoveToOuter

/// <summary>Which modes to keep so that products of some factors lose nothing to aliasing: (degree + 1) |m| &lt; n on every axis.</summary>
/// <param name="kind">Type and device: the result is real.</param>
/// <param name="degree">Number of factors, at least 1: 2 keeps two thirds (Orszag 1971), 3 keeps half, 1 all but Nyquist.</param>
/// <param name="grid">The grid.</param>
/// <returns>1 and 0, the shape of the spectrum.</returns>
[<CompiledName("KeptModes")>]
let keptModes (kind: TensorKind) (degree: int) (grid: PeriodicGrid) : torch.Tensor =
    Guard.notNull "grid" grid
    Guard.positive "degree" degree
    Periodic.checkKind kind
    use scope = torch.NewDisposeScope()

    Array.init grid.Rank (fun axis ->
        Periodic.modes grid axis
        |> Array.map (fun m ->
            if int64 (degree + 1) * abs m < grid.Sizes[axis] then
                1.0
            else
                0.0)
        |> Periodic.along grid axis kind)
    |> Array.reduce (.*)
    |> scope.MoveToOuter
