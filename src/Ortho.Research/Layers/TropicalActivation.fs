namespace Ortho

open TorchSharp

module private Tropical =

    let scale (degree: int) (x: torch.Tensor) = multiply (sqrt 2.0 / float degree) x

    /// max_k (a_k + w_k x).
    let lines (intercepts: torch.Tensor) (slopes: torch.Tensor) (x: torch.Tensor) =
        use scope = torch.NewDisposeScope()

        let line k =
            ActivationLayer.at k intercepts
            |> addProduct 1.0 x (ActivationLayer.at k slopes)

        let mutable most = line 0

        for k in 1 .. int (intercepts.size 0) - 1 do
            most <- torch.maximum (most, line k)

        scope.MoveToOuter most

/// <summary>A learned convex activation F(x) = (sqrt 2 / n) max_(k=0..n) (a_k + k x), entry by entry: a polynomial of degree n where sums are maxima and products are sums.</summary>
/// <remarks>Khalfaoui-Hassani and Kesselheim 2025 (2502.01247). It starts at a_k = 1, where F(x) = sqrt 2 (relu x + 1/n), and the mean of F'^2 is 1 for x as often above 0 as below.
/// By Horner's rule, max (a_0, x + max (a_1, x + ...)). Where two lines meet, the gradient is one of the subgradients. Parameter: <c>coefficients</c>, a_0, ..., a_n.</remarks>
[<Sealed; NoEquality; NoComparison>]
type TropicalActivation
    /// <summary>The activation of the paper's initialisation.</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    (degree: int, kind: TensorKind) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("TropicalActivation")

    do
        Guard.positive "degree" degree
        ActivationLayer.checkKind kind
        ActivationLayer.register this kind "coefficients" (Array.create (degree + 1) 1.0)

    /// The same in float32 on the CPU.
    new(degree: int) = new TropicalActivation(degree, TensorKind.float32)

    /// n.
    member _.Degree = degree

    /// <summary>F of each entry, [*batch] -> [*batch].</summary>
    /// <exception cref="T:System.ArgumentException">x is not of the parameters' type and device.</exception>
    override this.forward(x: torch.Tensor) =
        let coefficients: torch.Tensor = this.get_parameter "coefficients"
        ActivationLayer.checkInput coefficients x
        use scope = torch.NewDisposeScope()
        let mutable most = ActivationLayer.at degree coefficients

        for k in degree - 1 .. -1 .. 0 do
            most <- torch.maximum (x .+ most, ActivationLayer.at k coefficients)

        scope.MoveToOuter(Tropical.scale degree most)

/// <summary>A learned piecewise linear activation, the difference of two convex ones: F(x) = (sqrt 2 / n) (max_(k=0..n) (a_k + v_k x) - max_(k=0..n) (b_k + w_k x)), entry by entry.</summary>
/// <remarks>A tropical quotient: Khalfaoui-Hassani and Kesselheim 2025 (2502.01247), whose slopes are learned too. It starts, by our choice, at a_k = b_k = 1, v_k = k and w_k = 0: then
/// F = sqrt 2 relu, both of whose gains are 1 for symmetric x of variance 1. (The authors start at random, or at a fit to a function.) Where lines meet, the gradient is one of the
/// subgradients. Parameters, shape [n + 1]: <c>numerator</c> (a), <c>numeratorSlopes</c> (v), <c>denominator</c> (b), <c>denominatorSlopes</c> (w).</remarks>
[<Sealed; NoEquality; NoComparison>]
type TropicalRationalActivation
    /// <summary>An activation that starts as sqrt 2 relu.</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    (degree: int, kind: TensorKind) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("TropicalRationalActivation")

    do
        Guard.positive "degree" degree
        ActivationLayer.checkKind kind
        let register = ActivationLayer.register this kind
        register "numerator" (Array.create (degree + 1) 1.0)
        register "numeratorSlopes" (Array.init (degree + 1) float)
        register "denominator" (Array.create (degree + 1) 1.0)
        register "denominatorSlopes" (Array.zeroCreate (degree + 1))

    /// The same in float32 on the CPU.
    new(degree: int) = new TropicalRationalActivation(degree, TensorKind.float32)

    /// n.
    member _.Degree = degree

    /// <summary>F of each entry, [*batch] -> [*batch].</summary>
    /// <exception cref="T:System.ArgumentException">x is not of the parameters' type and device.</exception>
    override this.forward(x: torch.Tensor) =
        let part (name: string) : torch.Tensor = this.get_parameter name
        ActivationLayer.checkInput (part "numerator") x
        use scope = torch.NewDisposeScope()
        let above = Tropical.lines (part "numerator") (part "numeratorSlopes") x
        let below = Tropical.lines (part "denominator") (part "denominatorSlopes") x
        scope.MoveToOuter(Tropical.scale degree (above .- below))
