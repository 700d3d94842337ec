using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Ortho.Native;

/// <summary>
/// What lies between the Fourier transforms of the vorticity equation, one pass each: velocities from the vorticity, products of velocities, and the sum of
/// their spectra with the linear part. Complex numbers are pairs of real ones; of each row of a spectrum the first modes are kept and the others are 0.
/// </summary>
public sealed unsafe class VorticityLoops
{
    readonly int count;
    readonly int rows;
    readonly int columns;
    readonly int half;
    readonly int kept;

    /// <summary>Loops for spectra of one shape.</summary>
    /// <param name="count">Number of spectra, at least 1.</param>
    /// <param name="rows">n0, at least 1.</param>
    /// <param name="columns">n1, at least 1: a spectrum has n1/2 + 1 modes in a row.</param>
    /// <param name="kept">Modes kept in each row, 1 to n1/2 + 1.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public VorticityLoops(int count, int rows, int columns, int kept)
    {
        if (count < 1) throw new ArgumentOutOfRangeException(nameof(count), $"count must be at least 1, but is {count}.");
        if (rows < 1) throw new ArgumentOutOfRangeException(nameof(rows), $"rows must be at least 1, but are {rows}.");
        if (columns < 1) throw new ArgumentOutOfRangeException(nameof(columns), $"columns must be at least 1, but are {columns}.");
        if (kept < 1 || kept > columns / 2 + 1) throw new ArgumentOutOfRangeException(nameof(kept), $"kept must lie between 1 and {columns / 2 + 1}, but is {kept}.");
        (this.count, this.rows, this.columns, half, this.kept) = (count, rows, columns, columns / 2 + 1, kept);
    }

    static void Check(int length, long expected, string name)
    {
        if (length != expected) throw new ArgumentException($"{name} must have {expected} entries, but has {length}.", name);
    }

    /// <summary>velocities[b, a, i, j] = i factors[a, i, j] w[b, i, j].</summary>
    /// <param name="w">Complex, [count; rows; half].</param>
    /// <param name="factors">Real, [2; rows; kept].</param>
    /// <param name="velocities">Complex, [count; 2; rows; kept].</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Velocities<T>(ReadOnlySpan<T> w, ReadOnlySpan<T> factors, Span<T> velocities)
        where T : unmanaged, INumberBase<T>
    {
        Check(w.Length, 2L * count * rows * half, nameof(w));
        Check(factors.Length, 2L * rows * kept, nameof(factors));
        Check(velocities.Length, 4L * count * rows * kept, nameof(velocities));
        fixed (T* input = w, factor = factors, output = velocities)
        {
            for (var row = 0L; row < (long)count * rows; row++)
            {
                long batch = row / rows, place = row % rows;
                var from = input + row * half * 2;
                var first = factor + place * kept;
                var second = first + (long)rows * kept;
                var toFirst = output + (batch * 2 * rows + place) * kept * 2;
                var toSecond = toFirst + (long)rows * kept * 2;
                for (var j = 0; j < kept; j++)
                {
                    T re = from[2 * j], im = from[2 * j + 1], a = first[j], b = second[j];
                    toFirst[2 * j] = -(a * im);
                    toFirst[2 * j + 1] = a * re;
                    toSecond[2 * j] = -(b * im);
                    toSecond[2 * j + 1] = b * re;
                }
            }
        }
    }

    /// <summary>(u, v) becomes (u v, v^2 - u^2), in place.</summary>
    /// <param name="velocities">Real, [count; 2; rows; columns].</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Products<T>(Span<T> velocities)
        where T : unmanaged, INumberBase<T>
    {
        var points = (long)rows * columns;
        Check(velocities.Length, 2 * count * points, nameof(velocities));
        var width = Vector<T>.Count;
        fixed (T* memory = velocities)
        {
            for (var batch = 0; batch < count; batch++)
            {
                var first = memory + batch * 2 * points;
                var second = first + points;
                long i = 0;
                for (; i + width <= points; i += width)
                {
                    var (u, v) = (Vector.Load(first + i), Vector.Load(second + i));
                    (u * v).Store(first + i);
                    ((v - u) * (v + u)).Store(second + i);
                }

                for (; i < points; i++)
                {
                    var (u, v) = (first[i], second[i]);
                    first[i] = u * v;
                    second[i] = (v - u) * (v + u);
                }
            }
        }
    }

    /// <summary>rate[b, i, j] = sum over a of weights[a, i, j] products[b, a, i, j], for kept j, plus linear[i, j] w[b, i, j] where a linear part is given.</summary>
    /// <param name="products">Complex, [count; 2; rows; kept].</param>
    /// <param name="weights">Real, [2; rows; kept].</param>
    /// <param name="w">Complex, [count; rows; half].</param>
    /// <param name="linear">Real, [rows; half]; or empty.</param>
    /// <param name="rate">Complex, [count; rows; half].</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Combine<T>(ReadOnlySpan<T> products, ReadOnlySpan<T> weights, ReadOnlySpan<T> w, ReadOnlySpan<T> linear, Span<T> rate)
        where T : unmanaged, INumberBase<T>
    {
        Check(products.Length, 4L * count * rows * kept, nameof(products));
        Check(weights.Length, 2L * rows * kept, nameof(weights));
        Check(w.Length, 2L * count * rows * half, nameof(w));
        if (linear.Length > 0) Check(linear.Length, (long)rows * half, nameof(linear));
        Check(rate.Length, 2L * count * rows * half, nameof(rate));
        fixed (T* product = products, weight = weights, state = w, damping = linear, output = rate)
        {
            for (var row = 0L; row < (long)count * rows; row++)
            {
                long batch = row / rows, place = row % rows;
                var first = product + (batch * 2 * rows + place) * kept * 2;
                var second = first + (long)rows * kept * 2;
                var ofFirst = weight + place * kept;
                var ofSecond = ofFirst + (long)rows * kept;
                var from = state + row * half * 2;
                var to = output + row * half * 2;
                for (var j = 0; j < kept; j++)
                {
                    T a = ofFirst[j], b = ofSecond[j];
                    to[2 * j] = a * first[2 * j] + b * second[2 * j];
                    to[2 * j + 1] = a * first[2 * j + 1] + b * second[2 * j + 1];
                }

                for (var j = 2 * kept; j < 2 * half; j++) to[j] = T.Zero;
                if (damping is null) continue;
                var factor = damping + place * half;
                for (var j = 0; j < half; j++)
                {
                    to[2 * j] += factor[j] * from[2 * j];
                    to[2 * j + 1] += factor[j] * from[2 * j + 1];
                }
            }
        }
    }
}
