module Ortho.Tests.Lab.DatasetTests

open System
open System.IO
open Expecto
open TorchSharp
open Ortho.Lab
open Ortho.Tests

/// Sets ORTHO_DATA for one test.
let private withData (folder: string) (test: unit -> unit) =
    let before = Environment.GetEnvironmentVariable "ORTHO_DATA"
    Environment.SetEnvironmentVariable("ORTHO_DATA", folder)

    try
        use _ = torch.NewDisposeScope()
        test ()
    finally
        Environment.SetEnvironmentVariable("ORTHO_DATA", before)

let private write (folder: string) (name: string) (text: string) =
    let file = Path.Combine(folder, name)
    Directory.CreateDirectory(Path.GetDirectoryName file) |> ignore
    File.WriteAllText(file, text)

let private writeIdx (folder: string) (name: string) (shape: int64 list) (bytes: byte[]) =
    Idx.write
        (Path.Combine(folder, name))
        {
            Kind = IdxKind.UInt8
            Shape = shape
            Bytes = bytes
        }

let private images, labels =
    "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"

let private refuses (read: unit -> 'a) =
    Expect.throwsT<InvalidDataException> (fun () -> read () |> ignore) "never silently drawn"

/// The share of digits whose nearest mean picture, of the other half of the digits, is of their own class.
let private byNearestMean (digits: Digits) =
    let half = digits.Labels.shape[0] / 2L
    let pictures = digits.Images.reshape (-1L, 784L)
    let first, second = pictures.narrow (0L, 0L, half), pictures.narrow (0L, half, half)

    let firstLabels, secondLabels =
        digits.Labels.narrow (0L, 0L, half), digits.Labels.narrow (0L, half, half)

    let means =
        torch.stack [| for c in 0L .. 9L -> first[firstLabels.eq (c.ToScalar())].mean [| 0L |] |]

    let nearest = torch.cdist(second, means).argmin 1L
    nearest.eq(secondLabels).``to``(torch.float64).mean().item<float>()

let tests =
    testList
        "Dataset"
        [
            testCase "without ORTHO_DATA all is drawn from the seed, and says so" (fun () ->
                withData null (fun () ->
                    let digits, series, text = Dataset.digits 1, Dataset.series 1, Dataset.text 1
                    Expect.equal digits.Source "synthetic digits, seed 1" ""
                    Expect.equal series.Source "synthetic hourly series, seed 1" ""
                    Expect.equal text.Source "synthetic text, seed 1" ""
                    Expect.equal digits.Images.shape [| 10_000L; 28L; 28L |] ""
                    Expect.equal series.Values.shape [| 17_420L; 7L |] ""
                    Expect.equal (series.Times.Length, series.Channels.Length) (17_420, 7) ""
                    Expect.equal text.Text.Length 200_000 ""))

            testCase "what is not in the folder is drawn, and says which file is missing" (fun () ->
                Temporary.folder (fun folder ->
                    withData folder (fun () ->
                        writeIdx folder images [ 0L; 28L; 28L ] [||]

                        Expect.equal
                            (Dataset.digits 2).Source
                            $"synthetic digits, seed 2 (ORTHO_DATA has no {labels})"
                            ""

                        Expect.stringContains (Dataset.series 2).Source "ORTHO_DATA has no ett/ETTh1.csv" ""
                        Expect.stringContains (Dataset.text 2).Source "ORTHO_DATA has no text/tinyshakespeare.txt" "")))

            testCase "files in the folder are read" (fun () ->
                Temporary.folder (fun folder ->
                    withData folder (fun () ->
                        writeIdx folder images [ 2L; 28L; 28L ] (Array.init (2 * 784) (fun i -> byte (i % 256)))
                        writeIdx folder labels [ 2L ] [| 7uy; 3uy |]
                        write folder "ett/ETTh1.csv" "date,a,b\n2016-07-01 00:00:00,1,2\n2016-07-01 01:00:00,3,4\n"
                        write folder "text/tinyshakespeare.txt" "To be"
                        let digits, series = Dataset.digits 1, Dataset.series 1
                        Expect.equal digits.Source "MNIST test set, 2 digits" ""
                        Expect.equal (digits.Labels.data<int64>().ToArray()) [| 7L; 3L |] ""

                        Expect.floatClose
                            Accuracy.high
                            (digits.Images[0, 9, 3].item<float32>() |> float)
                            (255.0 / 255.0)
                            "byte 255"

                        Expect.equal (series.Values.data<float>().ToArray()) [| 1.0; 2.0; 3.0; 4.0 |] ""
                        Expect.equal (Frames.ofSeries(series).GetColumn<float>("b").GetAt 1) 4.0 "the frame"
                        Expect.equal (Dataset.text 1).Text "To be" "")))

            testCase "broken files are errors, never silently drawn" (fun () ->
                Temporary.folder (fun folder ->
                    withData folder (fun () ->
                        for shape, classes in
                            [
                                [ 2L; 27L; 28L ], [| 1uy; 2uy |]
                                [ 2L; 28L; 28L ], [| 1uy |]
                                [ 1L; 28L; 28L ], [| 10uy |]
                            ] do
                            writeIdx folder images shape (Array.zeroCreate (int (List.reduce (*) shape)))
                            writeIdx folder labels [ int64 classes.Length ] classes
                            refuses (fun () -> Dataset.digits 1)

                        write folder images "not idx"
                        refuses (fun () -> Dataset.digits 1)

                        for table in
                            [
                                ""
                                "date,a\n"
                                "a,b\n1,2\n"
                                "date,a\nyesterday,1\n"
                                "date,a\n2016-07-01,x\n"
                            ] do
                            write folder "ett/ETTh1.csv" table
                            refuses (fun () -> Dataset.series 1)

                        write folder "text/tinyshakespeare.txt" ""
                        refuses (fun () -> Dataset.text 1))))

            testCase "same seed, same data; another seed, other data" (fun () ->
                let digits seed =
                    let struct (pictures, labels) = SyntheticDigits.draw seed 50 in pictures, labels

                Expect.equal (digits 1) (digits 1) "digits"
                Expect.notEqual (fst (digits 1)) (fst (digits 2)) "other digits"
                Expect.equal (SyntheticSeries.draw 1 99) (SyntheticSeries.draw 1 99) "series"
                Expect.notEqual (SyntheticSeries.draw 1 99) (SyntheticSeries.draw 2 99) "other series"
                Expect.equal (SyntheticText.draw 1 999) (SyntheticText.draw 1 999) "text"
                Expect.notEqual (SyntheticText.draw 1 999) (SyntheticText.draw 2 999) "another text")

            testCase "digits of one class look alike, but not too much" (fun () ->
                withData null (fun () ->
                    let share = byNearestMean (Dataset.digits 1)
                    // On MNIST's test set nearest means get 0.82 or so; drawn digits must be learnable and not trivial.
                    Expect.isGreaterThan share 0.7 "learnable"
                    Expect.isLessThan share 0.999 "not trivial"))

            testCase "the series has the periods of a day and a week" (fun () ->
                use _ = torch.NewDisposeScope()
                let hours = 168 * 40
                let values = torch.tensor(SyntheticSeries.draw 1 hours).reshape(-1L, 7L)

                let power =
                    torch.fft.rfft(values - values.mean [| 0L |], dim = 0L).abs().pow(2.0.ToScalar()).sum 1L

                let at (period: int) =
                    power[int64 (hours / period)].item<float>()

                let middle = power.median().item<float>()
                Expect.all [ 24; 12; 168 ] (fun period -> at period > 100.0 * middle) "peaks")

            testCase "a text is of the length asked for, in ASCII" (fun () ->
                for length in [ 0; 1; 5000 ] do
                    let text = SyntheticText.draw 3 length
                    Expect.equal text.Length length ""
                    Expect.all text Char.IsAscii ""
                    Expect.isFalse (text.Contains '<') "no rule is left open")
        ]
