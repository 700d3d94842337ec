module Ortho.Tests.FunctorTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests.Algebra
open TorchSharp

/// A random (k, l)-diagram on R^n with n^(k+l) small, from a seed.
let diagram (seed: int) (k: int) (l: int) =
    let random = Random seed

    Array.init (l + k) (fun _ -> random.Next(l + k))
    |> SetPartition.ofLabels
    |> Diagram.ofPartition k l

let private integers (matrix: bigint[,]) =
    let rows, columns = Array2D.length1 matrix, Array2D.length2 matrix

    torch
        .tensor(Array.init (rows * columns) (fun i -> int64 matrix[i / columns, i % columns]))
        .reshape(int64 rows, int64 columns)

/// The matrix of a map, exactly, by applying it to the unit vectors as int64.
let private exactly (map: LinearMap) =
    let columns = map.Domain.Size

    let units =
        torch.eye(columns, dtype = torch.int64).reshape(Array.append [| columns |] (Seq.toArray map.Domain.Shape))

    (map.Apply units).reshape(columns, map.Codomain.Size).t().contiguous()

let private same (a: torch.Tensor) (b: torch.Tensor) =
    a.shape = b.shape && a.contiguous().Equals(b.contiguous ())

/// n in 1..4, k and l in 0..3.
let private sizes (case: Case) =
    let random = Random case.Seed
    1 + random.Next 4, random.Next 4, random.Next 4

let private law name (holds: Case -> int -> int -> int -> bool) =
    Property.check Property.config name (fun case ->
        let n, k, l = sizes case
        holds case n k l |> Prop.label $"n = {n}, k = {k}, l = {l}")

/// What one run of the action of a diagram adds up: of ones each sum is the number of its terms.
let private counted (n: int) (d: Diagram) =
    let terms = ResizeArray<int64>()
    let ones = torch.ones (Array.replicate d.BottomCount (int64 n), dtype = torch.int64)

    let seen (sums: torch.Tensor) =
        terms.Add(sums.sum().item<int64>())
        sums

    DiagramAction.act (int64 n) (DiagramAction.plan d) seen ones |> ignore
    bigint (Seq.sum terms)

/// The places of the input at which vertices of one block carry one value, one by one.
let private places (n: int) (d: Diagram) =
    let pairs =
        [
            for v in 0 .. d.BottomCount - 1 do
                for w in 0 .. v - 1 do
                    if d.BlockOf(d.TopCount + v) = d.BlockOf(d.TopCount + w) then
                        v, w
        ]

    let digit place axis = place / pown n axis % n

    seq { 0 .. pown n d.BottomCount - 1 }
    |> Seq.filter (fun place -> pairs |> List.forall (fun (v, w) -> digit place v = digit place w))
    |> Seq.length
    |> bigint

