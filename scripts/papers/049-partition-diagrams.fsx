#!/usr/bin/env -S dotnet fsi
// Connecting Permutation Equivariant Neural Networks and Partition Diagrams (2212.08648): a layer (R^n)^k -> (R^n)^l that commutes
// with S_n has B(l+k, n) weights, one for each diagram of l+k vertices with at most n blocks. Counted here by three routes; then the
// laws of the bases D (diagrams) and X (orbits), exactly; and a layer fitted at n = 5 that serves n = 9 with the same weights.
#load "../figures.fsx"

open Plotly.NET
open TorchSharp
open Ortho
open Ortho.Lab

let largest = Experiment.size 4096.0 300.0 // null spaces are found for n^m up to this
let steps, rate = 400, 0.1 // of Adam, with 64 fresh matrices a step
let seeds = Experiment.size [ 1; 2; 3 ] [ 1 ]

let group, power =
    Group.symmetric, fun n m -> Rep.permutation n |> Rep.tensorPower m

/// B(m, n), n = 1..6, m = l + k = 0..6. Only where n >= m is it the Bell number of m.
let dimensions =
    [
        [ 1; 1; 1; 1; 1; 1; 1 ]
        [ 1; 1; 2; 4; 8; 16; 32 ]
        [ 1; 1; 2; 5; 14; 41; 122 ]
        [ 1; 1; 2; 5; 15; 51; 187 ]
        [ 1; 1; 2; 5; 15; 52; 202 ]
        [ 1; 1; 2; 5; 15; 52; 203 ]
    ]

/// Name, the (n, m) within reach, and for each what the route gives and in how many seconds.
let routes =
    [
        "Stirling sum", infinity, (fun n m -> int (Basis.dimension (group n) m 0))
        "McKay walks", infinity, (fun n m -> int (McKay.walks n m))
        "null space", largest, (fun n m -> Rep.invariantDimension (power n m))
    ]
    |> List.map (fun (name, reach, count) ->
        let cells =
            List.allPairs [ 1..6 ] [ 0..6 ]
            |> List.filter (fun (n, m) -> float n ** float m <= reach)

        let timed (n, m) =
            (n, m), Timing.least 0.005 (fun () -> count n m)

        let table () =
            count 3 3 |> ignore // the first call is compiled
            cells |> List.map timed |> Map

        name, cells, Lazy<_>.Create table)

// Laws, for every n, k and l up to a bound. D has integer entries and acts on int64. X is made with float coefficients, so its matrix is
// float64; those and their sums are small integers, which float64 does not round: there too, equal means equal.
let hom = List.allPairs [ 1..4 ] (List.allPairs [ 0..2 ] [ 0..2 ])

let entries (dtype: torch.ScalarType) map =
    map |> LinearMap.on (TensorKind.cpu dtype) |> LinearMap.toMatrix

let law what source cases holds =
    Claim.equals $"{what}: wrong of {List.length cases:N0}" (source, 0) (fun () ->
        use _ = torch.NewDisposeScope()
        cases |> List.filter (holds >> not) |> List.length)

/// rho_l(g) A = A rho_k(g) for the generators g of S_n and every A of a basis.
let commutes dtype basis (n, (k, l)) =
    Array.allPairs (Group.generators (group n)) (basis (group n) k l)
    |> Array.forall (fun (g, a: LinearMap) ->
        (entries dtype ((power n l).Of g * a)).Equals(entries dtype (a * (power n k).Of g)))

let orbits (n, (k, l)) =
    torch.stack [| for x in Basis.orbit (group n) k l -> (entries torch.float64 x).flatten() |]

/// n!/(n-t)! for the t blocks of each diagram.
let squares (n, (k, l)) =
    Basis.diagrams (group n) k l |> Array.map (OrbitBasis.normSquared n >> float)

let products =
    List.allPairs hom [ 0..2 ]
    |> List.collect (fun ((n, (k, l)), top) ->
        [
            for d1 in Diagram.enumerate k l do
                for d2 in Diagram.enumerate l top -> n, d2, d1
        ])

let multiplies (n, d2, d1) =
    let product, map = Diagram.compose d2 d1, Functor.diagram n
    let power = torch.tensor (pown (int64 n) product.Removed)
    (entries torch.int64 (map d2 * map d1)).Equals((entries torch.int64 (map product.Diagram)).mul power)

let diagrams =
    List.allPairs [ 1..6 ] [ 0..6 ]
    |> List.collect (fun (n, m) -> [ for d in Diagram.enumerateAtMost n m 0 -> n, d ])

let alone d = [| { Diagram = d; Coefficient = 1I } |]

