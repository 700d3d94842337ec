namespace Ortho

open System
open TorchSharp

/// <summary>From diagrams to linear maps (R^n)^k -> (R^n)^l, without a dense matrix and without a copy of the input.</summary>
/// <remarks>
/// Source: Pearce-Crump 2212.08648 (bases), 2304.14165 (fast multiplication). D_d has entry 1 where all vertices of each block carry
/// one value. The map reads the diagonals of its input through one strided view, sums the blocks that end below, and gives a view
/// again (permuted, expanded); only where two top vertices share a block does it write into zeros. Laws: D_d2 D_d1 = n^c D_(d2 d1), D_(d (x) e) = D_d (x) D_e, D_d* = D_(d*).
/// </remarks>
[<RequireQualifiedAccess>]
module Functor =

    let private act (n: int64) (d: Diagram) =
        DiagramAction.act n (DiagramAction.plan d) id

    /// <summary>The map D_d: (R^n)^k -> (R^n)^l of a (k,l)-diagram. It takes tensors of any type, integers too.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="d">The diagram: its bottom row is the input's axes, its top row the output's.</param>
    [<CompiledName("Diagram")>]
    let diagram (n: int) (d: Diagram) : LinearMap =
        Guard.notNull "d" d
        Guard.positive "n" n
        let size = int64 n
        let space (axes: int) = Space.power axes (Space.Of size)
        let flipped = Diagram.adjoint d

        let traits =
            Build.given (Diagram.isPermutation d) Traits.Permutation
            ||| Build.given (flipped = d) Traits.SelfAdjoint

        if d = Diagram.identity d.BottomCount then
            LinearMap.identity (space d.BottomCount)
        else
            Build.leaf
                $"D{d.Partition}"
                (space d.BottomCount)
                (space d.TopCount)
                traits
                (Nullable())
                (act size d)
                (act size flipped)

    /// <summary>The numbers that D_d reads and adds up: n to the number of blocks that meet the bottom row, each number once.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="d">The diagram. For a Brauer diagram with c caps: n^(k-c).</param>
    /// <returns>For one element of a batch. Where no block lies in the bottom row alone they are only moved, and nothing is added.</returns>
    /// <remarks>A dense matrix takes n^(l+k) multiplications. Source: Pearce-Crump 2304.14165, with all diagonals taken before the sums.</remarks>
    [<CompiledName("Additions")>]
    let additions (n: int) (d: Diagram) : bigint =
        Guard.positive "n" n
        Guard.notNull "d" d
        bigint.Pow(bigint n, (Diagram.throughBlocks d).Length + (Diagram.bottomBlocks d).Length)

    /// <summary>The map X_d of the orbit basis: entry 1 where vertices carry equal values exactly when they share a block.</summary>
    /// <param name="n">Dimension of R^n, at least 1.</param>
    /// <param name="d">The diagram. X_d = 0 if it has more than n blocks.</param>
    /// <remarks>X_d = sum of mu(d, e) D_e over the coarsenings e of d (Moebius inversion), as many terms as Bell (number of blocks).</remarks>
    [<CompiledName("Orbit")>]
    let orbit (n: int) (d: Diagram) : LinearMap =
        Guard.notNull "d" d
        Guard.positive "n" n

        if d.BlockCount > n then
            let map = diagram n d
            LinearMap.zero map.Domain map.Codomain
        else
            OrbitBasis.toDiagrams d
            |> Array.map (fun term -> float term.Coefficient * diagram n term.Diagram)
            |> Simplify.sum
