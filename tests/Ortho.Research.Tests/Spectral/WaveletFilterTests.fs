/// Filters of wavelets against the equations that define them, PyWavelets' tables, and all other choices of roots.
module Ortho.Tests.WaveletFilterTests

open System
open System.Numerics
open Expecto
open Ortho

let private orthogonal =
    [
        Wavelet.haar
        for moments in 1..10 do
            Wavelet.daubechies moments
        for moments in 2..10 do
            Wavelet.symlet moments
    ]

let private taps (filter: seq<float>) = Seq.toArray filter

/// Sum over k of a[k] b[k + shift].
let private correlation (a: float[]) (b: float[]) (shift: int) =
    Seq.sum (
        seq {
            for k in 0 .. a.Length - 1 do
                if k + shift >= 0 && k + shift < b.Length then
                    a[k] * b[k + shift]
        }
    )

let private near (tolerance: float) (expected: float) (actual: float) name =
    Expect.isLessThanOrEqual (abs (actual - expected)) tolerance $"{name}: {actual} for {expected}"

/// Deviation of the phase from a straight line, of the factor of a filter that has no zeros on the unit circle.
let private bend (moments: int) (filter: float[]) =
    // The filter over (1 + x)^N, by synthetic division.
    let rest =
        Seq.init moments id
        |> Seq.fold
            (fun (p: float[]) _ ->
                let quotient = Array.zeroCreate (p.Length - 1)

                for k in 0 .. quotient.Length - 1 do
                    quotient[k] <- p[k] - (if k = 0 then 0.0 else quotient[k - 1])

                quotient)
            filter

    let steps = 400
    let phases = Array.zeroCreate (steps + 1)

    for i in 1..steps do
        let w = Math.PI * float i / float steps

        let value =
            rest
            |> Seq.mapi (fun k c -> Complex.FromPolarCoordinates(1.0, -w * float k) * Complex(c, 0.0))
            |> Seq.fold (+) Complex.Zero

        let turns = Math.Round((value.Phase - phases[i - 1]) / (2.0 * Math.PI))
        phases[i] <- value.Phase - 2.0 * Math.PI * turns

    phases
    |> Seq.mapi (fun i phase -> abs (phase - phases[steps] * float i / float steps))
    |> Seq.max

