module Ortho.Tests.SpectralOperatorTests

open System
open Expecto
open Ortho
open TorchSharp

let private bench = Bench.double.Head
let private float64 = TensorKind.float64
let private law = Property.check Property.config

let private small name residual =
    Property.within bench.Product name residual

/// A family for each number: real ones first.
let private families: (int64 -> SpectralBasis)[] =
    [|
        Fourier.real
        Chebyshev.gauss
        (+) 1L >> Chebyshev.lobatto >> SpectralBasis.on (-1.0, 2.0)
        Legendre.gauss
        Fourier.real >> SpectralBasis.on (0.0, 1.0)
        Chebyshev.secondKind
        Jacobi.gauss 0.5 -0.3
        Fourier.complex
    |]

let private realFamilies = families.Length - 1

/// One basis or two, of families that the seed picks.
let private basesOf count (case: Case) =
    let pick part (size: int) =
        families[Seed.derive case.Seed part % count](int64 size)

    if case.Seed % 2 = 0 then
        [ pick 1 case.Size; pick 2 case.Second ]
    else
        [ pick 1 (case.Size + case.Second) ]

let private sizes (bases: SpectralBasis list) = bases |> List.map _.Size

let private kindOf (bases: SpectralBasis list) =
    if bases |> List.exists (fun basis -> basis.Name.StartsWith "Fourier complex") then
        TensorKind.cpu torch.complex128
    else
        float64

/// Values at given points of each axis.
let private evaluate (points: float list list) (bases: SpectralBasis list) =
    List.map2 (fun (basis: SpectralBasis) (at: float list) -> basis.EvaluateAt at) bases points
    |> List.reduce (.*.)

let private nodes (bases: SpectralBasis list) =
    bases |> List.map (_.Nodes >> List.ofSeq)

/// The integral of |R|^2 w over the box by rules that are exact for it, from values at the nodes of larger bases.
let private quadrature (bases: SpectralBasis list) (r: torch.Tensor) =
    let fine = bases |> List.map (fun basis -> basis.Resize(2L * basis.Size + 2L))
    let values = (evaluate (nodes fine) bases).Apply r
    let axes = Array.init fine.Length (fun i -> int64 (i - fine.Length))
    values.abs().square().mul(SpectralBasis.gridWeights fine).sum axes

let private randomResidual (case: Case) bases =
    Seed.normal case.Seed (kindOf bases) (case.Batch @ sizes bases)

let private losses =
    testList
        "spectral loss"
        [
            law "Parseval: the weighted loss is the integral of |R|^2 w by exact quadrature" (fun case ->
                let bases = basesOf families.Length case
                let r = randomResidual case bases

                Law.distance (SpectralLoss.weighted bases r) (quadrature bases r)
                |> small "distance")

            law "Parseval: and has the same gradient" (fun case ->
                let bases = basesOf families.Length case

                let slope (loss: torch.Tensor -> torch.Tensor) =
                    let r = (randomResidual case bases).requires_grad_ true
                    (loss r).sum().backward()
                    r.grad

                Law.distance (slope (SpectralLoss.weighted bases)) (slope (quadrature bases))
                |> small "distance")

            law "the unweighted loss is the sum of squares, and equivalent by the least and greatest norm" (fun case ->
                let bases = basesOf families.Length case
                let r = randomResidual { case with Batch = [] } bases
                let plain = (SpectralLoss.unweighted bases r).item<float>()
                let weighted = (SpectralLoss.weighted bases r).item<float>()

                let extreme pick =
                    bases |> List.fold (fun product basis -> product * pick basis.SquaredNorms) 1.0

                let sum = r.abs().norm().item<float>() ** 2.0

                let inside =
                    weighted <= plain * (extreme Seq.max) * (1.0 + 1e-12)
                    && weighted >= plain * (extreme Seq.min) * (1.0 - 1e-12)

                (if inside then abs (plain - sum) / sum else infinity) |> small "distance")

            law "both are the same for orthonormal functions" (fun case ->
                let bases = [ Hermite.functions (int64 case.Size) ]
                let r = randomResidual case bases

                Law.distance (SpectralLoss.weighted bases r) (SpectralLoss.unweighted bases r)
                |> small "distance")

            testCase "by hand: 2 T_1 has norm 4 pi / 2, and 3 T_0 + 2 T_1 has 9 pi + 2 pi" (fun () ->
                use _ = torch.NewDisposeScope()

                let loss (c: float list) =
                    (SpectralLoss.weighted [ Chebyshev.lobatto 2L ] (torch.tensor (Array.ofList c))).item<float>()

                Expect.floatClose Accuracy.veryHigh (loss [ 0.0; 2.0 ]) (2.0 * Math.PI) "2 T_1"
                Expect.floatClose Accuracy.veryHigh (loss [ 3.0; 2.0 ]) (11.0 * Math.PI) "3 T_0 + 2 T_1")

            testCase "float32 and an empty batch" (fun () ->
                use _ = torch.NewDisposeScope()
                let bases = [ Chebyshev.gauss 3L; Fourier.real 4L ]
                let r = Seed.normal 1 TensorKind.float32 [ 0L; 3L; 4L ]
                let loss = SpectralLoss.weighted bases r
                Expect.equal (loss.dtype, loss.shape) (torch.float32, [| 0L |]) "type and shape")
        ]

