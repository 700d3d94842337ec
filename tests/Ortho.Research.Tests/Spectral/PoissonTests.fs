module Ortho.Tests.PoissonTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// One to three axes with mixed ends, from a seed.
let private grid (case: Case) =
    let random = Random case.Seed

    Array.init (1 + random.Next 3) (fun _ ->
        let boundary =
            if random.Next 2 = 0 then
                Boundary.Dirichlet
            else
                Boundary.Neumann

        Poisson.axis boundary (1L + int64 (random.Next 6)) (0.1 + random.NextDouble()))

let private isSingular (axes: GridAxis[]) =
    axes |> Array.forall (fun axis -> axis.Boundary = Boundary.Neumann)

/// The Laplacian as the five-point formula says it, point by point.
let private plain (axes: GridAxis[]) =
    let sizes = axes |> Array.map (fun axis -> int axis.Size)
    let count = Array.reduce (*) sizes
    let matrix = Array2D.zeroCreate<float> count count
    let strides = Array.init sizes.Length (fun i -> Array.fold (*) 1 sizes[i + 1 ..])

    for point in 0 .. count - 1 do
        for i in 0 .. sizes.Length - 1 do
            let place = point / strides[i] % sizes[i]
            let weight = 1.0 / (axes[i].Spacing * axes[i].Spacing)

            for step in [ -1; 1 ] do
                let inside = place + step >= 0 && place + step < sizes[i]
                // Dirichlet: the neighbour outside is 0. Neumann: it is the point itself.
                if inside then
                    matrix[point, point + step * strides[i]] <- matrix[point, point + step * strides[i]] + weight

                if inside || axes[i].Boundary = Boundary.Dirichlet then
                    matrix[point, point] <- matrix[point, point] - weight

    torch.tensor matrix

let private law name (residual: Case -> GridAxis[] -> float) =
    Property.check Property.config name (fun case -> residual case (grid case) |> Property.within 1e-11 name)

let private shapeOf (axes: GridAxis[]) = axes |> Array.map _.Size

/// Largest error of the solver on a line, for u = sin(pi x) (Dirichlet) or cos(pi x) (Neumann) on [0, 1], whose Laplacian is -pi^2 u.
let private manufactured (boundary: Boundary) (n: int) =
    use _ = torch.NewDisposeScope()

    let spacing =
        if boundary = Boundary.Dirichlet then
            1.0 / float (n + 1)
        else
            1.0 / float n

    let exact =
        Array.init n (fun i ->
            match boundary with
            | Boundary.Dirichlet -> sin (Math.PI * float (i + 1) * spacing)
            | Boundary.Neumann -> cos (Math.PI * (float i + 0.5) * spacing))

    let u = torch.tensor exact
    let f = multiply (-Math.PI * Math.PI) u
    let solved = (Poisson.solver [ Poisson.axis boundary (int64 n) spacing ]).Apply f
    (solved.sub u).abs().max().item<float>()

