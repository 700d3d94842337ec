module Ortho.Tests.Orthogonal.BlockDiagonalTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private skew (bench: Bench) (scale: float) (case: Case) =
    let count, b = int64 case.Second, int64 case.Size
    Skew.ofSquare (Seed.normal case.Seed bench.Kind [ count; b; b ]) * scale

/// The block-diagonal matrix, block by block.
let private dense (blocks: torch.Tensor) =
    torch.block_diag (Array.init (int blocks.shape[0]) (fun i -> blocks[int64 i]))

let private fromIdentity (q: torch.Tensor) =
    Dense.size (q - Dense.identity (TensorKind.ofTensor q) q.shape[0])

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"block-diagonal maps on {bench}"
        [
            check "of rectangular blocks are their dense matrices" (fun case ->
                let blocks =
                    Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size; 3L ]

                let map = BlockDiagonal.ofBlocks blocks

                (if map.Traits = Traits.None then
                     Law.distance (LinearMap.toMatrix map) (dense blocks)
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            check "of skew blocks have Cayley transforms as blocks, and are unitary" (fun case ->
                let k = skew bench 1.0 case
                let map = BlockDiagonal.ofSkew k
                let q = LinearMap.toMatrix map

                (if map.Promises Traits.Unitary then
                     max (Law.distance q (dense (Cayley.matrix k))) (Law.orthogonality q)
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            check "by Neumann's series have the series as blocks, and promise nothing" (fun case ->
                let order = case.Seed % 6
                let k = skew bench 0.1 case
                let map = BlockDiagonal.neumann order k

                (if map.Traits = Traits.None then
                     Law.distance (LinearMap.toMatrix map) (dense (Cayley.neumannMatrix order k))
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            check "that share a block are the map of its copies" (fun case ->
                let block = Seed.normal case.Seed bench.Kind [ 3L; int64 case.Size ]
                let count = int64 case.Second
                let shared = BlockDiagonal.shared count (LinearMap.ofMatrix block)
                let copies = BlockDiagonal.ofBlocks (block.unsqueeze(0L).expand(count, 3L, -1L))
                let x = case.Draw bench copies.Domain

                Law.distance (shared.Apply x) (copies.Apply x)
                |> Property.within bench.Product "distance")

            check "keep what a shared block promises" (fun case ->
                let q =
                    BlockDiagonal.shared 3L (Cayley.ofSkew ((skew bench 1.0 case).select(0L, 0L)))

                q.Promises Traits.Unitary |> Prop.label "unitary")

            check "with a given orthogonal block are unitary, with thin ones isometries" (fun case ->
                let q = Cayley.matrix (skew bench 1.0 case)
                let square = BlockDiagonal.ofOrthogonal q
                let thin = BlockDiagonal.ofOrthogonal (torch.cat ([| q; q |], -2L) * sqrt 0.5)

                (square.Promises Traits.Unitary && thin.Traits = Traits.Isometry)
                |> Prop.label $"{square.Traits}, {thin.Traits}")

            check "are as far from I as the singular values of K say" (fun case ->
                let k = skew bench 1.0 case
                let measured = fromIdentity (LinearMap.toMatrix (BlockDiagonal.ofSkew k))

                let expected =
                    Dense.singularValues k
                    |> Array.sumBy (fun s -> 4.0 * s * s / (1.0 + s * s))
                    |> sqrt

                let told = Dense.size (BlockDiagonal.distance k)

                (if told <= 2.0 * Dense.size k * (1.0 + bench.Iteration) then
                     max (abs (told - expected)) (abs (measured - expected)) / (1.0 + expected)
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            check "are 2 |K| from I for small K, with all digits" (fun case ->
                let k = skew bench 1e-12 case
                let expected = 2.0 * Dense.size k

                abs (Dense.size (BlockDiagonal.distance k) - expected) / max 1e-300 expected
                |> Property.within bench.Product "relative error")

            check "of a projected K stay within the radius" (fun case ->
                let radius = 0.01 * float (1 + case.Seed % 100)
                let k = skew bench (0.01 * float (1 + case.Seed % 37)) case
                let projected = BlockDiagonal.project radius k
                let distance = fromIdentity (LinearMap.toMatrix (BlockDiagonal.ofSkew projected))

                (distance <= radius * (1.0 + bench.Iteration)
                 && Skew.defect projected <= bench.Product)
                |> Prop.label $"distance {distance}, radius {radius}")

            check "with the paper's clamp stay within twice the radius only" (fun case ->
                let radius = 0.05
                // Every block is longer than its limit: b at least 4, so that chance does not make it short.
                let case = { case with Size = 4 + case.Size }
                let k = skew bench 1.0 case
                // The paper's clamp to radius is this projection to twice the radius.
                let naive = BlockDiagonal.project (2.0 * radius) k
                let lengths = naive.flatten(1L).norm 1

                let clamp = radius / sqrt (float case.Second)
                let distance = Dense.size (BlockDiagonal.distance naive)

                let isClamp =
                    Law.distance (lengths.abs ()) (torch.ones_like (lengths.abs ()) * clamp)

                (isClamp <= bench.Product
                 && distance > 1.5 * radius
                 && distance <= 2.0 * radius * (1.0 + bench.Iteration))
                |> Prop.label $"distance {distance}, radius {radius}, lengths off by {isClamp}")

            testCase "a short block is not changed by projection, a long one keeps its direction" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 2L; 5L; 5L ])
                let both = torch.stack [| k[0L] * (0.01 / Dense.size k[0L]); k[1L] |]
                let projected = BlockDiagonal.project 0.1 both
                Expect.equal (Dense.size (projected[0L] - both[0L])) 0.0 "short"
                let expected = k[1L] * (0.1 / (2.0 * sqrt 2.0) / Dense.size k[1L])
                Expect.isLessThanOrEqual (Law.distance projected[1L] expected) bench.Product "long"
                let batch = BlockDiagonal.project 0.1 (torch.stack [| both; both * 0.5 |])
                Expect.isLessThanOrEqual (Law.distance batch[0L] projected) bench.Product "in a batch"
                let zero = BlockDiagonal.project 0.1 (torch.zeros_like both)
                Expect.equal (Dense.size zero) 0.0 "zero stays zero"
                let distances = BlockDiagonal.distance (torch.stack [| both; both * 0.5 |])
                Expect.equal distances.shape [| 2L |] "a distance for each of a batch"

                let second = Dense.size (BlockDiagonal.distance (both * 0.5))
                Expect.isLessThanOrEqual (abs (Dense.size distances[1L] - second)) bench.Iteration "the second"
                Expect.equal distances.dtype (TensorKind.realDtype bench.Kind.Dtype) "a real number")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 3L; 4L; 4L ]) * 0.1
                let x = Seed.normal 2 bench.Kind [ 2L; 12L ]

                Dense.growth (fun () ->
                    for map in [ BlockDiagonal.ofSkew k; BlockDiagonal.neumann 4 k ] do
                        map.Adjoint.Apply(map.Apply x) |> ignore)
                |> fun grown -> Expect.equal grown 0L "in a scope"

                for map in [ BlockDiagonal.ofSkew k; BlockDiagonal.shared 3L (Cayley.ofSkew k[0L]) ] do
                    Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply x ])
                    |> fun grown -> Expect.equal grown 0L "applied outside of any inner scope"

                Dense.growthOfResults (fun () -> [ BlockDiagonal.project 0.1 k; BlockDiagonal.distance k ])
                |> fun grown -> Expect.equal grown 0L "functions of K")
        ]

