import Foundation
import Kernels
import Testing

@Suite struct WeightFormatTests {
  private struct Record {
    var ggmlType: UInt32
    var weightCount: Int
    var blocks: [UInt8]
    var expected: [Float]
  }

  /// Reads Fixtures/dequantization.bin, which make_dequantization.py wrote with PyPI's `gguf`.
  private static func records() throws -> [Record] {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/dequantization.bin")
    let bytes = [UInt8](try Data(contentsOf: url))
    var records: [Record] = []
    var offset = 0
    func word() -> UInt32 {
      defer { offset += 4 }
      return (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
    while offset < bytes.count {
      let ggmlType = word(), weightCount = Int(word()), byteCount = Int(word())
      let blocks = Array(bytes[offset..<offset + byteCount])
      offset += byteCount
      let expected = (0..<weightCount).map { _ in Float(bitPattern: word()) }
      records.append(
        Record(ggmlType: ggmlType, weightCount: weightCount, blocks: blocks, expected: expected)
      )
    }
    return records
  }

  @Test func everyFormatDecodesAsTheReferenceDoes() throws {
    let records = try Self.records()
    #expect(Set(records.map(\.ggmlType)) == Set(RandomWeights.formats.map(\.ggmlType)))
    for record in records {
      let format = try #require(WeightFormat(ggmlType: record.ggmlType))
      #expect(
        record.weightCount / format.weightsPerBlock * format.bytesPerBlock == record.blocks.count
      )
      let decoded = record.blocks.withUnsafeBytes { format.dequantize($0) }
      #expect(decoded == record.expected, "ggml type \(record.ggmlType)")
    }
  }

  @Test func anUnknownTypeHasNoFormat() {
    for ggmlType: UInt32 in [4, 5, 9, 10, 11, 15, 29, 31, .max] {
      #expect(WeightFormat(ggmlType: ggmlType) == nil)
    }
  }
}
