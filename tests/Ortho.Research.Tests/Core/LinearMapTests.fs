module Ortho.Tests.LinearMapTests

open System
open Expecto
open Ortho
open TorchSharp

let private kind = TensorKind.float64

let private scoped (body: unit -> unit) () =
    use _ = torch.NewDisposeScope()
    body ()

let private matrix seed rows columns =
    Seed.normal seed kind [ rows; columns ] |> LinearMap.ofMatrix

let private diagonal seed n =
    Seed.normal seed kind [ n ] |> LinearMap.ofDiagonal

let private shows (expected: string) (map: LinearMap) =
    Expect.equal (string map) expected "the formula"

let private simplification =
    testList
        "simplifies when made"
        [
            testCase
                "the identity vanishes from products"
                (scoped (fun () ->
                    let a = matrix 1 2L 3L
                    Expect.isTrue (Object.ReferenceEquals(a * LinearMap.identity 3L, a)) "a I = a"
                    Expect.isTrue (Object.ReferenceEquals(LinearMap.identity 2L * a, a)) "I a = a"))
            testCase
                "zero swallows products and vanishes from sums"
                (scoped (fun () ->
                    let a = matrix 1 2L 3L
                    shows "0" (a * LinearMap.zero 4L 3L)
                    Expect.isTrue (Object.ReferenceEquals(a + LinearMap.zero 3L 2L, a)) "a + 0 = a"
                    shows "0" (a - a)))
            testCase
                "factors hoist out of products and tensor products"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 3L 2L
                    shows "-6 M[2x3]·M[3x2]" ((2.0 * a) * (-3.0 * b))
                    shows "-6 M[2x3] ⊗ M[3x2]" ((2.0 * a) .*. (-3.0 * b))
                    Expect.isTrue (Object.ReferenceEquals(2.0 * (0.5 * a), a)) "2 (a / 2) = a"))
            testCase
                "multiples of one map merge in sums"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 2L 3L
                    shows "3 M[2x3] - M[2x3]" (a - b + 2.0 * a)))
            testCase
                "permutation after permutation is a permutation"
                (scoped (fun () ->
                    let p = LinearMap.ofPermutation [ 1L; 2L; 0L ]
                    shows "P[3]" (p * p)
                    shows "I[3]" (p * p * p)
                    shows "I[3]" (p.Adjoint * p)))
            testCase
                "what a trait promises to cancel cancels"
                (scoped (fun () ->
                    let q = matrix 1 3L 3L |> LinearMap.promise Traits.Isometry
                    let a = matrix 2 3L 3L
                    shows "I[3]" (q.Adjoint * q)
                    shows "M[3x3]·M[3x3]*" (q * q.Adjoint)
                    Expect.isTrue ((q * q.Adjoint).Promises Traits.Projection) "q q* is a projection"

                    Expect.isTrue
                        (Object.ReferenceEquals(
                            a * q.Adjoint * (q * a.Adjoint) |> _.Adjoint.Adjoint,
                            a * q.Adjoint * (q * a.Adjoint)
                         )
                         |> not)
                        "new objects"

                    shows "M[3x3]·M[3x3]*" (a * q.Adjoint * (q * a.Adjoint))
                    let p = matrix 3 3L 3L |> LinearMap.promise Traits.Projection
                    Expect.isTrue (Object.ReferenceEquals(p * p, p)) "p p = p"))
            testCase
                "a product of tensor products is the tensor product of products"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 4L 5L
                    let split = (a .*. LinearMap.identity 4L) * (LinearMap.identity 3L .*. b)
                    shows "M[2x3] ⊗ M[4x5]" split
                    Expect.isLessThan (Law.equality 1 split (a .*. b)) 1e-15 "the same map"))
            testCase
                "identities join in tensor products and direct sums"
                (scoped (fun () ->
                    shows "I[2; 3]" (LinearMap.identity 2L .*. LinearMap.identity 3L)
                    shows "I[5]" (LinearMap.identity 2L .+. LinearMap.identity 3L)))
            testCase
                "a block with zeros off its diagonal is a direct sum"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 4L 5L

                    shows
                        "M[2x3] ⊕ M[4x5]"
                        (LinearMap.block [ [ a; LinearMap.zero 5L 2L ]; [ LinearMap.zero 3L 4L; b ] ])))
        ]

