/// The projection onto equivariant maps: against means over all elements, Haar means by chance, and closed forms.
module Ortho.Tests.ReynoldsTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private double = TensorKind.float64

/// One group of each kind, and orders k and l such that n^(k + l) is at most 1024.
let private setting (case: Case) =
    let n = 1 + case.Size % 4

    let group =
        match case.Seed % 6 with
        | 0 -> Group.symmetric n
        | 1 -> Group.alternating n
        | 2 -> Group.orthogonal n
        | 3 -> Group.specialOrthogonal n
        | 4 -> Group.symplectic (2 * ((n + 1) / 2))
        | _ -> Group.automorphisms (Graph.Path n)

    let m = case.Second % 6
    let k = case.Seed / 6 % (m + 1)
    group, k, m - k

let private matrix (seed: int) (group: Group) (k: int) (l: int) =
    let n = int64 group.Dimension
    Seed.normal seed double [ pown n l; pown n k ]

let private power (group: Group) order =
    Rep.vector group |> Rep.tensorPower order

let private law name (residual: Case -> Group * int * int -> float) =
    Property.check Property.config name (fun case ->
        residual case (setting case) |> Property.within Bench.double.Head.Iteration name)

/// A random combination of the spanning maps, zero if there are none.
let private equivariant (seed: int) (group: Group) (k: int) (l: int) =
    let random = Random seed

    Basis.spanning group k l
    |> Array.map (fun map -> (random.NextDouble() + 0.5) * map)
    |> Array.fold (+) (LinearMap.zero (power group k).Space (power group l).Space)

let private number (x: torch.Tensor) = x.item<float>()

let private laws =
    [
        law "what it gives commutes with generators and random elements" (fun case (group, k, l) ->
            matrix case.Seed group k l
            |> LinearMap.ofMatrix
            |> Reynolds.project group k l
            |> Rep.equivariance case.Seed 2 (power group k, power group l))

        law "equivariant maps stay as they are" (fun case (group, k, l) ->
            let map = equivariant case.Seed group k l
            let dense = LinearMap.toMatrix map

            [
                Law.distance (Reynolds.projectMatrix group k l dense) dense
                Law.equality case.Seed (Reynolds.project group k l map) map
                Reynolds.defect group k l map
            ]
            |> List.reduce max)

        law "map and matrix agree" (fun case (group, k, l) ->
            let dense = matrix case.Seed group k l

            Law.distance
                (LinearMap.toMatrix (Reynolds.project group k l (LinearMap.ofMatrix dense)))
                (Reynolds.projectMatrix group k l dense))

        law "the rest is orthogonal to every spanning map" (fun case (group, k, l) ->
            let dense = matrix case.Seed group k l
            let rest = dense.sub (Reynolds.projectMatrix group k l dense)

            Basis.spanning group k l
            |> Array.map (fun map ->
                let image = LinearMap.toMatrix map
                abs (number (image.mul(rest).sum())) / number (dense.norm().mul(image.norm ())))
            |> Array.fold max 0.0)

        law "the defect is the rest over the whole" (fun case (group, k, l) ->
            let dense = matrix case.Seed group k l

            let kept =
                number ((Reynolds.projectMatrix group k l dense).norm())
                / number (dense.norm ())

            let defect = Reynolds.defect group k l (LinearMap.ofMatrix dense)
            abs (defect * defect + kept * kept - 1.0))

        law "coordinates put the map together again, with the least norm" (fun case (group, k, l) ->
            let map = equivariant case.Seed group k l
            let c = Reynolds.coordinates group k l map
            let images = Basis.spanning group k l |> Array.map LinearMap.toMatrix

            if images.Length = 0 then
                float (c.numel ())
            else
                let sum = torch.einsum ("s,sij->ij", c, torch.stack images)
                // By another route: the pseudoinverse of all images.
                max
                    (Law.distance sum (LinearMap.toMatrix map))
                    (Law.distance c (Basis.coordinates images (LinearMap.toMatrix map))))

        law "the trace is the dimension" (fun _ (group, k, l) ->
            let trace = number ((LinearMap.toMatrix (Reynolds.projection group k l)).trace())
            let dimension = float (Basis.dimension group k l)
            abs (trace - dimension) / max 1.0 dimension)

        Property.check Property.config "the larger group's projection passes through the smaller's" (fun case ->
            let n = 1 + case.Size % 4
            let m = case.Second % 6
            let k = case.Seed % (m + 1)
            let l = m - k

            let small, large =
                match case.Seed / 7 % 4 with
                | 0 -> Group.specialOrthogonal n, Group.orthogonal n
                | 1 -> Group.symmetric n, Group.orthogonal n
                | 2 -> Group.alternating n, Group.specialOrthogonal n
                | _ -> Group.automorphisms (Graph.Path n), Group.symmetric n

            let dense = matrix case.Seed small k l
            let expected = Reynolds.projectMatrix large k l dense

            [
                Reynolds.projectMatrix large k l (Reynolds.projectMatrix small k l dense)
                Reynolds.projectMatrix small k l expected
            ]
            |> List.map (fun found -> number ((found.sub expected).norm()) / number (dense.norm ()))
            |> List.reduce max
            |> Property.within Bench.double.Head.Iteration "tower")
    ]

