module Ortho.Tests.Orthogonal.ConvolutionOrthogonalityTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.ConvolutionZoo
open TorchSharp

let private double = TensorKind.float64
let private plain = ConvolutionOptions.Default

/// On a circle of at least 2 k - 1 points along each axis, k being the kernel's reach, with 1 to 4 outputs and 1 or 2 inputs a group.
let private roomy axes (case: Case) =
    let walk = walk ConvolutionBorder.Circular axes case

    let options =
        { walk.Options with
            Dilation = if axes = 1 then walk.Options.Dilation else 1L
        }

    let random = Random(case.Seed + 1)

    let size k =
        let least = 2L * options.Dilation * (k - 1L) + 1L

        options.Stride
        * ((least + options.Stride - 1L) / options.Stride + int64 (random.Next 2))

    let taps = walk.Kernel[2..] |> List.map (fun k -> if axes = 1 then k else min k 3L)

    {
        Options = options
        Sizes = taps |> List.map size
        Kernel = options.Groups * int64 (1 + random.Next 4) :: walk.Kernel[1] :: taps
    }

let private outputs (walk: Walk) =
    walk.Sizes
    |> List.fold (fun product n -> product * float (n / walk.Options.Stride)) 1.0

let private scalar (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

let private laws (bench: Bench) =
    testList
        $"orthogonality of convolutions on {bench}"
        [
            for axes in [ 1; 2 ] do
                Property.check
                    Property.config
                    $"on {axes} axes |K K* - I|^2, or |K* K - I|^2, is L_orth times the number of outputs"
                    (fun case ->
                        let walk = roomy axes case
                        let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                        let penalty = scalar (ConvolutionOrthogonality.penalty walk.Options kernel)
                        let matrix = LinearMap.toMatrix (Convolution.map walk.Options walk.Sizes kernel)

                        let gram =
                            if matrix.size 0 <= matrix.size 1 then
                                matrix.matmul matrix.mH
                            else
                                matrix.mH.matmul matrix

                        let expected = Dense.size (gram - Dense.identity bench.Kind (gram.size 0)) ** 2.0

                        abs (outputs walk * penalty - expected) / (1.0 + expected)
                        |> Property.within bench.Product $"{walk}")

            Property.check Property.config "the spectral defect is within the paper's factor of L_orth" (fun case ->
                let walk = roomy 1 { case with Seed = case.Seed * 2 }

                let walk =
                    { walk with
                        Options =
                            { walk.Options with
                                Dilation = 1L
                                Groups = 1L
                            }
                    }

                let kernel = Seed.normal case.Seed bench.Kind walk.Kernel

                let m, c, k, s =
                    float kernel.shape[0], float kernel.shape[1], kernel.shape[2], walk.Options.Stride

                let penalty = scalar (ConvolutionOrthogonality.penalty walk.Options kernel)
                let defect = ConvolutionSpectrum.defect walk.Options walk.Sizes kernel
                let rows = m <= c * float s

                let alpha =
                    if rows then
                        m * float (2L * ((k - 1L) / s) + 1L)
                    else
                        c * float (2L * k - 1L)

                (defect.Spectral ** 2.0 <= alpha * penalty * (1.0 + bench.Iteration))
                |> Prop.label $"{defect.Spectral ** 2.0} > {alpha} * {penalty}, {walk}")

            testCase "one kernel's defect grows with the grid as L_orth says: N = 4, 8, 16" (fun () ->
                use _ = torch.NewDisposeScope()

                for m, c in [ 3L, 2L; 9L, 2L ] do
                    let options = plain.WithStride 2L
                    let kernel = Seed.normal 3 bench.Kind [ m; c; 3L; 3L ] * 0.2
                    let penalty = scalar (ConvolutionOrthogonality.penalty options kernel)

                    for n in [ 4L; 8L; 16L ] do
                        let defect = ConvolutionSpectrum.defect options [ 2L * n; 2L * n ] kernel
                        let expected = float (n * n) * penalty

                        Expect.isLessThanOrEqual
                            (abs (defect.Frobenius ** 2.0 / expected - 1.0))
                            bench.Product
                            $"{m} {n}")

            testCase
                "an orthonormal reshaped kernel is an orthogonal convolution only where windows do not overlap"
                (fun () ->
                    use _ = torch.NewDisposeScope()
                    let rows = (Dense.frame 4 bench.Kind 36L 8L).mH
                    let kernel = rows.reshape (8L, 4L, 3L, 3L)

                    let values stride =
                        ConvolutionSpectrum.singularValues (plain.WithStride stride) [ 9L; 9L ] kernel

                    let spread (values: torch.Tensor) =
                        scalar (values[0]) - scalar (values[-1L])

                    Expect.isLessThanOrEqual (spread (values 3L)) bench.Product "stride 3"
                    Expect.isGreaterThan (spread (values 1L)) 0.5 "stride 1"

                    Expect.isGreaterThan
                        (scalar (ConvolutionOrthogonality.penalty plain kernel))
                        0.5
                        "L_orth at stride 1"

                    let apart =
                        abs (scalar (ConvolutionOrthogonality.penalty (plain.WithStride 3L) kernel))

                    Expect.isLessThanOrEqual apart bench.Product "L_orth at stride 3")

            testCase "the penalty leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kernel = Seed.normal 8 bench.Kind [ 4L; 3L; 3L ]

                let options =
                    { plain with
                        Dilation = 2L
                        Groups = 2L
                    }

                let grown =
                    Dense.growthOfResults (fun () ->
                        ConvolutionOrthogonality.existence plain [ 6L ] kernel.shape |> ignore
                        [ ConvolutionOrthogonality.penalty options kernel ])

                Expect.equal grown 0L "live tensors")
        ]

