import Checksum
import KVStoreWire
import TestSupport
import Testing

@Suite("Block bytes")
struct BlockBytesTests {
  /// 0…99 in three pieces.
  private let pieces: BlockBytes = {
    var bytes = BlockBytes(copying: [UInt8](0..<7).span.bytes)
    bytes.append(BlockBytes(copying: [UInt8](7..<50).span.bytes))
    bytes.append(BlockBytes())
    bytes.append(BlockBytes(copying: [UInt8](50..<100).span.bytes))
    return bytes
  }()

  @Test("pieces stand in their order; none is empty")
  func order() {
    #expect(pieces.byteCount == 100)
    #expect(pieces.array == [UInt8](0..<100))
    var sizes: [Int] = []
    pieces.forEachPiece { sizes.append($0.byteCount) }
    #expect(sizes == [7, 43, 50])
  }

  @Test("nothing is nothing")
  func empty() {
    #expect(BlockBytes().byteCount == 0)
    #expect(BlockBytes(copying: [UInt8]().span.bytes).array == [])
    #expect(BlockBytes().checksum() == 0)
    #expect(pieces[40..<40].byteCount == 0)
  }

  @Test("a copy goes to the beginning of the room and leaves the rest")
  func copying() {
    var room = [UInt8](repeating: 255, count: 104)
    var span = room.mutableSpan
    var bytes = span.mutableBytes
    pieces.copy(into: &bytes)
    #expect(room == [UInt8](0..<100) + [255, 255, 255, 255])
  }

  @Test("the checksum is that of all bytes in a row, whether read or copied")
  func checksum() {
    let expected = CRC32C.checksum([UInt8](0..<100).span.bytes)
    #expect(pieces.checksum() == expected)
    #expect(pieces[30..<100].checksum(after: pieces[0..<30].checksum()) == expected)
    var room = [UInt8](repeating: 0, count: 100)
    var span = room.mutableSpan
    var bytes = span.mutableBytes
    #expect(pieces.copyWithChecksum(into: &bytes) == expected)
    #expect(room == [UInt8](0..<100))
  }

  @Test("every range is the bytes of that range")
  func ranges() {
    for start in 0...100 {
      for end in start...100 {
        let part = pieces[start..<end]
        #expect(part.byteCount == end - start)
        #expect(part.array == [UInt8](0..<100)[start..<end].map { $0 })
      }
    }
  }

  @Test("memory lives as long as the last part that shares it")
  func sharing() {
    let live = LiveCount()
    var whole: BlockBytes? = CountedMemory([1, 2, 3, 4], counting: live).block
    var part = whole?[1..<3]
    whole = nil
    #expect(live.now == 1)
    #expect(part?.array == [2, 3])
    part = nil
    #expect(live.now == 0)
  }
}
