/// <summary>Filters of wavelets, computed by spectral factorisation, to the last bit of float64.</summary>
/// <remarks>
/// The squared modulus of a scaling filter with N vanishing moments and 2 N taps is 2 cos^2N (w/2) P (sin^2 (w/2)), with
/// P(y) the sum over k below N of C(N - 1 + k, k) y^k. Each root y of P gives two roots z, 1/z of z^2 - (2 - 4 y) z + 1, and each choice of one of
/// them a filter. Inside the unit circle: Daubechies' extremal phase. Roots are found in double precision, then polished by
/// Newton's method in decimals of 28 digits. Daubechies 1988; Daubechies 1992, sections 6.1 and 8.1.1.
/// </remarks>
[<RequireQualifiedAccess>]
module internal Ortho.WaveletFilter

open System
open System.Numerics

/// The most vanishing moments.
let largest = 10

/// Complex numbers of 28 digits.
[<Struct; NoComparison>]
type internal Precise = { Re: decimal; Im: decimal }

let private minus (b: Precise) (a: Precise) = { Re = a.Re - b.Re; Im = a.Im - b.Im }

let private times (a: Precise) (b: Precise) =
    {
        Re = a.Re * b.Re - a.Im * b.Im
        Im = a.Re * b.Im + a.Im * b.Re
    }

let private reciprocal (z: Precise) =
    let size = z.Re * z.Re + z.Im * z.Im
    { Re = z.Re / size; Im = -z.Im / size }

let private real (x: decimal) : Precise = { Re = x; Im = 0m }

let private precise (z: Complex) : Precise =
    {
        Re = decimal z.Real
        Im = decimal z.Imaginary
    }

let private rough (z: Precise) = Complex(float z.Re, float z.Im)

/// C(N - 1 + k, k) for k below N: the coefficients of P.
let private coefficients (moments: int) =
    Array.init (moments - 1) id
    |> Array.scan (fun c k -> c * decimal (moments + k) / decimal (k + 1)) 1m

/// A root of a polynomial, lowest coefficient first, to 28 digits, from one in double precision: four steps of Newton's method.
let private polish (polynomial: Precise[]) (start: Complex) : Precise =
    let mutable z = precise start

    for _ in 1..4 do
        let mutable value, slope = precise Complex.Zero, precise Complex.Zero

        for c in Array.rev polynomial do
            slope <- minus (times (real -1m) value) (times slope z)
            value <- minus (times (real -1m) c) (times value z)

        z <- z |> minus (times value (reciprocal slope))

    z

/// All roots, by the iteration of Durand and Kerner.
let private roots (polynomial: decimal[]) =
    let degree = polynomial.Length - 1
    let leading = Complex(float polynomial[degree], 0.0)
    let zs = Array.init degree (fun i -> Complex.Pow(Complex(0.4, 0.9), float i))

    for _ in 1..200 do
        for i in 0 .. degree - 1 do
            let value =
                Array.foldBack
                    (fun (c: decimal) (sum: Complex) -> sum * zs[i] + Complex(float c, 0.0))
                    polynomial
                    Complex.Zero

            let others =
                zs
                |> Seq.indexed
                |> Seq.fold (fun product (j, z) -> if i = j then product else product * (zs[i] - z)) leading

            zs[i] <- zs[i] - value / others

    zs |> Array.map (polish (Array.map real polynomial))

/// The roots z inside the unit circle, one of each conjugate pair, smallest first.
let private inside (moments: int) : Precise[] =
    roots (coefficients moments)
    |> Array.filter (fun y -> y.Im > -1e-9m)
    |> Array.map (fun y ->
        let y = if abs y.Im < 1e-9m then real y.Re else y
        let half = Complex.One - 2.0 * rough y
        let root = Complex.Sqrt(half * half - Complex.One)

        let start =
            if (half + root).Magnitude < 1.0 then
                half + root
            else
                half - root

        let linear = times (real 4m) y |> minus (real 2m)
        polish [| real 1m; linear; real 1m |] start)
    |> Array.sortBy (fun z -> (rough z).Magnitude)

let private product (a: decimal[]) (b: decimal[]) =
    Array.init (a.Length + b.Length - 1) (fun k ->
        Seq.sum (seq { for i in max 0 (k - b.Length + 1) .. min k (a.Length - 1) -> a[i] * b[k - i] }))

/// The filter of the chosen roots: bit i of the mask takes 1/z in place of root i.
let ofRoots (moments: int) (mask: int) : float[] =
    let factors =
        inside moments
        |> Array.mapi (fun i z ->
            let z: Precise = if mask >>> i &&& 1 = 1 then reciprocal z else z

            if z.Im = 0m then
                [| 1m; -z.Re |]
            else
                [| 1m; -2m * z.Re; z.Re * z.Re + z.Im * z.Im |])

    let taps =
        Array.append (Array.replicate moments [| 1m; 1m |]) factors
        |> Array.reduce product

    let scale = 1.4142135623730950488016887242m / Array.sum taps
    taps |> Array.map (fun tap -> float (tap * scale))

/// How many choices of roots there are: one bit each.
let choices (moments: int) = 1 <<< (inside moments).Length

/// Daubechies' filter of extremal phase, as in her tables and in PyWavelets.
let daubechies (moments: int) : float[] = ofRoots moments 0

/// The choice of the least asymmetric filter: of all, its phase is nearest to a straight line. Of it and its mirror image, the one in
/// PyWavelets' (and Daubechies') tables.
let symletMask (moments: int) : int =
    [| 0; 0; 0; 0; 2; 1; 5; 1; 10; 6; 21 |][moments]

/// Daubechies' least asymmetric filter.
let symlet (moments: int) : float[] = ofRoots moments (symletMask moments)

/// The high-pass filter of an orthonormal pair: taps in the opposite order with alternating signs.
let mirror (low: float[]) : float[] =
    Array.init low.Length (fun k -> (if k % 2 = 0 then 1.0 else -1.0) * low[low.Length - 1 - k])
