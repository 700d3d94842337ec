#!/usr/bin/env dotnet
#:project ../src/Ortho.Research.Lab/Ortho.Research.Lab.fsproj
#:property PublishAot=false
#:property LangVersion=latest
// The quickstart from C#: a learned orthogonal map, an equivariant layer and a spectral solve, on digits, each with its law measured.
//     dotnet run scripts/quickstart.cs
using System;
using System.Collections.Generic;
using Ortho;
using Ortho.Lab;
using TorchSharp;
using static TorchSharp.torch;

set_num_threads(1);
var digits = Dataset.Digits(1);
var images = digits.Images.narrow(0, 0, 2000); // [2000; 28; 28]
Console.WriteLine($"{digits.Source}\n");

// 1. A learned orthogonal map: 12 reflections whose first 12 columns keep as much of a 14 x 14 digit as 12 numbers can.
var pixels = nn.functional.avg_pool2d(images.unsqueeze(1), 2).flatten(1);
var centred = pixels - pixels.mean([0], keepdim: true);
var coder = new LearnedMap(
    "coder",
    [Parameters.Named("vectors", Parameters.Normal(1, 12, 196))],
    p => Householder.Frame(p[0], 12).Adjoint);
var energy = centred.norm().square();
var lost = Train(300, 0.1, coder.parameters(), () => (energy - coder.forward(centred).norm().square()) / energy);
var variances = linalg.svdvals(centred).square();
var best = (variances.narrow(0, 12, 184).sum() / variances.sum()).item<float>();

// 2. An equivariant layer: from the similarities of a set of 12 digits, how typical each of them is of the set.
var sets = (centred / centred.norm(1, keepdim: true)).narrow(0, 0, 1920).reshape(160, 12, 196);
var similarity = sets.matmul(sets.mT).unsqueeze(-1);  // [160; 12; 12; 1]
var typical = (similarity.sum(2) - 1) / 11;           // [160; 12; 1]: the mean similarity with the others
var layer = new EquivariantLayer(1, Group.Symmetric(12), 2, 1, 1, 1);
var missed = Train(600, 0.03, layer.parameters(), () => nn.functional.mse_loss(layer.forward(similarity), typical) / typical.var());

// 3. A spectral solve: the potential of a digit's ink in a grounded box.
var axis = Poisson.Axis(Boundary.Dirichlet, 28, 1.0 / 29);
var (box, solver) = (Poisson.Laplacian([axis, axis]), Poisson.Solver([axis, axis]));
var potentials = solver.Apply(images);

var frame = coder.Realize().Adjoint;
Console.WriteLine($"{"orthonormal columns",-24}{Law.Isometry(1, frame):E1}  {frame}");
Console.WriteLine($"{"orthogonal projection",-24}{Law.Projection(1, frame * frame.Adjoint):E1}  {frame * frame.Adjoint}");
Console.WriteLine($"{"commutes with S_12",-24}{layer.InputRep.Equivariance(1, 5, layer.OutputRep, layer.Linear):E1}  {layer.Linear}");
Console.WriteLine($"{"undoes the Laplacian",-24}{Law.Inverse(1, solver, box):E1}  {solver}\n");
Console.WriteLine($"digits in 12 numbers: variance lost {lost:F4}, least possible {best:F4}");
Console.WriteLine($"typical of its set: variance missed {missed:F4}");
Console.WriteLine($"potential: relative error of its Laplacian {Law.Distance(box.Apply(potentials), images):E1}");

static float Train(int steps, double rate, IEnumerable<TorchSharp.Modules.Parameter> parameters, Func<Tensor> loss)
{
    using var optimizer = optim.Adam(parameters, rate);
    var last = float.NaN;
    for (var i = 0; i < steps; i++)
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        var value = loss();
        value.backward();
        optimizer.step();
        last = value.item<float>();
    }
    return last;
}
