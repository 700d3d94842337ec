module Ortho.Tests.Orthogonal.BlockConvolutionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.OrthogonalConvolutionZoo
open TorchSharp

let private axes (case: Case) = 1 + case.Seed % 2

let private draw (bench: Bench) (case: Case) part (shape: int64 list) =
    Seed.normal (Seed.derive case.Seed part) bench.Kind shape

/// Sizes of taps, 1 to 3.
let private taps (case: Case) part =
    List.init (axes case) (fun axis -> 1L + int64 (Seed.derive case.Seed (part + axis)) % 3L)

/// K[n] = sum over a + b = n of second[a] first[b], tap by tap.
let private composed (second: torch.Tensor) (first: torch.Tensor) =
    let plane (kernel: torch.Tensor) =
        if kernel.ndim = 3L then kernel.unsqueeze 2L else kernel

    let s, f = plane second, plane first

    let k =
        torch.zeros (
            [|
                s.shape[0]
                f.shape[1]
                s.shape[2] + f.shape[2] - 1L
                s.shape[3] + f.shape[3] - 1L
            |],
            dtype = Nullable s.dtype,
            device = s.device
        )

    let at (kernel: torch.Tensor) i j = kernel.select(3L, j).select(2L, i)

    for a in 0L .. s.shape[2] - 1L do
        for a' in 0L .. s.shape[3] - 1L do
            for b in 0L .. f.shape[2] - 1L do
                for b' in 0L .. f.shape[3] - 1L do
                    (at k (a + b) (a' + b')).add_((at s a a').matmul(at f b b')) |> ignore

    if second.ndim = 3L then k.squeeze 2L else k

let private blockParameters (bench: Bench) (case: Case) =
    let plan = plan (axes case) case
    let p = blockShapes plan |> List.mapi (draw bench case) |> List.toArray
    plan, p

let private block (plan: Plan) (p: torch.Tensor[]) =
    BlockConvolution.map plan.Image plan.Taps (frame plan p[0]) (BlockConvolution.projections p[1])

/// The furthest singular value from 1.
let spread (map: LinearMap) =
    Dense.singularValues (LinearMap.toMatrix map)
    |> Array.map (fun s -> abs (s - 1.0))
    |> Array.reduce max

