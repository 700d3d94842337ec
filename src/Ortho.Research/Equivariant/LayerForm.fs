namespace Ortho

open System
open TorchSharp

/// How a layer is computed. All ways give the same up to rounding.
type LayerMethod =
    /// By what costs less for the batch at hand, as counted.
    | Cheapest = 0
    /// Through its diagrams: contractions, one product for each kind of diagram, placements.
    | Factored = 1
    /// As one dense matrix, made from the weights each time.
    | Dense = 2

/// <summary>An equivariant layer without its weights, in the forms in which it can be applied: factored through its diagrams, as one dense
/// matrix, or both.</summary>
[<NoEquality; NoComparison>]
type internal LayerForm =
    {
        Groups: Group[]
        Input: Features
        Output: Features
        /// For each input summand (a constant last) and output summand: equivariant maps, input channels, output channels.
        Blocks: (struct (int * int * int))[,]
        Layout: LayerLayout voption
        Dense: DenseLayer voption
        /// What a dense form makes, whether there is one or not.
        Sizes: DenseSize[]
    }

    /// The tensors that it holds; they belong to the dispose scope that it is made in.
    member this.Tensors =
        match this.Dense with
        | ValueSome dense -> DenseLayer.tensors dense
        | ValueNone -> [||]

[<RequireQualifiedAccess>]
module internal LayerForm =

    let private isGraph (group: Group) = group.IsGraphAutomorphisms

    /// The largest matrix, and the most entries of maps that are not 0, for which a dense form is kept beside the factored one.
    let mostEntries, mostNonzeros = 4_194_304.0, 262_144.0

    let private dense
        (groups: Group[])
        (input: Features)
        (output: Features)
        (blocks: (struct (int * int * int))[,])
        (hasConstant: bool)
        : DenseLayer =
        let bottoms = LayerShape.bottoms groups input hasConstant

        let size (orders: int[]) = int64 (LayerShape.size groups orders)

        let inputs = bottoms |> Array.map size
        let outputs = Array.init output.Count (output.OrdersOf >> size)

        let block i j =
            let struct (count, _, _) = blocks[i, j]

            if count = 0 then
                ValueNone
            else
                match groups with
                | [| Group.GraphAutomorphisms graph |] ->
                    ValueSome(DenseLayer.orbits graph.Automorphisms (bottoms[i][0]) (output.OrdersOf(j)[0]))
                | _ ->
                    let maps =
                        groups
                        |> Array.mapi (fun f group -> Basis.independent group (bottoms[i][f]) (output.OrdersOf(j)[f]))

                    ValueSome(
                        maps
                        |> Array.reduce (fun left right ->
                            Array.allPairs left right |> Array.map (fun (a, b) -> a .*. b))
                        |> DenseLayer.entries
                    )

        {
            Input = input
            Output = output
            InputSizes = inputs
            OutputSizes = outputs
            InputShape = (Features.space groups input).Axes
            OutputShape = (Features.space groups output).Axes
            HasConstant = hasConstant
            Blocks = Array2D.init inputs.Length outputs.Length block
        }

    let private factoredWork (layout: LayerLayout) (batch: int64) =
        LayerWork.ofPlan layout.Plan (Array.last layout.Plan.Starts) (float batch)

    /// The cost of a dense form less that of the factored one, for no element and for each: work is affine in the batch.
    let private advantage (layout: LayerLayout) (sizes: DenseSize[]) (withSlopes: bool) : struct (float * float) =
        let difference (batch: int64) =
            let dense, factored =
                LayerWork.ofDense sizes withSlopes (float batch), factoredWork layout batch

            if withSlopes then
                dense.CostWithSlopes true - factored.CostWithSlopes false
            else
                dense.Cost - factored.Cost

        struct (difference 0L, difference 1L - difference 0L)

    /// <summary>The forms of a layer.</summary>
    /// <exception cref="T:System.ArgumentException">The features do not fit the groups, or a layer that can only be dense is too large.</exception>
    let make (groups: Group[]) (input: Features) (output: Features) (hasConstant: bool) : LayerForm =
        let counts = LayerShape.dimensions groups input output hasConstant

        let isAlone = groups.Length = 1

        if Array.exists isGraph groups then
            let bottoms = LayerShape.bottoms groups input hasConstant

            let needed =
                Seq.sum (
                    seq {
                        for i in 0 .. bottoms.Length - 1 do
                            for j in 0 .. output.Count - 1 ->
                                (if isAlone then 1.0 else float counts[i, j])
                                * LayerShape.size groups bottoms[i]
                                * LayerShape.size groups (output.OrdersOf j)
                    }
                )

            Guard.holds "groups" (needed <= float DenseLayer.limit) (fun () ->
                let names = String.Join(" x ", groups)

                $"A layer of {names} from {input} to {output} has no diagrams and would keep {needed:N0} entries ({needed * 8.0 / 1048576.0:N0} MiB), more than the limit of {DenseLayer.limit:N0}: lower an order.")

        let forms layout blocks isDense sizes =
            {
                Groups = groups
                Input = input
                Output = output
                Blocks = blocks
                Layout = layout
                Dense =
                    if isDense then
                        ValueSome(dense groups input output blocks hasConstant)
                    else
                        ValueNone
                Sizes = sizes
            }

        if Array.exists isGraph groups then
            let blocks =
                counts
                |> Array2D.mapi (fun i j count ->
                    let channels = if i < input.Count then int (input.ChannelsOf i) else 1

                    struct (int count, channels, int (output.ChannelsOf j)))

            forms ValueNone blocks true (LayerShape.denseSizes groups input output hasConstant)
        else
            let layout =
                LayerDiagrams.make Basis.independentIndices groups input output hasConstant

            let sizes = LayerShape.denseSizes groups input output hasConstant
            let lines = [| false; true |] |> Array.map (advantage layout sizes)

            let isSmall =
                Array.sumBy (fun size -> size.Entries * size.Channels) sizes <= mostEntries
                && Array.sumBy _.Nonzeros sizes <= mostNonzeros

            // Only if some batch would be computed by it.
            forms
                (ValueSome layout)
                layout.Blocks
                (isSmall
                 && Array.exists (fun struct (atNone, slope) -> atNone + slope < 0.0 || slope < 0.0) lines)
                sizes

    /// The weights of a plan, from those of each pair of summands.
    let private planned (layout: LayerLayout) (weights: torch.Tensor[,]) (like: torch.Tensor) =
        let all =
            [|
                for weight in Seq.cast<torch.Tensor> weights do
                    if not (isNull weight) then
                        weight.reshape -1L
            |]

        match all with
        | [||] -> like.new_zeros 0L
        | [| single |] -> layout.Arrange.Apply single
        | several -> layout.Arrange.Apply(torch.cat (several, 0L))

    /// The layer through its diagrams, or without the constant, or its adjoint.
    let private factored
        (layout: LayerLayout)
        (plan: LayerPlan)
        (conjugate: bool)
        (weights: torch.Tensor[,])
        (x: torch.Tensor)
        =
        use scope = torch.NewDisposeScope()
        let w = planned layout weights x
        let w = if conjugate && w.is_complex () then w.conj () else w
        scope.MoveToOuter(LayerFunction.Act plan x w)

    /// <summary>What each form does for so many elements; nothing for a form that there is not.</summary>
    let works (form: LayerForm) (batch: int64) : struct (LayerWork voption * LayerWork voption) =
        let factored =
            form.Layout |> ValueOption.map (fun layout -> factoredWork layout batch)

        let dense =
            form.Dense
            |> ValueOption.map (fun _ -> LayerWork.ofDense form.Sizes false (float batch))

        struct (factored, dense)

    /// Whether the dense matrix costs less, for a batch and with slopes in the weights or without.
    let private prefersDense (form: LayerForm) : bool -> int64 -> bool =
        match form.Layout, form.Dense with
        | ValueSome layout, ValueSome _ ->
            let lines = [| false; true |] |> Array.map (advantage layout form.Sizes)

            fun withSlopes batch ->
                let struct (atNone, slope) = lines[if withSlopes then 1 else 0]
                atNone + slope * float batch < 0.0
        | _ -> fun _ _ -> form.Layout.IsNone

    /// Whether a batch is to be computed by the dense matrix.
    let private isDense
        (form: LayerForm)
        (prefers: bool -> int64 -> bool)
        (method: LayerMethod)
        (weights: torch.Tensor[,])
        (batch: int64)
        =
        match method with
        | LayerMethod.Factored when form.Layout.IsSome -> false
        | LayerMethod.Dense when form.Dense.IsSome -> true
        | _ ->
            let asksForSlopes (weight: torch.Tensor) =
                not (isNull weight) && weight.requires_grad

            let withSlopes =
                torch.is_grad_enabled ()
                && weights |> Seq.cast<torch.Tensor> |> Seq.exists asksForSlopes

            prefers withSlopes batch

    /// <summary>The layer, in the cheaper of its forms unless told otherwise.</summary>
    /// <param name="form">The forms.</param>
    /// <returns>From the method, the weights (for each pair of summands [maps; input channels; output channels], null where there are no maps)
    /// and the input's vector after any batch axes, whose shape and kind were checked.</returns>
    let run (form: LayerForm) : LayerMethod -> torch.Tensor[,] -> torch.Tensor -> torch.Tensor =
        let prefers = prefersDense form
        let size = (Features.space form.Groups form.Input).Size

        fun method weights x ->
            if isDense form prefers method weights (x.numel () / size) then
                DenseLayer.run form.Dense.Value weights x
            else
                let layout = form.Layout.Value
                factored layout layout.Plan false weights x

    /// The linear part as a map, differentiable in the weights, of which those of a constant are not used.
    let linear (form: LayerForm) (method: LayerMethod) (weights: torch.Tensor[,]) (kind: TensorKind) : LinearMap =
        let domain, codomain =
            Features.space form.Groups form.Input, Features.space form.Groups form.Output

        let prefers = prefersDense form

        let action (plan: LayerPlan -> LayerPlan) (isAdjoint: bool) (side: Space) =
            let still =
                form.Dense |> ValueOption.map (fun dense -> { dense with HasConstant = false })

            fun (x: torch.Tensor) ->
                if isDense form prefers method weights (x.numel () / side.Size) then
                    if isAdjoint then
                        DenseLayer.runAdjoint still.Value weights x
                    else
                        DenseLayer.run still.Value weights x
                else
                    factored form.Layout.Value (plan form.Layout.Value.Plan) isAdjoint weights x

        let apply, adjoint =
            action _.Adjoint.Adjoint false domain, action _.Adjoint true codomain

        Build.leaf $"Hom({domain}, {codomain})" domain codomain Traits.None (Nullable kind) apply adjoint

    /// |A|^2 of the maps of a pair of summands, in the order of their weights.
    let squares (form: LayerForm) (i: int) (j: int) : float[] =
        LayerShape.squares form.Groups (form.Input.OrdersOf i) (form.Output.OrdersOf j)

    /// The number of entries of an output summand, without channels.
    let entriesOf (form: LayerForm) (j: int) : float =
        LayerShape.size form.Groups (form.Output.OrdersOf j)
