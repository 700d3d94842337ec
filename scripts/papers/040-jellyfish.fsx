#!/usr/bin/env -S dotnet fsi
// How Jellyfish Characterise Alternating Group Equivariant Neural Networks (2301.10152): the maps (R^n)^k -> (R^n)^l that commute with the even
// permutations have, besides the orbit basis X of S_n, the jellyfish J of the diagrams with n or n - 1 blocks. Counted here by three routes; then
// the laws of X and J, exactly; and the product of all x_i - x_j, which an A_3 layer learns and an S_3 layer cannot see.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let largest = Experiment.size 4096.0 300.0 // null spaces are found for n^m up to this
let count, many = 200, 100_000 // samples of the learning test
let seeds = Experiment.size [ 1..5 ] [ 1 ]

let alternating, symmetric = Group.alternating, Group.symmetric
let power group k = Rep.vector group |> Rep.tensorPower k

/// n = 1..6, m = l + k = 0..6.
let dimensions =
    [
        [ 1; 1; 1; 1; 1; 1; 1 ]
        [ 1; 2; 4; 8; 16; 32; 64 ]
        [ 1; 1; 3; 9; 27; 81; 243 ]
        [ 1; 1; 2; 6; 22; 86; 342 ]
        [ 1; 1; 2; 5; 16; 63; 282 ]
        [ 1; 1; 2; 5; 15; 53; 219 ]
    ]

let rank (maps: LinearMap[]) =
    use _ = torch.NewDisposeScope()
    let rows = torch.stack [| for map in maps -> (LinearMap.toMatrix map).flatten() |]
    int (torch.linalg.matrix_rank(rows).item<int64>())

let routes =
    [
        "formula", infinity, (fun n m -> int (Basis.dimension (alternating n) m 0))
        "rank of X and J", largest, (fun n m -> rank (Basis.orbit (alternating n) (m / 2) (m - m / 2)))
        "null space", largest, (fun n m -> Rep.invariantDimension (power (alternating n) m))
    ]
    |> List.map (fun (route, reach, dimension) ->
        let cells =
            List.allPairs [ 1..6 ] [ 0..6 ]
            |> List.filter (fun (n, m) -> float n ** float m <= reach)

        route, cells, lazy Map [ for n, m in cells -> (n, m), dimension n m ])

let wrong what source cases holds =
    Claim.equals $"{what}: wrong of {List.length cases:N0}" (source, 0) (fun () ->
        use _ = torch.NewDisposeScope()
        cases |> List.filter (holds >> not) |> List.length)

// Laws. Entries are whole numbers or halves, which float64 does not round: equal means equal.
let hom =
    [
        for n, most in [ 2, 5; 3, 5; 4, 4 ] do
            for m in 0..most do
                for k in 0..m -> n, k, m - k
    ]

/// Each diagram with n or n - 1 blocks, with its X and J.
let jellyfish =
    [
        for n, k, l in hom do
            for d in Basis.diagrams (symmetric n) k l do
                if d.BlockCount >= n - 1 then
                    n, d, Functor.orbit n d, HeadFunctor.jellyfish n d
    ]

let rec permutations (items: int list) =
    match items with
    | [] -> [ [] ]
    | _ ->
        items
        |> List.collect (fun first -> [ for rest in permutations (List.except [ first ] items) -> first :: rest ])

let elements =
    dict
        [
            for n in 2..4 -> n, permutations [ 0 .. n - 1 ] |> List.map (Array.ofList >> Permutation.ofArray)
        ]

/// sigma(p) A = factor A rho(p).
let moves (n, d: Diagram) (a: LinearMap) (p: Permutation) (factor: float) =
    let act order =
        (power (symmetric n) order).Of(Group.ofPermutation p)

    (LinearMap.toMatrix (act d.TopCount * a)).Equals(LinearMap.toMatrix (factor * (a * act d.BottomCount)))

let isSigned (n, d, _, j) =
    elements[n]
    |> List.forall (fun p -> moves (n, d) j p (float (Permutation.sign p)))

/// X+ and X-, as matrices.
let halves (_, _, x: LinearMap, j: LinearMap) =
    LinearMap.toMatrix (0.5 * (x + j)), LinearMap.toMatrix (0.5 * (x - j))

let isSplit case =
    let plus, minus = halves case
    let isBinary (x: torch.Tensor) = (x.square ()).Equals x
    let n, d, (x: LinearMap), (j: LinearMap) = case

    isBinary plus
    && isBinary minus
    && plus.mul(minus).count_nonzero().item<int64>() = 0L
    && (plus.add minus).Equals(LinearMap.toMatrix x)
    && elements[n]
       |> List.filter (fun p -> Permutation.sign p = 1)
       |> List.forall (fun p -> moves (n, d) (0.5 * (x + j)) p 1.0 && moves (n, d) (0.5 * (x - j)) p 1.0)

