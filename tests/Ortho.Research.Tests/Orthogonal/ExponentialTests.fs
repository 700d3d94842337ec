module Ortho.Tests.Orthogonal.ExponentialTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let draw (bench: Bench) (case: Case) (norm: float) =
    let s =
        Skew.ofSquare (Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Size ]))

    let largest = Array.append [| 0.0 |] (Dense.singularValues s) |> Array.reduce max
    if largest = 0.0 then s else s * (norm / largest)

/// Spectral norms from 1e-6 to 30, on both sides of every branch.
let skew (bench: Bench) (case: Case) =
    draw bench case (10.0 ** (-6.0 + 7.5 * float (case.Seed % 101) / 100.0))

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"exponential on {bench}"
        [
            check "is what the eigenvalues say" (fun case ->
                let s = skew bench case

                Law.distance (Exponential.matrix s) (Dense.exponential s)
                |> Property.within bench.Iteration "distance")

            check "is orthogonal to rounding, however large S is" (fun case ->
                [ 1.0; 30.0; 1e3; 1e5 ]
                |> List.map (draw bench case >> Exponential.matrix >> Law.orthogonality)
                |> List.reduce max
                |> Property.within bench.Product "defect")

            check "as a map is the matrix, and so is its adjoint" (fun case ->
                let s = skew bench { case with Batch = [] }
                let map = Exponential.ofSkew s
                let q = Exponential.matrix s
                let x = case.Draw bench map.Domain

                [
                    Law.distance (map.Apply x) (x.matmul q.mT)
                    Law.distance (map.Adjoint.Apply x) (x.matmul (q.conj ()))
                    Law.inverse case.Seed map (Exponential.ofSkew -s)
                ]
                |> List.reduce max
                |> fun residual -> if map.Promises Traits.Unitary then residual else infinity
                |> Property.within bench.Iteration "distance")

            check "is undone by the logarithm, below pi" (fun case ->
                let s = draw bench case (0.03 * float (1 + case.Seed % 100))
                let back = Exponential.toSkew (Exponential.matrix s)

                max (Dense.apart back s) (Skew.defect back)
                |> Property.within bench.Iteration "distance")

            check "of the logarithm is the matrix" (fun case ->
                let q = Cayley.matrix (draw bench case (0.1 + 0.05 * float (case.Seed % 100)))

                Law.distance (Exponential.matrix (Exponential.toSkew q)) q
                |> Property.within bench.Iteration "distance")

            check "at a base point is B exp(S), and moving the base there changes nothing" (fun case ->
                let s = skew bench { case with Batch = [] }
                let n = int64 case.Size
                let b = Dense.frame (case.Seed + 1) bench.Kind (n + int64 case.Second) n
                let q = b.matmul (Dense.exponential s)
                let moved = Exponential.rebase b s

                [
                    Law.distance (Exponential.at b s) q
                    Law.distance (LinearMap.toMatrix (Exponential.ofSkewAt b s)) q
                    Law.distance (Exponential.at moved (torch.zeros_like s)) q
                    (if moved.requires_grad then infinity else 0.0)
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            testCase "a move takes from a base point what rounding has put there" (fun () ->
                use _ = torch.NewDisposeScope()
                let s = Dense.skew 1 bench.Kind 6L 0.3
                let b = Dense.frame 2 bench.Kind 6L 6L * (1.0 + 2.0 * bench.Product)
                Expect.isGreaterThan (Law.orthogonality b) bench.Product "defect before"
                Expect.isLessThanOrEqual (Law.orthogonality (Exponential.rebase b s)) bench.Product "defect")

            testCase "a batch of matrices is its matrices one by one; an empty batch is empty" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 3L; 5L ] do
                    let s = Skew.ofSquare (Seed.normal 1 bench.Kind [ 2L; 3L; n; n ]) * 0.3

                    for name, f in
                        [
                            "matrix", Exponential.matrix
                            "toSkew", Exponential.matrix >> Exponential.toSkew
                        ] do
                        let all = f s
                        let one = Law.distance all[1L, 2L] (f s[1L, 2L])
                        Expect.isLessThanOrEqual one bench.Iteration name

                    let none = Exponential.matrix (s.narrow (0L, 0L, 0L))
                    Expect.equal none.shape [| 0L; 3L; n; n |] "empty")

            testCase "of zero is the identity, and its logarithm zero" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 1L; 3L; 4L ] do
                    let identity = Dense.identity bench.Kind n
                    let zero = torch.zeros_like identity
                    Expect.isLessThanOrEqual (Law.distance (Exponential.matrix zero) identity) bench.Product "exp"
                    Expect.isLessThanOrEqual (Dense.size (Exponential.toSkew identity)) bench.Product "log")

            testCase "leaves no tensor behind, with gradients and without" (fun () ->
                use _ = torch.NewDisposeScope()
                let s = Skew.ofSquare (Seed.normal 1 bench.Kind [ 5L; 5L ])
                let leaf = s.detach().clone().requires_grad_ true
                let b = Dense.frame 2 bench.Kind 5L 5L

                Dense.growth (fun () ->
                    let loss = (Exponential.at b leaf).abs().sum()
                    loss.backward ()
                    leaf.grad.Dispose()
                    leaf.grad <- null
                    Exponential.rebase b s |> ignore
                    Exponential.toSkew (Exponential.matrix (s * 0.2)) |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let grown =
                    Dense.growthOfResults (fun () ->
                        [ Exponential.matrix s; Exponential.at b s; Exponential.rebase b s ])

                Expect.equal grown 0L "outside of any inner scope")
        ]

