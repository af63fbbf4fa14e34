import Foundation
import Grammars
import JSONText
import MeshTypes
import Testing

@Suite("JSON Schema against jsonschema's verdicts")
struct SchemaFixtureTests {
  struct Case {
    var schema: String
    var documents: [(text: String, isValid: Bool, isAllowed: Bool)]
  }

  static func cases() throws -> [Case] {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/schemas.json")
    let text = try String(contentsOf: path, encoding: .utf8)
    return try text.split(separator: "\n").filter { $0.hasPrefix("[[") || $0.hasPrefix("[{") }.map {
      line in
      let body = line.hasSuffix(",") ? line.dropLast() : line
      let value = try JSONValue(
        parsing: Array(body.utf8),
        subject: "line",
        limits: JSONLimits(byteCount: 1 << 20)
      )
      guard case .array(let parts) = value, case .array(let documents) = parts[1] else {
        throw MeshError(.corrupted, "fixture")
      }
      return Case(
        schema: Self.text(of: parts[0]),
        documents: documents.compactMap { document in
          guard case .array(let fields) = document, case .string(let text) = fields[0],
            case .boolean(let isValid) = fields[1], case .boolean(let isAllowed) = fields[2]
          else { return nil }
          return (text, isValid, isAllowed)
        }
      )
    }
  }

  /// JSON text of a value, for schemas.
  static func text(of value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): quoted(value)
    case .array(let values): "[" + values.map(text).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { quoted($0.key) + ":" + text(of: $0.value) }.joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ string: String) -> String {
    "\""
      + string.unicodeScalars.map { scalar in
        scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
          ? "\\u" + String(UInt32(0x10000) + scalar.value, radix: 16).dropFirst()
          : String(Character(scalar))
      }.joined() + "\""
  }

  @Test("a document is allowed just where it validates against the schema with closed objects")
  func verdicts() throws {
    var counts = (allowed: 0, refused: 0, unsupported: 0)
    for test in try Self.cases() {
      let grammar: Grammar
      do throws(MeshError) { grammar = try Grammar(compiling: .jsonSchema(test.schema)) } catch {
        counts.unsupported += 1
        #expect(
          error.code == .unimplemented
            || error.message.contains("allows none") && !test.documents.contains { $0.isAllowed },
          "\(error) for \(test.schema)"
        )
        continue
      }
      for document in test.documents {
        let accepts = grammar.accepts(Array(document.text.utf8))
        counts.allowed += accepts ? 1 : 0
        counts.refused += accepts ? 0 : 1
        #expect(!accepts || document.isValid, "\(document.text) for \(test.schema)")
        #expect(accepts == document.isAllowed, "\(document.text) for \(test.schema)")
      }
    }
    #expect(counts.allowed > 800)
    #expect(counts.refused > 300)
    #expect(counts.unsupported < 20)
  }
}
