namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// Linear recurrences of L = 16,384 steps, P = 64 side by side, complex128, against one sum of factors and inputs over the same data: forward
/// (1.5 allowed) and with gradients of both (3.5 allowed).
type ScanSpeed() =
    let kind = TensorKind.cpu torch.complex128
    let mutable a = Unchecked.defaultof<torch.Tensor>
    let mutable b = Unchecked.defaultof<torch.Tensor>
    let mutable weights = Unchecked.defaultof<torch.Tensor>
    let one: Scalar = Scalar.op_Implicit 1L

    [<Params(false, true)>]
    member val Gradient = false with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1

        let size =
            (Seed.uniform 1 TensorKind.float64 [ 64L ]).mul(0.1.ToScalar()).neg().exp()

        let angle = (Seed.uniform 2 TensorKind.float64 [ 64L ]).mul(6.0.ToScalar())
        a <- torch.complex (size.mul (angle.cos ()), size.mul (angle.sin ()))
        b <- Seed.normal 3 kind [ 16384L; 64L ]
        weights <- Seed.normal 4 kind [ 16384L; 64L ]

        if this.Gradient then
            a.requires_grad <- true
            b.requires_grad <- true

    member private this.Run(f: torch.Tensor -> torch.Tensor -> torch.Tensor) =
        use _ = torch.NewDisposeScope()
        let x = f a b

        if this.Gradient then
            x.backward [| weights |]
            a.grad <- null
            b.grad <- null

    [<Benchmark(Baseline = true)>]
    member this.Sum() = this.Run(fun a b -> b.add (a, one))

    [<Benchmark>]
    member this.Sequential() = this.Run Scan.states

    [<Benchmark>]
    member this.Doubling() =
        this.Run(Scan.statesBy ScanForm.Doubling)

    [<Benchmark>]
    member this.Chunked() =
        this.Run(Scan.statesBy ScanForm.Chunked)

    [<Benchmark>]
    member this.Fourier() =
        this.Run(Scan.statesBy ScanForm.Fourier)
