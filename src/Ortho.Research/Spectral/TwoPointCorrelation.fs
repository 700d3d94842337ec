/// <summary>Two-point correlations of periodic structures by FFT, and structures that they cannot tell apart.</summary>
/// <remarks>
/// A structure is a tensor of whole numbers, shape [d1; ...; dD]: the phase, from 0 to P - 1, of each cell of a periodic grid. With I_p its indicators,
/// <code>
/// C_pq[r] = sum_x I_p[x] I_q[x + r],   in Fourier space conj(I_p) I_q
/// </code>
/// counts the pairs of cells at distance r in phases p and q. Structures with the same counts that no translation, reflection of axes or exchange of
/// phases takes to each other are 2PC-equivalent; so are their children: refinements by tiles (<c>refine</c>, <c>embed</c>) and fusions of phases
/// (<c>coalesce</c>). Source: Niezgoda, Fullwood and Kalidindi 2008 for the transform; arXiv 2002.01234 for equivalence and children.
/// </remarks>
[<RequireQualifiedAccess>]
module Ortho.TwoPointCorrelation

open System
open System.Collections.Generic
open System.Numerics
open Ortho
open TorchSharp

let private checkStructure (name: string) (phases: int) (structure: torch.Tensor) =
    Guard.positive "phases" phases
    Guard.rankAtLeast name 1 structure
    Guard.notEmpty name structure

    Guard.holds name (structure.dtype = torch.int64) (fun () ->
        $"{name} must be of whole numbers (int64), but is {structure.dtype}.")

    use least = structure.min ()
    use most = structure.max ()

    Guard.holds name (least.item<int64>() >= 0L && most.item<int64>() < int64 phases) (fun () ->
        $"{name} must hold phases from 0 to {phases - 1}, but holds {least.item<int64>()} to {most.item<int64>()}.")

/// The indicators of the phases, float64: [phases; d1; ...; dD].
let private indicators (phases: int) (structure: torch.Tensor) =
    let last = structure.ndim

    let order =
        Array.init (int last + 1) (fun axis -> if axis = 0 then last else int64 axis - 1L)

    (torch.nn.functional.one_hot (structure, int64 phases)).permute(order).``to`` torch.float64

/// Their Fourier transforms over the grid.
let private spectra (phases: int) (structure: torch.Tensor) =
    let axes = Array.init (int structure.ndim) (fun axis -> int64 axis + 1L)
    torch.fft.fftn (indicators phases structure, dim = axes)

let private toCounts (spectrum: torch.Tensor) (leading: int) =
    let axes =
        Array.init (int spectrum.ndim - leading) (fun axis -> int64 (axis + leading))

    (torch.fft.ifftn (spectrum, dim = axes)).real.round().``to`` torch.int64

/// <summary>The two-point correlations of all pairs of phases, exact.</summary>
/// <param name="phases">P, at least 1.</param>
/// <param name="structure">int64, shape [d1; ...; dD], entries from 0 to P - 1, at most 2^40 cells.</param>
/// <returns>int64, shape [P; P; d1; ...; dD]: the entry at p, q, r is C_pq[r].</returns>
/// <exception cref="T:System.ArgumentException">Not whole numbers, empty, or a phase that is not from 0 to P - 1.</exception>
/// <remarks>Rounded after the inverse FFT, whose error, about 1e-16 times the number of cells, stays far below 1/2.</remarks>
[<CompiledName("OfStructure")>]
let ofStructure (phases: int) (structure: torch.Tensor) : torch.Tensor =
    checkStructure "structure" phases structure
    use scope = torch.NewDisposeScope()
    let spectrum = spectra phases structure
    scope.MoveToOuter(toCounts (spectrum.conj().unsqueeze(1L).mul(spectrum.unsqueeze 0L)) 2)

let private checkPair (phases: int) (a: torch.Tensor) (b: torch.Tensor) =
    Guard.live "a" a
    Guard.live "b" b
    checkStructure "a" phases a
    checkStructure "b" phases b

    Guard.holds "b" (a.shape = b.shape) (fun () ->
        $"b must have the shape {Guard.showShape a.shape} of a, but has {Guard.showShape b.shape}.")

/// Whether all two-point correlations of two structures are equal.
[<CompiledName("AreEqual")>]
let areEqual (phases: int) (a: torch.Tensor) (b: torch.Tensor) : bool =
    checkPair phases a b
    use ofA = ofStructure phases a
    use ofB = ofStructure phases b
    ofA.Equals ofB

