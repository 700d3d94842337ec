module Ortho.Tests.WaveletTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private product = (Bench.double.Head).Product

let private names =
    [|
        for moments in 1..10 do
            Wavelet.daubechies moments
        for moments in 2..10 do
            Wavelet.symlet moments
    |]

let private drawn (case: Case) = names[case.Seed % names.Length]

let private biorthogonal (case: Case) =
    if case.Seed % 2 = 0 then
        Wavelet.biorthogonal53
    else
        Wavelet.biorthogonal97

/// A random tree of at most so many levels, by its leaves.
let private leaves (letters: string) (levels: int) (seed: int) =
    let random = Random seed

    let rec grow (path: string) =
        if path.Length < levels && (path = "" || random.Next 3 > 0) then
            letters |> Seq.collect (fun letter -> grow (path + string letter)) |> Seq.toList
        else
            [ path ]

    grow "" |> List.sortBy (fun _ -> random.Next())

let private matrixOf (rows: int) (columns: int) (entry: int -> int -> float) =
    torch
        .tensor(Array.init (rows * columns) (fun i -> entry (i / columns) (i % columns)))
        .reshape(int64 rows, int64 columns)

/// The level of an orthogonal wavelet as PyWavelets defines it (mode "periodization"), entry by entry.
let private periodic (wavelet: Wavelet) (n: int) =
    let taps row =
        Seq.toArray (if row < n / 2 then wavelet.LowPass else wavelet.HighPass)

    matrixOf n n (fun row column ->
        let filter = taps row
        let first = 2 * (row % (n / 2)) + 1 - filter.Length / 2

        filter
        |> Seq.mapi (fun m tap -> if ((first + m - column) % n + n) % n = 0 then tap else 0.0)
        |> Seq.sum)

/// The place inside 0 .. n - 1 whose mirror image at the end entries a place is.
let rec private mirrored (n: int) (place: int) =
    if place < 0 then mirrored n -place
    elif place >= n then mirrored n (2 * (n - 1) - place)
    else place

/// The level of a biorthogonal wavelet on a mirrored row, by its taps and not by lifting, entry by entry.
let private symmetric (wavelet: Wavelet) (n: int) =
    let lows = (n + 1) / 2

    matrixOf n n (fun row column ->
        let filter = Seq.toArray (if row < lows then wavelet.LowPass else wavelet.HighPass)
        let middle = if row < lows then 2 * row else 2 * (row - lows) + 1

        filter
        |> Seq.mapi (fun m tap ->
            if mirrored n (middle + m - filter.Length / 2) = column then
                tap
            else
                0.0)
        |> Seq.sum)

let private law name residual =
    Property.check Property.config name (fun case -> residual case |> Property.within product name)

