/// <summary>Looks through a model for activations that break the equivariance of the layers before them.</summary>
/// <remarks>What an equivariant layer gives transforms by its <c>OutputRep</c>; a pointwise activation after it must commute with that, or what follows is
/// equivariant no more. <c>PointwiseActivation.mayApply</c> decides.</remarks>
[<RequireQualifiedAccess>]
module Ortho.EquivarianceWarnings

open System
open Ortho
open TorchSharp
open TorchSharp.Modules

/// The function of a module of TorchSharp that applies one to each entry.
let private activationOf (``module``: torch.nn.Module) : ActivationFunction option =
    let known (kind: ActivationClass) (layer: torch.nn.Module<torch.Tensor, torch.Tensor>) =
        Some(PointwiseActivation.ofFunction (layer.GetName()) kind layer.forward)

    match ``module`` with
    | :? ReLU as layer -> known ActivationClass.PositivelyHomogeneous layer
    | :? LeakyReLU as layer -> known (PointwiseActivation.leakyRelu layer.negative_slope).Class layer
    // One slope: with several, the axis of the slopes is not the channels of an equivariant layer.
    | :? PReLU as layer when layer.num_parameters = 1L -> known ActivationClass.PositivelyHomogeneous layer
    | :? Tanh as layer -> known ActivationClass.Odd layer
    | :? Softsign as layer -> known ActivationClass.Odd layer
    | :? Tanhshrink as layer -> known ActivationClass.Odd layer
    | :? Softshrink as layer -> known ActivationClass.Odd layer
    | :? Hardtanh as layer ->
        let isOdd = layer.min_val = -layer.max_val

        known
            (if isOdd then
                 ActivationClass.Odd
             else
                 ActivationClass.Generic)
            layer
    | :? Sigmoid as layer -> known ActivationClass.Generic layer
    | :? LogSigmoid as layer -> known ActivationClass.Generic layer
    | :? Hardsigmoid as layer -> known ActivationClass.Generic layer
    | :? Softplus as layer -> known ActivationClass.Generic layer
    | :? GELU as layer -> known ActivationClass.Generic layer
    | :? SiLU as layer -> known ActivationClass.Generic layer
    | :? Hardswish as layer -> known ActivationClass.Generic layer
    | :? Mish as layer -> known ActivationClass.Generic layer
    | :? ELU as layer -> known ActivationClass.Generic layer
    | :? SELU as layer -> known ActivationClass.Generic layer
    | :? CELU as layer -> known ActivationClass.Generic layer
    | :? ReLU6 as layer -> known ActivationClass.Generic layer
    | :? Identity as layer -> known ActivationClass.Linear layer
    | _ -> None

let rec private flat (modules: seq<torch.nn.Module>) : seq<torch.nn.Module> =
    modules
    |> Seq.collect (fun layer ->
        match layer with
        | :? Sequential as sequence -> flat (sequence.children ())
        | layer -> [ layer ])

/// <summary>The warnings, given how the output of an equivariant layer transforms under each factor of its group; none for a module that is no such layer.</summary>
let internal ofModulesWith (outputReps: torch.nn.Module -> Rep[]) (modules: seq<torch.nn.Module>) : string[] =
    let warnings = ResizeArray<string>()
    let mutable current: Rep[] = [||]

    for place, layer in Seq.indexed (flat modules) do
        let reps = outputReps layer

        if reps.Length > 0 then
            current <- reps
        elif current.Length > 0 then
            match activationOf layer with
            | Some activation ->
                for rep in current do
                    let answer = PointwiseActivation.mayApply activation rep

                    if not answer.IsAllowed then
                        warnings.Add $"module {place}: {answer.Reason}"
            | None ->
                warnings.Add
                    $"module {place}: {layer.GetName()} is unknown: cannot tell whether it commutes with {current[0]}."

                current <- [||]

    warnings.ToArray()

/// <summary>What in a model breaks, or may break, equivariance: one warning for each activation that does not commute with what the last equivariant
/// layer gives, and for each module of another kind after one, of which nothing is known.</summary>
/// <param name="modules">The model in the order in which it is applied, e.g. one <c>Sequential</c>; sequences in it are opened. What stands before the
/// first equivariant layer is passed over, and so is what follows a module of which nothing is known, up to the next equivariant layer.</param>
/// <returns>Warnings that name the place (from 0, sequences opened) and the module; empty if all is well.</returns>
/// <exception cref="T:System.ArgumentException">A module is null.</exception>
[<CompiledName("OfModules")>]
let ofModules (modules: seq<torch.nn.Module>) : string[] =
    Guard.notNull "modules" modules
    let modules = Seq.toArray modules
    modules |> Array.iter (Guard.notNull "modules")

    modules
    |> ofModulesWith (fun layer ->
        match layer with
        | :? EquivariantLayer as layer ->
            let groups = Seq.toArray layer.Groups
            groups |> Array.mapi (fun factor _ -> Features.rep groups factor layer.Output)
        | _ -> [||])
