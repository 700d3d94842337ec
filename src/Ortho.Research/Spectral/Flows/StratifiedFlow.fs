namespace Ortho

open System
open TorchSharp

/// <summary>A stratified shear flow in a box, in Boussinesq's approximation: u along x (columns), w along z (rows, upwards), density around 1.</summary>
/// <remarks>
/// u_t + (u.grad) u = -grad p + Lap u / Re - 9.81 Ri (density - 1) e_z, density_t + u.grad density = Lap density / Re, div u = 0. Walls below and above.
/// A state is [*batch; 3; rows; columns]: u, w, density.
/// </remarks>
type StratifiedFlow =
    {
        /// Above 0; the viscosity of velocity and density is 1 / Reynolds.
        Reynolds: float
        /// At least 0.
        Richardson: float
        /// Rows of the grid, at least 5.
        Rows: int64
        /// Columns of the grid, at least 5.
        Columns: int64
        /// Of the box along x, above 0.
        Length: float
        /// Of the box along z, above 0.
        Height: float
    }

    /// Viscosity of velocity and density.
    member this.Viscosity = 1.0 / this.Reynolds

    /// Downward acceleration of a density of 2.
    member this.Gravity = 9.81 * this.Richardson

    /// Shape of a state: [3; rows; columns].
    member this.Space = Space.Of(3L, this.Rows, this.Columns)

    /// <summary>A flow in the box 2 x 1.</summary>
    /// <param name="reynolds">Above 0.</param>
    /// <param name="richardson">At least 0.</param>
    /// <param name="rows">Along z, at least 5.</param>
    /// <param name="columns">Along x, at least 5.</param>
    /// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
    static member Create(reynolds: float, richardson: float, rows: int64, columns: int64) : StratifiedFlow =
        Guard.finite "reynolds" reynolds
        Guard.holds "reynolds" (reynolds > 0.0) (fun () -> $"reynolds must be above 0, but is {reynolds}.")
        Guard.finite "richardson" richardson
        Guard.holds "richardson" (richardson >= 0.0) (fun () -> $"richardson must be at least 0, but is {richardson}.")
        Guard.atLeast "rows" 5L rows
        Guard.atLeast "columns" 5L columns

        {
            Reynolds = reynolds
            Richardson = richardson
            Rows = rows
            Columns = columns
            Length = 2.0
            Height = 1.0
        }

/// States of flows.
module internal FlowState =

    /// Refuses what is not a real tensor [*batch; shape of a state].
    let check (space: Space) (state: torch.Tensor) =
        Guard.real "state" state
        let rank = space.Rank

        Guard.holds
            "state"
            (int state.ndim >= rank
             && state.shape[int state.ndim - rank ..].AsSpan().SequenceEqual(space.Axes.AsSpan()))
            (fun () -> $"state must have shape [*batch] and {space}, but has {Guard.showShape state.shape}.")

    /// A stepper of states of this shape.
    let stepper (name: string) (order: int) (timeStep: float) (space: Space) (action: torch.Tensor -> torch.Tensor) =
        Stepper(
            name,
            order,
            timeStep,
            fun state ->
                check space state
                action state
        )

/// Stratified shear flows: the box, its time step.
[<RequireQualifiedAccess>]
module StratifiedFlow =

    /// <summary>A flow in the box 2 x 1.</summary>
    /// <param name="reynolds">Above 0.</param>
    /// <param name="richardson">At least 0.</param>
    /// <param name="rows">Along z, at least 5.</param>
    /// <param name="columns">Along x, at least 5.</param>
    /// <exception cref="T:System.ArgumentException">A number is out of range.</exception>
    let create (reynolds: float) (richardson: float) (rows: int64) (columns: int64) : StratifiedFlow =
        StratifiedFlow.Create(reynolds, richardson, rows, columns)

    let internal check (flow: StratifiedFlow) =
        Guard.notNull "flow" flow
        create flow.Reynolds flow.Richardson flow.Rows flow.Columns |> ignore

        for name, size in [ "Length", flow.Length; "Height", flow.Height ] do
            Guard.finite name size
            Guard.holds name (size > 0.0) (fun () -> $"{name} must be above 0, but is {size}.")