/// But for d itself, only coarser diagrams: of fewer blocks.
let triangular (n, d: Diagram) =
    let isFine (term: DiagramTerm) = term.Diagram.BlockCount >= d.BlockCount

    [ OrbitBasis.toDiagrams d; OrbitBasis.ofDiagram n d ]
    |> List.forall (fun terms -> Array.filter isFine terms = alone d)

let returns (n, d) =
    let toX, toD =
        OrbitBasis.extend (OrbitBasis.ofDiagram n), OrbitBasis.extend OrbitBasis.toDiagrams

    toD (toX (alone d)) = alone d && toX (toD (alone d)) = alone d

// What a naive layer gets wrong where n is small: a weight for each diagram, though their matrices depend on each other.
let naive =
    [
        for n in 1..6 -> group n, (fun m -> Diagram.enumerate 0 m |> Array.map (Functor.diagram n))
        for other in
            [
                for n in 2..4 -> Group.orthogonal n
                for n in [ 2; 4 ] -> Group.symplectic n
                for n in 2..4 -> Group.specialOrthogonal n
            ] -> other, Basis.spanning other 0
    ]

/// The groups and orders for which their matrices are made: n^m entries each.
let within =
    List.allPairs naive [ 0..6 ]
    |> List.filter (fun ((group, _), m) -> float group.Dimension ** float m <= largest)

let rank (maps: LinearMap[]) =
    if maps.Length = 0 then
        0L
    else
        let vectors = [| for map in maps -> (entries torch.float64 map).flatten() |]
        (torch.linalg.matrix_rank (torch.stack vectors)).item<int64>()

// Learning A -> A + A^T + diag (A 1) from random 5 x 5 matrices A, by a layer of 15 weights and 2 biases in float64.
let target (a: torch.Tensor) =
    a.add(a.mT).add(torch.diag_embed (a.sum -1L))

let draw seed n =
    Seed.normal seed TensorKind.float64 [ 64L; int64 n; int64 n ]

let layer seed n =
    let layer = new EquivariantLayer(seed, group n, 2, 1, 2, 1)
    layer.``to`` torch.float64 |> ignore
    layer

let predict (layer: EquivariantLayer) (a: torch.Tensor) =
    layer.forward(a.unsqueeze -1L).squeeze -1L

/// By least squares: what the layer gives when one weight or bias is 1 and the others are 0.
let fitted () =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let a, layer = draw 1 5, layer 0 5
    let parameters = [| for p in layer.parameters () -> p.flatten () |] // views

    let fill (values: torch.Tensor) =
        for p, part in Array.zip parameters (values.split (parameters |> Array.map _.numel())) do
            p.copy_ part |> ignore

    let units = torch.eye (parameters |> Array.sumBy _.numel(), dtype = torch.float64)

    let images =
        [|
            for unit in units.unbind 0 ->
                fill unit
                predict layer a
        |]

    fill (Basis.coordinates images (target a))
    layer

/// By Adam.
let trained seed =
    let layer = layer seed 5
    use adam = torch.optim.Adam(layer.parameters (), lr = rate)

    for step in 1..steps do
        use _ = torch.NewDisposeScope()
        let a = draw (Seed.derive seed step) 5
        adam.zero_grad ()
        torch.nn.functional.mse_loss(predict layer a, target a).backward()
        adam.step () |> ignore

    layer

/// The relative error on fresh n x n matrices, with the weights of the layer in a layer for n.
let errorAt n (learned: EquivariantLayer) =
    use _ = torch.NewDisposeScope()
    let other, a = layer 0 n, draw 99 n
    other.load_state_dict (learned.state_dict ()) |> ignore
    Law.distance (predict other a) (target a)

let weights (layer: torch.nn.Module) =
    layer.parameters () |> Seq.map (fun p -> int (p.numel ())) |> List.ofSeq