let tests =
    testList
        "Poisson"
        [
            law "the Laplacian is the five-point formula" (fun _ axes ->
                let map = Poisson.laplacian axes
                Law.distance (LinearMap.toMatrix map) (plain axes))

            law "its eigenvalues are those of the dense matrix" (fun _ axes ->
                let fast =
                    (Poisson.eigenvalues axes).flatten().sort() |> fun struct (values, _) -> values

                Law.distance fast (torch.linalg.eigvalsh (plain axes)))

            law "the solver undoes the Laplacian, up to the mean where every end is Neumann" (fun case axes ->
                let f = Seed.normal case.Seed TensorKind.float64 (shapeOf axes)
                let f = if isSingular axes then f.sub (f.mean ()) else f
                let u = (Poisson.solver axes).Apply f
                let back = (Poisson.laplacian axes).Apply u

                let mean =
                    if isSingular axes then
                        abs (u.mean().item<float>()) / (u.norm().item<float>() + 1e-300)
                    else
                        0.0

                max (Law.distance back f) mean)

            law "the solver is the pseudo-inverse of the dense matrix" (fun _ axes ->
                Law.distance (LinearMap.toMatrix (Poisson.solver axes)) (torch.linalg.pinv (plain axes, rtol = 1e-12)))

            law "boundary data: exact for polynomials of degree two" (fun case axes ->
                let random = Random(Seed.derive case.Seed 7)
                let shape = shapeOf axes
                let square = axes |> Array.map (fun _ -> random.NextDouble() - 0.5)
                let linear = axes |> Array.map (fun _ -> random.NextDouble() - 0.5)

                // The place of point i of an axis; -1 and Size stand for what lies outside: a neighbour or a face.
                let place (axis: GridAxis) i =
                    match axis.Boundary with
                    | Boundary.Dirichlet -> float (i + 1) * axis.Spacing
                    | Boundary.Neumann -> min (max (float i + 0.5) 0.0) (float axis.Size) * axis.Spacing

                let u (x: float[]) =
                    Array.sum (Array.map3 (fun a b x -> a * x * x + b * x) square linear x)
                    + Array.reduce (*) x

                let slope (x: float[]) i =
                    let others = Array.mapi (fun j x -> if i = j then 1.0 else x) x
                    2.0 * square[i] * x[i] + linear[i] + Array.reduce (*) others

                /// The grid with a layer around it, row-major.
                let surrounded (value: float[] -> int[] -> float) =
                    let sizes = shape |> Array.map (fun n -> int n + 2)
                    let strides = Array.init sizes.Length (fun i -> Array.fold (*) 1 sizes[i + 1 ..])

                    Array.init (Array.reduce (*) sizes) (fun flat ->
                        let index = Array.map2 (fun stride size -> flat / stride % size - 1) strides sizes
                        value (Array.map2 place axes index) index)
                    |> fun numbers -> torch.tensor(numbers).reshape(Array.map int64 sizes)

                let data =
                    surrounded (fun x index ->
                        let outside =
                            [|
                                for i in 0 .. axes.Length - 1 do
                                    if index[i] < 0 || index[i] = int axes[i].Size then
                                        i
                            |]

                        match outside with
                        | [| i |] when axes[i].Boundary = Boundary.Dirichlet -> u x
                        | [| i |] -> (if index[i] < 0 then -1.0 else 1.0) * slope x i
                        // Inside, edges and corners must not be read.
                        | _ -> 1e3)

                let exact =
                    Array.fold
                        (fun (g: torch.Tensor) i -> g.narrow (int64 i, 1L, shape[i]))
                        (surrounded (fun x _ -> u x))
                        [| 0 .. axes.Length - 1 |]

                let f = torch.full_like (exact, (2.0 * Array.sum square).ToScalar())
                let terms = (Poisson.boundaryTerms axes).Apply data
                let applied = ((Poisson.laplacian axes).Apply exact).add terms
                let solved = (Poisson.solver axes).Apply(f.sub terms)

                let wanted = if isSingular axes then exact.sub (exact.mean ()) else exact

                let size (x: torch.Tensor) = x.norm().item<float>()
                // Over the sizes of what cancels: on a grid of one point the differences themselves are rounding.
                max (size (applied.sub f) / (size f + size terms)) (size (solved.sub wanted) / size exact))

            testCase "a right-hand side that no Neumann problem has is told" (fun () ->
                use _ = torch.NewDisposeScope()
                let neumann = Poisson.axis Boundary.Neumann 4L 0.5
                let dirichlet = Poisson.axis Boundary.Dirichlet 3L 0.5
                let constant = torch.ones ([| 2L; 4L; 3L |], dtype = torch.float64)
                let alternating = constant.clone ()
                alternating.narrow(1L, 0L, 2L).neg_() |> ignore
                let closed = [ neumann; { neumann with Size = 3L } ]
                Expect.equal (Poisson.incompatibility closed constant) 1.0 "constant"
                Expect.equal (Poisson.incompatibility closed alternating) 0.0 "mean 0"
                Expect.equal (Poisson.incompatibility [ neumann; dirichlet ] constant) 0.0 "one Dirichlet axis"
                Refusal.expect "shape" (fun () -> Poisson.incompatibility [ neumann ] constant |> ignore))

            testList
                "second order on a manufactured solution"
                [
                    for boundary in [ Boundary.Dirichlet; Boundary.Neumann ] ->
                        testCase $"{boundary}" (fun () ->
                            let n =
                                if boundary = Boundary.Dirichlet then
                                    [ 31; 63; 127 ]
                                else
                                    [ 32; 64; 128 ]

                            let errors = n |> List.map (manufactured boundary)
                            // The spacing halves from each size to the next.
                            for coarse, fine in List.pairwise errors do
                                Expect.isLessThan (abs (Math.Log2(coarse / fine) - 2.0)) 0.05 "order")
                ]

            testCase "three points by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let expected boundary (rows: float[,]) =
                    Expect.isLessThan
                        (Law.distance
                            (LinearMap.toMatrix (Poisson.laplacian [ Poisson.axis boundary 3L 0.5 ]))
                            (multiply 4.0 (torch.tensor rows)))
                        1e-15
                        $"{boundary}"

                expected Boundary.Dirichlet (array2D [ [ -2.0; 1.0; 0.0 ]; [ 1.0; -2.0; 1.0 ]; [ 0.0; 1.0; -2.0 ] ])
                expected Boundary.Neumann (array2D [ [ -1.0; 1.0; 0.0 ]; [ 1.0; -2.0; 1.0 ]; [ 0.0; 1.0; -1.0 ] ]))

            testCase "prints as the formula it is" (fun () ->
                use _ = torch.NewDisposeScope()
                let axis = Poisson.axis Boundary.Dirichlet 3L 1.0
                Expect.equal (string (Poisson.solver [ axis ])) "DstI[3]·Λ⁺[3]·DstI[3]" "one axis")

            testCase "bad input is refused" (fun () ->
                let axis = Poisson.axis Boundary.Dirichlet 3L 1.0
                Refusal.expect "size" (fun () -> Poisson.axis Boundary.Dirichlet 0L 1.0 |> ignore)
                Refusal.expect "spacing" (fun () -> Poisson.axis Boundary.Dirichlet 3L 0.0 |> ignore)
                Refusal.expect "spacing NaN" (fun () -> Poisson.axis Boundary.Dirichlet 3L nan |> ignore)
                Refusal.expect "no axes" (fun () -> Poisson.solver [] |> ignore)
                Refusal.expect "no axes around" (fun () -> Poisson.boundaryTerms [] |> ignore)
                Refusal.expect "four axes" (fun () -> Poisson.laplacian (List.replicate 4 axis) |> ignore)

                Refusal.expect "an axis made by hand" (fun () ->
                    Poisson.solver [ { axis with Spacing = -1.0 } ] |> ignore))
        ]
