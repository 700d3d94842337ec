namespace Ortho

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open TorchSharp

/// <summary>A smooth real function on an interval as a Chebyshev series to float64 precision: sampled at 17, 33, 65, ... Lobatto nodes until rounding is all that is left of the
/// last coefficients, and then cut there.</summary>
/// <remarks>In the spirit of Chebfun: Battles and Trefethen 2004; Trefethen 2013; chopping by Aurentz and Trefethen 2017. It holds numbers, no tensors.</remarks>
[<Sealed; NoEquality; NoComparison>]
type Fun private (lower: float, upper: float, coefficients: float[], _unit: unit) =

    /// 2^16 + 1.
    static let defaultLimit = 65537L

    static let checkInterval (lower: float) (upper: float) =
        Guard.finite "lower" lower
        Guard.finite "upper" upper
        Guard.holds "upper" (lower < upper) (fun () -> $"upper must be above lower = {lower}, but is {upper}.")

    static let place (lower: float) (upper: float) (t: float) =
        if t = -1.0 then lower
        elif t = 1.0 then upper
        else (lower * (1.0 - t) + upper * (1.0 + t)) / 2.0

    /// Coefficients that resolve f, by doubling the number of intervals between nodes.
    static let resolve (lower: float) (upper: float) (limit: int64) (f: float -> float) : float[] =
        let sample (t: float) =
            let x = place lower upper t
            let y = f x

            Guard.holds "f" (Double.IsFinite y) (fun () ->
                $"f must be finite on [{lower:R}, {upper:R}], but f({x:R}) = {y}.")

            y

        /// Points between the nodes of every size: what aliases at all nodes is seen there.
        let fits (c: float[]) (scale: float) =
            [ -0.357998918959666; 0.036785641195074; 0.718281828459045 ]
            |> List.forall (fun t ->
                // Rounding of the point moves a steep function.
                let slope = abs (ChebyshevSeries.evaluate (ChebyshevSeries.derivative c) t)
                abs (sample t - ChebyshevSeries.evaluate c t) <= 1e-12 * scale + 1e-15 * slope)

        let rec refine (values: float[]) =
            let n = values.Length
            let c = ChebyshevSeries.ofValues values
            let scale = values |> Array.fold (fun most value -> max most (abs value)) 0.0
            let kept = Array.truncate (ChebyshevSeries.chop (Math.ScaleB(1.0, -52)) c) c

            if kept.Length < n && fits kept scale then
                kept
            elif 2L * int64 n - 1L > limit then
                let tail =
                    c
                    |> Array.skip (n - 1 - n / 10)
                    |> Array.fold (fun most x -> max most (abs x)) 0.0

                raise (
                    ArgumentException(
                        $"f must be smooth enough to be resolved by at most {limit} points on [{lower:R}, {upper:R}], but after {n} points the last tenth of its coefficients is still {tail:E1} beside values up to {scale:E1}.",
                        "f"
                    )
                )
            else
                let nodes = ChebyshevSeries.nodes (2 * n - 1)
                refine (Array.init (2 * n - 1) (fun j -> if j % 2 = 0 then values[j / 2] else sample nodes[j]))

        refine (ChebyshevSeries.nodes 17 |> Array.map sample)

    let toUnit (x: float) =
        if x = lower then -1.0
        elif x = upper then 1.0
        else ((x - lower) - (upper - x)) / (upper - lower)

    let scale = (upper - lower) / 2.0

    internal new(lower, upper, coefficients: float[]) = Fun(lower, upper, coefficients, ())

    /// <summary>The function f on [lower, upper].</summary>
    /// <param name="f">Finite and smooth on the interval.</param>
    /// <param name="lower">Left end.</param>
    /// <param name="upper">Right end.</param>
    /// <param name="limit">Most points at which f is sampled, at least 17.</param>
    /// <exception cref="T:System.ArgumentException">Not an interval; f is not finite at a point, which the message names; or f is not resolved, and the message says what was reached.</exception>
    new
        (
            f: Func<float, float>,
            [<Optional; DefaultParameterValue(-1.0)>] lower: float,
            [<Optional; DefaultParameterValue(1.0)>] upper: float,
            [<Optional; DefaultParameterValue(65537L)>] limit: int64
        ) =
        Guard.notNull "f" f
        Fun.Check(lower, upper, limit)
        Fun(lower, upper, Fun.Resolve(lower, upper, limit, f.Invoke), ())

    static member internal DefaultLimit = defaultLimit

    static member internal Check(lower: float, upper: float, limit: int64) =
        checkInterval lower upper
        Guard.atLeast "limit" 17L limit

    static member internal Resolve(lower, upper, limit, f) = resolve lower upper limit f

    member internal _.Numbers = coefficients

    /// Left end of the interval.
    member _.Lower = lower

    /// Right end of the interval.
    member _.Upper = upper

    /// The number of coefficients: the degree + 1.
    member _.Size = coefficients.LongLength

    /// Coefficients of T_k((2 x - lower - upper) / (upper - lower)).
    member _.Coefficients: IReadOnlyList<float> = Array.AsReadOnly coefficients

    /// <summary>The value at a point of the interval.</summary>
    /// <exception cref="T:System.ArgumentException">x lies outside, by more than rounding.</exception>
    member _.Evaluate(x: float) : float =
        let slack = 1e-12 * (upper - lower)

        Guard.holds "x" (x >= lower - slack && x <= upper + slack) (fun () ->
            $"x must lie in [{lower:R}, {upper:R}], but is {x:R}.")

        ChebyshevSeries.evaluate coefficients (Math.Clamp(toUnit x, -1.0, 1.0))

    /// <summary>The values at the entries of a tensor, differentiable in them. Outside the interval the polynomial goes on.</summary>
    /// <param name="x">Any shape, real.</param>
    /// <returns>The shape, dtype and device of x.</returns>
    /// <exception cref="T:System.ArgumentException">x is not of real floating point type.</exception>
    member _.Apply(x: torch.Tensor) : torch.Tensor =
        Guard.real "x" x

        x
        |> Actions.scoped (fun x ->
            multiply (1.0 / scale) x
            |> plus (-(lower + upper) / (upper - lower))
            |> ChebyshevSeries.evaluateTensor coefficients)

    /// The derivative. Each costs about a factor of the square of the degree in precision.
    member _.Derivative() =
        Fun(lower, upper, ChebyshevSeries.derivative coefficients |> Array.map (fun c -> c / scale))

    /// The antiderivative that vanishes at the left end.
    member _.Antiderivative() =
        Fun(lower, upper, ChebyshevSeries.antiderivative coefficients |> Array.map (fun c -> c * scale))

    /// The integral over the interval.
    member _.Integral() =
        scale * ChebyshevSeries.integral coefficients

    /// <summary>The roots in the interval, ascending: eigenvalues of colleague matrices on pieces of the interval, refined by Newton's method. A root of even order is found to
    /// half the digits only, as a close pair, once, or not at all.</summary>
    /// <exception cref="T:System.InvalidOperationException">The function is zero everywhere.</exception>
    member _.Roots() : IReadOnlyList<float> =
        if coefficients |> Array.forall ((=) 0.0) then
            raise (InvalidOperationException $"Every point of [{lower:R}, {upper:R}] is a root of the zero function.")

        ChebyshevSeries.roots coefficients
        |> Array.map (place lower upper)
        |> Array.AsReadOnly
        :> IReadOnlyList<float>

    /// Where the function is greatest, and its value there.
    member _.Maximum() : struct (float * float) =
        let inside =
            let slope = ChebyshevSeries.derivative coefficients

            if slope |> Array.forall ((=) 0.0) then
                [||]
            else
                ChebyshevSeries.roots slope

        let t =
            Array.append [| -1.0; 1.0 |] inside
            |> Array.maxBy (ChebyshevSeries.evaluate coefficients)

        place lower upper t, ChebyshevSeries.evaluate coefficients t

    /// Where the function is least, and its value there.
    member this.Minimum() : struct (float * float) =
        let struct (x, value) = (-this).Maximum()
        x, -value

    /// <summary>g of this function, resolved anew.</summary>
    /// <exception cref="T:System.ArgumentException">g of it is not finite at a point, or not resolved.</exception>
    member this.Map(g: Func<float, float>) =
        Guard.notNull "g" g
        Fun(lower, upper, resolve lower upper defaultLimit (this.Evaluate >> g.Invoke))

    override _.ToString() =
        $"Fun[{coefficients.Length}] on [{lower}, {upper}]"

    static member private Together(x: Fun, y: Fun) =
        Guard.notNull "x" x
        Guard.notNull "y" y

        Guard.holds "y" (x.Lower = y.Lower && x.Upper = y.Upper) (fun () ->
            $"y must live on the interval [{x.Lower:R}, {x.Upper:R}] of x, but lives on [{y.Lower:R}, {y.Upper:R}].")

    static member (~-)(x: Fun) =
        Guard.notNull "x" x
        Fun(x.Lower, x.Upper, x.Numbers |> Array.map (~-))

    /// The sum of two functions on one interval.
    static member (+)(x: Fun, y: Fun) =
        Fun.Together(x, y)
        let at (c: float[]) k = if k < c.Length then c[k] else 0.0

        let sum =
            Array.init (max x.Numbers.Length y.Numbers.Length) (fun k -> at x.Numbers k + at y.Numbers k)

        Fun(x.Lower, x.Upper, ChebyshevSeries.trimmed sum)

    /// The difference of two functions on one interval.
    static member (-)(x: Fun, y: Fun) =
        Fun.Together(x, y)
        x + (-y)

    /// The product of two functions on one interval: exact up to rounding, then cut.
    static member (*)(x: Fun, y: Fun) =
        Fun.Together(x, y)

        let values =
            ChebyshevSeries.nodes (x.Numbers.Length + y.Numbers.Length - 1)
            |> Array.map (fun t -> ChebyshevSeries.evaluate x.Numbers t * ChebyshevSeries.evaluate y.Numbers t)

        Fun(x.Lower, x.Upper, values |> ChebyshevSeries.ofValues |> ChebyshevSeries.trimmed)

    /// The quotient, resolved anew: refused where y is 0.
    static member (/)(x: Fun, y: Fun) =
        Fun.Together(x, y)
        Fun(x.Lower, x.Upper, resolve x.Lower x.Upper defaultLimit (fun t -> x.Evaluate t / y.Evaluate t))

    /// A multiple.
    static member (*)(factor: float, x: Fun) =
        Guard.notNull "x" x
        Guard.finite "factor" factor
        Fun(x.Lower, x.Upper, x.Numbers |> Array.map ((*) factor))

    /// A function and a constant.
    static member (+)(x: Fun, constant: float) =
        Guard.notNull "x" x
        Guard.finite "constant" constant
        Fun(x.Lower, x.Upper, x.Numbers |> Array.mapi (fun k c -> if k = 0 then c + constant else c))