let private convolutions =
    testList
        "spectral convolution"
        [
            law "is a matrix product for each mode" (fun case ->
                let n, m = int64 case.Size, int64 case.Second
                let w = Seed.normal case.Seed float64 [ n; m; 2L; 3L ]
                let x = Seed.normal (case.Seed + 1) float64 (case.Batch @ [ 3L; n; m ])
                let y = (SpectralConvolution.ofWeight w).Apply x

                let expected =
                    torch.stack (
                        [|
                            for i in 0L .. n - 1L ->
                                torch.stack (
                                    [|
                                        for j in 0L .. m - 1L ->
                                            let at = x.select(-1L, j).select(-1L, i)
                                            (at.unsqueeze(-2L).mul w[i, j]).sum -1L
                                    |],
                                    -1L
                                )
                        |],
                        -2L
                    )

                Law.distance y expected |> small "distance")

            Property.check Property.costly "gradient in the weights" (fun case ->
                let n = int64 case.Size
                let x = Seed.normal case.Seed float64 [ 2L; 3L; n ]

                Law.gradient
                    case.Seed
                    (fun w -> (SpectralConvolution.ofWeight w).Apply x)
                    (Seed.normal 5 float64 [ n; 2L; 3L ])
                |> Property.within Bench.gradient "gradient")
        ]

