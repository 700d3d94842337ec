/// <summary>The maps of the orbits of a permutation group on tuples: entry 1 where (I, J) lies in the orbit, else 0.</summary>
[<RequireQualifiedAccess>]
module internal Ortho.OrbitFunctor

open System
open TorchSharp

let private act (n: int64) (inputs: int) (outputs: int) (rows: torch.Tensor) (columns: torch.Tensor) =
    Actions.scoped (fun (x: torch.Tensor) ->
        let kept = Array.init (int x.ndim - inputs) x.size
        let last = int64 kept.Length
        let flat = x.reshape (Array.append kept [| pown n inputs |])
        let read = flat.index_select (last, columns.``to`` x.device)

        x.new_zeros (Array.append kept [| pown n outputs |])
        |> addAt last (rows.``to`` x.device) read
        |> fun y -> y.reshape (Array.append kept (Array.replicate outputs n)))

/// The sizes of the orbits on m-tuples, by first tuple.
let sizes (group: PermutationGroup) (m: int) : int[] =
    group.OrbitsOfTuples m |> Array.countBy id |> Array.map snd

/// The indicators of all orbits, by first tuple: orthogonal, |X|^2 = the orbit's size.
let indicators (group: PermutationGroup) (k: int) (l: int) : LinearMap[] =
    let n = int64 group.Degree
    let width = pown group.Degree k
    let space (axes: int) = Space.power axes (Space.Of n)

    group.OrbitsOfTuples(k + l)
    |> Array.indexed
    |> Array.groupBy snd
    |> Array.map (fun (number, tuples) ->
        let rows =
            torch.tensor (tuples |> Array.map (fun (index, _) -> int64 (index / width)))

        let columns =
            torch.tensor (tuples |> Array.map (fun (index, _) -> int64 (index % width)))

        Build.leaf
            $"X[{number}]"
            (space k)
            (space l)
            Traits.None
            (Nullable())
            (act n k l rows columns)
            (act n l k columns rows))
