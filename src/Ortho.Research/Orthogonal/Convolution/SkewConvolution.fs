/// <summary>Orthogonal circular convolutions as exponentials of skew ones: exp(L) x = x + L x + L L x / 2 + ..., with the convolution L applied to the image.</summary>
/// <remarks>
/// <para>L is skew if its kernel is: L[i, o, -t] = -conj L[o, i, t]. Then exp(L) is unitary, its adjoint is exp(-L), and n terms of the series miss it by at
/// most |L|^n / n!. Norms are spectral.</para>
/// <para>Singla and Feizi 2021, "Skew Orthogonal Convolutions" (2105.11417); bound of the norm: Singla and Feizi 2021, "Fantastic Four" (1911.10258), with
/// its four norms bounded by traces of powers instead of iterated upwards, so that the bound holds always.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.SkewConvolution

open System
open Ortho
open TorchSharp

let private checkKernel (name: string) (kernel: torch.Tensor) =
    Guard.floating name kernel
    Guard.notEmpty name kernel
    let shape = kernel.shape

    Guard.holds
        name
        ((shape.Length = 3 || shape.Length = 4)
         && shape[0] = shape[1]
         && shape |> Array.skip 2 |> Array.forall (fun k -> k % 2L = 1L))
        (fun () ->
            $"{name} must have shape [c; c; k] or [c; c; k1; k2] with odd numbers of taps, which have a centre to be skew about, but has shape {Guard.showShape shape}.")

/// The kernel of the adjoint.
let private adjoint (kernel: torch.Tensor) =
    use turned =
        kernel.flip (Array.init (int kernel.ndim - 2) (fun axis -> int64 axis + 2L))

    use swapped = turned.transpose (0L, 1L)
    swapped.conj ()

let private checkSkew (name: string) (kernel: torch.Tensor) =
    checkKernel name kernel
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    let size (x: torch.Tensor) =
        let sizes = x.abs ()
        number ((sizes .* sizes).sum())

    let whole = size kernel

    let defect =
        if whole = 0.0 then
            0.0
        else
            sqrt (size (kernel .+ adjoint kernel) / whole)

    let tolerance =
        if TensorKind.realDtype kernel.dtype = torch.float64 then
            1e-12
        else
            1e-5

    Guard.holds name (defect <= tolerance) (fun () ->
        $"{name} must be skew and finite, but |L + L*| / |L| is {defect:G3}, above {tolerance}; SkewConvolution.ofKernel makes a skew kernel of any.")

/// <summary>The skew kernel L = K - K*, of which every skew kernel is one: L[o, i, t] = K[o, i, t] - conj K[i, o, -t].</summary>
/// <param name="kernel">Shape [c; c; k] or [c; c; k1; k2], odd numbers of taps. Differentiable.</param>
/// <returns>The same shape, skew to the last digit.</returns>
/// <exception cref="T:System.ArgumentException">Other shapes, or not floating or complex.</exception>
[<CompiledName("OfKernel")>]
let ofKernel (kernel: torch.Tensor) : torch.Tensor =
    checkKernel "kernel" kernel
    use other = adjoint kernel
    kernel .- other

/// At least the largest singular value: |G^4|_F^(1/8) with G = A A*, at most r^(1/16) times it for r singular values.
let private largest (a: torch.Tensor) =
    let gram =
        if a.size 0 <= a.size 1 then
            a.matmul a.mH
        else
            a.mH.matmul a
    // Scaled to trace 1, so that no power overflows or vanishes; zero is divided by 1, and its root gets a slope of 0.
    let trace = gram.diagonal().sum().abs()
    let isZero = trace.logical_not().``to`` trace.dtype
    let divisor = trace .+ isZero
    let squared = (gram.div divisor).matrix_power 2
    let length = squared.matmul(squared).flatten(0L).norm 0
    let root = (plus 1e-30 length).sqrt().sqrt().sqrt()
    divisor.sqrt () .* root .* isZero.logical_not().``to`` trace.dtype