let tests =
    testList
        "functor of partition diagrams"
        [
            law "adds up each number that it may read once, as counted, and says how many" (fun case n k l ->
                let d = diagram case.Seed (k + 1) l
                counted n d = places n d && Functor.additions n d = places n d)

            testCase "additions of a 7 x 7 matrix, and of Brauer diagrams with 0, 1, 2 caps" (fun () ->
                use _ = torch.NewDisposeScope()

                for what, k, l, blocks, expected in
                    [
                        "trace", 2, 0, [ [ 0; 1 ] ], 7
                        "sum", 2, 0, [ [ 0 ]; [ 1 ] ], 49
                        "sums of rows", 2, 1, [ [ 0; 1 ]; [ 2 ] ], 49
                        "diagonal", 2, 1, [ [ 0; 1; 2 ] ], 7
                        "transpose", 2, 2, [ [ 0; 3 ]; [ 1; 2 ] ], 49
                        "trace times identity", 2, 2, [ [ 0; 1 ]; [ 2; 3 ] ], 7
                        "constant", 0, 2, [ [ 0 ]; [ 1 ] ], 1
                        "no cap", 4, 4, [ [ 0; 4 ]; [ 1; 5 ]; [ 2; 6 ]; [ 3; 7 ] ], 2401
                        "one cap", 4, 2, [ [ 0; 2 ]; [ 1; 4 ]; [ 3; 5 ] ], 343
                        "two caps", 4, 0, [ [ 0; 2 ]; [ 1; 3 ] ], 49
                    ] do
                    let d = Diagram.ofBlocks k l blocks
                    Expect.equal (Functor.additions 7 d) (bigint expected) what
                    Expect.equal (counted 7 d) (bigint expected) $"{what}, counted")

            law "D has the matrix of its definition, exactly" (fun case n k l ->
                let d = diagram case.Seed k l
                same (exactly (Functor.diagram n d)) (integers (Dense.diagram n d)))

            law "D of the flipped diagram is the transpose" (fun case n k l ->
                let d = diagram case.Seed k l
                let map = Functor.diagram n d

                same (exactly map.Adjoint) ((exactly map).t())
                && same (exactly (Functor.diagram n (Diagram.adjoint d))) ((exactly map).t()))

            law "D_d2 D_d1 = n^c D_(d2 d1), exactly" (fun case n k l ->
                let d1, d2 = diagram case.Seed k l, diagram (case.Seed + 1) l (case.Second % 3)
                let product = Diagram.compose d2 d1
                let left = (exactly (Functor.diagram n d2)).matmul(exactly (Functor.diagram n d1))

                let right =
                    (exactly (Functor.diagram n product.Diagram)).mul(torch.tensor (pown (int64 n) product.Removed))

                same left right)

            law "D of diagrams side by side is the Kronecker product, exactly" (fun case n _ _ ->
                let n = min n 3
                let d, e = diagram case.Seed 2 1, diagram (case.Seed + 1) 1 2
                let side = Functor.diagram n (Diagram.tensor d e)

                same (exactly side) (torch.kron (exactly (Functor.diagram n d), exactly (Functor.diagram n e)))
                && same (exactly (Functor.diagram n d .*. Functor.diagram n e)) (exactly side))

            law "X has the matrix of its definition, exactly" (fun case n k l ->
                let d = diagram case.Seed k l
                same (exactly (Functor.orbit n d)) (integers (Dense.orbit n d)))

            law "D and X commute with the group" (fun case n k l ->
                let group = Group.symmetric n
                let power k = Rep.vector group |> Rep.tensorPower k
                let d = diagram case.Seed k l
                let residual = Rep.equivariance case.Seed 3 (power k, power l)
                residual (Functor.diagram n d) < 1e-14 && residual (Functor.orbit n d) < 1e-12)

            law "D reads views: strided, offset and expanded input give the same" (fun case n k l ->
                let map = Functor.diagram n (diagram case.Seed k l)
                let shape = Array.append [| 2L |] (Seq.toArray map.Domain.Shape)
                let wide = Seed.normal case.Seed TensorKind.float64 (Array.append [| 5L |] shape)
                let offset = wide[3L]

                let reversed =
                    wide.permute [| for axis in int64 wide.ndim - 1L .. -1L .. 0L -> axis |]

                let back =
                    reversed.contiguous().permute [| for axis in int64 wide.ndim - 1L .. -1L .. 0L -> axis |]

                let expanded = wide.narrow(0L, 3L, 1L).expand(Array.append [| 4L |] shape)

                Law.distance (map.Apply offset) (map.Apply(offset.clone ())) < 1e-14
                && Law.distance (map.Apply back[3L]) (map.Apply(offset.clone ())) < 1e-14
                && Law.distance (map.Apply expanded) (map.Apply(expanded.contiguous ())) < 1e-14)

            testCase "lazily conjugated input is read conjugated" (fun () ->
                use _ = torch.NewDisposeScope()

                let z = Seed.normal 1 (TensorKind.cpu torch.complex128) [ 3L; 3L ]

                let map = Functor.diagram 3 (Diagram.ofBlocks 2 1 [ [ 0; 1; 2 ] ])

                Expect.isLessThan
                    (Law.distance (map.Apply(z.conj ())) (map.Apply(z.conj().resolve_conj().clone())))
                    1e-15
                    "conjugate")

            testCase "trace, diagonal, sum and transpose by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = torch.tensor (array2D [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ])

                let value k l blocks =
                    (Functor.diagram 2 (Diagram.ofBlocks k l blocks)).Apply a

                let numbers (x: torch.Tensor) = x.contiguous().data<float>().ToArray()
                Expect.equal (numbers (value 2 0 [ [ 0; 1 ] ])) [| 5.0 |] "trace"
                Expect.equal (numbers (value 2 0 [ [ 0 ]; [ 1 ] ])) [| 10.0 |] "sum"
                Expect.equal (numbers (value 2 1 [ [ 0; 1; 2 ] ])) [| 1.0; 4.0 |] "diagonal"
                Expect.equal (numbers (value 2 2 [ [ 0; 3 ]; [ 1; 2 ] ])) [| 1.0; 3.0; 2.0; 4.0 |] "transpose"
                Expect.equal (numbers (value 2 2 [ [ 0; 1; 2; 3 ] ])) [| 1.0; 0.0; 0.0; 4.0 |] "diagonal matrix"

                Expect.equal
                    (numbers (value 2 2 [ [ 0; 1 ]; [ 2; 3 ] ]))
                    [| 5.0; 0.0; 0.0; 5.0 |]
                    "trace times identity")

            testCase "the dimension is the table of the catalogue, and the rank of both bases" (fun () ->
                use _ = torch.NewDisposeScope()

                let table =
                    [
                        1, [ 1; 1; 1; 1; 1 ]
                        2, [ 1; 1; 2; 4; 8 ]
                        3, [ 1; 1; 2; 5; 14 ]
                        4, [ 1; 1; 2; 5; 15 ]
                    ]

                for n, row in table do
                    row
                    |> List.iteri (fun m expected ->
                        let group = Group.symmetric n
                        let k, l = m - m / 2, m / 2
                        Expect.equal (Basis.dimension group k l) (bigint expected) $"dimension, n = {n}, m = {m}"

                        let rank (basis: LinearMap[]) =
                            let rows = basis |> Array.map (fun map -> (LinearMap.toMatrix map).flatten())
                            int ((torch.linalg.matrix_rank (torch.stack rows)).item<int64>())

                        Expect.equal (rank (Basis.diagram group k l)) expected $"rank of D, n = {n}, m = {m}"
                        Expect.equal (rank (Basis.orbit group k l)) expected $"rank of X, n = {n}, m = {m}"))

            testCase "the dimension counts the invariants of the tensor power, found numerically" (fun () ->
                for n, orders in [ 1, 3; 2, 7; 3, 5; 4, 4; 5, 3 ] do
                    for m in 0..orders do
                        let group = Group.symmetric n
                        let invariants = Rep.vector group |> Rep.tensorPower m |> Rep.invariantDimension
                        Expect.equal (bigint invariants) (Basis.dimension group m 0) $"n = {n}, m = {m}"

                let sum = Rep.directSum (Rep.permutation 3) (Rep.trivial 4L (Group.symmetric 3))
                Expect.equal (Rep.invariantDimension sum) 5 "R^3 with its all-ones, and 4 trivial ones")

            testCase "coordinates are those of least squares, of least norm where the images depend" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = Seed.normal 1 TensorKind.float64 [ 6L; 3L; 3L ]

                let images =
                    Basis.diagram (Group.symmetric 3) 2 1 |> Array.map (fun map -> map.Apply x)

                let c = torch.tensor [| 2.0; 0.0; -1.0; 0.5; 3.0 |]

                let y =
                    images
                    |> Array.mapi (fun i image -> image.mul c[int64 i])
                    |> Array.reduce (fun a b -> a.add b)

                Expect.isLessThan (Law.distance (Basis.coordinates images y) c) 1e-12 "an exact fit"

                let same =
                    Array.init 5 (fun _ -> Law.distance (Basis.coordinates images y) (Basis.coordinates images y))

                Expect.all same ((=) 0.0) "the same numbers every time"
                let twice = Basis.coordinates [| images[0]; images[0] |] (images[0])
                Expect.isLessThan (Law.distance twice (torch.tensor [| 0.5; 0.5 |])) 1e-12 "one image twice"
                Refusal.expect "no image" (fun () -> Basis.coordinates [||] y |> ignore)
                Refusal.expect "shape" (fun () -> Basis.coordinates [| x |] y |> ignore))

            testCase "the orbit basis is orthogonal, with |X|^2 = n!/(n-t)!" (fun () ->
                use _ = torch.NewDisposeScope()
                let n = 4
                let basis = Basis.orbit (Group.symmetric n) 2 2

                let rows =
                    torch.stack (basis |> Array.map (fun map -> (LinearMap.toMatrix map).flatten()))

                let squares =
                    Basis.diagrams (Group.symmetric n) 2 2
                    |> Array.map (fun d -> Seq.fold (fun f i -> f * float (n - i)) 1.0 (seq { 0 .. d.BlockCount - 1 }))

                Expect.isLessThan
                    (Law.distance (rows.matmul (rows.t ())) (torch.diag (torch.tensor squares)))
                    1e-12
                    "Gram matrix")

            testCase "a basis that explodes is refused with its size" (fun () ->
                let error =
                    Expect.throwsC (fun () -> Basis.diagrams (Group.symmetric 20) 8 8 |> ignore) id

                Expect.stringContains error.Message "10480142147" "Bell(16)")

            testCase "bad input is refused" (fun () ->
                Refusal.expect "n" (fun () -> Functor.diagram 0 (Diagram.identity 1) |> ignore)
                Refusal.expect "n of additions" (fun () -> Functor.additions 0 (Diagram.identity 1) |> ignore)
                Refusal.expect "n of the group" (fun () -> Group.symmetric 0 |> ignore)
                Refusal.expect "order" (fun () -> Basis.dimension (Group.symmetric 3) -1 1 |> ignore)
                Refusal.expect "groups" (fun () -> Rep.tensor (Rep.permutation 3) (Rep.permutation 4) |> ignore)
                Refusal.expect "channels" (fun () -> Rep.channels 0 (Rep.permutation 3) |> ignore)

                Refusal.expect "spaces" (fun () ->
                    Rep.equivariance 1 1 (Rep.permutation 3, Rep.permutation 3) (LinearMap.identity 4L)
                    |> ignore))
        ]
