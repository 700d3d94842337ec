module Ortho.Tests.Orthogonal.LipschitzTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open TorchSharp

let private weight (bench: Bench) (case: Case) =
    Seed.normal case.Seed bench.Kind [ int64 case.Second; int64 case.Size ]

let private norm (map: LinearMap) =
    Array.reduce max (Dense.singularValues (LinearMap.toMatrix map))

/// X and Y of a pair, in all sizes: p above and below q.
let private pairOf (bench: Bench) (case: Case) =
    let q, p = int64 case.Size, int64 case.Second

    Seed.normal case.Seed bench.Kind (case.Batch @ [ q; q ]),
    Seed.normal (case.Seed + 1) bench.Kind (case.Batch @ [ p; q ])

let private number (bench: Bench) (value: float) =
    torch.tensor([| value |]).reshape(1L, 1L).``to`` bench.Kind.Dtype

let private laws (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"Lipschitz maps on {bench}"
        [
            check "almost orthogonal: column i over the root of sum_j |W* W|_ij" (fun case ->
                let w = weight bench case
                let matrix = LinearMap.toMatrix (Lipschitz.almostOrthogonal w)

                let columns =
                    [|
                        for i in 0L .. w.shape[1] - 1L do
                            let column = w.select (1L, i)

                            let sum =
                                Seq.sum (
                                    seq {
                                        for j in 0L .. w.shape[1] - 1L do
                                            Dense.size ((column.conj () * w.select (1L, j)).sum())
                                    }
                                )

                            column / sqrt sum
                    |]

                Law.distance matrix (torch.stack (columns, 1L))
                |> Property.within bench.Product "distance")

            check "almost orthogonal: never expands" (fun case ->
                norm (Lipschitz.almostOrthogonal (weight bench case))
                |> Property.within (1.0 + bench.Product) "norm")

            check "almost orthogonal: an isometry for orthogonal columns of any lengths" (fun case ->
                let n = int64 (min case.Size case.Second)
                let q = Dense.frame case.Seed bench.Kind (int64 (max case.Size case.Second)) n

                let lengths =
                    Seed.uniform
                        case.Seed
                        { bench.Kind with
                            Dtype = TensorKind.realDtype bench.Kind.Dtype
                        }
                        [ n ]
                    + 0.5

                Law.distance (LinearMap.toMatrix (Lipschitz.almostOrthogonal (q * lengths))) q
                |> Property.within (sqrt bench.Product) "distance")

            testCase "almost orthogonal: zero columns stay zero, and tiny and huge weights count like others" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]

                let matrix (w: torch.Tensor) =
                    LinearMap.toMatrix (Lipschitz.almostOrthogonal w)

                let holed = w.clone ()
                holed.select(1L, 1L).zero_() |> ignore
                let others = torch.stack ([| w.select (1L, 0L); w.select (1L, 2L) |], 1L)
                let seen = matrix holed
                Expect.equal (Dense.size (seen.select (1L, 1L))) 0.0 "the zero column"
                let kept = torch.stack ([| seen.select (1L, 0L); seen.select (1L, 2L) |], 1L)
                Expect.isLessThanOrEqual (Law.distance kept (matrix others)) bench.Product "the others"
                Expect.equal (Dense.size (matrix (torch.zeros_like w))) 0.0 "zero"
                let isSingle = TensorKind.realDtype bench.Kind.Dtype = torch.float32

                for scale in (if isSingle then [ 1e-30; 1e30 ] else [ 1e-200; 1e200 ]) do
                    Expect.isLessThanOrEqual
                        (Law.distance (matrix (w * scale)) (matrix w))
                        bench.Product
                        $"times {scale}")

            check "a tall pair: A* (I + Z) = I - Z, B* (I + Z) = -2 Y, A A* + B B* = I" (fun case ->
                let x, y = pairOf bench case
                let struct (a, b) = Lipschitz.cayleyPair x y
                let identity = Dense.identity bench.Kind (int64 case.Size)
                let z = x - x.mH + y.mH.matmul y
                let sum = a.matmul a.mH + b.matmul b.mH

                [
                    Law.distance (a.mH.matmul (identity + z)) (identity - z)
                    Law.distance (b.mH.matmul (identity + z)) (-2.0 * y)
                    Law.distance sum (identity.expand_as sum)
                ]
                |> List.reduce max
                |> Property.within bench.Iteration "distance")

            check "a tall pair: without Y, A* is the Cayley transform of X* - X, and B is zero" (fun case ->
                let x, y = pairOf bench case
                let struct (a, b) = Lipschitz.cayleyPair x (torch.zeros_like y)

                (if Dense.size b = 0.0 then
                     Law.distance a.mH (Cayley.matrix (x.mH - x))
                 else
                     infinity)
                |> Property.within bench.Iteration "distance")

            testCase
                "a pair of numbers: y = tan t gives A = cos 2t, B = -sin 2t, and 2 A B reaches -1 at pi/8"
                (fun () ->
                    use _ = torch.NewDisposeScope()

                    for t in [ 0.3; Math.PI / 8.0; 1.2 ] do
                        let x, y = number bench 7.0, number bench (tan t)
                        let struct (a, b) = Lipschitz.cayleyPair x y
                        // X - X* is zero for a number.
                        Expect.isLessThanOrEqual (Law.distance a (number bench (cos (2.0 * t)))) bench.Product "A"
                        Expect.isLessThanOrEqual (Law.distance b (number bench (-(sin (2.0 * t))))) bench.Product "B"
                        let linear = LinearMap.toMatrix (Lipschitz.sandwichLinear x y)

                        Expect.isLessThanOrEqual
                            (Law.distance linear (number bench (-(sin (4.0 * t)))))
                            bench.Product
                            "2 A B"

                    Expect.isLessThanOrEqual
                        (abs (
                            norm (Lipschitz.sandwichLinear (number bench 0.0) (number bench (tan (Math.PI / 8.0))))
                            - 1.0
                        ))
                        bench.Product
                        "norm 1")

            check "the linear form is 2 A* B and never expands" (fun case ->
                let x, y = pairOf bench { case with Batch = [] }
                let struct (a, b) = Lipschitz.cayleyPair x y
                let map = Lipschitz.sandwichLinear x y

                (if norm map <= 1.0 + bench.Product then
                     Law.distance (LinearMap.toMatrix map) (2.0 * a.mH.matmul b)
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            testCase "leave no tensor behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 4L ]

                Dense.growthOfResults (fun () ->
                    let struct (a, b) = Lipschitz.cayleyPair w w
                    [ a; b ])
                |> fun grown -> Expect.equal grown 0L "a pair"

                Dense.growth (fun () ->
                    Lipschitz.almostOrthogonal w |> ignore
                    Lipschitz.sandwichLinear w w |> ignore)
                |> fun grown -> Expect.equal grown 0L "maps")
        ]

