/// <summary>Fourier series as bases of functions: cosines and sines, and exponentials, of odd and even size.</summary>
/// <remarks>
/// On [0, 2 pi], or by <c>SpectralBasis.on</c> on any interval as its period, with nodes at j length / n, j = 0, ..., n - 1. Functions are plain, not normalised:
/// <code>
/// real     1, cos x, sin x, cos 2x, sin 2x, ...; for even n the last is cos (n x / 2)
/// complex  exp (i k x) in the order of the FFT: k = 0, 1, ..., -2, -1; for even n the one in the middle is cos (n x / 2)
/// </code>
/// The Nyquist frequency n/2 of an even size has no sine, which vanishes at all nodes; taken as a cosine, the function of least slope through the values,
/// it makes the interpolant of real values real, and is half of either exponential when the size grows (Trefethen 2000, chapter 3). Its derivative is a sine,
/// outside the basis, and 0 at the nodes: odd derivatives take it to 0. Its integral of squares is half of what the nodes give.
/// Maps of the real family take complex tensors too; those of the complex family make real tensors complex.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Fourier

open System
open System.Collections.Generic
open Ortho
open TorchSharp

/// Most entries of a matrix of values: 2^27, 1 GiB.
let private limit = 1L <<< 27

let private realFamily, private complexFamily = "Fourier real", "Fourier complex"

let private single (n: int64) (i: int) =
    i = 0 || int64 (i + 1) = n && n % 2L = 0L

/// The real family's matrix of values.
let private evaluate (n: int64) (points: float[]) : LinearMap =
    Guard.holds "points" (points.LongLength <= limit / n) (fun () ->
        $"points must number at most {limit / n} for {n} functions, but number {points.Length}.")

    let size = int n

    let numbers =
        Array.init (points.Length * size) (fun at ->
            let i = at % size
            let angle = float ((i + 1) / 2) * points[at / size]
            if i % 2 = 1 || i = 0 then cos angle else sin angle)

    use flat = vector TensorKind.float64 numbers
    use matrix = flat.reshape (points.LongLength, n)
    FixedMatrix.ofMatrix "evaluate" Traits.None matrix

/// (i omega)^order for each frequency on the circle of length 2 pi times 1 / scale.
let private power (n: int64) (scale: float) (order: float) : LinearMap =
    // Quarter turns are exact.
    let struct (cosine, sine) =
        match order - 4.0 * floor (order / 4.0) with
        | 0.0 -> struct (1.0, 0.0)
        | 1.0 -> struct (0.0, 1.0)
        | 2.0 -> struct (-1.0, 0.0)
        | 3.0 -> struct (0.0, -1.0)
        | turn -> struct (cos (turn * Math.PI / 2.0), sin (turn * Math.PI / 2.0))

    let size (k: int64) = (scale * float k) ** order

    FourierCoefficients.multiplier
        $"d^{order}[{n}]"
        n
        (if order = 0.0 then 1.0 else 0.0)
        (fun k -> struct (size k * cosine, -(size k) * sine))
        (size (n / 2L) * cosine)

/// A map of real coefficients, [n] -> [m], on those of the family.
let private inFamily (isComplex: bool) (map: LinearMap) : LinearMap =
    if isComplex then
        FourierCoefficients.toComplex map.Codomain.Size
        * map
        * FourierCoefficients.toReal map.Domain.Size
    else
        map

let private scaled (factor: float -> float) (n: int64) =
    FixedDiagonal.ofNumbers
        $"c[{n}]"
        (Space.Of n)
        (Array.init (int n) (fun i -> factor (if single n i then 1.0 else sqrt 2.0)))

