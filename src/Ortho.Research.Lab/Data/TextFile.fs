/// Plain text files in UTF-8.
[<RequireQualifiedAccess>]
module Ortho.Lab.TextFile

open System.IO
open System.Text

/// The most bytes that a file may have unless the caller says otherwise: 64 MiB.
let defaultLimit = 64L <<< 20

let private strict = UTF8Encoding(false, true)

/// <summary>Reads a text file; a byte order mark is left out.</summary>
/// <param name="limit">The most bytes that the file may have.</param>
/// <param name="file">The file.</param>
/// <exception cref="T:System.IO.InvalidDataException">The file is longer than the limit, or has bytes that are not UTF-8.</exception>
let readWithin (limit: int64) (file: string) =
    let bytes =
        use stream = File.OpenRead file

        if stream.Length > limit then
            raise (InvalidDataException($"{file}: found {stream.Length} bytes, but expected {limit} at most."))

        // The file may grow meanwhile: not a byte more than was there.
        let bytes = Array.zeroCreate<byte>(int stream.Length)

        let got =
            stream.ReadAtLeast(System.Span bytes, bytes.Length, throwOnEndOfStream = false)

        Array.truncate got bytes

    let start =
        if bytes.Length >= 3 && bytes[0] = 0xEFuy && bytes[1] = 0xBBuy && bytes[2] = 0xBFuy then
            3
        else
            0

    try
        strict.GetString(bytes, start, bytes.Length - start)
    with :? DecoderFallbackException as error ->
        let found = System.Convert.ToHexString error.BytesUnknown

        raise (
            InvalidDataException(
                $"{file}: found bytes {found} near byte {start + error.Index}, but expected UTF-8 text.",
                error
            )
        )

/// Reads a text file of at most `defaultLimit` bytes; see `readWithin`.
let read (file: string) = readWithin defaultLimit file