let rec private orders (items: int list) =
    match items with
    | [] -> [ [] ]
    | _ ->
        items
        |> List.collect (fun first -> [ for rest in orders (List.except [ first ] items) -> first :: rest ])

/// <summary>Whether a translation, together with reflections of axes and an exchange of phases, takes one structure to the other.</summary>
/// <param name="phases">P, from 1 to 8: all P! exchanges are tried.</param>
/// <param name="a">int64, shape [d1; ...; dD].</param>
/// <param name="b">Of a's shape.</param>
/// <exception cref="T:System.ArgumentException">Not structures of P phases, or of different shapes.</exception>
/// <remarks>A translation exists where the number of cells in which a and the translated b agree, a correlation, reaches the number of cells.</remarks>
[<CompiledName("AreRelated")>]
let areRelated (phases: int) (a: torch.Tensor) (b: torch.Tensor) : bool =
    Guard.between "phases" 1 8 phases
    checkPair phases a b
    use _ = torch.NewDisposeScope()
    let ofA = (spectra phases a).conj()

    let isTranslated (other: torch.Tensor) (order: int list) =
        use _ = torch.NewDisposeScope()

        let permuted =
            other.index_select (0L, (torch.tensor [| for p in order -> int64 p |]).``to`` a.device)

        let agreements = toCounts (ofA.mul(permuted).sum 0L) 0
        agreements.max().item<int64>() = a.numel ()

    Seq.init (1 <<< int a.ndim) (fun flags ->
        [|
            for axis in 0 .. int a.ndim - 1 do
                if flags >>> axis &&& 1 = 1 then
                    int64 axis
        |])
    |> Seq.exists (fun axes ->
        use _ = torch.NewDisposeScope()
        let ofB = spectra phases (if axes.Length = 0 then b else b.flip axes)
        orders [ 0 .. phases - 1 ] |> List.exists (isTranslated ofB))

/// <summary>The structure whose cells are replaced by tiles, one for each phase: equal correlations give equal correlations.</summary>
/// <param name="tiles">int64, not negative, shape [P; z1; ...; zD]: tile p takes the place of each cell of phase p.</param>
/// <param name="structure">int64, shape [d1; ...; dD], phases from 0 to P - 1.</param>
/// <returns>Shape [d1 z1; ...; dD zD].</returns>
/// <exception cref="T:System.ArgumentException">Not whole numbers, a phase without a tile, or tiles of another number of axes.</exception>
/// <remarks>The indicators of the child are those of the parent, spread out by zeros and convolved with the indicators of the tiles, kernels of disjoint support.</remarks>
[<CompiledName("Refine")>]
let refine (tiles: torch.Tensor) (structure: torch.Tensor) : torch.Tensor =
    Guard.live "structure" structure
    Guard.rankAtLeast "tiles" 2 tiles
    Guard.notEmpty "tiles" tiles

    Guard.holds "tiles" (tiles.dtype = torch.int64) (fun () ->
        $"tiles must be of whole numbers (int64), but are {tiles.dtype}.")

    use least = tiles.min ()

    Guard.holds "tiles" (least.item<int64>() >= 0L) (fun () ->
        $"tiles must not be negative, but hold {least.item<int64>()}.")

    checkStructure "structure" (int (tiles.size 0)) structure

    Guard.holds "tiles" (tiles.ndim = structure.ndim + 1L) (fun () ->
        $"tiles must have one axis more than the structure's {structure.ndim}, but have shape {Guard.showShape tiles.shape}.")

    use scope = torch.NewDisposeScope()
    let rank = structure.ndim

    let placed =
        tiles.index_select(0L, structure.flatten ()).reshape(Array.append structure.shape tiles.shape[1..])
    // [d1; ...; dD; z1; ...; zD] to [d1; z1; ...].
    let order =
        [|
            for axis in 0L .. rank - 1L do
                yield! [ axis; rank + axis ]
        |]

    let shape =
        Array.init (int rank) (fun axis -> structure.size axis * tiles.size (axis + 1))

    scope.MoveToOuter(placed.permute(order).reshape shape)

