extension Interpreter {
  /// Python's `str.format`: `{}`, `{0}`, `{name}`, `{0.attribute[item]}`, `!r`, `!s` and format
  /// specifications without fields of their own.
  func braceFormat(
    _ format: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> String {
    let scalars = Array(format.unicodeScalars)
    var text = ""
    var position = 0
    var automatic = 0
    while position < scalars.count {
      let scalar = scalars[position]
      let next = position + 1 < scalars.count ? scalars[position + 1] : nil
      position += 1
      if scalar == "{" || scalar == "}", next == scalar {
        text.unicodeScalars.append(scalar)
        position += 1
      } else if scalar == "{" {
        guard let end = scalars[position...].firstIndex(of: "}") else {
          throw TemplateFailure("expected '}' before end of string")
        }
        text += try formatField(Array(scalars[position..<end]), arguments, &automatic)
        guard text.utf8.count <= limits.outputBytes else {
          throw .limit("the bytes of a string", limits.outputBytes)
        }
        position = end + 1
      } else if scalar == "}" {
        throw TemplateFailure("single '}' encountered in format string")
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private func formatField(
    _ field: [Unicode.Scalar],
    _ arguments: CallArguments,
    _ automatic: inout Int
  ) throws(TemplateFailure) -> String {
    guard !field.contains("{") else {
      throw TemplateFailure("fields inside of format specifications are not supported")
    }
    let colon = field.firstIndex(of: ":") ?? field.count
    let mark = field[..<colon].firstIndex(of: "!") ?? colon
    let value = try fieldValue(String(scalars: field[..<mark]), arguments, &automatic)
    let specification = try FormatSpecification(
      colon < field.count ? String(scalars: field[(colon + 1)...]) : ""
    )
    switch String(scalars: field[mark..<colon]) {
    case "": break
    case "!s": return try specification.format(.string(try text(of: value)))
    case "!r":
      return try specification.format(
        .string(try value.represented(maximumSize: limits.outputBytes))
      )
    default: throw TemplateFailure("unknown conversion in format string")
    }
    switch value {
    case .string, .boolean, .integer, .float: return try specification.format(value)
    default:
      guard colon >= field.count - 1 else {
        throw TemplateFailure("unsupported format string passed to \(value.typeName).__format__")
      }
      return try text(of: value)
    }
  }

  private func fieldValue(
    _ path: String,
    _ arguments: CallArguments,
    _ automatic: inout Int
  ) throws(TemplateFailure) -> Value {
    let scalars = Array(path.unicodeScalars)
    let end = scalars.firstIndex { $0 == "." || $0 == "[" } ?? scalars.count
    let name = String(scalars: scalars[..<end])
    var value: Value
    if let index = name.isEmpty ? automatic : Int(name) {
      if name.isEmpty { automatic += 1 }
      guard arguments.positional.indices.contains(index) else {
        throw TemplateFailure("replacement index \(index) out of range for positional args tuple")
      }
      value = arguments.positional[index]
    } else {
      guard let keyword = arguments.keyword.first(where: { sameText($0.name, name) }) else {
        throw TemplateFailure("no argument '\(name)' to format")
      }
      value = keyword.value
    }
    var position = end
    while position < scalars.count {
      let isItem = scalars[position] == "["
      let rest = scalars[(position + 1)...]
      let stop =
        (isItem ? rest.firstIndex(of: "]") : rest.firstIndex { $0 == "." || $0 == "[" })
        ?? scalars.count
      let part = String(scalars: scalars[(position + 1)..<stop])
      if isItem {
        value = try item(Int(part).map { .integer($0) } ?? .string(part), of: value)
      } else {
        value = try attribute(part, of: value)
      }
      position = isItem ? stop + 1 : stop
    }
    return value
  }
}
