module Ortho.Tests.Orthogonal.KoopmanBoundTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private value (x: torch.Tensor) = x.``to``(torch.float64).item<float>()

/// Tall or square, [*batch; m; n].
let private tall (bench: Bench) (case: Case) =
    let m, n = int64 (max case.Size case.Second), int64 (min case.Size case.Second)
    Seed.normal case.Seed bench.Kind (case.Batch @ [ m; n ])

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Koopman factor on {bench}"
        [
            check "is max (1, |W|)^s / det(W* W)^(1/4)" (fun case ->
                let w = tall bench { case with Batch = [] }
                let order = 0.5 * float (case.Seed % 9)
                let norm = Array.reduce max (Dense.singularValues w)
                let determinant = torch.linalg.det (w.mH.matmul w)
                let expected = order * log10 (max 1.0 norm) - 0.25 * log10 (Dense.size determinant)
                let seen = value (KoopmanBound.logFactor order w)
                // A determinant may lose a condition number squared.
                let condition = norm / Array.min (Dense.singularValues w)

                abs (seen - expected) / (1.0 + abs expected + condition * condition)
                |> Property.within bench.Product "distance")

            check "is 1 for orthonormal columns, of any width and order" (fun case ->
                let m, n = int64 (max case.Size case.Second), int64 (min case.Size case.Second)
                let q = Dense.frame case.Seed bench.Kind m n

                abs (value (KoopmanBound.logFactor (float case.Second) q))
                |> Property.within bench.Product "log10")

            check "does not see unitary maps on either side" (fun case ->
                let w = tall bench case
                let m, n = w.size (int w.ndim - 2), w.size (int w.ndim - 1)
                let left, right = Dense.frame 1 bench.Kind m m, Dense.frame 2 bench.Kind n n
                let turned = left.matmul(w).matmul right

                // Small singular values move by the rounding of the large ones.
                let least = w |> torch.linalg.svdvals |> fun values -> values.amin ([||]) |> value

                Dense.apart (KoopmanBound.logFactor 2.0 turned) (KoopmanBound.logFactor 2.0 w)
                * min 1.0 least
                |> Property.within bench.Product "distance")

            check "goes like a^(s - n/2) with the scale a, above norm 1, and like a^(-n/2) below" (fun case ->
                let w = tall bench case
                let n = float (w.size (int w.ndim - 1))
                let order = 0.25 * float (case.Seed % 40)
                let unit = w / (SpectralNorm.exact w).unsqueeze(-1L).unsqueeze -1L

                let factor (scale: float) =
                    KoopmanBound.logFactor order (unit * scale)

                let change (power: float) (x: torch.Tensor) (y: torch.Tensor) = Dense.apart x (y + power * log10 2.0)

                max (change (order - n / 2.0) (factor 3.0) (factor 1.5)) (change (-n / 2.0) (factor 0.5) (factor 0.25))
                |> Property.within bench.Product "distance")

            check "is at least 1 for s of n/2 or more" (fun case ->
                let w = tall bench case
                let order = 0.5 * float (w.size (int w.ndim - 1) + int64 (case.Seed % 3))

                -(value ((KoopmanBound.logFactor order w).amin [||]))
                |> Property.within bench.Product "log10")

            testCase "is infinite for dependent columns, and the rest of the batch stays" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 5L; 3L ]
                let dependent = w.clone ()
                dependent.select(1L, 1L).copy_(w.select (1L, 0L) * 3.0) |> ignore

                let seen =
                    KoopmanBound.logFactor 2.0 (torch.stack [| w; dependent; torch.zeros_like w |])

                Expect.isLessThanOrEqual
                    (Law.distance seen[0] (KoopmanBound.logFactor 2.0 w))
                    bench.Product
                    "the other"

                Expect.equal (value seen[1]) infinity "dependent"
                Expect.equal (value seen[2]) infinity "zero"
                Expect.equal (value (KoopmanBound.logFactor 2.0 (w.t ()))) infinity "wide")

            testCase "does not overflow where determinants do" (fun () ->
                use _ = torch.NewDisposeScope()
                let n = 200L
                let seen = value (KoopmanBound.logFactor 1.0 (Dense.identity bench.Kind n * 1e-5))
                Expect.isLessThanOrEqual (abs (seen / 500.0 - 1.0)) bench.Product "10^500")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]
                let grown = Dense.growthOfResults (fun () -> [ KoopmanBound.logFactor 2.0 w ])
                Expect.equal grown 0L "tensors"

                Expect.equal
                    (Dense.growthOfResults (fun () ->
                        KoopmanBound.logRestriction 1.0 2L |> ignore
                        []))
                    0L
                    "none")
        ]

