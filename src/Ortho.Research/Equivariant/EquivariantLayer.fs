namespace Ortho

open System
open System.Runtime.InteropServices
open TorchSharp

/// <summary>Weights of equivariant layers: how many, and what they start from.</summary>
module internal LayerWeights =

    /// The most weights (maps x channels x channels) that a layer makes.
    let limit = 16_777_216I

    /// <summary>First weights that keep variance: for independent N(0, 1) input, the outputs have mean square 1 on average.</summary>
    /// <remarks>E |A x|^2 = |A|^2 (Frobenius) for each spanning map A; each map gets an equal share of the entries of its output.</remarks>
    /// <param name="seed">Draws the numbers.</param>
    /// <param name="squares">|A|^2 of each map.</param>
    /// <param name="entries">Number of entries of the output, without channels.</param>
    /// <param name="inputs">From how many summands the output gets something.</param>
    /// <param name="c">Input channels.</param>
    /// <param name="d">Output channels.</param>
    let initial (seed: int) (squares: float[]) (entries: float) (inputs: int) (c: int) (d: int) =
        use scope = torch.NewDisposeScope()

        let deviations =
            squares
            |> Array.map (fun square -> sqrt (entries / (square * float (c * squares.Length * inputs))))
            |> vector TensorKind.float32

        let normal =
            Seed.normal seed TensorKind.float32 [ squares.LongLength; int64 c; int64 d ]

        scope.MoveToOuter(normal .* deviations.reshape (-1L, 1L, 1L))

