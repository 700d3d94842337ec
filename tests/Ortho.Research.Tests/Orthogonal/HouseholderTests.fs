module Ortho.Tests.Orthogonal.HouseholderTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private vectors (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size ]

/// The determinant of a unitary matrix, less the given number.
let private determinantDefect (expected: float) (q: torch.Tensor) =
    let determinant = torch.linalg.det q
    Dense.size (determinant - torch.full_like (determinant, expected))

let private parity (r: int64) = if r % 2L = 0L then 1.0 else -1.0

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"reflections on {bench}"
        [
            check "a chain is the product of its reflections, one dense matrix after the other" (fun case ->
                let v = vectors bench case
                let expected = Dense.chain v
                let q = Householder.chain v

                max
                    (Law.distance (LinearMap.toMatrix q) expected)
                    (Law.distance (LinearMap.toMatrix q.Adjoint) expected.mH)
                |> Property.within bench.Product "distance")

            check "a chain is the composition of its reflections, the last acting first" (fun case ->
                let v = vectors bench case

                let composed =
                    [ for i in 0L .. int64 case.Second - 1L -> Householder.reflection v[i] ]
                    |> List.reduce (*)

                Law.equality case.Seed (Householder.chain v) composed
                |> Property.within bench.Product "distance")

            check "the determinant of a chain of r reflections is (-1)^r" (fun case ->
                let v = vectors bench case

                determinantDefect (parity v.shape[0]) (LinearMap.toMatrix (Householder.chain v))
                |> Property.within bench.Product "determinant")

            check "a reflection takes v to -v and fixes what is orthogonal to it" (fun case ->
                let v = Seed.normal case.Seed bench.Kind [ int64 case.Size ]
                let h = Householder.reflection v
                let x = case.Draw bench h.Domain
                let along = x.matmul(v.conj ()).div(v.abs().square().sum()).unsqueeze(-1L).mul v
                let across = x - along

                [
                    Law.distance (h.Apply v) -v
                    Dense.apart (h.Apply across) across
                    Dense.apart (h.Apply along) -along
                ]
                |> List.reduce max
                |> Property.within bench.Product "distance")

            check "a reflection after itself is the identity, by its formula too" (fun case ->
                let h =
                    Householder.reflection (Seed.normal case.Seed bench.Kind [ int64 case.Size ])

                let cancels = string (h * h) = string (LinearMap.identity h.Domain)
                let promised = h.Promises(Traits.Unitary ||| Traits.SelfAdjoint)

                (if cancels && promised then
                     Law.inverse case.Seed h h
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            check "the lengths of the vectors do not count, however small or large" (fun case ->
                let v = vectors bench case
                // float32 ends at 1e38, and the squares of these lengths are far outside it.
                let lengths =
                    torch.tensor (
                        Array.init case.Second (fun i -> if i % 2 = 0 then 1e-30 else 1e30),
                        dtype = TensorKind.realDtype bench.Kind.Dtype,
                        device = bench.Kind.Device
                    )

                Law.distance
                    (LinearMap.toMatrix (Householder.chain (v * lengths.unsqueeze 1L)))
                    (LinearMap.toMatrix (Householder.chain v))
                |> Property.within bench.Product "distance")

            check "r independent reflections move exactly r dimensions (Cartan and Dieudonne)" (fun case ->
                let r = min (int64 case.Second) (int64 case.Size)
                // Orthonormal vectors mixed by a triangle with ones on its diagonal: independent, whatever chance does.
                let frame = (Dense.frame case.Seed bench.Kind (int64 case.Size) r).mH
                let mixing = Seed.normal (case.Seed + 1) bench.Kind [ r; r ]
                let independent = (mixing.tril -1L * 0.3 + Dense.identity bench.Kind r).matmul frame
                let q = LinearMap.toMatrix (Householder.chain independent)
                let moved = torch.linalg.svdvals (q - Dense.identity bench.Kind (int64 case.Size))
                let rank = torch.gt(moved, torch.full_like (moved, 1e-4)).sum().item<int64>()
                (rank = r) |> Prop.label $"rank {rank}, reflections {r}")

            check "equal neighbours cancel, and so does a chain with its reverse" (fun case ->
                let v = vectors bench case
                let twice = v.repeat_interleave (2L, 0L)
                let palindrome = torch.cat [| v; v.flip 0L |]
                let identity = Dense.identity bench.Kind (int64 case.Size)

                max
                    (Law.distance (LinearMap.toMatrix (Householder.chain twice)) identity)
                    (Law.distance (LinearMap.toMatrix (Householder.chain palindrome)) identity)
                |> Property.within bench.Product "distance")

            check "blocks give what one reflection after the other gives" (fun case ->
                let r = 64L * int64 (1 + case.Second % 3) + int64 (case.Second - 3)
                let v = Seed.normal case.Seed bench.Kind [ r; int64 case.Size ]
                let q = Householder.chain v
                // float32 rounds in each of the up to 190 products of the oracle: it is computed in double.
                let double = if v.is_complex () then v else v.``to`` torch.float64
                let expected = (Dense.chain double).``to`` bench.Kind.Dtype

                max
                    (Law.distance (LinearMap.toMatrix q) expected)
                    (Law.distance (LinearMap.toMatrix q.Adjoint) expected.mH)
                |> Property.within bench.Product "distance")

            check "a frame is the first columns of the chain, and an isometry" (fun case ->
                let v = vectors bench case
                let k = min (int64 case.Second) (int64 case.Size)
                let frame = Householder.frame v k
                let expected = (Dense.chain v).narrow(1L, 0L, k)

                let promised =
                    frame.Promises Traits.Isometry
                    && (frame.Adjoint * frame).Promises Traits.Projection

                max (Law.distance (LinearMap.toMatrix frame) expected) (Law.isometry case.Seed frame)
                |> fun residual -> if promised then residual else infinity
                |> Property.within bench.Product "distance")

            testCase "no reflection is the identity, and one dimension has one reflection" (fun () ->
                use _ = torch.NewDisposeScope()
                let none = Householder.chain (Seed.normal 1 bench.Kind [ 0L; 3L ])
                Expect.equal (string none) (string (LinearMap.identity 3L)) "identity"
                Expect.equal none.Kind.Value bench.Kind "bound to its type"
                let one = Householder.reflection (Seed.normal 1 bench.Kind [ 1L ])
                let minus = Law.distance (LinearMap.toMatrix one) -(Dense.identity bench.Kind 1L)
                Expect.isLessThanOrEqual minus bench.Product "-1")

            testCase "a long chain is not made a matrix by accident" (fun () ->
                use _ = torch.NewDisposeScope()
                let q = Householder.chain (Seed.normal 1 bench.Kind [ 3L; 20_000L ])
                Expect.isLessThanOrEqual (Law.inverse 2 q q.Adjoint) bench.Product "residual"
                Refusal.expect "map" (fun () -> LinearMap.toMatrix q |> ignore))

            testCase "leaves no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let v = Seed.normal 1 bench.Kind [ 8L; 5L ]
                let x = Seed.normal 2 bench.Kind [ 3L; 5L ]
                let q = Dense.frame 3 bench.Kind 5L 5L

                Dense.growth (fun () ->
                    let chain, frame = Householder.chain v, Householder.frame v 2L

                    chain.Adjoint.Apply(chain.Apply x)
                    |> frame.Adjoint.Apply
                    |> frame.Apply
                    |> ignore

                    (Householder.ofMatrix q).Apply x |> ignore
                    (Householder.reflection v[0L]).Apply x |> ignore)
                |> fun grown -> Expect.equal grown 0L "live tensors"

                let q = Householder.chain v

                let grown = Dense.growthOfResults (fun () -> [ q.Apply x; q.Adjoint.Apply x ])

                Expect.equal grown 0L "applied outside of any inner scope"
                // Without a scope around it, a map leaves only what it keeps: four tensors a block.
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                let kept = Householder.chain v
                let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
                Expect.equal grown 8L "two blocks"
                GC.KeepAlive kept)
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    let complexVectors (case: Case) =
        Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size + 1L; 2L ]

    testList
        $"gradients on {bench}"
        [
            check "of a complex chain are right in its vectors and in x" (fun case ->
                let v = complexVectors case
                let x = Seed.normal (case.Seed + 1) bench.Kind [ 2L; int64 case.Size + 1L; 2L ]

                let apply (v: torch.Tensor) (x: torch.Tensor) =
                    (Householder.chain (Dense.complexOf v)).Apply(Dense.complexOf x)

                max (Law.gradient case.Seed (fun v -> apply v x) v) (Law.gradient case.Seed (fun x -> apply v x) x)
                |> Property.within Bench.gradient "gradient")

            check "of a chain vanish along its vectors, and reach through a learned map" (fun case ->
                let parameter =
                    Parameter.normal case.Seed [ int64 case.Second; int64 case.Size ]
                    |> Parameter.on bench.Kind

                use learned = Learn.map "chain" [ parameter ] (fun p -> Householder.chain p[0])
                let x = case.Draw bench learned.Domain
                use y = learned.forward x
                y.mul(Seed.normal 1 bench.Kind y.shape).sum().backward()
                let v = learned.get_parameter "p0"
                let along = v.grad.mul(v).sum(-1L).abs().max().item<float>()
                along / (1.0 + Dense.size v.grad) |> Property.within bench.Product "slope")

            testCase "flow through a second derivative" (fun () ->
                use _ = torch.NewDisposeScope()
                let v = Seed.normal 1 bench.Kind [ 3L; 4L ]
                let x = Seed.normal 2 bench.Kind [ 4L ]

                let slope (v: torch.Tensor) =
                    use _ = torch.enable_grad ()

                    let v =
                        if v.requires_grad then
                            v
                        else
                            v.detach().requires_grad_ true

                    let y = (Householder.chain v).Apply x
                    let y = (y * y * y).sum()

                    Expect.isTrue y.requires_grad "a graph: without one, autograd.grad ends the process"

                    let grads =
                        torch.autograd.grad ([| y |], [| v |], create_graph = true, retain_graph = true)

                    grads[0]

                Expect.isLessThanOrEqual (Law.gradient 3 slope v) (10.0 * Bench.gradient) "second derivative")
        ]

let private refusals =
    testList
        "bad input"
        [
            testCase "is refused, and a bad vector is named" (fun () ->
                use _ = torch.NewDisposeScope()
                let v = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]

                let spoiled (value: float) =
                    let copy = v.clone ()
                    copy[2L, 1L] <- torch.tensor (value, dtype = torch.float64)
                    copy

                let zero = v.clone ()
                zero[1L] <- torch.zeros (3L, dtype = torch.float64)

                for bad, row, word in
                    [
                        zero, "vector 1", "is zero"
                        spoiled nan, "vector 2", "not finite"
                        spoiled infinity, "vector 2", "not finite"
                    ] do
                    let refusal =
                        Expect.throwsT<ArgumentException> (fun () -> Householder.chain bad |> ignore) "refused"

                    ignore refusal

                    try
                        Householder.chain bad |> ignore
                    with error ->
                        Expect.stringContains error.Message row "row"
                        Expect.stringContains error.Message word "reason"
                        Expect.stringContains error.Message "vectors" "argument")

            testCase "of a wrong shape, type or state is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let v = Seed.normal 1 TensorKind.float64 [ 4L; 3L ]
                let row = v[0L]
                let whole = torch.ones (4L, 3L, dtype = torch.int64)

                for name, (body: unit -> LinearMap) in
                    [
                        "chain of one axis", (fun () -> Householder.chain row)
                        "chain of three axes", (fun () -> Householder.chain (v.unsqueeze 0L))
                        "chain of integers", (fun () -> Householder.chain whole)
                        "chain without entries", (fun () -> Householder.chain (torch.zeros (2L, 0L)))
                        "null chain", (fun () -> Householder.chain null)
                        "reflection of two axes", (fun () -> Householder.reflection v)
                        "reflection of nothing", (fun () -> Householder.reflection (torch.zeros 0L))
                        "reflection of zero", (fun () -> Householder.reflection (torch.zeros 3L))
                        "no column", (fun () -> Householder.frame v 0L)
                        "more columns than rows", (fun () -> Householder.frame v 4L)
                        "not orthonormal", (fun () -> Householder.ofMatrix v)
                        "wide", (fun () -> Householder.ofMatrix (Dense.frame 1 TensorKind.float64 4L 3L).mT)
                        "not finite", (fun () -> Householder.ofMatrix (torch.zeros(2L, 2L).div(torch.zeros (2L, 2L))))
                        "batch of matrices", (fun () -> Householder.ofMatrix (v.unsqueeze 0L))
                    ] do
                    Refusal.expect name (fun () -> body () |> ignore)

                Refusal.expect "complex" (fun () ->
                    Dense.frame 1 (TensorKind.cpu torch.complex128) 3L 3L
                    |> Householder.vectors
                    |> ignore)

                v.Dispose()
                Expect.throwsT<ObjectDisposedException> (fun () -> Householder.chain v |> ignore) "disposed")
        ]

let tests =
    testList
        "Householder"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.double |> List.map gradients
            refusals
        ]
