module Ortho.Tests.BoundaryProblemTests

open System
open Expecto
open Ortho
open TorchSharp

let private constant interval (value: float) = Fun.ofCoefficients interval [ value ]

/// The largest distance at 201 points, beside the largest value.
let private distance (u: Fun) (exact: float -> float) =
    let points = [ for i in 0..200 -> u.Lower + (u.Upper - u.Lower) * float i / 200.0 ]
    let most = points |> List.map (exact >> abs) |> List.max
    (points |> List.map (fun x -> abs (u.Evaluate x - exact x)) |> List.max) / most

let private value x y = BoundaryProblem.condition x 0 y

let private within (what: string) (allowed: float) (residual: float) =
    Expect.isTrue (residual <= allowed) $"{what}: {residual:E2}, allowed {allowed:E0}"

let private iteration = Bench.double.Head.Iteration

/// Both solvers.
let private solvers: (string * (Fun list -> BoundaryCondition list -> Fun -> Fun)) list =
    [
        "ultraspherical", (fun a conditions f -> BoundaryProblem.solve a conditions f)
        "collocation", (fun a conditions f -> BoundaryProblem.collocate 60L a conditions f)
    ]

let private both name (body: string -> (Fun list -> BoundaryCondition list -> Fun -> Fun) -> unit) =
    testList
        name
        [
            for method, solve in solvers -> testCase method (fun () -> body method solve)
        ]

