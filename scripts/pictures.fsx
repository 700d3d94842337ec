#!/usr/bin/env -S dotnet fsi
// For developers: makes the still pictures of the notebooks and of README.md, for pages that run no script. Needs chromium or google-chrome.
//     dotnet fsi scripts/pictures.fsx
// Each pictures/NAME.png that they mention is made from results/figures/NAME.html, which running the
// script leaves there. Needs no network: a temporary copy of the page has plotly.js embedded, taken from Plotly.NET.
#I "../src/Ortho.Research.Lab/bin/Release/net10.0"
#r "DynamicObj.dll"
#r "Giraffe.ViewEngine.dll"
#r "Plotly.NET.dll"

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions

let root = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))

let figures = Path.Combine(root, "results", "figures")
let pictures = Path.Combine(root, "notebooks", "pictures")

let plotly =
    let assembly = typeof<Plotly.NET.GenericChart>.Assembly
    let name = assembly.GetManifestResourceNames() |> Array.find _.EndsWith(".min.js")
    use reader = new StreamReader(assembly.GetManifestResourceStream name)
    reader.ReadToEnd()

let start (program: string) (arguments: string list) =
    try
        Some(
            Process.Start(
                ProcessStartInfo(program, arguments, RedirectStandardError = true, RedirectStandardOutput = true)
            )
        )
    with :? ComponentModel.Win32Exception ->
        None

let browse (arguments: string list) =
    match List.tryPick (fun browser -> start browser arguments) [ "chromium"; "chromium-browser"; "google-chrome" ] with
    | None ->
        eprintfn "No chromium or google-chrome on the path."
        exit 2
    | Some browser ->
        browser.StandardError.ReadToEndAsync() |> ignore
        browser.StandardOutput.ReadToEnd() |> ignore
        browser.WaitForExit()
        browser.ExitCode

let draw (page: string) =
    let name = Path.GetFileNameWithoutExtension page
    let folder = Directory.CreateTempSubdirectory "ortho-picture"

    try
        let copy = Path.Combine(folder.FullName, "page.html")
        let text = File.ReadAllText page
        let from = text.IndexOf "<script src="
        let upTo = text.IndexOf("</script>", from) + "</script>".Length
        let style = "<style>body { margin: 0 } </style>"

        File.WriteAllText(
            copy,
            text.Substring(0, from)
            + style
            + $"<script>{plotly}</script>"
            + text.Substring upTo
        )

        let picture = Path.Combine(folder.FullName, "picture.png")
        let height = Regex.Match(text, "\"height\":([0-9]+)").Groups[1].Value

        let code =
            browse
                [
                    "--headless"
                    "--no-sandbox"
                    "--disable-gpu"
                    "--hide-scrollbars"
                    $"--window-size=700,{height}"
                    "--virtual-time-budget=5000"
                    $"--screenshot={picture}"
                    Uri(copy).AbsoluteUri
                ]

        if File.Exists picture then
            Directory.CreateDirectory pictures |> ignore
            File.Copy(picture, Path.Combine(pictures, name + ".png"), overwrite = true)
            printfn "%s" (Path.Combine(pictures, name + ".png"))
            true
        else
            eprintfn "%s: no picture, the browser's exit code was %d." page code
            false
    finally
        folder.Delete true

let mentioned =
    [
        Path.Combine(root, "README.md")
        yield! Directory.GetFiles(Path.Combine(root, "notebooks"), "*.fsx")
    ]
    |> List.collect (fun page ->
        [
            for found in Regex.Matches(File.ReadAllText page, "pictures/([A-Za-z0-9-]+)\\.png\\)") do
                Path.Combine(figures, found.Groups[1].Value + ".html")
        ])
    |> List.distinct

match mentioned |> List.filter (File.Exists >> not) with
| [] ->
    exit (
        if mentioned |> List.map draw |> List.forall id then
            0
        else
            1
    )
| missing ->
    eprintfn "Missing: %s. Run the notebooks and the quickstart first" (String.Join(" ", missing))
    exit 1
