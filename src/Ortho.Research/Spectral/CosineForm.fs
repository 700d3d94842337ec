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
/// DCT-IV: one complex FFT of length n/2 for even n, one real FFT of length n for odd n (after Chan and Ho 1990). The sine transforms II, III, IV
/// are cosine transforms between reversal and alternating signs, which cost nothing but the order of the parts and a sign of one of them.
/// Angles are reduced in integers before any cosine is taken.
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

    let private flip (x: torch.Tensor) = x.flip [| -1L |]

    let private part (start: int64) (length: int64) (x: torch.Tensor) = x.narrow (x.ndim - 1L, start, length)

    /// Entries start, start + step, ... (a view).
    let private every (start: int64) (step: int64) (x: torch.Tensor) =
        x.slice (x.ndim - 1L, start, x.size (int x.ndim - 1), step)

    let private join (parts: torch.Tensor[]) = torch.cat (parts, -1L)

    /// a0, b0, a1, b1, ...
    let private interleave (a: torch.Tensor) (b: torch.Tensor) =
        torch.stack([| a; b |], -1L).flatten(a.ndim - 1L)

    let private zeroBefore (x: torch.Tensor) =
        join [| x.new_zeros (Array.append x.shape[.. x.shape.Length - 2] [| 1L |]); x |]

    /// x by the matrix of the definition.
    let dense (kind: CosineType) (n: int64) = RowForm.dense n (entry kind n)

    /// size exp (i pi numerator / denominator) for k = 0, ..., count - 1.
    let private phases (count: int64) (size: int -> float) (numerator: int64 -> int64) (denominator: int64) =
        Table.ofPolar
            (Array.init (int count) size)
            (Array.init (int count) (fun k -> Math.PI * float (numerator (int64 k)) / float denominator))

    /// DCT-II; or DST-II, which is DCT-II after alternating signs and before reversal.
    let private second (isSine: bool) (n: int64) =
        let count = n / 2L + 1L

        let twiddle =
            phases count (fun k -> sqrt ((if k = 0 then 1.0 else 2.0) / float n)) (fun k -> n - k) (2L * n)

        fun (x: torch.Tensor) ->
            let odd = every 1L 2L x |> flip
            let v = join [| every 0L 2L x; (if isSine then odd.negative () else odd) |]
            // W_k = i exp (-i pi k / 2n) V_k: its imaginary part is X_k, its real part X_(n-k).
            let w = torch.fft.rfft v |> Table.times twiddle
            let low, high = w.imag, part 1L (n - count) w.real

            join (
                if isSine then
                    [| high; flip low |]
                else
                    [| low; flip high |]
            )

    /// DCT-III; or DST-III, which is DCT-III after reversal and before alternating signs.
    let private third (isSine: bool) (n: int64) =
        let count = n / 2L + 1L
        let evens = (n + 1L) / 2L

        let twiddle =
            phases count (fun k -> sqrt (float n / (if k = 0 then 1.0 else 2.0))) (fun k -> k - n) (2L * n)

        fun (x: torch.Tensor) ->
            let low, high =
                if isSine then
                    part (n - count) count x |> flip, part 0L (count - 1L) x
                else
                    part 0L count x, part (n - count + 1L) (count - 1L) x |> flip
            // X_(n-k) + i X_k with X_n = 0, turned by -i exp (i pi k / 2n), is V_k.
            let w = torch.complex (zeroBefore high, low.contiguous ())
            let v = torch.fft.irfft (Table.times twiddle w, n)
            let odd = part (n - evens) evens v |> flip

            interleave (part 0L evens v) (if isSine then odd.negative () else odd)
            |> part 0L n

    let private firstCosine (n: int64) =
        let atEnds value inside =
            Table.ofNumbers [| n |] (Array.init (int n) (fun i -> if i = 0 || i = int n - 1 then value else inside))

        let input = atEnds (sqrt 2.0) 1.0
        let size = sqrt (2.0 / float (n - 1L)) / 2.0
        let output = atEnds (size * half) size

        fun (x: torch.Tensor) ->
            let z = Table.times input x
            let even = join [| z; part 1L (n - 2L) z |> flip |]
            (torch.fft.rfft even).real |> Table.times output

    let private firstSine (n: int64) =
        let size = 1.0 / sqrt (2.0 * float (n + 1L))

        fun (x: torch.Tensor) ->
            let odd = join [| zeroBefore x; (flip x).negative() |> zeroBefore |]
            multiply -size ((torch.fft.rfft odd).imag |> part 1L n)

    /// DCT-IV or DST-IV of even length.
    let private fourthEven (isSine: bool) (n: int64) =
        let count = n / 2L

        let forward =
            phases count (fun _ -> sqrt (2.0 / float n)) (fun j -> -(8L * j + 1L)) (8L * n)

        let back =
            phases count (fun _ -> 1.0) (fun k -> (if isSine then 0L else 4L * n) - (8L * k + 1L)) (8L * n)

        fun (x: torch.Tensor) ->
            let even, odd = every 0L 2L x |> _.contiguous(), every 1L 2L x |> flip

            let z =
                if isSine then
                    torch.complex (odd, even)
                else
                    torch.complex (even, odd)
            // Cosine: W_k = i (X_2k - i X_(n-1-2k)). Sine: W_k = X_2k + i X_(n-1-2k).
            let w = torch.fft.fft_ (Table.times forward z) |> Table.times back
            let evens, odds = if isSine then w.real, w.imag else w.imag, w.real
            interleave evens (flip odds)

    /// DCT-IV or DST-IV of odd length: with x continued to j = 0, ..., 4n-1 by the symmetries of its cosine and read at every fourth
    /// place, X_k is the real part of exp (-i pi (2k+1) / 4n) F_(2k+1), F the FFT of length n.
    let private fourthOdd (isSine: bool) (n: int64) =
        let twiddle =
            phases
                (n / 2L + 1L)
                (fun _ -> sqrt (2.0 / float n))
                (fun k -> 2L * n - (if k % 2L = 1L then k else n + k))
                (4L * n)

        fun (x: torch.Tensor) ->
            let places = Array.init 4 (fun start -> every (int64 start) 4L x)

            let continued =
                if isSine then
                    join
                        [|
                            places[0]
                            flip places[1]
                            join([| places[2]; flip places[3] |]).negative()
                        |]
                else
                    join
                        [|
                            places[0]
                            join([| flip places[1]; places[2] |]).negative()
                            flip places[3]
                        |]
            // Imaginary part: X at 2k+1 = j or j + n, the odd one; real part: X at the mirror image of that place, 2n - (2k+1).
            let w = torch.fft.rfft continued |> Table.times twiddle
            let here, mirror = w.imag, w.real

            if isSine then
                join
                    [|
                        every 1L 2L mirror
                        every 0L 2L here |> flip
                        every 2L 2L mirror
                        every 1L 2L here |> flip
                    |]
            else
                join
                    [|
                        every 1L 2L here
                        every 2L 2L mirror |> flip
                        every 0L 2L here
                        every 1L 2L mirror |> flip
                    |]

    let private fourth (isSine: bool) (n: int64) =
        (if n % 2L = 0L then fourthEven else fourthOdd) isSine n

    /// x by real FFT.
    let fast (kind: CosineType) (n: int64) : torch.Tensor -> torch.Tensor =
        match kind with
        | CosineType.DctI -> firstCosine n
        | CosineType.DctII -> second false n
        | CosineType.DctIII -> third false n
        | CosineType.DctIV -> fourth false n
        | CosineType.DstI -> firstSine n
        | CosineType.DstII -> second true n
        | CosineType.DstIII -> third true n
        | CosineType.DstIV -> fourth true n
