namespace Ortho

open System
open TorchSharp

/// Mean squares of a function and of its slope: what a wide network with weights of variance 1 / fan-in multiplies the squares of signals (forward) and of gradients (backward) by.
type SecondMoments =
    {
        /// The mean of F^2.
        Value: float
        /// The mean of F'^2.
        Slope: float
    }

/// <summary>Gains of activations: the mean squares of F and F'. An activation whose both gains are 1 keeps the sizes of signals and of gradients from layer to layer.</summary>
/// <remarks>Khalfaoui-Hassani and Kesselheim 2025 (2502.01247): orthonormal functions with F_k' = F_(k-1) up to a factor have both gains equal.</remarks>
[<RequireQualifiedAccess>]
module ActivationGain =

    let internal factorial (k: int) =
        let mutable product = 1.0

        for i in 2..k do
            product <- product * float i

        product

    /// The sum of 1 / (k!)^power over k below n.
    let private partial (power: int) (n: int) =
        Seq.sum (seq { for k in n - 1 .. -1 .. 0 -> 1.0 / pown (factorial k) power })

    /// I_0(2), the sum of 1 / (k!)^2.
    let internal besselAtTwo = partial 2 20

    /// <summary>Both gains, under N(0, 1), of the Hermite activation as it starts: (1/e) sum_(k below n) 1/k!.</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    [<CompiledName("Hermite")>]
    let hermite (degree: int) : float =
        Guard.positive "degree" degree
        partial 1 (min degree 40) / Math.E

    /// <summary>Both gains, over a period, of the Fourier activation as it starts, of orthonormal functions: sum_(k below n) (1/k!)^2 / I_0(2).</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    [<CompiledName("Fourier")>]
    let fourier (degree: int) : float =
        Guard.positive "degree" degree
        partial 2 (min degree 40) / besselAtTwo

    /// <summary>The gains of any activation under a quadrature rule: sum w F(x)^2 and sum w F'(x)^2, F' by autograd.</summary>
    /// <param name="rule">Stands for a mean: <c>Hermite.probabilistsRule</c> for a normal variable, say. The weights should sum to 1.</param>
    /// <param name="activation">A module that acts entry by entry. It is given float64 if it has no parameters, else their type.</param>
    /// <exception cref="T:System.ArgumentException">The module gives another shape.</exception>
    [<CompiledName("UnderRule")>]
    let underRule (rule: QuadratureRule) (activation: torch.nn.Module<torch.Tensor, torch.Tensor>) : SecondMoments =
        Guard.notNull "rule" rule
        Guard.notNull "activation" activation
        use _ = torch.NewDisposeScope()
        use _ = torch.enable_grad ()

        let kind =
            match Seq.tryHead (activation.parameters ()) with
            | Some parameter -> TensorKind.ofTensor parameter
            | None -> TensorKind.float64

        // The parameters' own gradients stay as they are.
        let trained = activation.parameters () |> Seq.filter _.requires_grad |> Seq.toArray

        let x = (vector kind (Seq.toArray rule.Nodes)).requires_grad_ true

        let y =
            try
                trained |> Array.iter (fun parameter -> parameter.requires_grad <- false)
                activation.forward x
            finally
                trained |> Array.iter (fun parameter -> parameter.requires_grad <- true)

        Guard.holds "activation" (y.shape = x.shape) (fun () ->
            $"activation must give the shape of its input, {Guard.showShape x.shape}, but gave {Guard.showShape y.shape}.")

        if y.requires_grad then
            (y.sum ()).backward()

        let weights = vector kind (Seq.toArray rule.Weights)

        let mean (f: torch.Tensor) =
            use _ = torch.no_grad ()
            number ((weights .* f .* f).sum())

        {
            Value = mean (y.detach ())
            // A constant has no gradient.
            Slope = if isNull x.grad then 0.0 else mean x.grad
        }

/// What the activations of this folder share.
module internal ActivationLayer =

    /// Registers first values, one axis, as a parameter that outlives scopes.
    let register (owner: torch.nn.Module) (kind: TensorKind) (name: string) (values: float[]) =
        use value = vector kind values
        Registration.add owner (Parameter.ofTensor value) name

    let checkKind (kind: TensorKind) =
        Guard.holds
            "kind"
            (kind.Dtype = torch.float32
             || kind.Dtype = torch.float64
             || kind.Dtype = torch.float16
             || kind.Dtype = torch.bfloat16)
            (fun () -> $"kind must be of real floating point type, but is {kind}.")

    /// Refuses an input that is not of the parameters' type and on their device.
    let checkInput (parameter: torch.Tensor) (x: torch.Tensor) =
        Guard.real "x" x
        let kind = TensorKind.ofTensor parameter

        Guard.holds "x" (TensorKind.matches kind x) (fun () ->
            $"x must be {kind}, like the parameters, but is {TensorKind.ofTensor x}.")

    /// Number k of a parameter, without axes.
    let at (k: int) (parameter: torch.Tensor) = parameter.select (0L, int64 k)
