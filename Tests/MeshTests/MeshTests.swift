import Testing

/// The whole mesh: real processes, real model. One mesh at a time, since each uses every core.
@Suite(.serialized)
struct MeshTests {}
