module Ortho.Tests.GoodSizeTests

open System
open Expecto
open FsCheck.FSharp
open Ortho

let private transforms =
    TransformType.Fourier :: List.map TransformType.Cosine CosineTests.kinds

let private least transform =
    if transform = TransformType.Cosine CosineType.DctI then
        2L
    else
        1L

/// Written out: divide by each small prime as long as it goes.
let private isSmooth (length: int64) =
    [ 2L; 3L; 5L; 7L; 11L ]
    |> List.fold
        (fun rest prime ->
            let mutable rest = rest

            while rest % prime = 0L do
                rest <- rest / prime

            rest)
        length
    |> (=) 1L

let private check name (law: TransformType -> int64 -> bool) =
    Property.check Property.config name (fun case ->
        let random = Random case.Seed
        let transform = transforms[random.Next transforms.Length]
        let n = least transform + int64 (random.Next(1 <<< random.Next(1, 20)))
        law transform n |> Prop.label $"{transform}, n = {n}")

let tests =
    testList
        "good sizes"
        [
            check "good is: no prime factor of the length above 11" (fun transform n ->
                let length =
                    match transform with
                    | TransformType.Cosine CosineType.DctI -> n - 1L
                    | TransformType.Cosine CosineType.DstI -> n + 1L
                    | _ -> n

                GoodSize.length transform n = length
                && GoodSize.isGood transform n = isSmooth length)

            check "the next and the previous are good, and nothing lies between" (fun transform n ->
                let above, below = GoodSize.next transform n, GoodSize.previous transform n

                let between =
                    seq { below + 1L .. above - 1L } |> Seq.exists (GoodSize.isGood transform)

                GoodSize.isGood transform above
                && GoodSize.isGood transform below
                && below <= n
                && n <= above
                && (not between || below = above))

            check "the nearest is one of them, none nearer" (fun transform n ->
                let above, below = GoodSize.next transform n, GoodSize.previous transform n
                let nearest = GoodSize.nearest transform n

                abs (nearest - n) = min (above - n) (n - below)
                && (nearest = above || nearest = below))

            check "good sizes are not slow, and the remark says which is which" (fun transform n ->
                let slowdown = GoodSize.slowdown transform n
                let remark = GoodSize.remark transform n

                if GoodSize.isGood transform n then
                    slowdown = 1.0 && remark.Contains "is fast"
                else
                    slowdown >= 1.0
                    && remark.Contains "is slow"
                    && remark.Contains $"{GoodSize.nearest transform n} points")

            testCase "one grid line more" (fun () ->
                let sine = TransformType.Cosine CosineType.DstI
                Expect.equal (GoodSize.next sine 382L) 383L "383 + 1 = 384"
                Expect.equal (GoodSize.nearest sine 190L) 191L "191 + 1 = 192"
                Expect.isGreaterThan (GoodSize.slowdown sine 382L) 3.0 "2 * 383"
                Expect.equal (GoodSize.remark sine 383L) "DstI of 383 points is fast (384 = 2^7 * 3)." "fast"

                Expect.stringStarts
                    (GoodSize.remark sine 382L)
                    "DstI of 382 points is slow (383 is prime): 383 points (384 = 2^7 * 3) are about "
                    "slow"

                Expect.equal (GoodSize.nearest (TransformType.Cosine CosineType.DctI) 1024L) 1025L "1024 + 1"
                Expect.equal (GoodSize.next TransformType.Fourier 1021L) 1024L "a power of two"
                Expect.equal (GoodSize.previous TransformType.Fourier 13L) 12L "below 13"
                Expect.equal (GoodSize.remark TransformType.Fourier 1L) "Fourier of 1 points is fast (1)." "one")

            testCase "large sizes take no time" (fun () ->
                let prime = (1L <<< 40) - 87L
                Expect.isFalse (GoodSize.isGood TransformType.Fourier prime) "a prime near 2^40"
                let above = GoodSize.next TransformType.Fourier prime
                Expect.isTrue (isSmooth above && above >= prime && above <= (1L <<< 40)) "next"
                Expect.isTrue (isSmooth (GoodSize.previous TransformType.Fourier prime)) "previous")

            testCase "bad input is refused" (fun () ->
                Refusal.expect "0" (fun () -> GoodSize.next TransformType.Fourier 0L |> ignore)
                Refusal.expect "too large" (fun () -> GoodSize.isGood TransformType.Fourier Int64.MaxValue |> ignore)

                Refusal.expect "DCT-I of one point" (fun () ->
                    GoodSize.remark (TransformType.Cosine CosineType.DctI) 1L |> ignore))
        ]
