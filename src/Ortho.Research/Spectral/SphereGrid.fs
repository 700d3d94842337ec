namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>A grid of the unit sphere: Gauss-Legendre heights z = cos theta, from the north pole down, times equispaced longitudes 2 pi j / n from 0.</summary>
/// <remarks>With m heights and n longitudes the quadrature is exact for products of two spherical harmonics of degree at most min(m - 1, (n - 1) / 2).</remarks>
[<Sealed; NoEquality; NoComparison>]
type SphereGrid private (latitudes: int64, longitudes: int64) =
    let rule = Legendre.rule latitudes
    // The rule rises.
    let heights = rule.Nodes |> Seq.rev |> Seq.toArray

    let weights =
        Seq.rev rule.Weights
        |> Seq.toArray
        |> Array.map (fun weight -> weight * 2.0 * Math.PI / float longitudes)

    /// Number of heights.
    member _.Latitudes = latitudes

    /// Number of longitudes.
    member _.Longitudes = longitudes

    /// The largest degree that the grid resolves.
    member _.Degree = int (min (latitudes - 1L) ((longitudes - 1L) / 2L))

    /// z = cos theta of each latitude, falling.
    member _.Heights: IReadOnlyList<float> = Array.AsReadOnly heights

    /// The longitudes in radians, from 0 up.
    member _.Angles: IReadOnlyList<float> =
        Array.init (int longitudes) (fun j -> 2.0 * Math.PI * float j / float longitudes)
        |> Array.AsReadOnly
        :> IReadOnlyList<float>

    /// The weight of every point of each latitude: over the whole grid they add to 4 pi.
    member _.Weights: IReadOnlyList<float> = Array.AsReadOnly weights

    member internal _.Space = Space.Of(latitudes, longitudes)

    /// The points as unit vectors: float64 on the CPU, shape [latitudes; longitudes; 3].
    member this.Points() : torch.Tensor =
        use scope = torch.NewDisposeScope()

        let numbers (values: IReadOnlyList<float>) =
            vector TensorKind.float64 (Seq.toArray values)

        let z = (numbers this.Heights).unsqueeze -1L
        let angles = numbers this.Angles

        let radius =
            vector TensorKind.float64 [| for z in heights -> sqrt ((1.0 - z) * (1.0 + z)) |]

        let radius = radius.unsqueeze -1L

        torch.stack (
            [|
                radius .* angles.cos ()
                radius .* angles.sin ()
                z.expand (latitudes, longitudes)
            |],
            -1L
        )
        |> scope.MoveToOuter

    /// <summary>A grid.</summary>
    /// <exception cref="T:System.ArgumentException">A number below 1.</exception>
    static member Of(latitudes: int64, longitudes: int64) =
        Guard.positive "latitudes" latitudes
        Guard.positive "longitudes" longitudes
        SphereGrid(latitudes, longitudes)

    /// <summary>The smallest grid that resolves a degree: degree + 1 heights and 2 degree + 1 longitudes.</summary>
    /// <exception cref="T:System.ArgumentException">A negative degree.</exception>
    static member OfDegree(degree: int) =
        Guard.atLeast "degree" 0 degree
        SphereGrid(int64 degree + 1L, 2L * int64 degree + 1L)
