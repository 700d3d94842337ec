/// Frames, tangents, and that each retraction is its dense formula; RetractionTests has what they do near X.
module Ortho.Tests.Orthogonal.StiefelTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// Rows and columns of a case: k from 1 to 6, n at least k, often near it.
let private shape (case: Case) =
    let k = int64 case.Second
    case.Batch @ [ k + int64 (case.Size - 1) / 2L; k ]

let frame (bench: Bench) (case: Case) =
    let struct (q, _) = torch.linalg.qr (Seed.normal case.Seed bench.Kind (shape case))
    q

/// X A + (I - X X*) B with A skew: every tangent, without the function under test.
let tangent (bench: Bench) (case: Case) (x: torch.Tensor) =
    let k = x.shape[x.shape.Length - 1]
    let batch = Array.sub x.shape 0 (x.shape.Length - 2)

    let a =
        Skew.part (Seed.normal (Seed.derive case.Seed 1) bench.Kind (Array.append batch [| k; k |]))

    let b = Seed.normal (Seed.derive case.Seed 3) bench.Kind x.shape
    x.matmul a + b - x.matmul (x.mH.matmul b)

/// Re tr (y* z) of each element.
let private inner (y: torch.Tensor) (z: torch.Tensor) =
    let sum = (y.conj().mul z).sum [| -2L; -1L |]
    if sum.is_complex () then sum.real else sum

/// |X* Z + Z* X| / 2, over the whole batch: a tangent near 0 has a large relative defect of rounding alone.
let private off (x: torch.Tensor) (z: torch.Tensor) =
    let m = x.mH.matmul z
    Dense.size (m + m.mH) / 2.0

let private byHand =
    testCase "the defect of a vector that is not tangent, by hand" (fun () ->
        let x = torch.tensor (array2D [ [ 1.0 ]; [ 0.0 ] ])
        // X* Z = 3 and |Z| = 5.
        Expect.floatClose
            Accuracy.high
            (Stiefel.tangencyDefect x (torch.tensor (array2D [ [ 3.0 ]; [ 4.0 ] ])))
            0.6
            "3/5"

        Expect.equal (Stiefel.tangencyDefect x (torch.tensor (array2D [ [ 0.0 ]; [ 4.0 ] ]))) 0.0 "tangent"
        Expect.equal (Stiefel.tangencyDefect x (torch.zeros (2L, 1L, dtype = torch.float64))) 0.0 "zero")

let retractions =
    [
        "QR", Retraction.qr
        "polar", Retraction.polar
        "Cayley", Retraction.cayley
        "exponential", Retraction.exponential
    ]

/// The skew W of n x n numbers with W X = Z, of which the exponential and the Cayley transform move X.
let generator (x: torch.Tensor) (z: torch.Tensor) =
    z.matmul x.mH - x.matmul z.mH - x.matmul(x.mH.matmul z).matmul x.mH

