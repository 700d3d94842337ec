module Ortho.Tests.CosineTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let kinds =
    [
        CosineType.DctI
        CosineType.DctII
        CosineType.DctIII
        CosineType.DctIV
        CosineType.DstI
        CosineType.DstII
        CosineType.DstIII
        CosineType.DstIV
    ]

let private least kind =
    if kind = CosineType.DctI then 2L else 1L

/// SciPy's sums (norm = None), written out: row k, column j.
let private plainEntry (kind: CosineType) (n: int) (k: int) (j: int) =
    let pi, k, j, n = Math.PI, float k, float j, float n

    match kind with
    | CosineType.DctI ->
        (if j = 0.0 then 1.0
         elif j = n - 1.0 then (if k % 2.0 = 0.0 then 1.0 else -1.0)
         else 2.0 * cos (pi * k * j / (n - 1.0)))
    | CosineType.DctII -> 2.0 * cos (pi * k * (2.0 * j + 1.0) / (2.0 * n))
    | CosineType.DctIII ->
        if j = 0.0 then
            1.0
        else
            2.0 * cos (pi * (2.0 * k + 1.0) * j / (2.0 * n))
    | CosineType.DctIV -> 2.0 * cos (pi * (2.0 * k + 1.0) * (2.0 * j + 1.0) / (4.0 * n))
    | CosineType.DstI -> 2.0 * sin (pi * (k + 1.0) * (j + 1.0) / (n + 1.0))
    | CosineType.DstII -> 2.0 * sin (pi * (k + 1.0) * (2.0 * j + 1.0) / (2.0 * n))
    | CosineType.DstIII ->
        if j = n - 1.0 then
            (if k % 2.0 = 0.0 then 1.0 else -1.0)
        else
            2.0 * sin (pi * (2.0 * k + 1.0) * (j + 1.0) / (2.0 * n))
    | CosineType.DstIV -> 2.0 * sin (pi * (2.0 * k + 1.0) * (2.0 * j + 1.0) / (4.0 * n))

let private matrixOf (n: int) (entry: int -> int -> float) =
    torch.tensor(Array.init (n * n) (fun i -> entry (i / n) (i % n))).reshape(int64 n, int64 n)

let private each name (law: CosineType -> int64 -> float) (tolerance: float) =
    testList
        name
        [
            for kind in kinds ->
                testCase $"{kind}" (fun () ->
                    for n in [ 1L .. 130L ] @ [ 257L; 360L ] do
                        if n >= least kind then
                            use _ = torch.NewDisposeScope()
                            let residual = law kind n

                            Expect.isTrue
                                (residual <= tolerance)
                                $"{kind}, n = {n}: {residual:E2}, allowed {tolerance:E0}")
        ]

let private product = (Bench.double.Head).Product

