/// <summary>Biorthogonal wavelets by lifting, on the last axis of a tensor: two-tap steps that add to odd entries a multiple of the sums of their even
/// neighbours, and the other way round.</summary>
/// <remarks>Every step is undone by its opposite, whatever the border does: reconstruction is exact for any length. At a symmetric border the
/// neighbour outside is the mirror image of the one inside (whole-point, as in JPEG 2000, ISO/IEC 15444-1, annex F). Daubechies and Sweldens 1998.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.WaveletLifting

open Ortho
open TorchSharp

/// Steps on odd entries and on even ones by turns, odd first; then approximations are multiplied by the scale and details divided by it.
type Scheme = { Steps: float[]; Scale: float }

/// 5/3 of LeGall and Tabatabai 1988.
let fiveThree =
    {
        Steps = [| -0.5; 0.25 |]
        Scale = sqrt 2.0
    }

/// 9/7 of Cohen, Daubechies and Feauveau 1992: from the real root of 20 y^3 + 10 y^2 + 4 y + 1, to 17 digits.
let nineSeven =
    {
        Steps =
            [|
                -1.5861343420599235584
                -0.052980118572961414624
                0.88291107553093329592
                0.44350685204397115212
            |]
        Scale = 1.1496043988602411598
    }

let private entries (start: int64) (count: int64) (x: torch.Tensor) = x.narrow (x.ndim - 1L, start, count)

let private every (start: int64) (x: torch.Tensor) =
    x.slice (x.ndim - 1L, start, x.size (int x.ndim - 1), 2L)

/// Which entries are neighbours, as (from, to, count): odd entries of a row of n get these even ones; and even entries these odd ones.
let private neighbours (isPeriodic: bool) (n: int64) (isOddTarget: bool) =
    let even, odd = (n + 1L) / 2L, n / 2L

    [|
        struct (0L, 0L, odd)

        if isOddTarget then
            struct (1L, 0L, min odd (even - 1L))

            if n % 2L = 0L then
                struct ((if isPeriodic then 0L else even - 1L), odd - 1L, 1L)
        else
            struct (0L, 1L, min odd (even - 1L))
            struct ((if isPeriodic then odd - 1L else 0L), 0L, 1L)

            if n % 2L = 1L then
                struct (odd - 1L, even - 1L, 1L)
    |]

/// One step into fresh tensors of even and odd entries; transposed, what was read is written.
let private step (isPeriodic: bool) (n: int64) (isTransposed: bool) (factor: float) (isOddTarget: bool) (even, odd) =
    let source, target = if isOddTarget <> isTransposed then even, odd else odd, even

    use part = multiply factor source

    for struct (from, at, count) in neighbours isPeriodic n isOddTarget do
        let from, at = if isTransposed then at, from else from, at

        if count > 0L then
            use into = entries at count target
            use taken = entries from count part
            addInPlace into taken

/// Steps in order, then the scale: analysis (sign 1), or the transpose of synthesis (sign -1, transposed).
let private outward (scheme: Scheme) (sign: float) (isTransposed: bool) (isPeriodic: bool) (n: int64) =
    Actions.scoped (fun x ->
        let even, odd = (every 0L x).clone(), (every 1L x).clone()

        scheme.Steps
        |> Array.iteri (fun i factor -> step isPeriodic n isTransposed (sign * factor) (i % 2 = 0) (even, odd))

        let scale = if sign > 0.0 then scheme.Scale else 1.0 / scheme.Scale
        torch.cat ([| multiply scale even; multiply (1.0 / scale) odd |], -1L))

/// The scale, then steps in the opposite order: synthesis (sign -1), or the transpose of analysis (sign 1, transposed).
let private inward (scheme: Scheme) (sign: float) (isTransposed: bool) (isPeriodic: bool) (n: int64) =
    Actions.scoped (fun x ->
        let scale = if sign > 0.0 then scheme.Scale else 1.0 / scheme.Scale
        let even = multiply scale (entries 0L ((n + 1L) / 2L) x)
        let odd = multiply (1.0 / scale) (entries ((n + 1L) / 2L) (n / 2L) x)

        for i in scheme.Steps.Length - 1 .. -1 .. 0 do
            step isPeriodic n isTransposed (sign * scheme.Steps[i]) (i % 2 = 0) (even, odd)

        let y = x.new_empty x.shape
        (every 0L y).copy_ even |> ignore
        (every 1L y).copy_ odd |> ignore
        y)

/// A row of n entries to its approximations, then its details.
let analyze scheme isPeriodic n = outward scheme 1.0 false isPeriodic n

/// The inverse of analysis.
let synthesize scheme isPeriodic n = inward scheme -1.0 false isPeriodic n

/// The transpose of analysis.
let analyzeTransposed scheme isPeriodic n = inward scheme 1.0 true isPeriodic n

/// The transpose of synthesis.
let synthesizeTransposed scheme isPeriodic n = outward scheme -1.0 true isPeriodic n
