/// The native passes around an FFT: every layout of rows, threads, what they refuse.
module Ortho.Tests.RowKernelTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Native
open TorchSharp

/// A view of the given kind of a tensor of random numbers, [..., n] in the end.
let private view (seed: int) (kind: TensorKind) (n: int64) (form: int) : torch.Tensor =
    let normal shape = Seed.normal seed kind shape

    match form with
    | 0 -> normal [ 19L; n ]
    | 1 -> (normal [ n; 19L ]).t()
    | 2 -> (normal [ 3L; n; 17L ]).transpose(1L, 2L)
    | 3 -> (normal [ n; 2L; 9L ]).permute [| 1L; 2L; 0L |]
    | 4 -> (normal [ 2L; n; 3L; 5L ]).permute [| 3L; 0L; 2L; 1L |]
    | 5 -> (normal [ 4L; 2L * n ]).slice(1L, 1L, 2L * n, 2L)
    | 6 -> (normal [ 1L; n ]).expand [| 6L; n |]
    | 7 -> (normal [ 5L; n + 3L ]).narrow(1L, 2L, n)
    | _ -> normal [ n ]

let tests =
    testList
        "native passes"
        [
            Property.check Property.config "any layout of rows gives what dense rows give" (fun case ->
                let kind = CosineTests.kinds[case.Seed % CosineTests.kinds.Length]

                let n =
                    match kind with
                    | CosineType.DctI -> 4L * int64 case.Size + 1L
                    | CosineType.DstI -> 4L * int64 case.Size - 1L
                    | _ -> 2L * int64 case.Size

                let form = (case.Seed / 8) % 9
                let kernel = (RowKernel.tryCosine kind n).Value

                [ TensorKind.float64, 1.0; TensorKind.float32, 1e-7 ]
                |> List.map (fun (precision, scale) ->
                    let x = view case.Seed precision n form
                    let expected = CosineForm.dense kind n (x.contiguous ())
                    scale * Law.distance (RowKernel.apply kernel x) expected)
                |> List.max
                |> Property.within 1e-12 $"{kind}[{n}], layout {form}")

            testCase "two threads give the numbers of one" (fun () ->
                use _ = torch.NewDisposeScope()
                let threads = torch.get_num_threads ()

                for kind in CosineTests.kinds do
                    let n =
                        match kind with
                        | CosineType.DctI -> 513L
                        | CosineType.DstI -> 511L
                        | _ -> 512L

                    let kernel = (RowKernel.tryCosine kind n).Value

                    for x in
                        [
                            Seed.normal 1 TensorKind.float64 [ 401L; n ]
                            (Seed.normal 1 TensorKind.float64 [ n; 401L ]).t()
                        ] do
                        torch.set_num_threads 1
                        let one = RowKernel.apply kernel x
                        torch.set_num_threads 2
                        let two = RowKernel.apply kernel x
                        torch.set_num_threads threads
                        Expect.equal (Law.distance one two) 0.0 $"{kind}")

            testCase "lengths without a kernel have none" (fun () ->
                let expectNone kind n =
                    Expect.isTrue (RowKernel.tryCosine kind n).IsNone $"{kind}[{n}]"

                expectNone CosineType.DctI 4L
                expectNone CosineType.DstI 4L
                expectNone CosineType.DstI 1L
                expectNone CosineType.DctIV 7L
                expectNone CosineType.DctII (1L <<< 40)
                Refusal.expect "odd IV" (fun () -> FourthPasses<float>(false, 7) |> ignore)
                Refusal.expect "bad I" (fun () -> FirstPasses<float>(true, 4) |> ignore))

            testCase "spans of another length are refused" (fun () ->
                let passes = SecondPasses<float>(false, 8)
                let none: float[] = [||]

                let before x first rows rowStride =
                    passes.Before(
                        ReadOnlySpan(Array.zeroCreate<float> x),
                        1L,
                        0L,
                        rows,
                        rowStride,
                        1L,
                        Span(Array.zeroCreate<float> first),
                        Span none,
                        1
                    )

                before 16 16 2L 8L
                Refusal.expect "short x" (fun () -> before 15 16 2L 8L)
                Refusal.expect "short target" (fun () -> before 16 15 2L 8L)
                Refusal.expect "no rows" (fun () -> before 16 16 0L 8L)
                Refusal.expect "negative stride" (fun () -> before 16 16 2L -8L)

                let after first (y: float[]) =
                    passes.After(ReadOnlySpan(Array.zeroCreate<float> first), ReadOnlySpan none, Span y, 1)

                after 20 (Array.zeroCreate<float> 16)
                Refusal.expect "short spectrum" (fun () -> after 19 (Array.zeroCreate<float> 16))
                Refusal.expect "part of a row" (fun () -> after 20 (Array.zeroCreate<float> 17)))
        ]
