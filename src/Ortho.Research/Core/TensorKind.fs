namespace Ortho

open System
open TorchSharp

/// <summary>Facts that a map keeps by construction. A property test checks each promise of each constructor.</summary>
[<Flags>]
type Traits =
    /// Nothing promised.
    | None = 0
    /// A* A = I: norms and inner products are kept.
    | Isometry = 1
    /// A A* = I.
    | Coisometry = 2
    /// A* A = I and A A* = I.
    | Unitary = 3
    /// A* = A.
    | SelfAdjoint = 4
    /// A A = A.
    | Idempotent = 8
    /// An orthogonal projection: self-adjoint and idempotent.
    | Projection = 12
    /// Moves entries without changing them; unitary.
    | Permutation = 19

/// What a tensor is made of: the type of its entries and the device that holds them.
[<Struct; CustomEquality; NoComparison>]
type TensorKind =
    {
        Dtype: torch.ScalarType
        Device: torch.Device
    }

    /// The type and device of a tensor.
    static member Of(tensor: torch.Tensor) =
        Guard.live "tensor" tensor

        {
            Dtype = tensor.dtype
            Device = tensor.device
        }

    override this.Equals other =
        match other with
        | :? TensorKind as kind -> (this :> IEquatable<TensorKind>).Equals kind
        | _ -> false

    override this.GetHashCode() =
        HashCode.Combine(this.Dtype, this.Device.``type``, this.Device.index)

    override this.ToString() =
        $"{this.Dtype.ToString().ToLowerInvariant()} on {this.Device}"

    interface IEquatable<TensorKind> with
        member this.Equals other =
            this.Dtype = other.Dtype
            && this.Device.``type`` = other.Device.``type``
            && this.Device.index = other.Device.index

/// Types and devices of tensors.
[<RequireQualifiedAccess>]
module TensorKind =
    /// The type and device of a tensor.
    let ofTensor (tensor: torch.Tensor) = TensorKind.Of tensor

    /// The given type on the CPU.
    let cpu (dtype: torch.ScalarType) = { Dtype = dtype; Device = torch.CPU }

    /// float32 on the CPU, TorchSharp's own default.
    let float32 = cpu torch.float32

    /// float64 on the CPU.
    let float64 = cpu torch.float64

    /// The real type that has the precision of the given one.
    let realDtype (dtype: torch.ScalarType) =
        match dtype with
        | torch.ScalarType.ComplexFloat64 -> torch.float64
        | torch.ScalarType.ComplexFloat32 -> torch.float32
        | real -> real

    /// Whether a tensor is of this kind; makes no object.
    let internal matches (kind: TensorKind) (tensor: torch.Tensor) =
        tensor.dtype = kind.Dtype
        && tensor.device_type = kind.Device.``type``
        && (kind.Device.``type`` = DeviceType.CPU || tensor.device_index = kind.Device.index)
