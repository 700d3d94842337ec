namespace Ortho

open System

/// <summary>A permutation of {0, ..., n-1} that maps i to p[i]. Products act from the right: (compose p q)[i] = p[q[i]].</summary>
/// <remarks>Equality and comparison are those of the arrays of images.</remarks>
[<StructuredFormatDisplay("{Text}")>]
type Permutation =
    internal
        {
            Images: int[]
        }

    /// Number n of permuted points.
    member p.Size = p.Images.Length

    /// The image of the point i.
    member p.Item
        with get (i: int) =
            Guard.between "i" 0 (p.Size - 1) i
            p.Images[i]

    /// The images in order, a fresh array: the one-line notation.
    member p.ToArray() = Array.copy p.Images

    member internal p.Text = p.ToString()

    /// One-line notation, e.g. [2 0 1].
    override p.ToString() = "[" + String.Join(" ", p.Images) + "]"

/// Permutations: products, inverses, cycles.
[<RequireQualifiedAccess>]
module Permutation =

    /// <summary>The permutation that maps i to images[i].</summary>
    /// <exception cref="T:System.ArgumentException">Some value of 0..n-1 is missing.</exception>
    let ofArray (images: int[]) : Permutation =
        Guard.notNull "images" images
        let seen = Array.zeroCreate<bool> images.Length

        for image in images do
            if image < 0 || image >= images.Length || seen[image] then
                let text = String.Join(" ", images)

                let message =
                    $"images must hold each of 0..{images.Length - 1} once, but is [{text}]."

                raise (ArgumentException(message, "images"))

            seen[image] <- true

        { Images = Array.copy images }

    /// The permutation of n points that moves none.
    let identity (n: int) : Permutation =
        Guard.atLeast "n" 0 n
        { Images = Array.init n id }

    /// The images in order, a fresh array.
    let toArray (p: Permutation) = p.ToArray()

    /// Number of permuted points.
    let size (p: Permutation) = p.Size

    /// The image p[i] of the point i.
    let apply (p: Permutation) (i: int) = p[i]

    /// <summary>The product "p after q": (compose p q)[i] = p[q[i]].</summary>
    /// <exception cref="T:System.ArgumentException">The sizes differ.</exception>
    let compose (p: Permutation) (q: Permutation) : Permutation =
        Guard.notNull "q" q

        Guard.holds "q" (p.Size = q.Size) (fun () ->
            $"p and q must have one size, but p has {p.Size} points and q has {q.Size}.")

        {
            Images = Array.map (fun i -> p.Images[i]) q.Images
        }

    /// The permutation that undoes p.
    let inverse (p: Permutation) : Permutation =
        Guard.notNull "p" p
        let images = Array.zeroCreate p.Size
        p.Images |> Array.iteri (fun i image -> images[image] <- i)
        { Images = images }

    /// The cycles, each from its least point, in order of least points; fixed points are cycles of length 1.
    let cycles (p: Permutation) : int[][] =
        let seen = Array.zeroCreate<bool> p.Size

        let cycleFrom start =
            let cycle = ResizeArray()
            let mutable i = start

            while not seen[i] do
                seen[i] <- true
                cycle.Add i
                i <- p.Images[i]

            cycle.ToArray()

        [|
            for start in 0 .. p.Size - 1 do
                if not seen[start] then
                    cycleFrom start
        |]

    /// The lengths of the cycles, longest first: an integer partition of the size.
    let cycleType (p: Permutation) : int[] =
        cycles p |> Array.map Array.length |> Array.sortDescending

    /// 1 for a product of an even number of transpositions, -1 for an odd one.
    let sign (p: Permutation) : int =
        if (p.Size - (cycles p).Length) % 2 = 0 then 1 else -1

// What a C# program calls.
type Permutation with

    /// Whether both are null or equal.
    static member op_Equality(a: Permutation, b: Permutation) = Object.Equals(a, b)

    /// Whether one is null or they differ.
    static member op_Inequality(a: Permutation, b: Permutation) = not (Object.Equals(a, b))

    /// The permutation that maps i to images[i].
    static member OfArray(images: int[]) = Permutation.ofArray images

    /// The permutation of n points that moves none.
    static member Identity(n: int) = Permutation.identity n

    /// This permutation after another one.
    member p.Compose(q: Permutation) = Permutation.compose p q

    /// The permutation that undoes this one.
    member p.Inverse = Permutation.inverse p

    /// 1 if even, -1 if odd.
    member p.Sign = Permutation.sign p

    /// The cycles, each from its least point.
    member p.Cycles = Permutation.cycles p

    /// The lengths of the cycles, longest first.
    member p.CycleType = Permutation.cycleType p