let private formulas =
    testList
        "prints as a formula"
        [
            testCase
                "with brackets where they are needed"
                (scoped (fun () ->
                    let a, b, d = matrix 1 2L 3L, matrix 2 3L 2L, diagonal 3 2L
                    shows "(M[2x3]·M[3x2] + diag[2])·diag[2]" ((a * b + d) * d)
                    shows "(M[2x3]·M[3x2]) ⊗ diag[2]" ((a * b) .*. d)
                    shows "M[2x3] ⊕ diag[2]·diag[2]" (a .+. d * d)
                    shows "M[2x3]* - 2 M[3x2]" (a.Adjoint - 2.0 * b)
                    shows "[M[2x3], diag[2]; M[2x3], -diag[2]]" (LinearMap.block [ [ a; d ]; [ a; -d ] ])))
        ]

let private verbs =
    testList
        "verbs"
        [
            testCase
                "andThen reads left to right, and * as in mathematics"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 4L 2L
                    let x = Seed.normal 3 kind [ 3L ]
                    let expected = b.Apply(a.Apply x)
                    Expect.isLessThan (Law.distance ((a |> LinearMap.andThen b).Apply x) expected) 1e-15 "andThen"
                    Expect.isLessThan (Law.distance ((b * a).Apply x) expected) 1e-15 "*"))
            testCase
                "the tensor product of matrices is their Kronecker product"
                (scoped (fun () ->
                    let a, b = matrix 1 2L 3L, matrix 2 4L 5L
                    let expected = torch.kron (LinearMap.toMatrix a, LinearMap.toMatrix b)
                    Expect.isLessThan (Law.distance (LinearMap.toMatrix (a .*. b)) expected) 1e-15 "kron"

                    Expect.isLessThan
                        (Law.distance (LinearMap.toMatrix (a |> LinearMap.tensor b)) expected)
                        1e-15
                        "tensor"))
            testCase
                "a permutation gathers: y[i] = x[order[i]]"
                (scoped (fun () ->
                    let y =
                        (LinearMap.ofPermutation [ 2L; 0L; 1L ]).Apply(torch.tensor [| 10.0; 20.0; 30.0 |])

                    Expect.equal (y.data<float>().ToArray()) [| 30.0; 10.0; 20.0 |] "by hand"))
            testCase
                "the norm is the largest singular value"
                (scoped (fun () ->
                    for seed in 1..20 do
                        let a = matrix seed 7L 5L
                        let largest = (torch.linalg.svdvals (LinearMap.toMatrix a)).max().item<float>()
                        Expect.floatClose Accuracy.medium (LinearMap.norm seed a) largest "norm"

                    Expect.equal (LinearMap.norm 1 (LinearMap.zero 3L 2L)) 0.0 "zero"))
            testCase
                "the inverse follows from the way a map is made"
                (scoped (fun () ->
                    let p = LinearMap.ofPermutation [ 2L; 0L; 1L ]
                    let d = diagonal 4 3L
                    let map = (2.0 * (p * d)) .*. p.Adjoint
                    Expect.isLessThan (Law.inverse 1 map (LinearMap.inverse map)) 1e-14 "inverse"
                    Expect.isNone (LinearMap.tryInverse (matrix 1 3L 3L)) "a matrix"

                    Expect.isNone
                        (LinearMap.tryInverse (LinearMap.ofDiagonal (torch.zeros (2L, dtype = torch.float64))))
                        "a diagonal with zeros"

                    Expect.throwsT<ArgumentException>
                        (fun () -> LinearMap.inverse (matrix 1 3L 3L) |> ignore)
                        "a matrix"))
            testCase
                "promises are kept through products, sums, tensor products and direct sums"
                (scoped (fun () ->
                    let p = LinearMap.ofPermutation [ 2L; 0L; 1L ]
                    let a = matrix 1 3L 3L
                    Expect.isTrue ((p .*. p).Promises Traits.Permutation) "tensor"
                    Expect.isTrue ((p .+. p).Promises Traits.Unitary) "sum"
                    Expect.isTrue ((-1.0 * p).Promises Traits.Unitary) "sign"
                    Expect.isFalse ((2.0 * p).Promises Traits.Isometry) "twice"
                    Expect.isFalse ((a * p).Promises Traits.Isometry) "product with a matrix"
                    Expect.isFalse ((p + p.Adjoint).Promises Traits.Unitary) "sum of unitaries"))
        ]

