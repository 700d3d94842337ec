namespace Ortho

open System
open TorchSharp

/// What the layers below are made of.
module internal LipschitzLayer =

    /// Registers a first value as a parameter that outlives scopes; it takes the value's handle over.
    let register (owner: torch.nn.Module) (name: string) (value: torch.Tensor) =
        let parameter = new Modules.Parameter(value, true)
        parameter.DetachFromDisposeScope() |> ignore
        owner.register_parameter (name, parameter)

    let zeros (n: int64) = torch.zeros n

    /// Glorot's normal weights, which keep the variance between both sides.
    let glorot (seed: int) (rows: int64) (columns: int64) =
        use draft = Seed.normal seed TensorKind.float32 [ rows; columns ]
        multiply (sqrt (2.0 / float (rows + columns))) draft

    /// Registers weight and scale of a pair with A of q x q and B of q x p.
    let registerPair (owner: torch.nn.Module) (seed: int) (p: int64) (q: int64) =
        let weight = glorot seed (p + q) q
        let scale = weight.norm ()
        register owner "weight" weight
        register owner "scale" scale

    /// A and B of the weight [X; Y] brought to Frobenius norm |scale|, as the authors' code does.
    let pair (owner: torch.nn.Module) =
        use scope = torch.NewDisposeScope()
        let weight: torch.Tensor = owner.get_parameter "weight"
        let scale: torch.Tensor = owner.get_parameter "scale"
        let q = weight.size 1
        let scaled = weight.mul (scale.div (orOne (weight.norm ())))

        let struct (a, b) =
            Lipschitz.cayleyPair (scaled.narrow (0L, 0L, q)) (scaled.narrow (0L, q, weight.size 0 - q))

        struct (scope.MoveToOuter a, scope.MoveToOuter b)

    let relu =
        Func<torch.Tensor, torch.Tensor>(fun (x: torch.Tensor) -> torch.nn.functional.relu x)

