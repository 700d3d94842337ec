module Ortho.Tests.UpwindProjectionTests

open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests.Orthogonal
open TorchSharp

let private flowOf (case: Case) =
    StratifiedFlow.create 200.0 0.25 (int64 (4 + case.Size)) (int64 (5 + case.Second))

/// Smooth enough to be a flow, rough enough to see every term.
let private draw (bench: Bench) (seed: int) (batch: int64 list) (flow: StratifiedFlow) =
    let x = Seed.normal seed bench.Kind (Seq.append batch flow.Space.Shape)
    // The density around 1.
    x.select(x.ndim - 3L, 2L).mul_(torch.tensor 0.1).add_(torch.tensor 1.0)
    |> ignore

    x

/// One step node by node, as the definition says it.
let private byNode (flow: StratifiedFlow) (dt: float) (state: float[,,]) : float[,,] =
    let rows, columns = int flow.Rows, int flow.Columns
    let dx, dz = flow.Length / float (columns - 1), flow.Height / float (rows - 1)

    let field k =
        Array2D.init rows columns (fun i j -> state[k, i, j])

    let inside (value: int -> int -> float) (q: float[,]) =
        q
        |> Array2D.mapi (fun i j old ->
            if i = 0 || i = rows - 1 || j = 0 || j = columns - 1 then
                old
            else
                value i j)

    let advect (u: float[,]) (w: float[,]) (q: float[,]) =
        q
        |> inside (fun i j ->
            let qx =
                if u[i, j] > 0.0 then
                    (q[i, j] - q[i, j - 1]) / dx
                else
                    (q[i, j + 1] - q[i, j]) / dx

            let qz =
                if w[i, j] > 0.0 then
                    (q[i, j] - q[i - 1, j]) / dz
                else
                    (q[i + 1, j] - q[i, j]) / dz

            q[i, j] - dt * (u[i, j] * qx + w[i, j] * qz))

    let diffuse (q: float[,]) =
        q
        |> inside (fun i j ->
            let second = (q[i, j + 1] - 2.0 * q[i, j] + q[i, j - 1]) / (dx * dx)
            let other = (q[i + 1, j] - 2.0 * q[i, j] + q[i - 1, j]) / (dz * dz)
            q[i, j] + dt / flow.Reynolds * (second + other))

    let u, w, density = field 0, field 1, field 2
    let u = advect u w u
    let w = advect u w w
    let density = advect u w density
    let u, w, density = diffuse u, diffuse w, diffuse density

    let w =
        w
        |> inside (fun i j -> w[i, j] - dt * 9.81 * flow.Richardson * (density[i, j] - 1.0))

    let m, n = rows - 2, columns - 2

    let divergence =
        Array2D.init m n (fun i j ->
            (u[i + 1, j + 2] - u[i + 1, j]) / (2.0 * dx)
            + (w[i + 2, j + 1] - w[i, j + 1]) / (2.0 * dz))

    // The sine modes of the five-point Laplacian, one sum for each; the way back divides by m n for (m + 1)(n + 1).
    let sine k i size =
        sin (System.Math.PI * float ((k + 1) * (i + 1)) / float (size + 1))

    let modes =
        Array2D.init m n (fun k l ->
            let sum =
                Seq.sum (
                    seq {
                        for i in 0 .. m - 1 do
                            for j in 0 .. n - 1 -> divergence[i, j] * sine k i m * sine l j n
                    }
                )

            let angle k size =
                sin (System.Math.PI * float (k + 1) / (2.0 * float (size + 1))) ** 2.0

            -sum / dt / (4.0 * (angle k m / (dz * dz) + angle l n / (dx * dx))))

    let p =
        Array2D.init rows columns (fun i j ->
            if i = 0 || i = rows - 1 || j = 0 || j = columns - 1 then
                0.0
            else
                Seq.sum (
                    seq {
                        for k in 0 .. m - 1 do
                            for l in 0 .. n - 1 -> modes[k, l] * sine k (i - 1) m * sine l (j - 1) n
                    }
                )
                * 4.0
                / float (m * n))

    let u =
        u |> inside (fun i j -> u[i, j] - dt * (p[i, j + 1] - p[i, j - 1]) / (2.0 * dx))

    let w =
        w |> inside (fun i j -> w[i, j] - dt * (p[i + 1, j] - p[i - 1, j]) / (2.0 * dz))

    Array3D.init 3 rows columns (fun k i j ->
        let j = if j = 0 then columns - 1 else j

        if k < 2 && (i = 0 || i = rows - 1) then 0.0
        elif k = 0 then u[i, j]
        elif k = 1 then w[i, j]
        else density[i, j])

