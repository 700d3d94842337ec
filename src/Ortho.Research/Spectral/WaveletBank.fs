namespace Ortho

open System
open System.Runtime.InteropServices
open Ortho.Native
open TorchSharp

/// One level on rows of n entries, [*batch; n] to [*batch; approximations, then details], and what goes with it.
[<NoEquality; NoComparison>]
type internal WaveletBank =
    {
        Analyze: int64 -> torch.Tensor -> torch.Tensor
        Synthesize: int64 -> torch.Tensor -> torch.Tensor
        AnalyzeTransposed: int64 -> torch.Tensor -> torch.Tensor
        SynthesizeTransposed: int64 -> torch.Tensor -> torch.Tensor
    }

/// <summary>The level of a wavelet: orthogonal filters by plain tensor operations, and trees of them by a native kernel; lifting.</summary>
[<RequireQualifiedAccess>]
module internal WaveletBank =

    /// Real taps in the type of x.
    let private taps (table: Table) (x: torch.Tensor) =
        use numbers = table.Like x
        numbers.``to`` x.dtype

    /// Taps m and all places 2k + m + 1 - taps/2 at once, as a product with overlapping windows.
    let plainAnalyze (low: float[]) (high: float[]) =
        let count = low.LongLength

        let table =
            Table.ofNumbers
                [| count; 2L |]
                (Array.init (2 * low.Length) (fun i -> (if i % 2 = 0 then low else high)[i / 2]))

        fun (n: int64) ->
            let wrapped =
                torch.tensor (
                    Array.init (int (n + count - 2L)) (fun i ->
                        let place = (int64 i + 1L - count / 2L) % n
                        if place < 0L then place + n else place)
                )

            Actions.scoped (fun x ->
                let axis = x.ndim - 1L
                let around = x.index_select (axis, wrapped.``to`` x.device)
                let windows = around.unfold (axis, count, 2L)
                (windows.matmul (taps table x)).transpose(-1L, -2L).reshape x.shape)

    /// The transpose: windows of two neighbouring taps, each added where it was read.
    let plainSynthesize (low: float[]) (high: float[]) =
        let pairs = low.Length / 2

        let tables =
            Array.init pairs (fun j ->
                Table.ofNumbers [| 2L; 2L |] [| low[2 * j]; low[2 * j + 1]; high[2 * j]; high[2 * j + 1] |])

        fun (n: int64) ->
            Actions.scoped (fun x ->
                let axis = x.ndim - 1L
                let halves = x.reshape (Array.append x.shape[.. int axis - 1] [| 2L; n / 2L |])
                let columns = halves.transpose (-1L, -2L)

                tables
                |> Array.mapi (fun j table ->
                    let parts = (columns.matmul (taps table x)).reshape x.shape
                    parts.roll (int64 (2 * j + 1 - pairs), axis))
                |> Array.reduce (.+))

    let ofWavelet (wavelet: Wavelet) : WaveletBank =
        match wavelet.Form with
        | Orthonormal low ->
            let high = WaveletFilter.mirror low
            let analyze, synthesize = plainAnalyze low high, plainSynthesize low high

            {
                Analyze = analyze
                Synthesize = synthesize
                AnalyzeTransposed = synthesize
                SynthesizeTransposed = analyze
            }
        | Lifting scheme ->
            let isPeriodic = wavelet.Border = WaveletBorder.Periodic

            {
                Analyze = WaveletLifting.analyze scheme isPeriodic
                Synthesize = WaveletLifting.synthesize scheme isPeriodic
                AnalyzeTransposed = WaveletLifting.analyzeTransposed scheme isPeriodic
                SynthesizeTransposed = WaveletLifting.synthesizeTransposed scheme isPeriodic
            }

    let private entries<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        MemoryMarshal.Cast<byte, 'T> x.bytes

    let private read<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: torch.Tensor) =
        Span.op_Implicit (entries<'T> x): ReadOnlySpan<'T>

    /// Whether the kernel takes x: on the CPU, float32 or float64, not empty, below 2 GiB.
    let fits (x: torch.Tensor) =
        x.device_type = DeviceType.CPU
        && (x.dtype = torch.float32 || x.dtype = torch.float64)
        && x.numel () > 0L
        && x.numel () * x.element_size () <= int64 Int32.MaxValue

    /// A whole tree of orthogonal filters on rows, by the kernel. No graph is made.
    let runKernel (isAnalysis: bool) (bank: PeriodicFilterBank) (x: torch.Tensor) : torch.Tensor =
        use _ = torch.no_grad ()
        use dense = x.contiguous ()
        use source = dense.resolve_neg ()
        let y = source.new_empty x.shape
        let threads = torch.get_num_threads ()

        match x.dtype = torch.float32, isAnalysis with
        | true, true -> bank.Analyze<float32>(read source, entries y, threads)
        | true, false -> bank.Synthesize<float32>(read source, entries y, threads)
        | false, true -> bank.Analyze<float>(read source, entries y, threads)
        | false, false -> bank.Synthesize<float>(read source, entries y, threads)

        y
