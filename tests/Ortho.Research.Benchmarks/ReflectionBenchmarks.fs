namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

module private Training =
    let single = TensorKind.float32

    /// A tensor to differentiate in.
    let leaf (seed: int) (shape: int64 list) =
        torch.set_num_threads 1
        (Seed.normal seed single shape).requires_grad_ true

    /// Forward and backward with the given slope of y, from fresh gradients.
    let step (leaves: torch.Tensor list) (slope: torch.Tensor) (forward: unit -> torch.Tensor) =
        use _ = torch.NewDisposeScope()

        for leaf in leaves do
            leaf.grad <- null

        (forward ()).backward [| slope |]

/// 32 reflections on 256 rows of length 1024: made, applied and differentiated. Bar: 0.6 of one product with a 1024 x 1024 matrix.
type ReflectionTraining() =
    let x = Training.leaf 1 [ 256L; 1024L ]
    let v = Training.leaf 2 [ 32L; 1024L ]
    let matrix = Seed.normal 3 Training.single [ 1024L; 1024L ]
    let slope = Seed.normal 4 Training.single [ 256L; 1024L ]

    [<Benchmark(Baseline = true)>]
    member _.Matmul() =
        use _ = torch.no_grad ()
        (x.matmul matrix).Dispose()

    [<Benchmark>]
    member _.ChainForwardBackward() =
        Training.step [ x; v ] slope (fun () -> (Householder.chain v).Apply x)

    /// One reflection after the other, as plain tensor operations.
    [<Benchmark>]
    member _.LoopForwardBackward() =
        Training.step [ x; v ] slope (fun () ->
            let mutable y = x

            for i in List.rev [ 0L .. 31L ] do
                let u = v.select (0L, i)
                let weights = y.matmul(u).mul(torch.tensor 2.0f).div(u.dot u)
                y <- y.sub (weights.unsqueeze(1L).mul u)

            y)

/// 512 reflections of length 512, each number of them free. Bar: 30 products of 512 x 512 matrices, made, applied and differentiated.
type ReflectionMatrix() =
    let n = 512L
    let a = Training.leaf 1 [ n; n ]
    let x = Training.leaf 2 [ n; n ]
    let slope = Seed.normal 3 Training.single [ n; n ]
    let identity = torch.eye n
    let q = Haar.orthogonal 4 Training.single n

    [<Benchmark(Baseline = true)>]
    member _.Matmul() =
        use _ = torch.no_grad ()
        (x.matmul slope).Dispose()

    [<Benchmark>]
    member _.MatrixForwardBackward() =
        Training.step [ a ] slope (fun () -> (Householder.chain a).Apply identity)

    [<Benchmark>]
    member _.RowsForwardBackward() =
        Training.step [ a; x ] slope (fun () -> (Householder.chain a).Apply x)

    [<Benchmark>]
    member _.TriangularForwardBackward() =
        Training.step [ a ] slope (fun () -> (Householder.triangular a).Apply identity)

    /// The same matrix by torch's own product.
    [<Benchmark>]
    member _.TorchForwardBackward() =
        Training.step [ a ] slope (fun () ->
            let lower = (a.tril -1L).add identity
            let tau = lower.mul(lower).sum(0L).reciprocal().mul(torch.tensor 2.0f)
            torch.linalg.householder_product (lower, tau))

    /// The fewest reflections of a given matrix.
    [<Benchmark>]
    member _.Vectors() = (Householder.vectors q).Dispose()

    /// LAPACK's own factorization of it.
    [<Benchmark>]
    member _.Geqrf() =
        let struct (factored, tau) = torch.geqrf q
        factored.Dispose()
        tau.Dispose()

    /// A uniform matrix by QR, and as a chain of reflections.
    [<Benchmark>]
    member _.HaarByFactorization() =
        (Haar.orthogonal 5 Training.single n).Dispose()

    [<Benchmark>]
    member _.HaarByReflections() =
        use _ = torch.NewDisposeScope()
        Haar.chain 5 Training.single n |> ignore