/// Smooth functions of one variable, to float64 precision.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Fun =

    /// <summary>The function f on [lower, upper], sampled at no more than the given number of points.</summary>
    /// <exception cref="T:System.ArgumentException">Not an interval; f is not finite at a point; or f is not resolved, and the message says what was reached.</exception>
    let ofFunctionWithin (limit: int64) (lower: float, upper: float) (f: float -> float) : Fun =
        Guard.notNull "f" f
        Fun.Check(lower, upper, limit)
        Fun(lower, upper, Fun.Resolve(lower, upper, limit, f))

    /// <summary>The function f on [lower, upper], sampled at no more than 65537 points.</summary>
    /// <exception cref="T:System.ArgumentException">Not an interval; f is not finite at a point; or f is not resolved, and the message says what was reached.</exception>
    let ofFunction (lower: float, upper: float) (f: float -> float) : Fun =
        ofFunctionWithin Fun.DefaultLimit (lower, upper) f

    /// <summary>The series sum_k c_k T_k on [lower, upper].</summary>
    /// <exception cref="T:System.ArgumentException">Not an interval, no coefficient, or one that is not finite.</exception>
    let ofCoefficients (lower: float, upper: float) (coefficients: seq<float>) : Fun =
        Guard.notNull "coefficients" coefficients
        Fun.Check(lower, upper, Fun.DefaultLimit)
        let numbers = Seq.toArray coefficients

        Guard.holds "coefficients" (numbers.Length > 0 && numbers |> Array.forall Double.IsFinite) (fun () ->
            "coefficients must be one or more finite numbers.")

        Fun(lower, upper, numbers)

    /// The value at a point of the interval.
    let evaluate (x: float) (f: Fun) = f.Evaluate x

    /// The derivative.
    let derivative (f: Fun) = f.Derivative()

    /// The antiderivative that vanishes at the left end.
    let antiderivative (f: Fun) = f.Antiderivative()

    /// The integral over the interval.
    let integral (f: Fun) = f.Integral()

    /// The roots in the interval, ascending.
    let roots (f: Fun) = f.Roots()

    /// Where the function is greatest, and its value there.
    let maximum (f: Fun) = f.Maximum()

    /// Where the function is least, and its value there.
    let minimum (f: Fun) = f.Minimum()

    /// g of the function, resolved anew.
    let map (g: float -> float) (f: Fun) = f.Map(Func<float, float> g)

    /// <summary>outer (inner x), resolved anew.</summary>
    /// <exception cref="T:System.ArgumentException">inner takes values outside the interval of outer, or the composition is not resolved.</exception>
    let compose (outer: Fun) (inner: Fun) =
        Guard.notNull "outer" outer
        Guard.notNull "inner" inner
        inner.Map(Func<float, float> outer.Evaluate)

// What a C# program calls.
type Fun with

    /// <summary>The series sum_k c_k T_k on [lower, upper].</summary>
    /// <exception cref="T:System.ArgumentException">Not an interval, no coefficient, or one that is not finite.</exception>
    static member OfCoefficients(coefficients: seq<float>, lower: float, upper: float) =
        Fun.ofCoefficients (lower, upper) coefficients

    /// <summary>outer (inner x), resolved anew.</summary>
    /// <exception cref="T:System.ArgumentException">inner takes values outside the interval of outer, or the composition is not resolved.</exception>
    static member Compose(outer: Fun, inner: Fun) = Fun.compose outer inner