/// <summary>The structure on a finer grid, its cells apart in a new phase.</summary>
/// <param name="phases">P, at least 1.</param>
/// <param name="factors">By how much each axis grows, at least 1 each.</param>
/// <param name="structure">int64, shape [d1; ...; dD], phases from 0 to P - 1.</param>
/// <returns>Shape [d1 z1; ...; dD zD]: every z-th cell of the structure's phase, all others of phase P.</returns>
/// <exception cref="T:System.ArgumentException">Not a structure of P phases, or another number of factors than axes.</exception>
[<CompiledName("Embed")>]
let embed (phases: int) (factors: seq<int64>) (structure: torch.Tensor) : torch.Tensor =
    Guard.notNull "factors" factors
    let factors = Seq.toArray factors
    checkStructure "structure" phases structure

    Guard.holds
        "factors"
        (factors.LongLength = structure.ndim
         && factors |> Array.forall (fun z -> z >= 1L))
        (fun () -> $"factors must be {structure.ndim} whole numbers of at least 1, but are {Guard.showShape factors}.")

    use scope = torch.NewDisposeScope()
    let size = Array.reduce (*) factors

    let tiles =
        Array.init (phases * int size) (fun i ->
            if i % int size = 0 then
                int64 (i / int size)
            else
                int64 phases)

    scope.MoveToOuter(
        refine
            (((torch.tensor tiles).``to`` structure.device).reshape(Array.append [| int64 phases |] factors))
            structure
    )

/// <summary>The structure with new names of its phases; phases of one name become one.</summary>
/// <param name="names">The new phase of each, not negative.</param>
/// <param name="structure">int64, phases from 0 to the number of names less 1.</param>
/// <exception cref="T:System.ArgumentException">No names, a negative one, or a phase without a name.</exception>
[<CompiledName("Coalesce")>]
let coalesce (names: seq<int>) (structure: torch.Tensor) : torch.Tensor =
    Guard.notNull "names" names
    let names = names |> Seq.map int64 |> Seq.toArray

    Guard.holds "names" (names.Length > 0 && names |> Array.forall (fun name -> name >= 0L)) (fun () ->
        $"names must be one or more and not negative, but are {Guard.showShape names}.")

    checkStructure "structure" names.Length structure
    use scope = torch.NewDisposeScope()

    ((torch.tensor names).``to`` structure.device).index_select(0L, structure.flatten ()).reshape structure.shape
    |> scope.MoveToOuter

/// <summary>All sets of residues modulo n that two-point correlations confuse: classes of sets with the same differences, each counted as often, of which
/// no translation, reflection or complement takes one to another.</summary>
/// <param name="n">From 1 to 24; the time grows like n 2^n.</param>
/// <returns>The classes, each of two or more sets, of at most n/2 numbers each; of the translations and reflections of a set the first in the order of its bits.</returns>
/// <exception cref="T:System.ArgumentException">n is out of range.</exception>
[<CompiledName("ConfusedSets")>]
let confusedSets (n: int) : IReadOnlyList<IReadOnlyList<int[]>> =
    Guard.between "n" 1 24 n
    let full = (1u <<< n) - 1u

    let turned (set: uint32) r =
        (set <<< r ||| (set >>> (n - r))) &&& full

    let mirrored (set: uint32) =
        Seq.sum (
            seq {
                for i in 0 .. n - 1 do
                    if set >>> i &&& 1u = 1u then
                        1u <<< (n - i) % n
            }
        )

    let isLeast (set: uint32) (other: uint32) =
        let rec check r =
            r = n || (set <= turned other r && check (r + 1))

        check 0

    // The cheapest tests first: most sets fall to a turn of their own.
    let isFirst (set: uint32) =
        isLeast set set
        && isLeast set (mirrored set)
        && (2 * BitOperations.PopCount set < n
            || (isLeast set (~~~set &&& full) && isLeast set (mirrored (~~~set &&& full))))

    let differences (set: uint32) =
        String.Join(",", Seq.init (n / 2 + 1) (fun r -> BitOperations.PopCount(set &&& turned set r)))

    let numbers (set: uint32) =
        [|
            for i in 0 .. n - 1 do
                if set >>> i &&& 1u = 1u then
                    i
        |]

    seq { 1u .. full }
    |> Seq.filter (fun set -> 2 * BitOperations.PopCount set <= n && isFirst set)
    |> Seq.groupBy differences
    |> Seq.map (fun (_, sets) -> sets |> Seq.map numbers |> Seq.toArray)
    |> Seq.filter (fun sets -> sets.Length > 1)
    |> Seq.map (fun sets -> Array.AsReadOnly sets :> IReadOnlyList<int[]>)
    |> Seq.toArray
    |> Array.AsReadOnly
    :> IReadOnlyList<IReadOnlyList<int[]>>
