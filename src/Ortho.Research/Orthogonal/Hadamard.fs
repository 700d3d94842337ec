/// <summary>Hadamard matrices: entries 1 and -1, rows orthogonal. The fast Walsh-Hadamard transform, random rotations, and binary codes.</summary>
/// <remarks>Sylvester 1867 (orders 2^k), Paley 1933 (q + 1 for a prime q = 3 mod 4, 2 (q + 1) for a prime q = 1 mod 4), and Kronecker products of both.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Hadamard

open System
open System.Numerics
open Ortho
open TorchSharp

/// Entry (i, j) of Sylvester's matrix of any order 2^k.
let private sylvester (i: int) (j: int) =
    if BitOperations.PopCount(uint32 (i &&& j)) % 2 = 0 then
        1.0
    else
        -1.0

let private isPrime (q: int) =
    q > 1 && Seq.forall (fun d -> q % d <> 0) (seq { 2 .. int (sqrt (float q)) })

/// 1 for a square modulo the prime q, -1 for another number, 0 for 0.
let private character (q: int) =
    let values = Array.create q -1.0
    values[0] <- 0.0

    for a in 1 .. q - 1 do
        values[int (int64 a * int64 a % int64 q)] <- 1.0

    fun (a: int) -> values[((a % q) + q) % q]

/// The entries of Paley's matrix of order m, if one of his two constructions over a prime field gives it.
let private paley (m: int) : (int -> int -> float) option =
    if m % 4 <> 0 then
        None
    elif isPrime (m - 1) then
        let chi = character (m - 1)

        Some(fun i j ->
            if i = 0 || i = j then 1.0
            elif j = 0 then -1.0
            else chi (i - j))
    elif m % 8 = 4 && isPrime (m / 2 - 1) then
        let chi = character (m / 2 - 1)

        Some(fun i j ->
            let row, column = i / 2, j / 2
            let inside = sylvester (i % 2) (j % 2)

            if row = column then
                // [1 -1; -1 -1] in place of the zeros of the conference matrix.
                if i % 2 = 0 && j % 2 = 0 then 1.0 else -1.0
            elif row = 0 || column = 0 then
                inside
            else
                inside * chi (row - column))
    else
        None

/// The entries of a Hadamard matrix of order n, as Sylvester's matrix of order 2^k times one of Paley's, if so there is one.
let private entries (n: int) : (int -> int -> float) option =
    if BitOperations.IsPow2 n then
        Some sylvester
    else
        Seq.unfold (fun m -> if m % 4 = 0 then Some(m, m / 2) else None) n
        |> Seq.tryPick (fun m -> paley m |> Option.map (fun core -> m, core))
        |> Option.map (fun (m, core) -> fun i j -> sylvester (i / m) (j / m) * core (i % m) (j % m))

/// Larger matrices are refused: 2^26 entries.
let private largest = 8192L

/// <summary>A Hadamard matrix H: entries 1 and -1, H H^T = n I.</summary>
/// <param name="kind">Type (floating or complex) and device of the result.</param>
/// <param name="n">1, 2, or a multiple of 4 that Sylvester's and Paley's constructions over prime fields reach: below 100 all but 52, 92.</param>
/// <returns>Shape [n; n]. Sylvester's, which is symmetric, for a power of two.</returns>
/// <exception cref="T:System.ArgumentException">No such matrix is known here, or n exceeds 8192. The message names the nearest orders.</exception>
[<CompiledName("Matrix")>]
let matrix (kind: TensorKind) (n: int64) : torch.Tensor =
    Guard.between "n" 1L largest n

    match entries (int n) with
    | Some entry ->
        use flat =
            vector kind (Array.init (int (n * n)) (fun k -> entry (k / int n) (k % int n)))

        flat.reshape [| n; n |]
    | None ->
        let nearest (orders: seq<int>) =
            orders |> Seq.find (fun order -> (entries order).IsSome)

        let below, above =
            nearest (seq { int n - 1 .. -1 .. 1 }), nearest (Seq.initInfinite (fun i -> int n + 1 + i))

        raise (
            ArgumentException(
                $"n must be 1, 2 or a multiple of 4 that the constructions of Sylvester and Paley reach, but is {n}; the nearest are {below} and {above}.",
                "n"
            )
        )

