/// Wavelet transforms for the zoo.
module Ortho.Tests.WaveletZoo

open Ortho
open Ortho.Tests.ZooEntry

/// Even lengths, most of them shorter than the longest filters.
let private even case = 2L * n case

let private both name (build: Case -> WaveletTransform) =
    [
        free name (fun case -> (build case).Analyze)
        free $"{name}, inverse" (fun case -> (build case).Synthesize)
    ]

let entries: ZooEntry list =
    [
        free "Daubechies level" (fun case ->
            (WaveletTransform.level (Wavelet.daubechies (1 + case.Seed % 10)) (Space.Of(even case))).Analyze)
        free "decimated symlets" (fun case ->
            (WaveletTransform.decimated 2 (Wavelet.symlet (2 + case.Seed % 9)) (Space.Of(2L * even case))).Analyze)
        free "wavelet packets" (fun case ->
            (WaveletTransform.packetBasis [ "ad"; "d"; "aa" ] (Wavelet.daubechies 4) (Space.Of(2L * even case)))
                .Analyze)
        free "wavelets of pictures" (fun case ->
            (WaveletTransform.decimated 2 (Wavelet.daubechies 2) (Space.ofShape [ 2L * even case; 4L * m case ]))
                .Analyze)
        yield!
            both "periodic 5/3" (fun case ->
                WaveletTransform.packets 2 Wavelet.biorthogonal53 (Space.Of(2L * even case)))
        yield!
            both "symmetric 5/3" (fun case ->
                WaveletTransform.level (Wavelet.symmetric Wavelet.biorthogonal53) (Space.Of(n case + 1L)))
        yield!
            both "symmetric 9/7" (fun case ->
                WaveletTransform.decimated 2 (Wavelet.symmetric Wavelet.biorthogonal97) (Space.Of(n case + 2L)))
        yield!
            both "symmetric 9/7 of pictures" (fun case ->
                WaveletTransform.packetBasis
                    [ "a"; "v"; "ha"; "hh"; "hv"; "hd"; "d" ]
                    (Wavelet.symmetric Wavelet.biorthogonal97)
                    (Space.ofShape [ n case + 3L; m case + 2L ]))
    ]
