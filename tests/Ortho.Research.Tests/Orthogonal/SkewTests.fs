module Ortho.Tests.Orthogonal.SkewTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private square (bench: Bench) (case: Case) =
    let n = int64 case.Size
    Seed.normal case.Seed bench.Kind (case.Batch @ [ n; n ])

let private exactly name (holds: bool) = holds |> Prop.label name

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"skew matrices on {bench}"
        [
            check "ofSquare and part are skew to the last digit" (fun case ->
                let x = square bench case

                [ Skew.ofSquare x; Skew.part x ]
                |> List.forall (fun s -> (s + s.mH).count_nonzero().item<int64>() = 0L && Skew.defect s = 0.0)
                |> exactly "S + S* is zero")

            check "ofSquare reads the strictly lower triangle, and imaginary parts of the diagonal" (fun case ->
                let x = square bench case
                let s = Skew.ofSquare x
                let diagonal = s.diagonal (0L, -2L, -1L)
                let lower = Law.distance (s.tril -1L) (x.tril -1L)

                let phases =
                    if x.is_complex () then
                        Law.distance diagonal.imag (x.diagonal(0L, -2L, -1L).imag * 2.0)
                    else
                        Dense.size diagonal

                let ignored = Law.distance (Skew.ofSquare (x.tril 0L)) s
                exactly $"{lower}, {phases}, {ignored}" (lower = 0.0 && phases <= bench.Product && ignored = 0.0))

            check "part is the nearest skew matrix: the rest is self-adjoint" (fun case ->
                let x = square bench case
                let rest = x - Skew.part x
                Law.distance rest rest.mH |> Property.within bench.Product "distance")

            check "ofVector and toVector are inverse to each other" (fun case ->
                let n = int64 case.Size
                let v = Seed.normal case.Seed bench.Kind (case.Batch @ [ Skew.dimension n ])
                let s = Skew.ofVector n v
                let back = Skew.toVector s
                let again = Skew.ofVector n (Skew.toVector s)

                exactly
                    $"{Guard.showShape s.shape}"
                    (back.shape = v.shape
                     && s.shape = Array.ofList (case.Batch @ [ n; n ])
                     && Law.distance back v = 0.0
                     && Law.distance again s = 0.0
                     && Skew.defect s = 0.0))

            check "defect does not depend on the scale, and grows from 0 (skew) to 2 (self-adjoint)" (fun case ->
                let x = square bench case
                let symmetric = x + x.mH
                let scaled = abs (Skew.defect (x * 1e-3) - Skew.defect x)
                let mixed = Skew.defect x

                exactly
                    $"{scaled}, {mixed}"
                    (scaled <= bench.Product
                     && mixed >= 0.0
                     && mixed <= 2.0 + bench.Product
                     && abs (Skew.defect symmetric - 2.0) <= bench.Product))

            testCase "entries of ofVector go row by row below the diagonal" (fun () ->
                use _ = torch.NewDisposeScope()
                let v = Seed.normal 1 bench.Kind [ 6L ]
                let s = Skew.ofVector 4L v

                [ 1L, 0L; 2L, 0L; 2L, 1L; 3L, 0L; 3L, 1L; 3L, 2L ]
                |> List.iteri (fun i (row, column) ->
                    Expect.equal (Law.distance s[row, column] v[i]) 0.0 $"entry {i} at ({row}, {column})"

                    Expect.equal
                        (Law.distance s[column, row] (-v[i].conj()))
                        0.0
                        $"minus its conjugate at ({column}, {row})"))

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 bench.Kind [ 2L; 4L; 4L ]

                Dense.growth (fun () ->
                    [ Skew.ofSquare x; Skew.part x; Skew.ofVector 4L (Skew.toVector x) ] |> ignore
                    Skew.defect x |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors")
        ]

let private gradients (bench: Bench) =
    Property.check Property.costly $"of skew matrices are right on {bench}" (fun case ->
        let n = int64 case.Size
        let x = square bench case
        let v = Seed.normal case.Seed bench.Kind [ 2L; Skew.dimension n ]

        [
            Law.gradient case.Seed Skew.ofSquare x
            Law.gradient case.Seed Skew.part x
            Law.gradient case.Seed Skew.toVector x
            if n > 1L then
                Law.gradient case.Seed (Skew.ofVector n) v
        ]
        |> List.reduce max
        |> Property.within Bench.gradient "gradient")

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let wide = torch.zeros (3L, 4L)
        let whole = torch.zeros (3L, 3L, dtype = torch.int64)
        let empty = torch.zeros (0L, 3L, 3L)

        for name, f in [ "ofSquare", Skew.ofSquare; "part", Skew.part; "toVector", Skew.toVector ] do
            Refusal.expect name (fun () -> f wide |> ignore)
            Refusal.expect name (fun () -> f whole |> ignore)
            Refusal.expect name (fun () -> f null |> ignore)

        Refusal.expect "defect" (fun () -> Skew.defect empty |> ignore)
        Refusal.expect "n" (fun () -> Skew.dimension 0L |> ignore)
        Refusal.expect "n" (fun () -> Skew.ofVector -1L wide |> ignore)
        Refusal.expect "v" (fun () -> Skew.ofVector 4L (torch.zeros 5L) |> ignore)
        Refusal.expect "v" (fun () -> Skew.ofVector 1L (torch.zeros (Array.empty<int64>)) |> ignore)
        let disposed = torch.zeros (3L, 3L)
        disposed.Dispose()

        Expect.throwsT<System.ObjectDisposedException> (fun () -> Skew.ofSquare disposed |> ignore) "disposed")

let tests =
    testList
        "Skew"
        [
            yield! Bench.all |> List.map laws
            testList "gradients" (Bench.double |> List.map gradients)
            refusals
        ]
