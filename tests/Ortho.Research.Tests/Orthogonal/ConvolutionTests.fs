module Ortho.Tests.Orthogonal.ConvolutionTests

open System
open Expecto
open FsCheck.FSharp
open Ortho
open Ortho.Tests
open Ortho.Tests.ConvolutionZoo
open TorchSharp

/// Every index below the sizes, the last axis fastest.
let rec private indices (sizes: int64 list) =
    match sizes with
    | [] -> [ [] ]
    | n :: rest ->
        [
            for i in 0L .. n - 1L do
                for others in indices rest -> i :: others
        ]

let rec private flat (sizes: int64 list) (index: int64 list) =
    List.fold2 (fun place n i -> place * n + i) 0L sizes index

/// Output sizes and the dense matrix, by a loop over every output, tap and channel, from the definition alone.
let private oracle (walk: Walk) (kernel: torch.Tensor) =
    let { Options = options; Sizes = sizes } = walk
    let out, inPerGroup = kernel.shape[0], kernel.shape[1]
    let taps = List.ofArray kernel.shape[2..]
    let reach k = options.Dilation * (k - 1L)

    let before k =
        match options.Border with
        | ConvolutionBorder.Circular
        | ConvolutionBorder.Same -> reach k / 2L
        | ConvolutionBorder.Valid -> 0L
        | ConvolutionBorder.Padded padding -> padding

    let outputs =
        List.map2
            (fun n k ->
                // Positions of the window, one stride apart, as long as it stays inside the padded grid.
                let length =
                    match options.Border with
                    | ConvolutionBorder.Circular
                    | ConvolutionBorder.Same -> n + reach k
                    | _ -> n + 2L * before k

                Seq.initInfinite (fun i -> options.Stride * int64 i)
                |> Seq.takeWhile (fun start -> start + reach k < length)
                |> Seq.length
                |> int64)
            sizes
            taps

    let channels = inPerGroup * options.Groups
    let domain, codomain = channels :: sizes, out :: outputs
    let size shape = List.fold (*) 1L shape

    let matrix =
        torch.zeros ([| size codomain; size domain |], dtype = Nullable kernel.dtype)

    for o in 0L .. out - 1L do
        let group = o / (out / options.Groups)

        for i in indices outputs do
            for c in 0L .. inPerGroup - 1L do
                for t in indices taps do
                    let place =
                        List.map3 (fun i t k -> options.Stride * i + options.Dilation * t - before k) i t taps

                    let inside = List.forall2 (fun j n -> j >= 0L && j < n) place sizes

                    if inside || options.Border.IsCircular then
                        let wrapped = List.map2 (fun j n -> ((j % n) + n) % n) place sizes

                        let row, column =
                            flat codomain (o :: i), flat domain (group * inPerGroup + c :: wrapped)

                        let weight = kernel.reshape(-1L).[flat (out :: inPerGroup :: taps) (o :: c :: t)]
                        matrix[row, column].add_ weight |> ignore

    domain, codomain, matrix

let private laws (bench: Bench) =
    testList
        $"convolution on {bench}"
        [
            for border in borders do
                for axes in [ 1; 2 ] do
                    let config = { Property.config with maxTest = 40 }

                    Property.check
                        config
                        $"{border} on {axes} axes is its dense matrix by the definition, and so is its adjoint"
                        (fun case ->
                            let walk = walk border axes case
                            let kernel = Seed.normal case.Seed bench.Kind walk.Kernel
                            let map = Convolution.map walk.Options walk.Sizes kernel
                            let domain, codomain, matrix = oracle walk kernel

                            (if List.ofSeq map.Domain.Shape = domain && List.ofSeq map.Codomain.Shape = codomain then
                                 max
                                     (Dense.apart (LinearMap.toMatrix map) matrix)
                                     (Dense.apart (LinearMap.toMatrix map.Adjoint) matrix.mH)
                             else
                                 infinity)
                            |> Property.within bench.Product $"{walk}")
        ]

let tests = testList "Convolution" [ yield! Bench.all |> List.map laws ]
