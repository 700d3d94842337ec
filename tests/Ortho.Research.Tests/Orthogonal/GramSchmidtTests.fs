module Ortho.Tests.Orthogonal.GramSchmidtTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private normal (bench: Bench) (seed: int) rows columns =
    Seed.normal seed bench.Kind [ rows; columns ]

/// Läuchli's matrix: ones above a small diagonal, whose columns are nearly along.
let private laeuchli (kind: TensorKind) (k: int64) (small: float) =
    torch.cat
        [|
            torch.ones ([| 1L; k |], dtype = kind.Dtype, device = kind.Device)
            Dense.identity kind k * small
        |]

let private laws (bench: Bench) =
    let check = Property.check Property.config

    let rounding =
        if TensorKind.realDtype bench.Kind.Dtype = torch.float32 then
            1e-4
        else
            1e-8

    testList
        $"Gram-Schmidt on {bench}"
        [
            check "Gram-Schmidt in all three ways is sign-fixed QR" (fun case ->
                let k = int64 case.Second

                let a =
                    Seed.normal case.Seed bench.Kind (case.Batch @ [ 2L * k + int64 case.Size; k ])

                let q = Stiefel.ofMatrix a

                [ GramSchmidt.classical; GramSchmidt.modified; GramSchmidt.twice ]
                |> List.map (fun f -> Law.distance (f a) q)
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "Gram-Schmidt keeps the span of every prefix, and drops what depends on it" (fun case ->
                let k = int64 case.Second
                let a = normal bench case.Seed (2L * k + 2L) k
                let doubled = a.repeat_interleave (2L, 1L)
                let wide = torch.cat ([| a * 0.0; doubled; a.matmul (normal bench 3 k 2L) |], 1L)
                let q = GramSchmidt.dropping rounding wide

                (if q.shape[1] = k then
                     Law.distance q (Stiefel.ofMatrix a)
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

        ]

let private examples (bench: Bench) =
    testCase "Läuchli's matrix: classical loses all, modified some, twice nothing" (fun () ->
        use _ = torch.NewDisposeScope()
        let a = laeuchli bench.Kind 4L 1e-8
        // 1 + 1e-16 is 1 in float64: what is left of the columns is (0, -s, s, 0, 0), ..., at angles of 60 degrees.
        Expect.isGreaterThan (Law.orthogonality (GramSchmidt.classical a)) 0.3 "classical: condition squared"
        let defect = Law.orthogonality (GramSchmidt.modified a)
        Expect.isTrue (defect > 1e-10 && defect < 1e-7) $"modified: condition, but {defect}"
        Expect.isLessThan (Law.orthogonality (GramSchmidt.twice a)) bench.Product "twice"

        Expect.isLessThan (Law.distance (GramSchmidt.twice a) (Stiefel.ofMatrix a)) 1e-7 "QR, as the condition lets")


let tests =
    testList "GramSchmidt" [ yield! Bench.all |> List.map laws; yield! Bench.double |> List.map examples ]
