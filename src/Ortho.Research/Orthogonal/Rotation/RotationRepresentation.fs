/// <summary>Rotations from numbers without constraint, continuous both ways: n - 1 columns by Gram-Schmidt (for n = 3 the 6D representation), and its
/// stereographic compression to n^2 - 2n + 2 numbers (5D).</summary>
/// <remarks>Zhou et al. 2019, "On the continuity of rotation representations in neural networks" (1812.07035), sections 4.1 and 4.2. No representation of the
/// rotations of space by 4 or fewer numbers (quaternions, Euler angles, rotation vectors) is continuous.</remarks>
[<RequireQualifiedAccess>]
module Ortho.RotationRepresentation

open Ortho
open TorchSharp

let private columnsOf (r: torch.Tensor) (start: int64) (count: int64) = r.narrow (-1L, start, count)

/// The matrix v -> u x v of vectors u on the last axis.
let internal cross (u: torch.Tensor) : torch.Tensor =
    use scope = torch.NewDisposeScope()
    let x, y, z = u.select (-1L, 0L), u.select (-1L, 1L), u.select (-1L, 2L)
    let zero = torch.zeros_like x
    let entries = [| zero; z.neg (); y; z; zero; x.neg (); y.neg (); x; zero |]
    let shape = Array.append (Array.init (int u.ndim - 1) u.size) [| 3L; 3L |]
    scope.MoveToOuter((torch.stack (entries, -1L)).reshape shape)

/// The generalised cross product of n - 1 orthonormal columns: the unit vector that makes of them a matrix of determinant 1.
let private lastColumn (b: torch.Tensor) =
    let n = b.size (int b.ndim - 2)

    if n = 3L then
        (cross (b.select (-1L, 0L))).matmul(columnsOf b 1L 1L)
    else
        // A fixed normal vector, taken off the columns once more, has the derivatives of the normal vector: cofactors have not where a minor is singular.
        let normal =
            use _ = torch.no_grad ()
            let fixedColumns = b.detach ()
            let struct (full, _) = torch.linalg.qr (fixedColumns, torch.linalg.QRMode.Complete)
            let candidate = columnsOf full (n - 1L) 1L
            let turn = torch.linalg.det(torch.cat ([| fixedColumns; candidate |], -1L)).sign()
            candidate .* turn.unsqueeze(-1L).unsqueeze -1L

        let w = normal .- b.matmul (b.mT.matmul normal)
        w.div (w.norm(-2).unsqueeze -2L)

let private complete (name: string) (columns: torch.Tensor) =
    use b = GramSchmidt.twiceNamed name columns
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(torch.cat ([| b; lastColumn b |], -1L))

/// <summary>The rotation whose first n - 1 columns are those of a after Gram-Schmidt, the last their generalised cross product.</summary>
/// <param name="a">Independent columns, real, shape [*batch; n; n - 1], n at least 2. Differentiable; lengths of columns, and multiples of earlier ones in later ones, do not matter.</param>
/// <returns>Orthogonal of determinant 1, shape [*batch; n; n]. R a gives R times what a gives, for rotations R.</returns>
/// <exception cref="T:System.ArgumentException">Another shape, not real, or columns zero, not finite, or dependent to rounding.</exception>
[<CompiledName("OfColumns")>]
let ofColumns (a: torch.Tensor) : torch.Tensor =
    Guard.rankAtLeast "a" 2 a
    Guard.real "a" a
    let n, k = a.size (int a.ndim - 2), a.size (int a.ndim - 1)

    Guard.holds "a" (n >= 2L && k = n - 1L) (fun () ->
        $"a must have one column less than rows, 2 at least, but has shape {Guard.showShape a.shape}.")

    complete "a" a

/// <summary>The first n - 1 columns of a rotation, the inverse of <c>ofColumns</c>.</summary>
/// <param name="r">Rotation, shape [*batch; n; n], n at least 2. Differentiable.</param>
/// <returns>A view, shape [*batch; n; n - 1].</returns>
/// <exception cref="T:System.ArgumentException">Not square, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("ToColumns")>]
let toColumns (r: torch.Tensor) : torch.Tensor =
    Membership.rotation "r" 0L r
    let n = r.size (int r.ndim - 1)
    Guard.holds "r" (n >= 2L) (fun () -> "r must be 2 x 2 at least, but is 1 x 1.")
    columnsOf r 0L (n - 1L)

/// The numbers of a vector as columns: column by column.
let private unflatten (n: int64) (v: torch.Tensor) =
    let batch = Array.init (int v.ndim - 1) v.size
    v.reshape(Array.append batch [| -1L; n |]).mT

