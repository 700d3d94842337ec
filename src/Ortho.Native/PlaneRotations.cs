using System;
using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Ortho.Native;

/// <summary>
/// A chain of rotations in coordinate planes, on each row of a matrix, in one pass over memory: y_i = c x_i - s x_j, y_j = s x_i + c x_j for one
/// pair (i, j) after the other.
/// </summary>
/// <remarks>
/// Some rows at a time are copied transposed into scratch, so that a coordinate is two SIMD vectors of rows; all rotations run there, whatever their order.
/// The pairs are checked when a chain is made and the lengths at each call: nothing outside the given spans is read or written.
/// </remarks>
public sealed unsafe class PlaneRotations
{
    /// <summary>The largest number of coordinates: scratch is about 128 bytes for each.</summary>
    public const int LargestSize = 1 << 22;

    /// <summary>Sums over rows are made in at most so many parts, whatever the number of threads: the same numbers for any.</summary>
    const int MostParts = 16;

    /// <summary>Columns copied at a time, so that what a copy touches stays in the first cache.</summary>
    const int Block = 64;

    /// <summary>Fewer rotations and copies of an entry than this are not worth a second thread.</summary>
    const long SmallWork = 1 << 17;

    readonly int size;
    readonly int[] first, second;

    /// <summary>The chain of the planes (first[r], second[r]) of vectors of the given size, plane 0 first.</summary>
    /// <exception cref="ArgumentException">A plane is not two different coordinates from 0 to size - 1.</exception>
    public PlaneRotations(int size, ReadOnlySpan<int> first, ReadOnlySpan<int> second)
    {
        if (size is < 1 or > LargestSize) throw new ArgumentOutOfRangeException(nameof(size), $"size must lie between 1 and {LargestSize}, but is {size}.");
        if (first.Length != second.Length) throw new ArgumentException($"second must have {first.Length} entries, as first has, but has {second.Length}.", nameof(second));
        for (var r = 0; r < first.Length; r++)
        {
            if ((uint)first[r] >= (uint)size) throw new ArgumentException($"first must hold coordinates from 0 to {size - 1}, but entry {r} is {first[r]}.", nameof(first));
            if ((uint)second[r] >= (uint)size || second[r] == first[r])
                throw new ArgumentException($"second must hold coordinates from 0 to {size - 1} other than first's, but entry {r} is {second[r]}.", nameof(second));
        }

        (this.size, this.first, this.second) = (size, first.ToArray(), second.ToArray());
    }

    /// <summary>Number of rotations.</summary>
    public int Count => first.Length;

    /// <summary>Rotates the rows of x, one plane after the other.</summary>
    /// <param name="x">Rows of the chain's size.</param>
    /// <param name="y">As x; may be x itself.</param>
    /// <param name="cosines">One for each rotation.</param>
    /// <param name="sines">One for each rotation.</param>
    /// <param name="threads">The most threads to use.</param>
    /// <typeparam name="T">float or double.</typeparam>
    public void Apply<T>(ReadOnlySpan<T> x, Span<T> y, ReadOnlySpan<T> cosines, ReadOnlySpan<T> sines, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var rows = Rows(x.Length, cosines.Length, sines.Length, threads, typeof(T));
        Expect(nameof(y), y.Length, x.Length);
        fixed (T* xs = x, ys = y, cs = cosines, ss = sines)
        fixed (int* firsts = first, seconds = second)
        {
            var (source, target) = ((nint)xs, (nint)ys);
            var chain = new Chain<T>(size, Count, firsts, seconds, cs, ss);
            InParts<T>(rows, threads, 1, (_, start, end) =>
            {
                using var scratch = new Scratch<T>(chain.TileLength);
                fixed (T* pinned = scratch.Entries)
                {
                    var tile = Scratch<T>.Aligned(pinned);
                    for (var row = start; row < end; row += Chain<T>.Width)
                    {
                        var count = (int)Math.Min(Chain<T>.Width, rows - row);
                        chain.Load((T*)source + row * chain.Size, tile, count);
                        chain.Rotate(tile);
                        chain.Store(tile, (T*)target + row * chain.Size, count);
                    }
                }
            });
        }
    }

