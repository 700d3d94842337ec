#!/usr/bin/env -S dotnet fsi
// Reproduces papers: runs their scripts one after the other and rewrites the table in scripts/papers/README.md.
//     dotnet fsi scripts/reproduce.fsx                   lists the papers
//     dotnet fsi scripts/reproduce.fsx 049 114 --quick   runs two of them, small sizes
//     dotnet fsi scripts/reproduce.fsx all --again       runs all, also those whose claims held since the script last changed
// Exit code 0 only if every claim of every paper asked for holds.
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/Ortho.Research.Lab.dll"

open System
open System.Diagnostics
open System.IO
open Ortho.Lab

let folder = Path.Combine(__SOURCE_DIRECTORY__, "papers")
let papers = Reproduction.papers folder

let options, names =
    List.ofArray fsi.CommandLineArgs
    |> List.tail
    |> List.partition _.StartsWith("--")

let known = papers |> List.map _.Id

match options |> List.except [ "--quick"; "--again" ], names |> List.except ("all" :: known) with
| [], [] -> ()
| strange, unknown ->
    let list = String.Join(" ", known)

    eprintfn
        "Unknown: %s. Allowed: --quick, --again, all, and the papers %s."
        (String.Join(" ", strange @ unknown))
        list

    exit 2

let quick, again = List.contains "--quick" options, List.contains "--again" options
let output = Experiment.home

let asked =
    if List.contains "all" names then
        papers
    else
        papers |> List.filter (fun paper -> List.contains paper.Id names)

let verdict (paper: PaperScript) =
    match Record.tryFind output paper.Id with
    | Some record ->
        $"{record.Held}/{record.Total} claims hold"
        + (if record.Quick then " (quick)" else "")
    | None -> "not run"

if names.IsEmpty then
    Report.table [ "paper"; "title"; "last run" ] [ for paper in papers -> [ paper.Id; paper.Title; verdict paper ] ]
    exit 0

let run (paper: PaperScript) =
    if not again && Reproduction.isDone output quick paper then
        printfn "%s  %s: %s already" paper.Id paper.Title (verdict paper)
        true
    else
        let clock = Stopwatch.StartNew()

        let holds, printed =
            Reproduction.run
                [
                    if quick then
                        "--quick"
                ]
                paper
        // The table follows each paper, so that an interrupted run keeps what it found.
        Reproduction.update output papers (Path.Combine(folder, "README.md"))

        printfn
            "%s\n%s  exit code %s, %s s in all\n"
            printed
            paper.Id
            (if holds then "0" else "not 0")
            (Report.seconds clock.Elapsed.TotalSeconds)

        holds

let held =
    asked |> Progress.map "papers" (fun paper -> $"{paper.Id} {paper.Title}") run

Reproduction.update output papers (Path.Combine(folder, "README.md"))

let fell =
    List.zip asked held
    |> List.filter (snd >> not)
    |> List.map (fun (paper, _) -> paper.Id)

printfn
    "%d of %d papers hold.%s"
    (asked.Length - fell.Length)
    asked.Length
    (if fell.IsEmpty then
         ""
     else
         " Short: " + String.Join(" ", fell))

exit (if fell.IsEmpty then 0 else 1)
