/// <summary>Discrete Fourier transforms as unitary maps: the complex one, and the real orthonormal one of cosines and sines.</summary>
/// <remarks>
/// Row k and column j count from 0.
/// <code>
/// unitary  n^(-1/2) exp(-2 pi i k j / n)                       complex; k in the order of every FFT: 0, 1, ..., -2, -1
/// real     row 0: n^(-1/2); rows 2k-1 and 2k: sqrt(2/n) cos(2 pi k j / n) and sqrt(2/n) sin(2 pi k j / n), 0 &lt; k &lt; n/2;
///          for even n the last row is n^(-1/2) (-1)^j, the cosine of the Nyquist frequency, whose sine vanishes at every point
/// </code>
/// Any length, odd, even or prime; torch's FFT underneath. Up to n = 64 the real transform is a dense matrix, which is faster there.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.FourierTransform

open System
open Ortho
open TorchSharp

/// The longest real transform that is done by its dense matrix.
let internal denseLimit = 64L

let internal name = "Fourier"

/// MKL refuses an empty batch.
let private unlessEmpty (action: torch.Tensor -> torch.Tensor) =
    Actions.scoped (fun x -> if x.numel () = 0L then x.alias () else action x)

/// <summary>The unitary transform of complex vectors: F[k] = n^(-1/2) sum_j x[j] exp(-2 pi i k j / n).</summary>
/// <param name="n">Length, at least 1.</param>
/// <returns>A unitary map on [n] that takes complex tensors of either precision.</returns>
/// <exception cref="T:System.ArgumentException">n is below 1; when applied, x is real: give it a complex type first, or take <c>real</c>.</exception>
[<CompiledName("Unitary")>]
let unitary (n: int64) : LinearMap =
    Guard.positive "n" n

    let action (transform: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
        Guard.live "x" x

        Guard.holds "x" (x.is_complex ()) (fun () ->
            $"x must be complex for {name}[{n}], but is {x.dtype}: FourierTransform.real takes real tensors.")

        unlessEmpty (fun x -> transform (x.resolve_conj ())) x

    Build.leaf
        $"{name}[{n}]"
        (Space.Of n)
        (Space.Of n)
        Traits.Unitary
        (Nullable())
        (action (fun x -> torch.fft.fft_ (x, n, -1L, FFTNormType.Ortho)))
        (action (fun x -> torch.fft.ifft (x, n, -1L, FFTNormType.Ortho)))
    |> LinearFunction.Wrap

/// The entry in row k and column j of the real orthonormal matrix of length n.
let internal entry (n: int64) (k: int64) (j: int64) : float =
    let frequency = (k + 1L) / 2L
    let angle = 2.0 * Math.PI * float (frequency * j % n) / float n

    if k = 0L then
        sqrt (1.0 / float n)
    elif 2L * frequency = n then
        sqrt (1.0 / float n) * cos angle
    elif k % 2L = 1L then
        sqrt (2.0 / float n) * cos angle
    else
        sqrt (2.0 / float n) * sin angle

/// The real transform by its matrix: forward and back.
let internal dense (n: int64) : (torch.Tensor -> torch.Tensor) * (torch.Tensor -> torch.Tensor) =
    let size = int n

    let table at =
        Table.ofNumbers [| n; n |] (Array.init (size * size) (fun i -> at (int64 (i / size)) (int64 (i % size))))

    let columns, rows = table (fun j k -> entry n k j), table (entry n)
    (fun x -> x.matmul (columns.Like x)), (fun y -> y.matmul (rows.Like y))

/// <summary>The real transform by FFT: forward and back.</summary>
/// <remarks>The spectrum X of a real FFT, conjugated, holds cosine and sine amplitudes as real and imaginary parts; with the mean turned into the
/// imaginary part they are the coefficients in order from the second number on, and what is dropped at either end is zero.</remarks>
let internal fast (n: int64) : (torch.Tensor -> torch.Tensor) * (torch.Tensor -> torch.Tensor) =
    let count = int (n / 2L) + 1

    let scales (single: float) (pair: float) =
        Table.ofPolar
            (Array.init count (fun k -> if k = 0 || 2L * int64 k = n then single else pair))
            (Array.init count (fun k -> if k = 0 then Math.PI / 2.0 else 0.0))

    let forward = scales (sqrt (1.0 / float n)) (sqrt (2.0 / float n))
    let back = scales (sqrt (float n)) (sqrt (float n / 2.0))

    let transform (x: torch.Tensor) =
        let w = torch.fft.rfft(x).conj() |> Table.times forward
        w.view_as_real().flatten(x.ndim - 1L).narrow(x.ndim - 1L, 1L, n)

    let inverse (y: torch.Tensor) =
        let batch = y.shape[.. y.shape.Length - 2]
        let zero = y.new_zeros (Array.append batch [| 1L |])
        let numbers = if n % 2L = 0L then [| zero; y; zero |] else [| zero; y |]

        let pairs =
            torch.cat(numbers, -1L).reshape(Array.append batch [| int64 count; 2L |])

        torch.fft.irfft (pairs.view_as_complex().conj() |> Table.times back, n)

    transform, inverse

/// The real transform with its actions by one of the two forms.
let internal byForm form (n: int64) : LinearMap =
    let forward, back = form n

    let action (onReal: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
        Guard.floating "x" x

        unlessEmpty
            (fun x ->
                if x.is_complex () then
                    torch.complex (onReal x.real, onReal x.imag)
                else
                    onReal x)
            x

    Build.leaf $"real{name}[{n}]" (Space.Of n) (Space.Of n) Traits.Unitary (Nullable()) (action forward) (action back)
    |> LinearFunction.Wrap

/// <summary>The real orthonormal transform: coefficients of 1, cos, sin, cos 2, sin 2, ..., each row of norm 1.</summary>
/// <param name="n">Length, at least 1.</param>
/// <returns>A unitary map on [n], of real matrix; complex tensors are transformed part by part.</returns>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
/// <remarks>Ordered by frequency, unlike the discrete Hartley transform, of which it is a rotation in each pair of rows.</remarks>
[<CompiledName("Real")>]
let real (n: int64) : LinearMap =
    Guard.positive "n" n
    byForm (if n <= denseLimit then dense else fast) n
