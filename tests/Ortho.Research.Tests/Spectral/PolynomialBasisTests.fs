module Ortho.Tests.PolynomialBasisTests

open System
open Expecto
open Ortho
open TorchSharp

let private product = Bench.double.Head.Product

/// A family by name: its least size, its bases, and how far below 2n the degree is to which its rule is exact.
let private families: (string * int64 * (int64 -> SpectralBasis) * int64) list =
    [
        "Chebyshev Gauss", 1L, Chebyshev.gauss, 0L
        "Chebyshev Lobatto", 2L, Chebyshev.lobatto, 2L
        "Chebyshev second kind", 1L, Chebyshev.secondKind, 0L
        "Legendre Gauss", 1L, Legendre.gauss, 0L
        "Legendre Lobatto", 2L, Legendre.lobatto, 2L
        "Ultraspherical 5/2", 1L, Ultraspherical.gauss 2.5, 0L
        "Ultraspherical -1/4", 1L, Ultraspherical.gauss -0.25, 0L
        "Jacobi 1/2, -0.3", 1L, Jacobi.gauss 0.5 -0.3, 0L
        "Jacobi -1/2, -1/2", 1L, Jacobi.gauss -0.5 -0.5, 0L
        "Hermite probabilists'", 1L, Hermite.probabilists, 0L
        "Hermite physicists'", 1L, Hermite.physicists, 0L
        "Laguerre", 1L, Laguerre.gauss 0.0, 0L
        "Laguerre 3/2", 1L, Laguerre.gauss 1.5, 0L
        "Chebyshev on [0, 3]", 2L, Chebyshev.lobatto >> SpectralBasis.on (0.0, 3.0), 2L
        "Laguerre from -2", 1L, Laguerre.gauss 0.0 >> SpectralBasis.on (-2.0, infinity), 0L
    ]

let private functions = "Hermite functions", 1L, Hermite.functions, 0L

let private numbers (values: seq<float>) = torch.tensor (Seq.toArray values)

let private roots (values: seq<float>) = values |> Seq.map sqrt |> numbers

let private expectSmall (what: string) (tolerance: float) (residual: float) =
    Expect.isTrue (residual <= tolerance) $"{what}: {residual:E2}, allowed {tolerance:E0}"

/// A law for each family and each size from 1 to 130.
let private each name families tolerance (law: SpectralBasis -> int64 -> float) =
    testList
        name
        [
            for family, least, create, degreesLost in families do
                testCase family (fun () ->
                    for n in least .. 130L do
                        use _ = torch.NewDisposeScope()
                        law (create n) degreesLost |> expectSmall $"{family}, n = {n}" tolerance)
        ]

/// phi_k(x) in row x and column k.
let private values (basis: SpectralBasis) (points: seq<float>) =
    LinearMap.toMatrix (basis.EvaluateAt points)

/// Points inside, on the ends where there are any, and for infinite intervals around 0.
let private points (basis: SpectralBasis) =
    let lower = if Double.IsFinite basis.Lower then basis.Lower else -4.0
    let upper = if Double.IsFinite basis.Upper then basis.Upper else 4.0
    [ for i in 0..16 -> lower + (upper - lower) * float i / 16.0 ]

let private column (k: int64) (x: torch.Tensor) = x.select (1L, k)

