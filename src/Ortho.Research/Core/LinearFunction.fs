namespace Ortho

open System.Collections.Generic
open TorchSharp

/// <summary>A linear map as one step of an autograd graph, whose backward is its adjoint.</summary>
/// <remarks>
/// <para>For y = A x and a real loss, dL/dx = A* dL/dy (complex A too, in torch's convention), and the backward of the backward is A again:
/// second derivatives come free, and no intermediate is kept.</para>
/// <para>Only for maps without parameters: a custom function gives no gradient to a tensor that is not in its argument list. What
/// backward throws would end the process, so the map's actions must take any strides and lazy conjugates; shapes were checked on the way in.</para>
/// </remarks>
[<Sealed>]
type internal LinearFunction() =
    inherit torch.autograd.SingleTensorFunction<LinearFunction>()

    override _.Name = "LinearFunction"

    override _.forward(context, arguments) =
        let map = arguments[1] :?> LinearMap
        context.save_data ("map", map)
        map.Action(arguments[0] :?> torch.Tensor)

    override _.backward(context, gradient) =
        let map = context.get_data "map" :?> LinearMap
        let slope = LinearFunction.Act map.Adjoint gradient
        List [ slope; null ]

    /// A x. The plain action where no gradient is asked for.
    static member Act (map: LinearMap) (x: torch.Tensor) : torch.Tensor =
        if map.Kind.HasValue then
            invalidArg "map" $"map must have no parameters, but {map} is made from tensors."

        if x.requires_grad && torch.is_grad_enabled () then
            LinearFunction.apply (x, map)
        else
            map.Action x

    /// The same map, whose backward is its adjoint's action instead of what autograd makes of its steps.
    static member Wrap(map: LinearMap) : LinearMap =
        Build.leaf
            (string map)
            map.Domain
            map.Codomain
            map.Traits
            map.Kind
            (LinearFunction.Act map)
            (LinearFunction.Act map.Adjoint)
