/// <summary>Orthogonal circular convolutions by a Cayley transform at each frequency of a real Fourier transform. Their kernels are as large as the image.</summary>
/// <remarks>
/// <para>A circular convolution is, at each frequency w, one matrix K(w) = sum over taps of K[t] exp (i w (t - c)), with c the centre. Equal channels: the map of
/// C(K(w) - K(w)*), with the Cayley transform C(A) = (I + A) (I - A)^-1. More output than input channels: K = [X; Y] by rows, Z = Y* Y - (X - X*), and the
/// frame [2 (I + Z)^-1 - I; -2 Y (I + Z)^-1], whose columns are orthonormal; fewer: its adjoint.</para>
/// <para>Trockman and Kolter 2021 (2104.07167); unequal channels: Wang and Manchester 2023 (2301.11526).</para>
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.FourierConvolution

open System
open System.Numerics
open Ortho
open TorchSharp

/// Sizes of the half spectrum of a real image.
let private half (sizes: int64[]) =
    Array.mapi (fun axis n -> if axis = sizes.Length - 1 then n / 2L + 1L else n) sizes

let private product = Array.fold (*) 1L

/// cos, then sin, of w (t - c): [2 * frequencies; taps].
let private harmonics (sizes: int64[]) (taps: int64[]) (kind: TensorKind) =
    let frequencies = half sizes
    let rows, columns = int (product frequencies), int (product taps)

    // exp (2 pi i j / n) for each axis, as tables.
    let tables =
        sizes
        |> Array.map (fun n ->
            Array.init (int n) (fun j -> Complex.FromPolarCoordinates(1.0, 2.0 * Math.PI * float j / float n)))

    let along axis (f: int64) (t: int64) =
        let n = sizes[axis]
        let c = (taps[axis] - 1L) / 2L
        let angle = f * (t - c) % n
        tables[axis].[int (if angle < 0L then angle + n else angle)]

    let numbers = Array.zeroCreate<float>(2 * rows * columns)

    for row in 0 .. rows - 1 do
        for column in 0 .. columns - 1 do
            let value =
                if sizes.Length = 1 then
                    along 0 (int64 row) (int64 column)
                else
                    let f, t = int64 row, int64 column

                    along 0 (f / frequencies[1]) (t / taps[1])
                    * along 1 (f % frequencies[1]) (t % taps[1])

            numbers[row * columns + column] <- value.Real
            numbers[(rows + row) * columns + column] <- value.Imaginary

    use draft = torch.tensor (numbers, dtype = Nullable torch.float64)
    use placed = draft.``to`` (kind.Dtype, kind.Device)
    placed.reshape [| 2L * int64 rows; int64 columns |]

let private checkSizes (sizes: seq<int64>) (kernel: torch.Tensor) =
    Guard.notNull "sizes" sizes
    let sizes = Seq.toArray sizes
    Guard.real "kernel" kernel
    Guard.notEmpty "kernel" kernel

    Guard.holds "sizes" ((sizes.Length = 1 || sizes.Length = 2) && Array.forall (fun n -> n >= 1L) sizes) (fun () ->
        $"sizes must be one or two sizes of at least 1, but are {Guard.showShape sizes}.")

    Guard.holds "kernel" (int kernel.ndim = sizes.Length + 2) (fun () ->
        $"kernel must have shape [out; in; *taps] with {sizes.Length} axes of taps, as many as sizes, but has shape {Guard.showShape kernel.shape}.")

    sizes

