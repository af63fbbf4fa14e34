import Foundation
import ModelFiles
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// `step-probe` counts in a process of its own: tests run side by side, and allocate.
@Suite("Memory of a step")
struct AllocationTests {
  private static func run(_ arguments: String...) async throws -> String {
    let model = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).gguf")
    try Data(SyntheticModel(types: [.q4_1, .q8_0, .f16]).encoded).write(to: model)
    defer { try? FileManager.default.removeItem(at: model) }
    let probe = URL(
      filePath: try FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/exe"
      )
    ).deletingLastPathComponent().appending(path: "step-probe")
    let result = try await Subprocess.run(
      .path(FilePath(probe.path)),
      arguments: Arguments([model.path] + arguments),
      output: .string(limit: 1 << 16),
      error: .string(limit: 1 << 16)
    )
    #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    return result.standardOutput
  }

  @Test("a thousand steps and what they sample allocate nothing", arguments: 1...3)
  func nothing(seed: Int) async throws {
    let output = try await Self.run("\(seed)", "1000")
    #expect(output.hasPrefix("allocations 0, "), "\(output), seed \(seed)")
    let tokens = Int(output.split(separator: " ").last?.dropLast() ?? "") ?? 0
    #expect(tokens > 1000, "\(output), seed \(seed)")
  }

  @Test("one that does is noticed")
  func one() async throws {
    let output = try await Self.run("1", "10", "allocate")
    #expect(output.contains("allocations 1, "), "\(output)")
  }
}
