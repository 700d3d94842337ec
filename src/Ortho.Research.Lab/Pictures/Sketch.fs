namespace Ortho.Lab

open System
open System.Globalization
open Plotly.NET
open Plotly.NET.LayoutObjects

/// A point of the plane; one unit is the distance of two vertices in a row.
[<Struct>]
type Point = { X: float; Y: float }

/// A dot: a vertex in its colour, hollow or full.
type Dot =
    {
        Place: Point
        Colour: string
        IsHollow: bool
    }

/// A curve: a chain of cubic Bezier curves, four points for the first and three more for each that follows.
type Stroke =
    {
        Points: Point list
        Colour: string
        Width: float
    }

/// A piece of a picture before it is a chart: what is drawn, inside the rectangle from 0, 0 to `Width`, `Height`.
type Sketch =
    {
        Width: float
        Height: float
        Dots: Dot list
        Strokes: Stroke list
    }

/// Sketches as charts without axes, with one scale for both directions.
[<RequireQualifiedAccess>]
module Sketch =

    /// Pixels of one unit at most, of the chart's width, of a letter and of a line of a caption.
    let private pixels, whole, letter, line' = 56.0, 700.0, 6.5, 16.0

    /// Units around a sketch.
    let private margin = 0.55

    let private ink = "#333333"

    /// The straight line as a curve.
    let line (from: Point) (upTo: Point) : Point list = [ from; from; upTo; upTo ]

    /// The curve that leaves one point and reaches another upright, bending at the height between them: of a strand through a diagram.
    let upright (from: Point) (upTo: Point) : Point list =
        let middle = (from.Y + upTo.Y) / 2.0
        [ from; { from with Y = middle }; { upTo with Y = middle }; upTo ]

    /// The arc between two points of a row, as deep as said (negative: upwards).
    let arc (depth: float) (from: Point) (upTo: Point) : Point list =
        let bend point =
            { point with
                Y = point.Y - depth * 4.0 / 3.0
            }

        [ from; bend from; bend upTo; upTo ]

    let private moved (dx: float) (dy: float) (point: Point) = { X = point.X + dx; Y = point.Y + dy }

    let private text (x: float) =
        x.ToString("0.###", CultureInfo.InvariantCulture)

    let private shape (stroke: Stroke) =
        let at point = $"{text point.X},{text point.Y}"

        let path =
            "M"
            + at stroke.Points.Head
            + "C"
            + String.Join(" ", stroke.Points.Tail |> List.map at)

        Shape.init (
            ShapeType = StyleParam.ShapeType.SvgPath,
            Path = path,
            Xref = "x",
            Yref = "y",
            Layer = StyleParam.Layer.Below,
            Line = Line.init (Color = Color.fromString stroke.Colour, Width = stroke.Width)
        )

    let private dots (all: Dot list) (size: int) =
        let colours = all |> List.map (fun dot -> Color.fromString dot.Colour)

        let fills =
            all
            |> List.map (fun dot -> Color.fromString (if dot.IsHollow then "white" else dot.Colour))

        let marker =
            TraceObjects.Marker.init (
                Size = size,
                Color = Color.fromColors fills,
                Outline = Line.init (Color = Color.fromColors colours, Width = 2.0)
            )

        Chart.Point(
            x = [ for dot in all -> Math.Round(dot.Place.X, 3) ],
            y = [ for dot in all -> Math.Round(dot.Place.Y, 3) ],
            Marker = marker,
            ShowLegend = false
        )

    /// <summary>Sketches in rows of equal cells, each with a caption under it, as a chart 700 pixels wide.</summary>
    /// <param name="columns">Cells in a row, at least 1.</param>
    /// <param name="sketches">Captions and sketches, row by row; a caption may be empty.</param>
    /// <exception cref="T:System.ArgumentException">columns is less than 1, or there is no sketch.</exception>
    let grid (columns: int) (sketches: seq<string * Sketch>) : GenericChart =
        if columns < 1 then
            raise (ArgumentOutOfRangeException(nameof columns, columns, "columns must be at least 1."))

        ArgumentNullException.ThrowIfNull(sketches, nameof sketches)
        let cells = Array.ofSeq sketches

        if cells.Length = 0 then
            raise (ArgumentException("sketches must be at least one, but are none.", nameof sketches))

        let columns = min columns cells.Length
        let rows = (cells.Length + columns - 1) / columns

        let most size =
            cells |> Array.map (snd >> size) |> Array.max

        let width = 2.0 * margin + most _.Width
        let across = float columns * width
        let unit = min pixels (whole / across)

        let captions =
            cells
            |> Array.map (fun (caption, _) ->
                if String.IsNullOrEmpty caption then
                    []
                else
                    Report.wrap (max 8 (int (unit * width / letter))) caption)

        let room = line' / unit * float (captions |> Array.map List.length |> Array.max)
        let height = 2.0 * margin + room + most _.Height
        let down = float rows * height

        // Each sketch in the middle of its cell, the first row on top.
        let corner index (sketch: Sketch) =
            float (index % columns) * width + (width - sketch.Width) / 2.0,
            float (rows - 1 - index / columns) * height
            + room
            + (height - room - sketch.Height) / 2.0

        let placed =
            cells
            |> Array.mapi (fun index (_, sketch) ->
                let move = corner index sketch ||> moved

                { sketch with
                    Dots = [ for dot in sketch.Dots -> { dot with Place = move dot.Place } ]
                    Strokes =
                        [
                            for stroke in sketch.Strokes ->
                                { stroke with
                                    Points = List.map move stroke.Points
                                }
                        ]
                })

        let annotation index (lines: string list) =
            let _, bottom = corner index (snd cells[index])

            Annotation.init (
                X = (float (index % columns) + 0.5) * width,
                Y = bottom - margin / 2.0,
                YAnchor = StyleParam.YAnchorPosition.Top,
                Text = String.Join("<br>", lines),
                ShowArrow = false,
                Font = Font.init (Size = 12.0, Color = Color.fromString ink)
            )

        let annotations =
            [
                for index in 0 .. cells.Length - 1 do
                    if captions[index] <> [] then
                        annotation index captions[index]
            ]

        // What is narrower than the chart stands in its middle.
        let side = (whole / unit - across) / 2.0
        let range (least: float) (most: float) = StyleParam.Range.ofMinMax (least, most)

        Array.toList placed
        |> List.collect _.Dots
        |> fun all -> dots all (if unit < 30.0 then 6 else 9)
        |> Chart.withTemplate (Template.init (Layout.init ()))
        |> Chart.withLayout (
            Layout.init (
                Font = Font.init (Family = StyleParam.FontFamily.Arial, Size = 14.0, Color = Color.fromString ink),
                PaperBGColor = Color.fromString "white",
                PlotBGColor = Color.fromString "white",
                ShowLegend = false,
                Margin = Margin.init (Left = 0, Right = 0, Top = 0, Bottom = 0),
                Shapes =
                    [
                        for sketch in placed do
                            yield! List.map shape sketch.Strokes
                    ],
                Annotations = annotations
            )
        )
        |> Chart.withXAxis (LinearAxis.init (Range = range -side (across + side), Visible = false))
        |> Chart.withYAxis (
            LinearAxis.init (Range = range 0.0 down, Visible = false, ScaleAnchor = StyleParam.ScaleAnchor.X 1)
        )
        |> Chart.withSize (int whole, int (Math.Ceiling(unit * down)))
        |> Chart.withConfig (Config.init (DisplayModeBar = false))
