/// Sums of views of one shape in one pass over the result, by the native kernel where it fits.
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

/// Bytes from the first entry that a view reads to its last: what must fit into a span.
let internal reach (entrySize: int64) (shape: int64[]) (strides: int64[]) : int64 =
    entrySize
    * Array.fold2 (fun length size stride -> length + (size - 1L) * stride) 1L shape strides

let private isWithinSpan (bytes: int64) = bytes <= int64 Int32.MaxValue

/// Whether the kernel takes a sum of this shape with these terms. (It must not refuse them: an exception in a backward pass ends the process.)
let fits (shape: int64[]) (terms: torch.Tensor[]) =
    let size = terms[0].element_size()

    shape.Length > 1
    && shape[shape.Length - 1] >= fewChannels
    && Array.fold (*) 1L shape > 0L
    && isWithinSpan (Array.fold (*) size shape)
    && terms
       |> Array.forall (fun x -> isPlain x && isWithinSpan (reach size x.shape (x.stride ())))

/// The sum of terms of y's shape into y, a tensor of its own memory.
let private write<'T
    when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType and 'T :> Numerics.INumberBase<'T> and 'T: unmanaged>
    (terms: torch.Tensor[])
    (y: torch.Tensor)
    =
    let axes = int y.ndim - 1

    let sum =
        StridedSum(ReadOnlySpan y.shape[.. axes - 1], int (y.size axes), int (y.element_size ()), terms.Length)

    for term in terms do
        let memory = MemoryMarshal.Cast<byte, 'T> (StridedView.run term).bytes
        sum.Add<'T>(Span.op_Implicit memory, ReadOnlySpan((term.stride ())[.. axes - 1]))

    let target = MemoryMarshal.Cast<byte, 'T> (StridedView.run y).bytes
    sum.Write<'T>(target, torch.get_num_threads ())

    for term in terms do
        GC.KeepAlive term

/// Plain memory along the channels: no stride, no lazy sign.
let private dense (x: torch.Tensor) =
    let plain = x.resolve_neg ()

    if (plain.stride ())[int x.ndim - 1] = 1L then
        plain
    else
        plain.contiguous ()

let private writeAs (terms: torch.Tensor[]) (y: torch.Tensor) =
    if y.dtype = torch.float32 then
        write<float32> terms y
    else
        write<float> terms y

/// <summary>The sum of terms.</summary>
/// <param name="shape">Its shape, the channels last.</param>
/// <param name="terms">Each of this shape, or with axes of size 1 along which it is constant.</param>
let ofTerms (shape: int64[]) (terms: torch.Tensor[]) : torch.Tensor =
    use scope = torch.NewDisposeScope()
    let y = terms[0].new_empty shape
    writeAs (terms |> Array.map (fun x -> (dense x).expand shape)) y
    scope.MoveToOuter y
