#!/usr/bin/env -S dotnet fsi
// A Characterization Theorem for Equivariant Networks with Point-wise Activations (2401.09235): a continuous function, applied to each
// entry, commutes with a matrix only if it is affine or no row mixes entries. So rotations allow none but affine ones, and permutations
// allow all. Predicted here from the class of the function and the matrix, then measured; gating by the norm is the contrast.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let n = Experiment.size 12L 8L // the size of the matrices
let seeds = [ 1 .. Experiment.size 20 3 ]
let rounding, apart = 1e-12, 1e-3 // below: equal; above: different. Nothing may lie between.

let activations =
    [
        PointwiseActivation.sigmoid
        PointwiseActivation.gelu
        PointwiseActivation.tanh
        PointwiseActivation.relu
        PointwiseActivation.affine 0.5 1.0
        PointwiseActivation.affine 0.5 0.0
    ]

let names = [ "sigmoid"; "GELU"; "tanh"; "ReLU"; "t/2 + 1"; "t/2" ]

let ofRows (rows: float list list) =
    torch.tensor (array2D rows, dtype = System.Nullable torch.float64)

/// A random permutation of rows, with factor i at row i.
let monomial (factor: int -> float) (seed: int) =
    let p = (PermutationGroup.Symmetric(int n)).Random seed

    ofRows
        [
            for i in 0 .. int n - 1 -> [ for j in 0 .. int n - 1 -> if p[i] = j then factor i else 0.0 ]
        ]

let sumOne seed =
    let a = Seed.uniform seed TensorKind.float64 [ n; n ]
    a.div (a.sum (1L, keepdim = true))

/// Classes of matrices, and which of the activations commute with them, as the theorem has it.
let matrices =
    [
        "permutation", "111111", monomial (fun _ -> 1.0)
        "signed permutation", "001001", monomial (fun i -> if i % 2 = 0 then 1.0 else -1.0)
        "positive monomial", "000101", monomial (fun i -> 0.5 + float i)
        "rotation", "000001", (fun seed -> Haar.specialOrthogonal seed TensorKind.float64 n)
        "rows sum to 1", "000011", sumOne
        "generic", "000001", (fun seed -> Seed.normal seed TensorKind.float64 [ n; n ])
    ]
    |> List.map (fun (name, holds, draw) -> name, [ for h in holds -> h = '1' ], draw)

/// The distances of f(A x) and A f(x), over the sum of norms, one a seed.
let distances f draw =
    [
        for seed in seeds do
            use _ = torch.NewDisposeScope()
            PointwiseActivation.commutes seed f (LinearMap.ofMatrix (draw seed))
    ]

let table =
    lazy
        [
            for name, predicted, draw in matrices do
                for f, activation, isPredicted in List.zip3 activations names predicted ->
                    name, activation, f, draw, isPredicted, distances f draw
        ]

let wrong holds =
    table.Value |> List.filter (holds >> not) |> List.length

// How a rotation g acts at angular order l. SO(2): the plane turns by l theta. SO(3), l = 2: S -> g S g^T on the symmetric 3 x 3 matrices
// without trace, in an orthonormal basis.
let traceless =
    let s, t = sqrt 0.5, sqrt (1.0 / 6.0)

    [
        0.0, 0.0, s, 0.0, 0.0
        0.0, 0.0, 0.0, s, 0.0
        0.0, 0.0, 0.0, 0.0, s
        s, -s, 0.0, 0.0, 0.0
        t, t, 0.0, 0.0, 0.0
    ]
    |> List.map (fun (xx, yy, xy, xz, yz) -> [ xx; xy; xz; xy; yy; yz; xz; yz; -xx - yy ])
    |> ofRows

let act l (g: torch.Tensor) =
    match g.size 0, l with
    | 3L, 2 -> traceless.matmul(torch.kron (g, g)).matmul(traceless.t ())
    | _ -> List.replicate l g |> List.reduce (fun a b -> a.matmul b)

let blocks =
    [
        for n in [ 2; 3 ] do
            for l in [ 1; 2 ] -> $"SO({n}), l = {l}", n, l
    ]

let element n (seed: int) =
    LinearMap.toMatrix ((Group.specialOrthogonal n).Random seed)

let gate (x: torch.Tensor) = x.mul (x.norm(1, true).sigmoid())

/// Of a function on batches of vectors: the mean over the seeds and the largest distance of f(g x) and g f(x).
let error (f: torch.Tensor -> torch.Tensor) (_, n, l) =
    let all =
        [
            for seed in seeds do
                use _ = torch.NewDisposeScope()
                let g = act l (element n seed)
                let x = Seed.normal (Seed.derive seed 1) TensorKind.float64 [ 64L; g.size 0 ]
                Law.distance (f (x.matmul (g.t ()))) ((f x).matmul(g.t ()))
        ]

    List.average all, List.reduce max all

