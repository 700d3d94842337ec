module Ortho.Tests.BSplineTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private law name (residual: Case -> SplineBasis -> float) =
    Property.check Property.config name (fun case ->
        residual case (FourierZoo.splines case) |> Property.within 1e-12 name)

/// The same for bases that can be interpolated with few digits lost.
let private smooth name (residual: Case -> SplineBasis -> float) =
    Property.check Property.config name (fun case ->
        let degree = case.Second % 5

        let basis =
            if case.Seed % 2 = 0 then
                BSpline.openUniform degree case.Size (-1.0, 2.0)
            else
                BSpline.periodicUniform degree (degree + case.Size) (0.5, 2.5)

        residual case basis |> Property.within 1e-12 name)

let private points = FourierZoo.points 12

/// de Boor's recursion for one function, from its definition; the right end of the interval belongs to the last piece.
let rec private definition (knot: int -> float) (last: float) (i: int) (p: int) (x: float) : float =
    let ratio a b = if b = 0.0 then 0.0 else a / b

    if p = 0 then
        let isLast = x = last && knot i < last && knot (i + 1) = last
        let isInside = x <> last && knot i <= x && x < knot (i + 1)
        if isInside || isLast then 1.0 else 0.0
    else
        ratio (x - knot i) (knot (i + p) - knot i) * definition knot last i (p - 1) x
        + ratio (knot (i + p + 1) - x) (knot (i + p + 1) - knot (i + 1))
          * definition knot last (i + 1) (p - 1) x

/// Function i of a basis by its definition; of a periodic one, all its copies.
let private valueOf (basis: SplineBasis) (i: int) (x: float) =
    let n, period = int basis.Size, basis.Upper - basis.Lower

    if basis.IsPeriodic then
        let x = if x = basis.Upper then basis.Lower else x

        let knot i =
            let turn = int (floor (float i / float n))
            basis.Knots[i - turn * n] + float turn * period

        definition knot nan i basis.Degree x
        + definition knot nan (i - n) basis.Degree x
    else
        definition (fun i -> basis.Knots[i]) basis.Upper i basis.Degree x

let private coefficients (case: Case) (basis: SplineBasis) =
    Seed.normal (Seed.derive case.Seed 3) TensorKind.float64 [ 2L; basis.Size ]

/// Fejer's first rule on [-1, 1]: cosines of (j + 1/2) pi / n, weights by the formula.
let private fejer (n: int) =
    Array.init n (fun j ->
        let theta = (float j + 0.5) * Math.PI / float n

        let sum =
            Seq.sum (seq { for k in 1 .. n / 2 -> cos (2.0 * float k * theta) / float (4 * k * k - 1) })

        cos theta, 2.0 / float n * (1.0 - 2.0 * sum))

/// |x - y| over |x| + |y| + size.
let private apart size (x: torch.Tensor) (y: torch.Tensor) =
    x.sub(y).abs().max().item<float>() / (size + x.abs().max().item<float>())

