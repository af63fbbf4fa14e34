import MeshTypes
import Transformer

/// A sequence as the worker keeps it between steps.
struct InferenceSequence {
  /// Prompt and sampled tokens; during a step the guesses that it computes too.
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
  /// How many guesses it is worth.
  var draftPace = DraftPace()

  /// - Parameters:
  ///   - tokenLimit: The most tokens that it will have: room for them is taken now, not by steps.
  ///   - blockLimit: The most blocks.
  init(tokenIDs: [TokenID], sampling: SamplingParameters, tokenLimit: Int, blockLimit: Int) {
    self.tokenIDs = tokenIDs
    self.sampling = sampling
    self.tokenIDs.reserveCapacity(tokenLimit)
    blockTable.reserveCapacity(blockLimit)
  }
}