/// Derivatives of the basis functions at points, by identities that the library does not use.
let private slopes: (string * (int64 -> SpectralBasis) * (int64 -> float[] -> torch.Tensor)) list =
    let byColumns n (points: float[]) (entry: int64 -> float -> float) =
        torch
            .tensor(
                [|
                    for x in points do
                        for k in 0L .. n - 1L -> entry k x
                |]
            )
            .reshape(points.LongLength, n)

    let shifted (other: SpectralBasis) (factor: int64 -> float) n (points: float[]) =
        let at = values other points

        torch.stack (
            [|
                for k in 0L .. n - 1L ->
                    if k = 0L then
                        torch.zeros (points.LongLength, dtype = torch.float64)
                    else
                        multiply (factor k) (column (k - 1L) at)
            |],
            1L
        )

    let lowering (basis: int64 -> SpectralBasis) (rise: int64 -> float) scale n (points: float[]) =
        // phi_k' = scale x phi_k - rise_k phi_(k+1)
        let at = values (basis (n + 1L)) points
        let x = numbers points

        torch.stack (
            [|
                for k in 0L .. n - 1L ->
                    (multiply scale (x.mul (column k at))).sub(multiply (rise k) (column (k + 1L) at))
            |],
            1L
        )

    [
        "Chebyshev Gauss",
        Chebyshev.gauss,
        fun n points ->
            byColumns n points (fun k x ->
                let k = float k

                if abs x = 1.0 then
                    k * k * x ** (k - 1.0)
                else
                    k * sin (k * acos x) / sin (acos x))
        "Chebyshev second kind", Chebyshev.secondKind, (fun n -> shifted (Ultraspherical.gauss 2.0 n) (fun _ -> 2.0) n)
        "Legendre", Legendre.lobatto, (fun n -> shifted (Jacobi.gauss 1.0 1.0 n) (fun k -> float (k + 1L) / 2.0) n)
        "Ultraspherical", Ultraspherical.gauss 2.5, (fun n -> shifted (Ultraspherical.gauss 3.5 n) (fun _ -> 5.0) n)
        "Jacobi", Jacobi.gauss 0.5 -0.3, (fun n -> shifted (Jacobi.gauss 1.5 0.7 n) (fun k -> (float k + 1.2) / 2.0) n)
        "Laguerre", Laguerre.gauss 0.5, (fun n -> shifted (Laguerre.gauss 1.5 n) (fun _ -> -1.0) n)
        "Hermite probabilists'",
        Hermite.probabilists,
        lowering Hermite.probabilists (fun k -> sqrt (float (k + 1L))) 1.0
        "Hermite physicists'",
        Hermite.physicists,
        lowering Hermite.physicists (fun k -> sqrt (2.0 * float (k + 1L))) 2.0
        "Hermite functions", Hermite.functions, lowering Hermite.functions (fun k -> sqrt (2.0 * float (k + 1L))) 1.0
    ]

/// The modified Bessel function I_k(x) by its series.
let private besselI (k: int) (x: float) =
    let first = Seq.fold (fun term j -> term * x / (2.0 * float j)) 1.0 [ 1..k ]

    Seq.unfold
        (fun (term, j) ->
            if j > 40 then
                None
            else
                Some(term, (term * x * x / (4.0 * float j * float (j + k)), j + 1)))
        (first, 1)
    |> Seq.sum

