import JSONText
import MeshTypes
import TestSupport
import Testing

@Suite("JSON text")
struct JSONValueTests {
  private func parse(
    _ text: String,
    limits: JSONLimits = JSONLimits(byteCount: 1 << 20)
  ) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), subject: "file", limits: limits)
  }

  @Test("Values of every kind, in order, with members of the same key")
  func values() throws {
    let text = #" {"a": [1, -2.5e1, true, false, null], "b": {"": "x"}, "a": "é😀\n"} "#
    #expect(
      try parse(text)
        == .object([
          .init(
            key: "a",
            value: .array([.integer(1), .number(-25), .boolean(true), .boolean(false), .null])
          ),
          .init(key: "b", value: .object([.init(key: "", value: .string("x"))])),
          .init(key: "a", value: .string("é😀\n")),
        ])
    )
    #expect(try parse(text)["a"] == .string("é😀\n"))
    #expect(try parse("[]") == .array([]))
    #expect(try parse("{}") == .object([]))
  }

  @Test("Whole numbers beyond 64 bits, which Hugging Face writes for \"no limit\"")
  func largeNumbers() throws {
    #expect(try parse("9223372036854775807") == .integer(.max))
    #expect(try parse("9223372036854775808") == .number(0x1p63))
    #expect(try parse("1000000000000000019884624838656") == .number(1e30))
  }

  @Test(
    "Escapes",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
      (#""\u0041\uD83D\uDE00x""#, "A😀x"),
    ]
  )
  func escapes(_ text: String, _ expected: String) throws {
    #expect(try parse(text) == .string(expected))
  }

  @Test(
    "What is no JSON",
    arguments: [
      "", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", "-", "1e", "tru", "\"\u{1}\"", "\"a",
      "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\u12\"", "1 2",
      "1e999", "NaN", "\"\\udc00\"",
    ]
  )
  func wrong(_ text: String) {
    let error = #expect(throws: MeshError.self) { try parse(text) }
    #expect(error?.code == .corrupted)
    #expect(error?.field == "file")
  }

  @Test("Invalid UTF-8, too many bytes, too deep")
  func bounds() {
    #expect(throws: MeshError.self) {
      try JSONValue(parsing: [0x22, 0xFF, 0x22], subject: "f", limits: JSONLimits(byteCount: 9))
    }
    #expect(throws: MeshError.self) { try parse("[1, 2]", limits: JSONLimits(byteCount: 5)) }
    let four = JSONLimits(byteCount: 99, valueCount: 4)
    #expect(throws: Never.self) { try parse(#"[1, {"a": 2}]"#, limits: four) }
    #expect(throws: MeshError.self) { try parse(#"[1, {"a": 2}, 3]"#, limits: four) }
    let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(throws: Never.self) { try parse(deep) }
    #expect(throws: MeshError.self) { try parse("[\(deep)]") }
    #expect(throws: MeshError.self) { try parse(String(repeating: "[", count: 1 << 19)) }
  }

  @Test("Damaged text is read or refused, never more", arguments: [1 as UInt64, 2, 3])
  func damaged(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let text = Array(#"{"a": [1, -2.5e1, true, null], "b": {"": "\u0041\uD83D\uDE00é"}}"#.utf8)
    for _ in 0..<5000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let bit = Int.random(in: 0..<(damaged.count * 8), using: &generator)
        damaged[bit / 8] ^= 1 << (bit % 8)
      }
      damaged.removeLast(Int.random(in: 0...3, using: &generator))
      _ = try? JSONValue(parsing: damaged, subject: "file", limits: JSONLimits(byteCount: 1000))
    }
  }

  @Test("Fields know their path")
  func fields() throws {
    let top = JSONField(
      try parse(#"{"model": {"merges": ["a b", 3], "null": null, "size": 2.5, "whole": 8.0}}"#)
    )
    let model = try top.member("model")
    #expect(try model.member("merges").elements()[0].string() == "a b")
    #expect(try model.member("whole").integer(in: 0...8) == 8)
    #expect(try model.member("size").number(in: 0...3) == 2.5)
    #expect(model["null"]?.value == nil)
    let wrong: [(field: String, MeshError.Code, () throws -> Void)] = [
      ("model.merges[1]", .corrupted, { _ = try model.member("merges").elements()[1].string() }),
      ("model.null", .notFound, { _ = try model.member("null") }),
      ("model.size", .corrupted, { _ = try model.member("size").integer(in: 0...3) }),
      ("model.whole", .corrupted, { _ = try model.member("whole").integer(in: 0...7) }),
      ("model.size", .unimplemented, { throw try model.member("size").unsupported("3") }),
    ]
    for (field, code, body) in wrong {
      let error = #expect(throws: MeshError.self) { try body() }
      #expect(error?.field == field)
      #expect(error?.code == code)
    }
  }
}
