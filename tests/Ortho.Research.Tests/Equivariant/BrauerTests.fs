/// Brauer and (l+k)\n-diagrams, their products, and the maps of O(n), Sp(n), SO(n), A_n: exactly, against dense matrices by definition.
module Ortho.Tests.BrauerTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// The values of the vertices at a multi-index, the leftmost slowest.
let private digits (n: int) (length: int) (index: int) =
    Array.init length (fun i -> index / pown n (length - 1 - i) % n)

/// A matrix by its entry at the values of all vertices.
let private byEntry (n: int) (d: Diagram) (entry: int[] -> int64) =
    let rows, columns = pown n d.TopCount, pown n d.BottomCount

    torch
        .tensor(
            Array.init (rows * columns) (fun i ->
                Array.append (digits n d.TopCount (i / columns)) (digits n d.BottomCount (i % columns))
                |> entry)
        )
        .reshape(int64 rows, int64 columns)

let private pairs (d: Diagram) =
    d.Partition.Blocks |> Array.filter (fun block -> block.Length = 2)

/// The sign of a word as a permutation of its sorted letters, 0 if one repeats.
let private sign (word: int[]) =
    if (Array.distinct word).Length < word.Length then
        0L
    else
        Seq.allPairs [ 0 .. word.Length - 1 ] [ 0 .. word.Length - 1 ]
        |> Seq.filter (fun (i, j) -> i < j && word[i] > word[j])
        |> Seq.length
        |> fun inversions -> if inversions % 2 = 0 then 1L else -1L

let private epsilon a b =
    if a / 2 <> b / 2 then 0L else int64 (b - a)

let private symplectic (n: int) (d: Diagram) =
    byEntry n d (fun values ->
        pairs d
        |> Array.map (fun pair ->
            let a, b = values[pair[0]], values[pair[1]]

            if (pair[0] < d.TopCount) = (pair[1] < d.TopCount) then
                epsilon a b
            elif a = b then
                1L
            else
                0L)
        |> Array.fold (*) 1L)

let private determinant (n: int) (d: Diagram) =
    byEntry n d (fun values ->
        if pairs d |> Array.forall (fun pair -> values[pair[0]] = values[pair[1]]) then
            Brauer.freeVertices d |> Array.map (fun v -> values[v]) |> sign
        else
            0L)

let private jellyfish (n: int) (d: Diagram) =
    byEntry n d (fun values ->
        let blocks = d.Partition.Blocks

        if
            blocks
            |> Array.exists (fun block -> block |> Array.exists (fun v -> values[v] <> values[block[0]]))
        then
            0L
        else
            let word = blocks |> Array.map (fun block -> values[block[0]])
            sign (Array.append word (Array.except word [| 0 .. n - 1 |])))

let private exactly (map: LinearMap) =
    let columns = map.Domain.Size

    let units =
        torch.eye(columns, dtype = torch.int64).reshape(Array.append [| columns |] (Seq.toArray map.Domain.Shape))

    (map.Apply units).reshape(columns, map.Codomain.Size).t().contiguous()

let private same (a: torch.Tensor) (b: torch.Tensor) =
    a.shape = b.shape && a.contiguous().Equals(b.contiguous ())

/// A diagram of k bottom and l top vertices whose blocks are pairs but for `free` of one: any, uniformly.
let private random (seed: int) (free: int) (k: int) (l: int) =
    let order = [| 0 .. l + k - 1 |]
    Random(seed).Shuffle order

    Diagram.ofBlocks
        k
        l
        [
            for v in order[.. free - 1] -> [ v ]
            for pair in Array.chunkBySize 2 order[free..] -> List.ofArray pair
        ]

/// Rows (k, l) with m = k + l of the parity of `free` and at least `free`, at most `most`.
let private rows (seed: int) (free: int) (most: int) =
    let random = Random seed
    let choices = [| for m in free..2..most -> m |]
    let m = choices[random.Next choices.Length]
    let k = random.Next(m + 1)
    k, m - k

