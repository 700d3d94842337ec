/// Series in Chebyshev polynomials on [-1, 1] as arrays of coefficients: what a Fun does, before its interval.
[<RequireQualifiedAccess>]
module internal Ortho.ChebyshevSeries

open System
open System.Numerics
open System.Runtime.InteropServices
open Ortho
open TorchSharp

/// The Lobatto nodes, ascending: [0] for one.
let nodes (n: int) : float[] =
    if n = 1 then
        [| 0.0 |]
    else
        Array.init n (fun j -> sin (Math.PI * float (2 * j + 1 - n) / float (2 * (n - 1))))

let private throughTransform (numbers: float[]) (map: LinearMap) : float[] =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let result = (map.Apply(vector TensorKind.float64 numbers)).contiguous()
    (MemoryMarshal.Cast<byte, float>(Span.op_Implicit result.bytes: ReadOnlySpan<byte>)).ToArray()

let private alternate (k: int) = if k % 2 = 0 then 1.0 else -1.0

/// The coefficients of the polynomial with these values at the Lobatto nodes.
let ofValues (values: float[]) : float[] =
    let n = values.Length

    if n = 1 then
        values
    else
        use _ = torch.NewDisposeScope()
        let ends = sqrt 0.5
        let isEnd k = k = 0 || k = n - 1

        let scaled =
            values |> Array.mapi (fun j value -> if isEnd j then value * ends else value)

        Cosine.transform CosineType.DctI (int64 n)
        |> throughTransform scaled
        |> Array.mapi (fun k c -> alternate k * c * sqrt (2.0 / float (n - 1)) * (if isEnd k then ends else 1.0))

/// sum_k c_k T_k(t), by Clenshaw's recurrence.
let evaluate (coefficients: float[]) (t: float) : float =
    let mutable b1, b2 = 0.0, 0.0

    for k in coefficients.Length - 1 .. -1 .. 1 do
        let b0 = coefficients[k] + 2.0 * t * b1 - b2
        b2 <- b1
        b1 <- b0

    coefficients[0] + t * b1 - b2

/// The same for each entry of a tensor, differentiable in it.
let evaluateTensor (coefficients: float[]) (t: torch.Tensor) : torch.Tensor =
    let twice = multiply 2.0 t
    let mutable b1, b2 = torch.zeros_like t, torch.zeros_like t

    for k in coefficients.Length - 1 .. -1 .. 1 do
        let b0 = twice.mul(b1).sub b2 |> plus coefficients[k]
        b2 <- b1
        b1 <- b0

    t.mul(b1).sub b2 |> plus coefficients[0]

let derivative (c: float[]) : float[] =
    let n = c.Length
    let d = Array.zeroCreate (max 1 (n - 1))

    for k in n - 2 .. -1 .. 0 do
        d[k] <- 2.0 * float (k + 1) * c[k + 1] + (if k + 2 < d.Length then d[k + 2] else 0.0)

    d[0] <- d[0] / 2.0
    d

/// Vanishes at -1.
let antiderivative (c: float[]) : float[] =
    let n = c.Length
    let at k = if k < n then c[k] else 0.0

    let result =
        Array.init (n + 1) (fun k ->
            if k = 0 then 0.0
            elif k = 1 then at 0 - at 2 / 2.0
            else (at (k - 1) - at (k + 1)) / float (2 * k))

    for k in n .. -1 .. 1 do
        result[0] <- result[0] - alternate k * result[k]

    result

/// The integral over [-1, 1].
let integral (c: float[]) : float =
    let mutable sum = 0.0

    for k in (c.Length - 1) / 2 * 2 .. -2 .. 0 do
        sum <- sum + 2.0 * c[k] / (1.0 - float k * float k)

    sum