let isOrthogonal (n, k, l) =
    let rows =
        torch.stack
            [|
                for map in Basis.orbit (alternating n) k l -> (LinearMap.toMatrix map).flatten()
            |]

    let gram = rows.matmul (rows.t ())

    gram.Equals(torch.diag (gram.diagonal ()))
    && gram.diagonal().min().item<float>() > 0.0

let entries (x: torch.Tensor) =
    x.flatten().data<float>().ToArray() |> List.ofArray

/// The X that do not split and the halves of those that do, against the orbits of A_n on the indices, found by moving indices.
let areOrbits (n, k, l) =
    let found =
        [
            for d in Basis.diagrams (symmetric n) k l do
                if d.BlockCount >= n - 1 then
                    let plus, minus = halves (n, d, Functor.orbit n d, HeadFunctor.jellyfish n d)
                    entries plus
                    entries minus
                else
                    entries (LinearMap.toMatrix (Functor.orbit n d))
        ]

    let orbitOf = PermutationGroup.Alternating(n).OrbitsOfTuples(k + l) |> List.ofArray

    let orbits =
        [
            for orbit in List.distinct orbitOf -> orbitOf |> List.map (fun other -> if other = orbit then 1.0 else 0.0)
        ]

    List.sort found = List.sort orbits

// Learning f(x) = (x_1 - x_2) (x_1 - x_3) (x_2 - x_3), a map of x (x) x (x) x to numbers that odd permutations turn into -f.
let f (x: torch.Tensor) =
    let at i = x.select (-1L, i)
    (at 0L).sub(at 1L).mul((at 0L).sub(at 2L)).mul((at 1L).sub(at 2L))

let cube (x: torch.Tensor) =
    torch.einsum ("bi,bj,bk->bijk", x, x, x)

let features (group: Group) x =
    Basis.spanning group 3 0 |> Array.map (fun map -> map.Apply(cube x))

let draw seed count =
    Seed.normal seed TensorKind.float64 [ int64 count; 3L ]

/// Every x in each of its six orders.
let symmetrised (x: torch.Tensor) =
    torch.cat
        [|
            for p in elements[3] -> x.index_select (-1L, torch.tensor (p.ToArray() |> Array.map int64))
        |]

/// What the layer fitted to x says of other points.
let fitted group (x: torch.Tensor) (other: torch.Tensor) =
    let c = Basis.coordinates (features group x) (f x)
    torch.einsum ("s,sb->b", c, torch.stack (features group other))

/// 1 - |error|^2 / |f - mean f|^2.
let r2 (predicted: torch.Tensor) (y: torch.Tensor) =
    let size (x: torch.Tensor) = x.square().sum().item<float>()
    1.0 - size (predicted.sub y) / size (y.sub (y.mean ()))

let ofSeed (measure: int -> float) seed =
    use _ = torch.NewDisposeScope()
    measure seed

