import CKernels
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("Soft caps: cap · tanh(value / cap)")
struct SoftCapTests {
  private let sets = [wk_kernel_set_portable().pointee, wk_kernel_set_best().pointee]
  private static let caps: [Float] = [1e-3, 0.7, 30, 50, 1e6]

  private func capped(_ kernels: wk_kernel_set, _ values: [Float], _ cap: Float) -> [Float] {
    var values = values
    kernels.soft_cap(&values, values.count, cap)
    return values
  }

  @Test("are the same in all sets and close to exact, for values of every size", arguments: caps)
  func exact(_ cap: Float) {
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    for count in 1...200 {
      let values = random.floats(count).map {
        $0 * cap * exp2(Float.random(in: -20...4, using: &random))
      }
      let found = sets.map { capped($0, values, cap) }
      #expect(found[0].map(\.bitPattern) == found[1].map(\.bitPattern), "seed \(seed)")
      for (value, capped) in zip(values, found[1]) {
        let exact = Double(cap) * tanh(Double(value) / Double(cap))
        #expect(abs(Double(capped) - exact) <= 5e-7 * abs(exact), "\(value), seed \(seed)")
        #expect(abs(capped) <= cap, "\(value), seed \(seed)")
      }
    }
  }

  @Test("bound the largest values, and hide no NaN", arguments: caps)
  func extremes(_ cap: Float) {
    for kernels in sets {
      // As many as a vector has and one more, which is computed by itself.
      let values: [Float] = [
        .infinity, 3e38, 11 * cap, -11 * cap, -3e38, -.infinity, 0, -0.0, .nan,
      ]
      let found = capped(kernels, values, cap)
      #expect(found.prefix(8) == [cap, cap, cap, -cap, -cap, -cap, 0, 0])
      #expect(found[8].isNaN)
      #expect(capped(kernels, values.reversed(), cap)[0].isNaN)
    }
  }

  @Test("are for the rows that are asked for, however many threads share them out")
  func rows() throws {
    var random = SeededGenerator(seed: 12)
    let width = 5003
    let values = random.floats(5 * width, scale: 20)
    for threadCount in 1...3 {
      let rows = try FloatRows(rowCapacity: 5, width: width)
      rows.fill(values)
      try KernelEngine(threadCount: threadCount).softCap(rows, rowCount: 4, cap: 30)
      let expected = capped(sets[0], Array(values.prefix(4 * width)), 30)
      #expect(rows.values(rowCount: 5) == expected + values.suffix(width))
    }
  }
}
