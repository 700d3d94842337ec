/// Files that live as long as one test.
[<RequireQualifiedAccess>]
module Ortho.Tests.Temporary

open System.IO

/// Gives a new empty folder to a function and removes it afterwards.
let folder (use': string -> 'a) =
    let folder = Directory.CreateTempSubdirectory "ortho-tests"

    try
        use' folder.FullName
    finally
        folder.Delete true

/// Gives a file of these bytes to a function.
let file (bytes: byte[]) (use': string -> 'a) =
    folder (fun folder ->
        let path = Path.Combine(folder, "file")
        File.WriteAllBytes(path, bytes)
        use' path)
