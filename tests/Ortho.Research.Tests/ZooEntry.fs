namespace Ortho.Tests

open Ortho
open TorchSharp

/// A named example map of one constructor. Every law of the hub runs over zoo x benches: a new constructor joins with one line.
type ZooEntry =
    {
        Name: string
        /// Shapes of the parameters, which are drawn N(0, 1).
        Shapes: Case -> int64 list list
        Build: Case -> torch.Tensor[] -> LinearMap
        /// Whether complex parameters and input make sense.
        IsComplex: bool
        /// Whether real parameters and input make sense.
        IsReal: bool
        /// Residual tolerance: one product, or an iteration (inverse, exponential).
        Tolerance: Bench -> float
    }

    member this.Parameters (bench: Bench) (case: Case) =
        this.Shapes case
        |> List.mapi (fun i shape -> Seed.normal (Seed.derive case.Seed i) bench.Kind shape)
        |> List.toArray

    /// The map of a case, bound to the bench even if it takes any tensor.
    member this.Map (bench: Bench) (case: Case) =
        this.Build case (this.Parameters bench case) |> LinearMap.on bench.Kind

/// What entries are written with.
module ZooEntry =
    let entry name shapes build =
        {
            Name = name
            Shapes = shapes
            Build = build
            IsComplex = true
            IsReal = true
            Tolerance = _.Product
        }

    /// A map without parameters.
    let free name build =
        entry name (fun _ -> []) (fun case _ -> build case)

    let n (case: Case) = int64 case.Size
    let m (case: Case) = int64 case.Second

    /// At least 4: a sum of random maps into so many dimensions does not cancel by chance.
    let wide case = m case + 3L

    /// A random permutation of 0, ..., n-1.
    let order (seed: int) (n: int64) =
        let random = System.Random seed
        let order = Array.init (int n) int64
        random.Shuffle order
        order

    let matrix rows columns case = [ [ rows case; columns case ] ]
    let pair first second case = first case @ second case
