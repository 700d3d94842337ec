namespace Ortho

open System
open System.Numerics
open TorchSharp

/// <summary>A learned activation F(x) = a_0 + s sum_(k=1..n) a_k cos(w_k x - p_k) / k!, entry by entry; bounded, whatever its parameters.</summary>
/// <remarks>Khalfaoui-Hassani and Kesselheim 2025 (2502.01247). It starts at w_k = k, p_k = pi / 4, a_k = c = I_0(2)^(-1/2) and a_0 = c sqrt (1 - 1/n!^2). With the orthonormal functions of a
/// period, s = sqrt 2, both gains then are <c>ActivationGain.fourier n</c>, near 1; the authors' code has s = 1, which halves the mean of F'^2. Parameters: <c>fundamental</c>
/// (a_0, shape [1]), <c>coefficients</c>, <c>frequencies</c>, <c>phases</c> (shape [n]).</remarks>
[<Sealed; NoEquality; NoComparison>]
type FourierActivation
    /// <summary>The activation of the paper's initialisation.</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <param name="isOrthonormal">Whether s is sqrt 2, as the derivation has it, or 1, as the authors' code has it.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    (degree: int, isOrthonormal: bool, kind: TensorKind) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("FourierActivation")

    let scale = if isOrthonormal then sqrt 2.0 else 1.0

    do
        Guard.positive "degree" degree
        ActivationLayer.checkKind kind
        let c = 1.0 / sqrt ActivationGain.besselAtTwo
        let register = ActivationLayer.register this kind
        register "fundamental" [| c * sqrt (1.0 - 1.0 / pown (ActivationGain.factorial degree) 2) |]
        register "coefficients" (Array.create degree c)
        register "frequencies" (Array.init degree (fun k -> float (k + 1)))
        register "phases" (Array.create degree (Math.PI / 4.0))

    /// The same in float32 on the CPU.
    new(degree: int, isOrthonormal: bool) = new FourierActivation(degree, isOrthonormal, TensorKind.float32)

    /// The same as in the authors' code: s = 1, float32 on the CPU.
    new(degree: int) = new FourierActivation(degree, false)

    /// n.
    member _.Degree = degree

    /// Whether s is sqrt 2.
    member _.IsOrthonormal = isOrthonormal

    /// <summary>The means of F^2 and F'^2 over the whole line of the parameters as they are now; over a period, if there is one.</summary>
    member this.Gain: SecondMoments =
        let values (name: string) =
            use wide = (this.get_parameter name).detach().``to``(torch.float64, torch.CPU)
            wide.data<float>().ToArray()

        let a, w, p = values "coefficients", values "frequencies", values "phases"
        let constant = (values "fundamental")[0]

        // cos(w x - p) is the real part of exp(i |w| x) times a phasor; those of one frequency add up.
        let phasors =
            Array.init degree (fun k ->
                let size = scale * a[k] / ActivationGain.factorial (k + 1)

                abs w[k],
                Complex.FromPolarCoordinates(1.0, (if w[k] < 0.0 then p[k] else -p[k]))
                * Complex(size, 0.0))
            |> Array.groupBy fst
            |> Array.map (fun (frequency, terms) ->
                frequency, Array.fold (fun sum (_, z) -> sum + z) Complex.Zero terms)

        let still = phasors |> Array.sumBy (fun (w, z) -> if w = 0.0 then z.Real else 0.0)

        let power (z: Complex) =
            z.Real * z.Real + z.Imaginary * z.Imaginary

        {
            Value =
                (constant + still) ** 2.0
                + Array.sumBy (fun (w, z) -> if w = 0.0 then 0.0 else power z / 2.0) phasors
            Slope = phasors |> Array.sumBy (fun (w, z) -> w * w * power z / 2.0)
        }

    /// <summary>F of each entry, [*batch] -> [*batch].</summary>
    /// <exception cref="T:System.ArgumentException">x is not of the parameters' type and device.</exception>
    override this.forward(x: torch.Tensor) =
        let fundamental: torch.Tensor = this.get_parameter "fundamental"
        ActivationLayer.checkInput fundamental x
        use scope = torch.NewDisposeScope()
        let coefficients: torch.Tensor = this.get_parameter "coefficients"
        let frequencies: torch.Tensor = this.get_parameter "frequencies"
        let shifts = (this.get_parameter "phases": torch.Tensor).neg()
        let mutable sum = ActivationLayer.at 0 fundamental

        for k in 0 .. degree - 1 do
            let angle =
                ActivationLayer.at k shifts
                |> addProduct 1.0 x (ActivationLayer.at k frequencies)

            sum <-
                sum
                |> addProduct
                    (scale / ActivationGain.factorial (k + 1))
                    (angle.cos ())
                    (ActivationLayer.at k coefficients)

        scope.MoveToOuter sum
