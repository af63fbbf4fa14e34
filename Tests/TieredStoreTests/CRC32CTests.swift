import TestSupport
import Testing
import TieredStore

@Suite("CRC32C")
struct CRC32CTests {
  @Test("the values of RFC 3720, appendix B.4")
  func standard() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32).span.bytes) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32).span.bytes) == 0x62A8_AB43)
    #expect(CRC32C.checksum([UInt8](0..<32).span.bytes) == 0x46DD_794E)
    #expect(CRC32C.checksum([UInt8]("123456789".utf8).span.bytes) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8]().span.bytes) == 0)
  }

  @Test("the CPU's instruction, table and pieces agree for every length and start")
  func agreement() {
    var random = SeededGenerator(seed: 3720)
    let bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    for round in 0..<300 {
      let start = Int.random(in: 0..<9, using: &random)
      let count = round < 60 ? round : Int.random(in: 0..<39_000, using: &random)
      let piece = bytes.span.extracting(start..<start + count).bytes
      let whole = CRC32C.checksum(piece)
      #expect(whole == CRC32C.portableChecksum(piece), "\(start), \(count)")
      let cut = Int.random(in: 0...count, using: &random)
      let first = CRC32C.checksum(piece.extracting(first: cut))
      #expect(CRC32C.checksum(piece.extracting(droppingFirst: cut), from: first) == whole)
    }
  }
}
