import BlockCache
import Checksum
import Glibc
import MeshTypes
import SegmentStore
import Testing

@Suite("Compressed records")
struct CompressionTests {
  static let compressions: [Compression] = [
    .zstd(level: 1), .zstd(level: 3), .zstdPlanes(level: 1), .zstdPlanes(level: 2),
  ]

  private func compressible(_ numbers: Range<Int>) -> [TestBlock] {
    numbers.map { TestBlock($0, isCompressible: true) }
  }

  @Test("give back what was inserted, and take less room", arguments: compressions)
  func roundTrip(compression: Compression) throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device, .small(compression: compression))
    let some = compressible(0..<30)
    for block in some { #expect(try store.insert(block) == .stored) }
    for block in some { #expect(try store.insert(block) == .present) }
    #expect(try store.readable(some) == Set(some))
    #expect(store.statistics.savedBytes > store.statistics.writtenBytes / 4)
    #expect(store.payloadBytes(of: some[7].key) == some[7].payload().count)

    // The setting is for writing alone.
    let reopened = try SegmentStore(on: device, .small())
    #expect(try reopened.readable(some) == Set(some))
    var queue = reopened.makeReadQueue(depth: 4)
    var read = 0
    reopened.read(some.map(\.key), with: &queue) { index, payload in
      #expect(payload.withUnsafeBytes { Array($0) } == some[index].payload())
      read += 1
    }
    #expect(read == some.count)
  }

  @Test("are kept only if they save an eighth", arguments: compressions)
  func incompressible(compression: Compression) throws {
    let device = FaultyDevice()
    let plain = FaultyDevice()
    let store = try SegmentStore(on: device, .small(compression: compression))
    let other = try SegmentStore(on: plain, .small())
    for block in blocks(0..<20) {
      try store.insert(block)
      try other.insert(block)
    }
    #expect(store.statistics.savedBytes == 0)
    #expect(store.statistics.writtenBytes == other.statistics.writtenBytes)
    #expect(try store.readable(blocks(0..<20)).count == 20)
    // Two pages cannot become fewer by an eighth unless they become one page, which is the header.
    let tiny = TestBlock(50, isCompressible: true)
    try store.insert(tiny, count: 4000)
    #expect(store.statistics.savedBytes == 0)
  }

  @Test("lie beside others in one segment, are evicted and written again", arguments: 0..<20)
  func mixture(seed: UInt64) throws {
    var random = SplitMix(seed)
    let device = FaultyDevice()
    let settings = { () -> SegmentStoreSettings in
      .small(compression: [.none, .zstd(level: 1), .zstdPlanes(level: 1)][Int(seed % 3)])
    }
    var store = try SegmentStore(on: device, settings())
    for round in 0..<600 {
      let number = Int.random(in: 0..<200, using: &random)
      let block = TestBlock(number, isCompressible: number % 3 > 0)
      try store.insert(block)
      let asked = Int.random(in: 0..<200, using: &random)
      _ = try store.readable([TestBlock(asked, isCompressible: asked % 3 > 0)], "seed \(seed)")
      if round % 150 == 149 {
        store = try SegmentStore(
          on: device,
          .small(compression: round > 400 ? .zstd(level: 2) : .none)
        )
      }
    }
    #expect(store.statistics.corruptRecords == 0)
    #expect(device.mostBytes <= store.settings.capacityBytes)
  }

  @Test("have headers of version 2, as documented")
  func header() {
    var page = PageBuffer(byteCount: 4096)
    let header = RecordHeader(
      key: TestBlock(3).key,
      payloadBytes: 368_640,
      generation: 77,
      nonce: 0x99,
      payloadChecksum: 0xabcd,
      compressed: CompressedForm(codec: .zstdPlanes, byteCount: 300_000, checksum: 0x1234)
    )
    header.store(in: &page)
    let read = { (offset: Int) -> UInt32 in page.load(UInt32.self, at: offset) }
    #expect(read(8) == 2 && read(12) == 2)
    #expect(page.load(UInt64.self, at: 48) == 368_640)
    #expect(page.load(UInt64.self, at: 80) == 300_000)
    #expect(read(72) == 0xabcd && read(88) == 0x1234)
    #expect(read(76) == page.checksum(of: 0..<76) && read(92) == page.checksum(of: 0..<92))
    #expect(RecordHeader(from: page) == header)
    #expect(header.recordBytes == 4096 + 303_104)
  }

  /// A segment of one record, written by hand, whose compressed bytes are `compressed`.
  private func store(
    claiming payloadBytes: Int,
    _ compressed: [UInt8],
    checksum: UInt32
  ) throws -> SegmentStore {
    var image = PageBuffer(byteCount: 8192 + compressed.count)
    SegmentHeader(id: 1, nonce: 5).store(in: &image)
    RecordHeader(
      key: TestBlock(0).key,
      payloadBytes: payloadBytes,
      generation: 1,
      nonce: 5,
      payloadChecksum: checksum,
      compressed: CompressedForm(
        codec: .zstd,
        byteCount: compressed.count,
        checksum: CRC32C.checksum(compressed.span.bytes)
      )
    ).store(in: &image, at: 4096)
    image.copy(compressed.span.bytes, to: 8192)
    let device = FaultyDevice()
    device.images[SegmentHeader.fileName(of: 1)] = image.withBytes(in: 0..<image.byteCount) {
      $0.withUnsafeBytes { Array($0) }
    }
    return try SegmentStore(on: device)
  }

  /// zstd's frame of 4096 zeros: a header that tells the length, and one block of repeated bytes.
  private func zeros(_ count: UInt32) -> [UInt8] {
    let size = (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    let block = count << 3 | 0b011
    return [0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000] + size
      + (0..<3).map { UInt8(truncatingIfNeeded: block >> (8 * $0)) } + [0]
  }

  @Test("that decompress to more or less than their header says are misses")
  func bombs() throws {
    let payload = [UInt8](repeating: 0, count: 8000)
    let checksum = CRC32C.checksum(payload.span.bytes)
    let honest = try store(claiming: 8000, zeros(8000), checksum: checksum)
    #expect(try honest.payload(of: TestBlock(0)) == payload)
    for count in [1, 7999, 8001, 100_000] as [UInt32] {
      let store = try store(claiming: 8000, zeros(count), checksum: checksum)
      #expect(try store.payload(of: TestBlock(0)) == nil)
      #expect(store.statistics.corruptRecords == 1)
    }
    let lie = try store(claiming: 8000, zeros(8000), checksum: checksum ^ 1)
    #expect(try lie.payload(of: TestBlock(0)) == nil)
    // More than the setting allows is not even listed.
    let bomb = try store(claiming: 1 << 29, zeros(100_000), checksum: checksum)
    #expect(!bomb.contains(TestBlock(0).key))
    let noise = try store(claiming: 8000, TestBlock(3).payload(count: 500), checksum: checksum)
    #expect(try noise.payload(of: TestBlock(0)) == nil)
  }

  @Test("settings have names, and levels a range")
  func names() {
    for compression in Self.compressions + [.none] {
      #expect(Compression(parsing: compression.description) == compression)
    }
    for text in ["", "zstd", "zstd-4", "zstd-0", "lz4", "None"] {
      #expect(Compression(parsing: text) == nil)
    }
    let error = #expect(throws: MeshError.self) {
      _ = try SegmentStore(on: FaultyDevice(), .small(compression: .zstd(level: 9)))
    }
    #expect(error?.field == "compression")
  }
}
