import Kernels
import MeshTypes
import TestSupport
import Testing

@Suite struct WeightMatrixTests {
  @Test func anEmbeddingLookupGivesTheFormatsValues() throws {
    let seed: UInt64 = 11
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 2)
    for kind in RandomWeights.formats {
      let weights = try RandomWeights(kind, columns: 21, depth: 512, using: &random)
      let matrix = try weights.packed(by: engine)
      let rows = try FloatRows(rowCapacity: 21, width: 512)
      engine.embed((0..<21).map { UInt32($0) }, from: matrix, into: rows)
      #expect(rows.values(rowCount: 21) == weights.dequantized, "\(kind.name), seed \(seed)")
    }
  }

  @Test func scalesThatF16CannotHoldStayExact() throws {
    // Q4_0's offset is -8 times its scale: beyond f16's largest number here.
    let engine = try KernelEngine(threadCount: 1)
    let format = try #require(WeightFormat(ggmlType: 2))
    let bytes = littleEndian(Float16(60_000).bitPattern) + [UInt8](repeating: 0x31, count: 16)
    let matrix = try bytes.withUnsafeBytes {
      try WeightMatrix(packing: $0, format: format, columns: 1, depth: 32, engine: engine)
    }
    let rows = try FloatRows(rowCapacity: 1, width: 32)
    engine.embed([0], from: matrix, into: rows)
    let expected =
      [Float](repeating: -7 * 60_000, count: 16) + [Float](repeating: -5 * 60_000, count: 16)
    // 60000 is not an f16; the nearest is.
    #expect(rows.values(rowCount: 1) == expected.map { $0 / 60_000 * Float(Float16(60_000)) })
  }

  @Test func bytesThatDoNotMatchTheSizesAreRefused() throws {
    let engine = try KernelEngine(threadCount: 1)
    let format = try #require(WeightFormat(ggmlType: 8))
    for (columns, depth, byteCount) in [
      (2, 32, 67), (2, 32, 69), (0, 32, 0), (2, 33, 68), (-1, 32, 34), (Int.max, 32, 34),
      (2, Int.max, 34),
    ] {
      let bytes = [UInt8](repeating: 0, count: max(byteCount, 1))
      let error = #expect(throws: MeshError.self) {
        try bytes.withUnsafeBytes {
          _ = try WeightMatrix(
            packing: UnsafeRawBufferPointer(rebasing: $0[..<byteCount]),
            format: format,
            columns: columns,
            depth: depth,
            engine: engine
          )
        }
      }
      #expect(error?.code == .invalidArgument)
    }
  }
}
