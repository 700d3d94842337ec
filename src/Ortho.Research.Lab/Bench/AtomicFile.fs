/// Files that are whole or absent: written aside, then renamed. What stood there before stays until the new file is complete.
[<RequireQualifiedAccess>]
module Ortho.Lab.AtomicFile

open System
open System.Collections.Concurrent
open System.IO
open System.Runtime.InteropServices
open System.Text

/// Drafts being written now. An interrupt (Ctrl-C, a polite kill) ends the process without `finally`, so they are removed by its handler.
let private drafts = ConcurrentDictionary<string, unit>()

let private removeDrafts () =
    for draft in drafts.Keys do
        try
            File.Delete draft
        with :? IOException ->
            ()

let private onInterrupt =
    lazy
        (AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> removeDrafts ())

         [| PosixSignal.SIGINT; PosixSignal.SIGTERM |]
         |> Array.map (fun signal -> PosixSignalRegistration.Create(signal, (fun _ -> removeDrafts ()))))

/// <summary>Writes a file through a draft beside it; the draft takes the file's name only when it is complete.</summary>
/// <param name="path">The file; its folder is made when absent.</param>
/// <param name="content">Writes the bytes. When it throws, the old file stays and the draft is removed.</param>
let write (path: string) (content: Stream -> unit) =
    ArgumentException.ThrowIfNullOrWhiteSpace(path, nameof path)
    onInterrupt.Force() |> ignore
    let path = Path.GetFullPath path
    Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
    let draft = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.draft"
    drafts.TryAdd(draft, ()) |> ignore

    try
        using (new FileStream(draft, FileMode.CreateNew)) (fun stream ->
            content stream
            stream.Flush true)

        File.Move(draft, path, overwrite = true)
    finally
        File.Delete draft
        drafts.TryRemove draft |> ignore

/// Writes text as UTF-8, without a byte order mark.
let writeText (path: string) (text: string) =
    write path (fun stream -> stream.Write(ReadOnlySpan(Encoding.UTF8.GetBytes text)))
