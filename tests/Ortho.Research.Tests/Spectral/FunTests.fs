module Ortho.Tests.FunTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// f(x) = exp(a x) cos(b x + c) with its derivative and its antiderivative, on an interval around 0.
type private Wave(case: Case) =
    let random = Random case.Seed

    let a, b, c =
        2.0 * random.NextDouble() - 1.0, 30.0 * random.NextDouble() + 0.5, 6.0 * random.NextDouble()

    let lower, upper = -0.5 - random.NextDouble(), 0.5 + 2.0 * random.NextDouble()

    let wave p q x =
        exp (a * x) * (p * cos (b * x + c) + q * sin (b * x + c))

    let square = a * a + b * b
    member _.Interval = lower, upper
    member _.Frequency = b
    member _.Value = wave 1.0 0.0
    member _.Slope = wave a -b

    member _.Integral x =
        wave (a / square) (b / square) x - wave (a / square) (b / square) lower

    member this.Fun = Fun.ofFunction this.Interval this.Value
    member _.Points = [ for i in 0..20 -> lower + (upper - lower) * float i / 20.0 ]

/// The largest distance at the points, beside the largest value.
let private distance (points: float list) (f: float -> float) (g: float -> float) =
    let most = points |> List.map (g >> abs) |> List.max
    (points |> List.map (fun x -> abs (f x - g x)) |> List.max) / most

let private at (f: Fun) x = f.Evaluate x

let private tolerance = 1e-12

let private law name (residual: Wave -> Case -> float) =
    Property.check Property.config name (fun case -> residual (Wave case) case |> Property.within tolerance name)

let private near (what: string) (allowed: float) (expected: float) (actual: float) =
    Expect.isTrue (abs (actual - expected) <= allowed) $"{what}: {actual:R}, expected {expected:R}"

let private says (parts: string list) (body: unit -> unit) =
    Expect.throwsC body (fun error ->
        Expect.isTrue (error :? ArgumentException) $"{error.GetType().Name}: {error.Message}"

        for part in parts do
            Expect.stringContains error.Message part "the message")

