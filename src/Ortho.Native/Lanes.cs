using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Native;

/// <summary>Vectors of four doubles or eight floats: their entries reversed, parted into even and odd places, and put back.</summary>
internal static class Lanes
{
    /// <summary>Whether vectors are worth it here; where not, loops run entry by entry.</summary>
    public static bool Pay => Vector256.IsHardwareAccelerated;

    /// <summary>Where the next vector of a loop over all places below the end begins: the last one reaches back rather than leave a rest.</summary>
    /// <remarks>For loops that write elsewhere than they read, as long as one vector fits.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Next(int place, int width, int end)
    {
        var next = place + width;
        return next < end && next + width > end ? end - width : next;
    }

    /// <summary>The entries from the last to the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Reverse<T>(Vector256<T> v)
        where T : unmanaged =>
        typeof(T) == typeof(float)
            ? Vector256.Shuffle(v.AsSingle(), Vector256.Create(7, 6, 5, 4, 3, 2, 1, 0)).As<float, T>()
            : Vector256.Shuffle(v.AsDouble(), Vector256.Create(3, 2, 1, 0)).As<double, T>();

    /// <summary>Neighbours exchanged: a1, a0, a3, a2, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Swap<T>(Vector256<T> v)
        where T : unmanaged =>
        typeof(T) == typeof(float)
            ? Vector256.Shuffle(v.AsSingle(), Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)).As<float, T>()
            : Vector256.Shuffle(v.AsDouble(), Vector256.Create(1, 0, 3, 2)).As<double, T>();

    /// <summary>a at even places, b at odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Alternate<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged =>
        typeof(T) == typeof(float)
            ? Vector256.ConditionalSelect(Vector256.Create(-1, 0, -1, 0, -1, 0, -1, 0).AsSingle(), a.AsSingle(), b.AsSingle()).As<float, T>()
            : Vector256.ConditionalSelect(Vector256.Create(-1L, 0, -1, 0).AsDouble(), a.AsDouble(), b.AsDouble()).As<double, T>();

    /// <summary>The even places of a and then of b, and the odd ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<T> Even, Vector256<T> Odd) Part<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            var (x, y) = (a.AsSingle(), b.AsSingle());
            if (Avx512F.VL.IsSupported)
                return (Avx512F.VL.PermuteVar8x32x2(x, Vector256.Create(0, 2, 4, 6, 8, 10, 12, 14), y).As<float, T>(),
                        Avx512F.VL.PermuteVar8x32x2(x, Vector256.Create(1, 3, 5, 7, 9, 11, 13, 15), y).As<float, T>());
            var front = Vector256.Shuffle(x, Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7));
            var back = Vector256.Shuffle(y, Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7));
            return (Vector256.Create(front.GetLower(), back.GetLower()).As<float, T>(), Vector256.Create(front.GetUpper(), back.GetUpper()).As<float, T>());
        }
        else
        {
            var (x, y) = (a.AsDouble(), b.AsDouble());
            if (Avx512F.VL.IsSupported)
                return (Avx512F.VL.PermuteVar4x64x2(x, Vector256.Create(0L, 2, 4, 6), y).As<double, T>(), Avx512F.VL.PermuteVar4x64x2(x, Vector256.Create(1L, 3, 5, 7), y).As<double, T>());
            var front = Vector256.Shuffle(x, Vector256.Create(0, 2, 1, 3));
            var back = Vector256.Shuffle(y, Vector256.Create(0, 2, 1, 3));
            return (Vector256.Create(front.GetLower(), back.GetLower()).As<double, T>(), Vector256.Create(front.GetUpper(), back.GetUpper()).As<double, T>());
        }
    }

    /// <summary>a0, b0, a1, b1, ...: the inverse of parting.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<T> Front, Vector256<T> Back) Weave<T>(Vector256<T> a, Vector256<T> b)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            var (x, y) = (a.AsSingle(), b.AsSingle());
            if (Avx512F.VL.IsSupported)
                return (Avx512F.VL.PermuteVar8x32x2(x, Vector256.Create(0, 8, 1, 9, 2, 10, 3, 11), y).As<float, T>(),
                        Avx512F.VL.PermuteVar8x32x2(x, Vector256.Create(4, 12, 5, 13, 6, 14, 7, 15), y).As<float, T>());
            return (Vector256.Shuffle(Vector256.Create(x.GetLower(), y.GetLower()), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).As<float, T>(),
                    Vector256.Shuffle(Vector256.Create(x.GetUpper(), y.GetUpper()), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).As<float, T>());
        }
        else
        {
            var (x, y) = (a.AsDouble(), b.AsDouble());
            if (Avx512F.VL.IsSupported)
                return (Avx512F.VL.PermuteVar4x64x2(x, Vector256.Create(0L, 4, 1, 5), y).As<double, T>(), Avx512F.VL.PermuteVar4x64x2(x, Vector256.Create(2L, 6, 3, 7), y).As<double, T>());
            return (Vector256.Shuffle(Vector256.Create(x.GetLower(), y.GetLower()), Vector256.Create(0, 2, 1, 3)).As<double, T>(),
                    Vector256.Shuffle(Vector256.Create(x.GetUpper(), y.GetUpper()), Vector256.Create(0, 2, 1, 3)).As<double, T>());
        }
    }
}
