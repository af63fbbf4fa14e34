import JSONText
import MeshTypes

/// The tokens of a `tokenizer.json`, from its model and its added tokens.
struct HuggingFaceTokens {
  private var idsByText: [ExactText: TokenID] = [:]
  private var textsByID: [TokenID: String] = [:]
  private var end: TokenID = 0

  /// Adds a token.
  ///
  /// - Parameter field: The place that names the id, for errors.
  mutating func insert(_ text: String, id: Int, at field: JSONField) throws(MeshError) {
    guard 0..<TokenizerDescription.maximumTokenCount ~= id else {
      throw field.corrupted("must be in 0..<\(TokenizerDescription.maximumTokenCount), is \(id)")
    }
    let id = TokenID(id)
    if let other = textsByID.updateValue(text, forKey: id),
      !other.utf8.elementsEqual(text.utf8)
    {
      throw field.corrupted("is \(id), which is the id of \(other.debugDescription) too")
    }
    if let other = idsByText.updateValue(id, forKey: ExactText(text)), other != id {
      throw field.corrupted("\(text.debugDescription) has the ids \(other) and \(id)")
    }
    end = max(end, id + 1)
  }

  /// The token that is written `text`, or nil.
  func id(of text: String) -> TokenID? { idsByText[ExactText(text)] }

  /// All tokens in id order, with what they are for; ids that no token has become unused tokens.
  func arranged(
    _ added: HuggingFaceAddedTokens,
    unknown: TokenID?,
    hasByteTokens: Bool
  ) throws(MeshError) -> (texts: [String], types: [TokenType]) {
    var texts: [String] = []
    var types: [TokenType] = []
    texts.reserveCapacity(Int(end))
    types.reserveCapacity(Int(end))
    for id in 0..<end {
      guard let text = textsByID[id] else {
        texts.append("[no token \(id)]")
        types.append(.unused)
        continue
      }
      texts.append(text)
      if let type = added.types[id] {
        types.append(type)
      } else if id == unknown {
        types.append(.unknown)
      } else if hasByteTokens && ByteToken.byte(of: text) != nil {
        types.append(.byte)
      } else {
        types.append(.normal)
      }
    }
    return (texts, types)
  }
}
