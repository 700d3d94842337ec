(**
# Solve a PDE in five lines

**The question.** A potential in a box, an oscillation with boundary conditions, a chaotic flame front, a turbulent flow, a shear layer: how much has to be
written, and how do you know that the answer is right?

**What to take away.** Choose the basis by what holds at the ends (sines where the function vanishes, cosines where its slope does, exponentials where the box
closes on itself, Chebyshev polynomials for all else): in it the solver is a product of a few exact maps. Each has an order or a law that you can
measure in one more line.
*)
(*** condition: ipynb ***)
#load "../scripts/figures.fsx"
(*** condition: prepare ***)
#load "../scripts/figures.fsx"
(** *)
open System
open TorchSharp
open Plotly.NET
open Plotly.NET.LayoutObjects
open Ortho
open Ortho.Lab

(**
## A potential in a box

Two charges of opposite sign in a unit square; the potential u with Laplacian u = f. In five lines, for three kinds of walls: grounded (u = 0),
insulated (no flux), and none (the square repeats).
*)
let size = 63L

let axis boundary =
    Poisson.axis
        boundary
        size
        (if boundary = Boundary.Dirichlet then
             1.0 / 64.0
         else
             1.0 / 63.0)

let charge (x0: float, y0: float) =
    torch.exp (
        -400.0
        * ((torch.linspace(0.0, 1.0, size, torch.float64).unsqueeze 0L - x0).square()
           + (torch.linspace(0.0, 1.0, size, torch.float64).unsqueeze 1L - y0).square())
    )

let f = charge (0.3, 0.4) - charge (0.8, 0.6)

let potentials =
    [
        for walls in [ Boundary.Dirichlet; Boundary.Neumann; Boundary.Periodic ] ->
            walls, (Poisson.solver [ axis walls; axis walls ]).Apply(f - f.mean ())
    ]

(**
The law of a solver is that the Laplacian undoes it. One more line:
*)
for walls, u in potentials do
    printfn
        $"{walls}: residual {Law.distance ((Poisson.laplacian [ axis walls; axis walls ]).Apply u) (f - f.mean ()):E1}"
(*** include-output ***)

let heatmap (title: string) (x: torch.Tensor) =
    let rows, columns = int (x.size 0), int (x.size 1)
    let numbers = x.``to``(torch.float64).contiguous().data<float>().ToArray()
    let most = numbers |> Array.map abs |> Array.max

    let z =
        [
            for i in 0 .. rows - 1 -> [ for j in 0 .. columns - 1 -> numbers[i * columns + j] / most ]
        ]

    Chart.Heatmap(z, ColorScale = StyleParam.Colorscale.RdBu, ShowScale = false, Name = title)
    |> Chart.withXAxisStyle title

potentials
|> List.map (fun (walls, u) ->
    heatmap
        (match walls with
         | Boundary.Dirichlet -> "grounded"
         | Boundary.Neumann -> "insulated"
         | _ -> "periodic")
        u)
|> Chart.Grid(1, 3)
|> Figure.themed "Potential of two charges, each over its largest size" "grounded" ""
|> Chart.withSize (700, 330)
|> Figure.save "solve-a-pde-in-five-lines-potentials"

(**
![Three square maps of a potential with a positive and a negative charge: grounded walls keep the potentials near the charges, insulated walls let them fill the box, the periodic box wraps them around](pictures/solve-a-pde-in-five-lines-potentials.png)

Boundary data that are not zero are one line too: `solver (f - boundaryTerms g)`. Where a right-hand side admits no solution (insulated walls
and a total charge that is not zero), `Poisson.incompatibility` says so.

## How right is it?

u = sin(3 x) e^x on [0, 1]: the error of the five-point solver falls with the square of the spacing. An ultraspherical solver for the same equation, u'' = f with u given
at the ends, chooses its own number of coefficients and stops at rounding.
*)
let exact (x: float) = sin (3.0 * x) * exp x

