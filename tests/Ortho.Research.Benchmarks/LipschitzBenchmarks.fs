namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// The spectral norm of a square matrix: bounds against singular values, in units of one product of the same size.
type SpectralNormSpeed() =
    let mutable w = Unchecked.defaultof<torch.Tensor>

    [<Params(64L, 256L, 512L)>]
    member val Size = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1
        w <- Seed.normal 1 TensorKind.float32 [ this.Size; this.Size ]

    [<Benchmark(Baseline = true)>]
    member _.Matmul() = (w.matmul w).Dispose()

    [<Benchmark>]
    member _.Exact() = (SpectralNorm.exact w).Dispose()

    [<Benchmark>]
    member _.LowerBoundOf10Steps() =
        (SpectralNorm.lowerBound 1 10 w).Dispose()

    [<Benchmark>]
    member _.UpperBoundOf5Steps() = (SpectralNorm.upperBound 5 w).Dispose()
