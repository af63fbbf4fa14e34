import MeshProtos
import MeshTypes
import SwiftProtobuf
import Tokenization

/// The state of one Decode call: tokens in, whole characters out, up to a stop string.
struct DecodeStream {
  private var decoder: IncrementalDecoder
  private var matcher: StopStringMatcher

  /// The most ids in one message.
  private static let maximumTokens = 1 << 16

  /// Opens a stream.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the option at fault.
  init(_ options: Weft_Tokenizer_V1_DecodeOptions, tokenizer: Tokenizer) throws(MeshError) {
    decoder = IncrementalDecoder(
      tokenizer: tokenizer,
      skipsSpecialTokens: !options.includeSpecialTokens,
      // What is decoded as it comes continues a prompt.
      continuesText: true
    )
    matcher = try StopStringMatcher(stopStrings: options.stop)
  }

  /// Decodes one message's tokens.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming `token_ids` for an id beyond the vocabulary.
  mutating func append(
    _ tokenIDs: [TokenID]
  ) throws(MeshError) -> Weft_Tokenizer_V1_DecodeResponse {
    guard tokenIDs.count <= Self.maximumTokens else {
      throw .invalid("tokens.ids", "must have at most \(Self.maximumTokens) entries")
    }
    var text = ""
    for tokenID in tokenIDs { text += try decoder.append(tokenID) }
    return response(text, tokenIDs: tokenIDs)
  }

  /// Gives what was held back.
  mutating func finish() -> Weft_Tokenizer_V1_DecodeResponse {
    var last = response(decoder.finish(), tokenIDs: [])
    if !last.hasMatchedStop { last.text += matcher.finish() }
    return last
  }

  private mutating func response(
    _ text: String,
    tokenIDs: [TokenID]
  ) -> Weft_Tokenizer_V1_DecodeResponse {
    let (text, matched) = matcher.append(text)
    return .with {
      $0.text = text
      $0.tokenIds = tokenIDs
      if let matched { $0.matchedStop = matched }
    }
  }
}
