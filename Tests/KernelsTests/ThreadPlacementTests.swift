import CKernels
import Foundation
import Kernels
import Testing

@Suite("Where threads run")
struct ThreadPlacementTests {
  /// CPUs that threads of the pool may use, one line each, as the kernel lists them.
  private static func poolCPUs() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap { thread in
      let directory = "/proc/self/task/\(thread)"
      guard
        let name = try? String(contentsOfFile: "\(directory)/comm", encoding: .utf8),
        name == "weft-kernels\n",
        let status = try? String(contentsOfFile: "\(directory)/status", encoding: .utf8)
      else { return nil }
      return status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        .map { String($0.dropFirst("Cpus_allowed_list:\t".count)) }
    }
  }

  @Test("a pool's threads stay on their CPUs; the caller's is left alone")
  func pins() throws {
    func mask() throws -> Substring? {
      try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8).split(separator: "\n")
        .first { $0.hasPrefix("Cpus_allowed_list:\t") }?.dropFirst("Cpus_allowed_list:\t".count)
    }
    let before = try #require(try mask())
    let cpu = try #require(Int(before.prefix { $0.isNumber }))
    let engine = try KernelEngine(threadCount: 3, pins: [cpu, cpu, cpu])
    let values = try FloatRows(rowCapacity: 64, width: 32)
    let rows = try ActivationRows(rowCapacity: 64, width: 32, isQuantized: true)
    let norm = [Float](repeating: 1, count: 32)
    // A thread has pinned itself before it works.
    while try Self.poolCPUs().count(where: { $0 == "\(cpu)" }) < 2 {
      engine.normalize(values, rowCount: 64, weights: norm, epsilon: 1, into: rows)
    }
    #expect(try mask() == before)
  }

  @Test("a CPU that is not there is refused")
  func refused() {
    #expect(!ThreadPlacement.confine(thread: 0, to: [1 << 20]))
    #expect(!ThreadPlacement.confine(thread: 0, to: []))
  }

  @Test("memory is to be had wherever it is to lie")
  func memory() throws {
    defer { MemoryPlacement.anywhere.apply() }
    for placement: MemoryPlacement in [
      .near(node: 0), .interleaved(nodes: [0]), .near(node: 1000), .interleaved(nodes: [5, 9999]),
    ] {
      placement.apply()
      let rows = try FloatRows(rowCapacity: 10, width: 1000)
      rows.withMutableRow(9) { $0[999] = 1 }
      #expect(rows.withRow(9) { $0[999] } == 1)
    }
  }
}