let tests =
    testList
        "boundary problems"
        [
            Property.check Property.config "almost banded systems: the solution of the dense matrix" (fun case ->
                let random = Random case.Seed
                let k, lower = 1 + random.Next 3, random.Next 4
                let upper = k + random.Next 4
                let n = k + 1 + random.Next 40
                let draw () = 2.0 * random.NextDouble() - 1.0
                let dense = Array.init k (fun _ -> Array.init n (fun _ -> draw ()))
                // The shifted diagonal, by which the rows below are solved for, is large.
                let rows =
                    Array.init (n - k) (fun i ->
                        Array.init n (fun j ->
                            if j < i - lower || j > i + upper then 0.0
                            elif j = i + k then 8.0 + draw ()
                            else draw ()))

                let x = Array.init n (fun _ -> draw ())

                let right =
                    Array.append dense rows
                    |> Array.map (fun row -> Array.fold2 (fun s a b -> s + a * b) 0.0 row x)

                match AlmostBanded.trySolve dense lower upper (fun i j -> rows[i][j]) [| right |] with
                | None -> Property.within 0.0 "no pivot" infinity
                | Some solutions ->
                    let found = solutions[0]
                    // Residual beside the sizes of matrix and solution.
                    Law.distance
                        (torch.tensor (
                            Array.append dense rows
                            |> Array.map (fun row -> Array.fold2 (fun s a b -> s + a * b) 0.0 row found)
                        ))
                        (torch.tensor right)
                    |> Property.within (Bench.double.Head.Product) "residual")

            both "u'' + k u = f with Dirichlet data, closed form" (fun name solve ->
                for k in [ -40.0; -1.0; 0.0; 3.0; 200.0 ] do
                    let interval = 0.0, 3.0
                    // f = 2: u = A c(x) + B s(x) + particular, s = sin, sinh or x.
                    let root = sqrt (abs k)

                    let s, c, particular =
                        if k > 0.0 then
                            (fun x -> sin (root * x)), (fun x -> cos (root * x)), (fun _ -> 2.0 / k)
                        // Decay from either end: sinh and cosh would cancel.
                        elif k < 0.0 then
                            (fun x -> exp (root * (x - 3.0))), (fun x -> exp (-root * x)), (fun _ -> 2.0 / k)
                        else
                            id, (fun _ -> 1.0), (fun x -> x * x)

                    let left, right = 1.0 - particular 0.0, -2.0 - particular 3.0
                    let determinant = c 0.0 * s 3.0 - s 0.0 * c 3.0
                    let a = (left * s 3.0 - s 0.0 * right) / determinant
                    let b = (c 0.0 * right - c 3.0 * left) / determinant

                    let u =
                        solve
                            [ constant interval k; constant interval 0.0; constant interval 1.0 ]
                            [ value 0.0 1.0; value 3.0 -2.0 ]
                            (constant interval 2.0)

                    within $"{name}, k = {k}" iteration (distance u (fun x -> a * c x + b * s x + particular x)))

            both "variable coefficients, a manufactured solution, all kinds of conditions" (fun name solve ->
                let interval = -1.0, 2.0
                let fn = Fun.ofFunction interval
                let exact = fn (fun x -> exp (sin (2.0 * x)))
                let a = [ fn cos; fn (fun x -> 1.0 + x * x); fn (fun x -> 3.0 + sin x) ]
                let d1 = exact.Derivative()
                let d2 = d1.Derivative()
                let f = a[0] * exact + a[1] * d1 + a[2] * d2

                let at order x =
                    BoundaryProblem.condition x order ((if order = 0 then exact else d1).Evaluate x)

                for conditions in
                    [
                        [ at 0 -1.0; at 0 2.0 ]
                        [ at 0 -1.0; at 1 2.0 ]
                        [ at 0 -1.0; at 1 -1.0 ]
                        [ at 0 0.3; at 1 2.0 ]
                    ] do
                    within $"{name} {conditions}" 1e-10 (distance (solve a conditions f) exact.Evaluate))

            both "first and fourth order" (fun name solve ->
                let interval = 0.0, 2.0
                let number = constant interval
                let u = solve [ number -1.0; number 1.0 ] [ value 0.0 1.0 ] (number 0.0)
                within $"{name}: exp" iteration (distance u exp)
                // u'''' = u with the data of sin x + exp -x.
                let exact x = sin x + exp -x
                let slope x = cos x - exp -x

                let data =
                    [
                        value 0.0 (exact 0.0)
                        value 2.0 (exact 2.0)
                        BoundaryProblem.condition 0.0 1 (slope 0.0)
                        BoundaryProblem.condition 2.0 1 (slope 2.0)
                    ]

                let u =
                    solve [ number -1.0; number 0.0; number 0.0; number 0.0; number 1.0 ] data (number 0.0)
                // Collocation loses digits with the eighth power of n.
                within $"{name}: beam" (if name = "collocation" then 1e-6 else iteration) (distance u exact))

            testCase "a boundary layer and many oscillations" (fun () ->
                // e u'' + u' = 0, u(0) = 0, u(1) = 1: (1 - exp(-x/e)) / (1 - exp(-1/e)).
                let e = 1e-4
                let interval = 0.0, 1.0
                let number = constant interval

                let u =
                    BoundaryProblem.solve
                        [ number 0.0; number 1.0; number e ]
                        [ value 0.0 0.0; value 1.0 1.0 ]
                        (number 0.0)

                within "layer" 1e-10 (distance u (fun x -> (1.0 - exp (-x / e)) / (1.0 - exp (-1.0 / e))))

                let waves =
                    BoundaryProblem.solve
                        [ number 1e6; number 0.0; number 1.0 ]
                        [ value 0.0 0.0; value 1.0 (sin 1000.0) ]
                        (number 0.0)

                within "oscillations" 1e-10 (distance waves (fun x -> sin (1000.0 * x))))

            testCase "Airy's equation against its series" (fun () ->
                // u'' = x u, u(0) = 1, u'(0) = 0: 1 + x^3/(2 3) + x^6/(2 3 5 6) + ...
                let series x =
                    Seq.unfold
                        (fun (term, k) ->
                            if k > 120 then
                                None
                            else
                                Some(term, (term * x ** 3.0 / float ((k + 2) * (k + 3)), k + 3)))
                        (1.0, 0)
                    |> Seq.sum

                let interval = -5.0, 3.0

                let u =
                    BoundaryProblem.solve
                        [
                            Fun.ofFunction interval (fun x -> -x)
                            constant interval 0.0
                            constant interval 1.0
                        ]
                        [ value 0.0 1.0; BoundaryProblem.condition 0.0 1 0.0 ]
                        (constant interval 0.0)

                within "Airy" 1e-11 (distance u series))

            testCase "bad input is refused" (fun () ->
                let number = constant (0.0, 1.0)
                let laplace = [ number 0.0; number 0.0; number 1.0 ]
                let dirichlet = [ value 0.0 0.0; value 1.0 0.0 ]

                let solve a conditions f =
                    BoundaryProblem.solve a conditions f |> ignore

                Refusal.expect "no derivative" (fun () -> solve [ number 1.0 ] [] (number 1.0))
                Refusal.expect "too few conditions" (fun () -> solve laplace [ value 0.0 0.0 ] (number 1.0))
                Refusal.expect "outside" (fun () -> solve laplace [ value 0.0 0.0; value 2.0 0.0 ] (number 1.0))

                Refusal.expect "order" (fun () ->
                    solve laplace [ value 0.0 0.0; BoundaryProblem.condition 1.0 2 0.0 ] (number 1.0))

                Refusal.expect "intervals" (fun () -> solve laplace dirichlet (constant (0.0, 2.0) 1.0))

                Refusal.expect "Neumann only" (fun () ->
                    solve
                        laplace
                        [ BoundaryProblem.condition 0.0 1 0.0; BoundaryProblem.condition 1.0 1 0.0 ]
                        (number 1.0))

                Refusal.expect "an eigenvalue" (fun () ->
                    solve [ number (Math.PI * Math.PI); number 0.0; number 1.0 ] dirichlet (number 1.0))


                for k in 1.0 .. 6.0 do
                    Refusal.expect $"eigenvalue {k}" (fun () ->
                        solve [ number (k * k * Math.PI * Math.PI); number 0.0; number 1.0 ] dirichlet (number 1.0))

                Refusal.expect "n" (fun () -> BoundaryProblem.collocate 2L laplace dirichlet (number 1.0) |> ignore)
                Refusal.expect "NaN" (fun () -> BoundaryProblem.condition nan 0 0.0 |> ignore))
        ]
