namespace Ortho

open System.Collections.Generic
open System.Runtime.InteropServices
open TorchSharp

/// What the two functions below keep of their two tensors, and the slopes in them.
module internal Saved =

    /// The complex conjugate; real tensors as they are.
    let conjugate (x: torch.Tensor) =
        if x.is_complex () then x.conj () else x

    /// Keeps two arguments, and which of them ask for a gradient.
    let keep (context: torch.autograd.AutogradContext) (first: torch.Tensor) (second: torch.Tensor) =
        context.save_data ("needs", struct (first.requires_grad, second.requires_grad))
        context.save_data ("shapes", struct (first.shape, second.shape))
        context.save_for_backward (List [ first; second ])

    /// The slopes in the two, of those that are asked for, and nothing for the plan.
    let slopes
        (context: torch.autograd.AutogradContext)
        (gradient: torch.Tensor)
        (inFirst: torch.Tensor -> torch.Tensor -> torch.Tensor)
        (inSecond: torch.Tensor -> torch.Tensor -> torch.Tensor)
        =
        let struct (needsFirst, needsSecond) =
            context.get_data "needs" :?> struct (bool * bool)

        let struct (first, second) =
            context.get_data "shapes" :?> struct (int64[] * int64[])

        use scope = torch.NewDisposeScope()

        let kept =
            try
                context.get_saved_variables().ToArray()
            with :? ExternalException ->
                null

        let slope (isNeeded: bool) (shape: int64[]) (rule: torch.Tensor -> torch.Tensor -> torch.Tensor) =
            if not isNeeded then
                null
            elif isNull kept then
                // One of the two was changed in place. NaN says so; an exception from here would end the process.
                scope.MoveToOuter(plus nan (gradient.new_zeros shape))
            else
                scope.MoveToOuter(rule kept[0] kept[1])

        List [ slope needsFirst first inFirst; slope needsSecond second inSecond; null ]

/// <summary>An equivariant layer, linear in x and in its weights, as one step of an autograd graph.</summary>
/// <remarks>The gradient in x is the layer of the adjoint plan, that in the weights is `LayerSlope`, whose own gradients are layers again: derivatives
/// of any order, and nothing is kept but x and the weights. What backward throws would end the process: shapes were checked on the way in.</remarks>
[<Sealed>]
type internal LayerFunction() =
    inherit torch.autograd.SingleTensorFunction<LayerFunction>()

    override _.Name = "LayerFunction"

    override _.forward(context, arguments) =
        let x, weights = arguments[0] :?> torch.Tensor, arguments[1] :?> torch.Tensor
        let plan = arguments[2] :?> LayerPlan
        context.save_data ("plan", plan)
        Saved.keep context x weights
        use scope = torch.NewDisposeScope()
        let y = LayerPlan.run plan x weights
        scope.MoveToOuter(if scope.Contains y then y else y.alias ())

    override _.backward(context, gradient) =
        let plan = context.get_data "plan" :?> LayerPlan

        if torch.is_grad_enabled () then
            Saved.slopes
                context
                gradient
                (fun _ weights -> LayerFunction.Act plan.Adjoint gradient (Saved.conjugate weights))
                (fun x _ -> LayerSlope.Act plan x gradient)
        else
            // Both at once, from one contraction of the gradient.
            let placed = lazy LayerPlan.contractSlope plan gradient

            Saved.slopes
                context
                gradient
                (fun _ weights -> LayerPlan.slopeInInput plan weights gradient placed.Value)
                (fun x _ -> LayerPlan.slopeInWeights plan x placed.Value)

    /// The layer of x. The plain steps where no gradient is asked for.
    static member Act (plan: LayerPlan) (x: torch.Tensor) (weights: torch.Tensor) : torch.Tensor =
        if torch.is_grad_enabled () && (x.requires_grad || weights.requires_grad) then
            LayerFunction.apply (x, weights, plan)
        else
            use scope = torch.NewDisposeScope()
            let y = LayerPlan.run plan x weights
            scope.MoveToOuter(if scope.Contains y then y else y.alias ())

/// The slope of a layer in its weights, for x and a slope v of what the layer gives: linear in v, conjugate linear in x.
and [<Sealed>] internal LayerSlope() =
    inherit torch.autograd.SingleTensorFunction<LayerSlope>()

    override _.Name = "LayerSlope"

    override _.forward(context, arguments) =
        let x, v = arguments[0] :?> torch.Tensor, arguments[1] :?> torch.Tensor
        let plan = arguments[2] :?> LayerPlan
        context.save_data ("plan", plan)
        Saved.keep context x v
        use scope = torch.NewDisposeScope()
        scope.MoveToOuter(LayerPlan.slopeInWeights plan x (LayerPlan.contractSlope plan v))

    override _.backward(context, gradient) =
        let plan = context.get_data "plan" :?> LayerPlan

        Saved.slopes
            context
            gradient
            (fun _ v -> LayerFunction.Act plan.Adjoint v (Saved.conjugate gradient))
            (fun x _ -> LayerFunction.Act plan x gradient)

    /// The slope, in plain steps where no gradient is asked for.
    static member Act (plan: LayerPlan) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
        if torch.is_grad_enabled () && (x.requires_grad || v.requires_grad) then
            LayerSlope.apply (x, v, plan)
        else
            use scope = torch.NewDisposeScope()
            scope.MoveToOuter(LayerPlan.slopeInWeights plan x (LayerPlan.contractSlope plan v))