/// <summary>A bound of the norm of a convolution, for images of every size and circular or zero borders: the root of the number of taps times the least norm of the
/// kernel cut into a matrix of [out, some spatial axes] by [in, the others].</summary>
/// <param name="kernel">Skew, shape [c; c; k] or [c; c; k1; k2]. Differentiable where it is not zero.</param>
/// <returns>A number (no axes), real, not negative.</returns>
/// <exception cref="T:System.ArgumentException">Other shapes, not floating or complex, or not skew to 1e-12 (float64) or 1e-5 (float32).</exception>
/// <remarks>Of the four cuts those that swap the roles of out and in agree for a skew kernel: one is left for one axis, two for two.</remarks>
[<CompiledName("NormBound")>]
let normBound (kernel: torch.Tensor) : torch.Tensor =
    checkSkew "kernel" kernel
    use scope = torch.NewDisposeScope()
    let taps = kernel.shape |> Array.skip 2 |> Array.reduce (*)
    let whole = largest (kernel.flatten 1L)

    let least =
        if kernel.ndim = 3L then
            whole
        else
            let mixed = kernel.permute(0L, 2L, 1L, 3L).flatten(2L).flatten(0L, 1L)
            whole.minimum (largest mixed)

    scope.MoveToOuter(multiply (sqrt (float taps)) least)

/// <summary>The kernel scaled down to a bounded norm: L limit / max(limit, normBound L).</summary>
/// <param name="limit">Above 0. The reference code scales every kernel to 0.7 times the bound, smaller ones up.</param>
/// <param name="kernel">Skew, shape [c; c; k] or [c; c; k1; k2]. Differentiable.</param>
/// <returns>The same shape; a kernel within the limit is left as it is.</returns>
/// <exception cref="T:System.ArgumentException">limit is not a positive number; kernel as in <c>normBound</c>.</exception>
[<CompiledName("Limited")>]
let limited (limit: float) (kernel: torch.Tensor) : torch.Tensor =
    Guard.finite "limit" limit

    Guard.holds "limit" (limit > 0.0) (fun () -> $"limit must be above 0, but is {limit}.")

    use scope = torch.NewDisposeScope()
    let bound = normBound kernel
    let divisor = (multiply (1.0 / limit) bound).maximum(torch.ones_like bound)
    scope.MoveToOuter(kernel.div divisor)

/// <summary>What n terms of the series miss: norm^n / n!.</summary>
/// <param name="terms">n, at least 1: powers 0 to n - 1.</param>
/// <param name="norm">A bound of |L|, not negative.</param>
/// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
[<CompiledName("Remainder")>]
let remainder (terms: int) (norm: float) : float =
    Guard.positive "terms" terms
    Guard.finite "norm" norm
    Guard.atLeast "norm" 0.0 norm
    Seq.fold (fun product j -> product * norm / float j) 1.0 (seq { 1..terms })

/// <summary>The fewest terms whose remainder is at most a tolerance.</summary>
/// <param name="tolerance">Above 0.</param>
/// <param name="norm">A bound of |L|, not negative.</param>
/// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
[<CompiledName("Terms")>]
let terms (tolerance: float) (norm: float) : int =
    Guard.finite "tolerance" tolerance
    Guard.holds "tolerance" (tolerance > 0.0) (fun () -> $"tolerance must be above 0, but is {tolerance}.")
    Guard.finite "norm" norm
    Guard.atLeast "norm" 0.0 norm
    let mutable n = 1
    let mutable missed = norm

    while missed > tolerance do
        n <- n + 1
        missed <- missed * norm / float n

    n

/// The first terms of exp(L / steps) by Horner, x + L (x + L (x + ...) / 2), so many times.
let private exponential (steps: int) (terms: int) (scale: float) (generator: LinearMap) =
    Actions.scoped (fun x ->
        let mutable y = x

        for _ in 1..steps do
            let start = y

            for j in terms - 1 .. -1 .. 1 do
                use turned = generator.Action y
                y <- start |> addMultiple (scale / float (j * steps)) turned

        y)

let private build name traits (sizes: seq<int64>) (steps: int) (terms: int) (kernel: torch.Tensor) =
    let generator = Convolution.circular sizes kernel
    let space = generator.Domain

    // exp(-L) by its own series: the adjoint of each partial sum, term by term.
    Build.leaf
        $"{name}{space}"
        space
        space
        traits
        generator.Kind
        (exponential steps terms 1.0 generator)
        (exponential steps terms -1.0 generator)

