#!/usr/bin/env -S dotnet fsi
// Categorification of Group Equivariant Neural Networks (2304.14144): diagrams are a category, and taking a diagram to its matrix is a
// functor, for S_n, O(n), Sp(n) and SO(n). Every law is checked on every pair of diagrams with few vertices a row, exactly. For Sp(n)
// the plain matrices F miss it in 108 of 360 products, each by a sign; with the sign (-1)^(crossings + cups) none is missed.
#load "../figures.fsx"

open System.Collections.Generic
open Plotly.NET
open Plotly.NET.LayoutObjects
open TorchSharp
open Ortho
open Ortho.Lab

/// Diagrams with a matrix for each n, and what a product of two matrices should be.
type Functor =
    {
        Name: string
        Loop: string // what a removed component counts
        Most: int // vertices a row
        Sizes: int list // n
        Group: int -> Group
        Diagrams: int -> int -> int -> Diagram[] // by n, k, l
        Map: int -> Diagram -> LinearMap
        Product: int -> Diagram -> Diagram -> DiagramTerm[]
        Transpose: int -> Diagram -> int // the sign between the transpose and the matrix of the flipped diagram
        Trace: int -> Diagram -> bigint
    }

let list (numbers: int list) = System.String.Join(", ", numbers)

let power (x: int) (exponent: int) = bigint.Pow(bigint x, exponent)
let components (d: Diagram) = (Diagram.closure d).BlockCount
let sign exponent = if exponent % 2 = 0 then 1 else -1

let loops factor (d2: Diagram) (d1: Diagram) =
    let product = Diagram.compose d2 d1

    [|
        {
            Diagram = product.Diagram
            Coefficient = power factor product.Removed
        }
    |]

let partitions =
    {
        Name = "S_n, D"
        Loop = "n"
        Most = Experiment.size 3 2
        Sizes = Experiment.size [ 1..4 ] [ 1..3 ]
        Group = Group.symmetric
        Diagrams = fun _ -> Diagram.enumerate
        Map = Functor.diagram
        Product = loops
        Transpose = fun _ _ -> 1
        Trace = fun n d -> power n (components d)
    }

let orthogonal =
    { partitions with
        Name = "O(n), E"
        Most = 3
        Sizes = [ 1..4 ]
        Group = Group.orthogonal
        Diagrams = fun _ -> Brauer.enumerate 0
    }

let raw =
    { orthogonal with
        Name = "Sp(n), raw F"
        Sizes = [ 2; 4 ]
        Group = Group.symplectic
        Map = SymplecticFunctor.raw
        // Closing a pair inside a row keeps its sign, so the trace is the signed functor's but for that sign.
        Trace =
            fun n d ->
                bigint (Brauer.sign d)
                * power -1 (d.TopCount + components d)
                * power n (components d)
    }

let signed =
    { raw with
        Name = "Sp(n), signed F"
        Loop = "(-n)"
        Map = SymplecticFunctor.signed
        Product = fun n -> loops -n
        Transpose = fun _ d -> sign (Brauer.caps d + Brauer.cups d)
        Trace = fun n d -> power -1 d.TopCount * power -n (components d)
    }

/// Free vertices above, where d is one of those with a head.
let above (d: Diagram) =
    Brauer.freeVertices d |> Array.filter (fun v -> v < d.TopCount) |> Array.length

let rotations =
    { orthogonal with
        Name = "SO(n), E and H"
        Sizes = Experiment.size [ 2..4 ] [ 2; 3 ]
        Group = Group.specialOrthogonal
        Diagrams = fun n k l -> Array.append (Brauer.enumerate 0 k l) (Brauer.enumerate n k l)
        Map =
            fun n d ->
                if Brauer.isBrauer 0 d then
                    Functor.diagram n d
                else
                    HeadFunctor.determinant n d
        Product = Brauer.product
        Transpose =
            fun n d ->
                if Brauer.isBrauer 0 d then
                    1
                else
                    sign (above d * (n - above d))
    }

let orbits =
    { partitions with
        Name = "S_n, orbit basis X"
        Map = Functor.orbit
        Product = OrbitBasis.product
    }

let functors = [ partitions; orthogonal; signed; rotations ]

// Matrices have small integer entries; those, their products and sums are exact in float64, so equal means equal.
let cache = Dictionary<string * int * Diagram, torch.Tensor>()

let matrix (f: Functor) n d =
    match cache.TryGetValue((f.Name, n, d)) with
    | true, known -> known
    | _ ->
        use _ = torch.NewDisposeScope()
        let made = f.Map n d |> LinearMap.on TensorKind.float64 |> LinearMap.toMatrix
        cache[(f.Name, n, d)] <- made.contiguous().DetachFromDisposeScope()
        cache[(f.Name, n, d)]

