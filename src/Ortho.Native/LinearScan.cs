using System;
using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Ortho.Native;

/// <summary>
/// Linear recurrences along the middle axis of [batch; length; width], one for each place of the last axis: forward x_k = a_k x_(k-1) + b_k from x_(-1) = 0,
/// and reverse x_k = a_(k+1) x_(k+1) + b_k from x_length = 0: each is the adjoint of the other with conjugated factors.
/// </summary>
/// <remarks>
/// Row after row, so that memory is read and written once in its order and the row before is still in the first cache. Complex numbers are pairs of T.
/// Lengths are checked at each call: nothing outside the given spans is touched.
/// </remarks>
public static unsafe class LinearScan
{
    /// <summary>Fewer entries than this are not worth a second thread.</summary>
    const long SmallWork = 1 << 17;

    /// <summary>So many rows are summed in T before they are added to sums in double.</summary>
    const int Block = 64;

    /// <summary>Sizes of a scan.</summary>
    /// <param name="Batch">Number of sequences, at least 1.</param>
    /// <param name="Length">Number of steps, at least 1.</param>
    /// <param name="Width">Number of recurrences side by side, at least 1.</param>
    /// <param name="IsComplex">Whether entries are pairs of T.</param>
    /// <param name="FactorsPerStep">Whether a is of the shape [length; width], for each sequence alike or for each its own; else it is [width].</param>
    /// <param name="FactorsPerSequence">Whether each sequence has its own a.</param>
    public readonly record struct Shape(int Batch, int Length, int Width, bool IsComplex, bool FactorsPerStep, bool FactorsPerSequence)
    {
        internal long RowEntries => IsComplex ? 2L * Width : Width;

        internal long Entries => Batch * Length * RowEntries;

        internal long FactorEntries => (FactorsPerStep ? (FactorsPerSequence ? (long)Batch : 1) * Length : 1) * RowEntries;
    }

    /// <summary>x_k = a_k x_(k-1) + b_k.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="a">The factors.</param>
    /// <param name="b">The inputs.</param>
    /// <param name="x">Becomes the states; other memory.</param>
    /// <param name="isConjugate">Whether factors are conjugated.</param>
    /// <param name="threads">The most threads to use, over sequences; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">Lengths do not fit the sizes.</exception>
    public static void Forward<T>(Shape shape, ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> x, bool isConjugate, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> => Run(shape, a, b, x, [], [], isConjugate, false, threads);

    /// <summary>x_k = a_(k+1) x_(k+1) + b_k; and on the way, if asked for, the sums over steps and sequences of x_k conj(before_(k-1)).</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="a">The factors.</param>
    /// <param name="b">The inputs.</param>
    /// <param name="x">Becomes the states; other memory.</param>
    /// <param name="before">States of a forward scan, as x; or empty.</param>
    /// <param name="sums">Becomes the sums, [width], with before_(-1) = 0; or empty.</param>
    /// <param name="isConjugate">Whether factors are conjugated.</param>
    /// <param name="threads">The most threads to use, over sequences; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">Lengths do not fit the sizes.</exception>
    public static void Reverse<T>(Shape shape, ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> x, ReadOnlySpan<T> before, Span<T> sums, bool isConjugate, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> => Run(shape, a, b, x, before, sums, isConjugate, true, threads);

    static void Run<T>(Shape shape, ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<T> x, ReadOnlySpan<T> before, Span<T> sums, bool isConjugate, bool isReverse, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double)) throw new NotSupportedException($"Scans are of float or double, not {typeof(T).Name}.");
        if (shape.Batch < 1 || shape.Length < 1 || shape.Width < 1) throw new ArgumentOutOfRangeException(nameof(shape), $"shape must have sizes of at least 1, but is {shape}.");
        if (threads < 1) throw new ArgumentOutOfRangeException(nameof(threads), $"threads must be at least 1, but is {threads}.");
        Expect(nameof(a), a.Length, shape.FactorEntries);
        Expect(nameof(b), b.Length, shape.Entries);
        Expect(nameof(x), x.Length, shape.Entries);
        if (before.Length > 0 || sums.Length > 0)
        {
            Expect(nameof(before), before.Length, shape.Entries);
            Expect(nameof(sums), sums.Length, shape.RowEntries);
        }

        var (row, hasSums) = ((int)shape.RowEntries, sums.Length > 0);
        var totals = hasSums ? ArrayPool<double>.Shared.Rent(shape.Batch * row) : [];
        Array.Clear(totals);
        fixed (T* aa = a, bb = b, xx = x, ee = before)
        fixed (double* tt = totals)
        {
            var (factors, inputs, states, earlier, total) = ((nint)aa, (nint)bb, (nint)xx, (nint)ee, (nint)tt);
            void Sequence(int i)
            {
                var start = (long)i * shape.Length * row;
                var own = (T*)factors + (shape.FactorsPerSequence ? start : 0);
                var step = shape.FactorsPerStep ? row : 0;
                if (!isReverse) Upward(own, step, (T*)inputs + start, (T*)states + start, shape.Length, row, shape.IsComplex, isConjugate);
                else Downward(own, step, (T*)inputs + start, (T*)states + start, shape.Length, row, shape.IsComplex, isConjugate, hasSums ? (T*)earlier + start : null, (double*)total + (long)i * row);
            }

            if (threads == 1 || shape.Batch == 1 || shape.Entries < SmallWork)
                for (var i = 0; i < shape.Batch; i++) Sequence(i);
            else
                Parallel.For(0, shape.Batch, new ParallelOptions { MaxDegreeOfParallelism = threads }, Sequence);
        }

        if (!hasSums) return;
        for (var p = 0; p < row; p++)
        {
            var sum = 0.0;
            for (var i = 0; i < shape.Batch; i++) sum += totals[i * row + p];
            sums[p] = T.CreateTruncating(sum);
        }

        ArrayPool<double>.Shared.Return(totals);
    }

