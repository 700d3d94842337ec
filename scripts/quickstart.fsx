#!/usr/bin/env -S dotnet fsi
// The first quarter of an hour: a learned orthogonal map, an equivariant layer and a spectral solve, on digits, each with its law measured.
// The digits are MNIST's when ORTHO_DATA names a folder that holds them, drawn by code otherwise.
#load "figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let digits = Dataset.digits 1
let images = digits.Images.narrow (0L, 0L, 2000L) // [2000; 28; 28]
printfn "%s\n" digits.Source

let train steps rate (parameters: seq<Modules.Parameter>) (loss: unit -> torch.Tensor) =
    use optimizer = torch.optim.Adam(parameters, rate)

    [
        for _ in 1..steps do
            use _ = torch.NewDisposeScope()
            optimizer.zero_grad ()
            let value = loss ()
            value.backward ()
            optimizer.step () |> ignore
            value.item<float32>()
    ]

// 1. A learned orthogonal map: an orthonormal frame of 12 reflections that keeps as much of a 14 x 14 digit as 12 numbers can.
let pixels = torch.nn.functional.avg_pool2d(images.unsqueeze 1L, 2L).flatten 1L
let centred = pixels - pixels.mean ([| 0L |], keepdim = true)

let coder =
    Learn.map "coder" [ Parameter.normal 1 [ 12L; 196L ] |> Parameter.named "vectors" ] (fun p ->
        (Householder.frame p[0] 12L).Adjoint)

let lost =
    train 300 0.1 (coder.parameters ()) (fun () ->
        (centred.norm().square() - coder.forward(centred).norm().square())
        / centred.norm().square())

let variances = torch.linalg.svdvals(centred).square()

let best =
    (variances.narrow(0L, 12L, 184L).sum() / variances.sum ()).item<float32>()

// 2. An equivariant layer: from the table of similarities of a set of 12 digits, how typical each of them is of the set.
let group = Group.symmetric 12

let sets =
    (centred / centred.norm (1, keepdim = true)).narrow(0L, 0L, 1920L).reshape(160L, 12L, 196L)

let similarity = sets.matmul(sets.mT).unsqueeze -1L // [160; 12; 12; 1]
let typical = (similarity.sum ([| 2L |]) - 1.0f) / 11.0f // [160; 12; 1]: the mean similarity with the others
let layer = new EquivariantLayer(1, group, 2, 1, 1, 1)

let missed =
    train 600 0.03 (layer.parameters ()) (fun () ->
        torch.nn.functional.mse_loss (layer.forward similarity, typical)
        / typical.var ())

// 3. A spectral solve: the potential of a digit's ink in a grounded box.
let axis = Poisson.axis Boundary.Dirichlet 28L (1.0 / 29.0)
let box, solver = Poisson.laplacian [ axis; axis ], Poisson.solver [ axis; axis ]
let potentials = solver.Apply images

// Laws are numbers: a residual divided by the norms involved.
let frame = coder.Realize().Adjoint

let code = frame * frame.Adjoint

let law name map residual =
    [ name; string map; Report.number residual ]

Report.table
    [ "law"; "map"; "residual" ]
    [
        law "orthonormal columns" frame (Law.isometry 1 frame)
        law "orthogonal projection" code (Law.projection 1 code)
        law "commutes with S_12" layer.Linear (Rep.equivariance 1 5 (layer.InputRep, layer.OutputRep) layer.Linear)
        law "undoes the Laplacian" solver (Law.inverse 1 solver box)
    ]

let task name (measured: float) reference =
    [ name; Report.number measured; reference ]

printfn ""

Report.table
    [ "task"; "measured"; "reference" ]
    [
        task "digits in 12 numbers: variance lost" (float (List.last lost)) $"{best:F4}: PCA, the least possible"
        task "typical of its set: variance missed" (float (List.last missed)) "1: the mean; weights: 6"
        task "potential: relative error of its Laplacian" (Law.distance (box.Apply potentials) images) "0"
    ]

let named x y chart =
    chart
    |> Chart.withXAxisStyle (TitleText = x)
    |> Chart.withYAxisStyle (TitleText = y)

let picture colours (x: torch.Tensor) =
    let rows =
        (x.flip 0L).``to``(torch.float64).contiguous().data<float>().ToArray()
        |> Array.chunkBySize (int x.shape[1])

    Chart.Heatmap(zData = rows, ColorScale = colours, ShowScale = false)
    |> named "column (pixels)" "row (pixels)"

let titles =
    [
        "a digit"
        "its potential in a grounded box"
        "the digit from 12 learned numbers"
        "learning them"
    ]

let decoded = frame.Apply(coder.forward centred[0L]).detach() + pixels.mean [| 0L |]

[
    picture StyleParam.Colorscale.Greys images[0L]
    picture StyleParam.Colorscale.Viridis potentials[0L]
    picture StyleParam.Colorscale.Greys (decoded.reshape (14L, 14L))
    Chart.Line(x = [ 1..300 ], y = lost, ShowLegend = false)
    |> named "step of Adam" "variance lost (share)"
]
|> Chart.Grid(2, 2, SubPlotTitles = titles)
|> Figure.themed "Quickstart: a digit, its potential, its code" "column (pixels)" "row (pixels)"
|> Chart.withSize (700, 720)
|> Figure.save "quickstart"
