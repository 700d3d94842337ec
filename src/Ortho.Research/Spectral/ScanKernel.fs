namespace Ortho

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open Ortho.Native
open TorchSharp

/// <summary>Which way a recurrence runs along the axis before the last: x_k = a_k x_(k-1) + b_k, or x_k = a_(k+1) x_(k+1) + b_k.</summary>
[<Struct; RequireQualifiedAccess>]
type internal ScanDirection =
    | Forward
    | Reverse

/// <summary>Recurrences from zero, step by step: by the native kernel, and by a loop of tensor operations. Shapes: b [*batch; L; P]; a [P], [L; P] or that of b.</summary>
[<RequireQualifiedAccess>]
module internal ScanKernel =

    let conjugate (x: torch.Tensor) =
        if x.is_complex () then x.conj () else x.alias ()

    let opposite (direction: ScanDirection) =
        if direction = ScanDirection.Forward then
            ScanDirection.Reverse
        else
            ScanDirection.Forward

    /// Whether the kernel takes b: on the CPU, float32, float64 or complex of those, not empty, below 2 GiB, rows that fit an array.
    let fits (b: torch.Tensor) =
        b.device_type = DeviceType.CPU
        && (b.dtype = torch.float32
            || b.dtype = torch.float64
            || b.dtype = torch.complex64
            || b.dtype = torch.complex128)
        && b.numel () > 0L
        && b.numel () * b.element_size () <= int64 Int32.MaxValue

    let private entries<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        MemoryMarshal.Cast<byte, 'T> x.bytes

    let private read<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        Span.op_Implicit (entries<'T> x): ReadOnlySpan<'T>

    let private plain (x: torch.Tensor) =
        Actions.scoped (fun (x: torch.Tensor) -> x.contiguous().resolve_conj().resolve_neg()) x

    let private shapeOf (a: torch.Tensor) (b: torch.Tensor) =
        let axes = int b.ndim
        let length, width = b.size (axes - 2), b.size (axes - 1)

        LinearScan.Shape(
            int (b.numel () / (length * width)),
            int length,
            int width,
            b.is_complex (),
            a.ndim > 1L,
            a.ndim > 2L || (a.ndim = 2L && axes = 2)
        )

    /// The recurrence by the kernel. No graph is made.
    let run (direction: ScanDirection) (isConjugate: bool) (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        use _ = torch.no_grad ()
        use factors = plain a
        use inputs = plain b
        let x = inputs.new_empty b.shape
        let shape = shapeOf a b
        let threads = torch.get_num_threads ()

        match TensorKind.realDtype b.dtype = torch.float32, direction with
        | true, ScanDirection.Forward ->
            LinearScan.Forward<float32>(shape, read factors, read inputs, entries x, isConjugate, threads)
        | false, ScanDirection.Forward ->
            LinearScan.Forward<float>(shape, read factors, read inputs, entries x, isConjugate, threads)
        | true, ScanDirection.Reverse ->
            LinearScan.Reverse<float32>(
                shape,
                read factors,
                read inputs,
                entries x,
                ReadOnlySpan<float32>(),
                Span<float32>(),
                isConjugate,
                threads
            )
        | false, ScanDirection.Reverse ->
            LinearScan.Reverse<float>(
                shape,
                read factors,
                read inputs,
                entries x,
                ReadOnlySpan<float>(),
                Span<float>(),
                isConjugate,
                threads
            )

        x

    /// The slopes of a forward recurrence in b and in a factor of shape [P], in one pass: the reverse recurrence with conjugated factors, and its
    /// products with the states before. No graph is made.
    let invariantSlopes (a: torch.Tensor) (x: torch.Tensor) (gradient: torch.Tensor) =
        use _ = torch.no_grad ()
        use factors = plain a
        use inputs = plain gradient
        use states = plain x
        let slope = inputs.new_empty x.shape
        let sums = factors.new_empty a.shape
        let shape = shapeOf a x
        let threads = torch.get_num_threads ()

        if TensorKind.realDtype x.dtype = torch.float32 then
            LinearScan.Reverse<float32>(
                shape,
                read factors,
                read inputs,
                entries slope,
                read states,
                entries sums,
                true,
                threads
            )
        else
            LinearScan.Reverse<float>(
                shape,
                read factors,
                read inputs,
                entries slope,
                read states,
                entries sums,
                true,
                threads
            )

        struct (slope, sums)

    /// The recurrence by a loop of tensor operations, differentiable by autograd.
    let loop (direction: ScanDirection) (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let axis = b.ndim - 2L
        let length = int (b.size (int axis))
        let row (k: int) (x: torch.Tensor) = x.select (x.ndim - 2L, int64 k)
        let factor k = if a.ndim = 1L then a else row k a
        let states = Array.zeroCreate<torch.Tensor> length

        match direction with
        | ScanDirection.Forward ->
            states[0] <- row 0 b

            for k in 1 .. length - 1 do
                states[k] <- factor k .* states[k - 1] .+ row k b
        | ScanDirection.Reverse ->
            states[length - 1] <- row (length - 1) b

            for k in length - 2 .. -1 .. 0 do
                states[k] <- factor (k + 1) .* states[k + 1] .+ row k b

        scope.MoveToOuter(torch.stack (states, axis))

/// <summary>A linear recurrence from zero as one step of an autograd graph: x from a, b and a direction.</summary>
/// <remarks>
/// <para>With g the gradient in x, the slope in b is the recurrence of the other direction on g with conjugated factors; call it s. The slope in a_k is
/// s_k conj(x_(k-1)) forward and s_(k-1) conj(x_k) in reverse, summed where a factor serves many steps or sequences. So backward needs a and x
/// alone, and is a recurrence again: derivatives of any order.</para>
/// <para>If x or a was changed in place after x was made, the gradients are NaN: torch's own functions raise an exception then, but one from here would
/// end the process.</para>
/// </remarks>
[<Sealed>]
type internal ScanFunction() =
    inherit torch.autograd.SingleTensorFunction<ScanFunction>()

    /// What the slope in a sums: the products of all steps and sequences, in the shape of b with one step less; or of a.
    static member private SlopeInFactors
        (direction: ScanDirection, shape: int64[], x: torch.Tensor, s: torch.Tensor)
        : torch.Tensor =
        let axis = x.ndim - 2L
        let steps = x.size (int axis) - 1L
        // Entry k - 1 of the products belongs to a_k; a_0 meets zero.
        let products =
            match direction with
            | ScanDirection.Forward ->
                (s.narrow (axis, 1L, steps))
                .* ScanKernel.conjugate (x.narrow (axis, 0L, steps))
            | ScanDirection.Reverse ->
                (s.narrow (axis, 0L, steps))
                .* ScanKernel.conjugate (x.narrow (axis, 1L, steps))

        let leading (count: int64) = Array.init (int count) int64

        if shape.Length = 1 then
            if x.numel () = 0L then
                s.new_zeros shape
            else
                products.sum (leading (axis + 1L))
        else
            let summed =
                if int64 shape.Length = x.ndim then
                    products
                else
                    products.sum (leading axis)

            let first = Array.copy shape
            first[first.Length - 2] <- 1L
            torch.cat ([| s.new_zeros first; summed |], int64 (shape.Length - 2))

    override _.Name = "ScanFunction"

    override _.forward(context, arguments) =
        let a, b = arguments[0] :?> torch.Tensor, arguments[1] :?> torch.Tensor
        let direction = arguments[2] :?> ScanDirection
        let x = ScanKernel.run direction false a b
        context.save_data ("direction", direction)
        context.save_data ("needs", struct (a.requires_grad, b.requires_grad))
        context.save_data ("shape", a.shape)
        // Saved are the result and an argument: no scope frees them before they are kept.
        context.save_for_backward (List [ (if a.requires_grad then x else null); a ])
        x

    override _.backward(context, gradient) =
        let direction = context.get_data "direction" :?> ScanDirection
        let struct (needsA, needsB) = context.get_data "needs" :?> struct (bool * bool)
        let shape = context.get_data "shape" :?> int64[]
        use scope = torch.NewDisposeScope()

        let saved =
            try
                context.get_saved_variables ()
            with :? ExternalException ->
                null

        let given (isNeeded: bool) (slope: unit -> torch.Tensor) =
            if isNeeded then scope.MoveToOuter(slope ()) else null

        if isNull saved then
            List
                [
                    given needsA (fun () -> plus nan (gradient.new_zeros shape))
                    given needsB (fun () -> multiply nan gradient)
                    null
                ]
        else
            let x, a = saved[0], saved[1]

            if
                needsA
                && shape.Length = 1
                && direction = ScanDirection.Forward
                && not (torch.is_grad_enabled ())
            then
                let struct (s, sums) = ScanKernel.invariantSlopes a x gradient
                List [ scope.MoveToOuter sums; given needsB (fun () -> s); null ]
            else
                let s =
                    if torch.is_grad_enabled () then
                        ScanFunction.Act (ScanKernel.opposite direction) (ScanKernel.conjugate a) gradient
                    else
                        ScanKernel.run (ScanKernel.opposite direction) true a gradient

                List
                    [
                        given needsA (fun () -> ScanFunction.SlopeInFactors(direction, shape, x, s))
                        given needsB (fun () -> s)
                        null
                    ]

    /// The recurrence by the kernel where it fits, and by the loop elsewhere.
    static member Act (direction: ScanDirection) (a: torch.Tensor) (b: torch.Tensor) : torch.Tensor =
        if b.numel () = 0L then
            // Without sequences nothing recurs; the graph stays whole.
            b.alias ()
        elif not (ScanKernel.fits b) then
            ScanKernel.loop direction a b
        elif torch.is_grad_enabled () && (a.requires_grad || b.requires_grad) then
            // apply leaves a second handle of its result.
            use scope = torch.NewDisposeScope()
            scope.MoveToOuter(ScanFunction.apply (a, b, direction))
        else
            ScanKernel.run direction false a b
