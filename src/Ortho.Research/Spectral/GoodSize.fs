namespace Ortho

open System

/// A transform by FFT.
[<RequireQualifiedAccess>]
type TransformType =
    /// Fourier and Hartley transforms, real or complex.
    | Fourier
    /// One of the eight cosine and sine transforms.
    | Cosine of CosineType

/// <summary>Sizes at which a transform by FFT is fast: those whose FFT length has no prime factor above 11.</summary>
/// <remarks>
/// That length is n - 1 for DCT-I, n + 1 for DST-I, and n for all others. Elsewhere a transform costs 2 to 20 times more for each point, and often one
/// grid line more or less is all it takes: a Dirichlet grid of 382 points has the prime 383, one of 383 points has 384 = 2^7 * 3. (SciPy: <c>next_fast_len</c>;
/// pocketfft: <c>good_size</c>.) Nothing is printed: <c>remark</c> gives the sentence, for callers to print.
/// </remarks>
[<RequireQualifiedAccess>]
module GoodSize =

    /// The largest size that is looked at.
    let private limit = 1L <<< 40

    let private least (transform: TransformType) =
        if transform = TransformType.Cosine CosineType.DctI then
            2L
        else
            1L

    let private check (transform: TransformType) (n: int64) =
        Guard.notNull "transform" transform

        match transform with
        | TransformType.Cosine kind -> Guard.notNull "transform" kind
        | TransformType.Fourier -> ()

        Guard.between "n" (least transform) limit n

    /// The length of the FFT's period, of which factors count.
    let private lengthOf (transform: TransformType) (n: int64) =
        match transform with
        | TransformType.Cosine CosineType.DctI -> n - 1L
        | TransformType.Cosine CosineType.DstI -> n + 1L
        | _ -> n

    /// From a length back to a size.
    let private sizeOf (transform: TransformType) (length: int64) = length - (lengthOf transform 0L)

    let private smallPrimes = [ 11L; 7L; 5L; 3L ]

    /// The smallest product of 2 and the given primes that is at least n.
    let rec private atLeast (primes: int64 list) (n: int64) : int64 =
        let powersUntil (reaches: int64 -> bool) (prime: int64) =
            Seq.unfold
                (fun (power, isLast) ->
                    if isLast then
                        None
                    else
                        Some(power, (power * prime, reaches power)))
                (1L, false)

        let enough power = power >= n

        match primes with
        | [] -> powersUntil enough 2L |> Seq.last
        | prime :: others ->
            powersUntil enough prime
            |> Seq.map (fun power -> power * atLeast others ((n + power - 1L) / power))
            |> Seq.min

    /// The largest such product that is at most n, which is at least 1.
    let rec private atMost (primes: int64 list) (n: int64) : int64 =
        let powers (prime: int64) =
            Seq.unfold (fun power -> if power > n then None else Some(power, power * prime)) 1L

        match primes with
        | [] -> powers 2L |> Seq.last
        | prime :: others ->
            powers prime
            |> Seq.map (fun power -> power * atMost others (n / power))
            |> Seq.max

    let private isSmooth (length: int64) =
        FftCost.factors length |> Array.forall (fun (struct (prime, _)) -> prime <= 11L)

    /// <summary>The length whose prime factors decide: n - 1 for DCT-I, n + 1 for DST-I, n for all others.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Length")>]
    let length (transform: TransformType) (n: int64) : int64 =
        check transform n
        lengthOf transform n

    /// <summary>Whether the FFT length of n points has no prime factor above 11.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("IsGood")>]
    let isGood (transform: TransformType) (n: int64) : bool =
        check transform n
        isSmooth (lengthOf transform n)

    /// <summary>The smallest good size that is n or more.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Next")>]
    let next (transform: TransformType) (n: int64) : int64 =
        check transform n
        lengthOf transform n |> atLeast smallPrimes |> sizeOf transform

    /// <summary>The largest good size that is n or less; at the least size, that.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Previous")>]
    let previous (transform: TransformType) (n: int64) : int64 =
        check transform n
        lengthOf transform n |> atMost smallPrimes |> sizeOf transform

    /// <summary>The good size with the least distance from n; the larger of two.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Nearest")>]
    let nearest (transform: TransformType) (n: int64) : int64 =
        let above, below = next transform n, previous transform n
        if above - n <= n - below then above else below

    let private perPoint (transform: TransformType) (n: int64) =
        match transform with
        | TransformType.Fourier -> FftCost.perPoint n + 0.3
        | TransformType.Cosine kind ->
            let struct (_, row) = FftCost.cosine kind n
            row / float n

    /// <summary>The predicted cost of a point at size n over that at the nearest good size, both in a large batch on the CPU: 1 for good sizes, at least 1.</summary>
    /// <returns>A rough number, within about a factor of 2: it stands on timings of one machine.</returns>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Slowdown")>]
    let slowdown (transform: TransformType) (n: int64) : float =
        let good = nearest transform n

        if good = n then
            1.0
        else
            max 1.0 (perPoint transform n / perPoint transform good)

    let private product (n: int64) =
        match FftCost.factors n with
        | [||] -> "1"
        | [| struct (_, 1) |] -> $"{n} is prime"
        | factors ->
            factors
            |> Array.map (fun (struct (prime, power)) -> if power = 1 then $"{prime}" else $"{prime}^{power}")
            |> String.concat " * "
            |> sprintf "%d = %s" n

    /// <summary>One sentence or two on a size: its FFT length and factors, and for a slow one the nearest good size and what it saves.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1 (2 for DCT-I) or above 2^40.</exception>
    [<CompiledName("Remark")>]
    let remark (transform: TransformType) (n: int64) : string =
        let name =
            match transform with
            | TransformType.Cosine kind -> string kind
            | _ -> "Fourier"

        let factors size = product (length transform size)
        let good = nearest transform n

        if good = n then
            $"{name} of {n} points is fast ({factors n})."
        else
            let ratio = Math.Round(slowdown transform n, 1)
            let culture = Globalization.CultureInfo.InvariantCulture

            $"{name} of {n} points is slow ({factors n}): {good} points ({factors good}) are about "
            + ratio.ToString("0.#", culture)
            + " times faster."
