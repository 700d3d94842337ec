namespace Ortho.Lab

open System
open Ortho
open Plotly.NET

/// What a diagram's head (the sign of n values) is tied to.
type Head =
    /// No head.
    | NoHead
    /// The free vertices of an (l+k)\n-diagram: a tentacle to each.
    | OfFreeVertices
    /// The blocks of a jellyfish diagram of A_n: n tentacles, one to the first vertex of each block; for n - 1 blocks the last is loose.
    | OfBlocks of n: int

/// How diagrams are drawn.
type DiagramStyle =
    {
        /// Whether blocks of one vertex are drawn hollow.
        HollowFree: bool
        /// The head, if the diagram has one.
        Head: Head
        /// The distance of the two rows, in distances of two vertices of a row.
        Height: float
    }

/// <summary>Pictures of partition diagrams: two rows of dots, the output's on top, one colour for each block.</summary>
/// <remarks>A block of b vertices is drawn by b - 1 strands: arcs between neighbours in a row, wider ones deeper, and one strand through the
/// diagram between its two nearest vertices of both rows. Arcs stay in their half of the picture.</remarks>
[<RequireQualifiedAccess>]
module DiagramPicture =

    /// Full dots, no head, rows 1.6 apart.
    let defaults =
        {
            HollowFree = false
            Head = NoHead
            Height = 1.6
        }

    /// Free vertices hollow: for Brauer diagrams and (l+k)\n-diagrams.
    let hollow = { defaults with HollowFree = true }

    /// Free vertices hollow and tied to a head: the determinant of an (l+k)\n-diagram.
    let determinant = { hollow with Head = OfFreeVertices }

    /// A head tied to every block: the jellyfish diagrams of A_n.
    let jellyfish (n: int) = { defaults with Head = OfBlocks n }

    let private colour block =
        Figure.palette[block % Figure.palette.Length]

    let private strandWidth, tentacleWidth, tentacle = 2.5, 1.3, "#8A8A8A"

    /// The pairs of vertices that strands join: along each row, and once between the rows.
    let private strands (place: int -> Point) (d: Diagram) (block: int[]) =
        let top, bottom = block |> Array.partition (fun v -> v < d.TopCount)

        let nearest =
            if top.Length = 0 || bottom.Length = 0 then
                [||]
            else
                Array.allPairs top bottom
                |> Array.minBy (fun (t, b) -> abs ((place t).X - (place b).X))
                |> Array.singleton

        Array.concat [ Array.pairwise top; Array.pairwise bottom; nearest ]

    let private check (style: DiagramStyle) (d: Diagram) =
        ArgumentNullException.ThrowIfNull(d, "d")

        if not (style.Height > 0.0 && Double.IsFinite style.Height) then
            raise (ArgumentException($"style must have a height above 0, but has {style.Height}.", nameof style))

        match style.Head with
        | OfFreeVertices when not (Brauer.isBrauer (Brauer.freeVertices d).Length d) ->
            raise (
                ArgumentException(
                    $"d must have free vertices and else pairs for a head of free vertices, but is {d}.",
                    nameof d
                )
            )
        | OfFreeVertices when (Brauer.freeVertices d).Length = 0 ->
            raise (ArgumentException($"d must have a free vertex for a head, but is {d}.", nameof d))
        | OfBlocks n when d.BlockCount <> n && d.BlockCount <> n - 1 ->
            raise (
                ArgumentException(
                    $"d must have {n} or {n - 1} blocks for a head of {n} tentacles, but has {d.BlockCount}: {d}.",
                    nameof d
                )
            )
        | _ -> ()

    /// The vertices that tentacles go to, and the number of loose ones.
    let private held (style: DiagramStyle) (d: Diagram) =
        match style.Head with
        | NoHead -> [||], 0
        | OfFreeVertices -> Brauer.freeVertices d, 0
        | OfBlocks n -> d.Partition.Blocks |> Array.map Array.head, n - d.BlockCount

    /// <summary>A diagram as a sketch: a dot for each vertex, and as many strands as it has vertices less blocks.</summary>
    /// <param name="style">How it is drawn.</param>
    /// <param name="d">The diagram.</param>
    /// <returns>Strokes: with a head its tentacles and then itself; then the strands, by block.</returns>
    /// <exception cref="T:System.ArgumentException">The style asks for a head that the diagram cannot have.</exception>
    let sketch (style: DiagramStyle) (d: Diagram) : Sketch =
        check style d
        let height = style.Height
        let columns = max d.TopCount d.BottomCount
        let free, loose = held style d
        let shift = if style.Head = NoHead then 0.0 else 1.2

        // A shorter row stands in the middle.
        let place vertex =
            let count, position, y =
                if vertex < d.TopCount then
                    d.TopCount, vertex, height
                else
                    d.BottomCount, vertex - d.TopCount, 0.0

            {
                X = shift + float position + float (columns - count) / 2.0
                Y = y
            }

        // The widest arc of a row stops short of the middle.
        let curve (a, b) =
            let isTop v = v < d.TopCount

            if isTop a <> isTop b then
                Sketch.upright (place a) (place b)
            else
                let span = float (b - a - 1) / float (max 1 (columns - 2))
                let depth = height * (0.2 + 0.24 * span)
                Sketch.arc (if isTop a then depth else -depth) (place a) (place b)

        let strand block pair =
            {
                Points = curve pair
                Colour = colour block
                Width = strandWidth
            }

        // From the head's right side; tentacles in the order of the circle (top row, then bottom row backwards) do not cross.
        let head = { X = 0.25; Y = height / 2.0 }

        let ordered =
            free |> Array.sortBy (fun v -> if v < d.TopCount then v else 1_000_000 - v)

        let limb index vertex =
            let total = free.Length + loose
            let spread = 0.36 * (0.5 - (float index + 0.5) / float total)

            let root =
                {
                    X = head.X + 0.1
                    Y = head.Y + spread
                }

            let foot = place vertex
            // It comes from the left, so that a strand that leaves upright is not covered.
            let bend = { root with X = foot.X - 0.3 }

            {
                Points =
                    [
                        root
                        bend
                        { bend with
                            Y = (root.Y + foot.Y) / 2.0
                        }
                        foot
                    ]
                Colour = tentacle
                Width = tentacleWidth
            }

        let looseLimb =
            let root = { X = head.X; Y = head.Y - 0.2 }
            let foot = { X = head.X - 0.05; Y = head.Y - 0.55 }
            let bend = { X = head.X + 0.12; Y = head.Y - 0.35 }

            {
                Points = [ root; bend; bend; foot ]
                Colour = tentacle
                Width = tentacleWidth
            }

        let body =
            {
                Points = Sketch.line { head with Y = head.Y - 0.2 } { head with Y = head.Y + 0.2 }
                Colour = "#333333"
                Width = 13.0
            }

        {
            Width = shift + float (max 0 (columns - 1))
            Height = height
            Dots =
                [
                    for vertex in 0 .. d.TopCount + d.BottomCount - 1 ->
                        let block = d.BlockOf vertex

                        {
                            Place = place vertex
                            Colour = colour block
                            IsHollow = style.HollowFree && d.Partition.Blocks[block].Length = 1
                        }
                ]
            Strokes =
                [
                    if style.Head <> NoHead then
                        yield! Array.mapi limb ordered
                        yield! List.replicate loose looseLimb
                        body
                    for block in 0 .. d.BlockCount - 1 do
                        yield! strands place d d.Partition.Blocks[block] |> Array.map (strand block)
                ]
        }

    /// <summary>Many small diagrams in rows, in a style, a caption under each.</summary>
    /// <param name="style">How they are drawn.</param>
    /// <param name="columns">Diagrams in a row.</param>
    /// <param name="diagrams">Captions and diagrams, row by row.</param>
    /// <exception cref="T:System.ArgumentException">There is no diagram, columns is less than 1, or a diagram cannot have the style's head.</exception>
    let gridWith (style: DiagramStyle) (columns: int) (diagrams: seq<string * Diagram>) : GenericChart =
        ArgumentNullException.ThrowIfNull(diagrams, nameof diagrams)

        diagrams
        |> Seq.map (fun (caption, d) -> caption, sketch style d)
        |> Seq.toArray
        |> Sketch.grid columns

    /// Many small diagrams in rows, a caption under each; `Figure.titled` gives the whole a title.
    let grid (columns: int) (diagrams: seq<string * Diagram>) : GenericChart = gridWith defaults columns diagrams

    /// One diagram in a style.
    let drawWith (style: DiagramStyle) (d: Diagram) : GenericChart = gridWith style 1 [ "", d ]

    /// One diagram.
    let draw (d: Diagram) : GenericChart = drawWith defaults d
