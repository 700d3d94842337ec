namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// Each cosine and sine transform of 64 rows against the real FFT of 2^p entries, n = 2^p (2^p + 1 for DCT-I, 2^p - 1 for DST-I), and against the
/// dense matrix below n = 1024. The bars: at most twice the FFT from 1024 up, and never slower than the matrix below.
type CosineSpeed() =
    let mutable fftInput = Unchecked.defaultof<torch.Tensor>
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable transform = Unchecked.defaultof<LinearMap>

    [<Params("DctI", "DctII", "DctIII", "DctIV", "DstI", "DstII", "DstIII", "DstIV")>]
    member val Kind = "" with get, set

    [<Params(128L, 256L, 1024L, 4096L)>]
    member val Size = 0L with get, set

    [<Params(true, false)>]
    member val IsSingle = false with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1

        let precision =
            if this.IsSingle then
                TensorKind.float32
            else
                TensorKind.float64

        let kind, n =
            match this.Kind with
            | "DctI" -> CosineType.DctI, this.Size + 1L
            | "DctII" -> CosineType.DctII, this.Size
            | "DctIII" -> CosineType.DctIII, this.Size
            | "DctIV" -> CosineType.DctIV, this.Size
            | "DstI" -> CosineType.DstI, this.Size - 1L
            | "DstII" -> CosineType.DstII, this.Size
            | "DstIII" -> CosineType.DstIII, this.Size
            | _ -> CosineType.DstIV, this.Size

        fftInput <- Seed.normal 1 precision [ 64L; this.Size ]
        x <- Seed.normal 2 precision [ 64L; n ]
        matrix <- Seed.normal 3 precision [ n; n ]
        transform <- Cosine.transform kind n

    [<Benchmark(Baseline = true)>]
    member _.RealFft() = (torch.fft.rfft fftInput).Dispose()

    [<Benchmark>]
    member _.Transform() = (transform.Apply x).Dispose()

    [<Benchmark>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

/// Poisson's equation on 383 x 191 Dirichlet points against the real FFTs of the odd continuations of its rows and columns, lengths 384 and 768, both ways.
/// The bar: 1.5. Beside it the grid with one line less each way, whose lengths are twice a prime.
type PoissonSpeed() =
    let mutable rows = Unchecked.defaultof<torch.Tensor>
    let mutable columns = Unchecked.defaultof<torch.Tensor>
    let mutable f = Unchecked.defaultof<torch.Tensor>
    let mutable bad = Unchecked.defaultof<torch.Tensor>
    let mutable solver = Unchecked.defaultof<LinearMap>
    let mutable badSolver = Unchecked.defaultof<LinearMap>

    let dirichlet n = Poisson.axis Boundary.Dirichlet n 0.1

    [<Params(true, false)>]
    member val IsSingle = false with get, set

    [<GlobalSetup>]
    member this.Setup() =
        torch.set_num_threads 1

        let precision =
            if this.IsSingle then
                TensorKind.float32
            else
                TensorKind.float64

        let normal seed (shape: int64 list) = Seed.normal seed precision shape
        rows <- normal 1 [ 383L; 384L ]
        columns <- normal 2 [ 191L; 768L ]
        f <- normal 3 [ 383L; 191L ]
        bad <- normal 4 [ 382L; 190L ]
        solver <- Poisson.solver [ dirichlet 383L; dirichlet 191L ]
        badSolver <- Poisson.solver [ dirichlet 382L; dirichlet 190L ]

    [<Benchmark(Baseline = true)>]
    member _.RealFfts() =
        for _ in 1..2 do
            (torch.fft.rfft rows).Dispose()
            (torch.fft.rfft columns).Dispose()

    [<Benchmark>]
    member _.Solve() = (solver.Apply f).Dispose()

    [<Benchmark>]
    member _.SolveOneLineLess() = (badSolver.Apply bad).Dispose()
