namespace Ortho.Lab

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions

/// The script of a paper: `NNN-slug.fsx`.
type PaperScript =
    {
        Id: string
        Title: string
        File: string
    }

/// Runs the scripts of papers one after the other and keeps the table of what they found.
[<RequireQualifiedAccess>]
module Reproduction =

    let private start, finish = "<!-- results -->", "<!-- end of results -->"

    /// The title that the script gives to `Experiment.run`, or else its first comment.
    let private title (text: string) =
        let given = Regex.Match(text, "Experiment\\.run\\s+\"[^\"]+\"\\s+\"([^\"]+)\"")
        let comment = Regex.Match(text, "^//\\s*(.+)$", RegexOptions.Multiline)

        if given.Success then given.Groups[1].Value
        elif comment.Success then comment.Groups[1].Value.Trim()
        else "(no title)"

    /// The scripts in a folder, by number.
    let papers (folder: string) : PaperScript list =
        [
            for file in Directory.GetFiles(folder, "*.fsx") |> Array.sort do
                let name = Regex.Match(Path.GetFileName file, "^([0-9]+)-[a-z0-9-]+\\.fsx$")

                if name.Success then
                    {
                        Id = name.Groups[1].Value
                        Title = title (File.ReadAllText file)
                        File = file
                    }
        ]

    let private isYounger (output: string) (paper: PaperScript) =
        File.GetLastWriteTimeUtc(Record.path output paper.Id)
        >= File.GetLastWriteTimeUtc paper.File

    /// True if there is a record, younger than the script, in which every claim holds; a quick record serves a quick run only.
    let isDone (output: string) (quick: bool) (paper: PaperScript) =
        match Record.tryFind output paper.Id with
        | Some record -> record.AllHold && (quick || not record.Quick) && isYounger output paper
        | None -> false

    /// <summary>Runs a script in a process of its own.</summary>
    /// <param name="arguments">What follows the script's name.</param>
    /// <param name="paper">The script.</param>
    /// <returns>True if it ended with exit code 0, and all that it printed.</returns>
    let run (arguments: string list) (paper: PaperScript) =
        let info =
            ProcessStartInfo(
                "dotnet",
                "fsi" :: paper.File :: arguments,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        use child = Process.Start info
        let errors = child.StandardError.ReadToEndAsync()
        let printed = child.StandardOutput.ReadToEnd()
        child.WaitForExit()
        child.ExitCode = 0, (printed + errors.Result).Trim()

    let private cell (text: string) =
        text.ReplaceLineEndings(" ").Replace("|", "\\|")

    /// The row of a paper in the table: its record's, or what the row said before, or that it was not run.
    let private row (output: string) (before: Map<string, string>) (paper: PaperScript) =
        let front = $"| [{paper.Id}]({Path.GetFileName paper.File}) | {cell paper.Title} |"

        match Record.tryFind output paper.Id, Map.tryFind paper.Id before with
        | Some record, _ ->
            let verdict = if record.AllHold then "all hold" else "falls short"
            let quick = if record.Quick then " (quick)" else ""

            let stale =
                if isYounger output paper then
                    ""
                else
                    ", before the script's last change"

            $"{front} {record.Held} / {record.Total} | {Report.seconds record.Seconds} | {verdict}{quick}{stale} |"
        | None, Some row -> row
        | None, None -> $"{front} - | - | not run |"

    /// <summary>The page with its table made anew from the records; what stands outside the table stays.</summary>
    /// <param name="output">The folder of records.</param>
    /// <param name="papers">The scripts, in the order of the rows.</param>
    /// <param name="page">The text of the page; a table is added at the end if it has none.</param>
    let updated (output: string) (papers: PaperScript list) (page: string) =
        let before =
            Regex.Matches(page, "^\\| \\[([0-9]+)\\].*\\|$", RegexOptions.Multiline)
            |> Seq.map (fun found -> found.Groups[1].Value, found.Value)
            |> Map.ofSeq

        let table =
            String.Join(
                "\n",
                [
                    start
                    "| paper | title | claims that hold | seconds | verdict |"
                    "| --- | --- | --- | --- | --- |"
                    yield! List.map (row output before) papers
                    finish
                ]
            )

        match page.IndexOf start, page.IndexOf finish with
        | from, until when from >= 0 && until > from ->
            page.Substring(0, from) + table + page.Substring(until + finish.Length)
        | _ -> page.TrimEnd() + "\n\n" + table + "\n"

    /// Rewrites the table of a page; see `updated`.
    let update (output: string) (papers: PaperScript list) (file: string) =
        let page =
            if File.Exists file then
                File.ReadAllText file
            else
                "# Papers\n"

        AtomicFile.writeText file (updated output papers page)
