/// The library never makes a Scalar that a collection may finalise while libtorch reads it (Core/Elementwise.fs says why).
module Ortho.Tests.ScalarTests

open System.Collections.Generic
open System.Threading
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

            testCase
                "a hundred thousand calls while another thread allocates give no exception and no wrong value"
                (fun () ->
                    use _ = torch.NewDisposeScope()
                    use stop = new CancellationTokenSource()

                    let allocator =
                        Thread(fun () ->
                            while not stop.IsCancellationRequested do
                                Array.init 1000 (fun i -> string i) |> ignore)

                    allocator.Start()

                    try
                        let d = LinearMap.ofDiagonal (torch.tensor [| 2.0; 2.0; 2.0; 2.0 |])

                        let map = 0.5 * d + 3.0 * LinearMap.identity 4L
                        let x = torch.ones (4L, dtype = torch.float64)
                        let expected = x * 4.0
                        let mutable wrong = 0

                        for _ in 1..50_000 do
                            use y = map.Apply x
                            use z = map.Adjoint.Apply x

                            if not (y.Equals expected && z.Equals expected) then
                                wrong <- wrong + 1

                        Expect.equal wrong 0 "wrong values"
                    finally
                        stop.Cancel()
                        allocator.Join())
        ]
