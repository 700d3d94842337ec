module Ortho.Tests.TimeRunTests

open System
open System.Collections.Generic
open System.IO
open System.Security.Cryptography
open Expecto
open FsCheck.FSharp
open Ortho
open TorchSharp

/// The oscillator x' = y, y' = -x, whose energy RK4 keeps to its order.
let private oscillate (u: torch.Tensor) =
    torch.stack ([| u.select (-1L, 1L); (u.select (-1L, 0L)).neg() |], -1L)

let private energy = Invariant("energy", fun u -> u.square().sum -1L)
let private stepper () = Stepper.rungeKutta4 0.1 oscillate
let private options = RunOptions.Default.WithInvariants [ energy ]

let private inFolder (body: string -> unit) =
    let folder = Directory.CreateTempSubdirectory "ortho-run"

    try
        body (Path.Combine(folder.FullName, "state.run"))
    finally
        folder.Delete true

let private bits (x: torch.Tensor) = x.contiguous().bytes.ToArray()

let private kinds =
    [ torch.float32; torch.float64; torch.complex64; torch.complex128 ]

let tests =
    testList
        "time runs"
        [
            Property.check Property.config "a run is its steps, one after the other" (fun case ->
                let u = Seed.normal case.Seed TensorKind.float64 (case.Batch @ [ 2L ])
                let mutable plain = u

                for _ in 1 .. case.Size do
                    plain <- (stepper ()).Step plain

                let run = TimeRun.steps options (int64 case.Size) (stepper ()) u
                let until = TimeRun.until options (0.1 * float case.Size) (stepper ()) u

                (bits run.State = bits plain
                 && bits until.State = bits plain
                 && run.Steps = int64 case.Size
                 && abs (run.Time - 0.1 * float case.Size) < 1e-15
                 && run.Drifts.Count = 1)
                |> Prop.label "the same bits")

            Property.check Property.config "a resumed run gives the bits of an uninterrupted one" (fun case ->
                let mutable same = false

                inFolder (fun path ->
                    let kind =
                        { TensorKind.float64 with
                            Dtype = kinds[case.Seed % 4]
                        }

                    let u = Seed.normal case.Seed kind (case.Batch @ [ 2L ])
                    let energy = Invariant("energy", fun u -> u.abs().square().sum -1L)

                    let options =
                        (RunOptions.Default.WithInvariants [ energy ]).WithCheckpoint(path, int64 case.Second)

                    let count = int64 (case.Size + case.Second)
                    let whole = TimeRun.steps options count (stepper ()) u
                    let half = TimeRun.steps options (int64 case.Size) (stepper ()) u
                    let resumed = TimeRun.resume options count (stepper ())

                    same <-
                        bits whole.State = bits resumed.State
                        && whole.State.dtype = resumed.State.dtype
                        && whole.State.shape = resumed.State.shape
                        && whole.Drifts[0] = resumed.Drifts[0]
                        && resumed.Steps = count
                        && half.Steps = int64 case.Size)

                same |> Prop.label "the same bits")

            Property.check Property.config "a damaged file is refused with the reason, whichever byte" (fun case ->
                let mutable refused = 0

                inFolder (fun path ->
                    let options = options.WithCheckpoint(path, 1L)
                    let u = Seed.normal case.Seed TensorKind.float64 (case.Batch @ [ 2L ])
                    TimeRun.steps options 2L (stepper ()) u |> ignore
                    let whole = File.ReadAllBytes path
                    let random = Random case.Seed

                    let attempt (bytes: byte[]) =
                        File.WriteAllBytes(path, bytes)

                        try
                            TimeRun.resume options 3L (stepper ()) |> ignore
                        with :? InvalidDataException as error when error.Message.Contains path ->
                            refused <- refused + 1

                    let changed = Array.copy whole
                    let place = random.Next whole.Length
                    changed[place] <- changed[place] ^^^ byte (1 <<< random.Next 8)
                    attempt changed
                    attempt whole[.. random.Next whole.Length - 1]
                    attempt (Array.append whole [| byte (random.Next 256) |])
                    attempt (Array.init (random.Next 100) (fun _ -> byte (random.Next 256)))
                    // And the whole file is taken.
                    File.WriteAllBytes(path, whole)
                    TimeRun.resume options 3L (stepper ()) |> ignore)

                refused = 4 |> Prop.label $"{refused} of 4 refused")

            Property.check
                Property.config
                "a file of another program, whole by its hash, is taken or refused with a reason"
                (fun case ->
                    let mutable other = ""

                    inFolder (fun path ->
                        let options = options.WithCheckpoint(path, 1L)
                        let u = Seed.normal case.Seed TensorKind.float64 (case.Batch @ [ 2L ])
                        TimeRun.steps options 2L (stepper ()) u |> ignore
                        let whole = File.ReadAllBytes path
                        let length = whole.Length - SHA256.HashSizeInBytes
                        let random = Random case.Seed

                        for _ in 1..20 do
                            let content = whole[.. length - 1]
                            // Past the mark; four bytes at once are a new count.
                            let place = 12 + random.Next(length - 16)

                            for i in 0 .. random.Next 4 do
                                content[place + i] <- byte (random.Next 256)

                            File.WriteAllBytes(path, Array.append content (SHA256.HashData content))

                            try
                                use _ = torch.NewDisposeScope()
                                TimeRun.resume options 3L (stepper ()) |> ignore
                            with
                            | :? InvalidDataException
                            | :? ArgumentException
                            | :? BlowUpException -> ()
                            | error -> other <- $"{error.GetType().Name}: {error.Message}")

                    other = "" |> Prop.label other)

            testCase "no file stays aside, and an interrupted saving leaves the last whole one" (fun () ->
                inFolder (fun path ->
                    use _ = torch.NewDisposeScope()
                    let options = options.WithCheckpoint(path, 2L)
                    let u = torch.tensor [| 1.0; 0.0 |]
                    TimeRun.steps options 4L (stepper ()) u |> ignore
                    Expect.equal (Directory.GetFiles(Path.GetDirectoryName path)) [| path |] "files"
                    File.WriteAllText(path + ".part", "half a file")
                    Expect.equal (TimeRun.resume options 6L (stepper ())).Steps 6L "resumed"
                    Expect.equal (Directory.GetFiles(Path.GetDirectoryName path)) [| path |] "and tidied"))

            testCase "drift is the largest distance from the start" (fun () ->
                use _ = torch.NewDisposeScope()
                // A stepper that visits 1, 3, 0, 2 in turn, on a batch of one and its double.
                let visit (u: torch.Tensor) =
                    let next = Map [ 1.0, 3.0; 3.0, 0.0; 0.0, 2.0; 2.0, 2.0 ]
                    let x = u[0].item<float>()
                    torch.tensor [| next[x]; 2.0 * next[x] |]

                let itself = Invariant("itself", fun u -> u.alias ())
                let options = RunOptions.Default.WithInvariants [ itself ]
                let u = torch.tensor [| 1.0; 2.0 |]

                let run =
                    TimeRun.steps options 3L (Stepper.strang 1.0 (fun _ u -> u.alias ()) (fun _ -> visit)) u

                Expect.equal
                    run.Drifts[0]
                    {
                        Name = "itself"
                        Start = 2.0
                        Largest = 4.0
                    }
                    "drift"

                Expect.equal run.Drifts[0].Relative 2.0 "relative")

            testCase "energy drifts with the order of the method" (fun () ->
                use _ = torch.NewDisposeScope()
                let u = torch.tensor [| 1.0; 0.0 |]

                let drift h =
                    (TimeRun.until options 10.0 (Stepper.rungeKutta4 h oscillate) u).Drifts[0].Relative
                // |1 - z^6/72|: the energy of RK4 falls with h^5.
                let order = Math.Log2(drift 0.1 / drift 0.05)
                Expect.isLessThan (abs (order - 5.0)) 0.05 $"order {order:F3}")

            testCase "blow-up is reported at the step at which it happens" (fun () ->
                use _ = torch.NewDisposeScope()

                let grow =
                    Stepper.strang 0.5 (fun _ u -> u.alias ()) (fun _ u -> u.mul (10.0.ToScalar()))

                let u = torch.tensor [| 1.0; -2.0 |]

                let blowUp options count (stepper: Stepper) (u: torch.Tensor) =
                    try
                        TimeRun.steps options count stepper u |> ignore
                        failtest "no blow-up"
                    with :? BlowUpException as error ->
                        error

                // 2 10^k > 1e4 first at k = 4.
                let limited = blowUp (RunOptions.Default.WithLimit 1e4) 100L grow u
                Expect.equal (limited.Step, limited.Time, limited.Largest) (4L, 2.0, 2e4) "limit"
                Expect.stringContains limited.Message "step 4, time 2" "message"
                // 2e308 is infinite: at k = 308.
                let infinite = blowUp RunOptions.Default 1000L grow u
                Expect.equal infinite.Step 308L "infinity"

                let root =
                    Stepper.strang 1.0 (fun _ u -> u.alias ()) (fun _ u -> (u.sub (1.0.ToScalar())).sqrt())

                let bad = blowUp RunOptions.Default 10L root (torch.tensor [| 1.5; 3.0 |])
                // 1.5 -> 0.71 -> NaN.
                Expect.equal bad.Step 2L "NaN"
                Expect.isTrue (Double.IsNaN bad.Largest) "is NaN"
                Expect.equal (blowUp RunOptions.Default 1L grow (torch.tensor [| nan |])).Step 0L "a bad start"
                let complex = torch.complex (torch.tensor [| 0.0 |], torch.tensor [| nan |])
                Expect.equal (blowUp RunOptions.Default 1L grow complex).Step 0L "imaginary parts too")

            testCase "progress is told, and what it throws ends the run" (fun () ->
                use _ = torch.NewDisposeScope()
                let told = List<RunProgress>()
                let u = torch.tensor [| 1.0; 0.0 |]
                let options = options.WithEvery(4L).WithProgress(fun progress -> told.Add progress)
                TimeRun.steps options 10L (stepper ()) u |> ignore
                Expect.equal [ for p in told -> p.Step ] [ 0L; 4L; 8L; 10L ] "steps"
                Expect.all told (fun p -> p.Steps = 10L && p.Time = 0.1 * float p.Step && p.Drifts.Count = 1) "numbers"

                let stop =
                    options.WithProgress(fun p ->
                        if p.Step = 8L then
                            raise (OperationCanceledException()))

                Expect.throwsT<OperationCanceledException>
                    (fun () -> TimeRun.steps stop 10L (stepper ()) u |> ignore)
                    "stopped")

            testCase "an unstable step is warned of, once, in plain text" (fun () ->
                use _ = torch.NewDisposeScope()
                let warnings = List<string>()
                let u = torch.tensor [| 1.0; 0.0 |]

                let with' stable =
                    options.WithStableStep((fun _ -> stable), (fun text -> warnings.Add text))

                TimeRun.steps (with' 0.1) 5L (stepper ()) u |> ignore
                Expect.isEmpty warnings "stable"
                TimeRun.steps (with' 0.09) 5L (stepper ()) u |> ignore
                Expect.equal warnings.Count 1 "once"
                Expect.stringContains warnings[0] "Step 0, time 0: the step 0.1 in time is larger than 0.09" "text"
                Expect.equal (StableStep.warning 0.1 infinity) "" "any step"
                Expect.isNonEmpty (StableStep.warning 0.1 nan) "NaN")

            testCase "gradients flow through a run" (fun () ->
                use _ = torch.NewDisposeScope()

                let run (u: torch.Tensor) =
                    (TimeRun.steps options 3L (stepper ()) u).State

                Expect.isLessThan (Law.gradient 1 run (torch.tensor [| 1.0; 0.5 |])) Bench.gradient "start")

            testCase "no steps, and an empty batch" (fun () ->
                use _ = torch.NewDisposeScope()
                let u = torch.tensor [| 1.0; 0.5 |]
                let run = TimeRun.steps options 0L (stepper ()) u
                Expect.equal (bits run.State) (bits u) "state"
                run.State.Dispose()
                Expect.isFalse u.IsInvalid "a fresh handle"
                let none = torch.zeros ([| 0L; 2L |], dtype = torch.float64)
                Expect.equal (TimeRun.steps options 2L (stepper ()) none).State.shape [| 0L; 2L |] "empty")

            testCase "bad input is refused" (fun () ->
                use _ = torch.NewDisposeScope()
                let u = torch.tensor [| 1.0; 0.5 |]

                let run options count =
                    TimeRun.steps options count (stepper ()) u |> ignore

                Refusal.expect "count" (fun () -> run options -1L)
                Refusal.expect "every" (fun () -> run (options.WithEvery 0L) 1L)
                Refusal.expect "limit" (fun () -> run (options.WithLimit nan) 1L)
                Refusal.expect "checkpoints" (fun () -> run (options.WithCheckpoint("x", 0L)) 1L)
                Refusal.expect "part of a step" (fun () -> TimeRun.until options 0.25 (stepper ()) u |> ignore)
                Refusal.expect "backwards" (fun () -> TimeRun.until options -0.2 (stepper ()) u |> ignore)

                Refusal.expect "integers" (fun () ->
                    TimeRun.steps options 1L (stepper ()) (u.``to`` torch.int64) |> ignore)

                Refusal.expect "no path" (fun () -> TimeRun.resume options 1L (stepper ()) |> ignore)

                inFolder (fun path ->
                    let options = options.WithCheckpoint(path, 1L)

                    Expect.throwsT<FileNotFoundException>
                        (fun () -> TimeRun.resume options 1L (stepper ()) |> ignore)
                        "no file"

                    run options 5L
                    Refusal.expect "fewer steps" (fun () -> TimeRun.resume options 4L (stepper ()) |> ignore)
                    let other = Stepper.rungeKutta4 0.2 oscillate
                    Refusal.expect "another stepper" (fun () -> TimeRun.resume options 6L other |> ignore)

                    Refusal.expect "other invariants" (fun () ->
                        TimeRun.resume (options.WithInvariants []) 6L (stepper ()) |> ignore)

                    Refusal.expect "half precision" (fun () ->
                        TimeRun.steps options 1L (stepper ()) (u.``to`` torch.float16) |> ignore)))
        ]
