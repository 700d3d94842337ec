module Ortho.Tests.Orthogonal.FourierConvolutionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// Channels 1 to 3 on each side; kernels shorter than the image, as long and longer.
let private free (bench: Bench) (case: Case) =
    let axes = 1 + case.Seed % 2
    let random = Random case.Seed
    let draw limit = int64 (1 + random.Next limit)
    let taps = Array.init axes (fun _ -> draw 4)
    let image = List.init axes (fun axis -> 1L + (int64 case.Size + int64 axis) % 5L)
    image, Seed.normal case.Seed bench.Kind (Array.append [| draw 3; draw 3 |] taps)

let private dense image kernel =
    LinearMap.toMatrix (Convolution.circular image kernel)

/// The frame of the module's remarks, from the dense matrix of the whole convolution.
let rec private frame (w: torch.Tensor) : torch.Tensor =
    let rows, columns = w.shape[0], w.shape[1]

    if rows < columns then
        (frame (w.mT)).mT
    else
        let identity = Dense.identity (TensorKind.ofTensor w) columns
        let x, y = w.narrow (0L, 0L, columns), w.narrow (0L, columns, rows - columns)
        let z = y.mT.matmul y - x + x.mT
        // (I - Z)(I + Z)^-1 from the right, by a solve.
        let right (a: torch.Tensor) =
            (torch.linalg.solve ((identity + z).mT, a.mT, true)).mT

        torch.cat ([| right (identity - z); right (-2.0 * y) |], 0L)

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Fourier convolution on {bench}"
        [
            check "has the spectrum of the circular convolution" (fun case ->
                let image, kernel = free bench case

                let axes =
                    image |> List.mapi (fun axis _ -> int64 (axis - image.Length)) |> List.toArray

                let map = Convolution.circular image kernel
                let x = Seed.normal 1 bench.Kind (Seq.append [ 3L ] map.Domain.Shape)

                let waves (x: torch.Tensor) =
                    torch.fft.rfftn(x, dim = axes).flatten(2L).permute(2L, 1L, 0L)

                Law.distance ((FourierConvolution.spectrum image kernel).matmul(waves x)) (waves (map.Apply x))
                |> Property.within bench.Product "distance")

            check "is the Cayley transform of the whole convolution's matrix" (fun case ->
                let image, kernel = free bench case

                Law.distance (LinearMap.toMatrix (FourierConvolution.cayley image kernel)) (frame (dense image kernel))
                |> Property.within bench.Iteration "distance")

            check "of equal channels is Cayley.matrix of K - K^T" (fun case ->
                let image, kernel = free bench case
                let c = min kernel.shape[0] kernel.shape[1]
                let kernel = kernel.narrow(0L, 0L, c).narrow(1L, 0L, c)
                let k = dense image kernel

                Law.distance (LinearMap.toMatrix (FourierConvolution.cayley image kernel)) (Cayley.matrix (k - k.mT))
                |> Property.within bench.Iteration "distance")

            check "has all singular values 1, and promises it" (fun case ->
                let image, kernel = free bench case
                let map = FourierConvolution.cayley image kernel
                let rows, columns = kernel.shape[0], kernel.shape[1]

                (if
                     map.Promises Traits.Isometry = (rows >= columns)
                     && map.Promises Traits.Coisometry = (rows <= columns)
                 then
                     BlockConvolutionTests.spread map
                 else
                     infinity)
                |> Property.within bench.Iteration "distance from 1")

            check "is the circular convolution with its kernel" (fun case ->
                let image, kernel = free bench case

                Law.equality
                    case.Seed
                    (FourierConvolution.cayley image kernel)
                    (Convolution.circular image (FourierConvolution.cayleyKernel image kernel))
                |> Property.within bench.Iteration "distance")

            testCase "of zero keeps the channels that both sides have" (fun () ->
                use _ = torch.NewDisposeScope()

                for outputs, inputs in [ 3L, 3L; 3L, 2L; 2L, 3L ] do
                    let zero =
                        torch.zeros (
                            [| outputs; inputs; 3L; 3L |],
                            dtype = bench.Kind.Dtype,
                            device = bench.Kind.Device
                        )

                    let x = Seed.normal 1 bench.Kind [ inputs; 4L; 5L ]
                    let y = (FourierConvolution.cayley [ 4L; 5L ] zero).Apply x
                    let both = min outputs inputs
                    let kept = Law.distance (y.narrow (0L, 0L, both)) (x.narrow (0L, 0L, both))
                    Expect.isLessThanOrEqual kept bench.Product "kept"
                    Expect.equal (Dense.size (y.narrow (0L, both, outputs - both))) 0.0 "nothing else")

            for outputs, inputs in [ 4L, 4L; 5L, 3L; 3L, 5L ] do
                testCase $"{inputs} to {outputs} channels stays orthogonal for 25 steps" (fun () ->
                    use _ = torch.NewDisposeScope()
                    let p = [| Seed.normal 1 bench.Kind [ outputs; inputs; 3L; 2L ] |]

                    let build (p: torch.Tensor[]) =
                        FourierConvolution.cayley [ 4L; 5L ] p[0]

                    let spread = BlockConvolutionTests.spread (BlockConvolutionTests.trained 25 p build)
                    Expect.isLessThanOrEqual spread bench.Iteration "distance from 1")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kernel = Seed.normal 1 bench.Kind [ 3L; 2L; 3L; 3L ]
                let x = Seed.normal 2 bench.Kind [ 2L; 4L; 4L ]
                let map = FourierConvolution.cayley [ 4L; 4L ] kernel

                let grown =
                    Dense.growthOfResults (fun () ->
                        [
                            FourierConvolution.spectrum [ 4L; 4L ] kernel
                            FourierConvolution.cayleyKernel [ 4L; 4L ] kernel
                            map.Apply x
                            map.Adjoint.Apply(Seed.normal 3 bench.Kind [ 3L; 4L; 4L ])
                        ])

                // The draw of the last line is the one other.
                Expect.equal grown 1L "live tensors"
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                let kept = FourierConvolution.cayley [ 4L; 4L ] kernel
                let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                Expect.isLessThanOrEqual grown 2L "the matrices and their adjoints"
                GC.KeepAlive kept)
        ]

