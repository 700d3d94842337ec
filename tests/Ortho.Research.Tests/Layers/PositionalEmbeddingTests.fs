module Ortho.Tests.PositionalEmbeddingTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private single (numbers: float list) =
    torch.tensor (Array.ofList numbers, dtype = Nullable torch.float64)

/// 0, 1/n, ..., (n-1)/n.
let private grid (kind: TensorKind) (n: int64) =
    (torch.arange (n, dtype = Nullable kind.Dtype, device = kind.Device))
        .div(torch.tensor (float n, dtype = kind.Dtype, device = kind.Device))

let private embeddings (shifts: torch.Tensor) =
    [
        "Gaussian", PositionalEmbedding.gaussian 0.3 shifts
        "triangle", PositionalEmbedding.triangle 0.7 shifts
        "square", PositionalEmbedding.square 0.7 shifts
        "impulse", PositionalEmbedding.impulse shifts
        "Fourier", PositionalEmbedding.fourier (shifts.narrow (0L, 0L, 2L))
    ]

let private laws (bench: Bench) =
    testList
        $"on {bench}"
        [
            Property.check
                Property.config
                "Fourier features have length sqrt (K/2), and know differences only"
                (fun case ->
                    let pairs = int64 case.Size
                    let d = int64 case.Second

                    let frequencies =
                        PositionalEmbedding.randomFrequencies case.Seed 3.0 bench.Kind [ d; pairs ]

                    let draw part =
                        Seed.uniform (Seed.derive case.Seed part) bench.Kind (case.Batch @ [ d ])

                    let x, y, shift = draw 1, draw 2, draw 3
                    let psi = PositionalEmbedding.fourier frequencies
                    let product (a: torch.Tensor) (b: torch.Tensor) = (a * b).sum -1L
                    let size = torch.full_like (product (psi x) (psi x), (float pairs).ToScalar())
                    let moved = product (psi (x + shift)) (psi (y + shift))
                    // Angles reach 2 pi 50, so that rounding of an angle is some 100 times that of a number.
                    [
                        Law.distance (product (psi x) (psi x)) size
                        (moved - product (psi x) (psi y)).abs().max().``to``(torch.float64).item<float>()
                        / (100.0 * float pairs)
                    ]
                    |> List.reduce max
                    |> Property.within bench.Product "features")

            Property.check
                Property.config
                "shifted Gaussians around a circle: stable rank 1 / (2 sqrt pi s), products sqrt pi s K exp(-u^2 / 4 s^2)"
                (fun case ->
                    // From 0.025 to 0.065: K = 128 is dense to all digits, and the next period adds exp(-1 / 4 s^2), below 1e-25.
                    let s = 0.02 + 0.005 * float case.Size
                    let x, shifts = grid bench.Kind 64L, grid bench.Kind 128L

                    let around =
                        [ -2.0 .. 2.0 ]
                        |> List.map (fun period -> PositionalEmbedding.gaussian s (shifts + period) x)
                        |> List.reduce (fun a b -> a + b)

                    let u = x.unsqueeze 0L - x.unsqueeze -1L

                    let products =
                        [ -2.0 .. 2.0 ]
                        |> List.map (fun period -> (-(u + period).square() / (4.0 * s * s)).exp())
                        |> List.reduce (fun a b -> a + b)

                    let rank = (StableRank.ofMatrix around).``to``(torch.float64).item<float>()

                    max
                        (abs (rank * 2.0 * sqrt Math.PI * s - 1.0))
                        (Law.distance (around.matmul (around.t ())) (products * (sqrt Math.PI * s * 128.0)))
                    |> Property.within bench.Iteration "closed forms")

            Property.check Property.config "give [*batch; K] entry by entry, in the positions' type" (fun case ->
                let shifts = grid TensorKind.float64 5L
                let x = Seed.uniform case.Seed bench.Kind (case.Batch @ [ 4L ])

                embeddings shifts
                |> List.map (fun (name, embed) ->
                    let y = embed x
                    let flat = embed (x.reshape -1L)
                    let width = if name = "Fourier" then 4L else 5L

                    if y.shape = Array.append x.shape [| width |] && y.dtype = x.dtype then
                        Law.distance (y.reshape (-1L, width)) flat
                    else
                        infinity)
                |> List.reduce max
                |> Property.within 0.0 "batch")
        ]