let private mollifiers =
    let drawn (case: Case) (bases: SpectralBasis list) =
        Seed.normal case.Seed float64 (case.Batch @ sizes bases)

    let lobatto (size: int) =
        [
            Chebyshev.lobatto (int64 size + 1L) |> SpectralBasis.on (-1.0, 2.0)
            Legendre.lobatto 4L
        ]

    testList
        "mollifiers"
        [
            law "periodic: u - u(0), everywhere" (fun case ->
                let bases = basesOf realFamilies case
                let u = drawn case bases

                let points =
                    bases
                    |> List.map (fun basis -> [ basis.Lower; 0.3 * basis.Lower + 0.7 * basis.Upper ])

                let at = evaluate points bases
                let corner = evaluate (bases |> List.map (fun basis -> [ basis.Lower ])) bases
                let before = at.Apply(u).sub(corner.Apply u)
                let size = u.norm().item<float>()

                (before.sub (at.Apply((Mollifier.periodic bases).Apply u))).norm().item<float>()
                / size
                |> small "distance")

            law "dirichlet: zero on the boundary, the product of sines inside" (fun case ->
                let bases = lobatto case.Size
                let u = drawn case bases
                let at = evaluate (nodes bases) bases

                let sines =
                    bases
                    |> List.map (fun basis ->
                        torch.tensor
                            [|
                                for x in basis.Nodes ->
                                    sin (Math.PI * (x - basis.Lower) / (basis.Upper - basis.Lower))
                            |])

                let v = at.Apply((Mollifier.dirichlet bases).Apply u)
                let expected = at.Apply(u).mul(sines[0].unsqueeze -1L).mul sines[1]
                let size = at.Apply(u).norm().item<float>()

                let onEnd (axis: int64) (place: int64) =
                    (v.select (axis, place)).abs().max().item<float>()

                let worst = Seq.max [ onEnd -1L 0L; onEnd -1L -1L; onEnd -2L 0L; onEnd -2L -1L ]

                max (worst / size) (v.sub(expected).norm().item<float>() / size)
                |> small "distance")

            law "initialValue: the initial value plus it has the initial value" (fun case ->
                let bases = lobatto case.Size
                let u, phi = drawn case bases, Seed.normal (case.Seed + 1) float64 (sizes bases)
                let start = evaluate [ [ -1.0 ]; [ -0.5; 0.1; 0.9 ] ] bases
                let v = phi.add ((Mollifier.initialValue 0 bases).Apply u)
                let at = evaluate (nodes bases) bases
                let time = torch.tensor [| for t in bases[0].Nodes -> t + 1.0 |]
                let expected = at.Apply(phi).add(at.Apply(u).mul(time.unsqueeze -1L))

                let size = u.norm().item<float>() + phi.norm().item<float>()
                let first = (start.Apply(v).sub(start.Apply phi)).norm().item<float>() / size
                max first (Law.distance (at.Apply v) expected) |> small "distance")
        ]

let private operator (case: Case) bases =
    let operator =
        new SpectralOperator(case.Seed, bases, 2, 3, 4, 2, PointwiseActivation.gelu)

    operator.``to`` torch.float64 |> ignore
    // Weights per mode start small, and biases at 0: too quiet for a test.
    use _ = torch.no_grad ()

    operator.parameters ()
    |> Seq.iteri (fun i p -> p.add_ (Seed.normal (Seed.derive case.Seed (i + 20)) float64 p.shape) |> ignore)

    operator

let private input (case: Case) bases =
    Seed.normal (case.Seed + 7) float64 (case.Batch @ [ 2L ] @ sizes bases)

/// The definition with dense matrices of the basis functions at the nodes, and their inverses, and a product for each mode.
let private dense (operator: SpectralOperator) (bases: SpectralBasis list) (x: torch.Tensor) =
    let p (name: string) : torch.Tensor = operator.get_parameter name
    let values = LinearMap.toMatrix (evaluate (nodes bases) bases)
    let modes = values.size 0
    let inverse = torch.linalg.inv values

    let coordinates =
        bases
        |> List.mapi (fun i basis ->
            let middle, half =
                (basis.Upper + basis.Lower) / 2.0, (basis.Upper - basis.Lower) / 2.0

            let axis = torch.tensor [| for x in basis.Nodes -> (x - middle) / half |]
            let shape = [| for j in 0 .. bases.Length - 1 -> if i = j then basis.Size else 1L |]
            (axis.reshape(shape).expand(Array.ofList (sizes bases))).reshape modes)

    let channels (m: torch.Tensor) (u: torch.Tensor list) =
        [
            for i in 0L .. m.size 0 - 1L ->
                List.mapi (fun j (u: torch.Tensor) -> u.mul m[i, int64 j]) u
                |> List.reduce (fun (a: torch.Tensor) (b: torch.Tensor) -> a.add b)
        ]

    let coefficients (v: torch.Tensor) = inverse.matmul v
    let flat = x.reshape (-1L, 2L, modes)

    torch
        .stack(
            [|
                for b in 0L .. flat.size 0 - 1L ->
                    let start =
                        [ flat[b, 0L]; flat[b, 1L] ] @ List.map coefficients coordinates
                        |> channels (p "lift")

                    let layer (u: torch.Tensor list) (i: int) =
                        let w = (p $"weight_{i}").reshape(modes, 4L, 4L)

                        let mixed =
                            [
                                for o in 0L .. 3L ->
                                    List.mapi (fun j (u: torch.Tensor) -> u.mul (w.select(2L, int64 j).select(1L, o))) u
                                    |> List.reduce (fun (a: torch.Tensor) (b: torch.Tensor) -> a.add b)
                            ]

                        List.map2
                            (fun (a: torch.Tensor) (b: torch.Tensor) -> a.add b)
                            mixed
                            (channels (p $"pointwise_{i}") u)
                        |> List.mapi (fun o m -> coefficients ((values.matmul(m).add (p $"bias_{i}").[int64 o]).gelu()))

                    torch.stack (List.fold layer start [ 0; 1 ] |> channels (p "project") |> Array.ofList)
            |]
        )
        .reshape(
            Array.concat
                [
                    x.shape[.. x.shape.Length - bases.Length - 2]
                    [| 3L |]
                    Array.ofList (sizes bases)
                ]
        )

