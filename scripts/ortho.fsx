// What every script loads first: the library, TorchSharp with its native libraries, one thread.
// Needs the Release build: dotnet build -c Release

// By path and without #I: with a folder to search, F# Interactive would read Plotly.NET and Deedle at every start (0.5 s more).
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/TorchSharp.dll" // not found? Build first: dotnet build -c Release
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/Ortho.Native.dll"
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/Ortho.Research.dll"
#r "../src/Ortho.Research.Lab/bin/Release/net10.0/Ortho.Research.Lab.dll"

Ortho.Native.NativeLoad.Ensure()
// Small tensors: many times faster with one thread on a busy machine.
TorchSharp.torch.set_num_threads 1
// A concurrent collection may finalise a Scalar that TorchSharp is still reading.
System.Runtime.GCSettings.LatencyMode <- System.Runtime.GCLatencyMode.Batch
