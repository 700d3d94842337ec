/// Groups on R^n: generators, random elements, and the bases of the maps that commute with them, counted by three routes.
module Ortho.Tests.GroupTests

open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// Catalogue A4: dimensions for m = l + k = 0..6, by n.
let tables =
    [
        "S_n",
        Group.symmetric,
        [
            1, [ 1; 1; 1; 1; 1; 1; 1 ]
            2, [ 1; 1; 2; 4; 8; 16; 32 ]
            3, [ 1; 1; 2; 5; 14; 41; 122 ]
            4, [ 1; 1; 2; 5; 15; 51; 187 ]
            5, [ 1; 1; 2; 5; 15; 52; 202 ]
            6, [ 1; 1; 2; 5; 15; 52; 203 ]
        ]
        "A_n",
        Group.alternating,
        [
            1, [ 1; 1; 1; 1; 1; 1; 1 ]
            2, [ 1; 2; 4; 8; 16; 32; 64 ]
            3, [ 1; 1; 3; 9; 27; 81; 243 ]
            4, [ 1; 1; 2; 6; 22; 86; 342 ]
            5, [ 1; 1; 2; 5; 16; 63; 282 ]
            6, [ 1; 1; 2; 5; 15; 53; 219 ]
        ]
        "O(n)",
        Group.orthogonal,
        [
            1, [ 1; 0; 1; 0; 1; 0; 1 ]
            2, [ 1; 0; 1; 0; 3; 0; 10 ]
            3, [ 1; 0; 1; 0; 3; 0; 15 ]
            4, [ 1; 0; 1; 0; 3; 0; 15 ]
            5, [ 1; 0; 1; 0; 3; 0; 15 ]
            6, [ 1; 0; 1; 0; 3; 0; 15 ]
        ]
        "SO(n)",
        Group.specialOrthogonal,
        [
            1, [ 1; 1; 1; 1; 1; 1; 1 ]
            2, [ 1; 0; 2; 0; 6; 0; 20 ]
            3, [ 1; 0; 1; 1; 3; 6; 15 ]
            4, [ 1; 0; 1; 0; 4; 0; 25 ]
            5, [ 1; 0; 1; 0; 3; 1; 15 ]
            6, [ 1; 0; 1; 0; 3; 0; 16 ]
        ]
        "Sp(n)",
        Group.symplectic,
        [
            2, [ 1; 0; 1; 0; 2; 0; 5 ]
            4, [ 1; 0; 1; 0; 3; 0; 14 ]
            6, [ 1; 0; 1; 0; 3; 0; 15 ]
        ]
    ]

/// The rank of maps as vectors of their entries, in float64.
let rank (maps: LinearMap[]) =
    if maps.Length = 0 then
        0
    else
        use _ = torch.NewDisposeScope()
        let rows = maps |> Array.map (fun map -> (LinearMap.toMatrix map).reshape -1L)
        int (torch.linalg.matrix_rank(torch.stack rows).item<int64>())

let private dimensions =
    [
        for name, group, rows in tables do
            for n, counts in rows do
                yield
                    testCase
                        $"{name}, n = {n}: dimensions by formula, rank of the spanning maps, and null space"
                        (fun () ->
                            let group = group n

                            for m in 0..6 do
                                let k = m / 2
                                Expect.equal (int (Basis.dimension group k (m - k))) counts[m] $"formula, m = {m}"

                                if pown n m <= 4096 then
                                    let maps = Basis.spanning group k (m - k)
                                    Expect.equal (rank maps) counts[m] $"rank, m = {m}"

                                    if Basis.isIndependent group k (m - k) then
                                        Expect.equal maps.Length counts[m] $"independent, m = {m}"
                                    else
                                        Expect.isGreaterThan maps.Length counts[m] $"dependent, m = {m}"

                                if pown n m <= 256 then
                                    let rep = Rep.vector group |> Rep.tensorPower m
                                    Expect.equal (Rep.invariantDimension rep) counts[m] $"null space, m = {m}")

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
                        5, 5, 0, 1, 0, 1
                    ] do
                    let es = Brauer.enumerate 0 m 0 |> Array.map (Functor.diagram n)
                    let hs = Brauer.enumerate n m 0 |> Array.map (HeadFunctor.determinant n)
                    Expect.equal (es.Length, hs.Length) (e, h) $"sizes, n = {n}, m = {m}"
                    Expect.equal (rank es, rank hs) (rankE, rankH) $"ranks, n = {n}, m = {m}")

        yield
            testCase "Aut(G): orbits of the path of four vertices" (fun () ->
                let group = Group.automorphisms (Graph.Path 4)

                for m, count in List.indexed [ 1; 2; 8; 32 ] do
                    Expect.equal (int (Basis.dimension group (m / 2) (m - m / 2))) count "formula"
                    Expect.equal (rank (Basis.spanning group (m / 2) (m - m / 2))) count "rank"
                    Expect.equal (Rep.invariantDimension (Rep.vector group |> Rep.tensorPower m)) count "null space")
    ]

