#!/usr/bin/env -S dotnet fsi
// For developers: makes a PNG of each figure, for pages that run no script. Needs chromium (or google-chrome) on the path.
//     dotnet fsi scripts/pictures.fsx [FIGURES [PICTURES]]
// Reads results/figures/*.html, writes notebooks/pictures/*.png unless told other folders. Needs no network:
// a temporary copy of each page has plotly.js embedded, taken from Plotly.NET.
#I "../src/Ortho.Research.Lab/bin/Release/net10.0"
#r "DynamicObj.dll"
#r "Giraffe.ViewEngine.dll"
#r "Plotly.NET.dll"

open System
open System.Diagnostics
open System.IO

let root = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))

let figures, pictures =
    match List.ofArray fsi.CommandLineArgs |> List.tail with
    | [] -> Path.Combine(root, "results", "figures"), Path.Combine(root, "notebooks", "pictures")
    | [ figures ] -> figures, Path.Combine(root, "notebooks", "pictures")
    | figures :: pictures :: _ -> figures, pictures

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

        let code =
            browse
                [
                    "--headless"
                    "--no-sandbox"
                    "--disable-gpu"
                    "--hide-scrollbars"
                    "--window-size=700,460"
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

let pages =
    if Directory.Exists figures then
        Directory.GetFiles(figures, "*.html") |> Array.sort
    else
        [||]

if pages.Length = 0 then
    eprintfn "%s has no figures; run a script that saves one first." figures
    exit 1

exit (if pages |> Array.map draw |> Array.forall id then 0 else 1)