let private law name (holds: Case -> bool) =
    Property.check Property.config name (fun case -> holds case |> Prop.label name)

let private times (factor: bigint) (x: torch.Tensor) = x.mul (torch.tensor (int64 factor))

let private combination (n: int) (map: int -> Diagram -> LinearMap) (terms: DiagramTerm[]) (like: torch.Tensor) =
    (torch.zeros_like like, terms)
    ||> Array.fold (fun sum term -> sum + times term.Coefficient (exactly (map n term.Diagram)))

/// H or E, by whether there are free vertices.
let private special (n: int) (d: Diagram) =
    if Brauer.isBrauer 0 d then
        Functor.diagram n d
    else
        HeadFunctor.determinant n d

let private counts =
    testCase "there are C(m, free) (m - free - 1)!! diagrams, each once" (fun () ->
        for free in 0..4 do
            for k in 0..4 do
                for l in 0..3 do
                    let found = Brauer.enumerate free k l
                    Expect.equal (bigint found.Length) (Brauer.count free k l) $"{free} {k} {l}"
                    Expect.equal (Array.distinct found).Length found.Length "each once"
                    Expect.all found (Brauer.isBrauer free) "of the kind asked for"

        Expect.equal ([ 0; 2; 4; 6; 8; 10 ] |> List.map (Brauer.count 0 0)) [ 1I; 1I; 3I; 15I; 105I; 945I ] "m!!"
        Expect.equal (Brauer.count 0 3 2) 0I "odd"
        Expect.equal (Brauer.count 3 3 2) 10I "SO(3), 3 -> 2")

let private chords =
    testCase "crossings, cups and signs of small diagrams" (fun () ->
        let d k l blocks = Diagram.ofBlocks k l blocks
        let crossing = d 2 2 [ [ 0; 3 ]; [ 1; 2 ] ]
        Expect.equal (Brauer.crossings crossing, Brauer.sign crossing) (1, -1) "the swap"
        Expect.equal (Brauer.crossings (Diagram.identity 3)) 0 "parallel"
        let bridge = d 2 2 [ [ 0; 1 ]; [ 2; 3 ] ]
        Expect.equal (Brauer.cups bridge, Brauer.caps bridge, Brauer.sign bridge) (1, 1, -1) "a cup and a cap"
        let nested = d 4 0 [ [ 0; 3 ]; [ 1; 2 ] ]
        Expect.equal (Brauer.crossings nested, Brauer.sign nested) (0, 1) "two nested caps"
        Expect.equal (Brauer.crossings (d 4 0 [ [ 0; 2 ]; [ 1; 3 ] ])) 1 "two crossing caps")

let private products =
    [
        law "E_d2 E_d1 = n^c E, and it is D's" (fun case ->
            let n = 1 + case.Seed % 3
            let k, l = rows case.Seed 0 4
            let d1, d2 = random case.Seed 0 k l, random (case.Seed + 1) 0 l (l % 2)
            let left = (exactly (Functor.diagram n d2)).matmul(exactly (Functor.diagram n d1))
            same left (combination n Functor.diagram (Brauer.product n d2 d1) left))

        law "H after E, E after H and H after H as combinations of diagrams" (fun case ->
            let n = 1 + case.Seed % 3
            let free1, free2 = [| 0, n; n, 0; n, n |][case.Second % 3]
            // l top vertices of d1 are l bottom vertices of d2.
            let l = case.Size % 4

            let longer free =
                if (l - free) % 2 = 0 then
                    max 0 (free - l)
                else
                    max 1 (free - l)

            let k, m = longer free1, longer free2
            let d1, d2 = random case.Seed free1 k l, random (case.Seed + 1) free2 l m
            let left = (exactly (special n d2)).matmul(exactly (special n d1))
            same left (combination n special (Brauer.product n d2 d1) left))

        law "F of Sp(n) with its sign multiplies exactly, loops counting -n" (fun case ->
            let n = 2 * (1 + case.Seed % 2)
            let k, l = rows case.Seed 0 4
            let d1, d2 = random case.Seed 0 k l, random (case.Seed + 1) 0 l (l % 2)
            let product = Diagram.compose d2 d1
            let map = SymplecticFunctor.signed n
            let left = (exactly (map d2)).matmul(exactly (map d1))
            same left (times (bigint.Pow(bigint -n, product.Removed)) (exactly (map product.Diagram))))
    ]

