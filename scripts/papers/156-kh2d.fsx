#!/usr/bin/env -S dotnet fsi
// kh2d-solver: two-dimensional incompressible Kelvin-Helmholtz instability (2509.16080). Its four flows with its own scheme, its indices of disorder and
// mixing beside the authors' statistics, what the headline number compares, and the same flows by a second-order scheme that keeps mass.
#load "../figures.fsx"

open System
open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let rows, columns = Experiment.size (65L, 129L) (33L, 65L) // nodes; the authors take 128 x 256, and 192 x 384 for the last flow
let snapshots = 100

type Case =
    {
        Name: string
        Reynolds: float
        Richardson: float
        Until: float
        /// The difference of the densities, and mean mixing in the authors' statistics file.
        Contrast: float
        Mixing: float
        /// Entropy and complexity index of the first density in that file; its grid.
        First: float * float
        Grid: int64 * int64
        /// From a seed and x, z of u, of w and of the density, each with both axes: u, w, density.
        Start: int -> (torch.Tensor * torch.Tensor)[] -> torch.Tensor[]
    }

let tanh (z0: float) (delta: float) (z: torch.Tensor) = ((z - z0) / delta).tanh()
let bump (z0: float) (delta: float) (z: torch.Tensor) = (-((z - z0) / delta).square()).exp()

let noise seed (like: torch.Tensor) =
    0.01 * Seed.normal seed TensorKind.float64 like.shape

let ripple (x: torch.Tensor) = 0.01 * (2.0 * Math.PI * x).sin()

/// One layer at z = 1/2: from below, velocity -1 and density `heavy`, to velocity 1 and density 1.
let layer heavy seed (at: (torch.Tensor * torch.Tensor)[]) =
    let (x, z), (_, zDensity) = at[0], at[2]

    [|
        tanh 0.5 0.05 z + ripple x * bump 0.5 0.05 z
        noise seed (fst at[1] + snd at[1])
        heavy - (heavy - 1.0) * 0.5 * (1.0 + tanh 0.5 0.05 zDensity) + 0.0 * fst at[2]
    |]

let jet seed (at: (torch.Tensor * torch.Tensor)[]) =
    let (x, z), (_, zDensity) = at[0], at[2]

    let isInside =
        (zDensity.ge (torch.tensor 0.35)).logical_and(zDensity.le (torch.tensor 0.65)).``to`` torch.float64

    [|
        tanh 0.35 0.04 z - tanh 0.65 0.04 z - 1.0
        + ripple x * (bump 0.35 0.04 z + bump 0.65 0.04 z)
        noise seed (fst at[1] + snd at[1])
        1.5 - 0.5 * isInside + 0.0 * fst at[2]
    |]

let rotating seed at =
    let start = layer 1.3 seed at
    [| start[0] + 0.5 * (snd at[0] - 0.5); start[1]; start[2] |]

let forced seed at =
    let start = layer 1.1 seed at
    let random = Random(seed)
    let wave k (x: torch.Tensor) = 2.0 * Math.PI * float k * x

    for kx in 1..5 do
        for kz in 1..5 do
            let size = 0.1 / sqrt (float (kx * kx + kz * kz))
            let phase = 2.0 * Math.PI * random.NextDouble()
            let (xu, zu), (xw, zw) = at[0], at[1]
            start[0] <- start[0] + size * (wave kx xu / 2.0 + phase).sin() * (wave kz zu).cos()
            start[1] <- start[1] + size * (wave kx xw / 2.0).cos() * (wave kz zw + phase).sin()

    start

let cases =
    [
        let case name reynolds richardson until contrast mixing first grid start =
            {
                Name = name
                Reynolds = reynolds
                Richardson = richardson
                Until = until
                Contrast = contrast
                Mixing = mixing
                First = first
                Grid = grid
                Start = start
            }

        case "shear" 1000.0 0.25 10.0 0.2 0.456 (1.667, 0.811) (128L, 256L) (layer 1.2)
        case "double" 2000.0 0.1 15.0 0.5 1.287 (0.608, 0.445) (128L, 256L) jet
        case "rotating" 1500.0 0.3 20.0 0.3 0.761 (1.644, 0.805) (128L, 256L) rotating
        case "forced" 5000.0 0.15 30.0 0.1 0.302 (1.678, 0.814) (192L, 384L) forced
    ]