let private laws (bench: Bench) =
    testList
        $"on {bench}"
        [
            Property.check Property.config "the kernel's step is that of tensor operations, for any batch" (fun case ->
                let flow = flowOf case
                let x = draw bench case.Seed case.Batch flow
                let step = UpwindProjection.step flow 1e-3
                let y = step.Step x
                let tracked = step.Step(x.detach().requires_grad_ true)

                (if y.dtype = x.dtype && y.shape = x.shape then
                     Law.distance y tracked
                 else
                     infinity)
                |> Property.within bench.Product "distance")

            Property.check Property.config "the density stays in its range" (fun case ->
                let flow = flowOf case
                let x = draw bench case.Seed case.Batch flow
                let y = (UpwindProjection.step flow (UpwindProjection.timeStep flow x)).Step x
                let density (x: torch.Tensor) = x.select (x.ndim - 3L, 2L)

                let most (x: torch.Tensor) =
                    x.max().``to``(torch.float64).item<float>()

                let least (x: torch.Tensor) = -most(x.neg ())

                max (most (density y) - most (density x)) (least (density x) - least (density y))
                |> Property.within bench.Product "beyond")

            Property.check Property.config "walls are at rest, and the first column is the last" (fun case ->
                let flow = flowOf case

                let y = (UpwindProjection.step flow 1e-3).Step(draw bench case.Seed case.Batch flow)

                let velocity = y.narrow (y.ndim - 3L, 0L, 2L)
                let row (i: int64) = velocity.select (velocity.ndim - 2L, i)
                let column (i: int64) = y.select (y.ndim - 1L, i)

                max
                    (max (Dense.size (row 0L)) (Dense.size (row (flow.Rows - 1L))))
                    (Law.distance (column 0L) (column (flow.Columns - 1L)))
                |> Property.within 0.0 "borders")
        ]

let private inDouble = Bench.double.Head

let private values (x: torch.Tensor) =
    let numbers = x.contiguous().data<float>().ToArray()
    let rows, columns = int (x.size 1), int (x.size 2)
    Array3D.init 3 rows columns (fun k i j -> numbers[(k * rows + i) * columns + j])

