namespace Ortho

open System
open TorchSharp

/// <summary>How the weights that a layer had compare with the orthonormal ones that its constrained form starts from.</summary>
type ConstraintReport =
    {
        /// |Q - W| / |W| in Frobenius norm: 0 if the weights were orthonormal already.
        Moved: float
        /// The same for the nearest multiple of Q: what a change of scale does not explain.
        MovedBeyondScale: float
        /// The least singular value of W as a matrix [out; in * taps].
        SmallestSingularValue: float
        /// The largest.
        LargestSingularValue: float
    }

    override this.ToString() =
        $"moved by {this.Moved:G3} of the weights' norm ({this.MovedBeyondScale:G3} beyond a change of scale); singular values were {this.SmallestSingularValue:G3} to {this.LargestSingularValue:G3}"

/// <summary>TorchSharp's <c>Linear</c>, <c>Conv1d</c> or <c>Conv2d</c> with weights that stay orthonormal while it trains: made by <c>Orthogonal.constrain</c>.</summary>
/// <remarks>It keeps the bias, and learns <c>free</c> (and <c>graphs</c>, for a kernel longer than its stride) from the buffer <c>base</c>.</remarks>
[<Sealed; NoEquality; NoComparison>]
type ConstrainedLayer
    internal
    (
        given: torch.Tensor,
        bias: torch.Tensor,
        parameters: Parameter[],
        weight: torch.Tensor[] -> torch.Tensor,
        act: struct (torch.Tensor * torch.Tensor * torch.Tensor) -> torch.Tensor
    ) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("ConstrainedLayer")

    let biases =
        if isNull bias then
            [||]
        else
            [| Parameter.ofTensor bias |> Parameter.named "bias" |]

    let registered (parameters: Parameter[]) =
        parameters
        |> Array.map (fun parameter -> Registration.get this parameter parameter.Name)

    let report =
        for parameter in Array.append parameters biases do
            Registration.add this parameter parameter.Name

        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let w = given.flatten 1L
        let q = (weight (registered parameters)).flatten 1L
        let size (x: torch.Tensor) = number (x.flatten().norm 0)
        let nearest = number ((q .* w).sum()) / size q ** 2.0
        let values = torch.linalg.svdvals w

        {
            Moved = size (q .- w) / size w
            MovedBeyondScale = size (multiply nearest q .- w) / size w
            SmallestSingularValue = number (values.min ())
            LargestSingularValue = number (values.max ())
        }

    /// How the given weights compare with those that it started from.
    member _.Report = report

    /// The orthonormal weights as they are now, of the shape that the given layer has. Differentiable.
    member _.Weight: torch.Tensor = weight (registered parameters)

    /// <summary>What the given layer would do with these weights.</summary>
    override this.forward(x: torch.Tensor) =
        Guard.notNull "x" x
        use scope = torch.NewDisposeScope()
        let bias = registered biases |> Array.tryHead |> Option.toObj
        scope.MoveToOuter(act struct (x, this.Weight, bias))

