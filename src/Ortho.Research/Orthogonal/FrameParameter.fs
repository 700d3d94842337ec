namespace Ortho

open TorchSharp

/// <summary>An orthonormal matrix [m; n] of full rank, tall, square or wide, as a base point and free numbers that start at 0: the base itself.</summary>
/// <remarks>Square: Cayley of a skew matrix times the base, n (n - 1) / 2 numbers, the component of the base's determinant. Else the Cayley
/// retraction of a tangent at the base (Wen and Yin 2013), m n numbers and never the larger size squared.</remarks>
[<RequireQualifiedAccess>]
module internal FrameParameter =

    /// How many tensors the parameters are: a number has nothing to learn beside its base, 1 or -1.
    let count (rows: int64) (columns: int64) =
        if rows = 1L && columns = 1L then 1 else 2

    /// The base point (kept) and the free numbers (learned), in the order that `matrix` takes.
    let parameters (start: torch.Tensor) : Parameter[] =
        let m, n = start.size 0, start.size 1

        let free () =
            Parameter.zeros (if m = n then [ Skew.dimension n ] else [ max m n; min m n ])
            |> Parameter.on (TensorKind.ofTensor start)
            |> Parameter.named "free"

        [|
            Parameter.ofTensor start |> Parameter.frozen |> Parameter.named "base"
            if count m n > 1 then
                free ()
        |]

    /// The base after one Newton-Schulz step: a module that was moved to double precision has a base of single precision.
    let private polished (start: torch.Tensor) =
        use scope = torch.NewDisposeScope()
        let m, n = start.size 0, start.size 1

        let cubic =
            if m >= n then
                start.matmul (start.mH.matmul start)
            else
                (start.matmul start.mH).matmul start

        scope.MoveToOuter(multiply 1.5 start |> addMultiple -0.5 cubic)

    /// The matrix of a base point and free numbers, differentiable in the latter.
    let matrix (p: torch.Tensor[]) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let m, n = p[0].size 0, p[0].size 1
        let start = polished p[0]

        let retracted (frame: torch.Tensor) =
            Retraction.cayley frame (Stiefel.tangent frame p[1])

        scope.MoveToOuter(
            if count m n = 1 then
                start
            elif m = n then
                Cayley.matrix(Skew.ofVector n p[1]).matmul start
            elif m > n then
                retracted start
            else
                (retracted start.mH).mH
        )

    /// The map of an orthonormal matrix.
    let map (matrix: torch.Tensor) : LinearMap =
        let m, n = matrix.size 0, matrix.size 1

        LinearMap.ofMatrix matrix
        |> LinearMap.promise (Build.given (m >= n) Traits.Isometry ||| Build.given (m <= n) Traits.Coisometry)
