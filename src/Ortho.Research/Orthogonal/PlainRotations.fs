/// <summary>Chains of plane rotations by tensor operations: on any device, in any type, differentiable any number of times.</summary>
/// <remarks>What the native kernel is compared with, and what takes its place where it does not reach.</remarks>
[<RequireQualifiedAccess>]
module internal Ortho.PlainRotations

open Ortho
open TorchSharp

/// One step of a chain on some form of state.
[<NoEquality; NoComparison>]
type private Step<'State> =
    {
        /// The coordinates i and j of the pairs that the step turns: [*batch; pairs] each.
        Sides: 'State -> struct (torch.Tensor * torch.Tensor)
        Turn: 'State -> 'State
    }

/// A round a step: x -> x C + x[partners] S, with C = 1 and S = 0 where nothing turns.
let private rounds (schedule: PlaneSchedule) (angles: torch.Tensor) : Step<torch.Tensor>[] =
    let n, count = schedule.Size, schedule.Count
    let partner = Array.init (schedule.RoundCount * n) (fun place -> int64 (place % n))
    // Places in [0; angles; -angles].
    let turn = Array.zeroCreate<int64> partner.Length

    for k in 0 .. schedule.RoundCount - 1 do
        for r in schedule.Starts[k] .. schedule.Starts[k + 1] - 1 do
            let i, j = k * n + schedule.First[r], k * n + schedule.Second[r]
            partner[i] <- int64 schedule.Second[r]
            partner[j] <- int64 schedule.First[r]
            turn[i] <- int64 (1 + count + r)
            turn[j] <- int64 (1 + r)

    let index (values: int64[]) =
        torch.tensor(values).``to`` angles.device

    let shape = [| int64 schedule.RoundCount; int64 n |]
    let zero = angles.new_zeros 1L

    let signed =
        torch.cat([| zero; angles; angles.neg () |]).index_select(0L, index turn).reshape shape

    let cosines, sines, partners = signed.cos (), signed.sin (), index partner

    let sideIndex (side: int[]) k =
        index (side[schedule.Starts[k] .. schedule.Starts[k + 1] - 1] |> Array.map int64)

    Array.init schedule.RoundCount (fun k ->
        {
            Sides =
                fun x ->
                    let side which =
                        x.index_select (x.ndim - 1L, sideIndex which k)

                    struct (side schedule.First, side schedule.Second)
            Turn =
                Actions.scoped (fun x ->
                    let across =
                        x.index_select (x.ndim - 1L, partners.narrow (0L, int64 k * int64 n, int64 n))

                    (x .* cosines.select (0L, int64 k)) .+ (across .* sines.select (0L, int64 k)))
        })

/// A pair a step, on separate columns: what does not turn costs nothing.
let private columns (schedule: PlaneSchedule) (angles: torch.Tensor) : Step<torch.Tensor[]>[] =
    let cosines, sines = angles.cos().unbind 0, angles.sin().unbind 0

    Array.init schedule.Count (fun r ->
        let i, j = schedule.First[r], schedule.Second[r]

        {
            Sides = fun x -> struct (x[i].unsqueeze -1L, x[j].unsqueeze -1L)
            Turn =
                fun x ->
                    use scope = torch.NewDisposeScope()
                    let a, b = x[i], x[j]
                    let turned = Array.copy x
                    turned[i] <- scope.MoveToOuter((a .* cosines[r]) .- (b .* sines[r]))
                    turned[j] <- scope.MoveToOuter((a .* sines[r]) .+ (b .* cosines[r]))
                    turned
        })

/// All steps; what each is about to turn is shown before it does.
let private run (show: struct (torch.Tensor * torch.Tensor) -> unit) (steps: Step<'State>[]) (x: 'State) =
    let mutable state = x

    for step in steps do
        show (step.Sides state)
        state <- step.Turn state

    state

let private walk (byColumns: bool) show (schedule: PlaneSchedule) (angles: torch.Tensor) (x: torch.Tensor) =
    if schedule.Count = 0 then
        x.alias ()
    elif byColumns then
        torch.stack (run show (columns schedule angles) (x.unbind (x.ndim - 1L)), -1L)
    else
        run show (rounds schedule angles) x

/// Whether rounds are so thin that columns are cheaper.
let private isThin (schedule: PlaneSchedule) =
    int64 schedule.Count * 32L < int64 schedule.RoundCount * int64 schedule.Size

/// The angles that undo a chain, for the reversed schedule.
let undoing (angles: torch.Tensor) =
    use flipped = angles.flip 0L
    flipped.neg ()

/// The chain on x, [*batch; n].
let applyBy (byColumns: bool) (schedule: PlaneSchedule) (angles: torch.Tensor) =
    Actions.scoped (walk byColumns ignore schedule angles)

/// The chain on x, [*batch; n], in the cheaper way.
let apply (schedule: PlaneSchedule) (angles: torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    applyBy (isThin schedule) schedule angles x

/// The gradients in x and in the angles, given y, what the chain made of x, and the gradient in y: both are taken back through the
/// chain together, and after rotation (i, j) the slope of its angle is the sum over the batch of g_j y_i - g_i y_j.
let slopesBy
    (byColumns: bool)
    (schedule: PlaneSchedule)
    (angles: torch.Tensor)
    (y: torch.Tensor)
    (gradient: torch.Tensor)
    =
    use scope = torch.NewDisposeScope()
    let slopes = ResizeArray [ angles.new_zeros 0L ]

    let show (struct (i: torch.Tensor, j: torch.Tensor)) =
        let value (side: torch.Tensor) = side.select (0L, 0L)
        let slope (side: torch.Tensor) = side.select (0L, 1L)
        let each = (slope j .* value i) .- (slope i .* value j)
        slopes.Add(each.reshape(-1L, each.size (int each.ndim - 1)).sum(0L))

    let both = torch.stack ([| y; gradient |], 0L)

    let before =
        walk byColumns show (PlaneSchedule.reversed schedule) (undoing angles) both

    struct (scope.MoveToOuter(before.select (0L, 1L)), scope.MoveToOuter(torch.cat(slopes).flip 0L))

/// The gradients in x and in the angles, in the cheaper way.
let slopes (schedule: PlaneSchedule) (angles: torch.Tensor) (y: torch.Tensor) (gradient: torch.Tensor) =
    slopesBy (isThin schedule) schedule angles y gradient
