(**
# What is a LinearMap?

**The question.** A matrix, a reflection, a cosine transform, a permutation diagram and a Poisson solver look like different things. What
do they share, so that one small set of verbs serves them all?

**What to take away.** A linear map is known by what it *does* and by what its adjoint does. Maps compose, add, tensor and invert like
formulas; laws tell as a number whether they are what they say; and nobody needs their matrix, except to look at it.
*)
(*** condition: ipynb ***)
#load "../scripts/figures.fsx"
(*** condition: prepare ***)
#load "../scripts/figures.fsx"
(** *)
open TorchSharp
open Plotly.NET
open Ortho
open Ortho.Lab

(**
## A map by its action

A Householder reflection turns v around and leaves everything orthogonal to v alone: `H x = x - 2 v (v·x) / (v·v)`. A map acts on the last
axis; axes before it are a batch.
*)
let v = torch.tensor [| 1.0; 2.0; 2.0 |]
let h = Householder.reflection v

(h.Apply v).data<float>().ToArray()
(*** include-it ***)

(**
Its matrix is made only when you ask to see it:
*)
printfn "%s" ((LinearMap.toMatrix h).ToString TensorStringStyle.Julia)
(*** include-output ***)

(**
## Maps are formulas

`a * b` is "a after b", `.*.` the tensor (Kronecker) product, `.+.` the direct sum. What must cancel cancels when the formula is made: a
reflection is its own adjoint and its own inverse.
*)
let d = LinearMap.ofDiagonal (torch.tensor [| 3.0; 2.0; 1.0 |])
let dct = Cosine.transform CosineType.DctII 4L

[
    string (h * d * h)
    string (h * h)
    string (dct.Adjoint * dct)
    string (2.0 * (h .*. dct) * (d .*. LinearMap.identity (Space.Of 4L)))
    string (h * d + 3.0 * (h * d).Adjoint)
]
(*** include-it ***)

(**
The spaces are checked where maps meet, and the message says what did not fit:
*)
try
    printfn $"{dct * h}"
with error ->
    printfn $"{error.Message}"
(*** include-output ***)

(**
## Laws are numbers

A map promises what its construction guarantees, and a law measures it on random vectors: a residual divided by the norms involved, so
rounding (1e-16 or so in double precision) where the law holds, and of order one where it does not.
*)
let maps =
    [
        h
        h * d * h
        dct
        Functor.diagram 3 (Diagram.ofBlocks 2 1 [ [ 0; 1 ]; [ 2 ] ])
        Poisson.solver [ Poisson.axis Boundary.Neumann 8L 0.5 ]
    ]

Report.format
    [ "map"; "promises"; "adjoint"; "isometry"; "projection" ]
    [
        for map in maps ->
            [
                string map
                string map.Traits
                Report.number (Law.adjoint 1 map)
                Report.number (Law.isometry 1 map)
                (if map.Domain = map.Codomain then
                     Report.number (Law.projection 1 map)
                 else
                     "")
            ]
    ]
|> printfn "%s"
(*** include-output ***)

(**
## What the eye sees

Points on a curve through space, their images under the reflection `h`, and under `h` after the scaling `d`: an isometry keeps lengths.
*)
let steps = [ -2.0 .. 0.1..2.0 ]
let curve = torch.tensor (array2D [ for t in steps -> [ 1.0; t; t * t ] ]) // [41; 3]: a batch of points

let lengths (map: LinearMap) =
    map.Apply(curve).norm(1).data<float>().ToArray()

[
    Chart.Line(x = steps, y = lengths (LinearMap.identity (Space.Of 3L)), Name = "x")
    Chart.Point(x = steps, y = lengths h, Name = "h x")
    Chart.Line(x = steps, y = lengths (h * d), Name = "h d x")
]
|> Chart.combine
|> Figure.themed "A reflection keeps lengths" "t (position on the curve)" "length (no unit)"
|> Figure.cell "what-is-a-linear-map-lengths"
(*** include-it-raw ***)
(**
![Lengths along the curve: those of h x lie on those of x, those of h d x do not.](pictures/what-is-a-linear-map-lengths.png)

## Learning a map

Any differentiable function from parameters to a map is a TorchSharp module. Here two reflections learn a hidden rotation from 50 pairs of
vectors; the learned map is orthogonal at every step, because it cannot be anything else.
*)
let hidden =
    Cayley.ofSkew (Skew.ofSquare (Seed.normal 7 TensorKind.float64 [ 3L; 3L ]))

let x = Seed.normal 8 TensorKind.float64 [ 50L; 3L ]
let y = hidden.Apply x

let learned =
    Learn.map "rotation" [ Parameter.normal 9 [ 2L; 3L ] |> Parameter.on TensorKind.float64 ] (fun p ->
        Householder.chain p[0])

let optimizer = torch.optim.Adam(learned.parameters (), 0.05)

for _ in 1..300 do
    use _ = torch.NewDisposeScope()
    optimizer.zero_grad ()
    torch.nn.functional.mse_loss(learned.forward x, y).backward()
    optimizer.step () |> ignore

let found = learned.Realize()
printfn "distance from the hidden rotation: %s" (Report.number (Law.equality 1 found hidden))
printfn "orthogonality: %s" (Report.number (Law.unitary 1 found))
(*** include-output ***)
