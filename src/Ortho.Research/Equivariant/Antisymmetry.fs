namespace Ortho

open TorchSharp

/// <summary>Antisymmetric tensors of order f on R^n, by their C(n, f) numbers: one for each set of f values, in increasing order.</summary>
[<NoEquality; NoComparison>]
type internal Antisymmetry =
    {
        N: int
        Order: int
        /// From n^f entries to C(n, f) numbers: the signed sum over the orders of each set.
        Fold: SignedGather
        /// Its transpose: the number of the set, with the sign of the order; 0 where a value repeats.
        Unfold: SignedGather
    }

/// Signs of words in 0..n-1, and tensors that change sign with the order of their axes.
[<RequireQualifiedAccess>]
module internal Antisymmetry =

    /// Every way to take so many of the items, in every order.
    let rec arrangements (count: int) (items: int list) : int list list =
        if count = 0 then
            [ [] ]
        else
            items
            |> List.collect (fun item ->
                arrangements (count - 1) (List.except [ item ] items)
                |> List.map (fun rest -> item :: rest))

    /// Whether an odd number of pairs stands in the wrong order.
    let isOdd (word: int list) =
        let numbers = Array.ofList word
        let mutable odd = false

        for i in 0 .. numbers.Length - 1 do
            for j in i + 1 .. numbers.Length - 1 do
                if numbers[i] > numbers[j] then
                    odd <- not odd

        odd

    /// The place of values in a tensor of axes n, row-major.
    let place (n: int) (values: seq<int>) =
        (0, values) ||> Seq.fold (fun index value -> index * n + value)

    /// The sets of f values, each in increasing order.
    let subsets (n: int) (f: int) : int list list =
        arrangements f [ 0 .. n - 1 ]
        |> List.filter (fun values -> List.pairwise values |> List.forall (fun (a, b) -> a < b))

    /// The folding of order f on R^n.
    let make (n: int) (f: int) : Antisymmetry =
        let number = subsets n f |> List.mapi (fun i subset -> subset, i) |> dict

        let entries =
            [|
                for values in arrangements f [ 0 .. n - 1 ] ->
                    {
                        Row = number[List.sort values]
                        Column = place n values
                        IsOdd = isOdd values
                    }
            |]

        {
            N = n
            Order = f
            Fold = SignedGather.ofEntries number.Count entries
            Unfold = SignedGather.ofEntries (pown n f) (SignedGather.transpose entries)
        }

    /// x with `from` axes at the given place merged and cut anew into axes of the given sizes.
    let private recut (axis: int) (from: int) (sizes: int64[]) (x: torch.Tensor) =
        x.reshape
            [|
                for i in 0 .. axis - 1 -> x.size i
                yield! sizes
                for i in axis + from .. int x.ndim - 1 -> x.size i
            |]

    /// The f axes of size n at the given place become one of size C(n, f); f = 0 makes an axis of size 1.
    let fold (axis: int) (antisymmetry: Antisymmetry) (x: torch.Tensor) : torch.Tensor =
        match antisymmetry.Order with
        | 0 -> x.unsqueeze (int64 axis)
        | 1 -> x.alias ()
        | f ->
            use merged = recut axis f [| pown (int64 antisymmetry.N) f |] x
            SignedGather.apply axis antisymmetry.Fold merged

    /// The axis of size C(n, f) at the given place becomes f axes of size n.
    let unfold (axis: int) (antisymmetry: Antisymmetry) (x: torch.Tensor) : torch.Tensor =
        match antisymmetry.Order with
        | 0 -> x.squeeze (int64 axis)
        | 1 -> x.alias ()
        | f ->
            use spread = SignedGather.apply axis antisymmetry.Unfold x
            recut axis 1 (Array.replicate f (int64 antisymmetry.N)) spread

    /// From the numbers of order n - s to those of order s: y[A] = sgn(A, B) x[B] for the complement B of A.
    let complement (n: int) (s: int) : SignedGather =
        let number = subsets n (n - s) |> List.mapi (fun i subset -> subset, i) |> dict

        subsets n s
        |> List.mapi (fun row above ->
            let below = List.except above [ 0 .. n - 1 ]

            {
                Row = row
                Column = number[below]
                IsOdd = isOdd (above @ below)
            })
        |> Array.ofList
        |> fun entries -> SignedGather.ofEntries entries.Length entries
