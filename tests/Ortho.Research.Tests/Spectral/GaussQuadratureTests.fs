module Ortho.Tests.GaussQuadratureTests

open System
open Expecto
open Ortho

let private close (name: string) (tolerance: float) (expected: seq<float>) (actual: seq<float>) =
    let expected, actual = Seq.toArray expected, Seq.toArray actual
    Expect.hasLength actual expected.Length name

    Array.iter2
        (fun (e: float) a ->
            Expect.isLessThanOrEqual (abs (a - e)) (tolerance * max 1.0 (abs e)) $"{name}: {a:R}, table {e:R}")
        expected
        actual

/// The positive half of a symmetric table, continued to the negative side.
let private mirrored (half: (float * float) list) =
    let positive = half |> List.filter (fun (x, _) -> x > 0.0)
    let negative = positive |> List.rev |> List.map (fun (x, w) -> -x, w)
    negative @ half

let private table name (rule: QuadratureRule) tolerance (expected: (float * float) list) =
    testCase name (fun () ->
        close "nodes" tolerance (expected |> List.map fst) rule.Nodes
        close "weights" tolerance (expected |> List.map snd) rule.Weights)

/// The integral of x^k under a rule.
let private moment (rule: QuadratureRule) (k: int) =
    Seq.fold2 (fun sum (x: float) w -> sum + w * x ** float k) 0.0 rule.Nodes rule.Weights

let private moments name (rule: int64 -> QuadratureRule) (exact: int -> float) =
    testCase $"{name}: exact moments to degree 2n - 1, and not of degree 2n" (fun () ->
        for n in 1..12 do
            let rule = rule (int64 n)
            // The sum of the sizes of the terms is what rounding is relative to.
            let size k =
                Seq.fold2 (fun sum (x: float) w -> sum + w * abs (x ** float k)) 0.0 rule.Nodes rule.Weights

            for k in 0 .. 2 * n - 1 do
                let error = abs (moment rule k - exact k) / size k
                Expect.isLessThan error 1e-13 $"n = {n}, k = {k}"

            let missed = abs (moment rule (2 * n) - exact (2 * n)) / size (2 * n)
            Expect.isGreaterThan missed 1e-8 $"n = {n}, k = {2 * n}")

let private gamma (x: float) =
    // Factorials and half-integers by the functional equation.
    let rec go x =
        if x = 1.0 then 1.0
        elif x = 0.5 then sqrt Math.PI
        else (x - 1.0) * go (x - 1.0)

    go x

let private even k value = if k % 2 = 1 then 0.0 else value

