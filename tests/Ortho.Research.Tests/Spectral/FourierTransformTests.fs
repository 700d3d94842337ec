module Ortho.Tests.FourierTransformTests

open System
open Expecto
open Ortho
open TorchSharp

let private lengths = [ 1L .. 130L ] @ [ 257L; 360L ]

let private tolerance = Bench.double.Head.Product

let private each name (law: int64 -> float) =
    testCase name (fun () ->
        for n in lengths do
            use _ = torch.NewDisposeScope()
            let residual = law n
            Expect.isTrue (residual <= tolerance) $"n = {n}: {residual:E2}, allowed {tolerance:E0}")

/// The real rows by their formula, without reduction of angles.
let private realMatrix (n: int64) =
    let size = int n

    Array.init (size * size) (fun i ->
        let k, j = i / size, float (i % size)
        let angle = 2.0 * Math.PI * float ((k + 1) / 2) * j / float n

        if k = 0 then
            sqrt (1.0 / float n)
        elif k + 1 = size && size % 2 = 0 then
            sqrt (1.0 / float n) * cos angle
        elif k % 2 = 1 then
            sqrt (2.0 / float n) * cos angle
        else
            sqrt (2.0 / float n) * sin angle)
    |> fun numbers -> torch.tensor(numbers).reshape(n, n)

let private complexMatrix (n: int64) =
    let size = int n

    let part (f: float -> float) =
        Array.init (size * size) (fun i ->
            sqrt (1.0 / float n)
            * f (-2.0 * Math.PI * float (i / size * (i % size) % size) / float n))
        |> fun numbers -> torch.tensor(numbers).reshape(n, n)

    torch.complex (part cos, part sin)

let private complex128 = TensorKind.cpu torch.complex128

let tests =
    testList
        "Fourier transforms"
        [
            each "the unitary transform is its formula, for every length" (fun n ->
                let map = FourierTransform.unitary n |> LinearMap.on complex128
                Law.distance (LinearMap.toMatrix map) (complexMatrix n))

            each "the unitary transform is unitary" (fun n ->
                FourierTransform.unitary n |> LinearMap.on complex128 |> Law.unitary 1)

            each "the real transform is its formula, by matrix and by FFT" (fun n ->
                let formula = realMatrix n

                let distance form =
                    Law.distance (LinearMap.toMatrix (FourierTransform.byForm form n)) formula

                max (distance FourierTransform.dense) (distance FourierTransform.fast))

            each "the real transform is orthogonal, and its fast form has the dense form's adjoint" (fun n ->
                let fast, dense =
                    FourierTransform.byForm FourierTransform.fast n, FourierTransform.byForm FourierTransform.dense n

                [
                    Law.orthogonality (LinearMap.toMatrix (FourierTransform.real n))
                    Law.unitary 1 fast
                    Law.equality 2 fast.Adjoint dense.Adjoint
                ]
                |> List.reduce max)

            each "the real transform of complex vectors is that of their parts" (fun n ->
                let map = FourierTransform.real n
                let x = Seed.normal 3 complex128 [ 2L; n ]
                let y = map.Apply x
                max (Law.distance y.real (map.Apply x.real)) (Law.distance y.imag (map.Apply x.imag)))

            testCase "four points by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let r = sqrt 0.5
                let x = torch.tensor [| 1.0; 2.0; 3.0; 5.0 |]

                let expect (y: torch.Tensor) (expected: torch.Tensor) =
                    Expect.isLessThan (Law.distance y expected) 1e-15 "by hand"

                expect ((FourierTransform.real 4L).Apply x) (torch.tensor [| 5.5; r * -2.0; r * -3.0; 0.5 * -3.0 |])

                expect
                    ((FourierTransform.unitary 4L).Apply(x.``to`` torch.complex128))
                    (torch.complex (torch.tensor [| 5.5; -1.0; -1.5; -1.0 |], torch.tensor [| 0.0; 1.5; 0.0; -1.5 |])))

            testCase "long transforms keep their digits" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 16384L; 10007L ] do
                    let map = FourierTransform.real n
                    Expect.isLessThan (Law.unitary 1 map) 1e-13 "float64"
                    let single = map |> LinearMap.on TensorKind.float32
                    Expect.isLessThan (Law.inverse 1 single single.Adjoint) 1e-6 "float32")

            testCase "gradients: of a spectrum, and through lazily conjugated input" (fun () ->
                use _ = torch.NewDisposeScope()
                let map = FourierTransform.unitary 7L

                let spectrum (x: torch.Tensor) =
                    let z = torch.complex (x.narrow (0L, 0L, 7L), x.narrow (0L, 7L, 7L))
                    let y = map.Apply(z.conj ())
                    (map.Adjoint.Apply(y.conj ())).abs()

                Expect.isLessThan
                    (Law.gradient 1 spectrum (Seed.normal 2 TensorKind.float64 [ 14L ]))
                    Bench.gradient
                    "gradient")

            testCase "bad input is refused" (fun () ->
                Refusal.expect "length" (fun () -> FourierTransform.real 0L |> ignore)
                Refusal.expect "length" (fun () -> FourierTransform.unitary 0L |> ignore)

                Refusal.expect "real input" (fun () -> (FourierTransform.unitary 3L).Apply(torch.zeros 3L) |> ignore)

                Refusal.expect "integers" (fun () ->
                    (FourierTransform.real 3L).Apply(torch.zeros (3L, dtype = torch.int64))
                    |> ignore))
        ]
