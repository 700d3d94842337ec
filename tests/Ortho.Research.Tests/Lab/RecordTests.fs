module Ortho.Tests.Lab.RecordTests

open System
open System.IO
open Expecto
open Ortho.Lab
open Ortho.Tests

let private request folder = { Quick = true; Output = folder }

let private claims =
    [
        Claim.equals "count | with a bar" (Paper "theorem 6.5", 3) (fun () -> 3)
        Claim.below "residual" (Ours, 1e-12) (fun () -> 1e-15)
        Claim.above "nan" (Ours, 0.0) (fun () -> nan)
        Claim.holds "boom" Ours (fun () -> raise (TimeoutException "slow"))
        Claim.overSeeds [ 1; 2 ] (fun seed -> Claim.below "seeds" (Ours, 2.0) (fun () -> float seed))
    ]

/// Runs without the table on the screen.
let private run folder id claims =
    let screen = Console.Out
    use printed = new StringWriter()
    Console.SetOut printed

    try
        let record = Experiment.runWith (request folder) id "A title" claims
        record, printed.ToString()
    finally
        Console.SetOut screen

let tests =
    testList
        "AtomicFile, Record, Experiment"
        [
            testCase "a write that fails leaves the old file and no draft" (fun () ->
                Temporary.folder (fun folder ->
                    let file = Path.Combine(folder, "x.txt")
                    AtomicFile.writeText file "old"

                    Expect.throwsT<TimeoutException>
                        (fun () ->
                            AtomicFile.write file (fun stream ->
                                stream.WriteByte 65uy
                                raise (TimeoutException())))
                        "the writer's exception comes through"

                    Expect.equal (File.ReadAllText file) "old" "the old text"
                    Expect.equal (Directory.GetFiles folder) [| file |] "nothing beside it"))

            testCase "the old file stands until the new one is complete" (fun () ->
                Temporary.folder (fun folder ->
                    let file = Path.Combine(folder, "deep", "x.txt")
                    AtomicFile.writeText file "old"

                    AtomicFile.write file (fun stream ->
                        stream.WriteByte 65uy
                        stream.Flush()
                        Expect.equal (File.ReadAllText file) "old" "half way")

                    Expect.equal (File.ReadAllText file) "A" "at the end"))

            testCase "all claims are measured, whatever some do, and the record is read back" (fun () ->
                Temporary.folder (fun folder ->
                    let record, printed = run folder "049" claims
                    Expect.equal (record.Held, record.Total, record.AllHold) (2, 5, false) "2 of 5"
                    let back = Record.read (Record.path folder "049")
                    Expect.equal (back.Title, back.Quick, back.Held, back.Total) ("A title", true, 2, 5) "the same"

                    let texts (record: Record) =
                        record.Verdicts
                        |> List.map (fun v -> v.What, v.Origin, v.Expected, v.Outcome.Measured, v.Outcome.Held)

                    Expect.equal (texts back) (texts record) "each claim"
                    Expect.stringContains printed "2 of 5 claims hold" "the last line"
                    Expect.stringContains printed "TimeoutException: slow" "the failed one"

                    for line in printed.Split '\n' do
                        Expect.isLessThanOrEqual line.Length Report.columns "each line of the table fits"))

            testCase "a run that falls short leaves a record that says so" (fun () ->
                Temporary.folder (fun folder ->
                    let good, _ = run folder "1" [ Claim.holds "x" Ours (fun () -> true) ]
                    Expect.isTrue good.AllHold "first"
                    run folder "1" [ Claim.holds "x" Ours (fun () -> false) ] |> ignore
                    Expect.isFalse (Record.read (Record.path folder "1")).AllHold "second"))

            for text in [ ""; "{"; "[]"; "null"; "{}"; """{"id":1,"title":null}"""; "\000\001" ] do
                testCase $"%A{text} is refused as a record" (fun () ->
                    Temporary.folder (fun folder ->
                        File.WriteAllText(Record.path folder "1", text)

                        Expect.throwsT<InvalidDataException>
                            (fun () -> Record.read (Record.path folder "1") |> ignore)
                            "no record"

                        Expect.isNone (Record.tryFind folder "1") "none found"))

            testCase "an id that would leave the folder is refused" (fun () ->
                for id in [ ""; "../x"; "a/b"; "a b" ] do
                    Expect.throwsT<ArgumentException> (fun () -> run "." id claims |> ignore) id)

            testCase "an experiment without a claim is refused" (fun () ->
                Expect.throwsT<ArgumentException> (fun () -> run "." "1" [] |> ignore) "shows nothing")

            testCase "arguments are read, and unknown ones named with what is allowed" (fun () ->
                Expect.equal
                    (Experiment.request [])
                    (Ok
                        {
                            Quick = false
                            Output = Experiment.home
                        })
                    "none"

                Expect.equal
                    (Experiment.request [ "--output"; "/x"; "--quick" ])
                    (Ok
                        {
                            Quick = true
                            Output = Path.GetFullPath "/x"
                        })
                    "both"

                for arguments in [ [ "--fast" ]; [ "--output" ]; [ "049" ] ] do
                    let message = Expect.wantError (Experiment.request arguments) "refused"
                    Expect.stringContains message "--quick" "what is allowed")
        ]