let rec private parts (isComplex: bool) (n: int64) : BasisParts =
    Guard.positive "n" n
    let family = if isComplex then complexFamily else realFamily
    let root = sqrt (float n)

    let analyze, synthesize =
        if isComplex then
            let transform = FourierTransform.unitary n

            FourierCoefficients.ofComplex ((1.0 / root) * transform),
            FourierCoefficients.ofComplex (root * transform.Adjoint)
        else
            let transform = FourierTransform.real n
            scaled (fun size -> size / root) n * transform, transform.Adjoint * scaled (fun size -> root / size) n

    let isHalf i =
        if isComplex then 2L * int64 i = n else not (single n i)

    let discrete i =
        if not isComplex && isHalf i then Math.PI else 2.0 * Math.PI

    let exact i =
        if isComplex then
            (if isHalf i then Math.PI else 2.0 * Math.PI)
        elif i = 0 then
            2.0 * Math.PI
        else
            Math.PI

    {
        Name = $"{family}[{n}]"
        Family = family
        Lower = 0.0
        Upper = 2.0 * Math.PI
        Nodes = Array.init (int n) (fun j -> 2.0 * Math.PI * float j / float n)
        Weights = Array.create (int n) (2.0 * Math.PI / float n)
        SquaredNorms = Array.init (int n) exact
        DiscreteNorms = Array.init (int n) discrete
        Analyze = analyze
        Synthesize = synthesize
        EvaluateAt =
            fun points ->
                if isComplex then
                    evaluate n points * FourierCoefficients.toReal n
                else
                    evaluate n points
        Differentiate = Ok(inFamily isComplex (power n 1.0 1.0))
        Integrate =
            Error
                "only a function of mean 0 has a periodic antiderivative; Fourier.antiderivative checks that, and Fourier.integrate leaves the mean out"
        Embed = fun m -> inFamily isComplex (Coefficients.resize n m)
        ProductSize = Some(fun n1 n2 -> 2L * (n1 / 2L + n2 / 2L) + 1L)
        Resize = parts isComplex
    }

/// <summary>1, cos x, sin x, cos 2x, sin 2x, ... on [0, 2 pi]; for even n the last is cos (n x / 2).</summary>
/// <param name="n">Number of functions, at least 1.</param>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("Real")>]
let real (n: int64) : SpectralBasis = SpectralBasis(parts false n)

/// <summary>exp (i k x) on [0, 2 pi] for k = 0, 1, ..., -2, -1; for even n the one in the middle, k = n/2, is cos (n x / 2).</summary>
/// <param name="n">Number of functions, at least 1.</param>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("Complex")>]
let complex (n: int64) : SpectralBasis = SpectralBasis(parts true n)

/// Whether the family is complex, and 2 pi over the length of the period.
let private ofBasis (basis: SpectralBasis) : struct (bool * float) =
    Guard.notNull "basis" basis
    let family = basis.Parts.Family
    let isComplex = family.StartsWith(complexFamily, StringComparison.Ordinal)

    Guard.holds "basis" (isComplex || family.StartsWith(realFamily, StringComparison.Ordinal)) (fun () ->
        $"basis must be a Fourier basis, but is {basis}.")

    struct (isComplex, 2.0 * Math.PI / (basis.Upper - basis.Lower))

/// <summary>The angular frequency of each function of a basis: 2 pi k / length, of either sign for exponentials.</summary>
/// <exception cref="T:System.ArgumentException">Not a Fourier basis.</exception>
[<CompiledName("Frequencies")>]
let frequencies (basis: SpectralBasis) : IReadOnlyList<float> =
    let struct (isComplex, scale) = ofBasis basis
    let n = basis.Size

    Array.init (int n) (fun i ->
        let k =
            if not isComplex then int64 (i + 1) / 2L
            elif 2L * int64 i <= n then int64 i
            else int64 i - n

        scale * float k)
    |> Array.AsReadOnly
    :> IReadOnlyList<float>

/// <summary>A derivative of any order on coefficients: times (i omega)^order, which for whole orders is d/dx so many times.</summary>
/// <param name="order">Finite. Fractional orders are Weyl's derivatives, negative ones integrals of mean 0; all but order 0 take the mean to 0.</param>
/// <param name="basis">A Fourier basis.</param>
/// <returns>A map on [n]. The Nyquist cosine of even n keeps what is a cosine of its derivative: all of it for even orders, nothing for odd ones.</returns>
/// <exception cref="T:System.ArgumentException">Not a Fourier basis, or an order that is not finite.</exception>
[<CompiledName("Derivative")>]
let derivative (order: float) (basis: SpectralBasis) : LinearMap =
    Guard.finite "order" order
    let struct (isComplex, scale) = ofBasis basis
    inFamily isComplex (power basis.Size scale order)

/// <summary>Coefficients of f -> of the antiderivative of f minus its mean, which vanishes at the left end of the interval.</summary>
/// <returns>A map from [n] to [n], or to [n + 1] for even n, since the antiderivative of the Nyquist cosine is a sine.</returns>
/// <exception cref="T:System.ArgumentException">Not a Fourier basis.</exception>
[<CompiledName("Integrate")>]
let integrate (basis: SpectralBasis) : LinearMap =
    let struct (isComplex, scale) = ofBasis basis
    (1.0 / scale) * inFamily isComplex (FourierCoefficients.integrate basis.Size)

