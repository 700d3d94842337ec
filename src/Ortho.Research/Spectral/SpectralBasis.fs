namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// What a family tells of one of its bases.
[<NoEquality; NoComparison>]
type internal BasisParts =
    {
        /// How it prints, with its size.
        Name: string
        /// The same text for all sizes on the same interval with the same nodes: bases of one family differ by zeros at the end of their coefficients.
        Family: string
        Lower: float
        Upper: float
        Nodes: float[]
        Weights: float[]
        SquaredNorms: float[]
        DiscreteNorms: float[]
        Analyze: LinearMap
        Synthesize: LinearMap
        EvaluateAt: float[] -> LinearMap
        /// The map, or the reason why there is none.
        Differentiate: Result<LinearMap, string>
        Integrate: Result<LinearMap, string>
        /// Coefficients of this size -> coefficients of another size of the family: the functions in common are kept.
        Embed: int64 -> LinearMap
        /// The size that holds every product of a function of one size and one of another; none where no size does.
        ProductSize: (int64 -> int64 -> int64) option
        Resize: int64 -> BasisParts
    }

/// <summary>Functions phi_0, ..., phi_(n-1) on an interval, orthogonal under a weight w, with a quadrature of n nodes x_j and weights w_j: sum_j w_j f(x_j)
/// is near the integral of f w.</summary>
/// <remarks>
/// Coefficients c and node values v are tensors [*batch; n], v_j = sum_k c_k phi_k(x_j). Under the inner products sum_j w_j f_j conj(g_j) of values
/// and sum_k g_k c_k conj(d_k) of coefficients, g the <c>DiscreteNorms</c>, analysis and synthesis are adjoint to each other: Synthesize* W = G Analyze.
/// A basis holds tensors and lives as long as they do: one made inside a dispose scope ends with it. Its maps take either precision on any device.
/// </remarks>
[<Sealed; NoEquality; NoComparison>]
type SpectralBasis internal (parts: BasisParts) =
    let given (verb: string) (map: Result<LinearMap, string>) =
        match map with
        | Ok map -> map
        | Error reason -> raise (InvalidOperationException $"{parts.Name} cannot {verb}: {reason}.")

    member internal _.Parts = parts

    /// The family and the size, e.g. Chebyshev Gauss[8].
    member _.Name = parts.Name

    /// Number of coefficients, and of nodes.
    member _.Size = parts.Nodes.LongLength

    /// Left end of the interval; minus infinity if there is none.
    member _.Lower = parts.Lower

    /// Right end of the interval; infinity if there is none.
    member _.Upper = parts.Upper

    /// The nodes, ascending.
    member _.Nodes: IReadOnlyList<float> = Array.AsReadOnly parts.Nodes

    /// The weights of the quadrature.
    member _.Weights: IReadOnlyList<float> = Array.AsReadOnly parts.Weights

    /// The integrals of |phi_k|^2 w.
    member _.SquaredNorms: IReadOnlyList<float> = Array.AsReadOnly parts.SquaredNorms

    /// The same by the quadrature: sum_j w_j |phi_k(x_j)|^2. Another number only where the rule is not exact, as for the last function of a Lobatto rule.
    member _.DiscreteNorms: IReadOnlyList<float> = Array.AsReadOnly parts.DiscreteNorms

    /// Node values [n] -> coefficients [n] of the one function of the basis that has them.
    member _.Analyze = parts.Analyze

    /// Coefficients [n] -> node values [n].
    member _.Synthesize = parts.Synthesize

    /// <summary>Coefficients [n] -> values [m] at the given points.</summary>
    /// <param name="points">One or more finite numbers; outside the interval the same formulas hold.</param>
    /// <exception cref="T:System.ArgumentException">No point, or one that is not finite.</exception>
    member _.EvaluateAt(points: seq<float>) : LinearMap =
        Guard.notNull "points" points
        let points = Seq.toArray points

        Guard.holds "points" (points.Length > 0 && points |> Array.forall Double.IsFinite) (fun () ->
            let first = points |> Array.tryFind (Double.IsFinite >> not)

            match first with
            | Some bad -> $"points must be finite numbers, but one is {bad}."
            | None -> "points must hold at least one number, but are none.")

        parts.EvaluateAt points

    /// <summary>Coefficients of f -> coefficients of f', in a basis of the same family: [n] -> [n] for polynomials and Fourier series, [n] -> [n + 1] for Hermite functions.</summary>
    /// <exception cref="T:System.InvalidOperationException">The derivative is not in the family.</exception>
    member _.Differentiate = given "differentiate" parts.Differentiate

    /// <summary>Coefficients of f -> coefficients of its antiderivative, in a basis of the same family: [n] -> [n + 1] for polynomials. It vanishes at the left end of the
    /// interval, or at 0 where that is infinite.</summary>
    /// <exception cref="T:System.InvalidOperationException">The antiderivative is not in the family.</exception>
    member _.Integrate = given "integrate" parts.Integrate

    /// <summary>The basis of the same family and interval with another size.</summary>
    /// <exception cref="T:System.ArgumentException">The family has no basis of that size.</exception>
    member _.Resize(size: int64) = SpectralBasis(parts.Resize size)

    override _.ToString() = parts.Name