let tests =
    testList
        "upwind projection"
        [
            yield! Bench.real |> List.map laws

            Property.check Property.config "a step is the published one, node by node" (fun case ->
                let flow = flowOf case
                let x = draw inDouble case.Seed [] flow
                let y = (UpwindProjection.step flow 2e-3).Step x
                let expected = byNode flow 2e-3 (values x)

                let expected =
                    torch
                        .tensor(
                            [|
                                for k in 0..2 do
                                    for i in 0 .. int flow.Rows - 1 do
                                        for j in 0 .. int flow.Columns - 1 -> expected[k, i, j]
                            |]
                        )
                        .reshape
                        y.shape

                Law.distance y expected |> Property.within inDouble.Product "distance")

            Property.check Property.costly "is differentiable in the state" (fun case ->
                let flow = StratifiedFlow.create 200.0 0.25 5L 6L
                let step = UpwindProjection.step flow 1e-2

                Law.gradient case.Seed step.Step (draw inDouble case.Seed [] flow)
                |> Property.within Bench.gradient "gradient")

            testCase "without stratification a shear layer's energy decays" (fun () ->
                use _ = torch.NewDisposeScope()
                let flow = StratifiedFlow.create 500.0 0.0 33L 65L
                let struct (_, z) = UpwindProjection.nodes flow
                let u = ((z .- torch.tensor 0.5) / torch.tensor 0.1).tanh().expand(33L, 65L)
                let noise = Seed.normal 1 TensorKind.float64 [ 33L; 65L ] .* torch.tensor 0.05
                let mutable x = torch.stack ([| u; noise; torch.ones_like u |], 0L)
                let step = UpwindProjection.step flow (UpwindProjection.timeStep flow x)

                let energy (x: torch.Tensor) =
                    x.narrow(0L, 0L, 2L).square().sum().item<float>()

                let mutable last = energy (step.Step x)
                x <- step.Step x

                for i in 1..50 do
                    x <- step.Step x
                    Expect.isLessThan (energy x) last $"step {i}"
                    last <- energy x)

            testCase "the vorticity of a turning body is twice its rate" (fun () ->
                use _ = torch.NewDisposeScope()
                let flow = StratifiedFlow.create 1.0 0.0 6L 9L
                let struct (x, z) = UpwindProjection.nodes flow
                let u, w = z.neg().expand(6L, 9L), x.expand (6L, 9L)
                let found = UpwindProjection.vorticity flow (torch.stack ([| u; w; u |], 0L))
                let inner = found.narrow(0L, 1L, 4L).narrow(1L, 1L, 7L)
                Expect.isLessThan (Law.distance inner (torch.full_like (inner, 2.0))) 1e-14 "inside"
                Expect.equal (Dense.size found[0L]) 0.0 "on the border")

            testCase "a thousand steps leave nothing behind" (fun () ->
                use _ = torch.NewDisposeScope()
                let flow = StratifiedFlow.create 200.0 0.25 9L 9L
                let x = draw inDouble 1 [] flow
                let step = UpwindProjection.step flow 1e-3
                (step.Step x).Dispose()
                let before = torch.Tensor.TotalCount

                for _ in 1..1000 do
                    (step.Step x).Dispose()

                Expect.equal torch.Tensor.TotalCount before "live tensors")

            testCase "bad input is refused" (fun () ->
                let flow = StratifiedFlow.create 200.0 0.25 9L 9L
                use x = torch.zeros (3L, 9L, 8L, dtype = torch.float64)
                Refusal.expect "reynolds" (fun () -> StratifiedFlow.create 0.0 0.25 9L 9L |> ignore)
                Refusal.expect "reynolds" (fun () -> StratifiedFlow.create nan 0.25 9L 9L |> ignore)
                Refusal.expect "richardson" (fun () -> StratifiedFlow.create 1.0 -0.1 9L 9L |> ignore)
                Refusal.expect "rows" (fun () -> StratifiedFlow.create 1.0 0.0 4L 9L |> ignore)
                Refusal.expect "columns" (fun () -> StratifiedFlow.create 1.0 0.0 9L 4L |> ignore)
                Refusal.expect "dt" (fun () -> UpwindProjection.step flow 0.0 |> ignore)
                Refusal.expect "unstable" (fun () -> UpwindProjection.step flow 1.0 |> ignore)
                Refusal.expect "length" (fun () -> UpwindProjection.step { flow with Length = 0.0 } 1e-3 |> ignore)
                Refusal.expect "state" (fun () -> (UpwindProjection.step flow 1e-3).Step x |> ignore)

                Refusal.expect "complex" (fun () ->
                    (UpwindProjection.step flow 1e-3).Step(torch.zeros (3L, 9L, 9L, dtype = torch.complex128))
                    |> ignore)

                Refusal.expect "vorticity" (fun () -> UpwindProjection.vorticity flow x |> ignore)
                Refusal.expect "time step" (fun () -> UpwindProjection.timeStep flow x |> ignore))
        ]
