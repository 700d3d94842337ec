namespace Ortho

open System

/// <summary>A partition of the set {0, ..., m-1} into non-empty blocks, numbered by their least elements.</summary>
/// <remarks>
/// Kept as its restricted growth string: element e lies in block growth[e], and a block's number first appears after all
/// smaller numbers. Equal partitions have equal strings, so equality is structural; comparison is the order of `enumerate`.
/// </remarks>
[<StructuredFormatDisplay("{Text}")>]
type SetPartition =
    internal
        {
            Growth: int[]
            Count: int
        }

    /// Number m of elements.
    member p.Size = p.Growth.Length

    /// Number of blocks.
    member p.BlockCount = p.Count

    /// The blocks by least element, each in increasing order; fresh arrays.
    member p.Blocks: int[][] =
        let sizes = Array.zeroCreate p.Count

        for block in p.Growth do
            sizes[block] <- sizes[block] + 1

        let blocks = sizes |> Array.map Array.zeroCreate<int>
        Array.fill sizes 0 p.Count 0

        for element in 0 .. p.Growth.Length - 1 do
            let block = p.Growth[element]
            blocks[block][sizes[block]] <- element
            sizes[block] <- sizes[block] + 1

        blocks

    /// Number of the block that holds the element.
    member p.BlockOf(element: int) =
        Guard.between "element" 0 (p.Size - 1) element
        p.Growth[element]

    member internal p.Text = p.ToString()

    /// The blocks, e.g. {0,1|2} for the blocks {0, 1} and {2}.
    override p.ToString() =
        let blocks = p.Blocks |> Array.map (fun block -> String.Join(",", block))
        "{" + String.Join("|", blocks) + "}"

