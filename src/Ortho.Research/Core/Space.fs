namespace Ortho

open System
open System.Collections.Generic

/// <summary>The space of tensors of one shape: the trailing axes of one element, e.g. [n; n]. Axes before them are batch.</summary>
/// <remarks>Every size is at least 1. The scalars are the space of shape []. A size, or an array of them, stands for a space where a method asks for one (C#);
/// F# functions want it said: <c>Space.Of 3L</c>.</remarks>
[<Sealed; NoComparison>]
type Space private (shape: int64[]) =
    let size = Array.fold (fun product n -> Checked.(*) product n) 1L shape

    /// Sizes of the axes, slowest first.
    member _.Shape: IReadOnlyList<int64> = Array.AsReadOnly shape

    /// Number of axes.
    member _.Rank = shape.Length

    /// Dimension: the number of entries of one element.
    member _.Size = size

    member internal _.Axes = shape

    /// <summary>The space of tensors with the given sizes.</summary>
    /// <exception cref="T:System.ArgumentException">A size is below 1.</exception>
    static member Of([<ParamArray>] sizes: int64[]) =
        Guard.notNull "sizes" sizes

        Guard.holds "sizes" (Array.forall (fun n -> n >= 1L) sizes) (fun () ->
            $"sizes must each be at least 1, but are {Guard.showShape sizes}.")

        Space(Array.copy sizes)

    /// The space of tensors whose axes are those of this one, then those of the other.
    member _.Tensor(other: Space) =
        Guard.notNull "other" other
        Space(Array.append shape other.Axes)

    /// Vectors of length Size + other.Size: the elements of both, each flattened row-major, end to end.
    member _.DirectSum(other: Space) =
        Guard.notNull "other" other
        Space [| Checked.(+) size other.Size |]

    override _.Equals other =
        match other with
        | :? Space as space -> shape.AsSpan().SequenceEqual(space.Axes.AsSpan())
        | _ -> false

    override _.GetHashCode() =
        Array.fold (fun hash n -> HashCode.Combine(hash, (n: int64))) 17 shape

    override _.ToString() = Guard.showShape shape

    static member op_Implicit(size: int64) = Space.Of [| size |]
    static member op_Implicit(sizes: int64[]) = Space.Of sizes

/// Spaces of tensors.
[<RequireQualifiedAccess>]
module Space =
    /// <summary>The space of tensors with the given sizes, e.g. [ n; n ].</summary>
    /// <exception cref="T:System.ArgumentException">A size is below 1.</exception>
    let ofShape (sizes: seq<int64>) = Space.Of(Seq.toArray sizes)

    /// The scalars: shape [].
    let scalar = Space.Of [||]

    /// Axes of both, those of the first before those of the second.
    let tensor (first: Space) (second: Space) = first.Tensor second

    /// The k-fold tensor power: shape [n; ...; n] for a space of shape [n].
    let power (k: int) (space: Space) =
        Guard.atLeast "k" 0 k
        Seq.fold tensor scalar (Seq.replicate k space)
