namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

module internal Input =
    let single = TensorKind.float32

    let normal (seed: int) (shape: int64 list) =
        torch.set_num_threads 1
        Seed.normal seed single shape

/// A cosine transform against the real FFT of its length and against the dense matrix, 64 rows.
type CosineSpeed() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable transform = Unchecked.defaultof<LinearMap>

    [<Params(64L, 256L, 1024L)>]
    member val Size = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        x <- Input.normal 1 [ 64L; this.Size ]
        transform <- Cosine.transform CosineType.DctII this.Size
        matrix <- (LinearMap.toMatrix transform).t().``to`` torch.float32

    [<Benchmark(Baseline = true)>]
    member _.RealFft() = (torch.fft.rfft x).Dispose()

    [<Benchmark>]
    member _.Transform() = (transform.Apply x).Dispose()

    [<Benchmark>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

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
