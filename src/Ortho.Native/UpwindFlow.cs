using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ortho.Native;

/// <summary>
/// The explicit part of one step of a stratified flow on a grid of nodes, and its correction by the pressure: first-order upwind advection, central diffusion,
/// buoyancy, divergence. Fields are [rows; columns], row-major, u along the columns, w along the rows; nodes on the border are kept.
/// </summary>
/// <remarks>Each field is advected with those that were advected before it: u, then w with the new u, then the density with both.</remarks>
public sealed class UpwindFlow
{
    readonly int rows, columns;
    readonly double advectionX, advectionZ, diffusionX, diffusionZ, buoyancy, slopeX, slopeZ;

    /// <summary>The numbers of a step.</summary>
    /// <param name="rows">Nodes along z, at least 3.</param>
    /// <param name="columns">Nodes along x, at least 3.</param>
    /// <param name="dx">Distance of columns.</param>
    /// <param name="dz">Distance of rows.</param>
    /// <param name="dt">The time step.</param>
    /// <param name="viscosity">Of velocity and density.</param>
    /// <param name="gravity">Downward acceleration of a density of 2.</param>
    /// <exception cref="ArgumentException">Fewer than 3 rows or columns.</exception>
    public UpwindFlow(int rows, int columns, double dx, double dz, double dt, double viscosity, double gravity)
    {
        if (rows < 3) throw new ArgumentOutOfRangeException(nameof(rows), $"rows must be at least 3, but are {rows}.");
        if (columns < 3) throw new ArgumentOutOfRangeException(nameof(columns), $"columns must be at least 3, but are {columns}.");
        (this.rows, this.columns) = (rows, columns);
        (advectionX, advectionZ) = (dt / dx, dt / dz);
        (diffusionX, diffusionZ) = (viscosity * dt / (dx * dx), viscosity * dt / (dz * dz));
        (buoyancy, slopeX, slopeZ) = (dt * gravity, 0.5 / dx, 0.5 / dz);
    }

    int Size => rows * columns;

    /// <summary>Advection, diffusion and buoyancy, and the divergence of what they give.</summary>
    /// <param name="state">u, w and density, one field after the other.</param>
    /// <param name="next">As state.</param>
    /// <param name="scratch">As state.</param>
    /// <param name="divergence">[rows - 2; columns - 2], of the inner nodes.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Predict<T>(ReadOnlySpan<T> state, Span<T> next, Span<T> scratch, Span<T> divergence)
        where T : unmanaged, INumber<T>
    {
        Check(state.Length, 3 * Size, nameof(state));
        Check(next.Length, 3 * Size, nameof(next));
        Check(scratch.Length, 3 * Size, nameof(scratch));
        Check(divergence.Length, (rows - 2) * (columns - 2), nameof(divergence));
        ReadOnlySpan<T> u = state[..Size], w = state[Size..(2 * Size)], density = state[(2 * Size)..];
        Span<T> u1 = scratch[..Size], w1 = scratch[Size..(2 * Size)], density1 = scratch[(2 * Size)..];
        Advect(u, u, w, u1);
        Advect(w, u1, w, w1);
        Advect(density, u1, w1, density1);
        Span<T> u2 = next[..Size], w2 = next[Size..(2 * Size)], density2 = next[(2 * Size)..];
        Diffuse(u1, u2);
        Diffuse(w1, w2);
        Diffuse(density1, density2);
        Sink(density2, w2);
        Diverge(u2, w2, divergence);
    }

    /// <summary>Takes from u and w the gradient of a pressure that is 0 on the border, then sets the borders: no velocity at the rows' ends, the first column as the last.</summary>
    /// <param name="next">u, w and density, changed.</param>
    /// <param name="pressure">[rows - 2; columns - 2], times the time step.</param>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Correct<T>(Span<T> next, ReadOnlySpan<T> pressure)
        where T : unmanaged, INumber<T>
    {
        Check(next.Length, 3 * Size, nameof(next));
        Check(pressure.Length, (rows - 2) * (columns - 2), nameof(pressure));
        Slope(next[..Size], next[Size..(2 * Size)], pressure);
        for (var field = 0; field < 3; field++)
        {
            var values = next.Slice(field * Size, Size);
            if (field < 2)
            {
                values[..columns].Clear();
                values[^columns..].Clear();
            }

            for (var row = 0; row < rows; row++) values[row * columns] = values[row * columns + columns - 1];
        }
    }