/// <summary>The antiderivative of a function of mean 0, which vanishes at the left end of the interval.</summary>
/// <param name="basis">A Fourier basis of size n.</param>
/// <param name="coefficients">Shape [*batch; n]. Differentiable.</param>
/// <returns>Shape [*batch; n], or [*batch; n + 1] for even n.</returns>
/// <exception cref="T:System.ArgumentException">A mean above 1e-10 (float32: 1e-4) of the norm of all coefficients: its antiderivative is not periodic.</exception>
[<CompiledName("Antiderivative")>]
let antiderivative (basis: SpectralBasis) (coefficients: torch.Tensor) : torch.Tensor =
    Guard.notNull "basis" basis
    Guard.rankAtLeast "coefficients" 1 coefficients
    let map = integrate basis
    Guard.floating "coefficients" coefficients

    Guard.holds "coefficients" (coefficients.size (int coefficients.ndim - 1) = basis.Size) (fun () ->
        $"coefficients must be {basis.Size} on their last axis, but have shape {Guard.showShape coefficients.shape}.")

    let size (x: torch.Tensor) =
        use norm = x.detach().abs().norm()
        number norm

    let tolerance =
        if TensorKind.realDtype coefficients.dtype = torch.float64 then
            1e-10
        else
            1e-4

    use scope = torch.NewDisposeScope()
    let mean, all = size (coefficients.narrow (-1L, 0L, 1L)), size coefficients

    Guard.holds "coefficients" (mean <= tolerance * all) (fun () ->
        $"coefficients must have mean 0 for a periodic antiderivative, but the first is {mean:G3} in a norm of {all:G3}.")

    scope.MoveToOuter(map.Apply coefficients)

/// <summary>Coefficients of f -> of x -> f(x - distance), any distance.</summary>
/// <param name="distance">Finite, in the units of x.</param>
/// <param name="basis">A Fourier basis.</param>
/// <returns>A map on [n]; of a real basis of odd size it is unitary. The Nyquist cosine of even n is multiplied by the cosine of what it turns by: its sine is outside the basis.</returns>
/// <exception cref="T:System.ArgumentException">Not a Fourier basis, or a distance that is not finite.</exception>
[<CompiledName("Shift")>]
let shift (distance: float) (basis: SpectralBasis) : LinearMap =
    Guard.finite "distance" distance
    let struct (isComplex, scale) = ofBasis basis
    let angle (k: int64) = scale * float k * distance

    let map =
        FourierCoefficients.multiplier
            $"shift[{basis.Size}]"
            basis.Size
            1.0
            (fun k -> struct (cos (angle k), sin (angle k)))
            (cos (angle (basis.Size / 2L)))

    if isComplex then inFamily true map
    elif FourierCoefficients.hasNyquist basis.Size then map
    else LinearMap.promise Traits.Unitary map

/// <summary>Values at n equispaced points of a period -> values of the same trigonometric interpolant, or of its leading part, at m.</summary>
/// <param name="n">Number of points before, at least 1.</param>
/// <param name="m">Number of points after, at least 1.</param>
/// <returns>A map from [n] to [m] for real and complex values, odd and even sizes. Upwards the Nyquist cosine is split between both frequencies;
/// downwards to even m both are joined into it.</returns>
/// <exception cref="T:System.ArgumentException">A size below 1.</exception>
[<CompiledName("Resample")>]
let resample (n: int64) (m: int64) : LinearMap =
    Guard.positive "n" n
    Guard.positive "m" m
    (real m).Synthesize * Coefficients.resize n m * (real n).Analyze

/// <summary>Coefficients of exponentials -> of 1, cos, sin, cos 2, ..., both of size n.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("ToReal")>]
let toReal (n: int64) : LinearMap =
    Guard.positive "n" n
    FourierCoefficients.toReal n

/// <summary>Coefficients of 1, cos, sin, cos 2, ... -> of exponentials, both of size n: the inverse of <c>toReal</c>.</summary>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("ToComplex")>]
let toComplex (n: int64) : LinearMap =
    Guard.positive "n" n
    FourierCoefficients.toComplex n
