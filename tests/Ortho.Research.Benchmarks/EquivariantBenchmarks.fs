namespace Ortho.Benchmarks

open System
open BenchmarkDotNet.Attributes
open Ortho
open TorchSharp

/// The sum over diagrams as torch writes it: one torch.einsum for each, with an identity matrix where an output axis repeats a block and a
/// vector of ones where its block is new.
module internal Einsum =

    let private letters = "ijklmnopqrstu" |> Seq.map string |> Seq.toArray

    /// Of one diagram: [batch; n^k; c] and [c; d] to [batch; n^l; d].
    let diagram (n: int) (d: Diagram) : torch.Tensor -> torch.Tensor -> torch.Tensor =
        let letter vertex = letters[d.BlockOf vertex]
        let bottom = List.init d.BottomCount (fun v -> letter (d.TopCount + v))
        let top = List.init d.TopCount letter

        /// The letter of an output axis, and what it takes beside the input.
        let axis v (name: string) =
            if List.contains name top[.. v - 1] then
                let fresh = letters[d.BlockCount + v]
                fresh, Some(name + fresh)
            elif List.contains name bottom then
                name, None
            else
                name, Some name

        let tops = top |> List.mapi axis
        let operands = tops |> List.choose snd
        let text (names: string list) = String.Join("", names)
        let inputs = String.Join(",", $"x{text bottom}y" :: "yz" :: operands)
        let formula = $"{inputs}->x{text (List.map fst tops)}z"
        let eye, ones = torch.eye (int64 n), torch.ones (int64 n)

        let others =
            operands |> List.map (fun operand -> if operand.Length = 2 then eye else ones)

        fun x weight -> torch.einsum (formula, [| x; weight; yield! others |])

    let layer (group: Group) (k: int, l: int) : torch.Tensor -> torch.Tensor -> torch.Tensor =
        let diagrams = Basis.diagrams group k l |> Array.map (diagram group.Dimension)

        fun x weight ->
            diagrams
            |> Array.mapi (fun i d -> d x weight[int64 i])
            |> Array.reduce (fun a b -> a.add b)

/// A layer, its weights and a batch of input, all in float32.
type internal LayerCase(group: Group, k: int, l: int, batch: int, c: int, d: int) =
    let weight =
        (Input.normal 1 [ int64 (Basis.dimension group k l); int64 c; int64 d ]).requires_grad_ true

    let x =
        (Input.normal 2 [ int64 batch; yield! List.replicate k (int64 group.Dimension); int64 c ]).requires_grad_ true

    let map = Equivariant.ofWeight group (k, l) weight

    let output =
        use _ = torch.no_grad ()
        map.Apply(x).contiguous()

    member _.Input = x
    member _.Weight = weight
    member _.Map = map

    /// The matrix that a batch of rows is multiplied by, ready-made.
    member _.Matrix() =
        use _ = torch.no_grad ()
        (LinearMap.toMatrix map).t().contiguous().detach()

    /// Fails unless another way gives the same.
    member _.Check(other: torch.Tensor) =
        let distance = Law.distance (other.reshape output.shape) output

        if not (distance < 1e-5) then
            raise (InvalidOperationException $"The baseline differs from the layer by {distance}.")

    member _.Forward(run: unit -> torch.Tensor) =
        use _ = torch.no_grad ()
        use _ = torch.NewDisposeScope()
        run () |> ignore

    member _.ForwardAndBackward(run: unit -> torch.Tensor) =
        use _ = torch.NewDisposeScope()
        run().sum().backward()
        weight.grad <- null
        x.grad <- null

    member _.Copy() =
        x.detach().clone().Dispose()
        output.clone().Dispose()

/// Layers of O(16), 3 -> 3, and of S_64, 2 -> 2, from one channel to one, forward, against the product with its ready-made dense matrix of 4096 x 4096.
type LayerAgainstMatrix() =
    let mutable case = Unchecked.defaultof<LayerCase>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>

    let product () =
        case.Input.reshape(case.Input.size 0, -1L).matmul matrix

    [<Params("O(16), batch 32", "S_64, batch 16")>]
    member val Layer = "" with get, set

    [<GlobalSetup>]
    member this.Setup() =
        case <-
            if this.Layer.StartsWith 'O' then
                LayerCase(Group.orthogonal 16, 3, 3, 32, 1, 1)
            else
                LayerCase(Group.symmetric 64, 2, 2, 16, 1, 1)

        matrix <- case.Matrix()
        case.Check(product ())

    [<Benchmark(Baseline = true)>]
    member _.ReadyMadeMatrix() = case.Forward product

    [<Benchmark>]
    member _.Factored() =
        case.Forward(fun () -> case.Map.Apply case.Input)

    [<Benchmark>]
    member _.CopyOfInputAndOutput() = case.Copy()

