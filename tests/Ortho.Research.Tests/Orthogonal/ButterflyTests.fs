module Ortho.Tests.Orthogonal.ButterflyTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// PEFT's P_i as a list p, P_i[r, p[r]] = 1: inside each group of b 2^i coordinates the chunks 0, 2, 4, ..., then 1, 3, 5, ...
let private order (n: int64) (b: int64) (i: int) =
    let chunk = b / 2L
    let group = b <<< i
    let chunks = group / chunk

    [|
        for start in 0L .. group .. n - 1L do
            for c in Seq.append (seq { 0L .. 2L .. chunks - 1L }) (seq { 1L .. 2L .. chunks - 1L }) do
                for k in 0L .. chunk - 1L do
                    start + c * chunk + k
    |]

/// The dense product of factors P diag (C_1, ...) P^T; or, transposed, P^T diag (...) P.
let private dense (transposed: bool) (blocks: torch.Tensor) =
    let m, count, b = int blocks.shape[0], blocks.shape[1], blocks.shape[3]
    let n = count * b
    let identity = Dense.identity (TensorKind.ofTensor blocks) n

    Seq.fold
        (fun (product: torch.Tensor) i ->
            let diagonal =
                torch.block_diag (Array.init (int count) (fun j -> blocks[int64 i, int64 j]))

            if m = 1 then
                diagonal.matmul product
            else
                let p = identity.index_select (0L, torch.tensor (order n b i))
                let p = if transposed then p.mT else p
                p.matmul(diagonal).matmul(p.mT).matmul product)
        identity
        (seq { 0 .. m - 1 })

/// 1 to 4 factors of blocks of 2, 4 or 6.
let private blocks (bench: Bench) (case: Case) =
    let m = 1L + int64 (case.Seed % 4)
    let b = 2L * (1L + int64 (case.Size % 3))
    Seed.normal case.Seed bench.Kind [ m; 8L * (1L + int64 case.Second % 2L); b; b ]

let private nonZeros (map: LinearMap) =
    (LinearMap.toMatrix map).count_nonzero().item<int64>()

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"butterflies on {bench}"
        [
            check "are PEFT's products with dense permutations" (fun case ->
                let blocks = blocks bench case

                Law.distance (LinearMap.toMatrix (Butterfly.ofBlocks blocks)) (dense false blocks)
                |> Property.within bench.Product "distance")

            check "of skew matrices are those of their Cayley transforms, and unitary" (fun case ->
                let k = Skew.ofSquare (blocks bench case)
                let map, given = Butterfly.ofSkew k, Butterfly.ofOrthogonal (Cayley.matrix k)
                let q = LinearMap.toMatrix map

                (if map.Promises Traits.Unitary && given.Promises Traits.Unitary then
                     List.reduce
                         max
                         [
                             Law.distance q (dense false (Cayley.matrix k))
                             Law.orthogonality q
                             Law.equality case.Seed map given
                         ]
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            check "of one factor are block-diagonal, with blocks of any size" (fun case ->
                let b = int64 case.Size
                let blocks = Seed.normal case.Seed bench.Kind [ 1L; int64 case.Second; b; b ]

                Law.equality case.Seed (Butterfly.ofBlocks blocks) (BlockDiagonal.ofBlocks blocks[0L])
                |> Property.within bench.Product "distance")

            testCase "are the identity for K = 0" (fun () ->
                use _ = torch.NewDisposeScope()

                let k =
                    torch.zeros ([| 3L; 4L; 4L; 4L |], dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                let q = LinearMap.toMatrix (Butterfly.ofSkew k)
                Expect.equal (Dense.size (q - Dense.identity bench.Kind 16L)) 0.0 "exactly")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 3L; 4L; 4L; 4L ])
                let x = Seed.normal 2 bench.Kind [ 2L; 16L ]

                Dense.growth (fun () ->
                    let map = Butterfly.ofSkew k
                    map.Adjoint.Apply(map.Apply x) |> ignore)
                |> fun grown -> Expect.equal grown 0L "in a scope"

                let map = Butterfly.ofSkew k

                Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply x ])
                |> fun grown -> Expect.equal grown 0L "applied outside of any inner scope")
        ]

/// Blocks of positive entries: an entry of the product is zero only if no path leads to it.
let private positive (m: int64) (n: int64) (b: int64) =
    Seed.uniform 1 TensorKind.float64 [ m; n / b; b; b ] + 0.5

