namespace Ortho

open System.Collections.Generic
open System.Runtime.InteropServices
open TorchSharp

/// Products that add.
[<AutoOpen>]
module internal MatrixProduct =

    /// beta c + alpha a b, for matrices of one batch shape: in one kernel, where the two numbers survive its single precision.
    let plusProduct (beta: float) (c: torch.Tensor) (alpha: float) (a: torch.Tensor) (b: torch.Tensor) =
        let survives (x: float) = float (float32 x) = x

        let isExact =
            survives beta && survives alpha || TensorKind.realDtype c.dtype = torch.float32

        match c.ndim with
        | 2L when isExact -> c.addmm (a, b, float32 beta, float32 alpha)
        // Here TorchSharp takes the summand last.
        | 3L when isExact -> a.baddbmm (b, c, float32 beta, float32 alpha)
        | _ ->
            use product = a.matmul b
            use weighted = multiply alpha product
            addMultiple beta c weighted

    /// The identity as wide as a matrix, of its type.
    let identityLike (x: torch.Tensor) =
        torch.eye (x.size (int x.ndim - 1), dtype = System.Nullable x.dtype, device = x.device)

/// <summary>A smooth function of a tensor that brings its own gradient.</summary>
[<NoEquality; NoComparison>]
type internal MatrixRule =
    {
        /// x to y and, behind it, what the gradient takes besides x and y.
        Value: torch.Tensor -> torch.Tensor[]
        /// From x, y and the rest of what the value gave, and dL/dy, to dL/dx: fast, and a constant to autograd.
        Gradient: torch.Tensor[] -> torch.Tensor -> torch.Tensor
        /// From x and dL/dy to dL/dx, in steps that autograd sees: for second derivatives.
        Plain: torch.Tensor -> torch.Tensor -> torch.Tensor
    }

/// <summary>A function with its own gradient as one step of an autograd graph.</summary>
/// <remarks>
/// What the value gives besides y lives until the graph ends. A saved tensor that a scope frees too early would be null, so nothing here
/// opens a scope around the value but <c>Apply</c>, which ends it after the tensors are saved. If x or y was changed in place after y was
/// made, the gradient is NaN: torch's own functions raise an exception then, but one from here would end the process.
/// </remarks>
[<Sealed>]
type internal MatrixFunction() =
    inherit torch.autograd.SingleTensorFunction<MatrixFunction>()

    override _.Name = "MatrixFunction"

    override _.forward(context, arguments) =
        let x, rule = arguments[0] :?> torch.Tensor, arguments[1] :?> MatrixRule
        let values = rule.Value x
        context.save_data ("rule", rule)
        context.save_for_backward (List(Array.append [| x |] values))
        values[0]

    override _.backward(context, gradient) =
        use scope = torch.NewDisposeScope()
        let rule = context.get_data "rule" :?> MatrixRule

        let kept =
            try
                context.get_saved_variables().ToArray()
            with :? ExternalException ->
                null

        let slope =
            if isNull kept then
                // Every function here gives y the shape of x.
                multiply nan gradient
            elif torch.is_grad_enabled () then
                rule.Plain kept[0] gradient
            else
                rule.Gradient kept gradient

        List [ scope.MoveToOuter slope; null ]

    /// The function of x. Keeps nothing where no gradient is asked for.
    static member Apply (rule: MatrixRule) (x: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()

        scope.MoveToOuter(
            if x.requires_grad && torch.is_grad_enabled () then
                MatrixFunction.apply (x, rule)
            else
                (rule.Value x)[0]
        )
