module Ortho.Tests.PoissonTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private law name (residual: Case -> GridAxis[] -> float) =
    Property.check Property.config name (fun case -> residual case (Grids.draw case) |> Property.within 1e-11 name)

let private size (x: torch.Tensor) = x.norm().item<float>()

/// A matrix between the roots of the weights: symmetric where the map is self-adjoint under them.
let private balanced (axes: GridAxis[]) (matrix: torch.Tensor) =
    let root = (Grids.weights axes).sqrt()
    root.unsqueeze(1L).mul(matrix).div(root.unsqueeze 0L)

let private lambdaOf (case: Case) =
    4.0 * (Random(Seed.derive case.Seed 3)).NextDouble() + 0.1

let tests =
    testList
        "Poisson"
        [
            law "the Laplacian is the five-point formula" (fun _ axes ->
                Law.distance (LinearMap.toMatrix (Poisson.laplacian axes)) (Grids.laplacian axes))

            law "its eigenvalues are those of the dense matrix" (fun _ axes ->
                let struct (fast, _) = (Poisson.eigenvalues axes).flatten().sort()
                Law.distance fast (torch.linalg.eigvalsh (balanced axes (Grids.laplacian axes))))

            law "the solver undoes the Laplacian, up to the mean where a constant fits every end" (fun case axes ->
                let f = Seed.normal case.Seed TensorKind.float64 (Grids.shape axes)

                let f = if Grids.isSingular axes then Grids.minusMean axes f else f

                let u = (Poisson.solver axes).Apply f
                let back = (Poisson.laplacian axes).Apply u

                let mean =
                    if Grids.isSingular axes then
                        abs (Grids.mean axes u) / (size u + 1e-300)
                    else
                        0.0

                max (Law.distance back f) mean)

            law "the solver is the pseudo-inverse of the dense matrix, under the weights of the points" (fun _ axes ->
                let dense = torch.linalg.pinv (balanced axes (Grids.laplacian axes), rtol = 1e-12)

                Law.distance (balanced axes (LinearMap.toMatrix (Poisson.solver axes))) dense)

            law "the screened solver undoes the Laplacian minus lambda" (fun case axes ->
                let lambda = lambdaOf case
                let f = Seed.normal case.Seed TensorKind.float64 (Grids.shape axes)
                let u = (Poisson.screenedSolver lambda axes).Apply f
                let lu = (Poisson.laplacian axes).Apply u
                let scaled = multiply lambda u
                size ((lu.sub scaled).sub f) / (size lu + size scaled))

            law "a screen of 0 is none" (fun _ axes ->
                Law.distance
                    (LinearMap.toMatrix (Poisson.screenedSolver 0.0 axes))
                    (LinearMap.toMatrix (Poisson.solver axes)))

            law "boundary data: exact for polynomials of degree two" (fun case axes ->
                let random = Random(Seed.derive case.Seed 7)

                let coefficients (allowed: GridAxis -> bool) =
                    axes
                    |> Array.map (fun axis -> if allowed axis then random.NextDouble() - 0.5 else 0.0)

                let isPeriodic (axis: GridAxis) = axis.Boundary = Boundary.Periodic

                // A Dirichlet end half a spacing outside is exact for degree one.
                let square =
                    coefficients (fun axis ->
                        not (isPeriodic axis)
                        && (axis.Points = GridPoints.Nodes || axis.Boundary = Boundary.Neumann))

                let linear = coefficients (isPeriodic >> not)

                let mixed (x: float[]) =
                    Array.map2 (fun axis x -> if isPeriodic axis then 1.0 else x) axes x

                let u (x: float[]) =
                    Array.sum (Array.map3 (fun a b x -> a * x * x + b * x) square linear x)
                    + Array.reduce (*) (mixed x)

                let slope (x: float[]) i =
                    let others = mixed x |> Array.mapi (fun j x -> if i = j then 1.0 else x)
                    2.0 * square[i] * x[i] + linear[i] + Array.reduce (*) others

                let exact = Grids.sampled axes u
                let f = torch.full_like (exact, (2.0 * Array.sum square).ToScalar())
                let terms = (Poisson.boundaryTerms axes).Apply(Grids.data axes u slope)
                let applied = ((Poisson.laplacian axes).Apply exact).add terms
                let solved = (Poisson.solver axes).Apply(f.sub terms)

                let wanted =
                    if Grids.isSingular axes then
                        Grids.minusMean axes exact
                    else
                        exact

                // Over the sizes of what cancels: on a grid of one point the differences themselves are rounding.
                max (size (applied.sub f) / (size f + size terms + 1e-300)) (size (solved.sub wanted) / size exact))

            testCase "one point, where there may be one" (fun () ->
                use _ = torch.NewDisposeScope()

                for points, boundary in Grids.kinds do
                    if (points, boundary) <> (GridPoints.Nodes, Boundary.Neumann) then
                        let axis = [ Poisson.axisOn points boundary 1L 0.5 ]

                        let expected =
                            match points, boundary with
                            | GridPoints.Centres, Boundary.Dirichlet -> -16.0
                            | GridPoints.Nodes, Boundary.Dirichlet -> -8.0
                            | _, Boundary.Periodic -> 0.0
                            | GridPoints.Centres, Boundary.Neumann -> 0.0
                            | _ -> -8.0

                        Expect.equal
                            ((LinearMap.toMatrix (Poisson.laplacian axis)).item<float>())
                            expected
                            $"{boundary}, {points}"

                        Expect.floatClose
                            Accuracy.veryHigh
                            ((Poisson.eigenvalues axis).item<float>())
                            expected
                            $"eigenvalue of {boundary}, {points}")

            testCase "a right-hand side that no Neumann problem has is told" (fun () ->
                use _ = torch.NewDisposeScope()
                let neumann = Poisson.axis Boundary.Neumann 4L 0.5
                let periodic = Poisson.axis Boundary.Periodic 4L 0.5
                let dirichlet = Poisson.axis Boundary.Dirichlet 3L 0.5
                let constant = torch.ones ([| 2L; 4L; 3L |], dtype = torch.float64)
                let alternating = constant.clone ()
                alternating.narrow(1L, 0L, 2L).neg_() |> ignore

                for first in [ neumann; periodic ] do
                    let closed = [ first; { neumann with Size = 3L } ]
                    Expect.equal (Poisson.incompatibility closed constant) 1.0 "constant"
                    Expect.equal (Poisson.incompatibility closed alternating) 0.0 "mean 0"
                    Expect.equal (Poisson.incompatibility [ first; dirichlet ] constant) 0.0 "one Dirichlet axis"

                let onNodes = [ Poisson.axisOn GridPoints.Nodes Boundary.Neumann 3L 0.5 ]
                let balanced = torch.tensor [| 1.0; -1.0; 1.0 |]
                Expect.equal (Poisson.incompatibility onNodes balanced) 0.0 "ends count half"
                Expect.isGreaterThan (Poisson.incompatibility onNodes (torch.tensor [| 1.0; -2.0; 1.0 |])) 0.1 "mean"
                Refusal.expect "shape" (fun () -> Poisson.incompatibility [ neumann ] constant |> ignore))

            testCase "three points by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let expected points boundary (rows: float[,]) =
                    Expect.isLessThan
                        (Law.distance
                            (LinearMap.toMatrix (Poisson.laplacian [ Poisson.axisOn points boundary 3L 0.5 ]))
                            (multiply 4.0 (torch.tensor rows)))
                        1e-15
                        $"{boundary}"

                let nodes, centres = GridPoints.Nodes, GridPoints.Centres
                let row = [ 1.0; -2.0; 1.0 ]
                expected nodes Boundary.Dirichlet (array2D [ [ -2.0; 1.0; 0.0 ]; row; [ 0.0; 1.0; -2.0 ] ])
                expected centres Boundary.Neumann (array2D [ [ -1.0; 1.0; 0.0 ]; row; [ 0.0; 1.0; -1.0 ] ])
                expected nodes Boundary.Neumann (array2D [ [ -2.0; 2.0; 0.0 ]; row; [ 0.0; 2.0; -2.0 ] ])
                expected centres Boundary.Dirichlet (array2D [ [ -3.0; 1.0; 0.0 ]; row; [ 0.0; 1.0; -3.0 ] ])
                expected nodes Boundary.Periodic (array2D [ [ -2.0; 1.0; 1.0 ]; row; [ 1.0; 1.0; -2.0 ] ])
                expected centres Boundary.DirichletNeumann (array2D [ [ -3.0; 1.0; 0.0 ]; row; [ 0.0; 1.0; -1.0 ] ])
                expected nodes Boundary.NeumannDirichlet (array2D [ [ -2.0; 2.0; 0.0 ]; row; [ 0.0; 1.0; -2.0 ] ]))

            testCase "places and lengths of axes" (fun () ->
                let expect points boundary places length =
                    let axis = Poisson.axisOn points boundary 3L 0.5
                    Expect.equal axis.Places (Array.ofList places) $"places, {boundary} on {points}"
                    Expect.equal axis.Length length $"length, {boundary} on {points}"

                expect GridPoints.Nodes Boundary.Dirichlet [ 0.5; 1.0; 1.5 ] 2.0
                expect GridPoints.Nodes Boundary.Neumann [ 0.0; 0.5; 1.0 ] 1.0
                expect GridPoints.Nodes Boundary.DirichletNeumann [ 0.5; 1.0; 1.5 ] 1.5
                expect GridPoints.Nodes Boundary.NeumannDirichlet [ 0.0; 0.5; 1.0 ] 1.5
                expect GridPoints.Centres Boundary.Dirichlet [ 0.25; 0.75; 1.25 ] 1.5
                expect GridPoints.Centres Boundary.Periodic [ 0.0; 0.5; 1.0 ] 1.5)

            testCase "usual places of points, and the transforms for good sizes" (fun () ->
                let expect boundary points kind =
                    let axis = Poisson.axis boundary 4L 0.5
                    Expect.equal (axis.Points, Poisson.transform axis) (points, kind) $"{boundary}"

                expect Boundary.Dirichlet GridPoints.Nodes (TransformType.Cosine CosineType.DstI)
                expect Boundary.Neumann GridPoints.Centres (TransformType.Cosine CosineType.DctII)
                expect Boundary.Periodic GridPoints.Nodes TransformType.Fourier
                expect Boundary.DirichletNeumann GridPoints.Centres (TransformType.Cosine CosineType.DstIV))

            testCase "prints as the formula it is" (fun () ->
                use _ = torch.NewDisposeScope()
                let axis = Poisson.axis Boundary.Dirichlet 3L 1.0
                Expect.equal (string (Poisson.solver [ axis ])) "DstI[3]·Λ⁺[3]·DstI[3]" "one axis"
                let centred = Poisson.axis Boundary.Neumann 4L 1.0

                Expect.equal
                    (string (Poisson.solver [ axis; centred ]))
                    "(DstI[3] ⊗ DctIII[4])·Λ⁺[3; 4]·(DstI[3] ⊗ DctII[4])"
                    "two axes")

            testCase "a long solve on one thread and on two, on views and in float32" (fun () ->
                use _ = torch.NewDisposeScope()

                let axes =
                    [
                        Poisson.axis Boundary.Dirichlet 383L 0.01
                        Poisson.axis Boundary.Periodic 192L 0.02
                        Poisson.axis Boundary.Neumann 3L 0.5
                    ]

                let solver = Poisson.solver axes
                let f = Seed.normal 1 TensorKind.float64 [ 2L; 3L; 192L; 383L ]
                let view = f.permute [| 0L; 3L; 2L; 1L |]
                let threads = torch.get_num_threads ()
                torch.set_num_threads 1
                let one = solver.Apply view
                torch.set_num_threads 2
                let two = solver.Apply view
                torch.set_num_threads threads
                Expect.equal (Law.distance one two) 0.0 "threads"
                Expect.isTrue (one.is_contiguous ()) "as a fresh tensor"
                Expect.isLessThan (Law.distance ((Poisson.laplacian axes).Apply one) view) 1e-11 "solved"
                let narrow = (solver.Apply(view.``to`` torch.float32)).``to`` torch.float64
                Expect.isLessThan (Law.distance one narrow) 1e-5 "float32")

            testCase "bad input is refused" (fun () ->
                let axis = Poisson.axis Boundary.Dirichlet 3L 1.0
                Refusal.expect "size" (fun () -> Poisson.axis Boundary.Dirichlet 0L 1.0 |> ignore)
                Refusal.expect "spacing" (fun () -> Poisson.axis Boundary.Dirichlet 3L 0.0 |> ignore)
                Refusal.expect "spacing NaN" (fun () -> Poisson.axis Boundary.Dirichlet 3L nan |> ignore)

                Refusal.expect "one Neumann node" (fun () ->
                    Poisson.axisOn GridPoints.Nodes Boundary.Neumann 1L 1.0 |> ignore)

                Refusal.expect "no axes" (fun () -> Poisson.solver [] |> ignore)
                Refusal.expect "no axes around" (fun () -> Poisson.boundaryTerms [] |> ignore)
                Refusal.expect "four axes" (fun () -> Poisson.laplacian (List.replicate 4 axis) |> ignore)
                Refusal.expect "lambda" (fun () -> Poisson.screenedSolver -1.0 [ axis ] |> ignore)
                Refusal.expect "lambda NaN" (fun () -> Poisson.screenedSolver nan [ axis ] |> ignore)

                Refusal.expect "an axis made by hand" (fun () ->
                    Poisson.solver [ { axis with Spacing = -1.0 } ] |> ignore))
        ]