let tests =
    testList
        "functions to machine precision"
        [
            law "values" (fun wave _ -> distance wave.Points (at wave.Fun) wave.Value)
            law "values by tensor are those by number" (fun wave _ ->
                let f = wave.Fun
                let x = torch.tensor (List.toArray wave.Points)
                Law.distance (f.Apply x) (torch.tensor (wave.Points |> List.map f.Evaluate |> List.toArray)))
            // Rounding grows with the square of the degree.
            law "derivative" (fun wave _ ->
                let f = wave.Fun
                distance wave.Points (at (f.Derivative())) wave.Slope / float f.Size)
            law "antiderivative and integral" (fun wave _ ->
                let f = wave.Fun
                let whole = wave.Integral(snd wave.Interval)
                let most = wave.Points |> List.map (wave.Integral >> abs) |> List.max
                max (distance wave.Points (at (f.Antiderivative())) wave.Integral) (abs (f.Integral() - whole) / most))
            law "the derivative of the antiderivative" (fun wave _ ->
                let f = wave.Fun
                distance wave.Points (at ((f.Antiderivative()).Derivative())) wave.Value / 10.0)
            law "sums, products, multiples, constants" (fun wave case ->
                let other = Fun.ofFunction wave.Interval (fun x -> 2.0 + sin (float case.Size * x))
                let f = wave.Fun

                [
                    distance wave.Points (at (f + other)) (fun x -> f.Evaluate x + other.Evaluate x)
                    distance wave.Points (at (f - other)) (fun x -> f.Evaluate x - other.Evaluate x)
                    distance wave.Points (at (f * other)) (fun x -> f.Evaluate x * other.Evaluate x)
                    distance wave.Points (at (f / other)) (fun x -> f.Evaluate x / other.Evaluate x)
                    distance wave.Points (at (-2.5 * f + 4.0)) (fun x -> -2.5 * f.Evaluate x + 4.0)
                ]
                |> List.reduce max)
            law "composition" (fun wave _ ->
                let inner = Fun.ofFunction wave.Interval (fun x -> 0.9 * sin (3.0 * x))
                let outer = Fun.ofFunction (-1.0, 1.0) (fun y -> exp y)

                max
                    (distance wave.Points (at (Fun.compose outer inner)) (fun x -> exp (0.9 * sin (3.0 * x))))
                    (distance wave.Points (at (Fun.map exp inner)) (fun x -> exp (0.9 * sin (3.0 * x)))))
            law "roots: where the cosine is 0, all of them" (fun wave _ ->
                let f = wave.Fun
                let lower, upper = wave.Interval
                let roots = f.Roots()
                // The roots of cos (b x + c) are pi / b apart.
                let gap = Math.PI / wave.Frequency

                let worst =
                    roots
                    |> Seq.map (fun x -> abs (wave.Value x / wave.Slope x))
                    |> Seq.fold max 0.0

                let regular =
                    roots |> Seq.pairwise |> Seq.forall (fun (x, y) -> abs (y - x - gap) < 1e-9)

                let complete =
                    if roots.Count = 0 then
                        upper - lower < gap + 1e-9
                    else
                        roots[0] - lower < gap + 1e-9 && upper - roots[roots.Count - 1] < gap + 1e-9

                if regular && complete then worst else infinity)
            law "greatest and least: none of many points is beyond" (fun wave _ ->
                let f = wave.Fun
                let lower, upper = wave.Interval
                let struct (x, most) = f.Maximum()
                let struct (y, least) = f.Minimum()

                let sampled =
                    [ for i in 0..3000 -> wave.Value(lower + (upper - lower) * float i / 3000.0) ]

                let size = max (abs most) (abs least)

                [
                    List.max sampled - most
                    least - List.min sampled
                    abs (wave.Value x - most)
                    abs (wave.Value y - least)
                ]
                |> List.map (fun over -> over / size)
                |> List.reduce max)

            testCase "sizes: no longer than needed" (fun () ->
                let size f = (Fun.ofFunction (-1.0, 1.0) f).Size
                Expect.equal (size (fun _ -> 3.0)) 1L "constant"
                Expect.equal (size (fun _ -> 0.0)) 1L "zero"
                Expect.equal (size (fun x -> x * x * x)) 4L "x^3"
                // exp: 2 I_14(1) = 1.4e-15 beside 1.27 is kept or not, I_15 is rounding.
                Expect.isTrue (List.contains (size exp) [ 14L; 15L; 16L ]) $"exp: {size exp}"
                // cos 100 x: beyond k = 100 coefficients fall at once: J_k(100) is 1e-16 at k = 148.
                Expect.isTrue
                    (abs (size (fun x -> cos (100.0 * x)) - 145L) <= 10L)
                    $"cos 100 x: {size (fun x -> cos (100.0 * x))}"
                // Runge: rho^-k = 2^-52 at k = 181.
                Expect.isTrue (abs (size (fun x -> 1.0 / (1.0 + 25.0 * x * x)) - 181L) <= 12L) "Runge")

            testCase "chopping by hand" (fun () ->
                let eps = Math.ScaleB(1.0, -52)
                let series n f = Array.init n f
                Expect.equal (ChebyshevSeries.chop eps (series 40 (fun _ -> 0.0))) 1 "zeros"
                Expect.equal (ChebyshevSeries.chop eps (series 40 (fun k -> 2.0 ** -float k))) 40 "still falling"

                Expect.equal
                    (ChebyshevSeries.chop eps (series 100 (fun k -> if k < 30 then 1.0 else 0.0)))
                    30
                    "then zeros"

                let plateau =
                    ChebyshevSeries.chop eps (series 100 (fun k -> max (10.0 ** -float k) 1e-16))

                Expect.isTrue (abs (plateau - 16) <= 2) $"then rounding: {plateau}"
                Expect.equal (ChebyshevSeries.chop eps (series 100 (fun k -> 1.0 / float (k + 1)))) 100 "slow")

            testCase "integrals, roots and extremes by hand" (fun () ->
                let f = Fun.ofFunction (0.0, 10.0) (fun x -> exp -x * sin (x * x))
                // The zeros of sin x^2 are sqrt (k pi), and x = 0, which is double there.
                let roots = f.Roots() |> Seq.filter (fun x -> x > 0.1) |> Seq.toArray
                Expect.hasLength roots 31 "31 pi < 100 < 32 pi"

                roots
                |> Array.iteri (fun k x -> near $"root {k}" 1e-6 (sqrt (float (k + 1) * Math.PI)) x)

                let g = Fun.ofFunction (0.0, 3.0) (fun x -> x * exp -x)
                let struct (x, value) = g.Maximum()
                near "place" 1e-9 1.0 x
                near "value" 1e-15 (exp -1.0) value
                near "integral" 1e-14 (1.0 - 4.0 * exp -3.0) (g.Integral())
                // Wilkinson's polynomial of degree 10 on [0, 11].
                let product =
                    Fun.ofFunction (0.0, 11.0) (fun x -> Seq.fold (fun p k -> p * (x - float k)) 1.0 [ 1..10 ])

                Expect.hasLength (product.Roots()) 10 "ten roots"

                product.Roots()
                |> Seq.iteri (fun k x -> near $"root {k + 1}" 1e-9 (float (k + 1)) x)
                // 1000 oscillations.
                let many = Fun.ofFunction (0.0, 1.0) (fun x -> sin (1000.0 * Math.PI * x))
                let roots = many.Roots()
                Expect.hasLength roots 1001 "1001 roots, the ends among them"
                roots |> Seq.iteri (fun k x -> near $"root {k}" 1e-12 (float k / 1000.0) x)
                Expect.isEmpty ((Fun.ofFunction (-1.0, 1.0) (fun x -> x * x + 1.0)).Roots()) "no real root"

                Expect.throwsT<InvalidOperationException>
                    (fun () -> (Fun.ofFunction (0.0, 1.0) (fun _ -> 0.0)).Roots() |> ignore)
                    "zero")

            testCase "product of series" (fun () ->
                // T_2 T_1 = (T_3 + T_1) / 2.
                let series c = Fun.ofCoefficients (2.0, 5.0) c
                let product = series [ 0.0; 0.0; 1.0 ] * series [ 0.0; 1.0 ]
                Seq.iter2 (near "coefficient" 1e-15) [ 0.0; 0.5; 0.0; 0.5 ] product.Coefficients
                Expect.equal product.Size 4L "size")

            Property.check Property.costly "the gradient of the values in the points" (fun case ->
                let f = Wave(case).Fun

                Law.gradient case.Seed f.Apply (torch.tensor [| -0.4; 0.1; 0.3 |])
                |> Property.within Bench.gradient "gradient")

            testCase "float32 points give float32 values" (fun () ->
                use _ = torch.NewDisposeScope()
                let f = Fun.ofFunction (-1.0, 1.0) exp
                let y = f.Apply(torch.tensor [| 0.5f; -0.25f |])
                Expect.equal y.dtype torch.float32 "dtype"
                Expect.isLessThan (Law.distance y (torch.tensor [| exp 0.5f; exp -0.25f |])) 1e-6 "values")

            testCase "leaves no tensor behind" (fun () ->
                let once () =
                    let f = Fun.ofFunction (0.0, 1.0) (fun x -> sin (200.0 * x))
                    (f * f).Roots() |> ignore
                    f.Maximum() |> ignore

                once ()
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                once ()
                Expect.equal (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before) 0L "live tensors")

            testCase "what cannot be approximated is refused with the reason" (fun () ->
                says [ "f(0)"; "Infinity" ] (fun () -> Fun.ofFunction (-1.0, 1.0) (fun x -> 1.0 / x) |> ignore)
                says [ "f(-1)"; "NaN" ] (fun () -> Fun.ofFunction (-1.0, 1.0) sqrt |> ignore)
                says [ "65537"; "resolved" ] (fun () -> Fun.ofFunction (-1.0, 1.0) abs |> ignore)

                says [ "1000"; "after 513 points" ] (fun () ->
                    Fun.ofFunctionWithin 1000L (-1.0, 2.0) (fun x -> abs x) |> ignore)

                says [ "resolved" ] (fun () ->
                    Fun.ofFunctionWithin 2049L (-1.0, 1.0) (fun x -> if x < 0.1 then 0.0 else 1.0)
                    |> ignore)
                // Aliases of a constant at 17 nodes.
                let sneaky x =
                    1.0 + Seq.fold (fun p t -> p * (x - t)) 1.0 (ChebyshevSeries.nodes 17)

                near "no alias" 1e-13 (sneaky 0.3) ((Fun.ofFunction (-1.0, 1.0) sneaky).Evaluate 0.3)
                Refusal.expect "interval" (fun () -> Fun.ofFunction (1.0, 1.0) exp |> ignore)
                Refusal.expect "infinite" (fun () -> Fun.ofFunction (0.0, infinity) exp |> ignore)
                Refusal.expect "limit" (fun () -> Fun.ofFunctionWithin 16L (0.0, 1.0) exp |> ignore)
                let f = Fun.ofFunction (0.0, 1.0) exp
                Refusal.expect "outside" (fun () -> f.Evaluate 1.1 |> ignore)
                Refusal.expect "other interval" (fun () -> f + Fun.ofFunction (0.0, 2.0) exp |> ignore)
                Refusal.expect "division by zero" (fun () -> f / Fun.ofFunction (0.0, 1.0) id |> ignore)
                Refusal.expect "no coefficients" (fun () -> Fun.ofCoefficients (0.0, 1.0) [] |> ignore)
                Refusal.expect "composition outside" (fun () -> Fun.compose f (f + 1.0) |> ignore))
        ]
