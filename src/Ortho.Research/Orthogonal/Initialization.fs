namespace Ortho

open System
open TorchSharp

/// Nonlinearities that a gain is known for.
[<RequireQualifiedAccess>]
type Activation =
    | Linear
    | Sigmoid
    | Tanh
    | Relu
    | Selu

/// What scaling did to one layer.
type LayerVariance =
    {
        /// Its place among the layers that have weights, from 0.
        Layer: int
        /// The variance of its output before it was scaled, when those below were scaled already.
        Before: float
        /// The variance of its output afterwards.
        After: float
        /// How often its weight was divided.
        Divisions: int
    }

/// <summary>First values of weights: orthogonal matrices by gain, and layer-sequential unit variance.</summary>
/// <remarks>Saxe, McClelland and Ganguli 2014 (1312.6120); LSUV: Mishkin and Matas 2016 (1511.06422).</remarks>
[<RequireQualifiedAccess>]
module Initialization =

    let private shapeOf (shape: seq<int64>) =
        Guard.notNull "shape" shape
        let shape = Seq.toArray shape

        Guard.holds "shape" (shape.Length >= 2 && Array.forall (fun n -> n >= 1L) shape) (fun () ->
            $"shape must have at least two axes, each of size 1 or more, but is {Guard.showShape shape}.")

        shape

    /// <summary>A weight with orthonormal rows (or columns, where there are fewer) times a gain, drawn uniformly: Haar measure.</summary>
    /// <param name="seed">Same seed, same numbers.</param>
    /// <param name="kind">Type (floating or complex) and device of the result.</param>
    /// <param name="gain">Every singular value of the matrix: see <c>gain</c> and <c>varianceGain</c>. Finite.</param>
    /// <param name="shape">[out; rest...]: of a convolution [out; in; ...kernel]. As a matrix it is read as [out; product of the rest].</param>
    /// <exception cref="T:System.ArgumentException">Fewer than two axes, a size below 1, or gain not finite.</exception>
    /// <remarks>For a convolution this makes the filters orthogonal, not the convolution.</remarks>
    [<CompiledName("Orthogonal")>]
    let orthogonal (seed: int) (kind: TensorKind) (gain: float) (shape: seq<int64>) : torch.Tensor =
        Guard.finite "gain" gain
        let shape = shapeOf shape
        use scope = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let rows = shape[0]
        let columns = Array.fold (*) 1L shape[1..]
        let frame = Haar.frames seed kind [ max rows columns; min rows columns ]
        let matrix = if rows >= columns then frame else frame.mT
        scope.MoveToOuter((multiply gain matrix).reshape(shape).contiguous())

    /// <summary>The gain recommended before a nonlinearity, which makes up for what it takes from the variance: 1 for linear and sigmoid,
    /// 5/3 for tanh, sqrt 2 for relu, 3/4 for selu.</summary>
    /// <remarks>The numbers of torch's calculate_gain; sqrt 2: He et al. 2015.</remarks>
    [<CompiledName("Gain")>]
    let gain (activation: Activation) : float =
        Guard.notNull "activation" activation

        match activation with
        | Activation.Linear
        | Activation.Sigmoid -> 1.0
        | Activation.Tanh -> 5.0 / 3.0
        | Activation.Relu -> sqrt 2.0
        | Activation.Selu -> 0.75

    /// <summary>The gain at which an orthogonal rows x columns weight keeps the variance of white input entry by entry: sqrt (max (1, rows / columns)).</summary>
    /// <param name="rows">Outputs, at least 1.</param>
    /// <param name="columns">Inputs, at least 1.</param>
    /// <exception cref="T:System.ArgumentException">A number is below 1.</exception>
    /// <remarks>A tall weight keeps the length of x, spread over more entries; a wide one has unit rows. With rows and columns exchanged: the gain that keeps the
    /// variance of gradients on the way back.</remarks>
    [<CompiledName("VarianceGain")>]
    let varianceGain (rows: int64) (columns: int64) : float =
        Guard.positive "rows" rows
        Guard.positive "columns" columns
        sqrt (max 1.0 (float rows / float columns))

    type private Layer = torch.nn.Module<torch.Tensor, torch.Tensor>

    /// The modules in the order in which they run, those of a Sequential one by one.
    let rec private unfold (layer: torch.nn.Module) : Layer[] =
        match layer with
        | :? Modules.Sequential as sequence -> sequence.children () |> Seq.toArray |> Array.collect unfold
        | :? Layer as single -> [| single |]
        | null -> raise (ArgumentException("layers must not contain null.", "layers"))
        | other ->
            raise (
                ArgumentException(
                    $"layers must take one tensor and give one, but {other.GetName()} does not.",
                    "layers"
                )
            )

    /// The weight of a linear or convolution layer; null for other modules, also normalisations, whose weight is a vector.
    let private weightOf (layer: Layer) : torch.Tensor =
        if layer.has_parameter "weight" then
            let weight: torch.Tensor = layer.get_parameter "weight"
            if weight.ndim >= 2L then weight else null
        else
            null

    /// The most divisions a layer, as in the paper.
    let private mostDivisions = 10

    let private modules (layers: seq<torch.nn.Module<torch.Tensor, torch.Tensor>>) =
        Guard.notNull "layers" layers
        layers |> Seq.toArray |> Array.collect unfold

    /// The variance of a layer's output for an input, over all entries.
    let private variance (index: int) (output: torch.Tensor) =
        use _ = torch.NewDisposeScope()
        let spread = number (output.var false)

        Guard.holds "input" (Double.IsFinite spread && spread > 0.0) (fun () ->
            $"input must give every layer an output of positive finite variance, but layer {index} gives {spread}.")

        spread

    let private scaleModules (tolerance: float) (layers: Layer[]) (input: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let reports = ResizeArray<LayerVariance>()
        let mutable x = input

        for layer in layers do
            let mutable y = layer.call x
            let weight = weightOf layer

            if not (isNull weight) then
                let before = variance reports.Count y
                let mutable after = before
                let mutable divisions = 0

                while abs (after - 1.0) >= tolerance && divisions < mostDivisions do
                    weight.copy_ (multiply (1.0 / sqrt after) weight) |> ignore
                    divisions <- divisions + 1
                    y <- layer.call x
                    let next = variance reports.Count y

                    // The variance of a bias alone: dividing further would only destroy the weight.
                    Guard.holds "input" (next <> after || abs (next - 1.0) < 1e-3) (fun () ->
                        $"input must reach every weight, but the weight of layer {reports.Count} does not move its output's variance {next}.")

                    after <- next

                reports.Add
                    {
                        Layer = reports.Count
                        Before = before
                        After = after
                        Divisions = divisions
                    }

            x <- y

        reports.ToArray()

    let private checkScaling (tolerance: float) (input: torch.Tensor) =
        Guard.finite "tolerance" tolerance
        Guard.holds "tolerance" (tolerance > 0.0) (fun () -> $"tolerance must be positive, but is {tolerance}.")
        Guard.real "input" input
        Guard.notEmpty "input" input

    /// <summary>Divides the weight of each layer, from the first to the last, by the standard deviation of its output on one batch until that has
    /// variance 1. Weights are changed in place.</summary>
    /// <param name="tolerance">Ends a layer when |variance - 1| is below it: 0.1 in the paper. At most ten divisions a layer; without bias one is exact.</param>
    /// <param name="layers">Modules in the order in which they run; one with a parameter <c>weight</c> of two axes or more is scaled, the others only run.
    /// The modules of a Sequential count one by one.</param>
    /// <param name="input">One batch, real.</param>
    /// <returns>What happened, for each layer that has a weight.</returns>
    /// <exception cref="T:System.ArgumentException">tolerance is not positive; a layer does not map a tensor to one; or an output has no positive finite
    /// variance: then the layers below it have been scaled.</exception>
    /// <remarks>Modules run in the mode they are in: call eval first where there is dropout or batch normalisation.</remarks>
    [<CompiledName("UnitVariance")>]
    let unitVariance
        (tolerance: float)
        (layers: seq<torch.nn.Module<torch.Tensor, torch.Tensor>>)
        (input: torch.Tensor)
        : LayerVariance[] =
        checkScaling tolerance input
        scaleModules tolerance (modules layers) input

    /// <summary>Layer-sequential unit variance: every weight becomes orthogonal, every bias zero, then <c>unitVariance</c>.</summary>
    /// <param name="seed">Draws the weights.</param>
    /// <param name="tolerance">As for <c>unitVariance</c>.</param>
    /// <param name="layers">As for <c>unitVariance</c>.</param>
    /// <param name="input">As for <c>unitVariance</c>.</param>
    /// <returns>What happened, for each layer that has a weight.</returns>
    /// <exception cref="T:System.ArgumentException">As for <c>unitVariance</c>.</exception>
    [<CompiledName("LayerSequential")>]
    let layerSequential
        (seed: int)
        (tolerance: float)
        (layers: seq<torch.nn.Module<torch.Tensor, torch.Tensor>>)
        (input: torch.Tensor)
        : LayerVariance[] =
        checkScaling tolerance input
        let layers = modules layers
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()

        layers
        |> Array.filter (weightOf >> isNull >> not)
        |> Array.iteri (fun i layer ->
            let weight = weightOf layer

            weight.copy_ (orthogonal (Seed.derive seed i) (TensorKind.ofTensor weight) 1.0 weight.shape)
            |> ignore

            if layer.has_parameter "bias" then
                let bias: torch.Tensor = layer.get_parameter "bias"

                if not (isNull bias) then
                    bias.zero_ () |> ignore)

        scaleModules tolerance layers input
