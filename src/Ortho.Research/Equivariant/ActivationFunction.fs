namespace Ortho

open System
open TorchSharp

/// <summary>What is known of f(s t) for an activation function f: which factors s it lets through, f(s t) = s f(t) for all t.</summary>
/// <remarks>For continuous f these s make a closed set, closed under products. Not both odd and positively homogeneous: then f(t) = f(1) t is linear.
/// Functions between the classes (t sin log |t| lets through the powers of exp(2 pi)) belong to the class that promises less.</remarks>
[<RequireQualifiedAccess>]
type ActivationClass =
    /// Continuous, not affine, no symmetry known: s = 1 (sigmoid, softplus, GELU, ELU).
    | Generic
    /// Continuous, not affine, f(-t) = -f(t): s = 1 and -1, and 0 as f(0) = 0 (tanh, sin, softsign).
    | Odd
    /// Not affine, f(s t) = s f(t) for all s of at least 0: f(t) = a t + b |t| with b not 0 (ReLU, leaky ReLU, abs).
    | PositivelyHomogeneous
    /// f(t) = a t: every s.
    | Linear
    /// f(t) = a t + b with b not 0.
    | Affine

/// <summary>An activation function R -> R, applied to each entry, with what is known of it.</summary>
[<Sealed; NoEquality; NoComparison>]
type ActivationFunction
    /// <summary>A function with the class that you state for it; <c>PointwiseActivation.classDefect</c> measures whether it has the class.</summary>
    /// <param name="name">What answers call it.</param>
    /// <param name="kind">Its class: of several, the one that promises most.</param>
    /// <param name="f">From a tensor to one of the same shape, entry by entry. It must not write into its argument.</param>
    (name: string, kind: ActivationClass, f: Func<torch.Tensor, torch.Tensor>) =
    do
        Guard.notNull "name" name
        Guard.notNull "kind" kind
        Guard.notNull "f" f

    /// What answers call it.
    member _.Name = name

    /// What is known of it.
    member _.Class = kind

    /// <summary>f of each entry, in x's shape and type; all else that f makes is freed.</summary>
    /// <exception cref="T:System.InvalidOperationException">The function gave another shape.</exception>
    member _.Apply(x: torch.Tensor) : torch.Tensor =
        Guard.floating "x" x

        x
        |> Actions.scoped (fun x ->
            let y = f.Invoke x

            if isNull y || y.shape <> x.shape then
                let got = if isNull y then "null" else Guard.showShape y.shape

                raise (
                    InvalidOperationException(
                        $"{name} must give shape {Guard.showShape x.shape}, like its argument, but gave {got}."
                    )
                )

            y)

    override _.ToString() = name
