/// <summary>Transforms between real spherical harmonics and values on a Gauss grid of the sphere.</summary>
/// <remarks>Of an axis of (degree + 1)^2 coefficients, ordered and normalised as in <c>SphericalHarmonics</c>. Legendre functions by one batched product over m,
/// cosines and sines in longitude by <c>FourierTransform.real</c>: O(degree^3), where the matrix of all values takes O(degree^4).</remarks>
[<RequireQualifiedAccess>]
module Ortho.SphericalTransform

open System
open Ortho
open TorchSharp

/// N_lm P_lm at each height: [m; l; height], zero for l below m.
let private legendreTable (degree: int) (heights: float[]) =
    let table = Array3D.zeroCreate (degree + 1) (degree + 1) heights.Length

    heights
    |> Array.iteri (fun i z ->
        let sine = sqrt ((1.0 - z) * (1.0 + z))

        SphericalHarmonics.sectoral degree
        |> Array.iteri (fun m start ->
            table[m, m, i] <- start * pown sine m

            for l in m + 1 .. degree do
                let struct (a, b) = SphericalHarmonics.recurrence l m
                let before = if l - 2 < m then 0.0 else table[m, l - 2, i]
                table[m, l, i] <- a * (z * table[m, l - 1, i] - b * before)))

    let size = int64 degree + 1L
    Table.ofNumbers [| size; size; heights.LongLength |] [| for number in Seq.cast<float> table -> number |]

/// <summary>Coefficients -> for each height the amplitudes of 1, cos, sin, cos 2, ... in longitude, orthonormal on the circle; then zeros.</summary>
/// <remarks>One batched product over m. Places run over m, then sine or cosine, then l; the mean takes the place of the cosine of m = 0, after
/// that of the sine that is not there, so that the order sine, cosine, shifted by one, is that of <c>FourierTransform.real</c>.</remarks>
let private legendre (degree: int) (grid: SphereGrid) : LinearMap =
    let size = degree + 1
    let orders, heights = int64 size, grid.Latitudes
    let kept = 2L * int64 degree + 1L
    let table = legendreTable degree (Seq.toArray grid.Heights)
    let number = SphericalHarmonics.count degree

    // Of each place the coefficient it takes, and of each coefficient its place.
    let places, homes =
        Array.create (2 * size * size) number, Array.zeroCreate<int64>(int number)

    for m in 0..degree do
        for l in m..degree do
            // First the slot that comes before: the cosine of m, and for m = 0 nothing; then the sine of m, and for m = 0 the mean.
            for slot, order in (if m = 0 then [ 1, 0 ] else [ 0, m; 1, -m ]) do
                let place = (m * 2 + slot) * size + l
                places[place] <- SphericalHarmonics.index l order
                homes[int (SphericalHarmonics.index l order)] <- int64 place

    let gather, back = torch.tensor places, torch.tensor homes

    let picked (index: torch.Tensor) (x: torch.Tensor) =
        x.index_select (x.ndim - 1L, index.``to`` x.device)

    let forward (x: torch.Tensor) =
        let batch = x.shape[.. x.shape.Length - 2]
        let padded = torch.nn.functional.pad (x, [| 0L; 1L |])
        // [m; batch and slot; l] times [m; l; height].
        let rows =
            (picked gather padded).reshape(-1L, orders, 2L, orders).permute(1L, 0L, 2L, 3L).flatten(1L, 2L)

        let product = rows.bmm (table.Like x)

        let lines =
            product.reshape(orders, -1L, 2L, heights).permute(1L, 3L, 0L, 2L).flatten(2L, 3L)

        let amplitudes = lines.narrow (-1L, 1L, kept)

        torch.nn.functional
            .pad(amplitudes, [| 0L; grid.Longitudes - kept |])
            .reshape(Array.append batch grid.Space.Axes)

    let adjoint (y: torch.Tensor) =
        let batch = y.shape[.. y.shape.Length - 3]
        let lines = y.narrow(-1L, 0L, kept).reshape(-1L, heights, kept)

        let rows =
            torch.nn.functional
                .pad(lines, [| 1L; 0L |])
                .reshape(-1L, heights, orders, 2L)
                .permute(2L, 0L, 3L, 1L)
                .flatten(1L, 2L)

        let product = rows.bmm ((table.Like y).mT)

        product.reshape(orders, -1L, 2L, orders).permute(1L, 0L, 2L, 3L).flatten(1L)
        |> picked back
        |> fun x -> x.reshape (Array.append batch [| number |])

    let onParts (codomain: Space) (domain: Space) (action: torch.Tensor -> torch.Tensor) =
        Actions.scoped (fun x ->
            if x.numel () = 0L then
                Actions.zero domain codomain x
            elif x.is_complex () then
                torch.complex (action x.real, action x.imag)
            else
                action x)

    let domain = Space.Of number

    Build.leaf
        $"P[{degree}]"
        domain
        grid.Space
        Traits.None
        (Nullable())
        (onParts grid.Space domain forward)
        (onParts domain grid.Space adjoint)
    |> LinearFunction.Wrap

let private checkGrid (degree: int) (grid: SphereGrid) =
    Guard.atLeast "degree" 0 degree
    Guard.notNull "grid" grid

    Guard.holds "grid" (degree <= grid.Degree) (fun () ->
        $"grid must resolve degree {degree}, with at least {degree + 1} latitudes and {2 * degree + 1} longitudes, but is {grid.Latitudes} x {grid.Longitudes}.")

/// <summary>Coefficients -> values on a grid.</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <param name="grid">A grid that resolves it.</param>
/// <returns>A map from [(degree + 1)^2] to [latitudes; longitudes].</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, or the grid is too coarse.</exception>
[<CompiledName("Synthesize")>]
let synthesize (degree: int) (grid: SphereGrid) : LinearMap =
    checkGrid degree grid
    let circle = (FourierTransform.real grid.Longitudes).Adjoint

    sqrt (float grid.Longitudes / (2.0 * Math.PI))
    * (LinearMap.identity (Space.Of grid.Latitudes) .*. circle)
    * legendre degree grid

/// <summary>The quadrature of a grid: multiplies values by their weights.</summary>
/// <returns>A self-adjoint map on [latitudes; longitudes]; the sum of what it gives is the integral over the sphere.</returns>
[<CompiledName("Weights")>]
let weights (grid: SphereGrid) : LinearMap =
    Guard.notNull "grid" grid

    [| for weight in grid.Weights -> Array.create (int grid.Longitudes) weight |]
    |> Array.concat
    |> FixedDiagonal.ofNumbers $"W{grid.Space}" grid.Space

/// <summary>Values on a grid -> coefficients, the integrals against each harmonic: the adjoint of <c>synthesize</c> after the weights.</summary>
/// <param name="degree">Largest degree, at least 0.</param>
/// <param name="grid">A grid that resolves it.</param>
/// <returns>A map from [latitudes; longitudes] to [(degree + 1)^2]: the inverse of <c>synthesize</c> on what that gives, and the orthogonal
/// projection under the weights otherwise.</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, or the grid is too coarse.</exception>
[<CompiledName("Analyze")>]
let analyze (degree: int) (grid: SphereGrid) : LinearMap =
    (synthesize degree grid).Adjoint * weights grid
