namespace Ortho.Lab

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes

/// A claim after its measurement.
type Verdict =
    {
        What: string
        Origin: Origin
        Expected: string
        Outcome: Outcome
        Seconds: float
    }

/// What one run of an experiment found; kept as `<id>.json` in the output folder.
type Record =
    {
        Id: string
        Title: string
        Quick: bool
        Date: DateTimeOffset
        Seconds: float
        Verdicts: Verdict list
    }

    member this.Total = this.Verdicts.Length
    member this.Held = this.Verdicts |> List.filter _.Outcome.Holds |> List.length
    member this.AllHold = this.Held = this.Total

/// Records as JSON files.
[<RequireQualifiedAccess>]
module Record =

    /// Where the record of an experiment stands in an output folder.
    let path (folder: string) (id: string) = Path.Combine(folder, id + ".json")

    let private ofVerdict (verdict: Verdict) =
        let source =
            match verdict.Origin with
            | Paper place -> $"paper: {place}"
            | Ours -> "ours"

        let node = JsonObject()
        node["what"] <- JsonValue.Create verdict.What
        node["source"] <- JsonValue.Create source
        node["expected"] <- JsonValue.Create verdict.Expected
        node["measured"] <- JsonValue.Create verdict.Outcome.Measured

        match verdict.Outcome.Value with
        | Some x when Double.IsFinite x -> node["value"] <- JsonValue.Create x
        | _ -> ()

        node["holds"] <- JsonValue.Create verdict.Outcome.Holds
        node["heldSeeds"] <- JsonValue.Create verdict.Outcome.Held
        node["seeds"] <- JsonValue.Create verdict.Outcome.Seeds
        node["seconds"] <- JsonValue.Create(Math.Round(verdict.Seconds, 3))
        node :> JsonNode

    let private toVerdict (node: JsonNode) : Verdict =
        let source = node["source"].GetValue<string>()

        {
            What = node["what"].GetValue()
            Origin =
                (if source.StartsWith "paper: " then
                     Paper(source.Substring 7)
                 else
                     Ours)
            Expected = node["expected"].GetValue()
            Outcome =
                {
                    Measured = node["measured"].GetValue()
                    Value = node["value"] |> Option.ofObj |> Option.map _.GetValue<float>()
                    Holds = node["holds"].GetValue()
                    Held = node["heldSeeds"].GetValue()
                    Seeds = node["seeds"].GetValue()
                }
            Seconds = node["seconds"].GetValue()
        }

    /// Writes the record into the folder; an older record stays until the new one is complete.
    let write (folder: string) (record: Record) =
        let node = JsonObject()
        node["id"] <- JsonValue.Create record.Id
        node["title"] <- JsonValue.Create record.Title
        node["quick"] <- JsonValue.Create record.Quick
        node["date"] <- JsonValue.Create(record.Date.ToString "O")
        node["seconds"] <- JsonValue.Create(Math.Round(record.Seconds, 3))
        node["held"] <- JsonValue.Create record.Held
        node["total"] <- JsonValue.Create record.Total
        node["claims"] <- JsonArray(record.Verdicts |> List.map ofVerdict |> Array.ofList)

        AtomicFile.writeText
            (path folder record.Id)
            (node.ToJsonString(JsonSerializerOptions(WriteIndented = true)) + "\n")

    /// <summary>Reads a record.</summary>
    /// <exception cref="T:System.IO.InvalidDataException">The file is no record.</exception>
    let read (file: string) : Record =
        try
            let node = JsonNode.Parse(File.ReadAllText file)

            {
                Id = node["id"].GetValue()
                Title = node["title"].GetValue()
                Quick = node["quick"].GetValue()
                Date = DateTimeOffset.Parse(node["date"].GetValue<string>(), Globalization.CultureInfo.InvariantCulture)
                Seconds = node["seconds"].GetValue()
                Verdicts = [ for claim in node["claims"].AsArray() -> toVerdict claim ]
            }
        with
        | :? JsonException
        | :? InvalidOperationException
        | :? FormatException
        | :? NullReferenceException as error ->
            raise (InvalidDataException($"{file}: expected the record of an experiment. {error.Message}", error))

    /// The record of an experiment in the folder, if there is one that can be read.
    let tryFind (folder: string) (id: string) =
        let file = path folder id

        try
            if File.Exists file then Some(read file) else None
        with :? InvalidDataException ->
            None