let rec private arrangements (items: int list) : int list list =
    match items with
    | [] -> [ [] ]
    | _ ->
        [
            for item in items do
                for rest in arrangements (List.except [ item ] items) -> item :: rest
        ]

let private inversions (p: int[]) =
    Seq.allPairs [ 0 .. p.Length - 1 ] [ 0 .. p.Length - 1 ]
    |> Seq.filter (fun (i, j) -> i < j && p[i] > p[j])
    |> Seq.length

/// The k-fold Kronecker power of a matrix.
let private kronecker (k: int) (g: torch.Tensor) =
    (torch.ones (1L, 1L, dtype = torch.float64), [ 1..k ])
    ||> List.fold (fun product _ -> torch.kron (product, g))

/// sigma(g)^T A rho(g) for an orthogonal g.
let private turned (k: int) (l: int) (a: torch.Tensor) (g: torch.Tensor) =
    (kronecker l g).t().matmul(a).matmul(kronecker k g)

let private means =
    [
        Property.check Property.config "permutations: it is the mean over all elements" (fun case ->
            let n = 1 + case.Size % 4
            let m = case.Second % (if n = 4 then 4 else 6)
            let k = case.Seed % (m + 1)
            let l = m - k

            let group, isElement =
                match case.Seed / 7 % 3 with
                | 0 -> Group.symmetric n, (fun _ -> true)
                | 1 -> Group.alternating n, (fun p -> inversions p % 2 = 0)
                | _ ->
                    Group.automorphisms (Graph.Path n),
                    (fun p -> Array.pairwise p |> Array.forall (fun (a, b) -> abs (a - b) = 1))

            let elements =
                arrangements [ 0 .. n - 1 ]
                |> List.map (fun p ->
                    let p = Array.ofList p
                    p, torch.eye(int64 n, dtype = torch.float64)[torch.tensor (Array.map int64 p)])
                |> List.filter (fst >> isElement)

            let a = matrix case.Seed group k l

            let mean =
                elements
                |> List.map (snd >> turned k l a)
                |> List.toArray
                |> fun all -> torch.stack(all).mean([| 0L |])

            Law.distance (Reynolds.projectMatrix group k l a) mean
            |> Property.within Bench.double.Head.Iteration "mean")

        for group, k, l in
            [
                Group.orthogonal 2, 2, 2
                Group.orthogonal 3, 1, 3
                Group.specialOrthogonal 2, 1, 1
                Group.specialOrthogonal 3, 2, 1
                Group.specialOrthogonal 3, 2, 2
            ] do
            testCase $"{group}, {k} -> {l}: it is the mean over random elements, within its standard error" (fun () ->
                use _ = torch.NewDisposeScope()
                let samples = 2000
                // Most of it equivariant, so that the projection is far above the error.
                let a = (matrix 1 group k l).add(LinearMap.toMatrix (3.0 * equivariant 2 group k l))

                let draws =
                    Array.init samples (fun i ->
                        Group.random (Seed.derive 3 i) group |> LinearMap.toMatrix |> turned k l a)
                    |> torch.stack

                let mean = draws.mean ([| 0L |])
                let deviations = draws.sub mean

                let error =
                    sqrt (number (deviations.square().sum()) / float samples / float samples)

                let expected = Reynolds.projectMatrix group k l a
                // Chebyshev: a mean that is right lies within three errors with probability 8 / 9; the seed is fixed.
                Expect.isLessThan (number ((mean.sub expected).norm())) (3.0 * error) "the mean"
                Expect.isGreaterThan (number (expected.norm ())) (20.0 * error) "what is measured stands out")
    ]

