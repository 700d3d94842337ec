/// Gradients of the ways between rotations and numbers, at the places where they are delicate, and bad input.
module Ortho.Tests.Orthogonal.RotationGradientTests

open System
open Expecto
open Ortho
open Ortho.Tests
open Ortho.Tests.Orthogonal.RotationTests
open TorchSharp

let private gradients (bench: Bench) =
    let check = Property.check Property.costly
    let kind = bench.Kind
    let ofSixD = RotationRepresentation.ofSixD

    testList
        $"gradients of rotations on {bench}"
        [
            check "into matrices are right, at the identity too" (fun case ->
                let draw shape = Seed.normal case.Seed kind shape
                let v = vector kind [ 1; 0; 0; 0; 1; 0 ] + draw [ 2L; 6L ] * 0.3
                let n = int64 (2 + case.Size % 7)
                let a = Dense.identity kind n |> _.narrow(1L, 0L, n - 1L)

                [
                    Law.gradient case.Seed ofSixD v
                    Law.gradient case.Seed ofSixD (vector kind [ 1; 0; 0; 0; 1; 0 ])
                    Law.gradient case.Seed RotationRepresentation.ofColumns (a + draw [ n; n - 1L ] * 0.1)
                    // Minors of the identity are singular: the last column must have derivatives all the same.
                    Law.gradient case.Seed RotationRepresentation.ofColumns a
                    Law.gradient
                        case.Seed
                        (RotationRepresentation.ofColumns
                         >> RotationRepresentation.toStereographic
                         >> RotationRepresentation.ofStereographic n)
                        a
                    Law.gradient case.Seed Quaternion.toMatrix (draw [ 3L; 4L ] + 2.0)
                    Law.gradient case.Seed RotationVector.toMatrix (draw [ 3L; 3L ])
                    Law.gradient case.Seed RotationVector.toMatrix (torch.zeros ([| 2L; 3L |], dtype = torch.float64))
                    Law.gradient case.Seed RotationVector.toMatrix (draw [ 3L; 3L ] * 1e-3)
                    Law.gradient case.Seed (EulerAngles.toMatrix EulerOrder.ZYX) (draw [ 3L; 3L ])
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            check "out of matrices are right, at the identity and at half turns" (fun case ->
                let r = Rotation.random case.Seed kind []
                // Gram-Schmidt takes any matrix near R to rotations near R.
                let near (r: torch.Tensor) f =
                    Law.gradient case.Seed (RotationRepresentation.ofColumns >> f) (r.narrow (-1L, 0L, 2L))

                let axis = Seed.normal (case.Seed + 1) kind [ 3L ]
                let unit = axis / axis.norm ()
                let rotation (angle: float) = RotationVector.toMatrix (unit * angle)

                let outer (q: torch.Tensor) =
                    q.unsqueeze(-1L).matmul(q.unsqueeze -2L)

                [
                    near (rotation 2.9) RotationVector.ofMatrix
                    near (rotation 0.05) RotationVector.ofMatrix
                    near (rotation 0.0) RotationVector.ofMatrix
                    near (rotation 2.5) Quaternion.ofMatrix
                    near (rotation 0.0) Quaternion.ofMatrix
                    // The sign of q jumps at half turns, and that of products of its entries does not.
                    near (rotation Math.PI) (Quaternion.ofMatrix >> outer)
                    near r (Rotation.angle (r.matmul (rotation 1.0)))
                    near r RotationRepresentation.toStereographic
                    near r RotationRepresentation.toSixD
                    for order, axes in orders do
                        let b = if axes[0] = axes[2] then 1.2 else 0.5
                        near (EulerAngles.toMatrix order (vector kind [ 0.3; b; -2.0 ])) (EulerAngles.ofMatrix order)
                ]
                |> List.reduce max
                |> Property.within Bench.gradient "gradient")

            testCase "are finite at angle 0, at half turns and in the gimbal lock" (fun () ->
                use _ = torch.NewDisposeScope()
                let one = Dense.identity kind 3L
                let half = torch.diag (vector kind [ 1; -1; -1 ])

                for name, f in
                    [
                        "vector", RotationVector.ofMatrix
                        "quaternion", Quaternion.ofMatrix
                        "angle", (fun r -> Rotation.angle r one)
                        for order, _ in orders do
                            string order, EulerAngles.ofMatrix order
                    ] do
                    for r in
                        [
                            one
                            half
                            EulerAngles.toMatrix EulerOrder.XYZ (vector kind [ 0.4; Math.PI / 2.0; 0.0 ])
                        ] do
                        let leaf = r.detach().clone().requires_grad_ true
                        (f leaf).sum().backward()
                        Expect.isTrue (leaf.grad.isfinite().all().item<bool>()) name)
        ]

let private refusals =
    testCase "bad input is refused" (fun () ->
        use _ = torch.NewDisposeScope()
        let kind = TensorKind.float64
        let v = vector kind
        let one = Dense.identity kind 3L
        let mirror = torch.diag (v [ 1; 1; -1 ])
        let rough = one * 1.001
        let complex = { kind with Dtype = torch.complex128 }

        for name, (body: unit -> unit) in
            [
                "zero a1", (fun () -> RotationRepresentation.ofSixD (v [ 0; 0; 0; 1; 2; 3 ]) |> ignore)
                "zero a2", (fun () -> RotationRepresentation.ofSixD (v [ 1; 2; 3; 0; 0; 0 ]) |> ignore)
                "parallel", (fun () -> RotationRepresentation.ofSixD (v [ 1; 2; 3; -2; -4; -6 ]) |> ignore)
                "not finite", (fun () -> RotationRepresentation.ofSixD (v [ 1; nan; 3; -2; -4; -7 ]) |> ignore)
                "five numbers", (fun () -> RotationRepresentation.ofSixD (v [ 1; 2; 3; 4; 5 ]) |> ignore)
                "complex", (fun () -> RotationRepresentation.ofSixD (Seed.normal 1 complex [ 6L ]) |> ignore)
                "pole", (fun () -> RotationRepresentation.ofStereographic 3L (v [ 1; 0; 0; 0; 0 ]) |> ignore)
                "length", (fun () -> RotationRepresentation.ofStereographic 4L (v [ 1; 0; 0; 0; 0 ]) |> ignore)
                "n", (fun () -> RotationRepresentation.stereographicDimension 1L |> ignore)
                "square", (fun () -> RotationRepresentation.ofColumns one |> ignore)
                "zero quaternion", (fun () -> Quaternion.toMatrix (v [ 0; 0; 0; 0 ]) |> ignore)
                "infinite quaternion", (fun () -> Quaternion.toMatrix (v [ 1; infinity; 0; 0 ]) |> ignore)
                "three numbers", (fun () -> Quaternion.toMatrix (v [ 1; 0; 0 ]) |> ignore)
                "not alike",
                (fun () -> Quaternion.product (v [ 1; 0; 0; 0 ]) (Seed.normal 1 kind [ 2L; 4L ]) |> ignore)
                "not finite", (fun () -> RotationVector.toMatrix (v [ 1; nan; 0 ]) |> ignore)
                "four numbers", (fun () -> RotationVector.toMatrix (v [ 1; 0; 0; 0 ]) |> ignore)
                "not finite", (fun () -> EulerAngles.toMatrix EulerOrder.XYZ (v [ 1; nan; 0 ]) |> ignore)
                "two numbers", (fun () -> EulerAngles.toMatrix EulerOrder.XYZ (v [ 1; 0 ]) |> ignore)
                "complex kind", (fun () -> Rotation.random 1 complex [] |> ignore)
                "a batch", (fun () -> Rotation.map (one.unsqueeze 0L) |> ignore)
                "other shape", (fun () -> Rotation.angle one (one.unsqueeze 0L) |> ignore)
                for name, bad in
                    [
                        "mirror", mirror
                        "rough", rough
                        "4 x 4", mirror.new_ones (4L, 4L)
                        "one bad of a batch", torch.stack [| one; mirror |]
                    ] do
                    for into, f in
                        [
                            "6D", RotationRepresentation.toSixD
                            "5D", RotationRepresentation.toStereographic
                            "columns", RotationRepresentation.toColumns
                            "quaternion", Quaternion.ofMatrix
                            "vector", RotationVector.ofMatrix
                            "Euler", EulerAngles.ofMatrix EulerOrder.XYZ
                            "angle", (fun r -> Rotation.angle r r)
                        ] do
                        $"{name} into {into}", (fun () -> f bad |> ignore)

                    $"{name} as a map", (fun () -> Rotation.map bad |> ignore)
            ] do
            Refusal.expect name body

        try
            RotationRepresentation.ofSixD (v [ 1; 2; 3; -2; -4; -6 ]) |> ignore
            failtest "parallel vectors"
        with :? ArgumentException as error ->
            Expect.equal error.ParamName "v" "argument"

        Expect.equal (RotationRepresentation.stereographicDimension 3L) 5L "5D"
        Expect.equal (RotationRepresentation.stereographicDimension 4L) 10L "n = 4")

let tests =
    testList "Rotation gradients" [ yield! Bench.double |> List.map gradients; refusals ]
