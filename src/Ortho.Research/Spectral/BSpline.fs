/// <summary>B-splines: bases on uniform, periodic and given knots; values, derivatives and integrals as maps.</summary>
/// <remarks>Source: de Boor, A Practical Guide to Splines, 2001. Points outside the interval are refused, where SciPy
/// continues the last pieces; points of a periodic basis are taken modulo the period.</remarks>
[<RequireQualifiedAccess>]
module Ortho.BSpline

open System
open System.Collections.Generic
open Ortho
open TorchSharp

let private checkInterval (lower: float) (upper: float) =
    Guard.finite "lower" lower
    Guard.finite "upper" upper
    Guard.holds "upper" (lower < upper) (fun () -> $"upper must be above lower = {lower}, but is {upper}.")

let private breakpoints (intervals: int) (lower: float) (upper: float) =
    Array.init (intervals + 1) (fun i ->
        if i = intervals then
            upper
        else
            lower + (upper - lower) * float i / float intervals)

/// <summary>The basis on equal intervals whose first and last knots have multiplicity degree + 1 (clamped): splines begin at their first coefficient and end at their last.</summary>
/// <param name="degree">At least 0.</param>
/// <param name="intervals">Number of intervals, at least 1.</param>
/// <param name="lower">Where the first begins.</param>
/// <param name="upper">Where the last ends.</param>
/// <returns>intervals + degree functions.</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, no interval, or ends that are not finite and rising.</exception>
[<CompiledName("OpenUniform")>]
let openUniform (degree: int) (intervals: int) (lower: float, upper: float) : SplineBasis =
    Guard.atLeast "degree" 0 degree
    Guard.positive "intervals" intervals
    checkInterval lower upper
    let ends = Array.replicate degree

    SplineBasis(degree, Array.concat [ ends lower; breakpoints intervals lower upper; ends upper ], false)

/// <summary>The periodic basis on equal intervals.</summary>
/// <param name="degree">At least 0.</param>
/// <param name="intervals">Number of intervals in a period, at least degree + 1.</param>
/// <param name="lower">Where a period begins.</param>
/// <param name="upper">Where it ends.</param>
/// <returns>As many functions as intervals.</returns>
/// <exception cref="T:System.ArgumentException">A negative degree, too few intervals, or ends that are not finite and rising.</exception>
[<CompiledName("PeriodicUniform")>]
let periodicUniform (degree: int) (intervals: int) (lower: float, upper: float) : SplineBasis =
    Guard.atLeast "degree" 0 degree
    Guard.atLeast "intervals" (degree + 1) intervals
    checkInterval lower upper
    SplineBasis(degree, breakpoints intervals lower upper, true)

/// <summary>The basis on given knots.</summary>
/// <param name="degree">At least 0.</param>
/// <param name="knots">At least 2 (degree + 1) finite numbers, not falling; degree + 2 in a row may not be equal, and the interval from knot
/// number degree to the same one from the end must begin and end with intervals of positive length.</param>
/// <exception cref="T:System.ArgumentException">A negative degree, or other knots.</exception>
[<CompiledName("OfKnots")>]
let ofKnots (degree: int) (knots: seq<float>) : SplineBasis =
    Guard.atLeast "degree" 0 degree
    Guard.notNull "knots" knots
    let knots = Seq.toArray knots
    let shown (i: int) = $"knots[{i}] = {knots[i]}"

    Guard.holds "knots" (knots.Length >= 2 * (degree + 1)) (fun () ->
        $"knots must be at least 2 (degree + 1) = {2 * (degree + 1)}, but are {knots.Length}.")

    knots
    |> Array.iteri (fun i knot ->
        Guard.holds "knots" (Double.IsFinite knot) (fun () -> $"knots must be finite, but {shown i}.")

        Guard.holds "knots" (i = 0 || knots[i - 1] <= knot) (fun () ->
            $"knots must not fall, but {shown (i - 1)} and {shown i}.")

        Guard.holds "knots" (i <= degree || knots[i - degree - 1] < knot) (fun () ->
            $"knots must be equal at most degree + 1 = {degree + 1} in a row, but {shown (i - degree - 1)} to {shown i} are {degree + 2}."))

    let size = knots.Length - degree - 1

    for i in [ degree; size - 1 ] do
        Guard.holds "knots" (knots[i] < knots[i + 1]) (fun () ->
            $"knots must begin and end their interval with lengths above 0, but {shown i} and {shown (i + 1)}.")

    SplineBasis(degree, knots, false)

let internal checkedPoints (points: seq<float>) (basis: SplineBasis) =
    Guard.notNull "points" points
    Guard.notNull "basis" basis
    let points = Seq.toArray points
    Guard.holds "points" (points.Length > 0) (fun () -> "points must be one or more, but are none.")

    for x in points do
        let inside = basis.IsPeriodic || (x >= basis.Lower && x <= basis.Upper)

        Guard.holds "points" (Double.IsFinite x && inside) (fun () ->
            $"points must be finite and lie in [{basis.Lower}, {basis.Upper}], but one is {x}.")

    points

