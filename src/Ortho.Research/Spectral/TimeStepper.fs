namespace Ortho

open System
open TorchSharp

/// <summary>One step of a method for u' = F(u), with its order: u(t + h) from u(t).</summary>
/// <remarks>
/// <para>A step is plain tensor operations, so that gradients flow through it (in u and in what F and L were made from); all that it makes but its result is
/// freed. The equation has no explicit time: carry t as one more entry of u where it has. Leading axes of u are batch as far as F takes them so.</para>
/// <para>L is diagonal: a symbol that multiplies u entry by entry, as the spectral derivatives of a periodic grid do.</para>
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type Stepper internal (name: string, order: int, timeStep: float, step: torch.Tensor -> torch.Tensor) =

    /// The method, as the literature calls it.
    member _.Name = name

    /// The order of its error: halving the step divides the error at a fixed time by 2^Order.
    member _.Order = order

    /// The step h in time.
    member _.TimeStep = timeStep

    /// <summary>u one step later.</summary>
    /// <param name="u">Real or complex.</param>
    /// <returns>The same shape and type.</returns>
    /// <exception cref="T:System.ArgumentException">u does not fit the symbol.</exception>
    member _.Step(u: torch.Tensor) : torch.Tensor =
        Guard.floating "u" u
        Actions.scoped step u

    override _.ToString() = $"{name}, h = {timeStep}"

