module Ortho.Tests.MultigridTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private product = (Bench.double.Head).Product
let private plain = MultigridOptions.Default
let private row (n: int) = Space.Of(int64 n)

let private square (n: int) = Space.ofShape [ int64 n; int64 n ]

let private laplacian (space: Space) = Stencil.laplacian space.Rank

/// The largest modulus of the eigenvalues.
let private radius (map: LinearMap) =
    use _ = torch.NewDisposeScope()
    (torch.linalg.eigvals(LinearMap.toMatrix map).abs().max()).item<float>()

let private errorMap
    (cycle: MultigridOptions -> seq<float> -> Space -> LinearMap)
    (options: MultigridOptions)
    (space: Space)
    =
    Multigrid.errorMap (cycle options (laplacian space) space) (Stencil.operator (laplacian space) space)

let private stencil (case: Case) (axes: int) =
    let random = Random case.Seed
    Array.init (if axes = 1 then 3 else 9) (fun _ -> random.NextDouble() - 0.5)

/// Grids of one axis and of two, with a coarser grid.
let private grid (case: Case) =
    if case.Seed % 2 = 0 then
        row (2 * case.Size + 1)
    else
        Space.ofShape [ int64 (2 * case.Size + 1); int64 (2 * case.Second + 1) ]

let private law name residual =
    Property.check Property.config name (fun case -> residual case |> Property.within product name)

