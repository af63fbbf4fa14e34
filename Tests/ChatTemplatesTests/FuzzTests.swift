import ChatTemplates
import Foundation
import MeshTypes
import TestSupport
import Testing

@Suite("Damaged templates and contexts")
struct FuzzTests {
  /// `WEFT_FUZZ_ROUNDS` mutations, or enough for every day.
  private static let rounds =
    ProcessInfo.processInfo.environment["WEFT_FUZZ_ROUNDS"].flatMap(Int.init) ?? 6000

  private static let limits = {
    var limits = TemplateLimits.default
    limits.steps = 200_000
    limits.outputBytes = 1 << 20
    return limits
  }()

  /// Pieces of the language, to put in anywhere.
  private static let pieces = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{% if x %}", "{% endif %}", "{% else %}",
    "{% for m in messages %}", "{% endfor %}", "{% set x = ", "{% macro f(a, b=1) %}",
    "{% endmacro %}", "{{ f(", "{% break %}", "{% continue %}", "{% raw %}", "{% endraw %}", "(",
    ")", "[", "]", "{", "}", "'", "\"", "\\", "|", "~", "+", "-", "*", "//", "%", "**", "==", "<",
    " in ", " is ", " not ", " and ", " or ", " if ", " else ", ".", ",", ":", "=", "::", "[::-1]",
    "|length", "|tojson(indent=2)", "|join(',')", "|map(attribute='role')", "|list", "|int",
    "|sort", "|first", "|selectattr('role')", "loop", "loop.index", "loop.previtem", "namespace(",
    "range(", "messages", "message", "none", "true", "9223372036854775807", "-1", "0", "1e308",
    ".split(", ".strip()", ".items()", ".format(", "%s", "\n", "\r\n", "\u{0}", "é", "\u{10FFFF}",
    "* 99999", "** 99", "% 0", "// 0", "\\x", "\\u12", "\\N{DASH}",
  ]

  private static func mutated(
    _ source: [UInt8],
    _ others: [[UInt8]],
    using random: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = source
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let start = Int.random(in: 0...bytes.count, using: &random)
      let end = min(bytes.count, start + Int.random(in: 0...60, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.removeSubrange(start..<end)
      case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 2 where start < bytes.count: bytes[start] = UInt8.random(in: 0...255, using: &random)
      case 3:
        let other = others.randomElement(using: &random) ?? []
        let from = Int.random(in: 0...other.count, using: &random)
        bytes.replaceSubrange(start..<end, with: other[from..<min(other.count, from + 80)])
      case 4: bytes.removeSubrange(start...)
      default:
        let piece = pieces.randomElement(using: &random) ?? ""
        bytes.replaceSubrange(start..<min(end, start + 2), with: Array(piece.utf8))
      }
    }
    return bytes
  }

  /// A context in which some values were replaced by others.
  private static func mutated(
    _ value: TemplateValue,
    using random: inout SeededGenerator
  ) -> TemplateValue {
    if Int.random(in: 0..<12, using: &random) == 0 {
      let values: [TemplateValue] = [
        .undefined, .none, true, .integer(.max), .integer(.min), 0, .float(.nan), .float(-0.0),
        .float(.infinity), "", "\u{0}é👋🏽</think>", [], [[]], [:], ["role": "user"], .integer(-1),
      ]
      return values.randomElement(using: &random) ?? .none
    }
    switch value {
    case .array(let items):
      return .array(items.map { mutated($0, using: &random) })
    case .object(let object):
      return .object(
        TemplateObject(
          object.pairs.map { .init(key: $0.key, value: mutated($0.value, using: &random)) }
        )
      )
    default: return value
    }
  }

  private func sources() async throws -> [[UInt8]] {
    let folders = [Fixtures.path("templates"), try await PythonJinja.realWorldTemplates()]
    return try folders.flatMap { try Fixtures.templates(in: $0) }.map { Array($0.source.utf8) }
  }

  @Test("end with a prompt or a typed error", arguments: [1, 2] as [UInt64])
  func mutations(seed: UInt64) async throws {
    let sources = try await sources()
    let conversations = try Fixtures.conversations()
    var random = SeededGenerator(seed: seed)
    var prompts = 0
    var errors = 0
    for round in 0..<Self.rounds {
      let source = try #require(sources.randomElement(using: &random))
      let bytes = round % 4 == 3 ? source : Self.mutated(source, sources, using: &random)
      var context = try #require(conversations.randomElement(using: &random)).context
      if round % 2 == 1 {
        for (key, value) in context.sorted(by: { $0.key < $1.key }) {
          context[key] = Self.mutated(value, using: &random)
        }
      }
      do throws(MeshError) {
        let template = try ChatTemplate(String(decoding: bytes, as: UTF8.self), limits: Self.limits)
        let prompt = try template.render(context, now: PythonJinja.now)
        #expect(prompt.utf8.count <= Self.limits.outputBytes, "seed \(seed), round \(round)")
        prompts += 1
      } catch {
        #expect(error.field == "chat_template", "seed \(seed), round \(round): \(error)")
        errors += 1
      }
    }
    #expect(prompts > Self.rounds / 20, "seed \(seed)")
    #expect(errors > Self.rounds / 20, "seed \(seed)")
  }
}
