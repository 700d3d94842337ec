namespace Ortho

open System
open System.Runtime.InteropServices
open Ortho.Native
open TorchSharp

[<AutoOpen>]
module private VorticityMemory =
    /// The memory of a contiguous tensor as real numbers.
    let memory<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) : Span<'T> =
        MemoryMarshal.Cast<byte, 'T> x.bytes

    /// The same, to be read only.
    let reading<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) : ReadOnlySpan<'T> =
        Span.op_Implicit (memory<'T> x)

/// <summary>The right-hand side of the vorticity equation by transforms and native loops, without gradient: what is elementwise takes one pass each between
/// the transforms, and modes that are truncated are not transformed along the first axis.</summary>
/// <param name="grid">Of two axes.</param>
/// <param name="velocities">Purely imaginary, shape [2; n0; n1/2 + 1]: what the velocity multiplies w by; 0 where modes are dropped.</param>
/// <param name="combination">Real, shape [2; n0; n1/2 + 1]: what the spectra of both products are multiplied by.</param>
/// <param name="damping">Real, shape [n0; n1/2 + 1]: the linear part.</param>
[<Sealed>]
type internal VorticityRate
    (grid: PeriodicGrid, velocities: torch.Tensor, combination: torch.Tensor, damping: torch.Tensor) =
    let rows, columns = grid.Sizes[0], grid.Sizes[1]
    let half = columns / 2L + 1L
    /// The columns that are kept: 3 m < n1.
    let kept = (columns - 1L) / 3L + 1L
    let factors = velocities.imag.narrow(-1L, 0L, kept).contiguous()
    let weights = combination.narrow(-1L, 0L, kept).contiguous()
    let linear = damping.contiguous ()

    /// What the object holds.
    member _.Tensors = [| factors; weights; linear |]

    /// Whether the loops take w: no gradient, on the CPU, in the precision of the symbols, small enough for spans.
    member _.Takes(w: torch.Tensor) =
        not (torch.is_grad_enabled () && w.requires_grad)
        && w.device_type = DeviceType.CPU
        && linear.device_type = DeviceType.CPU
        && w.numel () > 0L
        && 4L * w.numel () * w.element_size () <= int64 Int32.MaxValue

    member private _.As<'T
        when 'T: struct
        and 'T: (new: unit -> 'T)
        and 'T :> ValueType
        and 'T :> System.Numerics.INumberBase<'T>
        and 'T: unmanaged>
        (isWhole: bool, w: torch.Tensor)
        : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let w = w.resolve_conj().resolve_neg().contiguous()
        let batch = w.shape[.. int w.ndim - 3]
        let count = int (w.numel () / (rows * half))
        let loops = VorticityLoops(count, int rows, int columns, int kept)
        let spectra = w.new_empty (Array.append batch [| 2L; rows; kept |])
        loops.Velocities<'T>(reading w, reading factors, memory spectra)

        let u =
            (torch.fft.irfft (torch.fft.ifft (spectra, dim = -2L), n = columns)).contiguous()

        loops.Products<'T>(memory u)

        // Dense columns: the transform along them leaves dense ones.
        let columns = (torch.fft.rfft u).narrow(-1L, 0L, kept).contiguous()
        let products = torch.fft.fft_(columns, dim = -2L).contiguous()
        let rate = torch.empty_like w
        let damping = if isWhole then reading linear else ReadOnlySpan<'T>.Empty
        loops.Combine<'T>(reading products, reading weights, reading w, damping, memory rate)
        scope.MoveToOuter rate

    /// N(w), or L w + N(w).
    member this.Rate (isWhole: bool) (w: torch.Tensor) : torch.Tensor =
        if w.dtype = torch.complex64 then
            this.As<float32>(isWhole, w)
        else
            this.As<float>(isWhole, w)
