/// The sum of views of one shape in one pass, by the native kernel where it fits.
[<RequireQualifiedAccess>]
module internal Ortho.RowSum

open System
open System.Runtime.InteropServices
open Ortho
open Ortho.Native
open TorchSharp

/// Below this many channels, which are dense, torch's own sums are faster.
let private fewChannels = 4L

let private isPlain (x: torch.Tensor) =
    x.device_type = DeviceType.CPU
    && (x.dtype = torch.float32 || x.dtype = torch.float64)

/// Whether the kernel takes a sum of this shape with terms like x.
let fits (shape: int64[]) (x: torch.Tensor) =
    isPlain x
    && shape.Length > 1
    && shape[shape.Length - 1] >= fewChannels
    && Array.fold (*) 1L shape > 0L
    && Array.fold (*) (x.element_size ()) shape <= int64 Int32.MaxValue

let private write<'T
    when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType and 'T :> Numerics.INumberBase<'T> and 'T: unmanaged>
    (sizes: int64[])
    (terms: torch.Tensor[])
    (y: torch.Tensor)
    =
    let axes = sizes.Length

    let sum =
        StridedSum(ReadOnlySpan sizes, int (y.size axes), int (y.element_size ()), terms.Length)

    for term in terms do
        let memory = MemoryMarshal.Cast<byte, 'T> (StridedView.run term).bytes
        sum.Add<'T>(Span.op_Implicit memory, ReadOnlySpan((term.stride ())[.. axes - 1]))

    sum.Write<'T>(MemoryMarshal.Cast<byte, 'T> y.bytes, torch.get_num_threads ())

/// <summary>The sum of terms.</summary>
/// <param name="shape">Its shape, the channels last.</param>
/// <param name="terms">Each of this shape, or with axes of size 1 along which it is constant; the channels dense.</param>
let ofTerms (shape: int64[]) (terms: torch.Tensor[]) : torch.Tensor =
    use scope = torch.NewDisposeScope()
    let axes = shape.Length - 1

    let dense (x: torch.Tensor) =
        if (x.stride ())[axes] = 1L then x else x.contiguous ()

    let terms = terms |> Array.map (fun x -> (dense x).expand shape)
    let y = terms[0].new_empty shape

    if y.dtype = torch.float32 then
        write<float32> shape[.. axes - 1] terms y
    else
        write<float> shape[.. axes - 1] terms y

    for term in terms do
        GC.KeepAlive term

    scope.MoveToOuter y
