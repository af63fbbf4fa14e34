import JSONText
import MeshTypes

/// `added_tokens`: what is found in text before the model sees it.
struct HuggingFaceAddedTokens {
  private(set) var types: [TokenID: TokenType] = [:]
  private(set) var rules = AddedTokenRules()

  /// Reads the added tokens and puts them among the others.
  init(_ top: JSONField, joining tokens: inout HuggingFaceTokens) throws(MeshError) {
    guard let list = top["added_tokens"] else { return }
    for entry in try list.elements() {
      let field = try entry.member("id")
      let number = try field.integer(in: 0...(TokenizerDescription.maximumTokenCount - 1))
      try tokens.insert(try entry.member("content").string(), id: number, at: field)
      func flag(_ key: String) throws(MeshError) -> Bool { try entry[key]?.boolean() ?? false }
      if try flag("single_word") {
        throw try entry.member("single_word").unsupported("false")
      }
      let id = TokenID(number)
      types[id] = try flag("special") ? .control : .userDefined
      if try flag("lstrip") { rules.swallowingSpaceBefore.insert(id) }
      if try flag("rstrip") { rules.swallowingSpaceBehind.insert(id) }
      if try flag("normalized") { rules.foundAfterNormalizing.insert(id) }
    }
  }
}
