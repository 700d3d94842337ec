/// Diagonal maps of fixed numbers, which take tensors of either precision on any device.
[<RequireQualifiedAccess>]
module internal Ortho.FixedDiagonal

open System
open Ortho

/// x times real numbers, entry by entry: self-adjoint, without parameters. Equal numbers give a multiple of the identity.
let ofNumbers (name: string) (space: Space) (numbers: float[]) : LinearMap =
    if numbers |> Array.forall (fun number -> number = numbers[0]) then
        Simplify.scale numbers[0] (Build.identity space)
    else
        let form = Fixed(name, space, numbers)
        let action = Table.times (Table.ofNumbers space.Axes numbers)
        Build.pair space space Traits.SelfAdjoint (Nullable()) (form, action) ((fun _ -> form), action)

/// The inverse of a map made here, if no number is 0.
let tryInverse (name: string) (space: Space) (numbers: float[]) : LinearMap option =
    if Array.contains 0.0 numbers then
        None
    else
        Some(numbers |> Array.map (fun number -> 1.0 / number) |> ofNumbers $"{name}⁻¹" space)