let private single =
    let bench = Bench.double.Head

    testList
        "block-diagonal maps"
        [
            testCase "K = [0 -t; t 0] turns by 2 atan t" (fun () ->
                use _ = torch.NewDisposeScope()
                let t = [| 0.25; -2.0 |]

                let k =
                    torch.stack (t |> Array.map (fun t -> torch.tensor (array2D [ [ 0.0; -t ]; [ t; 0.0 ] ])))

                let q = LinearMap.toMatrix (BlockDiagonal.ofSkew k)

                t
                |> Array.iteri (fun i t ->
                    let at row column =
                        q[int64 (2 * i + row), int64 (2 * i + column)].item<float>()

                    let angle = 2.0 * atan t
                    Expect.isLessThanOrEqual (abs (at 0 0 - cos angle)) 1e-12 "cos"
                    Expect.isLessThanOrEqual (abs (at 1 0 - sin angle)) 1e-12 "sin"))

            testCase "never build a dense matrix: 65536 coordinates in blocks of 4" (fun () ->
                use _ = torch.NewDisposeScope()
                let blocks = Seed.normal 1 TensorKind.float32 [ 16384L; 4L; 4L ]

                let y =
                    (BlockDiagonal.ofBlocks blocks).Apply(Seed.normal 2 TensorKind.float32 [ 2L; 65536L ])

                Expect.equal y.shape [| 2L; 65536L |] "shape")

            Property.check Property.costly "distance and projection have the right gradients" (fun case ->
                let case =
                    { case with
                        Size = 2 + case.Size % 4
                        Second = 1 + case.Second % 3
                    }

                let x =
                    Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size; int64 case.Size ]

                [
                    Law.gradient 1 (Skew.part >> BlockDiagonal.distance) x
                    Law.gradient 2 (Skew.part >> BlockDiagonal.project 0.5) x
                    Law.gradient 3 (Skew.part >> BlockDiagonal.project 50.0) x
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "refuse bad input" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 3L; 4L; 4L ])

                for name, body in
                    [
                        "two axes", (fun () -> BlockDiagonal.ofBlocks k[0L] |> ignore)
                        "integers", (fun () -> BlockDiagonal.ofBlocks (k.``to`` torch.int64) |> ignore)
                        "empty", (fun () -> BlockDiagonal.ofBlocks (k.narrow (0L, 0L, 0L)) |> ignore)
                        "not orthogonal", (fun () -> BlockDiagonal.ofOrthogonal k |> ignore)
                        "not skew", (fun () -> BlockDiagonal.ofSkew (k.abs ()) |> ignore)
                        "two axes of skew", (fun () -> BlockDiagonal.ofSkew k[0L] |> ignore)
                        "no blocks", (fun () -> BlockDiagonal.ofSkew (k.narrow (0L, 0L, 0L)) |> ignore)
                        "negative order", (fun () -> BlockDiagonal.neumann -1 k |> ignore)
                        "no copies", (fun () -> BlockDiagonal.shared 0L (LinearMap.identity 2L) |> ignore)
                        "radius 0", (fun () -> BlockDiagonal.project 0.0 k |> ignore)
                        "radius NaN", (fun () -> BlockDiagonal.project nan k |> ignore)
                        "projection of another matrix", (fun () -> BlockDiagonal.project 1.0 (k.abs ()) |> ignore)
                        "distance of another matrix", (fun () -> BlockDiagonal.distance (k.abs ()) |> ignore)
                        "distance of one matrix", (fun () -> BlockDiagonal.distance k[0L] |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests = testList "BlockDiagonal" [ yield! Bench.all |> List.map laws; single ]
