namespace Ortho.Benchmarks

open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// A chain of plane rotations on 256 rows of length 1024 against the plain tensor form and against one product with a 1024 x 1024 matrix,
/// which is the unit of all. Bars, in units of the product forward: 0.5 for forward and backward of 10 butterfly rounds, 0.4 for those of neighbours.
type RotationSpeed() =
    let mutable x = Unchecked.defaultof<torch.Tensor>
    let mutable angles = Unchecked.defaultof<torch.Tensor>
    let mutable weights = Unchecked.defaultof<torch.Tensor>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable chain = Unchecked.defaultof<LinearMap>
    let mutable rounds: (struct (torch.Tensor * torch.Tensor * torch.Tensor))[] = [||]
    let mutable pairs: (struct (int * int))[] = [||]

    let backward (y: torch.Tensor) =
        use y = y
        y.backward [| weights |]
        x.grad.Dispose()
        x.grad <- null
        angles.grad.Dispose()
        angles.grad <- null

    /// x C + x[partner] S, round by round; neighbours column by column.
    let plain () =
        use scope = torch.NewDisposeScope()
        let cosines, sines = angles.cos (), angles.sin ()

        let y =
            if rounds.Length > 0 then
                let mutable y = x

                for struct (partner, place, sign) in rounds do
                    let c, s = cosines.index_select (0L, place), sines.index_select (0L, place)
                    y <- y.mul(c).add(y.index_select(1L, partner).mul(s.mul sign))

                y
            else
                let columns, c, s = x.unbind 1, cosines.unbind 0, sines.unbind 0

                pairs
                |> Array.iteri (fun r (struct (i, j)) ->
                    let a, b = columns[i], columns[j]
                    columns[i] <- a.mul(c[r]).sub(b.mul s[r])
                    columns[j] <- a.mul(s[r]).add(b.mul c[r]))

                torch.stack (columns, 1L)

        scope.MoveToOuter y

    [<Params("10 rounds", "neighbours")>]
    member val Schedule = "" with get, set

    [<Params(1, 2)>]
    member val Threads = 1 with get, set

    /// OpenMP counts threads by the thread that asks, and the setup runs on another: every method says how many.
    member private this.UseThreads() = torch.set_num_threads this.Threads

    [<GlobalSetup>]
    member this.Setup() =
        this.UseThreads()
        let kind = TensorKind.float32
        let isButterfly = this.Schedule = "10 rounds"

        let schedule =
            if isButterfly then
                PlaneSchedule.butterfly 1024
            else
                PlaneSchedule.sequential 1024

        x <- (Seed.normal 1 kind [ 256L; 1024L ]).requires_grad_ true
        angles <- (Seed.normal 2 kind [ int64 schedule.Count ]).requires_grad_ true
        weights <- Seed.normal 3 kind [ 256L; 1024L ]
        matrix <- Seed.normal 4 kind [ 1024L; 1024L ]
        chain <- Givens.chain schedule angles
        pairs <- if isButterfly then [||] else Seq.toArray schedule.Pairs

        rounds <-
            if not isButterfly then
                [||]
            else
                Array.init 10 (fun k ->
                    let partner = Array.zeroCreate<int64> 1024
                    let place = Array.zeroCreate<int64> 1024
                    let sign = Array.zeroCreate<float32> 1024

                    schedule.Rounds[k]
                    |> Seq.iteri (fun p (struct (i, j)) ->
                        partner[i] <- int64 j
                        partner[j] <- int64 i
                        place[i] <- int64 (512 * k + p)
                        place[j] <- int64 (512 * k + p)
                        sign[i] <- -1.0f
                        sign[j] <- 1.0f)

                    struct (torch.tensor partner, torch.tensor place, torch.tensor sign))

    [<Benchmark(Baseline = true)>]
    member this.Matmul() =
        this.UseThreads()
        use _ = torch.no_grad ()
        (x.matmul matrix).Dispose()

    [<Benchmark>]
    member this.Forward() =
        this.UseThreads()
        use _ = torch.no_grad ()
        (chain.Apply x).Dispose()

    [<Benchmark>]
    member this.ForwardBackward() =
        this.UseThreads()
        backward (chain.Apply x)

    [<Benchmark>]
    member this.PlainForward() =
        this.UseThreads()
        use _ = torch.no_grad ()
        (plain ()).Dispose()

    [<Benchmark>]
    member this.PlainForwardBackward() =
        this.UseThreads()
        backward (plain ())
