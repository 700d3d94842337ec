module Ortho.Tests.FourierTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private tolerance = Bench.double.Head.Product
let private complex128 = TensorKind.cpu torch.complex128

let private each name tolerance (law: int64 -> float) =
    testCase name (fun () ->
        for n in 1L .. 130L do
            use _ = torch.NewDisposeScope()
            let residual = law n
            Expect.isTrue (residual <= tolerance) $"n = {n}: {residual:E2}, allowed {tolerance:E0}")

let private eachBasis name tolerance (law: bool -> SpectralBasis -> float) =
    testList
        name
        [
            each "real" tolerance (Fourier.real >> law false)
            each "complex" tolerance (Fourier.complex >> law true)
            each "real on [-1, 2]" tolerance (Fourier.real >> SpectralBasis.on (-1.0, 2.0) >> law false)
        ]

let private kindOf isComplex =
    if isComplex then complex128 else TensorKind.float64

let private matrix isComplex (map: LinearMap) =
    map |> LinearMap.on (kindOf isComplex) |> LinearMap.toMatrix

let private numbers (values: seq<float>) = torch.tensor (Seq.toArray values)

let private roots (values: seq<float>) = (numbers values).sqrt()

/// A function without the Nyquist frequency, at points: the sum over k below n/2 of a_k cos (k s x) + b_k sin (k s x), or its derivative of an order.
let private series (a: float[]) (b: float[]) (scale: float) (order: float) (points: seq<float>) =
    let turn = order * Math.PI / 2.0

    numbers
        [
            for x in points ->
                Seq.sum (
                    seq {
                        for k in 0 .. a.Length - 1 do
                            let omega = scale * float k

                            let size =
                                if k = 0 then
                                    (if order = 0.0 then 1.0 else 0.0)
                                else
                                    omega ** order

                            size * (a[k] * cos (omega * x + turn) + b[k] * sin (omega * x + turn))
                    }
                )
        ]

let private random seed count =
    let random = Random(seed: int)
    Array.init count (fun _ -> random.NextDouble() - 0.5)

/// Coefficients of a random function without the Nyquist frequency, and the function's derivatives at points.
let private drawn (basis: SpectralBasis) seed =
    let count = int ((basis.Size - 1L) / 2L) + 1
    let a, b = random seed count, random (seed + 1) count
    let scale = 2.0 * Math.PI / (basis.Upper - basis.Lower)

    let at order points =
        series a b scale order (points |> Seq.map (fun x -> x - basis.Lower))

    basis.Analyze.Apply(at 0.0 basis.Nodes), at

let private points (basis: SpectralBasis) =
    [|
        for i in 0..18 -> basis.Lower + (basis.Upper - basis.Lower) * (float i / 11.0 - 0.3)
    |]

/// As complex, if it is not.
let private wide (x: torch.Tensor) = x.``to`` torch.complex128

/// |x - y| over |x| + |y| + size.
let private apart (size: float) (x: torch.Tensor) (y: torch.Tensor) =
    let norm (x: torch.Tensor) = (x.abs ()).norm().item<float>()
    let x, y = wide x, wide y
    norm (x.sub y) / (norm x + norm y + size)

