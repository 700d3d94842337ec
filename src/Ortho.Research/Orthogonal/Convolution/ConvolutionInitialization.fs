/// <summary>First kernels of convolutions, [out; in; k] or [out; in; k1; k2] or with more axes.</summary>
[<RequireQualifiedAccess>]
module Ortho.ConvolutionInitialization

open Ortho
open TorchSharp

let private checkShape (shape: seq<int64>) =
    Guard.notNull "shape" shape
    let sizes = Seq.toArray shape

    Guard.holds "shape" (sizes.Length >= 3 && Array.forall (fun n -> n >= 1L) sizes) (fun () ->
        $"shape must be [out; in; *taps] with at least one axis of taps and sizes of at least 1, but is {Guard.showShape sizes}.")

    sizes

/// <summary>Delta-orthogonal: a random orthonormal frame at the centre tap, zero elsewhere. The convolution keeps norms, whatever its borders.</summary>
/// <param name="seed">Same seed, same kernel.</param>
/// <param name="kind">float32, float64 or a complex type of their precision, and the device.</param>
/// <param name="shape">[out; in; *taps], out at least in. The centre of k taps is tap (k - 1) / 2, rounded down.</param>
/// <returns>The given shape: the frame [out; in] is uniform (Haar).</returns>
/// <exception cref="T:System.ArgumentException">No axis of taps, a size below 1, another type, or fewer output than input channels, which cannot keep norms.</exception>
/// <remarks>Xiao et al. 2018 (1806.05393), algorithm 2.</remarks>
[<CompiledName("DeltaOrthogonal")>]
let deltaOrthogonal (seed: int) (kind: TensorKind) (shape: seq<int64>) : torch.Tensor =
    let sizes = checkShape shape

    Guard.holds "shape" (sizes[0] >= sizes[1]) (fun () ->
        $"shape must have at least as many output as input channels: {sizes[0]} channels cannot hold {sizes[1]} without loss. It is {Guard.showShape sizes}.")

    use scope = torch.NewDisposeScope()
    let mutable kernel = Haar.frames seed kind [| sizes[0]; sizes[1] |]

    for axis in 2 .. sizes.Length - 1 do
        let before = (sizes[axis] - 1L) / 2L
        let wide = Array.append kernel.shape [| sizes[axis] |]
        let taps = kernel.new_zeros wide
        (taps.select (int64 axis, before)).copy_ kernel |> ignore
        kernel <- taps

    scope.MoveToOuter kernel

/// <summary>Convolution-aware: the filters of each output channel are orthonormal, up to one scale: in space, and by Parseval equally in the Fourier domain.</summary>
/// <param name="seed">Same seed, same kernel.</param>
/// <param name="kind">float32, float64 or a complex type of their precision, and the device.</param>
/// <param name="shape">[out; in; *taps].</param>
/// <returns>The given shape. The input channels of an output channel form sets of as many filters as there are taps (the last may have fewer), each
/// uniform (Haar) and independent. The mean square of all weights is 2 / fan_in exactly, whatever is drawn, with fan_in = in * taps.</returns>
/// <exception cref="T:System.ArgumentException">No axis of taps, a size below 1, or another type.</exception>
/// <remarks>Aghajanyan 2017 (1702.06295). The published code lays its orthonormal vectors on a half spectrum that is not Hermitian; its filters come out
/// orthogonal in neither domain. It also adds noise, which is left out here.</remarks>
[<CompiledName("ConvolutionAware")>]
let convolutionAware (seed: int) (kind: TensorKind) (shape: seq<int64>) : torch.Tensor =
    let sizes = checkShape shape
    let outputs, inputs = sizes[0], sizes[1]
    let taps = sizes |> Array.skip 2 |> Array.reduce (*)
    let sets = (inputs + taps - 1L) / taps
    use scope = torch.NewDisposeScope()

    let filters =
        if sets = 1L then
            (Haar.frames seed kind [| outputs; taps; inputs |]).mT
        else
            let all = Haar.frames seed kind [| outputs; sets; taps; taps |]
            all.reshape([| outputs; sets * taps; taps |]).narrow(1L, 0L, inputs)

    // Rows of length 1: mean square 1 / taps.
    scope.MoveToOuter((multiply (sqrt (2.0 / float inputs)) filters).reshape sizes)
