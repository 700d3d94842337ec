namespace Ortho

open System

/// How a convolution walks along one axis: what decides its sizes.
type ConvolutionAxis =
    {
        /// Number of taps, at least 1.
        Kernel: int64
        /// Step between two windows, at least 1.
        Stride: int64
        /// Zeros added at each end, not negative.
        Padding: int64
        /// Distance between two taps, at least 1.
        Dilation: int64
    }

/// Sizes of convolutions and transposed convolutions along one axis, in integers alone.
/// With input i, kernel k, stride s, padding p, dilation d and k^ = k + (k - 1)(d - 1):
///     convolution             o  = floor((i + 2p - k^) / s) + 1
///     what it leaves over     a  = (i + 2p - k^) mod s
///     transposed convolution  o' = s (i' - 1) + a + k^ - 2p, which is i again when i' = o
/// Source: Dumoulin and Visin 2016, relationships 6, 14 and 15.
[<RequireQualifiedAccess>]
module ConvolutionArithmetic =

    let private check (axis: ConvolutionAxis) =
        Guard.atLeast "axis.Kernel" 1L axis.Kernel
        Guard.atLeast "axis.Stride" 1L axis.Stride
        Guard.atLeast "axis.Padding" 0L axis.Padding
        Guard.atLeast "axis.Dilation" 1L axis.Dilation

    /// Stride 1, no padding, no dilation.
    let ofKernel (kernel: int64) : ConvolutionAxis =
        Guard.atLeast (nameof kernel) 1L kernel

        {
            Kernel = kernel
            Stride = 1L
            Padding = 0L
            Dilation = 1L
        }

    /// How far a window reaches: k^ = k + (k - 1)(d - 1).
    let effectiveKernel (axis: ConvolutionAxis) =
        check axis
        axis.Kernel + (axis.Kernel - 1L) * (axis.Dilation - 1L)

    /// The padding that keeps the size at stride 1, for an odd effective kernel: floor(k^ / 2).
    let halfPadding (axis: ConvolutionAxis) = effectiveKernel axis / 2L

    /// The padding with which every window that touches the input counts: k^ - 1.
    let fullPadding (axis: ConvolutionAxis) = effectiveKernel axis - 1L

    let private room (axis: ConvolutionAxis) (input: int64) =
        Guard.atLeast (nameof input) 1L input
        input + 2L * axis.Padding - effectiveKernel axis

    /// The size of the convolution's output, or none if the window is longer than the padded input.
    let tryOutputSize (axis: ConvolutionAxis) (input: int64) =
        match room axis input with
        | room when room < 0L -> None
        | room -> Some(room / axis.Stride + 1L)

    let private refuse (axis: ConvolutionAxis) (input: int64) =
        let least = max 1L (effectiveKernel axis - 2L * axis.Padding)

        raise (
            ArgumentOutOfRangeException(
                nameof input,
                input,
                $"input must be at least {least} for a window of {effectiveKernel axis} and padding {axis.Padding}, but is {input}."
            )
        )

    /// <summary>The size of the convolution's output.</summary>
    /// <exception cref="T:System.ArgumentException">The window is longer than the padded input, or a number is out of range.</exception>
    let outputSize (axis: ConvolutionAxis) (input: int64) =
        match tryOutputSize axis input with
        | Some size -> size
        | None -> refuse axis input

    /// <summary>The inputs that no window reaches, at the far end: (i + 2p - k^) mod s. It is the output padding that the adjoint needs.</summary>
    /// <exception cref="T:System.ArgumentException">The window is longer than the padded input, or a number is out of range.</exception>
    let remainder (axis: ConvolutionAxis) (input: int64) =
        match room axis input with
        | room when room < 0L -> refuse axis input
        | room -> room % axis.Stride

    /// <summary>The size of the transposed convolution's output.</summary>
    /// <param name="axis">The convolution that is transposed.</param>
    /// <param name="outputPadding">Zeros added at the far end, 0 to stride - 1; `remainder` gives the one that recovers the input size.</param>
    /// <param name="input">The size of the transposed convolution's input, at least 1.</param>
    /// <exception cref="T:System.ArgumentException">Nothing would be left after the padding is cut off, or a number is out of range.</exception>
    let transposedOutputSize (axis: ConvolutionAxis) (outputPadding: int64) (input: int64) =
        check axis
        Guard.atLeast (nameof input) 1L input

        Guard.between (nameof outputPadding) 0L (axis.Stride - 1L) outputPadding

        let size =
            axis.Stride * (input - 1L) + outputPadding + effectiveKernel axis
            - 2L * axis.Padding

        Guard.holds (nameof input) (size >= 1L) (fun () ->
            $"input must be large enough for the transposed convolution's output to be at least 1, but {input} gives {size}.")

        size

    /// The size of an input stretched by stride - 1 zeros between neighbours: s (i' - 1) + 1.
    let stretchedSize (axis: ConvolutionAxis) (input: int64) =
        check axis
        Guard.atLeast (nameof input) 1L input
        axis.Stride * (input - 1L) + 1L

    /// <summary>The convolution of stride 1 that, over the stretched input, is the transpose: padding p' = k^ - 1 - p.</summary>
    /// <exception cref="T:System.ArgumentException">The padding is more than the full one.</exception>
    let transposed (axis: ConvolutionAxis) : ConvolutionAxis =
        let full = fullPadding axis

        Guard.holds "axis.Padding" (axis.Padding <= full) (fun () ->
            $"axis.Padding must be at most {full}, the full padding, but is {axis.Padding}.")

        { axis with
            Stride = 1L
            Padding = full - axis.Padding
        }
