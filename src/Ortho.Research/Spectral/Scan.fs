namespace Ortho

open System
open TorchSharp

/// How a linear recurrence is computed. All give the same numbers up to rounding.
[<RequireQualifiedAccess>]
type ScanForm =
    /// Step by step: one pass of a native kernel on the CPU (float32, float64, complex), a loop of tensor operations elsewhere. L steps one after the other.
    | Sequential
    /// Hillis and Steele 1986: log2 L rounds over the whole sequence, each of which doubles the reach. O(L log L) work.
    | Doubling
    /// Chunks of about sqrt L steps by doubling, side by side; then their ends; then what each chunk brings to the next. O(L log L) work, less memory traffic.
    | Chunked
    /// Convolution with the powers of a by FFT of length 2 L; only for a that does not depend on the step, of modulus at most about 1.
    | Fourier

/// <summary>Linear recurrences x_k = a_k x_(k-1) + b_k, k = 0, ..., L - 1, many side by side: the diagonal state space model.</summary>
/// <remarks>
/// <para>Inputs b have shape [*batch; L; P]. Factors a have shape [P] (the same at every step), [L; P] (the same for every sequence), or that of b; same
/// type and device as b, real or complex. A recurrence is a product in the associative operation
/// (a1, b1) then (a2, b2) = (a2 a1, a2 b1 + b2), so that any bracketing gives the same (Blelloch 1990; S5, 2208.04933, section 2.2).</para>
/// <para>Where no form is named it is chosen by device: step by step on the CPU, where the kernel is bound by memory and a
/// backward pass is one more recurrence; doubling elsewhere, where L steps one after the other would each wait for a launch.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Scan =

    let private checkInputs (b: torch.Tensor) =
        Guard.rankAtLeast "b" 2 b
        Guard.floating "b" b

        Guard.holds "b" (b.size (int b.ndim - 2) >= 1L && b.size (int b.ndim - 1) >= 1L) (fun () ->
            $"b must have at least one step and one recurrence (its last two axes), but has shape {Guard.showShape b.shape}.")

    let private checkKind (name: string) (b: torch.Tensor) (x: torch.Tensor) =
        Guard.holds name (TensorKind.matches (TensorKind.ofTensor b) x) (fun () ->
            $"{name} must be {TensorKind.ofTensor b}, like b, but is {TensorKind.ofTensor x}.")

    let private checkFactors (a: torch.Tensor) (b: torch.Tensor) =
        Guard.live "a" a
        checkInputs b
        checkKind "a" b a
        let last = b.shape[b.shape.Length - 2 ..]

        Guard.holds "a" (a.shape = last[1..] || a.shape = last || a.shape = b.shape) (fun () ->
            $"a must have shape {Guard.showShape last[1..]}, {Guard.showShape last} or that of b, {Guard.showShape b.shape}, but has {Guard.showShape a.shape}.")

    /// x with `fill` in front of its first steps: x_(k - by) at place k of the axis before the last.
    let private delayed (by: int64) (fill: torch.Tensor) (x: torch.Tensor) =
        let axis = x.ndim - 2L
        torch.cat ([| fill; x.narrow (axis, 0L, x.size (int axis) - by) |], axis)

    let private zeros (count: int64) (x: torch.Tensor) =
        let shape = Array.copy x.shape
        shape[shape.Length - 2] <- count
        x.new_zeros shape

    /// Products of the factors up to each step, and the states.
    let private doublingPair (a: torch.Tensor) (b: torch.Tensor) =
        let length = b.size (int b.ndim - 2)
        let mutable factors, states, reach = a, b, 1L

        while reach < length do
            states <- factors .* delayed reach (zeros reach states) states .+ states
            factors <- factors .* delayed reach (zeros reach factors |> plus 1.0) factors
            reach <- 2L * reach

        struct (factors, states)

    /// With one factor for all steps its powers take the place of products.
    let private doubling (a: torch.Tensor) (b: torch.Tensor) =
        if a.ndim > 1L then
            let struct (_, states) = doublingPair a b
            states
        else
            let length = b.size (int b.ndim - 2)
            let mutable power, states, reach = a, b, 1L

            while reach < length do
                states <- power .* delayed reach (zeros reach states) states .+ states
                power <- power .* power
                reach <- 2L * reach

            states

    let private chunked (a: torch.Tensor) (b: torch.Tensor) =
        let axis = int b.ndim - 2
        let length, width = b.size axis, b.size (axis + 1)
        let size = max 1L (int64 (sqrt (float length)))
        let count = (length + size - 1L) / size
        // Whole chunks: steps at the end that multiply by one and add nothing.
        let padded (fill: float) (x: torch.Tensor) =
            let missing = count * size - length

            let x =
                if missing = 0L then
                    x
                else
                    torch.cat ([| x; zeros missing x |> plus fill |], x.ndim - 2L)

            x.reshape (Array.concat [ x.shape[.. x.shape.Length - 3]; [| count; size; width |] ])

        let each = if a.ndim = 1L then a.expand ([| length; width |]) else a
        let struct (reach, inside) = doublingPair (padded 1.0 each) (padded 0.0 b)

        let last (x: torch.Tensor) =
            x.narrow(x.ndim - 2L, size - 1L, 1L).squeeze(x.ndim - 2L)

        let ends = doubling (last reach) (last inside)
        let entering = (delayed 1L (zeros 1L ends) ends).unsqueeze -2L
        let states = inside .+ (reach .* entering)

        states.reshape(Array.concat [ b.shape[.. axis - 1]; [| count * size; width |] ]).narrow(int64 axis, 0L, length)

    let private fourier (a: torch.Tensor) (b: torch.Tensor) =
        let axis = b.ndim - 2L
        let length = b.size (int axis)
        // 1, a, a^2, ..., by doubling.
        let mutable powers = (torch.ones_like a).unsqueeze 0L
        let mutable power = a

        while powers.size 0 < length do
            powers <- torch.cat ([| powers; powers .* power |], 0L)
            power <- power .* power

        let kernel = powers.narrow (0L, 0L, length)

        if b.is_complex () then
            let product =
                torch.fft.fft_ (b, 2L * length, axis)
                .* torch.fft.fft_ (kernel, 2L * length, 0L)

            torch.fft.ifft(product, 2L * length, axis).narrow(axis, 0L, length)
        else
            let product =
                torch.fft.rfft (b, 2L * length, axis)
                .* torch.fft.rfft (kernel, 2L * length, 0L)

            torch.fft.irfft(product, 2L * length, axis).narrow(axis, 0L, length)

    let private formFor (b: torch.Tensor) =
        if b.device_type = DeviceType.CPU then
            ScanForm.Sequential
        else
            ScanForm.Doubling

    let private run (form: ScanForm) (a: torch.Tensor) (b: torch.Tensor) =
        use scope = torch.NewDisposeScope()

        let x =
            match form with
            | _ when b.numel () = 0L -> b.alias ()
            | ScanForm.Sequential -> ScanFunction.Act ScanDirection.Forward a b
            | ScanForm.Doubling -> doubling a b
            | ScanForm.Chunked -> chunked a b
            | ScanForm.Fourier -> fourier a b

        scope.MoveToOuter(if scope.Contains x then x else x.alias ())

    let private checkForm (form: ScanForm) (a: torch.Tensor) =
        Guard.notNull "form" form

        Guard.holds "form" (form <> ScanForm.Fourier || a.ndim = 1L) (fun () ->
            $"form must be another than Fourier for factors that depend on the step, but a has shape {Guard.showShape a.shape}.")

    /// <summary>The states x_k = a_k x_(k-1) + b_k from x_(-1) = 0, by a given form.</summary>
    /// <param name="form">How.</param>
    /// <param name="a">Shape [P], [L; P] or that of b. Differentiable.</param>
    /// <param name="b">Shape [*batch; L; P]. Differentiable.</param>
    /// <returns>Shape [*batch; L; P].</returns>
    /// <exception cref="T:System.ArgumentException">Shapes, types or devices that do not fit, no step, or Fourier for factors that depend on the step.</exception>
    [<CompiledName("StatesBy")>]
    let statesBy (form: ScanForm) (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        checkFactors a b
        checkForm form a
        run form a b

    /// <summary>The states x_k = a_k x_(k-1) + b_k from x_(-1) = 0, by the form for the device.</summary>
    /// <param name="a">Shape [P], [L; P] or that of b. Differentiable.</param>
    /// <param name="b">Shape [*batch; L; P]. Differentiable.</param>
    /// <returns>Shape [*batch; L; P].</returns>
    /// <exception cref="T:System.ArgumentException">Shapes, types or devices that do not fit, or no step.</exception>
    [<CompiledName("States")>]
    let states (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        checkFactors a b
        run (formFor b) a b

    /// <summary>The states from a given state x_(-1): carry on where another scan ended.</summary>
    /// <param name="start">x_(-1), shape [*batch; P] or [P]. Differentiable.</param>
    /// <param name="a">Shape [P], [L; P] or that of b. Differentiable.</param>
    /// <param name="b">Shape [*batch; L; P]. Differentiable.</param>
    /// <returns>Shape [*batch; L; P].</returns>
    /// <exception cref="T:System.ArgumentException">Shapes, types or devices that do not fit, or no step.</exception>
    [<CompiledName("StatesFrom")>]
    let statesFrom (start: torch.Tensor) (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        Guard.live "start" start
        checkFactors a b
        checkKind "start" b start
        let axis = b.ndim - 2L

        let one = Array.append b.shape[.. int axis - 1] [| b.size (int axis + 1) |]

        Guard.holds "start" (start.shape = one || start.shape = one[one.Length - 1 ..]) (fun () ->
            $"start must have shape {Guard.showShape one} or {Guard.showShape one[one.Length - 1 ..]}, but has {Guard.showShape start.shape}.")

        use scope = torch.NewDisposeScope()
        let factor = if a.ndim = 1L then a else a.select (a.ndim - 2L, 0L)
        // The start enters with the first input.
        let first = b.select (axis, 0L) .+ (factor .* start)

        let inputs =
            torch.cat ([| first.unsqueeze axis; b.narrow (axis, 1L, b.size (int axis) - 1L) |], axis)

        scope.MoveToOuter(run (formFor b) a inputs)

    /// <summary>Two steps in one: first x -> a1 x + b1, then x -> a2 x + b2. Associative; a scan is its running product.</summary>
    /// <param name="first">(a1, b1), of shapes that broadcast.</param>
    /// <param name="second">(a2, b2).</param>
    /// <returns>(a2 a1, a2 b1 + b2).</returns>
    /// <exception cref="T:System.ArgumentNullException">A tensor is null.</exception>
    [<CompiledName("Join")>]
    let join (first: struct (torch.Tensor * torch.Tensor)) (second: struct (torch.Tensor * torch.Tensor)) =
        let struct (a1, b1) = first
        let struct (a2, b2) = second
        Guard.live "first" a1
        Guard.live "first" b1
        Guard.live "second" a2
        Guard.live "second" b2
        use scope = torch.NewDisposeScope()
        let struct (a, b) = struct (a2 .* a1, a2 .* b1 .+ b2)
        scope.MoveToOuter a |> ignore
        scope.MoveToOuter b |> ignore
        struct (a, b)

    let private leaf (a: torch.Tensor) (length: int64) =
        let space = Space.ofShape [ length; a.size (int a.ndim - 1) ]
        let isCpu = a.device_type = DeviceType.CPU

        let act (direction: ScanDirection) (isConjugate: bool) =
            Actions.scoped (fun (b: torch.Tensor) ->
                let factors = if isConjugate then ScanKernel.conjugate a else a

                if isCpu || b.numel () = 0L then
                    ScanFunction.Act direction factors b
                elif direction = ScanDirection.Forward then
                    doubling factors b
                else
                    // In reverse, x_k = a_(k+1) x_(k+1) + b_k: forward on flipped steps, with factors one step later.
                    let flip (x: torch.Tensor) = x.flip [| x.ndim - 2L |]

                    let later =
                        if factors.ndim = 1L then
                            factors
                        else
                            delayed 1L (zeros 1L factors) (flip factors)

                    flip (doubling later (flip b)))

        Build.leaf
            $"scan{space}"
            space
            space
            Traits.None
            (Nullable(TensorKind.ofTensor a))
            (act ScanDirection.Forward false)
            (act ScanDirection.Reverse true)

    /// <summary>The map from inputs b to states x, with the same factors at every step: a causal convolution with their powers.</summary>
    /// <param name="length">L, at least 1.</param>
    /// <param name="a">Shape [P]. Differentiable.</param>
    /// <returns>A map of [L; P]; its adjoint is the recurrence from the end with conjugated factors.</returns>
    /// <exception cref="T:System.ArgumentException">No step, no factor, or not of floating point or complex type.</exception>
    [<CompiledName("Invariant")>]
    let invariant (length: int64) (a: torch.Tensor) : LinearMap =
        Guard.positive "length" length
        Guard.rank "a" 1 a
        Guard.floating "a" a
        Guard.notEmpty "a" a
        leaf a length

    /// <summary>The map from inputs b to states x, with factors for each step.</summary>
    /// <param name="a">Shape [L; P]. Differentiable.</param>
    /// <returns>A map of [L; P]; its adjoint is the recurrence from the end with conjugated factors.</returns>
    /// <exception cref="T:System.ArgumentException">Not two axes, empty, or not of floating point or complex type.</exception>
    [<CompiledName("Varying")>]
    let varying (a: torch.Tensor) : LinearMap =
        Guard.rank "a" 2 a
        Guard.floating "a" a
        Guard.notEmpty "a" a
        leaf a (a.size 0)
