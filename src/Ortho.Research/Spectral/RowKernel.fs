/// <summary>Transforms of rows by torch's FFT between two native passes over memory: for real tensors on the CPU.</summary>
[<RequireQualifiedAccess>]
module internal Ortho.RowKernel

open System
open System.Numerics
open System.Runtime.InteropServices
open Ortho
open Ortho.Native
open TorchSharp

/// A transform of rows of n entries: its passes in both precisions, and whether the FFT between them is that of half as many complex numbers.
type RowKernel =
    {
        Single: RowPasses<float32>
        Double: RowPasses<float>
        IsComplex: bool
    }

/// How the rows of a tensor lie: entry i of row (o, r) at o * OuterStride + r * RowStride + i * Stride.
[<Struct>]
type private Layout =
    {
        Outer: int64
        OuterStride: int64
        Rows: int64
        RowStride: int64
        Stride: int64
    }

/// Leading axes joined where one steps on from the other, the last first: a list of (size, stride).
let private joined (x: torch.Tensor) =
    let strides = x.stride ()

    List.fold
        (fun groups axis ->
            let size, stride = x.size axis, strides[axis]

            match groups with
            | _ when size = 1L -> groups
            | (count, step) :: rest when stride = count * step -> (count * size, step) :: rest
            | _ -> (size, stride) :: groups)
        []
        [ int x.ndim - 2 .. -1 .. 0 ]
    |> List.rev

/// The layout of x, unless its batch needs more than two strides.
let private tryLayout (x: torch.Tensor) =
    let stride = (x.stride ())[int x.ndim - 1]

    let layout (outer, outerStride) (rows, rowStride) =
        ValueSome
            {
                Outer = outer
                OuterStride = outerStride
                Rows = rows
                RowStride = rowStride
                Stride = stride
            }

    match joined x with
    | [] -> layout (1L, 0L) (1L, 0L)
    | [ rows ] -> layout (1L, 0L) rows
    | [ rows; outer ] -> layout outer rows
    | _ -> ValueNone

let private isWithinSpan (bytes: int64) = bytes <= int64 Int32.MaxValue

/// Whether the kernel takes x, whose last axis is the row: float32 or float64 on the CPU, not empty, below 1 GiB.
/// (It must not refuse: an exception in a backward pass ends the process.)
let fits (x: torch.Tensor) =
    x.device_type = DeviceType.CPU
    && (x.dtype = torch.float32 || x.dtype = torch.float64)
    && x.numel () > 0L
    && isWithinSpan (
        2L
        * x.element_size ()
        * (x.numel () + 4L * x.numel () / x.size (int x.ndim - 1))
    )
    && isWithinSpan (RowSum.reach (x.element_size ()) x.shape (x.stride ()))

let private entries<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
    MemoryMarshal.Cast<byte, 'T> x.bytes

let private read<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
    Span.op_Implicit (entries<'T> x): ReadOnlySpan<'T>

let private spectrum<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
    Span.op_Implicit (MemoryMarshal.Cast<byte, 'T> x.bytes): ReadOnlySpan<'T>

let private applyAs<'T
    when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType and 'T: unmanaged and 'T :> IFloatingPointIeee754<'T>>
    (isComplex: bool)
    (passes: RowPasses<'T>)
    (x: torch.Tensor)
    =
    let threads = torch.get_num_threads ()

    let source, layout =
        match tryLayout x with
        | ValueSome layout -> x, layout
        | ValueNone ->
            let dense = x.contiguous ()
            dense, (tryLayout dense).Value

    let count = layout.Outer * layout.Rows
    let last = int64 passes.First
    // What goes into the FFT and the result share memory: the one is read before the other is written.
    let memory = x.new_empty (count * max last (int64 passes.Size))
    let first = memory.narrow(0L, 0L, count * last).view(count, last)
    let second = x.new_empty [| count; int64 passes.Second |]

    passes.Before(
        read<'T>(StridedView.run source),
        layout.Outer,
        layout.OuterStride,
        layout.Rows,
        layout.RowStride,
        layout.Stride,
        entries<'T> first,
        entries<'T> second,
        threads
    )

    let transformed =
        if isComplex then
            torch.fft.fft_ (first.view(count, last / 2L, 2L).view_as_complex())
        elif passes.Second = 0 then
            torch.fft.rfft first
        else
            torch.fft.rfft (first.view (count, 2L, last / 2L))

    let y = memory.narrow (0L, 0L, count * int64 passes.Size)
    let next = if passes.Second = 0 then second else torch.fft.rfft second
    passes.After(spectrum<'T> transformed, spectrum<'T> next, entries<'T> y, threads)
    GC.KeepAlive source
    y.view x.shape

/// The transform of the rows of x, its last axis. No graph is made.
let apply (kernel: RowKernel) (x: torch.Tensor) : torch.Tensor =
    Actions.scoped
        (fun (x: torch.Tensor) ->
            use _ = torch.no_grad ()
            let plain = x.resolve_neg ()

            if x.dtype = torch.float32 then
                applyAs<float32> kernel.IsComplex kernel.Single plain
            else
                applyAs<float> kernel.IsComplex kernel.Double plain)
        x

/// The longest row.
let private mostEntries = 1L <<< 27

/// The kernel of a cosine or sine transform of length n, where there is one.
let tryCosine (kind: CosineType) (n: int64) : RowKernel voption =
    let size = int n

    let kernel single double isComplex =
        ValueSome
            {
                Single = single
                Double = double
                IsComplex = isComplex
            }

    let second isSine =
        kernel (SecondPasses<float32>(isSine, size)) (SecondPasses<float>(isSine, size)) false

    let third isSine =
        kernel (ThirdPasses<float32>(isSine, size)) (ThirdPasses<float>(isSine, size)) false

    let fourth isSine =
        if n % 2L = 0L then
            kernel (FourthPasses<float32>(isSine, size)) (FourthPasses<float>(isSine, size)) true
        else
            ValueNone

    let first isSine (length: int64) =
        if length > 0L && length % 4L = 0L then
            kernel (FirstPasses<float32>(isSine, size)) (FirstPasses<float>(isSine, size)) false
        else
            ValueNone

    match kind with
    | _ when n > mostEntries -> ValueNone
    | CosineType.DctI -> first false (n - 1L)
    | CosineType.DstI -> first true (n + 1L)
    | CosineType.DctII -> second false
    | CosineType.DstII -> second true
    | CosineType.DctIII -> third false
    | CosineType.DstIII -> third true
    | CosineType.DctIV -> fourth false
    | CosineType.DstIV -> fourth true

/// The kernel of the discrete Hartley transform of length n, where there is one.
let tryHartley (n: int64) : RowKernel voption =
    if n > mostEntries then
        ValueNone
    else
        ValueSome
            {
                Single = HartleyPasses<float32>(int n)
                Double = HartleyPasses<float>(int n)
                IsComplex = false
            }
