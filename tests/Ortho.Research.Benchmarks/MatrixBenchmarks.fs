namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

module private Draw =
    let normal (seed: int) (n: int64) =
        torch.set_num_threads 1
        Seed.normal seed TensorKind.float32 [ n; n ]

/// From a square parameter to an orthogonal matrix and back: value and gradient of sum(Q * G), the skew part of spectral norm about 2,
/// against one product of the same size. The bars: Cayley 30, 10, 7 products; exponential 80 at n = 512, where torch takes about 130.
type ParameterSpeed() =
    let mutable a = Unchecked.defaultof<torch.Tensor>
    let mutable g = Unchecked.defaultof<torch.Tensor>
    let mutable x = Unchecked.defaultof<torch.Tensor>

    [<Params(64L, 256L, 512L)>]
    member val Size = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        a <- Draw.normal 1 this.Size
        g <- Draw.normal 2 this.Size
        x <- (Draw.normal 3 this.Size).mul(torch.tensor (1.0f / sqrt (float32 this.Size))).requires_grad_ true

    member private _.Step(matrix: torch.Tensor -> torch.Tensor) =
        use _ = torch.NewDisposeScope()
        (matrix(Skew.ofSquare x).mul g).sum().backward()

    [<Benchmark(Baseline = true)>]
    member _.Product() = (a.matmul a).Dispose()

    [<Benchmark>]
    member this.Cayley() = this.Step Cayley.matrix

    [<Benchmark>]
    member this.Exponential() = this.Step Exponential.matrix

    [<Benchmark>]
    member this.TorchExponential() = this.Step torch.matrix_exp

/// Five steps of Muon's iteration, five of the Polar Express, ten cubic steps, and the factor by singular values, n = 512, against one product.
/// The bar: 15 products for five quintic steps.
type PolarSpeed() =
    let mutable m = Unchecked.defaultof<torch.Tensor>

    [<GlobalSetup>]
    member _.Setup() = m <- Draw.normal 1 512L

    [<Benchmark(Baseline = true)>]
    member _.Product() = (m.matmul m).Dispose()

    [<Benchmark>]
    member _.Muon() = (Polar.muon 5 m).Dispose()

    [<Benchmark>]
    member _.PolarExpress() = (Polar.polarExpress 5 m).Dispose()

    [<Benchmark>]
    member _.Cubic() = (Polar.newtonSchulz 10 m).Dispose()

    [<Benchmark>]
    member _.Factor() = (Polar.factor m).Dispose()
