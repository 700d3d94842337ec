module Ortho.Tests.Orthogonal.ConvolutionExistenceTests

open System
open Expecto
open Ortho
open Ortho.Tests
open TorchSharp

let private double = TensorKind.float64
let private plain = ConvolutionOptions.Default

let private scalar (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

/// The least value that Adam finds from two random kernels, and where.
let private least (steps: int) (shape: int64 list) (loss: torch.Tensor -> torch.Tensor) =
    [ 1; 2 ]
    |> List.map (fun seed ->
        use scope = torch.NewDisposeScope()
        let kernel = (Seed.normal seed double shape * 0.4).requires_grad_ true
        use optimizer = torch.optim.Adam([ new Modules.Parameter(kernel, true) ], lr = 0.05)
        let parameter = Seq.head (optimizer.parameters ())

        for step in 1..steps do
            use _ = torch.NewDisposeScope()
            optimizer.zero_grad ()
            let value = loss parameter
            value.backward ()

            for group in optimizer.ParamGroups do
                group.LearningRate <- 0.05 * (1.0 - float (step - 1) / float steps)

            optimizer.step () |> ignore

        use _ = torch.no_grad ()
        scalar (loss parameter), (parameter.detach().clone()).MoveToOuterDisposeScope())
    |> List.minBy fst

/// What the steps leave over.
let private residue = 1e-3

let private onCircles =
    testList
        "on a circle the least L_orth is what the theorem says, and is found"
        [
            let found (options: ConvolutionOptions) shape expected =
                testCase
                    $"{shape}, stride {options.Stride}, dilation {options.Dilation}, groups {options.Groups}: {expected}"
                    (fun () ->
                        use _ = torch.NewDisposeScope()
                        let sizes = List.replicate (List.length shape - 2) (4L * options.Stride)
                        let told = ConvolutionOrthogonality.existence options sizes shape
                        Expect.equal told.LeastDefect expected "told"
                        Expect.equal told.Exists (expected = 0.0) "exists"
                        // Overlapping windows at stride 1 converge slowly.
                        let steps = if options.Stride = 1L then 1500 else 400
                        let value, _ = least steps shape (ConvolutionOrthogonality.penalty options)
                        Expect.isLessThan (abs (value - expected)) residue $"found {value}; {told.Reason}")

            // The paper's cases.
            for m, c, k, s, expected in
                [
                    9L, 1L, 3L, 4L, 0.0
                    10L, 1L, 3L, 4L, 1.0
                    12L, 1L, 3L, 4L, 3.0
                    18L, 2L, 2L, 3L, 10.0
                    8L, 4L, 3L, 1L, 0.0
                ] do
                found (plain.WithStride s) [ m; c; k; k ] expected

            // Lines.
            for m, c, k, s, expected in
                [
                    3L, 1L, 3L, 4L, 0.0
                    4L, 1L, 3L, 4L, 1.0
                    8L, 1L, 3L, 4L, 1.0
                    3L, 1L, 3L, 2L, 0.0
                    2L, 3L, 2L, 1L, 0.0
                ] do
                found (plain.WithStride s) [ m; c; k ] expected

            // Not square: 4 <= 1 * 1 * 5, but a window meets only 2 of a stride's 4 inputs.
            found (plain.WithStride 2L) [ 4L; 1L; 1L; 5L ] 2.0
            found (plain.WithStride 2L) [ 2L; 1L; 1L; 5L ] 0.0
            // Taps one stride apart meet one input of a stride.
            found
                { plain with
                    Stride = 2L
                    Dilation = 2L
                }
                [ 2L; 1L; 3L ]
                1.0

            found
                { plain with
                    Stride = 2L
                    Dilation = 3L
                }
                [ 2L; 1L; 3L ]
                0.0

            found { plain with Stride = 4L; Groups = 2L } [ 8L; 1L; 3L ] 2.0
        ]

let private squared (options: ConvolutionOptions) sizes kernel =
    let matrix = LinearMap.toMatrix (Convolution.map options sizes kernel)
    (matrix.mT.matmul matrix - Dense.identity double (matrix.size 1)).square().sum()

let private elsewhere =
    let valid = plain.WithBorder ConvolutionBorder.Valid
    let same = plain.WithBorder ConvolutionBorder.Same

    [
        testCase "a valid border has no orthonormal columns for k > 1, and the least defect is found" (fun () ->
            use _ = torch.NewDisposeScope()

            for sizes, shape, expected in
                [
                    [ 3L ], [ 2L; 1L; 2L ], 1.0 / 3.0
                    [ 6L ], [ 2L; 1L; 3L ], 2.0 / 3.0
                    [ 5L ], [ 4L; 2L; 2L ], 2.0 * (5.0 - 16.0 / 3.5)
                    [ 3L; 3L ], [ 4L; 1L; 2L; 2L ], 9.0 - (4.0 / 1.5) ** 2.0
                    [ 4L; 3L ], [ 3L; 1L; 1L; 2L ], 4.0 * 3.0 - 4.0 * 4.0 / 1.5
                    // 2 windows of 4 on 5 points: energies (a, a+b, b+c, c+d, d).
                    [ 5L ], [ 4L; 1L; 4L ], 0.2
                ] do
                let told = ConvolutionOrthogonality.existence valid sizes shape
                let value, _ = least 400 shape (squared valid sizes)
                Expect.isFalse told.Exists $"{shape}"

                Expect.isLessThanOrEqual
                    (abs (told.LeastDefect - expected))
                    Bench.double.Head.Product
                    $"{shape} told {told.LeastDefect}"

                Expect.isLessThan (abs (value - expected)) residue $"{shape} on {sizes}")

        testCase "a valid border has orthonormal columns on grids so small that windows tile them" (fun () ->
            use _ = torch.NewDisposeScope()

            for sizes, shape in
                [
                    [ 4L ], [ 2L; 1L; 3L ]
                    [ 3L ], [ 3L; 1L; 3L ]
                    [ 4L; 2L ], [ 4L; 1L; 3L; 2L ]
                ] do
                let told = ConvolutionOrthogonality.existence valid sizes shape
                Expect.isTrue told.Exists $"{shape}"
                Expect.equal told.LeastDefect 0.0 $"{shape}"
                let value, _ = least 400 shape (squared valid sizes)
                Expect.isLessThan value residue $"{shape} on {sizes}"

            let few = ConvolutionOrthogonality.existence valid [ 4L ] [ 3L; 2L; 3L ]
            Expect.equal (few.Exists, few.LeastDefect) (false, 2.0) "8 columns, 6 rows"
            let rows = ConvolutionOrthogonality.existence valid [ 9L ] [ 2L; 3L; 3L ]
            Expect.equal (rows.Exists, rows.LeastDefect) (true, 0.0) "rows")

        testCase "a 'same' border has orthogonal kernels, which are zero but at the centre" (fun () ->
            use _ = torch.NewDisposeScope()

            for shape in [ [ 2L; 2L; 3L ]; [ 3L; 2L; 2L ] ] do
                let told = ConvolutionOrthogonality.existence same [ 5L ] shape
                Expect.isTrue told.Exists "exists"
                let centre = (shape[2] - 1L) / 2L
                let kernel = torch.zeros (List.toArray shape, dtype = Nullable torch.float64)

                kernel.select(2L, centre).copy_(Dense.frame 1 double shape[0] shape[1])
                |> ignore

                let map = Convolution.map same [ 5L ] kernel
                Expect.isLessThanOrEqual (Law.isometry 1 map) Bench.double.Head.Product "the centre alone"
                let value, found = least 800 shape (squared same [ 5L ])
                Expect.isLessThan value residue $"{shape} found"
                let aside = Dense.size found ** 2.0 - Dense.size (found.select (2L, centre)) ** 2.0
                // L <= 1e-3 at 5 outputs leaves each border output an energy within 0.03 of the others.
                Expect.isLessThan aside 0.1 $"{shape} energy beside the centre")

        testCase "a shift is orthogonal on a circle, not with zeros" (fun () ->
            use _ = torch.NewDisposeScope()

            let kernel =
                torch.tensor([| 1.0; 0.0; 0.0 |], dtype = Nullable torch.float64).reshape(1L, 1L, 3L)

            Expect.isLessThanOrEqual
                (Law.unitary 1 (Convolution.circular [ 5L ] kernel))
                Bench.double.Head.Product
                "circle"

            Expect.isGreaterThan (Law.isometry 1 (Convolution.map same [ 5L ] kernel)) 1e-3 "zeros")

        testCase "the reason is told" (fun () ->
            let told =
                ConvolutionOrthogonality.existence (plain.WithStride 4L) [ 8L; 8L ] [ 10L; 1L; 3L; 3L ]

            Expect.stringContains told.Reason "10" "rows"
            Expect.stringContains told.Reason "9" "inputs"

            let told =
                ConvolutionOrthogonality.existence (plain.WithStride 3L) [ 6L; 6L ] [ 20L; 2L; 2L; 2L ]

            Expect.stringContains told.Reason "8 of the 18" "inputs reached")

        testCase "what is not known, and bad input, is refused" (fun () ->
            let asked options sizes shape () =
                ConvolutionOrthogonality.existence options sizes shape |> ignore

            for name, body in
                [
                    "stride with zeros", asked (same.WithStride 2L) [ 4L ] [ 1L; 1L; 3L ]
                    "dilation with a valid border", asked (valid.WithDilation 2L) [ 9L ] [ 1L; 1L; 3L ]
                    "other padding", asked (plain.WithBorder(ConvolutionBorder.Padded 2L)) [ 9L ] [ 1L; 1L; 3L ]
                    "a matrix", asked plain [ 9L ] [ 1L; 3L ]
                    "an empty kernel", asked plain [ 9L ] [ 1L; 0L; 3L ]
                    "stride and size", asked (plain.WithStride 2L) [ 9L ] [ 1L; 1L; 3L ]
                    "groups", asked (plain.WithGroups 2L) [ 9L ] [ 1L; 1L; 3L ]
                ] do
                Refusal.expect name body)
    ]

let tests = testList "ConvolutionExistence" [ onCircles; yield! elsewhere ]
