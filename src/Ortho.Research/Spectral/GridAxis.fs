namespace Ortho

open System

/// What holds at the two ends of an axis.
[<RequireQualifiedAccess>]
type Boundary =
    /// u is given at both ends.
    | Dirichlet
    /// du/dx is given at both ends.
    | Neumann
    /// The axis closes on itself.
    | Periodic
    /// u is given at the low end, du/dx at the high one.
    | DirichletNeumann
    /// du/dx is given at the low end, u at the high one.
    | NeumannDirichlet

    /// Whether u is given at the low end.
    member this.IsDirichletBelow =
        this = Boundary.Dirichlet || this = Boundary.DirichletNeumann

    /// Whether u is given at the high end.
    member this.IsDirichletAbove =
        this = Boundary.Dirichlet || this = Boundary.NeumannDirichlet

/// Where the points of an axis lie.
[<RequireQualifiedAccess>]
type GridPoints =
    /// On the ends of cells: a Neumann end is itself a point, a Dirichlet end lies one spacing outside.
    | Nodes
    /// In the middle of cells: either end lies half a spacing outside.
    | Centres

/// One axis of a grid: what holds at its ends, where its points lie, their number, and their distance.
type GridAxis =
    {
        Boundary: Boundary
        Points: GridPoints
        Size: int64
        Spacing: float
    }

    /// Spacings from the low end to the first point.
    member private this.Start =
        match this.Points, this.Boundary with
        | GridPoints.Centres, Boundary.Periodic -> 0.0
        | GridPoints.Centres, _ -> 0.5
        | GridPoints.Nodes, boundary -> if boundary.IsDirichletBelow then 1.0 else 0.0

    /// The distance of the two ends; the period of a periodic axis.
    member this.Length =
        let after =
            match this.Points, this.Boundary with
            | _, Boundary.Periodic -> 1.0
            | GridPoints.Centres, _ -> 0.5
            | GridPoints.Nodes, boundary -> if boundary.IsDirichletAbove then 1.0 else 0.0

        this.Spacing * (this.Start + float (this.Size - 1L) + after)

    /// The distance of each point from the low end; of a periodic axis, from its first point.
    member this.Places: float[] =
        Array.init (int this.Size) (fun i -> this.Spacing * (this.Start + float i))

/// <summary>What an axis of a grid is to its transform.</summary>
/// <remarks>The eight cosine and sine transforms are the eight pairs of Dirichlet and Neumann ends on nodes and on cell centres (Strang, The discrete cosine
/// transform, 1999): each row is a wave that fits the ends, sampled at the points; on nodes a Neumann end counts half.</remarks>
module internal GridAxis =

    /// The angle by which wave k turns from point to point.
    let angles (axis: GridAxis) : float[] =
        let n = float axis.Size

        let angle (k: float) =
            match axis.Points, axis.Boundary with
            | _, Boundary.Periodic -> 2.0 * Math.PI * min k (n - k) / n
            | _, (Boundary.DirichletNeumann | Boundary.NeumannDirichlet) -> Math.PI * (k + 0.5) / n
            | GridPoints.Nodes, Boundary.Dirichlet -> Math.PI * (k + 1.0) / (n + 1.0)
            | GridPoints.Nodes, Boundary.Neumann -> Math.PI * k / (n - 1.0)
            | GridPoints.Centres, Boundary.Dirichlet -> Math.PI * (k + 1.0) / n
            | GridPoints.Centres, Boundary.Neumann -> Math.PI * k / n

        Array.init (int axis.Size) (fun k -> angle (float k))

    /// Whether a constant fits both ends.
    let isClosed (axis: GridAxis) =
        axis.Boundary = Boundary.Neumann || axis.Boundary = Boundary.Periodic

    /// The cosine or sine transform whose rows are the waves of the axis; none for a periodic one.
    let tryCosine (axis: GridAxis) : CosineType option =
        match axis.Points, axis.Boundary with
        | _, Boundary.Periodic -> None
        | GridPoints.Nodes, Boundary.Dirichlet -> Some CosineType.DstI
        | GridPoints.Nodes, Boundary.Neumann -> Some CosineType.DctI
        | GridPoints.Nodes, Boundary.DirichletNeumann -> Some CosineType.DstIII
        | GridPoints.Nodes, Boundary.NeumannDirichlet -> Some CosineType.DctIII
        | GridPoints.Centres, Boundary.Dirichlet -> Some CosineType.DstII
        | GridPoints.Centres, Boundary.Neumann -> Some CosineType.DctII
        | GridPoints.Centres, Boundary.DirichletNeumann -> Some CosineType.DstIV
        | GridPoints.Centres, Boundary.NeumannDirichlet -> Some CosineType.DctIV

    /// The part of each point's cell that lies inside: 1/2 at a Neumann end on nodes, 1 elsewhere.
    let weights (axis: GridAxis) : float[] =
        let isHalf isDirichlet =
            axis.Points = GridPoints.Nodes
            && axis.Boundary <> Boundary.Periodic
            && not isDirichlet

        let last = int axis.Size - 1

        Array.init (int axis.Size) (fun i ->
            if
                i = 0 && isHalf axis.Boundary.IsDirichletBelow
                || i = last && isHalf axis.Boundary.IsDirichletAbove
            then
                0.5
            else
                1.0)

    /// An array over the grid, the last axis fastest, from one array for each axis.
    let outer (join: float -> float -> float) (each: GridAxis -> float[]) (axes: GridAxis[]) : float[] =
        axes
        |> Array.map each
        |> Array.reduce (fun slow fast -> Array.allPairs slow fast |> Array.map (fun (a, b) -> join a b))

    let space (axes: GridAxis[]) =
        axes |> Array.map _.Size |> Space.ofShape
