(**
# Which orthogonal parametrisation should I use?

**The question.** A layer's matrix shall stay orthogonal while it learns. There are a dozen ways to write an orthogonal matrix with free
numbers. They differ in speed, in how many numbers they take, and in which matrices they can reach at all.

**What to take away.** Square and dense: `Cayley`, unless the map must turn some direction around (eigenvalue -1), then two Cayley factors or
`Householder`. Few columns of many: `Householder.frame`. A map with structure: the sparse family that has the structure, and only that. When in doubt:
`Orthogonal.linear`.
*)
(*** condition: ipynb ***)
#load "../scripts/figures.fsx"
(*** condition: prepare ***)
#load "../scripts/figures.fsx"
(** *)
open TorchSharp
open Plotly.NET
open Ortho
open Ortho.Lab

(**
## The task

Digits of 8 x 8 pixels, whitened, and what an orthogonal map of their 64 pixels makes of them. Each family of matrices gets the same digits and their images, and
shall find the map. The targets are chosen for what they ask:

| target | what it asks of the family |
| --- | --- |
| a random rotation | all 64 · 63 / 2 = 2016 dimensions of SO(64) |
| a random mirror rotation | determinant -1 |
| the left-right mirror image | eigenvalue -1, 32 times; determinant +1 |
| the quarter turn | eigenvalues 1, i, -1, -i; a permutation |
| the cosine transform of the rows | dense within each row, nothing between rows |
| 64 small turns of neighbours | a matrix near the identity, with local structure |
*)
let n = 64L
let digits = Dataset.digits 1
let kind = TensorKind.float32

let pixels =
    let images = digits.Images.narrow(0L, 0L, 1024L).unsqueeze 1L
    torch.nn.functional.adaptive_avg_pool2d(images, [| 8L; 8L |]).flatten 1L

// Whitened, so that every direction counts: pixels at the border are nearly always black.
let white =
    let centred = pixels - pixels.mean ([| 0L |], keepdim = true)
    let noisy = centred + 0.05 * Seed.normal 2 kind centred.shape
    let struct (u, _, v) = torch.linalg.svd (noisy, false)
    u.matmul v * 32.0

let train, test = white.narrow (0L, 0L, 512L), white.narrow (0L, 512L, 512L)
printfn "%s" digits.Source
(*** include-output ***)

let pixel (move: int * int -> int * int) =
    LinearMap.ofPermutation
        [|
            for r in 0..7 do
                for c in 0..7 -> (let r, c = move (r, c) in int64 (8 * r + c))
        |]

let mirrored = LinearMap.ofDiagonal (torch.cat [| torch.ones 63L; -torch.ones 1L |])
let rotation = LinearMap.ofMatrix (Haar.specialOrthogonal 7 kind n)

let turns =
    let angles = 0.3 * Seed.normal 8 kind [ 63L ]
    Givens.chain (PlaneSchedule.sequential 64) angles

let targets =
    [
        "random rotation", rotation
        "determinant -1", rotation * mirrored
        "mirror image", pixel (fun (r, c) -> r, 7 - c)
        "quarter turn", pixel (fun (r, c) -> c, 7 - r)
        "cosines of rows",
        Cosine.along CosineType.DctII 1 (Space.ofShape [ 8L; 8L ])
        |> fun dct ->
            LinearMap.reshape dct.Codomain (Space.Of n)
            * dct
            * LinearMap.reshape (Space.Of n) dct.Domain
        "small turns", turns
    ]

(**
## The families

Each is a function from free numbers to a map. All start near the identity (the Householder chain as well as it can).
*)
type Family =
    {
        Name: string
        Parameters: Parameter list
        Build: torch.Tensor[] -> LinearMap
    }

let small (shape: int64 list) =
    Parameter.normal 3 shape |> Parameter.scaled 0.01

let near = Parameter.ofTensor (torch.eye n + 0.01 * Seed.normal 4 kind [ n; n ])
let skew = small [ Skew.dimension n ]

/// H(v) H(w) is the identity for v = w: pairs of nearly equal vectors.
let pairs (count: int64) =
    let v = (Seed.normal 5 kind [ count / 2L; n ]).repeat_interleave(2L, 0L)
    Parameter.ofTensor (v + 0.01 * Seed.normal 6 kind [ count; n ])

