import CKernels
import Foundation
import TestSupport
import Testing

/// The row kernels of each instruction set against the portable ones and against exact arithmetic.
@Suite struct KernelSetTests {
  private let portable = wk_kernel_set_portable().pointee
  private let best = wk_kernel_set_best().pointee
  private let seed: UInt64 = 5

  /// Ordinary numbers among the awkward ones.
  private func awkwardFloats(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
    let awkward: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude, 65_504, 65_520, -70_000, 1e30, -1e30,
      .infinity, -.infinity, .nan,
    ]
    return random.floats(count, scale: 3).map { value in
      Int.random(in: 0..<8, using: &random) == 0 ? awkward.randomElement(using: &random)! : value
    }
  }

  /// NaNs compare equal whatever their payload.
  private func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? 0x7FC0_0000 : $0.bitPattern }
  }

  private struct Quantized: Equatable {
    var levels: [Int8] = []
    var levelSums: [Int32] = []
    var scales: [UInt32] = []
    var sums: [UInt32] = []
    var outliers: [UInt32] = []
    var outlierInputs: [UInt32] = []
  }

  /// Quantises rows as one block, and reads them back.
  private func quantize(_ kernels: wk_kernel_set, _ rows: [[Float]]) -> [Quantized] {
    let count = rows[0].count
    var levels = [wk_level_block](repeating: wk_level_block(), count: count / 32)
    var outliers = [wk_outlier_block](repeating: wk_outlier_block(), count: (count + 127) / 128)
    for (lane, values) in rows.enumerated() {
      kernels.quantize(values, values.count, lane, &levels, &outliers)
    }
    return rows.indices.map { lane in
      var row = Quantized()
      for block in levels {
        let bytes = withUnsafeBytes(of: block.levels) { $0.map { Int8(bitPattern: $0) } }
        row.levels += (0..<32).map { bytes[$0 / 4 * 16 + lane * 4 + $0 % 4] }
        let sums = withUnsafeBytes(of: block.level_sums) { Array($0.bindMemory(to: Int32.self)) }
        row.levelSums += [sums[lane], sums[4 + lane]]
        row.scales += bits([four(block.scales)[lane]])
        row.sums += bits([four(block.sums)[lane]])
      }
      for block in outliers {
        row.outliers += bits([four(block.values)[lane]])
        row.outlierInputs.append(
          withUnsafeBytes(of: block.inputs) { $0.bindMemory(to: UInt32.self)[lane] }
        )
      }
      return row
    }
  }

  private func four(_ values: (Float, Float, Float, Float)) -> [Float] {
    [values.0, values.1, values.2, values.3]
  }

  @Test func quantizingIsTheSameInAllSets() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let count = 32 * Int.random(in: 1...20, using: &random)
      let rows = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        Bool.random(using: &random)
          ? random.floats(count, scale: 10) : awkwardFloats(count, &random)
      }
      #expect(quantize(best, rows) == quantize(portable, rows), "seed \(seed)")
    }
  }

  @Test func quantizingRoundsToTheNearestOf255LevelsSaveTheOutliers() {
    var random = SeededGenerator(seed: seed)
    let rows = (0..<4).map { _ in random.floats(3200 + 64) }
    for (values, quantized) in zip(rows, quantize(best, rows)) {
      for group in 0..<102 {
        let range = group * 32..<group * 32 + 32
        let block = group / 4 * 128..<min(group / 4 * 128 + 128, values.count)
        let outlier = block.first { index in
          block.allSatisfy { abs(values[$0]) <= abs(values[index]) }
        }!
        #expect(quantized.outlierInputs[group / 4] == UInt32(outlier))
        #expect(quantized.outliers[group / 4] == values[outlier].bitPattern)
        let others = range.filter { $0 != outlier }
        let scale = Float(bitPattern: quantized.scales[group])
        #expect(scale == others.map { abs(values[$0]) }.max()! / 127)
        for index in others {
          let error = abs(values[index] - Float(quantized.levels[index]) * scale)
          #expect(error <= scale * 0.502, "seed \(seed)")
        }
        let halves = [range.prefix(16), range.suffix(16)].map { half in
          half.reduce(Int32(0)) { $0 + Int32(quantized.levels[$1]) }
        }
        #expect(Array(quantized.levelSums[2 * group..<2 * group + 2]) == halves)
        let sum = scale * Float(halves[0] + halves[1])
        let expected = range ~= outlier ? sum + values[outlier] : sum
        #expect(Float(bitPattern: quantized.sums[group]) == expected)
        if range ~= outlier { #expect(quantized.levels[outlier] == 0) }
      }
    }
    let zeros = quantize(best, [[Float](repeating: 0, count: 32)])
    #expect(zeros[0].levels.allSatisfy { $0 == 0 } && zeros[0].outliers == [0])
  }

  @Test func normalizingIsTheSameInAllSetsAndCloseToExact() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let count = Int.random(in: 1...700, using: &random)
      let values = random.floats(count, scale: 5), weights = random.floats(count)
      var expected = [Float](repeating: 0, count: count), found = expected
      portable.rms_norm(values, weights, count, 1e-5, &expected)
      best.rms_norm(values, weights, count, 1e-5, &found)
      #expect(bits(found) == bits(expected), "\(count) values, seed \(seed)")
      let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
      for index in 0..<count {
        let exact = Double(values[index]) / (square + 1e-5).squareRoot() * Double(weights[index])
        #expect(abs(Double(found[index]) - exact) <= 1e-6 * abs(exact), "seed \(seed)")
      }
    }
  }

  @Test func gegluIsTheSameInAllSetsAndCloseToExact() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let count = Int.random(in: 1...100, using: &random)
      let gate = random.floats(count, scale: 12), up = random.floats(count)
      var expected = [Float](repeating: 0, count: count), found = expected
      portable.geglu(gate, up, count, &expected)
      best.geglu(gate, up, count, &found)
      #expect(bits(found) == bits(expected), "seed \(seed)")
      for index in 0..<count {
        let x = Double(gate[index])
        let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
        let exact = 0.5 * x * (1 + tanh(inner)) * Double(up[index])
        #expect(abs(Double(found[index]) - exact) <= 2e-6 * abs(exact) + 1e-6, "seed \(seed)")
      }
    }
  }

  @Test func swigluIsTheSameInAllSetsAndCloseToExact() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      let count = Int.random(in: 1...100, using: &random)
      let gate = random.floats(count, scale: 20), up = random.floats(count)
      var expected = [Float](repeating: 0, count: count), found = expected
      portable.swiglu(gate, up, count, &expected)
      best.swiglu(gate, up, count, &found)
      #expect(bits(found) == bits(expected), "seed \(seed)")
      for index in 0..<count {
        let exact = Double(gate[index]) / (1 + exp(-Double(gate[index]))) * Double(up[index])
        #expect(abs(Double(found[index]) - exact) <= 1e-6 * abs(exact) + 1e-30, "seed \(seed)")
      }
    }
  }

  @Test func exponentialsAreTheSameInAllSetsAndCloseToExact() {
    var values: [Float] = (0...200_000).map { -100 + Float($0) * 0.0005 }
    values.removeAll { $0 > 0 }
    values += [-.infinity, -0.0]
    var expected = [Float](repeating: -1, count: values.count), found = expected
    portable.exponentials(values, values.count, 0, 1, &expected)
    best.exponentials(values, values.count, 0, 1, &found)
    #expect(bits(found) == bits(expected))
    for (value, exponential) in zip(values, found) {
      let exact = value < -87 ? 0 : exp(Double(value))
      #expect(abs(Double(exponential) - exact) <= 1.5e-7 * exact, "exp(\(value))")
    }
    #expect(found.last == 1)
  }

  @Test func largestFindsTheFirstLargestAndNonFiniteValues() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let count = Int.random(in: 1...100, using: &random)
      var values = (0..<count).map { _ in Float(Int.random(in: -5...5, using: &random)) }
      let first = values.firstIndex(of: values.max()!)!
      for kernels in [portable, best] {
        var allFinite = false
        #expect(kernels.largest(values, count, &allFinite) == first, "seed \(seed)")
        #expect(allFinite)
      }
      values[Int.random(in: 0..<count, using: &random)] =
        [Float.nan, .infinity, -.infinity].randomElement(using: &random)!
      for kernels in [portable, best] {
        var allFinite = true
        _ = kernels.largest(values, count, &allFinite)
        #expect(!allFinite, "seed \(seed)")
      }
    }
  }

  @Test func everyHalfConvertsAsTheStandardLibraryDoes() {
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let found = wk_from_f16(bits)
      #expect(expected.isNaN ? found.isNaN : found.bitPattern == expected.bitPattern, "\(bits)")
    }
  }

  @Test func halvesAreRoundedToTheNearestAndClamped() {
    var random = SeededGenerator(seed: seed)
    var values = awkwardFloats(50_000, &random)
    values += (0..<50_000).map { _ in
      Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
    }
    // Exactly between two halves, and next to that.
    values += (0..<UInt16(0x7BFF)).flatMap { bits -> [Float] in
      let middle = (Float(Float16(bitPattern: bits)) + Float(Float16(bitPattern: bits + 1))) / 2
      return [middle, middle.nextUp, middle.nextDown, -middle]
    }
    for kernels in [portable, best] {
      var halves = [UInt16](repeating: 0, count: values.count)
      kernels.to_halves(values, values.count, &halves)
      for (value, half) in zip(values, halves) {
        let limit: Float = 65_504
        let expected = Float16(value.isNaN ? -limit : min(max(value, -limit), limit))
        #expect(half == expected.bitPattern, "\(value), seed \(seed)")
      }
    }
  }

  private func levels(_ kernels: wk_kernel_set, _ values: [Float]) -> ([Int8], [UInt16]) {
    var levels = [Int8](repeating: 0, count: values.count)
    var scales = [UInt16](repeating: 0, count: (values.count + 31) / 32)
    kernels.to_levels(values, values.count, &levels, &scales)
    return (levels, scales)
  }

  @Test func levelsOfKeysAndValuesAreTheSameInAllSetsAndTheNearest() {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let count = 16 * Int.random(in: 1...16, using: &random)
      let scale = Float.random(in: -20...20, using: &random)
      let values =
        Bool.random(using: &random)
        ? random.floats(count, scale: exp2(scale)) : awkwardFloats(count, &random)
      let found = levels(best, values)
      #expect(found == levels(portable, values), "seed \(seed)")
      for (index, value) in values.enumerated() {
        let limit: Float = 65_504
        let clamped = value.isNaN ? -limit : min(max(value, -limit), limit)
        let scale = Float(Float16(bitPattern: found.1[index / 32]))
        #expect(scale.isFinite)
        let error = abs(clamped - Float(found.0[index]) * scale)
        #expect(error <= scale * 0.502, "\(value), seed \(seed)")
      }
    }
  }
}