let private operators =
    testList
        "spectral operator"
        [
            Property.check Property.config "is the definition by dense matrices" (fun case ->
                let bases = basesOf realFamilies case
                use operator = operator case bases
                let x = input case bases
                Law.distance (operator.forward x) (dense operator bases x) |> small "distance")

            law "what it says at a point does not depend on the grid of the points" (fun case ->
                let bases = [ families[case.Seed % realFamilies](int64 case.Size) ]
                use operator = operator case bases
                let u = operator.forward (input case bases)
                let basis = bases.Head

                let grid (n: int) =
                    basis.EvaluateAt
                        [
                            for j in 0..n -> basis.Lower + (basis.Upper - basis.Lower) * float j / float n
                        ]

                let coarse = (grid 16).Apply u
                let fine = (grid 256).Apply(u).index_select(-1L, torch.arange (0L, 257L, 16L))
                // The nodes of a larger basis are a third grid.
                let large = basis.Resize(basis.Size + 40L)
                let there = (large.Synthesize * SpectralBasis.convert basis large).Apply u

                max (Law.distance coarse fine) (Law.distance there ((basis.EvaluateAt large.Nodes).Apply u))
                |> small "distance")

            Property.check
                Property.costly
                "gradients in the input and along a random direction of all parameters"
                (fun case ->
                    let bases =
                        basesOf
                            realFamilies
                            { case with
                                Size = min case.Size 4
                                Second = min case.Second 3
                            }

                    let case = { case with Batch = [ 2L ] }
                    use operator = operator case bases
                    let x = input case bases
                    let inInput = Law.gradient case.Seed operator.forward x
                    let loss () = (operator.forward x).square().sum()
                    operator.zero_grad ()
                    loss().backward()
                    let parameters = operator.parameters () |> Seq.toList
                    let directions = parameters |> List.mapi (fun i p -> Seed.normal i float64 p.shape)

                    let slope =
                        List.map2
                            (fun (p: Modules.Parameter) (v: torch.Tensor) -> p.grad.mul(v).sum().item<float>())
                            parameters
                            directions
                        |> List.sum

                    use _ = torch.no_grad ()

                    let at (step: float) =
                        let move (by: float) =
                            List.iter2
                                (fun (p: Modules.Parameter) (v: torch.Tensor) -> p.add_ (multiply by v) |> ignore)
                                parameters
                                directions

                        move step
                        let value = loss().item<float>()
                        move -step
                        value

                    let difference = (at 1e-6 - at -1e-6) / 2e-6
                    let scale = abs slope + abs difference + 1e-3 * at 0.0

                    max inInput (abs (slope - difference) / scale)
                    |> Property.within Bench.gradient "gradient")

            law "the number of parameters is that of the definition" (fun case ->
                let bases = basesOf realFamilies case
                let width, depth, inputs, outputs = case.Second, case.Seed % 3 + 1, case.Size, 2

                use operator =
                    new SpectralOperator(1, bases, inputs, outputs, width, depth, PointwiseActivation.tanh)

                let counted = operator.parameters () |> Seq.sumBy (fun p -> p.numel ())
                let w, modes = int64 width, List.reduce (*) (sizes bases)

                let expected =
                    w * int64 (inputs + bases.Length)
                    + int64 depth * (modes * w * w + w * w + w)
                    + int64 outputs * w

                (if counted = expected then 0.0 else 1.0) |> small "difference")

            testCase "batches, seeds, memory, precisions" (fun () ->
                use _ = torch.NewDisposeScope()
                let bases = [ Fourier.real 5L; Chebyshev.lobatto 4L ]

                let make seed =
                    new SpectralOperator(seed, bases, 2, 3, 4, 2, PointwiseActivation.tanh)

                use operator = make 1
                use again = make 1
                use other = make 2
                let x = Seed.normal 3 TensorKind.float32 [ 2L; 3L; 2L; 5L; 4L ]
                let y = operator.forward x
                Expect.equal y.shape [| 2L; 3L; 3L; 5L; 4L |] "shape"
                Expect.isTrue (y.Equals(again.forward x)) "the same seed"
                Expect.isFalse (y.Equals(other.forward x)) "another seed"
                let one = operator.forward x[1L, 2L]
                Expect.isLessThan (Law.distance one y[1L, 2L]) 1e-5 "one element"
                Expect.equal (operator.forward (x.narrow (0L, 0L, 0L))).shape [| 0L; 3L; 3L; 5L; 4L |] "empty batch"

                let names = operator.state_dict().Keys |> Seq.sort |> List.ofSeq

                Expect.equal
                    names
                    [
                        "bias_0"
                        "bias_1"
                        "lift"
                        "pointwise_0"
                        "pointwise_1"
                        "project"
                        "weight_0"
                        "weight_1"
                    ]
                    "names"

                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                (operator.forward x).Dispose()
                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors"
                let single = y.``to`` torch.float64
                operator.``to`` torch.float64 |> ignore
                Expect.isLessThan (Law.distance (operator.forward (x.``to`` torch.float64)) single) 1e-5 "float64")

            testCase "bad input" (fun () ->
                use _ = torch.NewDisposeScope()

                let make bases width =
                    new SpectralOperator(1, bases, 1, 1, width, 1, PointwiseActivation.tanh)
                    |> ignore

                let bases = [ Chebyshev.gauss 3L ]
                Refusal.expect "no basis" (fun () -> make [] 1)
                Refusal.expect "complex" (fun () -> make [ Fourier.complex 3L ] 1)
                Refusal.expect "infinite" (fun () -> make [ Hermite.functions 3L ] 1)
                Refusal.expect "width" (fun () -> make bases 0)
                use operator = new SpectralOperator(1, bases, 1, 1, 1, 1, PointwiseActivation.tanh)
                Refusal.expect "axes" (fun () -> operator.forward (torch.ones 3L) |> ignore)
                Refusal.expect "sizes" (fun () -> operator.forward (torch.ones (1L, 4L)) |> ignore)

                Refusal.expect "type" (fun () ->
                    operator.forward (torch.ones (1L, 3L, dtype = torch.float64)) |> ignore)

                Refusal.expect "loss sizes" (fun () -> SpectralLoss.weighted bases (torch.ones 4L) |> ignore)
                Refusal.expect "loss bases" (fun () -> SpectralLoss.unweighted [] (torch.ones 4L) |> ignore)

                Refusal.expect "integers" (fun () ->
                    SpectralLoss.weighted bases (torch.ones (3L, dtype = torch.int64)) |> ignore)

                Refusal.expect "weight" (fun () -> SpectralConvolution.ofWeight (torch.ones (2L, 2L)) |> ignore)
                Refusal.expect "nodes" (fun () -> Mollifier.dirichlet bases |> ignore)
                Refusal.expect "first node" (fun () -> Mollifier.initialValue 0 bases |> ignore)
                Refusal.expect "axis" (fun () -> Mollifier.initialValue 1 [ Fourier.real 3L ] |> ignore)
                Refusal.expect "interval" (fun () -> Mollifier.periodic [ Hermite.functions 3L ] |> ignore))
        ]

let tests =
    testList "neural spectral methods" [ losses; convolutions; mollifiers; operators ]
