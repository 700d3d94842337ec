module Ortho.Tests.SpectralPoissonTests

open System
open Expecto
open Ortho
open TorchSharp

let private law name (residual: Case -> GridAxis[] -> float) =
    Property.check Property.config name (fun case -> residual case (Grids.draw case) |> Property.within 1e-11 name)

/// A wave that fits the ends of an axis, and its wave number.
let private wave (random: Random) (axis: GridAxis) =
    let k = random.Next(int axis.Size)

    let number =
        match axis.Points, axis.Boundary with
        | _, Boundary.Periodic -> 2.0 * Math.PI * float (min k (int axis.Size - k)) / axis.Length
        | _, Boundary.Dirichlet -> Math.PI * float (k + 1) / axis.Length
        | _, Boundary.Neumann -> Math.PI * float k / axis.Length
        | _ -> Math.PI * (float k + 0.5) / axis.Length

    let isSine =
        Grids.isDirichlet axis true
        || axis.Boundary = Boundary.Periodic && 2 * k > int axis.Size

    number, (fun x -> if isSine then sin (number * x) else cos (number * x))

let tests =
    testList
        "Poisson by the exact symbol"
        [
            law "the Laplacian is exact on every wave that fits the ends" (fun case axes ->
                let random = Random(Seed.derive case.Seed 1)
                let waves = axes |> Array.map (wave random)

                let u =
                    Grids.sampled axes (fun x -> Array.map2 (fun (_, value) x -> value x) waves x |> Array.reduce (*))

                let square = waves |> Array.sumBy (fun (number, _) -> number * number)
                let size (x: torch.Tensor) = x.norm().item<float>()
                let largest = axes |> Array.sumBy (fun axis -> (Math.PI / axis.Spacing) ** 2.0)
                let applied = (SpectralPoisson.laplacian axes).Apply u
                size (applied.add (multiply square u)) / (largest * size u))

            law "its eigenvalues are those of its matrix" (fun _ axes ->
                let root = (Grids.weights axes).sqrt()
                let matrix = LinearMap.toMatrix (SpectralPoisson.laplacian axes)
                let symmetric = root.unsqueeze(1L).mul(matrix).div(root.unsqueeze 0L)
                let struct (values, _) = (SpectralPoisson.eigenvalues axes).flatten().sort()
                Law.distance values (torch.linalg.eigvalsh symmetric))

            law "the solvers undo it, up to the mean" (fun case axes ->
                let f = Seed.normal case.Seed TensorKind.float64 (Grids.shape axes)

                let wanted = if Grids.isSingular axes then Grids.minusMean axes f else f

                let back =
                    (SpectralPoisson.laplacian axes).Apply((SpectralPoisson.solver axes).Apply f)

                let u = (SpectralPoisson.screenedSolver 2.5 axes).Apply f
                let screened = ((SpectralPoisson.laplacian axes).Apply u).sub(multiply 2.5 u)
                max (Law.distance back wanted) (Law.distance screened f))

            testCase "the five-point Laplacian comes to it as the spacing shrinks" (fun () ->
                use _ = torch.NewDisposeScope()

                let difference n =
                    let axes = [ Poisson.axis Boundary.Periodic n (1.0 / float n) ]
                    let third (values: torch.Tensor) = values[3L].item<float>()
                    abs (third (SpectralPoisson.eigenvalues axes) - third (Poisson.eigenvalues axes))

                let order = Math.Log2(difference 64L / difference 128L)
                Expect.isLessThan (abs (order - 2.0)) 0.05 "order")

            testCase "bad input is refused" (fun () ->
                let axis = Poisson.axis Boundary.Dirichlet 3L 1.0
                Refusal.expect "no axes" (fun () -> SpectralPoisson.solver [] |> ignore)
                Refusal.expect "no axes for eigenvalues" (fun () -> SpectralPoisson.eigenvalues [] |> ignore)
                Refusal.expect "four axes" (fun () -> SpectralPoisson.laplacian (List.replicate 4 axis) |> ignore)
                Refusal.expect "lambda" (fun () -> SpectralPoisson.screenedSolver -1.0 [ axis ] |> ignore))
        ]
