import MeshProtos
import MeshTypes

/// A piece of a stream on its way to the client.
struct GenerationPart: Sendable {
  /// Text that became complete.
  var text: String
  /// The tokens that arrived with it.
  var tokenIDs: [TokenID]
  /// Set in the last part.
  var finish: Weft_Gateway_V1_Finish?
}
