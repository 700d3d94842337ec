/// <summary>What calculus does to the coefficients of Fourier series: of 1, cos, sin, cos 2, sin 2, ..., and of exponentials in the order of the FFT.</summary>
[<RequireQualifiedAccess>]
module internal Ortho.FourierCoefficients

open System
open Ortho
open TorchSharp

/// The number of frequencies that have both a cosine and a sine.
let pairs (n: int64) = (n - 1L) / 2L

let hasNyquist (n: int64) = n % 2L = 0L

/// <summary>A map that acts on each frequency alone: the mean and the Nyquist cosine are multiplied, and (a, b) of a frequency k goes to
/// (p a - q b, q a + p b) with (p, q) = pair k.</summary>
let multiplier (name: string) (n: int64) (mean: float) (pair: int64 -> struct (float * float)) (nyquist: float) =
    Array.init (int n) (fun i ->
        let place, frequency = int64 i, int64 (i + 1) / 2L

        if i = 0 then
            struct ([| place; place |], [| mean; 0.0 |])
        elif 2L * frequency = n then
            struct ([| place; place |], [| nyquist; 0.0 |])
        else
            let struct (p, q) = pair frequency

            if i % 2 = 1 then
                struct ([| place; place + 1L |], [| p; -q |])
            else
                struct ([| place; place - 1L |], [| p; q |]))
    |> SparseRows.ofRows name n

/// <summary>The antiderivative, 0 at 0, of the function without its mean: [n] -> [n], or [n + 1] for even n, where the Nyquist cosine has a sine.</summary>
let integrate (n: int64) : LinearMap =
    let m = if hasNyquist n then n + 1L else n

    Array.init (int m) (fun i ->
        let place, frequency = int64 i, float (int64 (i + 1) / 2L)

        if i = 0 then
            struct ([| 0L |], [| 0.0 |])
        elif i % 2 = 0 then
            struct ([| place - 1L |], [| 1.0 / frequency |])
        else
            // Of the sine, which the Nyquist frequency has not.
            struct ([| min (place + 1L) (n - 1L) |], [| (if place + 1L < n then -1.0 / frequency else 0.0) |]))
    |> SparseRows.ofRows "∫" n
    |> Coefficients.vanishing (Array.init (int m) (fun i -> if i = 0 || i % 2 = 1 then 1.0 else 0.0))

let private timesI (x: torch.Tensor) =
    torch.complex (x.imag.negative (), x.real)

let private part (start: int64) (length: int64) (x: torch.Tensor) = x.narrow (x.ndim - 1L, start, length)

/// Of c_0, c_1, ..., c_-1: c_0, then scale (c_k + c_-k) and i scale (c_k - c_-k), then the Nyquist coefficient.
let private split (n: int64) (scale: float) (c: torch.Tensor) =
    let count = pairs n

    if count = 0L then
        c.alias ()
    else
        let rising, falling = part 1L count c, (part (n - count) count c).flip [| -1L |]
        let cosines, sines = rising .+ falling, timesI (rising .- falling)

        let both =
            torch.stack([| cosines; sines |], -1L).flatten(c.ndim - 1L) |> multiply scale

        torch.cat (
            [|
                part 0L 1L c
                both
                if hasNyquist n then
                    part (count + 1L) 1L c
            |],
            -1L
        )

/// Of a_0, a_1, b_1, ..., and the Nyquist coefficient: scale (a_k - i b_k) at k and scale (a_k + i b_k) at -k.
let private join (n: int64) (scale: float) (c: torch.Tensor) =
    let count = pairs n

    if count = 0L then
        c.alias ()
    else
        let every start =
            c.slice (c.ndim - 1L, start, 1L + 2L * count, 2L)

        let cosines, sines = multiply scale (every 1L), multiply scale (timesI (every 2L))

        torch.cat (
            [|
                part 0L 1L c
                cosines .- sines
                if hasNyquist n then
                    part (n - 1L) 1L c
                (cosines .+ sines).flip [| -1L |]
            |],
            -1L
        )

/// The same map for real tensors too, which become complex.
let ofComplex (map: LinearMap) : LinearMap =
    let action (map: LinearMap) (x: torch.Tensor) =
        Guard.floating "x" x

        if x.is_complex () then
            map.Action x
        else
            let dtype =
                if x.dtype = torch.float64 then
                    torch.complex128
                else
                    torch.complex64

            use z = x.``to`` dtype
            map.Action z

    Build.leaf (string map) map.Domain map.Codomain Traits.None map.Kind (action map) (action map.Adjoint)

let private leaf name (n: int64) forward backward =
    Build.leaf
        name
        (Space.Of n)
        (Space.Of n)
        Traits.None
        (Nullable())
        (Actions.scoped forward)
        (Actions.scoped backward)
    |> LinearFunction.Wrap
    |> ofComplex

/// Coefficients of exponentials -> of cosines and sines.
let toReal (n: int64) : LinearMap =
    leaf $"real[{n}]" n (split n 1.0) (join n 1.0)

/// Coefficients of cosines and sines -> of exponentials.
let toComplex (n: int64) : LinearMap =
    leaf $"complex[{n}]" n (join n 0.5) (split n 0.5)
