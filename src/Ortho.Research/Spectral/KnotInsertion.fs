/// <summary>Knot insertion: a larger basis of splines, and the coefficients of the same splines in it.</summary>
/// <remarks>Source: Boehm 1980; periodic knots enter with all their copies at once.</remarks>
[<RequireQualifiedAccess>]
module Ortho.KnotInsertion

open Ortho
open TorchSharp

/// The place of x among the knots, and the basis with x among them, after its equals.
let private insertOne (basis: SplineBasis) (x: float) : struct (SplineBasis * LinearMap) =
    let struct (k, x) = basis.Locate x
    let p, n = basis.Degree, int basis.Size

    let refined =
        SplineBasis(p, Array.insertAt (k + 1) x (Seq.toArray basis.Knots), basis.IsPeriodic)

    // The new coefficients from k - p + 1 on, one period of them or all.
    let row j =
        if j <= k - p then
            struct ([| basis.Place j; basis.Place j |], [| 1.0; 0.0 |])
        elif j <= k then
            let share = (x - basis.Knot j) / (basis.Knot(j + p) - basis.Knot j)
            struct ([| basis.Place j; basis.Place(j - 1) |], [| share; 1.0 - share |])
        else
            struct ([| basis.Place(j - 1); basis.Place(j - 1) |], [| 1.0; 0.0 |])

    let rows = Array.zeroCreate (n + 1)

    for j in
        (if basis.IsPeriodic then
             [ k - p + 1 .. k - p + 1 + n ]
         else
             [ 0..n ]) do
        rows[int (refined.Place j)] <- row j

    struct (refined, SparseRows.ofRows $"insert[{n}]" basis.Size rows)

let private insertAll (points: seq<float>) (basis: SplineBasis) =
    let points = BSpline.checkedPoints points basis

    let insert (struct (basis: SplineBasis, map: LinearMap)) (x: float) =
        Guard.holds "points" (basis.IsPeriodic || (x > basis.Lower && x < basis.Upper)) (fun () ->
            $"points must lie inside ({basis.Lower}, {basis.Upper}), but one is {x}.")

        let struct (_, inside) = basis.Locate x

        let multiplicity =
            basis.Knots
            |> Seq.skip (if basis.IsPeriodic then 1 else 0)
            |> Seq.filter (fun knot ->
                knot = inside
                || (basis.IsPeriodic && knot = basis.Upper && inside = basis.Lower))
            |> Seq.length

        Guard.holds "points" (multiplicity < max basis.Degree 1) (fun () ->
            $"points must leave every knot a multiplicity of at most {max basis.Degree 1}, but {x} is {multiplicity} knots already.")

        let struct (refined, step) = insertOne basis x
        struct (refined, step * map)

    points
    |> Array.fold insert (struct (basis, Build.identity (Space.Of basis.Size)))

/// <summary>The basis with more knots.</summary>
/// <param name="points">Knots to insert, inside the interval; a knot may become as often equal as the degree.</param>
/// <param name="basis">The basis.</param>
/// <exception cref="T:System.ArgumentException">A point that is not inside, or one too often.</exception>
[<CompiledName("Refine")>]
let refine (points: seq<float>) (basis: SplineBasis) : SplineBasis =
    use _ = torch.NewDisposeScope()
    let struct (refined, _) = insertAll points basis
    refined

/// <summary>Knot insertion: coefficients -> the coefficients of the same splines in the basis that <c>refine</c> gives.</summary>
/// <param name="points">Knots to insert, as for <c>refine</c>.</param>
/// <param name="basis">The basis.</param>
/// <returns>A map from [basis.Size] to [basis.Size + number of points].</returns>
/// <exception cref="T:System.ArgumentException">A point that is not inside, or one too often.</exception>
/// <remarks>Boehm's algorithm, a knot at a time, each new coefficient a mean of two neighbours.</remarks>
[<CompiledName("Map")>]
let map (points: seq<float>) (basis: SplineBasis) : LinearMap =
    let struct (_, inserted) = insertAll points basis
    inserted