/// <summary>A learned equivariant layer between direct sums of tensor powers with channels, with an equivariant bias.</summary>
/// <remarks>
/// <para>y = sum over d of B_d x W_d: a matrix of channels W_d for each map B_d of a basis of the equivariant maps, in the order of
/// <c>Basis.independent</c> (for a product of groups their tensor products, the last factor fastest). The bias is the same from order 0.</para>
/// <para>Parameters: <c>weight</c>, shape [dim Hom; input channels; output channels], and <c>bias</c>, shape [dim Hom(0, l); output channels]; with
/// several summands <c>weight_i_j</c> from input i to output j and <c>bias_j</c>, of those that are not empty.</para>
/// <para>Sources: Pearce-Crump 2212.08648, 2212.08630, 2301.10152, 2304.14165, 2307.07810. No dense matrix is made where the diagrams are cheaper.</para>
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type EquivariantLayer
    /// <summary>A layer with first weights drawn from the seed, which keep the variance of independent input.</summary>
    /// <param name="seed">Draws the weights.</param>
    /// <param name="groups">The group, or the factors of a product of groups, each of which acts on axes of its own.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="output">What it writes.</param>
    /// <param name="hasBias">Whether it adds an equivariant constant.</param>
    /// <exception cref="T:System.ArgumentException">The features do not fit the groups, no map but 0 is equivariant, or there would be more than 2^24 weights.</exception>
    (
        seed: int,
        groups: Group[],
        input: Features,
        output: Features,
        [<Optional; DefaultParameterValue(true)>] hasBias: bool
    ) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("EquivariantLayer")

    let groups =
        Features.check "input" groups input
        Features.check "output" groups output
        Array.copy groups

    let inputs = input.Count

    let name (i: int) (j: int) =
        match i < inputs, inputs = 1 && output.Count = 1 with
        | true, true -> "weight"
        | true, false -> $"weight_{i}_{j}"
        | false, _ when output.Count = 1 -> "bias"
        | false, _ -> $"bias_{j}"

    do
        let counts = LayerShape.dimensions groups input output hasBias

        let weights =
            Seq.sum (
                seq {
                    for i in 0 .. Array2D.length1 counts - 1 do
                        for j in 0 .. output.Count - 1 ->
                            counts[i, j]
                            * bigint (output.ChannelsOf j)
                            * (if i < inputs then bigint (input.ChannelsOf i) else 1I)
                }
            )

        let names = String.Join(" x ", groups)

        Guard.holds "output" (weights <= LayerWeights.limit) (fun () ->
            $"A layer of {names} from {input} to {output} has {weights:N0} weights ({4I * weights / 1048576I:N0} MiB), more than the limit of {LayerWeights.limit:N0}: lower an order or the channels.")

        Guard.holds
            "output"
            (Seq.exists (fun i -> Seq.exists (fun j -> counts[i, j] > 0I) [ 0 .. output.Count - 1 ]) [ 0 .. inputs - 1 ])
            (fun () ->
                $"A layer of {names} from {input} to {output} must have an equivariant map, but there is none except 0.")

    let form =
        use _ = torch.NewDisposeScope()
        let form = LayerForm.make groups input output hasBias

        // The layer outlives the scope that it is made in; these go when the collector takes it. No Dispose for them: TorchSharp's finalizer would call
        // it on a layer whose constructor refused its arguments too, and what is thrown there ends the process.
        for tensor in form.Tensors do
            tensor.DetachFromDisposeScope() |> ignore

        form

    do
        form.Blocks
        |> Array2D.iteri (fun i j (struct (count, c, d)) ->
            if count > 0 then
                use _ = torch.NewDisposeScope()

                let value =
                    if i = inputs then
                        torch.zeros (int64 count, int64 d)
                    else
                        let feeding =
                            Seq.length (
                                Seq.filter
                                    (fun i ->
                                        let struct (count, _, _) = form.Blocks[i, j]
                                        count > 0)
                                    [ 0 .. inputs - 1 ]
                            )

                        LayerWeights.initial
                            (Seed.derive seed (i * output.Count + j))
                            (LayerForm.squares form i j)
                            (LayerForm.entriesOf form j)
                            feeding
                            c
                            d

                let parameter = new Modules.Parameter(value, true)
                parameter.DetachFromDisposeScope() |> ignore
                this.register_parameter (name i j, parameter))

    /// The weights as the form takes them.
    let weights () =
        form.Blocks
        |> Array2D.mapi (fun i j (struct (count, _, _)) ->
            if count = 0 then
                null
            elif i = inputs then
                this.get_parameter(name i j).unsqueeze 1L
            else
                this.get_parameter (name i j) :> torch.Tensor)

    let inputSpace = Features.space groups input
    let run = LayerForm.run form
    let mutable method = LayerMethod.Cheapest

    /// A layer from tensors of one order to tensors of one order.
    new
        (
            seed: int,
            group: Group,
            inputOrder: int,
            inputChannels: int,
            outputOrder: int,
            outputChannels: int,
            [<Optional; DefaultParameterValue(true)>] hasBias: bool
        ) =
        Guard.notNull "group" group
        Guard.atLeast "inputOrder" 0 inputOrder
        Guard.positive "inputChannels" inputChannels
        Guard.atLeast "outputOrder" 0 outputOrder
        Guard.positive "outputChannels" outputChannels

        new EquivariantLayer(
            seed,
            [| group |],
            Features.Tensors(inputOrder, inputChannels),
            Features.Tensors(outputOrder, outputChannels),
            hasBias
        )

    /// The factors of the group that the layer commutes with.
    member _.Groups: System.Collections.Generic.IReadOnlyList<Group> =
        Array.AsReadOnly groups

    /// The group that the layer commutes with; of a product the first factor.
    member _.Group = groups[0]

    /// <summary>How the layer is computed; by default as counting says.</summary>
    /// <exception cref="T:System.ArgumentException">Set to a method that the layer does not have: Aut(G) has no diagrams, and large layers keep no dense maps.</exception>
    member _.Method
        with get () = method
        and set (value: LayerMethod) =
            let has =
                match value with
                | LayerMethod.Factored -> form.Layout.IsSome
                | LayerMethod.Dense -> form.Dense.IsSome
                | LayerMethod.Cheapest -> true
                | _ -> false

            Guard.holds "value" has (fun () ->
                $"value must be a method of this layer, but is {value}: Aut(G) has no diagrams, and a dense matrix is kept only where it is small and cheaper for some batch.")

            method <- value

    /// <summary>The work of one method, counted, for so many elements, forward only.</summary>
    /// <exception cref="T:System.ArgumentException">The layer does not have the method.</exception>
    member _.Work(batch: int64, way: LayerMethod) : LayerWork =
        Guard.atLeast "batch" 0L batch
        let struct (factored, dense) = LayerForm.works form batch

        match way, factored, dense with
        | (LayerMethod.Factored | LayerMethod.Cheapest), ValueSome work, ValueNone
        | LayerMethod.Factored, ValueSome work, _
        | LayerMethod.Dense, _, ValueSome work
        | LayerMethod.Cheapest, ValueNone, ValueSome work -> work
        | LayerMethod.Cheapest, ValueSome a, ValueSome b -> if a.Cost <= b.Cost then a else b
        | _ ->
            let message = $"way must be a method of this layer, but is {way}."
            raise (ArgumentException(message, "way"))

    /// What the layer reads.
    member _.Input = input

    /// What it writes.
    member _.Output = output

    /// How the first (or only) factor of the group acts on one input element.
    member _.InputRep = Features.rep groups 0 input

    /// How the first (or only) factor of the group acts on one output element.
    member _.OutputRep = Features.rep groups 0 output

    /// The linear part, of the weights as they are now: it follows later steps only as far as they change these tensors in place.
    member _.Linear: LinearMap =
        let kind = TensorKind.ofTensor (Seq.head (this.parameters ()))
        LayerForm.linear form method (weights ()) kind

    /// <summary>The layer on a batch: [*batch; input element] -> [*batch; output element].</summary>
    /// <exception cref="T:System.ArgumentException">The last axes of x are not the input's, or x differs in type or device from the weights.</exception>
    override _.forward(x: torch.Tensor) =
        Guard.live "x" x
        let batch = int x.ndim - inputSpace.Rank

        Guard.holds "x" (batch >= 0 && x.shape[batch..] = inputSpace.Axes) (fun () ->
            $"x must have last axes {inputSpace}, the input of a layer of {groups[0]}, but has shape {Guard.showShape x.shape}.")

        let weights = weights ()

        let kind =
            weights
            |> Seq.cast<torch.Tensor>
            |> Seq.find (isNull >> not)
            |> TensorKind.ofTensor

        Guard.holds "x" (TensorKind.matches kind x) (fun () ->
            $"x must be {kind}, like the weights, but is {TensorKind.ofTensor x}.")

        use scope = torch.NewDisposeScope()
        scope.MoveToOuter((run method weights x).contiguous())

