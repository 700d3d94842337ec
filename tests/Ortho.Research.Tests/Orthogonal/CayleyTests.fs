module Ortho.Tests.Orthogonal.CayleyTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private skew (bench: Bench) (case: Case) =
    Skew.ofSquare (Seed.normal case.Seed bench.Kind (case.Batch @ [ int64 case.Size; int64 case.Size ]))

/// A skew matrix with singular values up to 0.9, whatever its size.
let private small (bench: Bench) (case: Case) =
    Dense.skew case.Seed bench.Kind (int64 case.Size) (0.1 + 0.16 * float (case.Second - 1))

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Cayley transform on {bench}"
        [
            check "is (I + K) (I - K)^-1, by another solver" (fun case ->
                let k = skew bench case
                let identity = Dense.identity bench.Kind (int64 case.Size)
                let q = Cayley.matrix k

                // q (I - K) = I + K, over the norms of the factors.
                max (Law.distance (q.matmul (identity - k)) (identity + k)) (Law.orthogonality q)
                |> Property.within bench.Iteration "distance")

            check "as a map is the matrix, and unitary" (fun case ->
                let k = skew bench { case with Batch = [] }
                let map = Cayley.ofSkew k
                let q = Cayley.matrix k
                let x = case.Draw bench map.Domain

                [
                    Law.distance (LinearMap.toMatrix map) q
                    Law.distance (map.Apply x) (x.matmul q.mT)
                    Law.distance (LinearMap.toMatrix map.Adjoint) q.mH
                    Law.unitary case.Seed map
                ]
                |> List.reduce max
                |> fun residual -> if map.Promises Traits.Unitary then residual else infinity
                |> Property.within bench.Iteration "distance")

            check "of -K is its inverse" (fun case ->
                let k = skew bench { case with Batch = [] }

                Law.inverse case.Seed (Cayley.ofSkew k) (Cayley.ofSkew -k)
                |> Property.within bench.Iteration "distance")

            check "is undone by toSkew, and toSkew by it" (fun case ->
                // An eigenvalue near -1 would amplify rounding by |K|^2: K of size 2 at most.
                let k = small bench case * 2.0
                let q = Cayley.matrix k
                let back = Cayley.toSkew q

                [ Dense.apart back k; Law.distance (Cayley.matrix back) q; Skew.defect back ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "is as far from I as the singular values of K say, and at most 2 |K|" (fun case ->
                let k = skew bench { case with Batch = [] }
                let identity = Dense.identity bench.Kind (int64 case.Size)
                let distance = Dense.size (Cayley.matrix k - identity)
                let squares = Dense.singularValues k |> Array.map (fun s -> s * s)
                let expected = squares |> Array.sumBy (fun s -> 4.0 * s / (1.0 + s)) |> sqrt

                (if distance <= 2.0 * Dense.size k * (1.0 + bench.Iteration) then
                     abs (distance - expected) / (1.0 + expected)
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            check "Neumann's series is the plain sum of powers, by both orders of multiplication" (fun case ->
                let order = case.Seed % 9
                let k = small bench case
                let n = int64 case.Size
                let identity = Dense.identity bench.Kind n

                let powers =
                    Seq.scan (fun (p: torch.Tensor) _ -> p.matmul k) identity (seq { 1..order })

                let expected =
                    (identity + k).matmul(Seq.reduce (fun (a: torch.Tensor) b -> a + b) powers)

                let map = Cayley.neumann order k

                let few, many =
                    Seed.normal 1 bench.Kind [ n ], Seed.normal 2 bench.Kind [ 2L; n; n ]

                [
                    Law.distance (Cayley.neumannMatrix order k) expected
                    Law.distance (LinearMap.toMatrix map) expected
                    Law.distance (LinearMap.toMatrix map.Adjoint) expected.mH
                    Law.distance (map.Apply few) (few.matmul expected.mT)
                    Law.distance (map.Apply many) (many.matmul expected.mT)
                    Law.distance (map.Adjoint.Apply few) (few.matmul (expected.conj ()))
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            testList
                "Neumann's defect"
                [
                    for order in 0..8 do
                        check $"is R* R - I exactly, k = {order}" (fun case ->
                            let k = small bench case
                            let r = Cayley.neumannMatrix order k
                            let measured = r.mH.matmul r - Dense.identity bench.Kind (int64 case.Size)
                            let exact = Cayley.neumannDefect order k

                            let eigenvalue (s: float) =
                                if order % 2 = 0 then
                                    s ** float (2 * order + 2)
                                else
                                    let sign = if (order + 1) / 2 % 2 = 0 then 1.0 else -1.0
                                    (1.0 - sign * s ** float (order + 1)) ** 2.0 - 1.0

                            let expected =
                                Dense.singularValues k |> Array.sumBy (fun s -> eigenvalue s ** 2.0) |> sqrt

                            [
                                Dense.apart exact measured
                                abs (Dense.size exact - expected) / (1.0 + expected)
                            ]
                            |> List.reduce max
                            |> Property.within bench.Iteration "distance")
                ]

            check "Neumann's error is C(K) K^(k+1)" (fun case ->
                let order = case.Seed % 9
                let k = small bench case
                let q = Cayley.matrix k
                let expected = q - q.matmul (k.matrix_power (order + 1))

                Law.distance (Cayley.neumannMatrix order k) expected
                |> Property.within bench.Iteration "distance")

            check "Neumann's series promises nothing" (fun case ->
                (Cayley.neumann case.Second (small bench case)).Traits = Traits.None
                |> Prop.label "traits")

            testCase "a batch of matrices is its matrices one by one; an empty batch is empty" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 2L; 3L; 5L; 5L ])

                for name, f in
                    [
                        "matrix", Cayley.matrix
                        "neumannMatrix", Cayley.neumannMatrix 3
                        "neumannDefect", Cayley.neumannDefect 3
                        "toSkew", Cayley.matrix >> Cayley.toSkew
                    ] do
                    let together, alone = f k, f (k[1L, 2L])
                    let one = Law.distance together[1L, 2L] alone
                    Expect.isLessThanOrEqual one bench.Iteration name

                let none = Cayley.matrix (k.narrow (0L, 0L, 0L))
                Expect.equal none.shape [| 0L; 3L; 5L; 5L |] "empty")

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let k = Skew.ofSquare (Seed.normal 1 bench.Kind [ 5L; 5L ]) * 0.1
                let x = Seed.normal 2 bench.Kind [ 3L; 5L ]
                let square = Seed.normal 3 bench.Kind [ 5L; 5L ]

                Dense.growth (fun () ->
                    for map in [ Cayley.ofSkew k; Cayley.neumann 3 k ] do
                        map.Adjoint.Apply(map.Apply x) |> ignore
                        map.Adjoint.Apply(map.Apply square) |> ignore

                    Cayley.neumannDefect 4 k |> ignore
                    Cayley.toSkew (Cayley.matrix k) |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                for map in [ Cayley.ofSkew k; Cayley.neumann 3 k ] do
                    let grown =
                        Dense.growthOfResults (fun () -> [ map.Apply x; map.Adjoint.Apply x; map.Apply square ])

                    Expect.equal grown 0L "applied outside of any inner scope"

                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                let kept = Cayley.ofSkew k
                let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                Expect.isLessThanOrEqual grown 3L "the matrix and two views"
                GC.KeepAlive kept)
        ]

let private realLaws (bench: Bench) =
    testList
        $"real Cayley transform on {bench}"
        [
            Property.check Property.config "has determinant 1" (fun case ->
                let q = Cayley.matrix (skew bench case)
                let determinant = torch.linalg.det q

                Dense.size (determinant - torch.ones_like determinant)
                / sqrt (float (determinant.numel ()))
                |> Property.within bench.Iteration "determinant")

            testCase "of a plane turns by twice the arctangent" (fun () ->
                use _ = torch.NewDisposeScope()
                let t = 0.7

                let k =
                    Skew.ofVector
                        2L
                        (torch.tensor ([| tan (t / 2.0) |], dtype = bench.Kind.Dtype, device = bench.Kind.Device))

                let q = Cayley.matrix k
                let turn = [ cos t; -(sin t); sin t; cos t ]

                let expected =
                    torch
                        .tensor(turn |> List.toArray, dtype = bench.Kind.Dtype, device = bench.Kind.Device)
                        .reshape(2L, 2L)

                Expect.isLessThanOrEqual (Law.distance q expected) bench.Product "rotation by 0.7")

            testCase "of zero is the identity, and in one dimension always" (fun () ->
                use _ = torch.NewDisposeScope()

                for n in [ 1L; 4L ] do
                    let zero =
                        torch.zeros ([| n; n |], dtype = bench.Kind.Dtype, device = bench.Kind.Device)

                    let identity = Dense.identity bench.Kind n
                    Expect.equal (Law.distance (Cayley.matrix zero) identity) 0.0 "C"
                    Expect.equal (Law.distance (Cayley.neumannMatrix 3 zero) identity) 0.0 "R"
                    Expect.equal (Dense.size (Cayley.toSkew identity)) 0.0 "K")

            testCase "even orders of Neumann's series are quadratically better (|K| = 0.1)" (fun () ->
                use _ = torch.NewDisposeScope()

                let k =
                    Skew.ofVector 2L (torch.tensor ([| 0.1 |], dtype = bench.Kind.Dtype, device = bench.Kind.Device))

                for order, expected in [ 3, 2e-4; 4, 1e-10; 5, 2e-6; 6, 1e-14 ] do
                    let defect =
                        torch.linalg.svdvals(Cayley.neumannDefect order k).max().``to``(torch.float64).item<float>()

                    Expect.isLessThan (abs (defect / expected - 1.0)) 1e-3 $"k = {order}: {defect}")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients on {bench}"
        [
            check "of the matrices are right" (fun case ->
                let x = Seed.normal case.Seed bench.Kind [ int64 case.Size; int64 case.Size ] * 0.4

                [
                    Law.gradient case.Seed (Skew.ofSquare >> Cayley.matrix) x
                    Law.gradient case.Seed (Skew.ofSquare >> Cayley.neumannMatrix 3) x
                    Law.gradient case.Seed (Skew.ofSquare >> Cayley.neumannDefect 2) x
                    Law.gradient case.Seed (Skew.ofSquare >> Cayley.matrix >> Cayley.toSkew) x
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "of complex maps are right in K and in x" (fun case ->
                let n = int64 case.Size
                let k = Seed.normal case.Seed bench.Kind [ n; n; 2L ] * 0.4
                let x = Seed.normal (case.Seed + 1) bench.Kind [ 2L; n; 2L ]

                let residual (build: torch.Tensor -> LinearMap) =
                    let apply (k: torch.Tensor) (x: torch.Tensor) =
                        (build (Skew.ofSquare (Dense.complexOf k))).Apply(Dense.complexOf x)

                    max (Law.gradient case.Seed (fun k -> apply k x) k) (Law.gradient case.Seed (fun x -> apply k x) x)

                max (residual Cayley.ofSkew) (residual (Cayley.neumann 2))
                |> Property.within Bench.gradient "gradient")

            testCase "train a rotation to a target through a learned map" (fun () ->
                use _ = torch.NewDisposeScope()
                let target = Cayley.matrix (Dense.skew 5 bench.Kind 6L 0.8)
                let parameter = Parameter.zeros [ 6L; 6L ] |> Parameter.on bench.Kind

                use learned =
                    Learn.map "rotate" [ parameter ] (fun p -> Cayley.ofSkew (Skew.ofSquare p[0]))

                use optimizer = torch.optim.Adam(learned.parameters (), lr = 0.05)
                let x = Seed.normal 6 bench.Kind [ 32L; 6L ]
                let y = x.matmul target.mT

                let loss () =
                    use _ = torch.NewDisposeScope()
                    optimizer.zero_grad ()
                    let loss = (learned.forward x - y).square().mean()
                    loss.backward ()
                    optimizer.step () |> ignore
                    loss.item<float>()

                let losses = Array.init 300 (fun _ -> loss ())
                Expect.isLessThan losses[299] (1e-4 * losses[0]) "loss")
        ]

let private refusals =
    testList
        "bad input"
        [
            testCase "is refused: shape, type, skewness, order, state" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 TensorKind.float64 [ 4L; 4L ]
                let k = Skew.ofSquare x
                let rough = k + Dense.identity TensorKind.float64 4L * 1e-8
                let spoiled = k.clone ()
                spoiled[0L, 1L] <- torch.tensor (nan, dtype = torch.float64)

                for name, (body: unit -> unit) in
                    [
                        "not skew", (fun () -> Cayley.ofSkew x |> ignore)
                        "not quite skew", (fun () -> Cayley.ofSkew rough |> ignore)
                        "not finite", (fun () -> Cayley.ofSkew spoiled |> ignore)
                        "not square", (fun () -> Cayley.ofSkew (k.narrow (0L, 0L, 2L)) |> ignore)
                        "a batch for a map", (fun () -> Cayley.ofSkew (k.unsqueeze 0L) |> ignore)
                        "empty", (fun () -> Cayley.ofSkew (torch.zeros (0L, 0L)) |> ignore)
                        "integers", (fun () -> Cayley.ofSkew (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                        "null", (fun () -> Cayley.ofSkew null |> ignore)
                        "not skew matrix", (fun () -> Cayley.matrix x |> ignore)
                        "not skew series", (fun () -> Cayley.neumann 2 x |> ignore)
                        "negative order", (fun () -> Cayley.neumann -1 k |> ignore)
                        "negative order", (fun () -> Cayley.neumannMatrix -1 k |> ignore)
                        "negative order", (fun () -> Cayley.neumannDefect -1 k |> ignore)
                        "not skew defect", (fun () -> Cayley.neumannDefect 1 x |> ignore)
                        "not orthogonal", (fun () -> Cayley.toSkew x |> ignore)
                        "wide", (fun () -> Cayley.toSkew (x.narrow (0L, 0L, 2L)) |> ignore)
                    ] do
                    Refusal.expect name body

                try
                    Cayley.ofSkew rough |> ignore
                with error ->
                    Expect.stringContains error.Message "s must be skew" "argument"
                    Expect.stringContains error.Message "E-0" "the defect"

                k.Dispose()
                Expect.throwsT<ObjectDisposedException> (fun () -> Cayley.ofSkew k |> ignore) "disposed")

            testCase "an eigenvalue -1 has no inverse transform" (fun () ->
                use _ = torch.NewDisposeScope()

                for bench in Bench.all do
                    let identity = Dense.identity bench.Kind 4L
                    let q = Dense.frame 3 bench.Kind 5L 5L

                    let q =
                        if (torch.linalg.det q).real.``to``(torch.float64).item<float>() > 0.0 then
                            q * -1.0
                        else
                            q

                    let reflections =
                        [ -identity; Dense.reflection (Seed.normal 1 bench.Kind [ 4L ]) ]
                        @ (if bench.Kind.Dtype = torch.complex128 then [] else [ q ])

                    for q in reflections do
                        let refusal =
                            Expect.throwsT<ArgumentException> (fun () -> Cayley.toSkew q |> ignore) $"{bench}"

                        ignore refusal

                    try
                        Cayley.toSkew (torch.stack [| identity; -identity |]) |> ignore
                        failtest "one bad matrix of a batch"
                    with :? ArgumentException as error ->
                        Expect.stringContains error.Message "eigenvalue" "reason")
        ]

let tests =
    testList
        "Cayley"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map realLaws
            yield! Bench.double |> List.map gradients
            refusals
        ]