/// Layers of S_128, 2 -> 2, and of O(16), 3 -> 3, batch 4, against one einsum for each diagram, forward and with gradients in input and weights.
type LayerAgainstEinsum() =
    let mutable case = Unchecked.defaultof<LayerCase>
    let mutable sum = Unchecked.defaultof<torch.Tensor -> torch.Tensor -> torch.Tensor>

    let einsum () = sum case.Input case.Weight
    let layer () = case.Map.Apply case.Input

    [<Params("S_128, 16 channels", "O(16), 8 channels")>]
    member val Layer = "" with get, set

    [<GlobalSetup>]
    member this.Setup() =
        let group, k, l, channels =
            if this.Layer.StartsWith 'O' then
                Group.orthogonal 16, 3, 3, 8
            else
                Group.symmetric 128, 2, 2, 16

        case <- LayerCase(group, k, l, 4, channels, channels)
        sum <- Einsum.layer group (k, l)
        use _ = torch.no_grad ()
        case.Check(einsum ())

    [<Benchmark(Baseline = true)>]
    member _.Einsum() = case.Forward einsum

    [<Benchmark>]
    member _.Factored() = case.Forward layer

    [<Benchmark>]
    member _.EinsumAndBack() = case.ForwardAndBackward einsum

    [<Benchmark>]
    member _.LayerAndBack() = case.ForwardAndBackward layer

    [<Benchmark>]
    member _.CopyOfInputAndOutput() = case.Copy()

/// Small layers of one channel by each method, and by the one that counting says is cheapest.
type LayerMethods() =
    let mutable layer = Unchecked.defaultof<EquivariantLayer>
    let mutable x = Unchecked.defaultof<torch.Tensor>

    let forward (method: LayerMethod) =
        use _ = torch.no_grad ()
        layer.Method <- method
        layer.forward(x).Dispose()

    [<Params("S_4 2->2", "S_8 2->2", "O(3) 2->2", "O(4) 3->3", "SO(3) 2->1", "S_100 1->1")>]
    member val Layer = "" with get, set

    [<Params(1L, 32L, 1024L)>]
    member val Batch = 0L with get, set

    [<GlobalSetup>]
    member this.Setup() =
        let group, k, l =
            match this.Layer with
            | "S_4 2->2" -> Group.symmetric 4, 2, 2
            | "S_8 2->2" -> Group.symmetric 8, 2, 2
            | "O(3) 2->2" -> Group.orthogonal 3, 2, 2
            | "O(4) 3->3" -> Group.orthogonal 4, 3, 3
            | "SO(3) 2->1" -> Group.specialOrthogonal 3, 2, 1
            | _ -> Group.symmetric 100, 1, 1

        layer <- new EquivariantLayer(1, group, k, 1, l, 1)
        x <- Input.normal 2 [ this.Batch; yield! layer.InputRep.Space.Shape ]

    [<Benchmark(Baseline = true)>]
    member _.Cheapest() = forward LayerMethod.Cheapest

    [<Benchmark>]
    member _.Factored() = forward LayerMethod.Factored

    [<Benchmark>]
    member _.Dense() = forward LayerMethod.Dense

/// The losing case: O(4), 4 -> 4, 105 diagrams against a matrix of 256 x 256, batch 32, ready-made or made of the weights at each use.
type LosingLayer() =
    let mutable case = Unchecked.defaultof<LayerCase>
    let mutable matrix = Unchecked.defaultof<torch.Tensor>
    let mutable maps = Unchecked.defaultof<torch.Tensor>
    let mutable layer = Unchecked.defaultof<EquivariantLayer>

    let product (matrix: torch.Tensor) =
        case.Input.reshape(case.Input.size 0, -1L).matmul matrix

    let madeAnew () =
        product ((case.Weight.reshape(1L, -1L).matmul maps).reshape(256L, 256L))

    [<GlobalSetup>]
    member _.Setup() =
        let group = Group.orthogonal 4
        case <- LayerCase(group, 4, 4, 32, 1, 1)
        matrix <- case.Matrix()

        maps <-
            Basis.independent group 4 4
            |> Array.map (fun map -> (LinearMap.on Input.single map |> LinearMap.toMatrix).t().reshape -1L)
            |> torch.stack

        use _ = torch.no_grad ()
        layer <- new EquivariantLayer(1, group, 4, 1, 4, 1, false)
        layer.get_parameter("weight").copy_ case.Weight |> ignore
        case.Check(product matrix)
        case.Check(madeAnew ())
        case.Check(layer.forward case.Input)

    [<Benchmark(Baseline = true)>]
    member _.ReadyMadeMatrix() = case.Forward(fun () -> product matrix)

    [<Benchmark>]
    member _.MatrixMadeAnew() = case.Forward madeAnew

    [<Benchmark>]
    member _.Cheapest() =
        layer.Method <- LayerMethod.Cheapest
        case.Forward(fun () -> layer.forward case.Input)

    [<Benchmark>]
    member _.Factored() =
        layer.Method <- LayerMethod.Factored
        case.Forward(fun () -> layer.forward case.Input)

/// Listing the maps from (R^6)^3 to (R^6)^3, without any matrix, against listing their diagrams alone.
type BasisListing() =
    let mutable group = Unchecked.defaultof<Group>

    [<Params("S_6", "A_6", "O(6)", "SO(6)", "Sp(6)")>]
    member val Name = "" with get, set

    [<GlobalSetup>]
    member this.Setup() =
        group <-
            match this.Name with
            | "S_6" -> Group.symmetric 6
            | "A_6" -> Group.alternating 6
            | "O(6)" -> Group.orthogonal 6
            | "SO(6)" -> Group.specialOrthogonal 6
            | _ -> Group.symplectic 6

    [<Benchmark(Baseline = true)>]
    member this.Diagrams() =
        if this.Name.EndsWith '6' then
            (Diagram.enumerate 3 3).Length
        else
            (Brauer.enumerate 0 3 3).Length

    [<Benchmark>]
    member _.Maps() = (Basis.spanning group 3 3).Length

    [<Benchmark>]
    member _.Basis() = (Basis.independent group 3 3).Length
