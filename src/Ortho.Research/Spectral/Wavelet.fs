namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// What a wavelet transform takes for the entries beyond the ends of a row.
[<RequireQualifiedAccess>]
type WaveletBorder =
    /// The row again: for even lengths.
    | Periodic
    /// The row mirrored at its end entries (whole-point, as in JPEG 2000): for any length; for biorthogonal wavelets only.
    | Symmetric

/// How a wavelet is computed.
[<NoEquality; NoComparison>]
type internal WaveletForm =
    /// The taps of an orthonormal scaling filter.
    | Orthonormal of float[]
    | Lifting of WaveletLifting.Scheme

/// <summary>A wavelet with compact support, by its two pairs of filters, and what it takes at borders.</summary>
[<Sealed; NoEquality; NoComparison>]
type Wavelet internal (name: string, form: WaveletForm, border: WaveletBorder, moments: int, filters: Lazy<float[][]>) =

    let list (index: int) : IReadOnlyList<float> = Array.AsReadOnly filters.Value[index]

    member internal _.Form = form
    member internal _.Filters = filters

    /// For instance "db4", as PyWavelets calls it.
    member _.Name = name

    /// What it takes for the entries beyond the ends.
    member _.Border = border

    /// Whether its transform with periodic border is unitary.
    member _.IsOrthogonal = form.IsOrthonormal

    /// How many vanishing moments its details have: they are zero on polynomials of lower degree.
    member _.VanishingMoments = moments

    /// <summary>Analysis taps: approximation k is the sum over m of tap m times x[2k + m - c], c = taps/2 - 1 for orthogonal wavelets and the middle
    /// for biorthogonal ones. They sum to sqrt 2.</summary>
    member _.LowPass = list 0

    /// <summary>Analysis taps of details: detail k is the sum over m of tap m times x[2k + m - c], with c as for approximations for orthogonal
    /// wavelets, and x[2k + 1 + m - c] with c the middle for biorthogonal ones.</summary>
    member _.HighPass = list 1

    /// Synthesis taps: approximation k adds tap m times itself to x[2k + m - c]. They sum to sqrt 2.
    member _.SynthesisLowPass = list 2

    /// Synthesis taps: detail k adds tap m times itself to where analysis of details read.
    member _.SynthesisHighPass = list 3

    override _.ToString() =
        if border = WaveletBorder.Symmetric then
            $"{name}, symmetric"
        else
            name

/// <summary>Wavelets: Haar, Daubechies, symlets, and the biorthogonal 5/3 and 9/7 of JPEG 2000.</summary>
/// <remarks>Daubechies 1992, Ten Lectures on Wavelets. Orders, signs and positions are PyWavelets' (mode "periodization") for the orthogonal ones; the
/// details of 5/3 and 9/7 have JPEG 2000's sign and place, opposite to PyWavelets' bior2.2 and bior4.4.</remarks>
[<RequireQualifiedAccess>]
module Wavelet =

    let private orthogonal (name: string) (low: float[]) =
        let high = WaveletFilter.mirror low

        Wavelet(name, Orthonormal low, WaveletBorder.Periodic, low.Length / 2, lazy [| low; high; low; high |])

    /// Row by row, what a matrix of analysis or synthesis holds around its middle.
    let private lifted (name: string) (moments: int) (scheme: WaveletLifting.Scheme) =
        let filters =
            lazy
                (use _ = torch.NewDisposeScope()
                 let n, middle = 32L, 8

                 let rows (action: torch.Tensor -> torch.Tensor) =
                     let images = action (torch.eye (n, dtype = Nullable torch.float64))
                     let numbers = images.t().contiguous().data<float>().ToArray()
                     Array.init (int n) (fun row -> numbers[row * int n .. row * int n + int n - 1])

                 let trimmed (row: float[]) =
                     let isTap x = x <> 0.0
                     row[Array.findIndex isTap row .. Array.findIndexBack isTap row]

                 let analysis = rows (WaveletLifting.analyze scheme true n)
                 let synthesis = rows (WaveletLifting.synthesizeTransposed scheme true n)

                 [|
                     analysis[middle]
                     analysis[16 + middle]
                     synthesis[middle]
                     synthesis[16 + middle]
                 |]
                 |> Array.map trimmed)

        Wavelet(name, Lifting scheme, WaveletBorder.Periodic, moments, filters)

    /// Haar's wavelet: sums and differences of neighbours, over sqrt 2.
    let haar: Wavelet =
        let half = sqrt 0.5
        orthogonal "haar" [| half; half |]

    /// <summary>Daubechies' wavelet with N vanishing moments and 2N taps, of extremal phase.</summary>
    /// <param name="moments">N, from 1 (Haar) to 10.</param>
    /// <exception cref="T:System.ArgumentException">N is out of range.</exception>
    let daubechies (moments: int) : Wavelet =
        Guard.between "moments" 1 WaveletFilter.largest moments
        orthogonal $"db{moments}" (WaveletFilter.daubechies moments)

    /// <summary>Daubechies' least asymmetric wavelet with N vanishing moments and 2N taps.</summary>
    /// <param name="moments">N, from 2 to 10.</param>
    /// <exception cref="T:System.ArgumentException">N is out of range.</exception>
    /// <remarks>Of all choices of roots the one whose phase is nearest to linear; of it and its mirror image the one in PyWavelets' tables, which
    /// have 12 digits only.</remarks>
    let symlet (moments: int) : Wavelet =
        Guard.between "moments" 2 WaveletFilter.largest moments
        orthogonal $"sym{moments}" (WaveletFilter.symlet moments)

    /// The biorthogonal 5/3 of LeGall and Tabatabai (JPEG 2000's reversible filter, here in real numbers): 2 vanishing moments on both sides.
    let biorthogonal53: Wavelet = lifted "5/3" 2 WaveletLifting.fiveThree

    /// The biorthogonal 9/7 of Cohen, Daubechies and Feauveau (JPEG 2000's irreversible filter): 4 vanishing moments on both sides.
    let biorthogonal97: Wavelet = lifted "9/7" 4 WaveletLifting.nineSeven

    /// <summary>The same wavelet with a symmetric border: for any length, even or odd.</summary>
    /// <exception cref="T:System.ArgumentException">An orthogonal wavelet: filters that are not symmetric reach no exact
    /// reconstruction with mirrored borders unless there are more coefficients than entries.</exception>
    let symmetric (wavelet: Wavelet) : Wavelet =
        Guard.notNull "wavelet" wavelet

        Guard.holds "wavelet" (not wavelet.IsOrthogonal) (fun () ->
            $"wavelet must be biorthogonal (5/3 or 9/7) for a symmetric border, but is {wavelet}, whose filters are not symmetric.")

        Wavelet(wavelet.Name, wavelet.Form, WaveletBorder.Symmetric, wavelet.VanishingMoments, wavelet.Filters)

// What a C# program calls.
type Wavelet with

    /// Haar's wavelet.
    static member Haar = Wavelet.haar

    /// Daubechies' wavelet with the given vanishing moments, from 1 to 10.
    static member Daubechies(moments: int) = Wavelet.daubechies moments

    /// Daubechies' least asymmetric wavelet with the given vanishing moments, from 2 to 10.
    static member Symlet(moments: int) = Wavelet.symlet moments

    /// The biorthogonal 5/3.
    static member Biorthogonal53 = Wavelet.biorthogonal53

    /// The biorthogonal 9/7.
    static member Biorthogonal97 = Wavelet.biorthogonal97

    /// The same wavelet with a symmetric border.
    member this.Symmetric() = Wavelet.symmetric this
