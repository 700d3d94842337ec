module Ortho.Tests.Algebra.ConvolutionArithmeticTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Ortho

type AxisCase = { Axis: ConvolutionAxis; Input: int64 }

type Cases =
    static member Axis() =
        let generate =
            gen {
                let! kernel = Gen.choose (1, 7)
                let! stride = Gen.choose (1, 4)
                let! padding = Gen.choose (0, 3)
                let! dilation = Gen.choose (1, 3)
                let! input = Gen.choose (1, 40)

                return
                    {
                        Axis =
                            {
                                Kernel = int64 kernel
                                Stride = int64 stride
                                Padding = int64 padding
                                Dilation = int64 dilation
                            }
                        Input = int64 input
                    }
            }

        Arb.fromGen generate

let private config =
    { FsCheckConfig.defaultConfig with
        maxTest = 500
        arbitrary = [ typeof<Cases> ]
    }

let private zeros (size: int64) = torch.zeros [| 1L; 1L; size |]

/// Counts the windows one by one: the definition.
let private countWindows (axis: ConvolutionAxis) (input: int64) =
    let reach = (axis.Kernel - 1L) * axis.Dilation

    Seq.initInfinite (fun window -> int64 window * axis.Stride)
    |> Seq.takeWhile (fun start -> start + reach < input + 2L * axis.Padding)
    |> Seq.length

let private refuses (f: unit -> int64) (name: string) =
    let message =
        try
            $"gave {f ()}"
        with :? ArgumentException as error ->
            error.Message

    Expect.stringContains message $"{name} must" "the argument is named"

let tests =
    testList
        "ConvolutionArithmetic"
        [
            testPropertyWithConfig config "the output has as many entries as there are windows" (fun case ->
                let size = ConvolutionArithmetic.tryOutputSize case.Axis case.Input
                size |> Option.defaultValue 0L = countWindows case.Axis case.Input)

            testPropertyWithConfig config "torch gives the same size, and refuses where there is none" (fun case ->
                use _ = torch.NewDisposeScope()
                let axis = case.Axis

                let size =
                    try
                        torch.nn.functional
                            .conv1d(
                                zeros case.Input,
                                zeros axis.Kernel,
                                null,
                                axis.Stride,
                                axis.Padding,
                                axis.Dilation
                            )
                            .shape[2]
                        |> Some
                    with :? Runtime.InteropServices.ExternalException ->
                        None

                size = ConvolutionArithmetic.tryOutputSize axis case.Input)

            testPropertyWithConfig config "the transposed convolution recovers the input's size" (fun case ->
                match ConvolutionArithmetic.tryOutputSize case.Axis case.Input with
                | Some output ->
                    let rest = ConvolutionArithmetic.remainder case.Axis case.Input
                    ConvolutionArithmetic.transposedOutputSize case.Axis rest output = case.Input
                | None -> true)

            testPropertyWithConfig config "it is a convolution of stride 1 over the stretched input" (fun case ->
                use _ = torch.NewDisposeScope()
                let axis = case.Axis

                match ConvolutionArithmetic.tryOutputSize axis case.Input with
                | Some output when axis.Padding <= ConvolutionArithmetic.fullPadding axis ->
                    let rest = ConvolutionArithmetic.remainder axis case.Input
                    let direct = ConvolutionArithmetic.transposed axis
                    use generator = new torch.Generator(uint64 case.Input, torch.CPU)

                    let y =
                        torch.randn ([| 1L; 1L; output |], dtype = torch.float64, generator = generator)

                    let weight =
                        torch.randn ([| 1L; 1L; axis.Kernel |], dtype = torch.float64, generator = generator)

                    let stretched =
                        torch.zeros (
                            [| 1L; 1L; ConvolutionArithmetic.stretchedSize axis output + rest |],
                            dtype = torch.float64
                        )

                    let places = torch.arange (output.ToScalar(), dtype = torch.int64)

                    let stretched =
                        stretched.index_add (2L, places.mul (axis.Stride.ToScalar()), y, 1.0.ToScalar())

                    let byHand =
                        torch.nn.functional.conv1d (
                            stretched,
                            weight.flip [| 2L |],
                            null,
                            1L,
                            direct.Padding,
                            direct.Dilation
                        )

                    let byTorch =
                        torch.nn.functional.conv_transpose1d (
                            y,
                            weight,
                            null,
                            axis.Stride,
                            axis.Padding,
                            rest,
                            axis.Dilation
                        )

                    byHand.shape = byTorch.shape && byHand.allclose (byTorch, 1e-12, 1e-12)
                | _ -> true)

            testPropertyWithConfig
                config
                "half padding keeps the size of an odd window, full padding counts every touch"
                (fun case ->
                    let axis = { case.Axis with Stride = 1L }
                    let reach = ConvolutionArithmetic.effectiveKernel axis

                    let half =
                        { axis with
                            Padding = ConvolutionArithmetic.halfPadding axis
                        }

                    let full =
                        { axis with
                            Padding = ConvolutionArithmetic.fullPadding axis
                        }

                    (reach % 2L = 0L || ConvolutionArithmetic.outputSize half case.Input = case.Input)
                    && ConvolutionArithmetic.outputSize full case.Input = case.Input + reach - 1L)

            testCase "the paper's figures: 4, 5, 5 and 6 inputs under a kernel of 3" (fun () ->
                let kernel = ConvolutionArithmetic.ofKernel 3L

                let size axis input =
                    ConvolutionArithmetic.outputSize axis input

                Expect.equal (size kernel 4L) 2L "figure 2.1: no padding, unit strides"
                Expect.equal (size { kernel with Padding = 1L } 5L) 5L "figure 2.3: half padding"
                Expect.equal (size { kernel with Padding = 2L } 5L) 7L "figure 2.4: full padding"
                Expect.equal (size { kernel with Stride = 2L } 5L) 2L "figure 2.5: strides"

                Expect.equal
                    (size
                        { kernel with
                            Padding = 1L
                            Stride = 2L
                        }
                        6L)
                    3L
                    "figure 2.7: padding and strides"

                Expect.equal
                    (ConvolutionArithmetic.remainder
                        { kernel with
                            Padding = 1L
                            Stride = 2L
                        }
                        6L)
                    1L
                    "one input is left over"

                Expect.equal (size { kernel with Dilation = 2L } 7L) 3L "figure 5.1: dilation")

            testCase "numbers out of range are refused by name" (fun () ->
                let axis = ConvolutionArithmetic.ofKernel 3L
                refuses (fun () -> (ConvolutionArithmetic.ofKernel 0L).Kernel) "kernel"
                refuses (fun () -> ConvolutionArithmetic.outputSize { axis with Stride = 0L } 9L) "axis.Stride"
                refuses (fun () -> ConvolutionArithmetic.outputSize { axis with Padding = -1L } 9L) "axis.Padding"
                refuses (fun () -> ConvolutionArithmetic.outputSize { axis with Dilation = 0L } 9L) "axis.Dilation"
                refuses (fun () -> ConvolutionArithmetic.outputSize axis 2L) "input"
                refuses (fun () -> ConvolutionArithmetic.remainder axis 0L) "input"
                refuses (fun () -> ConvolutionArithmetic.transposedOutputSize axis 1L 4L) "outputPadding"
                refuses (fun () -> ConvolutionArithmetic.transposedOutputSize { axis with Padding = 2L } 0L 1L) "input"

                refuses
                    (fun () -> (ConvolutionArithmetic.transposed { axis with Padding = 3L }).Padding)
                    "axis.Padding")
        ]
