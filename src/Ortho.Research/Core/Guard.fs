namespace Ortho

open System
open TorchSharp

/// <summary>Checks at the door. Each raises before any work is done, and names the argument, what it was and what it may be.</summary>
[<RequireQualifiedAccess>]
module Guard =

    /// A shape as it is printed in messages and formulas: "[3; 4]".
    let internal showShape (shape: seq<int64>) =
        "[" + String.Join("; ", Seq.map string shape) + "]"

    let private refuse name message =
        raise (ArgumentException(message, (name: string)))

    /// <summary>Refuses what does not hold; <paramref name="message" /> is written only then.</summary>
    let holds (name: string) (condition: bool) (message: unit -> string) =
        if not condition then
            refuse name (message ())

    /// Refuses null.
    let notNull (name: string) (value: obj) =
        ArgumentNullException.ThrowIfNull(value, name)

    /// Refuses a number below the minimum.
    let inline atLeast (name: string) (minimum: 'T) (value: 'T) =
        if value < minimum then
            raise (ArgumentOutOfRangeException(name, $"{name} must be at least {minimum}, but is {value}."))

    /// Refuses a number below 1.
    let inline positive (name: string) (value: 'T) =
        atLeast name LanguagePrimitives.GenericOne value

    /// Refuses a number outside [least, most], and NaN.
    let inline between (name: string) (least: 'T) (most: 'T) (value: 'T) =
        if not (value >= least && value <= most) then
            raise (ArgumentOutOfRangeException(name, $"{name} must lie between {least} and {most}, but is {value}."))

    /// Refuses NaN and infinities.
    let finite (name: string) (value: float) =
        if not (Double.IsFinite value) then
            raise (ArgumentOutOfRangeException(name, $"{name} must be a finite number, but is {value}."))

    /// Refuses null and disposed tensors.
    let live (name: string) (tensor: torch.Tensor) =
        ArgumentNullException.ThrowIfNull(tensor, name)

        if tensor.IsInvalid then
            raise (ObjectDisposedException(name, $"{name} must be a live tensor, but it has been disposed."))

    /// Refuses a tensor whose number of axes is not the one asked for.
    let rank (name: string) (axes: int) (tensor: torch.Tensor) =
        live name tensor

        if int tensor.ndim <> axes then
            refuse name $"{name} must have {axes} axes, but has shape {showShape tensor.shape}."

    /// Refuses a tensor with fewer axes than asked for.
    let rankAtLeast (name: string) (axes: int) (tensor: torch.Tensor) =
        live name tensor

        if int tensor.ndim < axes then
            refuse name $"{name} must have at least {axes} axes, but has shape {showShape tensor.shape}."

    /// Refuses a tensor whose last two axes differ.
    let square (name: string) (tensor: torch.Tensor) =
        live name tensor
        let axes = int tensor.ndim

        if axes < 2 || tensor.size (axes - 2) <> tensor.size (axes - 1) then
            refuse name $"{name} must be square in its last two axes, but has shape {showShape tensor.shape}."

    /// Refuses an empty tensor.
    let notEmpty (name: string) (tensor: torch.Tensor) =
        live name tensor

        if tensor.numel () = 0L then
            refuse name $"{name} must not be empty, but has shape {showShape tensor.shape}."

    /// Refuses a tensor that is not of real or complex floating point type.
    let floating (name: string) (tensor: torch.Tensor) =
        live name tensor

        if not (tensor.is_floating_point () || tensor.is_complex ()) then
            refuse name $"{name} must be of floating point or complex type, but is {tensor.dtype}."

    /// Refuses a tensor that is not of real floating point type.
    let real (name: string) (tensor: torch.Tensor) =
        live name tensor

        if not (tensor.is_floating_point ()) then
            refuse name $"{name} must be of real floating point type, but is {tensor.dtype}."

    /// Refuses a tensor with an entry that is NaN or infinite. It synchronises with the device once.
    let finiteEntries (name: string) (tensor: torch.Tensor) =
        live name tensor
        use finite = tensor.isfinite ()
        use all = finite.all ()

        if not (all.item<bool>()) then
            refuse name $"{name} must have finite entries, but has NaN or infinite ones."