/// A scheme: where its fields lie, its time step, its step, the vorticity.
type Scheme =
    {
        Label: string
        Grid: int64 * int64
        IsAdaptive: bool
        Begin: StratifiedFlow -> torch.Tensor -> torch.Tensor
        Places: StratifiedFlow -> (torch.Tensor * torch.Tensor)[]
        TimeStep: StratifiedFlow -> torch.Tensor -> float
        Step: StratifiedFlow -> float -> Stepper
        Vorticity: StratifiedFlow -> torch.Tensor -> torch.Tensor
    }

let published =
    {
        Label = "as published"
        Grid = rows, columns
        IsAdaptive = false
        Begin = fun _ -> _.clone()
        Places = fun flow -> (let struct (x, z) = UpwindProjection.nodes flow in Array.replicate 3 (x, z))
        TimeStep = UpwindProjection.timeStep
        Step = UpwindProjection.step
        Vorticity = UpwindProjection.vorticity
    }

let corrected =
    {
        Label = "second order"
        Grid = 32L, 64L
        IsAdaptive = true
        Begin = StaggeredProjection.project
        Places = fun flow -> (let p = StaggeredProjection.places flow in [| p[0], p[1]; p[2], p[3]; p[2], p[1] |])
        TimeStep = StaggeredProjection.timeStep
        Step = StaggeredProjection.step
        Vorticity = StaggeredProjection.vorticity
    }

let first (scheme: Scheme) (case: Case) (rows: int64, columns: int64) =
    let flow = StratifiedFlow.create case.Reynolds case.Richardson rows columns
    let fields = case.Start 1 (scheme.Places flow)
    flow, torch.stack [| for field in fields -> field.expand (rows, columns) |]

/// What is seen of a run: snapshots at equal times, and what stays of the laws.
type Run =
    {
        Times: float list
        Mixing: float list
        Density: torch.Tensor
        Beyond: float
        Drift: float
    }

    member this.Mean = List.average this.Mixing

let run (scheme: Scheme) (case: Case) : Run =
    use scope = torch.NewDisposeScope()
    let flow, start = first scheme case scheme.Grid
    let mutable step = scheme.Step flow (scheme.TimeStep flow start)
    let mutable state = scheme.Begin flow start
    let mutable time = 0.0
    let seen = ResizeArray<float * float>()
    let density () = state[2L]

    let look () =
        seen.Add(time, FieldComplexity.mixing (density ()) (scheme.Vorticity flow state))

    let mass () = (density ()).mean().item<float>()
    let before = mass ()
    look ()

    let mutable count = 0

    while time + step.TimeStep <= case.Until do
        let next = step.Step state
        state.Dispose()
        state <- next
        time <- time + step.TimeStep
        count <- count + 1

        if
            seen.Count < snapshots
            && time >= case.Until * float seen.Count / float (snapshots - 1)
        then
            look ()

        // Velocities may outgrow the first step; the published scheme keeps its own.
        if scheme.IsAdaptive && count % 8 = 0 then
            let wanted = scheme.TimeStep flow state

            if wanted < 0.8 * step.TimeStep || wanted > 1.25 * step.TimeStep then
                step <- scheme.Step flow wanted

    let least, most = (density ()).min().item<float>(), (density ()).max().item<float>()

    {
        Times = [ for t, _ in seen -> t ]
        Mixing = [ for _, m in seen -> m ]
        Density = scope.MoveToOuter((density ()).clone())
        Beyond = max (1.0 - least) (most - 1.0 - case.Contrast)
        Drift = mass () / before - 1.0
    }

let ran = System.Collections.Generic.Dictionary<string * string, Run>()

let result scheme case =
    let key = scheme.Label, case.Name

    if not (ran.ContainsKey key) then
        ran[key] <- run scheme case

    ran[key]

let mean case = (result published case).Mean
let shear, double, forcing = cases[0], cases[1], cases[3]

let order (value: Case -> float) =
    cases |> List.sortByDescending value |> List.map _.Name

/// In quick runs the second-order scheme, which has no kernel, takes the first flow alone.
let second = Experiment.size cases [ shear ]

/// The worst of all flows.
let worst scheme cases (value: Run -> float) =
    cases |> List.map (result scheme >> value) |> List.reduce max

/// Their statistics are of files that keep three decimals in single precision.
let kept (x: torch.Tensor) =
    ((1000.0 * x).round() / 1000.0).``to`` torch.float32