let tests =
    testList
        "wavelet filters"
        [
            testCase "even shifts of an orthogonal pair are orthonormal, and it sums to sqrt 2 and 0" (fun () ->
                for wavelet in orthogonal do
                    let low, high = taps wavelet.LowPass, taps wavelet.HighPass

                    for shift in 0 .. low.Length / 2 - 1 do
                        let expected = if shift = 0 then 1.0 else 0.0
                        near 2e-15 expected (correlation low low (2 * shift)) $"{wavelet} low"
                        near 2e-15 expected (correlation high high (2 * shift)) $"{wavelet} high"
                        near 2e-15 0.0 (correlation low high (2 * shift)) $"{wavelet} low, high"
                        near 2e-15 0.0 (correlation high low (2 * shift)) $"{wavelet} high, low"

                    near 1e-15 (sqrt 2.0) (Array.sum low) $"{wavelet} sum"
                    near 1e-15 0.0 (Array.sum high) $"{wavelet} sum of details")

            testCase "details have the vanishing moments that are said, and no more" (fun () ->
                for wavelet in orthogonal @ [ Wavelet.biorthogonal53; Wavelet.biorthogonal97 ] do
                    let moment (filter: float[]) (power: int) =
                        let term k c =
                            c * Math.Pow(float k / float filter.Length, float power)

                        filter |> Seq.mapi term |> Seq.sum

                    for filter in [ taps wavelet.HighPass; taps wavelet.SynthesisHighPass ] do
                        for power in 0 .. wavelet.VanishingMoments - 1 do
                            near 1e-14 0.0 (moment filter power) $"{wavelet}, moment {power}"

                        Expect.isGreaterThan
                            (abs (moment filter wavelet.VanishingMoments))
                            1e-9
                            $"{wavelet}, moment {wavelet.VanishingMoments}")

            testCase "Daubechies 1, 2 and 4 have their known taps" (fun () ->
                let r = sqrt 3.0

                let known =
                    [
                        1, [ sqrt 0.5; sqrt 0.5 ]
                        2,
                        [ 1.0 + r; 3.0 + r; 3.0 - r; 1.0 - r ]
                        |> List.map (fun tap -> tap / (4.0 * sqrt 2.0))
                        // PyWavelets' table.
                        4,
                        [
                            0.23037781330889650
                            0.71484657055291565
                            0.63088076792985890
                            -0.027983769416859854
                            -0.18703481171909309
                            0.030841381835560764
                            0.032883011666885200
                            -0.010597401785069032
                        ]
                    ]

                for moments, expected in known do
                    let low = taps (Wavelet.daubechies moments).LowPass
                    List.iteri (fun k tap -> near 4e-16 tap low[k] $"db{moments}, tap {k}") expected)

            testCase "Daubechies' filters bring their energy first, of all choices of roots" (fun () ->
                for moments in 2..10 do
                    let running (filter: float[]) =
                        filter |> Array.scan (fun sum tap -> sum + tap * tap) 0.0

                    let first = running (WaveletFilter.daubechies moments)

                    for mask in 1 .. WaveletFilter.choices moments - 1 do
                        let other = running (WaveletFilter.ofRoots moments mask)

                        Expect.isTrue
                            (Array.forall2 (fun a b -> a >= b - 1e-14) first other)
                            $"db{moments} against choice {mask}")

            testCase "symlets are the least asymmetric, of all choices of roots" (fun () ->
                for moments in 2..10 do
                    let least = bend moments (WaveletFilter.symlet moments)

                    for mask in 0 .. WaveletFilter.choices moments - 1 do
                        Expect.isLessThan
                            least
                            (bend moments (WaveletFilter.ofRoots moments mask) + 1e-6)
                            $"sym{moments} against choice {mask}")

            testCase "symlets are PyWavelets', whose tables have twelve digits" (fun () ->
                // Its first, middle and last taps of reconstruction, for 2, 3, ... moments.
                let table =
                    [
                        (0.48296291314469025, 0.22414386804185735, -0.12940952255092145)
                        (0.3326705529509569, -0.13501102001039084, 0.035226291882100656)
                        (0.0322231006040427, 0.8037387518059161, -0.07576571478927333)
                        (0.019538882735286728, 0.7234076904024206, 0.027333068345077982)
                        (-0.007800708325034148, 0.787641141030194, 0.015404109327027373)
                        (0.010268176708511255, 0.017441255086855827, 0.002681814568257878)
                        (0.0018899503327594609, 0.7771857517005235, -0.0033824159510061256)
                        (0.0010694900329086053, 0.717897082764412, 0.0014009155259146807)
                        (-0.0004593294210046588, 0.7695100370211071, 0.0007701598091144901)
                    ]

                table
                |> List.iteri (fun i (first, middle, last) ->
                    let moments = i + 2
                    let low = taps (Wavelet.symlet moments).LowPass
                    near 5e-12 first low[0] $"sym{moments}, first"
                    near 5e-12 middle low[moments] $"sym{moments}, middle"
                    near 5e-12 last low[low.Length - 1] $"sym{moments}, last"))

            testCase "5/3 and 9/7 have their known taps" (fun () ->
                let expect name (expected: float list) (actual: seq<float>) =
                    Expect.hasLength (taps actual) expected.Length name
                    Seq.iter2 (fun e a -> near 2e-15 e a name) expected actual

                let r = sqrt 2.0
                let fiveThree, nineSeven = Wavelet.biorthogonal53, Wavelet.biorthogonal97
                expect "5/3 low" ([ -1.0; 2.0; 6.0; 2.0; -1.0 ] |> List.map (fun c -> c * r / 8.0)) fiveThree.LowPass
                expect "5/3 high" ([ -1.0; 2.0; -1.0 ] |> List.map (fun c -> c * r / 4.0)) fiveThree.HighPass
                // By factoring 20 y^3 + 10 y^2 + 4 y + 1 with 40 digits.
                let nine =
                    [
                        0.037828455506995461
                        -0.023849465019380002
                        -0.11062440441842341
                        0.37740285561265376
                        0.85269867900940342
                    ]

                let seven =
                    [
                        -0.064538882628938439
                        -0.040689417609558437
                        0.4180922732222122
                        0.7884856164056644
                    ]

                let mirrored (half: float list) = half @ List.tail (List.rev half)
                expect "9/7 low" (mirrored nine) nineSeven.LowPass
                expect "9/7 synthesis low" (mirrored seven) nineSeven.SynthesisLowPass

                let alternating sign (filter: float list) =
                    filter |> List.mapi (fun k c -> if k % 2 = 0 then sign * c else -sign * c)

                expect "9/7 high" (alternating -1.0 (mirrored seven)) nineSeven.HighPass
                expect "9/7 synthesis high" (alternating 1.0 (mirrored nine)) nineSeven.SynthesisHighPass)

            testCase "bad input is refused" (fun () ->
                Refusal.expect "moments" (fun () -> Wavelet.daubechies 0 |> ignore)
                Refusal.expect "moments" (fun () -> Wavelet.daubechies 11 |> ignore)
                Refusal.expect "moments" (fun () -> Wavelet.symlet 1 |> ignore)
                Refusal.expect "wavelet" (fun () -> Wavelet.symmetric (Wavelet.symlet 4) |> ignore))
        ]
