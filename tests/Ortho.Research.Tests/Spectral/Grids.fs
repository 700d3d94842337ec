namespace Ortho.Tests

open System
open Ortho
open TorchSharp

/// Random grids, and what the maps of a grid are when written out point by point.
module Grids =

    let boundaries =
        [
            Boundary.Dirichlet
            Boundary.Neumann
            Boundary.Periodic
            Boundary.DirichletNeumann
            Boundary.NeumannDirichlet
        ]

    /// Every kind of axis: the ends and the place of the points.
    let kinds =
        [
            for points in [ GridPoints.Nodes; GridPoints.Centres ] do
                for boundary in boundaries do
                    points, boundary
        ]

    let axis (random: Random) =
        let points, boundary = kinds[random.Next kinds.Length]
        Poisson.axisOn points boundary (2L + int64 (random.Next 6)) (0.1 + random.NextDouble())

    /// One to three axes, from a seed.
    let draw (case: Case) =
        let random = Random case.Seed
        Array.init (1 + random.Next 3) (fun _ -> axis random)

    let shape (axes: GridAxis[]) = axes |> Array.map _.Size

    let isSingular (axes: GridAxis[]) =
        axes
        |> Array.forall (fun axis -> axis.Boundary = Boundary.Neumann || axis.Boundary = Boundary.Periodic)

    let isDirichlet (axis: GridAxis) (isLow: bool) =
        match axis.Boundary with
        | Boundary.Dirichlet -> true
        | Boundary.DirichletNeumann -> isLow
        | Boundary.NeumannDirichlet -> not isLow
        | _ -> false

    /// The second difference of one axis, with what each end says of the value outside.
    let private line (axis: GridAxis) =
        let n = int axis.Size
        let matrix = Array2D.zeroCreate<float> n n

        for i in 0 .. n - 1 do
            let add j weight =
                matrix[i, j] <- matrix[i, j] + weight / (axis.Spacing * axis.Spacing)

            add i -2.0

            for j in [ i - 1; i + 1 ] do
                if j >= 0 && j < n then
                    add j 1.0
                elif axis.Boundary = Boundary.Periodic then
                    add ((j + n) % n) 1.0
                else
                    match axis.Points, isDirichlet axis (j < 0) with
                    | GridPoints.Nodes, true -> ()
                    // The mirror image about the end point.
                    | GridPoints.Nodes, false -> add (2 * i - j) 1.0
                    | GridPoints.Centres, true -> add i -1.0
                    | GridPoints.Centres, false -> add i 1.0

        torch.tensor matrix

    /// The Laplacian as a matrix: a Kronecker sum.
    let laplacian (axes: GridAxis[]) =
        axes
        |> Array.mapi (fun i axis ->
            axes
            |> Array.mapi (fun j other ->
                if i = j then
                    line axis
                else
                    torch.eye (other.Size, dtype = torch.float64))
            |> Array.reduce (fun a b -> torch.kron (a, b)))
        |> Array.reduce _.add

    /// The share of a cell that belongs to each point, row-major: a Neumann end on a node has half a cell in each direction.
    let weights (axes: GridAxis[]) =
        axes
        |> Array.map (fun axis ->
            let n = int axis.Size

            let isHalf isLow =
                axis.Points = GridPoints.Nodes
                && axis.Boundary <> Boundary.Periodic
                && not (isDirichlet axis isLow)

            Array.init n (fun i ->
                if i = 0 && isHalf true || i = n - 1 && isHalf false then
                    0.5
                else
                    1.0)
            |> torch.tensor)
        |> Array.reduce (fun a b -> torch.kron (a, b))

    /// The mean of a function on the grid.
    let mean (axes: GridAxis[]) (f: torch.Tensor) =
        let weights = weights axes
        (f.flatten().mul(weights).sum().div(weights.sum ())).item<float>()

    let minusMean (axes: GridAxis[]) (f: torch.Tensor) =
        f.sub (torch.full_like (f, (mean axes f).ToScalar()))

    /// The grid with a layer around it, row-major: a value for each place and its index (-1 and Size outside).
    /// What lies outside is where data are given: an end, which on nodes is the Neumann point itself.
    let surrounded (axes: GridAxis[]) (value: float[] -> int[] -> float) =
        let sizes = shape axes |> Array.map (fun n -> int n + 2)
        let strides = Array.init sizes.Length (fun i -> Array.fold (*) 1 sizes[i + 1 ..])

        let place (axis: GridAxis) (i: int) =
            if i < 0 then 0.0
            elif i = int axis.Size then axis.Length
            else axis.Places[i]

        Array.init (Array.reduce (*) sizes) (fun flat ->
            let index = Array.map2 (fun stride size -> flat / stride % size - 1) strides sizes
            value (Array.map2 place axes index) index)
        |> fun numbers -> torch.tensor(numbers).reshape(Array.map int64 sizes)

    /// A function on the grid.
    let sampled (axes: GridAxis[]) (u: float[] -> float) =
        Array.fold
            (fun (g: torch.Tensor) i -> g.narrow (int64 i, 1L, axes[i].Size))
            (surrounded axes (fun x _ -> u x))
            [| 0 .. axes.Length - 1 |]

    /// Boundary data of a function with the given slopes; 1e3 wherever nothing may be read.
    let data (axes: GridAxis[]) (u: float[] -> float) (slope: float[] -> int -> float) =
        surrounded axes (fun x index ->
            let outside =
                [|
                    for i in 0 .. axes.Length - 1 do
                        if index[i] < 0 || index[i] = int axes[i].Size then
                            i
                |]

            match outside with
            | [| i |] when axes[i].Boundary <> Boundary.Periodic ->
                if isDirichlet axes[i] (index[i] < 0) then
                    u x
                else
                    (if index[i] < 0 then -1.0 else 1.0) * slope x i
            | _ -> 1e3)
