namespace Ortho.Lab

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression

/// The element types of an IDX file.
type IdxKind =
    | UInt8 = 0x08
    | Int8 = 0x09
    | Int16 = 0x0B
    | Int32 = 0x0C
    | Float32 = 0x0D
    | Float64 = 0x0E

/// The content of an IDX file. `Bytes` holds the elements in row-major order, in this machine's byte order.
type Idx =
    {
        Kind: IdxKind
        Shape: int64 list
        Bytes: byte[]
    }

/// IDX files (the format of MNIST), plain or gzip: two zero bytes, the element type, the number of axes, the axes as big-endian
/// 32-bit numbers, the elements, and not a byte more. Source: LeCun, Cortes and Burges, the MNIST database.
[<RequireQualifiedAccess>]
module Idx =

    /// The most bytes of elements that a file may announce unless the caller says otherwise: 512 MiB.
    let defaultLimit = 512L <<< 20

    let private refuse (file: string) (found: string) (expected: string) : 'a =
        raise (InvalidDataException($"{file}: found {found}, but expected {expected}."))

    /// A shape as messages show it: [60000; 28; 28].
    let private text (shape: int64 list) =
        let rest =
            if shape.Length > 8 then
                $"; and {shape.Length - 8} more"
            else
                ""

        "[" + String.Join("; ", List.truncate 8 shape) + rest + "]"

    let private width (kind: IdxKind) =
        match kind with
        | IdxKind.Int16 -> 2
        | IdxKind.Int32
        | IdxKind.Float32 -> 4
        | IdxKind.Float64 -> 8
        | _ -> 1

    /// The file's bytes as a stream; gzip is known by its first two bytes.
    let private decoded (file: string) =
        let raw = File.OpenRead file
        let magic = Array.zeroCreate 2
        let count = raw.ReadAtLeast(magic.AsSpan(), 2, throwOnEndOfStream = false)
        raw.Position <- 0L

        if count = 2 && magic[0] = 0x1Fuy && magic[1] = 0x8Buy then
            new GZipStream(raw, CompressionMode.Decompress) :> Stream
        else
            raw

    let private header (file: string) (limit: int64) (stream: Stream) =
        let read count =
            let bytes = Array.zeroCreate<byte> count
            let got = stream.ReadAtLeast(bytes.AsSpan(), count, throwOnEndOfStream = false)

            if got < count then
                refuse file "the end of the file" "a whole header"
            else
                bytes

        let start = read 4

        if start[0] <> 0uy || start[1] <> 0uy then
            refuse file $"first bytes {Convert.ToHexString start}" "IDX, which begins with 0000"

        let kind = enum<IdxKind>(int start[2])

        if not (Enum.IsDefined kind) then
            refuse file $"element type 0x{start[2]:X2}" "one of 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E"

        let axes = read (4 * int start[3])

        let shape =
            [
                for i in 0 .. int start[3] - 1 -> int64 (BinaryPrimitives.ReadUInt32BigEndian(axes.AsSpan(4 * i, 4)))
            ]
        // Exact: 255 axes of 2^32 would overflow any machine integer.
        let size =
            shape
            |> List.fold (fun product axis -> product * bigint axis) (bigint (width kind))

        if size > bigint limit || size > bigint Array.MaxLength then
            refuse
                file
                $"a header that announces {text shape}, {size} bytes"
                $"{min limit (int64 Array.MaxLength)} bytes at most"

        kind, shape, int size

    /// How many bytes follow, counted without keeping them, and not beyond one more than expected.
    let private count (stream: Stream) (expected: int) =
        let buffer = Array.zeroCreate<byte> 65536

        let rec go (total: int64) =
            if total > int64 expected then
                total
            else
                match stream.Read(buffer, 0, int (min (int64 buffer.Length) (int64 expected + 1L - total))) with
                | 0 -> total
                | got -> go (total + int64 got)

        go 0L

    let private toMachineOrder (width: int) (bytes: byte[]) =
        if width > 1 && BitConverter.IsLittleEndian then
            for i in 0..width .. bytes.Length - width do
                Array.Reverse(bytes, i, width)

    /// <summary>Reads an IDX file. The memory for its elements is taken only after they were counted.</summary>
    /// <param name="limit">The most bytes of elements that the header may announce.</param>
    /// <param name="file">The file; gzip is known by its first bytes.</param>
    /// <exception cref="T:System.IO.InvalidDataException">The file is not IDX, too long, too short, or beyond the limit.</exception>
    let readWithin (limit: int64) (file: string) : Idx =
        try
            let kind, shape, size =
                use stream = decoded file
                let kind, shape, size = header file limit stream

                match count stream size with
                | found when found < int64 size ->
                    refuse file $"{found} bytes of elements" $"{size}, as the header's {text shape} of {kind} announces"
                | found when found > int64 size ->
                    refuse file "more bytes of elements" $"{size}, as the header's {text shape} of {kind} announces"
                | _ -> kind, shape, size

            use stream = decoded file
            header file limit stream |> ignore
            let bytes = GC.AllocateUninitializedArray<byte> size
            stream.ReadExactly bytes
            toMachineOrder (width kind) bytes

            {
                Kind = kind
                Shape = shape
                Bytes = bytes
            }
        with
        | :? InvalidDataException as error when not (error.Message.StartsWith file) ->
            raise (InvalidDataException($"{file}: found broken gzip, but expected an IDX file. {error.Message}", error))
        | :? EndOfStreamException as error ->
            raise (
                InvalidDataException(
                    $"{file}: found another length at the second reading, but expected a file at rest.",
                    error
                )
            )

    /// Reads an IDX file of at most `defaultLimit` bytes; see `readWithin`.
    let read (file: string) = readWithin defaultLimit file

    /// <summary>Writes an IDX file, the inverse of `read`.</summary>
    /// <exception cref="T:System.ArgumentException">The shape and the number of bytes disagree, or an axis is too long for the format.</exception>
    let write (file: string) (idx: Idx) =
        let width = width idx.Kind

        let size =
            idx.Shape
            |> List.fold (fun product axis -> product * bigint axis) (bigint width)

        if size <> bigint idx.Bytes.Length then
            raise (
                ArgumentException(
                    $"idx must have {size} bytes for its shape {text idx.Shape}, but has {idx.Bytes.Length}.",
                    nameof idx
                )
            )

        if
            idx.Shape.Length > 255
            || idx.Shape |> List.exists (fun axis -> axis < 0L || axis > int64 UInt32.MaxValue)
        then
            raise (
                ArgumentException(
                    $"idx must have at most 255 axes of 0 to {UInt32.MaxValue}, but has {text idx.Shape}.",
                    nameof idx
                )
            )

        AtomicFile.write file (fun stream ->
            stream.Write(ReadOnlySpan [| 0uy; 0uy; byte idx.Kind; byte idx.Shape.Length |])

            for axis in idx.Shape do
                let bytes = Array.zeroCreate 4
                BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(), uint32 axis)
                stream.Write(ReadOnlySpan bytes)

            let bytes = Array.copy idx.Bytes
            toMachineOrder width bytes
            stream.Write(ReadOnlySpan bytes))
