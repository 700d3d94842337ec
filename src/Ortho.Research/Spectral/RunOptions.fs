namespace Ortho

open System
open System.Collections.Generic
open TorchSharp

/// <summary>A number, or one for each element of a batch, that an evolution should keep: energy, mass, ...</summary>
/// <param name="name">What reports call it.</param>
/// <param name="measure">From the state to real numbers of any shape, always the same one.</param>
[<Sealed; NoEquality; NoComparison>]
type Invariant(name: string, measure: Func<torch.Tensor, torch.Tensor>) =
    do
        Guard.notNull "name" name
        Guard.notNull "measure" measure

    /// What reports call it.
    member _.Name = name

    /// <summary>Its numbers in a state, row-major, as float64.</summary>
    member _.Measure(state: torch.Tensor) : float[] =
        Guard.live "state" state
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let value = measure.Invoke state
        value.detach().``to``(torch.float64, torch.CPU).contiguous().data<float>().ToArray()

/// How far an invariant went from its value at the start, over a whole run and batch.
type Drift =
    {
        /// The invariant.
        Name: string
        /// Its largest size at the start.
        Start: float
        /// The largest |I(t) - I(0)| that was measured.
        Largest: float
    }

    /// Largest / Start; 0 where both are 0.
    member this.Relative =
        if this.Largest = 0.0 then
            0.0
        else
            this.Largest / this.Start

/// Where a run is.
type RunProgress =
    {
        /// Steps done, counted from the very start.
        Step: int64
        /// Steps that will be done in all.
        Steps: int64
        /// Step times the step in time.
        Time: float
        /// The largest size of a real or imaginary part of the state.
        Largest: float
        /// How far each invariant went until now.
        Drifts: IReadOnlyList<Drift>
    }

/// What a run gives.
[<NoEquality; NoComparison>]
type RunResult =
    {
        /// The last state.
        State: torch.Tensor
        /// Steps done, counted from the very start.
        Steps: int64
        /// Steps times the step in time.
        Time: float
        /// How far each invariant went.
        Drifts: IReadOnlyList<Drift>
    }

/// <summary>A state became NaN, infinite, or larger than allowed.</summary>
[<Sealed>]
type BlowUpException internal (step: int64, time: float, largest: float, limit: float, stepper: string) =
    inherit
        Exception(
            (let what =
                if Double.IsFinite largest then
                    $"its largest entry is {largest}, above the limit {limit}"
                elif Double.IsNaN largest then
                    "it has entries that are NaN"
                else
                    "it has infinite entries"

             $"The state blew up at step {step}, time {time}, of {stepper}: {what}. A smaller step in time may help.")
        )

    /// The step whose result was bad; the first step of a run is 1, and 0 is its start.
    member _.Step = step

    /// Its time.
    member _.Time = time

    /// The largest size of a real or imaginary part: NaN, infinite, or above the limit.
    member _.Largest = largest

/// What a run watches and tells. Numbers of steps are at least 1.
[<NoEquality; NoComparison>]
type RunOptions =
    {
        /// What should be kept.
        Invariants: IReadOnlyList<Invariant>
        /// So many steps lie between two measurements of invariants, of the stable step, and between two calls of Progress.
        Every: int64
        /// The largest size that an entry of the state may have; infinity allows every number.
        Limit: float
        /// Told the progress; what it throws ends the run. Null: nobody is told.
        Progress: Action<RunProgress>
        /// An estimate of the largest stable step in time from the state. Null: none.
        StableStep: Func<torch.Tensor, float>
        /// Told, once in a run, in plain text, that the step is larger than the stable one. Null: nobody is told.
        Warn: Action<string>
        /// Where the state is saved. Empty: nowhere.
        CheckpointPath: string
        /// So many steps lie between two savings.
        CheckpointEvery: int64
    }

    /// No invariants, every step looked at, no limit but that of numbers, nobody told, nothing saved.
    static member Default =
        {
            Invariants = Array.empty<Invariant>
            Every = 1L
            Limit = infinity
            Progress = null
            StableStep = null
            Warn = null
            CheckpointPath = ""
            CheckpointEvery = 100L
        }

    /// The same options with other invariants.
    member this.WithInvariants(invariants: seq<Invariant>) =
        Guard.notNull "invariants" invariants

        { this with
            Invariants = Seq.toArray invariants
        }

    /// The same options with another number of steps between two looks.
    member this.WithEvery(every: int64) = { this with Every = every }

    /// The same options with another limit of the size of entries.
    member this.WithLimit(limit: float) = { this with Limit = limit }

    /// The same options, telling the progress.
    member this.WithProgress(progress: Action<RunProgress>) =
        Guard.notNull "progress" progress
        { this with Progress = progress }

    /// The same options, telling in plain text when the step is larger than the estimate of the largest stable one.
    member this.WithStableStep(stableStep: Func<torch.Tensor, float>, warn: Action<string>) =
        Guard.notNull "stableStep" stableStep
        Guard.notNull "warn" warn

        { this with
            StableStep = stableStep
            Warn = warn
        }

    /// The same options, saving the state into a file after every so many steps and at the end.
    member this.WithCheckpoint(path: string, every: int64) =
        Guard.notNull "path" path

        { this with
            CheckpointPath = path
            CheckpointEvery = every
        }
