namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>What a learned map starts from: a name, under which it is saved, and its first value.</summary>
[<Sealed; NoEquality; NoComparison>]
type Parameter
    internal (name: string, shape: int64[], kind: TensorKind, isTrained: bool, initialise: TensorKind -> torch.Tensor) =
    /// The name in <c>state_dict</c>; empty for one that is numbered: p0, p1, ...
    member _.Name = name

    /// Sizes of the axes.
    member _.Shape: IReadOnlyList<int64> = Array.AsReadOnly shape

    /// Type and device of the first value.
    member _.Kind = kind

    /// Whether optimizers change it. If not, it is a buffer of the module: saved and moved, never trained.
    member _.IsTrained = isTrained

    member internal _.Initialise() = initialise kind

    member internal _.With(name, kind, isTrained, initialise) =
        Parameter(name, shape, kind, isTrained, initialise)

    member internal _.With(name, kind) =
        Parameter(name, shape, kind, isTrained, initialise)

/// Initialisers. They give float32 on the CPU unless told otherwise, as TorchSharp's own modules do.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Parameter =
    let private create (shape: seq<int64>) initialise =
        Guard.notNull "shape" shape
        let shape = (Space.ofShape shape).Axes

        Parameter("", shape, TensorKind.float32, true, initialise shape)

    /// Independent N(0, 1) entries.
    let normal (seed: int) (shape: seq<int64>) =
        create shape (fun shape kind -> Seed.normal seed kind shape)

    /// Independent entries uniform on [low, high).
    let uniform (seed: int) (low: float, high: float) (shape: seq<int64>) =
        Guard.finite "low" low
        Guard.finite "high" high

        create shape (fun shape kind ->
            use unit = Seed.uniform seed kind shape
            use wide = multiply (high - low) unit
            plus low wide)

    /// Zeros.
    let zeros (shape: seq<int64>) =
        create shape (fun shape kind -> torch.zeros (shape, dtype = Nullable kind.Dtype, device = kind.Device))

    /// A copy of the given tensor, of its type and device, taken when the module is made.
    let ofTensor (value: torch.Tensor) =
        Guard.floating "value" value

        Parameter(
            "",
            value.shape,
            TensorKind.ofTensor value,
            true,
            fun kind ->
                use detached = value.detach ()
                detached.``to``(kind.Dtype, kind.Device).clone()
        )

    /// The first value times a factor.
    let scaled (factor: float) (parameter: Parameter) =
        Guard.finite "factor" factor
        Guard.notNull "parameter" parameter

        parameter.With(
            parameter.Name,
            parameter.Kind,
            parameter.IsTrained,
            fun kind ->
                use value = parameter.With("", kind).Initialise()
                multiply factor value
        )

    /// The same, kept as it is: a buffer of the module, saved and moved with it, but not trained (a base point, say).
    let frozen (parameter: Parameter) =
        Guard.notNull "parameter" parameter
        parameter.With(parameter.Name, parameter.Kind, false, (fun kind -> parameter.With("", kind).Initialise()))

    /// <summary>The same parameter under a name, which ends up in saved files.</summary>
    /// <exception cref="T:System.ArgumentException">The name is empty or contains a dot.</exception>
    let named (name: string) (parameter: Parameter) =
        Guard.notNull "parameter" parameter
        Guard.notNull "name" name

        Guard.holds "name" (name <> "" && not (name.Contains '.')) (fun () ->
            $"name must not be empty nor contain a dot, but is \"{name}\".")

        parameter.With(name, parameter.Kind)

    /// The same parameter in another type or on another device.
    let on (kind: TensorKind) (parameter: Parameter) =
        Guard.notNull "parameter" parameter
        parameter.With(parameter.Name, kind)

/// How modules of this library hold what they learn.
module internal Registration =

    /// Registers a parameter under its name, as a buffer if it is frozen. A module outlives the scope that it is made in.
    let add (owner: torch.nn.Module) (parameter: Parameter) (name: string) =
        use _ = torch.NewDisposeScope()

        if parameter.IsTrained then
            let registered = new Modules.Parameter(parameter.Initialise(), true)
            registered.DetachFromDisposeScope() |> ignore
            owner.register_parameter (name, registered)
        else
            owner.register_buffer (name, parameter.Initialise().DetachFromDisposeScope())

    /// The tensor that is registered now: moving a module replaces it.
    let get (owner: torch.nn.Module) (parameter: Parameter) (name: string) : torch.Tensor =
        if parameter.IsTrained then
            owner.get_parameter name
        else
            owner.get_buffer name

/// <summary>A linear map built anew, at each call, from the registered parameters of a module.</summary>
/// <remarks>It trains, saves (<c>state_dict</c>), moves (<c>to</c>) and stands in a <c>Sequential</c> as any TorchSharp module does. Make
/// optimizers after <c>to</c>, which replaces parameters.</remarks>
[<Sealed; NoEquality; NoComparison>]
type LearnedMap(name: string, parameters: IEnumerable<Parameter>, build: Func<IReadOnlyList<torch.Tensor>, LinearMap>) as this
    =
    // Before the base class: a null name ends the process there.
    inherit
        torch.nn.Module<torch.Tensor, torch.Tensor>(
            (Guard.notNull "name" name
             name)
        )

    let initial =
        Guard.notNull "parameters" parameters
        Guard.notNull "build" build
        Seq.toArray parameters

    let names =
        initial
        |> Array.mapi (fun i parameter -> if parameter.Name = "" then $"p{i}" else parameter.Name)

    let build (tensors: torch.Tensor[]) =
        let map = build.Invoke tensors

        if isNull (box map) then
            raise (InvalidOperationException $"The function that builds {name} returned null.")

        map

    let registered () =
        Array.map2 (Registration.get this) initial names

    let domain, codomain =
        Guard.holds "parameters" (Set.count (set names) = names.Length) (fun () ->
            let list = String.Join(", ", names)
            $"parameters must have different names, but are named {list}.")

        Array.iter2 (Registration.add this) initial names
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let map = build (registered ())
        map.Domain, map.Codomain

    /// The space of one input element.
    member _.Domain = domain

    /// The space of one output element.
    member _.Codomain = codomain

    /// The names of the parameters, in the order in which the builder receives them.
    member _.ParameterNames: IReadOnlyList<string> = Array.AsReadOnly names

    /// <summary>A x for each element of a batch, [*batch, domain] -> [*batch, codomain], differentiable in x and in the parameters.</summary>
    override _.forward(x: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let map = build (registered ())
        scope.MoveToOuter(map.Apply x)

    /// <summary>The map as it is now, on copies of the parameters and without gradients. It ends with the caller's dispose scope.</summary>
    member _.Realize() : LinearMap =
        use _ = torch.no_grad ()
        build (registered () |> Array.map (fun parameter -> parameter.detach().clone()))

/// Learning: any differentiable function from parameters to a linear map is a module.
[<RequireQualifiedAccess>]
module Learn =
    /// <summary>The module of a map that depends on parameters.</summary>
    /// <param name="name">Name of the module.</param>
    /// <param name="parameters">What it learns, in the order in which <c>build</c> receives the tensors.</param>
    /// <param name="build">Makes the map; called at each forward pass. Everything learned must come through its argument.</param>
    let map (name: string) (parameters: seq<Parameter>) (build: torch.Tensor[] -> LinearMap) =
        new LearnedMap(name, parameters, fun tensors -> build (Seq.toArray tensors))
