/// How retractions leave X: order, geodesics, angles on the sphere, gradients.
module Ortho.Tests.Orthogonal.RetractionTests

open System
open Expecto
open Ortho
open Ortho.Tests
open Ortho.Tests.Orthogonal.StiefelTests
open TorchSharp

/// The base 2 logarithm of how much smaller the error is at half of the step.
let private order (error: float -> float) = Math.Log2(error 2e-3 / error 1e-3)

let private orders (bench: Bench) =
    let check = Property.check Property.config

    /// A tangent of length 1 in at least two dimensions of manifold.
    let start (case: Case) =
        let case =
            { case with
                Size = case.Size + 5
                Batch = []
            }

        let x = frame bench case
        let z = tangent bench case x
        struct (x, z / torch.linalg.norm z)

    testList
        $"order of retractions on {bench}"
        [
            for name, retract in retractions do
                check $"by {name} is first order: X + t Z + O(t^2)" (fun case ->
                    let struct (x, z) = start case

                    abs (order (fun t -> Dense.size (retract x (z * t) - x - z * t)) - 2.0)
                    |> Property.within 0.05 "order, less 2")

            check "by Cayley's transform agrees with the canonical geodesic to second order" (fun case ->
                let struct (x, z) = start case

                abs (
                    order (fun t ->
                        Dense.size (Retraction.cayley x (z * (20.0 * t)) - Retraction.exponential x (z * (20.0 * t))))
                    - 3.0
                )
                |> Property.within 0.05 "order, less 3")

            check "the geodesic goes on as a geodesic at constant speed" (fun case ->
                let struct (x, z) = start case
                let w = generator x z
                let y = Retraction.exponential x (z * 0.7)
                let velocity = w.matmul y
                let onward = Retraction.exponential y (Stiefel.tangent y velocity * 0.5)
                let speed (x: torch.Tensor) z = Stiefel.canonicalInner x z z

                max
                    (Law.distance onward (Retraction.exponential x (z * 1.2)))
                    (Law.distance (speed y velocity) (speed x z))
                |> Property.within bench.Iteration "distance")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients of retractions on {bench}"
        [
            for name, retract in retractions do
                check $"by {name} are right in X and Z, and at Z = 0" (fun case ->
                    let k = 1L + int64 case.Second / 2L
                    let a = Seed.normal case.Seed bench.Kind [ k + 3L; k ]
                    let z = Seed.normal (case.Seed + 1) bench.Kind a.shape
                    let x = Stiefel.ofMatrix a
                    let inZ z = retract x (Stiefel.tangent x z)

                    let inX a =
                        let x = Stiefel.ofMatrix a
                        retract x (Stiefel.tangent x z)

                    let complexInZ (pairs: torch.Tensor) =
                        let x =
                            Stiefel.ofMatrix (
                                Seed.normal
                                    5
                                    { bench.Kind with
                                        Dtype = torch.complex128
                                    }
                                    a.shape
                            )

                        retract x (Stiefel.tangent x (Dense.complexOf pairs))

                    let pairs = torch.stack ([| z; z.flip 0L |], -1L)

                    [
                        Law.gradient case.Seed inZ z
                        Law.gradient case.Seed inZ (torch.zeros_like z)
                        // Condition 100 at most, by the singular values of a.
                        Law.gradient case.Seed inX (a + 3.0 * x)
                        Law.gradient case.Seed complexInZ pairs
                        Law.gradient case.Seed complexInZ (torch.zeros_like pairs)
                    ]
                    |> List.reduce max
                    |> Property.within Bench.gradient "gradient")
        ]

/// On the sphere, k = 1, every retraction is an angle a in the plane of X and Z: cos a X + sin a Z / |Z|.
let private sphere (bench: Bench) =
    testCase
        $"retractions on a sphere on {bench} are an angle of |Z|: atan, atan, 2 atan of half, and itself"
        (fun () ->
            use _ = torch.NewDisposeScope()
            let x = Stiefel.ofMatrix (Seed.normal 1 bench.Kind [ 5L; 1L ])
            let direction = Stiefel.tangent x (Seed.normal 2 bench.Kind [ 5L; 1L ])
            let unit = direction / torch.linalg.norm direction

            let angles =
                [
                    "QR", atan
                    "polar", atan
                    "Cayley", (fun t -> 2.0 * atan (t / 2.0))
                    "exponential", id
                ]

            for (name, retract), (_, angle) in List.zip retractions angles do
                for t in [ 1e-9; 1e-4; 0.02; 0.04; 0.3; 1.0; 3.0; 10.0 ] do
                    let a = angle t
                    let y = retract x (unit * t)
                    let off = Dense.size (y - x * cos a - unit * sin a)
                    Expect.isLessThanOrEqual off bench.Product $"{name}, {t}")

let tests =
    testList
        "Retraction"
        [
            yield! Bench.double @ Bench.complex |> List.map orders
            yield! Bench.real |> List.map sphere
            yield! Bench.double |> List.map gradients
        ]
