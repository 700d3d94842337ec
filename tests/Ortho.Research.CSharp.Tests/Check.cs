using System;
using Expecto;
using Expecto.CSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace Ortho.Research.CSharp.Tests;

/// <summary>What the tests of this project say often.</summary>
internal static class Check
{
    /// <summary>A test inside a dispose scope.</summary>
    public static Test Case(string name, Action body) => Runner.TestCase(name, () =>
    {
        using var scope = NewDisposeScope();
        body();
    });

    public static Tensor Draw(int seed, params long[] shape) => Seed.Normal(seed, TensorKind.Float64, shape);

    /// <summary>Expects a residual of rounding size in float64.</summary>
    public static void Small(double residual, string what) =>
        That(residual <= 1e-12, $"{what}: {residual:E2} is more than rounding.");

    public static void Equal<T>(T expected, T actual, string what) =>
        That(Equals(expected, actual), $"{what}: expected {expected}, got {actual}.");

    public static void That(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidOperationException(otherwise);
    }

    /// <summary>Expects a refusal that names the argument.</summary>
    public static void Refused<TException>(string argument, Action body) where TException : ArgumentException =>
        Equal(argument, Raised<TException>(body).ParamName, "the refused argument");

    /// <summary>The exception that the body ends with.</summary>
    public static TException Raised<TException>(Action body) where TException : Exception
    {
        try
        {
            body();
        }
        catch (TException error)
        {
            return error;
        }

        throw new InvalidOperationException($"{typeof(TException).Name} was expected, and nothing happened.");
    }
}