/// <summary>Binary codes for classes: rows of a Hadamard matrix, then their negatives. Two codes differ in half of their bits, or in all.</summary>
/// <param name="kind">Type and device of the result.</param>
/// <param name="count">Number of codes, from 1 to 2 length.</param>
/// <param name="length">Bits of a code: an order that <c>matrix</c> takes.</param>
/// <returns>Entries 1 and -1, shape [count; length]. Up to count = length they are pairwise orthogonal.</returns>
/// <exception cref="T:System.ArgumentException">length is refused as by <c>matrix</c>, or count is not between 1 and 2 length.</exception>
/// <remarks>The targets of Hoe et al. 2021 (OrthoHash, 2109.14449); for more classes the paper draws random signs.</remarks>
[<CompiledName("Codes")>]
let codes (kind: TensorKind) (count: int64) (length: int64) : torch.Tensor =
    Guard.between "length" 1L largest length
    Guard.between "count" 1L (2L * length) count
    use scope = torch.NewDisposeScope()
    let rows = matrix kind length
    scope.MoveToOuter(torch.cat([| rows; multiply -1.0 rows |], 0L).narrow(0L, 0L, count).contiguous())

/// The sizes, at most 32, into whose product a power of two is cut: one pass over the data for each.
let private cut (bits: int) =
    let passes = (bits + 4) / 5
    Array.init passes (fun i -> 1 <<< (bits * (i + 1) / passes - bits * i / passes))

let private refuseOther (n: int64) =
    Guard.positive "n" n

    Guard.holds "n" (BitOperations.IsPow2 n) (fun () ->
        let below = 1L <<< BitOperations.Log2(uint64 n)
        $"n must be a power of two, but is {n}; the nearest are {below} and {2L * below}.")

/// <summary>The Walsh-Hadamard transform H / sqrt n in Sylvester's order: entry (i, j) is (-1)^(number of bits common to i and j) / sqrt n.</summary>
/// <param name="n">A power of two.</param>
/// <returns>A unitary self-adjoint map from [n] to [n] without parameters, for tensors of any floating or complex type.</returns>
/// <exception cref="T:System.ArgumentException">n is not a power of two; the message names the nearest.</exception>
/// <remarks>H is the tensor product of small Hadamard matrices of up to 32 rows: log2 (n) / 5 passes of small products, O(n log n). Its backward is
/// itself.</remarks>
[<CompiledName("Transform")>]
let transform (n: int64) : LinearMap =
    refuseOther n

    if n = 1L then
        LinearMap.identity (Space.Of 1L)
    else
        let sizes = cut (BitOperations.Log2(uint64 n))

        let tables =
            sizes
            |> Array.mapi (fun i r ->
                let scale = if i = 0 then 1.0 / sqrt (float n) else 1.0

                Array.init (r * r) (fun k -> scale * sylvester (k / r) (k % r))
                |> Table.ofNumbers [| int64 r; int64 r |])

        let action =
            Actions.scoped (fun x ->
                let mutable y = x
                let mutable right = n

                for i in 0 .. sizes.Length - 1 do
                    let r = int64 sizes[i]
                    right <- right / r
                    let numbers = tables[i].Like(x).``to`` x.dtype

                    y <-
                        if right = 1L then
                            y.reshape([| -1L; r |]).matmul numbers
                        else
                            let parts = y.reshape [| -1L; r; right |]
                            (numbers.expand (parts.size 0, r, r)).bmm parts

                y.reshape x.shape)

        let space = Space.Of n

        Build.leaf $"Hadamard[{n}]" space space (Traits.Unitary ||| Traits.SelfAdjoint) (Nullable()) action action
        |> LinearFunction.Wrap

/// <summary>A random rotation H D / sqrt n: random signs D, then the Walsh-Hadamard transform. It spreads any vector evenly at cost O(n log n).</summary>
/// <param name="seed">Draws the signs.</param>
/// <param name="n">A power of two.</param>
/// <returns>A unitary map from [n] to [n].</returns>
/// <exception cref="T:System.ArgumentException">n is not a power of two; the message names the nearest.</exception>
/// <remarks>Ailon and Chazelle 2009.</remarks>
[<CompiledName("Random")>]
let random (seed: int) (n: int64) : LinearMap =
    refuseOther n
    use drawn = Seed.uniform seed TensorKind.float64 [| n |]

    let signs =
        drawn.data<float>().ToArray()
        |> Array.map (fun u -> if u < 0.5 then -1.0 else 1.0)

    let flips = FixedDiagonal.ofNumbers $"signs[{n}]" (Space.Of n) signs
    transform n * LinearMap.promise Traits.Unitary flips
