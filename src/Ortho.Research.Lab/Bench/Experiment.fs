namespace Ortho.Lab

open System
open System.Diagnostics
open System.IO

/// What a script was asked for on its command line.
type Request = { Quick: bool; Output: string }

/// An experiment: a list of claims, measured one after the other, told as one table and kept as one record.
[<RequireQualifiedAccess>]
module Experiment =

    let private allowed =
        "--quick (smaller sizes, seconds), --output FOLDER (where records and figures go)"

    /// The folder `results` of the repository that this library was built in, or of the current directory.
    let home =
        let rec up (folder: DirectoryInfo) =
            if isNull folder then
                Directory.GetCurrentDirectory()
            elif File.Exists(Path.Combine(folder.FullName, "Ortho.Research.sln")) then
                folder.FullName
            else
                up folder.Parent

        Path.Combine(up (DirectoryInfo(Path.GetDirectoryName typeof<Request>.Assembly.Location)), "results")

    /// <summary>Reads the arguments of a script.</summary>
    /// <returns>What was asked for, or a message that lists what may be.</returns>
    let request (arguments: string list) : Result<Request, string> =
        let rec read (found: Request) rest =
            match rest with
            | [] -> Ok found
            | "--quick" :: rest -> read { found with Quick = true } rest
            | [ "--output" ] -> Error $"--output must be followed by a folder. Allowed: {allowed}."
            | "--output" :: folder :: rest ->
                read
                    { found with
                        Output = Path.GetFullPath folder
                    }
                    rest
            | other :: _ -> Error $"Unknown argument \"{other}\". Allowed: {allowed}."

        read { Quick = false; Output = home } arguments

    /// The arguments that follow the script's name; none when this process runs no script.
    let private scriptArguments () =
        Environment.GetCommandLineArgs()
        |> List.ofArray
        |> List.skipWhile (fun argument -> not (argument.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)))
        |> function
            | [] -> []
            | _script :: rest -> rest

    let private asked = lazy request (scriptArguments ())

    /// True if the script was started with `--quick`: sizes should be such that it ends in seconds.
    let quick =
        match asked.Value with
        | Ok request -> request.Quick
        | Error _ -> false

    /// The first value, or the second if the script was started with `--quick`.
    let size (full: 'a) (small: 'a) = if quick then small else full

    /// The folder for records and figures.
    let output =
        match asked.Value with
        | Ok request -> request.Output
        | Error _ -> home

    /// A path as a reader on any machine should see it: from the repository's root when it lies in it.
    let internal shown (path: string) =
        match Path.GetRelativePath(Path.GetDirectoryName home, path) with
        | outside when outside.StartsWith ".." -> path
        | inside -> inside

    let private row (verdict: Verdict) =
        let outcome = verdict.Outcome

        let source =
            match verdict.Origin with
            | Paper place -> place
            | Ours -> "ours"

        let word = if outcome.Holds then "holds" else "FAILS"

        let seeds =
            if outcome.Seeds = 1 then
                ""
            else
                $" ({outcome.Held}/{outcome.Seeds} seeds)"

        [
            verdict.What
            source
            verdict.Expected
            outcome.Measured
            word + seeds
            Report.seconds verdict.Seconds
        ]

    let private checkId (id: string) =
        let plain c = Char.IsAsciiLetterOrDigit c || c = '-'

        if String.IsNullOrEmpty id || not (String.forall plain id) then
            raise (
                ArgumentException($"id must be letters, digits and hyphens like \"049\", but is \"{id}\".", nameof id)
            )

    /// <summary>Measures the claims, prints one table, and writes the record; see `run`.</summary>
    /// <returns>The record.</returns>
    let runWith (request: Request) (id: string) (title: string) (claims: Claim list) =
        checkId id
        ArgumentException.ThrowIfNullOrWhiteSpace(title, nameof title)

        if claims.IsEmpty then
            raise (
                ArgumentException(
                    "claims must be at least one: an experiment without a claim shows nothing.",
                    nameof claims
                )
            )

        printfn "%s  %s%s\n" id title (if request.Quick then "  [quick]" else "")
        let clock = Stopwatch.StartNew()

        let measure (claim: Claim) : Verdict =
            let start = clock.Elapsed
            let outcome = Claim.measure claim

            {
                What = claim.What
                Origin = claim.Origin
                Expected = claim.Expected
                Outcome = outcome
                Seconds = (clock.Elapsed - start).TotalSeconds
            }

        let verdicts = claims |> Progress.map id (fun (claim: Claim) -> claim.What) measure

        let record: Record =
            {
                Id = id
                Title = title
                Quick = request.Quick
                Date = DateTimeOffset.UtcNow
                Seconds = clock.Elapsed.TotalSeconds
                Verdicts = verdicts
            }

        Record.write request.Output record
        Report.table [ "claim"; "source"; "expected"; "measured"; "verdict"; "seconds" ] (List.map row verdicts)
        let count = if record.AllHold then "all" else $"{record.Held} of"

        printfn
            "\n%s %d claims hold, %s s. Record: %s"
            count
            record.Total
            (Report.seconds record.Seconds)
            (shown (Record.path request.Output id))

        record

    /// <summary>Measures the claims one after the other (a failing one stops nothing), prints one table, and writes the record `id`.json.</summary>
    /// <param name="id">The paper's number in the catalogue: letters, digits and hyphens.</param>
    /// <param name="title">The paper's title, with its arXiv id.</param>
    /// <param name="claims">What is claimed; at least one.</param>
    /// <returns>The exit code of the script: 0 if every claim holds, 1 if not, 2 if the script's arguments cannot be understood.</returns>
    let run (id: string) (title: string) (claims: Claim list) =
        match asked.Value with
        | Ok request -> if (runWith request id title claims).AllHold then 0 else 1
        | Error message ->
            eprintfn "%s" message
            2