/// Set partitions: how many there are, their lists, and their lattice (finer below, coarser above).
/// Counts are exact integers of any size; `int` or `int64` converts one that fits.
[<RequireQualifiedAccess>]
module SetPartition =

    /// What `enumerate` and its sisters list at most; `enumerateWithin` takes another limit.
    [<Literal>]
    let limit = 1_000_000

    /// Labels in 0..bound-1, renumbered by first appearance.
    let internal ofSmallLabels (bound: int) (labels: int[]) : SetPartition =
        let numbers = Array.create bound -1
        let growth = Array.zeroCreate labels.Length
        let mutable count = 0

        for element in 0 .. labels.Length - 1 do
            let label = labels[element]

            if numbers[label] < 0 then
                numbers[label] <- count
                count <- count + 1

            growth[element] <- numbers[label]

        { Growth = growth; Count = count }

    /// The partition whose blocks are the elements of equal label: element e has the label labels[e].
    let ofLabels (labels: int[]) : SetPartition =
        Guard.notNull "labels" labels
        let numbers = Collections.Generic.Dictionary<int, int>()

        labels
        |> Array.map (fun label ->
            numbers.TryAdd(label, numbers.Count) |> ignore
            numbers[label])
        |> ofSmallLabels labels.Length

    /// <summary>The partition with the given blocks, in any order.</summary>
    /// <exception cref="T:System.ArgumentException">A block is empty, or the blocks do not hold each of 0..m-1 exactly once.</exception>
    let ofBlocks (blocks: seq<#seq<int>>) : SetPartition =
        Guard.notNull "blocks" blocks
        let blocks = blocks |> Seq.map Seq.toArray |> Seq.toArray
        let size = blocks |> Array.sumBy Array.length

        let refuse (reason: string) =
            raise (ArgumentException(reason, "blocks"))

        let labels = Array.create size -1

        for number in 0 .. blocks.Length - 1 do
            if blocks[number].Length = 0 then
                refuse $"blocks must not be empty, but block {number} is."

            for element in blocks[number] do
                if element < 0 || element >= size then
                    refuse
                        $"blocks must hold each of 0..{size - 1} once, but hold {size} elements with {element} among them."

                if labels[element] >= 0 then
                    refuse $"blocks must be disjoint, but {element} is in blocks {labels[element]} and {number}."

                labels[element] <- number

        ofSmallLabels blocks.Length labels

    /// The finest partition of m elements: m blocks of one.
    let finest (m: int) : SetPartition =
        Guard.atLeast "m" 0 m
        { Growth = Array.init m id; Count = m }

    /// The coarsest partition of m elements: one block (none if m = 0).
    let coarsest (m: int) : SetPartition =
        Guard.atLeast "m" 0 m

        {
            Growth = Array.zeroCreate m
            Count = min m 1
        }

    /// The blocks by least element, each in increasing order.
    let blocks (p: SetPartition) = p.Blocks

    /// Number of blocks.
    let blockCount (p: SetPartition) = p.BlockCount

    /// S(m, 0), ..., S(m, most) by S(m, t) = t S(m-1, t) + S(m-1, t-1).
    let private stirlingRow (m: int) (most: int) : bigint[] =
        let row = Array.create (most + 1) 0I
        row[0] <- 1I

        for size in 1..m do
            for t in min size most .. -1 .. 1 do
                row[t] <- bigint t * row[t] + row[t - 1]

            row[0] <- 0I

        row

    /// The Stirling number of the second kind S(m, t): partitions of m elements into exactly t blocks.
    let stirling (m: int) (t: int) : bigint =
        Guard.atLeast "m" 0 m
        Guard.atLeast "t" 0 t
        if t > m then 0I else (stirlingRow m t)[t]

    /// <summary>The restricted Bell number B(m, n) = S(m, 0) + ... + S(m, n): partitions of m elements into at most n blocks.</summary>
    /// <remarks>The number of weights of a permutation equivariant layer (R^n)^k to (R^n)^l is B(l+k, n).</remarks>
    let restrictedBell (m: int) (n: int) : bigint =
        Guard.atLeast "m" 0 m
        Guard.atLeast "n" 0 n
        stirlingRow m (min m n) |> Array.sum

    /// The Bell number: all partitions of m elements.
    let bell (m: int) : bigint = restrictedBell m m

    /// Refuses a list that would be longer than the limit, before any of it is made.
    let internal withinLimit (limit: int) (what: string) (count: bigint) =
        if count > bigint limit then
            let message =
                $"There are {count} {what}, more than the limit of {limit}: ask for fewer, or raise the limit."

            raise (ArgumentException message)

    /// <summary>All partitions of m elements into at most maxBlocks blocks, in the order of restricted growth strings.</summary>
    /// <exception cref="T:System.ArgumentException">There are more than `limit`; the message says how many.</exception>
    let enumerateWithin (limit: int) (maxBlocks: int) (m: int) : SetPartition[] =
        Guard.atLeast "m" 0 m
        Guard.atLeast "maxBlocks" 0 maxBlocks
        let count = restrictedBell m maxBlocks

        count
        |> withinLimit limit $"partitions of {m} elements into at most {maxBlocks} blocks"

        let found = Array.zeroCreate (int count)
        let growth = Array.zeroCreate m
        // blocksBefore[i]: number of blocks among the elements before i.
        let blocksBefore = Array.create m 1

        for index in 0 .. found.Length - 1 do
            let blockCount =
                if m = 0 then
                    0
                else
                    max blocksBefore[m - 1] (growth[m - 1] + 1)

            found[index] <-
                {
                    Growth = Array.copy growth
                    Count = blockCount
                }

            let mutable last = m - 1

            while last > 0 && growth[last] = min blocksBefore[last] (maxBlocks - 1) do
                last <- last - 1

            if last > 0 then
                growth[last] <- growth[last] + 1
                let blocks = max blocksBefore[last] (growth[last] + 1)

                for i in last + 1 .. m - 1 do
                    growth[i] <- 0
                    blocksBefore[i] <- blocks

        found

    /// All partitions of m elements into at most maxBlocks blocks, B(m, maxBlocks) of them; refused above `limit`.
    let enumerateAtMost (maxBlocks: int) (m: int) : SetPartition[] = enumerateWithin limit maxBlocks m

    /// All partitions of m elements, Bell(m) of them; refused above `limit`.
    let enumerate (m: int) : SetPartition[] = enumerateAtMost m m

    let private sameSize (first: string) (p: SetPartition) (second: string) (q: SetPartition) =
        Guard.holds second (p.Size = q.Size) (fun () ->
            $"{first} and {second} must have one size, but {first} has {p.Size} elements and {second} has {q.Size}.")

    /// True if every block of `fine` lies in one block of `coarse`: `p |> SetPartition.refines q` is p <= q.
    let refines (coarse: SetPartition) (fine: SetPartition) : bool =
        sameSize "coarse" coarse "fine" fine
        let target = Array.create fine.Count -1
        let mutable result = true

        for element in 0 .. fine.Size - 1 do
            let block = fine.Growth[element]

            if target[block] < 0 then
                target[block] <- coarse.Growth[element]
            elif target[block] <> coarse.Growth[element] then
                result <- false

        result

    /// The finest partition coarser than both: blocks are connected through shared elements.
    let join (p: SetPartition) (q: SetPartition) : SetPartition =
        sameSize "p" p "q" q
        let sets = DisjointSets(p.Count + q.Count)

        for element in 0 .. p.Size - 1 do
            sets.Union(p.Growth[element], p.Count + q.Growth[element])

        p.Growth |> Array.map sets.Find |> ofSmallLabels (p.Count + q.Count)

    /// The coarsest partition finer than both: its blocks are the non-empty intersections.
    let meet (p: SetPartition) (q: SetPartition) : SetPartition =
        sameSize "p" p "q" q

        Array.map2 (fun a b -> a * q.Count + b) p.Growth q.Growth
        |> ofSmallLabels (p.Count * q.Count)

    /// <summary>The Moebius function mu(p, q) of the partition lattice; 0 unless p refines q.</summary>
    /// <remarks>
    /// The product over the blocks of q of (-1)^(c-1) (c-1)!, for a block made of c blocks of p (Rota 1964). It inverts sums
    /// over coarser partitions: D_p = sum of X_q over q >= p, so X_p = sum of mu(p, q) D_q.
    /// </remarks>
    let moebius (p: SetPartition) (q: SetPartition) : bigint =
        if not (refines q p) then
            0I
        else
            let inside = Array.zeroCreate q.Count

            for block in p.Blocks do
                let number = q.Growth[block[0]]
                inside[number] <- inside[number] + 1

            let mutable product = 1I

            for c in inside do
                for factor in 1 .. c - 1 do
                    product <- product * bigint -factor

            product

    /// Every partition that p refines, the coarsest first and p last: one for each partition of its blocks; refused above `limit`.
    let coarsenings (p: SetPartition) : SetPartition[] =
        enumerate p.Count
        |> Array.map (fun merged ->
            {
                Growth = p.Growth |> Array.map (fun block -> merged.Growth[block])
                Count = merged.Count
            })

// What a C# program calls.
type SetPartition with

    /// The partition with the given blocks, in any order.
    static member OfBlocks(blocks: int[][]) = SetPartition.ofBlocks blocks

    /// The partition whose blocks are the elements of equal label.
    static member OfLabels(labels: int[]) = SetPartition.ofLabels labels

    /// The finest partition of m elements.
    static member Finest(m: int) = SetPartition.finest m

    /// The coarsest partition of m elements.
    static member Coarsest(m: int) = SetPartition.coarsest m

    /// All partitions of m elements.
    static member Enumerate(m: int) = SetPartition.enumerate m

    /// All partitions of m elements into at most maxBlocks blocks.
    static member EnumerateAtMost(maxBlocks: int, m: int) =
        SetPartition.enumerateAtMost maxBlocks m

    /// The Stirling number of the second kind.
    static member Stirling(m: int, t: int) = SetPartition.stirling m t

    /// The number of partitions of m elements.
    static member Bell(m: int) = SetPartition.bell m

    /// The number of partitions of m elements into at most n blocks.
    static member RestrictedBell(m: int, n: int) = SetPartition.restrictedBell m n

    /// The Moebius function of the partition lattice.
    static member Moebius(p: SetPartition, q: SetPartition) = SetPartition.moebius p q

    /// True if every block of this partition lies in one block of the other.
    member p.Refines(coarse: SetPartition) = SetPartition.refines coarse p

    /// The finest partition coarser than both.
    member p.Join(q: SetPartition) = SetPartition.join p q

    /// The coarsest partition finer than both.
    member p.Meet(q: SetPartition) = SetPartition.meet p q

    /// Every partition that this one refines.
    member p.Coarsenings = SetPartition.coarsenings p
