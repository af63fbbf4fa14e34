import Kernels
import TestSupport
import Testing

/// A random tensor in one of the formats of model files.
struct RandomWeights {
  /// ggml's type numbers, with the byte offsets of a quantised block's f16 fields.
  static let formats: [(name: String, ggmlType: UInt32, halfOffsets: [Int])] = [
    ("F32", 0, []), ("F16", 1, []), ("BF16", 30, []),
    ("Q4_0", 2, [0]), ("Q4_1", 3, [0, 2]), ("Q5_0", 6, [0]), ("Q5_1", 7, [0, 2]), ("Q8_0", 8, [0]),
    ("Q4_K", 12, [0, 2]), ("Q5_K", 13, [0, 2]), ("Q6_K", 14, [208]),
  ]

  let format: WeightFormat
  let columns: Int
  let depth: Int
  let bytes: [UInt8]

  init(
    _ kind: (name: String, ggmlType: UInt32, halfOffsets: [Int]),
    columns: Int,
    depth: Int,
    using random: inout SeededGenerator
  ) throws {
    format = try #require(WeightFormat(ggmlType: kind.ggmlType))
    self.columns = columns
    self.depth = depth
    let blockCount = columns * depth / format.weightsPerBlock
    var bytes: [UInt8] = []
    for _ in 0..<blockCount {
      switch kind.name {
      case "F32": bytes += littleEndian(random.floats(1)[0].bitPattern)
      case "F16": bytes += littleEndian(Float16(random.floats(1)[0]).bitPattern)
      case "BF16": bytes += littleEndian(UInt16(random.floats(1)[0].bitPattern >> 16))
      default:
        var block = (0..<format.bytesPerBlock).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        for offset in kind.halfOffsets {
          let half = Float16(random.floats(1, scale: 0.1)[0])
          block.replaceSubrange(offset..<offset + 2, with: littleEndian(half.bitPattern))
        }
        bytes += block
      }
    }
    self.bytes = bytes
  }

  /// All weights as f32, column after column.
  var dequantized: [Float] { bytes.withUnsafeBytes { format.dequantize($0) } }

  func packed(by engine: KernelEngine) throws -> WeightMatrix {
    try bytes.withUnsafeBytes {
      try WeightMatrix(packing: $0, format: format, columns: columns, depth: depth, engine: engine)
    }
  }
}

func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

extension FloatRows {
  /// Copies values in, row after row from the first.
  func fill(_ values: [Float]) {
    for row in 0..<values.count / width {
      withMutableRow(row) { span in
        for index in 0..<width { span[index] = values[row * width + index] }
      }
    }
  }

  /// The values of the first rows, as bits: NaNs and signed zeros compare too.
  func bits(rowCount: Int) -> [UInt32] { values(rowCount: rowCount).map(\.bitPattern) }

  func values(rowCount: Int) -> [Float] {
    (0..<rowCount).flatMap { row in
      withRow(row) { span in span.indices.map { span[$0] } }
    }
  }
}
