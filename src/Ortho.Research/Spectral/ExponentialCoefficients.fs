/// <summary>The functions of z = h L that exponential steppers need, for a diagonal L, without cancellation near z = 0.</summary>
/// <remarks>
/// Each is entire in z, so that it is the mean of its values on a circle around z; there the formulas, whose numerators cancel near 0, are safe.
/// 64 points on the circle of radius 1: the error is below rounding. Kassam and Trefethen 2005, SIAM J. Sci. Comput. 26, section 3. Made by plain tensor
/// operations in double precision: differentiable in L.
/// </remarks>
[<RequireQualifiedAccess>]
module internal Ortho.ExponentialCoefficients

open System
open Ortho
open TorchSharp

/// Points on the circle. Those of real numbers come in conjugate pairs, of which one is enough.
let private points = 64

/// The mean over the circle around z of a function of z that is given with exp z and exp (z/2).
let private mean (formula: torch.Tensor -> torch.Tensor -> torch.Tensor) (z: torch.Tensor) =
    let isReal = not (z.is_complex ())
    let count = if isReal then points / 2 else points

    let place (j: int) =
        let angle = 2.0 * Math.PI * (float j + 0.5) / float points
        let shift = (vector TensorKind.float64 [| cos angle; sin angle |]).``to`` z.device
        let shift = torch.complex (shift[0], shift[1])
        let z = z .+ shift
        let value = formula z (z.exp ())
        if isReal then value.real else value

    let mutable sum = place 0

    for j in 1 .. count - 1 do
        use previous = sum
        sum <- Actions.scoped (fun previous -> previous .+ place j) previous

    multiply (1.0 / float count) sum

/// L in double precision, times the step.
let private scaled (step: float) (symbol: torch.Tensor) =
    let dtype =
        if symbol.is_complex () then
            torch.complex128
        else
            torch.float64

    multiply step (symbol.``to`` dtype)

let private over (power: int) (z: torch.Tensor) (numerator: torch.Tensor) =
    let divisor =
        if power = 1 then z
        elif power = 2 then z .* z
        else z .* z .* z

    numerator.div divisor

/// exp (factor h L), in the type of L.
let exponential (factor: float) (step: float) (symbol: torch.Tensor) : torch.Tensor =
    symbol
    |> Actions.scoped (fun symbol -> (scaled (factor * step) symbol).exp().``to`` symbol.dtype)

/// h times the mean of a formula, in the type of L.
let private coefficient (step: float) (symbol: torch.Tensor) (formula: torch.Tensor -> torch.Tensor -> torch.Tensor) =
    symbol
    |> Actions.scoped (fun symbol -> (scaled step symbol |> mean formula |> multiply step).``to`` symbol.dtype)

/// h phi_1(z) = h (exp z - 1)/z.
let first (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z e -> plus -1.0 e |> over 1 z)

/// h phi_2(z) = h (exp z - 1 - z)/z^2.
let second (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z e -> plus -1.0 e .- z |> over 2 z)

/// h (exp(z/2) - 1)/z.
let half (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z _ -> plus -1.0 ((multiply 0.5 z).exp()) |> over 1 z)

/// h (-4 - z + exp z (4 - 3z + z^2))/z^3, the weight of N at the start: Kassam and Trefethen's f1.
let atStart (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z e ->
        let inner = z .* z |> addMultiple -3.0 z |> plus 4.0
        plus -4.0 (e .* inner .- z) |> over 3 z)

/// h (2 + z + exp z (z - 2))/z^3, half the weight of each N in the middle: f2.
let inMiddle (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z e -> plus 2.0 z .+ (e .* plus -2.0 z) |> over 3 z)

/// h (-4 - 3z - z^2 + exp z (4 - z))/z^3, the weight of N at the end: f3.
let atEnd (step: float) (symbol: torch.Tensor) =
    coefficient step symbol (fun z e ->
        let outer = (z .* z).negative() |> addMultiple -3.0 z |> plus -4.0
        outer .+ (e .* plus 4.0 (z.negative ())) |> over 3 z)
