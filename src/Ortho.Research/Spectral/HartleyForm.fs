/// The discrete Hartley transform on the last axis of a real tensor: by its matrix, by plain tensor operations, and by the native kernel.
[<RequireQualifiedAccess>]
module internal Ortho.HartleyForm

open System
open Ortho
open TorchSharp

/// The entry in row k and column j: (cos + sin)(2 pi k j / n) / sqrt n.
let entry (n: int64) (k: int64) (j: int64) : float =
    let angle = 2.0 * Math.PI * float (k * j % n) / float n
    (cos angle + sin angle) / sqrt (float n)

/// By real FFT.
let plain (n: int64) (x: torch.Tensor) : torch.Tensor =
    let w = torch.fft.rfft (x, n, -1L, FFTNormType.Ortho)
    let last = x.ndim - 1L
    let mirrored = (w.real .+ w.imag).narrow(last, 1L, n - (n / 2L + 1L))
    torch.cat ([| w.real .- w.imag; mirrored.flip [| -1L |] |], -1L)