/// Verbs of bases of functions: intervals, conversions, products, quadrature, grids.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module SpectralBasis =

    let rec private onParts (lower: float) (upper: float) (parts: BasisParts) : BasisParts =
        let scale =
            if Double.IsFinite parts.Upper then
                (upper - lower) / (parts.Upper - parts.Lower)
            else
                1.0

        let there x =
            if Double.IsFinite parts.Upper && x = parts.Upper then
                upper
            elif Double.IsFinite parts.Lower then
                lower + scale * (x - parts.Lower)
            else
                x

        let back y =
            if Double.IsFinite parts.Lower then
                parts.Lower + (y - lower) / scale
            else
                y

        let times factor = Result.map (Simplify.scale factor)

        { parts with
            Name = $"{parts.Name} on [{lower}, {upper}]"
            Family = $"{parts.Family} on [{lower:R}, {upper:R}]"
            Lower = lower
            Upper = upper
            Nodes = parts.Nodes |> Array.map there
            Weights = parts.Weights |> Array.map ((*) scale)
            SquaredNorms = parts.SquaredNorms |> Array.map ((*) scale)
            DiscreteNorms = parts.DiscreteNorms |> Array.map ((*) scale)
            EvaluateAt = Array.map back >> parts.EvaluateAt
            Differentiate = parts.Differentiate |> times (1.0 / scale)
            Integrate = parts.Integrate |> times scale
            Resize = parts.Resize >> onParts lower upper
        }

    /// <summary>The basis carried to another interval by x -> a + s x: phi_k and the weight function keep their values, weights and norms are multiplied by s and derivatives by 1/s.</summary>
    /// <param name="lower">Left end; minus infinity exactly where the basis has none.</param>
    /// <param name="upper">Right end, above lower; infinity exactly where the basis has none.</param>
    /// <param name="basis">The basis; one on a half-line is only moved.</param>
    /// <exception cref="T:System.ArgumentException">Not an interval, or finite ends for infinite ones.</exception>
    let on (lower: float, upper: float) (basis: SpectralBasis) : SpectralBasis =
        Guard.notNull "basis" basis

        Guard.holds "upper" (lower < upper) (fun () -> $"upper must be above lower = {lower}, but is {upper}.")

        let alike (mine: float) (yours: float) =
            Double.IsFinite mine = Double.IsFinite yours

        Guard.holds "lower" (alike basis.Lower lower && alike basis.Upper upper) (fun () ->
            $"lower and upper must be infinite where the interval [{basis.Lower}, {basis.Upper}] of {basis} is and only there, but are {lower} and {upper}.")

        SpectralBasis(onParts lower upper basis.Parts)

    /// <summary>Coefficients in one basis -> coefficients in another: of the function itself where the second basis spans it, else of the leading part of its
    /// expansion in the second family.</summary>
    /// <param name="source">The basis of what goes in.</param>
    /// <param name="target">The basis of what comes out.</param>
    /// <returns>A map from [source.Size] to [target.Size].</returns>
    /// <exception cref="T:System.ArgumentException">The intervals differ.</exception>
    let convert (source: SpectralBasis) (target: SpectralBasis) : LinearMap =
        Guard.notNull "source" source
        Guard.notNull "target" target

        Guard.holds "target" (source.Lower = target.Lower && source.Upper = target.Upper) (fun () ->
            $"target must live on the interval [{source.Lower}, {source.Upper}] of {source}, but {target} lives on [{target.Lower}, {target.Upper}].")

        if source.Parts.Family = target.Parts.Family then
            source.Parts.Embed target.Size
        else
            let wide =
                if target.Size >= source.Size then
                    target
                else
                    target.Resize source.Size

            wide.Parts.Embed target.Size
            * wide.Analyze
            * source.Parts.EvaluateAt wide.Parts.Nodes

    let private productSize (basis: SpectralBasis) (n1: int64) (n2: int64) =
        match basis.Parts.ProductSize with
        | Some size -> size n1 n2
        | None ->
            raise (
                ArgumentException(
                    $"basis must be closed under products, but the product of two functions of {basis} lies in no basis of its family.",
                    "basis"
                )
            )

    /// <summary>Coefficients of f g from those of f and g, without aliasing: by the values on a grid large enough for the product.</summary>
    /// <param name="basis">Any basis of the family.</param>
    /// <param name="f">Shape [*batch; n1].</param>
    /// <param name="g">Shape [*batch; n2]; batch axes broadcast.</param>
    /// <returns>Shape [*batch; n1 + n2 - 1] for polynomials.</returns>
    /// <exception cref="T:System.ArgumentException">A tensor without axes, or a family that is not closed under products.</exception>
    let product (basis: SpectralBasis) (f: torch.Tensor) (g: torch.Tensor) : torch.Tensor =
        Guard.notNull "basis" basis
        Guard.rankAtLeast "f" 1 f
        Guard.rankAtLeast "g" 1 g
        Guard.floating "f" f
        Guard.floating "g" g
        Guard.holds "f" (f.size -1 > 0L) (fun () -> "f must have at least one coefficient, but has none.")
        Guard.holds "g" (g.size -1 > 0L) (fun () -> "g must have at least one coefficient, but has none.")
        let size = productSize basis (f.size -1) (g.size -1)
        use scope = torch.NewDisposeScope()
        let large = SpectralBasis(basis.Parts.Resize size)

        let values (c: torch.Tensor) =
            large.Synthesize.Apply(((basis.Resize(c.size -1)).Parts.Embed size).Apply c)

        scope.MoveToOuter(large.Analyze.Apply(values f .* values g))

    /// <summary>The map g -> f g on coefficients, [n] -> [n]: the product without aliasing, cut to the size of the basis.</summary>
    /// <param name="basis">Of size n.</param>
    /// <param name="f">Coefficients of f, shape [n1]; the map is differentiable in them, and takes tensors of their kind.</param>
    /// <exception cref="T:System.ArgumentException">f is not one axis of numbers, or the family is not closed under products.</exception>
    let multiplyBy (basis: SpectralBasis) (f: torch.Tensor) : LinearMap =
        Guard.notNull "basis" basis
        Guard.rank "f" 1 f
        Guard.floating "f" f
        Guard.notEmpty "f" f
        let size = productSize basis (f.size 0) basis.Size
        let large = SpectralBasis(basis.Parts.Resize size)
        use embedded = ((basis.Resize(f.size 0)).Parts.Embed size).Apply f

        large.Parts.Embed basis.Size
        * large.Analyze
        * LinearMap.ofDiagonal (large.Synthesize.Apply embedded)
        * large.Synthesize
        * basis.Parts.Embed size

    let private samples (basis: SpectralBasis) (f: float -> float) =
        basis.Parts.Nodes
        |> Array.map (fun x ->
            let y = f x

            Guard.holds "f" (Double.IsFinite y) (fun () ->
                $"f must be finite at the nodes of {basis}, but f({x:R}) = {y}.")

            y)

    /// <summary>The integral of f w over the interval by the quadrature of the basis.</summary>
    /// <exception cref="T:System.ArgumentException">f is not finite at a node, which the message names.</exception>
    let quadrature (basis: SpectralBasis) (f: float -> float) : float =
        Guard.notNull "basis" basis
        Guard.notNull "f" f
        Array.fold2 (fun sum weight value -> sum + weight * value) 0.0 basis.Parts.Weights (samples basis f)

    /// <summary>Coefficients of the function of the basis that agrees with f at the nodes.</summary>
    /// <returns>float64 on the CPU, shape [n].</returns>
    /// <exception cref="T:System.ArgumentException">f is not finite at a node, which the message names.</exception>
    let approximate (basis: SpectralBasis) (f: float -> float) : torch.Tensor =
        Guard.notNull "basis" basis
        Guard.notNull "f" f
        use values = vector TensorKind.float64 (samples basis f)
        basis.Analyze.Apply values

    let private checkedBases (bases: seq<SpectralBasis>) =
        Guard.notNull "bases" bases
        let bases = Seq.toArray bases
        Guard.holds "bases" (bases.Length > 0) (fun () -> "bases must hold at least one basis, but hold none.")
        bases |> Array.iteri (fun i basis -> Guard.notNull $"bases[{i}]" basis)
        bases

    /// <summary>The nodes of a tensor product of bases.</summary>
    /// <returns>float64 on the CPU, shape [n1; ...; nd; d]: the last axis holds the coordinates.</returns>
    /// <exception cref="T:System.ArgumentException">No basis.</exception>
    let grid (bases: seq<SpectralBasis>) : torch.Tensor =
        let bases = checkedBases bases
        use _ = torch.NewDisposeScope()

        let axes =
            bases |> Array.map (fun basis -> vector TensorKind.float64 basis.Parts.Nodes)

        let coordinates = torch.meshgrid (axes, "ij")
        torch.stack(coordinates, -1L).MoveToOuterDisposeScope()

    /// <summary>The quadrature weights of a tensor product of bases: products of theirs.</summary>
    /// <returns>float64 on the CPU, shape [n1; ...; nd].</returns>
    /// <exception cref="T:System.ArgumentException">No basis.</exception>
    let gridWeights (bases: seq<SpectralBasis>) : torch.Tensor =
        let bases = checkedBases bases
        use scope = torch.NewDisposeScope()

        bases
        |> Array.map (fun basis -> vector TensorKind.float64 basis.Parts.Weights)
        |> Array.reduce (fun product next -> product.unsqueeze(-1L).mul next)
        |> scope.MoveToOuter

    /// Values on the grid -> coefficients, [n1; ...; nd] -> [n1; ...; nd].
    let analyzeGrid (bases: seq<SpectralBasis>) : LinearMap =
        checkedBases bases |> Array.map _.Analyze |> Simplify.kronecker

    /// Coefficients -> values on the grid, [n1; ...; nd] -> [n1; ...; nd].
    let synthesizeGrid (bases: seq<SpectralBasis>) : LinearMap =
        checkedBases bases |> Array.map _.Synthesize |> Simplify.kronecker

    /// <summary>The partial derivative along one axis, on coefficients.</summary>
    /// <exception cref="T:System.ArgumentException">No basis, or no such axis.</exception>
    let differentiateAlong (axis: int) (bases: seq<SpectralBasis>) : LinearMap =
        let bases = checkedBases bases
        Guard.between "axis" 0 (bases.Length - 1) axis

        bases
        |> Array.mapi (fun i basis ->
            if i = axis then
                basis.Differentiate
            else
                LinearMap.identity (Space.Of basis.Size))
        |> Simplify.kronecker

