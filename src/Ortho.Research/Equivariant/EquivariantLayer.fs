namespace Ortho

open System
open System.Runtime.InteropServices
open TorchSharp

/// <summary>Equivariant maps with channels, (R^n)^k (x) R^c -> (R^n)^l (x) R^d: every diagram with its own c x d matrix of weights.</summary>
/// <remarks>Source: Pearce-Crump 2212.08648. Channels are the last axis. The sum over diagrams is grouped by the number of
/// crossing blocks: contractions, one matrix product, placements; no dense matrix over (R^n)^k, and parameters are exactly
/// c d dim Hom.</remarks>
[<RequireQualifiedAccess>]
module Equivariant =

    /// The most weights (diagrams x channels x channels) that a layer makes unless told otherwise.
    [<Literal>]
    let weightLimit = 16_777_216

    /// <summary>The diagrams of a layer in the order of its weights: by number of crossing blocks, contraction, placement.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input.</param>
    /// <param name="l">Tensor order of the output.</param>
    [<CompiledName("Diagrams")>]
    let diagrams (group: Group) (k: int) (l: int) : Diagram[] =
        LayerPlan.diagrams (LayerPlan.groups group k l)

    /// <summary>The equivariant map sum over d of D_d (x) W_d^T.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input.</param>
    /// <param name="l">Tensor order of the output.</param>
    /// <param name="weight">Shape [dim Hom; c; d], in the order of <c>diagrams</c>.</param>
    /// <returns>A map from [n^k; c] to [n^l; d], channels last, differentiable in the weights.</returns>
    /// <exception cref="T:System.ArgumentException">The weights have another shape.</exception>
    [<CompiledName("OfWeight")>]
    let ofWeight (group: Group) (k: int, l: int) (weight: torch.Tensor) : LinearMap =
        Guard.rank "weight" 3 weight
        Guard.floating "weight" weight
        Guard.notEmpty "weight" weight
        let count = Basis.dimension group k l

        Guard.holds "weight" (bigint (weight.size 0) = count) (fun () ->
            $"weight must have first axis {count}, the dimension of the equivariant maps from order {k} to order {l} of {group}, but has shape {Guard.showShape weight.shape}.")

        LayerPlan.make group (k, l) (weight.size 1, weight.size 2)
        |> LayerPlan.map weight

    /// <summary>First weights that keep variance: for independent N(0, 1) input, the outputs have mean square 1 on average.</summary>
    /// <remarks>D_d has n^b entries 1 for b blocks, so E |D_d x|^2 = n^b; each diagram gets an equal share of the n^l output entries.</remarks>
    let internal initialWeight (seed: int) (group: Group) (k: int, c: int) (l: int, d: int) =
        let diagrams = diagrams group k l

        let kind = TensorKind.float32

        use _ = torch.NewDisposeScope()
        let n = float group.Dimension

        let deviations =
            diagrams
            |> Array.map (fun diagram -> sqrt (n ** float (l - diagram.BlockCount) / float (c * diagrams.Length)))
            |> vector kind

        let normal = Seed.normal seed kind [ diagrams.LongLength; int64 c; int64 d ]
        (normal .* deviations.reshape (-1L, 1L, 1L)).MoveToOuterDisposeScope()

/// <summary>A learned equivariant layer from tensors of order k to tensors of order l, with channels and an equivariant bias.</summary>
/// <remarks>Input [*batch; n^k; inputChannels], output [*batch; n^l; outputChannels]. Parameters: <c>weight</c>, shape [dim Hom(k, l);
/// inputChannels; outputChannels], and <c>bias</c>, shape [dim Hom(0, l); outputChannels].</remarks>
[<Sealed; NoEquality; NoComparison>]
type EquivariantLayer
    /// <summary>A layer with first weights drawn from the seed.</summary>
    /// <exception cref="T:System.ArgumentException">An order is negative, a channel count below 1, or there would be more than 2^24 weights.</exception>
    (
        seed: int,
        group: Group,
        inputOrder: int,
        inputChannels: int,
        outputOrder: int,
        outputChannels: int,
        [<Optional; DefaultParameterValue(true)>] hasBias: bool
    ) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("EquivariantLayer")

    let register (name: string) (value: torch.Tensor) =
        let parameter = new Modules.Parameter(value, true)
        parameter.DetachFromDisposeScope() |> ignore
        this.register_parameter (name, parameter)

    do
        Guard.positive "inputChannels" inputChannels
        Guard.positive "outputChannels" outputChannels
        let count = Basis.dimension group inputOrder outputOrder
        let weights = count * bigint inputChannels * bigint outputChannels

        Guard.holds "outputOrder" (weights <= bigint Equivariant.weightLimit) (fun () ->
            $"A layer from order {inputOrder} to order {outputOrder} of {group} has {count} diagrams and {weights} weights, more than the limit of {Equivariant.weightLimit}: lower an order or the channels.")

        use _ = torch.NewDisposeScope()

        register
            "weight"
            (Equivariant.initialWeight seed group (inputOrder, inputChannels) (outputOrder, outputChannels))

        if hasBias then
            let biases = int64 (Basis.dimension group 0 outputOrder)
            register "bias" (torch.zeros (biases, int64 outputChannels))

    let plan =
        LayerPlan.make group (inputOrder, outputOrder) (int64 inputChannels, int64 outputChannels)

    let constant = LayerPlan.make group (0, outputOrder) (1L, int64 outputChannels)

    /// The group that the layer commutes with.
    member _.Group = group

    /// Tensor order k of the input.
    member _.InputOrder = inputOrder

    /// Tensor order l of the output.
    member _.OutputOrder = outputOrder

    /// How the group acts on one input element, channels last.
    member _.InputRep =
        Rep.vector group |> Rep.tensorPower inputOrder |> Rep.channels inputChannels

    /// How the group acts on one output element, channels last.
    member _.OutputRep =
        Rep.vector group |> Rep.tensorPower outputOrder |> Rep.channels outputChannels

    /// The linear part, of the weights as they are now: it follows later steps only as far as they change these tensors in place.
    member this.Linear: LinearMap = LayerPlan.map (this.get_parameter "weight") plan

    /// <summary>The layer on a batch, [*batch; n^k; inputChannels] -> [*batch; n^l; outputChannels].</summary>
    override this.forward(x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let y = this.Linear.Apply x

        let shifted =
            if hasBias then
                let bias = this.get_parameter "bias"
                let constants = LayerPlan.map (bias.unsqueeze 1L) constant
                y .+ constants.Apply(bias.new_ones 1L)
            else
                y

        scope.MoveToOuter shifted
