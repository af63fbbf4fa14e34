import JSONText
import MeshTypes

/// `decoder`: how the texts of tokens become text.
struct HuggingFaceDecoder {
  /// Whether `<0x0A>` is a byte.
  private(set) var hasByteTokens = false
  private(set) var dropsLeadingSpace = false

  init(_ top: JSONField, isByteLevel: Bool) throws(MeshError) {
    let decoder = try top.member("decoder")
    var marksSpaces = false
    for step in try decoder.steps("decoders") {
      switch try step.type() {
      case "ByteLevel" where isByteLevel: return
      case "Replace" where !isByteLevel:
        guard try step.replaces(SpaceMark.text, by: " ") else {
          throw (step["content"] ?? step).unsupported("\" \" in the place of the String \"▁\"")
        }
        marksSpaces = true
      case "Metaspace" where !isByteLevel:
        marksSpaces = true
        let isPrefixed = try step["add_prefix_space"]?.boolean() ?? true
        let scheme = try step["prepend_scheme"]?.string() ?? (isPrefixed ? "always" : "never")
        dropsLeadingSpace = scheme != "never"
      case "ByteFallback" where !isByteLevel: hasByteTokens = true
      case "Fuse": break
      case "Strip" where !isByteLevel: try readStrip(step)
      default:
        throw try step.member("type").unsupported(
          isByteLevel ? "ByteLevel" : "Replace, ByteFallback, Fuse, Strip, Metaspace or Sequence"
        )
      }
    }
    guard marksSpaces else {
      throw decoder.unsupported(
        isByteLevel ? "ByteLevel" : "Metaspace, or a Sequence that replaces \"▁\" by \" \""
      )
    }
  }

  private mutating func readStrip(_ step: JSONField) throws(MeshError) {
    let start = try step["start"]?.integer(in: 0...1) ?? 0
    if let stop = step["stop"], try stop.integer(in: 0 ... .max) != 0 {
      throw stop.unsupported("0")
    }
    if start == 1, let content = step["content"], try content.string() != " " {
      throw content.unsupported("\" \"")
    }
    dropsLeadingSpace = start == 1
  }
}
