namespace Ortho

open System
open TorchSharp

/// <summary>Randomness by explicit seed: the same seed gives the same numbers on one machine; the global generator is never touched.</summary>
[<RequireQualifiedAccess>]
module Seed =

    /// A generator of the device that starts at the seed. The caller disposes it.
    [<CompiledName("Generator")>]
    let generator (seed: int) (device: torch.Device) =
        Guard.notNull "device" device
        new torch.Generator(uint64 (uint32 seed), device)

    /// <summary>A seed for part of a computation: different for different parts, and far from those of neighbouring seeds.</summary>
    [<CompiledName("Derive")>]
    let derive (seed: int) (part: int) =
        // SplitMix64's finaliser (Steele, Lea and Flood 2014) on the pair.
        let mix (z: uint64) =
            let z = (z ^^^ (z >>> 30)) * 0xBF58476D1CE4E5B9UL
            let z = (z ^^^ (z >>> 27)) * 0x94D049BB133111EBUL
            z ^^^ (z >>> 31)

        int (
            mix (mix (uint64 (uint32 seed) + 0x9E3779B97F4A7C15UL) + uint64 (uint32 part))
            >>> 33
        )

    let private draw
        (fill: torch.Generator -> torch.ScalarType -> int64[] -> torch.Tensor)
        (seed: int)
        (kind: TensorKind)
        (shape: seq<int64>)
        =
        Guard.notNull "shape" shape
        let shape = Seq.toArray shape

        Guard.holds "shape" (Array.forall (fun n -> n >= 0L) shape) (fun () ->
            $"shape must have no negative size, but is {Guard.showShape shape}.")

        use scope = torch.NewDisposeScope()
        use generator = generator seed kind.Device
        let real = TensorKind.realDtype kind.Dtype

        let drawn =
            if torch.is_complex kind.Dtype then
                multiply (sqrt 0.5) (torch.complex (fill generator real shape, fill generator real shape))
            else
                fill generator real shape

        scope.MoveToOuter drawn

    /// <summary>Independent entries N(0, 1); complex ones have E |z|^2 = 1.</summary>
    /// <param name="seed">Same seed, same numbers.</param>
    /// <param name="kind">Type (floating or complex) and device of the result.</param>
    /// <param name="shape">Sizes of the axes.</param>
    [<CompiledName("Normal")>]
    let normal (seed: int) (kind: TensorKind) (shape: seq<int64>) =
        draw
            (fun generator dtype shape ->
                torch.randn (shape, dtype = Nullable dtype, device = kind.Device, generator = generator))
            seed
            kind
            shape

    /// <summary>Independent entries uniform on [0, 1).</summary>
    [<CompiledName("Uniform")>]
    let uniform (seed: int) (kind: TensorKind) (shape: seq<int64>) =
        draw
            (fun generator dtype shape ->
                torch.rand (shape, dtype = Nullable dtype, device = kind.Device, generator = generator))
            seed
            kind
            shape
