namespace Ortho

open System
open TorchSharp

/// What a search for unit vectors with small cosines found.
[<NoEquality; NoComparison>]
type EquiangularVectors =
    {
        /// Unit vectors as rows, shape [count; dimension].
        Vectors: torch.Tensor
        /// The largest |cosine| of two of them.
        Coherence: float
        /// Steps taken.
        Steps: int
    }

/// <summary>Unit vectors whose pairwise cosines are all small: the simplex, Welch's bound, and equiangular basis vectors by search.</summary>
/// <remarks>Vectors are rows. Welch 1974; equiangular basis vectors: Shen et al. 2023 (2303.11637).</remarks>
[<RequireQualifiedAccess>]
module EquiangularFrame =

    /// <summary>Welch's bound sqrt ((N - d) / (d (N - 1))), 0 for N at most d: no N unit vectors in d dimensions have all |cosines| below it. Equality holds for
    /// equiangular tight frames alone.</summary>
    /// <param name="count">N, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <exception cref="T:System.ArgumentException">A number is below 1.</exception>
    [<CompiledName("WelchBound")>]
    let welchBound (count: int64) (dimension: int64) : float =
        Guard.positive "count" count
        Guard.positive "dimension" dimension

        if count <= dimension then
            0.0
        else
            let n, d = float count, float dimension
            sqrt ((n - d) / (d * (n - 1.0)))

    /// <summary>The corners of a regular simplex around 0: d + 1 unit vectors in d dimensions whose cosines are all -1/d, an equiangular tight frame.</summary>
    /// <param name="kind">Type (floating or complex) and device of the result.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <returns>Shape [d + 1; d].</returns>
    /// <exception cref="T:System.ArgumentException">dimension is below 1.</exception>
    /// <remarks>Helmert's orthonormal contrasts, scaled: column k (from 1) has sqrt ((d + 1) / (d k (k + 1))) in its first k entries, -k times that in the next.</remarks>
    [<CompiledName("Simplex")>]
    let simplex (kind: TensorKind) (dimension: int64) : torch.Tensor =
        Guard.positive "dimension" dimension
        let d = int dimension

        let entry (row: int) (column: int) =
            let k = float (column + 1)

            if row > column + 1 then
                0.0
            else
                sqrt ((float d + 1.0) / (float d * k * (k + 1.0)))
                * (if row = column + 1 then -k else 1.0)

        use flat = vector kind (Array.init ((d + 1) * d) (fun i -> entry (i / d) (i % d)))
        flat.reshape [| dimension + 1L; dimension |]

    /// Entries of the products of vectors that are held at once: 2^24.
    let private entriesAtOnce = 1L <<< 24

    /// Takes the cosines of some rows with all rows, those of a vector with itself set to 0; chunk by chunk.
    let private chunks (units: torch.Tensor) (take: int64 -> torch.Tensor -> unit) =
        let count = units.size 0
        let size = max 1L (entriesAtOnce / count)

        for start in 0L .. size .. count - 1L do
            use _ = torch.NewDisposeScope()
            let rows = min size (count - start)
            let cosines = (units.narrow (0L, start, rows)).matmul units.mH
            cosines.diagonal(start).zero_() |> ignore
            take start cosines

    let private coherenceOf (units: torch.Tensor) =
        let mutable largest = 0.0

        // NaN stays.
        chunks units (fun _ cosines -> largest <- Math.Max(largest, number (cosines.abs().max())))
        largest

    let private normalised (vectors: torch.Tensor) =
        let lengths = vectors.norm (-1, true)
        vectors.div lengths

    /// <summary>The largest |cosine| of two of the vectors: at least Welch's bound. 0 for a single vector, NaN if one is zero or not finite.</summary>
    /// <param name="vectors">As rows, of any length, shape [N; d].</param>
    /// <exception cref="T:System.ArgumentException">Not of two axes, empty, or not floating or complex.</exception>
    [<CompiledName("Coherence")>]
    let coherence (vectors: torch.Tensor) : float =
        Guard.rank "vectors" 2 vectors
        Guard.floating "vectors" vectors
        Guard.notEmpty "vectors" vectors
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        coherenceOf (normalised vectors)

    /// Adam's constants; 0.01 as in the trial of the smooth loss.
    let private rate, private first, private second = 0.01, 0.9, 0.999

    /// The gradient of the sum of relu (|cosine| - bound)^2 over ordered pairs, along the sphere; and the largest |cosine|.
    let private slope (bound: float) (units: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let mutable largest = 0.0
        let gradient = torch.zeros_like units

        chunks units (fun start cosines ->
            let sizes = cosines.abs ()
            largest <- Math.Max(largest, number (sizes.max ()))
            let excess = (plus -bound sizes).relu() .* cosines.sign ()

            gradient.narrow(0L, start, cosines.size 0).copy_(multiply 4.0 (excess.matmul units))
            |> ignore)

        let radial = (gradient .* units).sum(-1L, true)
        struct (scope.MoveToOuter(gradient .- units .* radial), largest)

    /// <summary>Equiangular basis vectors: N unit vectors in d dimensions with all |cosines| at most a bound, by Adam on the sum of
    /// relu (|cosine| - bound)^2 from random ones.</summary>
    /// <param name="seed">Draws the first vectors.</param>
    /// <param name="kind">Real floating type and device of the vectors.</param>
    /// <param name="steps">The most steps to take. The search ends earlier where the bound is met to 1e-4, as in the paper.</param>
    /// <param name="bound">Above Welch's bound and at most 1. Near to it the search is long, and it may fail: 1.35 times the bound is well within reach.</param>
    /// <param name="count">N, at least 1.</param>
    /// <param name="dimension">d, at least 1. For N at most d the vectors are orthonormal, in no steps.</param>
    /// <returns>The vectors with the largest |cosine| that was reached: compare it with the bound.</returns>
    /// <exception cref="T:System.ArgumentException">A number is out of range, kind is not real, or the bound is below Welch's.</exception>
    /// <remarks>N^2 cosines a step, at most 2^24 (or N) at once.</remarks>
    [<CompiledName("Search")>]
    let search
        (seed: int)
        (kind: TensorKind)
        (steps: int)
        (bound: float)
        (count: int64, dimension: int64)
        : EquiangularVectors =
        let welch = welchBound count dimension
        Guard.atLeast "steps" 0 steps

        Guard.holds "kind" (torch.is_floating_point kind.Dtype) (fun () ->
            $"kind must be of real floating point type, but is {kind}.")

        Guard.holds "bound" (bound >= welch && bound <= 1.0) (fun () ->
            $"bound must lie between Welch's bound {welch:G6} for {count} vectors in {dimension} dimensions and 1, but is {bound}.")

        use scope = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let drawn = Seed.normal seed kind [| count; dimension |]

        if count <= dimension then
            let struct (q, _) = torch.linalg.qr drawn.mT
            let vectors = q.mT.contiguous ()

            {
                Vectors = scope.MoveToOuter vectors
                Coherence = coherenceOf vectors
                Steps = 0
            }
        else
            // Vectors, running mean and running square of the gradient.
            let mutable state =
                [| normalised drawn; torch.zeros_like drawn; torch.zeros_like drawn |]

            let mutable taken = 0
            let mutable largest = infinity
            let mutable searching = true

            while searching do
                use inner = torch.NewDisposeScope()
                let struct (gradient, reached) = slope bound state[0]
                largest <- reached
                searching <- taken < steps && not (largest <= bound + 1e-4)

                if searching then
                    taken <- taken + 1
                    let mean = multiply first state[1] |> addMultiple (1.0 - first) gradient

                    let square =
                        multiply second state[2] |> addMultiple (1.0 - second) (gradient .* gradient)

                    let spread =
                        (multiply (1.0 / (1.0 - second ** float taken)) square).sqrt() |> plus 1e-8

                    let factor = -rate / (1.0 - first ** float taken)
                    let moved = addMultiple factor (mean.div spread) state[0] |> normalised
                    state |> Array.iter _.Dispose()
                    state <- [| moved; mean; square |] |> Array.map inner.MoveToOuter

            {
                Vectors = scope.MoveToOuter state[0]
                Coherence = largest
                Steps = taken
            }
