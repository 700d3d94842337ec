/// Results as text: numbers in few digits, tables aligned for a terminal of 120 columns.
[<RequireQualifiedAccess>]
module Ortho.Lab.Report

open System
open System.Globalization

/// The width that tables keep to.
let columns = 120

/// A number in at most four significant digits or so: 3, 0.4213, 12345.7, 1.5e-12, nan.
let number (x: float) =
    let invariant = CultureInfo.InvariantCulture
    let size = abs x

    if Double.IsNaN x then
        "nan"
    elif Double.IsInfinity x then
        (if x > 0.0 then "inf" else "-inf")
    elif x = Math.Round x && size < 1e9 then
        x.ToString("0", invariant)
    elif size >= 1e6 || size < 1e-3 then
        x.ToString("0.###e-0", invariant)
    elif size >= 1e3 then
        x.ToString("0.#", invariant)
    else
        x.ToString("0.####", invariant)

/// A duration in seconds: 0.04 s, 12.3 s, 241 s.
let seconds (t: float) =
    let digits =
        if t < 1.0 then "0.00"
        elif t < 100.0 then "0.0"
        else "0"

    t.ToString(digits, CultureInfo.InvariantCulture)

/// Lines of at most `width` characters, broken at spaces where there are any. Line breaks in the text stay.
let internal wrap (width: int) (text: string) =
    let rec split (rest: string) =
        if rest.Length <= width then
            [ rest ]
        else
            match rest.LastIndexOf(' ', width) with
            | at when at > 0 -> rest.Substring(0, at) :: split (rest.Substring(at + 1).TrimStart())
            | _ -> rest.Substring(0, width) :: split (rest.Substring width)

    text.ReplaceLineEndings("\n").Split '\n' |> List.ofArray |> List.collect split

/// Widths that fit: the widest column gives way first.
let rec private fit (available: int) (widths: int list) =
    let widest = List.max widths

    if List.sum widths <= available || widest <= 8 then
        widths
    else
        let at = List.findIndex ((=) widest) widths
        fit available (List.updateAt at (widest - 1) widths)

let private isNumber (cell: string) =
    let parsed, _ =
        Double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture)

    parsed || cell = ""

/// <summary>The text of a table: columns of numbers to the right, others to the left, long cells wrapped.</summary>
/// <param name="header">The names of the columns.</param>
/// <param name="rows">The cells; every row as long as the header.</param>
/// <exception cref="T:System.ArgumentException">A row is longer or shorter than the header.</exception>
let format (header: string list) (rows: string list list) =
    for row in rows do
        if row.Length <> header.Length then
            raise (
                ArgumentException(
                    $"rows must have {header.Length} cells like the header, but one has {row.Length}.",
                    nameof rows
                )
            )

    if header.IsEmpty then
        ""
    else
        let gap = "  "
        let byColumn = List.transpose (header :: rows)

        let longest (cells: string list) =
            cells
            |> List.map (wrap Int32.MaxValue >> List.map String.length >> List.max)
            |> List.max

        let widths =
            byColumn |> List.map longest |> fit (columns - gap.Length * (header.Length - 1))

        let toTheRight = byColumn |> List.map (List.tail >> List.forall isNumber)

        let line (cells: string list) =
            String
                .Join(
                    gap,
                    List.zip3 widths toTheRight cells
                    |> List.map (fun (width, right, cell) -> if right then cell.PadLeft width else cell.PadRight width)
                )
                .TrimEnd()

        let row (cells: string list) =
            let wrapped = List.map2 wrap widths cells
            let height = wrapped |> List.map List.length |> List.max

            [
                for i in 0 .. height - 1 -> wrapped |> List.map (List.tryItem i >> Option.defaultValue "") |> line
            ]

        let rule = widths |> List.map (fun width -> String('-', width)) |> line
        String.Join("\n", row header @ [ rule ] @ List.collect row rows)

/// Prints a table; see `format`.
let table (header: string list) (rows: string list list) =
    Console.Out.WriteLine(format header rows)
