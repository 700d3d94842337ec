using Expecto.CSharp;

return Runner.RunTestsWithCLIArgs([], args, Runner.TestList("C#", []));