let private snake =
    testCase "the snake straightens to -1 without the sign, to 1 with it" (fun () ->
        let cap, cup = Diagram.ofBlocks 2 0 [ [ 0; 1 ] ], Diagram.ofBlocks 0 2 [ [ 0; 1 ] ]
        let one = LinearMap.identity (Space.Of 4L)

        let snake (map: int -> Diagram -> LinearMap) =
            exactly ((map 4 cap .*. one) * (one .*. map 4 cup))

        let identity = torch.eye (4L, dtype = torch.int64)
        Expect.isTrue (same (snake SymplecticFunctor.raw) (identity.neg ())) "raw"
        Expect.isTrue (same (snake SymplecticFunctor.signed) identity) "signed")

let private definitions =
    [
        law "F has the matrix of its definition, and F of the flipped diagram its transpose" (fun case ->
            let n = 2 * (1 + case.Seed % 2)
            let k, l = rows case.Seed 0 (if n = 4 then 4 else 6)
            let d = random case.Seed 0 k l
            let map = SymplecticFunctor.raw n d
            let matrix = symplectic n d

            same (exactly map) matrix
            && same (exactly map.Adjoint) (matrix.t ())
            && same (exactly (SymplecticFunctor.raw n (Diagram.adjoint d))) (matrix.t ()))

        law "H has the matrix of its definition, and its adjoint is the transpose" (fun case ->
            let n = 1 + case.Seed % 4
            let k, l = rows case.Seed n (if n = 4 then 4 else 5)
            let d = random case.Seed n k l
            let map = HeadFunctor.determinant n d
            let matrix = determinant n d
            same (exactly map) matrix && same (exactly map.Adjoint) (matrix.t ()))

        law "J has the matrix of its definition, and its adjoint is the transpose" (fun case ->
            let n = 2 + case.Seed % 3
            let m = n + case.Size % 2
            let k = case.Second % (m + 1)

            let labels =
                Array.init m (fun v -> if v < n - 1 then v else Random(case.Seed + v).Next n)

            Random(case.Seed).Shuffle labels
            let d = SetPartition.ofLabels labels |> Diagram.ofPartition k (m - k)
            let map = HeadFunctor.jellyfish n d
            let matrix = jellyfish n d
            same (exactly map) matrix && same (exactly map.Adjoint) (matrix.t ()))
    ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        let pair = Diagram.identity 2
        let open' = Diagram.ofBlocks 1 1 [ [ 0 ]; [ 1 ] ]
        Refusal.expect "odd n" (fun () -> SymplecticFunctor.raw 3 pair |> ignore)
        Refusal.expect "free vertices" (fun () -> SymplecticFunctor.raw 2 open' |> ignore)
        Refusal.expect "too few free" (fun () -> HeadFunctor.determinant 3 open' |> ignore)
        Refusal.expect "n too large" (fun () -> HeadFunctor.determinant 9 open' |> ignore)
        Refusal.expect "one block" (fun () -> HeadFunctor.jellyfish 3 (Diagram.identity 1) |> ignore)

        Refusal.expect "a block of three" (fun () ->
            Brauer.product 2 pair (Diagram.ofBlocks 2 2 [ [ 0; 1; 2; 3 ] ]) |> ignore)

        Refusal.expect "rows" (fun () -> Brauer.product 2 pair (Diagram.identity 3) |> ignore)
        Refusal.expect "limit" (fun () -> Brauer.enumerateWithin 100 0 5 5 |> ignore)
        Refusal.expect "negative" (fun () -> Brauer.count -1 1 1 |> ignore))

let tests =
    testList "Brauer diagrams" [ counts; chords; snake; yield! products; yield! definitions; refusals ]
