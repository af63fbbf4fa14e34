import Kernels
import TestSupport
import Testing

@Suite struct MatrixProductTests {
  private static func product(
    _ weights: RandomWeights,
    _ inputs: [Float],
    initial: [Float]? = nil,
    engine: KernelEngine
  ) throws -> FloatRows {
    let rowCount = inputs.count / weights.depth
    let matrix = try weights.packed(by: engine)
    let input = try ActivationRows(
      rowCapacity: rowCount,
      width: weights.depth,
      isQuantized: matrix.isQuantized
    )
    input.rows.fill(inputs)
    engine.quantize(input, rowCount: rowCount)
    let output = try FloatRows(rowCapacity: rowCount, width: weights.columns)
    if let initial { output.fill(initial) }
    engine.multiply(
      MatrixProduct(input, matrix, into: output, accumulates: initial != nil),
      rowCount: rowCount
    )
    return output
  }

  @Test func allKernelSetsAndThreadCountsGiveTheSameBytes() throws {
    let seed: UInt64 = 1
    var random = SeededGenerator(seed: seed)
    let portable = try KernelEngine(threadCount: 1, instructionSet: .portable)
    let engines = try (1...4).flatMap { threadCount in
      try KernelEngine.InstructionSet.available.map {
        try KernelEngine(threadCount: threadCount, instructionSet: $0)
      }
    }
    for kind in RandomWeights.formats {
      for _ in 0..<6 {
        let columns = Int.random(in: 1...75, using: &random)
        let rowCount = Int.random(in: 1...21, using: &random)
        // Depths that do not fill the last outlier's 128 inputs, where the format allows it.
        let groups = Int.random(in: 1...20, using: &random)
        let depth = kind.name.hasSuffix("K") ? 256 * (1 + groups / 8) : 32 * groups
        let weights = try RandomWeights(kind, columns: columns, depth: depth, using: &random)
        var inputs = random.floats(rowCount * depth)
        for _ in 0..<inputs.count / 100 {
          inputs[Int.random(in: 0..<inputs.count, using: &random)] *= 40
        }
        let initial = Bool.random(using: &random) ? random.floats(rowCount * columns) : nil
        let expected = try Self.product(weights, inputs, initial: initial, engine: portable)
        for engine in engines {
          let found = try Self.product(weights, inputs, initial: initial, engine: engine)
          #expect(
            found.bits(rowCount: rowCount) == expected.bits(rowCount: rowCount),
            """
            \(engine.instructionSetName), \(kind.name) \(columns)×\(depth), \(rowCount) rows, \
            seed \(seed)
            """
          )
        }
      }
    }
  }

  @Test func aProductIsCloseToTheExactOne() throws {
    let seed: UInt64 = 2
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 2)
    for kind in RandomWeights.formats {
      let columns = 19, depth = 512, rowCount = 5
      let weights = try RandomWeights(kind, columns: columns, depth: depth, using: &random)
      let inputs = random.floats(rowCount * depth)
      let found = try Self.product(weights, inputs, engine: engine).values(rowCount: rowCount)
      let dequantized = weights.dequantized
      for row in 0..<rowCount {
        for column in 0..<columns {
          var exact = 0.0, magnitude = 0.0
          for index in 0..<depth {
            let weight = Double(dequantized[column * depth + index])
            exact += Double(inputs[row * depth + index]) * weight
            magnitude += weight * weight
          }
          // Inputs are below 4, so that rounding them to 8 bits errs by at most 4/254: evenly spread
          // errors have a standard deviation of 0.009.
          let tolerance = 5 * 0.009 * magnitude.squareRoot()
          let value = Double(found[row * columns + column])
          #expect(abs(value - exact) < tolerance, "\(kind.name), seed \(seed)")
        }
      }
    }
  }

  @Test func aRowDoesNotDependOnTheOthers() throws {
    let seed: UInt64 = 3
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 2)
    for kind in RandomWeights.formats {
      let depth = 256, columns = 40, rowCount = 151
      let weights = try RandomWeights(kind, columns: columns, depth: depth, using: &random)
      let inputs = random.floats(rowCount * depth)
      let together = try Self.product(weights, inputs, engine: engine).bits(rowCount: rowCount)
      for row in [0, 1, 6, 63, 127, 128, 149, 150] {
        let alone = try Self.product(
          weights,
          Array(inputs[row * depth..<(row + 1) * depth]),
          engine: engine
        )
        #expect(
          alone.bits(rowCount: 1) == Array(together[row * columns..<(row + 1) * columns]),
          "\(kind.name), row \(row), seed \(seed)"
        )
      }
    }
  }

  @Test(arguments: KernelEngine.InstructionSet.available)
  func extremeLevelsDoNotOverflow(_ instructionSet: KernelEngine.InstructionSet) throws {
    // All levels at their largest in magnitude, all activations equal: the integer sums' worst case.
    // The scale is a power of two, so that nothing is rounded.
    let engine = try KernelEngine(threadCount: 1, instructionSet: instructionSet)
    let value: Float = 127 * 256
    for (ggmlType, fill): (UInt32, UInt8) in [(2, 0xFF), (3, 0xFF), (6, 0), (7, 0xFF), (8, 0x80)] {
      let format = try #require(WeightFormat(ggmlType: ggmlType))
      var block = [UInt8](repeating: fill, count: format.bytesPerBlock)
      block.replaceSubrange(0..<2, with: littleEndian(Float16(1).bitPattern))
      if ggmlType == 3 || ggmlType == 7 { block.replaceSubrange(2..<4, with: [0, 0]) }
      let level: Float = [2: 7, 3: 15, 6: -16, 7: 31, 8: -128][ggmlType]!
      let matrix = try (block + block).withUnsafeBytes {
        try WeightMatrix(packing: $0, format: format, columns: 1, depth: 64, engine: engine)
      }
      for sign: Float in [1, -1] {
        let input = try ActivationRows(rowCapacity: 1, width: 64, isQuantized: true)
        input.rows.fill([Float](repeating: value * sign, count: 64))
        engine.quantize(input, rowCount: 1)
        let output = try FloatRows(rowCapacity: 1, width: 1)
        engine.multiply(MatrixProduct(input, matrix, into: output), rowCount: 1)
        #expect(output.values(rowCount: 1) == [64 * value * sign * level], "ggml type \(ggmlType)")
      }
    }
  }

  @Test func anOutlierIsNotRounded() throws {
    // With one input far above the rest, a product's error is that of the rest alone.
    let seed: UInt64 = 6
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 1)
    for kind in RandomWeights.formats {
      let columns = 5, depth = 256
      let weights = try RandomWeights(kind, columns: columns, depth: depth, using: &random)
      var inputs = random.floats(depth)
      inputs[Int.random(in: 0..<128, using: &random)] = 1000
      let found = try Self.product(weights, inputs, engine: engine).values(rowCount: 1)
      let dequantized = weights.dequantized
      for column in 0..<columns {
        var exact = 0.0, magnitude = 0.0
        for index in 0..<depth {
          let weight = Double(dequantized[column * depth + index])
          exact += Double(inputs[index]) * weight
          magnitude += weight * weight
        }
        let tolerance = 5 * 0.009 * magnitude.squareRoot() + 1e-6 * abs(exact)
        #expect(abs(Double(found[column]) - exact) < tolerance, "\(kind.name), seed \(seed)")
      }
    }
  }

  @Test func severalProductsInOneCallAreEachAsAlone() throws {
    let seed: UInt64 = 4
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 3)
    let depth = 256, rowCount = 7
    let inputs = random.floats(rowCount * depth)
    let weights = try [3, 8, 4, 0].map { index in
      try RandomWeights(
        RandomWeights.formats[index],
        columns: 30 + index,
        depth: depth,
        using: &random
      )
    }
    let input = try ActivationRows(rowCapacity: rowCount, width: depth, isQuantized: true)
    input.rows.fill(inputs)
    engine.quantize(input, rowCount: rowCount)
    let matrices = try weights.map { try $0.packed(by: engine) }
    let outputs = try weights.map { try FloatRows(rowCapacity: rowCount, width: $0.columns) }
    engine.multiply(
      MatrixProduct(input, matrices[0], into: outputs[0]),
      MatrixProduct(input, matrices[1], into: outputs[1]),
      MatrixProduct(input, matrices[2], into: outputs[2]),
      MatrixProduct(input, matrices[3], into: outputs[3]),
      rowCount: rowCount
    )
    for (weights, output) in zip(weights, outputs) {
      let alone = try Self.product(weights, inputs, engine: engine)
      #expect(output.bits(rowCount: rowCount) == alone.bits(rowCount: rowCount), "seed \(seed)")
    }
  }
}
