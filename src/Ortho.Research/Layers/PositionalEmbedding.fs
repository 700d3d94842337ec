/// <summary>Embeddings of positions: Psi(x) = [psi(t_1 - x), ..., psi(t_K - x)] of one function psi at K shifts, and Fourier features.</summary>
/// <remarks>Zheng, Ramasinghe and Lucey 2021 (2107.02561): what an embedding can express is the stable rank of the matrix of embedded positions (<c>StableRank.ofMatrix</c>), and
/// how it interpolates is told by how (Psi(x), Psi(y)) falls with |x - y|; a wide psi has too low a rank, a narrow one keeps no distances. All act entry by entry, [*batch] -> [*batch; K]:
/// positions in d dimensions give [*batch; d; K]. Results have the positions' type; the gradient reaches positions, shifts and frequencies.</remarks>
[<RequireQualifiedAccess>]
module Ortho.PositionalEmbedding

open System
open Ortho
open TorchSharp

/// t_k - x, [*batch; K], in the type of x.
let private differences (shifts: torch.Tensor) (x: torch.Tensor) =
    Guard.live "shifts" shifts
    Guard.live "x" x
    Guard.rank "shifts" 1 shifts
    Guard.real "shifts" shifts
    Guard.notEmpty "shifts" shifts
    Guard.real "x" x
    use _ = torch.NewDisposeScope()
    let there = shifts.``to`` (x.dtype, x.device)
    (there .- x.unsqueeze -1L).MoveToOuterDisposeScope()

let private checkWidth (name: string) (width: float) =
    Guard.holds name (width > 0.0 && Double.IsFinite width) (fun () ->
        $"{name} must be finite and above 0, but is {width}.")

/// psi of the differences, all else freed.
let private embed (psi: torch.Tensor -> torch.Tensor) (shifts: torch.Tensor) (x: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    scope.MoveToOuter(psi (differences shifts x))

/// <summary>psi(u) = exp(-u^2 / (2 s^2)). With K dense shifts to a unit of length, (Psi(x), Psi(y)) = sqrt pi s K exp(-(x - y)^2 / (4 s^2)), and positions that fill a unit of length have
/// stable rank 1 / (2 sqrt pi s).</summary>
/// <param name="deviation">s, above 0, in the unit of the positions.</param>
/// <param name="shifts">Real, shape [K].</param>
/// <param name="x">Positions, real, shape [*batch].</param>
/// <returns>Shape [*batch; K].</returns>
/// <exception cref="T:System.ArgumentException">deviation is not above 0 and finite, shifts are not real numbers on one axis, or x is not real.</exception>
[<CompiledName("Gaussian")>]
let gaussian (deviation: float) (shifts: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    checkWidth "deviation" deviation

    embed
        (fun u ->
            let v = multiply (1.0 / deviation) u
            (multiply -0.5 (v .* v)).exp())
        shifts
        x

/// <summary>psi(u) = max (1 - 2 |u| / width, 0).</summary>
/// <param name="width">The length on which psi is not 0, above 0.</param>
/// <param name="shifts">Real, shape [K].</param>
/// <param name="x">Positions, real, shape [*batch].</param>
/// <returns>Shape [*batch; K].</returns>
/// <exception cref="T:System.ArgumentException">width is not above 0 and finite, shifts are not real numbers on one axis, or x is not real.</exception>
[<CompiledName("Triangle")>]
let triangle (width: float) (shifts: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    checkWidth "width" width
    embed (fun u -> (plus 1.0 (multiply (-2.0 / width) (u.abs ()))).relu()) shifts x

/// <summary>psi(u) = 1 for |u| below width / 2, else 0; no gradient.</summary>
/// <param name="width">The length on which psi is 1, above 0.</param>
/// <param name="shifts">Real, shape [K].</param>
/// <param name="x">Positions, real, shape [*batch].</param>
/// <returns>Shape [*batch; K].</returns>
/// <exception cref="T:System.ArgumentException">width is not above 0 and finite, shifts are not real numbers on one axis, or x is not real.</exception>
[<CompiledName("Square")>]
let square (width: float) (shifts: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    checkWidth "width" width
    // Where 1 - 2 |u| / width is above 0.
    embed (fun u -> (plus 1.0 (multiply (-2.0 / width) (u.abs ()))).relu().sign().detach()) shifts x

/// <summary>1 at the nearest shift (the first of two), 0 elsewhere: a square as wide as the spacing; no gradient.</summary>
/// <param name="shifts">Real, shape [K].</param>
/// <param name="x">Positions, real, shape [*batch].</param>
/// <returns>Shape [*batch; K].</returns>
/// <exception cref="T:System.ArgumentException">shifts are not real numbers on one axis, or x is not real.</exception>
[<CompiledName("Impulse")>]
let impulse (shifts: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    embed
        (fun u ->
            let nearest = u.detach().abs().argmin -1L
            (torch.nn.functional.one_hot (nearest, shifts.size 0)).``to`` x.dtype)
        shifts
        x

/// <summary>Frequencies of random Fourier features: independent N(0, bandwidth^2).</summary>
/// <param name="seed">Same seed, same numbers.</param>
/// <param name="bandwidth">Standard deviation in periods to a unit of length, above 0.</param>
/// <param name="kind">Real type and device.</param>
/// <param name="shape">[pairs] for one coordinate, [d; pairs] for d.</param>
/// <exception cref="T:System.ArgumentException">bandwidth is not above 0 and finite.</exception>
[<CompiledName("RandomFrequencies")>]
let randomFrequencies (seed: int) (bandwidth: float) (kind: TensorKind) (shape: seq<int64>) : torch.Tensor =
    checkWidth "bandwidth" bandwidth
    use normal = Seed.normal seed kind shape
    multiply bandwidth normal

/// <summary>Fourier features [cos 2 pi f x, sin 2 pi f x]: |Psi(x)|^2 = K / 2 for every x, and (Psi(x), Psi(y)) depends on x - y only.</summary>
/// <param name="frequencies">Real, shape [K / 2], or [d; K / 2] for positions of d coordinates.</param>
/// <param name="x">Positions, real, shape [*batch], or [*batch; d].</param>
/// <returns>Shape [*batch; K], the cosines first.</returns>
/// <exception cref="T:System.ArgumentException">frequencies are not real numbers on one or two axes, or x is not real or has not d coordinates.</exception>
/// <remarks>Rahimi and Recht 2007; Tancik et al. 2020 (2006.10739).</remarks>
[<CompiledName("Fourier")>]
let fourier (frequencies: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Guard.real "frequencies" frequencies
    Guard.notEmpty "frequencies" frequencies
    Guard.real "x" x

    Guard.holds "frequencies" (frequencies.ndim = 1L || frequencies.ndim = 2L) (fun () ->
        $"frequencies must have one or two axes, but have shape {Guard.showShape frequencies.shape}.")

    Guard.holds
        "x"
        (frequencies.ndim = 1L
         || x.ndim >= 1L && x.size (int x.ndim - 1) = frequencies.size 0)
        (fun () ->
            $"x must have {frequencies.size 0} coordinates on its last axis, but has shape {Guard.showShape x.shape}.")

    use scope = torch.NewDisposeScope()
    let there = frequencies.``to`` (x.dtype, x.device)

    let periods =
        if frequencies.ndim = 1L then
            x.unsqueeze -1L .* there
        else
            x.matmul there

    let angles = multiply (2.0 * Math.PI) periods
    scope.MoveToOuter(torch.cat ([| angles.cos (); angles.sin () |], -1L))
