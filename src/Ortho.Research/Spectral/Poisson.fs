namespace Ortho

open System
open TorchSharp

/// What holds at the two ends of an axis.
[<RequireQualifiedAccess>]
type Boundary =
    /// u = 0 one spacing outside the first and the last point: the points are the interior ones, spacing = length / (size + 1).
    | Dirichlet
    /// du/dx = 0 half a spacing outside the first and the last point: the points are cell centres, spacing = length / size.
    | Neumann

/// One axis of a grid: what holds at its ends, its number of points, and their distance.
type GridAxis =
    {
        Boundary: Boundary
        Size: int64
        Spacing: float
    }

/// <summary>The second-order Laplacian on grids of one to three axes (3, 5 or 7 points), and its inverse by fast sine and cosine transforms.</summary>
/// <remarks>
/// The second difference (u[i-1] - 2 u[i] + u[i+1]) / h^2 is diagonal in DST-I (Dirichlet) and in DCT-II (Neumann, cell centres), with
/// eigenvalues -(2 sin(pi (k+1) / (2 (n+1))) / h)^2 and -(2 sin(pi k / (2 n)) / h)^2. Hockney 1965; Buzbee, Golub and Nielson 1970. The
/// signs are those of the Laplacian: both maps are negative semidefinite, and <c>solver</c> solves Laplacian u = f.
/// </remarks>
[<RequireQualifiedAccess>]
module Poisson =

    /// <summary>An axis of a grid.</summary>
    /// <param name="boundary">What holds at its ends.</param>
    /// <param name="size">Number of points, at least 1.</param>
    /// <param name="spacing">Distance of neighbouring points, above 0.</param>
    /// <exception cref="T:System.ArgumentException">A size below 1, or a spacing that is not positive and finite.</exception>
    [<CompiledName("Axis")>]
    let axis (boundary: Boundary) (size: int64) (spacing: float) : GridAxis =
        Guard.positive "size" size
        Guard.finite "spacing" spacing
        Guard.holds "spacing" (spacing > 0.0) (fun () -> $"spacing must be above 0, but is {spacing}.")

        {
            Boundary = boundary
            Size = size
            Spacing = spacing
        }

    let private checkedAxes (axes: seq<GridAxis>) =
        Guard.notNull "axes" axes
        let axes = Seq.toArray axes

        Guard.holds "axes" (axes.Length >= 1 && axes.Length <= 3) (fun () ->
            $"axes must be one to three, but are {axes.Length}.")

        axes |> Array.map (fun a -> axis a.Boundary a.Size a.Spacing)

    let private spaceOf (axes: GridAxis[]) =
        axes |> Array.map _.Size |> Space.ofShape

    /// h^2 times the second difference on a line.
    let private secondDifference (boundary: Boundary) (n: int64) : LinearMap =
        let act =
            Actions.scoped (fun x ->
                let last = x.ndim - 1L
                let y = multiply -2.0 x
                let from start length = x.narrow (last, start, length)
                let at start length = y.narrow (last, start, length)

                if n > 1L then
                    addInPlace (at 1L (n - 1L)) (from 0L (n - 1L))
                    addInPlace (at 0L (n - 1L)) (from 1L (n - 1L))

                if boundary = Boundary.Neumann then
                    addInPlace (at 0L 1L) (from 0L 1L)
                    addInPlace (at (n - 1L) 1L) (from (n - 1L) 1L)

                y)

        Build.leaf $"δ²[{n}]" (Space.Of n) (Space.Of n) Traits.SelfAdjoint (Nullable()) act act
        |> LinearFunction.Wrap

    /// <summary>The Laplacian of a grid, with the neighbours of each point.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A self-adjoint map of [n1; n2; ...].</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("Laplacian")>]
    let laplacian (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes

        axes
        |> Array.mapi (fun i along ->
            axes
            |> Array.mapi (fun j other ->
                if i = j then
                    (1.0 / (along.Spacing * along.Spacing))
                    * secondDifference along.Boundary along.Size
                else
                    LinearMap.identity (Space.Of other.Size))
            |> Simplify.kronecker)
        |> Array.reduce (+)

    /// Row r of x is added to row t of y on the last axis, for each pair r, t.
    let private picked (source: int64) (target: int64) (pairs: (struct (int64 * int64 * int64))[]) name : LinearMap =
        let act length (pairs: (struct (int64 * int64 * int64))[]) =
            Actions.scoped (fun x ->
                let last = x.ndim - 1L
                let y = x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| length |])

                for struct (from, at, count) in pairs do
                    addInPlace (y.narrow (last, at, count)) (x.narrow (last, from, count))

                y)

        let back =
            pairs |> Array.map (fun (struct (from, at, count)) -> struct (at, from, count))

        Build.leaf
            name
            (Space.Of source)
            (Space.Of target)
            Traits.None
            (Nullable())
            (act target pairs)
            (act source back)
        |> LinearFunction.Wrap

    /// <summary>What given boundary data add to the Laplacian: of u with data g it is laplacian u + boundaryTerms g, so that
    /// solver (f - boundaryTerms g) solves Laplacian u = f with those data.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A map from [n1 + 2; n2 + 2; ...] to [n1; n2; ...]. Its input is the grid with one layer around it, of which only the layer is
    /// read, without edges and corners: values of u one spacing outside at Dirichlet ends, outward derivatives of u at Neumann ends.</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("BoundaryTerms")>]
    let boundaryTerms (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes

        let inside (n: int64) =
            picked (n + 2L) n [| struct (1L, 0L, n) |] $"inside[{n}]"

        let ends (along: GridAxis) =
            let n = along.Size

            let weight =
                match along.Boundary with
                | Boundary.Dirichlet -> 1.0 / (along.Spacing * along.Spacing)
                | Boundary.Neumann -> 1.0 / along.Spacing

            weight
            * picked (n + 2L) n [| struct (0L, 0L, 1L); struct (n + 1L, n - 1L, 1L) |] $"ends[{n}]"

        axes
        |> Array.mapi (fun i along ->
            axes
            |> Array.mapi (fun j other -> if i = j then ends along else inside other.Size)
            |> Simplify.kronecker)
        |> Array.reduce (+)

    /// The eigenvalues of one axis, in the order of its transform.
    let private eigenvaluesOf (along: GridAxis) =
        let n = float along.Size

        Array.init (int along.Size) (fun k ->
            let angle =
                match along.Boundary with
                | Boundary.Dirichlet -> Math.PI * float (k + 1) / (2.0 * (n + 1.0))
                | Boundary.Neumann -> Math.PI * float k / (2.0 * n)

            -((2.0 * sin angle / along.Spacing) ** 2.0))

    let private sums (axes: GridAxis[]) =
        axes
        |> Array.map eigenvaluesOf
        |> Array.reduce (fun slow fast -> Array.allPairs slow fast |> Array.map (fun (a, b) -> a + b))

    /// <summary>The eigenvalues of the Laplacian, at the places that the transforms of its axes give them.</summary>
    /// <returns>float64 on the CPU, shape [n1; n2; ...]; not positive, and 0 only for the constant of an all-Neumann grid.</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    [<CompiledName("Eigenvalues")>]
    let eigenvalues (axes: seq<GridAxis>) : torch.Tensor =
        let axes = checkedAxes axes
        use flat = vector TensorKind.float64 (sums axes)
        flat.reshape (spaceOf axes).Axes

    /// <summary>The inverse of the Laplacian: f -> u with Laplacian u = f, by a transform along each axis, a division, and the way back.</summary>
    /// <param name="axes">One to three axes.</param>
    /// <returns>A self-adjoint map of [n1; n2; ...].</returns>
    /// <exception cref="T:System.ArgumentException">No axis or more than three, or a bad one.</exception>
    /// <remarks>With Neumann ends on every axis a constant can be added to u, and f must have mean 0: the map is the pseudo-inverse, which takes
    /// f minus its mean to the u of mean 0; <c>incompatibility</c> says how large that mean is. Round-off grows with the condition number, about (n / h)^2 h^2 = n^2.</remarks>
    [<CompiledName("Solver")>]
    let solver (axes: seq<GridAxis>) : LinearMap =
        let axes = checkedAxes axes
        let space = spaceOf axes

        let kinds =
            axes
            |> Array.map (fun along ->
                match along.Boundary with
                | Boundary.Dirichlet -> CosineType.DstI
                | Boundary.Neumann -> CosineType.DctII)

        let transform = Cosine.separable kinds space

        let reciprocal =
            sums axes
            |> Array.map (fun value -> if value = 0.0 then 0.0 else 1.0 / value)
            |> FixedDiagonal.ofNumbers $"Λ⁺{space}" space

        transform.Adjoint * reciprocal * transform

    /// <summary>How far a right-hand side is from one that the Laplacian can give: 0 where Laplacian u = f has a solution, 1 for a constant f with
    /// Neumann ends on every axis, where f must have mean 0 (subtract <c>boundaryTerms</c> first).</summary>
    /// <param name="axes">One to three axes.</param>
    /// <param name="f">Shape [*batch; n1; n2; ...].</param>
    /// <returns>|mean f| over |f| + |f - mean f|, each a norm over the whole batch.</returns>
    /// <exception cref="T:System.ArgumentException">A bad axis, or f does not fit the grid.</exception>
    [<CompiledName("Incompatibility")>]
    let incompatibility (axes: seq<GridAxis>) (f: torch.Tensor) : float =
        let axes = checkedAxes axes
        let space = spaceOf axes
        use checkedF = (LinearMap.identity space).Apply f

        if axes |> Array.exists (fun along -> along.Boundary = Boundary.Dirichlet) then
            0.0
        else
            use _ = torch.NewDisposeScope()
            let overGrid = Array.init axes.Length (fun i -> int64 (i - axes.Length))
            Law.distance checkedF (checkedF .- checkedF.mean (overGrid, keepdim = true))
