module Ortho.Tests.Orthogonal.RowAnglesTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private value (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

/// At least two rows.
let private draw (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Size + 1L; int64 case.Second + 1L ])

let private matrix (bench: Bench) (rows: float list list) =
    torch.tensor(rows |> List.concat |> List.toArray).reshape(rows.Length, -1L).``to`` bench.Kind.Dtype

/// f of each ordered pair of different unit rows.
let private pairs (f: torch.Tensor -> torch.Tensor -> float) (w: torch.Tensor) =
    [
        for i in 0L .. w.shape[0] - 1L do
            for j in 0L .. w.shape[0] - 1L do
                if i <> j then
                    f (w[i] / Dense.size w[i]) (w[j] / Dense.size w[j])
    ]

let private cosine (u: torch.Tensor) (v: torch.Tensor) = Dense.size ((u * v.conj ()).sum())

let private measures (bench: Bench) =
    [
        RowAngles.coherence
        RowAngles.orthogonality
        if not (torch.is_complex bench.Kind.Dtype) then
            RowAngles.energy 0.0
            RowAngles.energy 1.0
    ]

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"angles on {bench}"
        [
            check "are measured as pair by pair" (fun case ->
                let w = draw bench { case with Batch = [] }
                let cosines = pairs cosine w

                max
                    (abs (value (RowAngles.coherence w) - List.reduce max cosines))
                    (abs (value (RowAngles.orthogonality w) - (1.0 - List.average cosines)))
                |> Property.within bench.Product "distance")

            check "do not depend on lengths, on the order of rows, or on a unitary map after them" (fun case ->
                // In few dimensions rows may be nearly parallel by chance, and the energy of such a pair is lost in rounding.
                let w =
                    draw
                        bench
                        { case with
                            Size = case.Size + 8
                            Second = case.Second + 8
                        }

                let rows, columns = w.size (int w.ndim - 2), w.size (int w.ndim - 1)

                let kind =
                    { bench.Kind with
                        Dtype = TensorKind.realDtype bench.Kind.Dtype
                    }

                let lengths = Seed.uniform case.Seed kind [ rows; 1L ] + 0.5
                let q = Dense.frame (case.Seed + 1) bench.Kind columns columns
                let order = torch.tensor (ZooEntry.order case.Seed rows)
                let moved = (w * lengths).matmul(q).index_select(int64 w.ndim - 2L, order)

                measures bench
                |> List.map (fun measure ->
                    let seen = measure w

                    if seen.shape <> List.toArray case.Batch then
                        infinity
                    else
                        Law.distance (measure moved) seen)
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "of orthogonal rows are right angles" (fun case ->
                let q =
                    (Dense.frame case.Seed bench.Kind (int64 (case.Size + 2)) (int64 (1 + case.Size))).mH

                max (value (RowAngles.coherence q)) (abs (value (RowAngles.orthogonality q) - 1.0))
                |> Property.within bench.Product "distance")

            check "of more rows than columns respect Welch's bound" (fun case ->
                let n = int64 case.Second
                let m = n + int64 case.Size
                let w = Seed.normal case.Seed bench.Kind [ m; n ]
                let bound = sqrt (float (m - n) / float (n * (m - 1L)))

                bound - value (RowAngles.coherence w)
                |> Property.within bench.Product "above the bound")

            testCase "a zero row is orthogonal to all; tiny rows count like others" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 3L; 4L ]
                let coherence = value (RowAngles.coherence w)
                let holed = torch.cat [| w; torch.zeros (1L, 4L, dtype = bench.Kind.Dtype) |]
                Expect.isLessThanOrEqual (abs (value (RowAngles.coherence holed) - coherence)) bench.Product "zero row"

                let tiny =
                    if TensorKind.realDtype bench.Kind.Dtype = torch.float32 then
                        1e-30
                    else
                        1e-200

                Expect.isLessThanOrEqual
                    (abs (value (RowAngles.coherence (w * tiny)) - coherence))
                    bench.Product
                    "tiny")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]

                let grown =
                    Dense.growthOfResults (fun () -> measures bench |> List.map (fun measure -> measure w))

                Expect.equal grown 0L "results alone")
        ]

