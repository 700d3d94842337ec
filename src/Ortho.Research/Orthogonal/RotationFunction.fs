namespace Ortho

open System
open System.Collections.Generic
open System.Numerics
open System.Runtime.InteropServices
open Ortho.Native
open TorchSharp

/// The native kernel of plane rotations on tensors.
[<RequireQualifiedAccess>]
module internal RotationKernel =

    /// Whether the kernel takes x: on the CPU, float32 or float64, not empty, below 2 GiB.
    let fits (schedule: PlaneSchedule) (x: torch.Tensor) =
        x.device_type = DeviceType.CPU
        && (x.dtype = torch.float32 || x.dtype = torch.float64)
        && schedule.Size <= PlaneRotations.LargestSize
        && x.numel () > 0L
        && x.numel () * x.element_size () <= int64 Int32.MaxValue

    /// Plain memory: no strides, no lazy sign.
    let private plain (x: torch.Tensor) =
        Actions.scoped (fun (x: torch.Tensor) -> x.contiguous().resolve_neg()) x

    let private entries<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        MemoryMarshal.Cast<byte, 'T> x.bytes

    let private read<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        Span.op_Implicit (entries<'T> x): ReadOnlySpan<'T>

    let private threads () = torch.get_num_threads ()

    /// The chain on x. No graph is made.
    let apply (schedule: PlaneSchedule) (angles: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
        use _ = torch.no_grad ()
        use cosines = angles.cos ()
        use sines = angles.sin ()
        use source = plain x
        let y = source.new_empty x.shape
        let kernel = PlaneSchedule.kernel schedule

        if x.dtype = torch.float32 then
            kernel.Apply<float32>(read source, entries y, read cosines, read sines, threads ())
        else
            kernel.Apply<float>(read source, entries y, read cosines, read sines, threads ())

        y

    /// The gradients in x and in the angles, given y, what the chain made of x, and the gradient in y. No graph is made.
    let slopes (schedule: PlaneSchedule) (angles: torch.Tensor) (y: torch.Tensor) (gradient: torch.Tensor) =
        use _ = torch.no_grad ()
        use cosines = angles.cos ()
        use sines = angles.sin ()
        use values = plain y
        use source = plain gradient
        let slope = source.new_empty y.shape
        let angleSlopes = angles.new_empty angles.shape
        let kernel = PlaneSchedule.kernel schedule

        if y.dtype = torch.float32 then
            kernel.Slopes<float32>(
                read values,
                read source,
                entries slope,
                entries angleSlopes,
                read cosines,
                read sines,
                threads ()
            )
        else
            kernel.Slopes<float>(
                read values,
                read source,
                entries slope,
                entries angleSlopes,
                read cosines,
                read sines,
                threads ()
            )

        struct (slope, angleSlopes)

/// <summary>A chain of plane rotations as one step of an autograd graph: y from x, angles and schedule.</summary>
/// <remarks>
/// <para>After rotation (i, j) by t, dy_i/dt = -y_j and dy_j/dt = y_i, so that the slope of t is the sum over the batch of g_j y_i - g_i y_j
/// with g the gradient there; and both y and g before the rotation are the rotation back of those after it. So backward needs y and the
/// angles alone, and no intermediate is kept.</para>
/// <para>A second derivative is taken through the plain form. If y or the angles were changed in place after y was made, the gradients
/// are NaN: torch's own functions raise an exception then, but one from here would end the process.</para>
/// </remarks>
[<Sealed>]
type internal RotationFunction() =
    inherit torch.autograd.SingleTensorFunction<RotationFunction>()

    override _.Name = "RotationFunction"

    override _.forward(context, arguments) =
        let x = arguments[0] :?> torch.Tensor
        let angles = arguments[1] :?> torch.Tensor
        let schedule = arguments[2] :?> PlaneSchedule
        let y = RotationKernel.apply schedule angles x
        context.set_materialize_grads false
        context.save_data ("schedule", schedule)
        // Saved are the result and an argument: no scope frees them before they are kept.
        context.save_for_backward (List [ (if angles.requires_grad then y else null); angles ])
        y

    override _.backward(context, gradient) =
        let schedule = context.get_data "schedule" :?> PlaneSchedule

        if isNull gradient || gradient.IsInvalid then
            List [ null; null; null ]
        else
            use scope = torch.NewDisposeScope()

            let saved =
                try
                    context.get_saved_variables ()
                with :? ExternalException ->
                    null

            if isNull saved then
                let lost = plus nan (gradient.new_zeros (int64 schedule.Count))
                List [ scope.MoveToOuter(multiply nan gradient); scope.MoveToOuter lost; null ]
            else
                let y, angles = saved[0], saved[1]

                if isNull y then
                    let back = PlaneSchedule.reversed schedule
                    let undoing = PlainRotations.undoing angles

                    let slope =
                        if torch.is_grad_enabled () then
                            PlainRotations.apply back undoing gradient
                        else
                            RotationKernel.apply back undoing gradient

                    List [ scope.MoveToOuter slope; null; null ]
                else
                    let struct (slope, angleSlopes) =
                        if torch.is_grad_enabled () then
                            PlainRotations.slopes schedule angles y gradient
                        else
                            RotationKernel.slopes schedule angles y gradient

                    List [ scope.MoveToOuter slope; scope.MoveToOuter angleSlopes; null ]

    /// The chain on x, [*batch; n], by the kernel where it fits and by the plain form elsewhere.
    static member Act (schedule: PlaneSchedule) (angles: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
        if not (RotationKernel.fits schedule x) then
            PlainRotations.apply schedule angles x
        elif torch.is_grad_enabled () && (x.requires_grad || angles.requires_grad) then
            // apply leaves a second handle of its result.
            use scope = torch.NewDisposeScope()
            scope.MoveToOuter(RotationFunction.apply (x, angles, schedule))
        else
            RotationKernel.apply schedule angles x
