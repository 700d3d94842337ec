using System;
using Expecto.CSharp;

Console.WriteLine(TorchSharp.torch.ones(3).sum().ToSingle());
return Runner.RunTestsWithCLIArgs([], args, Runner.TestList("C#", []));