let private oracle name (x: torch.Tensor) (z: torch.Tensor) =
    match name with
    | "QR" -> GramSchmidt.twice (x + z)
    | "polar" ->
        let struct (u, _, vh) = torch.linalg.svd (x + z, fullMatrices = false)
        u.matmul vh
    | "Cayley" -> (Cayley.matrix (Skew.part (generator x z) * 0.5)).matmul x
    | _ -> (Dense.exponential (generator x z)).matmul x

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"frames on {bench}"
        [
            check "of a matrix are orthonormal, and an upper triangle with a positive diagonal away" (fun case ->
                let a = Seed.normal case.Seed bench.Kind (shape case)
                let q = Stiefel.ofMatrix a
                let r = q.mH.matmul a
                let diagonal = r.diagonal (0L, -2L, -1L)
                let size = diagonal.abs ()

                let kind =
                    { bench.Kind with
                        Dtype = diagonal.dtype
                    }

                [
                    Law.orthogonality q
                    Law.distance (q.matmul r) a
                    Law.distance (r.triu 0L) r
                    Law.distance (size.``to`` kind.Dtype) diagonal
                    Law.distance (Stiefel.ofMatrix q) q
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "tangents: the projection is idempotent, tangent, and nearest in both metrics" (fun case ->
                let x = frame bench case
                let z = Seed.normal (Seed.derive case.Seed 1) bench.Kind x.shape
                let t = Stiefel.tangent x z

                let other = tangent bench case x

                let rest = z - t
                let scale = 1.0 + Dense.size z * Dense.size other

                [
                    off x t / (1.0 + Dense.size z)
                    Dense.apart (Stiefel.tangent x t) t
                    Dense.apart (Stiefel.tangent x other) other
                    off x other / (1.0 + Dense.size other)
                    Dense.size (inner other rest) / scale
                    Dense.size (Stiefel.canonicalInner x other rest) / scale
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "gradients of both metrics are tangent and give the derivative of a function" (fun case ->
                let x = frame bench case
                let g = Seed.normal (Seed.derive case.Seed 1) bench.Kind x.shape
                let z = tangent bench { case with Seed = case.Seed + 1 } x
                let plain = inner g z
                let euclidean, canonical = Stiefel.gradient x g, Stiefel.canonicalGradient x g
                let scale = 1.0 + Dense.size g * (1.0 + Dense.size z)

                [
                    Dense.size (inner euclidean z - plain)
                    Dense.size (Stiefel.canonicalInner x canonical z - plain)
                    off x canonical
                    off x euclidean
                ]
                |> List.reduce max
                |> fun worst -> worst / scale
                |> Property.within bench.Product "distance")

            testList
                "retraction"
                [
                    for name, retract in retractions do
                        check $"by {name} is the dense formula, and stays on the manifold" (fun case ->
                            let x = frame bench case
                            let z = tangent bench case x
                            let y = retract x z

                            max (Law.distance y (oracle name x z)) (Law.orthogonality y)
                            |> Property.within bench.Iteration "distance")

                        check $"by {name} of zero is X" (fun case ->
                            let x = frame bench case

                            Law.distance (retract x (torch.zeros_like x)) x
                            |> Property.within bench.Product "distance")

                        testCase
                            $"by {name} stays on the manifold far away, where vectors differ by 1e6 in size"
                            (fun () ->
                                use _ = torch.NewDisposeScope()

                                let case =
                                    {
                                        Size = 20
                                        Second = 5
                                        Batch = []
                                        Seed = 3
                                    }

                                let x = frame bench case
                                let sizes = torch.logspace (-5.0, 1.0, 5L, dtype = x.dtype, device = x.device)
                                let z = Stiefel.tangent x (tangent bench case x * sizes)
                                let y = retract x z
                                Expect.isLessThanOrEqual (Law.orthogonality y) bench.Iteration "orthonormal"

                                Expect.isLessThanOrEqual
                                    (Law.distance y (oracle name x z))
                                    bench.Iteration
                                    "dense formula")

                        check $"by {name} stays where a gradient has no tangent part but rounding" (fun case ->
                            let x = frame bench case
                            let k = x.shape[x.shape.Length - 1]
                            let m = Seed.normal (Seed.derive case.Seed 1) bench.Kind [ k; k ]
                            let z = Stiefel.tangent x (x.matmul (m + m.mH))

                            Law.distance (retract x z) x |> Property.within bench.Product "distance")

                        testCase $"by {name} leaves no tensor behind" (fun () ->
                            use _ = torch.NewDisposeScope()
                            let x = Stiefel.ofMatrix (Seed.normal 1 bench.Kind [ 2L; 6L; 3L ])
                            let z = Stiefel.tangent x (Seed.normal 2 bench.Kind x.shape)

                            Dense.growthOfResults (fun () ->
                                [
                                    retract x z
                                    Stiefel.tangent x z
                                    Stiefel.canonicalGradient x z
                                    Stiefel.ofMatrix z
                                    Stiefel.canonicalInner x z z
                                ])
                            |> fun grown -> Expect.equal grown 0L "live tensors")
                ]
        ]

let private thin =
    testList
        "memory"
        [
            // A few tensors of the size of the frame and the input. An n x n matrix of float32 takes 1.6 GB.
            let allowed = 32L * (PeakMemory.rows + PeakMemory.k) * PeakMemory.n * 4L

            for work in [ "steps on the Stiefel manifold"; "projections and angles of thin subspaces" ] do
                testCase $"{work}, 20,000 x 50, stay thin" (fun () ->
                    Expect.isLessThan (PeakMemory.measure work) allowed "bytes at the peak")
        ]

let private refusals =
    testList
        "bad input"
        [
            testCase "is refused: shapes, ranks, frames, tangents" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Stiefel.ofMatrix (Seed.normal 1 TensorKind.float64 [ 5L; 2L ])
                let z = Seed.normal 2 TensorKind.float64 [ 5L; 2L ]
                let t = Stiefel.tangent x z
                let dependent = torch.cat ([| z; z.narrow (1L, 0L, 1L) * 3.0 |], 1L)
                let zeroColumn = torch.cat ([| z; torch.zeros_like (z.narrow (1L, 0L, 1L)) |], 1L)
                let spoiled = z.clone ()
                spoiled[0L, 1L] <- torch.tensor (nan, dtype = torch.float64)

                for name, (body: unit -> unit) in
                    [
                        "wide", (fun () -> Stiefel.ofMatrix z.mT |> ignore)
                        "dependent", (fun () -> Stiefel.ofMatrix dependent |> ignore)
                        "zero column", (fun () -> Stiefel.ofMatrix zeroColumn |> ignore)
                        "not finite", (fun () -> Stiefel.ofMatrix spoiled |> ignore)
                        "one bad of a batch", (fun () -> Stiefel.ofMatrix (torch.stack [| z; z * 0.0 |]) |> ignore)
                        "integers", (fun () -> Stiefel.ofMatrix (torch.ones (5L, 2L, dtype = torch.int64)) |> ignore)
                        "no column", (fun () -> Stiefel.ofMatrix (torch.ones (5L, 0L)) |> ignore)
                        "a batch for a map", (fun () -> Stiefel.frame (z.unsqueeze 0L) |> ignore)
                        "no frame", (fun () -> Stiefel.tangent z x |> ignore)
                        "another shape", (fun () -> Stiefel.tangent x (z.narrow (1L, 0L, 1L)) |> ignore)
                        "another type", (fun () -> Stiefel.tangent x (z.``to`` torch.float32) |> ignore)
                        "another type", (fun () -> Stiefel.canonicalInner x t (t.``to`` torch.float32) |> ignore)
                        "no frame", (fun () -> Stiefel.gradient z x |> ignore)
                        "no frame", (fun () -> Stiefel.canonicalGradient z x |> ignore)
                        for name, retract in retractions do
                            $"not tangent, {name}", (fun () -> retract x z |> ignore)
                            $"no frame, {name}", (fun () -> retract z t |> ignore)
                            $"NaN, {name}", (fun () -> retract x spoiled |> ignore)
                    ] do
                    Refusal.expect name body

                // Columns of very different sizes are independent all the same.
                let graded = z * torch.tensor ([| 1e-150; 1e150 |], dtype = torch.float64)
                Expect.isLessThan (Law.distance (Stiefel.ofMatrix graded) (Stiefel.ofMatrix z)) 1e-12 "graded")

            testCase "empty batches of matrices are empty batches of frames" (fun () ->
                use _ = torch.NewDisposeScope()
                Expect.equal (Stiefel.ofMatrix (torch.zeros (0L, 5L, 2L))).shape [| 0L; 5L; 2L |] "frames"
                Expect.equal (GramSchmidt.twice (torch.zeros (0L, 5L, 2L))).shape [| 0L; 5L; 2L |] "Gram-Schmidt")
        ]

let tests =
    testList "Stiefel" [ yield! Bench.all |> List.map laws; byHand; thin; refusals ]
