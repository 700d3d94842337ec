namespace Ortho

open System
open TorchSharp

module private HermiteSum =

    /// sum_k a_k He_k(x) / k! by Clenshaw's recurrence: p_(k+1) = (x p_k - p_(k-1)) / (k+1) for p_k = He_k / k!.
    let evaluate (coefficients: torch.Tensor) (x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let degree = int (coefficients.size 0) - 1
        let at k = ActivationLayer.at k coefficients
        let mutable after = null
        let mutable next = at degree

        for k in degree - 1 .. -1 .. 0 do
            let start =
                if isNull after then
                    at k
                else
                    at k |> addMultiple (-1.0 / float (k + 2)) after

            after <- next
            next <- start |> addProduct (1.0 / float (k + 1)) x next

        scope.MoveToOuter next

    /// a_k = 1 / sqrt e for k of at least 1, a_0 = sqrt ((1 - 1/n!) / e): then the mean of F^2 is that of F'^2.
    let start (degree: int) =
        Guard.positive "degree" degree

        Array.init (degree + 1) (fun k ->
            if k = 0 then
                sqrt ((1.0 - 1.0 / ActivationGain.factorial degree) / Math.E)
            else
                exp -0.5)

    /// p_k at the points in row k, from the recurrence.
    let table (degree: int) (points: float[]) =
        let rows = Array.init (degree + 1) (fun _ -> Array.create points.Length 1.0)

        for k in 0 .. degree - 1 do
            for i in 0 .. points.Length - 1 do
                let before = if k = 0 then 0.0 else rows[k - 1][i]
                rows[k + 1][i] <- (points[i] * rows[k][i] - before) / float (k + 1)

        rows

/// <summary>A learned activation F(x) = sum_(k=0..n) a_k He_k(x) / k!, entry by entry, He_k the probabilists' Hermite polynomials.</summary>
/// <remarks>Khalfaoui-Hassani and Kesselheim 2025 (2502.01247). F' = sum_k a_(k+1) He_k / k!: the same with shifted coefficients. Parameter: <c>coefficients</c>, a_0, ..., a_n. It
/// grows like x^n, so a deep network needs normalised inputs.</remarks>
[<Sealed; NoEquality; NoComparison>]
type HermiteActivation
    /// <summary>An activation with the given first coefficients.</summary>
    /// <param name="coefficients">a_0, ..., a_n, two or more.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">Fewer than two coefficients, or one that is not finite.</exception>
    (coefficients: seq<float>, kind: TensorKind) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("HermiteActivation")

    let degree =
        Guard.notNull "coefficients" coefficients
        ActivationLayer.checkKind kind
        let values = Seq.toArray coefficients

        Guard.holds "coefficients" (values.Length >= 2 && Array.forall Double.IsFinite values) (fun () ->
            $"coefficients must be two or more finite numbers, but are {values.Length}, or not finite.")

        ActivationLayer.register this kind "coefficients" values
        values.Length - 1

    /// <summary>The activation of the paper's initialisation, a_k = 1 / sqrt e and a_0 = sqrt ((1 - 1/n!) / e): both gains are <c>ActivationGain.hermite n</c>, near 1.</summary>
    /// <param name="degree">n, at least 1; 3 in the paper.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">degree is below 1.</exception>
    new(degree: int, kind: TensorKind) = new HermiteActivation(HermiteSum.start degree, kind)

    /// The same in float32 on the CPU.
    new(degree: int) = new HermiteActivation(degree, TensorKind.float32)

    /// n.
    member _.Degree = degree

    /// <summary>The means of F^2 and F'^2 under N(0, 1) of the coefficients as they are now: sum a_k^2 / k! and sum a_(k+1)^2 / k!.</summary>
    member this.Gain: SecondMoments =
        use wide =
            (this.get_parameter "coefficients").detach().``to``(torch.float64, torch.CPU)

        let a = wide.data<float>().ToArray()
        let square k = a[k] * a[k]

        {
            Value = Seq.sum (seq { for k in degree .. -1 .. 0 -> square k / ActivationGain.factorial k })
            Slope = Seq.sum (seq { for k in degree .. -1 .. 1 -> square k / ActivationGain.factorial (k - 1) })
        }

    /// <summary>F of each entry, [*batch] -> [*batch].</summary>
    /// <exception cref="T:System.ArgumentException">x is not of the parameters' type and device.</exception>
    override this.forward(x: torch.Tensor) =
        let coefficients: torch.Tensor = this.get_parameter "coefficients"
        ActivationLayer.checkInput coefficients x
        HermiteSum.evaluate coefficients x

    /// <summary>The activation whose values and slopes are nearest to a function's at some points, in least squares.</summary>
    /// <param name="degree">n, at least 1.</param>
    /// <param name="lower">The first point.</param>
    /// <param name="upper">The last point, above the first.</param>
    /// <param name="points">Number of equispaced points, at least 2, with 2 points at least n + 1.</param>
    /// <param name="f">The function, entry by entry; its slope is taken by autograd. It is given float64.</param>
    /// <param name="kind">Real type and device of the parameters.</param>
    /// <exception cref="T:System.ArgumentException">A number is outside its range, or f gives another shape or a value or slope that is not finite.</exception>
    static member Interpolate
        (degree: int, lower: float, upper: float, points: int, f: Func<torch.Tensor, torch.Tensor>, kind: TensorKind)
        : HermiteActivation =
        Guard.notNull "f" f
        Guard.positive "degree" degree
        Guard.finite "lower" lower
        Guard.finite "upper" upper
        Guard.holds "upper" (upper > lower) (fun () -> $"upper must be above lower, {lower}, but is {upper}.")
        Guard.atLeast "points" (max 2 ((degree + 2) / 2)) points
        ActivationLayer.checkKind kind
        use _ = torch.NewDisposeScope()
        use _ = torch.enable_grad ()

        let nodes =
            Array.init points (fun i -> lower + (upper - lower) * float i / float (points - 1))

        let x = (vector TensorKind.float64 nodes).requires_grad_ true
        let y = f.Invoke x

        Guard.holds "f" (not (isNull y) && y.shape = x.shape) (fun () -> "f must give the shape of its argument.")

        if y.requires_grad then
            (y.sum ()).backward()

        let slope = if isNull x.grad then torch.zeros_like x else x.grad
        use _ = torch.no_grad ()
        let goal = torch.cat [| y.detach (); slope |]
        Guard.finiteEntries "f" goal
        let table = HermiteSum.table degree nodes
        // p_k' = p_(k-1). Columns brought to length 1.
        let columns =
            Array.init (degree + 1) (fun k ->
                Array.append table[k] (if k = 0 then Array.zeroCreate points else table[k - 1]))

        let lengths =
            columns |> Array.map (fun column -> sqrt (Array.sumBy (fun v -> v * v) column))

        let matrix =
            torch.stack (
                Array.map2
                    (fun column length -> multiply (1.0 / length) (vector TensorKind.float64 column))
                    columns
                    lengths,
                1L
            )

        // Not lstsq, whose last digits change from call to call.
        let found = (torch.linalg.pinv matrix).matmul(goal).data<float>().ToArray()
        new HermiteActivation(Array.map2 (/) found lengths, kind)