/// <summary>How many coefficients to keep: all of them where no plateau of rounding is seen.</summary>
/// <remarks>Aurentz and Trefethen 2017, "Chopping a Chebyshev series": the envelope e_k = max over later coefficients, relative to the largest, must have a plateau
/// from k to 1.25 k + 5 that falls by less than a factor that rises from 0 at the level 1 to 3 where e_k is far below the tolerance; the cut is where the envelope, tilted by a
/// third of the digits over its length, is least.</remarks>
let chop (tolerance: float) (coefficients: float[]) : int =
    let n = coefficients.Length

    let envelope =
        Array.scanBack (fun (c: float) most -> max (abs c) most) coefficients 0.0

    let most = envelope[0]

    if most = 0.0 then
        1
    elif n < 17 then
        n
    else
        let relative k = envelope[k] / most
        // Places count from 1 here, as in the paper.
        let ahead j = int (Math.Round(1.25 * float j + 5.0))

        let isPlateau j =
            let e1, e2 = relative (j - 1), relative (ahead j - 1)
            e1 = 0.0 || e2 / e1 >= 3.0 * (1.0 - log e1 / log tolerance)

        match
            Seq.initInfinite ((+) 2)
            |> Seq.takeWhile (fun j -> ahead j <= n)
            |> Seq.tryFind isPlateau
        with
        | None -> n
        | Some j ->
            let start = j - 1

            if relative (start - 1) = 0.0 then
                start
            else
                let floor = tolerance ** (7.0 / 6.0)
                let above = Seq.init n relative |> Seq.filter (fun e -> e >= floor) |> Seq.length
                let last = min (ahead j) (above + 1)

                let tilted i =
                    let e =
                        if i = last && above < ahead j then
                            floor
                        else
                            relative (i - 1)

                    log10 e - log10 tolerance / 3.0 * float (i - 1) / float (max 1 (last - 1))

                max 1 (Seq.minBy tilted (seq { 1..last }) - 1)

/// Without trailing zeros and rounding.
let trimmed (coefficients: float[]) : float[] =
    Array.truncate (chop (Math.ScaleB(1.0, -52)) coefficients) coefficients

/// The eigenvalues of the colleague matrix (Good 1961): the roots of a series whose last coefficient is not 0.
let private colleagueRoots (c: float[]) : Complex[] =
    let n = c.Length - 1

    if n = 1 then
        [| Complex(-c[0] / c[1], 0.0) |]
    else
        let entries =
            Array.init (n * n) (fun place ->
                let i, j = place / n, place % n

                let band =
                    if i = 0 then (if j = 1 then 1.0 else 0.0)
                    elif abs (i - j) = 1 then 0.5
                    else 0.0

                if i = n - 1 then band - c[j] / (2.0 * c[n]) else band)

        use _ = torch.NewDisposeScope()
        let matrix = (vector TensorKind.float64 entries).reshape [| int64 n; int64 n |]

        let values =
            torch.view_as_real((torch.linalg.eigvals matrix).resolve_conj()).contiguous()

        let numbers =
            MemoryMarshal.Cast<byte, float>(Span.op_Implicit values.bytes: ReadOnlySpan<byte>)

        let result = Array.zeroCreate n

        for i in 0 .. n - 1 do
            result[i] <- Complex(numbers[2 * i], numbers[2 * i + 1])

        result

/// Most coefficients whose roots are found without cutting the interval.
let private matrixLimit = 50

/// Where the interval is cut: no round number, so that roots seldom lie there.
let private cut = -0.004849834917525

/// <summary>The real roots in [-1, 1], ascending, each to a Newton step's accuracy.</summary>
let rec private rootsWithin (c: float[]) : float[] =
    let most = c |> Array.fold (fun most x -> max most (abs x)) 0.0
    let last = c |> Array.tryFindIndexBack (fun x -> abs x > 2.0e-16 * most)

    match last with
    | None
    | Some 0 -> [||]
    | Some last when last < matrixLimit ->
        let kept = Array.truncate (last + 1) c
        let slope = derivative kept

        colleagueRoots kept
        |> Array.filter (fun z -> abs z.Imaginary < 1e-7 && abs z.Real < 1.0 + 1e-9)
        |> Array.map (fun z ->
            let refined (t: float) =
                let step = evaluate kept t / evaluate slope t
                if abs step < 1e-6 then t - step else t

            refined (refined z.Real))
        |> Array.filter (fun t -> abs t <= 1.0 + 1e-13)
        |> Array.map (fun t -> Math.Clamp(t, -1.0, 1.0))
    | Some last ->
        let part (a: float) (b: float) =
            let there t = a + (b - a) * (t + 1.0) / 2.0

            nodes (last + 1)
            |> Array.map (there >> evaluate c)
            |> ofValues
            |> trimmed
            |> rootsWithin
            |> Array.map there

        Array.append (part -1.0 cut) (part cut 1.0)

let roots (c: float[]) : float[] =
    let found = rootsWithin c |> Array.sort
    // A root where the interval was cut is found on both sides.
    found
    |> Array.indexed
    |> Array.filter (fun (i, t) -> i = 0 || t - found[i - 1] > 1e-14)
    |> Array.map snd
