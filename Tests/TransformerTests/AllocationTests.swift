import Foundation
import ModelFiles
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// `step-probe` counts in a process of its own: tests run side by side, and allocate.
@Suite("Memory of a step")
struct AllocationTests {
  /// What the probe counted, by name.
  private static func run(_ arguments: String...) async throws -> [String: Int] {
    let model = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).gguf")
    try Data(SyntheticModel(types: [.q4_1, .q8_0, .f16]).encoded).write(to: model)
    defer { try? FileManager.default.removeItem(at: model) }
    let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(filePath: executable).deletingLastPathComponent()
    let result = try await Subprocess.run(
      .path(FilePath(folder.appending(path: "step-probe").path)),
      arguments: Arguments([model.path] + arguments),
      output: .string(limit: 1 << 16),
      error: .string(limit: 1 << 16)
    )
    #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    return result.standardOutput.split(separator: ",").reduce(into: [:]) { counts, part in
      let words = part.split(whereSeparator: \.isWhitespace)
      if words.count == 2 { counts[String(words[0])] = Int(words[1]) }
    }
  }

  @Test("a thousand steps and what they sample allocate nothing", arguments: 1...3)
  func nothing(seed: Int) async throws {
    let counts = try await Self.run("\(seed)", "1000")
    #expect(counts["allocations"] == 0, "seed \(seed)")
    #expect(counts["tokens"].map { $0 > 1000 } == true, "seed \(seed)")
    // Nor do they touch memory that the profile has not: the kernel moves a page now and then.
    #expect(counts["faults"].map { $0 < 50 } == true, "\(counts), seed \(seed)")
  }

  @Test("one that does is noticed")
  func one() async throws {
    let counts = try await Self.run("1", "10", "allocate")
    #expect(counts["allocations"] == 1)
    #expect(counts["faults"].map { $0 > 50 } == true, "\(counts)")
  }
}
