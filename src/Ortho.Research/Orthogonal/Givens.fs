namespace Ortho

open System
open System.Runtime.InteropServices
open TorchSharp

/// <summary>An orthogonal matrix as rotations: <c>Givens.chain Schedule Angles</c> after diag (1, ..., 1, Determinant).</summary>
[<NoEquality; NoComparison>]
type GivensFactors =
    {
        /// n (n - 1) / 2 pairs in 2 n - 3 rounds, the same for every matrix of the size.
        Schedule: PlaneSchedule
        /// Shape [n (n - 1) / 2], from -pi to pi.
        Angles: torch.Tensor
        /// 1 or -1.
        Determinant: int
    }

/// <summary>Rotations in coordinate planes and chains of them, never built as matrices.</summary>
/// <remarks>
/// <para>G(i, j, t): y_i = cos t x_i - sin t x_j, y_j = sin t x_i + cos t x_j, all other coordinates as they are.</para>
/// <para>On the CPU in float32 and float64 a chain is one pass of a native kernel over the batch, forward and backward; elsewhere a few tensor
/// operations a round. Givens 1958; as layers: Ma et al. 2024 (GOFT, 2404.04316).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Givens =

    let private checkAngles (schedule: PlaneSchedule) (angles: torch.Tensor) =
        Guard.notNull "schedule" schedule
        Guard.rank "angles" 1 angles
        Guard.real "angles" angles

        Guard.holds "angles" (angles.size 0 = int64 schedule.Count) (fun () ->
            $"angles must have {schedule.Count} entries, one for each pair of the schedule, but has shape {Guard.showShape angles.shape}.")

    let private leaf formula kind (schedule: PlaneSchedule) (angles: torch.Tensor) act =
        let space = Space.Of(int64 schedule.Size)
        let back = PlaneSchedule.reversed schedule

        Build.leaf formula space space Traits.Unitary (Nullable kind) (act schedule angles) (fun y ->
            use undoing = PlainRotations.undoing angles
            act back undoing y)

    let private formula (schedule: PlaneSchedule) = $"G[{schedule.Count}x{schedule.Size}]"

    /// <summary>The product of the rotations of a schedule: its first pair acts first.</summary>
    /// <param name="schedule">Which planes, in which order.</param>
    /// <param name="angles">In radians, one for each pair, in the order of <c>schedule.Pairs</c>: shape [schedule.Count]. Differentiable.</param>
    /// <returns>A unitary map from [n] to [n] with determinant 1. Its adjoint is the reversed schedule with negated angles.</returns>
    /// <exception cref="T:System.ArgumentException">Not of one axis, not of real floating point type, or not as many angles as pairs.</exception>
    /// <remarks>O(count) operations an element. The gradient keeps the result and the angles alone, no intermediates; the result must not
    /// be changed in place before backward (the gradient would be NaN).</remarks>
    [<CompiledName "Chain">]
    let chain (schedule: PlaneSchedule) (angles: torch.Tensor) : LinearMap =
        checkAngles schedule angles
        leaf (formula schedule) (TensorKind.ofTensor angles) schedule angles RotationFunction.Act

    /// <summary>The same rotations on complex vectors: real and imaginary parts turn alike.</summary>
    /// <param name="schedule">Which planes, in which order.</param>
    /// <param name="angles">Shape [schedule.Count], float32 for complex64 vectors, float64 for complex128. Differentiable.</param>
    /// <returns>A unitary map from [n] to [n].</returns>
    /// <exception cref="T:System.ArgumentException">As by <c>chain</c>, or neither float32 nor float64.</exception>
    [<CompiledName "ComplexChain">]
    let complexChain (schedule: PlaneSchedule) (angles: torch.Tensor) : LinearMap =
        checkAngles schedule angles

        let dtype =
            match angles.dtype with
            | torch.ScalarType.Float32 -> torch.complex64
            | torch.ScalarType.Float64 -> torch.complex128
            | other ->
                raise (
                    ArgumentException(
                        $"angles must be float32 or float64 to turn complex vectors, but is {other}.",
                        "angles"
                    )
                )

        let act (schedule: PlaneSchedule) (angles: torch.Tensor) =
            Actions.scoped (fun z ->
                let turned =
                    RotationFunction.Act schedule angles (torch.stack ([| z.real; z.imag |], 0L))

                torch.complex (turned.select (0L, 0L), turned.select (0L, 1L)))

        leaf
            (formula schedule)
            { TensorKind.ofTensor angles with
                Dtype = dtype
            }
            schedule
            angles
            act

    /// <summary>The rotation in the plane of two coordinates.</summary>
    /// <param name="n">Number of coordinates.</param>
    /// <param name="i">The coordinate that a small positive angle turns towards j.</param>
    /// <param name="j">Another coordinate.</param>
    /// <param name="angle">In radians, a tensor without axes. Differentiable.</param>
    /// <returns>A unitary map from [n] to [n] with determinant 1.</returns>
    /// <exception cref="T:System.ArgumentException">i and j are not two different coordinates from 0 to n - 1, or the angle has axes or is not of real floating point type.</exception>
    [<CompiledName "Rotation">]
    let rotation (n: int) (i: int, j: int) (angle: torch.Tensor) : LinearMap =
        Guard.rank "angle" 0 angle
        Guard.real "angle" angle
        Guard.positive "n" n
        Guard.between "i" 0 (n - 1) i
        Guard.between "j" 0 (n - 1) j
        Guard.holds "j" (i <> j) (fun () -> $"j must be another coordinate than i, but both are {i}.")
        let schedule = PlaneSchedule.ofPairs n [ struct (i, j) ]

        leaf $"G({i},{j})[{n}]" (TensorKind.ofTensor angle) schedule angle (fun schedule angle x ->
            use angles = angle.reshape 1L
            RotationFunction.Act schedule angles x)

    /// <summary>The rotations whose product is a given real orthogonal matrix: its QR factorization by rotations, with R a diagonal of signs.</summary>
    /// <param name="q">Real, orthogonal, shape [n; n].</param>
    /// <returns>Schedule, angles and determinant. Rotations alone have determinant 1: of a matrix with determinant -1 the last column is
    /// negated first, and Determinant says so. Not differentiable in q.</returns>
    /// <exception cref="T:System.ArgumentException">Not one square matrix, not real, empty, or not orthogonal to 1e-10 (float64) or 1e-4 (float32).</exception>
    /// <remarks>Column by column, entries below the diagonal are turned into it. O(n^3) on the CPU in float64, whatever the type of q.</remarks>
    [<CompiledName "Factors">]
    let factors (q: torch.Tensor) : GivensFactors =
        Guard.rank "q" 2 q
        Guard.square "q" q
        Guard.real "q" q
        Membership.orthonormal "q" q |> ignore
        let n = int (q.size 0)

        let rows =
            use detached = q.detach ()
            use wide = detached.``to`` (torch.float64, torch.CPU)
            use plain = wide.contiguous ()
            let entries = MemoryMarshal.Cast<byte, float>(plain.bytes).ToArray()
            Array.init n (fun row -> entries[row * n .. row * n + n - 1])

        let pairs = ResizeArray()
        let angles = ResizeArray<float>()

        for column in 0 .. n - 2 do
            for row in column + 1 .. n - 1 do
                let upper, lower = rows[column], rows[row]
                let angle = atan2 -lower[column] upper[column]
                let c, s = cos angle, sin angle

                for k in column .. n - 1 do
                    let a, b = upper[k], lower[k]
                    upper[k] <- c * a - s * b
                    lower[k] <- s * a + c * b

                pairs.Add(struct (column, row))
                angles.Add -angle

        // The elimination turned q into a diagonal: its steps, taken back in the opposite order, turn the diagonal into q.
        pairs.Reverse()
        angles.Reverse()
        let merged = PlaneSchedule.merge (PlaneSchedule.ofPairs n pairs)
        let ordered = merged.Order |> Seq.map (fun r -> angles[int r]) |> Seq.toArray

        {
            Schedule = merged.Schedule
            Angles = vector (TensorKind.ofTensor q) ordered
            Determinant = if rows[n - 1][n - 1] < 0.0 then -1 else 1
        }

    /// <summary>A given real orthogonal matrix as a chain of rotations, after a change of the last coordinate's sign if its determinant is -1.</summary>
    /// <param name="q">Real, orthogonal, shape [n; n].</param>
    /// <returns>A unitary map from [n] to [n] equal to q. Not differentiable in q.</returns>
    /// <exception cref="T:System.ArgumentException">As by <c>factors</c>.</exception>
    [<CompiledName "OfMatrix">]
    let ofMatrix (q: torch.Tensor) : LinearMap =
        let factors = factors q
        let rotations = chain factors.Schedule factors.Angles

        if factors.Determinant = 1 then
            rotations
        else
            let n = factors.Schedule.Size
            let signs = Array.init n (fun i -> if i = n - 1 then -1.0 else 1.0)

            rotations
            * (LinearMap.ofDiagonal (vector (TensorKind.ofTensor q) signs)
               |> LinearMap.promise Traits.Unitary)

    /// <summary>The angles with which the tournament turns a vector onto the first unit vector: <c>chain (PlaneSchedule.tournament n)</c> takes x to |x| e_1.</summary>
    /// <param name="x">Real, shape [*batch; n], n at least 2. Differentiable, but where both entries of a pair are zero (their angle is 0 and its gradient NaN).</param>
    /// <returns>Shape [*batch; n - 1].</returns>
    /// <exception cref="T:System.ArgumentException">No axis, fewer than 2 entries, or not of real floating point type.</exception>
    /// <remarks>Ma et al. 2024 (GOFT, 2404.04316): the angles of x, and those of y undone, take any x to any y of the same length.</remarks>
    [<CompiledName "TournamentAngles">]
    let tournamentAngles (x: torch.Tensor) : torch.Tensor =
        Guard.rankAtLeast "x" 1 x
        Guard.real "x" x
        let axis = x.ndim - 1L

        Guard.holds "x" (x.size (int axis) >= 2L) (fun () ->
            $"x must have at least 2 entries on its last axis, but has shape {Guard.showShape x.shape}.")

        use scope = torch.NewDisposeScope()
        let angles = ResizeArray<torch.Tensor>()
        let mutable survivors = x

        while survivors.size (int axis) > 1L do
            let count = survivors.size (int axis)
            let half = count / 2L
            let pairs = survivors.narrow(axis, 0L, 2L * half).unflatten(axis, half, 2L)
            let a, b = pairs.select (axis + 1L, 0L), pairs.select (axis + 1L, 1L)
            angles.Add((b.neg ()).atan2 a)
            let winners = a.hypot b

            survivors <-
                if count % 2L = 0L then
                    winners
                else
                    torch.cat ([| winners; survivors.narrow (axis, count - 1L, 1L) |], axis)

        scope.MoveToOuter(torch.cat (angles, axis))
