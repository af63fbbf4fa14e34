import JSONText
import MeshTypes

extension JSONField {
  /// The parts of a normalizer, pre-tokenizer, decoder or post-processor: its own, or those of the
  /// `Sequence` that it is, however nested.
  ///
  /// - Parameter list: What a sequence calls its parts.
  func steps(_ list: String) throws(MeshError) -> [JSONField] {
    guard try type() == "Sequence" else { return [self] }
    var steps: [JSONField] = []
    for part in try member(list).elements() { steps += try part.steps(list) }
    return steps
  }

  /// The `type` of a part.
  func type() throws(MeshError) -> String { try member("type").string() }

  /// Whether this part replaces this text by that everywhere.
  func replaces(_ text: String, by other: String) throws(MeshError) -> Bool {
    guard let pattern = self["pattern"]?["String"], let content = self["content"] else {
      return false
    }
    return try pattern.string() == text ? try content.string() == other : false
  }
}
