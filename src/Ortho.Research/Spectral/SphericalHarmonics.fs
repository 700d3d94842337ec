/// <summary>Real spherical harmonics Y_lm, orthonormal on the unit sphere: values, spectra and rotations. <c>SphericalTransform</c> has their transforms on grids.</summary>
/// <remarks>
/// <code>
/// Y_l0 = N_l0 P_l(z) / sqrt(2 pi),  Y_lm = N_lm P_lm(z) cos(m phi) / sqrt pi,  Y_l,-m = N_lm P_lm(z) sin(m phi) / sqrt pi,  m = 1, ..., l
/// </code>
/// with z = cos theta, N_lm^2 the inverse of the integral of P_lm^2 over [-1, 1], and no Condon-Shortley phase (-1)^m: P_lm is positive near
/// z = 1, as in geodesy and in machine learning. So Y_1,-1, Y_10, Y_11 are sqrt(3 / 4 pi) times y, z, x (e3nn names the axes z, x, y instead).
/// Coefficients of degree up to L are one axis of (L+1)^2 numbers, degree by degree: Y_lm has place l^2 + l + m.
/// Normalised Legendre functions by the three-term recurrence in l, stable from the sectoral ones up (Holmes and Featherstone 2002, eq. 11).
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.SphericalHarmonics

open System
open Ortho
open TorchSharp

let internal square (l: int) = l * l

/// <summary>The number of harmonics of degree up to the given one: (degree + 1)^2.</summary>
[<CompiledName("Count")>]
let count (degree: int) : int64 =
    Guard.atLeast "degree" 0 degree
    int64 (square (degree + 1))

/// <summary>The place of Y_lm among the coefficients: l^2 + l + m.</summary>
/// <exception cref="T:System.ArgumentException">l is negative, or |m| is above l.</exception>
[<CompiledName("Index")>]
let index (l: int) (m: int) : int64 =
    Guard.atLeast "l" 0 l
    Guard.between "m" -l l m
    int64 (square l + l + m)

/// The factors of N_lm P_lm = a (z N P_(l-1)m - b N P_(l-2)m), m below l; b is 0 for m = l - 1.
let internal recurrence (l: int) (m: int) =
    let l2, m2 = float (square l), float (square m)
    let before = float (square (l - 1))
    struct (sqrt ((4.0 * l2 - 1.0) / (l2 - m2)), sqrt ((before - m2) / (4.0 * before - 1.0)))

/// N_mm P_mm / sin^m theta, for m = 0, ..., degree.
let internal sectoral (degree: int) =
    Array.init degree (fun i -> sqrt (float (2 * i + 3) / float (2 * i + 2)))
    |> Array.scan (*) (sqrt 0.5)

/// <summary>The values of every harmonic at points, differentiable in them, the poles included.</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <param name="points">Real, shape [*batch; 3]: any length but 0, only the direction counts.</param>
/// <returns>Shape [*batch; (degree + 1)^2].</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, points not real or not of three coordinates, or a point that is zero or not finite (looking takes a synchronisation with the device).</exception>
/// <remarks>As products of Legendre functions over sin^m theta, which are polynomials of z, and the real and imaginary parts of (x + i y)^m.</remarks>
[<CompiledName("Values")>]
let values (degree: int) (points: torch.Tensor) : torch.Tensor =
    Guard.atLeast "degree" 0 degree
    Guard.rankAtLeast "points" 1 points
    Guard.real "points" points

    Guard.holds "points" (points.size (int points.ndim - 1) = 3L) (fun () ->
        $"points must have three coordinates on their last axis, but have shape {Guard.showShape points.shape}.")

    use scope = torch.NewDisposeScope()
    let length = points.norm (-1, keepdim = true)
    let hasDirection = (length .+ length.reciprocal ()).isfinite().all()

    Guard.holds "points" (hasDirection.item<bool>()) (fun () ->
        "points must be finite and not zero, so that they have a direction, but one is not.")

    let unit = points.div length
    let kind = TensorKind.ofTensor points
    let along axis = unit.narrow (-1L, axis, 1L)
    let x, y, z = along 0L, along 1L, along 2L
    let join (parts: torch.Tensor list) = torch.cat (List.toArray parts, -1L)
    let row (numbers: float[]) = vector kind numbers

    // (x + i y)^m / sqrt pi for m = 1, ..., degree.
    let start = 1.0 / sqrt Math.PI

    let powers =
        if degree = 0 then
            []
        else
            List.scan
                (fun (c: torch.Tensor, s: torch.Tensor) _ -> (x .* c) .- (y .* s), (x .* s) .+ (y .* c))
                (multiply start x, multiply start y)
                [ 2..degree ]

    let cosines = if degree = 0 then z else join [ for c, _ in powers -> c ]
    let sines = if degree = 0 then z else join [ for _, s in powers -> s ]
    let diagonal = sectoral degree

    /// N_lm P_lm / sin^m for m = 0, ..., l, of the two degrees before.
    let next (before: torch.Tensor, here: torch.Tensor) (l: int) =
        let factors = Array.init l (recurrence l)
        let a = row (factors |> Array.map (fun (struct (a, _)) -> a))
        let ab = row (factors |> Array.map (fun (struct (a, b)) -> a * b))
        let last = multiply diagonal[l] (torch.ones_like z)

        here,
        join
            [
                ((z .* here) .* a)
                .- (torch.nn.functional.pad (before, [| 0L; int64 l - before.size -1 |]) .* ab)
                last
            ]

    let first = multiply diagonal[0] (torch.ones_like z)

    let degrees =
        List.scan next (torch.zeros_like z, first) [ 1..degree ] |> List.map snd

    let ofDegree (l: int) (p: torch.Tensor) =
        let zonal = multiply (1.0 / sqrt (2.0 * Math.PI)) (p.narrow (-1L, 0L, 1L))

        if l = 0 then
            [ zonal ]
        else
            let rest = p.narrow (-1L, 1L, int64 l)

            let part (trigonometric: torch.Tensor) =
                rest .* trigonometric.narrow (-1L, 0L, int64 l)

            [ (part sines).flip [| -1L |]; zonal; part cosines ]

    List.mapi ofDegree degrees |> List.concat |> join |> scope.MoveToOuter

