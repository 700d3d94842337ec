namespace Ortho

open System
open TorchSharp

/// <summary>What a family of orthogonal polynomials on an interval says of itself; phi_0 is 1 or a constant.</summary>
[<NoEquality; NoComparison>]
type internal PolynomialFamily =
    {
        Name: string
        Lower: float
        Upper: float
        /// The recurrence of so many polynomials.
        Terms: int -> ThreeTerm
        /// Coefficients [n] -> [n] of the derivative.
        Differentiate: int64 -> LinearMap
        /// Coefficients [n] -> [n + 1] of the antiderivative that vanishes at the left end, or at 0.
        Integrate: int64 -> LinearMap
    }

/// Bases of orthogonal polynomials.
[<RequireQualifiedAccess>]
module internal PolynomialBasis =

    /// Most entries of a matrix of values: 2^27, 1 GiB.
    let private limit = 1L <<< 27

    /// phi_k(x) in row i and column k, for each point x_i and each k below the size of the recurrence.
    let values (terms: ThreeTerm) (points: float[]) : float[] =
        let n = terms.Size

        Guard.holds "points" (points.LongLength * int64 n <= limit) (fun () ->
            $"points must number at most {limit / int64 n} for {n} functions, but number {points.Length}.")

        let table = Array.zeroCreate (points.Length * n)

        points
        |> Array.iteri (fun i x ->
            let row = i * n
            table[row] <- terms.First

            for k in 0 .. n - 2 do
                let before = if k = 0 then 0.0 else table[row + k - 1]

                table[row + k + 1] <- (terms.Slope[k] * x + terms.Shift[k]) * table[row + k] - terms.Back[k] * before)

        table

    let fixedMatrix (name: string) (rows: int) (columns: int) (entries: float[]) : LinearMap =
        use flat = vector TensorKind.float64 entries
        use matrix = flat.reshape [| int64 rows; int64 columns |]
        FixedMatrix.ofMatrix name Traits.None matrix

    let evaluateAt (terms: ThreeTerm) (points: float[]) : LinearMap =
        values terms points |> fixedMatrix "evaluate" points.Length terms.Size

    /// Analysis and synthesis by matrices; the quadrature is given by the roots of its weights.
    let private dense (terms: ThreeTerm) (nodes: float[]) (roots: float[]) (norms: float[]) =
        let n = terms.Size
        let at = values terms nodes

        let analyze =
            Array.init (n * n) (fun i ->
                let k, j = i / n, i % n
                // The root twice: its square may be 0 where the product is not.
                at[j * n + k] * roots[j] * roots[j] / norms[k])

        struct (fixedMatrix "analyze" n n analyze, fixedMatrix "synthesize" n n at)

    /// The parts that do not depend on the nodes, with given transforms.
    let withTransforms
        (family: PolynomialFamily)
        (rule: string)
        (terms: ThreeTerm)
        (nodes: float[], weights: float[], discreteNorms: float[])
        (analyze: LinearMap, synthesize: LinearMap)
        (resize: int64 -> BasisParts)
        : BasisParts =
        let n = int64 terms.Size

        {
            Name = $"{family.Name} {rule}[{n}]"
            Family = family.Name
            Lower = family.Lower
            Upper = family.Upper
            Nodes = nodes
            Weights = weights
            SquaredNorms = terms.Norms
            DiscreteNorms = discreteNorms
            Analyze = analyze
            Synthesize = synthesize
            EvaluateAt = evaluateAt terms
            Differentiate = Ok(family.Differentiate n)
            Integrate = Ok(family.Integrate n)
            Embed = Coefficients.resize n
            ProductSize = Some(fun n1 n2 -> n1 + n2 - 1L)
            Resize = resize
        }

    let private checkedSize (least: int64) (n: int64) =
        Guard.atLeast "n" least n

        Guard.holds "n" (n <= 8192L) (fun () ->
            $"n must be at most 8192 for a basis that keeps dense matrices, but is {n}.")

    /// A basis by a rule that is given by the roots of its weights; discreteNorms are the norms under it.
    let rec private byRule
        (family: PolynomialFamily)
        (rule: string)
        (least: int64)
        (nodesOf: ThreeTerm -> struct (float[] * float[] * float[]))
        (discrete: float[] -> float[])
        (n: int64)
        : BasisParts =
        checkedSize least n
        let terms = family.Terms(int n)
        let struct (nodes, weights, roots) = nodesOf terms

        let largest =
            values terms (Array.distinct [| nodes[0]; nodes[nodes.Length - 1] |])
            |> Array.forall Double.IsFinite

        Guard.holds "n" largest (fun () ->
            $"n must be small enough for {family.Name} polynomials to be finite numbers at its nodes, but for n = {n} they are not. The quadrature rule alone exists, and functions that decay.")

        let norms = discrete terms.Norms
        let struct (analyze, synthesize) = dense terms nodes roots norms

        withTransforms
            family
            rule
            terms
            (nodes, weights, norms)
            (analyze, synthesize)
            (byRule family rule least nodesOf discrete)

    /// The basis with the Gauss rule of n nodes.
    let gauss (family: PolynomialFamily) (n: int64) : SpectralBasis =
        byRule family "Gauss" 1L GaussQuadrature.rootRule id n |> SpectralBasis

    /// The basis with a rule of its own.
    let ofRule family rule least nodesOf discrete (n: int64) : SpectralBasis =
        byRule family rule least nodesOf discrete n |> SpectralBasis

    /// The Gauss rule alone.
    let rule (family: PolynomialFamily) (n: int64) : QuadratureRule =
        Guard.positive "n" n

        Guard.holds "n" (n <= 65536L) (fun () ->
            $"n must be at most 65536, since the time grows with its square, but is {n}.")

        GaussQuadrature.ofTerms (family.Terms(int n))

    /// log Gamma x.
    let logGamma (x: float) =
        use argument = vector TensorKind.float64 [| x |]
        use value = argument.lgamma ()
        number value

    /// Antiderivatives whose coefficients are combinations of neighbours, set to vanish at a point.
    let vanishingAt (terms: int -> ThreeTerm) (point: float) (n: int64) diagonals : LinearMap =
        let values = values (terms (int n + 1)) [| point |]
        let values = values |> Array.map (fun value -> value / values[0])
        Coefficients.banded "∫" n (n + 1L) diagonals |> Coefficients.vanishing values
