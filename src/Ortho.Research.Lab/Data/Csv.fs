/// Tables of numbers over time in CSV files, read as Deedle frames.
[<RequireQualifiedAccess>]
module Ortho.Lab.Csv

open System
open System.Globalization
open System.IO
open System.Text
open Deedle

/// The most bytes that a file may have unless the caller says otherwise: 32 MiB.
let defaultLimit = 32L <<< 20

let private refuse (file: string) (found: string) (expected: string) : 'a =
    raise (InvalidDataException($"{file}: found {found}, but expected {expected}."))

/// <summary>Reads a CSV file with a header as a frame of text, rows numbered from 0.</summary>
/// <param name="limit">The most bytes that the file may have.</param>
/// <param name="file">The file: UTF-8, commas, the first line names the columns.</param>
/// <exception cref="T:System.IO.InvalidDataException">The file is longer than the limit, not UTF-8, or no table.</exception>
let frameWithin (limit: int64) (file: string) : Frame<int, string> =
    let text = TextFile.readWithin limit file

    if String.IsNullOrWhiteSpace text then
        refuse file "no text" "a line that names the columns"

    use stream = new MemoryStream(Encoding.UTF8.GetBytes text)

    try
        let frame =
            Frame.ReadCsv(stream, hasHeaders = true, inferTypes = false, separators = ",", culture = "")

        // Deedle looks at the names only when they are first used; two alike would fail there.
        Seq.iter ignore frame.ColumnKeys
        frame
    with error when not (error :? OutOfMemoryException) ->
        // Deedle has no exception of its own for bad text: any of its exceptions means that this is no table.
        raise (
            InvalidDataException($"{file}: found no table, but expected comma-separated values. {error.Message}", error)
        )

/// Reads a CSV file of at most `defaultLimit` bytes as a frame of text; see `frameWithin`.
let frame (file: string) = frameWithin defaultLimit file

/// <summary>A column of text as finite numbers.</summary>
/// <exception cref="T:System.IO.InvalidDataException">A cell is empty or no finite number; the message names the row.</exception>
let numbers (file: string) (column: string) (frame: Frame<int, string>) : float[] =
    let cells = frame.GetColumn<string> column

    [|
        for row in 0 .. frame.RowCount - 1 ->
            let cell = cells.TryGet row
            let text = if cell.HasValue then cell.Value else ""

            let parsed, x =
                Double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture)

            if parsed && Double.IsFinite x then
                x
            else
                refuse file $"\"{text}\" in row {row + 1} of column {column}" "a finite number"
    |]

/// <summary>A column of text as points in time.</summary>
/// <exception cref="T:System.IO.InvalidDataException">A cell is no time; the message names the row.</exception>
let times (file: string) (column: string) (frame: Frame<int, string>) : DateTime[] =
    let cells = frame.GetColumn<string> column

    [|
        for row in 0 .. frame.RowCount - 1 ->
            let cell = cells.TryGet row
            let text = if cell.HasValue then cell.Value else ""

            let parsed, time =
                DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None)

            if parsed then
                time
            else
                refuse file $"\"{text}\" in row {row + 1} of column {column}" "a date and time"
    |]