/// <summary>The function of given coefficients at points: coefficients -> values.</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <param name="points">Real, shape [n; 3]: any length but 0, only the direction counts. The map is differentiable in them.</param>
/// <returns>A map from [(degree + 1)^2] to [n], of the type and device of the points.</returns>
/// <exception cref="T:System.ArgumentException">As for <c>values</c>, or points of another shape.</exception>
[<CompiledName("EvaluateAt")>]
let evaluateAt (degree: int) (points: torch.Tensor) : LinearMap =
    Guard.rank "points" 2 points
    values degree points |> LinearMap.ofMatrix

/// <summary>The Laplace-Beltrami operator on coefficients: times -l (l + 1).</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <returns>A self-adjoint map on [(degree + 1)^2].</returns>
/// <exception cref="T:System.ArgumentException">A negative degree.</exception>
[<CompiledName("Laplacian")>]
let laplacian (degree: int) : LinearMap =
    let space = Space.Of(count degree)

    [| for l in 0..degree -> Array.create (2 * l + 1) (-float(l * (l + 1))) |]
    |> Array.concat
    |> FixedDiagonal.ofNumbers $"Δ{space}" space

/// The degree of coefficients by their number.
let private degreeOf (coefficients: torch.Tensor) =
    Guard.rankAtLeast "coefficients" 1 coefficients
    Guard.floating "coefficients" coefficients
    let number = coefficients.size (int coefficients.ndim - 1)
    let degree = int (Math.Round(sqrt (float number))) - 1

    Guard.holds "coefficients" (degree >= 0 && count degree = number) (fun () ->
        $"coefficients must be (degree + 1)^2 on their last axis, but have shape {Guard.showShape coefficients.shape}.")

    degree

/// <summary>The power of each degree: the sum of |c_lm|^2 over m. Rotations keep it, and its sum is the integral of |f|^2.</summary>
/// <param name="coefficients">Shape [*batch; (degree + 1)^2].</param>
/// <returns>Real, shape [*batch; degree + 1].</returns>
/// <exception cref="T:System.ArgumentException">The number of coefficients is no square.</exception>
[<CompiledName("Power")>]
let power (coefficients: torch.Tensor) : torch.Tensor =
    let degree = degreeOf coefficients
    use scope = torch.NewDisposeScope()

    let squares = squaredModulus coefficients

    [|
        for l in 0..degree -> squares.narrow(-1L, int64 (square l), int64 (2 * l + 1)).sum(-1L, keepdim = true)
    |]
    |> fun parts -> scope.MoveToOuter(torch.cat (parts, -1L))

/// <summary>A rotation on coefficients: those of x -> f(R^-1 x) from those of f (Wigner's D-matrices in the real basis).</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <param name="r">Rotation, shape [3; 3]. Differentiable.</param>
/// <returns>A unitary map on [(degree + 1)^2], one block for each degree; the map of a product is the product of the maps.</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
/// <remarks>Each block is the quadrature of Y_l (x) Y_l (R^-1 x)^T, exact on the grid of its degree. Memory O(degree^4) while it is made.</remarks>
[<CompiledName("Rotation")>]
let rotation (degree: int) (r: torch.Tensor) : LinearMap =
    Guard.atLeast "degree" 0 degree
    Guard.rank "r" 2 r
    Membership.rotation "r" 3L r
    let kind = TensorKind.ofTensor r
    let grid = SphereGrid.OfDegree degree

    let blocks =
        use scope = torch.NewDisposeScope()
        let points = (grid.Points().flatten(0L, 1L)).``to``(kind.Dtype, kind.Device)

        let weight =
            [| for weight in grid.Weights -> Array.create (int grid.Longitudes) weight |]
            |> Array.concat
            |> vector kind

        let here = values degree points .* weight.unsqueeze -1L
        // Rows x^T R are R^-1 x.
        let there = values degree (points.matmul r)

        [|
            for l in 0..degree ->
                let part (y: torch.Tensor) =
                    y.narrow (-1L, int64 (square l), int64 (2 * l + 1))

                scope.MoveToOuter((part here).mT.matmul(part there))
        |]

    let action (blocks: torch.Tensor[]) =
        Actions.scoped (fun x ->
            blocks
            |> Array.mapi (fun l block -> x.narrow(-1L, int64 (square l), int64 (2 * l + 1)).matmul block)
            |> fun parts -> torch.cat (parts, -1L))

    let space = Space.Of(count degree)

    Build.leaf
        $"D{space}"
        space
        space
        Traits.Unitary
        (Nullable kind)
        (action (blocks |> Array.map _.mT))
        (action blocks)