/// <summary>Steppers: Runge-Kutta, exponential, implicit-explicit, splitting.</summary>
[<RequireQualifiedAccess>]
module Stepper =

    let private checkStep (timeStep: float) =
        Guard.finite "timeStep" timeStep
        Guard.holds "timeStep" (timeStep <> 0.0) (fun () -> "timeStep must not be 0.")

    /// What a right-hand side gives must be like its argument.
    let private like (what: string) (f: torch.Tensor -> torch.Tensor) (u: torch.Tensor) =
        let value = f u

        if isNull value || value.shape <> u.shape || value.dtype <> u.dtype then
            let shown (x: torch.Tensor) =
                if isNull x then
                    "null"
                else
                    $"{x.dtype} {Guard.showShape x.shape}"

            raise (InvalidOperationException $"{what} must give {shown u}, like its argument, but gave {shown value}.")

        value

    let private checkSymbol (timeStep: float) (symbol: torch.Tensor) =
        checkStep timeStep
        Guard.floating "symbol" symbol

    let private checkFits (symbol: torch.Tensor) (u: torch.Tensor) =
        let batch = int u.ndim - int symbol.ndim

        let fits =
            batch >= 0
            && Array.forall2 (fun n m -> n = 1L || n = m) symbol.shape u.shape[batch..]
            && (u.is_complex () || not (symbol.is_complex ()))
            && TensorKind.realDtype symbol.dtype = TensorKind.realDtype u.dtype

        Guard.holds "u" fits (fun () ->
            $"u must fit the symbol, {symbol.dtype} {Guard.showShape symbol.shape}, in type and last axes, but is {u.dtype} {Guard.showShape u.shape}.")

    /// <summary>The classical Runge-Kutta method of order 4 for u' = F(u).</summary>
    /// <param name="timeStep">h, not 0; below 0 it runs backwards.</param>
    /// <param name="rate">F, from u to a tensor of its shape and type.</param>
    /// <exception cref="T:System.ArgumentException">h is 0 or not finite.</exception>
    /// <remarks>Kutta 1901. Stable for h times the eigenvalues of dF/du within about [-2.785, 0] and i[-2.828, 2.828].</remarks>
    let rungeKutta4 (timeStep: float) (rate: torch.Tensor -> torch.Tensor) : Stepper =
        checkStep timeStep
        let rate = like "rate" rate

        Stepper(
            "RK4",
            4,
            timeStep,
            fun u ->
                let k1 = rate u
                let sum = addMultiple (timeStep / 6.0) k1 u
                let k2 = rate (addMultiple (timeStep / 2.0) k1 u)
                addMultipleInPlace (timeStep / 3.0) k2 sum
                let k3 = rate (addMultiple (timeStep / 2.0) k2 u)
                addMultipleInPlace (timeStep / 3.0) k3 sum
                let k4 = rate (addMultiple timeStep k3 u)
                addMultipleInPlace (timeStep / 6.0) k4 sum
                sum
        )

    /// <summary>The exponential Runge-Kutta method ETDRK2 for u' = L u + N(u): exact where N is constant.</summary>
    /// <param name="timeStep">h, not 0.</param>
    /// <param name="symbol">L, real or complex, in the precision of u; its axes are the last of u's, or of size 1.</param>
    /// <param name="nonlinear">N, from u to a tensor of its shape and type.</param>
    /// <exception cref="T:System.ArgumentException">h is 0 or not finite.</exception>
    /// <remarks>Cox and Matthews 2002, equation 22, with the coefficients of Kassam and Trefethen 2005.</remarks>
    let exponentialRungeKutta2 (timeStep: float) (symbol: torch.Tensor) (nonlinear: torch.Tensor -> torch.Tensor) =
        checkSymbol timeStep symbol
        let nonlinear = like "nonlinear" nonlinear
        let e = ExponentialCoefficients.exponential 1.0 timeStep symbol
        let first = ExponentialCoefficients.first timeStep symbol
        let second = ExponentialCoefficients.second timeStep symbol

        Stepper(
            "ETDRK2",
            2,
            timeStep,
            fun u ->
                checkFits symbol u
                let atU = nonlinear u
                let a = (e .* u) .+ (first .* atU)
                a .+ (second .* (nonlinear a .- atU))
        )

    /// <summary>The exponential Runge-Kutta method ETDRK4 for u' = L u + N(u).</summary>
    /// <param name="timeStep">h, not 0.</param>
    /// <param name="symbol">L, real or complex, in the precision of u; its axes are the last of u's, or of size 1.</param>
    /// <param name="nonlinear">N, from u to a tensor of its shape and type.</param>
    /// <exception cref="T:System.ArgumentException">h is 0 or not finite.</exception>
    /// <remarks>Cox and Matthews 2002, equations 26-29, with the coefficients of Kassam and Trefethen 2005: means over 64 points of a circle. The stiff
    /// linear part does not limit the step.</remarks>
    let exponentialRungeKutta4 (timeStep: float) (symbol: torch.Tensor) (nonlinear: torch.Tensor -> torch.Tensor) =
        checkSymbol timeStep symbol
        let nonlinear = like "nonlinear" nonlinear
        let whole = ExponentialCoefficients.exponential 1.0 timeStep symbol
        let halfway = ExponentialCoefficients.exponential 0.5 timeStep symbol
        let q = ExponentialCoefficients.half timeStep symbol
        let atStart = ExponentialCoefficients.atStart timeStep symbol
        let inMiddle = multiply 2.0 (ExponentialCoefficients.inMiddle timeStep symbol)
        let atEnd = ExponentialCoefficients.atEnd timeStep symbol

        Stepper(
            "ETDRK4",
            4,
            timeStep,
            fun u ->
                checkFits symbol u
                let atU = nonlinear u
                let half = halfway .* u
                let a = half .+ (q .* atU)
                let atA = nonlinear a
                let b = half .+ (q .* atA)
                let atB = nonlinear b
                let c = (halfway .* a) .+ (q .* (multiply 2.0 atB .- atU))
                let atC = nonlinear c

                (whole .* u) .+ (atStart .* atU) .+ (inMiddle .* (atA .+ atB)) .+ (atEnd .* atC)
        )

    /// <summary>The implicit-explicit Runge-Kutta method ARS(2,2,2) for u' = L u + N(u): L implicitly (L-stable), N explicitly.</summary>
    /// <param name="timeStep">h, not 0.</param>
    /// <param name="symbol">L, real or complex, in the precision of u; its axes are the last of u's, or of size 1.</param>
    /// <param name="nonlinear">N, from u to a tensor of its shape and type.</param>
    /// <exception cref="T:System.ArgumentException">h is 0 or not finite.</exception>
    /// <remarks>Ascher, Ruuth and Spiteri 1997, section 2.6, order 2; one step needs no earlier ones. gamma = 1 - 1/sqrt 2, delta = 1 - 1/(2 gamma).</remarks>
    let implicitExplicit (timeStep: float) (symbol: torch.Tensor) (nonlinear: torch.Tensor -> torch.Tensor) =
        checkSymbol timeStep symbol
        let nonlinear = like "nonlinear" nonlinear
        let gamma = 1.0 - sqrt 0.5
        let delta = 1.0 - 1.0 / (2.0 * gamma)

        let solve =
            symbol
            |> Actions.scoped (fun symbol -> (multiply (-timeStep * gamma) symbol |> plus 1.0).reciprocal())

        Stepper(
            "ARS(2,2,2)",
            2,
            timeStep,
            fun u ->
                checkFits symbol u
                let atU = nonlinear u
                let middle = addMultiple (timeStep * gamma) atU u .* solve

                let known =
                    u
                    |> addMultiple (timeStep * delta) atU
                    |> addMultiple (timeStep * (1.0 - delta)) (nonlinear middle)
                    |> addMultiple (timeStep * (1.0 - gamma)) (symbol .* middle)

                known .* solve
        )

    /// <summary>Strang splitting of u' = A(u) + B(u): A for half a step, B for a whole one, A for half a step.</summary>
    /// <param name="timeStep">h, not 0.</param>
    /// <param name="first">The flow of A: u after a time t, from t and u; exact, or of order 2 at least.</param>
    /// <param name="second">The flow of B.</param>
    /// <exception cref="T:System.ArgumentException">h is 0 or not finite.</exception>
    /// <remarks>Strang 1968, order 2. It keeps what both flows keep.</remarks>
    let strang
        (timeStep: float)
        (first: float -> torch.Tensor -> torch.Tensor)
        (second: float -> torch.Tensor -> torch.Tensor)
        : Stepper =
        checkStep timeStep
        let half = like "first" (first (timeStep / 2.0))
        let whole = like "second" (second timeStep)
        Stepper("Strang", 2, timeStep, (fun u -> u |> half |> whole |> half))

