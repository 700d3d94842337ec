namespace Ortho

open System
open TorchSharp

/// A condition on a solution: its derivative of this order (0: the value) at this point.
type BoundaryCondition =
    {
        Point: float
        Order: int
        Value: float
    }

/// <summary>Linear differential equations a_0 u + a_1 u' + ... + a_N u^(N) = f on an interval, with N conditions at its points.</summary>
/// <remarks><c>solve</c>: the ultraspherical method, Olver and Townsend 2013: almost banded systems, in time proportional to the number of coefficients, and nearly no loss of
/// digits. <c>collocate</c>: n unknown Chebyshev coefficients, the equation at n - N Gauss nodes and the conditions as rows, a dense system (Driscoll and Hale 2016);
/// its rounding grows like n^(2N), and it sees a singular problem only where its matrix is exactly singular.</remarks>
[<RequireQualifiedAccess>]
module BoundaryProblem =

    /// <summary>The value of the derivative of this order at a point.</summary>
    /// <exception cref="T:System.ArgumentException">A negative order, or a number that is not finite.</exception>
    [<CompiledName("Condition")>]
    let condition (point: float) (order: int) (value: float) : BoundaryCondition =
        Guard.finite "point" point
        Guard.atLeast "order" 0 order
        Guard.finite "value" value

        {
            Point = point
            Order = order
            Value = value
        }

    let private checkProblem (coefficients: seq<Fun>) (conditions: seq<BoundaryCondition>) (f: Fun) =
        Guard.notNull "coefficients" coefficients
        Guard.notNull "conditions" conditions
        Guard.notNull "f" f
        let coefficients, conditions = Seq.toArray coefficients, Seq.toArray conditions
        let order = coefficients.Length - 1

        Guard.holds "coefficients" (order >= 1 && order <= 8) (fun () ->
            $"coefficients must be those of u, u', ..., u^(N) with N from 1 to 8, but are {coefficients.Length}.")

        coefficients
        |> Array.iteri (fun i a ->
            Guard.notNull $"coefficients[{i}]" a

            Guard.holds "coefficients" (a.Lower = f.Lower && a.Upper = f.Upper) (fun () ->
                $"coefficients must live on the interval [{f.Lower}, {f.Upper}] of f, but coefficients[{i}] lives on [{a.Lower}, {a.Upper}]."))

        Guard.holds "conditions" (conditions.Length = order) (fun () ->
            $"conditions must be as many as the order {order} of the equation, but are {conditions.Length}.")

        for c in conditions do
            Guard.holds
                "conditions"
                (c.Point >= f.Lower
                 && c.Point <= f.Upper
                 && c.Order >= 0
                 && c.Order < order
                 && Double.IsFinite c.Value)
                (fun () ->
                    $"conditions must be finite values of derivatives of order below {order} at points of [{f.Lower}, {f.Upper}], but one is {c.Value} for order {c.Order} at {c.Point}.")

        struct (coefficients, conditions)

    let private toUnit (f: Fun) x =
        ((x - f.Lower) - (f.Upper - x)) / (f.Upper - f.Lower)

    /// T_k^(order)(t) for k below n: through C^(order), whose three-term recurrence is stable.
    let private row (n: int) (order: int) (t: float) : float[] =
        let lambda = float order

        if order = 0 then
            PolynomialBasis.values (Chebyshev.family.Terms n) [| t |]
        else
            let values = PolynomialBasis.values ((Ultraspherical.family lambda).Terms n) [| t |]
            let factor = Seq.fold (fun p i -> p * 2.0 * float i) 1.0 [ 1 .. order - 1 ]

            Array.init n (fun k ->
                if k < order then
                    0.0
                else
                    factor * float k * values[k - order])

    /// Derivatives in t are those in x times this to the order.
    let private stretch (f: Fun) = 2.0 / (f.Upper - f.Lower)

    let private conditionRows (f: Fun) (n: int) (conditions: BoundaryCondition[]) =
        conditions
        |> Array.map (fun c -> row n c.Order (toUnit f c.Point) |> Array.map ((*) (stretch f ** float c.Order)))

    /// Row i of a banded matrix has the columns i + first, ..., i + first + width - 1.
    type private Band =
        {
            First: int
            Rows: float[][]
        }

        member this.Width = this.Rows[0].Length

        member this.At (i: int) (offset: int) =
            let place = offset - this.First

            if i < 0 || i >= this.Rows.Length || place < 0 || place >= this.Width then
                0.0
            else
                this.Rows[i][place]

    let private band (size: int) (first: int) (last: int) (entry: int -> int -> float) =
        {
            First = first
            Rows = Array.init size (fun i -> Array.init (last - first + 1) (fun place -> entry i (first + place)))
        }

    /// S_lambda b: coefficients in C^(lambda) -> in C^(lambda + 1), after b.
    let private raised (lambda: int) (b: Band) =
        let factor k =
            if k = 0 then 1.0
            elif lambda = 0 then 0.5
            else float lambda / float (lambda + k)

        band b.Rows.Length b.First (b.First + b.Width + 1) (fun i offset ->
            factor i * b.At i offset - factor (i + 2) * b.At (i + 2) (offset - 2))

    /// Multiplication by t in C^(lambda), after b.
    let private timesT (lambda: int) (b: Band) =
        let lambda = float lambda

        band b.Rows.Length (b.First - 1) (b.First + b.Width) (fun i offset ->
            let i' = float i

            let before =
                if i = 0 then
                    0.0
                else
                    i' / (2.0 * (i' - 1.0 + lambda)) * b.At (i - 1) (offset + 1)

            before
            + (i' + 2.0 * lambda) / (2.0 * (i' + 1.0 + lambda)) * b.At (i + 1) (offset - 1))

    let private combine (a: float) (x: Band) (b: float) (y: Band) =
        let first = min x.First y.First
        let last = max (x.First + x.Width) (y.First + y.Width) - 1
        band x.Rows.Length first last (fun i offset -> a * x.At i offset + b * y.At i offset)

    /// a(t) in C^(lambda), after b: sum_k a_k T_k(J) b.
    let private multiplied (lambda: int) (a: float[]) (b: Band) =
        let mutable before, now = b, b
        let mutable sum = combine a[0] b 0.0 b

        for k in 1 .. a.Length - 1 do
            let next =
                if k = 1 then
                    timesT lambda now
                else
                    combine 2.0 (timesT lambda now) -1.0 before

            before <- now
            now <- next
            sum <- combine 1.0 sum a[k] now

        sum

    /// The operator from Chebyshev coefficients to those of C^(N), rows below size.
    let private operator (coefficients: Fun[]) (f: Fun) (size: int) : Band =
        let order = coefficients.Length - 1
        // Rows at the end are wrong where a step reads rows beyond them: as many are added.
        let degree = coefficients |> Array.map (fun a -> a.Numbers.Length) |> Array.max
        let rows = size + degree + 2 * order + 2

        coefficients
        |> Array.mapi (fun k a ->
            let factor =
                Seq.fold (fun p i -> p * 2.0 * float i) 1.0 [ 1 .. k - 1 ]
                * stretch f ** float k

            let derivative =
                band rows k k (fun i _ -> if k = 0 then 1.0 else factor * float (i + k))

            Seq.fold (fun b lambda -> raised lambda b) derivative [ k .. order - 1 ]
            |> multiplied order a.Numbers)
        |> Array.reduce (fun x y -> combine 1.0 x 1.0 y)

    let private converted (order: int) (size: int) (c: float[]) =
        Seq.fold
            (fun (v: float[]) lambda ->
                let factor k =
                    if k = 0 then 1.0
                    elif lambda = 0 then 0.5
                    else float lambda / float (lambda + k)

                Array.init size (fun i -> factor i * v[i] - (if i + 2 < size then factor (i + 2) * v[i + 2] else 0.0)))
            (Array.init size (fun i -> if i < c.Length then c[i] else 0.0))
            [ 0 .. order - 1 ]

    let private refuseSingular () =
        raise (
            ArgumentException(
                "conditions must fix the solution, but the equation with them has none or many, up to rounding.",
                "conditions"
            )
        )

    /// Most coefficients that are tried.
    let private limit = 65536

    /// <summary>The solution by the ultraspherical method, with as many coefficients as it needs.</summary>
    /// <param name="coefficients">a_0, ..., a_N on one interval, N from 1 to 8. Their degrees are the bandwidth.</param>
    /// <param name="conditions">N conditions.</param>
    /// <param name="f">The right-hand side.</param>
    /// <exception cref="T:System.ArgumentException">Intervals, orders or numbers that do not fit; no unique solution; or a solution not resolved by 65536 coefficients.</exception>
    [<CompiledName("Solve")>]
    let solve (coefficients: seq<Fun>) (conditions: seq<BoundaryCondition>) (f: Fun) : Fun =
        let struct (coefficients, conditions) = checkProblem coefficients conditions f
        let order = coefficients.Length - 1

        let rec resolve (n: int) =
            let band = operator coefficients f (n - order)
            let lower, upper = max 0 -band.First, max order (band.First + band.Width - 1)

            let right =
                Array.append
                    (conditions |> Array.map _.Value)
                    (Array.truncate (n - order) (converted order n f.Numbers))

            let dense = conditionRows f n conditions
            let largest = Array.fold (fun most x -> max most (abs x)) 0.0
            // Signs times the sizes of the rows: where these give a solution beyond 1e12, rounding decides what u is.
            let random = Random n

            let probe =
                Array.append dense (Array.truncate (n - order) band.Rows)
                |> Array.map (fun row -> if random.Next 2 = 0 then largest row else -(largest row))

            match AlmostBanded.trySolve dense lower upper (fun i j -> band.At i (j - i)) [| right; probe |] with
            | None -> refuseSingular ()
            | Some solutions when not (largest solutions[1] < 1e12) -> refuseSingular ()
            | Some solutions ->
                let u = solutions[0]
                let kept = ChebyshevSeries.chop (Math.ScaleB(1.0, -52)) u

                if kept < n then
                    Fun(f.Lower, f.Upper, Array.truncate kept u)
                elif 2 * n > limit then
                    raise (
                        ArgumentException(
                            $"f must give a solution that {limit} coefficients resolve, but after {n} the last is still {abs u[n - 1]:E1}.",
                            "f"
                        )
                    )
                else
                    resolve (2 * n)

        let longest = coefficients |> Array.map _.Numbers.Length |> Array.max
        resolve (max 32 (2 * (longest + order) |> max (f.Numbers.Length + order)))

    /// <summary>The polynomial of n coefficients that meets the conditions and the equation at n - N Gauss nodes.</summary>
    /// <param name="n">Above N, at most 4096.</param>
    /// <param name="coefficients">a_0, ..., a_N on one interval, N from 1 to 8.</param>
    /// <param name="conditions">N conditions.</param>
    /// <param name="f">The right-hand side.</param>
    /// <exception cref="T:System.ArgumentException">Intervals, orders or numbers that do not fit, or a singular matrix.</exception>
    [<CompiledName("Collocate")>]
    let collocate (n: int64) (coefficients: seq<Fun>) (conditions: seq<BoundaryCondition>) (f: Fun) : Fun =
        let struct (coefficients, conditions) = checkProblem coefficients conditions f
        let order = coefficients.Length - 1
        Guard.between "n" (int64 order + 1L) 4096L n
        let size = int n
        let inside = size - order

        let nodes =
            Array.init inside (fun j -> sin (Math.PI * float (2 * j + 1 - inside) / float (2 * inside)))

        let rows =
            nodes
            |> Array.map (fun t ->
                coefficients
                |> Array.mapi (fun k a ->
                    let factor = stretch f ** float k * ChebyshevSeries.evaluate a.Numbers t
                    row size k t |> Array.map ((*) factor))
                |> Array.reduce (Array.map2 (+)))

        let matrix = Array.append (conditionRows f size conditions) rows |> Array.concat

        let right =
            Array.append (conditions |> Array.map _.Value) (nodes |> Array.map (ChebyshevSeries.evaluate f.Numbers))

        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let a = (vector TensorKind.float64 matrix).reshape [| n; n |]

        let struct (x, info) =
            torch.linalg.solve_ex (a, (vector TensorKind.float64 right).unsqueeze -1L)

        if number (info.``to`` torch.float64) <> 0.0 then
            refuseSingular ()

        Fun(f.Lower, f.Upper, Array.init size (fun i -> number x[int64 i, 0L]))
