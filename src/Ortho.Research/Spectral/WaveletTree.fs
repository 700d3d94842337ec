namespace Ortho

open System
open System.Collections.Generic

/// <summary>Where the coefficients of one node of a wavelet tree lie.</summary>
[<NoEquality; NoComparison>]
type Subband =
    {
        /// The way from the root, one letter a level, as in PyWavelets: a (approximation) or d (detail) for rows; for pictures a, h (detail down the
        /// columns alone), v (detail along the rows alone) or d (both). The root itself is "".
        Path: string
        /// The first place on each axis.
        Start: IReadOnlyList<int64>
        /// The number of places on each axis.
        Shape: IReadOnlyList<int64>
    }

/// <summary>Trees of splits: of a row into approximations and details, of a picture into four parts.</summary>
[<RequireQualifiedAccess>]
module internal WaveletTree =

    /// A node: its path, and its first place and size on each axis.
    [<NoComparison>]
    type Node =
        {
            Path: string
            Start: int64[]
            Shape: int64[]
        }

    let private letters (axes: int) = if axes = 1 then "ad" else "avhd"

    /// The halves of an axis: low, then high.
    let private half (start: int64) (size: int64) (isHigh: bool) =
        let low = (size + 1L) / 2L

        if isHigh then
            struct (start + low, size - low)
        else
            struct (start, low)

    /// The children of a node. Letter i of a, v, h, d is high on the last axis if i is odd, and on the first one if i is 2 or 3.
    let children (node: Node) : Node[] =
        let axes = node.Start.Length

        letters axes
        |> Seq.mapi (fun i letter ->
            let parts =
                Array.init axes (fun axis ->
                    half node.Start[axis] node.Shape[axis] (i >>> (axes - 1 - axis) &&& 1 = 1))

            {
                Path = node.Path + string letter
                Start = parts |> Array.map (fun (struct (start, _)) -> start)
                Shape = parts |> Array.map (fun (struct (_, size)) -> size)
            })
        |> Seq.toArray

    let root (space: Space) =
        {
            Path = ""
            Start = Array.zeroCreate space.Rank
            Shape = Array.copy space.Axes
        }

    /// Nodes that are split, parents first, and leaves in the order of their paths, where a node is split if the function says so.
    let grow (isSplit: Node -> bool) (space: Space) : Node[] * Node[] =
        let splits, leaves = ResizeArray<Node>(), ResizeArray<Node>()

        let rec visit node =
            if isSplit node then
                splits.Add node
                children node |> Array.iter visit
            else
                leaves.Add node

        visit (root space)
        splits.ToArray(), leaves.ToArray()

    /// Only approximations are split (Mallat).
    let isMallat (levels: int) (node: Node) =
        node.Path.Length < levels && node.Path |> Seq.forall ((=) 'a')

    /// The splits that lead to these leaves.
    let ofLeaves (leaves: seq<string>) (space: Space) =
        Guard.notNull "leaves" leaves
        let leaves = Seq.toArray leaves
        let known = letters space.Rank
        let shown = String.Join(", ", leaves |> Array.map (fun leaf -> $"\"{leaf}\""))

        Guard.holds
            "leaves"
            (leaves.Length > 0
             && leaves
                |> Array.forall (fun leaf -> not (isNull leaf) && leaf |> Seq.forall known.Contains))
            (fun () -> $"leaves must be one or more paths of the letters {known}, but are [{shown}].")

        let inner = HashSet<string>()

        for leaf in leaves do
            for length in 0 .. leaf.Length - 1 do
                inner.Add leaf[.. length - 1] |> ignore

        // Complete: every child of an inner node is an inner node or a leaf; without overlap: no leaf is inner, none is there twice.
        let isBasis =
            Array.distinct leaves |> Array.length = leaves.Length
            && leaves |> Array.forall (inner.Contains >> not)
            && inner
               |> Seq.forall (fun path ->
                   known
                   |> Seq.forall (fun letter ->
                       inner.Contains(path + string letter)
                       || Array.contains (path + string letter) leaves))

        Guard.holds "leaves" isBasis (fun () ->
            $"leaves must be the ends of one whole tree, so that every coefficient belongs to exactly one, but are [{shown}].")

        grow (fun node -> inner.Contains node.Path) space

    let private subband (node: Node) : Subband =
        {
            Path = node.Path
            Start = Array.AsReadOnly node.Start
            Shape = Array.AsReadOnly node.Shape
        }

    let subbands (leaves: Node[]) : IReadOnlyList<Subband> =
        Array.AsReadOnly(leaves |> Array.map subband)

    /// How often a length can be halved: while it is even, or while there are two entries.
    let rec halvings (border: WaveletBorder) (n: int64) =
        let can = n >= 2L && (border = WaveletBorder.Symmetric || n % 2L = 0L)
        if can then 1 + halvings border ((n + 1L) / 2L) else 0

    /// Refuses a tree that splits what cannot be split.
    let check (name: string) (wavelet: Wavelet) (splits: Node[]) (space: Space) =
        let fits (n: int64) = halvings wavelet.Border n > 0

        match splits |> Array.tryFind (fun node -> not (Array.forall fits node.Shape)) with
        | None -> ()
        | Some node ->
            let needed =
                if wavelet.Border = WaveletBorder.Periodic then
                    "even (symmetric borders, of biorthogonal wavelets, take any)"
                else
                    "at least 2"

            raise (
                ArgumentException(
                    $"{name} must lead to splits of sizes that are {needed}, but with {wavelet} on {space} node \"{node.Path}\" of size {Guard.showShape node.Shape} is to be split.",
                    name
                )
            )
