namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// What a composed chain of 8 cheap maps costs against the bare tensor operations. Bar: 1.15 at n = 64, nothing measurable at 1024.
type ChainOverhead() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable diagonals: torch.Tensor[] = [||]
    let mutable chain = Unchecked.defaultof<LinearMap>

    [<Params(64L, 1024L)>]
    member val Size = 0L with get, set

    [<Params(1L, 256L)>]
    member val Batch = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1

        let kind = TensorKind.float32

        x <- Seed.normal 0 kind [ this.Batch; this.Size ]
        diagonals <- Array.init 8 (fun i -> Seed.normal (i + 1) kind [ this.Size ])
        chain <- diagonals |> Array.map LinearMap.ofDiagonal |> Array.reduce LinearMap.compose

    [<Benchmark(Baseline = true)>]
    member _.Bare() =
        let mutable y = x.mul diagonals[7]

        for i in 6..-1..0 do
            use previous = y
            y <- previous.mul diagonals[i]

        y.Dispose()

    [<Benchmark>]
    member _.Chain() = (chain.Apply x).Dispose()