let private groups (case: Case) =
    let n = 1 + case.Size % 3

    [
        Group.symmetric n
        Group.alternating (n + 1)
        Group.orthogonal n
        Group.specialOrthogonal n
        Group.symplectic (2 * (1 + case.Size % 2))
        Group.automorphisms (Graph.Path(n + 1))
    ]

let private law name (residual: Case -> Group -> float) (tolerance: float) =
    Property.check Property.costly name (fun case ->
        groups case
        |> List.map (residual case)
        |> List.reduce max
        |> Property.within tolerance name)

let private elements =
    [
        law
            "generators and random elements are elements"
            (fun case group ->
                Seq.append (Group.generators group) [ Group.random case.Seed group ]
                |> Seq.map (Group.defect group)
                |> Seq.reduce max)
            1e-12

        law
            "every map of a basis commutes with generators and random elements"
            (fun case group ->
                let k, l = case.Second % 3, case.Size % 3

                let power order =
                    Rep.vector group |> Rep.tensorPower order

                Basis.spanning group k l
                |> Array.map (Rep.equivariance case.Seed 2 (power k, power l))
                |> Array.fold max 0.0)
            1e-10

        testCase "a map of another group is not an element" (fun () ->
            let mirror = LinearMap.ofDiagonal (torch.tensor [| -1.0; 1.0; 1.0; 1.0 |])
            let swap = Group.ofPermutation (Permutation.ofArray [| 1; 0; 2; 3 |])
            let twice = 2.0 * LinearMap.identity (Space.Of 4L)
            Expect.isLessThan (Group.defect (Group.orthogonal 4) mirror) 1e-12 "O(4) has mirrors"
            Expect.isGreaterThan (Group.defect (Group.specialOrthogonal 4) mirror) 1.0 "SO(4) has none"
            Expect.isGreaterThan (Group.defect (Group.symplectic 4) mirror) 0.5 "Sp(4) has none"
            Expect.isLessThan (Group.defect (Group.symmetric 4) swap) 1e-12 "S_4 has swaps"
            Expect.equal (Group.defect (Group.alternating 4) swap) infinity "A_4 has none"
            Expect.equal (Group.defect (Group.automorphisms (Graph.Path 4)) swap) infinity "the path has not this one"
            Expect.isGreaterThan (Group.defect (Group.orthogonal 4) twice) 1.0 "twice"
            Expect.equal (Group.defect (Group.symmetric 4) twice) infinity "twice")

        Property.check Property.config "H changes by det g under O(n)" (fun case ->
            let n = 2 + case.Size % 2
            let k = case.Second % (n + 1)

            let map =
                HeadFunctor.determinant n (Diagram.ofBlocks k (n - k) [ for v in 0 .. n - 1 -> [ v ] ])

            let group = Group.orthogonal n
            let g = Group.random case.Seed group

            let power order =
                (Rep.vector group |> Rep.tensorPower order).Of g

            let determinant = torch.linalg.det(LinearMap.toMatrix g).item<float>()

            Law.equality case.Seed (power (n - k) * map) (determinant * (map * power k))
            |> Property.within 1e-11 "H")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        Refusal.expect "odd n" (fun () -> Group.symplectic 3 |> ignore)
        Refusal.expect "n = 0" (fun () -> Group.orthogonal 0 |> ignore)
        Refusal.expect "order" (fun () -> Basis.dimension (Group.orthogonal 3) -1 2 |> ignore)
        Refusal.expect "no diagrams" (fun () -> Basis.diagrams (Group.specialOrthogonal 3) 1 1 |> ignore)
        Refusal.expect "no orbits" (fun () -> Basis.orbit (Group.orthogonal 3) 1 1 |> ignore)
        Refusal.expect "too many" (fun () -> Basis.spanning (Group.orthogonal 3) 9 9 |> ignore)

        Refusal.expect "space" (fun () ->
            Group.defect (Group.orthogonal 3) (LinearMap.identity (Space.Of 4L)) |> ignore)

        Refusal.expect "mixed groups" (fun () ->
            Rep.tensor (Rep.vector (Group.orthogonal 3)) (Rep.vector (Group.specialOrthogonal 3))
            |> ignore))

let tests =
    testList "groups and bases" [ yield! dimensions; yield! elements; refusals ]
