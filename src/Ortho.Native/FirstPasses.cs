using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ortho.Native;

/// <summary>The orthonormal DCT-I and DST-I by two split-radix steps: for N = n - 1 (cosine) or n + 1 (sine), a multiple of 4.</summary>
/// <remarks>
/// Folding a row about its middle gives its sums with its mirror image, whose transform I of half the size holds the even results, and its differences, whose
/// transform III of half the size holds the odd ones (for the sine the other way round). Two folds leave a transform III of N/2, one of N/4, and a
/// transform I of N/4, done by the FFT of its even (odd) continuation, of length N/2: real FFTs of lengths N/2, N/2 and N/4 for one of length 2N.
/// First target: the row of the transform III of N/2, and the continuation. Second target: the row of the transform III of N/4. See <c>ThirdPasses</c>
/// for these rows. All steps are rotations and sums: the stable way (Frigo and Johnson's FFTW does the same), unlike a division by small sines.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class FirstPasses<T> : RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly bool isSine;
    readonly int quarter;
    readonly T size, half;
    readonly T[] differences, sums, nextDifferences, nextSums;
    static readonly T Root = T.CreateTruncating(Math.Sqrt(0.5));

    /// <summary>The passes of rows of n entries.</summary>
    /// <exception cref="ArgumentException">n - 1 (cosine) or n + 1 (sine) is not a positive multiple of 4.</exception>
    public FirstPasses(bool isSine, int n)
        : this(isSine, n, (isSine ? n + 1 : n - 1) / 4)
    {
    }

    FirstPasses(bool isSine, int n, int quarter)
        : base(n, 4 * quarter, 4 * (quarter + 1), quarter, 2 * (quarter / 2 + 1), quarter + 1)
    {
        var length = isSine ? n + 1 : n - 1;
        if (length < 4 || length % 4 != 0) throw new ArgumentOutOfRangeException(nameof(n), $"n must be a multiple of 4 and one {(isSine ? "less" : "more")}, but is {n}.");
        (this.isSine, this.quarter) = (isSine, quarter);
        var scale = Math.Sqrt(2.0 / length);
        (size, half) = (T.CreateTruncating(scale), T.CreateTruncating(scale / 2));
        (differences, sums) = (Turn.Table<T>(2 * quarter, scale / 2, 1, -1), Turn.Table<T>(2 * quarter, scale / 2, 1, 1));
        (nextDifferences, nextSums) = (Turn.Table<T>(quarter, scale / 2, 1, -1), Turn.Table<T>(quarter, scale / 2, 1, 1));
    }

    private protected override void BeforeRow(T* x, T* first, T* second, T* scratch)
    {
        var even = first + 2 * quarter;
        if (isSine)
        {
            x--; // entries 1, ..., N-1
            var (near, far) = (x[quarter], x[3 * quarter]);
            (first[0], first[quarter]) = (size * x[2 * quarter], (near + far) * sums[quarter]);
            (even[0], even[quarter], scratch[0]) = (T.Zero, T.Zero, near - far);
        }
        else
        {
            var (start, end, middle) = (Root * x[0], Root * x[4 * quarter], x[2 * quarter]);
            var (near, far) = (x[quarter], x[3 * quarter]);
            (first[0], first[quarter]) = (size * (start - end), (near - far) * sums[quarter]);
            (even[0], even[quarter], scratch[0]) = (size * (start + end + middle), size * (near + far), start + end - middle);
        }

        FoldTwice(x, first, even, scratch);
        Third(scratch, second);
    }

    /// <summary>Entries k, N/2 - k, N/2 + k, N - k for 0 &lt; k &lt; N/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void FoldTwice(T* x, T* first, T* even, T* scratch)
    {
        var (k, width, middle, end) = (1, Vector256<T>.Count, 2 * quarter, 4 * quarter);
        fixed (T* ds = differences, ss = sums)
        {
            if (Lanes.Pay)
                for (var halves = Vector256.Create(half); k + width <= quarter; k = Lanes.Next(k, width, quarter))
                {
                    var back = middle - k - width + 1;
                    var (a, b) = (Vector256.Load(x + k), Lanes.Reverse(Vector256.Load(x + back)));
                    var (c, d) = (Vector256.Load(x + middle + k), Lanes.Reverse(Vector256.Load(x + end - k - width + 1)));
                    var (low, high) = (Vector256.Load(ds + k), Vector256.Load(ss + k));
                    if (isSine)
                    {
                        var (p, q, s, t) = (b + c, a + d, a - d, b - c);
                        (p * low + q * high).Store(first + k);
                        Lanes.Reverse(p * high - q * low).Store(first + back);
                        var odd = (s - t) * halves;
                        odd.Store(even + k);
                        Lanes.Reverse(-odd).Store(even + back);
                        Lanes.Reverse(s + t).Store(scratch + quarter - k - width + 1);
                    }
                    else
                    {
                        var (p, q, s, t) = (a - d, b - c, a + d, b + c);
                        (p * low + q * high).Store(first + k);
                        Lanes.Reverse(p * high - q * low).Store(first + back);
                        var sum = (s + t) * halves;
                        sum.Store(even + k);
                        Lanes.Reverse(sum).Store(even + back);
                        (s - t).Store(scratch + k);
                    }
                }

            for (; k < quarter; k++)
            {
                var (a, b, c, d) = (x[k], x[middle - k], x[middle + k], x[end - k]);
                var (p, q, s, t) = isSine ? (b + c, a + d, a - d, b - c) : (a - d, b - c, a + d, b + c);
                (first[k], first[middle - k]) = (p * ds[k] + q * ss[k], p * ss[k] - q * ds[k]);
                if (isSine) (even[k], even[middle - k], scratch[quarter - k]) = (half * (s - t), half * (t - s), s + t);
                else (even[k], even[middle - k], scratch[k]) = (half * (s + t), half * (s + t), s - t);
            }
        }
    }

    /// <summary>The row of a transform III of N/4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Third(T* x, T* target)
    {
        var (k, width) = (1, Vector256<T>.Count);
        target[0] = size * x[0];
        fixed (T* ds = nextDifferences, ss = nextSums)
        {
            if (Lanes.Pay)
                for (var end = (quarter + 1) / 2; k + width <= end; k = Lanes.Next(k, width, end))
                {
                    var (p, q) = (Vector256.Load(x + k), Lanes.Reverse(Vector256.Load(x + quarter - k - width + 1)));
                    var (low, high) = (Vector256.Load(ds + k), Vector256.Load(ss + k));
                    (p * low + q * high).Store(target + k);
                    Lanes.Reverse(p * high - q * low).Store(target + quarter - k - width + 1);
                }

            for (; 2 * k < quarter; k++) (target[k], target[quarter - k]) = (x[k] * ds[k] + x[quarter - k] * ss[k], x[k] * ss[k] - x[quarter - k] * ds[k]);
            if (2 * k == quarter) target[k] = x[k] * ss[k];
        }
    }

    private protected override void AfterRow(T* first, T* second, T* y)
    {
        var even = first + 2 * (quarter + 1);
        if (isSine)
        {
            y--;
            SineQuads(first, even, second, y);
        }
        else
        {
            CosineQuads(first, even, second, y);
            (y[0], y[4 * quarter]) = (Root * even[0], Root * even[2 * quarter]);
        }
    }

    /// <summary>Results 4j, ..., 4j + 3: the even continuation's, the first transform III's, the second one's, the first one's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void CosineQuads(T* first, T* even, T* second, T* y)
    {
        var (j, width) = (0, Vector256<T>.Count);
        // From even places on.
        if (Lanes.Pay)
            for (var stop = quarter - quarter % 2; j + width <= stop; j = Lanes.Next(j, width, stop))
            {
                var (zeros, _) = Lanes.Part(Vector256.Load(even + 2 * j), Vector256.Load(even + 2 * j + width));
                var (real, imaginary) = Lanes.Part(Vector256.Load(first + 2 * j), Vector256.Load(first + 2 * j + width));
                var (nextReal, nextImaginary) = Lanes.Part(Vector256.Load(first + 2 * j + 2), Vector256.Load(first + 2 * j + 2 + width));
                Store(zeros, real - imaginary, Odd(second + j, Vector256<T>.One), nextReal + nextImaginary, y + 4 * j);
            }

        for (; j < quarter; j++)
            (y[4 * j], y[4 * j + 1], y[4 * j + 2], y[4 * j + 3]) =
                (even[2 * j], first[2 * j] - first[2 * j + 1], Odd(second, j, T.One), first[2 * j + 2] + first[2 * j + 3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SineQuads(T* first, T* even, T* second, T* y)
    {
        var (j, width) = (0, Vector256<T>.Count);
        // There is no result 0.
        (y[1], y[2], y[3]) = (first[0] - first[1], Odd(second, 0, -T.One), -(first[2] + first[3]));
        for (j = 1; j < Math.Min(2, quarter); j++) SineQuad(j, first, even, second, y);
        // From even places on.
        if (Lanes.Pay)
            for (var stop = quarter - quarter % 2; j + width <= stop; j = Lanes.Next(j, width, stop))
            {
                var (_, zeros) = Lanes.Part(Vector256.Load(even + 2 * j), Vector256.Load(even + 2 * j + width));
                var (real, imaginary) = Lanes.Part(Vector256.Load(first + 2 * j), Vector256.Load(first + 2 * j + width));
                var (nextReal, nextImaginary) = Lanes.Part(Vector256.Load(first + 2 * j + 2), Vector256.Load(first + 2 * j + 2 + width));
                Store(-zeros, real - imaginary, Odd(second + j, -Vector256<T>.One), -(nextReal + nextImaginary), y + 4 * j);
            }

        for (; j < quarter; j++) SineQuad(j, first, even, second, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void SineQuad(int j, T* first, T* even, T* second, T* y) =>
        (y[4 * j], y[4 * j + 1], y[4 * j + 2], y[4 * j + 3]) =
            (-even[2 * j + 1], first[2 * j] - first[2 * j + 1], Odd(second, j, -T.One), -(first[2 * j + 2] + first[2 * j + 3]));

    /// <summary>Result j of the second transform III; the sign is that of its odd results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Odd(T* second, int j, T sign) => j % 2 == 0 ? second[j] - second[j + 1] : sign * (second[j + 1] + second[j + 2]);

    /// <summary>The same for several j from an even one, at whose number of the spectrum the pointer stands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Odd(T* second, Vector256<T> sign)
    {
        var (here, next) = (Vector256.Load(second), Vector256.Load(second + 2));
        return Lanes.Alternate(here - Lanes.Swap(here), (next + Lanes.Swap(next)) * sign);
    }

    /// <summary>a0, b0, c0, d0, a1, b1, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(Vector256<T> a, Vector256<T> b, Vector256<T> c, Vector256<T> d, T* y)
    {
        var width = Vector256<T>.Count;
        var (ac, acNext) = Lanes.Weave(a, c);
        var (bd, bdNext) = Lanes.Weave(b, d);
        var (front, back) = Lanes.Weave(ac, bd);
        front.Store(y);
        back.Store(y + width);
        (front, back) = Lanes.Weave(acNext, bdNext);
        front.Store(y + 2 * width);
        back.Store(y + 3 * width);
    }
}
