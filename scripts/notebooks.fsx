#!/usr/bin/env -S dotnet fsi
// Makes notebooks/*.ipynb, with outputs, from the literate scripts notebooks/*.fsx.
//     dotnet fsi scripts/notebooks.fsx [NAME ...]           runs each script, then writes its notebook
//     dotnet fsi scripts/notebooks.fsx --check [NAME ...]   runs each script and writes nothing
// Exit code 0 only if every cell of every notebook asked for ran. fsdocs evaluates the cells but takes an exception for an
// output, so each script first runs alone under dotnet fsi, which stops at the first failing cell and names its line.
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/Ortho.Research.Lab.dll"

open System
open System.Diagnostics
open System.IO
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open Ortho.Lab

let root = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))
let notebooks = Path.Combine(root, "notebooks")

let options, names =
    List.ofArray fsi.CommandLineArgs
    |> List.tail
    |> List.partition _.StartsWith("--")

let known =
    Directory.GetFiles(notebooks, "*.fsx")
    |> Array.map Path.GetFileNameWithoutExtension
    |> Array.sort
    |> List.ofArray

match options |> List.except [ "--check" ], names |> List.except known with
| [], [] -> ()
| strange, unknown ->
    let words (list: string list) = String.Join(" ", list)
    eprintfn "Unknown: %s. Allowed: --check, and the notebooks %s." (words (strange @ unknown)) (words known)
    exit 2

/// Runs `dotnet` in a folder: its exit code and all that it printed.
let dotnet (folder: string) (arguments: string list) =
    let info =
        ProcessStartInfo(
            "dotnet",
            arguments,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    use child = Process.Start info
    let errors = child.StandardError.ReadToEndAsync()
    let printed = child.StandardOutput.ReadToEnd()
    child.WaitForExit()
    child.ExitCode, (printed + errors.Result).Trim()

/// fsdocs leaves out the line breaks between the lines of an output; notebooks join lines as they are.
let mend (text: string) =
    let notebook = JsonNode.Parse text

    for cell in notebook["cells"].AsArray() do
        for output in
            (match cell["outputs"] with
             | null -> JsonArray()
             | outputs -> outputs.AsArray()) do
            for KeyValue(_, lines) in List.ofSeq (output["data"].AsObject()) do
                let lines = lines.AsArray()

                for i in 0 .. lines.Count - 2 do
                    lines[i] <- JsonValue.Create(lines[i].GetValue<string>().TrimEnd('\n') + "\n")

    let style =
        JsonSerializerOptions(
            WriteIndented = true,
            IndentSize = 1,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        )

    notebook.ToJsonString style + "\n"

/// The notebook of a script. The folder of work lies beside `notebooks`, so that relative paths in the script stay true; the empty
/// template makes fsdocs write .ipynb.
let write (name: string) =
    let work =
        Directory.CreateDirectory(Path.Combine(root, $".notebooks-{Environment.ProcessId}"))

    try
        File.Copy(Path.Combine(notebooks, name + ".fsx"), Path.Combine(work.FullName, name + ".fsx"))
        File.WriteAllText(Path.Combine(work.FullName, "_template.ipynb"), "")

        let build =
            [
                "fsdocs"
                "build"
                "--input"
                "."
                "--output"
                "out"
                "--ignoreprojects"
                "--noapidocs"
                "--nodefaultcontent"
            ]

        let made = Path.Combine(work.FullName, "out", name + ".ipynb")

        match dotnet work.FullName (build @ [ "--eval"; "--strict" ]) with
        | 0, _ when File.Exists made ->
            let text = mend (File.ReadAllText made)

            if text.Contains "No value returned by any evaluator" then
                Error "a cell is asked for its value but has none"
            elif text.Contains root then
                Error $"an output names a path of this machine, {root}"
            else
                AtomicFile.writeText (Path.Combine(notebooks, name + ".ipynb")) text
                Ok()
        | _, printed -> Error printed
    finally
        work.Delete true

let make (name: string) =
    let outcome =
        match dotnet root [ "fsi"; Path.Combine(notebooks, name + ".fsx") ] with
        | 0, _ when options = [] -> write name
        | 0, _ -> Ok()
        | _, printed -> Error printed

    match outcome with
    | Ok() ->
        printfn "passed  %s" name
        true
    | Error message ->
        printfn "FAILED  %s\n%s" name message
        false

let passed =
    (if names = [] then known else names) |> Progress.map "notebooks" id make

let failed = passed |> List.filter not |> List.length
printfn "%d passed, %d failed" (passed.Length - failed) failed
exit (if failed = 0 then 0 else 1)
