/// Moments of random matrices against those of Haar's measure, in standard deviations of their mean. All seeds are fixed, so nothing
/// flickers; a right sampler drawn with other seeds would miss five deviations once in 1.7 million statistics.
module Ortho.Tests.Orthogonal.HaarTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private allowed = 5.0

/// Five dimensions: the traces' moments up to the fourth are then those of O(n) and U(n) also for determinant 1.
let private n = 5L

/// How far the mean of independent numbers is from the expected one, in standard deviations of that mean.
let private deviations (expected: float) (variance: float) (values: torch.Tensor) =
    let values = if values.is_complex () then values.real else values
    let mean = values.``to``(torch.float64).mean().item<float>()
    abs (mean - expected) * sqrt (float (values.numel ()) / variance)

/// Moments of one entry of a uniform unit vector: E |q|^2, E |q|^4, E |q|^8.
let private entryMoments (isComplex: bool) (n: int64) =
    let n = float n

    if isComplex then
        struct (1.0 / n, 2.0 / (n * (n + 1.0)), 24.0 / (n * (n + 1.0) * (n + 2.0) * (n + 3.0)))
    else
        struct (1.0 / n, 3.0 / (n * (n + 2.0)), 105.0 / (n * (n + 2.0) * (n + 4.0) * (n + 6.0)))

/// The entry in the first row and column: its sign, square and fourth power.
let private entryStatistics (q: torch.Tensor) =
    let isComplex = q.is_complex ()

    let struct (second, fourth, eighth) =
        entryMoments isComplex (q.size (int q.ndim - 2))

    let entry = q.select(-1L, 0L).select(-1L, 0L)
    let square = entry.abs().square()

    [
        "E q", deviations 0.0 (second / (if isComplex then 2.0 else 1.0)) entry
        "E |q|^2", deviations second (fourth - second * second) square
        "E |q|^4", deviations fourth (eighth - fourth * fourth) (square.square ())
    ]

/// The trace of square matrices: E tr = 0, E |tr|^2 = 1, and E tr^4 = 3 (real) or E |tr|^4 = 2 (complex) for the variance.
let private traceStatistics (q: torch.Tensor) =
    let trace = q.diagonal(0L, -2L, -1L).sum -1L
    let isComplex = q.is_complex ()

    [
        "E tr", deviations 0.0 (if isComplex then 0.5 else 1.0) trace
        "E |tr|^2", deviations 1.0 (if isComplex then 1.0 else 2.0) (trace.abs().square())
    ]

/// All of these for Q, G Q and Q G with a fixed rotation G: Haar's law does not see G.
let private statistics (q: torch.Tensor) =
    let g = Dense.frame 77 (TensorKind.ofTensor q) n n

    [ "Q", q; "G Q", g.matmul q; "Q G", q.matmul g ]
    |> List.collect (fun (name, q) ->
        entryStatistics q @ traceStatistics q
        |> List.map (fun (statistic, deviation) -> $"{statistic} of {name}", deviation))

let private worst (statistics: (string * float) list) = List.maxBy snd statistics

let private expectUniform (statistics: (string * float) list) =
    let name, deviation = worst statistics
    Expect.isLessThanOrEqual deviation allowed $"{name}, standard deviations"

let private samples = 4000L

let private laws (bench: Bench) =
    let kind = bench.Kind
    let check = Property.check Property.config

    let spread name (draw: int -> torch.Tensor) =
        testCase $"{name}: moments are Haar's, before and after a fixed rotation on each side" (fun () ->
            use _ = torch.NewDisposeScope()
            expectUniform (statistics (draw 1)))

    testList
        $"uniform matrices on {bench}"
        [
            spread "frames, square" (fun seed -> Haar.frames seed kind [ samples; n; n ])
            spread "rotations" (fun seed -> Haar.rotations seed kind [ samples; n; n ])
            spread "chain" (fun seed ->
                torch.stack
                    [|
                        for i in 1..1500 do
                            use scope = torch.NewDisposeScope()
                            scope.MoveToOuter(LinearMap.toMatrix (Haar.chain (Seed.derive seed i) kind n))
                    |])

            testCase "frames, thin: moments of an entry are Haar's, before and after a fixed rotation" (fun () ->
                use _ = torch.NewDisposeScope()
                let q = Haar.frames 2 kind [ samples; n; 2L ]
                let g = Dense.frame 77 kind n n
                expectUniform (entryStatistics q @ entryStatistics (g.matmul q)))

            testCase "projections: the mean of an entry of the diagonal is k / n" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = 2.0
                let size = float n
                // |row of the frame|^2 is Beta (k / 2, (n - k) / 2), or Beta (k, n - k) for complex frames.
                let variance =
                    if torch.is_complex kind.Dtype then
                        k * (size - k) / (size * size * (size + 1.0))
                    else
                        2.0 * k * (size - k) / (size * size * (size + 2.0))

                let unit = (Dense.identity kind n)[1L]

                let entries =
                    torch.stack
                        [|
                            for seed in 1..800 do
                                use scope = torch.NewDisposeScope()
                                scope.MoveToOuter(((Haar.projection seed kind n 2L).Apply unit)[1L])
                        |]

                Expect.isLessThanOrEqual (deviations (k / size) variance entries) allowed "standard deviations")

            check
                "frames are orthonormal to rounding, of the shape asked for, and the same for the same seed"
                (fun case ->
                    let size = int64 case.Size
                    let shape = case.Batch @ [ size; min size (int64 case.Second) ]
                    let q = Haar.frames case.Seed kind shape
                    let same = Law.distance q (Haar.frames case.Seed kind shape) = 0.0
                    let other = Law.distance q (Haar.frames (case.Seed + 1) kind shape) > 0.0
                    // One dimension has only two frames over the reals.
                    let told = same && (other || size = 1L) && q.shape = Array.ofList shape

                    (if told then Law.orthogonality q else infinity)
                    |> Property.within bench.Product "orthogonality")

            check "rotations have determinant 1" (fun case ->
                let q =
                    Haar.rotations case.Seed kind (case.Batch @ [ int64 case.Size; int64 case.Size ])

                let determinant = torch.linalg.det q

                max
                    (Law.orthogonality q)
                    (Dense.size (determinant - torch.ones_like determinant)
                     / sqrt (float (determinant.numel ())))
                |> Property.within bench.Product "determinant")

            check "a chain is unitary and keeps its type" (fun case ->
                let map = Haar.chain case.Seed kind (int64 case.Size)
                let kept = map.Kind.Value = kind && map.Promises Traits.Unitary

                (if kept then Law.unitary case.Seed map else infinity)
                |> Property.within bench.Product "unitarity")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()

                Dense.growthOfResults (fun () ->
                    [ Haar.frames 1 kind [ 3L; 4L; 2L ]; Haar.rotations 1 kind [ 4L; 4L ] ])
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let live () =
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount

                let before = live ()
                let map = Haar.chain 1 kind 4L
                // A block of four tensors, the diagonal and its conjugate.
                Expect.isLessThanOrEqual (live () - before) 6L "kept by a chain"
                GC.KeepAlive map)
        ]

