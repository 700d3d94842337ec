namespace Ortho

open System
open System.IO
open System.Security.Cryptography
open System.Text
open TorchSharp

/// What is saved of a run.
[<NoEquality; NoComparison>]
type internal RunCheckpoint =
    {
        Stepper: string
        TimeStep: float
        Step: int64
        State: torch.Tensor
        Names: string[]
        /// Values of the invariants at the very start.
        Starts: float[][]
        /// The largest drift of each until now.
        Largest: float[]
    }

/// <summary>Files of runs: a header, the numbers bit for bit, and the SHA-256 of all before it. Written aside and renamed.</summary>
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal RunCheckpoint =

    let private mark = Encoding.ASCII.GetBytes "ortho run 1\n"

    let private types =
        [| torch.float32; torch.float64; torch.complex64; torch.complex128 |]

    let private damaged (path: string) (why: string) : exn =
        InvalidDataException $"{path} is no whole checkpoint of a run: {why}. Resume from another file, or start anew."

    /// Refuses a state that cannot be saved.
    let check (state: torch.Tensor) =
        Guard.holds "u" (Array.contains state.dtype types) (fun () ->
            $"u must be of single or double precision to be saved, but is {state.dtype}.")

        Guard.holds "u" (state.numel () * state.element_size () <= int64 Array.MaxLength / 2L) (fun () ->
            $"u must have at most {Array.MaxLength / 2} bytes to be saved, but has shape {Guard.showShape state.shape}.")

    let private numbers (writer: BinaryWriter) (values: float[]) =
        writer.Write values.Length
        Array.iter (fun (value: float) -> writer.Write value) values

    let private content (run: RunCheckpoint) =
        use memory = new MemoryStream()
        use writer = new BinaryWriter(memory, Encoding.UTF8)

        use state =
            run.State.detach().``to``(torch.CPU).resolve_conj().resolve_neg().contiguous()

        writer.Write mark
        writer.Write run.Stepper
        writer.Write run.TimeStep
        writer.Write run.Step
        writer.Write run.Names.Length

        for i in 0 .. run.Names.Length - 1 do
            writer.Write run.Names[i]
            numbers writer run.Starts[i]
            writer.Write run.Largest[i]

        writer.Write(Array.IndexOf(types, state.dtype))
        writer.Write(string run.State.device)
        writer.Write(int state.ndim)
        Array.iter (fun (size: int64) -> writer.Write size) state.shape
        writer.Write(Span.op_Implicit state.bytes: ReadOnlySpan<byte>)
        writer.Flush()
        memory.ToArray()

    /// Saves into a file beside the path, then takes the path's place: a file under the path is always whole.
    let save (path: string) (run: RunCheckpoint) =
        use _ = torch.NewDisposeScope()
        let content = content run
        let aside = path + ".part"

        do
            use file = File.Create aside
            file.Write(content, 0, content.Length)
            let hash = SHA256.HashData content
            file.Write(hash, 0, hash.Length)
            file.Flush true

        File.Move(aside, path, true)

    /// A count that what is left of the file can hold, at so many bytes each.
    let private count (reader: BinaryReader) (bytes: int64) =
        let count = reader.ReadInt32()
        let left = reader.BaseStream.Length - reader.BaseStream.Position

        if count < 0 || int64 count * bytes > left then
            raise (FormatException $"it counts {count} where {left} bytes are left")

        count

    let private readNumbers (reader: BinaryReader) =
        Array.init (count reader 8L) (fun _ -> reader.ReadDouble())

    let private readState (reader: BinaryReader) (bytes: byte[]) (length: int) =
        let kind = reader.ReadInt32()

        if kind < 0 || kind >= types.Length then
            raise (FormatException $"its numbers have the unknown type {kind}")

        let device = reader.ReadString()

        if device <> "cpu" && not (device.StartsWith "cuda" && torch.cuda.is_available ()) then
            raise (FormatException $"its state lay on \"{device}\", which is not here")

        let shape = Array.init (count reader 8L) (fun _ -> reader.ReadInt64())
        let start = int reader.BaseStream.Position
        use probe = torch.empty (0L, dtype = Nullable types[kind])

        let isWhole =
            shape |> Array.forall (fun size -> size >= 0L)
            && Array.fold (fun product size -> Checked.(*) product size) (probe.element_size ()) shape =
                int64 (length - start)

        if not isWhole then
            raise (FormatException $"{length - start} bytes are no state of shape {Guard.showShape shape}")

        use state = torch.empty (shape, dtype = Nullable types[kind])
        bytes.AsSpan(start, length - start).CopyTo state.bytes
        state.``to`` (torch.device device)

    let private read (bytes: byte[]) (length: int) : RunCheckpoint =
        use memory = new MemoryStream(bytes, 0, length)
        use reader = new BinaryReader(memory, UTF8Encoding(false, true))
        reader.ReadBytes mark.Length |> ignore
        let stepper = reader.ReadString()
        let timeStep = reader.ReadDouble()
        let step = reader.ReadInt64()

        if step < 0L then
            raise (FormatException $"its step is {step}")

        let invariants =
            Array.init (count reader 1L) (fun _ ->
                struct (reader.ReadString(), readNumbers reader, reader.ReadDouble()))

        {
            Stepper = stepper
            TimeStep = timeStep
            Step = step
            Names = invariants |> Array.map (fun struct (name, _, _) -> name)
            Starts = invariants |> Array.map (fun struct (_, starts, _) -> starts)
            Largest = invariants |> Array.map (fun struct (_, _, largest) -> largest)
            State = readState reader bytes length
        }

    /// <summary>A saved run; its state belongs to the scope of the caller.</summary>
    /// <exception cref="T:System.IO.InvalidDataException">The file is damaged or of another kind.</exception>
    let load (path: string) : RunCheckpoint =
        let bytes = File.ReadAllBytes path
        let length = bytes.Length - SHA256.HashSizeInBytes

        if
            length < mark.Length
            || not (bytes.AsSpan(0, mark.Length).SequenceEqual(ReadOnlySpan mark))
        then
            raise (damaged path "it does not begin as one")

        if
            not (
                (SHA256.HashData(ReadOnlySpan(bytes, 0, length)))
                    .AsSpan()
                    .SequenceEqual(ReadOnlySpan(bytes, length, SHA256.HashSizeInBytes))
            )
        then
            raise (damaged path "its bytes are not those that were written")

        // The hash keeps out accidents, not files that another program made.
        try
            read bytes length
        with
        | :? IOException
        | :? FormatException
        | :? OverflowException
        | :? ArgumentException as error -> raise (damaged path error.Message)