let tests =
    testList
        "polynomial bases"
        [
            each
                "synthesis is unitary under the inner products of the rule"
                (functions :: families)
                product
                (fun basis _ ->
                    (LinearMap.toMatrix basis.Synthesize)
                        .mul((roots basis.Weights).unsqueeze -1L)
                        .div(roots basis.DiscreteNorms)
                    |> Law.orthogonality)

            each "analysis is the adjoint of synthesis: G A = S* W" (functions :: families) product (fun basis _ ->
                // Both sides divided by the roots of weights and norms, so that no entry is lost beside others.
                let g, w = roots basis.DiscreteNorms, roots basis.Weights

                Law.distance
                    ((LinearMap.toMatrix basis.Analyze).mul(g.unsqueeze -1L).div w)
                    ((LinearMap.toMatrix basis.Synthesize).t().mul(w).div(g.unsqueeze -1L)))

            each
                "coefficients come back from values, and values from coefficients"
                (functions :: families)
                product
                (fun basis _ ->
                    // Under the inner products of the rule, where neither map enlarges an error.
                    let thereAndBack (first: LinearMap) (second: LinearMap) (weights: seq<float>) =
                        let x = (Seed.normal 1 TensorKind.float64 [ 4L; basis.Size ]).div(roots weights)
                        let y = second.Apply(first.Apply x)
                        Law.distance (x.mul (roots weights)) (y.mul (roots weights))

                    max
                        (thereAndBack basis.Synthesize basis.Analyze basis.DiscreteNorms)
                        (thereAndBack basis.Analyze basis.Synthesize basis.Weights))

            each "evaluation at the nodes is synthesis" (functions :: families) product (fun basis _ ->
                Law.distance (values basis basis.Nodes) (LinearMap.toMatrix basis.Synthesize))

            each "the rule integrates phi_k to its degree" families product (fun basis lost ->
                let n = basis.Size
                let large = basis.Resize(2L * n + 1L)
                let integrals = (numbers basis.Weights).matmul(values large basis.Nodes)

                let relative =
                    integrals.div (multiply (sqrt large.SquaredNorms[0]) (roots large.SquaredNorms))

                let exact = relative.narrow(0L, 1L, 2L * n - 1L - lost).abs()
                // phi_0 has integral h_0 / phi_0, and the next degree is wrong.
                let phi0 = (values large [ basis.Nodes[0] ])[0L, 0L] |> number
                let first = abs (number integrals[0L] * phi0 / basis.SquaredNorms[0] - 1.0)
                let missed = number (relative[2L * n - lost].abs())

                if n <= 5L && missed < 1e-3 then infinity
                elif exact.numel () = 0L then first
                else max first (number (exact.max ())))

            testList
                "the derivative is that of each function"
                [
                    for name, create, slopes in slopes do
                        testCase name (fun () ->
                            for n in [ 2L; 3L; 8L; 31L; 70L ] do
                                use _ = torch.NewDisposeScope()
                                let basis = create n
                                let derivative = basis.Differentiate
                                let points = points basis |> List.toArray
                                let evaluated = values (basis.Resize derivative.Codomain.Size) points
                                let actual = evaluated.matmul (LinearMap.toMatrix derivative)
                                let expected = slopes n points
                                // Column by column, beside the largest value and slope of each function; rounding grows with the square of the degree.
                                let scale =
                                    expected
                                        .abs()
                                        .amax([| 0L |])
                                        .add((evaluated.narrow (1L, 0L, n)).abs().amax([| 0L |]))

                                let worst = number ((actual.sub expected).abs().amax([| 0L |]).div(scale).max())
                                expectSmall $"{name}, n = {n}" (float (n * n) * product / 100.0 + product) worst)
                ]

            each "the antiderivative has the derivative, and vanishes where it says" families product (fun basis _ ->
                let next = basis.Resize(basis.Size + 1L)
                let integral = basis.Integrate
                let back = next.Differentiate * integral
                let start = if Double.IsFinite basis.Lower then basis.Lower else 0.0
                let there = (values next [ start ]).matmul(LinearMap.toMatrix integral)
                // Functions beside their norms.
                let scaled (rows: seq<float>) (x: torch.Tensor) =
                    x.mul((roots rows).unsqueeze -1L).div(roots basis.SquaredNorms)

                let sizes =
                    (values next [ start ]).abs().matmul((LinearMap.toMatrix integral).abs()).add((1e-300).ToScalar())

                max
                    (Law.distance
                        (scaled next.SquaredNorms (LinearMap.toMatrix back))
                        (scaled next.SquaredNorms (LinearMap.toMatrix (basis.Parts.Embed next.Size))))
                    (number (there.div(sizes).abs().max())))

            testCase "values by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let at (basis: SpectralBasis) x (expected: float list) =
                    Expect.isLessThan
                        (Law.distance (values (basis.Resize expected.Length) [ x ]) ((numbers expected).unsqueeze 0L))
                        1e-15
                        $"{basis} at {x}"

                at (Chebyshev.gauss 1L) 0.5 [ 1.0; 0.5; -0.5; -1.0; -0.5 ]
                at (Chebyshev.secondKind 1L) 0.5 [ 1.0; 1.0; 0.0; -1.0; -1.0 ]
                at (Legendre.gauss 1L) 0.5 [ 1.0; 0.5; -0.125; -0.4375; -0.2890625 ]
                at (Ultraspherical.gauss 2.0 1L) 0.5 [ 1.0; 2.0; 1.0; -2.0 ]
                // P_1 = (alpha + 1) + (alpha + beta + 2)(x - 1)/2, P_2 for (1, 0) = (5/2) x^2 + x - 1/2.
                at (Jacobi.gauss 1.0 0.0 1L) 0.5 [ 1.0; 2.0 - 0.75; 2.5 * 0.25 + 0.5 - 0.5 ]
                at (Hermite.probabilists 1L) 2.0 [ 1.0; 2.0; 3.0 / sqrt 2.0; 2.0 / sqrt 6.0 ]
                let root = Math.PI ** -0.25

                at
                    (Hermite.physicists 1L)
                    1.0
                    [ root; root * sqrt 2.0; root * 2.0 / sqrt 8.0; root * -4.0 / sqrt 48.0 ]

                at (Hermite.functions 1L) 1.0 [ root * exp -0.5; root * sqrt 2.0 * exp -0.5 ]
                at (Laguerre.gauss 0.0 1L) 2.0 [ 1.0; -1.0; -1.0; -1.0 / 3.0 ]
                at (Laguerre.gauss 1.0 1L) 2.0 [ 1.0; 0.0; -1.0 ])

            testCase "norms by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let norms (basis: SpectralBasis) (expected: float list) =
                    expectSmall $"{basis}" 1e-14 (Law.distance (numbers basis.SquaredNorms) (numbers expected))

                norms (Legendre.lobatto 3L) [ 2.0; 2.0 / 3.0; 0.4 ]
                norms (Chebyshev.gauss 3L) [ Math.PI; Math.PI / 2.0; Math.PI / 2.0 ]
                norms (Ultraspherical.gauss 2.0 2L) [ 3.0 * Math.PI / 8.0; Math.PI ]
                norms (Ultraspherical.gauss 1.0 3L) [ Math.PI / 2.0; Math.PI / 2.0; Math.PI / 2.0 ]
                // (1 - x): integral of 1 is 2, of P_1^2 = ((1 + 3x)/2)^2: (2 + 6 - 2 * 6/3 ) ... by hand 1.
                norms (Jacobi.gauss 1.0 0.0 2L) [ 2.0; 1.0 ]
                norms (Laguerre.gauss 2.0 3L) [ 2.0; 6.0; 12.0 ]
                norms (Chebyshev.gauss 2L |> SpectralBasis.on (0.0, 6.0)) [ 3.0 * Math.PI; 1.5 * Math.PI ])

            testCase "a thousand Hermite functions stay orthonormal and finite" (fun () ->
                use _ = torch.NewDisposeScope()
                let basis = Hermite.functions 1000L
                let matrix = LinearMap.toMatrix basis.Synthesize
                expectSmall "unitary" product (Law.orthogonality (matrix.mul ((roots basis.Weights).unsqueeze -1L)))
                // psi_0 and psi_1 in closed form, and far outside.
                let x = [ 0.0; 1.5; 30.0; 37.0; 60.0; 1e6 ]
                let at = values (basis.Resize 2L) x
                let root = Math.PI ** -0.25
                let first = x |> List.map (fun x -> root * exp (-x * x / 2.0))
                expectSmall "psi_0" 1e-15 (Law.distance (column 0L at) (numbers first))

                expectSmall
                    "psi_1"
                    1e-15
                    (Law.distance (column 1L at) (numbers (List.map2 (fun x f -> sqrt 2.0 * x * f) x first)))

                Expect.isTrue ((values basis [ 0.0; 45.0; 1e9 ]).isfinite().all().item<bool>()) "finite")

            testCase "the coefficients of exp in Chebyshev polynomials are Bessel functions" (fun () ->
                use _ = torch.NewDisposeScope()

                for basis in
                    [
                        Chebyshev.gauss 24L
                        Chebyshev.lobatto 24L
                        Chebyshev.gauss 100L
                        Chebyshev.lobatto 129L
                    ] do
                    let expected =
                        Array.init (int basis.Size) (fun k -> (if k = 0 then 1.0 else 2.0) * besselI k 1.0)

                    let actual = SpectralBasis.approximate basis exp
                    let worst = number ((actual.sub (numbers expected)).abs().max())
                    expectSmall $"{basis}" 1e-15 worst)

            testCase "interpolants of Runge's function converge at the rate of their ellipse" (fun () ->
                use _ = torch.NewDisposeScope()
                let f x = 1.0 / (1.0 + 25.0 * x * x)
                let fine = [ for i in 0..2000 -> -1.0 + float i / 1000.0 ]
                let exact = fine |> List.map f |> numbers

                let errors =
                    [
                        for n in 21L..10L..121L ->
                            let basis = Chebyshev.lobatto n
                            let there = (basis.EvaluateAt fine).Apply(SpectralBasis.approximate basis f)
                            float n, log (number ((there.sub exact).abs().max()))
                    ]

                let meanX, meanY = List.averageBy fst errors, List.averageBy snd errors

                let slope =
                    List.sumBy (fun (x, y) -> (x - meanX) * (y - meanY)) errors
                    / List.sumBy (fun (x, _) -> (x - meanX) ** 2.0) errors
                // One over rho per degree, rho = 1/5 + sqrt (1 + 1/25).
                let rho = 0.2 + sqrt 1.04
                Expect.isLessThan (abs (exp -slope - rho)) 0.002 $"measured {exp -slope}, {rho}")

            testCase "conversions by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let matrix source target =
                    LinearMap.toMatrix (SpectralBasis.convert source target)

                // T_2 = (4 P_2 - P_0) / 3, T_3 = (8 P_3 - 3 P_1) / 5.
                let toLegendre = matrix (Chebyshev.lobatto 4L) (Legendre.gauss 4L)

                expectSmall
                    "T_2"
                    1e-15
                    (Law.distance (column 2L toLegendre) (numbers [ -1.0 / 3.0; 0.0; 4.0 / 3.0; 0.0 ]))

                expectSmall "T_3" 1e-15 (Law.distance (column 3L toLegendre) (numbers [ 0.0; -0.6; 0.0; 1.6 ]))
                // x^3 = (T_3 + 3 T_1)/4, U_2 = 2 T_2 + T_0.
                let fromSecond = matrix (Chebyshev.secondKind 3L) (Chebyshev.gauss 3L)
                expectSmall "U_2" 1e-15 (Law.distance (column 2L fromSecond) (numbers [ 1.0; 0.0; 2.0 ]))
                // Into fewer: the leading part; into more: zeros.
                expectSmall
                    "cut"
                    1e-15
                    (Law.distance (matrix (Chebyshev.lobatto 4L) (Legendre.gauss 2L)) (toLegendre.narrow (0L, 0L, 2L)))

                expectSmall
                    "one family"
                    0.0
                    (Law.distance
                        (matrix (Legendre.gauss 3L) (Legendre.gauss 5L))
                        (torch.eye (5L, 3L, dtype = torch.float64))))

            testCase "conversions there and back, and the function stays" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 1L; 2L; 5L; 17L; 64L; 65L; 130L ] do
                    for source in [ Chebyshev.gauss; Chebyshev.secondKind; Legendre.gauss; Jacobi.gauss 0.5 -0.3 ] do
                        for target in [ Chebyshev.gauss; Legendre.gauss; Ultraspherical.gauss 0.75 ] do
                            let source, target = source n, target n
                            let there = SpectralBasis.convert source target
                            let x = [ -1.0; -0.3; 0.1; 0.99 ]

                            expectSmall
                                $"{source} to {target}"
                                (10.0 * product)
                                (max
                                    (Law.equality 1 (target.EvaluateAt x * there) (source.EvaluateAt x))
                                    (Law.inverse 2 there (SpectralBasis.convert target source))))

            testCase "ultraspherical steps are the derivative and the identity" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = [ -1.0; -0.4; 0.3; 0.8; 1.0 ]

                for n in [ 1L; 2L; 3L; 10L; 60L ] do
                    for lambda in [ 0.0; 0.5; 1.0; 2.0 ] do
                        let from =
                            if lambda = 0.0 then
                                Chebyshev.gauss n
                            else
                                Ultraspherical.gauss lambda n

                        let into = Ultraspherical.gauss (lambda + 1.0) n
                        let at (basis: SpectralBasis) map = basis.EvaluateAt x * map

                        expectSmall
                            $"S, {lambda}, {n}"
                            (10.0 * product)
                            (Law.equality 1 (at into (Ultraspherical.conversion lambda n)) (from.EvaluateAt x))

                        expectSmall
                            $"D, {lambda}, {n}"
                            (10.0 * product)
                            (Law.equality
                                2
                                (at into (Ultraspherical.differential lambda n))
                                (at from from.Differentiate)))

            Property.check Property.config "products have the products of the values" (fun case ->
                let create =
                    [
                        Chebyshev.gauss
                        Legendre.gauss
                        Jacobi.gauss 0.5 -0.3
                        Hermite.probabilists
                        Laguerre.gauss 0.5
                        Chebyshev.secondKind
                    ][case.Seed % 6]

                let n1, n2 = int64 case.Size, int64 case.Second
                let f = Seed.normal case.Seed TensorKind.float64 [ 3L; n1 ]
                let g = Seed.normal (case.Seed + 1) TensorKind.float64 [ 2L; 1L; n2 ]
                let x = [ 0.1; 0.5; 0.9 ]

                let at (c: torch.Tensor) =
                    ((create c.shape[c.shape.Length - 1]).EvaluateAt x).Apply c

                let both = SpectralBasis.product (create 2L) f g
                let cut = (SpectralBasis.multiplyBy (create n1) g[0L, 0L]).Apply f
                Expect.equal both.shape [| 2L; 3L; n1 + n2 - 1L |] "shape"
                // Beside the sizes of the terms, which may cancel.
                let sizes = both.abs().matmul((values (create (n1 + n2 - 1L)) x).t().abs())

                max
                    (number ((at both).sub((at f).mul(at g)).norm()) / number (sizes.norm ()))
                    (Law.distance (both[0L].narrow(-1L, 0L, n1)) cut)
                |> Property.within product "product")

            testCase "product of Chebyshev polynomials" (fun () ->
                use _ = torch.NewDisposeScope()

                let unit k n =
                    numbers (Array.init n (fun i -> if i = k then 1.0 else 0.0))
                // T_3 T_2 = (T_5 + T_1) / 2.
                expectSmall
                    "T_3 T_2"
                    1e-15
                    (Law.distance
                        (SpectralBasis.product (Chebyshev.gauss 1L) (unit 3 4) (unit 2 3))
                        (numbers [ 0.0; 0.5; 0.0; 0.0; 0.0; 0.5 ])))

            testCase "quadrature, approximation and intervals" (fun () ->
                use _ = torch.NewDisposeScope()
                let basis = Legendre.gauss 20L |> SpectralBasis.on (1.0, 4.0)
                // The integrals of exp, 1/x and sqrt.
                Expect.isLessThan (abs (SpectralBasis.quadrature basis exp - (exp 4.0 - exp 1.0))) 1e-13 "exp"
                Expect.isLessThan (abs (SpectralBasis.quadrature basis (fun x -> 1.0 / x) - log 4.0)) 1e-13 "1/x"
                let c = SpectralBasis.approximate basis (fun x -> x * x)
                let slope = (basis.EvaluateAt [ 1.0; 2.0; 4.0 ] * basis.Differentiate).Apply c
                expectSmall "slope" product (Law.distance slope (numbers [ 2.0; 4.0; 8.0 ]))
                let next = basis.Resize 21L
                let integral = (next.EvaluateAt [ 1.0; 2.0; 4.0 ] * basis.Integrate).Apply c
                expectSmall "integral" 1e-14 (Law.distance integral (numbers [ 0.0; 7.0 / 3.0; 21.0 ]))
                let moved = Laguerre.gauss 0.0 10L |> SpectralBasis.on (1.0, infinity)
                Expect.isLessThan (abs (SpectralBasis.quadrature moved (fun x -> x * x) - 5.0)) 1e-13 "moved half-line")

            testCase "a grid in two dimensions" (fun () ->
                use _ = torch.NewDisposeScope()

                let bases =
                    [ Chebyshev.gauss 12L; Legendre.lobatto 14L |> SpectralBasis.on (0.0, 2.0) ]

                let grid = SpectralBasis.grid bases
                Expect.equal grid.shape [| 12L; 14L; 2L |] "shape"
                let x, y = grid.select (2L, 0L), grid.select (2L, 1L)
                expectSmall "x" 0.0 (Law.distance (column 3L x) (numbers bases[0].Nodes))
                expectSmall "y" 0.0 (Law.distance y[2L] (numbers bases[1].Nodes))
                let c = (SpectralBasis.analyzeGrid bases).Apply((x.mul y).exp())

                let slope =
                    (SpectralBasis.synthesizeGrid bases * SpectralBasis.differentiateAlong 1 bases).Apply c

                expectSmall "d/dy exp(xy) = x exp(xy)" 1e-7 (Law.distance slope (x.mul ((x.mul y).exp())))
                // The integral of x^2 y under dx / sqrt(1 - x^2) dy is pi/2 * 2.
                let total = number ((SpectralBasis.gridWeights bases).mul(x.mul(x).mul y).sum())
                Expect.isLessThan (abs (total - Math.PI)) 1e-14 "weights")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()

                for name, least, create, _ in functions :: families do
                    Refusal.expect name (fun () -> create (least - 1L) |> ignore)

                let basis = Chebyshev.gauss 4L
                Refusal.expect "no points" (fun () -> basis.EvaluateAt [] |> ignore)
                Refusal.expect "NaN" (fun () -> basis.EvaluateAt [ nan ] |> ignore)
                Refusal.expect "interval" (fun () -> basis |> SpectralBasis.on (1.0, 1.0) |> ignore)
                Refusal.expect "infinite" (fun () -> basis |> SpectralBasis.on (0.0, infinity) |> ignore)
                Refusal.expect "half-line" (fun () -> Laguerre.gauss 0.0 3L |> SpectralBasis.on (0.0, 1.0) |> ignore)

                Refusal.expect "intervals differ" (fun () ->
                    SpectralBasis.convert basis (basis |> SpectralBasis.on (0.0, 1.0)) |> ignore)

                Refusal.expect "infinite sample" (fun () ->
                    SpectralBasis.approximate (Legendre.lobatto 3L) (fun x -> 1.0 / x) |> ignore)

                Refusal.expect "NaN sample" (fun () -> SpectralBasis.quadrature basis sqrt |> ignore)

                Refusal.expect "not closed" (fun () ->
                    SpectralBasis.product (Hermite.functions 3L) (torch.ones 2L) (torch.ones 2L)
                    |> ignore)

                Refusal.expect "lambda" (fun () -> Ultraspherical.gauss 0.0 3L |> ignore)
                Refusal.expect "overflow" (fun () -> Hermite.probabilists 800L |> ignore)
                Refusal.expect "overflow" (fun () -> Laguerre.gauss 0.0 500L |> ignore)

                Expect.throwsT<InvalidOperationException>
                    (fun () -> (Hermite.functions 3L).Integrate |> ignore)
                    "no antiderivative"

                Expect.throwsC
                    (fun () -> SpectralBasis.approximate (Legendre.lobatto 3L) (fun x -> 1.0 / x) |> ignore)
                    (fun error -> Expect.stringContains error.Message "f(0)" "the point is named"))
        ]
