import Subprocess
import Testing

@Suite("Every executable")
struct ExecutableTests {
  static let names = ["weft", "weft-gateway", "weft-scheduler", "weft-tokenizer", "weft-worker"]

  @Test("explains itself", arguments: names)
  func help(_ name: String) async throws {
    let outcome = try await Executables.run(name, ["--help"])
    #expect(outcome.status.isSuccess)
    #expect(outcome.output.contains("USAGE: \(name)"))
    #expect(outcome.output.contains("OVERVIEW: "))
    if name != "weft" {
      for flag in ["--listen", "--config", "--log-level", "--log-format"] {
        #expect(outcome.output.contains(flag))
      }
    }
  }

  @Test("tells its version", arguments: names)
  func version(_ name: String) async throws {
    let outcome = try await Executables.run(name, ["--version"])
    #expect(outcome.status.isSuccess)
    #expect(outcome.output.firstMatch(of: #/^\d+\.\d+\.\d+\n$/#) != nil, "\(outcome.output)")
  }

  /// A run that has to fail because of one setting.
  struct Mistake: Sendable, CustomTestStringConvertible {
    var name: String
    var arguments: [String]
    var environment: [String: String] = [:]
    var setting: String

    var testDescription: String { "\(name) \(arguments) \(environment)" }
  }

  static let mistakes: [Mistake] = [
    Mistake(name: "weft-gateway", arguments: ["--listen", "nowhere"], setting: "listen"),
    Mistake(name: "weft-gateway", arguments: ["--log-level", "loud"], setting: "log-level"),
    Mistake(
      name: "weft-gateway",
      arguments: [],
      environment: ["WEFT_REQUEST_TIMEOUT_SECONDS": "soon"],
      setting: "request-timeout-seconds"
    ),
    Mistake(
      name: "weft-scheduler",
      arguments: ["--max-waiting-sequences", "0"],
      setting: "max-waiting-sequences"
    ),
    Mistake(name: "weft-scheduler", arguments: ["--config", "/nonexistent"], setting: "config"),
    Mistake(name: "weft-tokenizer", arguments: [], setting: "model"),
    Mistake(
      name: "weft-tokenizer",
      arguments: ["--model", "/nonexistent"],
      setting: "/nonexistent"
    ),
    Mistake(name: "weft-worker", arguments: ["--model", "/dev/null"], setting: "/dev/null"),
    Mistake(
      name: "weft-worker",
      arguments: ["--model", "a"],
      environment: ["WEFT_THREADS": "many"],
      setting: "threads"
    ),
    Mistake(name: "weft", arguments: ["up"], setting: "model"),
    Mistake(name: "weft", arguments: ["up", "--model", "/nonexistent"], setting: "/nonexistent"),
    Mistake(name: "weft", arguments: ["up", "--model", "a", "--workers", "0"], setting: "workers"),
    Mistake(
      name: "weft",
      arguments: ["up", "--model", "a", "--listen", "127.0.0.1:0"],
      setting: "listen"
    ),
    Mistake(
      name: "weft",
      arguments: ["up", "--model", "a", "--kv-dtype", "q4"],
      setting: "kv-dtype"
    ),
    Mistake(name: "weft", arguments: ["health", "nowhere"], setting: "address"),
    Mistake(name: "weft", arguments: ["models", "--gateway", "nowhere"], setting: "gateway"),
  ]

  @Test("ends with an error and one line that names a wrong setting", arguments: mistakes)
  func mistake(_ mistake: Mistake) async throws {
    let environment = mistake.environment.map { (Environment.Key(stringLiteral: $0), $1) }
    let outcome = try await Executables.run(
      mistake.name,
      mistake.arguments,
      environment: Dictionary(uniqueKeysWithValues: environment)
    )
    #expect(outcome.status != .exited(0))
    let lines = outcome.error.split(separator: "\n")
    #expect(lines.count == 1, "\(outcome.error)")
    #expect(outcome.error.contains(mistake.setting), "\(outcome.error)")
    #expect(outcome.output == "")
  }
}