let private realLaws (bench: Bench) =
    let angleTolerance = bench.Product

    testList
        $"real exponential on {bench}"
        [
            Property.check Property.config "has determinant 1" (fun case ->
                let determinant = torch.linalg.det (Exponential.matrix (skew bench case))

                Dense.size (determinant - torch.ones_like determinant)
                / sqrt (float (determinant.numel ()))
                |> Property.within bench.Iteration "determinant")

            testCase "turns a plane by the angle, at any angle" (fun () ->
                use _ = torch.NewDisposeScope()

                for t in [ 1e-9; 1e-5; 0.9e-4; 1.1e-4; 1e-2; 0.7; 3.1; 10.0 ] do
                    let turn = [| cos t; -(sin t); sin t; cos t |]

                    let tensor (x: float[]) =
                        torch.tensor (x, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                    let q = Exponential.matrix (Skew.ofVector 2L (tensor [| t |]))
                    // About the third axis, by Rodrigues' formula.
                    let r = Exponential.matrix (Skew.ofVector 3L (tensor [| t; 0.0; 0.0 |]))
                    let expected = (tensor turn).reshape(2L, 2L)
                    Expect.isLessThanOrEqual (Law.distance q expected) angleTolerance $"{t}"

                    Expect.isLessThanOrEqual
                        (Law.distance (r.narrow(0L, 0L, 2L).narrow(1L, 0L, 2L)) expected)
                        angleTolerance
                        $"{t}, 3 x 3"
                    // The angle itself keeps its digits.
                    for matrix in [ q; r ] do
                        let sine = matrix[1L, 0L].``to``(torch.float64).item<float>()

                        Expect.isLessThan
                            (abs (sine - sin t))
                            (angleTolerance * max (abs (sin t)) (1e-3 * t))
                            $"sine of {t}")

            Property.check
                Property.config
                "Rodrigues' formula is the corner of the exponential of a wider matrix"
                (fun case ->
                    let s = skew bench { case with Size = 3; Batch = [ 2L ] }

                    let padded =
                        torch.zeros ([| 2L; 5L; 5L |], dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                    padded.narrow(-1L, 0L, 3L).narrow(-2L, 0L, 3L).copy_ s |> ignore
                    let corner = (Exponential.matrix padded).narrow(-1L, 0L, 3L).narrow(-2L, 0L, 3L)

                    Law.distance (Exponential.matrix s) corner
                    |> Property.within bench.Iteration "distance")
        ]

let private refusals =
    testList
        "bad input"
        [
            testCase "is refused: shape, type, skewness, base point" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 TensorKind.float64 [ 4L; 4L ]
                let s = Skew.ofSquare x
                let b = Dense.frame 2 TensorKind.float64 5L 4L

                for name, (body: unit -> unit) in
                    [
                        "not skew", (fun () -> Exponential.matrix x |> ignore)
                        "not square", (fun () -> Exponential.matrix (s.narrow (0L, 0L, 2L)) |> ignore)
                        "integers",
                        (fun () -> Exponential.matrix (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                        "a batch for a map", (fun () -> Exponential.ofSkew (s.unsqueeze 0L) |> ignore)
                        "empty", (fun () -> Exponential.ofSkew (torch.zeros (0L, 0L)) |> ignore)
                        "null", (fun () -> Exponential.matrix null |> ignore)
                        "base not orthonormal", (fun () -> Exponential.at x s |> ignore)
                        "base of another size", (fun () -> Exponential.at (b.narrow (1L, 0L, 3L)) s |> ignore)
                        "base of another type", (fun () -> Exponential.at (b.``to`` torch.float32) s |> ignore)
                        "a batch of bases for a map", (fun () -> Exponential.ofSkewAt (b.unsqueeze 0L) s |> ignore)
                        "moving to no skew matrix", (fun () -> Exponential.rebase b x |> ignore)
                        "logarithm of no rotation", (fun () -> Exponential.toSkew x |> ignore)
                        "logarithm of -1",
                        (fun () -> Exponential.toSkew (Dense.identity TensorKind.float64 2L |> _.neg()) |> ignore)
                        "logarithm of a reflection",
                        (fun () -> Exponential.toSkew (Dense.reflection (x.select (0L, 0L))) |> ignore)
                    ] do
                    Refusal.expect name body)

            testCase "Taylor's scheme is the series of exp up to degree 18" (fun () ->
                // Truncated products of polynomials in A, as arrays of coefficients.
                let times (p: float[]) (q: float[]) =
                    Array.init 19 (fun k -> Seq.sum (seq { for i in 0..k -> p[i] * q[k - i] }))

                let plus = Array.map2 (+)

                let b =
                    Exponential.taylor
                    |> Array.map (fun row ->
                        let p = Array.zeroCreate<float> 19
                        Array.iter2 (fun power weight -> p[power] <- weight) [| 0; 1; 2; 3; 6 |] row
                        p)

                let c = plus (times b[0] b[4]) b[3]
                let t = plus b[1] (times (plus b[2] c) c)

                t
                |> Array.iteri (fun k found ->
                    let factorial = Seq.fold (*) 1.0 (seq { for i in 1..k -> float i })
                    // The table has 18 digits; the terms of the low powers cancel.
                    Expect.isLessThan (abs (found * factorial - 1.0)) 1e-9 $"coefficient {k}"))
        ]

let tests =
    testList
        "Exponential"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            refusals
        ]
