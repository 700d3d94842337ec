/// <summary>How disordered a field on a plane grid is: entropy of its histogram, and an index of several such measures.</summary>
[<RequireQualifiedAccess>]
module Ortho.FieldComplexity

open System
open Ortho
open TorchSharp

let private values (name: string) (field: torch.Tensor) : float[] =
    Guard.real name field
    Guard.notEmpty name field
    Guard.finiteEntries name field
    use _ = torch.NewDisposeScope()
    field.detach().``to``(torch.float64, torch.CPU).contiguous().data<float>().ToArray()

let private meanOf (numbers: float[]) = Array.average numbers

let private momentOf (power: int) (numbers: float[]) =
    let mean = meanOf numbers
    numbers |> Array.averageBy (fun x -> pown (x - mean) power)

/// The probabilities of equal bins from the least to the greatest value, the last one closed. Edges have the field's own precision, as NumPy's.
let private histogram (isSingle: bool) (bins: int) (numbers: float[]) =
    let least, most = Array.min numbers, Array.max numbers
    let width = (most - least) / float bins

    let edge (i: int) =
        let exact = least + width * float i

        if i = bins then most
        elif isSingle then float (float32 exact)
        else exact

    let counts = Array.zeroCreate<int> bins

    if width > 0.0 then
        for x in numbers do
            let mutable bin = min (int ((x - least) / width)) (bins - 1)

            if x < edge bin then
                bin <- bin - 1
            elif bin < bins - 1 && x >= edge (bin + 1) then
                bin <- bin + 1

            counts[bin] <- counts[bin] + 1
    else
        counts[0] <- numbers.Length

    counts |> Array.map (fun count -> float count / float numbers.Length)

let private entropyOf (field: torch.Tensor) (bins: int) (numbers: float[]) =
    histogram (field.dtype = torch.float32) bins numbers
    |> Array.sumBy (fun p -> if p > 0.0 then -p * log p else 0.0)

/// <summary>The entropy of a field's values, -sum p log p over equal bins between its least and its greatest value.</summary>
/// <param name="bins">Number of bins, at least 1.</param>
/// <param name="field">Any shape, not empty, finite.</param>
/// <returns>Nats, from 0 (a constant) to log bins.</returns>
/// <exception cref="T:System.ArgumentException">No bins, or an empty field or one with NaN or infinite entries.</exception>
[<CompiledName("Entropy")>]
let entropy (bins: int) (field: torch.Tensor) : float =
    Guard.positive "bins" bins
    entropyOf field bins (values "field" field)

/// <summary>0.3 entropy (50 bins) + 0.3 standard deviation of |gradient| + 0.2 standard deviation over range + 0.2 log (1 + |excess kurtosis|).</summary>
/// <param name="field">[rows; columns], at least 2 x 2, finite. The gradient has unit spacing, one-sided at the ends.</param>
/// <remarks>It depends on the grid, since the gradient does. Source: Herho et al. 2509.16080, section on complexity. A constant has index 0.</remarks>
/// <exception cref="T:System.ArgumentException">Not a plane field of at least 2 x 2 finite entries.</exception>
[<CompiledName("Index")>]
let index (field: torch.Tensor) : float =
    Guard.live "field" field
    Guard.rank "field" 2 field

    Guard.holds "field" (field.size 0 >= 2L && field.size 1 >= 2L) (fun () ->
        $"field must be at least 2 x 2, but has shape {Guard.showShape field.shape}.")

    let numbers = values "field" field
    let rows, columns = int (field.size 0), int (field.size 1)

    let slope (count: int) (i: int) (at: int -> float) =
        let before, after = max (i - 1) 0, min (i + 1) (count - 1)
        (at after - at before) / float (after - before)

    let gradient =
        Array.init numbers.Length (fun place ->
            let i, j = place / columns, place % columns

            sqrt (
                slope rows i (fun i -> numbers[i * columns + j]) ** 2.0
                + slope columns j (fun j -> numbers[i * columns + j]) ** 2.0
            ))

    let variance = momentOf 2 numbers
    let range = Array.max numbers - Array.min numbers

    if range = 0.0 then
        0.0
    else
        0.3 * entropyOf field 50 numbers
        + 0.3 * sqrt (momentOf 2 gradient)
        + 0.2 * sqrt variance / range
        + 0.2 * log (1.0 + abs (momentOf 4 numbers / (variance * variance) - 3.0))

/// <summary>Standard deviation of the density times the root mean square of the vorticity: what the authors call mixing efficiency.</summary>
/// <param name="density">Any shape, not empty, finite.</param>
/// <param name="vorticity">Any shape, not empty, finite.</param>
/// <remarks>Proportional to the density contrast: divide by it before flows of different contrast are compared. Source: 2509.16080.</remarks>
/// <exception cref="T:System.ArgumentException">An empty field, or one with NaN or infinite entries.</exception>
[<CompiledName("Mixing")>]
let mixing (density: torch.Tensor) (vorticity: torch.Tensor) : float =
    sqrt (momentOf 2 (values "density" density))
    * sqrt (values "vorticity" vorticity |> Array.averageBy (fun x -> x * x))