let private gradients (bench: Bench) =
    Property.check Property.costly $"the gradient of L_orth is right on {bench}" (fun case ->
        let walk = roomy (1 + case.Seed % 2) case

        let draw shape =
            Seed.normal case.Seed bench.Kind shape * 0.3

        max
            (Law.gradient case.Seed (ConvolutionOrthogonality.penalty walk.Options) (draw walk.Kernel))
            (Law.gradient
                case.Seed
                (Dense.complexOf >> ConvolutionOrthogonality.penalty walk.Options)
                (draw (walk.Kernel @ [ 2L ])))
        |> Property.within Bench.gradient $"{walk}")

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
            use _ = torch.NewDisposeScope()
            let kernel = Seed.normal 1 double [ 4L; 2L; 3L ]

            let asked options sizes shape () =
                ConvolutionOrthogonality.existence options sizes shape |> ignore

            let penalty options kernel () =
                ConvolutionOrthogonality.penalty options kernel |> ignore

            for name, body in
                [
                    "stride with zeros", asked (same.WithStride 2L) [ 4L ] [ 1L; 1L; 3L ]
                    "dilation with a valid border", asked (valid.WithDilation 2L) [ 9L ] [ 1L; 1L; 3L ]
                    "other padding", asked (plain.WithBorder(ConvolutionBorder.Padded 2L)) [ 9L ] [ 1L; 1L; 3L ]
                    "a matrix", asked plain [ 9L ] [ 1L; 3L ]
                    "an empty kernel", asked plain [ 9L ] [ 1L; 0L; 3L ]
                    "stride and size", asked (plain.WithStride 2L) [ 9L ] [ 1L; 1L; 3L ]
                    "groups", asked (plain.WithGroups 2L) [ 9L ] [ 1L; 1L; 3L ]
                    "a matrix", penalty plain kernel[0L]
                    "groups", penalty (plain.WithGroups 3L) kernel
                    "stride", penalty (plain.WithStride 0L) kernel
                    "integers", penalty plain (kernel.``to`` torch.int64)
                ] do
                Refusal.expect name body)
    ]

let tests =
    testList
        "ConvolutionOrthogonality"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            onCircles
            yield! elsewhere
        ]
