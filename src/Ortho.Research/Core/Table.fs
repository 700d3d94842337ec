namespace Ortho

open System
open TorchSharp

/// <summary>Numbers computed once in double precision, given out in the precision and on the device of each input.</summary>
/// <remarks>Both precisions are made on the CPU at once, so that nothing is written later and threads may share a map; on another device
/// each use copies. The numbers belong to the dispose scope that the table is made in, as the map that holds them does.</remarks>
[<Sealed>]
type internal Table(double: torch.Tensor) =
    let single =
        double.``to`` (
            if double.is_complex () then
                torch.complex64
            else
                torch.float32
        )

    /// What the table holds.
    member _.Tensors = [| double; single |]

    /// The numbers with the precision and on the device of x, in the current scope: real numbers stay real for complex x.
    member _.Like(x: torch.Tensor) : torch.Tensor =
        let table =
            if TensorKind.realDtype x.dtype = torch.float64 then
                double
            else
                single

        if x.device_type = DeviceType.CPU then
            table.alias ()
        else
            table.``to`` x.device

/// Tables of numbers.
module internal Table =
    /// Real numbers, in the given shape.
    let ofNumbers (shape: int64[]) (numbers: float[]) =
        use flat = torch.tensor (numbers, dtype = Nullable torch.float64)
        Table(flat.reshape shape)

    /// size exp (i angle) for each size and angle.
    let ofPolar (sizes: float[]) (angles: float[]) =
        use real =
            torch.tensor (Array.map2 (fun size angle -> size * cos angle) sizes angles, dtype = Nullable torch.float64)

        use imaginary =
            torch.tensor (Array.map2 (fun size angle -> size * sin angle) sizes angles, dtype = Nullable torch.float64)

        Table(torch.complex (real, imaginary))

    /// x times the table, entry by entry.
    let times (table: Table) (x: torch.Tensor) =
        use numbers = table.Like x
        x .* numbers
