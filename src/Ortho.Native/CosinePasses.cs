using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ortho.Native;

/// <summary>Tables of turned angles, made in double precision.</summary>
internal static class Turn
{
    /// <summary>size (a cos(pi k / (2 n)) + b sin(pi k / (2 n))) for k = 0, ..., n/2.</summary>
    public static T[] Table<T>(int n, double size, double a, double b)
        where T : INumberBase<T>
    {
        var table = new T[n / 2 + 1];
        for (var k = 0; k < table.Length; k++)
        {
            var angle = Math.PI * k / (2.0 * n);
            table[k] = T.CreateTruncating(size * (a * Math.Cos(angle) + b * Math.Sin(angle)));
        }

        return table;
    }
}

/// <summary>The orthonormal DCT-II and DST-II around a real FFT of the same length (Makhoul 1980).</summary>
/// <remarks>Before: even entries, then odd ones backwards (negated for the sine). After: X_k - i X_(n-k) = sqrt(2/n) exp(-i pi k / 2n) V_k; the sine's rows backwards.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class SecondPasses<T> : RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly bool isSine;
    readonly T mean;
    readonly T[] cosines, sines;

    /// <summary>The passes of rows of n entries, n at least 1.</summary>
    public SecondPasses(bool isSine, int n)
        : base(n, n, 2 * (n / 2 + 1), 0, 0, 0)
    {
        this.isSine = isSine;
        mean = T.CreateTruncating(Math.Sqrt(1.0 / n));
        (cosines, sines) = (Turn.Table<T>(n, Math.Sqrt(2.0 / n), 1, 0), Turn.Table<T>(n, Math.Sqrt(2.0 / n), 0, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void BeforeRow(T* x, T* first, T* second, T* scratch)
    {
        var (n, j, width) = (Size, 0, Vector256<T>.Count);
        var sign = isSine ? -T.One : T.One;
        if (Lanes.Pay)
            for (var signs = Vector256.Create(sign); j + width <= n / 2; j = Lanes.Next(j, width, n / 2))
            {
                var (even, odd) = Lanes.Part(Vector256.Load(x + 2 * j), Vector256.Load(x + 2 * j + width));
                even.Store(first + j);
                Lanes.Reverse(odd * signs).Store(first + n - j - width);
            }

        for (; j < n / 2; j++) (first[j], first[n - 1 - j]) = (x[2 * j], sign * x[2 * j + 1]);
        if (n % 2 == 1) first[j] = x[n - 1];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void AfterRow(T* first, T* second, T* y)
    {
        var (n, k, width) = (Size, 1, Vector256<T>.Count);
        // Places of X_k and X_(n-k).
        var (low, high) = isSine ? (n - 1, -1) : (0, n);
        var step = isSine ? -1 : 1;
        y[low] = mean * first[0];
        fixed (T* cs = cosines, ss = sines)
        {
            if (Lanes.Pay)
                for (var end = (n + 1) / 2; k + width <= end; k = Lanes.Next(k, width, end))
                {
                    var (real, imaginary) = Lanes.Part(Vector256.Load(first + 2 * k), Vector256.Load(first + 2 * k + width));
                    var (c, s) = (Vector256.Load(cs + k), Vector256.Load(ss + k));
                    var (here, mirror) = (real * c + imaginary * s, real * s - imaginary * c);
                    if (isSine)
                    {
                        mirror.Store(y + k - 1);
                        Lanes.Reverse(here).Store(y + n - k - width);
                    }
                    else
                    {
                        here.Store(y + k);
                        Lanes.Reverse(mirror).Store(y + n - k - width + 1);
                    }
                }

            for (; 2 * k < n; k++)
            {
                var (real, imaginary) = (first[2 * k], first[2 * k + 1]);
                y[low + step * k] = real * cs[k] + imaginary * ss[k];
                y[high - step * k] = real * ss[k] - imaginary * cs[k];
            }

            if (2 * k == n) y[low + step * k] = first[2 * k] * cs[k];
        }
    }
}

/// <summary>The orthonormal DCT-III and DST-III around a real FFT of the same length.</summary>
/// <remarks>
/// DCT-III is the inverse of DCT-II, whose reordered rows v have V_k = exp(i pi k / 2n) (X_k - i X_(n-k)) sqrt(n/2). Their inverse FFT is taken by the forward one
/// of the real row a_k = Re V_k - Im V_k, k = 0, ..., n-1, of which v_j = Re A_j - Im A_j and v_(n-j) = Re A_j + Im A_j: neighbours in the result.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class ThirdPasses<T> : RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly bool isSine;
    readonly T mean;
    readonly T[] differences, sums;

    /// <summary>The passes of rows of n entries, n at least 1.</summary>
    public ThirdPasses(bool isSine, int n)
        : base(n, n, 2 * (n / 2 + 1), 0, 0, 0)
    {
        this.isSine = isSine;
        mean = T.CreateTruncating(Math.Sqrt(1.0 / n));
        (differences, sums) = (Turn.Table<T>(n, Math.Sqrt(0.5 / n), 1, -1), Turn.Table<T>(n, Math.Sqrt(0.5 / n), 1, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void BeforeRow(T* x, T* first, T* second, T* scratch)
    {
        var (n, k, width) = (Size, 1, Vector256<T>.Count);
        var (low, high) = isSine ? (n - 1, -1) : (0, n);
        var step = isSine ? -1 : 1;
        first[0] = mean * x[low];
        fixed (T* ds = differences, ss = sums)
        {
            if (Lanes.Pay)
                for (var end = (n + 1) / 2; k + width <= end; k = Lanes.Next(k, width, end))
                {
                    var (p, q) = isSine
                        ? (Lanes.Reverse(Vector256.Load(x + n - k - width)), Vector256.Load(x + k - 1))
                        : (Vector256.Load(x + k), Lanes.Reverse(Vector256.Load(x + n - k - width + 1)));
                    var (d, s) = (Vector256.Load(ds + k), Vector256.Load(ss + k));
                    (p * d + q * s).Store(first + k);
                    Lanes.Reverse(p * s - q * d).Store(first + n - k - width + 1);
                }

            for (; 2 * k < n; k++)
            {
                var (p, q) = (x[low + step * k], x[high - step * k]);
                (first[k], first[n - k]) = (p * ds[k] + q * ss[k], p * ss[k] - q * ds[k]);
            }

            if (2 * k == n) first[k] = x[low + step * k] * ss[k];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void AfterRow(T* first, T* second, T* y)
    {
        var (n, j, width) = (Size, 1, Vector256<T>.Count);
        var sign = isSine ? -T.One : T.One;
        y[0] = first[0];
        if (Lanes.Pay)
        {
            var (ones, signs) = (Vector256<T>.One, Vector256.Create(sign));
            var (own, other) = (Lanes.Alternate(signs, -ones), Lanes.Alternate(signs, ones));
            for (var end = (n + 1) / 2; j + width / 2 <= end; j = Lanes.Next(j, width / 2, end))
            {
                var v = Vector256.Load(first + 2 * j);
                (v * own + Lanes.Swap(v) * other).Store(y + 2 * j - 1);
            }
        }

        for (; 2 * j < n; j++) (y[2 * j - 1], y[2 * j]) = (sign * (first[2 * j] + first[2 * j + 1]), first[2 * j] - first[2 * j + 1]);
        if (2 * j == n) y[n - 1] = sign * first[n];
    }
}

/// <summary>The orthonormal DCT-IV and DST-IV of even length around a complex FFT of half of it (Chan and Ho 1990).</summary>
/// <remarks>Before: (x_2j + i x_(n-1-2j)) w_j sqrt(2/n), w_j = exp(-i pi (8j+1) / 8n). After: X_2k - i X_(n-1-2k) = w_k Z_k. For the sine the parts change
/// places before, and the sign of the imaginary one after.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class FourthPasses<T> : RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly bool isSine;
    readonly T size;
    readonly T[] cosines, sines;

    /// <summary>The passes of rows of n entries, n even.</summary>
    /// <exception cref="ArgumentException">n is odd or below 2.</exception>
    public FourthPasses(bool isSine, int n)
        : base(n, n, n, 0, 0, 0)
    {
        if (n < 2 || n % 2 != 0) throw new ArgumentOutOfRangeException(nameof(n), $"n must be even and at least 2, but is {n}.");
        this.isSine = isSine;
        size = T.CreateTruncating(Math.Sqrt(2.0 / n));
        (cosines, sines) = (new T[n / 2], new T[n / 2]);
        for (var j = 0; j < n / 2; j++)
        {
            var angle = Math.PI * (8.0 * j + 1.0) / (8.0 * n);
            (cosines[j], sines[j]) = (T.CreateTruncating(Math.Cos(angle)), T.CreateTruncating(Math.Sin(angle)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void BeforeRow(T* x, T* first, T* second, T* scratch)
    {
        var (n, half, j, width) = (Size, Size / 2, 0, Vector256<T>.Count);
        fixed (T* cs = cosines, ss = sines)
        {
            if (Lanes.Pay)
                for (var sizes = Vector256.Create(size); j + width <= half / 2; j = Lanes.Next(j, width, half / 2))
                {
                    // A block and its mirror image: each has the other's odd entries.
                    var mirror = half - j - width;
                    var (even, odd) = Lanes.Part(Vector256.Load(x + 2 * j), Vector256.Load(x + 2 * j + width));
                    var (farEven, farOdd) = Lanes.Part(Vector256.Load(x + 2 * mirror), Vector256.Load(x + 2 * mirror + width));
                    Turned(even * sizes, Lanes.Reverse(farOdd) * sizes, cs + j, ss + j, first + 2 * j);
                    Turned(farEven * sizes, Lanes.Reverse(odd) * sizes, cs + mirror, ss + mirror, first + 2 * mirror);
                }

            for (var end = half - j; j < end; j++)
            {
                var (a, b) = (size * x[2 * j], size * x[n - 1 - 2 * j]);
                if (isSine) (a, b) = (b, a);
                (first[2 * j], first[2 * j + 1]) = (a * cs[j] + b * ss[j], b * cs[j] - a * ss[j]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Turned(Vector256<T> a, Vector256<T> b, T* cs, T* ss, T* target)
    {
        if (isSine) (a, b) = (b, a);
        var (c, s) = (Vector256.Load(cs), Vector256.Load(ss));
        var (front, back) = Lanes.Weave(a * c + b * s, b * c - a * s);
        front.Store(target);
        back.Store(target + Vector256<T>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void AfterRow(T* first, T* second, T* y)
    {
        var (n, half, k, width) = (Size, Size / 2, 0, Vector256<T>.Count);
        var sign = isSine ? T.One : -T.One;
        fixed (T* cs = cosines, ss = sines)
        {
            if (Lanes.Pay)
                for (var signs = Vector256.Create(sign); k + width <= half / 2; k = Lanes.Next(k, width, half / 2))
                {
                    var mirror = half - k - width;
                    var (even, odd) = Parts(first + 2 * k, cs + k, ss + k);
                    var (farEven, farOdd) = Parts(first + 2 * mirror, cs + mirror, ss + mirror);
                    var (front, back) = Lanes.Weave(even, Lanes.Reverse(farOdd) * signs);
                    front.Store(y + 2 * k);
                    back.Store(y + 2 * k + width);
                    (front, back) = Lanes.Weave(farEven, Lanes.Reverse(odd) * signs);
                    front.Store(y + 2 * mirror);
                    back.Store(y + 2 * mirror + width);
                }

            for (var end = half - k; k < end; k++)
            {
                var (a, b) = (first[2 * k], first[2 * k + 1]);
                (y[2 * k], y[n - 1 - 2 * k]) = (a * cs[k] + b * ss[k], sign * (b * cs[k] - a * ss[k]));
            }
        }
    }

    /// <summary>Real and imaginary parts of z exp(-i angle).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static (Vector256<T> Real, Vector256<T> Imaginary) Parts(T* z, T* cs, T* ss)
    {
        var (a, b) = Lanes.Part(Vector256.Load(z), Vector256.Load(z + Vector256<T>.Count));
        var (c, s) = (Vector256.Load(cs), Vector256.Load(ss));
        return (a * c + b * s, b * c - a * s);
    }
}
