package import JSONText
package import MeshTypes

extension TokenizerDescription {
  /// What a `tokenizer.json` and the files beside it may cost to read.
  package static let jsonLimits = JSONLimits(byteCount: 128 << 20, depth: 32)

  /// Reads the `tokenizer.json` of Hugging Face's `tokenizers`.
  ///
  /// Read are models of type BPE, byte-level (with the pre-tokenizers of ``PreTokenizer``) or over
  /// characters with `▁` for spaces, and Unigram of the latter kind.
  ///
  /// - Parameters:
  ///   - tokenizer: The contents of `tokenizer.json`.
  ///   - configuration: Those of `tokenizer_config.json`, which names the special tokens.
  /// - Throws: ``MeshError`` `unimplemented` for a part that Weft does not do, `corrupted` or
  ///   `notFound` for one that is wrong or missing. The field is the path of the key.
  package init(
    huggingFace tokenizer: JSONValue,
    configuration: JSONValue? = nil
  ) throws(MeshError) {
    let top = JSONField(tokenizer)
    let model = try HuggingFaceModel(try top.member("model"))
    let cutting = try HuggingFaceCutting(top)
    let decoder = try HuggingFaceDecoder(top, isByteLevel: cutting.isByteLevel)
    var tokens = model.tokens
    let added = try HuggingFaceAddedTokens(top, joining: &tokens)
    let (texts, types) = try tokens.arranged(
      added,
      unknown: model.unknown,
      hasByteTokens: !cutting.isByteLevel && (model.hasByteFallback || decoder.hasByteTokens)
    )
    self.init(
      tokens: texts,
      tokenTypes: types,
      merges: model.merges,
      preTokenizer: cutting.preTokenizer.rawValue
    )
    keys = .huggingFace
    algorithm =
      model.isUnigram ? .unigram : cutting.isByteLevel ? .bytePairs : .characterPairs
    if model.isUnigram {
      guard !cutting.isByteLevel else {
        throw try top.member("pre_tokenizer").unsupported("Metaspace or null for a Unigram model")
      }
      scores = model.scores + Array(repeating: 0, count: texts.count - model.scores.count)
    }
    text = cutting.text
    text.dropsLeadingSpace = decoder.dropsLeadingSpace
    addedTokens = added.rules
    unknown = model.unknown
    hasByteFallback = model.hasByteFallback
    fusesUnknown = model.fusesUnknown
    takesKnownPiecesWhole = model.ignoresMerges
    unknownReplacesBytes = true
    try readSpecialTokens(top, configuration.map { JSONField($0) }, tokens)
  }

  /// Takes the special tokens from `tokenizer_config.json` and the template of the post-processor.
  private mutating func readSpecialTokens(
    _ top: JSONField,
    _ configuration: JSONField?,
    _ tokens: HuggingFaceTokens
  ) throws(MeshError) {
    func id(_ key: String) throws(MeshError) -> TokenID? {
      guard let field = configuration?[key] else { return nil }
      // Either the text itself, or an added token that has it.
      let text = field["content"] ?? field
      return tokens.id(of: try text.string())
    }
    let template = try HuggingFaceTemplate(top, tokens)
    let named = try id("bos_token")
    beginOfSequence = template.beginOfSequence ?? named
    endOfSequence = try id("eos_token")
    padding = try id("pad_token")
    let isWanted = try configuration?["add_bos_token"]?.boolean()
    addsBeginOfSequence =
      beginOfSequence != nil && (isWanted ?? (template.beginOfSequence != nil))
  }
}
