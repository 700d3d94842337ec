/// <summary>Maps of grids that are diagonal in the transforms of their axes.</summary>
/// <remarks>
/// Transforms, division and the way back are one action. Between them the axes stay where the last transform left them, so that each is read across once
/// (in tiles, by the native passes) and the result lies as a fresh tensor does.
/// </remarks>
[<RequireQualifiedAccess>]
module internal Ortho.GridTransform

open System
open Ortho
open TorchSharp

/// A transform of rows, its inverse, and their names.
let private formsOf (axis: GridAxis) =
    match GridAxis.tryCosine axis with
    | Some kind ->
        let inverse = CosineForm.inverse kind
        (Cosine.form kind axis.Size, $"{kind}[{axis.Size}]"), (Cosine.form inverse axis.Size, $"{inverse}[{axis.Size}]")
    | None ->
        let form = Hartley.form axis.Size
        (form, $"Hartley[{axis.Size}]"), (form, $"Hartley[{axis.Size}]")

/// x with one of its grid axes moved behind the others: the axes in their order so far, and the number of batch axes before them.
let private behind (batch: int) (order: int[]) (axis: int) (x: torch.Tensor) =
    let next = Array.append (order |> Array.filter ((<>) axis)) [| axis |]

    let places =
        [|
            for i in 0 .. batch - 1 -> int64 i
            for i in next -> int64 (batch + Array.IndexOf(order, i))
        |]

    next, x.permute places

/// <summary>The map that multiplies wave k of a grid by number k.</summary>
/// <param name="name">What formulas call the numbers.</param>
/// <param name="axes">The axes.</param>
/// <param name="numbers">One for each wave, the last axis fastest.</param>
/// <returns>Self-adjoint under the weights of the points, which are all 1 unless a Neumann end lies on a node.</returns>
let diagonal (name: string) (axes: GridAxis[]) (numbers: float[]) : LinearMap =
    let space = GridAxis.space axes
    let forward, back = axes |> Array.map formsOf |> Array.unzip
    let last = axes.Length - 1
    let natural = Array.init axes.Length id

    let table =
        use flat = torch.tensor (numbers, dtype = Nullable torch.float64)
        use shaped = flat.reshape space.Axes
        use turned = shaped.permute (natural |> Array.map (fun i -> int64 (last - i)))
        Table(turned.contiguous ())

    let act (x: torch.Tensor) =
        let batch = int x.ndim - axes.Length

        let step (forms: ((torch.Tensor -> torch.Tensor) * string)[]) (order, y) i =
            let order, view = behind batch order i y
            order, fst forms[i] view

        let order, waves = Array.fold (step forward) (natural, x) (Array.rev natural)
        // Fresh: only here is it known.
        let waves = waves.mul_ (table.Like waves)
        snd (Array.fold (step back) (order, waves) natural)

    let joined (forms: ((torch.Tensor -> torch.Tensor) * string)[]) =
        let names = forms |> Array.map snd |> String.concat " ⊗ "
        if axes.Length > 1 then $"({names})" else names

    let action = RowForm.onParts act

    let onWaves =
        Build.leaf $"{joined back}·{name}·{joined forward}" space space Traits.SelfAdjoint (Nullable()) action action
        |> LinearFunction.Wrap

    let weights = GridAxis.outer (*) GridAxis.weights axes

    if weights |> Array.forall ((=) 1.0) then
        onWaves
    else
        // Waves are orthogonal under the weights, the transform's rows are so without: they differ by the roots.
        let root (sign: float) =
            weights
            |> Array.map (fun weight -> weight ** (sign / 2.0))
            |> FixedDiagonal.ofNumbers $"w^{sign / 2.0}" space

        root -1.0 * onWaves * root 1.0
