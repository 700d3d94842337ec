namespace Ortho

open System

/// <summary>How a map was put together from others. Smart constructors read it, and so does the formula that a map prints as.</summary>
[<NoEquality; NoComparison>]
type internal Form<'Map> =
    | Leaf of name: string
    | Adjoint of 'Map
    | Identity of Space
    | Zero
    /// y = d x, entry by entry.
    | Diagonal of Space * entries: TorchSharp.torch.Tensor
    /// The same with numbers that belong to no tensor.
    | Fixed of name: string * Space * numbers: float[]
    /// y[i] = x[order[i]] on vectors.
    | Permutation of order: int64[]
    | Scaled of factor: float * 'Map
    /// The product: the last of the array acts first.
    | Composed of 'Map[]
    | Sum of 'Map[]
    | Kronecker of 'Map[]
    | DirectSum of 'Map[]
    | Block of 'Map[,]

/// Maps as formulas: adjoint *, product ·, tensor product ⊗, direct sum ⊕.
module internal Formula =

    /// How tightly the outermost sign of a formula binds; a looser part of a tighter whole gets brackets.
    type private Binding =
        | Loose = 0
        | Summed = 1
        | DirectlySummed = 2
        // Products and tensor products stand in each other between brackets.
        | Multiplied = 3
        | Tight = 4

    let private sign (factor: float) = if factor < 0.0 then "-" else ""

    /// The formula of a form, given the form of each part.
    let show (formOf: 'Map -> Form<'Map>) (form: Form<'Map>) =
        let rec write (form: Form<'Map>) : struct (Binding * string) =
            let part least (map: 'Map) =
                let struct (binding, text) = write (formOf map)
                if binding < least then $"({text})" else text

            let joined binding (symbol: string) (maps: 'Map[]) =
                struct (binding, String.Join(symbol, maps |> Array.map (part (enum<Binding>(int binding + 1)))))

            match form with
            | Leaf name -> struct (Binding.Tight, name)
            | Adjoint map -> struct (Binding.Tight, part Binding.Tight map + "*")
            | Identity space -> struct (Binding.Tight, $"I{space}")
            | Zero -> struct (Binding.Tight, "0")
            | Diagonal(space, _) -> struct (Binding.Tight, $"diag{space}")
            | Fixed(name, _, _) -> struct (Binding.Tight, name)
            | Permutation order -> struct (Binding.Tight, $"P[{order.Length}]")
            | Scaled(factor, map) when abs factor = 1.0 ->
                struct (Binding.Multiplied, sign factor + part Binding.Multiplied map)
            | Scaled(factor, map) -> struct (Binding.Multiplied, $"{factor} {part Binding.Multiplied map}")
            | Composed maps -> joined Binding.Multiplied "·" maps
            | Kronecker maps -> joined Binding.Multiplied " ⊗ " maps
            | DirectSum maps -> joined Binding.DirectlySummed " ⊕ " maps
            | Sum maps ->
                let terms =
                    maps
                    |> Array.mapi (fun i map ->
                        match formOf map with
                        | Scaled(factor, inner) when factor < 0.0 ->
                            let size = if factor = -1.0 then "" else $"{-factor} "
                            let separator = if i = 0 then "-" else " - "
                            separator + size + part Binding.Multiplied inner
                        | _ -> (if i = 0 then "" else " + ") + part Binding.DirectlySummed map)

                struct (Binding.Summed, String.Join("", terms))
            | Block maps ->
                let row r =
                    String.Join(", ", Array.init (maps.GetLength 1) (fun c -> part Binding.Loose maps[r, c]))

                struct (Binding.Tight, "[" + String.Join("; ", Array.init (maps.GetLength 0) row) + "]")

        let struct (_, text) = write form
        text

    /// <summary>The factors of a product of two products, after neighbours at the seam were joined as long as `join` finds one map for two.</summary>
    /// <param name="join">One map in place of two neighbours, if there is one.</param>
    /// <param name="isIdentity">Joined maps for which it holds vanish.</param>
    /// <param name="left">Reversed: its head stands next to the head of `right`.</param>
    /// <param name="right">The factors that act first.</param>
    let rec meet (join: 'Map -> 'Map -> 'Map option) (isIdentity: 'Map -> bool) (left: 'Map list) (right: 'Map list) =
        match left, right with
        | l :: left', r :: right' ->
            match join l r with
            | None -> List.rev left @ right
            | Some joined when isIdentity joined -> meet join isIdentity left' right'
            | Some joined -> meet join isIdentity left' (joined :: right')
        | _ -> List.rev left @ right
