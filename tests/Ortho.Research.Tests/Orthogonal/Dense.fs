/// Plain dense matrices that the orthogonal maps are compared with, and random ones of each kind.
module Ortho.Tests.Orthogonal.Dense

open System
open Ortho
open Ortho.Tests
open TorchSharp

let identity (kind: TensorKind) (n: int64) =
    torch.eye (n, dtype = Nullable kind.Dtype, device = kind.Device)

/// I - 2 v v* / (v* v) entry by entry.
let reflection (v: torch.Tensor) =
    let column = v.unsqueeze 1L
    let squared = v.abs().square().sum()

    identity (TensorKind.ofTensor v) v.shape[0]
    - 2.0 * column.matmul (column.mH) / squared

/// The product of the reflections along the rows, one after the other.
let chain (vectors: torch.Tensor) =
    Seq.fold
        (fun (q: torch.Tensor) i -> q.matmul (reflection (vectors.select (0L, i))))
        (identity (TensorKind.ofTensor vectors) vectors.shape[1])
        (seq { 0L .. vectors.shape[0] - 1L })

/// A random matrix with orthonormal columns, [rows; columns].
let frame (seed: int) (kind: TensorKind) (rows: int64) (columns: int64) =
    let struct (q, _) = torch.linalg.qr (Seed.normal seed kind [ rows; columns ])
    q

let singularValues (x: torch.Tensor) =
    torch.linalg.svdvals(x).``to``(torch.float64, torch.CPU).data<float>().ToArray()

/// A random skew matrix whose largest singular value is the given one (0 for n = 1 and real entries).
let skew (seed: int) (kind: TensorKind) (n: int64) (size: float) =
    let s = Skew.ofSquare (Seed.normal seed kind [ n; n ])
    let norm = Array.reduce max (singularValues s)
    if norm = 0.0 then s else s * (size / norm)

let size (x: torch.Tensor) =
    torch.linalg.vector_norm(x, 2.0).``to``(torch.float64).item<float>()

/// |x - y| over the larger of 1 and |y|: for matrices that may be zero.
let apart (x: torch.Tensor) (y: torch.Tensor) = size (x - y) / max 1.0 (size y)

/// A complex tensor from a real one with a last axis of 2: for gradients in complex parameters.
let complexOf (pairs: torch.Tensor) = torch.view_as_complex pairs

/// More live tensors after the calls than after one call.
let growth (body: unit -> unit) =
    let once () =
        use _ = torch.NewDisposeScope()
        body ()

    once ()
    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount

    for _ in 1..5 do
        once ()

    DisposeScopeManager.Statistics.ThreadTotalLiveCount - before

/// More live tensors after calls than their results account for, when no scope frees what else they make.
let growthOfResults (body: unit -> torch.Tensor list) =
    let before = DisposeScopeManager.Statistics.ThreadTotalLiveCount
    let results = body ()
    let grown = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before
    grown - int64 results.Length

/// The slope of Re sum(conj w f(x)) at x, for a random w; with `again`, in steps that autograd sees.
let slope (again: bool) (seed: int) (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
    use _ = torch.enable_grad ()

    let x =
        if x.requires_grad then
            x
        else
            x.detach().requires_grad_ true

    let y = f x
    let w = Seed.normal seed (TensorKind.ofTensor y) y.shape
    let sum = (w.conj().mul y).sum()

    let energy = if sum.is_complex () then sum.real else sum

    (torch.autograd.grad ([| energy |], [| x |], create_graph = again, retain_graph = true))[0]

/// The gradient of a gradient against differences of it, and its two forms (fast; seen by autograd) against each other.
let secondGradient (seed: int) (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) =
    max (Law.gradient seed (slope true (seed + 1) f) x) (Law.distance (slope true seed f x) (slope false seed f x))

/// A skew (skew-Hermitian) matrix S = V diag (i angles) V*: the angles and V.
let spectrum (s: torch.Tensor) =
    let wide = s.``to`` torch.complex128
    let minusI = torch.tensor (Numerics.Complex(0.0, -1.0), dtype = torch.complex128)
    let struct (angles, vectors) = torch.linalg.eigh (wide * minusI)
    angles, vectors

let narrow (kind: TensorKind) (z: torch.Tensor) =
    (if kind.Dtype = torch.complex128 then z else z.real).``to`` kind.Dtype

/// exp of a skew matrix by its spectrum. torch.matrix_exp is no oracle: it loses digits for norms from 0.006 to 0.05 (1e-10 at 0.04, float64).
let exponential (s: torch.Tensor) =
    let angles, vectors = spectrum s
    let phases = torch.complex (angles.cos (), angles.sin ())

    (vectors * phases.unsqueeze -2L).matmul vectors.mH
    |> narrow (TensorKind.ofTensor s)