/// <summary>Equivariant maps with channels, (R^n)^k (x) R^c -> (R^n)^l (x) R^d: every map of a basis with its own c x d matrix of weights.</summary>
/// <remarks>Source: Pearce-Crump 2212.08648, 2212.08630. Channels are the last axis. The sum over diagrams is grouped by the number of
/// crossing strands: contractions, one matrix product, placements; no dense matrix over (R^n)^k, and parameters are exactly
/// c d dim Hom.</remarks>
[<RequireQualifiedAccess>]
module Equivariant =

    /// <summary>The equivariant map sum over d of B_d (x) W_d^T.</summary>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="k">Tensor order of the input.</param>
    /// <param name="l">Tensor order of the output.</param>
    /// <param name="weight">Shape [dim Hom; c; d], in the order of <c>Basis.independent</c>.</param>
    /// <returns>A map from [n^k; c] to [n^l; d], channels last, differentiable in the weights.</returns>
    /// <exception cref="T:System.ArgumentException">The weights have another shape.</exception>
    [<CompiledName("OfWeight")>]
    let ofWeight (group: Group) (k: int, l: int) (weight: torch.Tensor) : LinearMap =
        Guard.notNull "group" group
        Guard.atLeast "k" 0 k
        Guard.atLeast "l" 0 l
        Guard.rank "weight" 3 weight
        Guard.floating "weight" weight
        Guard.notEmpty "weight" weight
        let count = Basis.dimension group k l

        Guard.holds "weight" (bigint (weight.size 0) = count) (fun () ->
            $"weight must have first axis {count}, the dimension of the equivariant maps from order {k} to order {l} of {group}, but has shape {Guard.showShape weight.shape}.")

        let input, output =
            Features.Tensors(k, int (weight.size 1)), Features.Tensors(l, int (weight.size 2))

        LayerForm.linear
            (LayerForm.make [| group |] input output false)
            LayerMethod.Cheapest
            (array2D [ [ weight ] ])
            (TensorKind.ofTensor weight)

    /// <summary>A learned layer that commutes with a group, with an equivariant bias: 8 channels of matrices to 4 of vectors, say, are
    /// <c>Equivariant.linear seed (Group.symmetric n) (Features.tensors 2 8) (Features.tensors 1 4)</c>.</summary>
    /// <param name="seed">Draws the first weights.</param>
    /// <param name="group">The group that acts on R^n.</param>
    /// <param name="input">What the layer reads.</param>
    /// <param name="output">What it writes.</param>
    [<CompiledName("Linear")>]
    let linear (seed: int) (group: Group) (input: Features) (output: Features) : EquivariantLayer =
        Guard.notNull "group" group
        new EquivariantLayer(seed, [| group |], input, output)

    /// <summary>The same for a product of groups, each of which acts on axes of its own (local symmetries).</summary>
    /// <param name="seed">Draws the first weights.</param>
    /// <param name="groups">The factors.</param>
    /// <param name="input">What the layer reads, with an order for each factor.</param>
    /// <param name="output">What it writes.</param>
    [<CompiledName("Local")>]
    let local (seed: int) (groups: seq<Group>) (input: Features) (output: Features) : EquivariantLayer =
        Guard.notNull "groups" groups
        new EquivariantLayer(seed, Seq.toArray groups, input, output)

    /// <summary>The law of a layer: how far it is from commuting with its groups, bias included; about 1e-15 in float64 and 1e-6 in float32. Sp(n) is not
    /// compact, and its elements lose a digit or two.</summary>
    /// <param name="seed">Draws group elements and inputs.</param>
    /// <param name="layer">The layer, as it is now.</param>
    [<CompiledName("Check")>]
    let check (seed: int) (layer: EquivariantLayer) : float =
        Guard.notNull "layer" layer
        let groups = Seq.toArray layer.Groups
        let kind = TensorKind.ofTensor (Seq.head (layer.parameters ()))

        groups
        |> Array.mapi (fun factor _ ->
            Rep.residual
                (Seed.derive seed factor)
                kind
                (Features.rep groups factor layer.Input, Features.rep groups factor layer.Output)
                layer.forward)
        |> Array.reduce max

    /// <summary>Whether a pointwise activation may follow a layer: whether it commutes with every element of the group, as the representation acts.</summary>
    /// <param name="activation">The activation, e.g. <c>PointwiseActivation.relu</c>.</param>
    /// <param name="rep">How the group acts on what the activation is applied to, e.g. <c>layer.OutputRep</c>.</param>
    /// <returns>The answer, and why. For a whole model ask <c>EquivarianceWarnings.ofModules</c>.</returns>
    /// <remarks>2401.09235: see <c>PointwiseActivation.mayApply</c>.</remarks>
    [<CompiledName("MayApply")>]
    let mayApply (activation: ActivationFunction) (rep: Rep) : Admissibility =
        PointwiseActivation.mayApply activation rep
