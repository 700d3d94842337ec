/// <summary>Maps on coefficients that make a function keep a side condition, whatever it was: what follows a network whose output must satisfy it.</summary>
/// <remarks>Called mollifiers in Du, Chalapathi and Krishnapriyan 2024 (neural spectral methods, arXiv 2312.05225); they have nothing to do with Friedrichs' smoothing kernels.
/// All are linear and take the coefficients [n1; ...; nd] of a tensor product of bases to such coefficients.</remarks>
[<RequireQualifiedAccess>]
module Ortho.Mollifier

open System
open Ortho
open TorchSharp

let private checkedBases (bases: seq<SpectralBasis>) : SpectralBasis[] =
    Guard.notNull "bases" bases
    let bases = Seq.toArray bases
    Guard.holds "bases" (bases.Length > 0) (fun () -> "bases must hold at least one basis, but hold none.")

    bases
    |> Array.iteri (fun i basis ->
        Guard.notNull $"bases[{i}]" basis

        Guard.holds $"bases[{i}]" (Double.IsFinite basis.Lower && Double.IsFinite basis.Upper) (fun () ->
            $"bases[{i}] must live on a finite interval, but {basis} lives on [{basis.Lower}, {basis.Upper}]."))

    bases

/// <summary>u - u(0), 0 the corner where every coordinate is least: picks one of the solutions that differ by constants, as for Poisson's equation with periodic ends.</summary>
/// <param name="bases">A basis for each axis, on finite intervals.</param>
/// <exception cref="T:System.ArgumentException">No basis, or an infinite interval.</exception>
[<CompiledName("Periodic")>]
let periodic (bases: seq<SpectralBasis>) : LinearMap =
    let bases = checkedBases bases

    let atCorner =
        bases
        |> Array.map (fun basis ->
            use ones = vector TensorKind.float64 (Array.create (int basis.Size) 1.0)
            use one = basis.Analyze.Apply ones
            use real = if one.is_complex () then one.real else one.alias ()
            use column = real.unsqueeze -1L
            FixedMatrix.ofMatrix "1" Traits.None column * basis.EvaluateAt [ basis.Lower ])
        |> Simplify.kronecker

    LinearMap.identity atCorner.Domain - atCorner

/// Coefficients -> values at the nodes -> times factor, 0 at the nodes that must vanish -> coefficients.
let private times (name: string) (factor: float -> float) (basis: SpectralBasis) : LinearMap =
    let numbers = basis.Parts.Nodes |> Array.map factor

    basis.Analyze
    * FixedDiagonal.ofNumbers name (Space.Of basis.Size) numbers
    * basis.Synthesize

let private holdsNode (name: string) (basis: SpectralBasis) (x: float) =
    Guard.holds name (Array.contains x basis.Parts.Nodes) (fun () ->
        $"{name} must have the end {x} among its nodes, as a Lobatto basis does, but is {basis}.")

/// <summary>u times the product of sin (pi (x_i - a_i) / (b_i - a_i)) over the axes, at the nodes: vanishes on the boundary of the box.</summary>
/// <param name="bases">A basis for each axis with both ends among its nodes, as Lobatto bases have.</param>
/// <returns>A map to the functions of the same bases that have these values at the nodes.</returns>
/// <exception cref="T:System.ArgumentException">No basis, or one without a node at each end.</exception>
[<CompiledName("Dirichlet")>]
let dirichlet (bases: seq<SpectralBasis>) : LinearMap =
    let bases = checkedBases bases

    bases
    |> Array.iteri (fun i basis ->
        holdsNode $"bases[{i}]" basis basis.Lower
        holdsNode $"bases[{i}]" basis basis.Upper)

    bases
    |> Array.map (fun basis ->
        basis
        |> times $"sin[{basis.Size}]" (fun x ->
            // Exactly 0 at the upper end too.
            if x = basis.Upper then
                0.0
            else
                sin (Math.PI * (x - basis.Lower) / (basis.Upper - basis.Lower))))
    |> Simplify.kronecker

/// <summary>(t - t_0) u at the nodes, t_0 the lower end of one axis: add the coefficients of the initial value and the sum has it at t_0.</summary>
/// <param name="axis">The axis of time, from 0.</param>
/// <param name="bases">A basis for each axis on finite intervals; that of time has its lower end among its nodes.</param>
/// <returns>A map to the functions of the same bases that have these values at the nodes.</returns>
/// <exception cref="T:System.ArgumentException">No basis, no such axis, or no node at the initial time.</exception>
[<CompiledName("InitialValue")>]
let initialValue (axis: int) (bases: seq<SpectralBasis>) : LinearMap =
    let bases = checkedBases bases
    Guard.between "axis" 0 (bases.Length - 1) axis
    holdsNode $"bases[{axis}]" bases[axis] bases[axis].Lower

    bases
    |> Array.mapi (fun i basis ->
        if i = axis then
            basis |> times $"t[{basis.Size}]" (fun t -> t - basis.Lower)
        else
            LinearMap.identity (Space.Of basis.Size))
    |> Simplify.kronecker
