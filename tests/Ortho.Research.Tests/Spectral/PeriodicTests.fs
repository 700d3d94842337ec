module Ortho.Tests.PeriodicTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private kind = TensorKind.float64

/// A grid of one to three axes, of odd and even sizes, from a seed.
let gridOf (case: Case) =
    let random = Random case.Seed
    let rank = 1 + random.Next 3

    Periodic.grid
        (Array.init rank (fun _ -> 1L + int64 (random.Next 7)))
        (Array.init rank (fun _ -> 0.5 + random.NextDouble()))

let private law name (residual: Case -> PeriodicGrid -> float) =
    Property.check Property.config name (fun case -> residual case (gridOf case) |> Property.within 1e-12 name)

let private draw (case: Case) (grid: PeriodicGrid) =
    case.Draw { Bench.double.Head with Kind = kind } grid.Space

/// Values of the sum of a_m exp(i k_m x) over all points, where the modes of every axis are |m| < n/2: what the plain formula says.
type private Polynomial =
    {
        Modes: int[][]
        Factors: (float * float)[]
    }

let private polynomial (seed: int) (grid: PeriodicGrid) =
    let random = Random seed
    let terms = 3

    {
        Modes =
            Array.init terms (fun _ ->
                Array.init grid.Rank (fun axis ->
                    let most = int (grid.Sizes[axis] - 1L) / 2
                    random.Next(-most, most + 1)))
        Factors = Array.init terms (fun _ -> random.NextDouble() - 0.5, random.NextDouble() - 0.5)
    }

/// sum of Re (a exp(i k x)), with the derivative of an order along an axis: by cosines and sines.
let private evaluate (p: Polynomial) (axis: int) (order: int) (points: torch.Tensor) (lengths: float[]) =
    let columns = points.reshape (points.size 0, -1L)
    let count = int (columns.size 1)

    let places =
        Array.init lengths.Length (fun a -> columns[int64 a].data<float>().ToArray())

    Array.init count (fun j ->
        Array.map2
            (fun (modes: int[]) (re, im) ->
                let k = Array.mapi (fun a m -> 2.0 * Math.PI * float m / lengths[a]) modes
                let phase = Seq.sum (Seq.mapi (fun a k -> k * places[a][j]) k)
                let turned = phase + Math.PI / 2.0 * float order
                Math.Pow(k[axis], float order) * (re * cos turned - im * sin turned))
            p.Modes
            p.Factors
        |> Array.sum)
    |> fun numbers -> torch.tensor(numbers).reshape points.shape[1..]

