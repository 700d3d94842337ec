module Ortho.Tests.Lab.TimingTests

open System
open System.Threading
open Expecto
open Ortho.Lab

let tests =
    testList
        "Timing"
        [
            testCase "without a budget, one run" (fun () ->
                let mutable runs = 0

                let timed =
                    Timing.least 0.0 (fun () ->
                        runs <- runs + 1
                        runs)

                Expect.equal timed.Value 1 "value"
                Expect.isGreaterThanOrEqual timed.Seconds 0.0 "seconds")

            testCase "the least time of several runs, not their sum" (fun () ->
                let mutable runs = 0

                let timed =
                    Timing.least 0.1 (fun () ->
                        runs <- runs + 1
                        // Only the first run is slow.
                        if runs = 1 then
                            Thread.Sleep 60)

                Expect.isGreaterThan runs 1 "runs"
                Expect.isLessThan timed.Seconds 0.05 "seconds")

            testCase "a budget that is no time is refused" (fun () ->
                for budget in [ -1.0; nan ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> Timing.least budget ignore |> ignore)
                        $"{budget}")
        ]