let code =
    Experiment.run
        "049"
        "Connecting Permutation Equivariant Neural Networks and Partition Diagrams (2212.08648)"
        [
            for name, cells, table in routes do
                law $"B(m, n) by {name}, n = 1..6, m = 0..6" (Paper "dimension") cells (fun (n, m) ->
                    table.Value[(n, m)].Value = dimensions[n - 1][m])
            Claim.equals "weights of a 2->2 layer, n = 2..6" (Paper "dimension", [ 8; 14; 15; 15; 15 ]) (fun () ->
                [ for n in 2..6 -> (weights (layer 0 n)).Head ])
            law "<X, Y> = 0 and |X|^2 = n!/(n-t)!" (Paper "orbit basis") hom (fun at ->
                let x = orbits at
                (x.matmul (x.t ())).Equals(torch.diag (torch.tensor (squares at))))
            law "the X sum to the all-ones matrix" (Paper "orbit basis") hom (fun at ->
                let sum = (orbits at).sum 0L
                sum.Equals(torch.ones_like sum))
            law "D and X are unitriangular in each other" (Paper "orbit basis") diagrams triangular
            law "D to X to D and X to D to X change nothing" (Paper "orbit basis") diagrams returns
            law "D_d2 D_d1 = n^c D_(d2 d1) in int64" (Paper "product") products multiplies
            law
                "rank of all Bell(m) D, of all E, F, E and H: dim Hom"
                (Paper "dimension")
                within
                (fun ((group, maps), m) -> bigint (rank (maps m)) = Basis.dimension group 0 m)
            Claim.equals
                "surplus weights of a naive 2->2 layer, n = 1..6"
                (Paper "dimension", [ 14; 7; 1; 0; 0; 0 ])
                (fun () -> [ for _, maps in naive[..5] -> (maps 4).Length - int (rank (maps 4)) ])
            law "D commutes with S_n, in int64" (Paper "equivariance") hom (commutes torch.int64 Basis.diagram)
            law "X commutes with S_n" (Paper "equivariance") hom (commutes torch.float64 Basis.orbit)
            Claim.holds "1->1 is Deep Sets: the two D are I and 11^T" (Paper "Deep Sets") (fun () ->
                let one = torch.ones (5L, 5L, dtype = torch.int64)
                let eye = torch.eye (5L, dtype = torch.int64)
                let d = Basis.diagram (group 5) 1 1 |> Array.map (entries torch.int64)
                d.Length = 2 && d[0].Equals eye && d[1].Equals one)
            Claim.equals
                "weights, biases of the 2->2 layer at n = 5, 9"
                (Paper "dimension", [ 15; 2; 15; 2 ])
                (fun () -> weights (layer 0 5) @ weights (layer 0 9))
            for n in [ 5; 9 ] do
                Claim.below
                    $"A + A^T + diag(A1), least squares at n = 5: relative error at n = {n}"
                    (Ours, 1e-8)
                    (fun () -> errorAt n (fitted ()))
            Claim.overSeeds seeds (fun seed ->
                Claim.below $"the same, {steps} steps of Adam at n = 5: at n = 5 and 9" (Ours, 1e-6) (fun () ->
                    let layer = trained seed
                    max (errorAt 5 layer) (errorAt 9 layer)))
            Claim.equals "weights of a dense layer at n = 5, 9: none can be shared" (Ours, [ 625; 6561 ]) (fun () ->
                [ 25L; 81L ]
                |> List.map (fun size -> (weights (torch.nn.Linear(size, size, hasBias = false))).Head))
        ]

printfn "\nB(m, n) by three routes, and the seconds that a row takes"

Report.table
    [ "n"; "route"; yield! [ for m in 0..6 -> $"m = {m}" ]; "seconds" ]
    [
        for n in 1..6 do
            for name, _, cells in routes do
                let row = [ for m in 0..6 -> cells.Value.TryFind((n, m)) ]

                let text =
                    row
                    |> List.map (Option.map (fun cell -> string cell.Value) >> Option.defaultValue "")

                [
                    string n
                    name
                    yield! text
                    Report.number (row |> List.choose id |> List.sumBy _.Seconds)
                ]
    ]

printfn "\nA weight for each diagram: 203 = 122 + 81 are 122 independent ones and 81 too many"

Report.table
    [ "group"; yield! [ for m in 0..6 -> $"m = {m}" ] ]
    [
        for group, maps in naive do
            [
                yield string group

                for m in 0..6 do
                    let count, independent = bigint (maps m).Length, Basis.dimension group 0 m

                    if count = independent then
                        yield string count
                    else
                        yield $"{count} = {independent} + {count - independent}"
            ]
    ]

Diagram.enumerate 2 2
|> Array.sortBy _.BlockCount
|> Array.map (fun d -> string d.Partition, d)
|> DiagramPicture.grid 5
|> Figure.titled "The 15 diagrams 2 -> 2, fewest blocks first: for n, those of at most n blocks (2212.08648)"
|> Figure.save "049-diagrams"

routes
|> List.map (fun (name, _, cells) ->
    let times = cells.Value |> Map.toList |> List.filter (fun ((n, _), _) -> n = 4)
    Chart.Line([ for (_, m), cell in times -> m, cell.Seconds ], Name = name, ShowMarkers = true))
|> Chart.combine
|> Figure.themed
    "Counting the weights of an S<sub>4</sub>-equivariant layer (2212.08648)"
    "orders of output and input, l + k"
    "time (s)"
|> Figure.logarithmicY
|> Figure.save "049-three-routes"

exit code
