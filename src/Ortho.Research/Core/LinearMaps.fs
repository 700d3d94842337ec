namespace Ortho

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open TorchSharp

/// <summary>Linear maps for C#: constructors as static methods, verbs as extension methods. F# has the module <c>LinearMap</c>.</summary>
[<AbstractClass; Sealed; Extension>]
type LinearMaps =

    /// The identity of a space.
    static member Identity(space: Space) = LinearMap.identity space

    /// The map that takes every element to zero.
    static member Zero(domain: Space, codomain: Space) = LinearMap.zero domain codomain

    /// The map of a dense matrix, shape [m; n].
    static member OfMatrix(matrix: torch.Tensor) = LinearMap.ofMatrix matrix

    /// The map that multiplies entry by entry.
    static member OfDiagonal(entries: torch.Tensor) = LinearMap.ofDiagonal entries

    /// The map y[i] = x[order[i]] on vectors.
    static member OfPermutation([<ParamArray>] order: int64[]) =
        Guard.notNull "order" order
        LinearMap.ofPermutation order

    /// The elements of one space read as elements of another of the same size.
    static member Reshape(domain: Space, codomain: Space) = LinearMap.reshape domain codomain

    /// <summary>A map given by its action and its adjoint's action on batches.</summary>
    /// <param name="name">How it prints.</param>
    /// <param name="domain">Space of one input element.</param>
    /// <param name="codomain">Space of one output element.</param>
    /// <param name="apply">[*batch, domain] to [*batch, codomain].</param>
    /// <param name="adjoint">[*batch, codomain] to [*batch, domain].</param>
    /// <param name="traits">What you promise; <c>Law.Promises</c> checks it.</param>
    static member OfFunctions
        (
            name: string,
            domain: Space,
            codomain: Space,
            apply: Func<torch.Tensor, torch.Tensor>,
            adjoint: Func<torch.Tensor, torch.Tensor>,
            [<Optional; DefaultParameterValue(Traits.None)>] traits: Traits
        ) =
        Guard.notNull "apply" apply
        Guard.notNull "adjoint" adjoint

        LinearMap.ofFunctions name (domain, codomain) (apply.Invoke, adjoint.Invoke)
        |> LinearMap.promise traits

    /// A matrix of maps on flat vectors.
    static member Block(maps: LinearMap[,]) = Block.ofMaps maps

    /// The map `first`, then `next`.
    [<Extension>]
    static member Then(first: LinearMap, next: LinearMap) =
        Guard.notNull "first" first
        Guard.notNull "next" next
        LinearMap.andThen next first

    /// The tensor (Kronecker) product.
    [<Extension>]
    static member Tensor(left: LinearMap, right: LinearMap) =
        Guard.notNull "left" left
        Guard.notNull "right" right
        left .*. right

    /// The direct sum.
    [<Extension>]
    static member DirectSum(left: LinearMap, right: LinearMap) =
        Guard.notNull "left" left
        Guard.notNull "right" right
        left .+. right

    /// The same map, bound to one type and device.
    [<Extension>]
    static member On(map: LinearMap, kind: TensorKind) = LinearMap.on kind map

    /// The same map, with more promised; <c>Law.Promises</c> checks it.
    [<Extension>]
    static member Promise(map: LinearMap, traits: Traits) = LinearMap.promise traits map

    /// The dense matrix, [codomain.Size; domain.Size].
    [<Extension>]
    static member ToMatrix(map: LinearMap) = LinearMap.toMatrix map

    /// The inverse where the way the map was made tells it; an ArgumentException otherwise.
    [<Extension>]
    static member Inverse(map: LinearMap) = LinearMap.inverse map

    /// Whether the way the map was made tells an inverse.
    [<Extension>]
    static member TryInverse(map: LinearMap, [<Out>] inverse: byref<LinearMap>) =
        match LinearMap.tryInverse map with
        | Some found ->
            inverse <- found
            true
        | None -> false

    /// The spectral norm by power iteration from a seed.
    [<Extension>]
    static member Norm(map: LinearMap, [<Optional; DefaultParameterValue(0)>] seed: int) = LinearMap.norm seed map

/// <summary>Parameters of learned maps for C#: <c>Parameters.Normal(1, 8, 8).Named("skew")</c>.</summary>
[<AbstractClass; Sealed; Extension>]
type Parameters =
    /// Independent N(0, 1) entries, float32 on the CPU.
    static member Normal(seed: int, [<ParamArray>] shape: int64[]) = Parameter.normal seed shape

    /// Independent entries uniform on [low, high).
    static member Uniform(seed: int, low: float, high: float, [<ParamArray>] shape: int64[]) =
        Parameter.uniform seed (low, high) shape

    /// Zeros.
    static member Zeros([<ParamArray>] shape: int64[]) = Parameter.zeros shape

    /// A copy of the given tensor, taken when the module is made.
    static member OfTensor(value: torch.Tensor) = Parameter.ofTensor value

    /// The same parameter under a name, which ends up in saved files.
    [<Extension>]
    static member Named(parameter: Parameter, name: string) = Parameter.named name parameter

    /// The first value times a factor.
    [<Extension>]
    static member Scaled(parameter: Parameter, factor: float) = Parameter.scaled factor parameter

    /// The same, kept as it is: a buffer of the module, saved and moved with it, but not trained.
    [<Extension>]
    static member Frozen(parameter: Parameter) = Parameter.frozen parameter

    /// The same parameter in another type or on another device.
    [<Extension>]
    static member On(parameter: Parameter, kind: TensorKind) = Parameter.on kind parameter

/// <summary>Laws of functions for C#; those of maps are in <c>Law</c>.</summary>
[<AbstractClass; Sealed>]
type Laws =
    /// The gradient of a function of a float64 tensor against central differences, for random weights of its outputs.
    static member Gradient(seed: int, f: Func<torch.Tensor, torch.Tensor>, x: torch.Tensor) =
        Guard.notNull "f" f
        Law.gradient seed f.Invoke x
