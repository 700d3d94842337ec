module Ortho.Tests.Orthogonal.SpectralNormTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private draw (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Second ])

/// By eigenvalues of the Gram matrix, one matrix after the other.
let private plain (w: torch.Tensor) =
    let eigenvalues = torch.linalg.eigvalsh (w.mH.matmul w)
    eigenvalues.amax([| -1L |]).relu().sqrt()

let private isReal (x: torch.Tensor) (bench: Bench) =
    x.dtype = TensorKind.realDtype bench.Kind.Dtype

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"spectral norm on {bench}"
        [
            check "is the root of the largest eigenvalue of W* W" (fun case ->
                let w = draw bench case
                let norm = SpectralNorm.exact w

                (if isReal norm bench && norm.shape = List.toArray case.Batch then
                     Law.distance norm (plain w)
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            check "lies between its bounds, the upper one as near as it says" (fun case ->
                let w = draw bench case
                let exact = SpectralNorm.exact w
                let steps = case.Seed % 7
                let lower = SpectralNorm.lowerBound case.Seed (steps + 1) w
                let upper = SpectralNorm.upperBound steps w
                let rank = float (min case.Size case.Second)
                let slack = 1.0 + bench.Product

                let above (x: torch.Tensor) (y: torch.Tensor) =
                    (x / y).max().``to``(torch.float64).item<float>()

                (lower.shape = exact.shape
                 && upper.shape = exact.shape
                 && above lower exact <= slack
                 && above exact upper <= slack
                 && above upper exact <= rank ** (0.5 ** float (steps + 2)) * slack)
                |> Prop.label $"{lower} {exact} {upper}")

            check "of orthonormal columns is 1, and Gram iteration gives r^(2^-(k+2))" (fun case ->
                let r = int64 (min case.Size case.Second)
                let q = Dense.frame case.Seed bench.Kind (int64 (max case.Size case.Second)) r
                let steps = case.Seed % 5
                let expected = float r ** (0.5 ** float (steps + 2))

                [
                    SpectralNorm.exact q, 1.0
                    SpectralNorm.lowerBound 1 1 q, 1.0
                    SpectralNorm.upperBound steps q, expected
                    SpectralNorm.upperBound steps q.mH, expected
                ]
                |> List.map (fun (bound, value) -> abs (bound.``to``(torch.float64).item<float>() / value - 1.0))
                |> List.reduce max
                |> Property.within bench.Product "ratio")

            check "by power iteration after k steps is what the powers give" (fun case ->
                let steps, ratio = 1 + case.Seed % 4, 0.75
                let start = Seed.normal case.Seed bench.Kind [ 2L; 1L ]

                let pair (x: float) =
                    torch.tensor([| 1.0; x |]).``to`` bench.Kind.Dtype

                let diagonal = pair ratio
                let v = start * (pair (ratio ** (2.0 * float steps))).unsqueeze 1L
                let expected = Dense.size (v * diagonal.unsqueeze 1L) / Dense.size v

                let seen =
                    (SpectralNorm.lowerBound case.Seed steps (torch.diag diagonal)).``to``(torch.float64).item<float>()

                abs (seen / expected - 1.0) |> Property.within bench.Product "ratio")

            check "normalised, is of norm min (1, |W|), and W itself below 1" (fun case ->
                let w = draw bench { case with Batch = [] } * (0.1 * float (1 + case.Seed % 20))
                let norm = Array.reduce max (Dense.singularValues w)
                let map = LinearMap.toMatrix (SpectralNorm.normalised w)

                max
                    (abs (Array.reduce max (Dense.singularValues map) - min 1.0 norm))
                    (Law.distance map (w / max 1.0 norm))
                |> Property.within bench.Product "norm")

            testCase "goes with the scale, also where squares underflow or overflow; 0 for zero" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 3L; 4L; 2L ]
                let isSingle = TensorKind.realDtype bench.Kind.Dtype = torch.float32

                for name, norm in
                    [
                        "exact", SpectralNorm.exact
                        "lower", SpectralNorm.lowerBound 1 3
                        "upper", SpectralNorm.upperBound 3
                    ] do
                    for scale in (if isSingle then [ 1e-30; 1e30 ] else [ 1e-200; 1e200 ]) do
                        let expected = (norm w).``to`` torch.float64
                        let seen = (norm (w * scale)).``to`` torch.float64 / scale
                        Expect.isLessThanOrEqual (Law.distance seen expected) bench.Product $"{name} at {scale}"

                    let zero = torch.zeros_like w
                    Expect.equal (Dense.size (norm zero)) 0.0 name)

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]

                let grown =
                    Dense.growthOfResults (fun () ->
                        [
                            SpectralNorm.exact w
                            SpectralNorm.lowerBound 1 3 w
                            SpectralNorm.upperBound 3 w
                        ])

                Expect.equal grown 0L "results alone"

                Dense.growth (fun () -> SpectralNorm.normalised w |> ignore)
                |> fun grown -> Expect.equal grown 0L "map")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients on {bench}"
        [
            check "are right, also of a batch" (fun case ->
                let w = draw bench case

                [
                    Law.gradient case.Seed SpectralNorm.exact w
                    Law.gradient case.Seed (SpectralNorm.upperBound (case.Seed % 4)) w
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "by power iteration is u v* once that has converged" (fun case ->
                let n = int64 case.Size

                let left, right =
                    Dense.frame case.Seed bench.Kind n n, Dense.frame (case.Seed + 1) bench.Kind n n

                let values = torch.tensor (Array.init case.Size (fun i -> 0.5 ** float i))

                let w = (left * values).matmul(right.mH).requires_grad_ true
                (SpectralNorm.lowerBound case.Seed 60 w).backward()
                let expected = left.narrow(1L, 0L, 1L).matmul(right.narrow(1L, 0L, 1L).mH)

                Law.distance (w.grad) expected |> Property.within bench.Iteration "distance")

            testCase "of complex matrices are right" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 3L; 4L; 2L ]

                for norm in [ SpectralNorm.exact; SpectralNorm.upperBound 2 ] do
                    let residual = Law.gradient 1 (Dense.complexOf >> norm) w
                    Expect.isLessThanOrEqual residual Bench.gradient "gradient")

            testCase "at zero is finite" (fun () ->
                use _ = torch.NewDisposeScope()

                for norm in [ SpectralNorm.exact; SpectralNorm.lowerBound 1 2; SpectralNorm.upperBound 2 ] do
                    let w = torch.zeros(3L, 2L, dtype = bench.Kind.Dtype).requires_grad_ true
                    (norm w).backward()
                    Expect.isTrue (w.grad.isfinite().all().item<bool>()) "a subgradient")
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let w = Seed.normal 1 TensorKind.float64 [ 3L; 2L ]

        for name, (body: unit -> unit) in
            [
                "vector", (fun () -> SpectralNorm.exact w[0] |> ignore)
                "empty", (fun () -> SpectralNorm.exact (torch.zeros (0L, 2L)) |> ignore)
                "integers", (fun () -> SpectralNorm.upperBound 1 (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                "no step", (fun () -> SpectralNorm.lowerBound 1 0 w |> ignore)
                "negative", (fun () -> SpectralNorm.upperBound -1 w |> ignore)
                "batch", (fun () -> SpectralNorm.normalised (w.unsqueeze 0L) |> ignore)
                "null", (fun () -> SpectralNorm.lowerBound 1 1 null |> ignore)
            ] do
            Refusal.expect name body)

let tests =
    testList
        "SpectralNorm"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            refusals
        ]
