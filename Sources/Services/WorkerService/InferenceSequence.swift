import MeshTypes
import Transformer

/// A sequence as the worker keeps it between steps.
struct InferenceSequence {
  /// Prompt and sampled tokens.
  var tokenIDs: [TokenID]
  /// The physical block of each logical one.
  var blockTable: [BlockID] = []
  let sampling: SamplingParameters
  /// How many of the tokens are the prompt.
  var promptCount = 0
  /// Tokens that end it, for `sampling.minTokens`.
  var stopTokenIDs: [TokenID] = []
  /// Its grammar and where it is there; nil for any text.
  var structure: SequenceStructure?
}
