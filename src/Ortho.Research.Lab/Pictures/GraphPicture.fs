/// <summary>Pictures of bilabelled graphs: the vertices on a circle, joined by edges; the labels in two rows, the output's on top, each tied to
/// its vertex by a thin line.</summary>
[<RequireQualifiedAccess>]
module Ortho.Lab.GraphPicture

open System
open Ortho
open Plotly.NET

let private colour, label = Figure.palette.Head, "#8A8A8A"

/// <summary>A bilabelled graph as a sketch.</summary>
/// <param name="h">The graph.</param>
/// <returns>Dots: the vertices (full), then the labels above and below (hollow). Strokes: the labels' lines, then the edges.</returns>
let sketch (h: BilabelledGraph) : Sketch =
    ArgumentNullException.ThrowIfNull(h, nameof h)
    let top, bottom = h.Top, h.Bottom
    // Neighbours on the circle are a unit apart.
    let radius =
        if h.Size < 2 then
            0.0
        else
            max 0.55 (0.5 / sin (Math.PI / float h.Size))

    let columns = max top.Length bottom.Length
    let width = max (2.0 * radius) (float (max 0 (columns - 1)))
    let centre = { X = width / 2.0; Y = 0.9 + radius }
    let height = 2.0 * centre.Y
    let shown = { centre with Y = height / 2.0 }

    // The first vertex at nine o'clock, clockwise: the path of two vertices lies flat.
    let direction vertex =
        let angle = Math.PI - 2.0 * Math.PI * float vertex / float h.Size
        cos angle, sin angle

    let vertexAt distance vertex =
        let x, y = direction vertex

        {
            X = shown.X + distance * x
            Y = shown.Y + distance * y
        }

    let place = vertexAt radius

    let row (labels: int[]) y =
        labels
        |> Array.mapi (fun i vertex ->
            {
                X = shown.X + float i - float (labels.Length - 1) / 2.0
                Y = y
            },
            vertex)

    let tied = Array.append (row top height) (row bottom 0.0)

    let edge (a: int, b: int) =
        if a <> b then
            Sketch.line (place a) (place b)
        else
            // A loop bulges away from the centre.
            let x, y = direction a
            let foot = place a
            let out = 0.75

            [
                foot
                {
                    X = foot.X + out * (x - 0.7 * y)
                    Y = foot.Y + out * (y + 0.7 * x)
                }
                {
                    X = foot.X + out * (x + 0.7 * y)
                    Y = foot.Y + out * (y - 0.7 * x)
                }
                foot
            ]

    {
        Width = width
        Height = height
        Dots =
            [
                for vertex in 0 .. h.Size - 1 ->
                    {
                        Place = place vertex
                        Colour = colour
                        IsHollow = false
                    }
                for point, _ in tied ->
                    {
                        Place = point
                        Colour = label
                        IsHollow = true
                    }
            ]
        Strokes =
            [
                for point, vertex in tied ->
                    {
                        Points = Sketch.upright point (place vertex)
                        Colour = label
                        Width = 1.3
                    }
                for ends in h.Edges ->
                    {
                        Points = edge (ends[0], ends[1])
                        Colour = "#333333"
                        Width = 2.5
                    }
            ]
    }

/// <summary>Many small bilabelled graphs in rows, a caption under each.</summary>
/// <param name="columns">Graphs in a row.</param>
/// <param name="graphs">Captions and graphs, row by row.</param>
/// <exception cref="T:System.ArgumentException">There is no graph, or columns is less than 1.</exception>
let grid (columns: int) (graphs: seq<string * BilabelledGraph>) : GenericChart =
    ArgumentNullException.ThrowIfNull(graphs, nameof graphs)

    graphs
    |> Seq.map (fun (caption, h) -> caption, sketch h)
    |> Seq.toArray
    |> Sketch.grid columns

/// One bilabelled graph.
let draw (h: BilabelledGraph) : GenericChart = grid 1 [ "", h ]
