/// The library never makes a Scalar that a collection may finalise while libtorch reads it (Core/Elementwise.fs says why).
module Ortho.Tests.ScalarTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Reflection
open Expecto
open Mono.Cecil
open Ortho
open TorchSharp

let private calls (method: MethodDefinition) =
    if method.HasBody then
        method.Body.Instructions
        |> Seq.choose (fun instruction ->
            match instruction.Operand with
            | :? MethodReference as target -> Some target.FullName
            | _ -> None)
        |> Seq.toArray
    else
        [||]

let private methods (path: string) =
    use assembly = AssemblyDefinition.ReadAssembly path

    let rec types (``type``: TypeDefinition) =
        Seq.append [ ``type`` ] (``type``.NestedTypes |> Seq.collect types)

    assembly.MainModule.Types
    |> Seq.collect types
    |> Seq.collect _.Methods
    |> Seq.map (fun method -> method.FullName, calls method)
    |> Seq.toArray

/// Methods of TorchSharp that make a Scalar of their own, directly or through another: found in TorchSharp's compiled code.
let private makers () =
    let all = methods typeof<torch.Tensor>.Assembly.Location
    let found = HashSet<string>()

    let makesScalar (name: string) =
        name.Contains "TorchSharp.Scalar TorchSharp.Scalar::op_Implicit"
        || name.Contains "ToScalar("

    let mutable grows = true

    while grows do
        grows <- false

        for name, called in all do
            if
                not (found.Contains name)
                && called |> Array.exists (fun c -> makesScalar c || found.Contains c)
            then
                found.Add name |> ignore
                grows <- true

    found

let private allowed = [ "Ortho.Elementwise"; "$Elementwise::.cctor" ]

/// Custom functions see only the tensors in their arguments. These were looked at: each has a test of its gradients, first and second.
let private customFunctions =
    [
        "Ortho.LinearFunction"
        "Ortho.MatrixFunction"
        "Ortho.RotationFunction"
        "Ortho.LayerFunction"
        "Ortho.LayerSlope"
        "Ortho.ScanFunction"
    ]

let tests =
    testList
        "temporary Scalars"
        [
            testCase "TorchSharp's own sum of tensors is seen to make one" (fun () ->
                Expect.isTrue
                    (makers ()
                     |> Seq.exists (_.Contains("torch/Tensor::add(TorchSharp.torch/Tensor)")))
                    "x.add y")

            testCase "no method of the library makes one outside Core/Elementwise.fs" (fun () ->
                let makers = makers ()

                let offenders =
                    methods typeof<LinearMap>.Assembly.Location
                    |> Array.filter (fun (name, _) -> not (allowed |> List.exists name.Contains))
                    |> Array.collect (fun (name, called) ->
                        called
                        |> Array.filter (fun c -> makers.Contains c || c.Contains "TorchSharp.Scalar::op_Implicit")
                        |> Array.map (fun c -> $"{name} calls {c}"))

                Expect.equal (String.concat "\n" offenders) "" "calls that make a temporary Scalar")

            testCase "what ends the process on an error is called in one place or nowhere" (fun () ->
                let callers (part: string) =
                    methods typeof<LinearMap>.Assembly.Location
                    |> Array.filter (fun (_, called) -> called |> Array.exists _.Contains(part))
                    |> Array.map fst

                Expect.isEmpty (callers "torch/autograd::grad(") "autograd.grad"
                // A saved tensor that a scope frees is null: these save arguments and what no scope but their caller's frees.
                let saves (caller: string) =
                    [
                        "Ortho.RotationFunction::forward"
                        "Ortho.MatrixFunction::forward"
                        "Ortho.Saved::keep"
                        "Ortho.ScanFunction::forward"
                    ]
                    |> List.exists caller.Contains

                Expect.all (callers "save_for_backward") saves "save_for_backward"

                let isKnown (caller: string) =
                    customFunctions |> List.exists caller.Contains

                Expect.all (callers "SingleTensorFunction`1") isKnown "custom functions"
                // Only Equivariant/StridedView.fs, which passes the offset.
                Expect.isNonEmpty (callers "::as_strided(") "as_strided is seen"
                Expect.all (callers "::as_strided(") _.Contains("Ortho.StridedView") "as_strided")

            testCase
                "a hundred thousand calls beside a concurrent collector give no exception and no wrong value"
                (fun () ->
                    // The collector's mode is fixed when a process starts: another process, which runs ScalarRace.hub.
                    let start = ProcessStartInfo(Environment.ProcessPath, RedirectStandardOutput = true)

                    if Path.GetFileNameWithoutExtension Environment.ProcessPath = "dotnet" then
                        start.ArgumentList.Add(Assembly.GetEntryAssembly().Location)

                    start.ArgumentList.Add "--scalar-race"
                    start.Environment["DOTNET_gcConcurrent"] <- "1"
                    use child = Process.Start start
                    let said = child.StandardOutput.ReadToEnd()
                    child.WaitForExit()
                    Expect.stringContains said "100000 calls, 0 exceptions, 0 wrong values" "outcome"
                    Expect.stringContains said ", concurrent" "the collector was concurrent")
        ]
