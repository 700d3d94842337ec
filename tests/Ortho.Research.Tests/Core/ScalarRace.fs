/// A stress run: calls on one thread, collections on another. It asks whether a Scalar may be finalised while libtorch reads it.
module Ortho.Tests.ScalarRace

open System
open System.Runtime
open System.Threading
open Ortho
open TorchSharp

/// What a stress run saw.
type Outcome =
    {
        Calls: int
        Exceptions: int
        WrongValues: int
        Collections: int
        IsConcurrent: bool
    }

    override this.ToString() =
        let collector = if this.IsConcurrent then "concurrent" else "not concurrent"
        $"{this.Calls} calls, {this.Exceptions} exceptions, {this.WrongValues} wrong values; {this.Collections} collections, {collector}"

/// A graph of small objects, which makes collections long, and garbage, which makes them frequent.
let private allocate (stop: CancellationToken) =
    let kept = Array.init 400_000 (fun i -> [ i ])

    while not stop.IsCancellationRequested do
        Array.init 2000 (fun i -> [| i |]) |> ignore

    GC.KeepAlive kept

let private stress (calls: int) (call: unit -> bool) =
    use stop = new CancellationTokenSource()
    let allocator = Thread(fun () -> allocate stop.Token)
    allocator.Start()
    let before = GC.CollectionCount 0
    let mutable exceptions = 0
    let mutable wrong = 0

    try
        for _ in 1..calls do
            try
                if not (call ()) then
                    wrong <- wrong + 1
            with _ ->
                exceptions <- exceptions + 1
    finally
        stop.Cancel()
        allocator.Join()

    {
        Calls = calls
        Exceptions = exceptions
        WrongValues = wrong
        Collections = GC.CollectionCount 0 - before
        IsConcurrent = GCSettings.LatencyMode = GCLatencyMode.Interactive
    }

let private entry (x: torch.Tensor) (i: int) =
    let span = Runtime.InteropServices.MemoryMarshal.Cast<byte, float> x.bytes
    span[i]

/// TorchSharp's own sum and multiple, as users write them.
let plain (calls: int) =
    use _ = torch.NewDisposeScope()

    let x, y =
        torch.ones (4L, dtype = torch.float64), torch.ones (4L, dtype = torch.float64)

    stress calls (fun () ->
        use sum = x + y
        use twice = x * 3.0
        entry sum 3 = 2.0 && entry twice 3 = 3.0)

/// The hub's hot paths: a sum, a multiple, a diagonal and their adjoints.
let hub (calls: int) =
    use _ = torch.NewDisposeScope()
    let x = torch.ones (4L, dtype = torch.float64)
    let twice = LinearMap.ofDiagonal (torch.tensor [| 2.0; 2.0; 2.0; 2.0 |])
    let map = 0.5 * twice + 3.0 * LinearMap.identity 4L

    stress calls (fun () ->
        use y = map.Apply x
        use z = map.Adjoint.Apply y
        entry y 3 = 4.0 && entry z 0 = 16.0)
