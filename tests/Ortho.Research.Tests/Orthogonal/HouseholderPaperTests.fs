/// What the papers say of products of reflections: adapters of weights (HRA, 2405.17484) and projectors of a given rank (2307.08012).
module Ortho.Tests.Orthogonal.HouseholderPaperTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// W' = W H(u_1) ... H(u_r).
let private adapted (w: torch.Tensor) (vectors: torch.Tensor) =
    // Rows w H are those of H* w*: the adjoint's conjugate on rows.
    w.matmul (LinearMap.toMatrix (Householder.chain vectors))

/// Gamma = -T for unit vectors, from the recursion of one reflection after the other.
let private gamma (u: torch.Tensor) =
    let r = u.shape[1]
    let mutable gamma = u.new_zeros (0L, 0L)

    for j in 0L .. r - 1L do
        let before = u.narrow (1L, 0L, j)
        let column = -2.0 * (gamma.matmul (before.mH.matmul (u.narrow (1L, j, 1L))))
        let corner = torch.full_like (u.narrow(0L, 0L, 1L).narrow(1L, 0L, 1L), -2.0)
        let top = torch.cat ([| gamma; column |], 1L)
        let bottom = torch.cat ([| u.new_zeros (1L, j); corner |], 1L)
        gamma <- torch.cat ([| top; bottom |], 0L)

    gamma

let private units (bench: Bench) (case: Case) =
    let v = Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size ]
    v / v.abs().square().sum(-1L, true).sqrt()

let private weight (bench: Bench) (case: Case) =
    Seed.normal (case.Seed + 1) bench.Kind [ 4L; int64 case.Size ]

let private adapters (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"adapted weights on {bench}"
        [
            check "W' = W + W U Gamma U*" (fun case ->
                let v, w = units bench case, weight bench case
                let u = v.t ()

                Law.distance (adapted w v) (w + w.matmul(u).matmul(gamma u).matmul u.mH)
                |> Property.within bench.Product "distance")

            check "rows keep their lengths and angles, and the reverse order takes the adapter off" (fun case ->
                let v, w = units bench case, weight bench case
                let moved = adapted w v

                max (Law.distance (moved.matmul moved.mH) (w.matmul w.mH)) (Law.distance (adapted moved (v.flip 0L)) w)
                |> Property.within bench.Product "distance")

            check "equal pairs of vectors start at W itself" (fun case ->
                let w = weight bench case
                let pairs = (units bench case).repeat_interleave(2L, 0L)
                Law.distance (adapted w pairs) w |> Property.within bench.Product "distance")

            check "orthonormal vectors move W by 2 |W U|" (fun case ->
                let w = weight bench case
                let n = int64 case.Size
                let u = Dense.frame case.Seed bench.Kind n (min n (int64 case.Second))
                let moved = Dense.size (adapted w (u.t ()) - w)
                let expected = 2.0 * Dense.size (w.matmul u)

                abs (moved - expected) / (moved + expected)
                |> Property.within bench.Product "distance")

            check "r reflections change W by a matrix of rank r or less" (fun case ->
                let case = { case with Second = min 3 case.Second }
                let w = weight bench case
                let values = Dense.singularValues (adapted w (units bench case) - w)
                // Past the rank, what rounding leaves of |W|.
                (Array.append values (Array.zeroCreate 4))[case.Second] / Dense.size w
                |> Property.within bench.Product "singular value")
        ]

let private projectors (bench: Bench) =
    Property.check
        Property.config
        $"U S V* keeps r directions, to the length of a step, and drops the others, on {bench}"
        (fun case ->
            let n, m = int64 case.Size + 1L, int64 case.Second + 1L
            let r = 1L + int64 case.Seed % min n m

            let u = Householder.triangular (Seed.normal case.Seed bench.Kind [ m; r ])
            let v = Householder.triangular (Seed.normal (case.Seed + 1) bench.Kind [ n; r ])
            let p = u * v.Adjoint
            let directions = LinearMap.toMatrix(v).t().contiguous()

            let directions =
                if directions.is_complex () then
                    directions.resolve_conj ()
                else
                    directions

            let steps = p.Apply directions
            let x = Seed.normal (case.Seed + 2) bench.Kind [ 3L; n ]
            let null' = x - v.Apply(v.Adjoint.Apply x)

            [
                Law.projection case.Seed (p * p.Adjoint)
                Law.projection case.Seed (p.Adjoint * p)
                Law.orthogonality (steps.t ())
                Dense.size (p.Apply null') / Dense.size x
            ]
            |> List.reduce max
            |> Property.within bench.Product "defect")

let private rotations =
    testCase "an even number of reflections is a rotation; an odd one is refused as such" (fun () ->
        for r in 0L .. 7L do
            let vectors = Seed.normal (int r) TensorKind.float64 [ r; 4L ]

            if r % 2L = 0L then
                let determinant =
                    torch.linalg.det(LinearMap.toMatrix (Householder.rotation vectors)).item<float>()

                Expect.floatClose Accuracy.high determinant 1.0 $"{r} reflections"
            else
                Refusal.expect $"{r} reflections" (fun () -> Householder.rotation vectors |> ignore))

let tests =
    testList
        "Householder: papers"
        [
            yield! Bench.all |> List.map adapters
            yield! Bench.all |> List.map projectors
            rotations
        ]
