using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace Ortho.Native;

/// <summary>
/// The sum of several tensors of one shape, each with strides of its own: y[i, c] = sum over t of x_t[i . strides_t + c], in one pass over y. Transposed and
/// broadcast tensors (stride 0) are read where they lie; the last axis, of channels, is dense.
/// </summary>
/// <remarks>The terms' memory must not move and must outlive the sum: it is native. Each is checked when it is added: nothing outside is read.</remarks>
public sealed unsafe class StridedSum
{
    /// <summary>Fewer additions than this are not worth a second thread.</summary>
    const long SmallWork = 1 << 17;

    readonly long[] sizes;
    readonly int channels;
    readonly int entrySize;
    readonly nint[] terms;
    readonly long[] strides;
    int count;

    /// <summary>An empty sum.</summary>
    /// <param name="sizes">Sizes of the axes before the channels, at least one, each at least 1.</param>
    /// <param name="channels">Size of the last axis, at least 1.</param>
    /// <param name="entrySize">Bytes of an entry: 4 for float, 8 for double.</param>
    /// <param name="terms">How many terms will be added, at least 1.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public StridedSum(ReadOnlySpan<long> sizes, int channels, int entrySize, int terms)
    {
        if (sizes.Length == 0) throw new ArgumentException("sizes must be one or more, but are none.", nameof(sizes));
        foreach (var size in sizes)
            if (size < 1) throw new ArgumentOutOfRangeException(nameof(sizes), $"sizes must each be at least 1, but one is {size}.");
        if (channels < 1) throw new ArgumentOutOfRangeException(nameof(channels), $"channels must be at least 1, but are {channels}.");
        if (entrySize is not (4 or 8)) throw new ArgumentOutOfRangeException(nameof(entrySize), $"entrySize must be 4 or 8, but is {entrySize}.");
        if (terms < 1) throw new ArgumentOutOfRangeException(nameof(terms), $"terms must be at least 1, but are {terms}.");
        (this.sizes, this.channels, this.entrySize) = (sizes.ToArray(), channels, entrySize);
        (this.terms, strides) = (new nint[terms], new long[terms * sizes.Length]);
    }

    /// <summary>Adds a term.</summary>
    /// <param name="memory">Native memory from its first entry: what it may read.</param>
    /// <param name="strides">Its step for each axis but the channels, in entries, at least 0.</param>
    /// <typeparam name="T">float or double, of the entry size.</typeparam>
    /// <exception cref="ArgumentException">It would be read outside its memory, or there are enough terms.</exception>
    public void Add<T>(ReadOnlySpan<T> memory, ReadOnlySpan<long> strides)
        where T : unmanaged
    {
        if (sizeof(T) != entrySize) throw new ArgumentException($"memory must have entries of {entrySize} bytes, but has {typeof(T)}.", nameof(memory));
        if (count == terms.Length) throw new ArgumentException($"memory must be one of {count} terms, which have been added.", nameof(memory));
        if (strides.Length != sizes.Length) throw new ArgumentException($"strides must be {sizes.Length}, but are {strides.Length}.", nameof(strides));
        var end = (long)channels;
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            if (strides[axis] < 0) throw new ArgumentOutOfRangeException(nameof(strides), $"strides must each be at least 0, but one is {strides[axis]}.");
            end = checked(end + (sizes[axis] - 1) * strides[axis]);
        }

        if (end > memory.Length) throw new ArgumentException($"memory must have at least {end} entries for these strides, but has {memory.Length}.", nameof(memory));
        terms[count] = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(memory));
        strides.CopyTo(this.strides.AsSpan(count * sizes.Length));
        count++;
    }

    /// <summary>Writes the sum of the terms that were added.</summary>
    /// <param name="y">Row-major, the channels last; may not overlap a term.</param>
    /// <param name="threads">The most threads to use; the numbers do not depend on it.</param>
    /// <typeparam name="T">float or double, of the entry size.</typeparam>
    /// <exception cref="ArgumentException">y has another length, or no term was added.</exception>
    public void Write<T>(Span<T> y, int threads)
        where T : unmanaged, INumberBase<T>
    {
        if (sizeof(T) != entrySize || !Vector<T>.IsSupported) throw new ArgumentException($"y must have entries of {entrySize} bytes, but has {typeof(T)}.", nameof(y));
        if (count < 1) throw new ArgumentException("y must be a sum of one term or more, but none was added.", nameof(y));
        var last = sizes.Length - 1;
        var inner = sizes[last];
        long outer = 1;
        for (var axis = 0; axis < last; axis++) outer = checked(outer * sizes[axis]);
        var length = checked(outer * inner * channels);
        if (y.Length != length) throw new ArgumentException($"y must have {length} entries, but has {y.Length}.", nameof(y));
        fixed (T* entries = y)
        {
            var target = (nint)entries;
            var parts = outer * inner * channels * count < SmallWork ? 1 : (int)Math.Clamp(threads, 1, Math.Min(outer, Environment.ProcessorCount));
            if (parts == 1) Rows((T*)target, 0, outer);
            else Parallel.For(0, parts, part => Rows((T*)target, outer * part / parts, outer * (part + 1) / parts));
        }
    }

    /// <summary>Some positions of the axes before the last, each with the whole last axis.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // at once: a layer may run a dozen times only
    void Rows<T>(T* target, long start, long end)
        where T : unmanaged, INumberBase<T>
    {
        var last = sizes.Length - 1;
        var at = stackalloc T*[count];
        var steps = stackalloc long[count];
        for (var t = 0; t < count; t++) steps[t] = strides[t * sizes.Length + last];
        for (var row = start; row < end; row++)
        {
            for (var t = 0; t < count; t++)
            {
                long offset = 0, rest = row;
                for (var axis = last - 1; axis >= 0; axis--)
                {
                    offset += rest % sizes[axis] * strides[t * sizes.Length + axis];
                    rest /= sizes[axis];
                }

                at[t] = (T*)terms[t] + offset;
            }

            Line(target + row * sizes[last] * channels, sizes[last], at, steps);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Line<T>(T* target, long positions, T** at, long* steps)
        where T : unmanaged, INumberBase<T>
    {
        var width = Vector<T>.Count;
        for (long position = 0; position < positions; position++, target += channels)
        {
            var channel = 0;
            for (; channel + width <= channels; channel += width)
            {
                var sum = Vector.Load(at[0] + position * steps[0] + channel);
                for (var t = 1; t < count; t++) sum += Vector.Load(at[t] + position * steps[t] + channel);
                sum.Store(target + channel);
            }

            for (; channel < channels; channel++)
            {
                var sum = at[0][position * steps[0] + channel];
                for (var t = 1; t < count; t++) sum += at[t][position * steps[t] + channel];
                target[channel] = sum;
            }
        }
    }
}
