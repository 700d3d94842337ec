module Ortho.Tests.Lab.IdxTests

open System
open System.IO
open System.IO.Compression
open Expecto
open FsCheck
open FsCheck.FSharp
open Ortho.Lab
open Ortho.Tests

let private gzip (bytes: byte[]) =
    use memory = new MemoryStream()

    using (new GZipStream(memory, CompressionLevel.Optimal, leaveOpen = true)) (fun stream ->
        stream.Write(ReadOnlySpan bytes))

    memory.ToArray()

/// A header of unsigned bytes with these axes.
let private header (kind: byte) (axes: uint32 list) =
    [|
        0uy
        0uy
        kind
        byte axes.Length
        for axis in axes do
            yield! Array.rev (BitConverter.GetBytes axis)
    |]

/// A valid file with something done to it: cut, one byte changed, packed and then damaged. Prints in one line.
type BrokenCase =
    {
        Axes: int list
        Kind: byte
        Cut: int
        At: int
        Value: byte
        Packed: bool
    }

type Cases =
    static member Broken() =
        let generate =
            gen {
                let! axes = Gen.listOfLength 3 (Gen.choose (0, 4))
                let! kind = Gen.elements [ 0x08uy; 0x09uy; 0x0Buy; 0x0Cuy; 0x0Duy; 0x0Euy; 0x0Auy ]
                let! cut = Gen.choose (0, 30)
                let! at = Gen.choose (0, 40)
                let! value = Gen.choose (0, 255)
                let! packed = Gen.elements [ true; false ]

                return
                    {
                        Axes = axes
                        Kind = kind
                        Cut = cut
                        At = at
                        Value = byte value
                        Packed = packed
                    }
            }

        Arb.fromGen generate

let private config =
    { FsCheckConfig.defaultConfig with
        maxTest = 500
        arbitrary = [ typeof<Cases> ]
    }

/// The bytes taken while reading, and whether the file was refused in the promised way.
let private outcome (bytes: byte[]) =
    Temporary.file bytes (fun file ->
        let before = GC.GetAllocatedBytesForCurrentThread()

        let refused =
            try
                Idx.readWithin 1_000_000L file |> ignore
                None
            with :? InvalidDataException as error ->
                Some error.Message

        refused, GC.GetAllocatedBytesForCurrentThread() - before)

/// What reading may take besides the elements: buffers and messages.
let private overhead = 400_000L

let private isRefused (word: string) (bytes: byte[]) =
    let refused, taken = outcome bytes
    let message = Expect.wantSome refused "the file should be refused"
    Expect.stringContains message word "the message should say what was found"
    Expect.stringContains message "expected" "the message should say what was expected"
    Expect.isLessThan taken overhead "reading should take no memory for what is not there"

let private elements = [| 1uy .. 6uy |]

