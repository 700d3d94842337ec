/// Bases among spanning maps, orthonormal bases, and the change of basis D <-> X.
module Ortho.Tests.BasisTests

open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// The rank of spanning maps by elimination on all of their inner products: no formula says when to stop.
let private gramRank (group: Group) (maps: SpanningMap[]) =
    let prime = Seq.head Independence.primes

    (Independence.modulo prime maps.Length maps.Length (Independence.residues group maps prime)).Length

let private counts =
    [
        for name, group, rows in GroupTests.tables do
            yield
                testCase $"{name}: ranks of exact inner products are the dimensions, n and m up to 6" (fun () ->
                    for n, dimensions in rows do
                        let group = group n

                        for m in 0..6 do
                            let k = (n + m) % (m + 1)
                            let maps = Spanning.within 10_000 group k (m - k)
                            let dimension = dimensions[m]
                            let about = $"{group}, k = {k}, l = {m - k}"
                            Expect.equal (gramRank group maps) dimension $"rank, {about}"
                            Expect.equal (Basis.spanningCount group k (m - k)) (bigint maps.Length) $"count, {about}"
                            let indices = Basis.independentIndices group k (m - k)
                            Expect.equal indices.Length dimension $"independent, {about}"

                            Expect.equal
                                (Basis.isIndependent group k (m - k))
                                (dimension = maps.Length)
                                $"whether independent, {about}")

        yield
            testCase "SO(n): sizes and ranks of E and H apart" (fun () ->
                for n, m, e, h, rankE, rankH in
                    [
                        2, 2, 1, 1, 1, 1
                        2, 4, 3, 6, 3, 3
                        2, 6, 15, 45, 10, 10
                        3, 3, 0, 1, 0, 1
                        3, 5, 0, 10, 0, 6
                        4, 4, 3, 1, 3, 1
                        4, 6, 15, 15, 15, 10
                        5, 5, 0, 1, 0, 1
                    ] do
                    let group = Group.specialOrthogonal n

                    let heads, plain =
                        Spanning.within 10_000 group 1 (m - 1) |> Array.partition _.IsHead

                    Expect.equal (plain.Length, heads.Length) (e, h) $"sizes, n = {n}, m = {m}"

                    Expect.equal (gramRank group plain, gramRank group heads) (rankE, rankH) $"ranks, n = {n}, m = {m}")

        yield
            testCase "the same number of loops as of standard tableaux for m = 8 and 10" (fun () ->
                for group, m in
                    [
                        Group.orthogonal 2, 8
                        Group.orthogonal 3, 8
                        Group.orthogonal 2, 10
                        Group.symplectic 2, 8
                        Group.symplectic 4, 8
                        Group.specialOrthogonal 3, 7
                        Group.specialOrthogonal 4, 8
                    ] do
                    let maps = Spanning.within 10_000 group 3 (m - 3)
                    Expect.equal (bigint (gramRank group maps)) (Basis.dimension group 3 (m - 3)) $"{group}, m = {m}")
    ]

/// Dependent spanning sets that are small enough to be written out.
let private dependent =
    [
        Group.orthogonal 1, 2, 2
        Group.orthogonal 2, 3, 3
        Group.orthogonal 2, 1, 5
        Group.symplectic 2, 2, 2
        Group.symplectic 2, 0, 6
        Group.symplectic 4, 3, 3
        Group.specialOrthogonal 2, 2, 2
        Group.specialOrthogonal 2, 3, 3
        Group.specialOrthogonal 3, 2, 3
    ]