/// The statistics see what peers do: QR without the phases of R, and QR of entries that are not Gaussian.
let private peers (bench: Bench) =
    let kind = bench.Kind

    let caught name (draw: unit -> torch.Tensor) =
        testCase $"{name} is not Haar's law, and the statistics say so" (fun () ->
            use _ = torch.NewDisposeScope()
            Expect.isGreaterThan (snd (worst (statistics (draw ())))) (2.0 * allowed) "standard deviations")

    let fixedSigns (x: torch.Tensor) =
        let struct (q, r) = torch.linalg.qr x
        q * r.diagonal(0L, -2L, -1L).sgn().unsqueeze -2L

    let uniform = Seed.uniform 1 kind [ samples; n; n ]

    testList
        $"what is not uniform on {bench}"
        [
            caught "QR of a Gaussian matrix without signs" (fun () ->
                let struct (q, _) = torch.linalg.qr (Seed.normal 1 kind [ samples; n; n ])
                q)
            caught "QR of a matrix uniform on [-1, 1) without signs (DeepResESN)" (fun () ->
                let struct (q, _) = torch.linalg.qr (uniform * 2.0 - 1.0)
                q)
            caught "QR with signs of a matrix uniform on [0, 1)" (fun () -> fixedSigns uniform)
            caught "one fixed matrix" (fun () -> (Haar.frames 3 kind [ n; n ]).expand(samples, n, n))
        ]

let private named =
    testCase "the four groups by name are those of their kind" (fun () ->
        use _ = torch.NewDisposeScope()
        let real, complex = TensorKind.float64, TensorKind.cpu torch.complex128

        let determinants =
            [
                for seed in 1..40 -> torch.linalg.det(Haar.orthogonal seed real 3L).item<float>()
            ]
        // All of one sign: once in 5e11.
        Expect.isTrue
            (List.exists (fun d -> d > 0.0) determinants
             && List.exists (fun d -> d < 0.0) determinants)
            "O(3) has both"

        for q in [ Haar.specialOrthogonal 1 real 4L; Haar.specialUnitary 1 complex 4L ] do
            let determinant = torch.linalg.det q
            Expect.isLessThan (Dense.size (determinant - torch.ones_like determinant)) 1e-12 "determinant"

        let q = Haar.unitary 1 complex 4L
        Expect.isLessThan (Law.orthogonality q) 1e-12 "U(4)"
        Expect.isGreaterThan (Dense.size q.imag) 0.1 "complex indeed")

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let real, complex = TensorKind.float64, TensorKind.cpu torch.complex128

        for name, (body: unit -> obj) in
            [
                "more columns than dimensions", (fun () -> box (Haar.frames 1 real [ 3L; 4L ]))
                "no column", (fun () -> box (Haar.frames 1 real [ 3L; 0L ]))
                "one size", (fun () -> box (Haar.frames 1 real [ 3L ]))
                "a negative batch", (fun () -> box (Haar.frames 1 real [ -1L; 3L; 3L ]))
                "null", (fun () -> box (Haar.frames 1 real null))
                "integers", (fun () -> box (Haar.frames 1 (TensorKind.cpu torch.int64) [ 3L; 3L ]))
                "half", (fun () -> box (Haar.chain 1 (TensorKind.cpu torch.float16) 3L))
                "rotations that are not square", (fun () -> box (Haar.rotations 1 real [ 4L; 3L ]))
                "null rotations", (fun () -> box (Haar.rotations 1 real null))
                "no dimension", (fun () -> box (Haar.orthogonal 1 real 0L))
                "O(n) of complex numbers", (fun () -> box (Haar.orthogonal 1 complex 3L))
                "SO(n) of complex numbers", (fun () -> box (Haar.specialOrthogonal 1 complex 3L))
                "U(n) of real numbers", (fun () -> box (Haar.unitary 1 real 3L))
                "SU(n) of real numbers", (fun () -> box (Haar.specialUnitary 1 real 3L))
                "a chain of no dimension", (fun () -> box (Haar.chain 1 real 0L))
                "a subspace larger than the space", (fun () -> box (Haar.projection 1 real 3L 4L))
                "no subspace", (fun () -> box (Haar.projection 1 real 3L 0L))
            ] do
            Refusal.expect name (fun () -> body () |> ignore))

let tests =
    testList
        "Haar"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map peers
            named
            refusals
        ]
