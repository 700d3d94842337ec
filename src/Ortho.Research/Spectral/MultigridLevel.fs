namespace Ortho

open System.Collections.Generic

/// How a multigrid cycle smooths.
type MultigridOptions =
    {
        /// Damping of the Jacobi sweeps, above 0.
        Damping: float
        /// Sweeps before the coarse correction, at least 0.
        PreSweeps: int
        /// Sweeps after it, at least 0.
        PostSweeps: int
    }

    /// Damping 2/3, one sweep before and one after.
    static member Default =
        {
            Damping = 2.0 / 3.0
            PreSweeps = 1
            PostSweeps = 1
        }

/// <summary>One grid of a multigrid cycle: what is solved there, how it is smoothed, and the way to the next coarser grid and back.</summary>
/// <remarks>With learned maps for its parts it is a level of MgNO (2310.19809).</remarks>
[<NoEquality; NoComparison>]
type MultigridLevel =
    {
        /// A, from the grid's space to itself.
        Operator: LinearMap
        /// Each sweep before the coarse correction adds this map of the residual f - A u.
        PreSmoothers: IReadOnlyList<LinearMap>
        /// The same, after it.
        PostSmoothers: IReadOnlyList<LinearMap>
        /// Residuals to the coarser grid.
        Restriction: LinearMap
        /// Corrections from the coarser grid.
        Prolongation: LinearMap
    }
