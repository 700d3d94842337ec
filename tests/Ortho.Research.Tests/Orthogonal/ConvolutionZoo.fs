/// Convolutions of every border on lines and planes.
module Ortho.Tests.ConvolutionZoo

open System
open Ortho
open ZooEntry

/// A convolution without its kernel's numbers.
type Walk =
    {
        Options: ConvolutionOptions
        Sizes: int64 list
        Kernel: int64 list
    }

let borders =
    [
        ConvolutionBorder.Circular
        ConvolutionBorder.Same
        ConvolutionBorder.Valid
        ConvolutionBorder.Padded 1L
    ]

/// Small numbers of every kind: kernels longer than a circle, even and not square, strides that leave a remainder, dilation, groups.
let walk (border: ConvolutionBorder) (axes: int) (case: Case) =
    let random = Random case.Seed
    let draw limit = int64 (1 + random.Next limit)
    let stride, dilation, groups = draw 3, draw 2, draw 2

    let kernel =
        List.init axes (fun axis -> 1L + (m case + 2L * int64 axis) % (if axes = 1 then 6L else 4L))

    let size axis k =
        let reach = dilation * (k - 1L) + 1L
        let more = if axes = 1 then n case else draw 3

        match border with
        | ConvolutionBorder.Circular ->
            stride
            * (if axes = 1 then
                   1L + more / 2L
               else
                   1L + int64 axis * (more % 2L))
        | ConvolutionBorder.Same -> more
        | ConvolutionBorder.Valid -> reach + more - 1L
        | ConvolutionBorder.Padded padding -> max 1L (reach + more - 1L - 2L * padding)

    {
        Options =
            {
                Border = border
                Stride = stride
                Dilation = dilation
                Groups = groups
            }
        Sizes = kernel |> List.mapi size
        Kernel = groups * draw 2 :: draw 2 :: kernel
    }

let entries: ZooEntry list =
    [
        for border in borders do
            for axes in [ 1; 2 ] do
                entry
                    $"convolution {border} on {axes} axes"
                    (fun case -> [ (walk border axes case).Kernel ])
                    (fun case p ->
                        let walk = walk border axes case
                        Convolution.map walk.Options walk.Sizes p[0])
        entry "circular convolution" (fun case -> [ [ m case; 2L; 3L; 1L ] ]) (fun case p ->
            Convolution.circular [ n case; 2L ] p[0])
    ]