let private spectrumOf (sizes: int64[]) (kernel: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    let taps = Array.skip 2 kernel.shape
    let table = harmonics sizes taps (TensorKind.ofTensor kernel)
    let parts = table.matmul ((kernel.flatten 2L).flatten(0L, 1L).t())
    let count = product (half sizes)

    torch.complex(parts.narrow (0L, 0L, count), parts.narrow (0L, count, count)).reshape
        [| count; kernel.size 0; kernel.size 1 |]
    |> scope.MoveToOuter

/// <summary>The matrices of a circular convolution at the frequencies of the half spectrum: its singular values are theirs.</summary>
/// <param name="sizes">Sizes of the image, one or two.</param>
/// <param name="kernel">Shape [out; in; *taps], of a cross-correlation, centred on tap (k - 1) / 2; more taps than the image wrap around. Differentiable.</param>
/// <returns>Complex, shape [frequencies; out; in]: n / 2 + 1 frequencies along the last axis, n along the one before, row-major.</returns>
/// <exception cref="T:System.ArgumentException">Sizes out of range, or kernel not real or of another number of axes.</exception>
[<CompiledName("Spectrum")>]
let spectrum (sizes: seq<int64>) (kernel: torch.Tensor) : torch.Tensor =
    spectrumOf (checkSizes sizes kernel) kernel

/// The frames of the module's remarks, for matrices [frequencies; out; in].
let rec private frames (w: torch.Tensor) : torch.Tensor =
    let outputs, inputs = w.size 1, w.size 2

    if outputs < inputs then
        (frames w.mH).mH
    else
        let identity = torch.eye (inputs, dtype = Nullable w.dtype, device = w.device)
        let x = w.narrow (1L, 0L, inputs)
        let turn = x.mH .- x

        if outputs = inputs then
            multiply 2.0 (torch.linalg.inv (identity .+ turn)) .- identity
        else
            let y = w.narrow (1L, inputs, outputs - inputs)
            let inverse = torch.linalg.inv (identity .+ turn .+ y.mH.matmul y)
            torch.cat ([| multiply 2.0 inverse .- identity; multiply -2.0 (y.matmul inverse) |], 1L)

/// One matrix at each frequency: [*batch; in; *sizes] -> [*batch; out; *sizes].
let private filter (sizes: int64[]) (matrices: torch.Tensor) =
    let axes = Array.init sizes.Length (fun axis -> int64 (axis - sizes.Length))
    let inputs, outputs = matrices.size 2, matrices.size 1

    Actions.scoped (fun x ->
        let batch = Array.init (int x.ndim - sizes.Length - 1) x.size

        let shape = Array.concat [ batch; [| outputs |]; sizes ]

        if x.numel () = 0L then
            x.new_zeros shape
        else
            let flat = x.reshape (Array.append [| -1L; inputs |] sizes)
            let waves = torch.fft.rfftn (flat, dim = axes)
            let columns = waves.flatten(2L).permute(2L, 1L, 0L)
            let turned = (matrices.matmul columns).permute(2L, 1L, 0L)
            let spread = turned.reshape (Array.append [| flat.size 0; outputs |] (half sizes))
            (torch.fft.irfftn (spread, s = sizes, dim = axes)).reshape shape)

/// <summary>The orthogonal circular convolution that the Cayley transform makes of a free kernel.</summary>
/// <param name="sizes">Sizes of the image, one or two.</param>
/// <param name="kernel">Any numbers, real, shape [out; in; *taps]. Differentiable. Zeros give the identity on the channels that both sides have.</param>
/// <returns>A map from [in; *sizes] to [out; *sizes]: unitary for out = in, an isometry for out above in, a coisometry below. It keeps the matrices.</returns>
/// <exception cref="T:System.ArgumentException">Sizes out of range, or kernel not real or of another number of axes.</exception>
[<CompiledName("Cayley")>]
let cayley (sizes: seq<int64>) (kernel: torch.Tensor) : LinearMap =
    let sizes = checkSizes sizes kernel
    use scope = torch.NewDisposeScope()
    let matrices = scope.MoveToOuter(frames (spectrumOf sizes kernel))
    let adjoints = scope.MoveToOuter matrices.mH
    let outputs, inputs = kernel.size 0, kernel.size 1

    Build.leaf
        $"FourierConvolution{Guard.showShape (Array.append [| outputs; inputs |] sizes)}"
        (Space.Of(Array.append [| inputs |] sizes))
        (Space.Of(Array.append [| outputs |] sizes))
        (Build.given (outputs >= inputs) Traits.Isometry
         ||| Build.given (outputs <= inputs) Traits.Coisometry)
        (Nullable(TensorKind.ofTensor kernel))
        (filter sizes matrices)
        (filter sizes adjoints)

/// <summary>The kernel of the map <c>cayley</c>: as large as the image.</summary>
/// <param name="sizes">Sizes of the image, one or two.</param>
/// <param name="kernel">As in <c>cayley</c>. Differentiable.</param>
/// <returns>Shape [out; in; *sizes], centred on tap (n - 1) / 2: for a circular cross-correlation.</returns>
/// <exception cref="T:System.ArgumentException">Sizes out of range, or kernel not real or of another number of axes.</exception>
[<CompiledName("CayleyKernel")>]
let cayleyKernel (sizes: seq<int64>) (kernel: torch.Tensor) : torch.Tensor =
    let sizes = checkSizes sizes kernel
    use scope = torch.NewDisposeScope()
    let matrices = (frames (spectrumOf sizes kernel)).conj().permute(1L, 2L, 0L)
    let axes = Array.init sizes.Length (fun axis -> int64 (axis - sizes.Length))

    let spread =
        matrices.reshape (Array.append [| kernel.size 0; kernel.size 1 |] (half sizes))

    let taps = torch.fft.irfftn (spread, s = sizes, dim = axes)
    let centres = sizes |> Array.map (fun n -> (n - 1L) / 2L)
    scope.MoveToOuter(taps.roll (centres, axes))
