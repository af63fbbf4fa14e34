import MeshTypes

/// What stands for a character that is no token: the tokens of its bytes, or the unknown token.
struct CharacterFallback: Sendable {
  private let idsByByte: [TokenID?]
  private let unknown: TokenID?
  private let fuses: Bool

  init(_ description: TokenizerDescription, _ vocabulary: Vocabulary) {
    idsByByte = vocabulary.idsByByte
    unknown = description.unknown
    fuses = description.fusesUnknown
  }

  /// Appends what stands for a character.
  ///
  /// - Parameter isAfterUnknown: Whether the character before it became the unknown token too.
  /// - Returns: Whether this one did. Without bytes and unknown token it is left out.
  func append(
    _ scalar: Unicode.Scalar,
    isAfterUnknown: Bool,
    to ids: inout [TokenID]
  ) -> Bool {
    let start = ids.count
    for byte in UTF8.encode(scalar)! {
      guard let id = idsByByte[Int(byte)] else {
        ids.removeSubrange(start...)
        guard let unknown else { return false }
        if !(fuses && isAfterUnknown) { ids.append(unknown) }
        return true
      }
      ids.append(id)
    }
    return false
  }
}
