namespace Ortho

open System
open System.Collections.Generic
open Ortho.Native

/// <summary>In which coordinate planes a chain of rotations turns, and in which order: rounds of pairs, the pairs of a round disjoint.</summary>
/// <remarks>One angle belongs to each pair, in the order of <c>Pairs</c>. Equality is structural: size, pairs, and their cut into rounds.</remarks>
[<NoComparison>]
type PlaneSchedule =
    internal
        {
            /// Number of coordinates.
            Length: int
            /// Pair r is (First[r], Second[r]).
            First: int[]
            Second: int[]
            /// Round k holds the pairs Starts[k], ..., Starts[k + 1] - 1.
            Starts: int[]
        }

    /// Number n of coordinates.
    member s.Size = s.Length

    /// Number of pairs, and so of angles.
    member s.Count = s.First.Length

    /// Number of rounds.
    member s.RoundCount = s.Starts.Length - 1

    /// The pairs (i, j), the one that acts first in front.
    member s.Pairs: IReadOnlyList<struct (int * int)> =
        Array.AsReadOnly(Array.init s.Count (fun r -> struct (s.First[r], s.Second[r])))

    /// The pairs, round by round.
    member s.Rounds: IReadOnlyList<IReadOnlyList<struct (int * int)>> =
        Array.AsReadOnly(
            Array.init s.RoundCount (fun k ->
                Array.AsReadOnly(
                    Array.init (s.Starts[k + 1] - s.Starts[k]) (fun p ->
                        let r = s.Starts[k] + p
                        struct (s.First[r], s.Second[r]))
                )
                :> IReadOnlyList<_>)
        )

    /// For instance "7 planes of [8] in 3 rounds".
    override s.ToString() =
        $"{s.Count} planes of [{s.Length}] in {s.RoundCount} rounds"

/// The same rotations in fewer rounds.
[<NoEquality; NoComparison>]
type MergedSchedule =
    {
        Schedule: PlaneSchedule
        /// Angle k of the merged schedule is angle Order[k] of the original one.
        Order: IReadOnlyList<int64>
    }