// What a C# program calls.
type Stepper with

    /// The classical Runge-Kutta method of order 4 for u' = F(u).
    static member RungeKutta4(timeStep: float, rate: Func<torch.Tensor, torch.Tensor>) =
        Guard.notNull "rate" rate
        Stepper.rungeKutta4 timeStep rate.Invoke

    /// The exponential Runge-Kutta method ETDRK2 for u' = L u + N(u), L given by its symbol.
    static member ExponentialRungeKutta2
        (timeStep: float, symbol: torch.Tensor, nonlinear: Func<torch.Tensor, torch.Tensor>)
        =
        Guard.notNull "nonlinear" nonlinear
        Stepper.exponentialRungeKutta2 timeStep symbol nonlinear.Invoke

    /// The exponential Runge-Kutta method ETDRK4 for u' = L u + N(u), L given by its symbol.
    static member ExponentialRungeKutta4
        (timeStep: float, symbol: torch.Tensor, nonlinear: Func<torch.Tensor, torch.Tensor>)
        =
        Guard.notNull "nonlinear" nonlinear
        Stepper.exponentialRungeKutta4 timeStep symbol nonlinear.Invoke

    /// The implicit-explicit method ARS(2,2,2) for u' = L u + N(u), L given by its symbol.
    static member ImplicitExplicit(timeStep: float, symbol: torch.Tensor, nonlinear: Func<torch.Tensor, torch.Tensor>) =
        Guard.notNull "nonlinear" nonlinear
        Stepper.implicitExplicit timeStep symbol nonlinear.Invoke

    /// Strang splitting: the first flow for half a step, the second for a whole one, the first for half a step.
    static member Strang
        (
            timeStep: float,
            first: Func<float, torch.Tensor, torch.Tensor>,
            second: Func<float, torch.Tensor, torch.Tensor>
        ) =
        Guard.notNull "first" first
        Guard.notNull "second" second

        Stepper.strang timeStep (fun time u -> first.Invoke(time, u)) (fun time u -> second.Invoke(time, u))
