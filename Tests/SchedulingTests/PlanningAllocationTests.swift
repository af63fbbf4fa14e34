import Foundation
import Subprocess
import SystemPackage
import Testing

/// `scheduling-benchmark` counts in a process of its own: tests run side by side, and allocate.
@Suite("Memory of planning")
struct PlanningAllocationTests {
  /// What 400 steps of 16 workers count while 256 sequences decode and 1000 wait.
  private static func run(_ arguments: String...) async throws -> [String: Int] {
    let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(filePath: executable).deletingLastPathComponent()
    let result = try await Subprocess.run(
      .path(FilePath(folder.appending(path: "scheduling-benchmark").path)),
      arguments: Arguments(arguments),
      output: .string(limit: 1 << 16),
      error: .string(limit: 1 << 16)
    )
    #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    return result.standardOutput.split(separator: "\n").reduce(into: [:]) { counts, line in
      let words = line.split(separator: " ")
      if words.count == 2 { counts[String(words[0])] = Int(words[1]) }
    }
  }

  @Test("while sequences decode, plans are made without allocating, new blocks included")
  func nothing() async throws {
    let counts = try await Self.run("allocations")
    #expect(counts["plans"] == 16 * 400)
    #expect(counts["allocations"] == 0)
  }

  @Test("plans that somebody holds are not written over")
  func held() async throws {
    let counts = try await Self.run("allocations", "hold")
    #expect(counts["allocations"].map { $0 > 0 } == true)
  }
}