/// Schedules of plane rotations.
[<RequireQualifiedAccess>]
module PlaneSchedule =

    let private create (n: int) (rounds: struct (int * int)[][]) =
        let pairs = Array.concat rounds

        {
            Length = n
            First = pairs |> Array.map (fun (struct (i, _)) -> i)
            Second = pairs |> Array.map (fun (struct (_, j)) -> j)
            Starts = rounds |> Array.scan (fun start round -> start + round.Length) 0
        }

    let private checkPair (name: string) (n: int) (struct (i: int, j: int)) =
        Guard.holds name (0 <= i && i < n && 0 <= j && j < n && i <> j) (fun () ->
            $"{name} must hold pairs of two different coordinates from 0 to {n - 1}, but holds ({i}, {j}).")

    /// <summary>Given rounds of disjoint pairs.</summary>
    /// <param name="n">Number of coordinates.</param>
    /// <param name="rounds">The pairs (i, j) of each round; empty rounds vanish.</param>
    /// <exception cref="T:System.ArgumentException">A pair is not two different coordinates from 0 to n - 1, or two pairs of a round share one.</exception>
    let ofRounds (n: int) (rounds: seq<seq<struct (int * int)>>) : PlaneSchedule =
        Guard.positive "n" n
        Guard.notNull "rounds" rounds

        let rounds =
            rounds
            |> Seq.mapi (fun k round ->
                Guard.notNull "rounds" round
                let round = Seq.toArray round
                let owner = Dictionary<int, struct (int * int)>()

                for (struct (i, j) as pair) in round do
                    checkPair "rounds" n pair

                    for coordinate in [| i; j |] do
                        let isTaken, (struct (a, b)) = owner.TryGetValue coordinate

                        Guard.holds "rounds" (not isTaken) (fun () ->
                            $"rounds must hold disjoint pairs each, but ({a}, {b}) and ({i}, {j}) of round {k} share {coordinate}.")

                        owner[coordinate] <- pair

                round)
            |> Seq.toArray

        create n (rounds |> Array.filter (fun round -> round.Length > 0))

    /// <summary>Given pairs, in the given order. Neighbours that are disjoint share a round; <c>merge</c> makes the fewest rounds.</summary>
    /// <param name="n">Number of coordinates.</param>
    /// <param name="pairs">The pairs (i, j); the first one acts first.</param>
    /// <exception cref="T:System.ArgumentException">A pair is not two different coordinates from 0 to n - 1.</exception>
    let ofPairs (n: int) (pairs: seq<struct (int * int)>) : PlaneSchedule =
        Guard.positive "n" n
        Guard.notNull "pairs" pairs
        let pairs = Seq.toArray pairs
        pairs |> Array.iter (checkPair "pairs" n)
        let rounds = ResizeArray<ResizeArray<struct (int * int)>>()
        // The round in which a coordinate was turned last.
        let last = Array.create n -1

        for (struct (i, j) as pair) in pairs do
            if rounds.Count = 0 || max last[i] last[j] = rounds.Count - 1 then
                rounds.Add(ResizeArray())

            last[i] <- rounds.Count - 1
            last[j] <- rounds.Count - 1
            rounds[rounds.Count - 1].Add pair

        create n (rounds |> Seq.map _.ToArray() |> Seq.toArray)

    /// <summary>Neighbours one after the other: (0, 1), (1, 2), ..., (n-2, n-1), each a round.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    let sequential (n: int) : PlaneSchedule =
        Guard.positive "n" n
        create n (Array.init (n - 1) (fun i -> [| struct (i, i + 1) |]))

    /// <summary>Every pair once in the fewest rounds, by the circle method: n - 1 rounds for even n, n for odd n > 1. n (n - 1) / 2 angles, the
    /// dimension of SO(n), and at almost all angles they move the product in all its directions.</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1, or there are more than 2^27 pairs.</exception>
    let roundRobin (n: int) : PlaneSchedule =
        Guard.between "n" 1 16384 n
        // Coordinate `even - 1` stays, the others move on around a circle; for odd n it is one too many, and its pair falls out.
        let even = n + n % 2
        let around = even - 1

        create
            n
            [|
                if n > 1 then
                    for k in 0 .. around - 1 do
                        [|
                            if even = n then
                                struct (k, around)

                            for m in 1 .. even / 2 - 1 do
                                let a, b = (k + m) % around, (k + around - m) % around
                                struct (min a b, max a b)
                        |]
            |]

    /// <summary>Round k pairs i with i XOR 2^k: log2 n rounds of n / 2 pairs, through which every coordinate reaches every other.</summary>
    /// <exception cref="T:System.ArgumentException">n is not a power of two.</exception>
    let butterfly (n: int) : PlaneSchedule =
        Guard.positive "n" n

        Guard.holds "n" (Int32.IsPow2 n) (fun () ->
            $"n must be a power of two, since i XOR 2^k must stay below it, but is {n}.")

        create
            n
            [|
                for k in 0 .. Int32.Log2 n - 1 do
                    let stride = 1 <<< k

                    [|
                        for i in 0 .. n - 1 do
                            if i &&& stride = 0 then
                                struct (i, i ||| stride)
                    |]
            |]

    /// <summary>Survivors in pairs: round k pairs i with i + 2^k for i = 0, 2^(k+1), 2 * 2^(k+1), ... n - 1 angles in ceil(log2 n) rounds, enough to
    /// take any vector to a multiple of the first unit vector (<c>Givens.tournamentAngles</c>).</summary>
    /// <exception cref="T:System.ArgumentException">n is below 1.</exception>
    /// <remarks>Ma et al. 2024 (GOFT, 2404.04316).</remarks>
    let tournament (n: int) : PlaneSchedule =
        Guard.positive "n" n

        create
            n
            [|
                // In int64: twice the last stride may pass 2^31.
                for k in 0..30 do
                    let stride = 1L <<< k

                    if stride < int64 n then
                        [|
                            for i in 0L .. 2L * stride .. int64 n - stride - 1L do
                                struct (int i, int (i + stride))
                        |]
            |]

    /// The same pairs in the opposite order. With the angles negated and in the opposite order too, the rotations are undone.
    let reversed (schedule: PlaneSchedule) : PlaneSchedule =
        Guard.notNull "schedule" schedule
        let count = schedule.Count

        { schedule with
            First = Array.rev schedule.First
            Second = Array.rev schedule.Second
            Starts = schedule.Starts |> Array.rev |> Array.map (fun start -> count - start)
        }

    /// <summary>The fewest rounds that keep the order of pairs that share a coordinate: each pair moves to the earliest round that it can. The
    /// product of the rotations stays the same, since disjoint ones commute.</summary>
    let merge (schedule: PlaneSchedule) : MergedSchedule =
        Guard.notNull "schedule" schedule
        let last = Array.create schedule.Length -1
        let rounds = ResizeArray<ResizeArray<int>>()

        for r in 0 .. schedule.Count - 1 do
            let i, j = schedule.First[r], schedule.Second[r]
            let round = 1 + max last[i] last[j]
            last[i] <- round
            last[j] <- round

            if round = rounds.Count then
                rounds.Add(ResizeArray())

            rounds[round].Add r

        let pair r =
            struct (schedule.First[r], schedule.Second[r])

        {
            Schedule = create schedule.Length (rounds |> Seq.map (Seq.map pair >> Seq.toArray) |> Seq.toArray)
            Order = rounds |> Seq.concat |> Seq.map int64 |> Seq.toArray |> Array.AsReadOnly
        }

    /// The native chain of a schedule: it checks the pairs again, so that no index can lead outside a tensor's memory.
    let internal kernel (schedule: PlaneSchedule) =
        PlaneRotations(schedule.Length, ReadOnlySpan schedule.First, ReadOnlySpan schedule.Second)

// What a C# program calls.
type PlaneSchedule with

    /// Given rounds of disjoint pairs.
    static member OfRounds(n: int, rounds: seq<seq<struct (int * int)>>) = PlaneSchedule.ofRounds n rounds

    /// Given pairs, in the given order.
    static member OfPairs(n: int, pairs: seq<struct (int * int)>) = PlaneSchedule.ofPairs n pairs

    /// Neighbours one after the other.
    static member Sequential(n: int) = PlaneSchedule.sequential n

    /// Every pair once in the fewest rounds.
    static member RoundRobin(n: int) = PlaneSchedule.roundRobin n

    /// Round k pairs i with i XOR 2^k.
    static member Butterfly(n: int) = PlaneSchedule.butterfly n

    /// Survivors in pairs.
    static member Tournament(n: int) = PlaneSchedule.tournament n

    /// The same pairs in the opposite order.
    member s.Reversed() = PlaneSchedule.reversed s

    /// The fewest rounds that keep the order of pairs that share a coordinate.
    member s.Merge() = PlaneSchedule.merge s