/// <summary>A derivative of splines at points: coefficients -> values.</summary>
/// <param name="derivative">Order of the derivative, at least 0; above the degree it gives zeros.</param>
/// <param name="points">One or more, in the interval. At a knot the value is that of the piece on the right, at the right end of that on the left.</param>
/// <param name="basis">The basis.</param>
/// <returns>A map from [basis.Size] to [number of points] with degree + 1 entries in a row.</returns>
/// <exception cref="T:System.ArgumentException">A negative order, no points, or points that are not finite or outside.</exception>
[<CompiledName("DerivativeAt")>]
let derivativeAt (derivative: int) (points: seq<float>) (basis: SplineBasis) : LinearMap =
    Guard.atLeast "derivative" 0 derivative
    let points = checkedPoints points basis

    if derivative > basis.Degree then
        Build.zero (Space.Of basis.Size) (Space.Of points.LongLength)
    else
        points
        |> Array.map (fun x ->
            let struct (k, x) = basis.Locate x

            let places =
                Array.init (basis.Degree + 1) (fun i -> basis.Place(k - basis.Degree + i))

            struct (places, basis.Local(derivative, k, x)))
        |> SparseRows.ofRows $"B[{points.Length}x{basis.Size}]" basis.Size

/// <summary>Splines at points: coefficients -> values.</summary>
/// <param name="points">One or more, in the interval.</param>
/// <param name="basis">The basis.</param>
/// <returns>A map from [basis.Size] to [number of points] with degree + 1 entries in a row, which add to 1.</returns>
/// <exception cref="T:System.ArgumentException">No points, or points that are not finite or outside.</exception>
[<CompiledName("EvaluateAt")>]
let evaluateAt (points: seq<float>) (basis: SplineBasis) : LinearMap = derivativeAt 0 points basis

/// <summary>The values of every B-spline at the entries of a tensor, differentiable in them.</summary>
/// <param name="basis">The basis.</param>
/// <param name="x">Real, shape [*batch]. Outside the interval every function is 0, unless it is periodic.</param>
/// <returns>Shape [*batch; basis.Size].</returns>
/// <exception cref="T:System.ArgumentException">x is not real.</exception>
/// <remarks>Cox and de Boor's recurrence over all functions at once. At a knot where a piece of degree 1 or 0 begins, the gradient is that of the piece on the right.</remarks>
[<CompiledName("Values")>]
let values (basis: SplineBasis) (x: torch.Tensor) : torch.Tensor =
    Guard.notNull "basis" basis
    Guard.real "x" x
    use scope = torch.NewDisposeScope()
    let kind = TensorKind.ofTensor x
    let degree, size = basis.Degree, int basis.Size
    let first = if basis.IsPeriodic then -degree else 0
    // Of the functions of degree 0 on: their number falls by one with each degree.
    let last q = size - 1 + degree - q

    let row (count: int) (f: int -> float) =
        vector kind (Array.init count (fun i -> f (first + i)))

    let x =
        if basis.IsPeriodic then
            let period = basis.Upper - basis.Lower
            let turns = (multiply (1.0 / period) (plus -basis.Lower x)).floor()
            x .- multiply period (turns.detach ())
        else
            x.alias ()

    let x = x.unsqueeze -1L
    let start = last 0 - first + 1

    let knot i =
        if basis.IsPeriodic || i < basis.Knots.Count then
            basis.Knot i
        else
            infinity

    let finalSpan = Array.last basis.Spans

    // The right end belongs to the last span, not to one that begins there.
    let from =
        row start (fun i ->
            if i > finalSpan && not basis.IsPeriodic then
                infinity
            else
                knot i)

    let below =
        row start (fun i ->
            if i = finalSpan && not basis.IsPeriodic then
                infinity
            else
                knot (i + 1))

    let inside = (x.ge from).logical_and(x.lt below)

    let inside =
        if basis.IsPeriodic then
            inside
        else
            let within =
                (x.ge (vector kind [| basis.Lower |])).logical_and(x.le (vector kind [| basis.Upper |]))

            inside.logical_and within

    let inverse width =
        if width > 0.0 then 1.0 / width else 0.0

    let raise (n: torch.Tensor) (q: int) =
        let count = last q - first + 1
        let rising = row count (fun i -> inverse (knot (i + q) - knot i))
        let falling = row count (fun i -> inverse (knot (i + q + 1) - knot (i + 1)))
        let left, right = n.narrow (-1L, 0L, int64 count), n.narrow (-1L, 1L, int64 count)

        ((x .- row count knot) .* rising .* left)
        .+ ((row count (fun i -> knot (i + q + 1)) .- x) .* falling .* right)

    let all = List.fold raise (inside.``to`` x.dtype) [ 1..degree ]

    if basis.IsPeriodic && degree > 0 then
        let own = all.narrow (-1L, int64 degree, int64 size)
        let continued = all.narrow (-1L, 0L, int64 degree)
        own .+ torch.nn.functional.pad (continued, [| int64 (size - degree); 0L |])
    else
        all
    |> scope.MoveToOuter

