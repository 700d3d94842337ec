using System;
using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Ortho.Native;

/// <summary>
/// A tree of two-channel filter banks on each row of a matrix, in one pass over memory. A bank takes a segment of n entries to low[k] = sum over m of
/// low[m] x[2k + m + 1 - F/2], k = 0, ..., n/2 - 1, and then the same with the high taps, indices modulo n.
/// </summary>
/// <remarks>
/// Neighbouring taps stay together: a vector of entries times (h0, h1, h0, h1) sums products of even and odd entries side by side, so that nothing is
/// taken apart before the sums. The segments are checked when a tree is made and the lengths at each call: nothing outside the given spans is touched.
/// </remarks>
public sealed unsafe class PeriodicFilterBank
{
    /// <summary>Fewer products than this are not worth a second thread.</summary>
    const long SmallWork = 1 << 18;

    readonly double[] low, high;
    readonly int length;
    readonly int[] starts, lengths;

    /// <summary>The tree that splits segments of rows, the first one the whole row.</summary>
    /// <param name="low">Taps of the first half, an even number of them.</param>
    /// <param name="high">Taps of the second half, as many.</param>
    /// <param name="length">Entries of a row.</param>
    /// <param name="starts">Where each segment begins, parents before their halves; perhaps none.</param>
    /// <param name="lengths">Entries of each segment, even.</param>
    /// <exception cref="ArgumentException">A number is out of range, or the first segment is not the whole row.</exception>
    public PeriodicFilterBank(ReadOnlySpan<double> low, ReadOnlySpan<double> high, int length, ReadOnlySpan<int> starts, ReadOnlySpan<int> lengths)
    {
        if (low.Length < 2 || low.Length % 2 != 0) throw new ArgumentException($"low must have an even number of taps, but has {low.Length}.", nameof(low));
        if (high.Length != low.Length) throw new ArgumentException($"high must have {low.Length} taps, as low has, but has {high.Length}.", nameof(high));
        if (length < 1) throw new ArgumentOutOfRangeException(nameof(length), $"length must be at least 1, but is {length}.");
        if (starts.Length != lengths.Length) throw new ArgumentException($"lengths must have {starts.Length} entries, as starts has, but has {lengths.Length}.", nameof(lengths));
        for (var i = 0; i < starts.Length; i++)
        {
            var (start, count) = (starts[i], lengths[i]);
            if (count < 2 || count % 2 != 0) throw new ArgumentException($"lengths must be even, but entry {i} is {count}.", nameof(lengths));
            if (start < 0 || start > length - count) throw new ArgumentException($"starts must keep segments in rows of {length}, but segment {i} of {count} begins at {start}.", nameof(starts));
            if (i == 0 && count != length) throw new ArgumentException($"lengths must begin with the whole row of {length}, but begin with {count}.", nameof(lengths));
        }

        (this.low, this.high, this.length) = (low.ToArray(), high.ToArray(), length);
        (this.starts, this.lengths) = (starts.ToArray(), lengths.ToArray());
    }

    /// <summary>Splits every segment of every row.</summary>
    /// <param name="x">Rows of the tree's length.</param>
    /// <param name="y">As x, other memory.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">No whole number of rows, or another length of y.</exception>
    public void Analyze<T>(ReadOnlySpan<T> x, Span<T> y, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> => Run(x, y, threads, isAnalysis: true);

    /// <summary>The transpose of Analyze: joins the halves of every segment, the last segment first.</summary>
    /// <param name="x">Rows of the tree's length.</param>
    /// <param name="y">As x, other memory.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">No whole number of rows, or another length of y.</exception>
    public void Synthesize<T>(ReadOnlySpan<T> x, Span<T> y, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> => Run(x, y, threads, isAnalysis: false);

    void Run<T>(ReadOnlySpan<T> x, Span<T> y, int threads, bool isAnalysis)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double)) throw new NotSupportedException($"Filter banks are of float or double, not {typeof(T).Name}.");
        if (x.Length % length != 0) throw new ArgumentException($"x must have rows of {length} entries, but {x.Length} entries are no whole number of rows.", nameof(x));
        if (y.Length != x.Length) throw new ArgumentException($"y must have {x.Length} entries, but has {y.Length}.", nameof(y));
        if (threads < 1) throw new ArgumentOutOfRangeException(nameof(threads), $"threads must be at least 1, but is {threads}.");
        if (x.Overlaps(y)) throw new ArgumentException("y must be other memory than x.", nameof(y));
        if (starts.Length == 0)
        {
            x.CopyTo(y);
            return;
        }