    static void Expect(string name, int length, long expected)
    {
        if (length != expected) throw new ArgumentException($"{name} must have {expected} entries, but has {length}.", name);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Upward<T>(T* a, int step, T* b, T* x, int length, int row, bool isComplex, bool isConjugate)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        new ReadOnlySpan<T>(b, row).CopyTo(new Span<T>(x, row));
        for (var k = 1; k < length; k++)
        {
            a += step;
            b += row;
            x += row;
            if (isComplex) ComplexStep(a, x - row, b, x, row, isConjugate);
            else RealStep(a, x - row, b, x, row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Downward<T>(T* a, int step, T* b, T* x, int length, int row, bool isComplex, bool isConjugate, T* before, double* totals)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var scratch = ArrayPool<T>.Shared.Rent(2 * row);
        scratch.AsSpan(0, 2 * row).Clear();
        fixed (T* sums = scratch)
        {
            var last = (long)(length - 1);
            b += last * row;
            x += last * row;
            a += last * step;
            if (before != null) before += last * row;
            new ReadOnlySpan<T>(b, row).CopyTo(new Span<T>(x, row));
            for (var k = last - 1; k >= 0; k--)
            {
                // State k + 1 is ready: it meets the state before it, k, of the forward scan.
                if (before != null)
                {
                    before -= row;
                    if (isComplex) ComplexProducts(x, before, sums, row);
                    else RealProducts(x, before, sums, row);
                    if (k % Block == 0) Flush(sums, totals, row, isComplex);
                }

                b -= row;
                x -= row;
                if (isComplex) ComplexStep(a, x + row, b, x, row, isConjugate);
                else RealStep(a, x + row, b, x, row);
                a -= step;
            }
        }

        ArrayPool<T>.Shared.Return(scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void RealStep<T>(T* a, T* previous, T* b, T* x, int row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var p = 0;
        for (; p + Vector256<T>.Count <= row; p += Vector256<T>.Count)
            Vector256.Store(MultiplyAdd(Vector256.Load(a + p), Vector256.Load(previous + p), Vector256.Load(b + p)), x + p);
        for (; p < row; p++) x[p] = T.MultiplyAddEstimate(a[p], previous[p], b[p]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ComplexStep<T>(T* a, T* previous, T* b, T* x, int row, bool isConjugate) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var p = 0;
        var signs = Signs<T>(isConjugate);
        for (; p + Vector256<T>.Count <= row; p += Vector256<T>.Count)
        {
            Vector256<T> factor = Vector256.Load(a + p), state = Vector256.Load(previous + p);
            var turned = MultiplyAdd(Imaginary(factor) * signs, Swap(state), Vector256.Load(b + p));
            Vector256.Store(MultiplyAdd(Real(factor), state, turned), x + p);
        }

        for (; p < row; p += 2)
        {
            var (re, im) = (a[p], isConjugate ? -a[p + 1] : a[p + 1]);
            var (u, v) = (previous[p], previous[p + 1]);
            x[p] = T.MultiplyAddEstimate(re, u, b[p] - im * v);
            x[p + 1] = T.MultiplyAddEstimate(re, v, b[p + 1] + im * u);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void RealProducts<T>(T* x, T* before, T* sums, int row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var p = 0;
        for (; p + Vector256<T>.Count <= row; p += Vector256<T>.Count)
            Vector256.Store(MultiplyAdd(Vector256.Load(x + p), Vector256.Load(before + p), Vector256.Load(sums + p)), sums + p);
        for (; p < row; p++) sums[p] += x[p] * before[p];
    }

    /// <summary>x times the real parts in the first row of sums, x times the imaginary parts in the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void ComplexProducts<T>(T* x, T* before, T* sums, int row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var p = 0;
        for (; p + Vector256<T>.Count <= row; p += Vector256<T>.Count)
        {
            Vector256<T> state = Vector256.Load(x + p), other = Vector256.Load(before + p);
            Vector256.Store(MultiplyAdd(state, Real(other), Vector256.Load(sums + p)), sums + p);
            Vector256.Store(MultiplyAdd(state, Imaginary(other), Vector256.Load(sums + row + p)), sums + row + p);
        }

        for (; p < row; p += 2)
        {
            sums[p] += x[p] * before[p];
            sums[p + 1] += x[p + 1] * before[p];
            sums[row + p] += x[p] * before[p + 1];
            sums[row + p + 1] += x[p + 1] * before[p + 1];
        }
    }

    /// <summary>Adds the sums of a block of rows to the totals: x conj(y) = x Re y - i x Im y.</summary>
    static void Flush<T>(T* sums, double* totals, int row, bool isComplex) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var p = 0; p < row; p++) totals[p] += double.CreateTruncating(sums[p]);
        if (isComplex)
            for (var p = 0; p < row; p += 2)
            {
                totals[p] += double.CreateTruncating(sums[row + p + 1]);
                totals[p + 1] -= double.CreateTruncating(sums[row + p]);
            }

        new Span<T>(sums, 2 * row).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> MultiplyAdd<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
            : Vector256.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();

    /// <summary>-1, 1, -1, 1, ...; the opposite for a conjugate factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Signs<T>(bool isConjugate) where T : unmanaged
    {
        var signs = typeof(T) == typeof(double) ? Vector256.Create(-1.0, 1, -1, 1).As<double, T>() : Vector256.Create(-1f, 1, -1, 1, -1, 1, -1, 1).As<float, T>();
        return isConjugate ? -signs : signs;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Real<T>(Vector256<T> a) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.Shuffle(a.AsDouble(), Vector256.Create(0L, 0, 2, 2)).As<double, T>()
            : Vector256.Shuffle(a.AsSingle(), Vector256.Create(0, 0, 2, 2, 4, 4, 6, 6)).As<float, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Imaginary<T>(Vector256<T> a) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.Shuffle(a.AsDouble(), Vector256.Create(1L, 1, 3, 3)).As<double, T>()
            : Vector256.Shuffle(a.AsSingle(), Vector256.Create(1, 1, 3, 3, 5, 5, 7, 7)).As<float, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Swap<T>(Vector256<T> a) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.Shuffle(a.AsDouble(), Vector256.Create(1L, 0, 3, 2)).As<double, T>()
            : Vector256.Shuffle(a.AsSingle(), Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)).As<float, T>();
}
