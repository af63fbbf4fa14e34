import MeshProtos
import MeshTypes

/// A piece of a stream on its way to the client.
struct GenerationPart: Sendable {
  /// Which of the request's outputs it is a part of.
  var index = 0
  /// Text that became complete.
  var text: String
  /// The tokens that arrived with it.
  var tokenIDs: [TokenID] = []
  /// How likely they were, if that was asked for.
  var logprobs: [Weft_Types_V1_TokenLogprobs] = []
  /// Set in the output's last part.
  var finish: Weft_Gateway_V1_Finish?
}
