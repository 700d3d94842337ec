module Ortho.Tests.ZooLaws

open System
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let private liveTensors () =
    DisposeScopeManager.Statistics.ThreadTotalLiveCount

let private flat (batch: int64 list) (space: Space) (x: torch.Tensor) =
    x.reshape (Array.append (Array.ofList batch) [| space.Size |])

/// M x for each element of a batch, by the plain dense product.
let private dense (matrix: torch.Tensor) (case: Case) (map: LinearMap) (x: torch.Tensor) =
    (flat case.Batch map.Domain x).matmul(matrix.t ())
    |> fun y -> y.reshape (Seq.toArray (Seq.append case.Batch map.Codomain.Shape))

let private laws (entry: ZooEntry) (bench: Bench) =
    let tolerance = entry.Tolerance bench

    let law name (residual: Case -> LinearMap -> float) =
        Property.check Property.config name (fun case ->
            residual case (entry.Map bench case) |> Property.within tolerance name)

    testList
        $"{entry.Name} on {bench}"
        [
            law "is linear" (fun case map -> Law.linearity case.Seed map)
            law "has the adjoint it says" (fun case map -> Law.adjoint case.Seed map)
            law "keeps its promises" (fun case map ->
                max (Law.promises case.Seed map) (Law.promises case.Seed map.Adjoint))
            law "treats a batch as its elements" (fun case map ->
                max (Law.batchInvariance case.Seed map) (Law.batchInvariance case.Seed map.Adjoint))
            law "agrees with its dense matrix, and so do its adjoint and its Gram products" (fun case map ->
                // Several elements: the norm of one number may be small by chance.
                let case = { case with Batch = 4L :: case.Batch }
                let matrix = LinearMap.toMatrix map
                let x, y = case.Draw bench map.Domain, case.Draw bench map.Codomain
                let gram = map.Adjoint * map

                [
                    Law.distance (map.Apply x) (dense matrix case map x)
                    Law.distance (map.Adjoint.Apply y) (dense matrix.mH case map.Adjoint y)
                    Law.distance (gram.Apply x) (dense (matrix.mH.matmul matrix) case gram x)
                    Law.distance (LinearMap.toMatrix (map * map.Adjoint)) (matrix.matmul matrix.mH)
                ]
                |> List.reduce max)
            law "is undone by its inverse, where it knows one" (fun case map ->
                match LinearMap.tryInverse map with
                | None -> 0.0
                | Some inverse -> max (Law.inverse case.Seed map inverse) (Law.inverse case.Seed inverse map))

            Property.check Property.config "is the adjoint of its adjoint" (fun case ->
                let map = entry.Map bench case
                Object.ReferenceEquals(map.Adjoint.Adjoint, map) |> Prop.label "another object")

            Property.check Property.config "keeps type and device, and gives a fresh handle" (fun case ->
                let map = entry.Map bench case
                let x = case.Draw bench map.Domain
                let before = x.clone ()
                let y = map.Apply x
                let sameKind = TensorKind.ofTensor y = bench.Kind
                let fresh = not (Object.ReferenceEquals(x, y))
                y.Dispose()

                (sameKind && fresh && not x.IsInvalid && Law.distance x before = 0.0)
                |> Prop.label $"kind {sameKind}, fresh {fresh}, x alive {not x.IsInvalid}")

            Property.check Property.costly "leaves no tensor behind" (fun case ->
                let map = entry.Map bench case
                let x, y = case.Draw bench map.Domain, case.Draw bench map.Codomain

                let once () =
                    use _ = map.Apply x
                    use _ = map.Adjoint.Apply y
                    use _ = torch.NewDisposeScope()
                    let another = entry.Map bench case
                    another.Adjoint.Apply(another.Apply x) |> ignore

                once ()
                let before = liveTensors ()

                for _ in 1..3 do
                    once ()

                let grown = liveTensors () - before
                grown = 0L |> Prop.label $"{grown} more live tensors")

            testCase "refuses another shape, another type and a disposed tensor" (fun () ->
                use _ = torch.NewDisposeScope()

                let case =
                    {
                        Size = 3
                        Second = 2
                        Batch = []
                        Seed = 1
                    }

                let map = entry.Map bench case

                let draw kind =
                    Seed.normal 1 kind (Seq.append [ 5L ] map.Domain.Shape)

                if map.Domain.Rank > 0 then
                    Expect.throwsT<ArgumentException>
                        (fun () -> map.Apply(Seed.normal 1 bench.Kind [ 2L; 1L; 7L ]) |> ignore)
                        "shape"

                    Expect.throwsT<ArgumentException>
                        (fun () -> map.Apply(Seed.normal 1 bench.Kind []) |> ignore)
                        "no axes"

                let other =
                    if bench.Kind.Dtype = torch.float32 then
                        torch.float64
                    else
                        torch.float32

                Expect.throwsT<ArgumentException>
                    (fun () -> map.Apply(draw { bench.Kind with Dtype = other }) |> ignore)
                    "type"

                let disposed = draw bench.Kind
                disposed.Dispose()
                Expect.throwsT<ObjectDisposedException> (fun () -> map.Apply disposed |> ignore) "disposed"
                Expect.throwsT<ArgumentNullException> (fun () -> map.Apply null |> ignore) "null")
        ]

let private gradients (entry: ZooEntry) (bench: Bench) =
    testList
        $"{entry.Name} on {bench}"
        [
            Property.check Property.costly "has the right gradient in x" (fun case ->
                let map = entry.Map bench case

                max
                    (Law.gradient case.Seed map.Apply (case.Draw bench map.Domain))
                    (Law.gradient case.Seed map.Adjoint.Apply (case.Draw bench map.Codomain))
                |> Property.within Bench.gradient "gradient")

            Property.check Property.costly "has the right gradient in its parameters" (fun case ->
                let parameters = entry.Parameters bench case
                let x = case.Draw bench (entry.Build case parameters).Domain

                let inParameter i =
                    Law.gradient
                        case.Seed
                        (fun p ->
                            let changed = parameters |> Array.mapi (fun j other -> if i = j then p else other)
                            (entry.Build case changed).Apply x)
                        parameters[i]

                Seq.fold max 0.0 (Seq.map inParameter (seq { 0 .. parameters.Length - 1 }))
                |> Property.within Bench.gradient "gradient")
        ]

let tests =
    testList
        "zoo"
        [
            for entry in Zoo.all do
                if entry.IsReal then
                    for bench in Bench.real do
                        laws entry bench

                    for bench in Bench.double do
                        gradients entry bench

                if entry.IsComplex then
                    for bench in Bench.complex do
                        laws entry bench
        ]
