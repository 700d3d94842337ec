namespace Ortho

open System
open System.Runtime.InteropServices
open TorchSharp

/// <summary>Sums and multiples of tensors that make no temporary Scalar.</summary>
/// <remarks>
/// TorchSharp's <c>x + y</c> and <c>x * 2.0</c> make a Scalar whose native handle is read before the native call; a collection on
/// another thread may finalise it in between. Here a Scalar is kept alive until the call is over. No other file of the library may
/// call TorchSharp in a way that makes a temporary Scalar: a test reads the compiled assembly and says so.
/// </remarks>
[<AutoOpen>]
module internal Elementwise =

    // An integer, so that sums of integers are integers.
    let private one: Scalar = Scalar.op_Implicit 1L

    /// x + y, entry by entry.
    let (.+) (x: torch.Tensor) (y: torch.Tensor) = x.add (y, one)

    /// x - y, entry by entry.
    let (.-) (x: torch.Tensor) (y: torch.Tensor) = x.sub y

    /// x times y, entry by entry.
    let (.*) (x: torch.Tensor) (y: torch.Tensor) = x.mul y

    /// x + y into x's own memory: only for a fresh tensor that nothing else reads.
    let addInPlace (x: torch.Tensor) (y: torch.Tensor) = x.add_ (y, one) |> ignore

    /// x + parts, part i of the axis at place index[i] of x.
    let addAt (axis: int64) (index: torch.Tensor) (parts: torch.Tensor) (x: torch.Tensor) =
        x.index_add (axis, index, parts, one)

    /// factor * x, of x's own type: a tensor of integers takes an integer factor only.
    let multiply (factor: float) (x: torch.Tensor) =
        if x.is_floating_point () || x.is_complex () then
            use scalar: Scalar = Scalar.op_Implicit factor
            x.mul scalar
        elif factor = Math.Round factor && abs factor < 9e15 then
            use scalar: Scalar = Scalar.op_Implicit (int64 factor)
            x.mul scalar
        else
            raise (
                ArgumentException(
                    $"x must be of floating point or complex type to be multiplied by {factor}, but is {x.dtype}.",
                    "x"
                )
            )

    /// x + number, entry by entry.
    let plus (number: float) (x: torch.Tensor) =
        use scalar: Scalar = Scalar.op_Implicit number
        x.add (scalar, one)

    /// x + factor * y.
    let addMultiple (factor: float) (y: torch.Tensor) (x: torch.Tensor) =
        use scalar: Scalar = Scalar.op_Implicit factor
        x.add (y, scalar)

    /// x + factor * y into x's own memory: only for a fresh tensor that nothing else reads.
    let addMultipleInPlace (factor: float) (y: torch.Tensor) (x: torch.Tensor) =
        use scalar: Scalar = Scalar.op_Implicit factor
        x.add_ (y, scalar) |> ignore

    /// z + factor * x * y, entry by entry, in one pass.
    let addProduct (factor: float) (x: torch.Tensor) (y: torch.Tensor) (z: torch.Tensor) =
        use scalar: Scalar = Scalar.op_Implicit factor
        z.addcmul (x, y, scalar)

    /// |x|^2, entry by entry: real.
    let squaredModulus (x: torch.Tensor) =
        if x.is_complex () then
            let real, imaginary = x.real, x.imag
            (real .* real) .+ (imaginary .* imaginary)
        else
            x .* x

    /// The numbers as a tensor of one axis.
    let vector (kind: TensorKind) (numbers: float[]) =
        use draft = torch.tensor (numbers, dtype = Nullable torch.float64)
        draft.``to`` (kind.Dtype, kind.Device)

    /// The only entry of a tensor, as float64 whatever its real type.
    let number (x: torch.Tensor) =
        use value = x.detach ()
        use wide = value.``to`` (torch.float64, torch.CPU)
        MemoryMarshal.Read<float>(Span.op_Implicit wide.bytes)

    /// x where it is not zero, and 1 where it is: what may be divided by.
    let orOne (x: torch.Tensor) =
        use isZero = x.logical_not ()
        use ones = isZero.``to`` x.dtype
        x .+ ones
