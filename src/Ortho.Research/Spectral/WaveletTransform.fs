namespace Ortho

open System
open System.Collections.Generic
open Ortho.Native
open TorchSharp

/// <summary>A wavelet transform: analysis, its inverse, and where the coefficients lie.</summary>
/// <remarks>Both maps are from the space of the signal to itself; each has its own adjoint. For orthogonal wavelets analysis is unitary and its adjoint
/// is the inverse; for biorthogonal ones the two differ.</remarks>
[<NoEquality; NoComparison>]
type WaveletTransform =
    {
        /// Signal to coefficients.
        Analyze: LinearMap
        /// Coefficients to signal: the inverse.
        Synthesize: LinearMap
        /// The leaves of the tree, in the order of their places: approximations first, then details coarse to fine.
        Subbands: IReadOnlyList<Subband>
    }

/// <summary>Discrete wavelet transforms of rows and pictures, as linear maps.</summary>
/// <remarks>
/// <para>The space has one axis (rows) or two (pictures, by the same filters on both axes). A split puts the approximations of an axis before its
/// details: [a | d] in a row, and [a v; h d] in a picture. So decimated transforms lie as [approximations | details coarse to fine], in
/// pictures nested towards the upper left corner, and nothing is longer than the signal. Mallat 1989; Coifman and Wickerhauser 1992.</para>
/// <para>With periodic border every length that is split must be even (any even length, also below that of the filter); 5/3 and 9/7 with symmetric
/// border take any length of at least 2, approximations the larger half. Rows in float32 or float64 on the CPU are done by a native kernel, the whole
/// tree in one pass; complex tensors part by part; everything else, and lifting, by tensor operations.</para>
/// </remarks>
[<RequireQualifiedAccess>]
module WaveletTransform =

    let private checkSpace (wavelet: Wavelet) (space: Space) =
        Guard.notNull "wavelet" wavelet
        Guard.notNull "space" space

        Guard.holds "space" (space.Rank = 1 || space.Rank = 2) (fun () ->
            $"space must have one axis (rows) or two (pictures), but is {space}.")

    /// One level on all axes of a block of the last axes: the last one first; or back.
    let private onAxes (axes: int) (bank: int64 -> torch.Tensor -> torch.Tensor) (block: torch.Tensor) =
        let last = bank (block.size (int block.ndim - 1)) block

        if axes = 1 then
            last
        else
            let turned = last.transpose (-1L, -2L)
            (bank (turned.size (int turned.ndim - 1)) turned).transpose(-1L, -2L)

    /// A whole tree by tensor operations, one block after the other.
    let internal plain (bank: int64 -> torch.Tensor -> torch.Tensor) (splits: WaveletTree.Node[]) =
        // Index tables, made once for each length.
        let levels = Dictionary<int64, torch.Tensor -> torch.Tensor>()

        for node in splits do
            for n in node.Shape do
                if not (levels.ContainsKey n) then
                    levels[n] <- bank n

        Actions.scoped (fun x ->
            let y = x.clone ()

            for node in splits do
                use _ = torch.NewDisposeScope()
                let axes = node.Shape.Length

                let block =
                    Seq.init axes id
                    |> Seq.fold
                        (fun (part: torch.Tensor) axis ->
                            part.narrow (part.ndim - int64 (axes - axis), node.Start[axis], node.Shape[axis]))
                        y

                block.copy_ (onAxes axes (fun n -> levels[n]) block) |> ignore

            y)

    /// A whole tree by the kernel where it fits, complex tensors part by part.
    let private byKernel (isAnalysis: bool) (kernel: PeriodicFilterBank) (fallback: torch.Tensor -> torch.Tensor) =
        let rec act (x: torch.Tensor) =
            if x.is_complex () && x.device_type = DeviceType.CPU && x.numel () > 0L then
                torch.complex (act x.real, act x.imag)
            elif WaveletBank.fits x then
                WaveletBank.runKernel isAnalysis kernel x
            else
                fallback x

        Actions.scoped act

    let private build
        (name: string)
        (wavelet: Wavelet)
        (space: Space)
        (splits: WaveletTree.Node[], leaves: WaveletTree.Node[])
        =
        WaveletTree.check name wavelet splits space
        let formula = $"W[{wavelet}; {leaves.Length} of {space}]"
        let bank = WaveletBank.ofWavelet wavelet
        let reversed = Array.rev splits

        let map traits formula forward backward =
            Build.leaf formula space space traits (Nullable()) forward backward
            |> LinearFunction.Wrap

        let analyze, synthesize =
            match wavelet.Form with
            | _ when splits.Length = 0 -> LinearMap.identity space, LinearMap.identity space
            | Orthonormal low ->
                let forward, backward = plain bank.Analyze splits, plain bank.Synthesize reversed

                let forward, backward =
                    if space.Rank = 1 && space.Size <= int64 (Array.MaxLength / 16) then
                        let starts = splits |> Array.map (fun node -> int node.Start[0])
                        let lengths = splits |> Array.map (fun node -> int node.Shape[0])
                        let high = WaveletFilter.mirror low

                        let kernel =
                            PeriodicFilterBank(
                                ReadOnlySpan<float>(low: float[]),
                                ReadOnlySpan<float>(high: float[]),
                                int space.Size,
                                ReadOnlySpan<int>(starts: int[]),
                                ReadOnlySpan<int>(lengths: int[])
                            )

                        byKernel true kernel forward, byKernel false kernel backward
                    else
                        forward, backward

                let unitary = map Traits.Unitary formula forward backward
                unitary, unitary.Adjoint
            | Lifting _ ->
                map Traits.None formula (plain bank.Analyze splits) (plain bank.AnalyzeTransposed reversed),
                map Traits.None $"{formula}⁻¹" (plain bank.Synthesize reversed) (plain bank.SynthesizeTransposed splits)

        // Leaves lie in the order of places: approximations first.
        let ordered =
            if space.Rank = 1 then
                leaves |> Array.sortBy _.Start[0]
            else
                leaves
                |> Array.sortBy (fun leaf -> -leaf.Path.Length, leaf.Start[0], leaf.Start[1])

        {
            Analyze = analyze
            Synthesize = synthesize
            Subbands = WaveletTree.subbands ordered
        }

    /// <summary>How many levels a space takes: until a size is odd (periodic border) or 1 (symmetric border). A filter longer than the row wraps round
    /// more than once; transforms stay exact, but such coefficients say little.</summary>
    /// <param name="wavelet">Only its border matters.</param>
    /// <param name="space">One axis or two.</param>
    /// <exception cref="T:System.ArgumentException">Another number of axes.</exception>
    let maxLevels (wavelet: Wavelet) (space: Space) : int =
        checkSpace wavelet space
        space.Axes |> Array.map (WaveletTree.halvings wavelet.Border) |> Array.min

    /// <summary>One level: rows to approximations and details, pictures to four parts.</summary>
    /// <param name="wavelet">Which wavelet, with its border.</param>
    /// <param name="space">One axis or two.</param>
    /// <exception cref="T:System.ArgumentException">Another number of axes, or a size that cannot be halved.</exception>
    let level (wavelet: Wavelet) (space: Space) : WaveletTransform =
        checkSpace wavelet space
        WaveletTree.grow (WaveletTree.isMallat 1) space |> build "space" wavelet space

    /// <summary>The decimated transform (Mallat's tree): approximations are split again, level by level.</summary>
    /// <param name="levels">How many, at least 0; <c>maxLevels</c> tells the most.</param>
    /// <param name="wavelet">Which wavelet, with its border.</param>
    /// <param name="space">One axis or two.</param>
    /// <exception cref="T:System.ArgumentException">Another number of axes, or more levels than sizes can be halved.</exception>
    let decimated (levels: int) (wavelet: Wavelet) (space: Space) : WaveletTransform =
        checkSpace wavelet space
        Guard.between "levels" 0 (maxLevels wavelet space) levels

        WaveletTree.grow (WaveletTree.isMallat levels) space
        |> build "levels" wavelet space

    /// <summary>The full packet tree: approximations and details are split again, to 2^levels parts of each axis, in the order of their paths (not of
    /// their frequencies: splitting details swaps them).</summary>
    /// <param name="levels">How many, at least 0.</param>
    /// <param name="wavelet">Which wavelet, with its border.</param>
    /// <param name="space">One axis or two.</param>
    /// <exception cref="T:System.ArgumentException">Another number of axes, or more levels than sizes can be halved.</exception>
    let packets (levels: int) (wavelet: Wavelet) (space: Space) : WaveletTransform =
        checkSpace wavelet space
        Guard.between "levels" 0 (maxLevels wavelet space) levels

        WaveletTree.grow (fun node -> node.Path.Length < levels) space
        |> build "levels" wavelet space

    /// <summary>The packet basis of a tree given by its leaves, for instance ["aa"; "ad"; "d"]; orthonormal for orthogonal wavelets.</summary>
    /// <param name="leaves">Paths of letters a and d for rows, a, h, v and d for pictures, as in PyWavelets; in any order.</param>
    /// <param name="wavelet">Which wavelet, with its border.</param>
    /// <param name="space">One axis or two.</param>
    /// <exception cref="T:System.ArgumentException">The leaves are not those of one whole tree, or a size cannot be halved.</exception>
    let packetBasis (leaves: seq<string>) (wavelet: Wavelet) (space: Space) : WaveletTransform =
        checkSpace wavelet space
        WaveletTree.ofLeaves leaves space |> build "leaves" wavelet space

    /// <summary>The coefficients of one leaf.</summary>
    /// <param name="path">The leaf's path.</param>
    /// <param name="transform">The transform.</param>
    /// <param name="coefficients">What its analysis gave, shape [*batch, space].</param>
    /// <returns>Shape [*batch, the leaf's shape]: a view.</returns>
    /// <exception cref="T:System.ArgumentException">No such leaf, or other last axes.</exception>
    let part (path: string) (transform: WaveletTransform) (coefficients: torch.Tensor) : torch.Tensor =
        Guard.notNull "path" path
        Guard.notNull "transform" transform
        let axes = transform.Analyze.Codomain.Axes
        Guard.rankAtLeast "coefficients" axes.Length coefficients

        Guard.holds "coefficients" (coefficients.shape[coefficients.shape.Length - axes.Length ..] = axes) (fun () ->
            $"coefficients must have last axes {transform.Analyze.Codomain}, but has shape {Guard.showShape coefficients.shape}.")

        match transform.Subbands |> Seq.tryFind (fun subband -> subband.Path = path) with
        | None ->
            let known =
                String.Join(", ", transform.Subbands |> Seq.map (fun subband -> $"\"{subband.Path}\""))

            raise (ArgumentException($"path must be one of {known}, but is \"{path}\".", "path"))
        | Some subband ->
            use scope = torch.NewDisposeScope()

            Seq.init axes.Length id
            |> Seq.fold
                (fun (x: torch.Tensor) axis ->
                    x.narrow (x.ndim - int64 (axes.Length - axis), subband.Start[axis], subband.Shape[axis]))
                coefficients
            |> scope.MoveToOuter

// What a C# program calls.
type WaveletTransform with

    /// How many levels a space takes.
    static member MaxLevels(wavelet: Wavelet, space: Space) =
        WaveletTransform.maxLevels wavelet space

    /// One level.
    static member Level(wavelet: Wavelet, space: Space) = WaveletTransform.level wavelet space

    /// The decimated transform.
    static member Decimated(levels: int, wavelet: Wavelet, space: Space) =
        WaveletTransform.decimated levels wavelet space

    /// The full packet tree.
    static member Packets(levels: int, wavelet: Wavelet, space: Space) =
        WaveletTransform.packets levels wavelet space

    /// The packet basis of a tree given by its leaves.
    static member PacketBasis(leaves: seq<string>, wavelet: Wavelet, space: Space) =
        WaveletTransform.packetBasis leaves wavelet space

    /// The coefficients of one leaf (a view).
    member this.Part(path: string, coefficients: torch.Tensor) =
        WaveletTransform.part path this coefficients
