/// <summary>The discrete Hartley transform: the Fourier transform of real vectors as one real, unitary, self-adjoint map.</summary>
/// <remarks>
/// H[k, j] = (cos + sin)(2 pi k j / n) / sqrt n, both from 0 (Hartley 1942, Bracewell 1983): its own inverse. With the unitary Fourier transform F of a real vector,
/// H = Re F - Im F. It diagonalises real symmetric circulants, as the second difference on a periodic grid: entry k belongs to frequency min(k, n - k).
/// Real and complex tensors (complex ones part by part) of either precision on any device.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.Hartley

open System
open Ortho
open TorchSharp

/// The transform on real tensors, in the form of least cost.
let internal form (n: int64) : torch.Tensor -> torch.Tensor =
    RowChoice.byCost
        n
        (FftCost.cosine CosineType.DctII n)
        (fun () -> RowForm.dense n (HartleyForm.entry n))
        (RowChoice.native (RowKernel.tryHartley n) (HartleyForm.plain n))

/// A transform with its action by one of the forms.
let internal byForm (form: int64 -> torch.Tensor -> torch.Tensor) (n: int64) : LinearMap =
    let act = RowForm.onParts (form n)

    Build.leaf $"Hartley[{n}]" (Space.Of n) (Space.Of n) (Traits.Unitary ||| Traits.SelfAdjoint) (Nullable()) act act
    |> LinearFunction.Wrap

/// <summary>The orthonormal transform of length n: unitary and self-adjoint.</summary>
/// <param name="n">Length, at least 1.</param>
/// <exception cref="T:System.ArgumentException">n is below 1.</exception>
[<CompiledName("Transform")>]
let transform (n: int64) : LinearMap =
    Guard.positive "n" n
    byForm form n