let private choice =
    [
        for group, k, l in dependent do
            yield
                testCase
                    $"{group} from order {k} to order {l}: chosen where the rank of the maps so far grows"
                    (fun () ->
                        let maps = Basis.spanning group k l
                        let ranks = Array.init (maps.Length + 1) (fun i -> GroupTests.rank maps[.. i - 1])

                        let expected =
                            [|
                                for i in 0 .. maps.Length - 1 do
                                    if ranks[i + 1] > ranks[i] then
                                        i
                            |]

                        Expect.isLessThan expected.Length maps.Length "dependent"
                        Expect.equal (Basis.independentIndices group k l) expected "from the front"
                        let chosen = Basis.independent group k l
                        Expect.equal (GroupTests.rank chosen) chosen.Length "independent"

                        for map, i in Array.zip chosen expected do
                            Expect.equal (Law.equality 1 map maps[i]) 0.0 $"map {i}")

        yield
            testCase "all maps of an independent set" (fun () ->
                for group in
                    [
                        Group.symmetric 2
                        Group.alternating 3
                        Group.orthogonal 3
                        Group.specialOrthogonal 3
                    ] do
                    let count = (Basis.spanning group 1 2).Length
                    Expect.equal (Basis.independentIndices group 1 2) [| 0 .. count - 1 |] $"{group}"
                    Expect.equal (Basis.independent group 1 2).Length count $"{group}")

        yield
            testCase "a prime that divides a minor is not used" (fun () ->
                let group = Group.orthogonal 3
                let maps = Spanning.within 1000 group 4 4

                let rank prime =
                    Independence.modulo prime maps.Length maps.Length (Independence.residues group maps prime)

                Expect.equal (rank 3UL).Length 0 "all inner products are divisible by 3"
                Expect.isLessThan (rank 5UL).Length 91 "a minor is divisible by 5"

                let found =
                    Independence.basis (Seq.append [ 3UL; 5UL ] Independence.primes) group 91I maps

                Expect.equal found (Basis.independentIndices group 4 4) "the next prime")

        yield
            testCase "the primes are primes" (fun () ->
                Expect.equal (Seq.head Independence.primes) 2147483647UL "Euler 1772"
                Expect.equal (Seq.item 1 Independence.primes) 2147483629UL "the next below")
    ]

let private orthonormalGroups =
    [
        Group.symmetric 2, 2, 2
        Group.symmetric 4, 1, 2
        Group.alternating 1, 1, 1
        Group.alternating 3, 1, 2
        Group.automorphisms (Graph.Path 4), 1, 1
        Group.specialOrthogonal 1, 1, 2
        Group.specialOrthogonal 4, 2, 2
        Group.orthogonal 3, 1, 3
        Group.orthogonal 3, 2, 1
        yield! dependent
    ]

/// Maps as rows of their entries.
let private entries (maps: LinearMap[]) =
    maps |> Array.map (fun map -> (LinearMap.toMatrix map).flatten()) |> torch.stack

let private identity (size: int) =
    torch.eye (int64 size, dtype = System.Nullable torch.float64)