let private realLaws (bench: Bench) =
    testList
        $"real angles on {bench}"
        [
            Property.check Property.config "have the energy of their pairs" (fun case ->
                let w = draw bench { case with Batch = [] }
                let order = 0.5 * float (case.Seed % 5)
                let distance u v = Dense.size (u - v)

                let term (d: float) =
                    if order = 0.0 then -(log d) else d ** -order

                let terms = w |> pairs (fun u v -> term (distance u v))
                let seen = value (RowAngles.energy order w)

                abs (seen - List.sum terms) / List.sumBy abs terms
                |> Property.within bench.Iteration "distance")

            testCase "by hand: three directions in the plane, a square, a simplex" (fun () ->
                use _ = torch.NewDisposeScope()
                let third = Math.PI * 2.0 / 3.0

                let star =
                    matrix bench [ for i in 0..2 -> [ cos (third * float i); sin (third * float i) ] ]

                let square =
                    matrix bench [ [ 1.0; 0.0 ]; [ 0.0; 2.0 ]; [ -3.0; 0.0 ]; [ 0.0; -4.0 ] ]

                let n = 5
                let simplex = Dense.identity bench.Kind (int64 n + 1L) - 1.0 / float (n + 1)

                for name, seen, expected in
                    [
                        "coherence of the star", RowAngles.coherence star, 0.5
                        "its orthogonality", RowAngles.orthogonality star, 0.5
                        "its energy", RowAngles.energy 1.0 star, 6.0 / sqrt 3.0
                        "coherence of the square", RowAngles.coherence square, 1.0
                        "its orthogonality", RowAngles.orthogonality square, 2.0 / 3.0
                        "its energy", RowAngles.energy 1.0 square, 8.0 / sqrt 2.0 + 2.0
                        "its energy of order 2", RowAngles.energy 2.0 square, 5.0
                        "its logarithmic energy", RowAngles.energy 0.0 square, -8.0 * log 2.0
                        "coherence of a simplex, Welch's bound", RowAngles.coherence simplex, 1.0 / float n
                    ] do
                    Expect.isLessThanOrEqual (abs (value seen / expected - 1.0)) bench.Product name)

            testCase "energy is infinite for equal directions" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = matrix bench [ [ 1.0; 0.0 ]; [ 2.0; 0.0 ]; [ 0.0; 1.0 ] ]
                Expect.equal (value (RowAngles.energy 1.0 w)) infinity "order 1"
                Expect.equal (value (RowAngles.energy 0.0 w)) infinity "order 0")
        ]

let private doubleLaws (bench: Bench) =
    testList
        $"gradients on {bench}"
        [
            Property.check Property.costly "are right" (fun case ->
                let w = draw bench case

                measures bench
                |> List.map (fun measure -> Law.gradient case.Seed measure w)
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "energy sees directions 1e-9 apart" (fun () ->
                use _ = torch.NewDisposeScope()
                let angle = 1e-9
                // Many rows, where distances by products would be taken for speed.
                let others = [ for i in 1..40 -> [ cos (0.1 * float i); sin (0.1 * float i) ] ]
                let w = matrix bench ([ 1.0; 0.0 ] :: [ cos angle; sin angle ] :: others)
                let seen = value (RowAngles.energy 1.0 w)
                // The other pairs add less than 1e5 to 2e9; the rounding of a unit row is 1e-7 of the distance.
                Expect.isLessThan (abs (seen / 2e9 - 1.0)) 1e-4 $"{seen}")
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let w = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]

        for name, (body: unit -> unit) in
            [
                "one row", (fun () -> RowAngles.coherence (w.narrow (0L, 0L, 1L)) |> ignore)
                "vector", (fun () -> RowAngles.orthogonality w[0] |> ignore)
                "empty", (fun () -> RowAngles.coherence (torch.zeros (2L, 0L)) |> ignore)
                "integers", (fun () -> RowAngles.coherence (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                "negative order", (fun () -> RowAngles.energy -1.0 w |> ignore)
                "order", (fun () -> RowAngles.energy nan w |> ignore)
                "complex", (fun () -> RowAngles.energy 1.0 (w.``to`` torch.complex128) |> ignore)
                "null", (fun () -> RowAngles.energy 1.0 null |> ignore)
            ] do
            Refusal.expect name body)

let tests =
    testList
        "RowAngles"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            yield! Bench.double |> List.map doubleLaws
            refusals
        ]
