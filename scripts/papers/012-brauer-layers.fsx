#!/usr/bin/env -S dotnet fsi
// Brauer's Group Equivariant Neural Networks (2212.08630): the maps (R^n)^k -> (R^n)^l that commute with O(n), Sp(n) or SO(n) are spanned by
// E (Brauer diagrams), F (the same with the form eps) and E with H (diagrams of n free vertices). Counted here by three routes; then the laws,
// exactly where the numbers are integers; A - tr(A)/3 I learned from three samples by three weights; and how fast the maps are listed.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let reach n =
    if n <= 4 then
        Experiment.size 4096.0 300.0
    else
        Experiment.size 1300.0 300.0 // null spaces are found for n^m up to this

let elements = Experiment.size 20 3 // random ones, for every map
let seeds = Experiment.size [ 1..5 ] [ 1 ]
let samples = [ 1..12 ] // for the regression

/// Dimensions for n = 1, 2, ... and m = l + k = 0..6, and the sizes of the spanning sets.
let tables =
    [
        "O(n)",
        Group.orthogonal,
        [
            yield 1, [ 1; 0; 1; 0; 1; 0; 1 ], [ 1; 0; 1; 0; 3; 0; 15 ]
            yield 2, [ 1; 0; 1; 0; 3; 0; 10 ], [ 1; 0; 1; 0; 3; 0; 15 ]
            for n in 3..6 -> n, [ 1; 0; 1; 0; 3; 0; 15 ], [ 1; 0; 1; 0; 3; 0; 15 ]
        ]
        "SO(n)",
        Group.specialOrthogonal,
        [
            1, [ 1; 1; 1; 1; 1; 1; 1 ], [ 1; 1; 1; 1; 1; 1; 1 ]
            2, [ 1; 0; 2; 0; 6; 0; 20 ], [ 1; 0; 2; 0; 9; 0; 60 ]
            3, [ 1; 0; 1; 1; 3; 6; 15 ], [ 1; 0; 1; 1; 3; 10; 15 ]
            4, [ 1; 0; 1; 0; 4; 0; 25 ], [ 1; 0; 1; 0; 4; 0; 30 ]
            5, [ 1; 0; 1; 0; 3; 1; 15 ], [ 1; 0; 1; 0; 3; 1; 15 ]
            6, [ 1; 0; 1; 0; 3; 0; 16 ], [ 1; 0; 1; 0; 3; 0; 16 ]
        ]
        "Sp(n)",
        Group.symplectic,
        [
            2, [ 1; 0; 1; 0; 2; 0; 5 ], [ 1; 0; 1; 0; 3; 0; 15 ]
            4, [ 1; 0; 1; 0; 3; 0; 14 ], [ 1; 0; 1; 0; 3; 0; 15 ]
            6, [ 1; 0; 1; 0; 3; 0; 15 ], [ 1; 0; 1; 0; 3; 0; 15 ]
        ]
    ]

/// SO(n): n, m, then the numbers of E and H, then their ranks.
let split =
    [
        2, 2, (1, 1), (1, 1)
        2, 4, (3, 6), (3, 3)
        2, 6, (15, 45), (10, 10)
        3, 3, (0, 1), (0, 1)
        3, 5, (0, 10), (0, 6)
        4, 4, (3, 1), (3, 1)
        4, 6, (15, 15), (15, 10)
        5, 5, (0, 1), (0, 1)
    ]

let power group k = Rep.vector group |> Rep.tensorPower k

let spanning group m =
    Basis.spanning group (m / 2) (m - m / 2)

let rank (maps: LinearMap[]) =
    use _ = torch.NewDisposeScope()

    match maps |> Array.map (fun map -> (LinearMap.toMatrix map).flatten()) with
    | [||] -> 0
    | rows -> int (torch.linalg.matrix_rank(torch.stack rows).item<int64>())

let cells =
    [
        for name, group, rows in tables do
            for n, dimensions, sizes in rows do
                for m in 0..6 -> name, group n, n, m, dimensions[m], sizes[m]
    ]

let routes =
    [
        "formula", (fun _ -> infinity), (fun group m -> int (Basis.dimension group m 0))
        "rank of the spanning maps", (fun _ -> infinity), (fun group m -> rank (spanning group m))
        "null space", reach, (fun group m -> Rep.invariantDimension (power group m))
    ]
    |> List.map (fun (route, reach, count) ->
        let within =
            cells |> List.filter (fun (_, _, n, m, _, _) -> float n ** float m <= reach n)

        let found =
            lazy Map [ for _, group, _, m, _, _ in within -> (string group, m), count group m ]

        route, within, found)

