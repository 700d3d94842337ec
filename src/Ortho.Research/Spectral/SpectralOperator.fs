namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>A learned operator between functions, on their coefficients: it reads and writes no grid but the nodes of its bases.</summary>
/// <remarks>
/// <para>Coefficients have shape [*batch; channels; n1; ...; nd] in the same bases on both sides, T and T⁻¹ are their analysis and synthesis. The coefficients of the coordinates, each scaled to [-1, 1],
/// join the input as channels; a matrix lifts all to <c>width</c> channels; each layer is</para>
/// <code>u &lt;- T sigma (T⁻¹ (W_k u_k + C u_k) + b)</code>
/// <para>with a matrix W_k for each mode, C and b the same for all, sigma at the nodes; a last matrix makes the output channels. Periodic axes take
/// <c>Fourier.real</c>, others <c>Chebyshev</c>, or any real family.</para>
/// <para>Parameters: <c>lift</c> [width; inputs + d]; for layer i from 0 <c>weight_i</c> [n1; ...; nd; width; width], <c>pointwise_i</c> [width; width] and
/// <c>bias_i</c> [width]; <c>project</c> [outputs; width].</para>
/// <para>Source: Du, Chalapathi and Krishnapriyan 2024 (neural spectral methods, arXiv 2312.05225), section 3, whose W_k start at N(0, 1) / width^2. The
/// operator holds its bases and lives as long as they do.</para>
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type SpectralOperator
    /// <summary>An operator with first parameters drawn from the seed, float32 on the CPU.</summary>
    /// <param name="seed">Draws the parameters.</param>
    /// <param name="bases">A real basis on a finite interval for each axis of the domain.</param>
    /// <param name="inputChannels">How many functions it reads.</param>
    /// <param name="outputChannels">How many it writes.</param>
    /// <param name="width">Channels between layers.</param>
    /// <param name="depth">Number of layers.</param>
    /// <param name="activation">sigma.</param>
    /// <exception cref="T:System.ArgumentException">No basis, a complex one or an infinite interval, or a number below 1.</exception>
    (
        seed: int,
        bases: IEnumerable<SpectralBasis>,
        inputChannels: int,
        outputChannels: int,
        width: int,
        depth: int,
        activation: ActivationFunction
    ) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("SpectralOperator")

    let bases =
        Guard.notNull "bases" bases
        let bases = Seq.toArray bases
        Guard.holds "bases" (bases.Length > 0) (fun () -> "bases must hold at least one basis, but hold none.")

        bases
        |> Array.iteri (fun i basis ->
            Guard.notNull $"bases[{i}]" basis

            Guard.holds $"bases[{i}]" (Double.IsFinite basis.Lower && Double.IsFinite basis.Upper) (fun () ->
                $"bases[{i}] must live on a finite interval, but {basis} lives on [{basis.Lower}, {basis.Upper}].")

            use zeros = torch.zeros (basis.Size, dtype = Nullable torch.float32)
            use values = basis.Synthesize.Apply zeros

            Guard.holds $"bases[{i}]" (not (values.is_complex ())) (fun () ->
                $"bases[{i}] must be a basis of real functions, but is {basis}."))

        Guard.positive "inputChannels" inputChannels
        Guard.positive "outputChannels" outputChannels
        Guard.positive "width" width
        Guard.positive "depth" depth
        Guard.notNull "activation" activation
        bases

    let axes = bases.Length
    let sizes = bases |> Array.map _.Size
    let modes = Array.reduce (*) sizes
    let c, d, w = int64 inputChannels, int64 outputChannels, int64 width
    let analyze = bases |> Array.map _.Analyze |> Simplify.kronecker
    let synthesize = bases |> Array.map _.Synthesize |> Simplify.kronecker

    /// Coefficients of the scaled coordinates, [d; n1 ... nd].
    let coordinates =
        use _ = torch.NewDisposeScope()

        let along (i: int) (basis: SpectralBasis) =
            let scaled x =
                (2.0 * x - basis.Lower - basis.Upper) / (basis.Upper - basis.Lower)

            let shape = Array.init axes (fun j -> if i = j then basis.Size else 1L)
            let values = vector TensorKind.float64 (basis.Parts.Nodes |> Array.map scaled)
            (values.reshape shape).expand sizes

        let values = torch.stack (Array.mapi along bases)
        let table = Table((analyze.Apply values).reshape(int64 axes, modes).clone())

        for tensor in table.Tensors do
            tensor.DetachFromDisposeScope() |> ignore

        table

    let initial =
        let normal (part: int) (deviation: float) (shape: int64[]) =
            Parameter.normal (Seed.derive seed part) shape |> Parameter.scaled deviation

        [|
            "lift", normal 0 (1.0 / sqrt (float (c + int64 axes))) [| w; c + int64 axes |]
            for i in 0 .. depth - 1 do
                $"weight_{i}", normal (2 * i + 2) (1.0 / float (w * w)) (Array.append sizes [| w; w |])
                $"pointwise_{i}", normal (2 * i + 3) (1.0 / sqrt (float w)) [| w; w |]
                $"bias_{i}", Parameter.zeros [| w |]
            "project", normal 1 (1.0 / sqrt (float w)) [| d; w |]
        |]

    do
        for name, parameter in initial do
            Registration.add this parameter name

    /// The bases of input and output, one for each axis.
    member _.Bases: IReadOnlyList<SpectralBasis> = Array.AsReadOnly bases

    /// How many functions it reads.
    member _.InputChannels = inputChannels

    /// How many functions it writes.
    member _.OutputChannels = outputChannels

    /// Channels between layers.
    member _.Width = width

    /// Number of layers.
    member _.Depth = depth

    /// <summary>The operator on a batch: [*batch; inputChannels; n1; ...; nd] -> [*batch; outputChannels; n1; ...; nd].</summary>
    /// <exception cref="T:System.ArgumentException">Other last axes, or another type or device than the parameters'.</exception>
    override _.forward(x: torch.Tensor) =
        Guard.rankAtLeast "x" (axes + 1) x
        let batch = x.shape[.. x.shape.Length - axes - 2]
        let element = Array.append [| c |] sizes

        Guard.holds "x" (x.shape[batch.Length ..] = element) (fun () ->
            $"x must have last axes {Guard.showShape element}, channels and sizes of the bases, but has shape {Guard.showShape x.shape}.")

        let parameter (name: string) : torch.Tensor = this.get_parameter name
        let lift = parameter "lift"
        let kind = TensorKind.ofTensor lift

        Guard.holds "x" (TensorKind.matches kind x) (fun () ->
            $"x must be {kind}, like the parameters, but is {TensorKind.ofTensor x}.")

        use scope = torch.NewDisposeScope()
        let count = Array.fold (*) 1L batch
        let flat = x.reshape [| count; c; modes |]
        let places = (coordinates.Like x).unsqueeze(0L).expand(count, int64 axes, modes)

        let onGrid (u: torch.Tensor) =
            u.reshape (Array.append [| count; w |] sizes)

        let mutable u = lift.matmul (torch.cat ([| flat; places |], 1L))

        for i in 0 .. depth - 1 do
            let perMode = (parameter $"weight_{i}").reshape(modes, w, w)
            let mixed = SpectralConvolution.mix (perMode .+ parameter $"pointwise_{i}") u

            let bias =
                (parameter $"bias_{i}").reshape(Array.append [| w |] (Array.create axes 1L))

            let values = activation.Apply(synthesize.Apply(onGrid mixed) .+ bias)
            u <- (analyze.Apply values).reshape(count, w, modes)

        scope.MoveToOuter((parameter "project").matmul(u).reshape(Array.concat [ batch; [| d |]; sizes ]))