let private badInput =
    let refuses name (body: unit -> unit) =
        testCase name (scoped (fun () -> Refusal.expect name body))

    testList
        "refuses"
        [
            refuses "products of maps that do not meet" (fun () -> matrix 1 2L 3L * matrix 1 2L 3L |> ignore)
            refuses "sums of maps between different spaces" (fun () -> matrix 1 2L 3L + matrix 1 3L 2L |> ignore)
            refuses "maps of different types" (fun () ->
                matrix 1 2L 2L
                * LinearMap.ofMatrix (Seed.normal 1 TensorKind.float32 [ 2L; 2L ])
                |> ignore)
            refuses "NaN as a factor" (fun () -> nan * matrix 1 2L 2L |> ignore)
            refuses "a matrix of one axis" (fun () -> LinearMap.ofMatrix (torch.ones 3L) |> ignore)
            refuses "a matrix of integers" (fun () ->
                LinearMap.ofMatrix (torch.ones (2L, 2L, dtype = torch.int64)) |> ignore)
            refuses "an empty matrix" (fun () -> LinearMap.ofMatrix (torch.ones (0L, 3L)) |> ignore)
            refuses "an order with a repetition" (fun () -> LinearMap.ofPermutation [ 0L; 0L ] |> ignore)
            refuses "an empty order" (fun () -> LinearMap.ofPermutation [] |> ignore)
            refuses "a space of size 0" (fun () -> Space.ofShape [ 3L; 0L ] |> ignore)
            refuses "a reshape that changes the size" (fun () ->
                LinearMap.reshape 4L (Space.ofShape [ 3L; 2L ]) |> ignore)
            refuses "a ragged block" (fun () -> LinearMap.block [ [ matrix 1 2L 2L ]; [] ] |> ignore)
            refuses "a block whose rows disagree" (fun () ->
                LinearMap.block [ [ matrix 1 2L 2L; matrix 1 3L 2L ] ] |> ignore)
            refuses "a matrix of a map too large to look at" (fun () ->
                LinearMap.toMatrix (LinearMap.identity 100_000L) |> ignore)
            refuses "input on another device than the map's tensors" (fun () ->
                (matrix 1 2L 2L).Apply(torch.ones (2L, dtype = torch.float64, device = torch.META))
                |> ignore)
            refuses "maps on different devices" (fun () ->
                LinearMap.ofMatrix (torch.ones (2L, 2L, dtype = torch.float64, device = torch.META))
                * matrix 1 2L 2L
                |> ignore)
            refuses "a custom function around a map with parameters, which would get no gradient" (fun () ->
                LinearFunction.Act (matrix 1 2L 2L) (torch.ones (2L, dtype = torch.float64))
                |> ignore)
            refuses "half of an integer tensor" (fun () ->
                (0.5 * LinearMap.identity (Space.Of 2L)).Apply(torch.ones (2L, dtype = torch.int64))
                |> ignore)
            refuses "another binding" (fun () -> matrix 1 2L 2L |> LinearMap.on TensorKind.float32 |> ignore)
            testCase
                "a function that gives another shape than it should"
                (scoped (fun () ->
                    let map = LinearMap.ofFunctions "f" (Space.Of 3L, Space.Of 2L) (id, id)
                    Expect.throwsT<InvalidOperationException> (fun () -> map.Apply(torch.ones 3L) |> ignore) "shape"))
            testCase
                "null functions are told apart from bad ones"
                (scoped (fun () ->
                    Expect.throwsT<ArgumentNullException> (fun () -> LinearMap.ofDiagonal null |> ignore) "null"))
            testCase "a map whose tensors were freed" (fun () ->
                let map =
                    use _ = torch.NewDisposeScope()
                    matrix 1 2L 2L

                Expect.throws (fun () -> map.Apply(torch.ones (2L, dtype = torch.float64)) |> ignore) "freed")
        ]

let private functions =
    testList
        "maps given by functions"
        [
            testCase
                "own their result even when the function returns its argument or a tensor it keeps"
                (scoped (fun () ->
                    let kept = Seed.normal 1 kind [ 3L ]

                    let map =
                        LinearMap.ofFunctions "keep" (Space.Of 3L, Space.Of 3L) (id, (fun _ -> kept))

                    let x = Seed.normal 2 kind [ 3L ]
                    (map.Apply x).Dispose()
                    (map.Adjoint.Apply x).Dispose()
                    Expect.isFalse (x.IsInvalid || kept.IsInvalid) "alive"))
        ]

let tests =
    testList "linear maps" [ simplification; formulas; verbs; functions; badInput ]
