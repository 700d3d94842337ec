namespace Ortho.Native;

/// <summary>The native libraries that TorchSharp runs on in this process.</summary>
/// <param name="Folder">Where libtorch came from; empty on systems where TorchSharp loads the libraries of its packages by itself.</param>
/// <param name="LibtorchVersion">The release of libtorch, such as 2.10.0+cu128; what follows the plus is known only where a file beside the library tells.</param>
/// <param name="BridgeVersion">The release of libtorch that TorchSharp's bridge was built for; the two agree up to the plus.</param>
/// <param name="Cuda">Whether libtorch's CUDA part is loaded. Whether there is a GPU to use is for torch.cuda.is_available() to say.</param>
/// <param name="PatchedBridge">Whether the system's libstdc++ is older than the bridge's, so that a copy with one optional symbol is in use.</param>
public sealed record TorchLibraries(string Folder, string LibtorchVersion, string BridgeVersion, bool Cuda, bool PatchedBridge);
