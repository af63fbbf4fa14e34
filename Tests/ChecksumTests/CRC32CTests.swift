import Checksum
import TestSupport
import Testing

@Suite("CRC32C")
struct CRC32CTests {
  private static let functions: [@Sendable ([UInt8], UInt32) -> UInt32] = [
    { CRC32C.checksum($0.span.bytes, after: $1) },
    { CRC32C.portableChecksum($0.span.bytes, after: $1) },
  ]

  private static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  @Test("the examples of RFC 3720 B.4 come out right", arguments: [0, 1])
  func examples(function: Int) {
    let checksum = Self.functions[function]
    #expect(checksum([UInt8](repeating: 0, count: 32), 0) == 0x8a91_36aa)
    #expect(checksum([UInt8](repeating: 0xff, count: 32), 0) == 0x62a8_ab43)
    #expect(checksum(Array(0..<32), 0) == 0x46dd_794e)
    #expect(checksum((0..<32).reversed(), 0) == 0x113f_db5c)
    #expect(checksum(Array("123456789".utf8), 0) == 0xe306_9283)
    #expect(checksum([], 0) == 0)
  }

  @Test("instruction and definition agree for every length and alignment")
  func agreement() {
    let bytes = Self.bytes(40_000, seed: 1)
    let lengths = Array(0..<100) + [4095, 4096, 8192, 12_287, 12_288, 12_289, 24_576, 39_000]
    for length in lengths {
      for start in [0, 1, 3, 7] {
        let part = bytes.span.bytes.extracting(start..<start + length)
        #expect(
          CRC32C.checksum(part) == CRC32C.portableChecksum(part),
          "\(length) bytes from \(start)"
        )
      }
    }
  }

  @Test("a sum goes on where another ended", arguments: [0, 1])
  func continuation(function: Int) {
    let checksum = Self.functions[function]
    let bytes = Self.bytes(20_000, seed: 2)
    for split in [0, 1, 8, 4097, 12_288, 19_999] {
      let first = checksum(Array(bytes[..<split]), 0)
      #expect(checksum(Array(bytes[split...]), first) == checksum(bytes, 0))
    }
  }

  #if arch(x86_64)
    @Test("this processor's instruction is used")
    func accelerated() { #expect(CRC32C.isAccelerated) }
  #endif
}
