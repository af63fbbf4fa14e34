import ArgumentParser
import FoundationEssentials
import MeshProtos
import SwiftProtobuf

/// The flags that say what the text of an output must be.
struct StructureOptions: ParsableArguments {
  @Option(help: "A file with a JSON Schema that the output must validate against.")
  var jsonSchema: String?

  @Option(help: "A regular expression that the whole output must match.")
  var regex: String?

  @Option(help: "A file with a GBNF grammar whose rule root the output must follow.")
  var grammar: String?

  func validate() throws {
    guard [jsonSchema, regex, grammar].compactMap(\.self).count <= 1 else {
      throw ValidationError("Give one of --json-schema, --regex and --grammar.")
    }
  }

  /// The flags as the gateway takes them; nil for any text.
  ///
  /// - Throws: `ValidationError` for a file that cannot be read.
  func message() throws -> Weft_Types_V1_StructuredOutput? {
    if let jsonSchema {
      let text = try Self.read(jsonSchema)
      return .with { $0.jsonSchema = text }
    }
    if let regex { return .with { $0.regex = regex } }
    guard let grammar else { return nil }
    let text = try Self.read(grammar)
    return .with { $0.grammar = text }
  }

  private static func read(_ path: String) throws -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw ValidationError("\(path) cannot be read as UTF-8 text.")
    }
  }
}