let tests =
    testList
        "Gauss quadrature"
        [
            // Abramowitz and Stegun, table 25.4.
            table "Legendre, n = 2" (Legendre.rule 2L) 1e-15 (mirrored [ 0.577350269189625764509148780502, 1.0 ])
            table
                "Legendre, n = 5"
                (Legendre.rule 5L)
                1e-15
                (mirrored
                    [
                        0.0, 0.568888888888888888888888888889
                        0.538469310105683091036314420700, 0.478628670499366468041291514836
                        0.906179845938663992797626878299, 0.236926885056189087514264040720
                    ])
            table
                "Legendre, n = 10"
                (Legendre.rule 10L)
                1e-15
                (mirrored
                    [
                        0.148874338981631210884826001130, 0.295524224714752870173815619189
                        0.433395394129247190799265943166, 0.269266719309996355091226921569
                        0.679409568299024406234327365115, 0.219086362515982043995534934228
                        0.865063366688984510732096688423, 0.149451349150580593145863396958
                        0.973906528517171720077964012084, 0.066671344308688137593568809893
                    ])
            // Abramowitz and Stegun, table 25.9.
            table
                "Laguerre, n = 3"
                (Laguerre.rule 0.0 3L)
                1e-15
                [
                    0.415774556783479083311, 0.711093009929173015450
                    2.294280360279041719822, 0.278517733569240848801
                    6.289945082937479196866, 0.0103892565015861357490
                ]
            // Abramowitz and Stegun, table 25.10.
            table
                "Hermite, n = 3"
                (Hermite.physicistsRule 3L)
                1e-15
                (mirrored
                    [
                        0.0, 1.181635900603677351532
                        1.224744871391589049099, 0.295408975150919337883
                    ])
            table
                "Hermite, n = 5"
                (Hermite.physicistsRule 5L)
                1e-15
                (mirrored
                    [
                        0.0, 0.945308720482941881226
                        0.958572464613818507113, 0.393619323152241159828
                        2.020182870456085632929, 0.0199532420590459132077
                    ])
            testCase "Lobatto, n = 5 (25.4.32)" (fun () ->
                let basis = Legendre.lobatto 5L
                close "nodes" 1e-15 [ -1.0; -sqrt(3.0 / 7.0); 0.0; sqrt (3.0 / 7.0); 1.0 ] basis.Nodes
                close "weights" 1e-15 [ 0.1; 49.0 / 90.0; 32.0 / 45.0; 49.0 / 90.0; 0.1 ] basis.Weights)

            moments "Legendre" Legendre.rule (fun k -> even k (2.0 / float (k + 1)))
            moments "Hermite, physicists'" Hermite.physicistsRule (fun k -> even k (gamma (float (k + 1) / 2.0)))
            moments "Hermite, probabilists'" Hermite.probabilistsRule (fun k ->
                even k (gamma (float (k + 1) / 2.0) * 2.0 ** (float k / 2.0) / sqrt Math.PI))
            moments "Laguerre, alpha = 1/2" (Laguerre.rule 0.5) (fun k -> gamma (float k + 1.5))
            moments "Ultraspherical, lambda = 2" (Ultraspherical.rule 2.0) (fun k ->
                even k (gamma (float (k + 1) / 2.0) * gamma 2.5 / gamma (float (k / 2) + 3.0)))
            // (1 - x)^2 (1 + x) = 1 - x - x^2 + x^3.
            moments "Jacobi, 2 and 1" (Jacobi.rule 2.0 1.0) (fun k ->
                let whole j = even j (2.0 / float (j + 1))
                whole k - whole (k + 1) - whole (k + 2) + whole (k + 3))
            moments
                "Chebyshev from its recurrence"
                (fun n ->
                    GaussQuadrature.ofRecurrence
                        Math.PI
                        (Array.zeroCreate (int n))
                        (Array.init (int n - 1) (fun k -> if k = 0 then sqrt 0.5 else 0.5)))
                (fun k -> even k (gamma (float (k + 1) / 2.0) * sqrt Math.PI / gamma (float (k / 2) + 1.0)))

            testCase "512 nodes: those of Chebyshev to the last digits, and no weight that is not a number" (fun () ->
                let n = 512

                let rule =
                    GaussQuadrature.ofRecurrence
                        Math.PI
                        (Array.zeroCreate n)
                        (Array.init (n - 1) (fun k -> if k = 0 then sqrt 0.5 else 0.5))

                close
                    "nodes"
                    2.3e-16
                    (Array.init n (fun j -> sin (Math.PI * float (2 * j + 1 - n) / float (2 * n))))
                    rule.Nodes

                Expect.all rule.Weights (fun w -> abs (w / (Math.PI / float n) - 1.0) < 1e-12) "weights pi / n"

                for rule in [ Hermite.probabilistsRule 512L; Laguerre.rule 0.0 512L; Legendre.rule 512L ] do
                    Expect.all rule.Weights (fun w -> Double.IsFinite w && w >= 0.0) "finite"

                close
                    "total"
                    1e-14
                    [ 1.0; 1.0; 2.0 ]
                    ([ Hermite.probabilistsRule 512L; Laguerre.rule 0.0 512L; Legendre.rule 512L ]
                     |> List.map (fun rule -> Seq.sum rule.Weights)))

            testCase "large rules integrate what small ones cannot" (fun () ->
                let integral (rule: QuadratureRule) (f: float -> float) =
                    Seq.fold2 (fun sum x w -> sum + w * f x) 0.0 rule.Nodes rule.Weights
                // The mean of cos 10 x under N(0, 1) is exp -50; of cos 5 x, exp -12.5.
                close
                    "cos"
                    1e-15
                    [ exp -12.5; exp -50.0 ]
                    [
                        integral (Hermite.probabilistsRule 512L) (fun x -> cos (5.0 * x))
                        integral (Hermite.probabilistsRule 512L) (fun x -> cos (10.0 * x))
                    ]
                // The integral of cos x exp -x is 1/2.
                close "decay" 1e-13 [ 0.5 ] [ integral (Laguerre.rule 0.0 512L) cos ])

            testCase "bad input is refused" (fun () ->
                Refusal.expect "no node" (fun () -> Legendre.rule 0L |> ignore)
                Refusal.expect "alpha" (fun () -> Laguerre.rule -1.0 3L |> ignore)
                Refusal.expect "NaN" (fun () -> Jacobi.rule nan 0.0 3L |> ignore)
                Refusal.expect "mass" (fun () -> GaussQuadrature.ofRecurrence 0.0 [ 0.0 ] [] |> ignore)
                Refusal.expect "length" (fun () -> GaussQuadrature.ofRecurrence 1.0 [ 0.0; 0.0 ] [] |> ignore)
                Refusal.expect "sign" (fun () -> GaussQuadrature.ofRecurrence 1.0 [ 0.0; 0.0 ] [ -1.0 ] |> ignore))
        ]