let private orthonormal =
    [
        for group, k, l in orthonormalGroups do
            yield
                testCase $"{group} from order {k} to order {l}: orthonormal, equivariant, spanning" (fun () ->
                    use _ = torch.NewDisposeScope()
                    let maps = Basis.orthonormal group k l
                    Expect.equal (bigint maps.Length) (Basis.dimension group k l) "as many as the dimension"

                    if maps.Length > 0 then
                        let power order =
                            Rep.vector group |> Rep.tensorPower order

                        for map in maps do
                            Expect.isLessThan (Rep.equivariance 1 2 (power k, power l) map) 1e-10 "commutes"

                        let rows = entries maps

                        let defect =
                            rows.matmul(rows.t ()).sub(identity maps.Length).abs().max().item<float>()

                        Expect.isLessThan defect 1e-10 "orthonormal"
                        let spanning = entries (Basis.spanning group k l)
                        let projected = spanning.matmul(rows.t ()).matmul rows
                        Expect.isLessThan (Law.distance projected spanning) 1e-10 "spans"
                        let coefficients = torch.tensor (Basis.orthonormalCoefficients group k l)
                        Expect.isLessThan (Law.distance (coefficients.matmul spanning) rows) 1e-10 "coefficients"
                        let gram = Gram.matrix group k l |> Array2D.map float |> torch.tensor
                        let identityAgain = coefficients.matmul(gram).matmul(coefficients.t ())

                        Expect.isLessThan
                            (identityAgain.sub(identity maps.Length).abs().max().item<float>())
                            1e-10
                            "C G C^T")

        yield
            testCase "Gram-Schmidt from the front: map i is made of the first independent maps" (fun () ->
                let group = Group.symplectic 2
                let chosen = Basis.independentIndices group 3 3
                let coefficients = Basis.orthonormalCoefficients group 3 3

                for i in 0 .. chosen.Length - 1 do
                    Expect.isGreaterThan coefficients[i, chosen[i]] 0.0 "with a positive last coefficient"

                    for j in 0 .. Array2D.length2 coefficients - 1 do
                        if not (Array.contains j chosen[..i]) then
                            Expect.equal coefficients[i, j] 0.0 "and of no other")

        yield
            testCase "no maps" (fun () ->
                Expect.isEmpty (Basis.orthonormal (Group.orthogonal 2) 1 2) "odd orders"
                Expect.equal (Basis.orthonormalCoefficients (Group.orthogonal 2) 1 2).Length 0 "no coefficients")

        for bench in Bench.real do
            yield
                testCase $"an orthonormal map takes tensors of its input's type: {bench}" (fun () ->
                    use _ = torch.NewDisposeScope()

                    for group in [ Group.symplectic 2; Group.alternating 3 ] do
                        for map in Basis.orthonormal group 2 2 do
                            let x =
                                Seed.normal 3 bench.Kind [ 5L; int64 group.Dimension; int64 group.Dimension ]

                            let y = map.Apply x
                            Expect.isTrue (TensorKind.matches bench.Kind y) "type"
                            let wide = map.Apply(x.``to`` torch.float64)
                            Expect.isLessThan (Law.distance (y.``to`` torch.float64) wide) bench.Product "value")
    ]

/// Random integers, one for each of so many maps.
let private integers (seed: int) (batch: int64 list) (count: int64) =
    let generator = new torch.Generator(uint64 seed)
    torch.randint (-9L, 10L, Seq.toArray (Seq.append batch [ count ]), dtype = torch.int64, generator = generator)

let private isSame (x: torch.Tensor) (y: torch.Tensor) = x.Equals y

let private coordinateGroup (case: Case) =
    let n = 1 + case.Size % 5

    if case.Seed % 2 = 0 then
        Group.symmetric n
    else
        Group.alternating n