let private close (expected: torch.Tensor) (found: torch.Tensor) =
    Expect.isLessThan (Law.distance found expected) 1e-12 $"{found.str ()}"

let private examples =
    [
        testCase "S_n, 1 -> 1: the means on and off the diagonal" (fun () ->
            let a =
                torch.tensor([| 0.0; 7.0; 2.0; 3.0; 4.0; 5.0; 6.0; 7.0; 8.0 |]).reshape(3L, 3L)

            let expected =
                torch.tensor([| 4.0; 5.0; 5.0; 5.0; 4.0; 5.0; 5.0; 5.0; 4.0 |]).reshape(3L, 3L)

            close expected (Reynolds.projectMatrix (Group.symmetric 3) 1 1 a))

        testCase "A_3, 1 -> 1: the nearest circulant" (fun () ->
            // Cubes: (0 + 64 + 512) / 3, (1 + 125 + 216) / 3, (8 + 27 + 343) / 3.
            let a = torch.tensor(Array.init 9 (fun i -> float (i * i * i))).reshape(3L, 3L)

            let expected =
                torch.tensor([| 192.0; 114.0; 126.0; 126.0; 192.0; 114.0; 114.0; 126.0; 192.0 |]).reshape(3L, 3L)

            close expected (Reynolds.projectMatrix (Group.alternating 3) 1 1 a))

        testCase "O(n), 1 -> 1: the trace over n; Sp(n) alike" (fun () ->
            let a = Seed.normal 1 double [ 4L; 4L ]

            let expected =
                torch.eye(4L, dtype = torch.float64).mul(a.trace().div(torch.tensor 4.0))

            close expected (Reynolds.projectMatrix (Group.orthogonal 4) 1 1 a)
            close expected (Reynolds.projectMatrix (Group.symplectic 4) 1 1 a))

        testCase "SO(2), 1 -> 1: a complex number" (fun () ->
            // [p, q; r, s] goes to [x, -y; y, x], x = (p + s) / 2, y = (r - q) / 2.
            let a = torch.tensor([| 1.0; 2.0; 5.0; 9.0 |]).reshape(2L, 2L)
            let expected = torch.tensor([| 5.0; -1.5; 1.5; 5.0 |]).reshape(2L, 2L)
            close expected (Reynolds.projectMatrix (Group.specialOrthogonal 2) 1 1 a))

        testCase "coordinates of A - tr A / 3 and of the cross product" (fun () ->
            let group = Group.orthogonal 3
            let e = Basis.spanning group 2 2
            let names = e |> Array.map string

            let traceless =
                e[Array.IndexOf(names, "I[3; 3]")]
                - (1.0 / 3.0) * Functor.diagram 3 (Diagram.ofBlocks 2 2 [ [ 0; 1 ]; [ 2; 3 ] ])

            let c = (Reynolds.coordinates group 2 2 traceless).data<float>().ToArray()

            Expect.equal
                (Array.sort (Array.map (fun (x: float) -> Math.Round(x, 12)) c))
                [| -0.333333333333; 0.0; 1.0 |]
                "for A, A^T, tr(A) I"

            let cross =
                LinearMap.ofMatrix (
                    torch
                        .tensor(
                            [|
                                [| 0.0; 0.0; 0.0; 0.0; 0.0; 1.0; 0.0; -1.0; 0.0 |]
                                [| 0.0; 0.0; -1.0; 0.0; 0.0; 0.0; 1.0; 0.0; 0.0 |]
                                [| 0.0; 1.0; 0.0; -1.0; 0.0; 0.0; 0.0; 0.0; 0.0 |]
                            |]
                            |> Array.concat
                        )
                        .reshape(3L, 9L)
                )

            close (torch.ones (1L, dtype = torch.float64)) (Reynolds.coordinates (Group.specialOrthogonal 3) 2 1 cross))

        testCase "the projection of a map has no more terms than it needs" (fun () ->
            let map =
                Reynolds.project (Group.orthogonal 3) 1 1 (LinearMap.ofDiagonal (torch.tensor [| 1.0; 2.0; 6.0 |]))

            close (torch.eye(3L, dtype = torch.float64).mul(torch.tensor 3.0)) (LinearMap.toMatrix map)

            let none =
                Reynolds.project (Group.orthogonal 3) 2 1 (LinearMap.ofMatrix (Seed.normal 1 double [ 3L; 9L ]))

            Expect.equal (string none) "0" "no equivariant map but zero")
    ]

