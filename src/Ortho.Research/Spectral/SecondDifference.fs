/// The second difference of one axis of a grid, and maps that pick entries of a line.
[<RequireQualifiedAccess>]
module internal Ortho.SecondDifference

open System
open Ortho
open TorchSharp

/// h^2 times the second difference of an axis.
let ofAxis (axis: GridAxis) : LinearMap =
    let n = axis.Size

    let isDirichletAt =
        [| axis.Boundary.IsDirichletBelow; axis.Boundary.IsDirichletAbove |]

    /// What the value outside an end is: so many times the value at that place from the end.
    let outside isDirichlet : struct (float * int64) voption =
        match axis.Points, isDirichlet with
        | GridPoints.Nodes, true -> ValueNone
        | GridPoints.Nodes, false -> if n > 1L then ValueSome(struct (1.0, 1L)) else ValueNone
        | GridPoints.Centres, true -> ValueSome(struct (-1.0, 0L))
        | GridPoints.Centres, false -> ValueSome(struct (1.0, 0L))

    let act (isTransposed: bool) =
        Actions.scoped (fun x ->
            let last = x.ndim - 1L
            let y = multiply -2.0 x

            let add (target: int64) (source: int64) (length: int64) (sign: float) =
                let target, source = if isTransposed then source, target else target, source
                let part = x.narrow (last, source, length)
                addInPlace (y.narrow (last, target, length)) (if sign < 0.0 then part.negative () else part)

            if n > 1L then
                add 1L 0L (n - 1L) 1.0
                add 0L 1L (n - 1L) 1.0

            if axis.Boundary = Boundary.Periodic then
                add 0L (n - 1L) 1L 1.0
                add (n - 1L) 0L 1L 1.0
            else
                match outside isDirichletAt[0] with
                | ValueSome(struct (sign, place)) -> add 0L place 1L sign
                | ValueNone -> ()

                match outside isDirichletAt[1] with
                | ValueSome(struct (sign, place)) -> add (n - 1L) (n - 1L - place) 1L sign
                | ValueNone -> ()

            y)

    let isWeighted = GridAxis.weights axis |> Array.contains 0.5

    Build.leaf
        $"δ²[{n}]"
        (Space.Of n)
        (Space.Of n)
        (Build.given (not isWeighted) Traits.SelfAdjoint)
        (Nullable())
        (act false)
        (act true)
    |> LinearFunction.Wrap

/// Row r of x is added to row t of y on the last axis, for each pair r, t.
let picked (source: int64) (target: int64) (pairs: (struct (int64 * int64 * int64))[]) name : LinearMap =
    let act length (pairs: (struct (int64 * int64 * int64))[]) =
        Actions.scoped (fun x ->
            let last = x.ndim - 1L
            let y = x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| length |])

            for struct (from, at, count) in pairs do
                addInPlace (y.narrow (last, at, count)) (x.narrow (last, from, count))

            y)

    let back =
        pairs |> Array.map (fun (struct (from, at, count)) -> struct (at, from, count))

    Build.leaf name (Space.Of source) (Space.Of target) Traits.None (Nullable()) (act target pairs) (act source back)
    |> LinearFunction.Wrap