/// How far g -> act l g is from taking products to products and rotations to orthogonal matrices.
let defect (_, n, l) =
    let g, h = element n 1, element n 2
    max (Law.distance (act l (g.matmul h)) ((act l g).matmul(act l h))) (Law.orthogonality (act l g))

// The subgroups of S_4, as sets of elements: those that two elements generate are all, if adding a third to one gives no new one.
let s4 = (PermutationGroup.Symmetric 4).Elements 24 |> List.ofArray

let generated (generators: seq<Permutation>) =
    set ((PermutationGroup.OfGenerators(4, Array.ofSeq generators)).Elements 24)

let conjugate (g: Permutation) =
    Set.map (fun h -> Permutation.compose g (Permutation.compose h (Permutation.inverse g)))

let sameClass a b =
    s4 |> List.exists (fun g -> conjugate g a = b)

let subgroups =
    List.allPairs s4 s4
    |> List.map (fun (a, b) -> generated [ a; b ])
    |> List.distinct

let grown =
    List.allPairs subgroups s4
    |> List.map (fun (h, g) -> generated (Set.add g h))
    |> List.distinct

let classes =
    ([], subgroups |> List.sortBy Set.count)
    ||> List.fold (fun found h ->
        if List.exists (sameClass h) found then
            found
        else
            found @ [ h ])

/// The matrix of each element of S_4 on the cosets g H.
let cosetMatrices subgroup =
    let coset g =
        subgroup |> Set.map (Permutation.compose g)

    let cosets = s4 |> List.map coset |> List.distinct
    let move g = Set.map (Permutation.compose g)

    [
        for g in s4 -> ofRows [ for a in cosets -> [ for b in cosets -> if move g b = a then 1.0 else 0.0 ] ]
    ]

/// The classes of stabilisers of k-tuples of points, k = 0..4: what tensor powers of R^4 are made of.
let inPowers =
    [
        for k in 0..4 do
            for tuple in
                List.fold
                    (fun tuples _ ->
                        [
                            for t in tuples do
                                for i in 0..3 -> i :: t
                        ])
                    [ [] ]
                    [ 1..k ] -> set (s4 |> List.filter (fun g -> tuple |> List.forall (fun i -> g[i] = i)))
    ]
    |> List.distinct
    |> List.map (fun h -> List.findIndex (sameClass h) classes)
    |> List.distinct

let nonAffine =
    activations
    @ [
        PointwiseActivation.softplus
        PointwiseActivation.silu
        PointwiseActivation.sin
        PointwiseActivation.abs
        PointwiseActivation.leakyRelu 0.1
    ]
    |> List.filter (fun f -> f.Class <> ActivationClass.Affine && f.Class <> ActivationClass.Linear)

let allowed f rep =
    (PointwiseActivation.mayApply f rep).IsAllowed

let power group k = Rep.vector group |> Rep.tensorPower k

