namespace Ortho

/// Stub.
type Stub = { A: int }