let wrong what source cases holds =
    Claim.equals $"{what}: wrong of {List.length cases:N0}" (source, 0) (fun () ->
        use _ = torch.NewDisposeScope()
        cases |> List.filter (holds >> not) |> List.length)

// Laws, for n up to 4 and k, l up to 2, or up to l + k = 5 for SO(3).
let hom =
    [
        for _, group, rows in tables do
            for n, _, _ in rows do
                if n <= 4 then
                    for k, l in List.allPairs [ 0..2 ] [ 0..2 ] -> group n, k, l
        yield Group.specialOrthogonal 3, 3, 2
    ]

let groupsOf (name: string) =
    hom
    |> List.filter (fun (group, _, _) -> (string group).StartsWith(name.Replace("n)", "")))

/// The largest residual of A rho(g) = sigma(g) A over the spanning maps A.
let residual dtype (group, k, l) =
    Basis.spanning group k l
    |> Array.map (
        LinearMap.on (TensorKind.cpu dtype)
        >> Rep.equivariance 1 elements (power group k, power group l)
    )
    |> Array.fold max 0.0

/// factor A rho(g) = sigma(g) A, no digit lost.
let exactly (group, k, l) (factor: float) g a =
    (LinearMap.toMatrix (factor * (a * (power group k).Of g))).Equals(LinearMap.toMatrix ((power group l).Of g * a))

/// The mirror of the first coordinate, and permutations that generate S_n: with it they generate the signed permutations.
let mirror n =
    (Group.generators (Group.orthogonal n))[0]

let permutations n =
    Group.generators (Group.symmetric n) |> List.ofArray

let determinant g =
    torch.linalg.det(LinearMap.toMatrix g).item<float>()

/// Elements with whole-number entries: transvections of Sp(n), signed permutations of O(n), those of determinant 1 of SO(n).
let integral (group: Group) =
    let n = group.Dimension

    match (string group).Substring(0, 2) with
    | "Sp" -> Group.generators group |> List.ofArray
    | "O(" -> mirror n :: permutations n
    | _ -> [ for p in permutations n -> if determinant p > 0.0 then p else mirror n * p ]

let commutesExactly (group, k, l) =
    List.allPairs (integral group) (List.ofArray (Basis.spanning group k l))
    |> List.forall (fun (g, a) -> exactly (group, k, l) 1.0 g a)

/// H of SO(n), for the rows above that have any.
let heads =
    [
        for group, k, l in groupsOf "SO(n)" do
            for d in Brauer.enumerate group.Dimension k l -> (group, k, l), HeadFunctor.determinant group.Dimension d
    ]

let anti ((group: Group, k, l), h: LinearMap) =
    integral (Group.orthogonal group.Dimension)
    |> List.forall (fun g -> exactly (group, k, l) (determinant g) g h)

/// sigma(g) H = det(g) H rho(g) for random g of O(n), of both determinants.
let antiResidual ((group: Group, k, l), h: LinearMap) =
    [ 1..elements ]
    |> List.map (fun i ->
        let g = Group.random (Seed.derive 2 i) (Group.orthogonal group.Dimension)
        Law.equality i ((power group l).Of g * h) (determinant g * (h * (power group k).Of g)))
    |> List.reduce max

// Regression of A -> A - tr(A)/3 I from Gaussian 3 x 3 matrices A.
let o3 = Group.orthogonal 3

let target (a: torch.Tensor) =
    let trace = a.diagonal(0L, -2L, -1L).sum(-1L).reshape(-1L, 1L, 1L)
    a.sub (torch.eye(3L, dtype = torch.float64).mul(trace).div(torch.tensor 3.0))

let draw seed count =
    Seed.normal seed TensorKind.float64 [ int64 count; 3L; 3L ]

let images a =
    Basis.spanning o3 2 2 |> Array.map (fun map -> map.Apply a)

/// Fresh matrices and the error on them, relative to the target.
let errorOn seed (predict: torch.Tensor -> torch.Tensor) =
    let a = draw (Seed.derive seed 1) 100
    let y = target a
    ((predict a).sub(y).norm().div(y.norm ())).item<float>()

/// The three weights, in the order of the spanning maps.
let weights seed count =
    let a = draw seed count
    Basis.coordinates (images a) (target a)

let layerError seed count =
    use _ = torch.NewDisposeScope()
    let c = weights seed count
    errorOn seed (fun a -> torch.einsum ("s,sbij->bij", c, torch.stack (images a)))