/// The matrices of diagrams from k to l, flat: a row for each; none where there is no diagram.
let stack (f: Functor) n (k, l) (diagrams: Diagram[]) =
    let size = pown (int64 n) (k + l)

    torch.cat
        [|
            yield torch.zeros (0L, size, dtype = torch.float64)
            for d in diagrams -> (matrix f n d).reshape(1L, size)
        |]

let hom (f: Functor) =
    List.allPairs [ 0 .. f.Most ] [ 0 .. f.Most ]

/// 1 if the product of two matrices is as it should be, -1 if it is off by a sign only, else 0.
type Outcome =
    {
        Later: Diagram
        First: Diagram
        Sign: int
    }

let outcomes (f: Functor) n =
    [
        for (k, l), top in List.allPairs (hom f) [ 0 .. f.Most ] do
            let first, later, results = f.Diagrams n k l, f.Diagrams n l top, f.Diagrams n k top

            if first.Length > 0 && later.Length > 0 then
                use _ = torch.NewDisposeScope()
                let index = results |> Array.mapi (fun i d -> d, i) |> dict
                let side i = pown (int64 n) i
                let b = (stack f n (k, l) first).reshape(first.LongLength, side l, side k)
                let basis = stack f n (k, top) results

                for d2 in later do
                    use _ = torch.NewDisposeScope()
                    let weights = Array.zeroCreate<float>(first.Length * results.Length)

                    first
                    |> Array.iteri (fun row d1 ->
                        for term in f.Product n d2 d1 do
                            let at = row * results.Length + index[term.Diagram]
                            weights[at] <- weights[at] + float term.Coefficient)

                    let combination =
                        torch.tensor(weights).reshape(first.LongLength, results.LongLength).matmul basis

                    let product = (matrix f n d2).matmul(b).flatten 1L

                    let same (x: torch.Tensor) =
                        product.eq(x).all(1L).data<bool>().ToArray()

                    let exact, opposite = same combination, same (combination.neg ())

                    for i in 0 .. first.Length - 1 do
                        {
                            Later = d2
                            First = first[i]
                            Sign =
                                if exact[i] then 1
                                elif opposite[i] then -1
                                else 0
                        }
    ]

let tables =
    [
        for f in functors @ [ orbits; raw ] -> f.Name, Lazy<_>.Create(fun () -> [ for n in f.Sizes -> n, outcomes f n ])
    ]
    |> Map

let byN (f: Functor) count =
    [
        for _, found in tables[f.Name].Value -> found |> List.filter count |> List.length
    ]

let all (f: Functor) =
    [
        for n in f.Sizes do
            for k, l in hom f do
                for d in f.Diagrams n k l -> n, d
    ]

/// Two diagrams that stand side by side with at most so many vertices a row. Of two with heads the product is no basis element.
let sideBySide (f: Functor) =
    [
        for n in f.Sizes do
            for (k, l), (k', l') in List.allPairs (hom f) (hom f) do
                if k + k' <= f.Most && l + l' <= f.Most then
                    for d in f.Diagrams n k l do
                        for d' in f.Diagrams n k' l' do
                            if f.Name <> rotations.Name || Brauer.isBrauer 0 d || Brauer.isBrauer 0 d' then
                                n, d, d'
    ]

let equal (x: torch.Tensor) (y: torch.Tensor) =
    x.shape = y.shape && x.contiguous().Equals(y.contiguous ())

// Not torch.kron, which refuses some rows and columns.
let kron (a: torch.Tensor) (b: torch.Tensor) =
    torch.einsum("ij,kl->ikjl", a, b).reshape(a.size 0 * b.size 0, a.size 1 * b.size 1)

let times (factor: bigint) (x: torch.Tensor) = x.mul (torch.tensor (float factor))

/// One claim for several functors: how many of their cases break the law.
let law what (fs: Functor list) (cases: Functor -> 'case list) (holds: Functor -> 'case -> bool) =
    let cases = [ for f in fs -> f, cases f ]
    let names = fs |> List.map _.Name |> String.concat "; "
    let size = cases |> List.sumBy (snd >> List.length)

    Claim.equals $"{what} ({names}): wrong of {size:N0}" (Paper "A5", 0) (fun () ->
        use _ = torch.NewDisposeScope()

        cases
        |> List.sumBy (fun (f, cases) -> cases |> List.filter (holds f >> not) |> List.length))

/// k vertices pass over k' others.
let braid k k' =
    Diagram.ofPermutation (Permutation.ofArray [| for j in 0 .. k + k' - 1 -> if j < k then k' + j else j - k |])

let cap, cup, one =
    Diagram.ofBlocks 2 0 [ [ 0; 1 ] ], Diagram.ofBlocks 0 2 [ [ 0; 1 ] ], Diagram.identity 1

