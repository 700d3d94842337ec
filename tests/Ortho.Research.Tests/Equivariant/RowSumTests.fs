/// Sums of views in one pass: the native kernel and what stands around it.
module Ortho.Tests.RowSumTests

open System
open System.Runtime.InteropServices
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Native
open TorchSharp

/// Views of one shape: dense, with axes exchanged, constant along axes, and cut out of wider tensors.
let private views (random: Random) (kind: TensorKind) (shape: int64[]) (count: int) =
    let axes = shape.Length - 1

    Array.init count (fun t ->
        let seed = random.Next()

        match (t + random.Next 4) % 4 with
        | 0 -> Seed.normal seed kind shape
        | 1 ->
            let order = Array.init axes int64
            random.Shuffle order
            let inverse = Array.init axes (fun i -> int64 (Array.IndexOf(order, int64 i)))

            let moved =
                Seed.normal
                    seed
                    kind
                    [|
                        for axis in order -> shape[int axis]
                        yield shape[axes]
                    |]

            moved.permute (Array.append inverse [| int64 axes |])
        | 2 ->
            Seed.normal
                seed
                kind
                [|
                    for axis in 0 .. axes - 1 -> if random.Next 2 = 0 then 1L else shape[axis]
                    yield shape[axes]
                |]
        | _ ->
            let wide =
                Seed.normal seed kind (Array.append shape[.. axes - 1] [| 3L * shape[axes] |])

            wide.narrow (int64 axes, shape[axes], shape[axes]))

let private law =
    Property.check Property.config "is the sum of its terms" (fun case ->
        use _ = torch.NewDisposeScope()
        let random = Random case.Seed

        let shape =
            [|
                for _ in 0 .. random.Next 3 -> 1L + int64 (random.Next 7)
                yield 4L + int64 (random.Next 20)
            |]

        let kind =
            if random.Next 2 = 0 then
                TensorKind.float32
            else
                TensorKind.float64

        let terms = views random kind shape (1 + random.Next 6)
        let plain = terms |> Array.map _.expand(shape) |> Array.reduce (fun a b -> a.add b)

        Law.distance (RowSum.ofTerms shape terms) plain
        |> Property.within (if kind = TensorKind.float32 then 1e-6 else 1e-14) "the sum of its terms")

let private examples =
    [
        testCase "a sign that torch has not applied yet is applied" (fun () ->
            use _ = torch.NewDisposeScope()
            let z = Seed.normal 1 (TensorKind.cpu torch.complex128) [ 5L; 6L; 4L ]
            // The imaginary part of a conjugate: memory of z, read with the other sign.
            let x = z.conj().imag.transpose(0L, 1L)
            let y = Seed.normal 2 TensorKind.float64 [ 6L; 5L; 4L ]
            Expect.equal (Law.distance (RowSum.ofTerms y.shape [| x; y |]) (x.add y)) 0.0 "sum")


        testCase "the same numbers on one thread and on two, and right where it is large" (fun () ->
            use _ = torch.NewDisposeScope()
            let kind = TensorKind.float32
            let shape = [| 3L; 70L; 70L; 16L |]
            let x = Seed.normal 1 kind [| 3L; 70L; 70L; 16L |]
            let terms = [| x; x.transpose (1L, 2L); Seed.normal 2 kind [| 3L; 1L; 70L; 16L |] |]
            let threads = torch.get_num_threads ()

            let by (count: int) =
                torch.set_num_threads count
                RowSum.ofTerms shape terms

            try
                let one, two = by 1, by 2
                Expect.equal (Law.distance one two) 0.0 "threads"

                Expect.isLessThan
                    (Law.distance one (x.add(x.transpose (1L, 2L)).add terms[2]))
                    1e-6
                    "x + x^T + columns"
            finally
                torch.set_num_threads threads)

        testCase "what the kernel takes" (fun () ->
            use _ = torch.NewDisposeScope()
            let like (kind: torch.ScalarType) = [| torch.zeros (2L, dtype = kind) |]
            Expect.isTrue (RowSum.fits [| 2L; 4L |] (like torch.float32)) "float32"
            Expect.isFalse (RowSum.fits [| 2L; 3L |] (like torch.float32)) "few channels"
            Expect.isFalse (RowSum.fits [| 4L |] (like torch.float32)) "no axis"
            Expect.isFalse (RowSum.fits [| 0L; 4L |] (like torch.float64)) "empty"
            Expect.isFalse (RowSum.fits [| 2L; 4L |] (like torch.complex64)) "complex"
            Expect.isFalse (RowSum.fits [| 2L; 4L |] (like torch.int64)) "integers"
            Expect.isFalse (RowSum.fits [| 1L <<< 20; 1L <<< 20 |] (like torch.float32)) "2 GiB"

            // A slice of half the channels of 2^20 x 600 floats spans nearly all of them.
            Expect.equal
                (RowSum.reach 4L [| 1L <<< 20; 300L |] [| 600L; 1L |])
                (4L * (((1L <<< 20) - 1L) * 600L + 300L))
                "reach"

            Expect.equal (RowSum.reach 8L [| 5L; 7L |] [| 0L; 1L |]) 56L "an expanded tensor")

        testCase "the kernel refuses what it would read or write outside" (fun () ->
            let memory = NativeMemory.AllocZeroed(100un)

            try

                let sum (sizes: int64[]) channels entry terms =
                    StridedSum(ReadOnlySpan sizes, channels, entry, terms)

                Refusal.expect "no sizes" (fun () -> sum [||] 4 4 1 |> ignore)
                Refusal.expect "size 0" (fun () -> sum [| 0L |] 4 4 1 |> ignore)
                Refusal.expect "channels" (fun () -> sum [| 2L |] 0 4 1 |> ignore)
                Refusal.expect "entry size" (fun () -> sum [| 2L |] 4 2 1 |> ignore)
                Refusal.expect "terms" (fun () -> sum [| 2L |] 4 4 0 |> ignore)

                let add (length: int) (strides: int64[]) : unit =
                    (sum [| 2L; 3L |] 4 4 1).Add(ReadOnlySpan<float32>(memory, length), ReadOnlySpan strides)

                add 24 [| 12L; 4L |]
                Refusal.expect "too short" (fun () -> add 23 [| 12L; 4L |])
                Refusal.expect "negative stride" (fun () -> add 24 [| 12L; -4L |])
                Refusal.expect "number of strides" (fun () -> add 24 [| 12L |])

                Refusal.expect "type" (fun () ->
                    (sum [| 2L |] 4 4 1).Add(ReadOnlySpan<float>(memory, 8), ReadOnlySpan [| 4L |]))

                Refusal.expect "one term too many" (fun () ->
                    let sum = sum [| 2L |] 4 4 1
                    sum.Add(ReadOnlySpan<float32>(memory, 8), ReadOnlySpan [| 4L |])
                    sum.Add(ReadOnlySpan<float32>(memory, 8), ReadOnlySpan [| 4L |]))

                Refusal.expect "no term" (fun () -> (sum [| 2L |] 4 4 1).Write(Span(Array.zeroCreate<float32> 8), 1))

                Refusal.expect "length of y" (fun () ->
                    let sum = sum [| 2L |] 4 4 1
                    sum.Add(ReadOnlySpan<float32>(memory, 8), ReadOnlySpan [| 4L |])
                    sum.Write(Span(Array.zeroCreate<float32> 7), 1))
            finally
                NativeMemory.Free memory)
    ]

let tests = testList "sums of views" [ law; yield! examples ]
