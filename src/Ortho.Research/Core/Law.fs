namespace Ortho

open System
open TorchSharp

/// <summary>Laws as numbers. Each draws random elements from a seed and returns a residual divided by the norms involved:
/// rounding (about 1e-15 in float64, 1e-6 in float32) where the law holds, of order 1 where it does not, NaN where the map gives NaN.</summary>
/// <remarks>Elements are drawn in the map's own type and device; in float64 on the CPU for a map that takes any (bind it with
/// <c>LinearMap.on</c> to choose). The tests of this library call these same functions.</remarks>
[<RequireQualifiedAccess>]
module Law =

    /// Elements of a space, as a batch: of several, so that chance seldom makes the norms small.
    let private draw (seed: int) (map: LinearMap) (side: LinearMap -> Space) =
        Seed.normal seed (LinearMap.kindOf map) (Array.append [| 8L |] (side map).Axes)

    let private norm (x: torch.Tensor) =
        use length = x.norm ()

        use real =
            if length.is_complex () then
                length.real
            else
                length.alias ()

        number real

    let private ratio (defect: float) (size: float) =
        if defect = 0.0 then 0.0 else defect / size

    /// The distance of two tensors over the sum of their norms; 0 for two zeros.
    [<CompiledName("Distance")>]
    let distance (x: torch.Tensor) (y: torch.Tensor) : float =
        Guard.live "x" x
        Guard.live "y" y
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        ratio (norm (x .- y)) (norm x + norm y)

    /// Runs a law without gradients, freeing all it makes.
    let private measured (law: unit -> float) =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        law ()

    let private unlike (x: torch.Tensor) (y: torch.Tensor) (size: float) =
        use difference = x.sub y
        ratio (norm difference) size

    /// A (x + c y) = A x + c A y, over |A x| + |c A y|.
    [<CompiledName("Linearity")>]
    let linearity (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let c = -1.75
            let x = draw seed map _.Domain
            let y = draw (Seed.derive seed 1) map _.Domain
            let ax, ay = map.Apply x, multiply c (map.Apply y)
            unlike (map.Apply(addMultiple c y x)) (ax .+ ay) (norm ax + norm ay))

    /// ⟨A x, y⟩ = ⟨x, A* y⟩, over |A x| |y| + |x| |A* y|.
    [<CompiledName("Adjoint")>]
    let adjoint (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let x = draw seed map _.Domain
            let y = draw (Seed.derive seed 1) map _.Codomain
            let ax, ay = map.Apply x, map.Adjoint.Apply y
            unlike (ax.conj().mul(y).sum()) (x.conj().mul(ay).sum()) (norm ax * norm y + norm x * norm ay))

    let private innerKept (seed: int) (map: LinearMap) =
        let x = draw seed map _.Domain
        let y = draw (Seed.derive seed 1) map _.Domain
        unlike ((map.Apply x).conj().mul(map.Apply y).sum()) (x.conj().mul(y).sum()) (norm x * norm y)

    /// ⟨A x, A y⟩ = ⟨x, y⟩, over |x| |y|. It does not use the map's adjoint.
    [<CompiledName("Isometry")>]
    let isometry (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let x = draw seed map _.Domain
            let ax = map.Apply x
            max (innerKept seed map) (ratio (abs (norm ax - norm x)) (norm x)))

    /// The adjoint is an isometry.
    [<CompiledName("Coisometry")>]
    let coisometry (seed: int) (map: LinearMap) : float =
        Guard.notNull "map" map
        isometry seed map.Adjoint

    /// Isometry and coisometry: the larger of the two residuals.
    [<CompiledName("Unitary")>]
    let unitary (seed: int) (map: LinearMap) : float =
        max (isometry seed map) (coisometry seed map)

    /// ⟨A x, y⟩ = ⟨x, A y⟩, over |A x| |y| + |x| |A y|.
    [<CompiledName("SelfAdjoint")>]
    let selfAdjoint (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let x = draw seed map _.Domain
            let y = draw (Seed.derive seed 1) map _.Domain
            let ax, ay = map.Apply x, map.Apply y
            unlike (ax.conj().mul(y).sum()) (x.conj().mul(ay).sum()) (norm ax * norm y + norm x * norm ay))

    /// A (A x) = A x, over |A x|.
    [<CompiledName("Idempotence")>]
    let idempotence (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let ax = map.Apply(draw seed map _.Domain)
            unlike (map.Apply ax) ax (norm ax))

    /// An orthogonal projection: the larger of the self-adjointness and idempotence residuals.
    [<CompiledName("Projection")>]
    let projection (seed: int) (map: LinearMap) : float =
        max (selfAdjoint seed map) (idempotence seed map)

    /// The entries of A x are those of x in another order.
    [<CompiledName("Rearrangement")>]
    let rearrangement (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let sorted (x: torch.Tensor) =
                let flat = (if x.is_complex () then x.abs () else x).flatten 1L
                let struct (values, _) = flat.sort -1L
                values

            let x = draw seed map _.Domain
            distance (sorted (map.Apply x)) (sorted x))

    /// A x = B x, over |A x| + |B x|.
    [<CompiledName("Equality")>]
    let equality (seed: int) (a: LinearMap) (b: LinearMap) : float =
        Guard.notNull "a" a
        Guard.notNull "b" b

        measured (fun () ->
            let x = draw seed (if a.Kind.HasValue then a else b) (fun _ -> a.Domain)
            distance (a.Apply x) (b.Apply x))

    /// B (A x) = x, over |x|.
    [<CompiledName("Inverse")>]
    let inverse (seed: int) (a: LinearMap) (b: LinearMap) : float =
        Guard.notNull "a" a
        Guard.notNull "b" b

        measured (fun () ->
            let x = draw seed (if a.Kind.HasValue then a else b) (fun _ -> a.Domain)
            unlike (b.Apply(a.Apply x)) x (norm x))

    /// <summary>A (rho x) = sigma (A x): the map commutes with one group element, which acts as rho on its domain and as sigma on its codomain.</summary>
    [<CompiledName("Equivariance")>]
    let equivariance (seed: int) (rho: LinearMap) (sigma: LinearMap) (map: LinearMap) : float =
        Guard.notNull "rho" rho
        Guard.notNull "sigma" sigma
        Guard.notNull "map" map

        measured (fun () ->
            let x = draw seed (if map.Kind.HasValue then map else rho) (fun _ -> map.Domain)
            distance (map.Apply(rho.Apply x)) (sigma.Apply(map.Apply x)))

    /// A batch gives what its elements give one by one, whatever the batch axes; an empty batch gives an empty batch.
    [<CompiledName("BatchInvariance")>]
    let batchInvariance (seed: int) (map: LinearMap) : float =
        measured (fun () ->
            let kind = LinearMap.kindOf map
            let shape (batch: int64[]) (space: Space) = Array.append batch space.Axes
            let x = Seed.normal seed kind (shape [| 6L |] map.Domain)
            let oneByOne = torch.stack [| for i in 0L .. 5L -> map.Apply x[i] |]
            let together = map.Apply x
            let twoAxes = map.Apply(x.reshape (shape [| 2L; 3L |] map.Domain))
            let empty = map.Apply(x.reshape(shape [| 2L; 3L |] map.Domain).narrow(0L, 0L, 0L))

            if
                empty.shape <> shape [| 0L; 3L |] map.Codomain
                || twoAxes.shape <> shape [| 2L; 3L |] map.Codomain
                || oneByOne.shape <> together.shape
            then
                infinity
            else
                max (distance together oneByOne) (distance (twoAxes.reshape together.shape) oneByOne))

    /// Every trait that the map promises: the largest residual.
    [<CompiledName("Promises")>]
    let promises (seed: int) (map: LinearMap) : float =
        Guard.notNull "map" map

        [
            Traits.Isometry, isometry
            Traits.Coisometry, coisometry
            Traits.SelfAdjoint, selfAdjoint
            Traits.Idempotent, idempotence
            Traits.Permutation, rearrangement
        ]
        |> List.filter (fun (trait', _) -> map.Promises trait')
        |> List.fold (fun worst (_, law) -> max worst (law seed map)) 0.0

    /// <summary>How far the columns (of a tall or square matrix) or the rows (of a wide one) are from orthonormal: |Q* Q - I|_F / sqrt k.</summary>
    /// <param name="q">Shape [*batch; m; n]; the worst of the batch counts. k = min (m, n).</param>
    [<CompiledName("Orthogonality")>]
    let orthogonality (q: torch.Tensor) : float =
        Guard.rankAtLeast "q" 2 q
        Guard.floating "q" q

        measured (fun () ->
            let rows, columns = q.size (int q.ndim - 2), q.size (int q.ndim - 1)
            let k = min rows columns
            let gram = if rows >= columns then q.mH.matmul q else q.matmul q.mH
            let identity = torch.eye (k, dtype = Nullable q.dtype, device = q.device)
            let defects = (gram .- identity).flatten(-2L).norm -1
            number (defects.max ()) / sqrt (float k))

    /// <summary>The gradient of Re sum(conj w f(x)) in x against central differences, for a random w: their distance over the sum of
    /// their norms and |w| |f(x)| / 1000, since rounding alone moves a difference by about 1e-10 |w| |f(x)|. The length of w does not matter.</summary>
    /// <param name="seed">Draws w.</param>
    /// <param name="f">Any function of a tensor that autograd sees.</param>
    /// <param name="x">float64; differences take steps of 1e-6.</param>
    let gradient (seed: int) (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : float =
        Guard.live "x" x
        Guard.holds "x" (x.dtype = torch.float64) (fun () -> $"x must be float64, but is {x.dtype}.")
        use _ = torch.NewDisposeScope()
        use _ = torch.enable_grad ()
        let leaf = x.detach().clone().requires_grad_ true
        let y = f leaf
        let w = Seed.normal seed (TensorKind.ofTensor y) y.shape

        let weighted (y: torch.Tensor) =
            let product = (w.conj().mul y).sum()
            if product.is_complex () then product.real else product

        let seen = weighted y
        // A constant function has no graph to go back through.
        let slope =
            if seen.requires_grad then
                seen.backward ()
                leaf.grad
            else
                null

        use _ = torch.no_grad ()
        let step = 1e-6
        let flat = x.detach().reshape -1L
        let at = flat.clone ()

        let differences =
            Array.init (int (flat.numel ())) (fun i ->
                use _ = torch.NewDisposeScope()

                let shifted sign =
                    let unit =
                        vector
                            (TensorKind.ofTensor x)
                            (Array.init (int (flat.numel ())) (fun j -> if i = j then sign * step else 0.0))

                    number (weighted (f ((at .+ unit).reshape x.shape)))

                (shifted 1.0 - shifted -1.0) / (2.0 * step))

        let expected = (vector (TensorKind.ofTensor x) differences).reshape x.shape
        let slope = if isNull slope then torch.zeros_like x else slope
        ratio (norm (slope .- expected)) (norm slope + norm expected + 1e-3 * norm w * norm y)