/// The 9 x 9 matrix of least norm that fits.
let denseError seed count =
    use _ = torch.NewDisposeScope()
    let a = draw seed count
    let flat (x: torch.Tensor) = x.flatten 1L
    let w = torch.linalg.pinv(flat a).matmul(flat (target a))
    errorOn seed (fun a -> (flat a).matmul(w).reshape a.shape)

/// Coefficients of A, A^T and tr(A) I.
let named (c: torch.Tensor) =
    let at blocks =
        Array.findIndex ((=) (Diagram.ofBlocks 2 2 blocks)) (Basis.diagrams o3 2 2)

    [ [ [ 0; 2 ]; [ 1; 3 ] ]; [ [ 0; 3 ]; [ 1; 2 ] ]; [ [ 0; 1 ]; [ 2; 3 ] ] ]
    |> List.map (fun blocks -> c[at blocks].item<float>())

let listings =
    lazy
        [
            for group in
                [
                    Group.symmetric
                    Group.alternating
                    Group.orthogonal
                    Group.specialOrthogonal
                    Group.symplectic
                ] do
                let group = group 6

                let timed =
                    Timing.least 0.5 (fun () ->
                        use _ = torch.NewDisposeScope()
                        (Basis.spanning group 3 3).Length)

                group, timed
        ]

let code =
    Experiment.run
        "012"
        "Brauer's Group Equivariant Neural Networks (2212.08630)"
        [
            for route, within, found in routes do
                for name, _, _ in tables do
                    let within = within |> List.filter (fun (group, _, _, _, _, _) -> group = name)

                    wrong
                        $"dimension for {name} by {route}"
                        (Paper "dimension")
                        within
                        (fun (_, group, _, m, expected, _) -> found.Value[(string group, m)] = expected)
            wrong "sizes of E, F and E with H" (Paper "spanning sets") cells (fun (_, group, _, m, _, size) ->
                (spanning group m).Length = size)
            wrong
                "independent exactly where the theory says"
                (Paper "spanning sets")
                cells
                (fun (_, group, _, m, dimension, size) ->
                    Basis.isIndependent group (m / 2) (m - m / 2) = (size = dimension))
            for n, m, sizes, ranks in split do
                Claim.equals
                    $"SO({n}), m = {m}: sizes and ranks of E and H"
                    (Paper "spanning sets", (sizes, ranks))
                    (fun () ->
                        let e = Brauer.enumerate 0 (m / 2) (m - m / 2) |> Array.map (Functor.diagram n)

                        let h =
                            Brauer.enumerate n (m / 2) (m - m / 2) |> Array.map (HeadFunctor.determinant n)

                        (e.Length, h.Length), (rank e, rank h))
            Claim.equals "SO(3), 3 -> 2: diagrams, rank" (Paper "SO(n)", (10, 6)) (fun () ->
                let maps = Basis.spanning (Group.specialOrthogonal 3) 3 2
                maps.Length, rank maps)
            Claim.equals "Sp(2), 2 -> 2: diagrams, rank" (Paper "Sp(n)", (3, 2)) (fun () ->
                let maps = Basis.spanning (Group.symplectic 2) 2 2
                maps.Length, rank maps)
            Claim.holds "SO(3), 2 -> 1: the one map is the cross product, in int64" (Paper "SO(n)") (fun () ->
                let unit = torch.eye (3L, dtype = torch.int64)
                let u, v = unit.repeat_interleave 3L, unit.repeat (3L, 1L) // all pairs
                let u = u.reshape (9L, 3L)
                let maps = Basis.spanning (Group.specialOrthogonal 3) 2 1

                maps.Length = 1
                && (maps[0].Apply(torch.einsum ("bi,bj->bij", u, v))).Equals(torch.linalg.cross (u, v)))
            for name, _, _ in tables do
                wrong
                    $"{name} commutes exactly with whole-number elements"
                    (Paper "equivariance")
                    (groupsOf name)
                    commutesExactly

                for dtype, bound in [ torch.float64, 1e-10; torch.float32, 1e-4 ] do
                    Claim.below
                        $"{name}: equivariance residual, {elements} random elements, {dtype}"
                        (Ours, bound)
                        (fun () -> groupsOf name |> List.map (residual dtype) |> List.reduce max)
            wrong "H gains det g under signed permutations, exactly" (Paper "SO(n)") heads anti
            Claim.below $"H gains det g: residual, {elements} random elements of O(n)" (Ours, 1e-10) (fun () ->
                heads |> List.map antiResidual |> List.reduce max)
            for group, expected in
                [
                    o3, [ 1; 0; 1; 0; 3; 0 ]
                    Group.specialOrthogonal 3, [ 1; 0; 1; 1; 3; 6 ]
                    Group.symplectic 2, [ 1; 0; 1; 0; 2; 0 ]
                ] do
                Claim.equals $"biases (0 -> l) of {group}, l = 0..5" (Paper "bias", expected) (fun () ->
                    [ for l in 0..5 -> rank (Basis.spanning group 0 l) ])
            Claim.overSeeds seeds (fun seed ->
                Claim.below
                    "A - tr(A)/3 I from 3 samples: distance of coefficients from (1, 0, -1/3)"
                    (Ours, 1e-8)
                    (fun () ->
                        List.map2 (fun x y -> abs (x - y)) (named (weights seed 3)) [ 1.0; 0.0; -1.0 / 3.0 ]
                        |> List.reduce max))
            Claim.overSeeds seeds (fun seed ->
                Claim.below "the same: relative error on fresh matrices" (Ours, 1e-8) (fun () -> layerError seed 3))
            Claim.overSeeds seeds (fun seed ->
                Claim.below "from 1 sample already (9 equations for 3 weights)" (Ours, 1e-8) (fun () ->
                    layerError seed 1))
            for count in [ 3; 8 ] do
                Claim.overSeeds seeds (fun seed ->
                    Claim.above $"a dense 9 x 9 matrix from {count} samples: error" (Ours, 1e-2) (fun () ->
                        denseError seed count))
            Claim.overSeeds seeds (fun seed ->
                Claim.below "a dense 9 x 9 matrix from 9 samples: error" (Ours, 1e-8) (fun () -> denseError seed 9))
            Claim.below "seconds to list the maps (R^6)^3 -> (R^6)^3 of five groups" (Ours, 0.05) (fun () ->
                listings.Value |> List.sumBy (fun (_, timed) -> timed.Seconds))
        ]