/// <summary>A 1-Lipschitz layer W D x + b, with the almost orthogonal W D of <c>Lipschitz.almostOrthogonal</c>.</summary>
/// <remarks>Prach and Lampert 2022. Input [*batch; inputs], output [*batch; outputs]. Parameters: <c>weight</c>, shape [outputs; inputs],
/// and <c>bias</c>, shape [outputs]. Its activation may be any 1-Lipschitz one, such as <c>Lipschitz.groupSort</c>.</remarks>
[<Sealed; NoEquality; NoComparison>]
type AlmostOrthogonalLayer
    /// <summary>A layer with first weights drawn from the seed.</summary>
    /// <exception cref="T:System.ArgumentException">A size is below 1.</exception>
    (seed: int, inputs: int64, outputs: int64) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("AlmostOrthogonalLayer")

    do
        Guard.positive "inputs" inputs
        Guard.positive "outputs" outputs
        use _ = torch.NewDisposeScope()
        LipschitzLayer.register this "weight" (LipschitzLayer.glorot seed outputs inputs)
        LipschitzLayer.register this "bias" (LipschitzLayer.zeros outputs)

    /// The linear part, of the weights as they are now.
    member this.Linear: LinearMap =
        Lipschitz.almostOrthogonal (this.get_parameter "weight")

    /// <summary>The layer on a batch, [*batch; inputs] -> [*batch; outputs].</summary>
    override this.forward(x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        scope.MoveToOuter(this.Linear.Apply x .+ this.get_parameter "bias")

/// <summary>A 1-Lipschitz residual layer x - 2 W T^-1 relu (W^T x + b), T = diag (sum_j |W^T W|_ij q_j / q_i), q = exp (logarithm).</summary>
/// <remarks>SLL: Araujo et al. 2023 (2303.03169): T - W^T W is positive semidefinite, and with slopes S in [0, 1] the Jacobian
/// J = I - 2 W T^-1 S W^T has J^T J at most I - 4 W T^-1 (S - S^2) W^T. Input and output [*batch; width]. Parameters: <c>weight</c>, shape
/// [width; hidden], <c>logarithm</c> and <c>bias</c>, shape [hidden].</remarks>
[<Sealed; NoEquality; NoComparison>]
type LipschitzResidualLayer
    /// <summary>A layer with first weights drawn from the seed, and q = 1.</summary>
    /// <exception cref="T:System.ArgumentException">A size is below 1.</exception>
    (seed: int, width: int64, hidden: int64) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("LipschitzResidualLayer")

    do
        Guard.positive "width" width
        Guard.positive "hidden" hidden
        use _ = torch.NewDisposeScope()
        LipschitzLayer.register this "weight" (LipschitzLayer.glorot seed width hidden)
        LipschitzLayer.register this "logarithm" (LipschitzLayer.zeros hidden)
        LipschitzLayer.register this "bias" (LipschitzLayer.zeros hidden)

    /// <summary>The layer on a batch, [*batch; width] -> [*batch; width].</summary>
    override this.forward(x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let weight: torch.Tensor = this.get_parameter "weight"
        let logarithm: torch.Tensor = this.get_parameter "logarithm"

        let slopes =
            (LinearMap.ofMatrix weight).Adjoint.Apply x .+ this.get_parameter "bias"
        // W = c U and q up to a factor: W T^-1 = U diag (q / sum_j |U^T U|_ij q_j) / c, where nothing overflows or underflows.
        let size = orOne (SpectralNorm.largest weight)
        let unit = weight.div size
        let q = (logarithm .- logarithm.detach().max()).exp()
        let inverse = q.div(Lipschitz.dominance q unit).div(size.squeeze 0L)
        let step = (torch.nn.functional.relu slopes .* inverse).matmul(unit.t ())
        scope.MoveToOuter(x |> addMultiple -2.0 step)

/// <summary>A 1-Lipschitz layer sqrt 2 A^T Psi s(sqrt 2 Psi^-1 B x + b), with A A^T + B B^T = I by <c>Lipschitz.cayleyPair</c> and
/// Psi = diag (exp psi).</summary>
/// <remarks>Wang and Manchester 2023 (2301.11526). Input [*batch; inputs], output [*batch; outputs]. Parameters: <c>weight</c>, [X; Y] of
/// shape [outputs + inputs; outputs], brought to Frobenius norm <c>scale</c>; <c>psi</c> and <c>bias</c>, shape [outputs].</remarks>
[<Sealed; NoEquality; NoComparison>]
type SandwichLayer
    /// <summary>A layer with first weights drawn from the seed, Psi = I and b = 0.</summary>
    /// <param name="seed">Draws the weights.</param>
    /// <param name="inputs">Length of an input.</param>
    /// <param name="outputs">Length of an output.</param>
    /// <param name="activation">s: acts entry by entry with slopes between 0 and 1, such as relu or tanh; else the bound does not hold.</param>
    /// <exception cref="T:System.ArgumentException">A size is below 1.</exception>
    (seed: int, inputs: int64, outputs: int64, activation: Func<torch.Tensor, torch.Tensor>) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("SandwichLayer")

    do
        Guard.positive "inputs" inputs
        Guard.positive "outputs" outputs
        Guard.notNull "activation" activation
        use _ = torch.NewDisposeScope()
        LipschitzLayer.registerPair this seed inputs outputs
        LipschitzLayer.register this "psi" (LipschitzLayer.zeros outputs)
        LipschitzLayer.register this "bias" (LipschitzLayer.zeros outputs)

    /// A layer whose activation is relu.
    new(seed: int, inputs: int64, outputs: int64) = new SandwichLayer(seed, inputs, outputs, LipschitzLayer.relu)

    /// <summary>The layer on a batch, [*batch; inputs] -> [*batch; outputs].</summary>
    override this.forward(x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let struct (a, b) = LipschitzLayer.pair this
        let psi = (this.get_parameter "psi": torch.Tensor).exp()
        let inner = (multiply (sqrt 2.0) ((LinearMap.ofMatrix b).Apply x)).div psi
        let active = activation.Invoke(inner .+ this.get_parameter "bias")
        scope.MoveToOuter((multiply (sqrt 2.0) (active .* psi)).matmul a)

/// <summary>A network of sandwich layers that is g-Lipschitz whatever its parameters: x -> sqrt g B h + b, where h comes of the layers at sqrt g x.</summary>
/// <remarks>Wang and Manchester 2023 (2301.11526). Parameters: <c>layer1.weight</c>, ..., and those of the last layer: <c>weight</c>, <c>scale</c>, <c>bias</c>.</remarks>
[<Sealed; NoEquality; NoComparison>]
type LipschitzNetwork
    /// <summary>A network with first weights drawn from the seed.</summary>
    /// <param name="seed">Draws the weights.</param>
    /// <param name="bound">g, the Lipschitz constant that no two points exceed; positive.</param>
    /// <param name="widths">Lengths of the input, of what each sandwich layer gives, and of the output: two or more.</param>
    /// <param name="activation">Acts entry by entry with slopes between 0 and 1.</param>
    /// <exception cref="T:System.ArgumentException">The bound is not positive and finite; fewer than two widths, or one below 1.</exception>
    (seed: int, bound: float, widths: seq<int64>, activation: Func<torch.Tensor, torch.Tensor>) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("LipschitzNetwork")

    let widths =
        Guard.notNull "widths" widths
        Guard.notNull "activation" activation

        Guard.holds "bound" (bound > 0.0 && Double.IsFinite bound) (fun () ->
            $"bound must be positive and finite, but is {bound}.")

        Seq.toArray widths

    let layers =
        Guard.holds "widths" (widths.Length >= 2 && Array.forall (fun n -> n >= 1L) widths) (fun () ->
            $"widths must be two or more numbers of at least 1, but are {Guard.showShape widths}.")

        Array.init (widths.Length - 2) (fun i ->
            let layer =
                new SandwichLayer(Seed.derive seed i, widths[i], widths[i + 1], activation)

            this.register_module ($"layer{i + 1}", layer)
            layer)

    do
        use _ = torch.NewDisposeScope()
        let last = widths.Length - 1
        LipschitzLayer.registerPair this (Seed.derive seed last) widths[last - 1] widths[last]
        LipschitzLayer.register this "bias" (LipschitzLayer.zeros widths[last])

    /// A network whose activation is relu.
    new(seed: int, bound: float, widths: seq<int64>) = new LipschitzNetwork(seed, bound, widths, LipschitzLayer.relu)

    /// The Lipschitz constant g that no two points exceed.
    member _.Bound = bound

    /// <summary>The network on a batch, [*batch; first width] -> [*batch; last width].</summary>
    override this.forward(x: torch.Tensor) =
        Guard.live "x" x
        use scope = torch.NewDisposeScope()
        let start = multiply (sqrt bound) x
        let h = layers |> Array.fold (fun h layer -> layer.forward h) start
        let struct (_, b) = LipschitzLayer.pair this

        let y =
            multiply (sqrt bound) ((LinearMap.ofMatrix b).Apply h)
            .+ this.get_parameter "bias"

        scope.MoveToOuter y