let private doubleLaws (bench: Bench) =
    Property.check Property.costly $"Fourier convolution on {bench} has the right gradients" (fun case ->
        let image, kernel = free bench case

        max
            (Law.gradient case.Seed (FourierConvolution.spectrum image) kernel)
            (Law.gradient case.Seed (FourierConvolution.cayleyKernel image) kernel)
        |> Property.within Bench.gradient "gradient")

let private refusals =
    testCase "Fourier convolution refuses bad input" (fun () ->
        use _ = torch.NewDisposeScope()

        let draw shape =
            Seed.normal 1 TensorKind.float64 (shape: int64 list)

        for name, body in
            [
                "map", (fun sizes kernel -> FourierConvolution.cayley sizes kernel |> ignore)
                "kernel", (fun sizes kernel -> FourierConvolution.cayleyKernel sizes kernel |> ignore)
                "spectrum", (fun sizes kernel -> FourierConvolution.spectrum sizes kernel |> ignore)
            ] do
            Refusal.expect $"{name}: a size of 0" (fun () -> body [ 0L ] (draw [ 2L; 2L; 3L ]))
            Refusal.expect $"{name}: no size" (fun () -> body [] (draw [ 2L; 2L ]))
            Refusal.expect $"{name}: three sizes" (fun () -> body [ 2L; 2L; 2L ] (draw [ 2L; 2L; 3L; 3L; 3L ]))
            Refusal.expect $"{name}: another number of axes" (fun () -> body [ 2L; 2L ] (draw [ 2L; 2L; 3L ]))
            Refusal.expect $"{name}: empty" (fun () -> body [ 2L ] (draw [ 2L; 0L; 3L ]))

            Refusal.expect $"{name}: complex" (fun () ->
                body [ 2L ] (Seed.normal 1 (TensorKind.cpu torch.complex128) [ 2L; 2L; 3L ])))

let tests =
    testList
        "Fourier convolutions"
        [
            yield! Bench.real |> List.map laws
            yield! Bench.double |> List.map doubleLaws
            refusals
        ]
