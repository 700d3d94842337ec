module Ortho.Tests.LearnTests

open System
open System.IO
open Expecto
open Ortho
open TorchSharp

let private matrixModule seed =
    Learn.map "matrix" [ Parameter.normal seed [ 3L; 2L ] |> Parameter.named "weight" ] (fun p ->
        LinearMap.ofMatrix p[0])

let private fit (learned: LearnedMap) (steps: int) =
    use _ = torch.NewDisposeScope()

    let x = Seed.normal 5 TensorKind.float32 [ 16L; 2L ]

    let target = Seed.normal 6 TensorKind.float32 [ 2L; 3L ]

    let y = x.matmul target
    use optimizer = torch.optim.Adam(learned.parameters (), lr = 0.05)
    let mutable loss = nan

    for _ in 1..steps do
        use _ = torch.NewDisposeScope()
        optimizer.zero_grad ()
        let error = torch.nn.functional.mse_loss (learned.forward x, y)
        error.backward ()
        optimizer.step () |> ignore
        loss <- float (error.item<float32>())

    loss

let tests =
    testList
        "learned maps"
        [
            testCase "register their parameters under the names given, or p0, p1, ..." (fun () ->
                use learned = matrixModule 1
                Expect.sequenceEqual (learned.state_dict().Keys) [ "weight" ] "named"

                use numbered =
                    Learn.map "sum" [ Parameter.zeros [ 2L ]; Parameter.zeros [ 2L ] ] (fun p ->
                        LinearMap.ofDiagonal p[0] + LinearMap.ofDiagonal p[1])

                Expect.sequenceEqual (numbered.state_dict().Keys) [ "p0"; "p1" ] "numbered")

            testCase "know their spaces" (fun () ->
                use learned = matrixModule 1
                Expect.equal (learned.Domain, learned.Codomain) (Space.Of 2L, Space.Of 3L) "spaces")

            testCase "same seed, same start; another seed, another start" (fun () ->
                use _ = torch.NewDisposeScope()
                let a, b, c = matrixModule 1, matrixModule 1, matrixModule 2
                let weight (m: LearnedMap) = m.get_parameter "weight"
                Expect.equal (Law.distance (weight a) (weight b)) 0.0 "same"
                Expect.isGreaterThan (Law.distance (weight a) (weight c)) 0.1 "another")

            testCase "learn, also when they were made in a scope that has ended" (fun () ->
                use learned =
                    use _ = torch.NewDisposeScope()
                    matrixModule 1

                Expect.isLessThan (fit learned 400) 1e-4 "fitted")

            testCase "save and load, and refuse a file of other names" (fun () ->
                use _ = torch.NewDisposeScope()
                let a, b = matrixModule 1, matrixModule 2
                let path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat")

                try
                    a.save path |> ignore
                    b.load path |> ignore
                    Expect.equal (Law.distance (a.get_parameter "weight") (b.get_parameter "weight")) 0.0 "loaded"

                    use other =
                        Learn.map "other" [ Parameter.zeros [ 3L; 2L ] ] (fun p -> LinearMap.ofMatrix p[0])

                    Expect.throws (fun () -> other.load path |> ignore) "other names"
                finally
                    File.Delete path)

            testCase "move to another type" (fun () ->
                use _ = torch.NewDisposeScope()
                use learned = matrixModule 1
                learned.``to`` torch.float64 |> ignore
                let y = learned.forward (Seed.normal 1 TensorKind.float64 [ 5L; 2L ])
                Expect.equal y.dtype torch.float64 "type"

                Expect.throwsT<ArgumentException>
                    (fun () -> learned.forward (torch.ones (2L)) |> ignore)
                    "float32 input")

            testCase "stand in a Sequential, and switch between training and evaluation" (fun () ->
                use _ = torch.NewDisposeScope()

                let layer (m: torch.nn.Module<torch.Tensor, torch.Tensor>) = m

                use model =
                    torch.nn.Sequential(
                        struct ("first", layer (matrixModule 1)),
                        struct ("bend", layer (torch.nn.ReLU()))
                    )

                Expect.sequenceEqual (model.state_dict().Keys) [ "first.weight" ] "names"
                model.eval ()
                Expect.isFalse (model.children () |> Seq.head).training "evaluation"
                Expect.equal (model.forward(torch.ones (4L, 2L)).shape) [| 4L; 3L |] "shape")

            testCase "give the map of now, without gradients and free of later steps" (fun () ->
                use _ = torch.NewDisposeScope()
                use learned = matrixModule 1
                let map = learned.Realize()
                let x = torch.ones 2L
                let before = map.Apply x
                Expect.isFalse before.requires_grad "no gradient"
                fit learned 3 |> ignore
                Expect.equal (Law.distance before (map.Apply x)) 0.0 "kept"
                Expect.isGreaterThan (Law.distance before (learned.forward x)) 1e-3 "moved on")

            testCase "what is frozen is saved and moved, but not trained" (fun () ->
                use _ = torch.NewDisposeScope()

                let based seed =
                    Learn.map
                        "based"
                        [
                            Parameter.normal seed [ 2L; 2L ] |> Parameter.frozen |> Parameter.named "base"
                            Parameter.normal seed [ 2L ]
                        ]
                        (fun p -> LinearMap.ofDiagonal p[1] * LinearMap.ofMatrix p[0])

                use learned = based 1
                use other = based 2
                Expect.equal (learned.parameters () |> Seq.length) 1 "one trained"
                Expect.sequenceEqual (learned.state_dict().Keys |> Seq.sort) [ "base"; "p1" ] "two saved"
                let path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.dat")

                try
                    learned.save path |> ignore
                    other.load path |> ignore
                finally
                    File.Delete path

                let x = torch.ones 2L
                Expect.equal (Law.distance (learned.forward x) (other.forward x)) 0.0 "loaded"
                learned.``to`` torch.float64 |> ignore
                let y = learned.forward (x.``to`` torch.float64)
                Expect.equal y.dtype torch.float64 "moved"
                y.sum().backward()
                Expect.isFalse (learned.get_buffer "base").requires_grad "no gradient")

            testCase "a thousand steps leave no tensor behind" (fun () ->
                use learned = matrixModule 1
                fit learned 5 |> ignore
                let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
                fit learned 1000 |> ignore
                Expect.equal DisposeScopeManager.Statistics.ThreadTotalLiveCount before "live tensors")

            testCase "initialisers give what they say" (fun () ->
                use _ = torch.NewDisposeScope()

                let first parameter =
                    (Learn.map "d" [ parameter ] (fun p -> LinearMap.ofDiagonal p[0])).get_parameter "p0"

                let uniform = first (Parameter.uniform 1 (2.0, 3.0) [ 1000L ])
                Expect.isTrue (uniform.min().item<float32>() >= 2.0f && uniform.max().item<float32>() < 3.0f) "uniform"
                let scaled = first (Parameter.normal 1 [ 10000L ] |> Parameter.scaled 0.1)

                let deviation = float (scaled.std().item<float32>())
                // The estimate has a standard error of 0.7 %; the seed is fixed.
                Expect.isLessThan (abs (deviation - 0.1)) 0.005 "scaled"
                let value = Seed.normal 3 TensorKind.float64 [ 4L ]
                Expect.equal (Law.distance (first (Parameter.ofTensor value)) value) 0.0 "a copy"
                let double = first (Parameter.zeros [ 2L ] |> Parameter.on TensorKind.float64)
                Expect.equal double.dtype torch.float64 "type")

            testCase "refuse two parameters of one name, a name with a dot, a builder that gives null" (fun () ->
                let zeros name =
                    Parameter.zeros [ 2L ] |> Parameter.named name

                let build (p: torch.Tensor[]) = LinearMap.ofDiagonal p[0]

                Expect.throwsT<ArgumentException>
                    (fun () -> Learn.map "m" [ zeros "a"; zeros "a" ] build |> ignore)
                    "names"

                Expect.throwsT<ArgumentException> (fun () -> zeros "a.b" |> ignore) "dot"

                Expect.throwsT<InvalidOperationException>
                    (fun () -> new LearnedMap("m", [], (fun _ -> Unchecked.defaultof<_>)) |> ignore)
                    "null")
        ]
