namespace Ortho.Lab

open System

/// Where an expected value comes from.
type Origin =
    /// The paper's own statement, and where it stands: "theorem 6.5", "table 2".
    | Paper of place: string
    /// Our own expectation: a law that must hold, or a number that we set.
    | Ours

/// What one measurement gave. `Value` is there when it is a number; `Held` of `Seeds` runs held (1 of 1 where there is no chance).
type Outcome =
    {
        Measured: string
        Value: float option
        Holds: bool
        Held: int
        Seeds: int
    }

/// A statement that can fail: what is measured, what is expected and by whom, and the measurement itself.
[<NoEquality; NoComparison>]
type Claim =
    {
        What: string
        Origin: Origin
        Expected: string
        Measure: unit -> Outcome
    }

/// Statements with an expected value, its source, and a measurement. A measurement that throws, or gives NaN, is a failed claim.
[<RequireQualifiedAccess>]
module Claim =

    let private once measured value holds =
        {
            Measured = measured
            Value = value
            Holds = holds
            Held = (if holds then 1 else 0)
            Seeds = 1
        }

    let private text (x: obj) =
        match x with
        | null -> "null"
        | :? float as x -> Report.number x
        | :? float32 as x -> Report.number (float x)
        | :? string as x -> x
        | :? IFormattable as x -> x.ToString(null, Globalization.CultureInfo.InvariantCulture)
        | x -> (sprintf "%A" x).ReplaceLineEndings(" ")

    let private numeric
        (what: string)
        (origin: Origin)
        (expected: string)
        (limits: float list)
        (holds: float -> bool)
        measure
        =
        if List.exists Double.IsNaN limits then
            raise (ArgumentException($"The expected value of \"{what}\" must be a number, but is NaN."))

        {
            What = what
            Origin = origin
            Expected = expected
            Measure =
                fun () ->
                    let x: float = measure ()
                    once (Report.number x) (Some x) (not (Double.IsNaN x) && holds x)
        }

    /// The measurement equals the expected value exactly: for counts, tables, names.
    let equals (what: string) (origin: Origin, expected: 'a) (measure: unit -> 'a) =
        {
            What = what
            Origin = origin
            Expected = text (box expected)
            Measure =
                fun () ->
                    let x = measure ()
                    once (text (box x)) None (x = expected)
        }

    /// The measurement is less than the bound.
    let below (what: string) (origin: Origin, bound: float) (measure: unit -> float) =
        numeric what origin $"< {Report.number bound}" [ bound ] (fun x -> x < bound) measure

    /// The measurement is greater than the bound.
    let above (what: string) (origin: Origin, bound: float) (measure: unit -> float) =
        numeric what origin $"> {Report.number bound}" [ bound ] (fun x -> x > bound) measure

    /// The measurement differs from the expected value by the tolerance at most.
    let within (what: string) (origin: Origin, expected: float, tolerance: float) (measure: unit -> float) =
        let near x = abs (x - expected) <= tolerance
        numeric what origin $"{Report.number expected} ± {Report.number tolerance}" [ expected; tolerance ] near measure

    /// The measurement is true.
    let holds (what: string) (origin: Origin) (measure: unit -> bool) =
        {
            What = what
            Origin = origin
            Expected = "true"
            Measure =
                fun () ->
                    let x = measure ()
                    once (if x then "true" else "false") None x
        }

    /// The kind of an exception and the first line of what it says; torch adds a page of addresses.
    let private message (error: exn) =
        let error = error.GetBaseException()
        let line = (error.Message.Split('\n', 2)[0]).TrimEnd()

        let line =
            if line.Length > 200 then
                line.Substring(0, 200) + "..."
            else
                line

        $"{error.GetType().Name}: {line}"

    /// The outcome of one measurement; an exception is a failed one that says so.
    let measure (claim: Claim) =
        try
            claim.Measure()
        with error ->
            once (message error) None false

    /// <summary>A claim about chance: the same statement for several seeds. It holds if it holds for at least `needed` of them.</summary>
    /// <param name="needed">How many seeds must hold.</param>
    /// <param name="seeds">The seeds, each once.</param>
    /// <param name="claim">The claim of one seed; what it says and expects is read from the first seed's.</param>
    let forSeeds (needed: int) (seeds: int list) (claim: int -> Claim) =
        if seeds.IsEmpty || List.distinct seeds <> seeds then
            raise (
                ArgumentException($"seeds must be different numbers, at least one, but are {text seeds}.", nameof seeds)
            )

        if needed < 1 || needed > seeds.Length then
            raise (
                ArgumentOutOfRangeException(
                    nameof needed,
                    needed,
                    $"needed must be between 1 and the number of seeds, {seeds.Length}."
                )
            )

        let range (outcomes: Outcome list) =
            let values = outcomes |> List.map _.Value

            if List.forall Option.isSome values then
                let values = List.choose id values
                // Not List.min and List.max, which pass over NaN.
                let least, most = List.reduce min values, List.reduce max values

                if least = most then
                    Report.number least
                else
                    $"{Report.number least} .. {Report.number most}"
            else
                String.Join(", ", outcomes |> List.map _.Measured |> List.distinct)

        { claim seeds.Head with
            Measure =
                fun () ->
                    let outcomes = seeds |> List.map (claim >> measure)
                    let held = outcomes |> List.filter _.Holds |> List.length

                    {
                        Measured = range outcomes
                        Value = None
                        Holds = held >= needed
                        Held = held
                        Seeds = seeds.Length
                    }
        }

    /// A claim about chance that must hold for every seed; see `forSeeds`.
    let overSeeds (seeds: int list) (claim: int -> Claim) = forSeeds seeds.Length seeds claim
