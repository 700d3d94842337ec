module Ortho.Tests.Lab.ClaimTests

open System
open Expecto
open Ortho.Lab

let private holds (claim: Claim) = (Claim.measure claim).Holds

let tests =
    testList
        "Claim"
        [
            testCase "equals holds for equal values only" (fun () ->
                Expect.isTrue (holds (Claim.equals "n" (Ours, 3) (fun () -> 3))) "3 = 3"
                Expect.isFalse (holds (Claim.equals "n" (Ours, 3) (fun () -> 4))) "4 is not 3"
                Expect.isTrue (holds (Claim.equals "l" (Ours, [ 1; 2 ]) (fun () -> [ 1; 2 ]))) "lists by content")

            testCase "below and above are strict, within is not" (fun () ->
                Expect.isFalse (holds (Claim.below "x" (Ours, 1.0) (fun () -> 1.0))) "1 is not below 1"
                Expect.isTrue (holds (Claim.below "x" (Ours, 1.0) (fun () -> 0.5))) "0.5 is below 1"
                Expect.isFalse (holds (Claim.above "x" (Ours, 1.0) (fun () -> 1.0))) "1 is not above 1"
                Expect.isTrue (holds (Claim.above "x" (Ours, 1.0) (fun () -> 1.5))) "1.5 is above 1"
                Expect.isTrue (holds (Claim.within "x" (Ours, 1.0, 0.5) (fun () -> 1.5))) "1.5 is within 1 ± 0.5"
                Expect.isFalse (holds (Claim.within "x" (Ours, 1.0, 0.5) (fun () -> 1.6))) "1.6 is not within 1 ± 0.5")

            testCase "NaN fails every claim" (fun () ->
                let measure () = nan

                for claim in
                    [
                        Claim.equals "x" (Ours, nan) measure
                        Claim.below "x" (Ours, 1.0) measure
                        Claim.above "x" (Ours, 1.0) measure
                        Claim.within "x" (Ours, 1.0, infinity) measure
                    ] do
                    Expect.isFalse (holds claim) claim.Expected
                    Expect.equal (Claim.measure claim).Measured "nan" "NaN is shown")

            testCase "an expected NaN is refused at once" (fun () ->
                Expect.throwsT<ArgumentException>
                    (fun () -> Claim.below "x" (Ours, nan) (fun () -> 1.0) |> ignore)
                    "no bound")

            testCase "an exception is a failed claim with its first line" (fun () ->
                let outcome =
                    Claim.measure (
                        Claim.holds "x" (Paper "table 1") (fun () -> raise (TimeoutException "too slow\nframe #0"))
                    )

                Expect.isFalse outcome.Holds "it fails"
                Expect.equal outcome.Measured "TimeoutException: too slow" "the message")

            testCase "a claim over seeds holds if it holds for all, and says for how many" (fun () ->
                let claim limit =
                    Claim.overSeeds [ 1; 2; 3 ] (fun seed -> Claim.below "x" (Ours, limit) (fun () -> float seed))

                let all, some = Claim.measure (claim 4.0), Claim.measure (claim 3.0)
                Expect.isTrue all.Holds "1, 2, 3 < 4"
                Expect.isFalse some.Holds "3 is not below 3"
                Expect.equal (some.Held, some.Seeds) (2, 3) "2 of 3"
                Expect.equal some.Measured "1 .. 3" "the range")

            testCase "a claim for some seeds holds from the number needed on" (fun () ->
                let claim needed =
                    Claim.forSeeds needed [ 1; 2; 3 ] (fun seed -> Claim.below "x" (Ours, 3.0) (fun () -> float seed))

                Expect.isTrue (holds (claim 2)) "2 of 3 are enough"
                Expect.isFalse (holds (claim 3)) "3 of 3 are not there")

            testCase "a seed that throws counts as not held" (fun () ->
                let outcome =
                    Claim.overSeeds [ 1; 2 ] (fun seed ->
                        Claim.below "x" (Ours, 3.0) (fun () -> if seed = 2 then raise (TimeoutException()) else 1.0))
                    |> Claim.measure

                Expect.equal (outcome.Holds, outcome.Held) (false, 1) "1 of 2")

            testCase "a seed that gives no number shows in the range" (fun () ->
                let outcome =
                    Claim.overSeeds [ 1; 2; 3 ] (fun seed ->
                        Claim.below "x" (Ours, 9.0) (fun () -> if seed = 2 then nan else float seed))
                    |> Claim.measure

                Expect.equal (outcome.Holds, outcome.Held) (false, 2) "2 of 3"
                Expect.equal outcome.Measured "nan .. nan" "said")

            testCase "no seeds, equal seeds, and a wrong number needed are refused" (fun () ->
                let claim _ = Claim.holds "x" Ours (fun () -> true)

                for needed, seeds in [ 1, []; 1, [ 1; 1 ]; 0, [ 1 ]; 2, [ 1 ] ] do
                    let refused =
                        try
                            Claim.forSeeds needed seeds claim |> ignore
                            false
                        with :? ArgumentException ->
                            true

                    Expect.isTrue refused $"{needed} of {seeds}")
        ]