let startOf case =
    let _, state = first published case case.Grid
    kept state[2L]

let code =
    Experiment.run
        "156"
        "kh2d-solver: 2-D incompressible Kelvin-Helmholtz instability (2509.16080)"
        [
            Claim.below "Poisson by sine transforms: residual of the 5-point system" (Ours, 1e-12) (fun () ->
                let axes =
                    [
                        Poisson.axis Boundary.Dirichlet (rows - 2L) (1.0 / float (rows - 1L))
                        Poisson.axis Boundary.Dirichlet (columns - 2L) (2.0 / float (columns - 1L))
                    ]

                let f = Seed.normal 1 TensorKind.float64 [ rows - 2L; columns - 2L ]
                Law.distance ((Poisson.laplacian axes).Apply((Poisson.solver axes).Apply f)) f)
            for case in cases do
                Claim.within
                    $"{case.Name}: entropy of the first density, their grid"
                    (Paper "statistics", fst case.First, 0.0005)
                    (fun () -> FieldComplexity.entropy 50 (startOf case))

                Claim.within
                    $"{case.Name}: complexity index of the same"
                    (Paper "statistics", snd case.First, 0.0005)
                    (fun () -> FieldComplexity.index (startOf case))
            Claim.equals "mean mixing, from most to least" (Paper "statistics", order _.Mixing) (fun () -> order mean)
            Claim.above "double over forced: not the preprint's 2.8" (Paper "statistics: 4.3", 3.5) (fun () ->
                mean double / mean forcing)
            Claim.within "double over shear: where 2.8 belongs" (Paper "statistics", 1.287 / 0.456, 0.3) (fun () ->
                mean double / mean shear)
            Claim.equals
                "divided by the contrast of densities forced mixes most"
                (Paper "statistics", "forced")
                (fun () -> List.head (order (fun case -> mean case / case.Contrast)))
            Claim.below "density beyond its first range, as published" (Ours, 1e-12) (fun () ->
                worst published cases _.Beyond)
            Claim.above "mass drifts, as published" (Ours, 1e-3) (fun () ->
                worst published cases (fun run -> abs run.Drift))
            Claim.below "mass drift, second order" (Ours, 1e-12) (fun () ->
                worst corrected second (fun run -> abs run.Drift))
            Claim.below "density beyond its first range, second order" (Ours, 1e-3) (fun () ->
                worst corrected second _.Beyond)
        ]

printfn
    $"\nMean mixing over time, {columns} x {rows} nodes, second order on 64 x 32 cells; theirs on {256} x {128} and {384} x {192}"

Report.table
    [
        "flow"
        "theirs"
        "as published"
        "second order"
        "theirs / contrast"
        "ours / contrast"
        "second order / contrast"
        "mass drift, published"
        "second order"
    ]
    [
        for case in cases do
            let here = result published case

            let other =
                if List.contains case.Name (second |> List.map _.Name) then
                    Some(result corrected case)
                else
                    None

            let shown (value: Run -> float) (format: float -> string) =
                other |> Option.map (value >> format) |> Option.defaultValue "not run"

            [
                case.Name
                $"{case.Mixing:F3}"
                $"{here.Mean:F3}"
                shown _.Mean (fun x -> $"{x:F3}")
                $"{case.Mixing / case.Contrast:F2}"
                $"{here.Mean / case.Contrast:F2}"
                shown (fun run -> run.Mean / case.Contrast) (fun x -> $"{x:F2}")
                $"{100.0 * here.Drift:F1} %%"
                shown _.Drift (fun x -> $"{x:E0}")
            ]
    ]

let colours = Figure.palette

[
    for i, case in List.indexed cases do
        let here = result published case

        Chart.Line(
            here.Times,
            [ for m in here.Mixing -> m / case.Contrast ],
            Name = case.Name,
            LineColor = Color.fromString colours[i]
        )

        if second.Length = cases.Length then
            let other = result corrected case

            Chart.Line(
                other.Times,
                [ for m in other.Mixing -> m / case.Contrast ],
                Name = $"{case.Name}, second order",
                LineDash = StyleParam.DrawingStyle.Dash,
                LineColor = Color.fromString colours[i]
            )
]
|> Chart.combine
|> Figure.themed
    "Mixing divided by the contrast of densities: four flows (kh2d-solver, 2509.16080)"
    "time"
    "mixing / contrast"
|> Figure.save "156-mixing"

exit code
