/// <summary>Predicted time of transforms on one core, in nanoseconds for each row: what chooses between forms, and what good sizes are compared by.</summary>
/// <remarks>Fitted once to torch's FFT (MKL) in float64 on one machine, so rough: ratios within about a factor of 1.5. A prime factor p costs about 0.14 p for each
/// point, and from about 90 on the logarithm of a convolution that replaces it; a real FFT of odd length costs as much as a complex one.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.FftCost

open System
open Ortho

/// The prime factors of n and their powers, from the smallest.
let factors (n: int64) : (struct (int64 * int))[] =
    let mutable rest = n
    let mutable prime = 2L

    [|
        while rest > 1L do
            if prime * prime > rest then
                prime <- rest

            let mutable power = 0

            while rest % prime = 0L do
                rest <- rest / prime
                power <- power + 1

            if power > 0 then
                struct (prime, power)

            prime <- prime + 1L
    |]

/// For each point, of a complex FFT of half the length that a real one is done by.
let perPoint (n: int64) : float =
    factors n
    |> Array.sumBy (fun (struct (prime, power)) ->
        float power
        * match prime with
          | 2L -> 0.15
          | 3L -> 0.4
          | 5L -> 0.5
          | p when p <= 13L -> 0.1 * float p
          | p when p <= 89L -> 0.14 * float p
          | p -> 3.0 + 0.5 * Math.Log2(float p))

/// A real FFT.
let real (n: int64) : float =
    (if n % 2L = 0L then 1.0 else 2.0) * float n * perPoint n

/// A cosine or sine transform: the fixed cost of a call, and that of each row.
let cosine (kind: CosineType) (n: int64) : struct (float * float) =
    let first (length: int64) =
        if length % 4L = 0L then
            struct (28000.0, 2.0 * real (length / 2L) + real (length / 4L) + 0.8 * float n)
        else
            struct (45000.0, real (2L * length) + 1.5 * float n)

    match kind with
    | CosineType.DctI -> first (n - 1L)
    | CosineType.DstI -> first (n + 1L)
    | CosineType.DctIV
    | CosineType.DstIV when n % 2L = 1L -> struct (60000.0, real n + 3.0 * float n)
    | _ -> struct (20000.0, real n + 0.5 * float n)

/// A product with a matrix of n x n numbers: reading it, and each row.
let dense (n: int64) : struct (float * float) =
    let entries = float n * float n
    struct (3000.0 + 0.16 * entries, 0.053 * entries)

/// Whether the matrix costs less than another form for so many rows, the time of each row in float32 being about so much of that in float64.
let isDenseFaster (rows: int64) (isSingle: bool) (matrix: struct (float * float)) (other: struct (float * float)) =
    let total (share: float) (struct (call, row)) =
        call + float rows * row * (if isSingle then share else 1.0)

    total 0.5 matrix < total 0.65 other