let tests =
    testList
        "wavelets"
        [
            law "an orthogonal level is PyWavelets' sum, for every even length" (fun case ->
                let n = 2 * case.Size
                let map = (WaveletTransform.level (drawn case) (Space.Of(int64 n))).Analyze
                Law.distance (LinearMap.toMatrix map) (periodic (drawn case) n))

            law "a biorthogonal level with mirrored ends is the sum of its taps, for every length" (fun case ->
                let n = case.Size + case.Second
                let wavelet = Wavelet.symmetric (biorthogonal case)
                let map = (WaveletTransform.level wavelet (Space.Of(int64 n))).Analyze
                Law.distance (LinearMap.toMatrix map) (symmetric wavelet n))

            law "every tree of an orthogonal wavelet gives an orthonormal basis" (fun case ->
                let space = Space.Of(int64 (8 * case.Size))

                let transform =
                    WaveletTransform.packetBasis (leaves "ad" 3 case.Seed) (drawn case) space

                [
                    Law.orthogonality (LinearMap.toMatrix transform.Analyze)
                    Law.unitary case.Seed transform.Analyze
                    Law.inverse case.Seed transform.Analyze transform.Synthesize
                ]
                |> List.reduce max)

            law "every tree of a biorthogonal wavelet is undone, for every length" (fun case ->
                let wavelet = biorthogonal case

                let transform =
                    if case.Seed % 3 = 0 then
                        WaveletTransform.packetBasis
                            (leaves "ad" 3 case.Seed)
                            wavelet
                            (Space.Of(int64 (8 * case.Size)))
                    else
                        WaveletTransform.packetBasis
                            (leaves "ad" 2 case.Seed)
                            (Wavelet.symmetric wavelet)
                            (Space.Of(int64 (case.Size + 3)))

                max
                    (Law.inverse case.Seed transform.Analyze transform.Synthesize)
                    (Law.inverse case.Seed transform.Synthesize transform.Analyze))

            law "every tree of pictures is undone" (fun case ->
                let isPeriodic = case.Seed % 2 = 0

                let wavelet =
                    if isPeriodic then
                        drawn case
                    else
                        Wavelet.symmetric (biorthogonal case)

                let space =
                    if isPeriodic then
                        Space.ofShape [ int64 (4 * case.Size); int64 (4 * case.Second) ]
                    else
                        Space.ofShape [ int64 (case.Size + 3); int64 (case.Second + 3) ]

                let transform =
                    WaveletTransform.packetBasis (leaves "ahvd" 2 case.Seed) wavelet space

                max
                    (Law.inverse case.Seed transform.Analyze transform.Synthesize)
                    (Law.promises case.Seed transform.Analyze))

            law "a decimated transform is a level, and a decimated transform of its approximations" (fun case ->
                let n = 8L * int64 case.Size
                let wavelet = if case.Second = 1 then biorthogonal case else drawn case
                let space = Space.Of n
                let first = (WaveletTransform.level wavelet space).Analyze
                let rest = (WaveletTransform.decimated 2 wavelet (Space.Of(n / 2L))).Analyze
                let step = rest .+. LinearMap.identity (Space.Of(n / 2L))
                Law.equality case.Seed (WaveletTransform.decimated 3 wavelet space).Analyze (step * first))

            law "full packets are levels of all parts, side by side" (fun case ->
                let n = 4L * int64 case.Size
                let wavelet = drawn case
                let part = (WaveletTransform.level wavelet (Space.Of(n / 2L))).Analyze
                let first = (WaveletTransform.level wavelet (Space.Of n)).Analyze

                Law.equality
                    case.Seed
                    (WaveletTransform.packets 2 wavelet (Space.Of n)).Analyze
                    ((part .+. part) * first))

            law "full packets of pictures are the tensor product of those of rows" (fun case ->
                let rows, columns = Space.Of(4L * int64 case.Size), Space.Of(4L * int64 case.Second)
                let wavelet = drawn case

                let along space =
                    (WaveletTransform.packets 2 wavelet space).Analyze

                Law.equality
                    case.Seed
                    (WaveletTransform.packets 2 wavelet (rows.Tensor columns)).Analyze
                    (along rows .*. along columns))

            law "a decimated transform of a picture splits its upper left corner" (fun case ->
                use _ = torch.NewDisposeScope()
                let h, w = 4L * int64 case.Size, 4L * int64 case.Second
                let wavelet = drawn case
                let space = Space.ofShape [ h; w ]
                let corner = Space.ofShape [ h / 2L; w / 2L ]
                let x = Seed.normal case.Seed TensorKind.float64 [ 2L; h; w ]
                let once = (WaveletTransform.level wavelet space).Analyze.Apply x
                let twice = (WaveletTransform.decimated 2 wavelet space).Analyze.Apply x
                let expected = once.clone ()
                let upper = once.narrow(1L, 0L, h / 2L).narrow(2L, 0L, w / 2L)

                expected
                    .narrow(1L, 0L, h / 2L)
                    .narrow(2L, 0L, w / 2L)
                    .copy_((WaveletTransform.level wavelet corner).Analyze.Apply upper)
                |> ignore

                Law.distance twice expected)

            testList
                "the kernel is the plain form"
                [
                    for bench in Bench.all do
                        Property.check Property.config $"on {bench}" (fun case ->
                            let n = int64 (8 * case.Size * (if case.Second > 4 then 9 else 1))
                            let space = Space.Of n
                            let wavelet = drawn case
                            let paths = leaves "ad" 3 case.Seed
                            let transform = WaveletTransform.packetBasis paths wavelet space
                            let bank = WaveletBank.ofWavelet wavelet
                            let splits, _ = WaveletTree.ofLeaves paths space
                            let x = case.Draw bench space

                            max
                                (Law.distance
                                    (transform.Analyze.Apply x)
                                    (WaveletTransform.plain bank.Analyze splits x))
                                (Law.distance
                                    (transform.Synthesize.Apply x)
                                    (WaveletTransform.plain bank.Synthesize (Array.rev splits) x))
                            |> Property.within bench.Product "kernel")
                ]

            testCase "the kernel is the same for any number of threads" (fun () ->
                use _ = torch.NewDisposeScope()

                let map =
                    (WaveletTransform.decimated 6 (Wavelet.daubechies 4) (Space.Of 4096L)).Analyze

                let x = Seed.normal 1 TensorKind.float64 [ 65L; 4096L ]
                let one = map.Apply x
                let back = map.Adjoint.Apply one

                try
                    torch.set_num_threads 3
                    Expect.equal (Law.distance (map.Apply x) one) 0.0 "analysis"
                    Expect.equal (Law.distance (map.Adjoint.Apply one) back) 0.0 "synthesis"
                finally
                    torch.set_num_threads 1

                Expect.isLessThan (Law.distance back x) 1e-14 "there and back")

            law "details of polynomials below the vanishing moments are zero away from the ends" (fun case ->
                use _ = torch.NewDisposeScope()
                let n = 64

                let wavelet, start, count =
                    if case.Second <= 2 then
                        Wavelet.symmetric (biorthogonal case), 3L, 26L
                    else
                        let wavelet = drawn case
                        wavelet, int64 wavelet.VanishingMoments, int64 (32 - 2 * wavelet.VanishingMoments)

                let random = Random case.Seed

                let coefficients =
                    Array.init wavelet.VanishingMoments (fun _ -> random.NextDouble() - 0.5)

                let x =
                    torch.tensor (
                        Array.init n (fun i ->
                            coefficients
                            |> Seq.mapi (fun p c -> c * Math.Pow(float i / float n, float p))
                            |> Seq.sum)
                    )

                let transform = WaveletTransform.level wavelet (Space.Of(int64 n))
                let details = WaveletTransform.part "d" transform (transform.Analyze.Apply x)
                (details.narrow(0L, start, count).abs().max()).item<float>())

            testCase "PyWavelets' example: db2 of eight numbers" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = torch.tensor [| 1.0; 2.0; 1.0; 5.0; -1.0; 8.0; 4.0; 6.0 |]
                let transform = WaveletTransform.level (Wavelet.daubechies 2) (Space.Of 8L)
                let y = transform.Analyze.Apply x

                let expect path (expected: float[]) =
                    let distance =
                        (transform.Part(path, y)).sub(torch.tensor expected).abs().max().item<float>()

                    Expect.isLessThan distance 1e-7 path

                expect "a" [| 4.053172; 3.05257099; 2.85381112; 8.42522221 |]
                expect "d" [| 0.18946869; 4.18258152; 4.33737503; 2.60428326 |])

            testCase "5/3 by hand, with an odd number of entries" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = torch.tensor [| 1.0; 4.0; 3.0; 0.0; 7.0 |]

                let map =
                    (WaveletTransform.level (Wavelet.symmetric Wavelet.biorthogonal53) (Space.Of 5L)).Analyze
                // d = 4 - (1 + 3)/2 = 2, 0 - (3 + 7)/2 = -5; s = 1 + (2 + 2)/4, 3 + (2 - 5)/4, 7 + (-5 - 5)/4.
                let r = sqrt 2.0
                let expected = torch.tensor [| 2.0 * r; 2.25 * r; 4.5 * r; 2.0 / r; -5.0 / r |]
                Expect.isLessThan (Law.distance (map.Apply x) expected) 1e-15 "coefficients")

            testCase "subbands cover the space once, and say where their parts lie" (fun () ->
                use _ = torch.NewDisposeScope()

                let paths (transform: WaveletTransform) =
                    [ for subband in transform.Subbands -> subband.Path ]

                let row = WaveletTransform.decimated 3 Wavelet.haar (Space.Of 16L)
                Expect.equal (paths row) [ "aaa"; "aad"; "ad"; "d" ] "a row: coarse to fine"

                Expect.equal
                    [ for s in row.Subbands -> s.Start[0], s.Shape[0] ]
                    [ 0L, 2L; 2L, 2L; 4L, 4L; 8L, 8L ]
                    "places"

                let picture = WaveletTransform.decimated 2 Wavelet.haar (Space.ofShape [ 4L; 8L ])
                Expect.equal (paths picture) [ "aa"; "av"; "ah"; "ad"; "v"; "h"; "d" ] "a picture"

                for transform in
                    [
                        picture
                        WaveletTransform.packets
                            2
                            (Wavelet.symmetric Wavelet.biorthogonal53)
                            (Space.ofShape [ 5L; 7L ])
                    ] do
                    let covered = torch.zeros (transform.Analyze.Codomain.Axes, dtype = torch.float64)

                    for subband in transform.Subbands do
                        (transform.Part(subband.Path, covered)).add_(1.0.ToScalar()) |> ignore

                    Expect.isTrue ((covered.eq (1.0.ToScalar())).all().item<bool>()) "once each"

                // Stripes along the columns change from row to row: h, detail down the columns.
                let stripes =
                    torch.tensor([| 1.0; -1.0; 1.0; -1.0 |]).reshape(4L, 1L).expand(4L, 8L)

                let level = WaveletTransform.level Wavelet.haar (Space.ofShape [ 4L; 8L ])
                let y = level.Analyze.Apply stripes
                Expect.equal ((level.Part("h", y)).min().item<float>()) (2.0 * sqrt 0.5 * sqrt 0.5 * 2.0) "h"
                Expect.equal ((level.Part("v", y)).abs().max().item<float>()) 0.0 "v")

            testCase "no levels leave the signal as it is, and levels are counted" (fun () ->
                Expect.equal
                    (string (WaveletTransform.decimated 0 Wavelet.haar (Space.Of 5L)).Analyze)
                    "I[5]"
                    "identity"

                Expect.equal (WaveletTransform.maxLevels Wavelet.haar (Space.Of 24L)) 3 "24 = 8 x 3"
                Expect.equal (WaveletTransform.maxLevels Wavelet.haar (Space.ofShape [ 24L; 6L ])) 1 "the worse axis"

                Expect.equal
                    (WaveletTransform.maxLevels (Wavelet.symmetric Wavelet.biorthogonal53) (Space.Of 5L))
                    3
                    "5, 3, 2, 1")

            testCase "the gradient of the gradient is there" (fun () ->
                use _ = torch.NewDisposeScope()

                let map =
                    (WaveletTransform.decimated 2 (Wavelet.daubechies 3) (Space.Of 16L)).Analyze

                let x = (Seed.normal 1 TensorKind.float64 [ 16L ]).requires_grad_ true
                let energy = (map.Apply x).pow(3.0.ToScalar()).sum()

                let first =
                    (torch.autograd.grad ([| energy |], [| x |], create_graph = true, retain_graph = true))[0]

                let direction = Seed.normal 2 TensorKind.float64 [ 16L ]
                (first.mul direction).sum().backward()

                let expected =
                    multiply 6.0 (map.Adjoint.Apply((map.Apply x).mul(map.Apply direction)))

                Expect.isLessThan (Law.distance x.grad expected) 1e-13 "second derivative")

            testCase "bad input is refused" (fun () ->
                let row n = Space.Of(int64 n)
                Refusal.expect "odd" (fun () -> WaveletTransform.level Wavelet.haar (row 7) |> ignore)
                Refusal.expect "levels" (fun () -> WaveletTransform.decimated 3 Wavelet.haar (row 12) |> ignore)
                Refusal.expect "levels" (fun () -> WaveletTransform.packets -1 Wavelet.haar (row 12) |> ignore)

                Refusal.expect "one entry" (fun () ->
                    WaveletTransform.level (Wavelet.symmetric Wavelet.biorthogonal53) (row 1)
                    |> ignore)

                Refusal.expect "axes" (fun () ->
                    WaveletTransform.level Wavelet.haar (Space.ofShape [ 2L; 2L; 2L ]) |> ignore)

                for bad in
                    [
                        []
                        [ "a" ]
                        [ "a"; "d"; "d" ]
                        [ "a"; "aa"; "ad"; "d" ]
                        [ "a"; "x" ]
                        [ "a"; null ]
                    ] do
                    Refusal.expect $"leaves {bad}" (fun () ->
                        WaveletTransform.packetBasis bad Wavelet.haar (row 8) |> ignore)

                Refusal.expect "sizes" (fun () ->
                    WaveletTransform.packetBasis [ "a"; "da"; "dd" ] Wavelet.haar (row 6) |> ignore)

                use _ = torch.NewDisposeScope()
                let transform = WaveletTransform.level Wavelet.haar (row 8)
                Refusal.expect "path" (fun () -> transform.Part("aa", torch.zeros 8L) |> ignore)
                Refusal.expect "shape" (fun () -> transform.Part("a", torch.zeros 9L) |> ignore)
                Refusal.expect "axes" (fun () -> transform.Part("a", torch.zeros [||]) |> ignore))
        ]