/// Numbers after 25 steps of Adam towards a random target.
let trained (steps: int) (parameters: torch.Tensor[]) (build: torch.Tensor[] -> LinearMap) =
    let learned =
        new LearnedMap("trained", parameters |> Array.map Parameter.ofTensor, fun p -> build (Seq.toArray p))

    let optimizer = torch.optim.Adam(learned.parameters (), lr = 0.05)
    let kind = TensorKind.ofTensor parameters[0]
    let x = Seed.normal 11 kind (Seq.append [ 4L ] learned.Domain.Shape)
    let target = Seed.normal 12 kind (Seq.append [ 4L ] learned.Codomain.Shape)

    let loss () =
        (learned.forward x - target).square().mean()

    let before = (loss ()).ToDouble()

    for _ in 1..steps do
        use _ = torch.NewDisposeScope()
        optimizer.zero_grad ()
        (loss ()).backward()
        optimizer.step () |> ignore

    Expect.isLessThan ((loss ()).ToDouble()) before "training does something"
    learned.Realize()

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"block convolution on {bench}"
        [
            check "composes kernels tap by tap" (fun case ->
                let second =
                    draw bench case 1 (int64 case.Second :: 2L + int64 case.Seed % 2L :: taps case 10)

                let first = draw bench case 2 (second.shape[1] :: int64 case.Size :: taps case 20)

                Law.distance (BlockConvolution.compose second first) (composed second first)
                |> Property.within bench.Product "distance")

            Property.check
                Property.costly
                "of kernels is the product of convolutions, the second with a stride too"
                (fun case ->
                    // Odd numbers of taps: the centre of the whole is the sum of the centres.
                    let odd part =
                        taps case part |> List.map (fun k -> 2L * (k % 2L) + 1L)

                    let stride = 1L + int64 case.Seed % 2L
                    let image = List.init (axes case) (fun axis -> stride * (2L + int64 axis))
                    let second = draw bench case 1 (3L :: 2L :: odd 10)
                    let first = draw bench case 2 (2L :: 3L :: odd 20)
                    let strided = Convolution.map (ConvolutionOptions.Default.WithStride stride) image

                    Law.equality
                        case.Seed
                        (strided (BlockConvolution.compose second first))
                        (strided second * Convolution.circular image first)
                    |> Property.within bench.Product "distance")

            check "makes the orthogonal projection on the graph of a matrix" (fun case ->
                let b =
                    Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Second; int64 case.Size ])

                let p = BlockConvolution.projections b
                let unit = Dense.identity bench.Kind (int64 case.Size)

                let graph =
                    torch.cat ([| unit.expand (Array.append b.shape[.. b.shape.Length - 3] unit.shape); b |], -2L)

                // The rank is the trace.
                let trace = p.diagonal(0L, -2L, -1L).sum(-1L)
                let rank = torch.full_like (trace, float case.Size)

                [
                    Law.distance (p.matmul p) p
                    Law.distance p.mH p
                    Law.distance (p.matmul graph) graph
                    Law.distance trace rank
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "by a tree is the same as one after the other, from either end" (fun case ->
                let axes = axes case

                let sizes =
                    List.init axes (fun axis -> 1L + (int64 case.Second + int64 axis * 2L) % 4L)

                let counts = sizes |> List.map (fun k -> k - 1L)
                let p = BlockConvolution.projections (draw bench case 1 [ List.sum counts; 2L; 1L ])
                let identity = Dense.identity bench.Kind 3L

                let factor axis (i: int64) =
                    let q = p.select (0L, (if axis = 0 then i else counts[0] + i))
                    let kernel = torch.stack ([| q; identity - q |], -1L)

                    if axes = 1 then
                        kernel
                    else
                        kernel.unsqueeze (if axis = 0 then -1L else -2L)

                let one = identity.reshape (Array.append [| 3L; 3L |] (Array.create axes 1L))

                // The first axis, then the second, in turn.
                let factors =
                    [
                        one
                        for i in 0L .. List.reduce max counts - 1L do
                            for axis in 0 .. axes - 1 do
                                if i < counts[axis] then
                                    factor axis i
                    ]

                let whole = BlockConvolution.ofProjections sizes p

                max
                    (Law.distance whole (List.reduce BlockConvolution.compose factors))
                    (Law.distance whole (List.reduceBack BlockConvolution.compose factors))
                |> fun distance ->
                    if Seq.toList whole.shape = 3L :: 3L :: sizes then
                        distance
                    else
                        infinity
                |> Property.within bench.Product "distance")

            check "has all singular values 1, for every shape of image, kernel, stride and channels" (fun case ->
                let plan, p = blockParameters bench case
                spread (block plan p) |> Property.within bench.Iteration "distance from 1")

            check "promises what its channels allow" (fun case ->
                let plan, p = blockParameters bench case
                let map = block plan p
                let rows, columns = plan.Out, plan.In * List.fold (*) 1L plan.Patch

                (map.Promises Traits.Isometry = (rows >= columns)
                 && map.Promises Traits.Coisometry = (rows <= columns)
                 && map.Domain = Space.ofShape (plan.In :: plan.Image)
                 && map.Codomain = Space.ofShape (plan.Out :: (plan.Image |> List.map (fun n -> n / plan.Stride))))
                |> Prop.label "traits or spaces")

            testCase "shifts the channels outside of a projection" (fun () ->
                use _ = torch.NewDisposeScope()
                // Graph of 0: the first of two channels.
                let p =
                    BlockConvolution.projections (
                        torch.zeros ([| 1L; 1L; 1L |], dtype = bench.Kind.Dtype, device = bench.Kind.Device)
                    )

                let kernel = BlockConvolution.ofProjections [ 2L ] p
                let x = Seed.normal 1 bench.Kind [ 2L; 5L ]
                let y = (Convolution.circular [ 5L ] kernel).Apply x
                let expected = torch.stack ([| x[0L]; x[1L].roll -1L |], 0L)
                Expect.isLessThanOrEqual (Law.distance y expected) bench.Product "the second moves by one")

            testCase "of groups are joined along the output channels" (fun () ->
                use _ = torch.NewDisposeScope()

                let one seed =
                    BlockConvolution.ofProjections
                        [ 2L; 3L ]
                        (BlockConvolution.projections (Seed.normal seed bench.Kind [ 3L; 1L; 2L ]))

                let kernels = torch.cat ([| one 1; one 2 |], 0L)

                let map =
                    Convolution.map (ConvolutionOptions.Default.WithGroups 2L) [ 3L; 4L ] kernels

                Expect.isLessThanOrEqual (spread map) bench.Iteration "unitary"
                let x = Seed.normal 3 bench.Kind [ 6L; 3L; 4L ]
                let second = (Convolution.circular [ 3L; 4L ] (one 2)).Apply(x.narrow (0L, 3L, 3L))

                Expect.isLessThanOrEqual
                    (Law.distance ((map.Apply x).narrow(0L, 3L, 3L)) second)
                    bench.Product
                    "each its own")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let graphs = Seed.normal 1 bench.Kind [ 4L; 2L; 1L ]
                let frame = Dense.frame 2 bench.Kind 4L 3L
                let frame = frame.reshape [| 4L; 3L; 1L; 1L |]
                let p = BlockConvolution.projections (Seed.normal 1 bench.Kind [ 4L; 2L; 2L ])
                let image, sizes = [ 4L; 4L ], [ 3L; 3L ]

                let grown =
                    Dense.growthOfResults (fun () ->
                        let q = BlockConvolution.projections graphs
                        let kernel = BlockConvolution.ofProjections sizes q

                        [
                            q
                            kernel
                            BlockConvolution.compose kernel kernel
                            BlockConvolution.kernel sizes frame p
                        ])

                Expect.equal grown 0L "of kernels"

                Dense.growth (fun () ->
                    let map = BlockConvolution.map image sizes frame p
                    map.Adjoint.Apply(map.Apply(Seed.normal 3 bench.Kind [ 3L; 4L; 4L ])) |> ignore)
                |> fun grown -> Expect.equal grown 0L "of maps")
        ]