/// Four layers of width n, s = (n + 1) / 2: the sum of the logarithms.
let private fourLayers (n: int64) (draw: int -> torch.Tensor) =
    Seq.sum (seq { for layer in 1..4 -> value (KoopmanBound.logFactor (float (n + 1L) / 2.0) (draw layer)) })

let private trial (bench: Bench) =
    testList
        $"four layers on {bench}"
        [
            for n, near, far in [ 32L, 3.5, 34.0; 128L, 14.7, 132.0; 256L, 29.7, 263.0 ] do
                testCase $"of width {n} give the catalogue's numbers to a tenth" (fun () ->
                    use _ = torch.NewDisposeScope()

                    let gaussian layer =
                        Seed.normal layer bench.Kind [ n; n ] / sqrt (float n)

                    let orthogonal layer =
                        Dense.frame (100 + layer) bench.Kind n n

                    Expect.isLessThanOrEqual (abs (fourLayers n orthogonal)) (float n * bench.Product) "orthogonal"
                    let perturbed = fourLayers n (fun layer -> orthogonal layer + 0.1 * gaussian layer)
                    Expect.isLessThan (abs (perturbed / near - 1.0)) 0.1 $"orthogonal + 0.1 G: {perturbed}"
                    let gauss = fourLayers n gaussian
                    Expect.isLessThan (abs (gauss / far - 1.0)) 0.1 $"G: {gauss}")

            Property.check Property.costly "the gradient is right" (fun case ->
                Law.gradient case.Seed (KoopmanBound.logFactor 2.5) (tall bench case)
                |> Property.within Bench.gradient "gradient")

            testCase "the gradient is finite where the factor is not" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = torch.ones(3L, 2L, dtype = bench.Kind.Dtype).requires_grad_ true
                (KoopmanBound.logFactor 2.0 w).backward()
                Expect.isTrue (w.grad.isfinite().all().item<bool>()) "finite")
        ]

let private restriction =
    testList
        "restriction"
        [
            testCase "to a space itself has norm 1; by a plane, 1 / sqrt (4 pi s)" (fun () ->
                Expect.equal (KoopmanBound.logRestriction 1.5 0L) 0.0 "itself"

                for order in [ 0.5; 1.0; 30.0 ] do
                    let expected = -0.5 * log10 (4.0 * Math.PI * order)
                    Expect.floatClose Accuracy.high (KoopmanBound.logRestriction order 2L) expected $"s = {order}")

            testCase "by a line is the integral over the lost frequency" (fun () ->
                for order in [ 1.0; 2.5 ] do
                    // z = tan t turns int (1 + z^2)^(-s - 1/2) dz / (2 pi) into int cos^(2 s - 1) t dt / (2 pi).
                    let count = 200_000
                    let step = Math.PI / float count

                    let integral =
                        Seq.sum (
                            seq {
                                for i in 0 .. count - 1 ->
                                    cos ((float i + 0.5) * step - Math.PI / 2.0) ** (2.0 * order - 1.0)
                            }
                        )
                        * step
                        / (2.0 * Math.PI)

                    Expect.floatClose
                        Accuracy.medium
                        (KoopmanBound.logRestriction order 1L)
                        (0.5 * log10 integral)
                        $"s = {order}")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 TensorKind.float64 [ 3L; 2L ]

                for name, (body: unit -> unit) in
                    [
                        "negative order", (fun () -> KoopmanBound.logFactor -1.0 w |> ignore)
                        "infinite order", (fun () -> KoopmanBound.logFactor infinity w |> ignore)
                        "vector", (fun () -> KoopmanBound.logFactor 1.0 w[0] |> ignore)
                        "empty", (fun () -> KoopmanBound.logFactor 1.0 (torch.zeros (2L, 0L)) |> ignore)
                        "integers",
                        (fun () -> KoopmanBound.logFactor 1.0 (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                        "null", (fun () -> KoopmanBound.logFactor 1.0 null |> ignore)
                        "zero order", (fun () -> KoopmanBound.logRestriction 0.0 1L |> ignore)
                        "codimension", (fun () -> KoopmanBound.logRestriction 1.0 -1L |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests =
    testList
        "KoopmanBound"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map trial
            restriction
        ]