let tests =
    testList
        "Idx"
        [
            testPropertyWithConfig config "any bytes are read or refused as invalid data" (fun (bytes: byte[]) ->
                let _, taken = outcome bytes
                taken < overhead + 1_000_000L)

            testPropertyWithConfig config "any bytes behind a true header are read or refused" (fun (bytes: byte[]) ->
                let refused, _ = outcome (Array.append (header 0x08uy [ 2u; 3u ]) bytes)
                refused.IsNone = (bytes.Length = 6))

            testPropertyWithConfig config "a damaged file is read or refused as invalid data" (fun (case: BrokenCase) ->
                let size = List.fold (*) 1 case.Axes

                let whole =
                    Array.append (header case.Kind (List.map uint32 case.Axes)) (Array.zeroCreate (8 * size))

                let cut = Array.truncate (whole.Length - case.Cut) whole
                let bytes = if case.Packed then gzip cut else cut

                if case.At < bytes.Length then
                    bytes[case.At] <- case.Value

                let _, taken = outcome bytes
                taken < overhead + 1_000_000L)

            testPropertyWithConfig config "garbage that calls itself gzip is refused" (fun (bytes: byte[]) ->
                let refused, taken = outcome (Array.append [| 0x1Fuy; 0x8Buy; 8uy; 0uy |] bytes)
                refused.IsSome && taken < overhead)

            testPropertyWithConfig config "what is written is read back" (fun (case: BrokenCase) ->
                let kind = enum<IdxKind>(int (if case.Kind = 0x0Auy then 0x0Cuy else case.Kind))

                let width =
                    match kind with
                    | IdxKind.Int16 -> 2
                    | IdxKind.Int32
                    | IdxKind.Float32 -> 4
                    | IdxKind.Float64 -> 8
                    | _ -> 1

                let bytes = Array.zeroCreate (width * List.fold (*) 1 case.Axes)
                (Random case.At).NextBytes bytes

                let idx: Idx =
                    {
                        Kind = kind
                        Shape = List.map int64 case.Axes
                        Bytes = bytes
                    }

                Temporary.folder (fun folder ->
                    let plain, packed = Path.Combine(folder, "plain"), Path.Combine(folder, "packed")
                    Idx.write plain idx
                    File.WriteAllBytes(packed, gzip (File.ReadAllBytes plain))
                    Idx.read plain = idx && Idx.read packed = idx))

            testCase "elements come in this machine's byte order" (fun () ->
                Temporary.file (Array.append (header 0x0Cuy [ 1u ]) [| 0uy; 0uy; 1uy; 2uy |]) (fun file ->
                    Expect.equal (BitConverter.ToInt32((Idx.read file).Bytes, 0)) 258 "0x00000102 is 258"))

            testCase "an empty file is refused" (fun () -> isRefused "end of the file" [||])

            testCase "a header without its axes is refused" (fun () ->
                isRefused "end of the file" [| 0uy; 0uy; 8uy; 200uy |])

            testCase "an unknown element type is refused" (fun () -> isRefused "0x0A" (header 0x0Auy [ 1u ]))

            testCase "one element too few is refused" (fun () ->
                isRefused "5 bytes" (Array.append (header 8uy [ 2u; 3u ]) elements[..4]))

            testCase "one element too many is refused" (fun () ->
                isRefused "more bytes" (Array.concat [ header 8uy [ 2u; 3u ]; elements; [| 7uy |] ]))

            testCase "a header that announces 2^60 elements is refused before memory is taken" (fun () ->
                isRefused "announces" (Array.append (header 8uy [ 1u <<< 30; 1u <<< 30 ]) elements))

            testCase "a header whose size overflows 64 bits is refused" (fun () ->
                isRefused "announces" (Array.append (header 0x0Euy (List.replicate 255 UInt32.MaxValue)) elements))

            testCase "a header beyond the caller's limit is refused" (fun () ->
                isRefused "1000000 bytes at most" (Array.append (header 8uy [ 1_000_001u ]) elements))

            testCase "a header that announces more than the file has takes no memory" (fun () ->
                isRefused "6 bytes" (Array.append (header 8uy [ 999_999u ]) elements))

            testCase "a gzip bomb is stopped where the header ends" (fun () ->
                let bomb =
                    gzip (Array.append (header 8uy [ 2u; 3u ]) (Array.zeroCreate 100_000_000))

                Expect.isLessThan bomb.Length 200_000 "100 MB of zeros pack well"
                isRefused "more bytes" bomb)

            testCase "gzip cut short is refused" (fun () ->
                let packed = gzip (Array.append (header 8uy [ 2u; 3u ]) elements)
                isRefused "found" (Array.truncate (packed.Length - 12) packed))

            testCase "writing a shape that disagrees with its bytes is refused" (fun () ->
                Temporary.folder (fun folder ->
                    let idx: Idx =
                        {
                            Kind = IdxKind.UInt8
                            Shape = [ 2L; 3L ]
                            Bytes = elements[..4]
                        }

                    Expect.throwsT<ArgumentException>
                        (fun () -> Idx.write (Path.Combine(folder, "x")) idx)
                        "6 are announced"

                    Expect.isEmpty (Directory.GetFiles folder) "nothing should be written"))
        ]
