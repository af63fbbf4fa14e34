import MeshTypes
import Transformer

/// A sequence as the worker keeps it between steps.
struct InferenceSequence {
  /// Prompt and sampled tokens.
  var tokenIDs: [TokenID]
  /// The physical block of each logical one.
  var blockTable: [BlockID] = []
  let sampling: SamplingParameters
}
