(**
# What is a linear map?

**The question.** A matrix, a Fourier transform, a reflection and a convolution look like different things. What do they share,
so that one small set of verbs serves them all?

**What to take away.** A linear map is known by what it *does* and by what its adjoint does. Nobody needs its matrix, except to look at it.
*)
(*** condition: ipynb ***)
#load "../scripts/figures.fsx"
(*** condition: prepare ***)
#load "../scripts/figures.fsx"
(** *)
open TorchSharp
open Plotly.NET
open Ortho.Lab

(**
## A map by its action

A reflection in the plane orthogonal to v: `x - 2 v (v·x) / (v·v)`. It costs a few operations per entry; its matrix would cost n².
*)
let v = torch.tensor [| 1.0; 2.0; 2.0 |]

let reflect (x: torch.Tensor) =
    use _ = torch.NewDisposeScope()
    let along = (x.mul v).sum() / (v.mul v).sum()
    (x - v * along * 2.0.ToScalar()).MoveToOuterDisposeScope()

(reflect v).data<float>().ToArray()
(*** include-it ***)

(**
Applied twice it changes nothing: a reflection is its own inverse, and its own adjoint.
*)
let x = torch.tensor [| 3.0; -1.0; 0.5 |]
(reflect (reflect x)).data<float>().ToArray()
(*** include-it ***)

(**
## What the eye sees

The lengths before and after, for points on a line through space: an isometry keeps them.
*)
let steps = [ -2.0 .. 0.1..2.0 ]
let point (t: float) = torch.tensor [| 1.0; t; t * t |]

let lengths f =
    [ for t in steps -> (f (point t): torch.Tensor).norm().item<float>() ]

[
    Chart.Line(x = steps, y = lengths id, Name = "before")
    Chart.Point(x = steps, y = lengths reflect, Name = "after the reflection")
]
|> Chart.combine
|> Figure.themed "A reflection keeps lengths" "t (position on the curve)" "length (no unit)"
|> Figure.cell "what-is-a-linear-map-lengths"
(*** include-it-raw ***)
(**
![Lengths before and after the reflection: the points lie on the line.](pictures/what-is-a-linear-map-lengths.png)
*)
