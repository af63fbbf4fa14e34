import Foundation
import Grammars
import MeshTypes
import TestSupport
import Testing

@Suite("JSON Schemas")
struct JSONSchemaTests {
  private static let examples: [(schema: String, allowed: [String], refused: [String])] = [
    (
      ##"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},"required":["b"]}"##,
      [##"{"a": 1, "b": true}"##, ##"{"b":false}"##, "{\n  \"b\": true\n}"],
      [##"{"a": 1}"##, ##"{"b":true,"a":1}"##, ##"{"b":true,"c":1}"##, ##"{"b":true,}"##, "{}"]
    ),
    (
      ##"{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"]}}}"##,
      [##"{"next": {"next": null}}"##, ##"{"next":null}"##], [##"{"next":1}"##, ##"{"next":{}}"##]
    ),
    (
      ##"{"type":"integer","minimum":-3,"maximum":12}"##, ["-3", "0", "12"],
      ["-4", "13", "-0", "1.0"]
    ),
    (
      ##"{"type":"integer","exclusiveMinimum":99,"maximum":2147}"##, ["100", "999", "2147"],
      ["99", "2148", "0100"]
    ),
    (
      ##"{"type":"number","minimum":0,"exclusiveMaximum":1}"##, ["0", "0.999", "0.0"],
      ["1", "1.0", "-0.1"]
    ),
    (
      ##"{"type":"number","exclusiveMinimum":-1,"maximum":1}"##, ["-0.5", "1.00", "0"],
      ["-1", "-1.0", "1.01"]
    ),
    (##"{"type":"number"}"##, ["-12.5e-3", "1E+9"], ["01", "1.", ".5", "1e999", "NaN"]),
    (
      ##"{"type":"string","minLength":2,"maxLength":3}"##,
      [#""äö""#, #""\u00e9\n""#, #""😀\uD83D\ude00a""#],
      [#""a""#, #""abcd""#, #""\ud800ab""#, "\"a\nb\""]
    ),
    (##"{"type":"string","pattern":"^\"[a-z]\\\\$"}"##, [#""\"a\\""#], [#""a""#]),
    (##"{"type":"string","pattern":"b"}"##, [#""abc""#, #""b""#], [#""ac""#]),
    (
      ##"{"type":"string","format":"date"}"##, [#""2024-02-29""#, #""1999-12-31""#],
      [#""2023-02-29""#, #""2023-04-31""#, #""1900-02-29""#]
    ),
    (
      ##"{"type":"string","format":"date-time"}"##, [#""2025-01-31T23:59:59.5Z""#],
      [#""2025-01-31 23:59:59""#]
    ),
    (
      ##"{"type":"string","format":"uuid"}"##, [#""123e4567-e89b-12d3-a456-426614174000""#],
      [#""123""#]
    ),
    (##"{"type":"string","format":"email"}"##, [#""ann.b@example.com""#], [#""ann@b@c""#]),
    (##"{"type":"string","format":"ipv4"}"##, [#""192.168.0.1""#], [#""256.1.1.1""#]),
    (
      ##"{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1}"##,
      ["[1]", #"[1, "a"]"#], ["[]", #"[1, "a", 2]"#, #"["a"]"#]
    ),
    (
      ##"{"type":"array","items":{"enum":[1,2]},"minItems":1,"maxItems":2}"##, ["[1]", "[1, 2]"],
      ["[]", "[1,1,1]", "[3]"]
    ),
    (
      ##"{"enum":["a",1,null,{"k":[true]}]}"##, [#""a""#, "1", "null", ##"{"k": [true]}"##],
      [#""b""#, "{}"]
    ),
    (##"{"const":"a\"b"}"##, [#""a\"b""#], [#""a""#]),
    (##"{"type":["string","null"]}"##, ["null", #""x""#], ["1"]),
    (##"{"type":"integer","enum":[1,"a",2.5]}"##, ["1"], [#""a""#, "2.5"]),
    (
      ##"{"type":"object","properties":{"ab":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}"##,
      [##"{"ab": 1, "a": true}"##, ##"{"abc":true,"":false}"##, "{}"],
      [##"{"ab":true}"##, ##"{"a":1}"##, ##"{"ab":1,"ab":true}"##, ##"{"\u0061b":true}"##]
    ),
    (
      ##"{"type":"object","additionalProperties":{"type":"integer"},"maxProperties":1}"##,
      ["{}", ##"{"a":1}"##], [##"{"a":1,"b":2}"##]
    ),
    (##"{"allOf":[{"type":"integer","minimum":3},{"maximum":4}]}"##, ["3", "4"], ["2", "5"]),
    (
      ##"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"null"}]}"##,
      ["null", ##"{"k":"a"}"##], [##"{"k":"b"}"##]
    ),
    (
      ##"{"type":"object","properties":{"x":false,"y":true}}"##, [##"{"y": [1]}"##], [##"{"x":1}"##]
    ),
    ("true", ["[1, {\"a\": null}]"], ["tru"]),
    (##"{"title":"t","description":"d","default":1,"examples":[2]}"##, ["{}", "1"], [""]),
  ]

  @Test("allow documents that validate", arguments: examples.indices)
  func meaning(index: Int) throws {
    let example = Self.examples[index]
    let grammar = try Grammar(compiling: .jsonSchema(example.schema))
    for text in example.allowed { #expect(grammar.accepts(Array(text.utf8)), "\(text)") }
    for text in example.refused { #expect(!grammar.accepts(Array(text.utf8)), "\(text)") }
  }

  @Test("that cannot be enforced are refused, with the path of the keyword")
  func errors() {
    let refused: [(String, MeshError.Code, String)] = [
      (##"{"properties":{"a":{"not":{}}}}"##, .unimplemented, "#/properties/a/not"),
      (##"{"items":{"if":{}}}"##, .unimplemented, "#/items/if"),
      (##"{"type":"array","uniqueItems":true}"##, .unimplemented, "#/uniqueItems"),
      (##"{"patternProperties":{}}"##, .unimplemented, "#/patternProperties"),
      (##"{"anyOf":[{"typ":"string"}]}"##, .unimplemented, "#/anyOf/0/typ"),
      (##"{"type":"number","multipleOf":0.1}"##, .unimplemented, "#/multipleOf"),
      (##"{"type":"number","minimum":0.5}"##, .unimplemented, "#/minimum"),
      (##"{"type":"string","format":"iban"}"##, .unimplemented, "#/format"),
      (##"{"type":"string","pattern":"a","maxLength":3}"##, .unimplemented, "#/maxLength"),
      (##"{"type":"string","pattern":"a(?=b)"}"##, .unimplemented, "#/pattern at character 1"),
      (##"{"oneOf":[{"type":"integer"},{"type":"number"}]}"##, .unimplemented, "#/oneOf/1"),
      (##"{"$ref":"https://example.com/schema"}"##, .unimplemented, "same document"),
      (##"{"minProperties":2,"type":"object"}"##, .unimplemented, "#/minProperties"),
      (##"{"$ref":"#/$defs/missing"}"##, .invalidArgument, "leads nowhere"),
      (##"{"type":"strin"}"##, .invalidArgument, "#/type"),
      (##"{"type":"string","minLength":"1"}"##, .invalidArgument, "#/minLength"),
      (##"{"properties":{"a":3}}"##, .invalidArgument, "#/properties/a"),
      (##"{"$ref":"#"}"##, .invalidArgument, "must not begin with itself"),
      (##"{"allOf":[{"$ref":"#"}]}"##, .outOfRange, "64 levels"),
      (##"{"allOf":[{"type":"string"},{"type":"null"}]}"##, .invalidArgument, "allows none"),
      (
        ##"{"type":"object","required":["a"],"additionalProperties":false}"##, .invalidArgument,
        "allows none"
      ),
      (
        ##"{"type":"string","maxLength":100000}"##, .outOfRange, "#/maxLength: must be in 0...10000"
      ),
      (##"{"type":"array","maxItems":-1}"##, .outOfRange, "#/maxItems"),
      ("{", .invalidArgument, "byte 1"),
      ("[]", .invalidArgument, "an object or a boolean"),
    ]
    for (schema, code, message) in refused {
      let error = #expect(throws: MeshError.self) { try Grammar(compiling: .jsonSchema(schema)) }
      #expect(error?.code == code, "\(schema): \(String(describing: error))")
      #expect(error?.message.contains(message) == true, "\(String(describing: error))")
      #expect(error?.field == "structured_output.json_schema")
    }
  }

  private static func list(_ count: Int, _ element: (Int) -> String) -> String {
    (0..<count).map(element).joined(separator: ",")
  }

  /// A schema of all of `count` references in turn to two others.
  private static func merging(_ one: String, _ other: String, count: Int) -> String {
    let references = list(count) { ##"{"$ref":"#/$defs/"## + ($0 % 2 == 0 ? "a" : "b") + "\"}" }
    return ##"{"$defs":{"a":\##(one),"b":\##(other)},"allOf":[\##(references)]}"##
  }

  /// References into a wide object, again from many places.
  private static let wide: String = {
    let references = list(3000) { ##"{"$ref":"#/$defs/\##($0)"}"## }
    let schemas = list(9000) { ##""\##($0)":{}"## }
    let places = list(1000) { ##"{"$ref":"#/$defs/l","minLength":\##($0)}"## }
    return ##"{"$defs":{"l":{"allOf":[\##(references)]},\##(schemas)},"anyOf":[\##(places)]}"##
  }()

  /// Sources within the allowed length that take hours to compile unless merging is counted.
  private static let costly: [String] = {
    let names = list(9000) { ##""\##($0)""## }
    let properties = list(6000) { ##""\##($0)":{}"## }
    let others = list(6000) { ##""\##($0)":true"## }
    return [
      merging(##"{"enum":[1,\##(names)]}"##, ##"{"enum":[\##(names),1]}"##, count: 4000),
      merging(##"{"required":["x",\##(names)]}"##, ##"{"required":[\##(names)]}"##, count: 4000),
      merging(
        ##"{"properties":{\##(properties)}}"##,
        ##"{"properties":{\##(others)}}"##,
        count: 4000
      ),
      merging(##"{"items":{}}"##, ##"{"items":{"type":"null"}}"##, count: 10_000),
      wide,
    ]
  }()

  @Test("that take too many steps to compile are refused after as many", arguments: costly.indices)
  func cost(index: Int) {
    let source = StructuredOutput.jsonSchema(Self.costly[index])
    #expect(source.text.utf8.count <= StructuredOutput.maximumBytes)
    let error = #expect(throws: MeshError.self) { try Grammar(compiling: source) }
    #expect(error?.code == .outOfRange)
    #expect(error?.message.contains("steps of compiling") == true, "\(String(describing: error))")
  }

  @Test("allow only JSON, whatever is drawn", arguments: 1...4)
  func walks(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let schemas = try SchemaFixtureTests.cases().map(\.schema)
    var count = 0
    for _ in 0..<60 {
      let schema = try #require(schemas.randomElement(using: &generator))
      guard let grammar = try? Grammar(compiling: .jsonSchema(schema)) else { continue }
      let vocabulary = TestVocabulary([schema, "[1, 2.5e3, null]"], &generator, count: 200)
      var masks = GrammarMasks(grammar, tokens: vocabulary.tree)
      // A text that does not end by itself tells nothing.
      guard let walk = try masks.walk(vocabulary, 2000, &generator) else { continue }
      let text = try #require(String(validating: walk, as: UTF8.self), "\(schema), seed \(seed)")
      #expect(throws: Never.self, "\(text) for \(schema), seed \(seed)") {
        try JSONSerialization.jsonObject(with: Data(walk), options: .fragmentsAllowed)
      }
      count += 1
    }
    #expect(count > 20)
  }

  @Test("mutilated sources are compiled or refused, never more", arguments: 1...4)
  func mutations(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let sources =
      try SchemaFixtureTests.cases().prefix(60).map(\.schema)
      + [
        "root ::= \"a\" ([b-c]* | root2){2,3}\nroot2 ::= .", "(?:a|[^b-c]{2,3})+?\\d$",
        "^\\u0041|b",
      ]
    for _ in 0..<3000 {
      var bytes = Array(try #require(sources.randomElement(using: &generator)).utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(UInt8.random(in: 32..<127, using: &generator), at: index)
        case 2: bytes.swapAt(index, Int.random(in: bytes.indices, using: &generator))
        default: bytes.insert(contentsOf: bytes[index...].prefix(12), at: index)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      for source in [StructuredOutput.jsonSchema(text), .regularExpression(text), .gbnf(text)] {
        do throws(MeshError) {
          _ = try Grammar(compiling: source).accepts(Array("{\"a\": 1}".utf8))
        } catch {
          let codes: [MeshError.Code] = [.invalidArgument, .unimplemented, .outOfRange]
          #expect(codes.contains(error.code), "\(error), seed \(seed)")
          #expect(error.field == source.field)
        }
      }
    }
  }
}