/// <summary>The first terms of the series as a map: near to unitary, faster than <c>ofSkew</c>.</summary>
/// <param name="terms">n, at least 1: powers 0 to n - 1 of L. The paper trains with 6 and evaluates with 12.</param>
/// <param name="sizes">Sizes of the image, one or two.</param>
/// <param name="kernel">Skew, shape [c; c; k] or [c; c; k1; k2]. Differentiable.</param>
/// <returns>A map of [c; *sizes]. It promises nothing; every singular value is within |L|^n / n! of 1, and its adjoint is exact.</returns>
/// <exception cref="T:System.ArgumentException">terms below 1, sizes that do not fit, other shapes, not floating or complex, or not skew.</exception>
[<CompiledName("Series")>]
let series (terms: int) (sizes: seq<int64>) (kernel: torch.Tensor) : LinearMap =
    Guard.positive "terms" terms
    Guard.notNull "sizes" sizes
    checkSkew "kernel" kernel
    build $"SkewSeries{terms}" Traits.None sizes 1 terms kernel

/// <summary>The orthogonal convolution exp(L) to the rounding of its type.</summary>
/// <param name="sizes">Sizes of the image, one or two.</param>
/// <param name="kernel">Skew, shape [c; c; k] or [c; c; k1; k2]. Differentiable.</param>
/// <returns>A unitary map of [c; *sizes]. Where the bound of |L| is above 2 it is a power of the exponential of a part of L, since the series of a long L loses digits:
/// about 10 convolutions in float32, 20 in float64, for every 2 of the bound.</returns>
/// <exception cref="T:System.ArgumentException">Sizes that do not fit, other shapes, not floating or complex, or not skew.</exception>
[<CompiledName("OfSkew")>]
let ofSkew (sizes: seq<int64>) (kernel: torch.Tensor) : LinearMap =
    Guard.notNull "sizes" sizes
    checkSkew "kernel" kernel

    let bound =
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        number (normBound kernel)

    let unit =
        if TensorKind.realDtype kernel.dtype = torch.float64 then
            1e-16
        else
            5e-8

    let steps = max 1 (int (ceil (bound / 2.0)))
    build "SkewConvolution" Traits.Unitary sizes steps (terms (unit / float steps) (bound / float steps)) kernel

/// <summary>The kernel of the first terms of the series.</summary>
/// <param name="terms">n, at least 1.</param>
/// <param name="kernel">Skew, shape [c; c; k] or [c; c; k1; k2]. Differentiable.</param>
/// <returns>Shape [c; c; (n - 1)(k - 1) + 1 taps along each axis].</returns>
/// <exception cref="T:System.ArgumentException">terms below 1, other shapes, not floating or complex, or not skew.</exception>
[<CompiledName("SeriesKernel")>]
let seriesKernel (terms: int) (kernel: torch.Tensor) : torch.Tensor =
    Guard.positive "terms" terms
    checkSkew "kernel" kernel
    use scope = torch.NewDisposeScope()
    let channels = kernel.size 0
    let axes = Array.create (int kernel.ndim - 2) 1L

    let identity =
        torch
            .eye(channels, dtype = Nullable kernel.dtype, device = kernel.device)
            .reshape(Array.append [| channels; channels |] axes)

    /// The identity at the centre of a larger kernel.
    let widened (like: torch.Tensor) =
        let taps = like.new_zeros like.shape

        let centre =
            Seq.fold
                (fun (part: torch.Tensor) axis -> part.narrow (axis, (like.size (int axis) - 1L) / 2L, 1L))
                taps
                (seq { 2L .. kernel.ndim - 1L })

        centre.copy_ identity |> ignore
        taps

    let mutable sum = identity

    for j in terms - 1 .. -1 .. 1 do
        let next = BlockConvolution.compose kernel sum
        sum <- widened next |> addMultiple (1.0 / float j) next

    scope.MoveToOuter(sum.contiguous ())
