namespace Ortho

open System
open TorchSharp

/// <summary>Multigrid on grids of one or two axes with zero values around them: transfer, Galerkin operators, smoothing, cycles, each a linear map.</summary>
/// <remarks>
/// <para>Grids have odd sizes n = 2 m + 1: interior points, point i of the coarser grid of m being point 2 i + 1 of the finer. Operators are stencils of 3
/// or 3 x 3 weights, the same at every point: Galerkin coarsening R A P keeps them so, exactly, with zero values outside.</para>
/// <para>A cycle is the map from f to an approximate solution u of A u = f, from u = 0; it is linear in f, and its adjoint is the cycle with every part
/// transposed and the smoothers exchanged. The error of u is (I - cycle A) times the solution. Brandt 1977; Briggs, Henson and McCormick 2000.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Multigrid =

    let private checkFine (space: Space) =
        Stencil.checkGrid space

        Guard.holds "space" (space.Axes |> Array.forall (fun n -> n >= 3L && n % 2L = 1L)) (fun () ->
            $"space must have odd sizes of at least 3 to have a coarser grid, but is {space}.")

    let private checkOptions (options: MultigridOptions) =
        Guard.notNull "options" options
        Guard.finite "options" options.Damping

        Guard.holds "options" (options.Damping > 0.0 && options.PreSweeps >= 0 && options.PostSweeps >= 0) (fun () ->
            $"options must have a positive damping and no negative number of sweeps, but are {options.Damping}, {options.PreSweeps} and {options.PostSweeps}.")

    /// The grid of every second point.
    let private coarser (space: Space) =
        space.Axes |> Array.map (fun n -> (n - 1L) / 2L) |> Space.ofShape

    /// Linear interpolation on a line of n = 2 m + 1 points.
    let private interpolation (n: int64) : LinearMap =
        let m = (n - 1L) / 2L

        let every (start: int64) (count: int64) (x: torch.Tensor) =
            x.slice (x.ndim - 1L, start, start + 2L * count - 1L, 2L)

        let forward =
            Actions.scoped (fun x ->
                let y = x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| n |])
                let half = multiply 0.5 x
                addInPlace (every 1L m y) x
                addInPlace (every 0L m y) half
                addInPlace (every 2L m y) half
                y)

        let backward =
            Actions.scoped (fun y -> every 1L m y .+ multiply 0.5 (every 0L m y .+ every 2L m y))

        Build.leaf $"P[{n}x{m}]" (Space.Of m) (Space.Of n) Traits.None (Nullable()) forward backward
        |> LinearFunction.Wrap

    /// <summary>Linear (bilinear) interpolation from the coarser grid, with zero values outside: (1/2, 1, 1/2) on each axis.</summary>
    /// <param name="space">The finer grid: odd sizes of at least 3.</param>
    /// <returns>A map from the coarser grid to the finer.</returns>
    /// <exception cref="T:System.ArgumentException">Another number of axes, or a size that is even or below 3.</exception>
    [<CompiledName("Prolongation")>]
    let prolongation (space: Space) : LinearMap =
        checkFine space
        space.Axes |> Array.map interpolation |> Simplify.kronecker

    /// <summary>Full weighting to the coarser grid: the adjoint of interpolation over 2 for each axis, (1/4, 1/2, 1/4).</summary>
    /// <param name="space">The finer grid: odd sizes of at least 3.</param>
    /// <returns>A map from the finer grid to the coarser.</returns>
    /// <exception cref="T:System.ArgumentException">Another number of axes, or a size that is even or below 3.</exception>
    [<CompiledName("Restriction")>]
    let restriction (space: Space) : LinearMap =
        let adjoint = (prolongation space).Adjoint
        Simplify.scale (1.0 / float (1 <<< space.Rank)) adjoint

    /// One level around what solves the next, and its transpose.
    let private around (level: MultigridLevel) (next: LinearMap) : LinearMap =
        let act
            (a: LinearMap)
            (pre: LinearMap[])
            (post: LinearMap[])
            (down: LinearMap)
            (up: LinearMap)
            (next: LinearMap)
            =
            Actions.scoped (fun f ->
                let residual (u: torch.Tensor voption) =
                    match u with
                    | ValueNone -> f
                    | ValueSome u -> f .- a.Action u

                let corrected (u: torch.Tensor voption) (correction: torch.Tensor) =
                    match u with
                    | ValueNone -> ValueSome correction
                    | ValueSome u -> ValueSome(u .+ correction)

                let sweep u (smoother: LinearMap) =
                    corrected u (smoother.Action(residual u))

                let smoothed = Array.fold sweep ValueNone pre

                let better =
                    residual smoothed
                    |> down.Action
                    |> next.Action
                    |> up.Action
                    |> corrected smoothed

                (Array.fold sweep better post).Value)

        let adjoints (maps: LinearMap[]) =
            maps |> Array.map _.Adjoint |> Array.rev

        let pre, post = Seq.toArray level.PreSmoothers, Seq.toArray level.PostSmoothers
        let a, down, up = level.Operator, level.Restriction, level.Prolongation
        let all = Array.concat [ [| a; down; up; next |]; pre; post ]
        let kind = Simplify.commonKind "cycle" all

        let isSymmetric =
            let same (x: LinearMap) (y: LinearMap) = Object.ReferenceEquals(x, y)
            // Only what is seen at once: a self-adjoint operator, and equal sweeps that are self-adjoint. Transfer is adjoint up to a factor.
            a.Promises Traits.SelfAdjoint
            && next.Promises Traits.SelfAdjoint
            && pre.Length = post.Length
            && Array.forall2 (fun (x: LinearMap) y -> same x y && x.Promises Traits.SelfAdjoint) pre (Array.rev post)
            && (match down.Form with
                | Scaled(_, inner) -> same inner.Adjoint up
                | _ -> same down.Adjoint up)

        let map =
            Build.leaf
                $"V{a.Domain}"
                a.Domain
                a.Domain
                (Build.given isSymmetric Traits.SelfAdjoint)
                kind
                (act a pre post down up next)
                (act a.Adjoint (adjoints post) (adjoints pre) up.Adjoint down.Adjoint next.Adjoint)

        if kind.HasValue then map else LinearFunction.Wrap map

    /// <summary>The cycle of given levels, finest first: smooth, restrict the residual, solve there by the rest of the cycle, correct, smooth.</summary>
    /// <param name="coarsest">What solves on the grid below the last level, for instance the inverse of its operator.</param>
    /// <param name="levels">One level or more; differentiable in what their maps are made from.</param>
    /// <returns>The map from f to u, on the first level's space.</returns>
    /// <exception cref="T:System.ArgumentException">No level, spaces that do not fit, or maps of several types or devices.</exception>
    [<CompiledName("Cycle")>]
    let cycle (coarsest: LinearMap) (levels: seq<MultigridLevel>) : LinearMap =
        Guard.notNull "coarsest" coarsest
        Guard.notNull "levels" levels
        let levels = Seq.toArray levels
        Guard.holds "levels" (levels.Length > 0) (fun () -> "levels must be one or more, but are none.")

        let check (index: int) (coarse: Space) (level: MultigridLevel) =
            Guard.notNull "levels" level
            let parts = [ level.Operator; level.Restriction; level.Prolongation ]
            let smoothers = [ level.PreSmoothers; level.PostSmoothers ]

            for part in Seq.append (Seq.cast<obj> parts) (Seq.cast<obj> smoothers) do
                Guard.notNull "levels" part

            let fine = level.Operator.Domain

            let isSquare (map: LinearMap) =
                not (isNull (box map)) && map.Domain = fine && map.Codomain = fine

            Guard.holds
                "levels"
                (isSquare level.Operator
                 && Seq.concat smoothers |> Seq.forall isSquare
                 && level.Restriction.Domain = fine
                 && level.Restriction.Codomain = coarse
                 && level.Prolongation.Domain = coarse
                 && level.Prolongation.Codomain = fine)
                (fun () ->
                    $"levels must have operators and smoothers of their space, and transfer from and to the next one, {coarse}; but level {index} goes from {fine} by {level.Restriction} and {level.Prolongation}.")

        Guard.holds "coarsest" (coarsest.Domain = coarsest.Codomain) (fun () ->
            $"coarsest must be a map of one space, but goes from {coarsest.Domain} to {coarsest.Codomain}.")

        levels
        |> Array.iteri (fun i level ->
            let coarse =
                if i + 1 < levels.Length && not (isNull (box levels[i + 1])) then
                    levels[i + 1].Operator.Domain
                else
                    coarsest.Domain

            check i coarse level)

        Array.foldBack around levels coarsest

    let private classical (options: MultigridOptions) (stencil: float[]) (space: Space) : MultigridLevel =
        let smoother = Stencil.jacobi options.Damping stencil space
        let up = prolongation space

        {
            Operator = Stencil.operator stencil space
            PreSmoothers = Array.replicate options.PreSweeps smoother
            PostSmoothers = Array.replicate options.PostSweeps smoother
            Restriction = Simplify.scale (1.0 / float (1 <<< space.Rank)) up.Adjoint
            Prolongation = up
        }

    /// The largest grid that is solved by a dense matrix.
    let private exactLimit = 1024L

    /// The exact solution on a small grid, by the dense inverse in double precision.
    let private exact (stencil: float[]) (space: Space) : LinearMap =
        Guard.holds "space" (space.Size <= exactLimit) (fun () ->
            $"space must lead to a coarsest grid of at most {exactLimit} points, but leads to {space}: choose sizes with more factors of 2 in n + 1.")

        let reciprocal =
            use scope = torch.NewDisposeScope()

            let matrix = LinearMap.toMatrix (Stencil.operator stencil space)
            let struct (sign, _) = torch.linalg.slogdet matrix

            Guard.holds "stencil" (number sign <> 0.0) (fun () ->
                $"stencil must have an inverse on the coarsest grid, {space}, but has none.")

            let reciprocal = torch.linalg.inv matrix
            scope.MoveToOuter reciprocal

        use reciprocal = reciprocal
        let traits = Build.given (stencil = Array.rev stencil) Traits.SelfAdjoint
        let flat = FixedMatrix.ofMatrix $"A{space}⁻¹" traits reciprocal
        let reading = LinearMap.reshape space (Space.Of space.Size)
        reading.Adjoint * flat * reading

    let private levelsOf (count: int) (options: MultigridOptions) (stencil: seq<float>) (space: Space) =
        checkOptions options
        Guard.notNull "stencil" stencil
        checkFine space
        let weights = Stencil.checkStencil stencil space.Rank

        let rec descend (count: int) (weights: float[]) (space: Space) =
            let isLast =
                count = 0 || space.Axes |> Array.exists (fun n -> n < 3L || n % 2L = 0L)

            if isLast then
                [], weights, space
            else
                let rest, coarse, last =
                    descend (count - 1) (Seq.toArray (Stencil.galerkin weights)) (coarser space)

                classical options weights space :: rest, coarse, last

        descend count weights space

    /// <summary>The two-grid cycle: damped Jacobi on the grid, and the exact solution of R A P on the coarser one.</summary>
    /// <param name="options">Damping and sweeps.</param>
    /// <param name="stencil">3 weights of A for one axis; 9, row-major, for two.</param>
    /// <param name="space">The grid: odd sizes of at least 3.</param>
    /// <returns>The map from f to u.</returns>
    /// <exception cref="T:System.ArgumentException">Bad sizes, weights or options, or a coarse operator without inverse.</exception>
    [<CompiledName("TwoGrid")>]
    let twoGrid (options: MultigridOptions) (stencil: seq<float>) (space: Space) : LinearMap =
        let levels, weights, coarse = levelsOf 1 options stencil space
        cycle (exact weights coarse) levels

    /// <summary>The V-cycle: down to a grid that has no coarser one, where the solution is exact, and up again.</summary>
    /// <param name="options">Damping and sweeps on every grid.</param>
    /// <param name="stencil">3 weights of A for one axis; 9, row-major, for two.</param>
    /// <param name="space">The grid: odd sizes of at least 3; sizes 2^p - 1 go down to 1 point.</param>
    /// <returns>The map from f to u; self-adjoint for a symmetric stencil and as many sweeps before as after.</returns>
    /// <exception cref="T:System.ArgumentException">Bad sizes, weights or options, a coarse operator without inverse, or a coarsest grid of more than
    /// 1024 points.</exception>
    [<CompiledName("VCycle")>]
    let vCycle (options: MultigridOptions) (stencil: seq<float>) (space: Space) : LinearMap =
        let levels, weights, coarse = levelsOf Int32.MaxValue options stencil space
        cycle (exact weights coarse) levels

    /// <summary>What a cycle leaves of an error: I - cycle A. Its spectral radius is the factor of convergence.</summary>
    /// <param name="cycle">From f to u.</param>
    /// <param name="operator">A, of the same space.</param>
    /// <exception cref="T:System.ArgumentException">Spaces that do not fit.</exception>
    [<CompiledName("ErrorMap")>]
    let errorMap (cycle: LinearMap) (operator: LinearMap) : LinearMap =
        Guard.notNull "cycle" cycle
        Guard.notNull "operator" operator

        Guard.holds "operator" (operator.Domain = cycle.Codomain && operator.Codomain = cycle.Domain) (fun () ->
            $"operator must go from {cycle.Codomain} to {cycle.Domain}, but goes from {operator.Domain} to {operator.Codomain}.")

        LinearMap.identity operator.Domain - cycle * operator
