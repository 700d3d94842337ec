module Ortho.Tests.Orthogonal.HadamardTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// [H H; H -H], from [1].
let rec private sylvester (kind: TensorKind) (bits: int) =
    if bits = 0 then
        Dense.identity kind 1L
    else
        let half = sylvester kind (bits - 1)
        torch.cat ([| torch.cat ([| half; half |], 1L); torch.cat ([| half; -half |], 1L) |], 0L)

let private laws (bench: Bench) =
    testList
        $"Hadamard matrices on {bench}"
        [
            testCase "the transform is Sylvester's matrix over sqrt n, in one, two and three passes" (fun () ->
                for bits in 0..11 do
                    use _ = torch.NewDisposeScope()
                    let n = 1L <<< bits
                    let expected = sylvester bench.Kind bits / sqrt (float n)
                    let map = Hadamard.transform n |> LinearMap.on bench.Kind
                    let x = Seed.normal bits bench.Kind [ 3L; n ]

                    let distance =
                        if bits < 9 then
                            Law.distance (LinearMap.toMatrix map) expected
                        else
                            Law.distance (map.Apply x) (x.matmul expected)

                    Expect.isLessThanOrEqual distance bench.Product $"n = {n}")

            testCase "a matrix has entries 1 and -1 and orthogonal rows, exactly" (fun () ->
                for n in [ 1L; 2L; 4L; 8L; 12L; 20L; 24L; 28L; 36L; 40L; 44L; 48L; 72L ] do
                    use _ = torch.NewDisposeScope()
                    let h = Hadamard.matrix bench.Kind n
                    Expect.equal (Dense.size (h.abs () - torch.ones_like (h.abs ()))) 0.0 "entries"
                    Expect.equal (Dense.size (h.matmul h.mT - Dense.identity bench.Kind n * float n)) 0.0 $"order {n}"
                    Expect.equal (TensorKind.ofTensor h) bench.Kind "kind")

            Property.check
                Property.config
                "random signs make a unitary map that spreads every coordinate evenly"
                (fun case ->
                    let n = 1L <<< case.Second + 1
                    let map = Hadamard.random case.Seed n |> LinearMap.on bench.Kind
                    let matrix = LinearMap.toMatrix map
                    let sizes = matrix.abs ()

                    (if map.Promises Traits.Unitary then
                         max (Law.orthogonality matrix) (Law.distance sizes (torch.ones_like sizes / sqrt (float n)))
                     else
                         infinity)
                    |> Property.within bench.Product "distance")
        ]

let private single =
    testList
        "orders, codes, gradients"
        [
            testCase "orders below 100 that are refused are 52, 92 and no multiples of 4" (fun () ->
                use _ = torch.NewDisposeScope()

                let refused =
                    [
                        for n in 1L .. 99L do
                            try
                                Hadamard.matrix TensorKind.float64 n |> ignore
                            with :? ArgumentException ->
                                n
                    ]

                Expect.equal
                    refused
                    [
                        for n in 3L .. 99L do
                            if n % 4L <> 0L || n = 52L || n = 92L then
                                n
                    ]
                    "refused")

            testCase "a refusal names the nearest orders" (fun () ->
                let message (body: unit -> unit) =
                    try
                        body ()
                        ""
                    with :? ArgumentException as error ->
                        error.Message

                let matrix = message (fun () -> Hadamard.matrix TensorKind.float64 52L |> ignore)
                Expect.stringContains matrix "48 and 56" "a matrix"
                let transform = message (fun () -> Hadamard.transform 12L |> ignore)
                Expect.stringContains transform "8 and 16" "a transform"
                let random = message (fun () -> Hadamard.random 1 33L |> ignore)
                Expect.stringContains random "32 and 64" "a random rotation")

            testCase "codes differ in half of their bits, or in all" (fun () ->
                use _ = torch.NewDisposeScope()

                for count, length in [ 20L, 16L; 12L, 12L; 40L, 20L; 3L, 64L ] do
                    let codes = Hadamard.codes TensorKind.float64 count length
                    Expect.equal codes.shape [| count; length |] "shape"
                    let products = codes.matmul codes.mT

                    for i in 0L .. count - 1L do
                        for j in 0L .. count - 1L do
                            let expected =
                                if i = j then float length
                                elif i = j + length || j = i + length then -(float length)
                                else 0.0

                            Expect.equal (products[i, j].item<float>()) expected $"codes {i} and {j} of {count}")

            testCase "the transform is one map with its adjoint and inverse, and self-composition vanishes" (fun () ->
                let h = Hadamard.transform 64L
                Expect.isTrue (Object.ReferenceEquals(h, h.Adjoint)) "adjoint"
                Expect.equal (string (h * h)) "I[64]" "square"
                Expect.equal (string h) "Hadamard[64]" "name")

            testCase "same seed, same signs; other seeds, others" (fun () ->
                use _ = torch.NewDisposeScope()

                let matrix seed =
                    LinearMap.toMatrix (Hadamard.random seed 64L)

                Expect.equal (Law.distance (matrix 1) (matrix 1)) 0.0 "same"
                Expect.isGreaterThan (Law.distance (matrix 1) (matrix 2)) 0.1 "other")

            testCase "second derivatives go through the transform" (fun () ->
                use _ = torch.NewDisposeScope()
                let h = Hadamard.transform 64L

                // The sum of fourth powers of H x: its gradient is H (4 (H x)^3), and that is differentiable again.
                let slope (x: torch.Tensor) =
                    let y = h.Apply x
                    h.Apply(y * y * y)

                Law.gradient 1 slope (Seed.normal 2 TensorKind.float64 [ 64L ])
                |> fun residual -> Expect.isLessThanOrEqual residual Bench.gradient "gradient")

            testCase "no matrix is built: a million coordinates" (fun () ->
                use _ = torch.NewDisposeScope()
                let h = Hadamard.transform (1L <<< 20)
                let x = Seed.normal 1 TensorKind.float32 [ 1L <<< 20 ]
                Expect.isLessThanOrEqual (Law.distance (h.Apply(h.Apply x)) x) Bench.real.Head.Product "twice")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 TensorKind.float64 [ 2L; 64L ]

                Dense.growth (fun () -> (Hadamard.random 1 64L).Apply x |> ignore)
                |> fun grown -> Expect.equal grown 0L "in a scope"

                let h = Hadamard.transform 64L

                Dense.growthOfResults (fun () ->
                    [
                        h.Apply x
                        Hadamard.matrix TensorKind.float64 12L
                        Hadamard.codes TensorKind.float64 5L 4L
                    ])
                |> fun grown -> Expect.equal grown 0L "outside of any inner scope")

            testCase "refuses bad input" (fun () ->
                for name, body in
                    [
                        "order 0", (fun () -> Hadamard.matrix TensorKind.float64 0L |> ignore)
                        "order 6", (fun () -> Hadamard.matrix TensorKind.float64 6L |> ignore)
                        "a huge order", (fun () -> Hadamard.matrix TensorKind.float64 (1L <<< 40) |> ignore)
                        "no codes", (fun () -> Hadamard.codes TensorKind.float64 0L 8L |> ignore)
                        "too many codes", (fun () -> Hadamard.codes TensorKind.float64 17L 8L |> ignore)
                        "codes of length 6", (fun () -> Hadamard.codes TensorKind.float64 2L 6L |> ignore)
                        "length 0", (fun () -> Hadamard.transform 0L |> ignore)
                        "length -8", (fun () -> Hadamard.transform -8L |> ignore)
                        "length 6", (fun () -> Hadamard.random 1 6L |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests = testList "Hadamard" [ yield! Bench.all |> List.map laws; single ]