let rotations (schedule: PlaneSchedule) = [ small [ int64 schedule.Count ] ]

let family name parameters build =
    {
        Name = name
        Parameters = parameters
        Build = build
    }

let families =
    [
        family "Cayley" [ skew ] (fun p -> Cayley.ofSkew (Skew.ofVector n p[0]))
        family "two Cayley factors" [ skew; small [ Skew.dimension n ] ] (fun p ->
            Cayley.ofSkew (Skew.ofVector n p[0]) * Cayley.ofSkew (Skew.ofVector n p[1]))
        family "exponential" [ skew ] (fun p -> Exponential.ofSkew (Skew.ofVector n p[0]))
        family "64 reflections" [ pairs 64L ] (fun p -> Householder.chain p[0])
        family "8 reflections" [ pairs 8L ] (fun p -> Householder.chain p[0])
        family "polar factor" [ near ] (fun p -> Polar.ofMatrix p[0])
        family "QR" [ near ] (fun p -> Stiefel.frame p[0])
        (let s = PlaneSchedule.roundRobin 64 in
         family "rotations, all pairs" (rotations s) (fun p -> Givens.chain s p[0]))
        (let s = PlaneSchedule.sequential 64 in
         family "rotations, neighbours" (rotations s) (fun p -> Givens.chain s p[0]))
        family "butterfly, 4 x 4 blocks" [ small [ 5L; 16L; 6L ] ] (fun p -> Butterfly.ofSkew (Skew.ofVector 4L p[0]))
        family "blocks of 8" [ small [ 8L; 28L ] ] (fun p -> BlockDiagonal.ofSkew (Skew.ofVector 8L p[0]))
        family "any matrix (not orthogonal)" [ near ] (fun p -> LinearMap.ofMatrix p[0])
    ]

(**
## The fit

The same budget for all: 300 steps of Adam on 512 digits, step sizes falling to 0 from each of two; the better one counts. The error is that of the image of digits that
were not trained on, relative to their size: 0 is perfect, and a family that can do nothing has the error of the identity.
*)
let error (map: LinearMap) (target: LinearMap) =
    let y = target.Apply test

    ((map.Apply test - y).norm().item<float32>() / y.norm().item<float32>())
    |> float

let fit (target: LinearMap) (family: Family) (rate: float) =
    use scope = torch.NewDisposeScope()
    use learned = Learn.map family.Name family.Parameters family.Build
    use optimizer = torch.optim.Adam(learned.parameters (), rate)
    let schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300.0)
    let y = target.Apply train

    let losses = ResizeArray<float>()

    try
        for _ in 1..300 do
            use _ = torch.NewDisposeScope()
            optimizer.zero_grad ()
            let loss = (learned.forward (train) - y).square().sum() / y.square().sum()
            loss.backward ()
            optimizer.step () |> ignore
            schedule.step ()
            losses.Add(sqrt (float (loss.item<float32>())))

        error (learned.Realize()) target, List.ofSeq losses
    with :? System.ArgumentException ->
        infinity, List.ofSeq losses // the library refuses a matrix that has become singular

let runs =
    [
        for family in families ->
            [
                for _, target in targets -> [ 0.02; 0.1 ] |> List.map (fit target family) |> List.minBy fst
            ]
    ]

let identity = LinearMap.identity (Space.Of n)

Report.format
    ("family" :: List.map fst targets)
    [
        yield
            "the identity"
            :: [ for _, target in targets -> Report.number (error identity target) ]
        for family, row in List.zip families runs ->
            family.Name
            :: [ for e, _ in row -> if e = infinity then "singular" else Report.number e ]
    ]
|> printfn "%s"
(*** include-output ***)