let private numbers (name: string) (count: int64) (v: torch.Tensor) =
    Guard.rankAtLeast name 1 v
    Guard.real name v

    Guard.holds name (v.size (int v.ndim - 1) = count) (fun () ->
        $"{name} must have {count} numbers on its last axis, but has shape {Guard.showShape v.shape}.")

/// <summary>The rotation of space of six numbers (a1; a2): b1 = a1 / |a1|, b2 along a2 - (b1 . a2) b1, b3 = b1 x b2.</summary>
/// <param name="v">Real, shape [*batch; 6], a1 and a2 end to end. Differentiable.</param>
/// <returns>Rotation with columns b1, b2, b3, shape [*batch; 3; 3].</returns>
/// <exception cref="T:System.ArgumentException">Another length, not real, a1 or a2 zero or not finite, or the two parallel.</exception>
[<CompiledName("OfSixD")>]
let ofSixD (v: torch.Tensor) : torch.Tensor =
    numbers "v" 6L v
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(complete "v" (unflatten 3L v))

/// <summary>The first two columns of a rotation of space, end to end: the inverse of <c>ofSixD</c>.</summary>
/// <param name="r">Rotation, shape [*batch; 3; 3]. Differentiable.</param>
/// <returns>Shape [*batch; 6].</returns>
/// <exception cref="T:System.ArgumentException">Not 3 x 3, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
[<CompiledName("ToSixD")>]
let toSixD (r: torch.Tensor) : torch.Tensor =
    Membership.rotation "r" 3L r
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter((columnsOf r 0L 2L).mT.flatten -2L)

/// <summary>The number of numbers of the stereographic representation, n^2 - 2n + 2.</summary>
/// <param name="n">At least 2: 2, 5, 10, ... for n = 2, 3, 4, ...</param>
[<CompiledName("StereographicDimension")>]
let stereographicDimension (n: int64) =
    Guard.atLeast "n" 2L n
    n * n - 2L * n + 2L

/// <summary>The stereographic representation: two entries of the first column; then, for j = 2, ..., n-1, entry j+1 of the first column and column j
/// together, projected from n + 1 to n numbers. For n = 3 it is the 5D representation.</summary>
/// <param name="r">Rotation, shape [*batch; n; n], n at least 2. Differentiable.</param>
/// <returns>Shape [*batch; n^2 - 2n + 2].</returns>
/// <exception cref="T:System.ArgumentException">Not square, not real, or not a rotation to 1e-10 (float64) or 1e-4 (float32).</exception>
/// <remarks>v is divided by its length, then (v_2, ..., v_m) / (1 - v_1): never singular, for v without its first entry is a column.</remarks>
[<CompiledName("ToStereographic")>]
let toStereographic (r: torch.Tensor) : torch.Tensor =
    use columns = toColumns r
    use scope = torch.NewDisposeScope()
    let n = r.size (int r.ndim - 1)
    let first = columns.select (-1L, 0L)

    let projected =
        [|
            for j in 1L .. n - 2L do
                let head = first.narrow (-1L, j + 1L, 1L)
                let column = columns.select (-1L, j)
                // v / |v| = (head, column) / l, so that column / (l - head) is the projection.
                let size = torch.cat([| head; column |], -1L).norm(-1).unsqueeze -1L
                column.div (size .- head)
        |]

    scope.MoveToOuter(torch.cat (Array.append [| first.narrow (-1L, 0L, 2L) |] projected, -1L))

/// <summary>The rotation of a stereographic representation: each projection is undone up to scale, then <c>ofColumns</c>.</summary>
/// <param name="n">Size of the rotation, at least 2.</param>
/// <param name="u">Real, shape [*batch; n^2 - 2n + 2]. Differentiable.</param>
/// <returns>Rotation, shape [*batch; n; n].</returns>
/// <exception cref="T:System.ArgumentException">Another length, not real, or a part of u, or the columns that it gives, zero, not finite or dependent.</exception>
[<CompiledName("OfStereographic")>]
let ofStereographic (n: int64) (u: torch.Tensor) : torch.Tensor =
    Guard.live "u" u
    numbers "u" (stereographicDimension n) u
    use scope = torch.NewDisposeScope()

    let parts = [| for j in 1L .. n - 2L -> u.narrow (-1L, 2L + (j - 1L) * n, n) |]

    // Q(w) = ((|w|^2 - 1) / 2, w) / |w|: the last n entries have length 1, as the column had.
    let heads =
        parts
        |> Array.map (fun w ->
            let size = w.norm(-1).unsqueeze -1L
            multiply 0.5 (size .- size.reciprocal ()))

    let first = torch.cat (Array.append [| u.narrow (-1L, 0L, 2L) |] heads, -1L)

    scope.MoveToOuter(complete "u" (torch.stack (Array.append [| first |] parts, -1L)))
