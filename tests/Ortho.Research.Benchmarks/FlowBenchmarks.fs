namespace Ortho.Benchmarks

open System
open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// A step of RK4 for Navier-Stokes in vorticity form against the Fourier transforms it needs: for each of four right-hand sides two inverse and two forward
/// ones (Basdevant's form; -u . grad w would need five), float64, in the fastest calls that torch has. Bar: 1.3 at 256. The tensor form is the one that gradients take.
type NavierStokesSpeed() =
    let mutable w = Unchecked.defaultof<torch.Tensor>
    let mutable leaf = Unchecked.defaultof<torch.Tensor>
    let mutable spectra = Unchecked.defaultof<torch.Tensor>
    let mutable stepper = Unchecked.defaultof<Stepper>

    [<Params(128L, 256L, 512L)>]
    member val Size = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1
        let grid = Periodic.grid [ this.Size; this.Size ] [ 2.0 * Math.PI; 2.0 * Math.PI ]
        let flow = NavierStokes.flow TensorKind.float64 1e-3 grid
        let values = Seed.normal 1 TensorKind.float64 [ this.Size; this.Size ]
        w <- flow.ToSpectrum values
        leaf <- w.detach().clone().requires_grad_ true
        spectra <- torch.stack [| w; w |]
        stepper <- flow.RungeKutta4 1e-6

    [<Benchmark(Baseline = true)>]
    member this.Transforms() =
        torch.set_num_threads 1

        for _ in 1..4 do
            use columns = torch.fft.ifft (spectra, dim = -2L)
            use values = torch.fft.irfft (columns, n = this.Size)
            (torch.fft.rfftn (values, dim = [| -2L; -1L |])).Dispose()

    /// The same transforms, both axes at once: slower.
    [<Benchmark>]
    member this.TransformsByIrfftn() =
        torch.set_num_threads 1

        for _ in 1..4 do
            use values = torch.fft.irfftn (spectra, dim = [| -2L; -1L |])
            (torch.fft.rfftn (values, dim = [| -2L; -1L |])).Dispose()

    [<Benchmark>]
    member this.Step() =
        torch.set_num_threads 1
        (stepper.Step w).Dispose()

    [<Benchmark>]
    member this.StepWithGradient() =
        torch.set_num_threads 1
        (stepper.Step leaf).Dispose()