printfn "\nDimensions by three routes, m = l + k"

Report.table
    [ "group"; "route"; yield! [ for m in 0..6 -> $"m = {m}" ] ]
    [
        for _, group, rows in tables do
            for n, _, sizes in rows do
                let group = group n
                [ string group; "number of spanning maps"; yield! List.map string sizes ]

                for route, _, found in routes do
                    [
                        yield string group
                        yield route
                        for m in 0..6 ->
                            found.Value.TryFind((string group, m))
                            |> Option.map string
                            |> Option.defaultValue ""
                    ]
    ]

printfn "\nListing the maps (R^6)^3 -> (R^6)^3"

Report.table
    [ "group"; "maps"; "milliseconds" ]
    [
        for group, timed in listings.Value -> [ string group; string timed.Value; Report.number (1e3 * timed.Seconds) ]
    ]

let byRow =
    cells |> List.groupBy (fun (_, group, _, _, _, _) -> string group) |> List.rev

Chart.AnnotatedHeatmap(
    zData =
        [
            for _, row in byRow ->
                [
                    for _, _, _, _, dimension, size in row -> log10 (1.0 + float (size - dimension))
                ]
        ],
    annotationText =
        [
            for _, row in byRow ->
                [
                    for _, _, _, _, dimension, size in row ->
                        if size = dimension then
                            string size
                        else
                            $"{size} > {dimension}"
                ]
        ],
    X = [ for m in 0..6 -> string m ],
    Y = List.map fst byRow,
    ColorScale = StyleParam.Colorscale.Custom [ 0.0, Color.fromString "white"; 1.0, Color.fromString "#E69F00" ],
    ShowScale = false
)
|> Figure.themed
    "Number of spanning maps, and > rank where they are dependent (Brauer's Group Equivariant Neural Networks, 2212.08630)"
    "orders of output and input, l + k"
    "group"
|> Figure.save "012-spanning-sets"

[ "O(3) layer, 3 weights", layerError; "dense, 81 weights", denseError ]
|> List.map (fun (name, error) ->
    // Rounding is shown as 1e-16, as a logarithm cannot show 0.
    Chart.Line([ for count in samples -> count, max 1e-16 (error 1 count) ], Name = name, ShowMarkers = true))
|> Chart.combine
|> Figure.themed
    "Learning A - tr(A)/3 I by least squares (Brauer's Group Equivariant Neural Networks, 2212.08630)"
    "number of samples"
    "relative error on fresh matrices"
|> Figure.logarithmicY
|> Figure.save "012-samples"

exit code
