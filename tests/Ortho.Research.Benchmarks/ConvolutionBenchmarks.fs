namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open Ortho.Tests
open TorchSharp

/// A circular convolution from 64 to 64 channels, 3 x 3 on 16 x 16, batch 8, against torch's own padding and convolution, and against the
/// one product of matrices of that size.
type ConvolutionSpeed() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable kernel = Unchecked.defaultof<torch.Tensor>
    let mutable windows = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable map = Unchecked.defaultof<LinearMap>

    let bare () =
        use padded =
            torch.nn.functional.pad (x, [| 1L; 1L; 1L; 1L |], PaddingModes.Circular)

        torch.nn.functional.conv2d (padded, kernel)

    let step (action: unit -> torch.Tensor) =
        use _ = torch.NewDisposeScope()
        action().sum().backward()
        kernel.grad <- null
        x.grad <- null

    [<GlobalSetup>]
    member _.Setup() =
        torch.set_num_threads 1

        let draw seed shape =
            Seed.normal seed TensorKind.float32 shape

        x <- (draw 1 [ 8L; 64L; 16L; 16L ]).requires_grad_ true
        kernel <- (draw 2 [ 64L; 64L; 3L; 3L ]).requires_grad_ true
        windows <- draw 3 [ 2048L; 576L ]
        matrix <- draw 4 [ 576L; 64L ]
        map <- Convolution.circular [ 16L; 16L ] kernel

    [<Benchmark(Baseline = true)>]
    member _.Torch() =
        use _ = torch.no_grad ()
        bare().Dispose()

    [<Benchmark>]
    member _.Map() =
        use _ = torch.no_grad ()
        map.Apply(x).Dispose()

    [<Benchmark>]
    member _.Adjoint() =
        use _ = torch.no_grad ()
        map.Adjoint.Apply(x).Dispose()

    [<Benchmark>]
    member _.TorchAndBack() = step bare

    [<Benchmark>]
    member _.MapAndBack() =
        step (fun () -> (Convolution.circular [ 16L; 16L ] kernel).Apply x)

    [<Benchmark>]
    member _.Product() = (windows.matmul matrix).Dispose()

    [<Benchmark>]
    member _.SingularValues() =
        use _ = torch.no_grad ()
        (ConvolutionSpectrum.singularValues ConvolutionOptions.Default [ 16L; 16L ] kernel).Dispose()
