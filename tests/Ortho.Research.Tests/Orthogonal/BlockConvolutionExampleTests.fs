/// Block convolutions by hand, their counts, and what is refused.
module Ortho.Tests.Orthogonal.BlockConvolutionExampleTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.OrthogonalConvolutionZoo
open TorchSharp

let private numbers =
    testList
        "numbers of block convolutions"
        [
            testCase "64 channels, 3 x 3" (fun () ->
                Expect.equal
                    (BlockConvolution.parameterCount [ 3L; 3L ] 64L 32L)
                    (2016L + 4L * 1024L)
                    "4 projections of rank 32"

                Expect.equal (BlockConvolution.parameterCount [ 1L ] 5L 2L) 10L "a matrix alone")

            testCase "are those of distinct kernels: at k = 2 the derivative has full rank" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.float64

                // A vector of all free numbers of 3 channels: 3 of the matrix, 2 of one projection.
                let kernel (v: torch.Tensor) =
                    let matrix = Cayley.matrix (Skew.ofVector 3L (v.narrow (0L, 0L, 3L)))

                    BlockConvolution.kernel
                        [ 2L ]
                        (matrix.unsqueeze -1L)
                        (BlockConvolution.projections (v.narrow(0L, 3L, 2L).reshape [| 1L; 2L; 1L |]))

                let v = Seed.normal 1 kind [ 5L ]

                let column i =
                    let step = Array.init 5 (fun j -> if i = j then 1e-6 else 0.0) |> torch.tensor
                    (kernel (v + step) - kernel (v - step)).flatten() / 2e-6

                let values = Dense.singularValues (torch.stack (Array.init 5 column, 1L))
                Expect.equal (BlockConvolution.parameterCount [ 2L ] 3L 1L) 5L "count"
                Expect.isGreaterThan (Array.min values) 1e-3 "rank")
        ]

let private refusals =
    testList
        "block convolution refuses"
        [
            let kind = TensorKind.float64
            let draw shape = Seed.normal 1 kind (shape: int64 list)

            let projections count c =
                BlockConvolution.projections (draw [ count; c - 1L; 1L ])

            let frame () =
                (Dense.frame 1 kind 3L 3L).reshape [| 3L; 3L; 1L |]

            for name, body in
                [
                    "kernels that do not fit",
                    (fun () -> BlockConvolution.compose (draw [ 2L; 3L; 1L ]) (draw [ 2L; 3L; 1L ]))
                    "other numbers of axes",
                    (fun () -> BlockConvolution.compose (draw [ 2L; 2L; 1L ]) (draw [ 2L; 2L; 1L; 1L ]))
                    "a matrix", (fun () -> BlockConvolution.compose (draw [ 2L; 2L ]) (draw [ 2L; 2L ]))
                    "an empty kernel", (fun () -> BlockConvolution.compose (draw [ 0L; 2L; 1L ]) (draw [ 2L; 2L; 1L ]))
                    "another type",
                    (fun () ->
                        BlockConvolution.compose
                            (draw [ 2L; 2L; 1L ])
                            (Seed.normal 1 TensorKind.float32 [ 2L; 2L; 1L ]))
                    "integers",
                    (fun () -> BlockConvolution.projections (torch.ones ([| 2L; 2L |], dtype = torch.int64)))
                    "a vector", (fun () -> BlockConvolution.projections (draw [ 2L ]))
                    "no projections", (fun () -> BlockConvolution.ofProjections [ 2L ] (draw [ 1L; 3L; 3L ]))
                    "oblique projections",
                    (fun () ->
                        BlockConvolution.ofProjections
                            [ 2L ]
                            (torch.tensor(array2D [ [ 1.0; 1.0 ]; [ 0.0; 0.0 ] ]).unsqueeze 0L))
                    "too few projections", (fun () -> BlockConvolution.ofProjections [ 3L ] (projections 1L 3L))
                    "no sizes", (fun () -> BlockConvolution.ofProjections [] (projections 0L 3L))
                    "a size of 0", (fun () -> BlockConvolution.ofProjections [ 0L ] (projections 0L 3L))
                    "three axes", (fun () -> BlockConvolution.ofProjections [ 1L; 1L; 1L ] (projections 0L 3L))
                    "no frame", (fun () -> BlockConvolution.kernel [ 2L ] (draw [ 3L; 3L; 1L ]) (projections 1L 3L))
                    "fewer taps than the stride",
                    (fun () -> BlockConvolution.kernel [ 1L ] (frame().reshape [| 3L; 1L; 3L |]) (projections 0L 3L))
                    "projections of another size",
                    (fun () -> BlockConvolution.kernel [ 2L ] (frame ()) (projections 1L 4L))
                    "projections of another type",
                    (fun () -> BlockConvolution.kernel [ 2L ] (frame ()) ((projections 1L 3L).``to`` torch.float32))
                ] do
                testCase name (fun () ->
                    use _ = torch.NewDisposeScope()
                    Refusal.expect name (fun () -> body () |> ignore))

            testCase "images and numbers that do not fit" (fun () ->
                use _ = torch.NewDisposeScope()
                let two = (Dense.frame 1 kind 4L 4L).reshape [| 4L; 1L; 2L; 2L |]
                let oblong = (Dense.frame 1 kind 2L 2L).reshape [| 2L; 1L; 2L; 1L |]
                let none = torch.zeros ([| 0L; 1L; 1L |], dtype = torch.float64)

                let map image frame =
                    BlockConvolution.map image [ 2L; 2L ] frame none |> ignore

                Refusal.expect "an odd image" (fun () -> map [ 4L; 3L ] two)
                Refusal.expect "a line" (fun () -> map [ 4L ] two)
                Refusal.expect "an oblong stride" (fun () -> map [ 4L; 4L ] oblong)
                Refusal.expect "rank" (fun () -> BlockConvolution.parameterCount [ 2L ] 3L 4L |> ignore)
                Refusal.expect "channels" (fun () -> BlockConvolution.parameterCount [ 2L ] 0L 0L |> ignore))
        ]

let tests = testList "block convolutions: examples" [ numbers; refusals ]