let second (x: float) =
    exp x * (6.0 * cos (3.0 * x) - 8.0 * sin (3.0 * x))

let secondOrder (n: int) =
    use _ = torch.NewDisposeScope()
    let h = 1.0 / float (n + 1)
    let axes = [ Poisson.axis Boundary.Dirichlet (int64 n) h ]

    let ends =
        torch.tensor
            [|
                for i in 0 .. n + 1 -> if i = 0 || i = n + 1 then exact (float i * h) else 0.0
            |]

    let f = torch.tensor [| for i in 1..n -> second (float i * h) |]
    let u = (Poisson.solver axes).Apply(f - (Poisson.boundaryTerms axes).Apply ends)
    (u - torch.tensor [| for i in 1..n -> exact (float i * h) |]).abs().max().item<float>()

let polynomial (n: int) =
    let one, zero =
        Fun.ofFunction (0.0, 1.0) (fun _ -> 1.0), Fun.ofFunction (0.0, 1.0) (fun _ -> 0.0)

    let ends =
        [
            BoundaryProblem.condition 0.0 0 (exact 0.0)
            BoundaryProblem.condition 1.0 0 (exact 1.0)
        ]

    let u =
        BoundaryProblem.collocate (int64 n) [ zero; zero; one ] ends (Fun.ofFunction (0.0, 1.0) second)

    [
        for i in 0..100 -> abs (u.Evaluate(float i / 100.0) - exact (float i / 100.0))
    ]
    |> List.max

let sizes = [ 4; 6; 8; 10; 12; 16; 24; 32; 64; 128; 256 ]
let slope = log (secondOrder 128 / secondOrder 256) / log (257.0 / 129.0)
printfn $"five-point solver, measured order: {slope:F3}"
(*** include-output ***)

[
    Chart.Line(
        [ for n in sizes -> n, secondOrder n ],
        Name = "second differences by sine transform",
        ShowMarkers = true
    )
    Chart.Line(
        [ for n in sizes |> List.filter (fun n -> n <= 32) -> n, polynomial n ],
        Name = "Chebyshev collocation",
        ShowMarkers = true
    )
]
|> Chart.combine
|> Figure.themed "Largest error for u'' = f, u = sin(3x) exp x: order 2 against a polynomial" "unknowns" "largest error"
|> Figure.logarithmicX
|> Figure.logarithmicY
|> Figure.save "solve-a-pde-in-five-lines-errors"

(**
![The error of second differences falls as a straight line of slope -2 to 1e-5 at 256 unknowns; that of collocation drops to 1e-14 by 16](pictures/solve-a-pde-in-five-lines-errors.png)

## A flame front that never repeats

The Kuramoto-Sivashinsky equation u_t + u u_x + u_xx + u_xxxx = 0 on a periodic line of length 32 pi. Its stiff linear part is exact in the exponential
stepper ETDRK4, so the step is set by the waves alone.
*)
let line = Periodic.grid [ 128L ] [ 32.0 * Math.PI ]
let front = Flows.kuramotoSivashinsky TensorKind.float64 line
let stepper = front.ExponentialRungeKutta4 0.25

let x = (Periodic.points TensorKind.float64 line)[0L]

let mutable u = front.ToSpectrum((x / 16.0).cos() * (1.0 + (x / 16.0).sin()))

let frames =
    [|
        for _ in 1..600 ->
            (u <- stepper.Step u
             front.ToValues u)
    |]

let ofMean = front.ToValues(u).mean().item<float>()
printfn $"mean of u after t = 150: {ofMean:E1} (kept by the equation; 0 at the start)"
(*** include-output ***)

torch.stack frames
|> heatmap "x (128 points for a length of 32 pi)"
|> Figure.themed "Kuramoto-Sivashinsky: u(x, t)" "x (128 points for a length of 32 pi)" "t (four steps for a unit)"
|> Chart.withLegendStyle (Orientation = StyleParam.Orientation.Horizontal)
|> Figure.save "solve-a-pde-in-five-lines-front"

