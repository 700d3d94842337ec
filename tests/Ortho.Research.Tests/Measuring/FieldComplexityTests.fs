module Ortho.Tests.FieldComplexityTests

open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

let tests =
    testList
        "complexity of fields"
        [
            Property.check
                Property.config
                "entropy lies from 0 to log bins, and knows neither order nor affine scale"
                (fun case ->
                    let bins = case.Size
                    let x = Seed.normal case.Seed TensorKind.float64 [ 40L; 5L ]
                    let entropy = FieldComplexity.entropy bins x
                    let turned = FieldComplexity.entropy bins (x.flip [| 0L |])
                    // Powers of two: no rounding moves a value to another bin.
                    let scaled = FieldComplexity.entropy bins (x.mul (torch.tensor 4.0))

                    (entropy >= 0.0
                     && entropy <= log (float bins) + 1e-12
                     && abs (turned - entropy) < 1e-12
                     && abs (scaled - entropy) < 1e-12)
                    |> Prop.label $"{bins} bins: {entropy}, {turned}, {scaled}")

            testCase "by hand" (fun () ->
                use _ = torch.NewDisposeScope()

                let near expected found what =
                    Expect.floatClose Accuracy.veryHigh found expected what

                let x = torch.tensor([| 0.0; 1.0; 0.0; 1.0 |]).reshape(2L, 2L)
                near (log 2.0) (FieldComplexity.entropy 50 x) "two values"
                near (log 50.0) (FieldComplexity.entropy 50 (torch.arange(50L).``to`` torch.float64)) "one in each bin"
                near 0.0 (FieldComplexity.entropy 50 (torch.ones (3L, 3L))) "a constant"
                // |gradient| is 1 everywhere, the deviation 1/2 of the range, the kurtosis 1.
                near (0.3 * log 2.0 + 0.1 + 0.2 * log 3.0) (FieldComplexity.index x) "index"
                // Gradients 0, 1, 0 along x: central in the middle, one-sided at the ends.
                let steps = torch.tensor([| 0.0; 0.0; 0.0; 1.0; 1.0; 1.0 |]).expand(2L, 6L)
                let gradient = [ 0.0; 0.0; 0.5; 0.5; 0.0; 0.0 ]

                let deviation =
                    sqrt ((gradient |> List.averageBy (fun g -> g * g)) - List.average gradient ** 2.0)

                near
                    (0.3 * log 2.0 + 0.3 * deviation + 0.1 + 0.2 * log 3.0)
                    (FieldComplexity.index steps)
                    "index of a step"

                near 0.0 (FieldComplexity.index (torch.ones (3L, 3L))) "index of a constant"
                near (0.5 * 3.0) (FieldComplexity.mixing x (torch.tensor [| 3.0; -3.0 |])) "mixing")

            testCase "bad input is refused" (fun () ->
                use x = torch.ones (2L, 2L)
                Refusal.expect "bins" (fun () -> FieldComplexity.entropy 0 x |> ignore)
                Refusal.expect "empty" (fun () -> FieldComplexity.entropy 5 (torch.zeros 0L) |> ignore)
                Refusal.expect "NaN" (fun () -> FieldComplexity.entropy 5 (torch.tensor [| nan |]) |> ignore)
                Refusal.expect "rank" (fun () -> FieldComplexity.index (torch.ones 4L) |> ignore)
                Refusal.expect "size" (fun () -> FieldComplexity.index (torch.ones (1L, 4L)) |> ignore))
        ]