Chart.Heatmap(
    zData =
        [
            for row in runs -> [ for e, _ in row -> if e = infinity then nan else log10 (max 1e-4 e) ]
        ],
    colNames = List.map fst targets,
    rowNames = [ for family in families -> family.Name ],
    ColorScale = StyleParam.Colorscale.Viridis,
    ReverseYAxis = true
)
|> Figure.themed "What each family reaches: log10 of the relative error on new digits (dark is good)" "target" ""
|> Chart.withSize (760, 560)
|> Figure.cell "which-orthogonal-parametrisation-reach"
(*** include-it-raw ***)
(**
![A heat map of families by targets.](pictures/which-orthogonal-parametrisation-reach.png)

- **Determinant -1.** Rotations alone (Cayley, exponential, Givens, butterflies, blocks) start at determinant +1 and stay there, and so does an even number of
  reflections: they end at the rotation nearest to the target, at distance 2 of a matrix of length 8. The polar factor and QR of a free matrix change sign only
  where that matrix becomes singular; a large step may jump across, as QR's did here, or the library may meet the singular matrix and refuse it. The remedy is a
  start of the right determinant: one fixed mirror (`family * mirrored`), or an odd number of reflections.
- **Eigenvalue -1.** One Cayley factor has none: a mirror image needs infinite numbers, so the error falls slowly and never ends. Two factors reach it, and so does the
  exponential, at angle pi. The polar factor, from the identity, would have to cross 32 singular matrices.
- **Structure.** Neighbour rotations are exact where the target is such a chain (small turns) and useless elsewhere. Butterflies, with 480 numbers in place of 2016,
  are exact for the mirror image and hopeless for a random rotation. Blocks of 8 are the rows of the picture: they come near to the mirror image and to the cosines of
  rows, and fail where rows mix; what keeps them from those two is again the eigenvalue -1.
- **All pairs of plane rotations** reach every rotation in principle, and stop in local minima in practice.

## How they get there

The loss of the mirror image, step by step.
*)
let mirror = targets |> List.findIndex (fun (name, _) -> name = "mirror image")

[
    for family, row in List.zip families runs do
        if
            [
                "Cayley"
                "two Cayley factors"
                "exponential"
                "64 reflections"
                "polar factor"
                "rotations, all pairs"
                "any matrix (not orthogonal)"
            ]
            |> List.contains family.Name
        then
            let losses = snd row[mirror]
            Chart.Line(x = [ 1 .. losses.Length ], y = losses, Name = family.Name)
]
|> Chart.combine
|> Figure.themed "Learning the mirror image of digits" "step of Adam" "relative error on the digits trained on"
|> Figure.logarithmicY
|> Figure.cell "which-orthogonal-parametrisation-losses"
(*** include-it-raw ***)
(**
![The loss of seven families against steps.](pictures/which-orthogonal-parametrisation-losses.png)

## What they cost

Numbers to learn, what is left of orthogonality after training, and the time of a training step (map made, forward, backward; 512 rows) in units of a plain dense
matrix's. At n = 64 small costs count; the README has the ratios at n = 512 and for chains on 256 x 1024.
*)
let step (family: Family) =
    use learned = Learn.map family.Name family.Parameters family.Build

    let seconds =
        Timing.least 0.4 (fun () ->
            use _ = torch.NewDisposeScope()
            learned.forward(train).square().sum().backward())
        |> _.Seconds

    let numbers = learned.parameters () |> Seq.sumBy _.numel()
    let defect = Law.isometry 1 (learned.Realize())
    numbers, defect, seconds

let costs = families |> List.map step
let _, _, plain = List.last costs

Report.format
    [ "family"; "numbers"; "not orthogonal by"; "time of a step / dense" ]
    [
        for family, (numbers, defect, seconds) in List.zip families costs ->
            [ family.Name; string numbers; Report.number defect; $"{seconds / plain:F1}" ]
    ]
|> printfn "%s"
(*** include-output ***)

(**
## So which one?

| you need | take |
| --- | --- |
| a dense square matrix | `Cayley.ofSkew`: fastest of those that reach nearly all rotations; `Orthogonal.linear` is this, from a random start |
| the same, with eigenvalue -1 in reach | two Cayley factors, `Exponential.ofSkew` (slower), or `Householder.chain` |
| determinant -1 | any of them after a fixed mirror, or an odd number of reflections |
| few columns of many | `Householder.frame` or `Orthogonal.linear`: never n x n |
| a small change of a given matrix | `Householder.chain` of few reflections, `BlockDiagonal`, `Butterfly`: the adapters' choice |
| a chain of plane rotations in a known order | `Givens.chain`: the fused kernel makes it cheaper than the dense product |
| a given layer kept orthogonal | `Orthogonal.constrain` |
| a convolution | `Orthogonal.conv`, or `BlockConvolution`, `SkewConvolution`, `FourierConvolution` |
*)
