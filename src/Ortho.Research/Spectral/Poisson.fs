namespace Ortho

open System
open TorchSharp

/// <summary>The second-order Laplacian on grids of one to three axes (3, 5 or 7 points), and its inverse by fast sine and cosine transforms.</summary>
/// <remarks>
/// The second difference (u[i-1] - 2 u[i] + u[i+1]) / h^2, with values outside that follow from the ends, is diagonal in one transform for each pair of ends and
/// place of points, with eigenvalues -(2 sin(angle / 2) / h)^2 (Hockney 1965; Buzbee, Golub and Nielson 1970; Strang 1999):
/// <code>
/// ends                nodes                                 cell centres
/// Dirichlet           DST-I,   h = length/(n+1)             DST-II,  h = length/n
/// Neumann             DCT-I,   h = length/(n-1)             DCT-II,  h = length/n
/// Dirichlet-Neumann   DST-III, h = length/n                 DST-IV,  h = length/n
/// Neumann-Dirichlet   DCT-III, h = length/n                 DCT-IV,  h = length/n
/// periodic            Hartley, h = length/n
/// </code>
/// Every one converges with order 2. The signs are those of the Laplacian: maps are negative semidefinite, and <c>solver</c> solves Laplacian u = f.
/// They are self-adjoint, except that a Neumann end on nodes makes them so under weights only, 1/2 at that end. <c>GoodSize</c> tells fast sizes.
/// </remarks>
[<RequireQualifiedAccess>]
module Poisson =

    /// <summary>An axis of a grid, its points on nodes or cell centres.</summary>
    /// <param name="points">Where the points lie; the same for a periodic axis.</param>
    /// <param name="boundary">What holds at its ends.</param>
    /// <param name="size">Number of points, at least 1; at least 2 for Neumann ends on nodes.</param>
    /// <param name="spacing">Distance of neighbouring points, above 0.</param>
    /// <exception cref="T:System.ArgumentException">A size that is too small, or a spacing that is not positive and finite.</exception>
    [<CompiledName("AxisOn")>]
    let axisOn (points: GridPoints) (boundary: Boundary) (size: int64) (spacing: float) : GridAxis =
        Guard.notNull "points" points
        Guard.notNull "boundary" boundary

        let least =
            if boundary = Boundary.Neumann && points = GridPoints.Nodes then
                2L
            else
                1L

        Guard.atLeast "size" least size
        Guard.finite "spacing" spacing
        Guard.holds "spacing" (spacing > 0.0) (fun () -> $"spacing must be above 0, but is {spacing}.")

        {
            Boundary = boundary
            Points = points
            Size = size
            Spacing = spacing
        }

    /// <summary>An axis of a grid with the points that are usual for its ends: interior nodes for Dirichlet ends, cell centres where an end is Neumann's.</summary>
    /// <param name="boundary">What holds at its ends.</param>
    /// <param name="size">Number of points, at least 1.</param>
    /// <param name="spacing">Distance of neighbouring points, above 0: length / (size + 1) for Dirichlet ends, length / size for all others.</param>
    /// <exception cref="T:System.ArgumentException">A size below 1, or a spacing that is not positive and finite.</exception>
    [<CompiledName("Axis")>]
    let axis (boundary: Boundary) (size: int64) (spacing: float) : GridAxis =
        Guard.notNull "boundary" boundary

        let points =
            match boundary with
            | Boundary.Dirichlet
            | Boundary.Periodic -> GridPoints.Nodes
            | _ -> GridPoints.Centres

        axisOn points boundary size spacing

    let internal checkedAxes (axes: seq<GridAxis>) =
        Guard.notNull "axes" axes
        let axes = Seq.toArray axes

        Guard.holds "axes" (axes.Length >= 1 && axes.Length <= 3) (fun () ->
            $"axes must be one to three, but are {axes.Length}.")

        axes |> Array.map (fun a -> axisOn a.Points a.Boundary a.Size a.Spacing)

    /// <summary>The transform that an axis is solved by, for <c>GoodSize</c>.</summary>
    /// <exception cref="T:System.ArgumentException">An axis that no constructor would make.</exception>
    [<CompiledName("Transform")>]
    let transform (axis: GridAxis) : TransformType =
        Guard.notNull "axis" axis

        match checkedAxes [ axis ] |> Array.head |> GridAxis.tryCosine with
        | Some kind -> TransformType.Cosine kind
        | None -> TransformType.Fourier

    /// <summary>The Laplacian of a grid, with the neighbours of each point.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A map of [n1; n2; ...], self-adjoint unless a Neumann end lies on a node.</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("Laplacian")>]
    let laplacian (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes

        axes
        |> Array.mapi (fun i along ->
            axes
            |> Array.mapi (fun j other ->
                if i = j then
                    (1.0 / (along.Spacing * along.Spacing)) * SecondDifference.ofAxis along
                else
                    LinearMap.identity (Space.Of other.Size))
            |> Simplify.kronecker)
        |> Array.reduce (+)

    /// <summary>What given boundary data add to the Laplacian: of u with data g it is laplacian u + boundaryTerms g, so that
    /// solver (f - boundaryTerms g) solves Laplacian u = f with those data.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A map from [n1 + 2; n2 + 2; ...] to [n1; n2; ...]. Its input is the grid with one layer around it, of which only the layer is
    /// read, without edges and corners: the value of u at a Dirichlet end, the outward derivative of u at a Neumann end, nothing on a periodic axis.</returns>
    /// <remarks>Exact for polynomials of degree 2, except that a Dirichlet end half a spacing outside gives 2 g - u[0] to the point beyond it, which is exact for
    /// degree 1: the solution is of order 2 all the same.</remarks>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("BoundaryTerms")>]
    let boundaryTerms (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes

        let inside (n: int64) =
            SecondDifference.picked (n + 2L) n [| struct (1L, 0L, n) |] $"inside[{n}]"

        let ends (along: GridAxis) =
            let n = along.Size

            let weight isDirichlet =
                match along.Points, isDirichlet with
                | GridPoints.Nodes, true -> 1.0 / (along.Spacing * along.Spacing)
                | GridPoints.Centres, true -> 2.0 / (along.Spacing * along.Spacing)
                | GridPoints.Nodes, false -> 2.0 / along.Spacing
                | GridPoints.Centres, false -> 1.0 / along.Spacing

            weight along.Boundary.IsDirichletBelow
            * SecondDifference.picked (n + 2L) n [| struct (0L, 0L, 1L) |] $"low[{n}]"
            + weight along.Boundary.IsDirichletAbove
              * SecondDifference.picked (n + 2L) n [| struct (n + 1L, n - 1L, 1L) |] $"high[{n}]"

        let surrounded = axes |> Array.map (fun axis -> axis.Size + 2L) |> Space.ofShape

        axes
        |> Array.mapi (fun i along ->
            if along.Boundary = Boundary.Periodic then
                LinearMap.zero surrounded (GridAxis.space axes)
            else
                axes
                |> Array.mapi (fun j other -> if i = j then ends along else inside other.Size)
                |> Simplify.kronecker)
        |> Array.reduce (+)

    let private sums (axes: GridAxis[]) =
        GridAxis.outer
            (+)
            (fun axis ->
                GridAxis.angles axis
                |> Array.map (fun angle -> -((2.0 * sin (angle / 2.0) / axis.Spacing) ** 2.0)))
            axes

    /// <summary>The eigenvalues of the Laplacian, at the places that the transforms of its axes give them.</summary>
    /// <returns>float64 on the CPU, shape [n1; n2; ...]; not positive, and 0 only for the constant of a grid whose axes are all Neumann or periodic.</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("Eigenvalues")>]
    let eigenvalues (axes: seq<GridAxis>) : torch.Tensor =
        let axes = checkedAxes axes
        use flat = vector TensorKind.float64 (sums axes)
        flat.reshape (GridAxis.space axes).Axes

    /// 1 / (value - lambda), and 0 for 1 / 0.
    let internal reciprocals (lambda: float) (values: float[]) =
        values
        |> Array.map (fun value -> if value - lambda = 0.0 then 0.0 else 1.0 / (value - lambda))

    let internal checkedLambda (lambda: float) =
        Guard.finite "lambda" lambda
        Guard.atLeast "lambda" 0.0 lambda

    /// <summary>The inverse of the Laplacian: f -> u with Laplacian u = f, by a transform along each axis, a division, and the way back.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A map of [n1; n2; ...], self-adjoint unless a Neumann end lies on a node.</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    /// <remarks>With Neumann ends or a period on every axis a constant can be added to u, and f must have mean 0 (a Neumann end on a node counts half): the map takes
    /// f minus its mean to the u of mean 0; <c>incompatibility</c> says how large that mean is. Round-off grows with the condition number, about (n / h)^2 h^2 = n^2.</remarks>
    [<CompiledName("Solver")>]
    let solver (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes
        GridTransform.diagonal $"Λ⁺{GridAxis.space axes}" axes (reciprocals 0.0 (sums axes))

    /// <summary>The solver of the screened Poisson equation (Laplacian - lambda) u = f, also called modified Helmholtz: f -> u.</summary>
    /// <param name="lambda">At least 0; at 0 the map is <c>solver</c>. An implicit step of u' = Laplacian u solves with lambda = 1 / step and f = -lambda u.</param>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A map of [n1; n2; ...], self-adjoint unless a Neumann end lies on a node. Boundary data enter f as for <c>solver</c>.</returns>
    /// <exception cref="T:System.ArgumentException">lambda is negative or not finite; no axis or more than three, or a bad one.</exception>
    [<CompiledName("ScreenedSolver")>]
    let screenedSolver (lambda: float) (axes: seq<GridAxis>) : LinearMap =
        checkedLambda lambda
        let axes = checkedAxes axes

        if lambda = 0.0 then
            solver axes
        else
            GridTransform.diagonal $"(Λ{GridAxis.space axes} - {lambda})⁻¹" axes (reciprocals lambda (sums axes))

    /// <summary>How far a right-hand side is from one that the Laplacian can give: 0 where Laplacian u = f has a solution, 1 for a constant f with
    /// Neumann ends or a period on every axis, where f must have mean 0 (subtract <c>boundaryTerms</c> first).</summary>
    /// <param name="axes">One to three axes.</param>
    /// <param name="f">Shape [*batch; n1; n2; ...].</param>
    /// <returns>|mean f| over |f| + |f - mean f|, each a norm over the whole batch; in the mean a Neumann end on a node counts half.</returns>
    /// <exception cref="T:System.ArgumentException">A bad axis, or f does not fit the grid.</exception>
    [<CompiledName("Incompatibility")>]
    let incompatibility (axes: seq<GridAxis>) (f: torch.Tensor) : float =
        Guard.live "f" f
        let axes = checkedAxes axes
        let space = GridAxis.space axes
        use checkedF = (LinearMap.identity space).Apply f

        if axes |> Array.forall GridAxis.isClosed then
            use _ = torch.NewDisposeScope()
            let overGrid = Array.init axes.Length (fun i -> int64 (i - axes.Length))
            let weights = GridAxis.outer (*) GridAxis.weights axes
            let total = Array.sum weights

            let shares =
                Table.ofNumbers space.Axes (weights |> Array.map (fun weight -> weight / total))

            let mean = (Table.times shares checkedF).sum(ReadOnlySpan overGrid, keepdim = true)

            Law.distance checkedF (checkedF .- mean)
        else
            0.0