let private gradients =
    Property.check Property.costly "gradients are right in positions, shifts and frequencies" (fun case ->
        let x = Seed.uniform case.Seed TensorKind.float64 [ 4L ]
        let shifts = Seed.uniform (case.Seed + 1) TensorKind.float64 [ 3L ]

        [
            for _, embed in embeddings shifts do
                Law.gradient case.Seed embed x
            Law.gradient case.Seed (fun t -> PositionalEmbedding.gaussian 0.3 t x) shifts
            Law.gradient case.Seed (fun t -> PositionalEmbedding.triangle 0.7 t x) shifts
            Law.gradient case.Seed (fun f -> PositionalEmbedding.fourier f x) shifts
        ]
        |> List.reduce max
        |> Property.within Bench.gradient "gradient")

let private examples =
    [
        testCase "by hand" (fun () ->
            use _ = torch.NewDisposeScope()
            let shifts, x = single [ 0.0; 1.0; 2.0 ], single [ 0.25; 1.0 ]

            let near (expected: float list) (found: torch.Tensor) what =
                Expect.isLessThan (Law.distance found ((single expected).reshape found.shape)) 1e-15 what

            near
                ([ -0.25; 0.75; 1.75; -1.0; 0.0; 1.0 ] |> List.map (fun u -> exp (-u * u / 2.0)))
                (PositionalEmbedding.gaussian 1.0 shifts x)
                "Gaussian"

            near [ 0.75; 0.25; 0.0; 0.0; 1.0; 0.0 ] (PositionalEmbedding.triangle 2.0 shifts x) "triangle"
            near [ 1.0; 0.0; 0.0; 0.0; 1.0; 0.0 ] (PositionalEmbedding.square 1.0 shifts x) "square"
            near [ 1.0; 0.0; 0.0; 0.0; 1.0; 0.0 ] (PositionalEmbedding.impulse shifts x) "impulse"
            near [ 1.0; 0.0; 0.0 ] (PositionalEmbedding.impulse shifts (single [ 0.5 ])) "impulse at a tie"

            near
                [ 0.0; -1.0; 1.0; 0.0 ]
                (PositionalEmbedding.fourier (single [ 1.0; 2.0 ]) (single [ 0.25 ]))
                "Fourier")

        testCase "frequencies come of the seed, and the bandwidth is their deviation" (fun () ->
            use _ = torch.NewDisposeScope()

            let draw seed =
                PositionalEmbedding.randomFrequencies seed 5.0 TensorKind.float64 [ 10000L ]

            Expect.equal (Law.distance (draw 1) (draw 1)) 0.0 "one seed"
            Expect.isGreaterThan (Law.distance (draw 1) (draw 2)) 0.1 "another"
            // The estimate has a standard error of 0.7 %; the seed is fixed.
            Expect.isLessThan (abs ((draw 1).std().item<float>() - 5.0)) 0.15 "bandwidth")

        testCase "leave nothing behind, on an empty batch too" (fun () ->
            use shifts = grid TensorKind.float64 5L
            use x = grid TensorKind.float64 4L
            use empty = x.narrow (0L, 0L, 0L)

            for name, embed in embeddings shifts do
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

                for _ in 1..1000 do
                    (embed x).Dispose()

                use y = embed empty
                Expect.equal (y.size 0) 0L name
                Expect.equal (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before) 1L name)

        testCase "bad input is refused" (fun () ->
            use _ = torch.NewDisposeScope()
            let t, x = torch.zeros 3L, torch.zeros 2L

            for name, (body: unit -> torch.Tensor) in
                [
                    "deviation", (fun () -> PositionalEmbedding.gaussian 0.0 t x)
                    "deviation", (fun () -> PositionalEmbedding.gaussian nan t x)
                    "width", (fun () -> PositionalEmbedding.triangle -1.0 t x)
                    "width", (fun () -> PositionalEmbedding.square infinity t x)
                    "shifts", (fun () -> PositionalEmbedding.impulse (torch.zeros 0L) x)
                    "shifts", (fun () -> PositionalEmbedding.impulse (torch.zeros (2L, 2L)) x)
                    "x", (fun () -> PositionalEmbedding.impulse t (torch.zeros (2L, dtype = torch.int64)))
                    "x", (fun () -> PositionalEmbedding.fourier (torch.zeros (3L, 4L)) x)
                    "axes", (fun () -> PositionalEmbedding.fourier (torch.zeros (1L, 3L, 4L)) x)
                    "bandwidth", (fun () -> PositionalEmbedding.randomFrequencies 1 0.0 TensorKind.float64 [ 3L ])
                ] do
                Refusal.expect name (fun () -> body () |> ignore))
    ]

let tests =
    testList "positional embeddings" [ yield! Bench.real |> List.map laws; gradients; yield! examples ]