let private sorting (bench: Bench) =
    let check = Property.check Property.config

    testList
        $"GroupSort on {bench}"
        [
            testCase "by hand" (fun () ->
                use _ = torch.NewDisposeScope()
                let x = torch.tensor([| 1.0; 3.0; 5.0; -2.0; 0.0; 4.0 |]).``to`` bench.Kind.Dtype

                let seen (size: int64) =
                    (Lipschitz.groupSort size x).``to``(torch.float64).data<float>().ToArray()

                Expect.equal (seen 1L) [| 1.0; 3.0; 5.0; -2.0; 0.0; 4.0 |] "1"
                Expect.equal (seen 2L) [| 3.0; 1.0; 5.0; -2.0; 4.0; 0.0 |] "MaxMin"
                Expect.equal (seen 3L) [| 5.0; 3.0; 1.0; 4.0; 0.0; -2.0 |] "3"
                Expect.equal (Lipschitz.groupSort 2L (torch.zeros (0L, 4L))).shape [| 0L; 4L |] "no elements")

            check "keeps norms and brings no two points apart" (fun case ->
                let size, groups = int64 case.Second, int64 case.Size

                let draw seed =
                    Seed.normal seed bench.Kind (case.Batch @ [ 5L; size * groups ])

                let x, y = draw case.Seed, draw (case.Seed + 1)
                let f = Lipschitz.groupSort size
                let lengths (x: torch.Tensor) = x.norm -1
                let ratios = lengths (f x - f y) / lengths (x - y)

                max (Law.distance (lengths (f x)) (lengths x)) (ratios.max().``to``(torch.float64).item<float>() - 1.0)
                |> Property.within bench.Product "norms")
        ]