/// (cap (x) 1)(1 (x) cup) and its mirror image, from the matrices of cap and cup: the factor before the identity.
let snakes (f: Functor) n =
    let unit = torch.eye (int64 n, dtype = torch.float64)
    let cap, cup = matrix f n cap, matrix f n cup
    let left = (kron cap unit).matmul(kron unit cup)
    let right = (kron unit cap).matmul(kron cup unit)

    [
        for snake in [ left; right ] ->
            if equal snake unit then 1
            elif equal snake (unit.neg ()) then -1
            else 0
    ]

/// Quadruples a, b, c, d with a c and b d composable.
let quadruples =
    let most = Experiment.size 2 1
    let rows = [ 0..most ]

    let pairs =
        [
            for (k, l), top in List.allPairs (List.allPairs rows rows) rows do
                for first in Diagram.enumerate k l do
                    for later in Diagram.enumerate l top -> later, first
        ]

    most, pairs

let interchange () =
    let pairs = snd quadruples
    let mutable wrong = 0

    for a, c in pairs do
        let ac = Diagram.compose a c

        for b, d in pairs do
            let bd = Diagram.compose b d
            let both = Diagram.compose (Diagram.tensor a b) (Diagram.tensor c d)

            if
                both.Diagram <> Diagram.tensor ac.Diagram bd.Diagram
                || both.Removed <> ac.Removed + bd.Removed
            then
                wrong <- wrong + 1

    wrong

/// The number of diagrams of m vertices, and the rank of their matrices.
let rank (f: Functor) n m =
    let diagrams = f.Diagrams n 0 m
    let rank = torch.linalg.matrix_rank (stack f n (0, m) diagrams)
    diagrams.Length, int (rank.item<int64>())

/// Where the functor is faithful, by A3.
let isFaithful (f: Functor) n m =
    if f.Name = partitions.Name then
        n >= m
    elif f.Name = signed.Name then
        m % 2 = 1 || n >= m
    else
        (m % 2 = 1 || 2 * n >= m)
        && (f.Name = orthogonal.Name || m <= n || (m - n) % 2 = 1)

let pairs = Experiment.size 81711 564