let private trainingLaws (bench: Bench) =
    testList
        $"block convolution in training on {bench}"
        [
            for stride, outputs, inputs in [ 1L, 4L, 4L; 1L, 6L, 4L; 1L, 4L, 6L; 2L, 4L, 3L; 2L, 12L, 3L; 2L, 16L, 3L ] do
                testCase $"{inputs} to {outputs} channels at stride {stride} stays orthogonal for 25 steps" (fun () ->
                    use _ = torch.NewDisposeScope()

                    let plan =
                        {
                            Out = outputs
                            In = inputs
                            Stride = stride
                            Image = [ 4L; 6L ]
                            Taps = [ 3L; 4L ]
                        }

                    let p =
                        blockShapes plan
                        |> List.mapi (fun i shape -> Seed.normal i bench.Kind shape)
                        |> List.toArray

                    Expect.isLessThanOrEqual (spread (trained 25 p (block plan))) bench.Iteration "distance from 1")
        ]

let private doubleLaws (bench: Bench) =
    testList
        $"block convolution on {bench}"
        [
            Property.check Property.costly "has the right gradients in both kernels" (fun case ->
                let second = draw bench case 1 (2L :: 3L :: taps case 10)
                let first = draw bench case 2 (3L :: 2L :: taps case 20)

                max
                    (Law.gradient case.Seed (fun k -> BlockConvolution.compose k first) second)
                    (Law.gradient case.Seed (BlockConvolution.compose second) first)
                |> Property.within Bench.gradient "gradient")
        ]

let tests =
    testList
        "block convolutions"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map trainingLaws
            yield! Bench.double |> List.map doubleLaws
        ]
