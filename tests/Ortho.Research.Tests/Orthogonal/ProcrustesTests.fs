module Ortho.Tests.Orthogonal.ProcrustesTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// Points whose products are far from singular: a weighted basis, and some noise.
let private points (seed: int) (bench: Bench) (case: Case) =
    let n = int64 case.Size

    let noise =
        Seed.normal seed bench.Kind (case.Batch @ [ int64 case.Second; n ]) * 0.1

    let weights =
        torch.arange(1L, n + 1L).``to``(bench.Kind.Dtype, bench.Kind.Device).diag_embed()

    torch.cat ([| noise; weights.expand (Array.ofList (case.Batch @ [ n; n ])) |], -2L)

let private loss (a: torch.Tensor) (b: torch.Tensor) (q: torch.Tensor) = Dense.size (a.matmul q - b)

/// The loss of each of many other matrices.
let private leastOther (a: torch.Tensor) (b: torch.Tensor) (others: torch.Tensor) =
    let difference = a.unsqueeze(0L).matmul others - b.unsqueeze 0L
    difference.abs().square().sum([| -2L; -1L |]).sqrt().min().``to``(torch.float64).item<float>()

let private distanceFromIdentity (q: torch.Tensor) =
    Dense.size (q - Dense.identity (TensorKind.ofTensor q) q.shape[0])

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"alignment on {bench}"
        [
            check "finds the matrix that was planted, for each of a batch" (fun case ->
                let a = points case.Seed bench case

                let q =
                    Haar.frames case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Size ])

                Law.distance (Procrustes.orthogonal a (a.matmul q)) q
                |> Property.within bench.Iteration "distance")

            check "has no excess, is unitary, and no other of 200 matrices is nearer" (fun case ->
                let shape = [ int64 case.Second + 1L; int64 case.Size ]

                let a, b =
                    Seed.normal case.Seed bench.Kind shape, Seed.normal (case.Seed + 1) bench.Kind shape

                let q = Procrustes.orthogonal a b

                let others =
                    Haar.frames (case.Seed + 2) bench.Kind [ 200L; int64 case.Size; int64 case.Size ]

                let worse = loss a b q <= (1.0 + bench.Product) * leastOther a b others

                (if worse then
                     max (Law.orthogonality q) (Procrustes.excess a b q)
                 else
                     infinity)
                |> Property.within bench.Iteration "excess")

            check "excess sees a small turn away from the minimiser, and a flipped direction" (fun case ->
                let case = { case with Size = case.Size + 1 }
                let a = points case.Seed bench case

                let b =
                    a.matmul (Haar.frames case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Size ]))

                let q = Procrustes.orthogonal a b
                let turn = Cayley.matrix (Dense.skew case.Seed bench.Kind (int64 case.Size) 0.05)

                // Along an eigenvector of A* A: P stays self-adjoint, and one of its eigenvalues changes sign.
                let struct (_, axes) = torch.linalg.eigh (a.mH.matmul a)
                let axis = axes.narrow (-1L, 0L, 1L)
                let mirror = Dense.identity bench.Kind (int64 case.Size) - axis.matmul axis.mH * 2.0
                let turned = Procrustes.excess a b (q.matmul turn)
                let flipped = Procrustes.excess a b (mirror.matmul q)
                (turned > 1e-4 && flipped > 1e-3) |> Prop.label $"{turned}, {flipped}")

            check "align brings a to b on rows, and its adjoint brings b back" (fun case ->
                let case = { case with Batch = [] }
                let a = points case.Seed bench case

                let b =
                    a.matmul (Haar.frames case.Seed bench.Kind [ int64 case.Size; int64 case.Size ])

                let map = Procrustes.align a b

                max (Law.distance (map.Apply a) b) (Law.distance (map.Adjoint.Apply b) a)
                |> Property.within bench.Iteration "distance")

            check
                "one pair of rows: the plane of both turns, and the choice is the nearest to the identity"
                (fun case ->
                    let n = int64 case.Size + 1L
                    let a = Haar.frames case.Seed bench.Kind [ n; 1L ]
                    let b = Haar.frames (case.Seed + 1) bench.Kind [ n; 1L ]
                    let a, b = a.mT, b.mT
                    let q = Procrustes.orthogonal a b
                    // The rest of the space may be kept but for one direction, whose cosine has the size of that of a and b.
                    let inner = a.matmul(b.mH).squeeze()
                    let real = if inner.is_complex () then inner.real else inner
                    let cosine = real.``to``(torch.float64).item<float>()
                    let size = inner.abs().``to``(torch.float64).item<float>()
                    let expected = sqrt (2.0 * float n - 2.0 * (cosine + float n - 2.0 + size))

                    max (Dense.size (a.matmul q - b)) (abs (distanceFromIdentity q - expected))
                    |> Property.within bench.Iteration "distance")

            check "points in a subspace: the rest of the space stays as it is" (fun case ->
                // The last two coordinates are 0 in a and in b.
                let case = { case with Batch = [] }
                let a = points case.Seed bench case
                let q = Haar.frames case.Seed bench.Kind [ int64 case.Size; int64 case.Size ]

                let wide (x: torch.Tensor) =
                    torch.cat ([| x; x.new_zeros (x.shape[0], 2L) |], 1L)

                let found = Procrustes.orthogonal (wide a) (wide (a.matmul q))
                let expected = torch.block_diag (q, Dense.identity bench.Kind 2L)
                Law.distance found expected |> Property.within bench.Iteration "distance")

            testCase "no information gives the identity" (fun () ->
                use _ = torch.NewDisposeScope()

                let zero =
                    torch.zeros (2L, 3L, 4L, dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let q = Procrustes.orthogonal zero (Seed.normal 1 bench.Kind [ 2L; 3L; 4L ])
                let expected = (Dense.identity bench.Kind 4L).expand(2L, 4L, 4L)
                Expect.isLessThanOrEqual (Law.distance q expected) bench.Iteration "identity"
                Expect.equal (Procrustes.excess zero zero q) 0.0 "nothing to gain")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()

                let a, b =
                    Seed.normal 1 bench.Kind [ 2L; 5L; 3L ], Seed.normal 2 bench.Kind [ 2L; 5L; 3L ]

                let flat = torch.zeros_like a
                let real (x: torch.Tensor) = if x.is_complex () then x.real else x

                Dense.growth (fun () ->
                    let found = Procrustes.similarity (real a) (real b)
                    found.Apply(real a) |> ignore
                    Procrustes.excess a b (Procrustes.orthogonal a b) |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                Dense.growthOfResults (fun () -> [ Procrustes.orthogonal a b; Procrustes.orthogonal flat b ])
                |> fun grown -> Expect.equal grown 0L "live tensors")
        ]

