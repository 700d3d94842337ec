using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ortho.Native;

/// <summary>The orthonormal discrete Hartley transform after a real FFT of the same length: H_k = (Re X_k - Im X_k)/sqrt n, H_(n-k) = (Re X_k + Im X_k)/sqrt n.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed unsafe class HartleyPasses<T> : RowPasses<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly T size;

    /// <summary>The passes of rows of n entries, n at least 1.</summary>
    public HartleyPasses(int n)
        : base(n, n, 2 * (n / 2 + 1), 0, 0, 0) => size = T.CreateTruncating(Math.Sqrt(1.0 / n));

    private protected override void BeforeRow(T* x, T* first, T* second, T* scratch) => new ReadOnlySpan<T>(x, Size).CopyTo(new Span<T>(first, Size));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected override void AfterRow(T* first, T* second, T* y)
    {
        var (n, k, width) = (Size, 1, Vector256<T>.Count);
        y[0] = size * first[0];
        if (Lanes.Pay)
        {
            var (sizes, end) = (Vector256.Create(size), (n + 1) / 2);
            for (; k + width <= end; k = Lanes.Next(k, width, end))
            {
                var (real, imaginary) = Lanes.Part(Vector256.Load(first + 2 * k), Vector256.Load(first + 2 * k + width));
                ((real - imaginary) * sizes).Store(y + k);
                Lanes.Reverse((real + imaginary) * sizes).Store(y + n - k - width + 1);
            }
        }

        for (; 2 * k < n; k++) (y[k], y[n - k]) = (size * (first[2 * k] - first[2 * k + 1]), size * (first[2 * k] + first[2 * k + 1]));
        if (2 * k == n) y[k] = size * first[n];
    }
}
