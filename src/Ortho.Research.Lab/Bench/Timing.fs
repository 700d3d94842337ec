namespace Ortho.Lab

open System
open System.Diagnostics

/// What a computation gave and how long it took.
type Timed<'a> = { Value: 'a; Seconds: float }

/// How long things take.
[<RequireQualifiedAccess>]
module Timing =

    /// <summary>Runs a computation in rounds of 1, 2, 4, ... runs until the budget is spent; its time is the least mean of a round.</summary>
    /// <param name="budget">Seconds to spend, about. The first rounds warm caches and the compiler; with a budget of 0 there is one run.</param>
    /// <param name="f">The computation; its value is that of the last run.</param>
    /// <exception cref="T:System.ArgumentOutOfRangeException">The budget is negative or no number.</exception>
    let least (budget: float) (f: unit -> 'a) : Timed<'a> =
        if not (budget >= 0.0) then
            raise (ArgumentOutOfRangeException(nameof budget, budget, "budget must be at least 0 seconds."))

        let seconds (ticks: int64) = float ticks / float Stopwatch.Frequency

        let first = Stopwatch.GetTimestamp()

        let rec again (runs: int) (best: float) =
            let start = Stopwatch.GetTimestamp()
            let mutable value = f ()

            for _ in 2..runs do
                value <- f ()

            let finish = Stopwatch.GetTimestamp()
            let best = min best (seconds (finish - start) / float runs)

            if seconds (finish - first) < budget then
                again (2 * runs) best
            else
                { Value = value; Seconds = best }

        again 1 infinity
