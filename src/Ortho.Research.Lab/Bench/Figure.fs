/// Charts in the house's theme, saved as small pages that take plotly.js from its public address (an embedded copy is 3.6 MB).
[<RequireQualifiedAccess>]
module Ortho.Lab.Figure

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.RegularExpressions
open Plotly.NET
open Plotly.NET.LayoutObjects

/// Eight colours that colour-blind readers can tell apart (Okabe and Ito 2008), most different first.
let palette =
    [
        "#0072B2"
        "#D55E00"
        "#009E73"
        "#CC79A7"
        "#E69F00"
        "#56B4E9"
        "#5D3A9B"
        "#333333"
    ]

let private grid = Color.fromString "#E3E3E3"
let private ink = Color.fromString "#333333"

let private axis (name: string) =
    LinearAxis.init (
        Title = Title.init (Text = name, Standoff = 8),
        ShowGrid = true,
        GridColor = grid,
        ShowLine = true,
        LineColor = ink,
        ZeroLine = false,
        Ticks = StyleParam.TickOptions.Outside,
        AutoMargin = StyleParam.TickAutoMargin.All,
        ExponentFormat = StyleParam.ExponentFormat.Power
    )

/// <summary>A chart in the house's theme: 700 pixels wide, title, axis names, legend below. A long title is broken into lines.</summary>
/// <param name="title">What is shown, and of which paper.</param>
/// <param name="x">The name of the horizontal axis, with its unit.</param>
/// <param name="y">The name of the vertical axis, with its unit.</param>
/// <param name="chart">The chart to dress.</param>
let themed (title: string) (x: string) (y: string) (chart: GenericChart) =
    let layout =
        Layout.init (
            Title =
                Title.init (Text = String.Join("<br>", Report.wrap 75 title), X = 0.02, Font = Font.init (Size = 17.0)),
            Font = Font.init (Family = StyleParam.FontFamily.Arial, Size = 14.0, Color = ink),
            Colorway = Color.fromColors (palette |> List.map Color.fromString),
            PaperBGColor = Color.fromString "white",
            PlotBGColor = Color.fromString "white",
            ShowLegend = (GenericChart.getTraces chart |> List.length > 1),
            Margin = Margin.init (Left = 70, Right = 25, Top = 60, Bottom = 60)
        )

    let legend =
        Legend.init (
            Orientation = StyleParam.Orientation.Horizontal,
            X = 0.0,
            XAnchor = StyleParam.XAnchorPosition.Left,
            Y = -0.2,
            YAnchor = StyleParam.YAnchorPosition.Top
        )

    chart
    |> Chart.withTemplate (Template.init (Layout.init ()))
    |> Chart.withLayout layout
    |> Chart.withLegend legend
    |> Chart.withXAxis (axis x)
    |> Chart.withYAxis (axis y)
    |> Chart.withSize (700, 460)
    |> Chart.withConfig (Config.init (DisplayModeBar = false))

/// <summary>A title in the house's type over a chart that has no axes, e.g. a picture of diagrams; the chart grows by the room it takes.</summary>
/// <param name="title">What is shown, and of which paper.</param>
/// <param name="chart">The chart, with a width and a height.</param>
/// <exception cref="T:System.ArgumentException">The chart has no height or width of its own.</exception>
let titled (title: string) (chart: GenericChart) =
    let layout = GenericChart.getLayout chart

    match layout.TryGetTypedPropertyValue<int> "width", layout.TryGetTypedPropertyValue<int> "height" with
    | Some width, Some height ->
        // A character of the title is 9 pixels wide, a line 24 high.
        let lines = Report.wrap (max 20 (width / 9)) title
        let room = 24 * lines.Length + 24
        // Plotly lifts a title by half a line for each further line.
        let top = 12.0 * float lines.Length

        chart
        |> Chart.withLayoutStyle (
            Title =
                Title.init (
                    Text = String.Join("<br>", lines),
                    X = 0.02,
                    Y = 1.0 - top / float (height + room),
                    YAnchor = StyleParam.YAnchorPosition.Top,
                    Font = Font.init (Size = 17.0)
                ),
            Margin = Margin.init (Left = 0, Right = 0, Top = room, Bottom = 0)
        )
        |> Chart.withSize (width, height + room)
    | _ ->
        raise (
            ArgumentException("chart must have a width and a height, but lacks them: see Chart.withSize.", nameof chart)
        )

/// The vertical axis in powers of ten.
let logarithmicY (chart: GenericChart) =
    chart |> Chart.withYAxisStyle (AxisType = StyleParam.AxisType.Log)

/// The horizontal axis in powers of ten.
let logarithmicX (chart: GenericChart) =
    chart |> Chart.withXAxisStyle (AxisType = StyleParam.AxisType.Log)

/// Plotly.NET names the chart's element at random; named by content, the same chart gives the same bytes.
let private named (html: string) =
    let id = Regex.Match(html, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").Value
    let content = html.Replace(id, "").Replace(id.Replace("-", ""), "")

    let name =
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes content)).Substring(0, 16)

    html.Replace(id, name).Replace(id.Replace("-", ""), name)

/// The chart as a piece of HTML that loads plotly.js by its address: for the cell of a notebook.
let html (chart: GenericChart) =
    let address = $"https://cdn.plot.ly/plotly-{Globals.PLOTLYJS_VERSION}.min.js"
    $"""<script src="{address}" charset="utf-8"></script>{"\n"}{named (GenericChart.toChartHTML chart)}"""

/// The folder of figures in an output folder.
let folder (output: string) = Path.Combine(output, "figures")

/// <summary>Saves a chart as a page, in another output folder than the experiment's; see `save`.</summary>
let saveTo (output: string) (name: string) (chart: GenericChart) =
    let plain c = Char.IsAsciiLetterOrDigit c || c = '-'

    if String.IsNullOrEmpty name || not (String.forall plain name) then
        raise (ArgumentException($"name must be letters, digits and hyphens, but is \"{name}\".", nameof name))

    let path = Path.Combine(folder output, name + ".html")

    AtomicFile.writeText
        path
        $"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title></head>
<body>
{html chart}
</body>
</html>
"""

    path

/// <summary>Saves a chart as `figures/name.html` in the experiment's output folder and prints where.</summary>
/// <param name="name">Letters, digits and hyphens, like "049-spectrum".</param>
/// <param name="chart">The chart, usually `themed`.</param>
let save (name: string) (chart: GenericChart) =
    printfn "Figure: %s" (Experiment.shown (saveTo Experiment.output name chart))

/// <summary>Saves a chart like `save`, silently, and gives the HTML that a notebook's cell shows (`include-it-raw`).</summary>
/// <param name="name">Letters, digits and hyphens; `scripts/pictures.fsx` makes `notebooks/pictures/name.png` of it.</param>
/// <param name="chart">The chart, usually `themed`.</param>
let cell (name: string) (chart: GenericChart) =
    saveTo Experiment.output name chart |> ignore
    html chart
