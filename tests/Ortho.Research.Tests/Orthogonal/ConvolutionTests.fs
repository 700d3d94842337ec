module Ortho.Tests.Orthogonal.ConvolutionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.ConvolutionZoo
open TorchSharp

/// Every index below the sizes, the last axis fastest.
let rec private indices (sizes: int64 list) =
    match sizes with
    | [] -> [ [] ]
    | n :: rest ->
        [
            for i in 0L .. n - 1L do
                for others in indices rest -> i :: others
        ]

let rec private flat (sizes: int64 list) (index: int64 list) =
    List.fold2 (fun place n i -> place * n + i) 0L sizes index

/// Output sizes and the dense matrix, by a loop over every output, tap and channel, from the definition alone.
let private oracle (walk: Walk) (kernel: torch.Tensor) =
    let { Options = options; Sizes = sizes } = walk
    let out, inPerGroup = kernel.shape[0], kernel.shape[1]
    let taps = List.ofArray kernel.shape[2..]
    let reach k = options.Dilation * (k - 1L)

    let before k =
        match options.Border with
        | ConvolutionBorder.Circular
        | ConvolutionBorder.Same -> reach k / 2L
        | ConvolutionBorder.Valid -> 0L
        | ConvolutionBorder.Padded padding -> padding

    let outputs =
        List.map2
            (fun n k ->
                // Positions of the window, one stride apart, as long as it stays inside the padded grid.
                let length =
                    match options.Border with
                    | ConvolutionBorder.Circular
                    | ConvolutionBorder.Same -> n + reach k
                    | _ -> n + 2L * before k

                Seq.initInfinite (fun i -> options.Stride * int64 i)
                |> Seq.takeWhile (fun start -> start + reach k < length)
                |> Seq.length
                |> int64)
            sizes
            taps

    let channels = inPerGroup * options.Groups
    let domain, codomain = channels :: sizes, out :: outputs
    let size shape = List.fold (*) 1L shape

    let matrix =
        torch.zeros ([| size codomain; size domain |], dtype = Nullable kernel.dtype)

    for o in 0L .. out - 1L do
        let group = o / (out / options.Groups)

        for i in indices outputs do
            for c in 0L .. inPerGroup - 1L do
                for t in indices taps do
                    let place =
                        List.map3 (fun i t k -> options.Stride * i + options.Dilation * t - before k) i t taps

                    let inside = List.forall2 (fun j n -> j >= 0L && j < n) place sizes

                    if inside || options.Border.IsCircular then
                        let wrapped = List.map2 (fun j n -> ((j % n) + n) % n) place sizes

                        let row, column =
                            flat codomain (o :: i), flat domain (group * inPerGroup + c :: wrapped)

                        let weight = kernel.reshape(-1L).[flat (out :: inPerGroup :: taps) (o :: c :: t)]
                        matrix[row, column].add_ weight |> ignore

    domain, codomain, matrix

let private laws (bench: Bench) =
    testList
        $"convolution on {bench}"
        [
            for border in borders do
                for axes in [ 1; 2 ] do
                    let config = { Property.config with maxTest = 40 }

                    Property.check
                        config
                        $"{border} on {axes} axes is its dense matrix by the definition, and so is its adjoint"
                        (fun case ->
                            let walk = walk border axes case
                            let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                            let map = Convolution.map walk.Options walk.Sizes kernel
                            let domain, codomain, matrix = oracle walk kernel

                            (if List.ofSeq map.Domain.Shape = domain && List.ofSeq map.Codomain.Shape = codomain then
                                 max
                                     (Dense.apart (LinearMap.toMatrix map) matrix)
                                     (Dense.apart (LinearMap.toMatrix map.Adjoint) matrix.mH)
                             else
                                 infinity)
                            |> Property.within bench.Product $"{walk}")
        ]