let private coordinates =
    [
        Property.check Property.config "D -> X -> D and X -> D -> X are exact on integers" (fun case ->
            let group = coordinateGroup case
            let k, l = case.Second % 3, case.Size % 4

            let toOrbit, toDiagram =
                Basis.diagramToOrbit group k l, Basis.orbitToDiagram group k l

            let c = integers case.Seed case.Batch toOrbit.Domain.Size

            (isSame (toDiagram.Apply(toOrbit.Apply c)) c
             && isSame (toOrbit.Apply(toDiagram.Apply c)) c)
            |> Prop.label "round trip")

        Property.check Property.config "one map in both coordinates" (fun case ->
            let group = coordinateGroup case
            let k, l = case.Second % 3, case.Size % 3
            let change = Basis.diagramToOrbit group k l
            let c = integers case.Seed [] change.Domain.Size
            let x = change.Apply c
            let rows maps = (entries maps).``to`` torch.int64
            let ofDiagrams = c.unsqueeze(0L).matmul(rows (Basis.diagram group k l))
            let ofOrbits = x.unsqueeze(0L).matmul(rows (Basis.orbit group k l))
            isSame ofDiagrams ofOrbits |> Prop.label "sum c D = sum x X")

        Property.check Property.config "adjoint, and the gradient that it gives" (fun case ->
            let group = coordinateGroup case
            let k, l = case.Second % 3, case.Size % 3

            [ Basis.diagramToOrbit group k l; Basis.orbitToDiagram group k l ]
            |> List.map (fun change ->
                let c =
                    Seed.normal case.Seed TensorKind.float64 (Seq.append case.Batch [ change.Domain.Size ])

                let w = Seed.normal (case.Seed + 1) TensorKind.float64 c.shape
                c.requires_grad_ true |> ignore
                (change.Apply c).mul(w).sum().backward()
                max (Law.adjoint case.Seed change) (Law.distance c.grad (change.Adjoint.Apply w)))
            |> List.reduce max
            |> Property.within 1e-12 "adjoint")

        testCase "order 1 to order 1: a + b on the diagonal, b off it" (fun () ->
            for n in [ 2; 3; 7 ] do
                let group = Group.symmetric n
                let change = Basis.diagramToOrbit group 1 1
                let diagrams = Basis.diagrams group 1 1
                Expect.equal (diagrams |> Array.map _.BlockCount) [| 1; 2 |] "the identity, then all ones"
                Expect.equal ((change.Apply(torch.tensor [| 5L; 2L |])).data<int64>().ToArray()) [| 7L; 2L |] "to X"
                let back = Basis.orbitToDiagram group 1 1
                Expect.equal ((back.Apply(torch.tensor [| 7L; 2L |])).data<int64>().ToArray()) [| 5L; 2L |] "to D")

        testCase "the inverse holds the Moebius function: X of four points apart" (fun () ->
            let group = Group.symmetric 4
            let diagrams = Basis.diagrams group 2 2
            let change = Basis.orbitToDiagram group 2 2
            use unit = torch.zeros (15L, dtype = torch.int64)
            let finest = diagrams |> Array.findIndex (fun d -> d.BlockCount = 4)
            unit[int64 finest] <- torch.tensor 1L
            let c = (change.Apply unit).data<int64>().ToArray()

            for d, value in Array.zip diagrams c do
                // mu(0, d) is the product of (-1)^(b-1) (b-1)! over the blocks.
                let expected =
                    d.Partition.Blocks
                    |> Array.map (fun block -> [| 1L; -1L; 2L; -6L |][block.Length - 1])
                    |> Array.fold (*) 1L

                Expect.equal value expected $"{d}")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        let group = Group.orthogonal 3
        Refusal.expect "no D and X" (fun () -> Basis.diagramToOrbit group 1 1 |> ignore)
        Refusal.expect "no X and D" (fun () -> Basis.orbitToDiagram (Group.automorphisms (Graph.Path 3)) 1 1 |> ignore)
        Refusal.expect "many pairs" (fun () -> Basis.diagramToOrbit (Group.symmetric 9) 5 5 |> ignore)
        Refusal.expect "order" (fun () -> Basis.independentIndices group 1 -1 |> ignore)
        Refusal.expect "order" (fun () -> Basis.orthonormal group -1 1 |> ignore)
        Refusal.expect "order" (fun () -> Basis.spanningCount group -1 1 |> ignore)
        Refusal.expect "too many" (fun () -> Basis.independentIndices group 9 9 |> ignore)
        Refusal.expect "too many, independent" (fun () -> Basis.independentIndices (Group.orthogonal 20) 9 9 |> ignore)

        Refusal.expect "too many coefficients" (fun () ->
            Basis.orthonormalCoefficients (Group.symmetric 8) 4 5 |> ignore)

        Refusal.expect "too large a basis" (fun () -> Basis.orthonormal (Group.orthogonal 6) 6 6 |> ignore)

        let change = Basis.diagramToOrbit (Group.symmetric 3) 1 1
        Refusal.expect "coordinates" (fun () -> change.Apply(torch.zeros 3L) |> ignore))

let tests =
    testList
        "bases"
        [
            yield! counts
            yield! choice
            yield! orthonormal
            yield! coordinates
            refusals
        ]
