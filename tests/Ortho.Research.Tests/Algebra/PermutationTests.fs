module Ortho.Tests.Algebra.PermutationTests

open System
open Expecto
open Ortho

let private law name (holds: PermutationTriple -> bool) =
    testPropertyWithConfig Config.cheap name holds

let private laws =
    testList
        "laws"
        [
            law "products are associative" (fun c ->
                let left = Permutation.compose (Permutation.compose c.Third c.Second) c.First
                left = Permutation.compose c.Third (Permutation.compose c.Second c.First))

            law "the identity is neutral" (fun c ->
                let one = Permutation.identity c.First.Size

                Permutation.compose one c.First = c.First
                && Permutation.compose c.First one = c.First)

            law "the inverse undoes on both sides" (fun c ->
                let one = Permutation.identity c.First.Size
                let inverse = Permutation.inverse c.First

                Permutation.compose inverse c.First = one
                && Permutation.compose c.First inverse = one)

            law "a product maps i to p[q[i]]" (fun c ->
                let product = Permutation.compose c.Second c.First

                [ 0 .. c.First.Size - 1 ]
                |> List.forall (fun i ->
                    Permutation.apply product i = Permutation.apply c.Second (Permutation.apply c.First i)))

            law "the sign of a product is the product of the signs" (fun c ->
                let product = Permutation.compose c.Second c.First
                Permutation.sign product = Permutation.sign c.Second * Permutation.sign c.First)

            law "the sign counts inversions" (fun c ->
                let images = Permutation.toArray c.First

                let inversions =
                    List.length
                        [
                            for i in 0 .. images.Length - 1 do
                                for j in i + 1 .. images.Length - 1 do
                                    if images[i] > images[j] then
                                        i, j
                        ]

                Permutation.sign c.First = (if inversions % 2 = 0 then 1 else -1))

            law "conjugates have one cycle type" (fun c ->
                let conjugate =
                    Permutation.compose c.Second (Permutation.compose c.First (Permutation.inverse c.Second))

                Permutation.cycleType conjugate = Permutation.cycleType c.First)
        ]

let private examples =
    testList
        "examples"
        [
            testCase "cycles of [1 2 0 4 3 5]" (fun () ->
                let p = Permutation.ofArray [| 1; 2; 0; 4; 3; 5 |]
                Expect.equal (Permutation.cycles p) [| [| 0; 1; 2 |]; [| 3; 4 |]; [| 5 |] |] "cycles"
                Expect.equal (Permutation.cycleType p) [| 3; 2; 1 |] "cycle type"
                Expect.equal (Permutation.sign p) -1 "sign"
                Expect.equal (string p) "[1 2 0 4 3 5]" "text")

            testCase "the array given is copied" (fun () ->
                let images = [| 1; 0 |]
                let p = Permutation.ofArray images
                images[0] <- 0
                Expect.equal p[0] 1 "image")
        ]

let private badInput =
    testList
        "bad input"
        [
            testCase "a repeated image" (fun () ->
                Expect.throwsT<ArgumentException> (fun () -> Permutation.ofArray [| 0; 0 |] |> ignore) "refused")

            testCase "an image out of range" (fun () ->
                for images in [ [| 0; 2 |]; [| 0; 3 |]; [| 0; -1 |] ] do
                    Expect.throwsT<ArgumentException> (fun () -> Permutation.ofArray images |> ignore) $"%A{images}")

            testCase "two sizes" (fun () ->
                Expect.throwsT<ArgumentException>
                    (fun () -> Permutation.compose (Permutation.identity 2) (Permutation.identity 3) |> ignore)
                    "refused")

            testCase "a point out of range" (fun () ->
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> Permutation.apply (Permutation.identity 2) 2 |> ignore)
                    "refused")
        ]

let tests = testList "Permutation" [ laws; examples; badInput ]