let code =
    Experiment.run
        "133"
        "A Characterization Theorem for Equivariant Networks with Point-wise Activations (2401.09235)"
        [
            Claim.equals "the library's answer is the theorem's: wrong of 36" (Paper "theorem", 0) (fun () ->
                wrong (fun (_, _, f, draw, isPredicted, _) ->
                    seeds
                    |> List.forall (fun seed -> PointwiseActivation.admits f (draw seed) = isPredicted)))
            Claim.equals "predicted to commute, and does to 1e-12: wrong of 14" (Paper "theorem", 0) (fun () ->
                wrong (fun (_, _, _, _, isPredicted, all) ->
                    not isPredicted || List.forall (fun d -> d < rounding) all))
            Claim.equals "predicted not to commute, and is off by > 1e-3: wrong of 22" (Paper "theorem", 0) (fun () ->
                wrong (fun (_, _, _, _, isPredicted, all) -> isPredicted || List.forall (fun d -> d > apart) all))
            Claim.equals "of 36 predicted to commute" (Ours, 14) (fun () ->
                table.Value
                |> List.filter (fun (_, _, _, _, isPredicted, _) -> isPredicted)
                |> List.length)
            for block in blocks do
                let name, _, _ = block
                Claim.below $"{name}: products to products, orthogonal" (Ours, rounding) (fun () -> defect block)

                Claim.above $"{name}: equivariance error of ReLU, mean" (Paper "SO(n): trivial only", 0.05) (fun () ->
                    fst (error (fun x -> x.relu ()) block))

                Claim.below $"{name}: of x sigma(|x|), largest" (Ours, rounding) (fun () -> snd (error gate block))
            Claim.equals
                "9 functions not affine x SO(2), SO(3), orders 1..3: allowed of 54"
                (Paper "SO(n): trivial only", 0)
                (fun () ->
                    [
                        for f in nonAffine do
                            for n in [ 2; 3 ] do
                                for k in 1..3 -> allowed f (power (Group.specialOrthogonal n) k)
                    ]
                    |> List.filter id
                    |> List.length)
            Claim.holds "the trivial representation of SO(3) allows all" (Paper "SO(n): trivial only") (fun () ->
                nonAffine
                |> List.forall (fun f -> allowed f (Rep.channels 8 (power (Group.specialOrthogonal 3) 0))))
            Claim.holds "tensor powers of S_5, orders 0..4, allow all" (Paper "theorem") (fun () ->
                List.allPairs nonAffine [ 0..4 ]
                |> List.forall (fun (f, k) -> allowed f (power (Group.symmetric 5) k)))
            Claim.equals "subgroups of S_4, and classes of conjugates" (Ours, (30, 11)) (fun () ->
                subgroups.Length, classes.Length)
            Claim.equals "subgroups that a third generator adds" (Ours, 0) (fun () -> grown.Length - subgroups.Length)
            Claim.equals "|S_4 / H| for each class" (Ours, [ 24; 12; 12; 8; 6; 6; 6; 4; 3; 2; 1 ]) (fun () ->
                classes |> List.map (fun h -> int (cosetMatrices h).Head.shape[0]))
            Claim.equals
                "S_4 / H that allow ReLU, GELU, tanh, sigmoid, by all elements"
                (Paper "S_4 / H", 11)
                (fun () ->
                    classes
                    |> List.filter (fun h ->
                        List.allPairs activations[0..3] (cosetMatrices h)
                        |> List.forall (fun (f, g) -> PointwiseActivation.admits f g))
                    |> List.length)
            Claim.below "distance of f(g x) and g f(x) for those, largest" (Paper "S_4 / H", rounding) (fun () ->
                [
                    for h in classes do
                        for g in cosetMatrices h do
                            for f in activations[0..3] -> PointwiseActivation.commutes 1 f (LinearMap.ofMatrix g)
                ]
                |> List.reduce max)
            Claim.equals "of the 11, those that tensor powers of R^4 consist of" (Ours, 4) (fun () -> inPowers.Length)
        ]

printfn "\nThe mean distance of f(A x) and A f(x); * where the theorem has them equal"

Report.table
    [ "matrices"; yield! names ]
    [
        for name, rows in table.Value |> List.groupBy (fun (name, _, _, _, _, _) -> name) ->
            name
            :: [
                for _, _, _, _, isPredicted, all in rows ->
                    Report.number (List.average all) + (if isPredicted then " *" else "")
            ]
    ]

let cells (show: bool -> float list -> 'a) =
    table.Value
    |> List.map (fun (_, _, _, _, isPredicted, all) -> show isPredicted all)
    |> List.chunkBySize names.Length

let show (d: float) =
    if d = 0.0 then "0"
    elif d < apart then d.ToString "0e-0"
    else d.ToString "0.00"

Chart.AnnotatedHeatmap(
    cells (fun _ all -> log10 (max 1e-17 (List.average all))),
    cells (fun isPredicted all -> show (List.average all) + (if isPredicted then " ✓" else "")),
    X = names,
    Y = [ for name, _, _ in matrices -> name ],
    ColorScale = StyleParam.Colorscale.Custom [ 0.0, Color.fromString "#9AD0F5"; 1.0, Color.fromString "#F7A072" ],
    ColorBar = ColorBar.init (Title = Title.init "log<sub>10</sub>"),
    ReverseYAxis = true
)
|> Figure.themed
    "Which activations commute with which matrices (2401.09235): relative distance of f(Ax) and A f(x), ✓ where the theorem says 0"
    "activation, on each entry"
    "matrices"
|> Figure.save "133-activations-and-matrices"

let bar name f =
    Chart.Column(
        values = [ for block in blocks -> max 1e-17 (fst (error f block)) ],
        Keys = [ for name, _, _ in blocks -> name ],
        Name = name
    )

[ bar "ReLU on each entry" (fun x -> x.relu ()); bar "gate x σ(|x|)" gate ]
|> Chart.combine
|> Figure.themed
    "Equivariance error under rotations, by angular order l (2401.09235)"
    "group and angular order"
    "distance of f(gx) and g f(x), relative"
|> Figure.logarithmicY
|> Figure.save "133-rotations"

exit code