let tests =
    testList
        "Periodic grids"
        [
            law "values come back from their spectrum" (fun case grid ->
                let x = draw case grid
                Law.distance (Periodic.toValues grid (Periodic.toSpectrum grid x)) x)

            law "Parseval: the inner product of spectra is that of values" (fun case grid ->
                let x, y = draw case grid, draw { case with Seed = case.Seed + 1 } grid
                let axes = Array.init grid.Rank (fun a -> int64 (a - grid.Rank))
                let plain = multiply (grid.Volume / float grid.Space.Size) (x.mul(y).sum axes)
                let scale = multiply (grid.Volume / float grid.Space.Size) (x.square().sum axes)

                let inner =
                    Periodic.inner grid (Periodic.toSpectrum grid x) (Periodic.toSpectrum grid y)

                let error = inner.sub(plain).abs().max().item<float>()
                error / scale.max().item<float>())

            law "derivatives are exact on trigonometric polynomials" (fun case grid ->
                let p = polynomial case.Seed grid
                let axis, order = case.Seed % grid.Rank, case.Second % 4
                let points = Periodic.points kind grid
                let lengths = Seq.toArray grid.Lengths
                let u = evaluate p axis 0 points lengths
                let exact = evaluate p axis order points lengths
                let derived = (PeriodicMaps.derivative axis order grid).Apply u
                let largest = Math.PI * float grid.Sizes[axis] / grid.Lengths[axis]
                // Rounding of u grows with the largest wavenumber.
                derived.sub(exact).abs().max().item<float>() / (Math.Pow(largest, float order)))

            law "odd derivatives are skew, so that the derivative of a square integrates to 0" (fun case grid ->
                let x = draw case grid
                let axis = case.Seed % grid.Rank
                let derivative = PeriodicMaps.derivative axis 1 grid
                let largest = Math.PI * float grid.Sizes[axis] / grid.Lengths[axis]

                (derivative.Apply(x).add(derivative.Adjoint.Apply x)).norm().item<float>()
                / (largest * x.norm().item<float>()))

            law "the Laplacian is the sum of second derivatives" (fun case grid ->
                let x = draw case grid

                let sum =
                    Array.init grid.Rank (fun axis -> (PeriodicMaps.derivative axis 2 grid).Apply x)
                    |> Array.reduce (.+)

                Law.distance ((PeriodicMaps.laplacian grid).Apply x) sum)

            law "the inverse Laplacian gives back all but the mean" (fun case grid ->
                let x = draw case grid
                let axes = Array.init grid.Rank (fun a -> int64 (a - grid.Rank))
                let centred = x.sub (x.mean (axes, keepdim = true))

                let back =
                    (PeriodicMaps.inverseLaplacian grid).Apply((PeriodicMaps.laplacian grid).Apply x)

                back.sub(centred).norm().item<float>() / x.norm().item<float>())

            law "a finer grid interpolates: the function takes the same values there" (fun case grid ->
                let p = polynomial case.Seed grid
                let random = Random(Seed.derive case.Seed 3)

                let fine =
                    Periodic.grid (grid.Sizes |> Seq.map (fun n -> n + int64 (random.Next 5))) grid.Lengths

                let lengths = Seq.toArray grid.Lengths

                let on (g: PeriodicGrid) =
                    evaluate p 0 0 (Periodic.points kind g) lengths

                let resampled = PeriodicMaps.resample grid fine (Periodic.toSpectrum grid (on grid))

                let error =
                    (Periodic.toValues fine resampled).sub(on fine).abs().max().item<float>()
                // And the spectrum is the one that the values have: the transform of a real function.
                max error (Law.distance (Periodic.toSpectrum fine (on fine)) resampled))

            law "any values, Nyquist's mode too, come back from a finer grid" (fun case grid ->
                let random = Random(Seed.derive case.Seed 3)

                let fine =
                    Periodic.grid (grid.Sizes |> Seq.map (fun n -> n + int64 (random.Next 5))) grid.Lengths

                let x = Periodic.toSpectrum grid (draw case grid)
                let up = PeriodicMaps.resample grid fine x
                let down = PeriodicMaps.resample fine grid up
                // The finer spectrum is that of a real function: it survives the way through its values.
                max (Law.distance down x) (Law.distance (Periodic.toSpectrum fine (Periodic.toValues fine up)) up))

            law "a coarser spectrum is that of real values too" (fun case grid ->
                let random = Random(Seed.derive case.Seed 5)

                let coarse =
                    Periodic.grid (grid.Sizes |> Seq.map (fun n -> max 1L (n - int64 (random.Next 5)))) grid.Lengths

                let down =
                    PeriodicMaps.resample grid coarse (Periodic.toSpectrum grid (draw case grid))

                let back = Periodic.toSpectrum coarse (Periodic.toValues coarse down)

                back.sub(down).norm().item<float>()
                / (draw case grid).norm().item<float>()
                / float grid.Space.Size)

            law "the padded product is the exact product without the modes that the grid lacks" (fun case grid ->
                let p, q = polynomial case.Seed grid, polynomial (case.Seed + 1) grid
                let lengths = Seq.toArray grid.Lengths
                // A grid on which nothing aliases.
                let wide = Periodic.grid (grid.Sizes |> Seq.map (fun n -> 2L * n + 1L)) grid.Lengths

                let on (g: PeriodicGrid) polynomial =
                    evaluate polynomial 0 0 (Periodic.points kind g) lengths

                let exact = Periodic.toSpectrum wide ((on wide p).mul(on wide q))
                let kept = PeriodicSymbol.keptModes kind 1 grid

                let wanted =
                    (PeriodicMaps.resample wide grid exact).mul kept |> Periodic.toValues grid

                (PeriodicMaps.product grid (on grid p) (on grid q)).sub(wanted).abs().max().item<float>())

            law "the two-thirds rule: products of kept modes do not alias into them" (fun case grid ->
                let kept = PeriodicSymbol.keptModes kind 2 grid

                let cut seed =
                    (Periodic.toSpectrum grid (Seed.normal seed kind grid.Space.Axes)).mul kept
                    |> Periodic.toValues grid

                let u, v = cut case.Seed, cut (case.Seed + 1)
                let plain = (Periodic.toSpectrum grid (u.mul v)).mul kept |> Periodic.toValues grid

                let exact =
                    (Periodic.toSpectrum grid (PeriodicMaps.product grid u v)).mul kept
                    |> Periodic.toValues grid

                plain.sub(exact).abs().max().item<float>())

            testCase "wavenumbers by hand, odd and even" (fun () ->
                use _ = torch.NewDisposeScope()

                let numbers (x: torch.Tensor) =
                    x.flatten().data<float>().ToArray() |> Array.toList

                let grid = Periodic.grid [ 4L; 5L ] [ 2.0 * Math.PI; 2.0 * Math.PI ]
                Expect.equal (numbers (PeriodicSymbol.wavenumbers kind 0 grid)) [ 0.0; 1.0; -2.0; -1.0 ] "even, whole"
                Expect.equal (numbers (PeriodicSymbol.wavenumbers kind 1 grid)) [ 0.0; 1.0; 2.0 ] "odd, half"
                let line = Periodic.grid [ 4L ] [ 2.0 * Math.PI ]
                Expect.equal (numbers (PeriodicSymbol.derivative kind 0 1 line).imag) [ 0.0; 1.0; 0.0 ] "Nyquist, odd"

                Expect.equal
                    (numbers (PeriodicSymbol.derivative kind 0 2 line).real)
                    [ 0.0; -1.0; -4.0 ]
                    "Nyquist, even"

                Expect.equal
                    (numbers (PeriodicSymbol.keptModes kind 2 (Periodic.grid [ 9L ] [ 1.0 ])))
                    [ 1.0; 1.0; 1.0; 0.0; 0.0 ]
                    "9: up to 2"

                let paddedSize n =
                    (PeriodicMaps.padded (Periodic.grid [ n ] [ 1.0 ])).Sizes[0]

                Expect.equal [ paddedSize 256L; paddedSize 5L ] [ 384L; 8L ] "three halves")

            testCase "empty batches" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 4L; 5L ] [ 1.0; 1.0 ]
                let none = torch.zeros ([| 2L; 0L; 4L; 5L |], dtype = torch.float32)
                let spectrum = Periodic.toSpectrum grid none
                Expect.equal spectrum.shape [| 2L; 0L; 4L; 3L |] "spectrum"
                Expect.equal spectrum.dtype torch.complex64 "type"
                let back = Periodic.toValues grid spectrum
                Expect.equal (back.shape, back.dtype) (none.shape, torch.float32) "values"
                Expect.equal (PeriodicMaps.product grid none none).shape none.shape "product"
                Expect.equal (Periodic.inner grid spectrum spectrum).shape [| 2L; 0L |] "inner")

            testCase "the transforms have the right gradients" (fun () ->
                use _ = torch.NewDisposeScope()

                for sizes in [ [ 4L; 5L ]; [ 5L; 4L ]; [ 3L ] ] do
                    let grid = Periodic.grid sizes (sizes |> List.map (fun _ -> 1.5))
                    let x = Seed.normal 1 kind (2L :: sizes)

                    let square (x: torch.Tensor) =
                        let s = Periodic.toSpectrum grid x in Periodic.inner grid s s

                    Expect.isLessThan (Law.gradient 1 square x) Bench.gradient "Parseval"

                    Expect.isLessThan
                        (Law.gradient 1 (fun x -> PeriodicMaps.product grid x x) x)
                        Bench.gradient
                        "product")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let grid = Periodic.grid [ 4L; 5L ] [ 1.0; 1.0 ]
                let x = torch.zeros ([| 4L; 5L |], dtype = torch.float64)
                Refusal.expect "no axis" (fun () -> Periodic.grid [] [] |> ignore)
                Refusal.expect "n = 0" (fun () -> Periodic.grid [ 0L ] [ 1.0 ] |> ignore)
                Refusal.expect "length" (fun () -> Periodic.grid [ 4L ] [ 0.0 ] |> ignore)
                Refusal.expect "length NaN" (fun () -> Periodic.grid [ 4L ] [ nan ] |> ignore)
                Refusal.expect "lengths" (fun () -> Periodic.grid [ 4L ] [ 1.0; 1.0 ] |> ignore)
                Refusal.expect "complex values" (fun () -> Periodic.toSpectrum grid (torch.complex (x, x)) |> ignore)
                Refusal.expect "another grid" (fun () -> Periodic.toSpectrum grid (x.t ()) |> ignore)
                Refusal.expect "real spectrum" (fun () -> Periodic.toValues grid x |> ignore)
                Refusal.expect "axis" (fun () -> PeriodicMaps.derivative 2 1 grid |> ignore)
                Refusal.expect "order" (fun () -> PeriodicMaps.derivative 0 -1 grid |> ignore)
                Refusal.expect "degree" (fun () -> PeriodicMaps.truncation 0 grid |> ignore)
                Refusal.expect "integers" (fun () -> Periodic.points (TensorKind.cpu torch.int64) grid |> ignore)

                Refusal.expect "rank" (fun () ->
                    PeriodicMaps.resample grid (Periodic.grid [ 4L ] [ 1.0 ]) (Periodic.toSpectrum grid x)
                    |> ignore))
        ]
