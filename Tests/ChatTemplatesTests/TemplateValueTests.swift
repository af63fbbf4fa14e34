import ChatTemplates
import MeshTypes
import Testing

@Suite("JSON into values")
struct TemplateValueTests {
  @Test("keeps types and the order of keys")
  func parses() throws {
    let value = try TemplateValue(
      parsingJSON:
        #" {"b": [1, -2.5, 1e3, true, false, null], "a": {"x": "\u00e9\ud83d\udc4b\n\/"}} "#
    )
    #expect(
      value == [
        "b": [1, .float(-2.5), .float(1000), true, false, .none], "a": ["x": "é👋\n/"],
      ]
    )
  }

  @Test("reads an integer beyond 64 bits as a float")
  func largeIntegers() throws {
    #expect(try TemplateValue(parsingJSON: "99999999999999999999") == .float(1e20))
    #expect(try TemplateValue(parsingJSON: "-9223372036854775808") == .integer(.min))
  }

  @Test(
    "refuses what is not JSON",
    arguments: [
      "", "{", "[1,]", "[1 2]", "{a: 1}", "{\"a\" 1}", "{\"a\": 1,}", "01", "1.", "-", "+1", ".5",
      "1e", "nul", "truth", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\udc4b\"", "\"\u{1}\"",
      "1 2", "[", "NaN", "'a'", "1e999",
    ]
  )
  func refuses(text: String) {
    #expect(throws: MeshError.self) { try TemplateValue(parsingJSON: text) }
  }

  @Test("nests only so deep")
  func nesting() {
    let limit = TemplateValue.maximumJSONDepth
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try TemplateValue(parsingJSON: nested(limit)) }
    #expect(throws: MeshError.self) { try TemplateValue(parsingJSON: nested(limit + 1)) }
    #expect(throws: MeshError.self) {
      try TemplateValue(parsingJSON: String(repeating: "[", count: 1_000_000))
    }
    #expect(throws: MeshError.self) {
      try TemplateValue(parsingJSON: String(repeating: "{\"a\":", count: 1_000_000))
    }
  }

  @Test("the last of equal keys counts, in the place of the first")
  func repeatedKeys() throws {
    let value = try TemplateValue(parsingJSON: #"{"a": 1, "b": 2, "a": 3}"#)
    #expect(try ChatTemplate("{{ x }}").render(["x": value]) == "{'a': 3, 'b': 2}")
  }
}
