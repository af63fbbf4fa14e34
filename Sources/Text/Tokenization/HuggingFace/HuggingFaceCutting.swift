import JSONText
import MeshTypes

/// `normalizer` and `pre_tokenizer`: what happens to text before the model sees it.
struct HuggingFaceCutting {
  private(set) var text = TextRules()
  /// Whether the model sees bytes; if not, characters with `▁` for spaces.
  private(set) var isByteLevel = false
  /// How text is cut, where ``isByteLevel``.
  private(set) var preTokenizer = PreTokenizer.gpt2
  private var marksSpaces = false

  private static let mark = SpaceMark.text

  init(_ top: JSONField) throws(MeshError) {
    let normalizer = top["normalizer"]
    let steps = try normalizer?.steps("normalizers") ?? []
    for step in steps { try readNormalizer(step) }
    try readPreTokenizer(top)
    let hasPrefix = text.spacePrefix == .everySegment
    if isByteLevel, marksSpaces || hasPrefix, let normalizer {
      throw normalizer.unsupported("null or NFC before a ByteLevel pre-tokenizer")
    }
    guard isByteLevel || marksSpaces else {
      throw JSONField(.null, path: "pre_tokenizer").unsupported(
        "ByteLevel or Metaspace, or null behind a normalizer that replaces \" \" by \"▁\""
      )
    }
  }

  private mutating func readNormalizer(_ step: JSONField) throws(MeshError) {
    switch try step.type() {
    case "NFC":
      text.normalizes = true
    case "Prepend":
      let content = try step.member("prepend")
      guard try content.string() == Self.mark else { throw content.unsupported("\"▁\"") }
      text.spacePrefix = .everySegment
    case "Replace":
      guard try step.replaces(" ", by: Self.mark) else {
        throw (step["content"] ?? step).unsupported("\"▁\" in the place of the String \" \"")
      }
      marksSpaces = true
    default:
      throw try step.member("type").unsupported("NFC, Prepend, Replace or Sequence")
    }
  }

  private mutating func readPreTokenizer(_ top: JSONField) throws(MeshError) {
    guard let preTokenizer = top["pre_tokenizer"] else { return }
    let steps = try preTokenizer.steps("pretokenizers")
    let types = try steps.map { (step) throws(MeshError) in try step.type() }
    switch types {
    case []: break
    case ["Metaspace"]: try readMetaspace(steps[0])
    case ["Split"] where marksSpaces && steps[0]["pattern"]?["String"]?.value == .string(" "):
      break  // Cuts at spaces, of which the normalizer leaves none.
    case ["ByteLevel"]: try readByteLevel(steps[0], cuts: true, .gpt2)
    case ["Digits", "ByteLevel"]:
      let individually = try steps[0].member("individual_digits")
      guard try individually.boolean() else { throw individually.unsupported("true") }
      try readByteLevel(steps[1], cuts: true, .smollm)
    case ["Split", "ByteLevel"]:
      try readByteLevel(steps[1], cuts: false, try Self.pattern(steps[0]))
    default:
      let accepted =
        "null, ByteLevel, Metaspace, [Digits, ByteLevel] or [Split, ByteLevel]; found \(types)"
      throw preTokenizer.unsupported(accepted)
    }
  }

  private mutating func readMetaspace(_ step: JSONField) throws(MeshError) {
    let replacement = try step.member("replacement")
    guard try replacement.string() == Self.mark else { throw replacement.unsupported("\"▁\"") }
    guard text.spacePrefix == .none else {
      throw try step.member("type").unsupported("no Metaspace behind a Prepend")
    }
    marksSpaces = true
    text.cutsBeforeSpaces = try step["split"]?.boolean() ?? true
    // Files of old versions have a boolean instead of the scheme.
    let isPrefixed = try step["add_prefix_space"]?.boolean() ?? true
    switch try step["prepend_scheme"]?.string() ?? (isPrefixed ? "always" : "never") {
    case "always": text.spacePrefix = .everySegmentWithoutSpace
    case "first": text.spacePrefix = .beginningWithoutSpace
    case "never": break
    default:
      throw try step.member("prepend_scheme").unsupported("\"always\", \"first\" or \"never\"")
    }
  }

  private mutating func readByteLevel(
    _ step: JSONField,
    cuts: Bool,
    _ preTokenizer: PreTokenizer
  ) throws(MeshError) {
    if let prefix = step["add_prefix_space"], try prefix.boolean() {
      throw prefix.unsupported("false")
    }
    guard try step["use_regex"]?.boolean() ?? true == cuts else {
      throw try step.member(cuts ? "use_regex" : "type")
        .unsupported(cuts ? "true without a Split before" : "without a pattern behind a Split")
    }
    isByteLevel = true
    self.preTokenizer = preTokenizer
  }

  /// The patterns of models' files, all of which match any text from its beginning to its end.
  private static let patterns: [(regex: String, preTokenizer: PreTokenizer)] = [
    (
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
      .gpt2
    ),
    (
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"#
        + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
      .llamaBPE
    ),
    (
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
        + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
      .qwen2
    ),
  ]

  private static func pattern(_ split: JSONField) throws(MeshError) -> PreTokenizer {
    let regex = try split.member("pattern").member("Regex")
    let text = try regex.string()
    guard let known = patterns.first(where: { $0.regex == text }) else {
      throw regex.unsupported("the pattern of GPT-2, Llama 3 or Qwen 2")
    }
    // Cutting out the matches, or taking away what lies between them, is the same here.
    let behavior = try split.member("behavior")
    let expected = try split["invert"]?.boolean() ?? false ? "Removed" : "Isolated"
    guard try behavior.string() == expected else { throw behavior.unsupported("\"\(expected)\"") }
    return known.preTokenizer
  }
}
