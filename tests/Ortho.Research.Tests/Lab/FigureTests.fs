module Ortho.Tests.Lab.FigureTests

open System
open System.IO
open Expecto
open Plotly.NET
open Ortho.Lab
open Ortho.Tests

let private chart () =
    Chart.combine
        [
            Chart.Line(x = [ 1; 2 ], y = [ 1; 2 ], Name = "a")
            Chart.Line(x = [ 1; 2 ], y = [ 2; 1 ], Name = "b")
        ]
    |> Figure.themed "A title" "x (m)" "y (s)"

let tests =
    testList
        "Figure"
        [
            testCase "a page is small, refers to plotly.js by address, and is the same each time" (fun () ->
                Temporary.folder (fun folder ->
                    let text = File.ReadAllText(Figure.saveTo folder "049-x" (chart ()))
                    Expect.isLessThan text.Length 10_000 "plotly.js is not in it"
                    Expect.stringContains text "https://cdn.plot.ly/plotly-" "the address"

                    for part in [ "A title"; "x (m)"; "y (s)"; "\"showlegend\":true"; "\"width\":700" ] do
                        Expect.stringContains text part "what a figure must have"

                    Expect.equal (File.ReadAllText(Figure.saveTo folder "049-x" (chart ()))) text "the same bytes"))

            testCase "a name that would leave the folder is refused" (fun () ->
                for name in [ ""; "../x"; "a b" ] do
                    Expect.throwsT<ArgumentException> (fun () -> Figure.saveTo "." name (chart ()) |> ignore) name)
        ]
