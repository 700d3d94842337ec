/// LAPACK's form of reflections, against torch's own functions on it.
module Ortho.Tests.Orthogonal.HouseholderLapackTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private tall (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind [ int64 case.Size + int64 case.Second - 1L; int64 case.Size ]

let private square (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind [ int64 case.Size; int64 case.Size ]

let private kept (form: LapackForm) =
    LinearMap.toMatrix (Householder.ofLapack form.Reflectors form.Scales)
    * form.Signs

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"reflections in LAPACK's form on {bench}"
        [
            check "ofLapack of what geqrf gives is what torch.linalg.householder_product gives" (fun case ->
                let struct (a, tau) = torch.geqrf (tall bench case)
                let map = Householder.ofLapack a tau
                let expected = torch.linalg.householder_product (a, tau)

                max (Law.distance (LinearMap.toMatrix map) expected) (Law.promises case.Seed map)
                |> Property.within bench.Product "distance")

            check "ofLapack applies as torch.ormqr does, with fewer scales too" (fun case ->
                let struct (a, tau) = torch.geqrf (square bench case)
                let r = min (int64 case.Second) (int64 case.Size)
                let tau = tau.narrow (0L, 0L, r)
                let x = Seed.normal (case.Seed + 1) bench.Kind [ int64 case.Size; 2L ]
                let expected = torch.ormqr (a.narrow (1L, 0L, r), tau, x)

                Law.distance ((Householder.ofLapack a tau).Apply(x.t ())) (expected.t ())
                |> Property.within bench.Product "distance")

            check
                "triangular is householder_product with tau = 2 / |v|^2, and its last 0 for a square matrix"
                (fun case ->
                    let a =
                        if case.Seed % 2 = 0 then
                            tall bench case
                        else
                            square bench case

                    let n, k = a.shape[0], a.shape[1]
                    let tau = HouseholderZoo.scales a (torch.zeros_like a[0L])

                    if n = k then
                        tau[k - 1L] <- torch.zeros_like tau[k - 1L]

                    let expected = torch.linalg.householder_product (a, tau)

                    Law.distance (LinearMap.toMatrix (Householder.triangular a)) expected
                    |> Property.within bench.Product "distance")

            check "the diagonal of the parameter and what is above it does not count" (fun case ->
                let a = square bench case
                let other = a.tril -1L + (Seed.normal 7 bench.Kind a.shape).triu 0L

                Law.distance
                    (LinearMap.toMatrix (Householder.triangular a))
                    (LinearMap.toMatrix (Householder.triangular other))
                |> fun distance -> (distance = 0.0) |> Prop.label $"distance {distance}")

            check "a matrix or frame comes back from its form, signs and all" (fun case ->
                let whole = Dense.frame case.Seed bench.Kind (int64 case.Size) (int64 case.Size)
                let q = whole.narrow (1L, 0L, min (int64 case.Size) (int64 case.Second + 2L))
                let permuted = Dense.identity bench.Kind (int64 case.Size)

                let permuted =
                    permuted.index_select (
                        0L,
                        torch.tensor (ZooEntry.order case.Seed (int64 case.Size), device = bench.Kind.Device)
                    )

                [ q; -q; whole; permuted; -permuted ]
                |> List.map (fun q -> Law.distance (kept (Householder.toLapack q)) q)
                |> List.reduce max
                |> Property.within bench.Product "distance")

            testCase "zeros are -1 on the diagonal and +1 at its end; one dimension is the identity" (fun () ->
                use _ = torch.NewDisposeScope()

                let q =
                    LinearMap.toMatrix (Householder.triangular (Seed.normal 1 bench.Kind [ 3L; 3L ] * 0.0))

                let signs =
                    torch.tensor([| -1.0; -1.0; 1.0 |]).``to``(bench.Kind.Dtype, bench.Kind.Device)

                Expect.equal (Law.distance q (signs.diag ())) 0.0 "signs"
                let one = Householder.triangular (Seed.normal 1 bench.Kind [ 1L; 1L ])
                Expect.equal (string one) (string (LinearMap.identity 1L)) "n = 1")

            testCase "scales of zero reflect nothing" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = Seed.normal 1 bench.Kind [ 4L; 2L ]
                let none = Householder.ofLapack a (torch.zeros_like a[0L])
                let expected = (Dense.identity bench.Kind 4L).narrow(1L, 0L, 2L)
                Expect.equal (Law.distance (LinearMap.toMatrix none) expected) 0.0 "no reflection")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let q = Dense.frame 3 bench.Kind 5L 3L
                let a = Seed.normal 1 bench.Kind [ 5L; 3L ]

                Dense.growth (fun () ->
                    kept (Householder.toLapack q) |> ignore
                    Householder.triangular a |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                let form = Householder.toLapack q
                let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                Expect.equal grown 3L "the form's three tensors"
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                let map = Householder.ofLapack form.Reflectors form.Scales
                let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                Expect.equal grown 4L "one block"
                System.GC.KeepAlive map)
        ]

let private realLaws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"triangular reflections of a real matrix on {bench}"
        [
            check "triangular starts at a given matrix or frame, up to the signs that toLapack tells" (fun case ->
                let whole = Dense.frame case.Seed bench.Kind (int64 case.Size) (int64 case.Size)
                let identity = Dense.identity bench.Kind (int64 case.Size)
                let k = min (int64 case.Size) (int64 case.Second)

                [
                    whole
                    whole.narrow (1L, 0L, k)
                    identity
                    -identity
                    identity.narrow (1L, 0L, k)
                ]
                |> List.map (fun q ->
                    let form = Householder.toLapack q
                    let map = LinearMap.toMatrix (Householder.triangular form.Reflectors)

                    max (Law.distance (map * form.Signs) q) (Law.distance (kept form) q))
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "the determinant of a square one is (-1)^(n-1)" (fun case ->
                let q = LinearMap.toMatrix (Householder.triangular (square bench case))
                let expected = if case.Size % 2 = 1 then 1.0 else -1.0

                abs (torch.linalg.det(q).``to``(torch.float64).item<float>() - expected)
                |> Property.within bench.Product "determinant")

            testCase "a vector of n (n - 1) / 2 numbers moves the matrix in as many directions" (fun () ->
                use _ = torch.NewDisposeScope()
                let n = 5L
                let v = Seed.normal 1 bench.Kind [ Skew.dimension n ]

                let matrix (v: torch.Tensor) =
                    (LinearMap.toMatrix (Householder.triangular (Skew.ofVector n v))).flatten()

                // Differences of 1e-3: rank 10 is told from 9 by singular values near 1.
                let columns =
                    [|
                        for i in 0L .. v.shape[0] - 1L do
                            let moved = v.clone ()
                            moved[i] <- moved[i] + 1e-3
                            (matrix moved - matrix v) * 1e3
                    |]

                let values = Dense.singularValues (torch.stack columns)
                Expect.isGreaterThan (Array.min values) 0.02 "the least of ten singular values")
        ]

let private gradients (bench: Bench) =
    Property.check
        Property.costly
        $"complex reflectors have the right gradients, also in their scales, on {bench}"
        (fun case ->
            let n, k = int64 case.Size + 1L, int64 (min case.Size case.Second)
            let a = Seed.normal case.Seed bench.Kind [ n; k; 2L ]
            let s = Seed.normal (case.Seed + 1) bench.Kind [ k ]
            let x = Dense.complexOf (Seed.normal (case.Seed + 2) bench.Kind [ 3L; k; 2L ])

            let apply (a: torch.Tensor) (s: torch.Tensor) =
                let a = Dense.complexOf a
                let tau = HouseholderZoo.scales a (torch.complex (torch.zeros_like s, s))
                (Householder.ofLapack a tau).Apply x

            max (Law.gradient case.Seed (fun a -> apply a s) a) (Law.gradient case.Seed (fun s -> apply a s) s)
            |> Property.within Bench.gradient "gradient")

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let a = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]
        let tau = HouseholderZoo.scales a (torch.zeros_like a[0L])
        let spoiled = a.clone ()
        spoiled[3L, 1L] <- torch.tensor (nan, dtype = torch.float64)

        for name, (body: unit -> unit) in
            [
                "triangular wide", (fun () -> Householder.triangular (a.t ()) |> ignore)
                "triangular of one axis", (fun () -> Householder.triangular a[0L] |> ignore)
                "triangular of nothing", (fun () -> Householder.triangular (torch.zeros (3L, 0L)) |> ignore)
                "triangular of integers",
                (fun () -> Householder.triangular (torch.ones (3L, 2L, dtype = torch.int64)) |> ignore)
                "triangular of NaN", (fun () -> Householder.triangular spoiled |> ignore)
                "tau of another length", (fun () -> Householder.ofLapack a (torch.cat [| tau; tau |]) |> ignore)
                "tau of another type", (fun () -> Householder.ofLapack a (tau.``to`` torch.float32) |> ignore)
                "tau that is not unitary", (fun () -> Householder.ofLapack a (tau * 1.01) |> ignore)
                "tau of NaN", (fun () -> Householder.ofLapack a (tau * nan) |> ignore)
                "tau of two axes", (fun () -> Householder.ofLapack a (tau.unsqueeze 0L) |> ignore)
                "not orthonormal", (fun () -> Householder.toLapack a |> ignore)
            ] do
            Refusal.expect name body

        let complex = Seed.normal 1 (TensorKind.cpu torch.complex128) [ 3L; 1L ]

        let turned =
            HouseholderZoo.scales complex (torch.zeros_like complex[0L])
            * torch.complex (torch.tensor 0.0, torch.tensor 1.0)

        Refusal.expect "a phase that is not unitary" (fun () -> Householder.ofLapack complex turned |> ignore))

let tests =
    testList
        "Householder: LAPACK's form"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            yield! Bench.double |> List.map gradients
            refusals
        ]