        var rows = x.Length / length;
        fixed (T* source = x, target = y)
        {
            var (from, to) = ((nint)source, (nint)target);
            void Part(int start, int end)
            {
                var pairs = low.Length / 2;
                var taps = stackalloc Vector256<T>[2 * pairs];
                for (var j = 0; j < pairs; j++) (taps[j], taps[pairs + j]) = (Pair<T>(low, j), Pair<T>(high, j));
                var scratch = ArrayPool<T>.Shared.Rent(length);
                fixed (T* room = scratch)
                    for (var row = start; row < end; row++)
                    {
                        T* a = (T*)from + (long)row * length, b = (T*)to + (long)row * length;
                        if (isAnalysis) SplitRow(a, b, room, taps, pairs);
                        else JoinRow(a, b, room, taps, pairs);
                    }

                ArrayPool<T>.Shared.Return(scratch);
            }

            var parts = (long)x.Length * low.Length < SmallWork ? 1 : Math.Clamp(threads, 1, Math.Max(rows, 1));
            if (parts == 1) Part(0, rows);
            else Parallel.For(0, parts, part => Part((int)((long)rows * part / parts), (int)((long)rows * (part + 1) / parts)));
        }
    }

    static Vector256<T> Pair<T>(double[] taps, int j) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (even, odd) = (T.CreateTruncating(taps[2 * j]), T.CreateTruncating(taps[2 * j + 1]));
        var pair = Vector256<T>.Zero;
        for (var i = 0; i < Vector256<T>.Count; i += 2) pair = pair.WithElement(i, even).WithElement(i + 1, odd);
        return pair;
    }

    void SplitRow<T>(T* x, T* y, T* room, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Split(x, y, length, taps, pairs);
        for (var i = 1; i < starts.Length; i++)
        {
            Copy(y + starts[i], room, lengths[i]);
            Split(room, y + starts[i], lengths[i], taps, pairs);
        }
    }

    void JoinRow<T>(T* x, T* y, T* room, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (starts.Length == 1)
        {
            Join(x, y, length, taps, pairs);
            return;
        }

        Copy(x, y, length);
        for (var i = starts.Length - 1; i >= 0; i--)
        {
            Copy(y + starts[i], room, lengths[i]);
            Join(room, y + starts[i], lengths[i], taps, pairs);
        }
    }

    static void Copy<T>(T* from, T* to, int count) where T : unmanaged => new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Split<T>(T* x, T* y, int n, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var half = n / 2;
        // From first to end no index wraps round.
        var first = Math.Min(pairs / 2, half);
        var end = n - 1 - pairs < 0 ? first : Math.Max(first, (n - 1 - pairs) / 2 + 1);
        SplitBorder(x, y, n, 0, first, taps, pairs);
        var k = SplitFour(x, y, half, first, end, taps, pairs);
        k = SplitTwo(x, y, half, k, end, taps, pairs);
        SplitBorder(x, y, n, k, half, taps, pairs);
    }

    /// <summary>Sums k to at most end - 1, four vectors of entries at a time; where the next one begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int SplitFour<T>(T* x, T* y, int half, int k, int end, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var width = Vector256<T>.Count;
        for (; k + 2 * width <= end; k += 2 * width)
        {
            var at = x + 2 * k + 1 - pairs;
            Vector256<T> a = Vector256<T>.Zero, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
            for (var j = 0; j < pairs; j++, at += 2)
            {
                Vector256<T> low = taps[j], high = taps[pairs + j];
                Vector256<T> p = Vector256.Load(at), q = Vector256.Load(at + width), r = Vector256.Load(at + 2 * width), s = Vector256.Load(at + 3 * width);
                a = MultiplyAdd(p, low, a);
                b = MultiplyAdd(q, low, b);
                c = MultiplyAdd(r, low, c);
                d = MultiplyAdd(s, low, d);
                e = MultiplyAdd(p, high, e);
                f = MultiplyAdd(q, high, f);
                g = MultiplyAdd(r, high, g);
                h = MultiplyAdd(s, high, h);
            }

            PairSums(a, b).Store(y + k);
            PairSums(c, d).Store(y + k + width);
            PairSums(e, f).Store(y + half + k);
            PairSums(g, h).Store(y + half + k + width);
        }

        return k;
    }

    /// <summary>The same, two vectors at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int SplitTwo<T>(T* x, T* y, int half, int k, int end, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var width = Vector256<T>.Count;
        for (; k + width <= end; k += width)
        {
            var at = x + 2 * k + 1 - pairs;
            Vector256<T> a = Vector256<T>.Zero, b = a, c = a, d = a;
            for (var j = 0; j < pairs; j++, at += 2)
            {
                Vector256<T> p = Vector256.Load(at), q = Vector256.Load(at + width), low = taps[j], high = taps[pairs + j];
                a = MultiplyAdd(p, low, a);
                b = MultiplyAdd(q, low, b);
                c = MultiplyAdd(p, high, c);
                d = MultiplyAdd(q, high, d);
            }

            PairSums(a, b).Store(y + k);
            PairSums(c, d).Store(y + half + k);
        }

        return k;
    }

    static void SplitBorder<T>(T* x, T* y, int n, int start, int end, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var k = start; k < end; k++)
        {
            T a = T.Zero, b = T.Zero;
            var at = Wrap(2 * k + 1 - pairs, n);
            for (var j = 0; j < pairs; j++)
                for (var odd = 0; odd < 2; odd++)
                {
                    a += x[at] * taps[j].GetElement(odd);
                    b += x[at] * taps[pairs + j].GetElement(odd);
                    if (++at == n) at = 0;
                }

            y[k] = a;
            y[n / 2 + k] = b;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Join<T>(T* x, T* y, int n, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var half = n / 2;
        // The pair of entries 2q + 1 - pairs and the next one: low[q - j] times taps 2j and 2j + 1, and the same of the high half.
        var first = Math.Min(pairs - 1, half);
        JoinBorder(x, y, n, 0, first, taps, pairs);
        var q = JoinTwo(x, y, half, first, taps, pairs);
        q = JoinOne(x, y, half, q, taps, pairs);
        JoinBorder(x, y, n, q, half, taps, pairs);
    }

    /// <summary>Pairs q and on, two vectors of them at a time: even and odd entries apart, side by side at the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int JoinTwo<T>(T* x, T* y, int half, int q, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var width = Vector256<T>.Count;
        for (; q + 2 * width <= half; q += 2 * width)
        {
            T* low = x + q, high = low + half;
            Vector256<T> a = Vector256<T>.Zero, b = a, c = a, d = a;
            for (var j = 0; j < pairs; j++, low--, high--)
            {
                Vector256<T> p = Vector256.Load(low), r = Vector256.Load(high), s = Vector256.Load(low + width), t = Vector256.Load(high + width);
                T* h = (T*)(taps + j), g = (T*)(taps + pairs + j);
                Vector256<T> h0 = Vector256.Create(h[0]), h1 = Vector256.Create(h[1]), g0 = Vector256.Create(g[0]), g1 = Vector256.Create(g[1]);
                a = MultiplyAdd(p, h0, MultiplyAdd(r, g0, a));
                b = MultiplyAdd(p, h1, MultiplyAdd(r, g1, b));
                c = MultiplyAdd(s, h0, MultiplyAdd(t, g0, c));
                d = MultiplyAdd(s, h1, MultiplyAdd(t, g1, d));
            }

            var target = y + 2 * q + 1 - pairs;
            StoreSideBySide(a, b, target);
            StoreSideBySide(c, d, target + 2 * width);
        }

        return q;
    }

    /// <summary>The same, one vector of them at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static int JoinOne<T>(T* x, T* y, int half, int q, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var width = Vector256<T>.Count;
        for (; q + width <= half; q += width)
        {
            T* low = x + q, high = low + half;
            Vector256<T> a = Vector256<T>.Zero, b = a;
            for (var j = 0; j < pairs; j++, low--, high--)
            {
                Vector256<T> p = Vector256.Load(low), r = Vector256.Load(high);
                T* h = (T*)(taps + j), g = (T*)(taps + pairs + j);
                a = MultiplyAdd(p, Vector256.Create(h[0]), MultiplyAdd(r, Vector256.Create(g[0]), a));
                b = MultiplyAdd(p, Vector256.Create(h[1]), MultiplyAdd(r, Vector256.Create(g[1]), b));
            }

            StoreSideBySide(a, b, y + 2 * q + 1 - pairs);
        }

        return q;
    }

    static void JoinBorder<T>(T* x, T* y, int n, int start, int end, Vector256<T>* taps, int pairs) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var half = n / 2;
        for (var q = start; q < end; q++)
        {
            T even = T.Zero, odd = T.Zero;
            for (var j = 0; j < pairs; j++)
            {
                var k = Wrap(q - j, half);
                even += x[k] * taps[j].GetElement(0) + x[half + k] * taps[pairs + j].GetElement(0);
                odd += x[k] * taps[j].GetElement(1) + x[half + k] * taps[pairs + j].GetElement(1);
            }

            var at = Wrap(2 * q + 1 - pairs, n);
            y[at] = even;
            y[at + 1 == n ? 0 : at + 1] = odd;
        }
    }

    static int Wrap(int i, int n) => (i % n + n) % n;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> MultiplyAdd<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
            : Vector256.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();

    /// <summary>a0 + a1, a2 + a3, ..., b0 + b1, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> PairSums<T>(Vector256<T> a, Vector256<T> b) where T : unmanaged
    {
        var (p, q) = (Apart(a), Apart(b));
        return Vector256.Create(p.GetLower(), q.GetLower()) + Vector256.Create(p.GetUpper(), q.GetUpper());
    }

    /// <summary>The even entries, then the odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Apart<T>(Vector256<T> a) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.Shuffle(a.AsDouble(), Vector256.Create(0L, 2, 1, 3)).As<double, T>()
            : Vector256.Shuffle(a.AsSingle(), Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7)).As<float, T>();

    /// <summary>Writes a0, b0, a1, b1, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreSideBySide<T>(Vector256<T> a, Vector256<T> b, T* target) where T : unmanaged
    {
        Together(Vector256.Create(a.GetLower(), b.GetLower())).Store(target);
        Together(Vector256.Create(a.GetUpper(), b.GetUpper())).Store(target + Vector256<T>.Count);
    }

    /// <summary>The first half's entries at even places, the second half's at odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<T> Together<T>(Vector256<T> a) where T : unmanaged =>
        typeof(T) == typeof(double)
            ? Vector256.Shuffle(a.AsDouble(), Vector256.Create(0L, 2, 1, 3)).As<double, T>()
            : Vector256.Shuffle(a.AsSingle(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).As<float, T>();
}