(**
![Ridges that wander, merge and split without end](pictures/solve-a-pde-in-five-lines-front.png)

## Turbulence that decays

Two-dimensional incompressible flow by its vorticity, with products that do not alias. Without viscosity the truncated equations keep energy and enstrophy exactly; what is left is
the time step's error. A run watches what you ask it to.
*)
let box = Periodic.grid [ 128L; 128L ] [ 2.0 * Math.PI; 2.0 * Math.PI ]
let flow = NavierStokes.flow TensorKind.float64 1e-3 box

let start =
    (Seed.normal 1 TensorKind.float64 [ 128L; 128L ] |> flow.ToSpectrum)
        .mul((PeriodicSymbol.laplacian TensorKind.float64 box).mul(torch.tensor 0.02).exp())
    * 20.0

let result = TimeRun.until RunOptions.Default 5.0 (flow.RungeKutta4 0.01) start
(** *)
Report.format
    [ "what"; "before"; "after t = 5" ]
    [
        for name, measure in [ "energy", NavierStokes.energy box; "enstrophy", NavierStokes.enstrophy box ] ->
            [
                name
                $"{(measure start).item<float>():F3}"
                $"{(measure result.State).item<float>():F3}"
            ]
    ]
(*** include-it ***)

[ "vorticity at t = 0", start; "at t = 5", result.State ]
|> List.map (fun (name, w) -> flow.ToValues w |> heatmap name)
|> Chart.Grid(1, 2)
|> Figure.themed "Decaying turbulence, viscosity 1e-3: vorticity over its largest size" "vorticity at t = 0" ""
|> Chart.withSize (700, 400)
|> Figure.save "solve-a-pde-in-five-lines-turbulence"

(**
![Vorticity at the start is a fine speckle; at t = 5 it has gathered in round vortices](pictures/solve-a-pde-in-five-lines-turbulence.png)

## A shear layer that rolls up

Between walls the same question needs another grid: `StaggeredProjection` keeps mass to rounding and the density in its range.
*)
let layer = StratifiedFlow.create 1000.0 0.05 64L 128L
let places = StaggeredProjection.places layer

let profile (z: torch.Tensor) =
    ((z - 0.5) / 0.05).tanh().expand(64L, 128L)

let wave = 0.05 * (2.0 * Math.PI * places[2]).sin() * (Math.PI * places[3]).sin()

let mutable state =
    StaggeredProjection.project layer (torch.stack [| profile places[1]; wave; 1.1 - 0.1 * profile places[1] |])

let mass = state[2L].mean().item<float>()

let step =
    StaggeredProjection.step layer (0.5 * StaggeredProjection.timeStep layer state)

for _ in 1 .. int (4.0 / step.TimeStep) do
    state <- step.Step state

printfn
    $"mass after t = 4: {state[2L].mean().item<float>() / mass - 1.0:E1} of it gained; density {state[2L].min().item<float>():F4} to {state[2L].max().item<float>():F4}"
(*** include-output ***)

state[2L] - 1.1
|> heatmap "x (128 cells for a length of 2)"
|> Figure.themed
    "A stratified shear layer at t = 4, Re = 1000: density around its mean"
    "x (128 cells for a length of 2)"
    "z (64 cells for a height of 1)"
|> Figure.save "solve-a-pde-in-five-lines-shear"

(**
![Heavy fluid below and light fluid above, wound into each other in billows](pictures/solve-a-pde-in-five-lines-shear.png)

## What does a size cost?

A transform is fast when its length has small factors only. Ask before you choose a grid:
*)
for n in [ 382L; 383L ] do
    printfn $"{GoodSize.remark (TransformType.Cosine CosineType.DstI) n}"
(*** include-output ***)