let tests =
    testList
        "cosine and sine transforms"
        [
            each
                "the matrix is orthogonal, for every length"
                (fun kind n -> Law.orthogonality (LinearMap.toMatrix (Cosine.transform kind n)))
                product

            each
                "the fast form is the dense form, there and back"
                (fun kind n ->
                    let fast, dense =
                        Cosine.byForm CosineForm.fast kind n, Cosine.byForm CosineForm.dense kind n

                    max (Law.equality 1 fast dense) (Law.equality 2 fast.Adjoint dense.Adjoint))
                product

            each
                "the native form is the tensor form, there and back, in both precisions"
                (fun kind n ->
                    let native, plain =
                        Cosine.byForm Cosine.fast kind n, Cosine.byForm CosineForm.fast kind n

                    let narrow map = LinearMap.on TensorKind.float32 map

                    [
                        Law.equality 1 native plain
                        Law.equality 2 native.Adjoint plain.Adjoint
                        // The scale of float32's rounding to float64's.
                        1e-7 * Law.equality 3 (narrow native) (narrow plain)
                    ]
                    |> List.reduce max)
                product

            each
                "the plain transform has SciPy's sums"
                (fun kind n ->
                    let expected = matrixOf (int n) (plainEntry kind (int n))
                    Law.distance (LinearMap.toMatrix (Cosine.plain kind n)) expected)
                product

            each
                "the plain transform has its transpose for adjoint, and its inverse"
                (fun kind n ->
                    let plain = Cosine.plain kind n
                    max (Law.adjoint 1 plain) (Law.inverse 2 plain (LinearMap.inverse plain)))
                product

            testCase "small transforms by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = torch.tensor [| 1.0; 2.0; 4.0 |]

                let expect kind (values: float list) =
                    Expect.isLessThan
                        (Law.distance ((Cosine.plain kind 3L).Apply x) (torch.tensor (Array.ofList values)))
                        1e-15
                        $"{kind}"

                // cos (pi/6) = r/2 with r = sqrt 3, cos (pi/3) = 1/2.
                let r = sqrt 3.0
                expect CosineType.DctI [ 1.0 + 4.0 + 4.0; 1.0 - 4.0; 1.0 - 4.0 + 4.0 ]
                expect CosineType.DctII [ 14.0; r * (1.0 - 4.0); 1.0 - 4.0 + 4.0 ]
                expect CosineType.DctIII [ 1.0 + r * 2.0 + 4.0; 1.0 - 8.0; 1.0 - r * 2.0 + 4.0 ]
                let s = sqrt 2.0
                expect CosineType.DstI [ s + 4.0 + 4.0 * s; 2.0 - 8.0; s - 4.0 + 4.0 * s ]
                expect CosineType.DstII [ 1.0 + 4.0 + 4.0; r * (1.0 - 4.0); 2.0 - 4.0 + 8.0 ]
                expect CosineType.DstIII [ 1.0 + 2.0 * r + 4.0; 2.0 - 4.0; 1.0 - 2.0 * r + 4.0 ])

            testCase "long transforms keep their digits" (fun () ->
                use _ = torch.NewDisposeScope()

                for kind in kinds do
                    let map = Cosine.transform kind 16384L
                    Expect.isLessThan (Law.unitary 1 map) 1e-13 $"{kind} in float64"

                    let single = map |> LinearMap.on TensorKind.float32

                    Expect.isLessThan (Law.inverse 1 single single.Adjoint) 1e-6 $"{kind} in float32"
                    let x = Seed.normal 3 TensorKind.float64 [ 16384L ]
                    let narrow = (single.Apply(x.``to`` torch.float32)).``to`` torch.float64
                    Expect.isLessThan (Law.distance (map.Apply x) narrow) 1e-6 $"{kind}: float32 against float64")

            testCase "a cosine of the basis is one coefficient" (fun () ->
                use _ = torch.NewDisposeScope()

                for kind in kinds do
                    for n in [ 7L; 100L ] do
                        let row = (LinearMap.toMatrix (Cosine.transform kind n))[2L]
                        let unit = torch.eye (n, dtype = torch.float64)

                        Expect.isLessThan
                            (Law.distance ((Cosine.transform kind n).Apply row) unit[2L])
                            1e-13
                            $"{kind}, n = {n}")

            Property.check
                Property.config
                "along an axis and on all axes: the Kronecker products of the matrices"
                (fun case ->
                    let shape = [| 2L; int64 case.Size + 1L; int64 case.Second + 1L |]
                    let space = Space.ofShape shape
                    let random = Random case.Seed
                    let drawn = Array.init 3 (fun _ -> kinds[random.Next kinds.Length])

                    let matrix i =
                        LinearMap.toMatrix (Cosine.transform drawn[i] shape[i])

                    let eye i =
                        torch.eye (shape[i], dtype = torch.float64)

                    let kron a b c = torch.kron (torch.kron (a, b), c)

                    max
                        (Law.distance
                            (LinearMap.toMatrix (Cosine.along drawn[1] 1 space))
                            (kron (eye 0) (matrix 1) (eye 2)))
                        (Law.distance
                            (LinearMap.toMatrix (Cosine.separable drawn space))
                            (kron (matrix 0) (matrix 1) (matrix 2)))
                    |> Property.within product "Kronecker")

            Property.check
                Property.config
                "views, offsets and complex input give what fresh real input gives"
                (fun case ->
                    let kind = kinds[case.Seed % kinds.Length]
                    let n = int64 case.Size + 60L
                    let map = Cosine.transform kind n
                    let wide = Seed.normal case.Seed TensorKind.float64 [ n; 5L ]
                    let column = wide.t()[3L]
                    let fresh = map.Apply(column.clone ())
                    let other = wide.t()[1L]
                    let complex = map.Apply(torch.complex (column.contiguous (), other.contiguous ()))

                    let conjugate =
                        map.Apply(torch.complex(column.contiguous (), column.contiguous ()).conj())

                    [
                        Law.distance (map.Apply column) fresh
                        Law.distance complex.real fresh
                        Law.distance complex.imag (map.Apply other)
                        Law.distance conjugate.imag (fresh.negative ())
                    ]
                    |> List.reduce max
                    |> Property.within product "views")

            testCase "the gradient of the gradient is there" (fun () ->
                use _ = torch.NewDisposeScope()
                let map = Cosine.transform CosineType.DctII 70L
                let x = (Seed.normal 1 TensorKind.float64 [ 70L ]).requires_grad_ true
                let y = map.Apply x
                let energy = y.pow(3.0.ToScalar()).sum()

                let first =
                    (torch.autograd.grad ([| energy |], [| x |], create_graph = true, retain_graph = true))[0]

                let direction = Seed.normal 2 TensorKind.float64 [ 70L ]
                (first.mul direction).sum().backward()
                // d/dx of <A* 3 (A x)^2, v> is 6 A* (A x)(A v).
                let expected =
                    multiply 6.0 (map.Adjoint.Apply((map.Apply x).mul(map.Apply direction)))

                Expect.isLessThan (Law.distance x.grad expected) 1e-13 "second derivative")

            testCase "several threads may use one map for the first time" (fun () ->
                use _ = torch.NewDisposeScope()
                let map = Cosine.transform CosineType.DctII 100L

                let x = Seed.normal 1 TensorKind.float32 [ 100L ]

                let results =
                    Array.Parallel.init 8 (fun _ -> (map.Apply x).DetachFromDisposeScope())

                Expect.all results (fun y -> Law.distance y results[0] = 0.0) "same numbers"
                results |> Array.iter _.Dispose())

            testCase "bad input is refused" (fun () ->
                Refusal.expect "length 0" (fun () -> Cosine.transform CosineType.DctII 0L |> ignore)
                Refusal.expect "DCT-I of length 1" (fun () -> Cosine.transform CosineType.DctI 1L |> ignore)
                Refusal.expect "axis" (fun () -> Cosine.along CosineType.DctII 2 (Space.ofShape [ 3L; 4L ]) |> ignore)

                Refusal.expect "transforms" (fun () ->
                    Cosine.separable [ CosineType.DctII ] (Space.ofShape [ 3L; 4L ]) |> ignore))
        ]
