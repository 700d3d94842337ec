namespace Ortho

open TorchSharp

/// <summary>An orthonormal matrix [m; n] of full rank, tall, square or wide, as a base point and free numbers that start at 0: the base itself.</summary>
/// <remarks>Square: Cayley of a skew matrix times the base, n (n - 1) / 2 numbers, the component of the base's determinant. Else the Cayley
/// retraction of a tangent at the base (Wen and Yin 2013), m n numbers and never the larger size squared.</remarks>
[<RequireQualifiedAccess>]
module internal FrameParameter =

    /// The base point (kept) and the free numbers (learned), in the order that `matrix` takes.
    let parameters (start: torch.Tensor) : Parameter[] =
        let m, n = start.size 0, start.size 1
        let kind = TensorKind.ofTensor start

        let free = if m = n then [ Skew.dimension n ] else [ max m n; min m n ]

        [|
            Parameter.ofTensor start |> Parameter.frozen |> Parameter.named "base"
            Parameter.zeros free |> Parameter.on kind |> Parameter.named "free"
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
    let matrix (start: torch.Tensor) (free: torch.Tensor) : torch.Tensor =
        use scope = torch.NewDisposeScope()
        let m, n = start.size 0, start.size 1
        let start = polished start

        let retracted (frame: torch.Tensor) =
            Retraction.cayley frame (Stiefel.tangent frame free)

        scope.MoveToOuter(
            if m = n then
                Cayley.matrix(Skew.ofVector n free).matmul start
            elif m > n then
                retracted start
            else
                (retracted (start.mH)).mH
        )

    /// The map of an orthonormal matrix.
    let map (matrix: torch.Tensor) : LinearMap =
        let m, n = matrix.size 0, matrix.size 1

        LinearMap.ofMatrix matrix
        |> LinearMap.promise (Build.given (m >= n) Traits.Isometry ||| Build.given (m <= n) Traits.Coisometry)
