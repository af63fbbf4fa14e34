import Glibc
import Subprocess
import SystemPackage

/// Runs the executables that the build has put beside the test runner.
enum Executables {
  /// One run's outcome.
  struct Outcome {
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

  static func run(
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
}
