/// The most memory that one piece of work holds, measured in a process of its own.
module Ortho.Tests.Orthogonal.PeakMemory

open System
open System.Diagnostics
open System.IO
open System.Reflection
open Ortho
open TorchSharp

let argument = "--peak-memory"

/// Dimensions, columns and rows of the thin frame.
let n, k, rows = 20_000L, 50L, 16L

/// A frame of n x k made from parameters, applied, and differentiated back to them.
let private train (build: torch.Tensor -> LinearMap) (shape: int64 list) (n: int64) =
    use _ = torch.NewDisposeScope()
    let v = (Seed.normal 1 TensorKind.float32 shape).requires_grad_ true
    let frame = build v
    let x = (Seed.normal 2 TensorKind.float32 [ rows; k ]).requires_grad_ true
    let y = frame.Apply x
    let back = frame.Adjoint.Apply(Seed.normal 3 TensorKind.float32 [ rows; n ])
    y.mul(Seed.normal 4 TensorKind.float32 [ rows; n ]).sum().add(back.sum ()).backward()

/// What can be measured, by name, for any n.
let private works: (string * (int64 -> unit)) list =
    [
        "frame", (fun n -> train (fun v -> Householder.frame v k) [ k; n ] n)
        "triangular frame", (fun n -> train Householder.triangular [ n; k ] n)
        "frame of a matrix",
        (fun n ->
            use _ = torch.NewDisposeScope()
            let q = Haar.frames 1 TensorKind.float32 [ n; k ]
            let x = Seed.normal 2 TensorKind.float32 [ rows; k ]
            (Householder.ofMatrix q).Apply x |> ignore
            let form = Householder.toLapack q
            (Householder.ofLapack form.Reflectors form.Scales).Apply x |> ignore)
        "projection onto a uniform subspace",
        (fun n ->
            use _ = torch.NewDisposeScope()

            (Haar.projection 1 TensorKind.float32 n k).Apply(Seed.normal 2 TensorKind.float32 [ rows; n ])
            |> ignore)
        "steps on the Stiefel manifold",
        (fun n ->
            use _ = torch.NewDisposeScope()
            let x = Stiefel.ofMatrix (Seed.normal 1 TensorKind.float32 [ n; k ])
            let z = (Seed.normal 2 TensorKind.float32 [ n; k ]).requires_grad_ true

            for retract in [ Retraction.qr; Retraction.polar; Retraction.cayley; Retraction.exponential ] do
                use _ = torch.NewDisposeScope()
                (retract x (Stiefel.tangent x z)).square().mean().backward())
        "projections and angles of thin subspaces",
        (fun n ->
            use _ = torch.NewDisposeScope()

            let a, b =
                Seed.normal 1 TensorKind.float32 [ n; k ], Seed.normal 2 TensorKind.float32 [ n; k ]

            let x = Seed.normal 3 TensorKind.float32 [ rows; n ]

            let maps =
                [
                    Projection.ofColumns a
                    Projection.sum 1e-5 a b
                    Projection.intersection 1e-5 a a
                ]

            for map in maps do
                (Projection.complement map).Apply x |> ignore

            (Projection.nullSpace 1e-5 (LinearMap.ofMatrix a).Adjoint).Apply x |> ignore
            PrincipalAngles.between a b |> ignore)
        // What the measure must see: an eighth of an n x n matrix.
        "an eighth of a dense matrix", (fun n -> torch.ones(n / 8L, n).Dispose())
    ]

/// Run in a process of its own: prints how many bytes the work adds at its peak.
let report (name: string) =
    let work = works |> List.find (fun (known, _) -> known = name) |> snd
    // Libraries and compiled code come in once.
    work 400L
    GC.Collect()
    use self = Process.GetCurrentProcess()
    let before = self.WorkingSet64
    work n
    self.Refresh()
    printfn $"peak {self.PeakWorkingSet64 - before}"

/// The bytes that a work adds at its peak.
let measure (name: string) : int64 =
    let start = ProcessStartInfo(Environment.ProcessPath, RedirectStandardOutput = true)

    if Path.GetFileNameWithoutExtension Environment.ProcessPath = "dotnet" then
        start.ArgumentList.Add(Assembly.GetEntryAssembly().Location)

    start.ArgumentList.Add argument
    start.ArgumentList.Add name
    use child = Process.Start start
    let said = child.StandardOutput.ReadToEnd()
    child.WaitForExit()
    int64 (said.Substring(said.IndexOf "peak " + 5).Trim())
