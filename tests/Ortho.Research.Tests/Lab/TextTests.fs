module Ortho.Tests.Lab.TextTests

open System
open System.IO
open System.Text
open Expecto
open Ortho.Lab
open Ortho.Tests

let private config =
    { FsCheckConfig.defaultConfig with
        maxTest = 300
    }

/// True if the reader gives a value or refuses in the promised way; any other exception fails the test.
let private readsOrRefuses (read: string -> 'a) (bytes: byte[]) =
    Temporary.file bytes (fun file ->
        try
            read file |> ignore
            true
        with :? InvalidDataException as error ->
            error.Message.StartsWith file)

let private refusal (read: string -> 'a) (text: string) =
    Temporary.file (Encoding.UTF8.GetBytes text) (fun file ->
        try
            read file |> ignore
            ""
        with :? InvalidDataException as error ->
            error.Message)

/// Everything that the bench does with a table.
let private readTable (file: string) =
    let frame = Csv.frame file

    for column in List.ofSeq frame.ColumnKeys do
        Csv.numbers file column frame |> ignore

    frame.RowCount

let private table =
    "date,a,b\n2016-07-01 00:00:00,1.5,2\n2016-07-01 01:00:00,-3e2,4\n"

let tests =
    testList
        "TextFile and Csv"
        [
            testPropertyWithConfig config "any bytes are text or refused" (readsOrRefuses TextFile.read)

            testPropertyWithConfig config "any bytes are a table or refused" (readsOrRefuses readTable)

            testPropertyWithConfig
                config
                "any bytes behind a table's head are a table or refused"
                (fun (bytes: byte[]) -> readsOrRefuses readTable (Array.append (Encoding.UTF8.GetBytes table) bytes))

            testPropertyWithConfig
                config
                "any text of commas, quotes and line breaks is a table or refused"
                (fun (marks: int list) ->
                    let text =
                        String.Join(
                            "",
                            marks
                            |> List.map (fun mark -> [| ","; "\""; "\n"; "\r"; "a"; "1"; "#" |][abs (mark % 7)])
                        )

                    readsOrRefuses readTable (Encoding.UTF8.GetBytes text))

            testPropertyWithConfig config "text is read back" (fun (text: string) ->
                let text =
                    Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(if isNull text then "" else text))

                Temporary.file (Encoding.UTF8.GetBytes text) (fun file ->
                    TextFile.read file = text.TrimStart '\uFEFF' || text.StartsWith '\uFEFF'))

            testCase "a byte order mark is left out" (fun () ->
                Temporary.file [| 0xEFuy; 0xBBuy; 0xBFuy; 0x61uy |] (fun file ->
                    Expect.equal (TextFile.read file) "a" "one letter"))

            testCase "bytes that are not UTF-8 are named with their place" (fun () ->
                Temporary.file [| 0x61uy; 0x62uy; 0xFFuy; 0x63uy |] (fun file ->
                    let message =
                        try
                            TextFile.read file
                        with :? InvalidDataException as error ->
                            error.Message

                    Expect.stringContains message "FF near byte 2" "found what, where"))

            testCase "a text beyond the limit is refused unread" (fun () ->
                let message = refusal (TextFile.readWithin 10L) "eleven char"
                Expect.stringContains message "found 11 bytes, but expected 10 at most" "the limit")

            testCase "numbers and times are read by column" (fun () ->
                Temporary.file (Encoding.UTF8.GetBytes table) (fun file ->
                    let frame = Csv.frame file
                    Expect.equal (Csv.numbers file "a" frame) [| 1.5; -300.0 |] "column a"

                    Expect.equal
                        (Array.item 1 (Csv.times file "date" frame))
                        (DateTime(2016, 7, 1, 1, 0, 0))
                        "second row"))

            for cell in [ ""; "x"; "nan"; "Infinity"; "1e999" ] do
                testCase $"\"{cell}\" is refused as a number, with its row and column" (fun () ->
                    let message = refusal readTable $"a,b\n1,2\n{cell},3\n"
                    Expect.stringContains message "row 2 of column a" "the place"
                    Expect.stringContains message "a finite number" "what was expected")

            testCase "two columns of one name are refused" (fun () ->
                Expect.stringContains (refusal Csv.frame "a,b,a\n1,2,3\n") "Duplicate" "the reason")

            testCase "long lines and deep quotes do not end the process" (fun () ->
                for text in
                    [
                        String('"', 1_000_001)
                        String(',', 200_000)
                        "a\n" + String('x', 2_000_000)
                        String('\n', 500_000)
                    ] do
                    Expect.isTrue (readsOrRefuses readTable (Encoding.UTF8.GetBytes text)) "read or refused")
        ]
