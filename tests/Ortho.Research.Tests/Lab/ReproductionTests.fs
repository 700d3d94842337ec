module Ortho.Tests.Lab.ReproductionTests

open System
open System.IO
open Expecto
open Ortho.Lab
open Ortho.Tests

let private record id quick holds : Record =
    {
        Id = id
        Title = "t"
        Quick = quick
        Date = DateTimeOffset.UnixEpoch
        Seconds = 12.34
        Verdicts =
            [
                for holds in holds ->
                    {
                        What = "w"
                        Origin = Ours
                        Expected = "e"
                        Outcome =
                            {
                                Measured = "m"
                                Value = None
                                Holds = holds
                                Held = 1
                                Seeds = 1
                            }
                        Seconds = 1.0
                    }
            ]
    }

/// A folder of two scripts, and what a test does with it.
let private papers (use': string -> PaperScript list -> unit) =
    Temporary.folder (fun folder ->
        File.WriteAllText(Path.Combine(folder, "049-brauer.fsx"), "// First | comment.\nprintfn \"x\"\n")

        File.WriteAllText(
            Path.Combine(folder, "114-conv.fsx"),
            "// Comment.\nExperiment.run\n    \"114\"\n    \"A guide (1603.07285)\"\n    []\n"
        )

        for other in [ "ortho.fsx"; "README.md"; "12.fsx"; "x-1.fsx" ] do
            File.WriteAllText(Path.Combine(folder, other), "")

        use' folder (Reproduction.papers folder))

let private rows (page: string) =
    page.Split '\n' |> Array.filter _.StartsWith("| [") |> List.ofArray

let tests =
    testList
        "Reproduction"
        [
            testCase "papers are the numbered scripts, with the experiment's title or the first comment" (fun () ->
                papers (fun _ papers ->
                    let found = papers |> List.map (fun paper -> paper.Id, paper.Title)
                    Expect.equal found [ "049", "First | comment."; "114", "A guide (1603.07285)" ] ""))

            testCase "a table is added, and made anew in its place" (fun () ->
                papers (fun folder papers ->
                    let first = Reproduction.updated folder papers "# Papers\n"
                    Expect.stringStarts first "# Papers\n\n<!-- results -->" "at the end"

                    Expect.equal
                        (rows first)
                        [
                            "| [049](049-brauer.fsx) | First \\| comment. | - | - | not run |"
                            "| [114](114-conv.fsx) | A guide (1603.07285) | - | - | not run |"
                        ]
                        "nothing was run"

                    Record.write folder (record "114" false [ true; true ])
                    let second = Reproduction.updated folder papers (first + "after\n")

                    Expect.equal
                        (List.item 1 (rows second))
                        "| [114](114-conv.fsx) | A guide (1603.07285) | 2 / 2 | 12.3 | all hold |"
                        "a record"

                    Expect.equal (List.head (rows second)) (List.head (rows first)) "the other row"
                    Expect.stringEnds second "\nafter\n" "what follows stays"
                    Expect.equal (Reproduction.updated folder papers second) second "twice is once"))

            testCase "a row without a record stays as it was" (fun () ->
                papers (fun folder papers ->
                    Record.write folder (record "114" true [ true; false ])
                    let page = Reproduction.updated folder papers ""
                    File.Delete(Record.path folder "114")

                    Expect.stringContains
                        (List.item 1 (rows page))
                        "1 / 2 | 12.3 | falls short (quick)"
                        "quick, and short"

                    Expect.equal (Reproduction.updated folder papers page) page "kept"))

            testCase
                "a paper is done if all held after the script's last change, and a quick run serves a quick one only"
                (fun () ->
                    papers (fun folder papers ->
                        let paper = papers[1]
                        let isDone = Reproduction.isDone folder
                        Expect.isFalse (isDone false paper) "no record"
                        Record.write folder (record "114" false [ true; false ])
                        Expect.isFalse (isDone false paper) "one fell short"
                        Record.write folder (record "114" true [ true ])
                        Expect.isFalse (isDone false paper) "quick for full"
                        Expect.isTrue (isDone true paper) "quick for quick"
                        Record.write folder (record "114" false [ true ])
                        Expect.isTrue (isDone false paper && isDone true paper) "full for both"
                        File.SetLastWriteTimeUtc(paper.File, DateTime.UtcNow.AddMinutes 1.0)
                        Expect.isFalse (isDone true paper) "the script is younger"))
        ]
