extension Interpreter {
  /// Methods that cut a string into parts.
  func splitMethod(
    _ name: String,
    of text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "split", "rsplit":
      let given = try arguments.bound(to: "sep", "maxsplit", for: name)
      let limit = try given[1].integer("maxsplit") ?? -1
      let maximum = limit < 0 ? Int.max : limit
      guard let separator = given[0].given else {
        return strings(splitAtSpace(text, maximum, fromRight: name == "rsplit"))
      }
      let needle = Array(try Optional(separator).text("the separator").utf8)
      guard !needle.isEmpty else { throw TemplateFailure("empty separator") }
      try charge((text.utf8.count + needle.count) / 8)
      return strings(split(Array(text.utf8), needle, maximum, fromRight: name == "rsplit"))
    case "splitlines":
      let given = try arguments.bound(to: "keepends", for: name)
      return strings(lines(of: text, keepsEnds: given[0]?.isTrue == true))
    case "partition", "rpartition":
      let given = try arguments.bound(to: "sep", for: name)
      let needle = Array(try given[0].text("the separator").utf8)
      guard !needle.isEmpty else { throw TemplateFailure("empty separator") }
      return .tuple(partition(Array(text.utf8), needle, fromRight: name == "rpartition"))
    default: return nil
    }
  }

  private func strings(_ parts: [String]) -> Value {
    .list(ListStorage(parts.map { .string($0) }))
  }

  private func split(
    _ bytes: [UInt8],
    _ needle: [UInt8],
    _ maximum: Int,
    fromRight: Bool
  ) -> [String] {
    let bytes = fromRight ? bytes.reversed() : bytes
    let needle = fromRight ? needle.reversed() : needle
    var parts: [ArraySlice<UInt8>] = []
    var start = 0
    while parts.count < maximum, let found = firstPlace(of: needle, in: bytes, from: start) {
      parts.append(bytes[start..<found.lowerBound])
      start = found.upperBound
    }
    parts.append(bytes[start...])
    guard fromRight else { return parts.map { String(decoding: $0, as: UTF8.self) } }
    return parts.reversed().map { String(decoding: $0.reversed(), as: UTF8.self) }
  }

  private func splitAtSpace(_ text: String, _ maximum: Int, fromRight: Bool) -> [String] {
    var scalars = Array(text.unicodeScalars)
    if fromRight { scalars.reverse() }
    var parts: [[Unicode.Scalar]] = []
    var position = 0
    while true {
      while position < scalars.count, scalars[position].isPythonSpace { position += 1 }
      guard position < scalars.count else { break }
      guard parts.count < maximum else {
        parts.append(Array(scalars[position...]))
        break
      }
      let start = position
      while position < scalars.count, !scalars[position].isPythonSpace { position += 1 }
      parts.append(Array(scalars[start..<position]))
    }
    if fromRight { parts = parts.reversed().map { $0.reversed() } }
    return parts.map { String(scalars: $0) }
  }

  /// Python's `str.splitlines`.
  func lines(of text: String, keepsEnds: Bool) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var lines: [String] = []
    var start = 0
    var position = 0
    while position < scalars.count {
      guard scalars[position].isPythonLineEnd else {
        position += 1
        continue
      }
      let end = position
      let isPair =
        scalars[position] == "\r" && position + 1 < scalars.count && scalars[position + 1] == "\n"
      position += isPair ? 2 : 1
      lines.append(String(scalars: scalars[start..<(keepsEnds ? position : end)]))
      start = position
    }
    if start < scalars.count { lines.append(String(scalars: scalars[start...])) }
    return lines
  }

  private func partition(_ bytes: [UInt8], _ needle: [UInt8], fromRight: Bool) -> ListStorage {
    let found =
      fromRight
      ? lastPlace(of: needle, in: bytes)
      : firstPlace(of: needle, in: bytes, from: 0)
    func text(_ bytes: some Sequence<UInt8>) -> Value {
      .string(String(decoding: Array(bytes), as: UTF8.self))
    }
    guard let found else {
      return ListStorage(
        fromRight
          ? [.string(""), .string(""), text(bytes)] : [text(bytes), .string(""), .string("")]
      )
    }
    return ListStorage([
      text(bytes[..<found.lowerBound]), text(needle), text(bytes[found.upperBound...]),
    ])
  }
}
