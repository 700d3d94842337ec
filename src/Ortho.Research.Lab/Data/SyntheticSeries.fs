/// An hourly series of several channels drawn by code: days, weeks, a slow drift, and noise with memory.
[<RequireQualifiedAccess>]
module Ortho.Lab.SyntheticSeries

open System

/// The names of the channels: six loads and one temperature, like those of a transformer.
let channels =
    [ "load 1"; "load 2"; "load 3"; "load 4"; "load 5"; "load 6"; "temperature" ]

/// A normal number by Box and Muller.
let private normal (random: Random) =
    sqrt (-2.0 * log (1.0 - random.NextDouble()))
    * cos (2.0 * Math.PI * random.NextDouble())

/// <summary>Channel c at hour t: level + day(t) (two harmonics) + week(t) + drift(t) + noise, noise(t) = 0.9 noise(t - 1) + e(t).</summary>
/// <param name="seed">Same seed, same series.</param>
/// <param name="hours">How many rows; not negative.</param>
/// <returns>Rows of `channels.Length` numbers, one after the other.</returns>
let draw (seed: int) (hours: int) =
    ArgumentOutOfRangeException.ThrowIfNegative(hours, nameof hours)
    let random = Random seed
    let width = channels.Length
    let values = Array.zeroCreate<float>(hours * width)

    let turn (period: float) t phase =
        sin (2.0 * Math.PI * (float t / period) + phase)

    for c in 0 .. width - 1 do
        let level, day, week =
            2.0 + 3.0 * float c, 1.0 + 2.0 * random.NextDouble(), 0.5 + random.NextDouble()

        let phase, halfPhase, weekPhase =
            random.NextDouble(), 6.0 * random.NextDouble(), random.NextDouble()

        let drift, noise = 1.5 * random.NextDouble(), 0.15 + 0.15 * random.NextDouble()
        let mutable memory = 0.0

        for t in 0 .. hours - 1 do
            memory <- 0.9 * memory + noise * normal random

            values[t * width + c] <-
                level
                + day * turn 24.0 t phase
                + 0.4 * day * turn 12.0 t halfPhase
                + week * turn 168.0 t weekPhase
                + drift * turn 8766.0 t 0.0
                + memory

    values