/// Examples of other programs and of the hand.
let private examples (bench: Bench) =
    testList
        $"convolution by others on {bench}"
        [
            testCase "of a unit pulse is the kernel, turned round, with its centre at the pulse" (fun () ->
                use _ = torch.NewDisposeScope()

                let kernel =
                    torch.tensor([| 1.0; 2.0; 3.0 |]).``to``(bench.Kind.Dtype).reshape(1L, 1L, 3L)

                let pulse =
                    torch.tensor([| 1.0; 0.0; 0.0; 0.0 |]).``to``(bench.Kind.Dtype).reshape(1L, 4L)

                for border, expected in
                    [
                        ConvolutionBorder.Circular, [| 2.0; 1.0; 0.0; 3.0 |]
                        ConvolutionBorder.Same, [| 2.0; 1.0; 0.0; 0.0 |]
                        ConvolutionBorder.Valid, [| 1.0; 0.0 |]
                        ConvolutionBorder.Padded 2L, [| 3.0; 2.0; 1.0; 0.0; 0.0; 0.0 |]
                    ] do
                    let map =
                        Convolution.map (ConvolutionOptions.Default.WithBorder border) [ 4L ] kernel

                    let y = map.Apply(pulse).``to``(torch.float64).data<float>().ToArray()
                    Expect.equal y expected $"{border}")

            testCase "is torch's, for 3 x 5 and even kernels on a plane that is not square" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 bench.Kind [ 2L; 4L; 7L; 8L ]

                for k1, k2 in [ 3L, 5L; 5L, 3L; 1L, 3L; 2L, 4L ] do
                    let kernel = Seed.normal 2 bench.Kind [ 6L; 4L; k1; k2 ]
                    let circular = Convolution.circular [ 7L; 8L ] kernel

                    use module' =
                        torch.nn.Conv2d(
                            4L,
                            6L,
                            struct (k1, k2),
                            padding = struct (k1 / 2L, k2 / 2L),
                            padding_mode = PaddingModes.Circular,
                            bias = false,
                            dtype = Nullable bench.Kind.Dtype
                        )

                    module'.weight <- new Modules.Parameter(kernel.clone (), false)
                    let name = $"{k1} x {k2}"

                    if k1 % 2L = 1L then
                        Expect.isLessThanOrEqual
                            (Law.distance (circular.Apply x) (module'.forward x))
                            bench.Product
                            name

                    let same =
                        Convolution.map
                            (ConvolutionOptions.Default.WithBorder ConvolutionBorder.Same)
                            [ 7L; 8L ]
                            kernel

                    let expected =
                        torch.nn.functional.conv2d_padding (x, kernel, padding = Padding.Same)

                    Expect.isLessThanOrEqual (Law.distance (same.Apply x) expected) bench.Product name)

            testCase "trains a kernel to a target through a learned map" (fun () ->
                use _ = torch.NewDisposeScope()
                let target = Convolution.circular [ 6L ] (Seed.normal 5 bench.Kind [ 2L; 2L; 3L ])
                let parameter = Parameter.zeros [ 2L; 2L; 3L ] |> Parameter.on bench.Kind

                use learned =
                    Learn.map "convolve" [ parameter ] (fun p -> Convolution.circular [ 6L ] p[0])

                use optimizer = torch.optim.Adam(learned.parameters (), lr = 0.1)
                let x = Seed.normal 6 bench.Kind [ 16L; 2L; 6L ]
                let y = target.Apply x

                let loss () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let loss = (learned.forward x - y).square().mean()
                    loss.backward ()
                    optimizer.step () |> ignore
                    loss.``to``(torch.float64).item<float>()

                let losses = Array.init 200 (fun _ -> loss ())
                Expect.isLessThan losses[199] (1e-4 * losses[0]) "loss")

            testCase "leaves no tensor behind when applied outside of any inner scope" (fun () ->
                use _ = torch.NewDisposeScope()

                for border in borders do
                    for size in [ 1L; 6L ] do
                        let options =
                            {
                                Border = border
                                Stride = 1L
                                Dilation = 1L
                                Groups = 2L
                            }

                        if border.IsCircular || border.IsSame || size > 4L then
                            let map = Convolution.map options [ size ] (Seed.normal 1 bench.Kind [ 4L; 2L; 4L ])
                            let x = Seed.normal 2 bench.Kind (Seq.append [ 3L ] map.Domain.Shape)
                            let y = Seed.normal 3 bench.Kind (Seq.append [ 3L ] map.Codomain.Shape)

                            let grown = Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply y ])

                            Expect.equal grown 0L $"{border} {size}")
        ]

let private refusals =
    testCase "bad input is refused: options, sizes, kernel" (fun () ->
        use _ = torch.NewDisposeScope()
        let kernel = Seed.normal 1 TensorKind.float64 [ 4L; 2L; 3L ]
        let plain = ConvolutionOptions.Default
        let valid = plain.WithBorder ConvolutionBorder.Valid

        let map options sizes kernel () =
            Convolution.map options sizes kernel |> ignore

        for name, body in
            [
                "stride 0", map (plain.WithStride 0L) [ 4L ] kernel
                "dilation 0", map (plain.WithDilation 0L) [ 4L ] kernel
                "groups 0", map (plain.WithGroups 0L) [ 4L ] kernel
                "3 groups of 4", map (plain.WithGroups 3L) [ 4L ] kernel
                "negative padding", map (plain.WithBorder(ConvolutionBorder.Padded -1L)) [ 4L ] kernel
                "two sizes for a line", map plain [ 4L; 4L ] kernel
                "size 0", map plain [ 0L ] kernel
                "a matrix", map plain [ 4L ] kernel[0L]
                "integers", map plain [ 4L ] (kernel.``to`` torch.int64)
                "empty", map plain [ 4L ] (kernel.narrow (2L, 0L, 0L))
                "null", map plain [ 4L ] null
                "no window", map valid [ 2L ] kernel
                "no dilated window", map (valid.WithDilation 2L) [ 4L ] kernel
            ] do
            Refusal.expect name body

        let refusal =
            try
                map (plain.WithStride 3L) [ 6L; 8L ] (kernel.unsqueeze 3L) ()
                ""
            with :? ArgumentException as error ->
                error.Message

        Expect.stringContains refusal "multiples of the stride 3 on a circle" "the reason"
        Expect.stringContains refusal "8" "the size"
        let same = plain.WithBorder(ConvolutionBorder.Same).WithStride 3L
        Expect.equal (Convolution.map same [ 8L ] kernel).Codomain (Space.Of(4L, 3L)) "no such need with zeros")

let tests =
    testList
        "Convolution"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map examples
            refusals
        ]