// What a C# program calls.
type SpectralBasis with

    /// <summary>The basis carried to another interval; see the module's <c>on</c>.</summary>
    /// <exception cref="T:System.ArgumentException">Not an interval, or finite ends for infinite ones.</exception>
    member this.On(lower: float, upper: float) = SpectralBasis.on (lower, upper) this

    /// <summary>Coefficients in the first basis -> coefficients in the second.</summary>
    /// <exception cref="T:System.ArgumentException">The intervals differ.</exception>
    static member Convert(source: SpectralBasis, target: SpectralBasis) = SpectralBasis.convert source target

    /// <summary>Coefficients of f g from those of f and g, without aliasing.</summary>
    /// <exception cref="T:System.ArgumentException">A tensor without axes, or a family that is not closed under products.</exception>
    member this.Product(f: torch.Tensor, g: torch.Tensor) = SpectralBasis.product this f g

    /// <summary>The map g -> f g on coefficients, cut to the size of the basis.</summary>
    /// <exception cref="T:System.ArgumentException">f is not one axis of numbers, or the family is not closed under products.</exception>
    member this.MultiplyBy(f: torch.Tensor) = SpectralBasis.multiplyBy this f

    /// <summary>The integral of f w over the interval by the quadrature of the basis.</summary>
    /// <exception cref="T:System.ArgumentException">f is not finite at a node.</exception>
    member this.Quadrature(f: Func<float, float>) =
        Guard.notNull "f" f
        SpectralBasis.quadrature this f.Invoke

    /// <summary>Coefficients of the function of the basis that agrees with f at the nodes.</summary>
    /// <exception cref="T:System.ArgumentException">f is not finite at a node.</exception>
    member this.Approximate(f: Func<float, float>) =
        Guard.notNull "f" f
        SpectralBasis.approximate this f.Invoke

    /// The nodes of a tensor product of bases, shape [n1; ...; nd; d].
    static member Grid(bases: seq<SpectralBasis>) = SpectralBasis.grid bases

    /// The quadrature weights of a tensor product of bases, shape [n1; ...; nd].
    static member GridWeights(bases: seq<SpectralBasis>) = SpectralBasis.gridWeights bases

    /// Values on the grid -> coefficients.
    static member AnalyzeGrid(bases: seq<SpectralBasis>) = SpectralBasis.analyzeGrid bases

    /// Coefficients -> values on the grid.
    static member SynthesizeGrid(bases: seq<SpectralBasis>) = SpectralBasis.synthesizeGrid bases

    /// The partial derivative along one axis, on coefficients.
    static member DifferentiateAlong(axis: int, bases: seq<SpectralBasis>) =
        SpectralBasis.differentiateAlong axis bases
