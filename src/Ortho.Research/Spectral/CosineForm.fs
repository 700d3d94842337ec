namespace Ortho

open System
open TorchSharp

/// The four cosine and the four sine transforms.
[<RequireQualifiedAccess>]
type CosineType =
    | DctI
    | DctII
    | DctIII
    | DctIV
    | DstI
    | DstII
    | DstIII
    | DstIV

/// <summary>The eight orthonormal transforms on the last axis of a real tensor: by the matrix of their definition, and by real FFT.</summary>
/// <remarks>
/// DCT-II and III: one real FFT of length n (Makhoul 1980). DCT-I and DST-I: one of the even or odd extension, length 2(n-1) or 2(n+1).
/// DCT-IV: one complex FFT of length n/2 for even n, of length 2n for odd n. The sine transforms II, III, IV are cosine transforms between
/// reversal and alternating signs. Angles are reduced in integers before any cosine is taken.
/// </remarks>
module internal CosineForm =

    /// The inverse of each transform is a transform.
    let inverse (kind: CosineType) =
        match kind with
        | CosineType.DctII -> CosineType.DctIII
        | CosineType.DctIII -> CosineType.DctII
        | CosineType.DstII -> CosineType.DstIII
        | CosineType.DstIII -> CosineType.DstII
        | own -> own

    let private half = sqrt 0.5

    /// cos (pi numerator / denominator), the angle reduced in integers.
    let private cosine (numerator: int64) (denominator: int64) =
        cos (Math.PI * float (numerator % (2L * denominator)) / float denominator)

    let private sine (numerator: int64) (denominator: int64) =
        sin (Math.PI * float (numerator % (2L * denominator)) / float denominator)

    /// The entry in row k and column j of the orthonormal matrix of length n; both count from 0.
    let rec entry (kind: CosineType) (n: int64) (k: int64) (j: int64) : float =
        let onlyAt (special: bool) = if special then half else 1.0

        match kind with
        | CosineType.DctI ->
            let ends i = onlyAt (i = 0L || i = n - 1L)
            sqrt (2.0 / float (n - 1L)) * ends k * ends j * cosine (k * j) (n - 1L)
        | CosineType.DctII -> sqrt (2.0 / float n) * onlyAt (k = 0L) * cosine (k * (2L * j + 1L)) (2L * n)
        | CosineType.DctIV -> sqrt (2.0 / float n) * cosine ((2L * k + 1L) * (2L * j + 1L)) (4L * n)
        | CosineType.DstI -> sqrt (2.0 / float (n + 1L)) * sine ((k + 1L) * (j + 1L)) (n + 1L)
        | CosineType.DstII ->
            sqrt (2.0 / float n)
            * onlyAt (k = n - 1L)
            * sine ((k + 1L) * (2L * j + 1L)) (2L * n)
        | CosineType.DstIV -> sqrt (2.0 / float n) * sine ((2L * k + 1L) * (2L * j + 1L)) (4L * n)
        | CosineType.DctIII
        | CosineType.DstIII -> entry (inverse kind) n j k

    let private signs (n: int64) =
        Table.ofNumbers [| n |] (Array.init (int n) (fun i -> if i % 2 = 0 then 1.0 else -1.0))

    let private flip (x: torch.Tensor) = x.flip [| -1L |]

    let private part (start: int64) (length: int64) (x: torch.Tensor) = x.narrow (x.ndim - 1L, start, length)

    /// x by the matrix of the definition.
    let dense (kind: CosineType) (n: int64) =
        let size = int n
        // Transposed, for rows of input: column k of it is row k of the transform.
        let table =
            Table.ofNumbers
                [| n; n |]
                (Array.init (size * size) (fun i -> entry kind n (int64 (i % size)) (int64 (i / size))))

        fun (x: torch.Tensor) -> x.matmul (table.Like x)

    /// 0, 2, 4, ..., 5, 3, 1: the order in which Makhoul reads the input.
    let private evenThenOdd (n: int64) =
        Array.init (int n) (fun i -> if 2 * i < int n then 2 * i else 2 * (int n - i) - 1)

    let private phases (n: int64) (sign: float) (first: float) (others: float) =
        let count = int (n / 2L) + 1

        Table.ofPolar
            (Array.init count (fun k -> if k = 0 then first else others))
            (Array.init count (fun k -> sign * Math.PI * float k / float (2L * n)))

    let private dctII (n: int64) =
        let gather = Actions.gather (evenThenOdd n |> Array.map int64)
        let twiddle = phases n -1.0 (sqrt (1.0 / float n)) (sqrt (2.0 / float n))

        fun (x: torch.Tensor) ->
            // W_k = exp (-i pi k / 2n) V_k: X_k is its real part, X_(n-k) minus its imaginary part.
            let w = torch.fft.rfft (gather x) |> Table.times twiddle
            let tail = (n - 1L) / 2L
            torch.cat ([| w.real; (w.imag |> part 1L tail |> flip).negative() |], -1L)

    let private dctIII (n: int64) =
        let order = evenThenOdd n
        let scatter = Array.zeroCreate<int64> order.Length
        order |> Array.iteri (fun i j -> scatter[j] <- int64 i)
        let gather = Actions.gather scatter
        let twiddle = phases n 1.0 (sqrt (float n)) (sqrt (float n / 2.0))

        fun (x: torch.Tensor) ->
            // W_k = X_k - i X_(n-k), with X_n = 0.
            let count = n / 2L
            let zero = x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| 1L |])

            let back =
                torch.cat ([| zero; (x |> part (n - count) count |> flip).negative() |], -1L)

            let w = torch.complex (part 0L (count + 1L) x |> _.contiguous(), back)
            torch.fft.irfft (Table.times twiddle w, n) |> gather

    let private dctI (n: int64) =
        let atEnds value inside =
            Table.ofNumbers [| n |] (Array.init (int n) (fun i -> if i = 0 || i = int n - 1 then value else inside))

        let input = atEnds (sqrt 2.0) 1.0
        let size = sqrt (2.0 / float (n - 1L)) / 2.0
        let output = atEnds (size * half) size

        fun (x: torch.Tensor) ->
            let z = Table.times input x
            let even = torch.cat ([| z; part 1L (n - 2L) z |> flip |], -1L)
            (torch.fft.rfft even).real |> Table.times output

    let private dstI (n: int64) =
        let size = 1.0 / sqrt (2.0 * float (n + 1L))

        fun (x: torch.Tensor) ->
            let zero = x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| 1L |])
            let odd = torch.cat ([| zero; x; zero; (flip x).negative() |], -1L)
            multiply -size ((torch.fft.rfft odd).imag |> part 1L n)

    let private dctIV (n: int64) =
        if n % 2L = 0L then
            // (x_2j + i x_(n-1-2j)), turned, transformed, turned: its real and imaginary parts are X_2k and -X_(n-1-2k).
            let count = int n / 2

            let forward =
                Table.ofPolar
                    (Array.create count (sqrt (2.0 / float n)))
                    (Array.init count (fun j -> -Math.PI * float (4 * j + 1) / float (4L * n)))

            let back =
                Table.ofPolar (Array.create count 1.0) (Array.init count (fun k -> -Math.PI * float k / float n))

            let even = Actions.gather (Array.init count (fun j -> int64 (2 * j)))
            let oddDown = Actions.gather (Array.init count (fun j -> n - 1L - int64 (2 * j)))
            // Where each output stands among the real parts and, behind them, the imaginary parts.
            let merge =
                Actions.gather (
                    Array.init (int n) (fun k ->
                        if k % 2 = 0 then
                            int64 (k / 2)
                        else
                            int64 (count + (int n - 1 - k) / 2))
                )

            fun (x: torch.Tensor) ->
                let turned = torch.complex (even x, oddDown x) |> Table.times forward
                let y = torch.fft.fft_ turned |> Table.times back
                torch.cat ([| y.real; y.imag.negative () |], -1L) |> merge
        else
            let input =
                Table.ofPolar
                    (Array.create (int n) 1.0)
                    (Array.init (int n) (fun j -> -Math.PI * float j / float (2L * n)))

            let output =
                Table.ofPolar
                    (Array.create (int n) (sqrt (2.0 / float n)))
                    (Array.init (int n) (fun k -> -Math.PI * float (2 * k + 1) / float (4L * n)))

            fun (x: torch.Tensor) ->
                let turned = input.Like x .* x
                (torch.fft.fft_ (turned, 2L * n) |> part 0L n |> Table.times output).real

    /// x by real FFT.
    let rec fast (kind: CosineType) (n: int64) : torch.Tensor -> torch.Tensor =
        match kind with
        | CosineType.DctI -> dctI n
        | CosineType.DctII -> dctII n
        | CosineType.DctIII -> dctIII n
        | CosineType.DctIV -> dctIV n
        | CosineType.DstI -> dstI n
        | CosineType.DstII ->
            let cosines, alternating = dctII n, signs n
            fun x -> Table.times alternating x |> cosines |> flip
        | CosineType.DstIII ->
            let cosines, alternating = dctIII n, signs n
            fun x -> flip x |> cosines |> Table.times alternating
        | CosineType.DstIV ->
            let cosines, alternating = dctIV n, signs n
            fun x -> flip x |> cosines |> Table.times alternating
