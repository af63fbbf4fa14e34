import JSONText
import MeshTypes

/// `model`: the vocabulary, and how pieces of text become tokens of it.
struct HuggingFaceModel {
  let isUnigram: Bool
  private(set) var tokens = HuggingFaceTokens()
  /// One for each token of a Unigram model.
  private(set) var scores: [Double] = []
  private(set) var merges: [String] = []
  let hasByteFallback: Bool
  let fusesUnknown: Bool
  let ignoresMerges: Bool
  private(set) var unknown: TokenID?

  init(_ model: JSONField) throws(MeshError) {
    // Files of old versions leave the type out.
    let type = try model["type"]?.string() ?? (model["merges"].map { _ in "BPE" } ?? "")
    guard type == "BPE" || type == "Unigram" else {
      throw JSONField(.string(type), path: "model.type").unsupported("\"BPE\" or \"Unigram\"")
    }
    isUnigram = type == "Unigram"
    hasByteFallback = try model["byte_fallback"]?.boolean() ?? false
    ignoresMerges = try model["ignore_merges"]?.boolean() ?? false
    fusesUnknown = isUnigram ? true : try model["fuse_unk"]?.boolean() ?? false
    if isUnigram {
      try readPieces(model)
    } else {
      try readVocabulary(model)
      try readMerges(model)
    }
  }

  private mutating func readPieces(_ model: JSONField) throws(MeshError) {
    for (id, entry) in try model.member("vocab").elements().enumerated() {
      let pair = try entry.elements()
      guard pair.count == 2 else { throw entry.corrupted("must be a text and a score") }
      try tokens.insert(try pair[0].string(), id: id, at: entry)
      scores.append(try pair[1].number(in: -1e30...1e30))
    }
    unknown = try model["unk_id"].map { (field) throws(MeshError) in
      TokenID(try field.integer(in: 0...max(0, scores.count - 1)))
    }
  }

  private mutating func readVocabulary(_ model: JSONField) throws(MeshError) {
    for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
      guard let field = model[key], field.value != .string(""), field.value != .number(0),
        field.value != .integer(0)
      else { continue }
      throw field.unsupported("null")
    }
    for (text, field) in try model.member("vocab").members() {
      let last = TokenizerDescription.maximumTokenCount - 1
      try tokens.insert(text, id: try field.integer(in: 0...last), at: field)
    }
    unknown = try model["unk_token"].flatMap { (field) throws(MeshError) in
      tokens.id(of: try field.string())
    }
  }

  /// Each merge is `"left right"` or, since 2024, `["left", "right"]`.
  private mutating func readMerges(_ model: JSONField) throws(MeshError) {
    let list = try model.member("merges").elements()
    merges.reserveCapacity(list.count)
    for entry in list {
      if case .string(let line) = entry.value {
        merges.append(line)
        continue
      }
      let pair = try entry.elements()
      guard pair.count == 2 else { throw entry.corrupted("must be two tokens") }
      let left = try pair[0].string(), right = try pair[1].string()
      guard !left.utf8.contains(SpaceMark.space), !right.utf8.contains(SpaceMark.space) else {
        throw entry.unsupported("two tokens without spaces")
      }
      merges.append(left + " " + right)
    }
  }
}
