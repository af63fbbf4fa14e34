import MeshTypes

/// The tokens: their texts, what they are for, and the bytes they stand for.
struct Vocabulary: Sendable {
  /// As the model file writes them.
  let texts: [String]
  let types: [TokenType]
  private let isByteLevel: Bool
  private let idsByText: [ExactText: TokenID]
  /// The token of each single byte; nil where the vocabulary has none. In a vocabulary that is not
  /// byte-level those for what is no token.
  let idsByByte: [TokenID?]
  /// All tokens' bytes, one after another; token `id` has `offsets[id]..<offsets[id + 1]`.
  private let bytes: [UInt8]
  private let offsets: [Int]

  var count: Int { texts.count }

  /// - Precondition: `description` is valid.
  /// - Parameter preparation: What tokens that are found in normalised text look like there.
  /// - Throws: `MeshError` `invalidArgument` for an empty, too long or repeated token.
  init(
    _ description: TokenizerDescription,
    _ preparation: TextPreparation
  ) throws(MeshError) {
    texts = description.tokens
    isByteLevel = description.algorithm.isByteLevel
    types =
      description.tokenTypes.isEmpty
      ? Array(repeating: .normal, count: texts.count) : description.tokenTypes
    var idsByText = [ExactText: TokenID](minimumCapacity: texts.count)
    var bytes: [UInt8] = []
    var offsets = [0]
    bytes.reserveCapacity(texts.count * 8)
    offsets.reserveCapacity(texts.count + 1)
    for (id, text) in texts.enumerated() {
      guard (1...TokenizerDescription.maximumTokenLengthBytes).contains(text.utf8.count) else {
        throw .invalid(
          description.keys.tokens,
          "[\(id)] must have 1...\(TokenizerDescription.maximumTokenLengthBytes) bytes,"
            + " has \(text.utf8.count)"
        )
      }
      if let first = idsByText.updateValue(TokenID(id), forKey: ExactText(text)) {
        throw .invalid(description.keys.tokens, "[\(id)] \"\(text)\" repeats [\(first)]")
      }
      if description.addedTokens.foundAfterNormalizing.contains(TokenID(id)) {
        bytes += preparation.normalized(Array(text.utf8).span)
      } else {
        Self.append(text, types[id], description.algorithm, to: &bytes)
      }
      offsets.append(bytes.count)
    }
    self.idsByText = idsByText
    self.bytes = bytes
    self.offsets = offsets
    if description.algorithm.isByteLevel {
      idsByByte = ByteAlphabet.scalars.map { idsByText[ExactText(String(Character($0)))] }
    } else if description.hasByteFallback {
      idsByByte = (0...UInt8.max).map { idsByText[ExactText(ByteToken.text(of: $0))] }
    } else {
      idsByByte = Array(repeating: nil, count: 256)
    }
  }

  /// Appends the bytes that a token stands for.
  private static func append(
    _ text: String,
    _ type: TokenType,
    _ algorithm: TokenizerAlgorithm,
    to bytes: inout [UInt8]
  ) {
    if algorithm.isByteLevel {
      let isSpelled = type == .normal || type == .byte || type == .unused
      if !(isSpelled && ByteAlphabet.appendBytes(spelledBy: text, to: &bytes)) {
        bytes += text.utf8
      }
    } else if type == .byte, let byte = ByteToken.byte(of: text) {
      bytes.append(byte)
    } else {
      SpaceMark.appendReplacingMarks(in: text.utf8, to: &bytes)
    }
  }

  /// The token that the model file writes as `text`, or nil.
  func id(ofToken text: some StringProtocol) -> TokenID? { idsByText[ExactText(text)] }

  /// The bytes that token `id` stands for.
  ///
  /// - Throws: `MeshError` `invalidArgument` for an id that is not in the vocabulary.
  func bytes(of id: TokenID) throws(MeshError) -> ArraySlice<UInt8> {
    guard id < count else { throw .invalid("token_ids", "must be in 0..<\(count), got \(id)") }
    return bytes(ofKnown: id)
  }

  /// The bytes that token `id`, which exists, stands for.
  func bytes(ofKnown id: TokenID) -> ArraySlice<UInt8> {
    bytes[offsets[Int(id)]..<offsets[Int(id) + 1]]
  }

  /// Whether token `id`, which exists, is a piece of text that a model makes of others.
  func isText(_ id: TokenID) -> Bool {
    let type = types[Int(id)]
    return type == .normal || type == .userDefined && !isByteLevel
  }

  /// The type of token `id`.
  ///
  /// - Throws: `MeshError` `invalidArgument` for an id that is not in the vocabulary.
  func type(of id: TokenID) throws(MeshError) -> TokenType {
    guard id < count else { throw .invalid("token_ids", "must be in 0..<\(count), got \(id)") }
    return types[Int(id)]
  }

  /// Whether the bytes of token `id`, which exists, equal `piece`.
  @inline(__always)
  func bytes(of id: TokenID, equal piece: Span<UInt8>) -> Bool {
    let start = offsets[Int(id)]
    guard offsets[Int(id) + 1] - start == piece.count else { return false }
    for index in 0..<piece.count where bytes[start + index] != piece[index] { return false }
    return true
  }
}
