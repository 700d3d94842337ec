namespace Ortho.Lab

open System
open System.IO
open TorchSharp

/// Pictures of handwritten digits. The tensors are the caller's to dispose.
[<NoEquality; NoComparison>]
type Digits =
    {
        /// Grey values 0 (paper) to 1 (ink), float32, shape [count; 28; 28].
        Images: torch.Tensor
        /// 0 to 9, int64, shape [count].
        Labels: torch.Tensor
        /// Where they come from, as a reader should be told: "MNIST test set, 10,000 digits".
        Source: string
    }

/// Several channels measured every hour. The tensor is the caller's to dispose.
[<NoEquality; NoComparison>]
type HourlySeries =
    {
        Times: DateTime[]
        Channels: string list
        /// float64, shape [hours; channels].
        Values: torch.Tensor
        Source: string
    }

/// A plain text.
type Text = { Text: string; Source: string }

/// The data of the experiments. The environment variable ORTHO_DATA names a folder with the real files
/// (mnist/t10k-images-idx3-ubyte.gz and mnist/t10k-labels-idx1-ubyte.gz, ett/ETTh1.csv, text/tinyshakespeare.txt);
/// what is not there is drawn by code from the seed, and `Source` says so. A file that is there and broken is an error.
[<RequireQualifiedAccess>]
module Dataset =

    /// The lengths of the data drawn by code: those of the real files, but a shorter text.
    let private digitCount, private hourCount, private textLength =
        10_000, 17_420, 200_000

    /// The file in the folder of real data, if it is there.
    let private tryFile (name: string) =
        match Environment.GetEnvironmentVariable "ORTHO_DATA" with
        | null
        | "" -> None
        | folder ->
            let file = Path.Combine(folder, name)
            if File.Exists file then Some file else None

    let private synthetic (what: string) (seed: int) (file: string) =
        match Environment.GetEnvironmentVariable "ORTHO_DATA" with
        | null
        | "" -> $"synthetic {what}, seed {seed}"
        | _ -> $"synthetic {what}, seed {seed} (ORTHO_DATA has no {file})"

    let private refuse (file: string) (found: string) (expected: string) : 'a =
        raise (InvalidDataException($"{file}: found {found}, but expected {expected}."))

    let private toDigits (pictures: byte[]) (labels: byte[]) (source: string) =
        use scope = torch.NewDisposeScope()
        let shape = [| int64 labels.Length; 28L; 28L |]

        let images =
            torch.tensor(pictures).reshape(shape).``to``(torch.float32) / 255.0f.ToScalar()

        let labels = torch.tensor(labels).``to`` torch.int64

        {
            Images = scope.MoveToOuter images
            Labels = scope.MoveToOuter labels
            Source = source
        }

    let private toTable (columns: int) (values: float[]) =
        use scope = torch.NewDisposeScope()
        scope.MoveToOuter(torch.tensor(values).reshape(-1L, int64 columns))

    /// <summary>Handwritten digits: the test set of MNIST, or 10,000 digits drawn by code.</summary>
    /// <param name="seed">For the digits drawn by code.</param>
    /// <exception cref="T:System.IO.InvalidDataException">The real files are there but are not MNIST's.</exception>
    [<CompiledName("Digits")>]
    let digits (seed: int) : Digits =
        let images, labels =
            "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"

        match tryFile images, tryFile labels with
        | Some imageFile, Some labelFile ->
            let pictures, classes = Idx.read imageFile, Idx.read labelFile

            match classes.Kind, classes.Shape, pictures.Kind, pictures.Shape with
            | IdxKind.UInt8, [ count ], IdxKind.UInt8, [ same; 28L; 28L ] when count = same ->
                match Array.tryFind (fun label -> label > 9uy) classes.Bytes with
                | Some label -> refuse labelFile $"label {label}" "labels 0 to 9"
                | None -> toDigits pictures.Bytes classes.Bytes $"MNIST test set, {count:N0} digits"
            | _ ->
                refuse
                    imageFile
                    $"%A{pictures.Shape} of {pictures.Kind} with labels %A{classes.Shape} of {classes.Kind}"
                    "[n; 28; 28] and [n] of UInt8"
        | found, _ ->
            let struct (pictures, classes) = SyntheticDigits.draw seed digitCount
            toDigits pictures classes (synthetic "digits" seed (if found.IsSome then labels else images))

    /// <summary>An hourly series of seven channels: ETTh1, or one drawn by code.</summary>
    /// <param name="seed">For the series drawn by code.</param>
    /// <exception cref="T:System.IO.InvalidDataException">The real file is there but is no table of hourly numbers.</exception>
    [<CompiledName("Series")>]
    let series (seed: int) : HourlySeries =
        let name = "ett/ETTh1.csv"

        match tryFile name with
        | Some file ->
            let frame = Csv.frame file
            let columns = List.ofSeq frame.ColumnKeys

            match columns with
            | "date" :: channels when not channels.IsEmpty && frame.RowCount > 0 ->
                let values = channels |> List.map (fun channel -> Csv.numbers file channel frame)

                let rows =
                    Array.init frame.RowCount (fun row -> [| for column in values -> column[row] |])

                {
                    Times = Csv.times file "date" frame
                    Channels = channels
                    Values = toTable channels.Length (Array.concat rows)
                    Source = $"ETTh1, {rows.Length:N0} hours"
                }
            | _ ->
                refuse
                    file
                    $"{frame.RowCount} rows with columns %A{columns}"
                    "rows with the columns date and at least one channel"
        | None ->
            let start = DateTime(2016, 7, 1)

            {
                Times = Array.init hourCount (fun hour -> start.AddHours hour)
                Channels = SyntheticSeries.channels
                Values = toTable SyntheticSeries.channels.Length (SyntheticSeries.draw seed hourCount)
                Source = synthetic "hourly series" seed name
            }

    /// <summary>A text: tiny Shakespeare, or one made by a small grammar.</summary>
    /// <param name="seed">For the text made by the grammar.</param>
    /// <exception cref="T:System.IO.InvalidDataException">The real file is there but is no UTF-8 text.</exception>
    [<CompiledName("Text")>]
    let text (seed: int) : Text =
        let name = "text/tinyshakespeare.txt"

        match tryFile name with
        | Some file ->
            let text = TextFile.read file

            if text = "" then
                refuse file "no text" "some"

            {
                Text = text
                Source = $"tiny Shakespeare, {text.Length:N0} characters"
            }
        | None ->
            {
                Text = SyntheticText.draw seed textLength
                Source = synthetic "text" seed name
            }
