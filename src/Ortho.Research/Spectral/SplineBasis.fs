namespace Ortho

open System
open System.Collections.Generic

/// <summary>The B-splines of one degree on a knot vector: the functions that span the piecewise polynomials of that degree, each non-zero on
/// degree + 1 neighbouring intervals, together 1 everywhere on the interval.</summary>
/// <remarks>Function i has the support [t_i, t_(i + degree + 1)]. Not periodic: n + degree + 1 knots, and the interval is [t_degree, t_n]. Periodic: n + 1
/// breakpoints over one period, continued by t_(i + n) = t_i + period. Source: de Boor, A Practical Guide to Splines, 2001, chapter IX.</remarks>
[<Sealed; NoEquality; NoComparison>]
type SplineBasis internal (degree: int, knots: float[], isPeriodic: bool) =
    let size =
        if isPeriodic then
            knots.Length - 1
        else
            knots.Length - degree - 1

    let lower, upper =
        if isPeriodic then
            knots[0], knots[size]
        else
            knots[degree], knots[size]

    /// The degree of the pieces.
    member _.Degree = degree

    /// Number of functions.
    member _.Size = int64 size

    /// The knots, n + degree + 1 of them; of a periodic basis the n + 1 breakpoints of one period.
    member _.Knots: IReadOnlyList<float> = Array.AsReadOnly knots

    /// Whether the functions continue from one end of the interval at the other.
    member _.IsPeriodic = isPeriodic

    /// Where the interval begins.
    member _.Lower = lower

    /// Where the interval ends.
    member _.Upper = upper

    /// Knot i, of a periodic basis for any whole i.
    member internal _.Knot(i: int) =
        if isPeriodic then
            let turn = int (floor (float i / float size))
            knots[i - turn * size] + float turn * (upper - lower)
        else
            knots[i]

    /// The place of function i among the coefficients.
    member internal _.Place(i: int) = int64 (((i % size) + size) % size)

    /// The places of the intervals of positive length.
    member internal this.Spans =
        let first, last = if isPeriodic then 0, size - 1 else degree, size - 1

        [|
            for k in first..last do
                if this.Knot k < this.Knot(k + 1) then
                    k
        |]

    /// <summary>The non-zero functions of a degree up to the basis's own on span k, at x, or their derivatives: functions k - degree, ..., k.</summary>
    /// <remarks>Cox and de Boor's recurrence raises the degree; in the last steps its derivative does (de Boor 2001, IX (14) and X (12)).</remarks>
    member internal this.Local(derivative: int, k: int, x: float) : float[] =
        let raise (values: float[]) (q: int) =
            let at i =
                let place = i - (k - q + 1)

                if place < 0 || place >= q then
                    0.0
                else
                    let width = this.Knot(i + q) - this.Knot i
                    values[place] / width

            Array.init (q + 1) (fun place ->
                let i = k - q + place

                if q > degree - derivative then
                    float q * (at i - at (i + 1))
                else
                    (x - this.Knot i) * at i + (this.Knot(i + q + 1) - x) * at (i + 1))

        Array.fold raise [| 1.0 |] [| 1..degree |]

    /// The span of a point of the interval, and the point, of a periodic basis moved by whole periods into it; the right end belongs to the last span.
    member internal this.Locate(x: float) : struct (int * float) =
        let x =
            if isPeriodic then
                x - (upper - lower) * floor ((x - lower) / (upper - lower))
            else
                x

        let spans = this.Spans
        // The last span that begins at or before x.
        let found = Array.BinarySearch(spans |> Array.map this.Knot, x)
        let place = if found >= 0 then found else ~~~found - 1
        struct (spans[max 0 place], x)