let private gradients (bench: Bench) =
    let check = Property.check Property.costly

    testList
        $"gradients on {bench}"
        [
            check "of a pair and of GroupSort are right" (fun case ->
                let x, y = pairOf bench { case with Batch = [] }

                let stacked x y =
                    let struct (a, b) = Lipschitz.cayleyPair x y
                    torch.cat ([| a; b |], 1L)

                [
                    Law.gradient case.Seed (fun x -> stacked x y) x
                    Law.gradient case.Seed (fun y -> stacked x y) y
                    Law.gradient case.Seed (Lipschitz.groupSort (int64 case.Size)) x
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "through a zero column are finite" (fun () ->
                use _ = torch.NewDisposeScope()
                let w = Seed.normal 1 bench.Kind [ 4L; 3L ]
                w.select(1L, 1L).zero_() |> ignore
                let w = w.requires_grad_ true
                (LinearMap.toMatrix (Lipschitz.almostOrthogonal w)).sum().backward()
                Expect.isTrue (w.grad.isfinite().all().item<bool>()) "finite")
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let draw shape = Seed.normal 1 TensorKind.float64 shape
        let x, y = draw [ 3L; 3L ], draw [ 2L; 3L ]

        for name, (body: unit -> unit) in
            [
                "batch", (fun () -> Lipschitz.almostOrthogonal (draw [ 1L; 2L; 2L ]) |> ignore)
                "integers",
                (fun () -> Lipschitz.almostOrthogonal (torch.zeros (2L, 2L, dtype = torch.int64)) |> ignore)
                "empty", (fun () -> Lipschitz.almostOrthogonal (draw [ 0L; 2L ]) |> ignore)
                "not square", (fun () -> Lipschitz.cayleyPair y y |> ignore)
                "columns of y", (fun () -> Lipschitz.cayleyPair x (draw [ 3L; 2L ]) |> ignore)
                "axes of y", (fun () -> Lipschitz.cayleyPair x (draw [ 1L; 2L; 3L ]) |> ignore)
                "batch of y", (fun () -> Lipschitz.cayleyPair (draw [ 2L; 3L; 3L ]) (draw [ 1L; 2L; 3L ]) |> ignore)
                "type of y", (fun () -> Lipschitz.cayleyPair x (y.``to`` torch.float32) |> ignore)
                "a batch for a map", (fun () -> Lipschitz.sandwichLinear (x.unsqueeze 0L) (y.unsqueeze 0L) |> ignore)
                "empty y", (fun () -> Lipschitz.sandwichLinear x (draw [ 0L; 3L ]) |> ignore)
                "size", (fun () -> Lipschitz.groupSort 0L x |> ignore)
                "size that does not divide", (fun () -> Lipschitz.groupSort 2L x |> ignore)
                "no axes", (fun () -> Lipschitz.groupSort 1L (draw []) |> ignore)
                "complex", (fun () -> Lipschitz.groupSort 1L (x.``to`` torch.complex128) |> ignore)
                "null", (fun () -> Lipschitz.cayleyPair x null |> ignore)
            ] do
            Refusal.expect name body)

let tests =
    testList
        "Lipschitz"
        [
            yield! Bench.all |> List.map laws
            yield! Bench.real |> List.map sorting
            yield! Bench.double |> List.map gradients
            refusals
        ]
