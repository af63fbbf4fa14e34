import Foundation
import Logging
import MeshRuntime
import ServiceTesting
import TestSupport
import Testing

@Suite("A log line in JSON")
struct LogFormatTests {
  private static func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> String {
    JSONLogHandler.line(
      label: "weft-test",
      event: LogEvent(
        level: .warning,
        message: "\(message)",
        metadata: metadata,
        source: nil,
        file: "",
        function: "",
        line: 0
      ),
      metadata: ["worker": "one"],
      time: "2026-01-02T03:04:05.678Z"
    )
  }

  private static func parse(_ line: String) throws -> [String: String]? {
    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
  }

  @Test("has the time, level, service, message and metadata, in that order")
  func fields() {
    #expect(
      Self.line("hello", ["worker": "two", "epoch": "3"])
        == #"{"time":"2026-01-02T03:04:05.678Z","level":"warning","service":"weft-test","#
        + #""message":"hello","epoch":"3","worker":"two"}"# + "\n"
    )
  }

  @Test("is valid JSON on one line with any characters in it")
  func anyCharacters() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    var texts = (0...0x2ff).compactMap(Unicode.Scalar.init(_:)).map { String(Character($0)) }
    texts += ["\"", "\\", "\\\"", "\u{2028}\u{2029}", "a\u{feff}", "\u{1F600}", "e\u{301}", "\r\n"]
    texts += (0..<500).map { _ in
      let scalars = (0..<8).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &generator))
      }
      return String(String.UnicodeScalarView(scalars))
    }
    for text in texts {
      let line = Self.line(text, ["key": "\(text)"])
      #expect(line.utf8.dropLast().allSatisfy { $0 >= 0x20 }, "seed \(seed)")
      #expect(line.hasSuffix("}\n"))
      let fields = try #require(try Self.parse(line), "seed \(seed)")
      // By scalars: equality of strings would let canonical equivalents pass.
      #expect(fields["message"].map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
      #expect(fields["key"].map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
    }
  }

  @Test("takes its metadata from the logger")
  func metadata() {
    var handler = JSONLogHandler(label: "weft-test")
    handler[metadataKey: "epoch"] = "7"
    #expect(handler[metadataKey: "epoch"] == "7")
    #expect(handler.metadata == ["epoch": "7"])
  }

  @Test("has a level below which it is not written", arguments: ["text", "json"])
  func level(_ format: String) throws {
    let logger = try #require(LogFormat(rawValue: format)).makeLogger(label: "a", level: .error)
    #expect(logger.logLevel == .error)
    #expect(logger.label == "a")
  }
}
