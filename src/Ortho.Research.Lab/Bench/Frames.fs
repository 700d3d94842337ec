/// Deedle frames in and out of the bench.
[<RequireQualifiedAccess>]
module Ortho.Lab.Frames

open System
open Deedle
open TorchSharp

/// A series as a frame: a row per time, a column per channel.
let ofSeries (series: HourlySeries) : Frame<DateTime, string> =
    use _ = torch.NewDisposeScope()
    let values = series.Values.cpu().contiguous().data<float>().ToArray()
    let width = series.Channels.Length

    series.Channels
    |> List.mapi (fun c channel ->
        let column = Array.init series.Times.Length (fun row -> values[row * width + c])
        channel, Series<DateTime, float>(series.Times, column))
    |> Frame.ofColumns

let private text (cell: obj) =
    match cell with
    | :? float as x -> Report.number x
    | :? float32 as x -> Report.number (float x)
    | :? DateTime as time -> time.ToString "yyyy-MM-dd HH:mm"
    | cell -> string cell

/// The text of a frame as a table that keeps to the width of `Report.columns`; missing values are empty.
let format (frame: Frame<'row, string>) =
    let rows =
        [
            for row in frame.Rows.Observations |> Seq.map _.Value ->
                [
                    for column in frame.ColumnKeys ->
                        let cell = row.TryGet column
                        if cell.HasValue then text cell.Value else ""
                ]
        ]

    let keys = frame.RowKeys |> Seq.map (box >> text) |> List.ofSeq
    Report.format ("" :: List.ofSeq frame.ColumnKeys) (List.map2 (fun key cells -> key :: cells) keys rows)

/// Prints a frame; see `format`.
let print (frame: Frame<'row, string>) = Console.Out.WriteLine(format frame)
