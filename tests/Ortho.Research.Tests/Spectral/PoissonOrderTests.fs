/// Orders of convergence of the Poisson solvers on solutions that are no eigenfunctions, with data at every end.
module Ortho.Tests.PoissonOrderTests

open System
open Expecto
open Ortho
open TorchSharp

/// A function of one variable with its first and second derivative.
type private Smooth =
    {
        Value: float -> float
        Slope: float -> float
        Curvature: float -> float
    }

/// exp(x) sin(1 + 2x), or exp(sin 2 pi x) on a period of 1.
let private smooth (boundary: Boundary) =
    let pi2 = 2.0 * Math.PI

    if boundary = Boundary.Periodic then
        {
            Value = fun x -> exp (sin (pi2 * x))
            Slope = fun x -> pi2 * cos (pi2 * x) * exp (sin (pi2 * x))
            Curvature = fun x -> pi2 * pi2 * (cos (pi2 * x) ** 2.0 - sin (pi2 * x)) * exp (sin (pi2 * x))
        }
    else
        {
            Value = fun x -> exp x * sin (1.0 + 2.0 * x)
            Slope = fun x -> exp x * (sin (1.0 + 2.0 * x) + 2.0 * cos (1.0 + 2.0 * x))
            Curvature = fun x -> exp x * (4.0 * cos (1.0 + 2.0 * x) - 3.0 * sin (1.0 + 2.0 * x))
        }

/// An axis on [0, 1] of so many cells.
let private unitAxis points boundary (cells: int64) =
    let size =
        match points, boundary with
        | GridPoints.Nodes, Boundary.Dirichlet -> cells - 1L
        | GridPoints.Nodes, Boundary.Neumann -> cells + 1L
        | _ -> cells

    Poisson.axisOn points boundary size (1.0 / float cells)

/// Largest error of (Laplacian - lambda) u = f for u(x, y) = v(x) w(y); up to the mean where a constant fits every end.
let private error (solver: GridAxis[] -> LinearMap) (lambda: float) (axes: GridAxis[]) =
    use _ = torch.NewDisposeScope()
    let parts = axes |> Array.map (fun axis -> smooth axis.Boundary)

    let product (which: int -> Smooth -> float -> float) (x: float[]) =
        Array.mapi2 (fun i part x -> which i part x) parts x |> Array.reduce (*)

    let u = product (fun _ part -> part.Value)

    let slope x i =
        product (fun j part -> if i = j then part.Slope else part.Value) x

    let f (x: float[]) =
        Array.init axes.Length (fun i -> product (fun j part -> if i = j then part.Curvature else part.Value) x)
        |> Array.sum
        |> fun sum -> sum - lambda * u x

    let terms = (Poisson.boundaryTerms axes).Apply(Grids.data axes u slope)
    let solved = (solver axes).Apply((Grids.sampled axes f).sub terms)
    let difference = solved.sub (Grids.sampled axes u)

    let difference =
        if lambda = 0.0 && Grids.isSingular axes then
            Grids.minusMean axes difference
        else
            difference

    difference.abs().max().item<float>()

let private expectSecond name (errors: float list) =
    for coarse, fine in List.pairwise errors do
        let order = Math.Log2(coarse / fine)
        Expect.isLessThan (abs (order - 2.0)) 0.05 $"{name}: order {order}"

let tests =
    testList
        "orders of Poisson solvers"
        [
            testList
                "second order for every pair of ends, on nodes and on cell centres"
                [
                    for points, boundary in Grids.kinds ->
                        testCase $"{boundary} on {points}" (fun () ->
                            [ 64L; 128L; 256L ]
                            |> List.map (fun cells -> error Poisson.solver 0.0 [| unitAxis points boundary cells |])
                            |> expectSecond "one axis"

                            [ 32L; 64L; 128L ]
                            |> List.map (fun cells ->
                                [|
                                    unitAxis points boundary cells
                                    unitAxis GridPoints.Centres Boundary.NeumannDirichlet cells
                                |]
                                |> error Poisson.solver 0.0)
                            |> expectSecond "two axes"

                            [ 64L; 128L; 256L ]
                            |> List.map (fun cells ->
                                error (Poisson.screenedSolver 7.0) 7.0 [| unitAxis points boundary cells |])
                            |> expectSecond "screened")
                ]

            testCase "the exact symbol solves a smooth periodic problem to rounding" (fun () ->
                let axes n =
                    Array.replicate 2 (Poisson.axis Boundary.Periodic n (1.0 / float n))

                let errors =
                    [ 8L; 16L; 32L ]
                    |> List.map (fun n -> error (SpectralPoisson.screenedSolver 2.0) 2.0 (axes n))

                Expect.isLessThan errors[1] (errors[0] / 1e3) "from 8 to 16 points"
                Expect.isLessThan errors[2] 1e-12 "32 points"
                Expect.isLessThan (error SpectralPoisson.solver 0.0 (axes 32L)) 1e-12 "without screen")
        ]
