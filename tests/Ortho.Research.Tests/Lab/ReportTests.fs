module Ortho.Tests.Lab.ReportTests

open System
open Expecto
open Deedle
open Ortho.Lab

let tests =
    testList
        "Report and Frames"
        [
            for x, text in
                [
                    3.0, "3"
                    0.0, "0"
                    -0.5, "-0.5"
                    0.42131, "0.4213"
                    1234.567, "1234.6"
                    1.5e-12, "1.5e-12"
                    -2.5e7, "-25000000"
                    2.5e9, "2.5e9"
                    nan, "nan"
                    -infinity, "-inf"
                ] do
                testCase $"{text} is written so" (fun () -> Expect.equal (Report.number x) text "")

            testCase "numbers stand right, text left, and no line has spaces at its end" (fun () ->
                let expected = "name   n\n----  --\na      3\nbcd   12"
                Expect.equal (Report.format [ "name"; "n" ] [ [ "a"; "3" ]; [ "bcd"; "12" ] ]) expected "")

            testProperty "every table fits and keeps every word" (fun (lengths: int list) ->
                let cells =
                    lengths |> List.map (fun length -> String('x', 1 + abs (length % 90)) + " y")

                let cells = List.truncate 6 cells

                if not cells.IsEmpty then
                    let text = Report.format (cells |> List.mapi (fun i _ -> $"c{i}")) [ cells ]
                    let lines = text.Split '\n'
                    let letters c (s: string) = s |> Seq.filter ((=) c) |> Seq.length
                    Expect.all lines (fun line -> line.Length <= Report.columns) "no line is too long"
                    Expect.equal (letters 'x' text) (List.sumBy (letters 'x') cells) "all letters"
                    Expect.equal (letters 'y' text) cells.Length "all ends")

            testCase "a row of another length than the header is refused" (fun () ->
                Expect.throwsT<ArgumentException> (fun () -> Report.format [ "a"; "b" ] [ [ "1" ] ] |> ignore) "")

            testCase "a frame is printed with its keys, and missing values are empty" (fun () ->
                let frame =
                    frame
                        [
                            "x", Series.ofObservations [ 1, 0.5 ]
                            "y", Series.ofObservations [ 1, 2.0; 2, 3.0 ]
                        ]

                Expect.equal (Frames.format frame) "     x  y\n-  ---  -\n1  0.5  2\n2       3" "")
        ]
