/// <summary>Runs of steppers: so many steps or until a time, with invariants watched, progress told, the state saved, and blow-up reported at the step
/// at which it happens.</summary>
/// <remarks>Where no gradient is asked for, all states but the last are freed. A resumed run gives the numbers of an uninterrupted one, bit for bit.</remarks>
[<RequireQualifiedAccess>]
module Ortho.TimeRun

open System
open System.IO
open Ortho
open TorchSharp

/// The largest size of a real or imaginary part; NaN where one is NaN.
let private largest (u: torch.Tensor) =
    if u.numel () = 0L then
        0.0
    else
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()

        let parts =
            if u.is_complex () then
                u.resolve_conj().view_as_real()
            else
                u

        number (parts.abs().max())

let private check (options: RunOptions) (count: int64) (stepper: Stepper) =
    Guard.notNull "options" options
    Guard.notNull "stepper" stepper
    Guard.atLeast "count" 0L count
    Guard.notNull "options.Invariants" options.Invariants
    Guard.notNull "options.CheckpointPath" options.CheckpointPath
    Guard.positive "options.Every" options.Every
    Guard.positive "options.CheckpointEvery" options.CheckpointEvery

    Guard.holds "options.Limit" (options.Limit > 0.0) (fun () ->
        $"options.Limit must be above 0, but is {options.Limit}.")

let private drifts (run: RunCheckpoint) : Drift[] =
    Array.map3
        (fun name (start: float[]) largest ->
            {
                Name = name
                Start = start |> Array.fold (fun most value -> Math.Max(most, abs value)) 0.0
                Largest = largest
            })
        run.Names
        run.Starts
        run.Largest

/// The larger of a drift and |now - start|; Math.Max keeps NaN.
let private drifted (invariant: Invariant) (start: float[]) (before: float) (state: torch.Tensor) =
    Array.fold2 (fun most (a: float) (b: float) -> Math.Max(most, abs (a - b))) before (invariant.Measure state) start

/// Steps from a saved state until so many are done in all. The first state is not freed.
let private continueTo (options: RunOptions) (count: int64) (stepper: Stepper) (first: RunCheckpoint) : RunResult =
    let saves = options.CheckpointPath <> ""
    let invariants = Seq.toArray options.Invariants
    let mutable run = first
    let mutable isWarned = isNull options.Warn || isNull options.StableStep

    let look () =
        let time = float run.Step * stepper.TimeStep
        let size = largest run.State

        if not (size <= options.Limit) || not (Double.IsFinite size) then
            raise (BlowUpException(run.Step, time, size, options.Limit, string stepper))

        if run.Step % options.Every = 0L || run.Step = count then
            run <-
                { run with
                    Largest =
                        Array.map3
                            (fun invariant start before -> drifted invariant start before run.State)
                            invariants
                            run.Starts
                            run.Largest
                }

            if not isWarned then
                let stable = options.StableStep.Invoke run.State
                let warning = StableStep.warning stepper.TimeStep stable

                if warning <> "" then
                    options.Warn.Invoke $"Step {run.Step}, time {time}: {warning}"
                    isWarned <- true

            if not (isNull options.Progress) then
                options.Progress.Invoke
                    {
                        Step = run.Step
                        Steps = count
                        Time = time
                        Largest = size
                        Drifts = drifts run
                    }

    look ()

    while run.Step < count do
        let next = stepper.Step run.State

        if not (Object.ReferenceEquals(run.State, first.State)) then
            run.State.Dispose()

        run <-
            { run with
                State = next
                Step = run.Step + 1L
            }

        look ()

        if saves && (run.Step % options.CheckpointEvery = 0L || run.Step = count) then
            RunCheckpoint.save options.CheckpointPath run

    {
        State =
            if Object.ReferenceEquals(run.State, first.State) then
                first.State.alias ()
            else
                run.State
        Steps = run.Step
        Time = float run.Step * stepper.TimeStep
        Drifts = drifts run
    }