let tests =
    testList
        "Fourier bases"
        [
            eachBasis "synthesis is unitary under the inner products of the nodes" tolerance (fun isComplex basis ->
                (matrix isComplex basis.Synthesize)
                    .mul((roots basis.Weights).unsqueeze -1L)
                    .div(roots basis.DiscreteNorms)
                |> Law.orthogonality)

            eachBasis "analysis is the adjoint of synthesis: G A = S* W" tolerance (fun isComplex basis ->
                Law.distance
                    ((matrix isComplex basis.Analyze).mul((numbers basis.DiscreteNorms).unsqueeze -1L))
                    ((matrix isComplex basis.Synthesize).mH.mul(numbers basis.Weights)))

            eachBasis "there and back" tolerance (fun isComplex basis ->
                let on = LinearMap.on (kindOf isComplex)
                let a, s = on basis.Analyze, on basis.Synthesize
                max (Law.inverse 1 a s) (Law.inverse 2 s a))

            eachBasis "evaluation at the nodes is synthesis" tolerance (fun isComplex basis ->
                Law.distance (matrix isComplex (basis.EvaluateAt basis.Nodes)) (matrix isComplex basis.Synthesize))

            eachBasis "the functions are those of the definition" tolerance (fun isComplex basis ->
                let n, scale = basis.Size, 2.0 * Math.PI / (basis.Upper - basis.Lower)
                let points = points basis

                let at = matrix isComplex (basis.EvaluateAt points)

                let all (entry: int64 -> float -> float) =
                    [|
                        for x in points do
                            for i in 0L .. n - 1L -> entry i (scale * (x - basis.Lower))
                    |]
                    |> fun values -> torch.tensor(values).reshape(points.LongLength, n)

                if isComplex then
                    let frequency i =
                        float (if 2L * i <= n then i else i - n)

                    torch.complex (
                        all (fun i t -> cos (frequency i * t)),
                        all (fun i t -> if 2L * i = n then 0.0 else sin (frequency i * t))
                    )
                else
                    all (fun i t -> (if i % 2L = 1L || i = 0L then cos else sin) (float ((i + 1L) / 2L) * t))
                |> Law.distance at)

            eachBasis
                "the rule integrates every function of its own size but the mean to 0, and products to degree n - 1"
                tolerance
                (fun _ basis ->
                    let large =
                        Fourier.real (2L * basis.Size + 2L)
                        |> SpectralBasis.on (basis.Lower, basis.Upper)

                    let integrals =
                        (numbers basis.Weights).matmul(LinearMap.toMatrix (large.EvaluateAt basis.Nodes))

                    let length = basis.Upper - basis.Lower
                    let below = integrals.narrow (0L, 1L, 2L * (basis.Size - 1L))
                    // cos n x is 1 at all nodes.
                    let missed = integrals[2L * basis.Size - 1L].item<float>()

                    let worst =
                        if basis.Size = 1L then
                            0.0
                        else
                            below.abs().max().item<float>()

                    [ worst; abs (integrals[0L].item<float>() - length); abs (missed - length) ]
                    |> List.max
                    |> fun residual -> residual / length)

            eachBasis "norms: exact, and under the nodes" tolerance (fun isComplex basis ->
                // A rule of four times as many nodes integrates squares exactly.
                let fine =
                    Fourier.real (4L * basis.Size) |> SpectralBasis.on (basis.Lower, basis.Upper)

                let squares (map: LinearMap) = (matrix isComplex map).abs().square()

                max
                    (Law.distance
                        ((numbers fine.Weights).matmul(squares (basis.EvaluateAt fine.Nodes)))
                        (numbers basis.SquaredNorms))
                    (Law.distance
                        ((numbers basis.Weights).matmul(squares basis.Synthesize))
                        (numbers basis.DiscreteNorms)))

            eachBasis "derivatives of orders 1, 2, 3, 1/2, -1, -2.5 are those of the series" 1e-11 (fun _ basis ->
                let c, at = drawn basis 3
                let points = points basis

                [ 0.0; 1.0; 2.0; 3.0; 0.5; -1.0; -2.5 ]
                |> List.map (fun order ->
                    let derived = (Fourier.derivative order basis).Apply c
                    // Far from the interval's own length the angles of the series lose a digit or two.
                    apart 1e-12 ((basis.EvaluateAt points).Apply derived) (at order points))
                |> List.reduce max)

            eachBasis
                "the basis's own derivative is the first, the Nyquist cosine goes to 0, its second derivative not"
                tolerance
                (fun isComplex basis ->
                    let n, scale = basis.Size, 2.0 * Math.PI / (basis.Upper - basis.Lower)

                    let own =
                        Law.distance
                            (matrix isComplex basis.Differentiate)
                            (matrix isComplex (Fourier.derivative 1.0 basis))

                    if n % 2L = 1L then
                        own
                    else
                        let place = if isComplex then n / 2L else n - 1L
                        let unit = (torch.eye (n, dtype = torch.float64))[place]
                        let first = (Fourier.derivative 1.0 basis).Apply unit
                        let second = (Fourier.derivative 2.0 basis).Apply unit
                        let omega = scale * float n / 2.0

                        max
                            own
                            (max (first.abs().max().item<float>()) (apart 0.0 second (multiply (-omega * omega) unit))))

            eachBasis "the antiderivative has the derivative and vanishes on the left" tolerance (fun isComplex basis ->
                let kind = kindOf isComplex
                let c = Seed.normal 4 kind [ 3L; basis.Size ]
                let integral = (Fourier.integrate basis).Apply c
                let larger = basis.Resize(integral.size -1)
                let back = larger.Differentiate.Apply integral
                // The mean is left out.
                let without = c.clone ()
                without.narrow(-1L, 0L, 1L).zero_() |> ignore
                let embedded = (SpectralBasis.convert basis larger).Apply without
                let start = (larger.EvaluateAt [ basis.Lower ]).Apply integral
                max (apart 1e-12 back embedded) (apart 1.0 start (torch.zeros_like start)))

            eachBasis "a shift moves the function, whole steps the values, and shifts add" 1e-11 (fun isComplex basis ->
                let c, at = drawn basis 5
                let points = points basis

                let moved d =
                    (basis.EvaluateAt points).Apply((Fourier.shift d basis).Apply c)

                let anywhere =
                    apart 1e-12 (moved 0.377) (at 0.0 (points |> Array.map (fun x -> x - 0.377)))

                let step = (basis.Upper - basis.Lower) / float basis.Size
                let values = Seed.normal 6 (kindOf isComplex) [ basis.Size ]

                let rolled =
                    basis.Synthesize.Apply((Fourier.shift (3.0 * step) basis).Apply(basis.Analyze.Apply values))

                let sum =
                    if basis.Size % 2L = 0L then
                        0.0
                    else
                        let on = LinearMap.on (kindOf isComplex)

                        Law.equality
                            7
                            (on (Fourier.shift 0.3 basis * Fourier.shift 0.4 basis))
                            (on (Fourier.shift 0.7 basis))

                [ anywhere; apart 1e-12 rolled (values.roll (3L, 0L)); sum ] |> List.reduce max)

            eachBasis "products are those of values anywhere, cut to the size too" tolerance (fun isComplex basis ->
                let kind = kindOf isComplex

                let f, g =
                    Seed.normal 8 kind [ basis.Size ], Seed.normal 9 kind [ 2L; basis.Size / 2L + 1L ]

                let product = SpectralBasis.product basis f g
                let other = basis.Resize(g.size -1)
                let points = points basis
                let values (b: SpectralBasis) (c: torch.Tensor) = (b.EvaluateAt points).Apply c
                let wide = basis.Resize(product.size -1)
                let cut = (SpectralBasis.multiplyBy other f).Apply g
                let leading = (SpectralBasis.convert wide other).Apply product

                max
                    (apart 1e-12 (values wide product) ((values basis f).mul(values other g)))
                    (apart 1e-12 cut leading))

            each "real and exponential coefficients are of one function, and go back" tolerance (fun n ->
                let real, complex = Fourier.real n, Fourier.complex n
                let on = LinearMap.on complex128
                let there, back = on (Fourier.toComplex n), on (Fourier.toReal n)
                let points = points real

                [
                    Law.inverse 1 there back
                    Law.inverse 2 back there
                    Law.equality 3 (on (complex.EvaluateAt points * Fourier.toComplex n)) (on (real.EvaluateAt points))
                    Law.equality 4 (on (SpectralBasis.convert real complex)) there
                    Law.equality 5 (on (SpectralBasis.convert complex real)) back
                ]
                |> List.reduce max)

            testCase "exponentials by hand: their places and frequencies" (fun () ->
                use _ = torch.NewDisposeScope()
                let basis = Fourier.complex 5L |> SpectralBasis.on (0.0, 4.0 * Math.PI)
                Expect.sequenceEqual (Fourier.frequencies basis) [ 0.0; 0.5; 1.0; -1.0; -0.5 ] "odd"
                Expect.sequenceEqual (Fourier.frequencies (Fourier.complex 4L)) [ 0.0; 1.0; 2.0; -1.0 ] "even"
                Expect.sequenceEqual (Fourier.frequencies (Fourier.real 4L)) [ 0.0; 1.0; 1.0; 2.0 ] "real"
                // 3 - 2 sin x + 5 cos 2x has sin x = (e^ix - e^-ix) / 2i.
                let c = (Fourier.toComplex 5L).Apply(torch.tensor [| 3.0; 0.0; -2.0; 5.0; 0.0 |])

                let expected =
                    torch.complex (
                        torch.tensor [| 3.0; 0.0; 2.5; 2.5; 0.0 |],
                        torch.tensor [| 0.0; 1.0; 0.0; 0.0; -1.0 |]
                    )

                Expect.isLessThan (Law.distance c expected) 1e-15 "coefficients"

                let x =
                    SpectralBasis.approximate (Fourier.real 6L) (fun x -> 1.0 + 2.0 * cos (3.0 * x))

                Expect.isLessThan (Law.distance x (torch.tensor [| 1.0; 0.0; 0.0; 0.0; 0.0; 2.0 |])) 1e-15 "Nyquist")

            testList
                "resampling"
                [
                    for kind in [ TensorKind.float64; complex128 ] do
                        testCase $"every pair of sizes, {kind.Dtype}" (fun () ->
                            for n in [ 1L .. 13L ] @ [ 64L; 65L; 97L; 130L ] do
                                for m in [ 1L .. 13L ] @ [ 64L; 65L; 97L; 128L ] do
                                    use _ = torch.NewDisposeScope()
                                    let map = Fourier.resample n m
                                    let x = Seed.normal 1 kind [ 2L; n ]

                                    // By exponentials: below the smaller Nyquist frequency as they are; at it, by the rules in words.
                                    let spectrum = multiply (1.0 / float n) (torch.fft.fft_ (wide x))
                                    let least = min n m

                                    let angle (k: int64) (j: int64) =
                                        2.0 * Math.PI * float (k * j % m) / float m

                                    let row (weights: (int64 * float) list) =
                                        // The coefficient of frequency k at node j, for weights on frequencies.
                                        weights
                                        |> List.map (fun (k, weight) ->
                                            let c = spectrum.select(1L, ((k % n) + n) % n).unsqueeze -1L

                                            let at f =
                                                numbers [ for j in 0L .. m - 1L -> weight * f (angle k j) ]

                                            c.mul (torch.complex (at cos, at sin)))
                                        |> List.fold
                                            (fun (a: torch.Tensor) b -> a.add b)
                                            (torch.zeros ([| 2L; m |], dtype = torch.complex128))

                                    let inside = [ for k in -((least - 1L) / 2L) .. (least - 1L) / 2L -> k, 1.0 ]

                                    let edge =
                                        if least % 2L = 1L then []
                                        // Both frequencies are one at n or at m: half of it to each, or both to it.
                                        elif n <= m then [ n / 2L, 0.5; -n / 2L, 0.5 ]
                                        else [ m / 2L, 1.0; -m / 2L, 1.0 ]

                                    let expected = row (inside @ edge)
                                    let residual = apart 1e-12 (map.Apply x) expected

                                    Expect.isLessThanOrEqual residual tolerance $"{n} to {m}: {residual:E2}"

                                    if m >= n then
                                        let back = Fourier.resample m n

                                        Expect.isLessThanOrEqual
                                            (apart 0.0 (back.Apply(map.Apply x)) x)
                                            tolerance
                                            $"{n} to {m} and back")
                ]

            testCase "the interpolant of a smooth function converges faster than any power" (fun () ->
                use _ = torch.NewDisposeScope()
                let f x = exp (sin x)
                let points = [ for i in 0..100 -> 0.1 * float i ]
                let exact = numbers (points |> List.map f)

                let error n =
                    let basis = Fourier.real n
                    let s = (basis.EvaluateAt points).Apply(SpectralBasis.approximate basis f)
                    (s.sub exact).abs().max().item<float>()

                Expect.isLessThan (error 33L) 1e-13 "33 nodes"
                Expect.isLessThan (error 16L / error 8L) 1e-4 "from 8 nodes to 16"
                // Coefficients are Bessel functions of imaginary argument: I_0 (1) = 1.2660658777520084, I_1 (1) = 0.5651591039924850.
                let c = SpectralBasis.approximate (Fourier.real 33L) f
                Expect.isLessThan (abs (c[0L].item<float>() - 1.2660658777520084)) 1e-14 "mean"
                Expect.isLessThan (abs (c[2L].item<float>() - 2.0 * 0.5651591039924850)) 1e-14 "sine")

            testCase "float32 and complex64 keep their type" (fun () ->
                use _ = torch.NewDisposeScope()

                for dtype in [ torch.float32; torch.complex64 ] do
                    let kind = TensorKind.cpu dtype

                    for n in [ 6L; 7L; 100L ] do
                        let x = Seed.normal 1 kind [ n ]
                        let basis = Fourier.real n
                        let y = (Fourier.shift 0.1 basis * basis.Differentiate * basis.Analyze).Apply x
                        Expect.equal y.dtype dtype $"{dtype}, n = {n}"

                    let complex = Fourier.complex 7L
                    let x = Seed.normal 1 kind [ 7L ]

                    Expect.equal
                        ((complex.Differentiate * complex.Analyze).Apply x).dtype
                        torch.complex64
                        "exponentials")

            testCase "gradients through exponentials of real values" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 1L; 6L; 7L ] do
                    let basis = Fourier.complex n

                    let power (x: torch.Tensor) =
                        ((basis.Differentiate * basis.Analyze).Apply x).abs().square()

                    Expect.isLessThan
                        (Law.gradient 1 power (Seed.normal 2 TensorKind.float64 [ 2L; n ]))
                        Bench.gradient
                        $"n = {n}")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let basis = Fourier.real 5L
                Refusal.expect "size" (fun () -> Fourier.real 0L |> ignore)
                Refusal.expect "size" (fun () -> Fourier.complex 0L |> ignore)
                Refusal.expect "resample" (fun () -> Fourier.resample 3L 0L |> ignore)
                Refusal.expect "another family" (fun () -> Fourier.shift 1.0 (Legendre.gauss 3L) |> ignore)
                Refusal.expect "order" (fun () -> Fourier.derivative nan basis |> ignore)
                Refusal.expect "distance" (fun () -> Fourier.shift infinity basis |> ignore)
                let ones = torch.ones (5L, dtype = torch.float64)
                Refusal.expect "a mean" (fun () -> Fourier.antiderivative basis ones |> ignore)

                Refusal.expect "size of coefficients" (fun () ->
                    Fourier.antiderivative basis (torch.zeros 4L) |> ignore)

                Refusal.expect "integers" (fun () ->
                    Fourier.antiderivative basis (torch.zeros (5L, dtype = torch.int64)) |> ignore)

                Refusal.expect "a pole" (fun () -> SpectralBasis.approximate basis (fun x -> 1.0 / x) |> ignore)

                Expect.throwsT<InvalidOperationException>
                    (fun () -> basis.Integrate |> ignore)
                    "no antiderivative of a mean"

                let c = torch.tensor [| 0.0; 2.0; 0.0; 0.0; 3.0 |]
                // 2 cos x + 3 sin 2x has 2 sin x + 3/2 - 3/2 cos 2x.
                Expect.isLessThan
                    (Law.distance (Fourier.antiderivative basis c) (torch.tensor [| 1.5; 0.0; 2.0; -1.5; 0.0 |]))
                    1e-15
                    "without one")
        ]
