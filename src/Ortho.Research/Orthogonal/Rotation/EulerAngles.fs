namespace Ortho

open System
open TorchSharp

/// Axes of three intrinsic turns, the first first: XYZ is about x, then about the turned y, then about the twice turned z.
[<RequireQualifiedAccess>]
type EulerOrder =
    | XYZ
    | XZY
    | YXZ
    | YZX
    | ZXY
    | ZYX
    | XYX
    | XZX
    | YXY
    | YZY
    | ZXZ
    | ZYZ

/// <summary>Euler angles in radians as rotations of space: R = R_i(a) R_j(b) R_k(c) for intrinsic turns about the axes i, j, k, or extrinsic ones in reverse.</summary>
/// <remarks>Six orders of three axes (Tait and Bryan; b from -pi/2 to pi/2) and six that return to the first (Euler; b from 0 to pi). Where the middle turn makes the
/// first and last axis one (gimbal lock) only a + c or a - c is determined: c is set to 0. No such triple of numbers is continuous in R.</remarks>
[<RequireQualifiedAccess>]
module EulerAngles =

    let private axes (order: EulerOrder) =
        match order with
        | EulerOrder.XYZ -> struct (0, 1, 2)
        | EulerOrder.XZY -> struct (0, 2, 1)
        | EulerOrder.YXZ -> struct (1, 0, 2)
        | EulerOrder.YZX -> struct (1, 2, 0)
        | EulerOrder.ZXY -> struct (2, 0, 1)
        | EulerOrder.ZYX -> struct (2, 1, 0)
        | EulerOrder.XYX -> struct (0, 1, 0)
        | EulerOrder.XZX -> struct (0, 2, 0)
        | EulerOrder.YXY -> struct (1, 0, 1)
        | EulerOrder.YZY -> struct (1, 2, 1)
        | EulerOrder.ZXZ -> struct (2, 0, 2)
        | EulerOrder.ZYZ -> struct (2, 1, 2)

    /// The turn by an angle about a coordinate axis, [*batch; 3; 3].
    let private turn (axis: int) (angle: torch.Tensor) =
        let c, s = angle.cos (), angle.sin ()
        let zero, one = torch.zeros_like angle, torch.ones_like angle
        let next, last = (axis + 1) % 3, (axis + 2) % 3

        let entry i j =
            match i, j with
            | _ when i = axis && j = axis -> one
            | _ when i = j -> c
            | _ when i = last && j = next -> s
            | _ when i = next && j = last -> s.neg ()
            | _ -> zero

        let rows = Array.init 3 (fun i -> torch.stack (Array.init 3 (entry i), -1L))

        torch.stack (rows, -2L)

    /// <summary>The rotation of three angles.</summary>
    /// <param name="order">The axes.</param>
    /// <param name="angles">a, b, c in radians, real, shape [*batch; 3]. Differentiable.</param>
    /// <returns>Rotation, shape [*batch; 3; 3].</returns>
    /// <exception cref="T:System.ArgumentException">Not three numbers, not real, or not finite.</exception>
    [<CompiledName("ToMatrix")>]
    let toMatrix (order: EulerOrder) (angles: torch.Tensor) : torch.Tensor =
        Guard.notNull "order" order
        Guard.rankAtLeast "angles" 1 angles
        Guard.real "angles" angles

        Guard.holds "angles" (angles.size (int angles.ndim - 1) = 3L) (fun () ->
            $"angles must have three numbers on its last axis, but has shape {Guard.showShape angles.shape}.")

        use scope = torch.NewDisposeScope()

        if angles.numel () > 0L then
            let largest = number (angles.detach().abs().max())

            Guard.holds "angles" (Double.IsFinite largest) (fun () ->
                "angles must be finite, but have an entry that is not.")

        let struct (i, j, k) = axes order
        let angle n = angles.select (-1L, n)

        scope.MoveToOuter(((turn i (angle 0L)).matmul(turn j (angle 1L))).matmul(turn k (angle 2L)))

    /// <summary>The three angles of a rotation.</summary>
    /// <param name="order">The axes.</param>
    /// <param name="r">Rotation, shape [*batch; 3; 3]. Differentiable but for gimbal lock, where derivatives are those of the angles with c = 0 held.</param>
    /// <returns>a and c from -pi to pi, b from -pi/2 to pi/2 (three axes) or 0 to pi (two); shape [*batch; 3]. Where the two ambiguous axes are one to rounding, c = 0.</returns>
    /// <exception cref="T:System.ArgumentException">Not 3 x 3, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
    /// <remarks>c is found from R_i(a)^-1 R, so that the three angles give R again to rounding however near the lock.</remarks>
    [<CompiledName("OfMatrix")>]
    let ofMatrix (order: EulerOrder) (r: torch.Tensor) : torch.Tensor =
        Guard.notNull "order" order
        Membership.rotation "r" 3L r
        use scope = torch.NewDisposeScope()
        let struct (i, j, last) = axes order
        let isProper = i = last
        let k = 3 - i - j

        let at row column =
            r.select(-2L, int64 row).select(-1L, int64 column)
        // 1 where i, j, k turn as x, y, z do, and -1 otherwise.
        let parity = if (j - i + 3) % 3 = 1 then 1.0 else -1.0
        let signed (x: torch.Tensor) = multiply parity x

        // The sine and cosine of the first angle, times that of b whose zero is the lock.
        let above, beside =
            if isProper then
                at j i, signed ((at k i).neg())
            else
                signed ((at j k).neg()), at k k

        let squared = above .* above .+ beside .* beside

        let limit =
            multiply ((16.0 * Membership.rounding r) ** 2.0) (torch.ones_like squared)

        let isLocked = squared.detach().lt limit
        let opened (x: torch.Tensor) (locked: torch.Tensor) = torch.where (isLocked, locked, x)

        let a = torch.atan2 (opened above (signed (at k j)), opened beside (at j j))
        // Zero in the lock, where a square root has no derivative.
        let size =
            opened ((opened squared (torch.ones_like squared)).sqrt()) (torch.zeros_like squared)

        let b =
            if isProper then
                torch.atan2 (size, at i i)
            else
                torch.atan2 (signed (at i k), size)

        // Row j of R_i(a)^-1 R = R_j(b) R(c).
        let entry column =
            a.cos () .* at j column .+ signed (a.sin () .* at k column)

        let c =
            if isProper then
                torch.atan2 (signed ((entry k).neg()), entry j)
            else
                torch.atan2 (signed (entry i), entry j)

        scope.MoveToOuter(torch.stack ([| a; b; opened c (torch.zeros_like c) |], -1L))