/// <summary>The front doors: layers that are orthogonal, without a choice of parametrisation; and TorchSharp's own layers made so.</summary>
/// <remarks>Square matrices are Cayley transforms from a base point, others Cayley retractions from a base frame (<c>Retraction</c>), convolutions
/// products of projections and shifts (<c>BlockConvolution</c>). The notebook on orthogonal parametrisations says when another choice is better.</remarks>
[<RequireQualifiedAccess>]
module Orthogonal =

    let private start (seed: int) (inputs: int64) (outputs: int64) =
        let tall =
            Haar.frames seed TensorKind.float32 [ max inputs outputs; min inputs outputs ]

        if outputs >= inputs then tall else tall.t ()

    /// <summary>A learned matrix with orthonormal columns (rows, for fewer outputs than inputs), starting at a Haar-distributed one.</summary>
    /// <param name="seed">Draws the start.</param>
    /// <param name="inputs">At least 1.</param>
    /// <param name="outputs">At least 1.</param>
    /// <returns>A module whose map goes from [inputs] to [outputs], float32 on the CPU until moved: unitary, an isometry or a coisometry. A square one keeps
    /// the determinant of its start. Without bias.</returns>
    /// <exception cref="T:System.ArgumentException">A number is below 1.</exception>
    [<CompiledName("Linear")>]
    let linear (seed: int) (inputs: int64, outputs: int64) : LearnedMap =
        Guard.positive "inputs" inputs
        Guard.positive "outputs" outputs
        use _ = torch.NewDisposeScope()

        Learn.map "Orthogonal" (FrameParameter.parameters (start seed inputs outputs)) (fun p ->
            FrameParameter.map (FrameParameter.matrix p))

    /// <summary>A learned orthogonal convolution on the torus: it keeps the norm of every image, if there are at least as many output as input channels
    /// (its adjoint does otherwise). Block convolutions (Li et al. 2019), starting at a random one.</summary>
    /// <param name="seed">Draws the start.</param>
    /// <param name="inputs">Input channels, at least 1.</param>
    /// <param name="outputs">Output channels, at least 1.</param>
    /// <param name="taps">Taps of the kernel along each of one or two axes.</param>
    /// <param name="image">Size of the image along each axis.</param>
    /// <returns>A module whose map goes from [inputs; *image] to [outputs; *image], float32 on the CPU until moved. Without bias.</returns>
    /// <exception cref="T:System.ArgumentException">A number is below 1, or there are not one or two axes of taps and of the image.</exception>
    [<CompiledName("Conv")>]
    let conv (seed: int) (inputs: int64, outputs: int64) (taps: seq<int64>) (image: seq<int64>) : LearnedMap =
        Guard.positive "inputs" inputs
        Guard.positive "outputs" outputs
        Guard.notNull "taps" taps
        Guard.notNull "image" image
        let taps, image = Seq.toArray taps, Seq.toArray image

        Guard.holds "taps" ((taps.Length = 1 || taps.Length = 2) && Array.forall (fun k -> k >= 1L) taps) (fun () ->
            $"taps must be one or two numbers of at least 1, but are {Guard.showShape taps}.")

        use _ = torch.NewDisposeScope()
        let shape = Array.append [| outputs; inputs |] (Array.map (fun _ -> 1L) taps)
        let patch = (start seed inputs outputs).reshape shape

        Learn.map "OrthogonalConvolution" (KernelParameter.parameters (Seed.derive seed 1) 1.0 taps patch) (fun p ->
            let struct (patch, projections) = KernelParameter.parts taps shape p
            BlockConvolution.map image taps patch projections)

    let private refuse (reason: string) =
        raise (ArgumentException($"layer must be one whose weights can be orthonormal, but {reason}", "layer"))

    /// The polar factor, in the caller's scope.
    let private nearest (w: torch.Tensor) =
        let values = torch.linalg.svdvals w

        if number (values.min ()) <= 1e-6 * number (values.max ()) then
            refuse "its weights as a matrix have not full rank, so that no orthonormal matrix is nearest to them."

        Polar.factor w

    let private constrainLinear (layer: Modules.Linear) =
        let w: torch.Tensor = layer.weight.detach ()

        new ConstrainedLayer(
            w,
            layer.bias,
            FrameParameter.parameters (nearest w),
            FrameParameter.matrix,
            fun (struct (x, weight, bias)) -> torch.nn.functional.linear (x, weight, bias)
        )

    /// The convolution of x, continued around the torus, with a kernel.
    let private convolve (padding: int64[]) (stride: int64[]) (struct (x: torch.Tensor, weight, bias: torch.Tensor)) =
        let around =
            if Array.forall ((=) 0L) padding then
                x
            else
                let widths = padding |> Array.rev |> Array.collect (fun width -> [| width; width |])
                torch.nn.functional.pad (x, widths, PaddingModes.Circular)

        if padding.Length = 1 then
            torch.nn.functional.conv1d (around, weight, bias, stride = Nullable stride[0])
        else
            torch.nn.functional.conv2d (around, weight, bias, strides = stride)

    let private constrainConvolution (layer: Modules.Convolution) =
        let w: torch.Tensor = layer.weight.detach ()
        let taps = w.shape[2..]
        let axes = taps.Length

        let each (numbers: int64[]) =
            Array.init axes (fun axis -> numbers[axis % numbers.Length])

        let stride, padding = each layer.stride, each layer.padding

        if layer.transposed || axes > 2 then
            refuse "it is transposed or three-dimensional."

        if layer.groups <> 1L || Array.exists ((<>) 1L) (each layer.dilation) then
            refuse "it has groups or a dilation: BlockConvolution makes kernels for one group."

        if layer.padding_type.HasValue then
            refuse "its padding is given by name: give (k - stride) / 2 and padding_mode Circular."

        let alone = taps = stride && Array.forall ((=) 0L) padding

        if not alone then
            if layer.padding_mode <> PaddingModes.Circular then
                refuse
                    $"its border is {layer.padding_mode}: with zeros around, only a kernel whose centre tap alone is not zero can be (2108.05623). Take padding_mode Circular."

            if Array.exists2 (>) stride taps then
                refuse
                    $"its stride {Guard.showShape stride} passes over what its {Guard.showShape taps} taps do not see."

            if Array.map2 (-) taps stride <> Array.map (fun width -> 2L * width) padding then
                refuse
                    $"its padding {Guard.showShape padding} is not (k - stride) / 2 for {Guard.showShape taps} taps and stride {Guard.showShape stride}."

        let middle =
            (w, [ 0 .. axes - 1 ])
            ||> List.fold (fun part axis ->
                part.narrow (int64 axis + 2L, (taps[axis] - stride[axis]) / 2L, stride[axis]))

        let shape = middle.shape
        let patch = (nearest (middle.flatten 1L)).reshape shape

        new ConstrainedLayer(
            w,
            layer.bias,
            KernelParameter.parameters 0 0.0 taps patch,
            (fun p ->
                use scope = torch.NewDisposeScope()
                let struct (patch, projections) = KernelParameter.parts taps shape p
                scope.MoveToOuter(BlockConvolution.kernel taps patch projections)),
            convolve padding stride
        )

    /// <summary>A layer of TorchSharp's with its weights made orthonormal, and kept so by training.</summary>
    /// <param name="layer">A Linear; or a Conv1d or Conv2d of one group without dilation, whose border is circular with padding (k - stride) / 2 (or whose
    /// windows lie side by side: stride k, no padding). It is read, not changed.</param>
    /// <returns>A module of the same shapes, type, device and bias. It starts at the orthonormal weights nearest to the layer's (the polar factor); of a kernel
    /// longer than its stride, at those nearest to its middle patch, all other taps being 0. Weights that were orthonormal already do not move:
    /// see <c>Report</c>.</returns>
    /// <exception cref="T:System.ArgumentException">Another module; a convolution that cannot be orthogonal, with the reason; weights without full rank.</exception>
    /// <remarks>An orthonormal matrix of a kernel of several taps is not an orthogonal convolution; these are. A convolution of stride 1 and zero border
    /// cannot be, unless it has one tap.</remarks>
    [<CompiledName("Constrain")>]
    let constrain (layer: torch.nn.Module<torch.Tensor, torch.Tensor>) : ConstrainedLayer =
        // What is kept leaves the scope with the module that registers it.
        use _ = torch.NewDisposeScope()

        match layer with
        | null -> raise (ArgumentNullException "layer")
        | :? Modules.Linear as layer -> constrainLinear layer
        | :? Modules.Convolution as layer -> constrainConvolution layer
        | other -> refuse $"it is a {other.GetName()}: Linear, Conv1d and Conv2d can be constrained."
