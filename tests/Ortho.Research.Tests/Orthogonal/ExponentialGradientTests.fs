module Ortho.Tests.Orthogonal.ExponentialGradientTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp
open Ortho.Tests.Orthogonal.ExponentialTests

/// The adjoint of exp's derivative at S, by the divided differences of exp (Daleckii and Krein).
let private expectedSlope (s: torch.Tensor) (gradient: torch.Tensor) =
    let angles, vectors = Dense.spectrum s
    let mean = (angles.unsqueeze -1L + angles.unsqueeze -2L) * 0.5
    let half = (angles.unsqueeze -1L - angles.unsqueeze -2L) * (0.5 / Math.PI)

    let differences =
        torch.complex (mean.cos (), -(mean.sin ()))
        * torch.sinc(half).``to`` torch.complex128

    let inner = vectors.mH.matmul(gradient.``to`` torch.complex128).matmul vectors

    vectors.matmul(inner * differences).matmul vectors.mH
    |> Dense.narrow (TensorKind.ofTensor s)

let private laws (bench: Bench) =
    testList
        $"slope of the exponential on {bench}"
        [
            Property.check Property.config "has the gradient that the eigenvalues say, of skew matrices" (fun case ->
                let s = (skew bench case).requires_grad_ true
                let w = Seed.normal 1 bench.Kind s.shape
                let sum = (w.conj () * Exponential.matrix s).sum()
                (if sum.is_complex () then sum.real else sum).backward()

                Dense.apart (Skew.part s.grad) (Skew.part (expectedSlope (s.detach ()) w))
                |> Property.within bench.Iteration "distance")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients of the exponential on {bench}"
        [
            check "are right in S, in B and through the logarithm" (fun case ->
                let n = int64 case.Size
                let x = Seed.normal (case.Seed + 78) bench.Kind [ n; n ] * 0.4
                let s = Skew.ofSquare x
                let b = Dense.frame 1 bench.Kind (n + 1L) n

                [
                    Law.gradient case.Seed (Skew.ofSquare >> Exponential.matrix) x
                    Law.gradient case.Seed (Skew.ofSquare >> (fun s -> Exponential.matrix (s * 20.0))) (x * 0.1)
                    Law.gradient case.Seed (fun b -> Exponential.at (Polar.factor b) s) b
                    Law.gradient case.Seed (Skew.ofSquare >> Exponential.matrix >> Exponential.toSkew) (x / float n)
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "are right for complex S and in x" (fun case ->
                let n = int64 case.Size
                let s = Seed.normal (case.Seed + 79) bench.Kind [ n; n; 2L ] * 0.4
                let x = Seed.normal (case.Seed + 1) bench.Kind [ 2L; n; 2L ]

                let apply (s: torch.Tensor) (x: torch.Tensor) =
                    (Exponential.ofSkew (Skew.ofSquare (Dense.complexOf s))).Apply(Dense.complexOf x)

                max (Law.gradient case.Seed (fun s -> apply s x) s) (Law.gradient case.Seed (fun x -> apply s x) x)
                |> Property.within Bench.gradient "gradient")

            check "have gradients of their own, by another formula" (fun case ->
                let n = int64 (1 + case.Size % 5)
                let x = Seed.normal (case.Seed + 78) bench.Kind [ n; n ]
                let z = Seed.normal (case.Seed + 77) bench.Kind [ n; n; 2L ]

                [
                    Dense.secondGradient case.Seed (Skew.ofSquare >> Exponential.matrix) x
                    Dense.secondGradient
                        case.Seed
                        (Dense.complexOf >> Skew.ofSquare >> Exponential.matrix >> torch.view_as_real)
                        z
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "second gradient")

            testCase "exist at zero and near it, also of second order and also for 3 x 3" (fun () ->
                for n in [ 2L; 3L; 4L ] do
                    for size in [ 0.0; 1e-7; 1e-4 ] do
                        use _ = torch.NewDisposeScope()
                        let x = Seed.normal 3 bench.Kind [ n; n ] * size

                        let worst =
                            max
                                (Law.gradient 1 (Skew.ofSquare >> Exponential.matrix) x)
                                (Dense.secondGradient 1 (Skew.ofSquare >> Exponential.matrix) x)

                        Expect.isLessThanOrEqual worst Bench.gradient $"n = {n}, size {size}")

            testCase "train a rotation with a moving base point" (fun () ->
                use _ = torch.NewDisposeScope()
                let target = Cayley.matrix (Dense.skew 5 bench.Kind 6L 3.0)

                use learned =
                    Learn.map
                        "rotate"
                        [
                            Parameter.zeros [ 6L; 6L ] |> Parameter.on bench.Kind
                            Parameter.ofTensor (Dense.identity bench.Kind 6L) |> Parameter.frozen
                        ]
                        (fun p -> Exponential.ofSkewAt p[1] (Skew.ofSquare p[0]))

                use optimizer = torch.optim.SGD(learned.parameters (), 2.0)
                let x = Seed.normal 6 bench.Kind [ 32L; 6L ]
                let y = x.matmul target.mT

                let loss () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let loss = (learned.forward x - y).square().mean()
                    loss.backward ()
                    optimizer.step () |> ignore

                    let value name = (learned.state_dict ())[name]

                    use _ = torch.no_grad ()
                    let next = Exponential.rebase (value "p1") (Skew.ofSquare (value "p0"))
                    (value "p1").copy_ next |> ignore
                    (value "p0").zero_() |> ignore
                    loss.item<float>()

                let losses = Array.init 400 (fun _ -> loss ())
                Expect.isLessThan losses[399] (1e-6 * losses[0]) $"loss {losses[0]} to {losses[399]}")
        ]

let private misuse =
    testCase "an argument or a result changed in place before backward makes the gradient NaN" (fun () ->
        for f in [ Exponential.matrix; Polar.factor ] do
            for changesResult in [ true; false ] do
                use _ = torch.NewDisposeScope()

                let x =
                    (Skew.ofSquare (Seed.normal 1 TensorKind.float64 [ 4L; 4L ])).requires_grad_ true

                let y = f x
                let changed = if changesResult then y else x
                using (torch.no_grad ()) (fun _ -> changed.zero_ () |> ignore)
                y.sum().backward()
                Expect.isTrue (x.grad.isnan().all().item<bool>()) "NaN")

let tests =
    testList
        "Exponential gradients"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            misuse
        ]