    /// <summary>The gradients of a function of y = Apply (x) in x and in the angles, from y itself: the chain is undone on y and on the gradient together.</summary>
    /// <param name="y">What Apply gave.</param>
    /// <param name="gradient">The gradient in y.</param>
    /// <param name="slope">Becomes the gradient in x; may be <paramref name="gradient" /> itself.</param>
    /// <param name="angleSlopes">Becomes the gradient in the angles: sums over rows of g_j y_i - g_i y_j after each rotation.</param>
    /// <param name="cosines">As Apply had them.</param>
    /// <param name="sines">As Apply had them.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double.</typeparam>
    public void Slopes<T>(ReadOnlySpan<T> y, ReadOnlySpan<T> gradient, Span<T> slope, Span<T> angleSlopes, ReadOnlySpan<T> cosines, ReadOnlySpan<T> sines, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var rows = Rows(y.Length, cosines.Length, sines.Length, threads, typeof(T));
        Expect(nameof(gradient), gradient.Length, y.Length);
        Expect(nameof(slope), slope.Length, y.Length);
        Expect(nameof(angleSlopes), angleSlopes.Length, Count);
        var parts = Parts<T>(rows);
        var sums = ArrayPool<double>.Shared.Rent(parts * Count);
        Array.Clear(sums, 0, parts * Count);
        fixed (T* ys = y, gs = gradient, xs = slope, cs = cosines, ss = sines)
        fixed (int* firsts = first, seconds = second)
        fixed (double* totals = sums)
        {
            var (values, source, target, total) = ((nint)ys, (nint)gs, (nint)xs, (nint)totals);
            var chain = new Chain<T>(size, Count, firsts, seconds, cs, ss);
            InParts<T>(rows, threads, 2, (part, start, end) =>
            {
                using var scratch = new Scratch<T>(2 * chain.TileLength);
                fixed (T* pinned = scratch.Entries)
                {
                    var tile = Scratch<T>.Aligned(pinned);
                    var gradients = tile + chain.TileLength;
                    for (var row = start; row < end; row += Chain<T>.Width)
                    {
                        var count = (int)Math.Min(Chain<T>.Width, rows - row);
                        chain.Load((T*)values + row * chain.Size, tile, count);
                        chain.Load((T*)source + row * chain.Size, gradients, count);
                        chain.Undo(tile, gradients, (double*)total + (long)part * chain.Count);
                        chain.Store(gradients, (T*)target + row * chain.Size, count);
                    }
                }
            });
        }

        for (var r = 0; r < Count; r++)
        {
            var sum = 0.0;
            for (var part = 0; part < parts; part++) sum += sums[part * Count + r];
            angleSlopes[r] = T.CreateTruncating(sum);
        }

        ArrayPool<double>.Shared.Return(sums);
    }

    long Rows(int entries, int cosines, int sines, int threads, Type type)
    {
        if (type != typeof(float) && type != typeof(double)) throw new NotSupportedException($"Rotations are of float or double, not {type.Name}.");
        if (entries % size != 0) throw new ArgumentException($"Rows must have {size} entries, but {entries} entries are no whole number of rows.");
        if (threads < 1) throw new ArgumentOutOfRangeException(nameof(threads), $"threads must be at least 1, but is {threads}.");
        Expect(nameof(cosines), cosines, Count);
        Expect(nameof(sines), sines, Count);
        return entries / size;
    }

    static void Expect(string name, int length, int expected)
    {
        if (length != expected) throw new ArgumentException($"{name} must have {expected} entries, but has {length}.", name);
    }

    static long Tiles<T>(long rows) where T : unmanaged, IFloatingPointIeee754<T> => (rows + Chain<T>.Width - 1) / Chain<T>.Width;

    /// <summary>So many parts that their sums, one for each rotation and part, fit an array.</summary>
    int Parts<T>(long rows) where T : unmanaged, IFloatingPointIeee754<T> =>
        (int)Math.Min(Tiles<T>(rows), Math.Clamp((1 << 30) / Math.Max(Count, 1), 1, MostParts));

    delegate void Part(int part, long start, long end);

