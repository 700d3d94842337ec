using System;
using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Ortho.Native;

/// <summary>
/// What stands before and after the FFT of a cosine or sine transform of the rows of a matrix: reordering, folding and turning, each in one pass over
/// memory. The FFT itself is the caller's.
/// </summary>
/// <remarks>Rows may be strided on the way in (a transposed matrix is read in tiles); between and after they are dense. Spans are checked: nothing outside is touched.</remarks>
/// <typeparam name="T">float or double.</typeparam>
public abstract unsafe class RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Fewer entries than this are not worth a second thread.</summary>
    const long SmallWork = 1 << 17;

    /// <summary>Strided rows copied at a time: a cache line of doubles.</summary>
    const int Tile = 8;

    private protected RowPasses(int size, int first, int firstSpectrum, int second, int secondSpectrum, int scratch) =>
        (Size, First, FirstSpectrum, Second, SecondSpectrum, this.scratch) = (size, first, firstSpectrum, second, secondSpectrum, scratch);

    readonly int scratch;

    /// <summary>Entries of a row of the transform.</summary>
    public int Size { get; }

    /// <summary>Numbers that <c>Before</c> writes to its first target for each row.</summary>
    public int First { get; }

    /// <summary>Numbers, two for a complex one, that <c>After</c> reads from its first source for each row.</summary>
    public int FirstSpectrum { get; }

    /// <summary>As First, of the second target; 0 where there is none.</summary>
    public int Second { get; }

    /// <summary>As FirstSpectrum, of the second source.</summary>
    public int SecondSpectrum { get; }

    private protected abstract void BeforeRow(T* x, T* first, T* second, T* scratch);

    private protected abstract void AfterRow(T* first, T* second, T* y);

    /// <summary>Makes what goes into the FFT.</summary>
    /// <param name="x">Memory that holds the rows: entry i of row (o, r) lies at o outerStride + r rowStride + i stride.</param>
    /// <param name="outer">Number of matrices.</param>
    /// <param name="outerStride">From one matrix to the next.</param>
    /// <param name="rows">Rows of each matrix.</param>
    /// <param name="rowStride">From one row to the next.</param>
    /// <param name="stride">From one entry of a row to the next.</param>
    /// <param name="first">Dense rows of First numbers.</param>
    /// <param name="second">Dense rows of Second numbers.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <exception cref="ArgumentException">A span is too short or a number is out of range.</exception>
    public void Before(ReadOnlySpan<T> x, long outer, long outerStride, long rows, long rowStride, long stride, Span<T> first, Span<T> second, int threads)
    {
        if (outer < 1 || rows < 1) throw new ArgumentOutOfRangeException(nameof(rows), $"rows and outer must be at least 1, but are {rows} and {outer}.");
        if (outerStride < 0 || rowStride < 0 || stride < 0) throw new ArgumentOutOfRangeException(nameof(stride), "strides must be at least 0, but one is negative.");
        var count = checked(outer * rows);
        var end = checked((outer - 1) * outerStride + (rows - 1) * rowStride + (Size - 1) * stride + 1);
        if (x.Length < end) throw new ArgumentException($"x must have at least {end} entries, but has {x.Length}.", nameof(x));
        Expect(nameof(first), first.Length, checked(count * First));
        Expect(nameof(second), second.Length, checked(count * Second));
        fixed (T* xs = x, firsts = first, seconds = second)
        {
            var (source, a, b) = ((nint)xs, (nint)firsts, (nint)seconds);
            if (stride == 1) InParts(count, threads, (start, stop) => Dense((T*)source, start, stop, rows, outerStride, rowStride, (T*)a, (T*)b));
            else InParts(count, threads, (start, stop) => Strided((T*)source, start, stop, rows, outerStride, rowStride, stride, (T*)a, (T*)b));
        }
    }

    /// <summary>Makes the transform's rows of what came out of the FFT.</summary>
    /// <param name="first">Dense rows of FirstSpectrum numbers.</param>
    /// <param name="second">Dense rows of SecondSpectrum numbers.</param>
    /// <param name="y">Becomes dense rows of Size entries.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void After(ReadOnlySpan<T> first, ReadOnlySpan<T> second, Span<T> y, int threads)
    {
        var count = y.Length / Size;
        Expect(nameof(y), y.Length, (long)count * Size);
        Expect(nameof(first), first.Length, (long)count * FirstSpectrum);
        Expect(nameof(second), second.Length, (long)count * SecondSpectrum);
        fixed (T* firsts = first, seconds = second, ys = y)
        {
            var (a, b, target) = ((nint)firsts, (nint)seconds, (nint)ys);
            InParts(count, threads, (start, stop) =>
            {
                for (var row = start; row < stop; row++) AfterRow((T*)a + row * FirstSpectrum, (T*)b + row * SecondSpectrum, (T*)target + row * Size);
            });
        }
    }

    void Dense(T* x, long start, long stop, long rows, long outerStride, long rowStride, T* first, T* second)
    {
        var space = ArrayPool<T>.Shared.Rent(scratch + 1);
        fixed (T* free = space)
            for (var row = start; row < stop; row++)
                BeforeRow(x + row / rows * outerStride + row % rows * rowStride, first + row * First, second + row * Second, free);
        ArrayPool<T>.Shared.Return(space);
    }

    void Strided(T* x, long start, long stop, long rows, long outerStride, long rowStride, long stride, T* first, T* second)
    {
        var space = ArrayPool<T>.Shared.Rent(Tile * Size + scratch + 1);
        fixed (T* tile = space)
        {
            var free = tile + Tile * Size;
            for (var row = start; row < stop;)
            {
                // A tile ends with its matrix.
                var count = (int)Math.Min(Math.Min(Tile, stop - row), rows - row % rows);
                Gather(x + row / rows * outerStride + row % rows * rowStride, count, rowStride, stride, tile);
                for (var i = 0; i < count; i++, row++) BeforeRow(tile + i * Size, first + row * First, second + row * Second, free);
            }
        }

        ArrayPool<T>.Shared.Return(space);
    }

    /// <summary>Some strided rows made dense.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Gather(T* x, int count, long rowStride, long stride, T* tile)
    {
        var (i, width) = (0, Vector256<T>.Count);
        // Rows beside each other: squares are transposed in registers.
        if (Lanes.Pay && rowStride == 1 && count == Tile)
            for (; i + width <= Size; i += width)
                for (var row = 0; row < Tile; row += width)
                    if (width == 4) Four(x + i * stride + row, stride, tile + row * Size + i, Size);
                    else Eight(x + i * stride + row, stride, tile + row * Size + i, Size);
        for (; i < Size; i++)
        {
            var source = x + i * stride;
            var target = tile + i;
            for (var row = 0; row < count; row++) target[row * Size] = source[row * rowStride];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Four(T* x, long stride, T* target, int step)
    {
        var (a, b) = Lanes.Weave(Vector256.Load(x), Vector256.Load(x + 2 * stride));
        var (c, d) = Lanes.Weave(Vector256.Load(x + stride), Vector256.Load(x + 3 * stride));
        Store(Lanes.Weave(a, c), target, step);
        Store(Lanes.Weave(b, d), target + 2 * step, step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Eight(T* x, long stride, T* target, int step)
    {
        var (a, b) = Lanes.Weave(Vector256.Load(x), Vector256.Load(x + 4 * stride));
        var (c, d) = Lanes.Weave(Vector256.Load(x + stride), Vector256.Load(x + 5 * stride));
        var (e, f) = Lanes.Weave(Vector256.Load(x + 2 * stride), Vector256.Load(x + 6 * stride));
        var (g, h) = Lanes.Weave(Vector256.Load(x + 3 * stride), Vector256.Load(x + 7 * stride));
        ((a, e), (c, g)) = (Lanes.Weave(a, e), Lanes.Weave(c, g));
        ((b, f), (d, h)) = (Lanes.Weave(b, f), Lanes.Weave(d, h));
        Store(Lanes.Weave(a, c), target, step);
        Store(Lanes.Weave(e, g), target + 2 * step, step);
        Store(Lanes.Weave(b, d), target + 4 * step, step);
        Store(Lanes.Weave(f, h), target + 6 * step, step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store((Vector256<T> First, Vector256<T> Second) rows, T* target, int step)
    {
        rows.First.Store(target);
        rows.Second.Store(target + step);
    }

    static void Expect(string name, long length, long expected)
    {
        if (length != expected) throw new ArgumentException($"{name} must have {expected} entries, but has {length}.", name);
    }

    void InParts(long rows, int threads, Action<long, long> act)
    {
        var parts = rows * Size < SmallWork ? 1 : (int)Math.Clamp(threads, 1, Math.Min(rows, Environment.ProcessorCount));
        if (parts <= 1) act(0, rows);
        else Parallel.For(0, parts, part => act(rows * part / parts, rows * (part + 1) / parts));
    }
}