let code =
    Experiment.run
        "129"
        "Categorification of Group Equivariant Neural Networks (2304.14144)"
        [
            Claim.equals
                $"composable pairs of partition diagrams, <= {partitions.Most} vertices a row, for each n"
                (Paper "functor", [ for _ in partitions.Sizes -> pairs ])
                (fun () -> byN partitions (fun _ -> true))
            Claim.equals
                "composable pairs of Brauer diagrams, <= 3 a row"
                (Paper "functor", [ for _ in 1..4 -> 360 ])
                (fun () -> byN orthogonal (fun _ -> true))
            for f in functors @ [ orbits ] do
                let rule =
                    if f.Name = rotations.Name || f.Name = orbits.Name then
                        "product as a combination"
                    else
                        $"{f.Loop}^c D_(d2 d1)"

                Claim.equals
                    $"{f.Name}: products that miss the {rule}, n = {list f.Sizes}, <= {f.Most} a row"
                    (Paper "functor", [ for _ in f.Sizes -> 0 ])
                    (fun () -> byN f (fun outcome -> outcome.Sign <> 1))
            Claim.equals "Sp(n), raw F: products that miss n^c F, n = 2, 4" (Paper "raw F", [ 108; 108 ]) (fun () ->
                byN raw (fun outcome -> outcome.Sign <> 1))
            Claim.equals "... of them off by a sign only" (Paper "raw F", [ 108; 108 ]) (fun () ->
                byN raw (fun outcome -> outcome.Sign = -1))
            law "D_(d (x) d') = kron (D_d, D_d')" (raw :: functors) sideBySide (fun f (n, d, d') ->
                equal (matrix f n (Diagram.tensor d d')) (kron (matrix f n d) (matrix f n d')))
            law "the transpose is that of the flipped diagram, with its sign" (raw :: functors) all (fun f (n, d) ->
                let flipped = matrix f n (Diagram.adjoint d)
                equal ((matrix f n d).t()) (times (bigint (f.Transpose n d)) flipped))
            law "identity" (raw :: functors) (fun f -> List.allPairs f.Sizes [ 0 .. f.Most ]) (fun f (n, k) ->
                equal (matrix f n (Diagram.identity k)) (torch.eye (pown (int64 n) k, dtype = torch.float64)))
            law "the braiding is natural" functors sideBySide (fun f (n, d, d') ->
                let over k k' = matrix f n (braid k k')
                let kron a b = kron (matrix f n a) (matrix f n b)
                let after = (over d.TopCount d'.TopCount).matmul(kron d d')
                equal after ((kron d' d).matmul(over d.BottomCount d'.BottomCount)))
            law
                "the trace counts the components of the closed diagram"
                [ partitions; orthogonal; signed; raw ]
                (all >> List.filter (fun (_, d) -> d.TopCount = d.BottomCount))
                (fun f (n, d) -> (matrix f n d).trace().item<float>() = float (f.Trace n d))
            law "(d*)* = d" [ partitions ] all (fun _ (_, d) -> Diagram.adjoint (Diagram.adjoint d) = d)
            Claim.equals
                $"interchange (a (x) b)(c (x) d) = ac (x) bd, <= {fst quadruples} a row: wrong of {pown (snd quadruples).Length 2:N0}"
                (Paper "A5", 0)
                interchange
            Claim.holds "the snake straightens, as a diagram" (Paper "A5") (fun () ->
                let snake = Diagram.compose (Diagram.tensor cap one) (Diagram.tensor one cup)
                snake.Diagram = one && snake.Removed = 0)
            for f, expected in [ partitions, 1; orthogonal, 1; signed, 1; raw, -1 ] do
                Claim.equals
                    $"{f.Name}: both snakes are {expected} times the identity, n = {list f.Sizes}"
                    (Paper "A5", [ for _ in f.Sizes -> [ expected; expected ] ])
                    (fun () -> f.Sizes |> List.map (snakes f))
            law
                "full: rank = dim Hom; faithful exactly where A3 says"
                functors
                (fun f -> List.allPairs f.Sizes [ 0 .. 2 * f.Most ])
                (fun f (n, m) ->
                    let count, rank = rank f n m

                    bigint rank = Basis.dimension (f.Group n) 0 m
                    && (rank = count) = isFaithful f n m)
            Claim.below
                "all commute with their groups, <= 2 a row, n = 2: worst residual"
                (Paper "A5", 1e-10)
                (fun () ->
                    [
                        for f in functors do
                            let rep k =
                                Rep.tensorPower k (Rep.vector (f.Group 2))

                            for k, l in List.allPairs [ 0..2 ] [ 0..2 ] do
                                for d in f.Diagrams 2 k l -> f.Map 2 d |> Rep.equivariance 1 2 (rep k, rep l)
                    ]
                    |> List.reduce max)
        ]

printfn "\nProducts of two matrices against what their diagrams say"

Report.table
    [ "functor"; "n"; "products"; "exact"; "off by a sign"; "otherwise wrong" ]
    [
        for f in functors @ [ orbits; raw ] do
            for n, found in tables[f.Name].Value do
                let count sign =
                    found
                    |> List.filter (fun outcome -> outcome.Sign = sign)
                    |> List.length
                    |> string

                [ f.Name; string n; string found.Length; count 1; count -1; count 0 ]
    ]

// All 360 products of the raw F at n = 2.
let found = tables[raw.Name].Value |> List.head |> snd


/// By the row that is glued first, so that what can be multiplied stands in four blocks.
let sorted glued =
    hom raw
    |> List.collect (fun (k, l) -> raw.Diagrams 2 k l |> List.ofArray)
    |> List.sortBy (fun (d: Diagram) -> glued d)

let first, later = sorted _.TopCount, sorted _.BottomCount

let numbered diagrams =
    diagrams |> List.mapi (fun i d -> d, i) |> dict

let row, column = numbered later, numbered first
let cells = Array2D.create later.Length first.Length nan

for outcome in found do
    cells[row[outcome.Later], column[outcome.First]] <- if outcome.Sign = 1 then 1.0 else 0.0

let small = LinearAxis.init (TickFont = Font.init (Size = 9.5), DTick = 1)

Chart.Heatmap(
    zData = [ for i in 0 .. later.Length - 1 -> cells[i, *] ],
    X = List.map string first,
    Y = List.map string later,
    ColorScale = StyleParam.Colorscale.Custom [ 0.0, Color.fromString "#D55E00"; 1.0, Color.fromString "#0072B2" ],
    ShowScale = false,
    XGap = 1,
    YGap = 1
)
|> Figure.themed
    "Products F<sub>later</sub>F<sub>first</sub> of Sp(2) (2304.14144): n<sup>c</sup>F in blue, -n<sup>c</sup>F in orange (108 of 360)"
    "first diagram, (bottom, top) {pairs}"
    "later diagram"
|> Chart.withXAxis small
|> Chart.withYAxis small
|> Chart.withYAxisStyle (MinMax = (27.5, -0.5))
|> Chart.withSize (700, 700)
|> Figure.save "129-signs"

[
    "first: 1 and a cup", Diagram.tensor one cup
    "later: a cap and 1", Diagram.tensor cap one
    "their product: D gives 1, raw F -1, signed F 1", one
    "a swap: raw F 1, signed F -1 times the exchange", braid 1 1
]
|> DiagramPicture.grid 4
|> Figure.titled "The snake, whose sign the symplectic functor must repair (2304.14144)"
|> Figure.save "129-snake"

exit code
