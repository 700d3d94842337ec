namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// A butterfly that reaches every entry, on 256 rows of length 1024, against one product with a 1024 x 1024 matrix, against index
/// tables in place of exchanged axes, and against PEFT's way: dense permutations and blocks multiplied into a matrix first.
type ButterflySpeed() =
    let n, rows = 1024L, 256L
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable blocks = Unchecked.defaultof<torch.Tensor>
    let mutable map = Unchecked.defaultof<LinearMap>
    let mutable orders: torch.Tensor[] = [||]
    let mutable inverses: torch.Tensor[] = [||]
    let mutable permutations: torch.Tensor[] = [||]

    /// Coordinates in the order in which the blocks of factor i take them.
    let order (b: int64) (i: int) =
        use _ = torch.NewDisposeScope()
        let w = 1L <<< i

        torch
            .arange(n, dtype = torch.int64)
            .reshape([| -1L; 2L; w; b / 2L |])
            .transpose(1L, 2L)
            .reshape(-1L)
            .contiguous()
        |> fun order -> order.MoveToOuterDisposeScope()

    [<Params(2L, 8L, 32L)>]
    member val BlockSize = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        let b = this.BlockSize
        let m = Butterfly.factorsToConnect n b
        x <- Input.normal 1 [ rows; n ]
        matrix <- Input.normal 2 [ n; n ]
        let skew = Skew.ofSquare (Input.normal 3 [ int64 m; n / b; b; b ])
        blocks <- Cayley.matrix skew
        map <- Butterfly.ofSkew skew
        orders <- Array.init m (order b)
        inverses <- orders |> Array.map _.argsort()
        permutations <- orders |> Array.map (fun order -> torch.eye(n).index_select(0L, order))

    [<Benchmark(Baseline = true)>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

    [<Benchmark>]
    member _.Butterfly() = (map.Apply x).Dispose()

    [<Benchmark>]
    member _.Adjoint() = (map.Adjoint.Apply x).Dispose()

    [<Benchmark>]
    member this.IndexTables() =
        use _ = torch.NewDisposeScope()
        let b = this.BlockSize
        let mutable z = x

        for i in 0 .. orders.Length - 1 do
            let parts =
                z.index_select(1L, orders[i]).reshape([| rows; n / b; b |]).transpose(0L, 1L)

            let turned = parts.bmm(blocks[int64 i].mT).transpose(0L, 1L).reshape [| rows; n |]
            z <- turned.index_select (1L, inverses[i])

    [<Benchmark>]
    member this.DensePermutations() =
        use _ = torch.NewDisposeScope()
        let mutable product = torch.eye n

        for i in 0 .. permutations.Length - 1 do
            let diagonal =
                torch.block_diag (Array.init (int (n / this.BlockSize)) (fun j -> blocks[int64 i, int64 j]))

            product <- permutations[i].mT.matmul(diagonal).matmul(permutations[i]).matmul product

        x.matmul product.mT |> ignore

/// Blocks of one size on 256 rows of length 1024, against one product with a 1024 x 1024 matrix and against a batched product of rows.
type BlockDiagonalSpeed() =
    let n, rows = 1024L, 256L
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable blocks = Unchecked.defaultof<torch.Tensor>
    let mutable map = Unchecked.defaultof<LinearMap>

    [<Params(4L, 32L)>]
    member val BlockSize = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        let b = this.BlockSize
        x <- Input.normal 1 [ rows; n ]
        matrix <- Input.normal 2 [ n; n ]
        blocks <- Input.normal 3 [ n / b; b; b ]
        map <- BlockDiagonal.ofBlocks blocks

    [<Benchmark(Baseline = true)>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

    [<Benchmark>]
    member _.BlockDiagonal() = (map.Apply x).Dispose()

    [<Benchmark>]
    member this.ProductOfRows() =
        use _ = torch.NewDisposeScope()

        let parts =
            x.reshape([| rows; n / this.BlockSize; this.BlockSize |]).transpose(0L, 1L)

        parts.bmm(blocks.mT).transpose(0L, 1L).reshape [| rows; n |] |> ignore

/// The Walsh-Hadamard transform of 256 rows, against the dense matrix and against log2 n passes of sums and differences.
type HadamardSpeed() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable transform = Unchecked.defaultof<LinearMap>

    [<Params(64L, 1024L, 4096L)>]
    member val Size = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        x <- Input.normal 1 [ 256L; this.Size ]
        transform <- Hadamard.transform this.Size
        matrix <- Hadamard.matrix TensorKind.float32 this.Size

    [<Benchmark(Baseline = true)>]
    member _.DenseMatrix() = (x.matmul matrix).Dispose()

    [<Benchmark>]
    member _.Transform() = (transform.Apply x).Dispose()

    [<Benchmark>]
    member this.SumsAndDifferences() =
        use _ = torch.NewDisposeScope()
        let mutable y = x
        let mutable w = 1L

        while w < this.Size do
            let pairs = y.reshape [| -1L; 2L; w |]
            let first, second = pairs.select (1L, 0L), pairs.select (1L, 1L)
            y <- torch.stack ([| first.add second; first.sub second |], 1L)
            w <- 2L * w