let code =
    Experiment.run
        "040"
        "How Jellyfish Characterise Alternating Group Equivariant Neural Networks (2301.10152)"
        [
            for route, cells, found in routes do
                wrong $"dimension for A_n by {route}, n = 1..6, m = 0..6" (Paper "dimension") cells (fun (n, m) ->
                    found.Value[(n, m)] = dimensions[n - 1][m])
            wrong
                "A_n has S(m, n) + S(m, n-1) more than S_n"
                (Paper "dimension")
                (List.allPairs [ 2..6 ] [ 0..6 ])
                (fun (n, m) ->
                    bigint (dimensions[n - 1][m]) - Basis.dimension (symmetric n) m 0 =
                        SetPartition.stirling m n + SetPartition.stirling m (n - 1))
            Claim.equals "weights of a 2 -> 2 layer, A_5 and S_5" (Paper "dimension", (16, 15)) (fun () ->
                (Basis.spanning (alternating 5) 2 2).Length, (Basis.spanning (symmetric 5) 2 2).Length)
            wrong "sigma J rho^-1 = sgn J, for every permutation" (Paper "jellyfish") jellyfish isSigned
            wrong "X+ and X- are 0/1, disjoint, add to X, commute with A_n" (Paper "orbits") jellyfish isSplit
            wrong "X and J are orthogonal" (Paper "basis") hom isOrthogonal
            wrong "X, X+ and X- are the orbits of A_n on indices" (Paper "orbits") hom areOrbits
            Claim.holds "n = 3, m = 2: I, P and P^2, P a cycle: the circulants" (Paper "example") (fun () ->
                let identity = torch.eye (3L, dtype = torch.float64)
                let cycle = identity.roll (1L, 0L)

                let off =
                    jellyfish
                    |> List.find (fun (n, d, _, _) -> n = 3 && d.TopCount = 1 && d.BottomCount = 1)

                let plus, minus = halves off
                let expected = [ cycle; cycle.matmul cycle ] |> List.map entries |> List.sort
                let diagonal = Functor.orbit 3 (Diagram.identity 1)

                (LinearMap.toMatrix diagonal).Equals identity
                && List.sort [ entries plus; entries minus ] = expected)
            Claim.equals
                "n = 2: every matrix is allowed, m = 0..6"
                (Paper "example", [ 1; 2; 4; 8; 16; 32; 64 ])
                (fun () -> [ for m in 0..6 -> rank (Basis.orbit (alternating 2) (m / 2) (m - m / 2)) ])
            Claim.equals "weights of a 3 -> 0 layer, A_3 and S_3" (Paper "dimension", (9, 5)) (fun () ->
                (Basis.spanning (alternating 3) 3 0).Length, (Basis.spanning (symmetric 3) 3 0).Length)
            Claim.holds "f(x) is J of {0,1|2} at x (x) x (x) x, in int64" (Ours) (fun () ->
                let x =
                    torch.randint (-9L, 10L, [| 1000L; 3L |], torch.int64, generator = Seed.generator 1 torch.CPU)

                let j = HeadFunctor.jellyfish 3 (Diagram.ofBlocks 3 0 [ [ 0; 1 ]; [ 2 ] ])
                (j.Apply(cube x)).Equals(f x))
            Claim.overSeeds seeds (fun seed ->
                Claim.below
                    $"A_3 layer fitted to {count} samples of f: relative error on others"
                    (Ours, 1e-8)
                    (fun () ->
                        seed
                        |> ofSeed (fun seed ->
                            let other = draw (Seed.derive seed 1) count
                            Law.distance (fitted (alternating 3) (draw seed count) other) (f other))))
            Claim.overSeeds seeds (fun seed ->
                Claim.below $"S_3 layer fitted to {many:N0} samples of f: R^2 on them" (Ours, 0.01) (fun () ->
                    seed
                    |> ofSeed (fun seed -> let x = draw seed many in r2 (fitted (symmetric 3) x x) (f x))))
            Claim.overSeeds seeds (fun seed ->
                Claim.within
                    $"S_3 layer fitted to {count} samples in all six orders: R^2"
                    (Ours, 0.0, 1e-12)
                    (fun () ->
                        seed
                        |> ofSeed (fun seed ->
                            let x = symmetrised (draw seed count) in r2 (fitted (symmetric 3) x x) (f x))))
            Claim.holds "its normal equations: sum of feature times f is 0, in int64" (Ours) (fun () ->
                let x =
                    torch.randint (-9L, 10L, [| 100L; 3L |], torch.int64, generator = Seed.generator 2 torch.CPU)
                    |> symmetrised

                features (symmetric 3) x
                |> Array.forall (fun feature -> feature.mul(f x).sum().item<int64>() = 0L))
        ]

printfn "\nWeights from order k to order l, m = l + k: S_n's, A_n's, and the J between"

Report.table
    [ "n"; "group"; yield! [ for m in 0..6 -> $"m = {m}" ] ]
    [
        for n in 1..6 do
            let cells =
                [
                    for m in 0..6 -> int (Basis.dimension (symmetric n) m 0), dimensions[n - 1][m]
                ]

            [ string n; $"S_{n}"; yield! [ for s, _ in cells -> string s ] ]
            [ string n; $"A_{n}"; yield! [ for _, a in cells -> string a ] ]
            [ string n; "difference"; yield! [ for s, a in cells -> string (a - s) ] ]
    ]

let gap n m =
    dimensions[n - 1][m] - int (Basis.dimension (symmetric n) m 0)

Chart.AnnotatedHeatmap(
    zData =
        [
            for n in 1..6 -> [ for m in 0..6 -> float (gap n m) / float (dimensions[n - 1][m]) ]
        ],
    annotationText =
        [
            for n in 1..6 ->
                [
                    for m in 0..6 ->
                        if gap n m = 0 then
                            string (dimensions[n - 1][m])
                        else
                            $"{dimensions[n - 1][m] - gap n m} + {gap n m}"
                ]
        ],
    X = [ for m in 0..6 -> string m ],
    Y = [ for n in 1..6 -> $"A<sub>{n}</sub>" ],
    ColorScale = StyleParam.Colorscale.Custom [ 0.0, Color.fromString "white"; 1.0, Color.fromString "#56B4E9" ],
    ColorBar = ColorBar.init (Title = Title.init "share of J")
)
|> Figure.themed
    "A_n layers: weights of S_n + jellyfish (How Jellyfish Characterise Alternating Group Equivariant Neural Networks, 2301.10152)"
    "orders of output and input, l + k"
    "group"
|> Figure.save "040-weights"

let x, other = draw 1 count, draw 2 count

[
    "A<sub>3</sub> layer, 9 weights", alternating 3
    "S<sub>3</sub> layer, 5 weights", symmetric 3
]
|> List.map (fun (name, group) ->
    Chart.Point(Seq.zip ((f other).data<float>()) ((fitted group x other).data<float>()), Name = name))
|> Chart.combine
|> Figure.themed
    "Learning prod (x_i - x_j), i < j (How Jellyfish Characterise Alternating Group Equivariant Neural Networks, 2301.10152)"
    "f(x) of fresh x"
    "output of the fitted layer"
|> Figure.save "040-fit"

exit code