/// <summary>So many steps from a state.</summary>
/// <param name="options">What is watched, told and saved; <c>RunOptions.Default</c>.</param>
/// <param name="count">Number of steps, at least 0.</param>
/// <param name="stepper">The method with its step in time.</param>
/// <param name="u">The state at time 0, as the stepper takes it.</param>
/// <returns>The last state, a fresh handle, and how far the invariants went.</returns>
/// <exception cref="T:System.ArgumentException">Bad options or count, or u does not fit the stepper.</exception>
/// <exception cref="T:Ortho.BlowUpException">A state, also the first, has an entry that is NaN, infinite or above the limit.</exception>
[<CompiledName("Steps")>]
let steps (options: RunOptions) (count: int64) (stepper: Stepper) (u: torch.Tensor) : RunResult =
    check options count stepper
    Guard.floating "u" u

    if options.CheckpointPath <> "" then
        RunCheckpoint.check u

    let invariants = Seq.toArray options.Invariants
    use scope = torch.NewDisposeScope()

    let result =
        continueTo
            options
            count
            stepper
            {
                Stepper = stepper.Name
                TimeStep = stepper.TimeStep
                Step = 0L
                State = u
                Names = invariants |> Array.map _.Name
                Starts = invariants |> Array.map (fun invariant -> invariant.Measure u)
                Largest = invariants |> Array.map (fun _ -> 0.0)
            }

    scope.MoveToOuter result.State |> ignore
    result

/// <summary>Steps from a state at time 0 until a time.</summary>
/// <param name="options">What is watched, told and saved; <c>RunOptions.Default</c>.</param>
/// <param name="time">A whole number of steps, to 1e-9 of a step or of their number.</param>
/// <param name="stepper">The method with its step in time.</param>
/// <param name="u">The state at time 0.</param>
/// <returns>The last state, a fresh handle, and how far the invariants went.</returns>
/// <exception cref="T:System.ArgumentException">The time is no whole number of steps; or as for <c>steps</c>.</exception>
/// <exception cref="T:Ortho.BlowUpException">A state has an entry that is NaN, infinite or above the limit.</exception>
[<CompiledName("Until")>]
let until (options: RunOptions) (time: float) (stepper: Stepper) (u: torch.Tensor) : RunResult =
    Guard.notNull "stepper" stepper
    Guard.finite "time" time
    let exact = time / stepper.TimeStep
    let count = Math.Round exact

    Guard.holds
        "time"
        (count >= 0.0
         && count < 9e15
         && abs (exact - count) <= 1e-9 * Math.Max(1.0, count))
        (fun () ->
            $"time must be a whole number of steps of {stepper.TimeStep}, at least 0, but is {time}, or {exact} steps.")

    steps options (int64 count) stepper u

/// <summary>Goes on from the file under options.CheckpointPath until so many steps are done in all, the saved ones included.</summary>
/// <param name="options">The options of the interrupted run: the same invariants.</param>
/// <param name="count">Number of steps in all, at least the saved one.</param>
/// <param name="stepper">The stepper of the interrupted run: the same method and step.</param>
/// <returns>What the uninterrupted run gives, bit for bit.</returns>
/// <exception cref="T:System.ArgumentException">No path, or another stepper, invariants or count than the saved run's.</exception>
/// <exception cref="T:System.IO.FileNotFoundException">There is no such file.</exception>
/// <exception cref="T:System.IO.InvalidDataException">The file is damaged or of another kind.</exception>
/// <exception cref="T:Ortho.BlowUpException">A state has an entry that is NaN, infinite or above the limit.</exception>
[<CompiledName("Resume")>]
let resume (options: RunOptions) (count: int64) (stepper: Stepper) : RunResult =
    check options count stepper

    Guard.holds "options" (options.CheckpointPath <> "") (fun () ->
        "options must have a CheckpointPath, the file to resume from.")

    use scope = torch.NewDisposeScope()
    let saved = RunCheckpoint.load options.CheckpointPath

    Guard.holds "stepper" (saved.Stepper = stepper.Name && saved.TimeStep = stepper.TimeStep) (fun () ->
        $"stepper must be the saved run's, {saved.Stepper} with step {saved.TimeStep}, but is {stepper.Name} with step {stepper.TimeStep}.")

    let names = options.Invariants |> Seq.map _.Name |> Seq.toArray

    Guard.holds "options" (names = saved.Names) (fun () ->
        let shown (names: string[]) = "[" + String.Join("; ", names) + "]"
        $"options must have the saved run's invariants, {shown saved.Names}, but has {shown names}.")

    Guard.holds "count" (saved.Step <= count) (fun () ->
        $"count must be at least the {saved.Step} steps that were saved, but is {count}.")

    let result = continueTo options count stepper saved
    scope.MoveToOuter result.State |> ignore
    result
