namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// A training step of an orthogonal convolution, 64 to 64 channels, 3 x 3 taps, on 8 images of 16 x 16: the map from free numbers, forward and
/// backward, against a plain circular convolution, forward and backward. Bar for the fastest: 2.6.
type OrthogonalConvolutionSpeed() =
    let image, taps = [ 16L; 16L ], [ 3L; 3L ]
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable slope = Unchecked.defaultof<torch.Tensor>
    let mutable kernel = Unchecked.defaultof<torch.Tensor>
    let mutable square = Unchecked.defaultof<torch.Tensor>
    let mutable graphs = Unchecked.defaultof<torch.Tensor>

    let step (parameters: torch.Tensor list) (map: unit -> LinearMap) =
        use _ = torch.NewDisposeScope()
        let y = (map ()).Apply x
        y.backward [| slope |]

        for leaf in x :: parameters do
            leaf.grad <- null

    let block () =
        let frame = (Cayley.matrix (Skew.ofSquare square)).reshape [| 64L; 64L; 1L; 1L |]
        BlockConvolution.map image taps frame (BlockConvolution.projections graphs)

    let skew () =
        SkewConvolution.ofKernel kernel |> SkewConvolution.limited 0.7

    [<GlobalSetup>]
    member _.Setup() =
        torch.set_num_threads 1
        let kind = TensorKind.float32
        x <- (Seed.normal 1 kind [ 8L; 64L; 16L; 16L ]).requires_grad_ true
        slope <- Seed.normal 2 kind [ 8L; 64L; 16L; 16L ]
        kernel <- (Seed.normal 3 kind [ 64L; 64L; 3L; 3L ]).div(torch.tensor 24.0f).requires_grad_ true
        square <- (Seed.normal 4 kind [ 64L; 64L ]).div(torch.tensor 8.0f).requires_grad_ true
        graphs <- (Seed.normal 5 kind [ 4L; 32L; 32L ]).div(torch.tensor 6.0f).requires_grad_ true

    [<Benchmark(Baseline = true)>]
    member _.Plain() =
        step [ kernel ] (fun () -> Convolution.circular image kernel)

    [<Benchmark>]
    member _.Block() = step [ square; graphs ] block

    [<Benchmark>]
    member _.SkewBySixTerms() =
        step [ kernel ] (fun () -> SkewConvolution.series 6 image (skew ()))

    [<Benchmark>]
    member _.SkewToRounding() =
        step [ kernel ] (fun () -> SkewConvolution.ofSkew image (skew ()))

    [<Benchmark>]
    member _.CayleyByFrequency() =
        step [ kernel ] (fun () -> FourierConvolution.cayley image kernel)

    /// What the block convolution costs beside its convolution, forward and backward.
    [<Benchmark>]
    member _.BlockKernelAlone() =
        use _ = torch.NewDisposeScope()
        let frame = (Cayley.matrix (Skew.ofSquare square)).reshape [| 64L; 64L; 1L; 1L |]
        (BlockConvolution.kernel taps frame (BlockConvolution.projections graphs)).sum().backward()
        square.grad <- null
        graphs.grad <- null

    /// The free matrix and the projections alone.
    [<Benchmark>]
    member _.MatricesAlone() =
        use _ = torch.NewDisposeScope()
        (Cayley.matrix (Skew.ofSquare square)).sum().backward()
        (BlockConvolution.projections graphs).sum().backward()
        square.grad <- null
        graphs.grad <- null

    /// One product of 64 x 64 matrices.
    [<Benchmark>]
    member _.Product() =
        use _ = torch.no_grad ()
        (square.matmul square).Dispose()
