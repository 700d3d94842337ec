namespace Ortho

open System

/// <summary>A basis among the maps that span, by exact elimination on their inner products.</summary>
/// <remarks>Elimination is modulo a prime p. A principal minor that is not 0 modulo p is not 0, so what is chosen is independent; what is chosen is a
/// basis if it is as many as the dimension. If it is less, p divides a minor, which only finitely many primes do: the next is tried.</remarks>
[<RequireQualifiedAccess>]
module internal Independence =

    let private isPrime (c: int) =
        c % 2 = 1
        && Seq.forall (fun d -> c % d <> 0) (seq { 3..2 .. int (sqrt (float c)) })

    /// The primes below 2^31, the largest first.
    let primes =
        seq {
            for c in Int32.MaxValue .. -2 .. 3 do
                if isPrime c then
                    uint64 c
        }

    let rec private power (prime: uint64) (x: uint64) (exponent: uint64) =
        if exponent = 0UL then
            1UL
        else
            let half = power prime (x * x % prime) (exponent / 2UL)
            if exponent % 2UL = 0UL then half else half * x % prime

    /// The sum of a[t] b[t], both below the prime: kept below 3 p^2 < 2^64, reduced once.
    let private dot (prime: uint64) (a: uint64[]) (b: uint64[]) (length: int) =
        let bound = 2UL * prime * prime
        let mutable sum = 0UL

        for t in 0 .. length - 1 do
            sum <- sum + a[t] * b[t]

            if sum >= bound then
                sum <- sum - bound

        sum % prime

    /// <summary>Indices, from the front, of vectors that are no combination modulo the prime of those before them, at most so many.</summary>
    /// <param name="prime">Below 2^31.</param>
    /// <param name="most">How many will do.</param>
    /// <param name="count">The number of vectors.</param>
    /// <param name="product">The inner product of two of them modulo the prime.</param>
    /// <remarks>Rows of the factorization L D L^T of the Gram matrix: one is kept if its pivot is not 0. Time count most^2 / 2.</remarks>
    let modulo (prime: uint64) (most: int) (count: int) (product: int -> int -> uint64) : int[] =
        let chosen = ResizeArray<int>()
        let rows = ResizeArray<uint64[]>()
        let inverses = ResizeArray<uint64>()
        let mutable next = 0

        while chosen.Count < most && next < count do
            let scaled = Array.zeroCreate chosen.Count

            for j in 0 .. chosen.Count - 1 do
                scaled[j] <- (product next chosen[j] + prime - dot prime rows[j] scaled j) % prime

            let row = Array.mapi (fun j y -> y * inverses[j] % prime) scaled

            let pivot = (product next next + prime - dot prime row scaled row.Length) % prime

            if pivot <> 0UL then
                chosen.Add next
                rows.Add row
                inverses.Add(power prime pivot (prime - 2UL))

            next <- next + 1

        chosen.ToArray()

    /// The inner product of maps i and j modulo the prime, without the factor n! of two heads.
    let residues (group: Group) (maps: SpanningMap[]) (prime: uint64) : int -> int -> uint64 =
        let term = Gram.term group maps
        let n = uint64 group.Dimension

        fun i j ->
            let struct (sign, exponent) = term i j
            let size = power prime (n % prime) (uint64 exponent)

            match sign with
            | 0 -> 0UL
            | 1 -> size
            | _ -> (prime - size) % prime

    /// Indices of maps that are a basis of the span of all, whose dimension is known; the first of the primes that will do is used.
    let basis (primes: seq<uint64>) (group: Group) (dimension: bigint) (maps: SpanningMap[]) : int[] =
        primes
        |> Seq.truncate 16
        |> Seq.map (fun prime -> modulo prime (int dimension) maps.Length (residues group maps prime))
        |> Seq.tryFind (fun chosen -> bigint chosen.Length = dimension)
        |> Option.defaultWith (fun () ->
            raise (
                InvalidOperationException
                    $"No {dimension} of the {maps.Length} maps of {group} were found independent modulo 16 primes."
            ))

    /// Indices of spanning maps from order k to order l that are a basis: of those without a head, then of those with one.
    let indices (group: Group) (k: int) (l: int) (maps: SpanningMap[]) : int[] =
        if Dimension.isIndependent group (k + l) then
            Array.init maps.Length id
        else
            let struct (plain, heads) = Dimension.ranks group (k + l)
            let withHead, without = maps |> Array.partition _.IsHead

            Array.append
                (basis primes group plain without)
                (basis primes group heads withHead |> Array.map ((+) without.Length))