let private realLaws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"alignment by rotations on {bench}"
        [
            check
                "finds the rotation that was planted; of a reflection, one that no other of 200 rotations beats"
                (fun case ->
                    let a = points case.Seed bench case
                    let square = [ int64 case.Size; int64 case.Size ]
                    let q = Haar.rotations case.Seed bench.Kind (case.Batch @ square)
                    let found = Procrustes.rotation a (a.matmul q)

                    let single =
                        if List.isEmpty case.Batch then
                            a
                        else
                            a.flatten(0L, -3L).select(0L, 0L)

                    let mirror = Dense.identity bench.Kind (int64 case.Size)
                    mirror[0L] <- -mirror[0L]

                    let image =
                        single.matmul (mirror.matmul (Haar.rotations (case.Seed + 1) bench.Kind square))

                    let mirrored = Procrustes.rotation single image
                    let others = Haar.rotations (case.Seed + 2) bench.Kind (200L :: square)

                    let best =
                        loss single image mirrored
                        <= (1.0 + bench.Product) * leastOther single image others

                    let determinant = torch.linalg.det(mirrored).``to``(torch.float64).item<float>()

                    [
                        Law.distance found q
                        abs (determinant - 1.0)
                        (if best then Law.orthogonality mirrored else infinity)
                    ]
                    |> List.reduce max
                    |> Property.within bench.Iteration "distance")

            check "in a plane it is the angle of the sum of products" (fun case ->
                let shape = [ int64 case.Size; 2L ]

                let a, b =
                    Seed.normal case.Seed bench.Kind shape, Seed.normal (case.Seed + 1) bench.Kind shape

                let q = Procrustes.rotation a b

                let numbers (x: torch.Tensor) =
                    x.``to``(torch.float64).data<float>().ToArray()

                let x, y = numbers a, numbers b
                let pairs = [ 0..2 .. x.Length - 1 ]
                let cosine = pairs |> List.sumBy (fun i -> x[i] * y[i] + x[i + 1] * y[i + 1])
                let sine = pairs |> List.sumBy (fun i -> x[i] * y[i + 1] - x[i + 1] * y[i])
                let length = sqrt (cosine * cosine + sine * sine)
                let found = numbers q

                max (abs (found[0] - cosine / length)) (abs (found[1] - sine / length)) * length
                / (Dense.size a * Dense.size b)
                |> Property.within bench.Iteration "angle")

            check "the rotation that takes one direction to another turns their plane alone" (fun case ->
                let n = int64 case.Size + 1L
                let a = (Haar.frames case.Seed bench.Kind [ n; 1L ]).mT
                let b = (Haar.frames (case.Seed + 1) bench.Kind [ n; 1L ]).mT
                let map = Procrustes.alignByRotation a b
                let q = LinearMap.toMatrix map
                let cosine = a.matmul(b.mT).``to``(torch.float64).item<float>()
                let determinant = torch.linalg.det(q).``to``(torch.float64).item<float>()

                [
                    Dense.size (map.Apply a - b)
                    abs (determinant - 1.0)
                    abs (distanceFromIdentity q - sqrt (4.0 * max 0.0 (1.0 - cosine)))
                ]
                |> List.reduce max
                |> Property.within (10.0 * bench.Iteration) "distance")

            check "similarity finds rotation, scale and translation that were planted" (fun case ->
                let a = points case.Seed bench case
                let size = int64 case.Size
                let q = Haar.rotations case.Seed bench.Kind (case.Batch @ [ size; size ])
                let t = Seed.normal (case.Seed + 1) bench.Kind (case.Batch @ [ 1L; size ])
                let b = a.matmul q * 2.5 + t
                let found = Procrustes.similarity a b
                let scale = Law.distance found.Scale (torch.full_like (found.Scale, 2.5))

                // Points on a line tell no rotation but their own.
                let parts =
                    if case.Size > 1 then
                        max (Law.distance found.Rotation q) (Law.distance found.Translation t)
                    else
                        0.0

                [ scale; parts; Law.distance (found.Apply a) b ]
                |> List.reduce max
                |> Property.within (10.0 * bench.Iteration) "distance")

            check "similarity has no slope left in scale and translation" (fun case ->
                let shape = [ int64 case.Second + 2L; int64 case.Size ]

                let a, b =
                    Seed.normal case.Seed bench.Kind shape, Seed.normal (case.Seed + 1) bench.Kind shape

                let found = Procrustes.similarity a b
                let rest = found.Apply a - b

                let along =
                    (rest * a.matmul found.Rotation).sum().abs().``to``(torch.float64).item<float>()

                max (Dense.size (rest.sum 0L)) along / (Dense.size a * Dense.size b)
                |> Property.within bench.Iteration "slope")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients of alignment on {bench}"
        [
            check "are right in both sets of points" (fun case ->
                let a = points case.Seed bench case
                let b = points (case.Seed + 1) bench case

                [
                    Law.gradient case.Seed (fun a -> Procrustes.orthogonal a b) a
                    Law.gradient case.Seed (fun b -> Procrustes.rotation a b) b
                    Law.gradient case.Seed (fun a -> (Procrustes.similarity a b).Apply b) a
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()

        let draw seed (shape: int64 list) =
            Seed.normal seed TensorKind.float64 shape

        let a, b = draw 1 [ 4L; 3L ], draw 2 [ 4L; 3L ]
        let complex = Seed.normal 1 (TensorKind.cpu torch.complex128) [ 4L; 3L ]
        let spoiled = a.clone ()
        spoiled[1L, 1L] <- torch.tensor (nan, dtype = torch.float64)

        for name, (body: unit -> obj) in
            [
                "another shape", (fun () -> box (Procrustes.orthogonal a (draw 1 [ 3L; 3L ])))
                "another type", (fun () -> box (Procrustes.orthogonal a (b.``to`` torch.float32)))
                "one axis", (fun () -> box (Procrustes.orthogonal a[0L] b[0L]))
                "no points", (fun () -> box (Procrustes.orthogonal (draw 1 [ 0L; 3L ]) (draw 1 [ 0L; 3L ])))
                "NaN in a", (fun () -> box (Procrustes.orthogonal spoiled b))
                "NaN in b", (fun () -> box (Procrustes.rotation a spoiled))
                "a complex rotation", (fun () -> box (Procrustes.rotation complex complex))
                "a batch as a map", (fun () -> box (Procrustes.align (draw 1 [ 2L; 4L; 3L ]) (draw 2 [ 2L; 4L; 3L ])))
                "a batch as a rotation",
                (fun () -> box (Procrustes.alignByRotation (draw 1 [ 2L; 4L; 3L ]) (draw 2 [ 2L; 4L; 3L ])))
                "equal points", (fun () -> box (Procrustes.similarity (torch.ones_like a) b))
                "a complex similarity", (fun () -> box (Procrustes.similarity complex complex))
                "excess of another size", (fun () -> box (Procrustes.excess a b (draw 1 [ 4L; 4L ])))
                "points of another size", (fun () -> box ((Procrustes.similarity a b).Apply(draw 1 [ 4L; 2L ])))
                "null", (fun () -> box (Procrustes.orthogonal a null))
            ] do
            Refusal.expect name (fun () -> body () |> ignore))

let tests =
    testList
        "Procrustes"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            yield! Bench.double |> List.map gradients
            refusals
        ]
