import BlockCache
import Checksum
import SegmentStore
import Testing

/// The byte offsets of docs/formats/segment.md.
@Suite("The format of segments")
struct SegmentFormatTests {
  private func bytes(_ buffer: borrowing PageBuffer, _ range: Range<Int>) -> [UInt8] {
    buffer.withBytes(in: range) { span in span.withUnsafeBytes { Array($0) } }
  }

  private func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    CRC32C.portableChecksum(bytes.span.bytes)
  }

  @Test("a segment's header")
  func segmentHeader() {
    var page = PageBuffer(byteCount: 4096)
    let header = SegmentHeader(id: 0x0102, nonce: 0x1122_3344_5566_7788)
    header.store(in: &page)
    let checked =
      Array("WEFTSEG\n".utf8) + little(1 as UInt32) + little(4096 as UInt32)
      + little(0x0102 as UInt64) + little(0x1122_3344_5566_7788 as UInt64)
    #expect(bytes(page, 0..<36) == checked + little(checksum(checked)))
    #expect(bytes(page, 36..<4096).allSatisfy { $0 == 0 })
    #expect(SegmentHeader(from: page) == header)
  }

  @Test("a record's header")
  func recordHeader() {
    var page = PageBuffer(byteCount: 4096)
    let key = TestBlock(3).key
    let header = RecordHeader(
      key: key,
      payloadBytes: 368_640,
      generation: 77,
      nonce: 0x99,
      payloadChecksum: 0xabcd
    )
    header.store(in: &page)
    let checked =
      Array("WEFTREC\n".utf8) + little(1 as UInt32) + little(0 as UInt32) + key.bytes
      + little(368_640 as UInt64) + little(77 as UInt64) + little(0x99 as UInt64)
      + little(0xabcd as UInt32)
    #expect(bytes(page, 0..<80) == checked + little(checksum(checked)))
    #expect(bytes(page, 80..<4096).allSatisfy { $0 == 0 })
    #expect(RecordHeader(from: page) == header)
    #expect(header.recordBytes == 4096 + 368_640)
  }

  @Test("a seal")
  func seal() {
    var page = PageBuffer(byteCount: 4096)
    let seal = SegmentSeal(
      id: 5,
      nonce: 6,
      tableOffset: 0x40000,
      recordCount: 10,
      tableChecksum: 0xef01
    )
    seal.store(in: &page)
    let checked =
      Array("WEFTEND\n".utf8) + little(1 as UInt32) + little(10 as UInt32) + little(5 as UInt64)
      + little(6 as UInt64) + little(0x40000 as UInt64) + little(0xef01 as UInt32)
    #expect(bytes(page, 0..<48) == checked + little(checksum(checked)))
    #expect(SegmentSeal(from: page, fileBytes: 0x42000) == seal)
    for wrong in [0x40000, 0x41000, 0x43000, 0] {
      #expect(SegmentSeal(from: page, fileBytes: wrong) == nil)
    }
  }

  @Test("a whole file, page by page")
  func file() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    for number in 0..<7 { try store.insert(TestBlock(number), count: 5000) }
    let image = try #require(device.images[SegmentHeader.fileName(of: 1)])
    // Header, four records of three pages, table, seal.
    #expect(image.count == (1 + 4 * 3 + 1 + 1) * 4096)
    let magics = stride(from: 0, to: image.count, by: 4096).map { offset in
      String(decoding: image[offset..<offset + 7], as: UTF8.self)
    }
    #expect(magics[0] == "WEFTSEG" && magics[14] == "WEFTEND")
    for record in 0..<4 {
      let start = 4096 * (1 + 3 * record)
      #expect(magics[1 + 3 * record] == "WEFTREC")
      let payload = TestBlock(record).payload(count: 5000)
      #expect(Array(image[start + 4096..<start + 9096]) == payload)
      #expect(image[start + 9096..<start + 3 * 4096].allSatisfy { $0 == 0 })
      let entry =
        TestBlock(record).key.bytes + little(UInt64(start)) + little(5000 as UInt64)
        + little(UInt64(record + 1)) + little(checksum(payload)) + little(0 as UInt32)
      let place = 13 * 4096 + 64 * record
      #expect(Array(image[place..<place + 64]) == entry)
    }
  }

  @Test("headers that claim what cannot be are refused, checksums and all")
  func impossible() {
    var page = PageBuffer(byteCount: 4096)
    for (payloadBytes, generation) in [(0, 1), (1 << 40, 1), (100, UInt64.max)] {
      RecordHeader(
        key: TestBlock(0).key,
        payloadBytes: payloadBytes,
        generation: generation,
        nonce: 0,
        payloadChecksum: 0
      ).store(in: &page)
      #expect(RecordHeader(from: page) == nil)
    }
    SegmentSeal(id: 1, nonce: 1, tableOffset: 8192, recordCount: 1 << 31, tableChecksum: 0)
      .store(in: &page)
    #expect(SegmentSeal(from: page, fileBytes: 8192 + (1 << 37) + 4096) == nil)
  }

  @Test("file names and ids")
  func names() {
    #expect(SegmentHeader.fileName(of: 0x1f) == "000000000000001f.segment")
    #expect(SegmentHeader.id(ofFileName: "000000000000001f.segment") == 0x1f)
    for name in ["1f.segment", "000000000000001F.segment", "000000000000001f.segmenT", ""] {
      #expect(SegmentHeader.id(ofFileName: name) == nil)
    }
  }
}
