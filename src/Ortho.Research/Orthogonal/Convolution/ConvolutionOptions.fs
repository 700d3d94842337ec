namespace Ortho

open System
open TorchSharp

/// What lies beyond the border of the grid.
[<RequireQualifiedAccess>]
type ConvolutionBorder =
    /// The grid again, as on a circle or torus: one output every stride, and the stride must divide the size.
    | Circular
    /// Zeros, ceil(size / stride) outputs: (k^ - 1) zeros in all, floor((k^ - 1) / 2) of them before, k^ being the reach of the kernel.
    | Same
    /// Nothing: only windows that lie inside the grid count.
    | Valid
    /// So many zeros at both ends of each axis.
    | Padded of Padding: int64

/// How a convolution walks over its grid; the numbers hold for each axis.
type ConvolutionOptions =
    {
        /// What lies beyond the border.
        Border: ConvolutionBorder
        /// Step between two windows, at least 1.
        Stride: int64
        /// Distance between two taps, at least 1.
        Dilation: int64
        /// Number of groups of channels that do not see each other, at least 1.
        Groups: int64
    }

    /// Circular, stride 1, dilation 1, one group.
    static member Default =
        {
            Border = ConvolutionBorder.Circular
            Stride = 1L
            Dilation = 1L
            Groups = 1L
        }

    /// The same options with another border.
    member this.WithBorder(border: ConvolutionBorder) =
        Guard.notNull "border" border
        { this with Border = border }

    /// The same options with another stride.
    member this.WithStride(stride: int64) = { this with Stride = stride }

    /// The same options with another dilation.
    member this.WithDilation(dilation: int64) = { this with Dilation = dilation }

    /// The same options with another number of groups.
    member this.WithGroups(groups: int64) = { this with Groups = groups }

/// One axis of the grid, as a convolution walks along it.
type internal ConvolutionWalk =
    {
        Size: int64
        Output: int64
        Kernel: int64
        Stride: int64
        Dilation: int64
        /// Distance of the first tap from the window's position, backwards.
        Before: int64
        /// Distance of the last tap from the window's position, forwards.
        After: int64
    }

/// Both axes of the plane that a convolution walks over; a line is a plane one point wide.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal ConvolutionWalk =

    /// Refuses null and numbers below 1.
    let check (options: ConvolutionOptions) =
        Guard.notNull "options" options
        Guard.notNull "options.Border" options.Border
        Guard.positive "options.Stride" options.Stride
        Guard.positive "options.Dilation" options.Dilation
        Guard.positive "options.Groups" options.Groups

    /// How far the kernel reaches beyond its first tap: D (k - 1).
    let reach (options: ConvolutionOptions) (kernel: int64) =
        ConvolutionArithmetic.fullPadding
            { ConvolutionArithmetic.ofKernel kernel with
                Dilation = options.Dilation
            }

    let private along (options: ConvolutionOptions) (size: int64) (kernel: int64) : ConvolutionWalk =
        let reach = reach options kernel

        let centred output =
            {
                Size = size
                Output = output
                Kernel = kernel
                Stride = options.Stride
                Dilation = options.Dilation
                Before = reach / 2L
                After = reach - reach / 2L
            }

        let padded padding =
            let axis =
                {
                    Kernel = kernel
                    Stride = options.Stride
                    Padding = padding
                    Dilation = options.Dilation
                }

            match ConvolutionArithmetic.tryOutputSize axis size with
            | Some output ->
                { centred output with
                    Before = padding
                    After = padding
                }
            | None ->
                raise (
                    ArgumentException(
                        $"sizes must each be at least {reach + 1L - 2L * padding} for a window of {reach + 1L} and {padding} zeros at both ends, but one is {size}.",
                        "sizes"
                    )
                )

        match options.Border with
        | ConvolutionBorder.Circular ->
            Guard.holds "sizes" (size % options.Stride = 0L) (fun () ->
                $"sizes must be multiples of the stride {options.Stride} on a circle, where windows would not meet otherwise, but one is {size}.")

            centred (size / options.Stride)
        | ConvolutionBorder.Same -> centred ((size - 1L) / options.Stride + 1L)
        | ConvolutionBorder.Valid -> padded 0L
        | ConvolutionBorder.Padded padding ->
            Guard.atLeast "options.Border" 0L padding
            padded padding

    /// The axis that a line has beside its own to be a plane.
    let private still =
        {
            Size = 1L
            Output = 1L
            Kernel = 1L
            Stride = 1L
            Dilation = 1L
            Before = 0L
            After = 0L
        }

    /// Both axes of the plane for a kernel of the shape that errors call by the given name; a line is a plane one point wide.
    let ofShape (options: ConvolutionOptions) (sizes: seq<int64>) (name: string) (shape: int64[]) =
        Guard.holds name ((shape.Length = 3 || shape.Length = 4) && Array.forall (fun n -> n >= 1L) shape) (fun () ->
            $"{name} must have shape [out; in/groups; k] or [out; in/groups; k1; k2], each at least 1, but has {Guard.showShape shape}.")

        Guard.holds name (shape[0] % options.Groups = 0L) (fun () ->
            $"{name} must have a number of output channels that {options.Groups} groups divide, but has {shape[0]}.")

        let sizes = Seq.toArray sizes
        let taps = shape[2..]

        Guard.holds "sizes" (sizes.Length = taps.Length && Array.forall (fun n -> n >= 1L) sizes) (fun () ->
            $"sizes must be {taps.Length} numbers of at least 1, one for each axis of a kernel of shape {Guard.showShape shape}, but are {Guard.showShape sizes}.")

        let own = Array.map2 (along options) sizes taps
        if own.Length = 1 then [| still; own[0] |] else own

    /// Both axes of the plane, after checking everything.
    let ofKernel (options: ConvolutionOptions) (sizes: seq<int64>) (kernel: torch.Tensor) =
        check options
        Guard.notNull "sizes" sizes
        Guard.live "kernel" kernel
        Guard.floating "kernel" kernel
        ofShape options sizes "kernel" kernel.shape

    /// [out; in/groups; k1; k2]: a view.
    let plane (kernel: torch.Tensor) =
        if kernel.ndim = 3L then
            kernel.unsqueeze 2L
        else
            kernel.alias ()
