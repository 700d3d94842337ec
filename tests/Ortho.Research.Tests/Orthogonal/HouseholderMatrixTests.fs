/// Reflections found from a matrix, and the memory that thin frames take.
module Ortho.Tests.Orthogonal.HouseholderMatrixTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"reflections of a matrix on {bench}"
        [
            check "ofMatrix gives back a random orthogonal matrix or frame" (fun case ->
                let n = int64 case.Size
                let q = Dense.frame case.Seed bench.Kind n (min n (int64 case.Second + 3L))
                let map = Householder.ofMatrix q

                max (Law.distance (LinearMap.toMatrix map) q) (Law.promises case.Seed map)
                |> Property.within bench.Product "distance")

            check "ofMatrix gives back both determinants, permutations, signs and the identity" (fun case ->
                let n = int64 case.Size
                let q = Dense.frame case.Seed bench.Kind n n
                let flipped = q.clone ()
                flipped[0L] <- -flipped[0L]
                let identity = Dense.identity bench.Kind n
                let order = torch.tensor (ZooEntry.order case.Seed n, device = bench.Kind.Device)

                let signs =
                    torch.tensor (
                        Array.init case.Size (fun i -> if (case.Seed >>> i) % 2 = 0 then 1.0 else -1.0),
                        dtype = bench.Kind.Dtype,
                        device = bench.Kind.Device
                    )

                [
                    q
                    flipped
                    identity
                    -identity
                    identity.index_select (0L, order)
                    identity * signs
                ]
                |> List.map (fun q -> Law.distance (LinearMap.toMatrix (Householder.ofMatrix q)) q)
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "ofMatrix gives back matrices near the identity" (fun case ->
                let angle = if bench.Kind.Dtype = torch.float32 then 1e-3 else 1e-6

                let q = Cayley.matrix (Dense.skew case.Seed bench.Kind (int64 case.Size) angle)

                Law.distance (LinearMap.toMatrix (Householder.ofMatrix q)) q
                |> Property.within bench.Product "distance")

            testCase "ofMatrix gives back 100 columns, in blocks, and the unitary matrix of many phases" (fun () ->
                use _ = torch.NewDisposeScope()

                for seed in 1..5 do
                    for shape in [ [ 130L; 100L ]; [ 70L; 70L ] ] do
                        let q = Haar.frames seed bench.Kind shape
                        let distance = Law.distance (LinearMap.toMatrix (Householder.ofMatrix q)) q
                        Expect.isLessThanOrEqual distance bench.Product "distance")
        ]

let private realLaws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"reflections of a real matrix on {bench}"
        [
            check "vectors are as many as q - I has rank, and their parity is that of the determinant" (fun case ->
                let n = int64 case.Size
                let r = min n (int64 case.Second)
                // float64 drawn and rounded: the rank of a product of r reflections is r.
                let q =
                    LinearMap.toMatrix (Householder.chain (Dense.frame case.Seed bench.Kind n r).mT)

                let found = Householder.vectors q

                (found.shape = [| r; n |]
                 && Law.distance (LinearMap.toMatrix (Householder.chain found)) q <= bench.Product)
                |> Prop.label $"{Guard.showShape found.shape} for {r} reflections of [{n}]")

            testCase "vectors of the identity are none, of a swap one, of -I all" (fun () ->
                use _ = torch.NewDisposeScope()
                let identity = Dense.identity bench.Kind 5L
                let order = torch.tensor ([| 0L; 3L; 2L; 1L; 4L |], device = bench.Kind.Device)
                let swap = identity.index_select (0L, order)
                let count (q: torch.Tensor) = (Householder.vectors q).shape[0]
                Expect.equal [ count identity; count swap; count -identity ] [ 0L; 1L; 5L ] "numbers"
                Expect.equal (count (identity.narrow (1L, 0L, 2L))) 0L "a frame of unit vectors")

            testCase "more reflections than a block holds are counted right" (fun () ->
                use _ = torch.NewDisposeScope()

                for r in [ 31L; 32L; 33L; 64L; 75L ] do
                    let q =
                        LinearMap.toMatrix (Householder.chain (Haar.frames 1 bench.Kind [ 80L; r ]).mT)

                    Expect.equal (Householder.vectors q).shape[0] r "reflections")

            testCase "vectors that hardly touch the first coordinates are counted right" (fun () ->
                use _ = torch.NewDisposeScope()
                // Columns taken in order would begin with one that moves by 1e-5, and lose five digits to it.
                let tilt =
                    torch.ones ([| 9L; 1L |], dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                tilt.narrow(0L, 0L, 3L).fill_ 1e-5 |> ignore
                let v = Dense.frame 4 bench.Kind 9L 3L * tilt
                // Rounded to the precision of 1, as a matrix that comes from elsewhere is: small entries have few digits.
                let q = LinearMap.toMatrix (Householder.chain v.mT) + 1.0 - 1.0
                Expect.equal (Householder.vectors q).shape[0] 3L "three reflections")

            testCase "a matrix that is orthogonal but for rounding needs no more reflections" (fun () ->
                use _ = torch.NewDisposeScope()
                let noise = if bench.Kind.Dtype = torch.float32 then 1e-6 else 1e-15
                let identity = Dense.identity bench.Kind 9L
                let near = identity + Seed.normal 1 bench.Kind [ 9L; 9L ] * noise
                Expect.equal (Householder.vectors near).shape[0] 0L "none")
        ]

let private thinness =
    testList
        "memory"
        [
            // A few tensors of the size of the input, the output and the vectors. An n x n matrix of float32 takes 1.6 GB.
            let allowed = 32L * (PeakMemory.rows + PeakMemory.k) * PeakMemory.n * 4L

            for work in
                [
                    "frame"
                    "triangular frame"
                    "frame of a matrix"
                    "projection onto a uniform subspace"
                ] do
                testCase $"{work}: 20,000 x 50, made, applied and differentiated, stays thin" (fun () ->
                    Expect.isLessThan (PeakMemory.measure work) allowed "bytes at the peak")

            testCase "an eighth of a dense matrix would be seen" (fun () ->
                Expect.isGreaterThan (PeakMemory.measure "an eighth of a dense matrix") allowed "bytes at the peak")
        ]

let tests =
    testList
        "Householder: matrices"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            thinness
        ]
