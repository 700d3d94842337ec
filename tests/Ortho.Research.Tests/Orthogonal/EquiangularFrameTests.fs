module Ortho.Tests.Orthogonal.EquiangularFrameTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

/// The largest |cosine| of two rows, pair by pair.
let private plainCoherence (vectors: torch.Tensor) =
    let rows = Array.init (int vectors.shape[0]) (fun i -> vectors[int64 i])

    [
        0.0
        for i in 1 .. rows.Length - 1 do
            for j in 0 .. i - 1 do
                Dense.size ((rows[i] * rows[j].conj()).sum())
                / (Dense.size rows[i] * Dense.size rows[j])
    ]
    |> List.reduce max

let private laws (bench: Bench) =
    testList
        $"equiangular frames on {bench}"
        [
            Property.check Property.config "the simplex has cosines -1/d, meets Welch's bound and is tight" (fun case ->
                let d = int64 case.Size
                let w = EquiangularFrame.simplex bench.Kind d
                let gram = w.matmul w.mT
                let identity = Dense.identity bench.Kind (d + 1L)
                let slope = 1.0 / float d
                let expected = identity * (1.0 + slope) - slope * torch.ones_like gram

                let tight =
                    w.mT.matmul w - Dense.identity bench.Kind d * ((float d + 1.0) / float d)

                [
                    Law.distance gram expected
                    Dense.size tight / float d
                    abs (EquiangularFrame.coherence w - EquiangularFrame.welchBound (d + 1L) d)
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            Property.check Property.config "coherence is the largest |cosine|, never below Welch's bound" (fun case ->
                let count, d = int64 case.Size, int64 case.Second
                let vectors = 3.0 * Seed.normal case.Seed bench.Kind [ count; d ]
                let told = EquiangularFrame.coherence vectors

                (if told >= EquiangularFrame.welchBound count d - bench.Product then
                     abs (told - plainCoherence vectors)
                 else
                     infinity)
                |> Property.within bench.Product "difference")

            Property.check Property.config "coherence is not moved by a rotation" (fun case ->
                let vectors = Seed.normal case.Seed bench.Kind [ int64 case.Size + 1L; 5L ]
                let turned = (Householder.chain (Seed.normal 1 bench.Kind [ 4L; 5L ])).Apply vectors

                abs (EquiangularFrame.coherence turned - EquiangularFrame.coherence vectors)
                |> Property.within bench.Product "difference")
        ]

let private searches (bench: Bench) =
    testList
        $"equiangular basis vectors on {bench}"
        [
            testCase "are found at the bounds of the catalogue" (fun () ->
                for count, d, factor in [ 200L, 50L, 1.35; 100L, 20L, 1.6; 100L, 20L, 1.35 ] do
                    use _ = torch.NewDisposeScope()
                    let bound = factor * EquiangularFrame.welchBound count d
                    let found = EquiangularFrame.search 1 bench.Kind 2000 bound (count, d)
                    Expect.equal found.Vectors.shape [| count; d |] "shape"
                    Expect.equal (TensorKind.ofTensor found.Vectors) bench.Kind "kind"
                    Expect.isLessThanOrEqual found.Coherence (bound + 1e-4) $"reached in {found.Steps} steps"
                    let again = EquiangularFrame.coherence found.Vectors
                    Expect.isLessThanOrEqual (abs (again - found.Coherence)) bench.Product "as it says"
                    let lengths = found.Vectors.norm 1
                    Expect.isLessThanOrEqual (Law.distance lengths (torch.ones_like lengths)) bench.Product "unit"
                    Expect.isGreaterThan found.Steps 10 "a random start is far from it"
                    Expect.isLessThan found.Steps 1000 "and the way is short")

            testCase "are orthonormal, in no steps, when there is room" (fun () ->
                use _ = torch.NewDisposeScope()
                let found = EquiangularFrame.search 1 bench.Kind 0 0.0 (7L, 9L)
                Expect.isLessThanOrEqual (Law.orthogonality found.Vectors) bench.Product "orthonormal"
                Expect.isLessThanOrEqual found.Coherence bench.Product "coherence"
                Expect.equal found.Steps 0 "steps")

            testCase "say so when the bound is not reached" (fun () ->
                use _ = torch.NewDisposeScope()
                let found = EquiangularFrame.search 1 bench.Kind 3 0.3 (100L, 20L)
                Expect.equal found.Steps 3 "steps"
                Expect.isGreaterThan found.Coherence 0.4 "coherence"
                Expect.isLessThanOrEqual (abs (plainCoherence found.Vectors - found.Coherence)) bench.Product "told")
        ]

let private single =
    testList
        "bounds and bad input"
        [
            testCase "Welch's bound by hand" (fun () ->
                Expect.floatClose Accuracy.veryHigh (EquiangularFrame.welchBound 4L 3L) (1.0 / 3.0) "tetrahedron"

                Expect.floatClose
                    Accuracy.veryHigh
                    (EquiangularFrame.welchBound 200L 50L)
                    (sqrt (150.0 / 9950.0))
                    "200 in 50"

                Expect.equal (EquiangularFrame.welchBound 3L 3L) 0.0 "a basis"
                Expect.equal (EquiangularFrame.welchBound 1L 1L) 0.0 "a single vector"
                Expect.equal (EquiangularFrame.welchBound 9L 1L) 1.0 "on a line")

            testCase "the simplex of a triangle by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = EquiangularFrame.simplex TensorKind.float64 2L
                let h = sqrt 0.75
                let expected = torch.tensor (array2D [ [ h; 0.5 ]; [ -h; 0.5 ]; [ 0.0; -1.0 ] ])
                Expect.isLessThanOrEqual (Law.distance w expected) 1e-12 "corners")

            testCase "pairs in different chunks are seen" (fun () ->
                use _ = torch.NewDisposeScope()
                let count = 5000L

                let angles =
                    torch.arange (0.0, float count, dtype = torch.float64)
                    * (System.Math.PI / float count)

                let lines = torch.stack ([| angles.cos (); angles.sin () |], 1L)
                let expected = cos (System.Math.PI / float count)
                Expect.isLessThanOrEqual (abs (EquiangularFrame.coherence lines - expected)) 1e-12 "neighbours"
                let doubled = lines.clone ()
                doubled[4999L] <- -lines[0L]
                Expect.isLessThanOrEqual (abs (EquiangularFrame.coherence doubled - 1.0)) 1e-12 "first and last")

            testCase "same seed, same vectors" (fun () ->
                use _ = torch.NewDisposeScope()

                let found seed =
                    (EquiangularFrame.search seed TensorKind.float64 20 0.5 (12L, 4L)).Vectors

                Expect.equal (Law.distance (found 1) (found 1)) 0.0 "same"
                Expect.isGreaterThan (Law.distance (found 1) (found 2)) 0.1 "other")

            testCase "zero and non-finite vectors have coherence NaN" (fun () ->
                use _ = torch.NewDisposeScope()
                let vectors = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]
                vectors[1L] <- torch.zeros (3L, dtype = torch.float64)
                Expect.isTrue (System.Double.IsNaN(EquiangularFrame.coherence vectors)) "zero")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.float64

                Dense.growthOfResults (fun () ->
                    let w = EquiangularFrame.simplex kind 3L
                    EquiangularFrame.coherence w |> ignore

                    [
                        w
                        (EquiangularFrame.search 1 kind 30 0.5 (12L, 4L)).Vectors
                        (EquiangularFrame.search 1 kind 30 0.5 (3L, 4L)).Vectors
                    ])
                |> fun grown -> Expect.equal grown 0L "outside of any inner scope")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.float64
                let welch = EquiangularFrame.welchBound 20L 5L

                for name, body in
                    [
                        "no vectors", (fun () -> EquiangularFrame.welchBound 0L 5L |> ignore)
                        "no dimensions", (fun () -> EquiangularFrame.welchBound 5L 0L |> ignore)
                        "simplex in 0 dimensions", (fun () -> EquiangularFrame.simplex kind 0L |> ignore)
                        "coherence of three axes",
                        (fun () -> EquiangularFrame.coherence (torch.ones (2L, 2L, 2L)) |> ignore)
                        "coherence of nothing", (fun () -> EquiangularFrame.coherence (torch.ones (0L, 2L)) |> ignore)
                        "below Welch's bound",
                        (fun () -> EquiangularFrame.search 1 kind 10 (0.99 * welch) (20L, 5L) |> ignore)
                        "above 1", (fun () -> EquiangularFrame.search 1 kind 10 1.5 (20L, 5L) |> ignore)
                        "NaN", (fun () -> EquiangularFrame.search 1 kind 10 nan (20L, 5L) |> ignore)
                        "negative steps", (fun () -> EquiangularFrame.search 1 kind -1 0.9 (20L, 5L) |> ignore)
                        "complex",
                        (fun () ->
                            EquiangularFrame.search 1 (TensorKind.cpu torch.complex128) 10 0.9 (20L, 5L)
                            |> ignore)
                    ] do
                    Refusal.expect name body)
        ]

let tests =
    testList
        "EquiangularFrame"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map searches
            single
        ]
