namespace Ortho.Tests.Algebra

open FsCheck
open FsCheck.FSharp
open Expecto
open Ortho

/// Three partitions of one set.
type PartitionTriple =
    {
        P: SetPartition
        Q: SetPartition
        R: SetPartition
    }

/// Three permutations of one size.
type PermutationTriple =
    {
        First: Permutation
        Second: Permutation
        Third: Permutation
    }

/// Three diagrams that can be stacked, D1 lowest.
type Stack =
    {
        D3: Diagram
        D2: Diagram
        D1: Diagram
    }

/// A dimension and two diagrams that can be stacked, small enough for dense matrices; most cut their middle row alike.
type DenseCase =
    {
        N: int
        Last: Diagram
        First: Diagram
    }

/// How the values of the algebra tests are drawn.
type Cases =

    static member private permutation(size: int) =
        Gen.shuffle [| 0 .. size - 1 |] |> Gen.map Permutation.ofArray

    /// Few labels give coarse partitions, many give fine ones.
    static member private partition(size: int) =
        gen {
            let! labelCount = Gen.choose (1, max 1 size)
            let! labels = Gen.arrayOfLength size (Gen.choose (1, labelCount))
            return SetPartition.ofLabels labels
        }

    static member private diagram(k: int, l: int) =
        Cases.partition (l + k) |> Gen.map (Diagram.ofPartition k l)

    /// A partition of outer more elements, before or after the given ones, that cuts the given ones as they are.
    static member private around(outer: int, before: bool, middle: SetPartition) =
        gen {
            let inner = [| for e in 0 .. middle.Size - 1 -> middle.BlockOf e |]
            let! added = Gen.arrayOfLength outer (Gen.choose (0, middle.BlockCount + outer))

            return
                SetPartition.ofLabels (
                    if before then
                        Array.append added inner
                    else
                        Array.append inner added
                )
        }

    static member Permutations() =
        gen {
            let! size = Gen.choose (0, 8)
            let! p = Cases.permutation size
            let! q = Cases.permutation size
            let! r = Cases.permutation size

            return { First = p; Second = q; Third = r }
        }
        |> Arb.fromGen

    static member Partitions() =
        gen {
            let! size = Gen.choose (0, 6)
            let! p = Cases.partition size
            let! q = Cases.partition size
            let! r = Cases.partition size
            return { P = p; Q = q; R = r }
        }
        |> Arb.fromGen

    static member Stacks() =
        gen {
            let! k = Gen.choose (0, 4)
            let! l = Gen.choose (0, 4)
            let! m = Gen.choose (0, 4)
            let! p = Gen.choose (0, 4)
            let! d3 = Cases.diagram (m, p)
            let! d2 = Cases.diagram (l, m)
            let! d1 = Cases.diagram (k, l)
            return { D3 = d3; D2 = d2; D1 = d1 }
        }
        |> Arb.fromGen

    static member DenseCases() =
        gen {
            let! n = Gen.choose (1, 4)
            let longest = if n = 4 then 2 else 3
            let! k = Gen.choose (0, longest)
            let! l = Gen.choose (0, longest)
            let! m = Gen.choose (0, longest)
            let! middle = Cases.partition l
            let! other = Gen.frequency [ 4, Gen.constant middle; 1, Cases.partition l ]
            let! lower = Cases.around (k, false, middle)
            let! upper = Cases.around (m, true, other)

            return
                {
                    N = n
                    Last = Diagram.ofPartition l m upper
                    First = Diagram.ofPartition k l lower
                }
        }
        |> Arb.fromGen

/// How many cases a law is tried on.
module Config =

    let cheap =
        { FsCheckConfig.defaultConfig with
            maxTest = 300
            arbitrary = [ typeof<Cases> ]
        }
