/// <summary>Coordinates of an equivariant map in the diagram basis D and in the orbit basis X of S_n.</summary>
/// <remarks>D_d is the sum of X_e over the coarsenings e of d, and X_d that of mu(d, e) D_e; e has no more blocks than d, so that both sums stay
/// among the diagrams of at most n blocks.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.OrbitCoordinates

open System
open System.Collections.Generic
open TorchSharp

/// One entry of a sparse matrix.
[<Struct>]
type private Entry =
    {
        Row: int64
        Column: int64
        Coefficient: int64
    }

let private act (size: int) (rows: torch.Tensor) (columns: torch.Tensor) (coefficients: torch.Tensor) =
    Actions.scoped (fun (x: torch.Tensor) ->
        let last = x.ndim - 1L
        let read = x.index_select (last, columns.``to`` x.device)

        x.new_zeros (Array.append (Array.init (int last) x.size) [| int64 size |])
        |> addAt last (rows.``to`` x.device) (read .* coefficients.``to`` (x.dtype, x.device)))

let private ofEntries (name: string) (size: int) (entries: Entry[]) : LinearMap =
    let rows = torch.tensor (entries |> Array.map _.Row)
    let columns = torch.tensor (entries |> Array.map _.Column)
    let coefficients = torch.tensor (entries |> Array.map _.Coefficient)
    let space = Space.Of(int64 size)

    Build.leaf
        name
        space
        space
        Traits.None
        (Nullable())
        (act size rows columns coefficients)
        (act size columns rows coefficients)

/// <summary>The change of coordinates c -> x with sum of c_d (what d expands to) = sum of x_e e.</summary>
/// <param name="name">What formulas call it.</param>
/// <param name="expand">An element as a combination of those of the other basis.</param>
/// <param name="kept">How many more coordinates come last and stay as they are.</param>
/// <param name="diagrams">The diagrams of both bases.</param>
let change (name: string) (expand: Diagram -> DiagramTerm[]) (kept: int) (diagrams: Diagram[]) : LinearMap =
    diagrams
    |> Array.groupBy _.BlockCount
    |> Array.sumBy (fun (blocks, found) -> bigint found.Length * SetPartition.bell blocks)
    |> SetPartition.withinLimit SetPartition.limit "pairs of a diagram and a coarsening of it"

    let number = Dictionary<Diagram, int64>()
    diagrams |> Array.iteri (fun i d -> number[d] <- int64 i)

    ofEntries
        name
        (diagrams.Length + kept)
        [|
            for d in diagrams do
                for term in expand d do
                    {
                        Row = number[term.Diagram]
                        Column = number[d]
                        Coefficient = int64 term.Coefficient
                    }
            for i in diagrams.LongLength .. diagrams.LongLength + int64 kept - 1L do
                {
                    Row = i
                    Column = i
                    Coefficient = 1L
                }
        |]
