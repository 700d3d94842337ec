namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

module internal Input =
    let single = TensorKind.float32

    let normal (seed: int) (shape: int64 list) =
        torch.set_num_threads 1
        Seed.normal seed single shape

/// A chain of reflections on 256 rows of length 1024, against one product with a 1024 x 1024 matrix.
type ReflectionSpeed() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable chain = Unchecked.defaultof<LinearMap>

    [<Params(8L, 32L)>]
    member val Reflections = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        x <- Input.normal 1 [ 256L; 1024L ]
        matrix <- Input.normal 2 [ 1024L; 1024L ]
        chain <- Householder.chain (Input.normal 3 [ this.Reflections; 1024L ])

    [<Benchmark(Baseline = true)>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

    [<Benchmark>]
    member _.Chain() = (chain.Apply x).Dispose()
