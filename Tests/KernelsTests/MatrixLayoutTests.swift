import Kernels
import TestSupport
import Testing

@Suite struct MatrixLayoutTests {
  /// Bytes that another version packed are read as they are: whoever changes how a format is packed
  /// changes `MatrixLayout.arrangement`, and these sums with it.
  @Test func packedBytesChangeWithTheArrangementsName() throws {
    #expect(MatrixLayout.arrangement == "panels-16-v1")
    var random = SeededGenerator(seed: 3)
    let engine = try KernelEngine(threadCount: 1)
    var sums: [String: UInt64] = [:]
    for kind in RandomWeights.formats {
      let matrix = try RandomWeights(kind, columns: 21, depth: 512, using: &random)
        .packed(by: engine)
      #expect(matrix.withPackedBytes { $0.count } == matrix.layout.byteCount, "\(kind.name)")
      sums[kind.name] = matrix.withPackedBytes { bytes in
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
      }
    }
    let expected: [String: UInt64] = [
      "BF16": 0x2223_dda4_286e_fbf6,
      "F16": 0xf8f8_e99e_c3aa_0abf,
      "F32": 0xf970_b517_ffeb_e238,
      "Q4_0": 0x8fdd_3837_3648_6be7,
      "Q4_1": 0xdbcc_2d43_abca_31ba,
      "Q4_K": 0x6e08_967d_48af_6707,
      "Q5_0": 0x81e9_d95d_d66a_8795,
      "Q5_1": 0x301c_70ea_4fc4_beb7,
      "Q5_K": 0x9feb_bdf9_c594_9516,
      "Q6_K": 0xd7a7_664c_a754_47e9,
      "Q8_0": 0x39ab_5ebb_99a9_9a5f,
    ]
    #expect(sums == expected)
  }

  @Test func aMatrixOfPackedBytesComputesTheSame() throws {
    let seed: UInt64 = 4
    var random = SeededGenerator(seed: seed)
    let engine = try KernelEngine(threadCount: 1)
    for kind in RandomWeights.formats {
      let matrix = try RandomWeights(kind, columns: 21, depth: 512, using: &random)
        .packed(by: engine)
      let other = try matrix.withPackedBytes {
        try WeightMatrix(packed: $0, layout: matrix.layout, owner: matrix)
      }
      let rows = try FloatRows(rowCapacity: 21, width: 512)
      engine.embed((0..<21).map { UInt32($0) }, from: matrix, into: rows)
      let expected = rows.values(rowCount: 21)
      engine.embed((0..<21).map { UInt32($0) }, from: other, into: rows)
      #expect(rows.values(rowCount: 21) == expected, "\(kind.name), seed \(seed)")
    }
  }

  @Test func bytesOfAnotherSizeAreRefused() throws {
    let format = try #require(WeightFormat(ggmlType: 8))
    let layout = try MatrixLayout(format: format, hasWideScales: false, columns: 16, depth: 32)
    for count in [0, 1, layout.byteCount - 1, layout.byteCount + 1] {
      let bytes = [UInt8](repeating: 0, count: count)
      #expect(throws: (any Error).self) {
        try bytes.withUnsafeBytes {
          _ = try WeightMatrix(packed: $0, layout: layout, owner: engineOwner)
        }
      }
    }
  }

  private var engineOwner: AnyObject { Owner() }
}

private final class Owner {}
