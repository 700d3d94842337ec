namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// Wavelet transforms with db4 and periodic border on 64 x 4096, against a plain copy of the data and against strided convolutions.
/// One level may take two copies.
type WaveletSpeed() =
    let n, rows = 4096L, 64L
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable weight = Unchecked.defaultof<torch.Tensor>
    let mutable level = Unchecked.defaultof<LinearMap>
    let mutable tree = Unchecked.defaultof<LinearMap>

    /// By convolution: circular padding, stride 2.
    let convolve (x: torch.Tensor) (n: int64) =
        let around =
            torch.cat ([| x.narrow (1L, n - 3L, 3L); x; x.narrow (1L, 0L, 4L) |], 1L)

        torch.nn.functional.conv1d (around.unsqueeze 1L, weight, stride = 2L)

    [<Params(torch.ScalarType.Float32, torch.ScalarType.Float64)>]
    member val Type = torch.ScalarType.Float64 with get, set

    [<GlobalSetup>]
    member this.Setup() =
        let wavelet, space = Wavelet.daubechies 4, Space.Of n
        x <- (Input.normal 1 [ rows; n ]).``to`` this.Type
        let taps = Array.append (Seq.toArray wavelet.LowPass) (Seq.toArray wavelet.HighPass)
        weight <- torch.tensor(taps).reshape(2L, 1L, 8L).``to`` this.Type
        level <- (WaveletTransform.level wavelet space).Analyze
        tree <- (WaveletTransform.decimated 6 wavelet space).Analyze

    [<Benchmark(Baseline = true)>]
    member _.Copy() = (x.clone ()).Dispose()

    [<Benchmark>]
    member _.Level() = (level.Apply x).Dispose()

    [<Benchmark>]
    member _.LevelBack() = (level.Adjoint.Apply x).Dispose()

    [<Benchmark>]
    member _.LevelByConvolution() =
        use _ = torch.NewDisposeScope()
        convolve x n |> ignore

    [<Benchmark>]
    member _.SixLevels() = (tree.Apply x).Dispose()

    [<Benchmark>]
    member _.SixLevelsBack() = (tree.Adjoint.Apply x).Dispose()

    [<Benchmark>]
    member _.SixLevelsByConvolution() =
        use _ = torch.NewDisposeScope()
        let mutable low, size = x, n

        for _ in 1..6 do
            low <- (convolve low size).select(1L, 0L)
            size <- size / 2L
