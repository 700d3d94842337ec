/// Checks at the door that a matrix is in the set that a formula needs, up to the rounding of its type. Each costs one synchronisation
/// with the device.
[<RequireQualifiedAccess>]
module internal Ortho.Membership

open Ortho
open TorchSharp

let private byPrecision (double: float) (single: float) (half: float) (x: torch.Tensor) =
    match TensorKind.realDtype x.dtype with
    | torch.ScalarType.Float64 -> double
    | torch.ScalarType.Float32 -> single
    | _ -> half

/// A skew matrix is made by one subtraction, so that little rounding is allowed: 1e-12 in float64, 1e-5 in float32.
let skew (name: string) (s: torch.Tensor) =
    Guard.square name s
    Guard.floating name s
    let tolerance = byPrecision 1e-12 1e-5 1e-2 s
    let defect = if s.numel () = 0L then 0.0 else Skew.defect s

    Guard.holds name (defect <= tolerance) (fun () ->
        $"{name} must be skew (s* = -s) and finite, but |s + s*| / |s| is {defect:G3}, above {tolerance}; Skew.ofSquare and Skew.part make a skew matrix of a square one.")

/// Matrices with orthonormal columns: 1e-10 in float64, 1e-4 in float32. Returns the defect.
let orthonormal (name: string) (q: torch.Tensor) =
    Guard.rankAtLeast name 2 q
    Guard.floating name q
    Guard.notEmpty name q
    let rows, columns = q.size (int q.ndim - 2), q.size (int q.ndim - 1)

    Guard.holds name (rows >= columns) (fun () ->
        $"{name} must have at least as many rows as columns, but has shape {Guard.showShape q.shape}.")

    let tolerance = byPrecision 1e-10 1e-4 1e-1 q
    let defect = Law.orthogonality q

    Guard.holds name (defect <= tolerance) (fun () ->
        $"{name} must have orthonormal columns, but |q* q - I| / sqrt k is {defect:G3}, above {tolerance}.")

    defect

/// Orthogonal projections, P P = P and P* = P: 1e-10 in float64, 1e-4 in float32.
let projection (name: string) (p: torch.Tensor) =
    Guard.square name p
    Guard.floating name p

    if p.numel () > 0L then
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let tolerance = byPrecision 1e-10 1e-4 1e-1 p
        // P* P = P holds for orthogonal projections alone.
        let root = sqrt (float (p.size (int p.ndim - 1)))
        let defect = number ((Skew.lengths (p.mH.matmul p .- p)).max()) / root

        Guard.holds name (defect <= tolerance) (fun () ->
            $"{name} must be orthogonal projections, but |p* p - p| / sqrt n is {defect:G3}, above {tolerance}; BlockConvolution.projections makes them.")

/// The places of the factors I - tau v v* that are not the identity (tau = 0), after checking that each is unitary: |tau| |v|^2 = 2 Re tau / |tau|,
/// to 1e-10 in float64, 1e-4 in float32. The v are rows.
let unitaryFactors (name: string) (vectors: torch.Tensor) (tau: torch.Tensor) =
    use scope = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let used = tau.ne(torch.zeros_like tau).nonzero().flatten()
    let sizes = tau.index_select(0L, used).abs()
    let real = tau.index_select (0L, used)
    let real = if real.is_complex () then real.real else real
    let lengths = vectors.index_select(0L, used).norm -1
    let tolerance = byPrecision 1e-10 1e-4 1e-1 tau

    let defect =
        if used.numel () = 0L then
            0.0
        else
            number ((multiply 0.5 (sizes .* lengths .* lengths) .- real.div sizes).abs().max())

    Guard.holds name (defect <= tolerance) (fun () ->
        $"{name} must be 0 or make I - tau v v* unitary, as 2 / |v|^2 does for real v, but |tau| |v|^2 / 2 - Re tau / |tau| is {defect:G3}, above {tolerance}.")

    scope.MoveToOuter used

/// The distance of 1 to the next number of a tensor's type.
let rounding (x: torch.Tensor) =
    byPrecision (2.0 ** -52.0) (2.0 ** -23.0) (2.0 ** -8.0) x

/// Another tensor of the same shape, type and device.
let alike (name: string) (x: torch.Tensor) (model: string) (like: torch.Tensor) =
    Guard.holds name (x.shape = like.shape) (fun () ->
        $"{name} must have the shape {Guard.showShape like.shape} of {model}, but has shape {Guard.showShape x.shape}.")

    Guard.holds name (TensorKind.ofTensor x = TensorKind.ofTensor like) (fun () ->
        $"{name} must be {TensorKind.ofTensor like}, like {model}, but is {TensorKind.ofTensor x}.")

/// Real orthogonal matrices of determinant 1, of the given size or, for 0, of any.
let rotation (name: string) (size: int64) (r: torch.Tensor) =
    Guard.square name r
    Guard.real name r

    Guard.holds name (size = 0L || r.size (int r.ndim - 1) = size) (fun () ->
        $"{name} must be {size} x {size} in its last two axes, but has shape {Guard.showShape r.shape}.")

    orthonormal name r |> ignore
    use _ = torch.NewDisposeScope()
    let least = number (torch.linalg.det(r).min())

    Guard.holds name (least > 0.0) (fun () ->
        $"{name} must be a rotation, of determinant 1, but has determinant {least:G3}.")