let private structure =
    let bench = Bench.double.Head

    testList
        "butterfly structure"
        [
            testCase "factor i joins chunk c with chunk c + 2^i: eight coordinates by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let swap = torch.tensor (array2D [ [ 0.0; 1.0 ]; [ 1.0; 0.0 ] ])
                let identity = Dense.identity TensorKind.float64 2L

                for i, expected in
                    [
                        0, [| 1.0; 0.0; 2.0; 3.0; 4.0; 5.0; 6.0; 7.0 |]
                        1, [| 2.0; 1.0; 0.0; 3.0; 4.0; 5.0; 6.0; 7.0 |]
                        2, [| 4.0; 1.0; 2.0; 3.0; 0.0; 5.0; 6.0; 7.0 |]
                    ] do
                    // The first block of factor i exchanges, all others leave alone.
                    let blocks =
                        torch.stack
                            [|
                                for factor in 0..2 do
                                    torch.stack [| for j in 0..3 -> if factor = i && j = 0 then swap else identity |]
                            |]

                    let map = Butterfly.ofBlocks blocks
                    let x = torch.arange (0.0, 8.0, dtype = torch.float64)
                    Expect.equal (map.Apply(x).contiguous().data<float>().ToArray()) expected $"factor {i}"
                    Expect.equal (map.Adjoint.Apply(x).contiguous().data<float>().ToArray()) expected "adjoint")

            testCase "every row of m factors has b 2^(m-1) entries; all are there iff b 2^(m-1) = n" (fun () ->
                for n, b in [ 64L, 4L; 64L, 2L; 48L, 6L; 32L, 32L; 9L, 9L ] do
                    let full = Butterfly.factorsToConnect n b

                    for m in 1..full do
                        use _ = torch.NewDisposeScope()
                        let map = Butterfly.ofBlocks (positive (int64 m) n b)
                        Expect.equal (nonZeros map) (n * (b <<< (m - 1))) $"n = {n}, b = {b}, m = {m}"
                        Expect.equal (nonZeros map = n * n) (m = full) "full"
                        Expect.equal (nonZeros map.Adjoint) (nonZeros map) "adjoint")

            testCase
                "with P and its transpose exchanged it would stay orthogonal, but stop at 1/8 of the entries"
                (fun () ->
                    use _ = torch.NewDisposeScope()
                    let blocks = positive 5L 64L 4L
                    let swapped = dense true blocks
                    Expect.equal (swapped.count_nonzero().item<int64>()) (64L * 64L / 8L) "swapped"
                    Expect.equal (nonZeros (Butterfly.ofBlocks blocks)) (64L * 64L) "as it is"
                    let q = Cayley.matrix (Skew.ofSquare (Seed.normal 1 bench.Kind [ 5L; 16L; 4L; 4L ]))

                    Expect.isLessThanOrEqual
                        (Law.orthogonality (dense true q))
                        bench.Iteration
                        "orthogonality does not tell")

            testCase "parameters are m n (b - 1) / 2, the numbers that Skew.ofVector takes" (fun () ->
                Expect.equal (Butterfly.parameterCount 5 64L 4L) 480L "BOFT (5, 4)"
                Expect.equal (Butterfly.parameterCount 1 64L 16L) 480L "OFT (16)"
                Expect.equal (Butterfly.parameterCount 6 64L 2L) 192L "BOFT (6, 2): (n / 2) log2 n"
                Expect.equal (Butterfly.parameterCount 4 64L 8L) 896L "BOFT (4, 8)"
                Expect.equal (Butterfly.factorsToConnect 64L 4L) 5 "5 factors of 4"

                let s = Skew.ofVector 4L (torch.zeros (5L, 16L, 6L))
                Expect.equal (5L * 16L * 6L) (Butterfly.parameterCount 5 64L 4L) "of vectors"
                Expect.equal (Butterfly.ofSkew s).Domain.Size 64L "which make a map")

            testCase "no dense matrix is built: 65536 coordinates, 16 factors" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 TensorKind.float32 [ 16L; 32768L; 2L; 2L ])
                let map = Butterfly.ofSkew k
                let x = Seed.normal 2 TensorKind.float32 [ 2L; 65536L ]
                let back = map.Adjoint.Apply(map.Apply x)
                Expect.isLessThanOrEqual (Law.distance back x) Bench.real.Head.Iteration "there and back")

            testCase "refuses bad input" (fun () ->
                use _ = torch.NewDisposeScope()
                let draw (shape: int64 list) = Seed.normal 1 bench.Kind shape

                for name, body in
                    [
                        "three axes", (fun () -> Butterfly.ofBlocks (draw [ 2L; 4L; 4L ]) |> ignore)
                        "not square", (fun () -> Butterfly.ofBlocks (draw [ 2L; 4L; 4L; 2L ]) |> ignore)
                        "empty", (fun () -> Butterfly.ofBlocks (draw [ 0L; 4L; 4L; 4L ]) |> ignore)
                        "odd blocks", (fun () -> Butterfly.ofBlocks (draw [ 2L; 4L; 3L; 3L ]) |> ignore)
                        "n = 12, not a multiple of 8",
                        (fun () -> Butterfly.ofBlocks (draw [ 3L; 6L; 2L; 2L ]) |> ignore)
                        "n = 4 for three factors", (fun () -> Butterfly.ofBlocks (draw [ 3L; 2L; 2L; 2L ]) |> ignore)
                        "100 factors", (fun () -> Butterfly.ofBlocks (draw [ 100L; 2L; 2L; 2L ]) |> ignore)
                        "not orthogonal", (fun () -> Butterfly.ofOrthogonal (draw [ 2L; 4L; 4L; 4L ]) |> ignore)
                        "not skew", (fun () -> Butterfly.ofSkew (draw [ 2L; 4L; 4L; 4L ]) |> ignore)
                        "n / b not a power of two", (fun () -> Butterfly.factorsToConnect 24L 4L |> ignore)
                        "b does not divide n", (fun () -> Butterfly.factorsToConnect 64L 6L |> ignore)
                        "b odd", (fun () -> Butterfly.factorsToConnect 6L 3L |> ignore)
                        "count of b that does not divide n", (fun () -> Butterfly.parameterCount 2 64L 6L |> ignore)
                        "no factors", (fun () -> Butterfly.parameterCount 0 64L 4L |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests = testList "Butterfly" [ yield! Bench.all |> List.map laws; structure ]
