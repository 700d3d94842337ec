namespace Ortho.Tests

open Expecto
open FsCheck
open FsCheck.FSharp
open Ortho
open TorchSharp

/// What a test runs on: a type and a device, with the tolerances that go with the type. No test names a device or types a tolerance.
type Bench =
    {
        Kind: TensorKind
        /// Residual of one product, or of QR, Householder, Givens.
        Product: float
        /// Residual of an exponential, a Cayley transform, an iteration to convergence.
        Iteration: float
    }

    override this.ToString() = string this.Kind

module Bench =
    /// Gradient against central differences of step 1e-6 in float64: truncation and rounding.
    let gradient = 1e-6

    let private create device (dtype: torch.ScalarType) =
        let isSingle = TensorKind.realDtype dtype = torch.float32

        {
            Kind = { Dtype = dtype; Device = device }
            Product = if isSingle then 1e-5 else 1e-12
            Iteration = if isSingle then 1e-4 else 1e-11
        }

    let private devices =
        [
            torch.CPU
            if torch.cuda.is_available () then
                torch.CUDA
        ]

    /// float32 and float64 on each device.
    let real =
        [
            for device in devices do
                for dtype in [ torch.float32; torch.float64 ] do
                    create device dtype
        ]

    /// complex128 on each device.
    let complex = [ for device in devices -> create device torch.complex128 ]

    /// float64 on each device: for gradients.
    let double = real |> List.filter (fun bench -> bench.Kind.Dtype = torch.float64)

    /// Every bench.
    let all = real @ complex

/// One generated case: sizes, batch axes, a seed. It prints in one line, and shrinks.
type Case =
    {
        Size: int
        Second: int
        Batch: int64 list
        Seed: int
    }

    /// An element batch of the given space.
    member this.Draw (bench: Bench) (space: Space) =
        Seed.normal (Seed.derive this.Seed 99) bench.Kind (Seq.append this.Batch space.Shape)

type Cases =
    static member Case() =
        let generate =
            gen {
                let! size = Gen.choose (1, 9)
                let! second = Gen.choose (1, 6)
                let! batch = Gen.elements [ []; [ 1L ]; [ 3L ]; [ 2L; 3L ] ]
                let! seed = Gen.choose (0, 1_000_000)

                return
                    {
                        Size = size
                        Second = second
                        Batch = batch
                        Seed = seed
                    }
            }

        let shrink case =
            seq {
                if case.Batch <> [] then
                    { case with Batch = [] }

                for size in 1 .. case.Size - 1 do
                    { case with Size = size }

                for second in 1 .. case.Second - 1 do
                    { case with Second = second }
            }

        Arb.fromGenShrink (generate, shrink)

module Property =
    let config =
        { FsCheckConfig.defaultConfig with
            maxTest = 100
            arbitrary = [ typeof<Cases> ]
        }

    /// For laws that cost many evaluations a case.
    let costly = { config with maxTest = 15 }

    /// A residual that must not exceed a tolerance; the report says what it was.
    let within (tolerance: float) (name: string) (residual: float) =
        residual <= tolerance
        |> Prop.label $"{name}: {residual:E2}, allowed {tolerance:E0}"

    let check config name (law: Case -> Property) =
        testPropertyWithConfig config name (fun (case: Case) ->
            use _ = torch.NewDisposeScope()
            law case)

module Refusal =
    /// Bad input is refused with an ArgumentException, or an exception derived from it, that says which argument is bad.
    let expect (name: string) (body: unit -> unit) =
        Expect.throwsC body (fun error ->
            match error with
            | :? System.ArgumentException as refusal ->
                Expect.isGreaterThan refusal.Message.Length 20 $"{name}: the message says what is allowed"
            | other ->
                failtest $"{name}: expected an ArgumentException, but got {other.GetType().Name}: {other.Message}")
