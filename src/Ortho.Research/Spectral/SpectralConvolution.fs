/// <summary>A matrix of channels for each mode of a function: the linear part of the layers of neural operators.</summary>
/// <remarks>
/// u holds coefficients of functions with channels, shape [*batch; channels; n1; ...; nd], in any bases, one per axis. y_k = W_k u_k for each mode
/// k = (k1, ..., kd), no mode meets another. In Fourier bases this is a convolution. A sum over modes W_k + C with the same C for all modes is a pointwise map of
/// the values by C as well. Source: Li and others 2021 (Fourier neural operator), section 4; Du and others 2024 (neural spectral methods), section 3.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.SpectralConvolution

open System
open Ortho
open TorchSharp

/// W_k x_k for each k: [m; d; c] and [batch; c; m] -> [batch; d; m], as one batched product.
let internal mix (weight: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    let order = [| 2L; 1L; 0L |]
    (weight.matmul (x.permute order)).permute order

/// <summary>The map u -> y, y_k = W_k u_k.</summary>
/// <param name="weight">Shape [n1; ...; nd; d; c], d at least 1: a matrix for each mode, from c channels to d. It is not copied.</param>
/// <returns>A map from [c; n1; ...; nd] to [d; n1; ...; nd], differentiable in the weights.</returns>
/// <exception cref="T:System.ArgumentException">Less than three axes, empty, or not a floating or complex tensor.</exception>
[<CompiledName("OfWeight")>]
let ofWeight (weight: torch.Tensor) : LinearMap =
    Guard.rankAtLeast "weight" 3 weight
    Guard.floating "weight" weight
    Guard.notEmpty "weight" weight
    let axes = weight.shape.Length - 2
    let modes = weight.shape[.. axes - 1]
    let d, c = weight.size axes, weight.size (axes + 1)
    let count = Array.reduce (*) modes

    let act (matrices: torch.Tensor -> torch.Tensor) (input: int64) (output: int64) =
        Actions.scoped (fun x ->
            let batch = x.shape[.. x.shape.Length - axes - 2]
            let flat = x.reshape [| Array.fold (*) 1L batch; input; count |]
            let w = matrices (weight.reshape [| count; d; c |])
            (mix w flat).reshape(Array.concat [ batch; [| output |]; modes ]))

    Build.leaf
        $"W[{d}x{c}; {count} modes]"
        (Space.Of(Array.append [| c |] modes))
        (Space.Of(Array.append [| d |] modes))
        Traits.None
        (Nullable(TensorKind.ofTensor weight))
        (act id c d)
        (act (fun w -> w.mH) d c)
