/// <summary>The fewest reflections that take orthonormal columns to unit vectors.</summary>
/// <remarks>Again and again the column farthest from its unit vector is reflected onto it: each reflection enlarges the space of fixed vectors.
/// With A = I - Q this is elimination with diagonal pivots, |q_j - e_j|^2 = 2 a_jj, so that its number of steps is the rank of A; but where a
/// column is near its unit vector, the row v* Q is computed from v, since that of A would lose half of the digits. Reflections wait in blocks, Q - V^T F.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.Elimination

open System
open Ortho
open TorchSharp

/// So many reflections wait until they are applied to all columns at once.
let private blockSize = 32L

/// The largest entry and where it is.
let private greatest (x: torch.Tensor) =
    let struct (value, place) = x.max 0L
    struct (place.item<int64>(), number value)

/// The vector v with H(v) q_j = phase e_j, of length 1, the phase, and the distance |conj (phase) q_j - e_j|.
let private toUnit (j: int64) (column: torch.Tensor) =
    let head = column.narrow (0L, j, 1L)
    let first = number (if head.is_complex () then head.abs () else head)

    let phase =
        if head.is_complex () && first > 0.0 then
            head.div (head.abs ())
        else
            torch.ones_like head

    let w = column .* phase.conj ()
    w.narrow(0L, j, 1L).zero_() |> ignore
    let tailSquare = number (w.norm 0) ** 2.0
    // first - 1 without cancellation: first^2 + tailSquare = 1.
    let start =
        if first > 0.0 then
            -tailSquare / (1.0 + first)
        else
            first - 1.0

    addInPlace (w.narrow (0L, j, 1L)) (vector (TensorKind.ofTensor column) [| start |])
    let distance = sqrt (start * start + tailSquare)
    struct (multiply (1.0 / distance) w, phase, distance)

/// <summary>q = H(v_1) ... H(v_r) [D; 0] with D = diag (phases), all 1 if q is real.</summary>
/// <param name="q">Orthonormal columns, shape [n; k]; refused otherwise.</param>
/// <returns>The unit vectors v_i, [r; n], and the phases, [k].</returns>
let reflections (q: torch.Tensor) : struct (torch.Tensor * torch.Tensor) =
    let defect = Membership.orthonormal "q" q
    use scope = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let n, k = q.size 0, q.size 1
    let real = TensorKind.realDtype q.dtype

    let rounding =
        if real = torch.float64 then
            Math.BitIncrement 1.0 - 1.0
        else
            float (MathF.BitIncrement 1.0f - 1.0f)

    let turned (x: torch.Tensor) = if x.is_complex () then x.abs () else x
    // A column this near to its unit vector is there already, as far as rounding and the columns' own defect tell.
    let negligible = (16.0 * rounding + 2.0 * defect) * sqrt (float n)
    // Below this, 1 - q_jj does not tell which column is farthest: all distances are computed anew.
    let unresolved = max (sqrt rounding) (negligible * negligible)

    let others =
        (torch.eye (n, k, dtype = Nullable real, device = q.device)).logical_not()
    // 1 where a coordinate has not been dealt with, then 0.
    let live = torch.ones (n, dtype = Nullable real, device = q.device)
    let liveColumns = live.narrow (0L, 0L, k)
    let work = q.clone ()
    let phases = q.new_zeros k
    let found = ResizeArray<torch.Tensor>()
    let mutable count = 0L

    /// How far each column is from its unit vector, without cancellation, as in toUnit.
    let distances () =
        let heads, tails = turned (work.diagonal ()), (work .* others).norm 0
        let squares = tails .* tails
        let near = squares.div (plus 1.0 heads)
        let far = plus 1.0 (heads.neg ())
        let starts = torch.where (heads.gt (torch.zeros_like heads), near, far)
        (squares .+ starts .* starts).sqrt() .* liveColumns

    /// Reflects columns, the given one first, until a block is full or distances are unresolved.
    let block (first: int64) =
        use inner = torch.NewDisposeScope()
        let size = min blockSize (k - count)
        let v, f = work.new_empty (size, n), work.new_empty (size, k)
        let diagonal = work.diagonal().clone()
        let mutable next = first
        let mutable p = 0L

        while next >= 0L do
            use _ = torch.NewDisposeScope()
            let j = next
            let vs, fs = v.narrow (0L, 0L, p), f.narrow (0L, 0L, p)
            let column = work.select (1L, j) .- (fs.select (1L, j)).matmul vs
            // Coordinates dealt with must stay as they are, or small later vectors would move them.
            let struct (unit, phase, distance) = toUnit j (column .* live)

            let row =
                if distance > 1.0 then
                    // v* Q = (phase e_j - row j of Q) / distance, Q being orthogonal up to rounding.
                    let row = (vs.select (1L, j)).matmul fs .- work.select (0L, j)
                    addInPlace (row.narrow (0L, j, 1L)) phase
                    multiply (1.0 / distance) row
                else
                    let adjoint = unit.conj ()
                    adjoint.matmul work .- (vs.matmul adjoint).matmul fs

            live.narrow(0L, j, 1L).zero_() |> ignore
            let row = multiply 2.0 row .* liveColumns
            v.select(0L, p).copy_ unit |> ignore
            f.select(0L, p).copy_ row |> ignore
            phases.narrow(0L, j, 1L).copy_ phase |> ignore
            diagonal.sub_ (unit.narrow (0L, 0L, k) .* row) |> ignore
            p <- p + 1L

            let struct (place, gap) = greatest (liveColumns .- turned diagonal .* liveColumns)

            next <- if p < size && gap > unresolved then place else -1L

        let vs, fs = v.narrow (0L, 0L, p), f.narrow (0L, 0L, p)
        // Column j is now phase e_j and row j is zero elsewhere: both are left out of what follows.
        work.sub_(vs.t().matmul fs).mul_(live.unsqueeze 1L).mul_ liveColumns |> ignore
        count <- count + p
        found.Add(inner.MoveToOuter(vs.alias ()))

    let mutable remaining = true

    while remaining do
        use inner = torch.NewDisposeScope()
        let struct (j, distance) = greatest (distances ())
        remaining <- distance > negligible && count < k

        if remaining then
            block j
            inner.MoveToOuter found[found.Count - 1] |> ignore

    let vectors =
        if found.Count = 0 then
            q.new_zeros (0L, n)
        else
            torch.cat (found.ToArray(), 0L)

    let phases =
        if q.is_complex () then
            // Of columns that were there already: their own entry's phase.
            let diagonal = phases .+ work.diagonal ()
            diagonal.div (diagonal.abs ())
        else
            torch.ones_like phases

    struct (scope.MoveToOuter vectors, scope.MoveToOuter phases)