let private tensors =
    [
        for group in [ Group.alternating 3; Group.specialOrthogonal 3 ] do
            testCase $"{group}: gradients" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = matrix 1 group 2 1

                for what, f in
                    [
                        "matrix", Reynolds.projectMatrix group 2 1
                        "coordinates",
                        // Of a map that is equivariant for every parameter.
                        Reynolds.projectMatrix group 2 1
                        >> LinearMap.ofMatrix
                        >> Reynolds.coordinates group 2 1
                    ] do
                    Expect.isLessThan (Law.gradient 1 f a) Bench.gradient what)

            testCase $"{group}: no live tensors but the result's" (fun () ->
                use _ = torch.NewDisposeScope()
                let a = matrix 1 group 2 1
                let map = Reynolds.project group 2 1 (LinearMap.ofMatrix a)

                let grown (f: unit -> torch.Tensor) =
                    (f ()).Dispose()
                    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                    (f ()).Dispose()
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount - before

                Expect.equal (grown (fun () -> Reynolds.projectMatrix group 2 1 a)) 0L "projectMatrix"
                Expect.equal (grown (fun () -> Reynolds.coordinates group 2 1 map)) 0L "coordinates"

                let defect () =
                    torch.tensor (Reynolds.defect group 2 1 map)

                Expect.equal (grown defect) 0L "defect"

                let live (f: unit -> obj) =
                    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                    f () |> ignore
                    DisposeScopeManager.Statistics.ThreadTotalLiveCount - before

                // A projected map holds what its spanning maps hold, no more.
                Expect.equal
                    (live (fun () -> Reynolds.project group 2 1 map))
                    (live (fun () -> Basis.spanning group 2 1))
                    "project"

                // A list of orbits and their sizes, or a basis: each in both precisions.
                Expect.isLessThanOrEqual (live (fun () -> Reynolds.projection group 2 1)) 3L "projection")
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        let group = Group.orthogonal 3
        let diagonal = LinearMap.ofDiagonal (torch.tensor [| 1.0; 2.0; 3.0 |])
        Refusal.expect "k" (fun () -> Reynolds.projection group -1 1 |> ignore)
        Refusal.expect "too large" (fun () -> Reynolds.projection group 9 9 |> ignore)
        Refusal.expect "many spanning maps" (fun () -> Reynolds.projection (Group.orthogonal 5) 5 5 |> ignore)
        Refusal.expect "tuples" (fun () -> Reynolds.projection (Group.symmetric 5) 6 5 |> ignore)
        Refusal.expect "shape" (fun () -> Reynolds.projectMatrix group 1 2 (matrix 1 group 2 1) |> ignore)

        Refusal.expect "integers" (fun () ->
            Reynolds.projectMatrix group 1 1 (torch.eye (3L, dtype = torch.int64)) |> ignore)

        Refusal.expect "spaces" (fun () -> Reynolds.project group 2 1 diagonal |> ignore)

        Refusal.expect "complex" (fun () ->
            Reynolds.defect group 1 1 (LinearMap.ofMatrix (torch.eye (3L, dtype = torch.complex128)))
            |> ignore)

        Expect.throwsC (fun () -> Reynolds.coordinates group 1 1 diagonal |> ignore) (fun error ->
            // diag(1, 2, 3) is at sqrt (2 / 14) = 0.378 from 2 I.
            Expect.stringContains error.Message "at distance 0.378 of its norm" "how far"))

let tests =
    testList "projection onto equivariant maps" [ yield! laws; yield! means; yield! examples; yield! tensors; refusals ]