    /// <summary>Calls body with the rows of each part, whole tiles, on some threads.</summary>
    void InParts<T>(long rows, int threads, int tensors, Part body) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (tiles, parts) = (Tiles<T>(rows), Parts<T>(rows));
        void Run(int part) => body(part, tiles * part / parts * Chain<T>.Width, Math.Min(rows, tiles * (part + 1) / parts * Chain<T>.Width));
        if (threads == 1 || parts < 2 || rows * ((long)Count + size) * tensors < SmallWork)
            for (var part = 0; part < parts; part++) Run(part);
        else
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, Run);
    }

    /// <summary>Borrowed memory with room to begin at a cache line.</summary>
    readonly struct Scratch<T>(int entries) : IDisposable where T : unmanaged
    {
        const int Line = 64;

        public readonly T[] Entries = ArrayPool<T>.Shared.Rent(entries + Line / sizeof(T));

        public static T* Aligned(T* start) => (T*)(((nint)start + Line - 1) & -Line);

        public void Dispose() => ArrayPool<T>.Shared.Return(Entries);
    }

    /// <summary>What a tile of rows goes through. A tile is [size][Width]: coordinate by coordinate, the rows side by side.</summary>
    readonly struct Chain<T>(int size, int count, int* first, int* second, T* cosines, T* sines) where T : unmanaged, IFloatingPointIeee754<T>
    {
        public static int Width => 2 * Vector<T>.Count;

        public readonly int Size = size, Count = count;
        readonly int* first = first, second = second;
        readonly T* cosines = cosines, sines = sines;

        public int TileLength => Size * Width;

        /// <summary>Copies rows into a tile; rows that are missing become zero.</summary>
        public void Load(T* rows, T* tile, int count)
        {
            if (count < Width) new Span<T>(tile, TileLength).Clear();
            for (var start = 0; start < Size; start += Block)
            {
                var end = Math.Min(start + Block, Size);
                for (var row = 0; row < count; row++)
                {
                    T* source = rows + (long)row * Size + start, target = tile + start * Width + row;
                    for (var last = source + (end - start); source < last; source++, target += Width) *target = *source;
                }
            }
        }

        /// <summary>Copies a tile back to its rows.</summary>
        public void Store(T* tile, T* rows, int count)
        {
            for (var start = 0; start < Size; start += Block)
            {
                var end = Math.Min(start + Block, Size);
                for (var row = 0; row < count; row++)
                {
                    T* source = tile + start * Width + row, target = rows + (long)row * Size + start;
                    for (var last = target + (end - start); target < last; source += Width, target++) *target = *source;
                }
            }
        }

        public void Rotate(T* tile)
        {
            var half = Vector<T>.Count;
            int* firsts = first, seconds = second; // in locals: a store into the tile could change a field, for all the compiler knows
            T* cs = cosines, ss = sines;
            for (int r = 0, count = Count; r < count; r++)
            {
                T* a = tile + firsts[r] * Width, b = tile + seconds[r] * Width;
                var (c, s) = (new Vector<T>(cs[r]), new Vector<T>(ss[r]));
                var (a0, b0) = (Vector.Load(a), Vector.Load(b));
                var (a1, b1) = (Vector.Load(a + half), Vector.Load(b + half));
                Vector.Store(a0 * c - b0 * s, a);
                Vector.Store(a0 * s + b0 * c, b);
                Vector.Store(a1 * c - b1 * s, a + half);
                Vector.Store(a1 * s + b1 * c, b + half);
            }
        }

        /// <summary>Takes the rotations back, the last first, from values and gradients; adds the slopes of the angles.</summary>
        public void Undo(T* values, T* gradients, double* slopes)
        {
            var half = Vector<T>.Count;
            int* firsts = first, seconds = second;
            T* cs = cosines, ss = sines;
            for (var r = Count - 1; r >= 0; r--)
            {
                var (i, j) = (firsts[r] * Width, seconds[r] * Width);
                var (c, s) = (new Vector<T>(cs[r]), new Vector<T>(ss[r]));
                var slope = Undo(values + i, values + j, gradients + i, gradients + j, c, s);
                slope += Undo(values + i + half, values + j + half, gradients + i + half, gradients + j + half, c, s);
                slopes[r] += double.CreateTruncating(Vector.Sum(slope));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector<T> Undo(T* a, T* b, T* ga, T* gb, Vector<T> c, Vector<T> s)
        {
            var (y, z, g, h) = (Vector.Load(a), Vector.Load(b), Vector.Load(ga), Vector.Load(gb));
            Vector.Store(y * c + z * s, a);
            Vector.Store(z * c - y * s, b);
            Vector.Store(g * c + h * s, ga);
            Vector.Store(h * c - g * s, gb);
            return h * y - g * z;
        }
    }
}
