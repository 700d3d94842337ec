namespace Ortho.Lab

open System
open System.Diagnostics

/// One line on the terminal that is rewritten while work goes on, and wiped when it ends. Silent when the output is redirected.
/// It goes to standard error, so that standard output holds results only.
[<Sealed; NoEquality; NoComparison>]
type Progress(label: string, total: int) =
    let visible = not Console.IsErrorRedirected && not Console.IsOutputRedirected
    let clock = Stopwatch.StartNew()
    let mutable shown = -1000L

    let width () =
        match Console.WindowWidth with
        | width when width > 20 -> width - 1
        | _ -> 79

    let show (text: string) =
        let width = width ()

        let text =
            if text.Length > width then
                text.Substring(0, width)
            else
                text

        Console.Error.Write("\r" + text.PadRight width)

    /// Says that `finished` of the total are done and what is being worked on. Cheap: the line is rewritten ten times a second at most.
    member _.Report(finished: int, doing: string) =
        if visible && (clock.ElapsedMilliseconds - shown > 100L || finished >= total) then
            shown <- clock.ElapsedMilliseconds
            show $"{label} {finished}/{total}  {clock.Elapsed.TotalSeconds:F0} s  {doing}"

    interface IDisposable with
        member _.Dispose() =
            if visible && shown >= 0L then
                show ""
                Console.Error.Write "\r"

[<RequireQualifiedAccess>]
module Progress =

    /// Applies a function to each item in turn, with the progress line naming the item that is being worked on.
    let map (label: string) (name: 'a -> string) (f: 'a -> 'b) (items: 'a list) =
        use progress = new Progress(label, items.Length)

        items
        |> List.mapi (fun i item ->
            progress.Report(i, name item)
            f item)
