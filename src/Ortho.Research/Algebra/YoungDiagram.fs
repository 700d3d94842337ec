namespace Ortho

open System

/// A Young diagram: an integer partition, its parts as rows of boxes, longest first. It names an irreducible representation of S_n.
[<StructuredFormatDisplay("{Text}")>]
type YoungDiagram =
    internal
        {
            Parts: int[]
        }

    /// The parts, longest first; a fresh array.
    member y.Rows = Array.copy y.Parts

    /// Number n of boxes.
    member y.Size = Array.sum y.Parts

    member internal y.Text = y.ToString()

    /// The parts, e.g. (2,1,1).
    override y.ToString() = "(" + String.Join(",", y.Parts) + ")"

/// Young diagrams: lists, boxes, and the counting of standard tableaux.
[<RequireQualifiedAccess>]
module YoungDiagram =

    /// <summary>The diagram with the given row lengths.</summary>
    /// <exception cref="T:System.ArgumentException">A row is empty or longer than the one before.</exception>
    let ofRows (rows: int[]) : YoungDiagram =
        Guard.notNull "rows" rows

        let descending =
            Array.forall (fun row -> row > 0) rows
            && Array.forall (fun (above, below) -> below <= above) (Array.pairwise rows)

        Guard.holds "rows" descending (fun () ->
            $"""rows must be positive and must not increase, but are ({String.Join(",", rows)}).""")

        { Parts = Array.copy rows }

    /// Number of integer partitions of n: 1, 1, 2, 3, 5, 7, 11, ...
    let count (n: int) : bigint =
        Guard.atLeast "n" 0 n
        // ways[size]: partitions of size with parts up to the current one.
        let ways = Array.create (n + 1) 0I
        ways[0] <- 1I

        for part in 1..n do
            for size in part..n do
                ways[size] <- ways[size] + ways[size - part]

        ways[n]

    /// All diagrams of n boxes, from the single row to the single column; refused above `SetPartition.limit`.
    let enumerate (n: int) : YoungDiagram[] =
        Guard.atLeast "n" 0 n

        count n
        |> SetPartition.withinLimit SetPartition.limit $"integer partitions of {n}"

        let found = ResizeArray()
        let rows = Array.zeroCreate n

        let rec fill (used: int) (left: int) (longest: int) =
            if left = 0 then
                found.Add { Parts = rows[.. used - 1] }

            for row in min left longest .. -1 .. 1 do
                rows[used] <- row
                fill (used + 1) (left - row) row

        fill 0 n n
        found.ToArray()

    /// The diagrams with one box less.
    let removeBox (y: YoungDiagram) : YoungDiagram[] =
        let rows = y.Parts

        [|
            for i in 0 .. rows.Length - 1 do
                if i = rows.Length - 1 || rows[i] > rows[i + 1] then
                    let shorter = rows |> Array.updateAt i (rows[i] - 1)

                    {
                        Parts = shorter |> Array.filter (fun row -> row > 0)
                    }
        |]

    /// The diagrams with one box more.
    let addBox (y: YoungDiagram) : YoungDiagram[] =
        let rows = y.Parts

        [|
            for i in 0 .. rows.Length - 1 do
                if i = 0 || rows[i - 1] > rows[i] then
                    {
                        Parts = rows |> Array.updateAt i (rows[i] + 1)
                    }
            { Parts = Array.append rows [| 1 |] }
        |]

    /// The number of standard tableaux, by the hook length formula: the dimension of the irreducible representation.
    let tableaux (y: YoungDiagram) : bigint =
        let rows = y.Parts
        let mutable hooks = 1I

        for i in 0 .. rows.Length - 1 do
            for j in 0 .. rows[i] - 1 do
                let leg = rows |> Array.filter (fun row -> row > j) |> Array.length
                hooks <- hooks * bigint (rows[i] - j + leg - i - 1)

        Seq.fold (fun product factor -> product * bigint (factor: int)) 1I (seq { 1 .. y.Size })
        / hooks

// What a C# program calls.
type YoungDiagram with

    /// Whether both are null or equal.
    static member op_Equality(a: YoungDiagram, b: YoungDiagram) = Object.Equals(a, b)

    /// Whether one is null or they differ.
    static member op_Inequality(a: YoungDiagram, b: YoungDiagram) = not (Object.Equals(a, b))

    /// The diagram with the given row lengths.
    static member OfRows(rows: int[]) = YoungDiagram.ofRows rows

    /// Number of diagrams of n boxes.
    static member Count(n: int) = YoungDiagram.count n

    /// All diagrams of n boxes.
    static member Enumerate(n: int) = YoungDiagram.enumerate n

    /// The diagrams with one box less.
    member y.RemoveBox() = YoungDiagram.removeBox y

    /// The diagrams with one box more.
    member y.AddBox() = YoungDiagram.addBox y

    /// The number of standard tableaux.
    member y.Tableaux = YoungDiagram.tableaux y