let tests =
    testList
        "multigrid"
        [
            law "coarse stencils are R A P" (fun case ->
                let space = grid case
                let weights = stencil case space.Rank
                let down, up = Multigrid.restriction space, Multigrid.prolongation space

                Law.equality
                    case.Seed
                    (down * Stencil.operator weights space * up)
                    (Stencil.operator (Stencil.galerkin weights) down.Codomain))

            law "restriction is the adjoint of interpolation over 2 an axis" (fun case ->
                let space = grid case
                let up = LinearMap.toMatrix (Multigrid.prolongation space)
                let expected = up.mT.div (torch.tensor (Math.Pow(2.0, float space.Rank)))
                Law.distance (LinearMap.toMatrix (Multigrid.restriction space)) expected)

            testCase "transfer by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let up = (Multigrid.prolongation (row 5)).Apply(torch.tensor [| 2.0; 4.0 |])
                Expect.equal (Law.distance up (torch.tensor [| 1.0; 2.0; 3.0; 4.0; 2.0 |])) 0.0 "linear between points"

                let down =
                    (Multigrid.restriction (row 5)).Apply(torch.tensor [| 4.0; 8.0; 12.0; 16.0; 20.0 |])

                Expect.equal (Law.distance down (torch.tensor [| 8.0; 16.0 |])) 0.0 "a quarter, a half, a quarter"

                Expect.equal
                    (Stencil.galerkin [ -1.0; 2.0; -1.0 ] |> Seq.toList)
                    [ -0.25; 0.5; -0.25 ]
                    "a quarter of the stencil"

                let nine =
                    Stencil.operator
                        (stencil
                            {
                                Size = 1
                                Second = 1
                                Batch = []
                                Seed = 3
                            }
                            2)
                        (square 1)

                Expect.equal nine.Domain.Size 1L "a grid of one point")

            law "operators are sums over neighbours, with zeros outside" (fun case ->
                use _ = torch.NewDisposeScope()
                let h, w = case.Size, case.Second
                let weights = stencil case 2
                let space = Space.ofShape [ int64 h; int64 w ]
                let x = Seed.normal case.Seed TensorKind.float64 [ int64 h; int64 w ]
                let numbers = x.data<float>().ToArray()

                let expected =
                    Array.init (h * w) (fun at ->
                        let i, j = at / w, at % w

                        Seq.sum (
                            seq {
                                for d in 0..8 do
                                    let k, l = i + d / 3 - 1, j + d % 3 - 1

                                    if k >= 0 && k < h && l >= 0 && l < w then
                                        weights[d] * numbers[k * w + l]
                            }
                        ))

                Law.distance
                    ((Stencil.operator weights space).Apply x)
                    (torch.tensor(expected).reshape(int64 h, int64 w)))

            testCase "two grids leave exactly a ninth, on every grid" (fun () ->
                for n in [ 15; 31; 63; 127 ] do
                    let found = radius (errorMap Multigrid.twoGrid plain (row n))
                    Expect.isLessThan (abs (found - 1.0 / 9.0)) 1e-10 $"n = {n}: {found}")

            testCase "V-cycles leave less than a fifth, on every grid" (fun () ->
                for n, expected in [ 15, 0.1896; 31, 0.1896; 63, 0.1908; 127, 0.1937 ] do
                    let found = radius (errorMap Multigrid.vCycle plain (row n))
                    Expect.isLessThan (abs (found - expected)) 5e-5 $"n = {n}: {found}")

            testCase "Jacobi alone hardly converges" (fun () ->
                for n, expected in [ 15, 0.98719; 127, 1.0 - 4.0 / 3.0 * Math.Pow(sin (Math.PI / 256.0), 2.0) ] do
                    let a = Stencil.operator (laplacian (row n)) (row n)
                    let smoother = Stencil.jacobi (2.0 / 3.0) (laplacian (row n)) (row n)
                    let found = radius (Multigrid.errorMap smoother a)
                    Expect.isLessThan (abs (found - expected)) 5e-6 $"n = {n}: {found}")

            testCase
                "V-cycles on squares converge at the rate of their smoother: 0.6 a sweep with damping 4/5 (Trottenberg 2001)"
                (fun () ->
                    let rates =
                        [ 7; 15; 31 ]
                        |> List.map (fun n ->
                            use _ = torch.NewDisposeScope()
                            radius (errorMap Multigrid.vCycle { plain with Damping = 0.8 } (square n)))

                    Expect.all rates (fun rate -> rate > 0.3 && rate < 0.36) $"{rates}")

            testCase "cycles solve a problem whose solution is known" (fun () ->
                use _ = torch.NewDisposeScope()
                let n = 127
                let space = row n

                let a, v =
                    Stencil.operator (laplacian space) space, Multigrid.vCycle plain (laplacian space) space
                // -u'' = f on a line of n + 1 steps: a sine of k half waves has eigenvalue 4 sin^2 (pi k / 2 (n + 1)).
                let wave =
                    torch.tensor (Array.init n (fun i -> sin (3.0 * Math.PI * float (i + 1) / float (n + 1))))

                let f =
                    wave.mul (torch.tensor (4.0 * Math.Pow(sin (1.5 * Math.PI / float (n + 1)), 2.0)))

                let mutable u = v.Apply f

                for _ in 1..20 do
                    u <- u.add (v.Apply(f.sub (a.Apply u)))

                Expect.isLessThan (Law.distance u wave) 1e-12 "after 21 cycles")

            law "the adjoint of a cycle is the cycle of transposed parts, smoothers exchanged" (fun case ->
                let space = row 15

                let random i =
                    stencil { case with Seed = case.Seed + i } 1

                let a = Stencil.operator (Array.map2 (+) [| -1.0; 3.0; -1.0 |] (random 0)) space
                let coarsest = Stencil.operator (random 1) (row 7)

                let pre, post =
                    Stencil.operator (random 2) space, Stencil.jacobi 0.5 [ 0.0; 2.0; 1.0 ] space

                let up, down = Multigrid.prolongation space, Multigrid.restriction space

                let cycle =
                    Multigrid.cycle
                        coarsest
                        [
                            {
                                Operator = a
                                PreSmoothers = [| pre; post |]
                                PostSmoothers = [| post |]
                                Restriction = down
                                Prolongation = up
                            }
                        ]

                let transposed =
                    Multigrid.cycle
                        coarsest.Adjoint
                        [
                            {
                                Operator = a.Adjoint
                                PreSmoothers = [| post.Adjoint |]
                                PostSmoothers = [| post.Adjoint; pre.Adjoint |]
                                Restriction = up.Adjoint
                                Prolongation = down.Adjoint
                            }
                        ]
                // The dense formula: I - cycle A is the product of what sweeps and correction leave.
                let leaves (b: LinearMap) = LinearMap.identity space - b * a
                let correction = up * coarsest * down
                let expected = leaves post * leaves correction * leaves post * leaves pre

                [
                    Law.adjoint case.Seed cycle
                    Law.equality case.Seed cycle.Adjoint transposed
                    Law.distance (LinearMap.toMatrix (Multigrid.errorMap cycle a)) (LinearMap.toMatrix expected)
                ]
                |> List.max)

            testCase
                "a cycle of a symmetric stencil says that it is self-adjoint, one with uneven sweeps does not"
                (fun () ->
                    let promises options =
                        (Multigrid.vCycle options (laplacian (row 15)) (row 15)).Promises Traits.SelfAdjoint

                    Expect.isTrue (promises plain) "one and one"
                    Expect.isFalse (promises { plain with PreSweeps = 2 }) "two and one"

                    Expect.isFalse
                        ((Multigrid.vCycle plain [ -1.0; 3.0; -1.5 ] (row 15)).Promises Traits.SelfAdjoint)
                        "a stencil that is not symmetric"

                    let up, sweep =
                        Multigrid.prolongation (row 15), LinearMap.scale 0.25 (LinearMap.identity (row 15))

                    let uneven =
                        Multigrid.cycle
                            (LinearMap.identity (row 7))
                            [
                                {
                                    Operator = Stencil.operator [ -1.0; 3.0; -1.5 ] (row 15)
                                    PreSmoothers = [| sweep |]
                                    PostSmoothers = [| sweep |]
                                    Restriction = LinearMap.scale 0.5 up.Adjoint
                                    Prolongation = up
                                }
                            ]

                    Expect.isGreaterThan (Law.selfAdjoint 1 uneven) 1e-3 "it is not"
                    Expect.isFalse (uneven.Promises Traits.SelfAdjoint) "an operator that is not symmetric")

            testCase "learned levels have gradients" (fun () ->
                use _ = torch.NewDisposeScope()
                let kind = TensorKind.float64
                let space = row 7

                let build (p: torch.Tensor) =
                    let diagonal = LinearMap.ofDiagonal p

                    Multigrid.cycle
                        (Multigrid.vCycle plain [ -1.0; 2.0; -1.0 ] (row 3) |> LinearMap.on kind)
                        [
                            {
                                Operator = Stencil.operator [ -1.0; 2.0; -1.0 ] space
                                PreSmoothers = [| diagonal |]
                                PostSmoothers = [| diagonal |]
                                Restriction = Multigrid.restriction space
                                Prolongation = Multigrid.prolongation space
                            }
                        ]

                let p, f = Seed.normal 1 kind [ 7L ], Seed.normal 2 kind [ 2L; 7L ]
                Expect.isLessThan (Law.gradient 1 (fun p -> (build p).Apply f) p) Bench.gradient "in the smoother"
                Expect.isLessThan (Law.gradient 1 (build p).Apply f) Bench.gradient "in f")

            testCase "bad input is refused" (fun () ->
                let one = [ -1.0; 2.0; -1.0 ]
                Refusal.expect "even" (fun () -> Multigrid.prolongation (row 4) |> ignore)
                Refusal.expect "small" (fun () -> Multigrid.restriction (row 1) |> ignore)
                Refusal.expect "axes" (fun () -> Multigrid.prolongation (Space.ofShape [ 3L; 3L; 3L ]) |> ignore)
                Refusal.expect "weights" (fun () -> Stencil.operator one (square 3) |> ignore)
                Refusal.expect "weights" (fun () -> Stencil.operator [ 1.0; nan; 1.0 ] (row 3) |> ignore)
                Refusal.expect "weights" (fun () -> Stencil.galerkin [ 1.0; 2.0 ] |> ignore)
                Refusal.expect "axes" (fun () -> Stencil.laplacian 3 |> ignore)
                Refusal.expect "diagonal" (fun () -> Stencil.jacobi 0.5 [ 1.0; 0.0; 1.0 ] (row 3) |> ignore)
                Refusal.expect "damping" (fun () -> Stencil.jacobi 0.0 one (row 3) |> ignore)

                Refusal.expect "options" (fun () ->
                    Multigrid.vCycle { plain with PreSweeps = -1 } one (row 7) |> ignore)

                Refusal.expect "even" (fun () -> Multigrid.vCycle plain one (row 6) |> ignore)
                Refusal.expect "no inverse" (fun () -> Multigrid.twoGrid plain [ 0.0; 0.0; 1.0 ] (row 3) |> ignore)
                Refusal.expect "coarsest" (fun () -> Multigrid.vCycle plain one (row 16385) |> ignore)
                Refusal.expect "levels" (fun () -> Multigrid.cycle (LinearMap.identity (row 3)) [] |> ignore)

                Refusal.expect "spaces" (fun () ->
                    Multigrid.cycle
                        (LinearMap.identity (row 4))
                        [
                            {
                                Operator = Stencil.operator one (row 7)
                                PreSmoothers = [||]
                                PostSmoothers = [||]
                                Restriction = Multigrid.restriction (row 7)
                                Prolongation = Multigrid.prolongation (row 7)
                            }
                        ]
                    |> ignore)

                Refusal.expect "spaces" (fun () ->
                    Multigrid.errorMap (LinearMap.identity (row 3)) (LinearMap.identity (row 4))
                    |> ignore))
        ]
