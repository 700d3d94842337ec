namespace Ortho.Lab

/// Stub.
type Stub = { A: int }
