module Ortho.Tests.Orthogonal.ProjectionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private normal (bench: Bench) (seed: int) rows columns =
    Seed.normal seed bench.Kind [ rows; columns ]

/// A (A* A)^-1 A* by its plain formula, for well conditioned columns.
let private plain (a: torch.Tensor) =
    a.matmul(torch.linalg.inv (a.mH.matmul a)).matmul a.mH

let private dense (map: LinearMap) = LinearMap.toMatrix map

let private column (numbers: float list) =
    torch.tensor(List.toArray numbers, dtype = torch.float64).unsqueeze 1L

let private laws (bench: Bench) =
    let check = Property.check Property.config

    let rounding =
        if TensorKind.realDtype bench.Kind.Dtype = torch.float32 then
            1e-4
        else
            1e-8

    testList
        $"projections on {bench}"
        [
            check "on columns are A (A* A)^-1 A*, whatever mixes the columns" (fun case ->
                let k = int64 case.Second
                // Twice as many rows as columns: well conditioned.
                let a = normal bench case.Seed (2L * k + int64 case.Size) k
                let mixing = normal bench (case.Seed + 1) k k * 0.1 + Dense.identity bench.Kind k
                let p = dense (Projection.ofColumns a)

                [
                    Law.distance p (plain a)
                    Law.distance p (dense (Projection.ofSpan rounding a))
                    Law.distance p (dense (Projection.ofFrame (Stiefel.ofMatrix a)))
                    Law.distance p (dense (Projection.ofColumns (a.matmul mixing)))
                    Law.distance
                        p
                        (dense (Projection.ofSpan rounding (torch.cat ([| a.matmul mixing; a * 1e-3 |], 1L))))
                    Law.distance
                        (dense (Projection.complement (Projection.ofColumns a)))
                        (Dense.identity bench.Kind a.shape[0] - p)
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "on a null space vanish where the map does not, and have its dimension" (fun case ->
                let rank = int64 case.Second
                let n = rank + int64 case.Size
                // More rows than the rank: dependent ones.
                let a =
                    (normal bench case.Seed (rank + 2L) rank).matmul(normal bench (case.Seed + 1) rank n)

                let p = Projection.nullSpace rounding (LinearMap.ofMatrix a)
                let trace = (dense p).diagonal().sum()
                let trace = if trace.is_complex () then trace.real else trace

                [
                    Law.promises case.Seed p
                    Dense.size (a.matmul (dense p)) / Dense.size a
                    abs (trace.``to``(torch.float64).item<float>() - float (n - rank)) / float n
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "on a sum and an intersection are those of a known basis" (fun case ->
                let k, l, s = int64 case.Second, 1L + int64 (case.Seed % 3), int64 (case.Seed % 4)
                let n = k + l + s + int64 case.Size
                let basis = Stiefel.ofMatrix (normal bench case.Seed n (k + l + s))
                let part start count = basis.narrow (1L, start, count)

                let mixed seed (q: torch.Tensor) =
                    let size = q.shape[1]
                    // Dependent columns too, the first two equal: no choice by place finds the span.
                    let square = normal bench seed size size * 0.1 + Dense.identity bench.Kind size
                    let mixed = q.matmul square
                    torch.cat ([| mixed.narrow (1L, 0L, 1L); mixed |], 1L)

                let a = mixed 1 (torch.cat ([| part 0L k; part (k + l) s |], 1L))
                let b = mixed 2 (torch.cat ([| part k l; part (k + l) s |], 1L))
                let shared = part (k + l) s
                let expected = shared.matmul shared.mH
                let meet = Projection.intersection rounding a b

                [
                    Dense.apart (dense meet) expected
                    Dense.apart (dense (Projection.intersection rounding b a)) expected
                    Law.distance (dense (Projection.sum rounding a b)) (basis.matmul basis.mH)
                    Law.promises case.Seed meet
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "away from a vector kill it, keep what is orthogonal, and do not see its length" (fun case ->
                // In few dimensions what is left of a vector may be small by chance.
                let n = int64 case.Size + 4L
                let g = Seed.normal case.Seed bench.Kind (case.Batch @ [ 1L; n ])
                let x = Seed.normal (case.Seed + 1) bench.Kind (case.Batch @ [ 4L; n ])
                let y = Projection.reject g x
                let along = x - y
                let one = g.reshape(-1L, n)[0]
                let map = Projection.awayFrom one

                [
                    Dense.size ((y * g.conj ()).sum -1L) / (Dense.size x * Dense.size g)
                    Law.distance (Projection.reject g y) y
                    Law.distance (Projection.reject (g * 1e-25) x) y
                    Law.distance (y.mean [| -2L |]) (Projection.reject g (x.mean ([| -2L |], true)) |> _.squeeze(-2L))
                    abs (Dense.size y ** 2.0 + Dense.size along ** 2.0 - Dense.size x ** 2.0)
                    / Dense.size x ** 2.0
                    Law.distance (map.Apply(x.reshape(-1L, n)[0])) (y.reshape(-1L, n)[0])
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check
                "the leading frame spans the best subspace of data, whatever mixes its columns when all are kept"
                (fun case ->
                    let m = int64 case.Second + 1L

                    let z =
                        Seed.normal case.Seed bench.Kind (case.Batch @ [ m + 3L + int64 case.Size; m ])

                    let k = 1L + int64 case.Seed % m
                    let u = Projection.leadingFrame k z
                    let struct (_, s, vh) = torch.linalg.svd (z, fullMatrices = false)
                    let kept = vh.narrow(-2L, 0L, k).mH
                    // The layer as its authors write it: Z V_k S_k^-1, up to the signs of the vectors.
                    let layer = z.matmul kept / s.narrow(-1L, 0L, k).unsqueeze -2L
                    let square (q: torch.Tensor) = q.matmul q.mH
                    let all = Projection.leadingFrame m z
                    let mixing = normal bench 7 m m * 0.1 + Dense.identity bench.Kind m

                    [
                        Law.orthogonality u
                        Law.distance (square u) (square layer)
                        Law.distance (square all) (square (Projection.leadingFrame m (z.matmul mixing)))
                    ]
                    |> List.reduce max
                    |> Property.within bench.Iteration "distance")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let a, b = normal bench 1 6L 3L, normal bench 2 6L 5L
                let g = Seed.normal 3 bench.Kind [ 6L ]
                let rows = a.mT

                Dense.growthOfResults (fun () ->
                    [
                        Projection.reject g rows
                        Projection.leadingFrame 2L a
                        PrincipalAngles.between a b
                        PrincipalAngles.gap a a
                        PrincipalAngles.chordal a a
                        PrincipalAngles.geodesic a a
                        GramSchmidt.classical a
                        GramSchmidt.modified a
                        GramSchmidt.twice a
                        GramSchmidt.dropping 0.0 b
                    ])
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let handles (build: unit -> LinearMap) =
                    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                    let kept = build ()
                    let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                    GC.KeepAlive kept
                    grown

                for name, build in
                    [
                        "columns", (fun () -> Projection.ofColumns a)
                        "span", (fun () -> Projection.ofSpan 0.0 b)
                        "sum", (fun () -> Projection.sum 0.0 a b)
                        "intersection", (fun () -> Projection.intersection 0.0 a b)
                        "away", (fun () -> Projection.awayFrom g)
                        "null space", (fun () -> Projection.nullSpace 0.0 (LinearMap.ofMatrix a.mT))
                    ] do
                    // A frame and two views of it; the matrix of the last has two more.
                    Expect.isLessThanOrEqual (handles build) (if name = "null space" then 6L else 3L) name)
        ]

let private examples (bench: Bench) =
    testList
        $"examples on {bench}"
        [
            testCase "a plane and a line of space" (fun () ->
                use _ = torch.NewDisposeScope()

                let on (x: torch.Tensor) =
                    x.``to`` (bench.Kind.Dtype, bench.Kind.Device)

                let plane = torch.cat ([| column [ 1; 1; 0 ]; column [ 1; -1; 0 ] |], 1L) |> on
                let other = torch.cat ([| column [ 0; 1; 1 ]; column [ 0; 1; -1 ] |], 1L) |> on
                let line = column [ 0; 3; 0 ] |> on
                let p = dense (Projection.intersection 1e-8 plane other)

                let expected =
                    torch.diag (torch.tensor ([| 0.0; 1.0; 0.0 |], dtype = torch.float64)) |> on

                Expect.isLessThan (Law.distance p expected) bench.Product "xy and yz meet in y"

                Expect.isLessThan
                    (Law.distance (dense (Projection.intersection 1e-8 plane line)) expected)
                    bench.Product
                    "line in plane"

                let z = column [ 0; 0; 1 ] |> on
                Expect.equal (Dense.size (dense (Projection.intersection 1e-8 plane z))) 0.0 "nothing"
                Expect.equal (Dense.size (dense (Projection.ofSpan 1e-8 (z * 0.0)))) 0.0 "the span of zero"
                Expect.equal (Dense.size (dense (Projection.intersection 1e-8 plane (z * 0.0)))) 0.0 "nothing"
                Expect.equal (Dense.size (dense (Projection.sum 1e-8 (z * 0.0) (z * 0.0)))) 0.0 "nothing"

                let all = Projection.nullSpace 1e-8 (LinearMap.ofMatrix (z.t () * 0.0))

                Expect.isLessThan
                    (Law.distance (dense all) (Dense.identity bench.Kind 3L))
                    bench.Product
                    "null space of zero")

            testCase "planes at an angle of 1e-10 meet in a line: sines see what cosines do not" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = torch.cat ([| column [ 1; 0; 0 ]; column [ 0; 1; 0 ] |], 1L)
                let b = torch.cat ([| column [ 1; 0; 0 ]; column [ 0; 1; 1e-10 ] |], 1L)
                let p = dense (Projection.intersection 1e-13 a b)

                let expected =
                    torch.diag (torch.tensor ([| 1.0; 0.0; 0.0 |], dtype = torch.float64))

                Expect.isLessThan (Law.distance p expected) 1e-5 "x, to the rounding of the angle"
                let same = dense (Projection.intersection 1e-9 a b)
                Expect.equal (Math.Round(same.diagonal().sum().item<float>(), 6)) 2.0 "one plane")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients on {bench}"
        [
            check "of angles, rejections, frames and Gram-Schmidt are right" (fun case ->
                let k = 1L + int64 case.Second / 2L

                let a, b =
                    normal bench case.Seed (3L * k + 2L) k, normal bench (case.Seed + 1) (3L * k + 2L) k

                let g = Seed.normal case.Seed bench.Kind [ 5L ]
                let x = Seed.normal (case.Seed + 1) bench.Kind [ 3L; 5L ]

                let graded =
                    Stiefel.ofMatrix a
                    * torch.tensor (Array.init (int k) (fun i -> 1.0 + float i), dtype = torch.float64)

                let square (q: torch.Tensor) = q.matmul q.mT

                [
                    Law.gradient case.Seed (fun a -> PrincipalAngles.between a b) a
                    Law.gradient case.Seed (fun b -> PrincipalAngles.geodesic a b) b
                    Law.gradient case.Seed (fun g -> Projection.reject g x) g
                    Law.gradient case.Seed (fun x -> Projection.reject g x) x
                    Law.gradient case.Seed (Projection.leadingFrame k >> square) graded
                    Law.gradient case.Seed GramSchmidt.twice a
                    Law.gradient case.Seed GramSchmidt.modified a
                    Law.gradient case.Seed GramSchmidt.classical a
                    // Equal singular values, where derivatives of an SVD do not exist.
                    Law.gradient
                        case.Seed
                        (fun a -> LinearMap.toMatrix (Projection.ofSpan 1e-8 a))
                        (Stiefel.ofMatrix a)
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let a = Seed.normal 1 TensorKind.float64 [ 5L; 2L ]
        let dependent = torch.cat ([| a; a |], 1L)
        let spoiled = a.clone ()
        spoiled[0L, 1L] <- torch.tensor (infinity, dtype = torch.float64)
        let single = a.``to`` torch.float32
        let zero = torch.zeros (5L, dtype = torch.float64)

        for name, (body: unit -> unit) in
            [
                "not orthonormal", (fun () -> Projection.ofFrame a |> ignore)
                "dependent", (fun () -> Projection.ofColumns dependent |> ignore)
                "a batch", (fun () -> Projection.ofColumns (a.unsqueeze 0L) |> ignore)
                "not finite", (fun () -> Projection.ofSpan 1e-8 spoiled |> ignore)
                "empty", (fun () -> Projection.ofSpan 1e-8 (a.narrow (1L, 0L, 0L)) |> ignore)
                "tolerance", (fun () -> Projection.ofSpan -1.0 a |> ignore)
                "tolerance", (fun () -> Projection.nullSpace nan (LinearMap.ofMatrix a) |> ignore)
                "tolerance", (fun () -> Projection.sum 2.0 a a |> ignore)
                "not alike", (fun () -> Projection.sum 1e-8 a single |> ignore)
                "rows", (fun () -> Projection.intersection 1e-8 a (a.narrow (0L, 0L, 4L)) |> ignore)
                "no projection", (fun () -> Projection.complement (LinearMap.ofMatrix a) |> ignore)
                "zero", (fun () -> Projection.awayFrom zero |> ignore)
                "zero", (fun () -> Projection.reject (torch.zeros_like a) a |> ignore)
                "last axes", (fun () -> Projection.reject zero a |> ignore)
                "shapes", (fun () -> Projection.reject (a.narrow (0L, 0L, 3L)) a |> ignore)
                "rank", (fun () -> Projection.leadingFrame 3L dependent |> ignore)
                "k", (fun () -> Projection.leadingFrame 0L a |> ignore)
                "k", (fun () -> Projection.leadingFrame 3L a |> ignore)
                "not finite", (fun () -> Projection.leadingFrame 1L spoiled |> ignore)
                "dependent", (fun () -> PrincipalAngles.between a dependent |> ignore)
                "rows", (fun () -> PrincipalAngles.between a (a.narrow (0L, 0L, 4L)) |> ignore)
                "dimensions", (fun () -> PrincipalAngles.gap a (a.narrow (1L, 0L, 1L)) |> ignore)
                "dimensions", (fun () -> PrincipalAngles.chordal a (a.narrow (1L, 0L, 1L)) |> ignore)
                "dimensions", (fun () -> PrincipalAngles.geodesic a (a.narrow (1L, 0L, 1L)) |> ignore)
                for way in [ GramSchmidt.classical; GramSchmidt.modified; GramSchmidt.twice ] do
                    "dependent", (fun () -> way dependent |> ignore)
                    "zero", (fun () -> way (a * 0.0) |> ignore)
                    "not finite", (fun () -> way spoiled |> ignore)
                    "wide", (fun () -> way a.mT |> ignore)
                "not finite", (fun () -> GramSchmidt.dropping 1e-8 spoiled |> ignore)
                "tolerance", (fun () -> GramSchmidt.dropping -1e-8 a |> ignore)
            ] do
            Refusal.expect name body

        // Dependent experts must be told, where a formula without a guard gives NaN; the message names the column.
        try
            GramSchmidt.twice dependent |> ignore
        with error ->
            Expect.stringContains error.Message "column 2" "column")

let tests =
    testList
        "Projection"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map examples
            yield! Bench.double |> List.map gradients
            refusals
        ]
