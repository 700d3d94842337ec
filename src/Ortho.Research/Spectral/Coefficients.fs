/// <summary>Sparse maps on the last axis, [n] -> [m], that take either precision, real or complex, on any device: what calculus does to coefficients.</summary>
[<RequireQualifiedAccess>]
module internal Ortho.Coefficients

open System
open Ortho
open TorchSharp

let private lastNarrow (start: int64) (length: int64) (x: torch.Tensor) = x.narrow (x.ndim - 1L, start, length)

let private withLast (length: int64) (x: torch.Tensor) =
    Array.append x.shape[.. x.shape.Length - 2] [| length |]

let private leaf name (n: int64) (m: int64) forward backward =
    Build.leaf name (Space.Of n) (Space.Of m) Traits.None (Nullable()) forward backward
    |> LinearFunction.Wrap

/// The first m of n coefficients, or n coefficients and zeros.
let resize (n: int64) (m: int64) : LinearMap =
    let act (m: int64) =
        Actions.scoped (fun x ->
            let size = x.size -1

            if m <= size then
                lastNarrow 0L m x
            else
                torch.cat ([| x; x.new_zeros (withLast (m - size) x) |], -1L))

    if n = m then
        LinearMap.identity (Space.Of n)
    else
        let traits = if m > n then Traits.Isometry else Traits.Coisometry

        Build.leaf $"resize[{n}, {m}]" (Space.Of n) (Space.Of m) traits (Nullable()) (act m) (act n)
        |> LinearFunction.Wrap

/// <summary>The banded matrix with m rows and n columns whose entry in row i and column i + offset is entry i, for each (offset, entry).</summary>
let banded (name: string) (n: int64) (m: int64) (diagonals: (int64 * (int64 -> float)) list) : LinearMap =
    // The diagonal with this offset goes through rows first, ..., first + count - 1.
    let bands =
        diagonals
        |> List.choose (fun (offset, entry) ->
            let first = max 0L -offset
            let count = min m (n - offset) - first

            if count <= 0L then
                None
            else
                let numbers = Array.init (int count) (fun i -> entry (first + int64 i))
                Some(struct (first, first + offset, count, Table.ofNumbers [| count |] numbers)))
        |> List.toArray

    let act (rows: int64) (transposed: bool) =
        Actions.scoped (fun x ->
            let y = x.new_zeros (withLast rows x)

            for struct (row, column, count, numbers) in bands do
                let source, target = if transposed then row, column else column, row
                addInPlace (lastNarrow target count y) (lastNarrow source count x |> Table.times numbers)

            y)

    leaf name n m (act m false) (act n true)

/// y_k = x_(k+1) + x_(k+1+stride) + x_(k+1+2 stride) + ...: n to n, by one cumulative sum.
let tailSums (stride: int64) (n: int64) : LinearMap =
    let inner = n - 1L
    let count = (inner + stride - 1L) / stride

    /// The sums along every stride-th entry of a part of n - 1 entries; of the entries behind, or of those before.
    let sums (behind: bool) (part: torch.Tensor) =
        let shape = Array.append (part.shape[.. part.shape.Length - 2]) [| count; stride |]

        let padded =
            torch.cat([| part; part.new_zeros (withLast (count * stride - inner) part) |], -1L).reshape shape

        let total =
            if behind then
                padded.flip([| -2L |]).cumsum(-2L).flip [| -2L |]
            else
                padded.cumsum -2L

        total.reshape (withLast (count * stride) part) |> lastNarrow 0L inner

    let zero (x: torch.Tensor) = x.new_zeros (withLast 1L x)

    if n = 1L then
        LinearMap.zero (Space.Of 1L) (Space.Of 1L)
    else
        leaf
            $"sums[{n}]"
            n
            n
            (Actions.scoped (fun x -> torch.cat ([| lastNarrow 1L inner x |> sums true; zero x |], -1L)))
            (Actions.scoped (fun y -> torch.cat ([| zero y; lastNarrow 0L inner y |> sums false |], -1L)))

/// The map before, then y_0 = - sum of values_k y_k over k from 1: the function with these coefficients, whose first basis function is 1, vanishes where the others have these values.
let vanishing (values: float[]) (map: LinearMap) : LinearMap =
    let n = values.LongLength
    let rest = values |> Array.mapi (fun k value -> if k = 0 then 0.0 else -value)
    let table, column = Table.ofNumbers [| n |] rest, Table.ofNumbers [| n; 1L |] rest

    let inside =
        Table.ofNumbers [| n |] (Array.init (int n) (fun k -> if k = 0 then 0.0 else 1.0))

    let set =
        leaf
            "vanish"
            n
            n
            (Actions.scoped (fun y ->
                let first = y.matmul ((column.Like y).``to`` y.dtype)
                torch.cat ([| first; lastNarrow 1L (n - 1L) y |], -1L)))
            (Actions.scoped (fun g ->
                let first = lastNarrow 0L 1L g
                Table.times inside g .+ Table.times table first))

    LinearFunction.Wrap(set * map)
