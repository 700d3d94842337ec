module Ortho.Tests.SphericalHarmonicsTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private float64 = TensorKind.float64

let private law name (residual: Case -> int -> float) =
    Property.check Property.config name (fun case ->
        residual case (2 * case.Size + case.Second - 3) |> Property.within 1e-12 name)

let private at (degree: int) (points: torch.Tensor) = SphericalHarmonics.values degree points

let private directions seed count =
    let points = Seed.normal seed float64 [ count; 3L ]
    points.div (points.norm (-1, keepdim = true))

/// P_0, ..., P_degree of each entry, by Bonnet's recurrence.
let private legendre (degree: int) (x: torch.Tensor) =
    List.scan
        (fun (before: torch.Tensor, here: torch.Tensor) l ->
            let next =
                (multiply (float (2 * l - 1)) (x.mul here)).sub(multiply (float (l - 1)) before)

            here, multiply (1.0 / float l) next)
        (torch.zeros_like x, torch.ones_like x)
        [ 1..degree ]
    |> List.map snd

let private gridWeights (grid: SphereGrid) =
    (SphericalTransform.weights grid).Apply(torch.ones (grid.Latitudes, grid.Longitudes, dtype = torch.float64))

let tests =
    testList
        "spherical harmonics"
        [
            for degree in [ 0; 1; 2; 3; 10; 31; 64 ] do
                testCase $"orthonormal under the quadrature, degree {degree}" (fun () ->
                    use _ = torch.NewDisposeScope()
                    let grid = SphereGrid.OfDegree degree
                    let y = at degree (grid.Points().flatten(0L, 1L))
                    let gram = y.mT.matmul (y.mul ((gridWeights grid).reshape(-1L, 1L)))
                    let identity = torch.eye (SphericalHarmonics.count degree, dtype = torch.float64)
                    let worst = gram.sub(identity).abs().max().item<float>()
                    Expect.isLessThanOrEqual worst 1e-12 "largest entry of the difference")

            testCase "to degree 64, the transform there and back, and far above" (fun () ->
                use _ = torch.NewDisposeScope()

                for degree in [ 64; 200 ] do
                    let grid = SphereGrid.OfDegree degree
                    let there = SphericalTransform.synthesize degree grid
                    let back = SphericalTransform.analyze degree grid
                    Expect.isLessThan (Law.inverse 1 there back) 1e-12 $"degree {degree}")

            law "the transform is the values at the points of the grid" (fun case degree ->
                let grid =
                    SphereGrid.Of(int64 (degree + case.Second), int64 (2 * degree + case.Size))

                let synthesize = SphericalTransform.synthesize degree grid
                let values = at degree (grid.Points().flatten(0L, 1L))
                Law.distance (LinearMap.toMatrix synthesize) values)

            law "band-limited functions come back, and analysis projects what is not" (fun case degree ->
                let grid =
                    SphereGrid.Of(int64 (degree + case.Second), int64 (2 * degree + case.Size))

                let synthesize = SphericalTransform.synthesize degree grid
                let analyze = SphericalTransform.analyze degree grid

                max (Law.inverse case.Seed synthesize analyze) (Law.idempotence (case.Seed + 1) (synthesize * analyze)))

            law "analysis is the adjoint of synthesis under the weights" (fun case degree ->
                let grid = SphereGrid.OfDegree degree
                let f = Seed.normal case.Seed float64 [ grid.Latitudes; grid.Longitudes ]
                let c = Seed.normal (case.Seed + 1) float64 [ SphericalHarmonics.count degree ]
                let weighted = (gridWeights grid).mul f

                let left =
                    weighted.mul((SphericalTransform.synthesize degree grid).Apply c).sum().item<float>()

                let right =
                    c.mul((SphericalTransform.analyze degree grid).Apply f).sum().item<float>()

                abs (left - right) / (weighted.norm().item<float>() * c.norm().item<float>()))

            law "addition theorem: sum over m of Y_lm(x) Y_lm(y) is (2l+1)/(4 pi) P_l(x.y)" (fun case degree ->
                let x, y = directions case.Seed 5L, directions (case.Seed + 1) 5L
                let products = (at degree x).mul(at degree y)
                let cosine = x.mul(y).sum -1L

                let expected =
                    legendre degree cosine
                    |> List.mapi (fun l p -> multiply (float (2 * l + 1) / (4.0 * Math.PI)) p)
                    |> fun all -> torch.stack (List.toArray all, -1L)

                let sums =
                    [|
                        for l in 0..degree ->
                            products.narrow(-1L, SphericalHarmonics.index l -l, int64 (2 * l + 1)).sum -1L
                    |]

                Law.distance (torch.stack (sums, -1L)) expected)

            law "a rotation keeps the power of every degree: of values turned, and of coefficients" (fun case degree ->
                let r = Rotation.random case.Seed float64 []
                let c = Seed.normal (case.Seed + 1) float64 [ SphericalHarmonics.count degree ]
                let grid = SphereGrid.OfDegree degree
                let points = grid.Points().flatten(0L, 1L)
                // f (R^-1 x): rows x^T R.
                let turned = (SphericalHarmonics.evaluateAt degree (points.matmul r)).Apply c

                let turned =
                    (SphericalTransform.analyze degree grid).Apply(turned.reshape (grid.Latitudes, grid.Longitudes))

                let rotated = (SphericalHarmonics.rotation degree r).Apply c
                let power = SphericalHarmonics.power c

                [
                    Law.distance (SphericalHarmonics.power turned) power
                    Law.distance (SphericalHarmonics.power rotated) power
                    Law.distance turned rotated
                ]
                |> List.reduce max)

            law "rotations are unitary, and a product rotates by the product" (fun case degree ->
                let a, b =
                    Rotation.random case.Seed float64 [], Rotation.random (case.Seed + 1) float64 []

                let map r = SphericalHarmonics.rotation degree r

                max (Law.equality case.Seed (map a * map b) (map (a.matmul b))) (Law.promises case.Seed (map a)))

            law "power adds to the integral of the square" (fun case degree ->
                let c =
                    Seed.normal case.Seed TensorKind.float64 [ 2L; SphericalHarmonics.count degree ]

                let grid = SphereGrid.OfDegree degree
                let f = (SphericalTransform.synthesize degree grid).Apply c
                let integral = f.square().mul(gridWeights grid).sum [| -2L; -1L |]
                Law.distance ((SphericalHarmonics.power c).sum -1L) integral)

            law "the Laplacian is -l(l+1), of homogeneous harmonic polynomials too" (fun case degree ->
                // r^l Y_l is harmonic: for l <= 2 by hand, (x y) has eigenvalue -6.
                let grid = SphereGrid.OfDegree(max degree 2)
                let degree = max degree 2
                let points = grid.Points()
                let along i = points.select (-1L, i)
                let f = (along 0L).mul(along 1L)
                let c = (SphericalTransform.analyze degree grid).Apply f
                let image = (SphericalHarmonics.laplacian degree).Apply c

                let eigenvalues =
                    [|
                        for l in 0..degree do
                            yield! Array.create (2 * l + 1) (-float(l * (l + 1)))
                    |]

                let d = case.Draw Bench.double.Head (Space.Of(SphericalHarmonics.count degree))

                max
                    (Law.distance image (multiply -6.0 c))
                    (Law.distance ((SphericalHarmonics.laplacian degree).Apply d) (d.mul (torch.tensor eigenvalues))))

            testCase "closed forms to degree 2" (fun () ->
                use _ = torch.NewDisposeScope()
                let points = directions 1 40L
                let along i = points.select (-1L, i)
                let x, y, z = along 0L, along 1L, along 2L
                let pi = Math.PI

                let expected =
                    [|
                        torch.full_like (x, (sqrt (1.0 / (4.0 * pi))).ToScalar())
                        multiply (sqrt (3.0 / (4.0 * pi))) y
                        multiply (sqrt (3.0 / (4.0 * pi))) z
                        multiply (sqrt (3.0 / (4.0 * pi))) x
                        multiply (sqrt (15.0 / (4.0 * pi))) (x.mul y)
                        multiply (sqrt (15.0 / (4.0 * pi))) (y.mul z)
                        multiply (sqrt (5.0 / (16.0 * pi))) (plus -1.0 (multiply 3.0 (z.square ())))
                        multiply (sqrt (15.0 / (4.0 * pi))) (x.mul z)
                        multiply (sqrt (15.0 / (16.0 * pi))) (x.square().sub(y.square ()))
                    |]

                Expect.isLessThan (Law.distance (at 2 points) (torch.stack (expected, -1L))) 1e-15 "by hand"
                // The length of a point does not matter.
                Expect.isLessThan (Law.distance (at 2 (multiply 7.0 points)) (at 2 points)) 1e-15 "length")

            testCase "at a pole only m = 0 is left, with sqrt ((2l+1) / 4 pi)" (fun () ->
                use _ = torch.NewDisposeScope()
                let pole = at 64 (torch.tensor [| 0.0; 0.0; 1.0 |])

                for l in 0..64 do
                    let value m =
                        pole[SphericalHarmonics.index l m].item<float>()

                    let expected = sqrt (float (2 * l + 1) / (4.0 * Math.PI))
                    Expect.isLessThan (abs (value 0 - expected) / expected) 1e-13 $"l = {l}"

                    for m in 1..l do
                        Expect.equal (abs (value m) + abs (value -m)) 0.0 $"l = {l}, m = {m}")

            testCase "float32 to degree 64" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = SphereGrid.OfDegree 64

                let there, back =
                    SphericalTransform.synthesize 64 grid, SphericalTransform.analyze 64 grid

                Expect.isLessThan
                    (Law.inverse 1 (there |> LinearMap.on TensorKind.float32) (back |> LinearMap.on TensorKind.float32))
                    1e-5
                    "there and back"

                let points = directions 1 100L
                let single = (at 64 (points.``to`` torch.float32)).``to`` torch.float64
                Expect.isLessThan (Law.distance single (at 64 points)) 1e-4 "values")

            Property.check Property.costly "values and rotations have the right gradient" (fun case ->
                let degree = case.Size % 5
                let points = Seed.normal case.Seed float64 [ 3L; 3L ]
                let pole = torch.tensor (array2D [ [ 0.0; 0.0; 2.0 ]; [ 0.0; 0.0; -1.0 ] ])

                [
                    Law.gradient case.Seed (at degree) points
                    Law.gradient case.Seed (at degree) pole
                    Law.gradient
                        case.Seed
                        (fun c -> SphericalHarmonics.power c)
                        (case.Draw Bench.double.Head (Space.Of(SphericalHarmonics.count degree)))
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "values leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let points = directions 1 4L
                let once () = (at 5 points).Dispose()

                let live () =
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount

                once ()
                let before = live ()
                once ()
                Expect.equal (live ()) before "live tensors")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = SphereGrid.Of(3L, 5L)
                Expect.equal grid.Degree 2 "what it resolves"
                Expect.equal (SphereGrid.Of(3L, 4L)).Degree 1 "even longitudes"
                Refusal.expect "degree" (fun () -> SphericalHarmonics.values -1 (torch.ones 3L) |> ignore)
                Refusal.expect "coordinates" (fun () -> SphericalHarmonics.values 1 (torch.ones 2L) |> ignore)
                Refusal.expect "no direction" (fun () -> SphericalHarmonics.values 1 (torch.zeros 3L) |> ignore)

                Refusal.expect "NaN" (fun () ->
                    SphericalHarmonics.values 1 (torch.tensor [| nan; 1.0; 1.0 |]) |> ignore)

                Refusal.expect "infinite" (fun () ->
                    SphericalHarmonics.values 1 (torch.tensor [| infinity; 1.0; 1.0 |]) |> ignore)

                Refusal.expect "coarse" (fun () -> SphericalTransform.analyze 3 grid |> ignore)

                Refusal.expect "few longitudes" (fun () ->
                    SphericalTransform.synthesize 2 (SphereGrid.Of(3L, 4L)) |> ignore)

                Refusal.expect "no square" (fun () -> SphericalHarmonics.power (torch.ones 5L) |> ignore)
                Refusal.expect "m" (fun () -> SphericalHarmonics.index 1 2 |> ignore)
                Refusal.expect "grid" (fun () -> SphereGrid.Of(0L, 4L) |> ignore)

                Refusal.expect "rotation" (fun () ->
                    SphericalHarmonics.rotation 2 (torch.ones (3L, 3L, dtype = torch.float64))
                    |> ignore))
        ]
