/// <summary>Estimates of the largest stable step in time of explicit steppers on spectral grids, and the warning that a step is larger.</summary>
/// <remarks>
/// A mode k of a flow with velocity v has eigenvalue -i k v, of a diffusion -nu |k|^2: the step is stable while h times the largest lies in the method's region.
/// For RK4 that region holds i[-2.828, 2.828] and [-2.785, 0]. Canuto, Hussaini, Quarteroni and Zang 2006, appendix D. Velocities change, and methods that
/// treat the linear part exactly have other regions: estimates, not promises.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.StableStep

open System
open Ortho
open TorchSharp

/// How far RK4's region of stability reaches along the imaginary axis: 2 sqrt 2.
[<CompiledName("ImaginaryReach")>]
let imaginaryReach = 2.0 * sqrt 2.0

/// How far RK4's region of stability reaches along the negative real axis: the root of 1 - z/2 + z^2/6 - z^3/24.
[<CompiledName("RealReach")>]
let realReach = 2.785293563405282

/// The step whose rate, the sum of the parts' rates, is given; no rate allows any step.
let internal ofRate (rate: float) =
    if rate = 0.0 then infinity else 1.0 / rate

/// The largest over points and batch of the sum over axes of |v_a| times the largest kept wavenumber of the axis.
let internal advectiveRate (degree: int) (grid: PeriodicGrid) (velocity: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()

    if velocity.numel () = 0L then
        0.0
    else
        let axis = velocity.ndim - int64 grid.Rank - 1L

        let rates =
            Array.init grid.Rank (fun a ->
                let kept = (grid.Sizes[a] - 1L) / int64 (degree + 1)
                let wavenumber = 2.0 * Math.PI * float kept / grid.Lengths[a]
                velocity.select(axis, int64 a).abs() |> multiply wavenumber)

        number ((Array.reduce (.+) rates).max()) / imaginaryReach

/// The largest -Re of a symbol.
let internal diffusiveRate (symbol: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let real = if symbol.is_complex () then symbol.real else symbol

    let imaginary =
        if symbol.is_complex () then
            number (symbol.imag.abs().max())
        else
            0.0

    max 0.0 (number ((real.negative ()).max())) / realReach
    + imaginary / imaginaryReach

/// <summary>The largest stable step of RK4 for transport by a velocity: 2.828 over the largest sum of |v_a| k_a.</summary>
/// <param name="degree">The flow keeps modes with (degree + 1) |m| &lt; n: 2 for the two-thirds rule, 1 for all but Nyquist's.</param>
/// <param name="grid">The grid.</param>
/// <param name="velocity">Real, shape [*batch; d; n1; ...; nd]: component a along axis a in row a.</param>
/// <returns>Infinity where nothing moves.</returns>
/// <exception cref="T:System.ArgumentException">A degree below 1, or a velocity that does not fit the grid.</exception>
[<CompiledName("Advective")>]
let advective (degree: int) (grid: PeriodicGrid) (velocity: torch.Tensor) : float =
    Guard.positive "degree" degree
    Periodic.checkValues "velocity" grid velocity

    Guard.holds
        "velocity"
        (int velocity.ndim > grid.Rank
         && velocity.size (int velocity.ndim - grid.Rank - 1) = int64 grid.Rank)
        (fun () ->
            $"velocity must have {grid.Rank} components before the axes of the grid, but has shape {Guard.showShape velocity.shape}.")

    ofRate (advectiveRate degree grid velocity)

/// <summary>The largest stable step of RK4 for a diagonal linear part: 2.785 over the largest -Re L for real L (diffusion: nu |k|^2).</summary>
/// <param name="symbol">L, real or complex; an imaginary part adds its own rate, which is on the safe side.</param>
/// <returns>Infinity where nothing decays or turns.</returns>
[<CompiledName("Linear")>]
let linear (symbol: torch.Tensor) : float =
    Guard.floating "symbol" symbol
    Guard.notEmpty "symbol" symbol
    ofRate (diffusiveRate symbol)

/// <summary>Plain text that says that a step is larger than the stable one; empty where it is not.</summary>
/// <param name="timeStep">The step.</param>
/// <param name="stable">The largest stable one, as estimated; NaN is told too.</param>
[<CompiledName("Warning")>]
let warning (timeStep: float) (stable: float) : string =
    if abs timeStep <= stable then
        ""
    else
        $"the step {timeStep:G4} in time is larger than {stable:G4}, the largest step that is estimated to be stable; the state may blow up."