let tests =
    testList
        "B-splines"
        [
            law "values are those of the definition" (fun case basis ->
                let points = points case basis

                let expected =
                    Array.init (points.Length * int basis.Size) (fun at ->
                        valueOf basis (at % int basis.Size) points[at / int basis.Size])

                let expected = torch.tensor(expected).reshape(points.LongLength, basis.Size)
                Law.distance (LinearMap.toMatrix (BSpline.evaluateAt points basis)) expected)

            law "values of tensors are the same, and zero outside" (fun case basis ->
                let points = points case basis
                let matrix = LinearMap.toMatrix (BSpline.evaluateAt points basis)
                let values = BSpline.values basis (torch.tensor points)

                let outside =
                    BSpline.values basis (torch.tensor [| basis.Upper + 0.25; basis.Lower - 0.25 |])

                let wanted =
                    if basis.IsPeriodic then
                        BSpline.values basis (torch.tensor [| basis.Lower + 0.25; basis.Upper - 0.25 |])
                    else
                        torch.zeros_like outside

                max (Law.distance values matrix) (apart 1.0 outside wanted))

            law "the functions add to 1, are not negative, and live on degree + 1 intervals" (fun case basis ->
                let points = points case basis
                let matrix = LinearMap.toMatrix (BSpline.evaluateAt points basis)
                let ones = torch.ones_like (matrix.sum -1L)
                let negative = max 0.0 -(matrix.min().item<float>())
                let many = (matrix.gt (torch.zeros_like matrix)).sum(-1L).max().item<int64>()
                let extra = if many > int64 basis.Degree + 1L then 1.0 else 0.0
                Law.distance (matrix.sum -1L) ones + negative + extra)

            law "derivatives are those of the derivative's coefficients, at every order" (fun case basis ->
                // Not where splines jump.
                let points = points case basis

                let rec down (basis: SplineBasis) order (c: torch.Tensor) (original: SplineBasis) c0 =
                    if basis.Degree = 0 then
                        0.0
                    else
                        let d = (BSpline.differentiate basis).Apply c
                        let lower = BSpline.derivativeBasis basis
                        let direct = (BSpline.derivativeAt (order + 1) points original).Apply c0
                        let through = (BSpline.evaluateAt points lower).Apply d
                        max (Law.distance direct through) (down lower (order + 1) d original c0)

                let c = coefficients case basis
                down basis 0 c basis c)

            law "above the degree derivatives are zero" (fun case basis ->
                let map = BSpline.derivativeAt (basis.Degree + 1) (points case basis) basis
                (map.Apply(coefficients case basis)).abs().max().item<float>())

            law "integrals are those of the formula, and of a sum of squares the Gram matrix" (fun _ basis ->
                let formula =
                    [|
                        for i in 0 .. int basis.Size - 1 ->
                            if basis.IsPeriodic then
                                let n, period = int basis.Size, basis.Upper - basis.Lower
                                let far = i + basis.Degree + 1
                                let turn = far / n

                                (basis.Knots[far - turn * n] + float turn * period - basis.Knots[i])
                                / float (basis.Degree + 1)
                            else
                                (basis.Knots[i + basis.Degree + 1] - basis.Knots[i]) / float (basis.Degree + 1)
                    |]

                let integrals = torch.tensor (Seq.toArray (BSpline.integrals basis))
                // The functions of knots that are not clamped reach beyond the interval.
                let isWhole = basis.IsPeriodic || basis.Knots[0] = basis.Lower

                let defect =
                    if isWhole then
                        Law.distance integrals (torch.tensor formula)
                    else
                        0.0

                let gram = BSpline.gram basis
                let ones = torch.ones (basis.Size, dtype = torch.float64)
                max defect (Law.distance (gram.Apply ones) integrals))

            law "the Gram matrix is positive definite, and the integral of squares" (fun case basis ->
                let c = coefficients case basis
                // Fejer's rule of 16 points on every interval: exact to degree 15, and without the ends, where pieces of degree 0 jump.
                let gram = BSpline.gram basis
                let least = (torch.linalg.eigvalsh (LinearMap.toMatrix gram)).min().item<float>()
                let energy = (gram.Apply c).mul(c).sum -1L

                let breaks =
                    basis.Knots
                    |> Seq.filter (fun t -> t >= basis.Lower && t <= basis.Upper)
                    |> Seq.distinct
                    |> Seq.toArray

                let rule = fejer 16

                let sums =
                    Array.pairwise breaks
                    |> Array.map (fun (a, b) ->
                        let x = rule |> Array.map (fun (node, _) -> (a + b + (b - a) * node) / 2.0)
                        let w = rule |> Array.map (fun (_, weight) -> (b - a) / 2.0 * weight)
                        let f = (BSpline.evaluateAt x basis).Apply c
                        f.square().mul(torch.tensor w).sum -1L)

                let expected = Array.reduce (fun (a: torch.Tensor) b -> a.add b) sums
                Law.distance energy expected + (if least > 0.0 then 0.0 else 1.0))

            law "inserting knots leaves every spline as it is" (fun case basis ->
                let random = Random(Seed.derive case.Seed 8)

                let inside () =
                    basis.Lower + (basis.Upper - basis.Lower) * (0.02 + 0.96 * random.NextDouble())

                let first = inside ()
                // One of them as often as the degree allows.
                let added =
                    [ inside (); yield! List.replicate (max 1 basis.Degree) first; inside () ]

                let refined, map = KnotInsertion.refine added basis, KnotInsertion.map added basis
                let c = coefficients case basis
                let points = first :: List.ofArray (points case basis)
                let before = (BSpline.evaluateAt points basis).Apply c
                let after = (BSpline.evaluateAt points refined).Apply(map.Apply c)

                let size =
                    if refined.Size = basis.Size + int64 added.Length then
                        0.0
                    else
                        1.0

                size + apart 1.0 after before)

            smooth "interpolation gives the values, and the coefficients of a spline" (fun case basis ->
                let map = SplineInterpolation.interpolate basis

                let at =
                    BSpline.evaluateAt
                        (SplineInterpolation.greville basis
                         |> Seq.map (fun x ->
                             if basis.IsPeriodic then
                                 x
                             else
                                 min basis.Upper (max basis.Lower x)))
                        basis

                max (Law.inverse case.Seed map at) (Law.inverse case.Seed at map))

            smooth "least squares: the residual is orthogonal to every spline" (fun case basis ->
                let points =
                    [
                        for i in 0..100 -> basis.Lower + (basis.Upper - basis.Lower) * float i / 100.0
                    ]

                let fit, at =
                    SplineInterpolation.leastSquares points basis, BSpline.evaluateAt points basis

                let f = Seed.normal case.Seed TensorKind.float64 [ 101L ]
                let residual = f.sub (at.Apply(fit.Apply f))

                max
                    (Law.inverse case.Seed at fit)
                    ((at.Adjoint.Apply residual).norm().item<float>() / f.norm().item<float>()))

            smooth "the spline whose coefficients are the Greville points is x" (fun case basis ->
                if basis.IsPeriodic || basis.Degree = 0 then
                    0.0
                else
                    let points = points case basis
                    let greville = torch.tensor (Seq.toArray (SplineInterpolation.greville basis))
                    apart 1.0 ((BSpline.evaluateAt points basis).Apply greville) (torch.tensor points))

            smooth "the integral of a derivative is the difference of the ends" (fun case basis ->
                if basis.Degree = 0 then
                    0.0
                else
                    let c = coefficients case basis
                    let d = (BSpline.differentiate basis).Apply c

                    let integrals =
                        torch.tensor (Seq.toArray (BSpline.integrals (BSpline.derivativeBasis basis)))

                    let ends = (BSpline.evaluateAt [ basis.Lower; basis.Upper ] basis).Apply c
                    let rise = (ends.select (-1L, 1L)).sub(ends.select (-1L, 0L))
                    apart 1.0 (d.mul(integrals).sum -1L) rise)

            testCase "the cubic on 0, 1, 2, 3, 4 by hand: 1/6, 2/3, 1/6" (fun () ->
                use _ = torch.NewDisposeScope()
                let basis = BSpline.ofKnots 3 [ -3.0 .. 4.0 ]
                Expect.equal (basis.Lower, basis.Upper, basis.Size) (0.0, 1.0, 4L) "the interval"

                let at derivative x =
                    LinearMap.toMatrix (BSpline.derivativeAt derivative [ x ] basis)

                let expect (y: torch.Tensor) (values: float list) =
                    Expect.isLessThan
                        (Law.distance (y.flatten ()) (torch.tensor (Array.ofList values)))
                        1e-15
                        "by hand"

                expect (at 0 0.0) [ 1.0 / 6.0; 2.0 / 3.0; 1.0 / 6.0; 0.0 ]
                expect (at 0 0.5) [ 1.0 / 48.0; 23.0 / 48.0; 23.0 / 48.0; 1.0 / 48.0 ]
                expect (at 1 0.0) [ -0.5; 0.0; 0.5; 0.0 ]
                expect (at 2 0.0) [ 1.0; -2.0; 1.0; 0.0 ]
                expect (at 3 0.5) [ -1.0; 3.0; -3.0; 1.0 ]
                let hats = BSpline.openUniform 1 2 (0.0, 2.0)
                let gram = LinearMap.toMatrix (BSpline.gram hats)

                expect
                    gram
                    [
                        1.0 / 3.0
                        1.0 / 6.0
                        0.0
                        1.0 / 6.0
                        2.0 / 3.0
                        1.0 / 6.0
                        0.0
                        1.0 / 6.0
                        1.0 / 3.0
                    ])

            testCase "interpolation converges with the order of the degree" (fun () ->
                use _ = torch.NewDisposeScope()

                for degree in [ 1; 3; 5 ] do
                    let error intervals =
                        let basis = BSpline.periodicUniform degree intervals (0.0, 2.0 * Math.PI)

                        let f =
                            torch.tensor [| for x in SplineInterpolation.greville basis -> exp (sin x) |]

                        let fine = [ for i in 0..999 -> 2.0 * Math.PI * float i / 1000.0 ]

                        let s =
                            (BSpline.evaluateAt fine basis).Apply((SplineInterpolation.interpolate basis).Apply f)

                        let exact = torch.tensor [| for x in fine -> exp (sin x) |]
                        (s.sub exact).abs().max().item<float>()

                    let order = Math.Log2(error 32 / error 64)
                    Expect.isLessThan (abs (order - float (degree + 1))) 0.25 $"degree {degree}: order {order}")

            Property.check Property.costly "values have the right gradient in the points" (fun case ->
                let basis = FourierZoo.splines case
                // Not at a knot, where low degrees have a kink.
                let x = Seed.uniform case.Seed TensorKind.float64 [ 6L ]
                let x = plus basis.Lower (multiply (basis.Upper - basis.Lower) x)

                if basis.Degree = 0 then
                    Property.within Bench.gradient "piecewise constant" 0.0
                else
                    Law.gradient case.Seed (BSpline.values basis) x
                    |> Property.within Bench.gradient "gradient")

            testCase "bad input is refused" (fun () ->
                let basis = BSpline.openUniform 2 3 (0.0, 1.0)
                Refusal.expect "degree" (fun () -> BSpline.openUniform -1 3 (0.0, 1.0) |> ignore)
                Refusal.expect "intervals" (fun () -> BSpline.openUniform 2 0 (0.0, 1.0) |> ignore)
                Refusal.expect "interval" (fun () -> BSpline.openUniform 2 3 (1.0, 1.0) |> ignore)
                Refusal.expect "periodic" (fun () -> BSpline.periodicUniform 3 3 (0.0, 1.0) |> ignore)
                Refusal.expect "few knots" (fun () -> BSpline.ofKnots 1 [ 0.0; 1.0; 2.0 ] |> ignore)
                Refusal.expect "falling" (fun () -> BSpline.ofKnots 0 [ 0.0; 1.0; 0.5 ] |> ignore)
                Refusal.expect "NaN" (fun () -> BSpline.ofKnots 0 [ 0.0; nan ] |> ignore)

                Refusal.expect "too equal" (fun () ->
                    BSpline.ofKnots 1 [ 0.0; 0.0; 0.5; 0.5; 0.5; 1.0; 1.0 ] |> ignore)

                Refusal.expect "an end within" (fun () -> BSpline.ofKnots 1 [ -1.0; 0.0; 0.0; 1.0; 2.0 ] |> ignore)
                Refusal.expect "outside" (fun () -> BSpline.evaluateAt [ 1.1 ] basis |> ignore)
                Refusal.expect "no points" (fun () -> BSpline.evaluateAt [] basis |> ignore)
                Refusal.expect "NaN point" (fun () -> BSpline.evaluateAt [ nan ] basis |> ignore)
                Refusal.expect "order" (fun () -> BSpline.derivativeAt -1 [ 0.5 ] basis |> ignore)
                Refusal.expect "few points" (fun () -> SplineInterpolation.leastSquares [ 0.5 ] basis |> ignore)

                Refusal.expect "badly spread" (fun () ->
                    SplineInterpolation.leastSquares [ 0.0; 0.01; 0.02; 0.03; 0.04 ] basis |> ignore)

                Refusal.expect "knot at the end" (fun () -> KnotInsertion.refine [ 0.0 ] basis |> ignore)
                Refusal.expect "knot too often" (fun () -> KnotInsertion.map [ 0.5; 0.5; 0.5 ] basis |> ignore)

                Refusal.expect "jumps: interpolation" (fun () ->
                    SplineInterpolation.interpolate (BSpline.ofKnots 1 [ 0.0; 0.0; 1.0; 1.0; 2.0; 2.0 ])
                    |> ignore)

                Refusal.expect "jumps: derivative" (fun () ->
                    BSpline.differentiate (BSpline.ofKnots 1 [ 0.0; 0.0; 1.0; 1.0; 2.0; 2.0 ])
                    |> ignore)

                Refusal.expect "derivative of degree 0" (fun () ->
                    BSpline.differentiate (BSpline.openUniform 0 3 (0.0, 1.0)) |> ignore)

                Refusal.expect "complex" (fun () ->
                    BSpline.values basis (torch.zeros (3L, dtype = torch.complex64)) |> ignore))
        ]
