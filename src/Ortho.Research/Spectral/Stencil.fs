namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>Stencils of 3 weights on lines and of 3 x 3 on pictures, the same at every point, with zeros outside, as linear maps.</summary>
/// <remarks>Weights are row-major, the middle one in the middle. They stay the same at every point when a grid is coarsened.</remarks>
[<RequireQualifiedAccess>]
module Stencil =

    let internal checkGrid (space: Space) =
        Guard.notNull "space" space

        Guard.holds "space" (space.Rank = 1 || space.Rank = 2) (fun () ->
            $"space must be a grid of one axis or two, but is {space}.")

    /// The weights of a stencil, row-major: 3 for one axis, 9 for two.
    let internal checkStencil (stencil: seq<float>) (axes: int) : float[] =
        Guard.notNull "stencil" stencil
        let weights = Seq.toArray stencil
        let count = if axes = 1 then 3 else 9

        Guard.holds "stencil" (weights.Length = count && Array.forall Double.IsFinite weights) (fun () ->
            let shown = String.Join("; ", weights)
            $"stencil must be {count} finite weights on a grid of {axes} axes, but is [{shown}].")

        weights

    /// <summary>The stencil of minus the Laplacian at distance 1: (-1, 2, -1), or -1 at four neighbours and 4 in the middle.</summary>
    /// <param name="axes">1 or 2.</param>
    /// <exception cref="T:System.ArgumentException">Another number of axes.</exception>
    [<CompiledName("Laplacian")>]
    let laplacian (axes: int) : IReadOnlyList<float> =
        Guard.between "axes" 1 2 axes

        Array.AsReadOnly(
            if axes = 1 then
                [| -1.0; 2.0; -1.0 |]
            else
                [| 0.0; -1.0; 0.0; -1.0; 4.0; -1.0; 0.0; -1.0; 0.0 |]
        )

    /// <summary>The operator of a stencil: y_i = sum over d of w_d x_(i + d), d = -1, 0, 1 on each axis, with zeros outside.</summary>
    /// <param name="stencil">3 weights for one axis; 9, row-major, for two.</param>
    /// <param name="space">The grid.</param>
    /// <returns>A map of the grid; self-adjoint for a stencil that is symmetric about its middle.</returns>
    /// <exception cref="T:System.ArgumentException">Another number of weights or axes, or a weight that is not finite.</exception>
    [<CompiledName("Operator")>]
    let operator (stencil: seq<float>) (space: Space) : LinearMap =
        checkGrid space
        let axes = space.Rank
        let weights = checkStencil stencil axes

        let act (weights: float[]) =
            Actions.scoped (fun x ->
                let y = multiply weights[weights.Length / 2] x

                for i in 0 .. weights.Length - 1 do
                    // The shift on each axis, first axis first.
                    let shifts = if axes = 1 then [| i - 1 |] else [| i / 3 - 1; i % 3 - 1 |]
                    let inside = Array.forall2 (fun (d: int) n -> int64 (abs d) < n) shifts space.Axes

                    if i <> weights.Length / 2 && weights[i] <> 0.0 && inside then
                        let part (sign: int) (z: torch.Tensor) =
                            Seq.init axes id
                            |> Seq.fold
                                (fun (z: torch.Tensor) axis ->
                                    let d = int64 (sign * shifts[axis])
                                    z.narrow (z.ndim - int64 (axes - axis), max d 0L, space.Axes[axis] - abs d))
                                z

                        addInPlace (part -1 y) (multiply weights[i] (part 1 x))

                y)

        let traits = Build.given (weights = Array.rev weights) Traits.SelfAdjoint

        Build.leaf $"A{space}" space space traits (Nullable()) (act weights) (act (Array.rev weights))
        |> LinearFunction.Wrap

    /// <summary>The stencil of R A P on the coarser grid: on one axis (-1, 2, -1) becomes a quarter of itself.</summary>
    /// <param name="stencil">3 weights, or 9, row-major, of A.</param>
    /// <returns>As many weights.</returns>
    /// <exception cref="T:System.ArgumentException">Another number of weights, or a weight that is not finite.</exception>
    [<CompiledName("Galerkin")>]
    let galerkin (stencil: seq<float>) : IReadOnlyList<float> =
        Guard.notNull "stencil" stencil
        let given = Seq.toArray stencil
        let axes = if given.Length = 9 then 2 else 1
        let weights = checkStencil given axes
        // On one axis R A P takes weight d to weight c by the sum over i, j of (1/4, 1/2, 1/4)_i (1/2, 1, 1/2)_j where i + d - j = 2 c.
        let share =
            Array2D.init 3 3 (fun c d ->
                Seq.sum (
                    seq {
                        for i in -1 .. 1 do
                            for j in -1 .. 1 do
                                if i + (d - 1) - j = 2 * (c - 1) then
                                    0.5 / float (1 <<< abs i) / float (1 <<< abs j)
                    }
                ))

        Array.AsReadOnly(
            if axes = 1 then
                Array.init 3 (fun c -> Seq.sum (seq { for d in 0..2 -> share[c, d] * weights[d] }))
            else
                Array.init 9 (fun c ->
                    Seq.sum (seq { for d in 0..8 -> share[c / 3, d / 3] * share[c % 3, d % 3] * weights[d] }))
        )

    /// <summary>A damped Jacobi sweep from zero: damping over the diagonal, times the residual.</summary>
    /// <param name="damping">Above 0; 2/3 for one axis damps the upper half of the frequencies by 3, whatever the grid.</param>
    /// <param name="stencil">The weights of the operator; the middle one, its diagonal, not 0.</param>
    /// <param name="space">The grid.</param>
    /// <returns>A multiple of the identity.</returns>
    /// <exception cref="T:System.ArgumentException">Another number of weights or axes, a middle weight of 0, or a damping that is not positive.</exception>
    [<CompiledName("Jacobi")>]
    let jacobi (damping: float) (stencil: seq<float>) (space: Space) : LinearMap =
        checkGrid space
        Guard.finite "damping" damping
        Guard.holds "damping" (damping > 0.0) (fun () -> $"damping must be above 0, but is {damping}.")
        let weights = checkStencil stencil space.Rank
        let diagonal = weights[weights.Length / 2]
        Guard.holds "stencil" (diagonal <> 0.0) (fun () -> "stencil must have a middle weight other than 0, but has 0.")
        LinearMap.identity space |> LinearMap.scale (damping / diagonal)