let private checkDifferentiable (basis: SplineBasis) =
    Guard.notNull "basis" basis
    Guard.holds "basis" (basis.Degree >= 1) (fun () -> "basis must have a degree of at least 1, but it is 0.")
    let p, n = basis.Degree, int basis.Size

    for i in (if basis.IsPeriodic then [ 0 .. n - 1 ] else [ 1 .. n - 1 ]) do
        Guard.holds "basis" (basis.Knot i < basis.Knot(i + p)) (fun () ->
            $"basis must hold no knot of multiplicity above its degree inside, but {basis.Knot i} is {p + 1} knots: splines jump there.")

/// <summary>The basis of the derivatives: one degree lower on the same knots.</summary>
/// <exception cref="T:System.ArgumentException">The degree is 0, or splines of the basis jump at a knot.</exception>
[<CompiledName("DerivativeBasis")>]
let derivativeBasis (basis: SplineBasis) : SplineBasis =
    checkDifferentiable basis
    let knots = Seq.toArray basis.Knots

    SplineBasis(
        basis.Degree - 1,
        (if basis.IsPeriodic then
             knots
         else
             knots[1 .. knots.Length - 2]),
        basis.IsPeriodic
    )

/// <summary>Differentiation: coefficients -> the coefficients of the derivative in <c>derivativeBasis</c>.</summary>
/// <returns>A map from [n] to [n - 1], or [n] for a periodic basis.</returns>
/// <exception cref="T:System.ArgumentException">The degree is 0, or splines of the basis jump at a knot.</exception>
/// <remarks>degree (c_i - c_(i-1)) / (t_(i + degree) - t_i): de Boor 2001, X (12).</remarks>
[<CompiledName("Differentiate")>]
let differentiate (basis: SplineBasis) : LinearMap =
    checkDifferentiable basis
    let p, n = basis.Degree, int basis.Size

    [|
        for i in (if basis.IsPeriodic then 0 else 1) .. n - 1 ->
            let slope = float p / (basis.Knot(i + p) - basis.Knot i)
            struct ([| basis.Place i; basis.Place(i - 1) |], [| slope; -slope |])
    |]
    |> SparseRows.ofRows $"d/dx[{n}]" basis.Size

/// Points and weights of Gauss's rule on every span, exact for the degree.
let private quadrature (degree: int) (basis: SplineBasis) =
    let rule = Legendre.rule (int64 (degree / 2 + 1))

    [|
        for k in basis.Spans do
            let half = (basis.Knot(k + 1) - basis.Knot k) / 2.0

            for node, weight in Seq.zip rule.Nodes rule.Weights do
                struct (k, basis.Knot k + half * (1.0 + node), half * weight)
    |]

/// <summary>The integral of each function over the interval: for a clamped or periodic basis (t_(i + degree + 1) - t_i) / (degree + 1).</summary>
/// <remarks>By Gauss's rule on every interval, exact to rounding; functions that reach beyond the interval count by what lies inside.</remarks>
[<CompiledName("Integrals")>]
let integrals (basis: SplineBasis) : IReadOnlyList<float> =
    Guard.notNull "basis" basis
    let total = Array.zeroCreate<float>(int basis.Size)

    for struct (k, x, weight) in quadrature basis.Degree basis do
        basis.Local(0, k, x)
        |> Array.iteri (fun i value ->
            let place = int (basis.Place(k - basis.Degree + i))
            total[place] <- total[place] + weight * value)

    Array.AsReadOnly total :> IReadOnlyList<float>

/// <summary>The Gram (mass) matrix as a map: the integrals over the interval of the products of two functions.</summary>
/// <returns>A self-adjoint, positive definite map on [basis.Size].</returns>
/// <remarks>By Gauss's rule on every interval, exact to rounding.</remarks>
[<CompiledName("Gram")>]
let gram (basis: SplineBasis) : LinearMap =
    Guard.notNull "basis" basis
    let n = int basis.Size
    let matrix = Array.zeroCreate<float>(n * n)

    for struct (k, x, weight) in quadrature (2 * basis.Degree) basis do
        let local = basis.Local(0, k, x)
        let place i = int (basis.Place(k - basis.Degree + i))

        for i in 0 .. local.Length - 1 do
            for j in 0 .. local.Length - 1 do
                let at = place i * n + place j
                matrix[at] <- matrix[at] + weight * (local[i] * local[j])

    use dense = torch.tensor(matrix).reshape(int64 n, int64 n)
    dense |> FixedMatrix.ofMatrix $"G[{n}]" Traits.SelfAdjoint