    static void Check(int length, int expected, string name)
    {
        if (length != expected) throw new ArgumentException($"{name} must have {expected} entries, but has {length}.", name);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Advect<T>(ReadOnlySpan<T> q, ReadOnlySpan<T> u, ReadOnlySpan<T> w, Span<T> y)
        where T : unmanaged, INumber<T>
    {
        Border(q, y);
        T cx = T.CreateChecked(advectionX), cz = T.CreateChecked(advectionZ);
        Vector<T> vx = new(cx), vz = new(cz), zero = Vector<T>.Zero;
        for (var row = 1; row < rows - 1; row++)
        {
            var at = row * columns + 1;
            var end = at + columns - 2;
            for (; at + Vector<T>.Count <= end; at += Vector<T>.Count)
            {
                Vector<T> c = Load(q, at), west = c - Load(q, at - 1), east = Load(q, at + 1) - c, south = c - Load(q, at - columns), north = Load(q, at + columns) - c;
                Vector<T> a = Load(u, at), b = Load(w, at);
                var x = Vector.Max(a, zero) * west + Vector.Min(a, zero) * east;
                var z = Vector.Max(b, zero) * south + Vector.Min(b, zero) * north;
                (c - (vx * x + vz * z)).StoreUnsafe(ref y[at]);
            }

            for (; at < end; at++)
            {
                var c = q[at];
                var x = T.Max(u[at], T.Zero) * (c - q[at - 1]) + T.Min(u[at], T.Zero) * (q[at + 1] - c);
                var z = T.Max(w[at], T.Zero) * (c - q[at - columns]) + T.Min(w[at], T.Zero) * (q[at + columns] - c);
                y[at] = c - (cx * x + cz * z);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Diffuse<T>(ReadOnlySpan<T> q, Span<T> y)
        where T : unmanaged, INumber<T>
    {
        Border(q, y);
        T cx = T.CreateChecked(diffusionX), cz = T.CreateChecked(diffusionZ), rest = T.CreateChecked(1.0 - 2.0 * (diffusionX + diffusionZ));
        Vector<T> vx = new(cx), vz = new(cz), vr = new(rest);
        for (var row = 1; row < rows - 1; row++)
        {
            var at = row * columns + 1;
            var end = at + columns - 2;
            for (; at + Vector<T>.Count <= end; at += Vector<T>.Count)
            {
                var x = vx * (Load(q, at - 1) + Load(q, at + 1));
                var z = vz * (Load(q, at - columns) + Load(q, at + columns));
                (vr * Load(q, at) + (x + z)).StoreUnsafe(ref y[at]);
            }

            for (; at < end; at++) y[at] = rest * q[at] + (cx * (q[at - 1] + q[at + 1]) + cz * (q[at - columns] + q[at + columns]));
        }
    }

    /// <summary>Buoyancy: w loses what density there is above 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Sink<T>(ReadOnlySpan<T> density, Span<T> w)
        where T : unmanaged, INumber<T>
    {
        var factor = T.CreateChecked(buoyancy);
        for (var row = 1; row < rows - 1; row++)
            for (var at = row * columns + 1; at < (row + 1) * columns - 1; at++)
                w[at] -= factor * (density[at] - T.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Diverge<T>(ReadOnlySpan<T> u, ReadOnlySpan<T> w, Span<T> y)
        where T : unmanaged, INumber<T>
    {
        T cx = T.CreateChecked(slopeX), cz = T.CreateChecked(slopeZ);
        var target = 0;
        for (var row = 1; row < rows - 1; row++)
            for (var at = row * columns + 1; at < (row + 1) * columns - 1; at++, target++)
                y[target] = cx * (u[at + 1] - u[at - 1]) + cz * (w[at + columns] - w[at - columns]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Slope<T>(Span<T> u, Span<T> w, ReadOnlySpan<T> pressure)
        where T : unmanaged, INumber<T>
    {
        T cx = T.CreateChecked(slopeX), cz = T.CreateChecked(slopeZ);
        var width = columns - 2;
        for (var row = 0; row < rows - 2; row++)
            for (var column = 0; column < width; column++)
            {
                int from = row * width + column, at = (row + 1) * columns + column + 1;
                T west = column > 0 ? pressure[from - 1] : T.Zero, east = column < width - 1 ? pressure[from + 1] : T.Zero;
                T south = row > 0 ? pressure[from - width] : T.Zero, north = row < rows - 3 ? pressure[from + width] : T.Zero;
                u[at] -= cx * (east - west);
                w[at] -= cz * (north - south);
            }
    }

    /// <summary>The nodes on the border, copied.</summary>
    void Border<T>(ReadOnlySpan<T> q, Span<T> y)
    {
        q[..columns].CopyTo(y);
        q[^columns..].CopyTo(y[^columns..]);
        for (var at = columns; at < q.Length; at += columns) (y[at], y[at + columns - 1]) = (q[at], q[at + columns - 1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector<T> Load<T>(ReadOnlySpan<T> q, int at)
        where T : unmanaged => Vector.LoadUnsafe(ref MemoryMarshal.GetReference(q), (nuint)at);
}
