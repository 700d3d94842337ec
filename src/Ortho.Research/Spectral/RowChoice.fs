/// <summary>The form of a transform of rows that costs least: native passes around an FFT, tensor operations where those do not fit, a dense matrix where it is faster.</summary>
[<RequireQualifiedAccess>]
module internal Ortho.RowChoice

open Ortho
open TorchSharp

/// The native kernel where it fits, the form of plain tensor operations elsewhere.
let native (kernel: RowKernel.RowKernel voption) (plain: torch.Tensor -> torch.Tensor) : torch.Tensor -> torch.Tensor =
    match kernel with
    | ValueSome kernel ->
        fun x ->
            if RowKernel.fits x then
                RowKernel.apply kernel x
            else
                plain x
    | ValueNone -> plain

/// <summary>The form that costs least for the rows of each input.</summary>
/// <param name="n">Length of a row.</param>
/// <param name="cost">What <paramref name="fast" /> costs on the CPU.</param>
/// <param name="dense">Makes the dense form; not called where 64 rows are faster without it.</param>
/// <param name="fast">The form by FFT.</param>
let byCost
    (n: int64)
    (cost: struct (float * float))
    (dense: unit -> torch.Tensor -> torch.Tensor)
    (fast: torch.Tensor -> torch.Tensor)
    : torch.Tensor -> torch.Tensor =
    // In doubt the matrix: no transform shall be slower than that.
    let matrix =
        let struct (call, row) = FftCost.dense n
        struct (0.8 * call, 0.8 * row)

    if n <= RowForm.denseLimit || FftCost.isDenseFaster 64L true matrix cost then
        let dense = dense ()

        fun x ->
            let isFaster =
                if x.device_type = DeviceType.CPU then
                    FftCost.isDenseFaster (x.numel () / n) (x.dtype = torch.float32) matrix cost
                else
                    n <= RowForm.denseLimit

            if isFaster then dense x else fast x
    else
        fast
