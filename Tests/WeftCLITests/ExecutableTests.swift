import Glibc
import Subprocess
import SystemPackage
import Testing

@Suite("Every executable")
struct ExecutableTests {
  static let names = ["weft", "weft-gateway", "weft-scheduler", "weft-tokenizer", "weft-worker"]

  /// One run's outcome.
  private struct Outcome {
    var status: TerminationStatus
    var output: String
    var error: String
  }

  /// Where the build has put the executables: beside the test runner.
  private static let directory: String = {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }()

  private static func run(
    _ name: String,
    _ arguments: [String],
    environment: [Environment.Key: String] = [:]
  ) async throws -> Outcome {
    var changes = environment.mapValues { Optional($0) }
    changes["WEFT_MODEL"] = changes["WEFT_MODEL"] ?? .some(nil)
    let result = try await Subprocess.run(
      .path(FilePath("\(directory)/\(name)")),
      arguments: Arguments(arguments),
      environment: .inherit.updating(changes),
      output: .string(limit: 1 << 20),
      error: .string(limit: 1 << 20)
    )
    return Outcome(
      status: result.terminationStatus,
      output: result.standardOutput,
      error: result.standardError
    )
  }

  @Test("explains itself", arguments: names)
  func help(_ name: String) async throws {
    let outcome = try await Self.run(name, ["--help"])
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
    let outcome = try await Self.run(name, ["--version"])
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
    Mistake(name: "weft", arguments: ["health", "nowhere"], setting: "address"),
    Mistake(name: "weft", arguments: ["models", "--gateway", "nowhere"], setting: "gateway"),
  ]

  @Test("ends with an error and one line that names a wrong setting", arguments: mistakes)
  func mistake(_ mistake: Mistake) async throws {
    let environment = mistake.environment.map { (Environment.Key(stringLiteral: $0), $1) }
    let outcome = try await Self.run(
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
