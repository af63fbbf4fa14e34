import BlockCache
import Checksum
import Glibc
import MeshTypes
import SegmentStore
import Testing

@Suite("Opening a store on old segments")
struct RecoveryTests {
  /// A device with some segments, and how many blocks, from 0 on, were inserted.
  private func filled(_ count: Int = 26) throws -> FaultyDevice {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    for block in blocks(0..<count) { try store.insert(block) }
    return device
  }

  @Test("every record is found again, in sealed segments and in the last one")
  func everything() throws {
    let device = try filled()
    #expect(device.images.count > 3)
    let store = try SegmentStore(on: device)
    #expect(store.statistics.records == 26)
    #expect(try store.readable(blocks(0..<26)).count == 26)
  }

  @Test("sealed segments take three reads, whatever they hold")
  func reads() throws {
    let device = try filled()
    let store = try SegmentStore(on: device)
    let sealed = store.statistics.segments - 1
    var scanner = SegmentScanner()
    let last = try #require(device.images.keys.max())
    let contents = try #require(
      try scanner.contents(of: device.open(last), id: UInt64(sealed + 1))
    )
    #expect(contents.ending == .open)
    let before = device.count(of: .read)
    _ = try SegmentStore(on: device)
    // The last: header, no seal, and a header for each record.
    #expect(device.count(of: .read) - before == 3 * sealed + 2 + contents.records.count)
  }

  @Test("the last segment is written on, so that many short lives do not make many files")
  func resumes() throws {
    let device = FaultyDevice()
    for number in 0..<20 {
      let store = try SegmentStore(on: device)
      try store.insert(TestBlock(number), count: 1000)
    }
    #expect(device.images.count == 4, "six records of two pages fit each")
    #expect(try SegmentStore(on: device).readable(blocks(0..<20), count: 1000).count == 20)
  }

  @Test("progress is told segment by segment")
  func progress() throws {
    let device = try filled()
    var steps: [RecoveryProgress] = []
    _ = try SegmentStore(settings: .small(), device: device, progress: { steps.append($0) })
    #expect(steps.map(\.segments) == Array(1...device.images.count))
    #expect(steps.last?.records == 26)
    #expect(steps.last?.bytes == device.images.values.reduce(0) { $0 + $1.count })
  }

  @Test("the newest of two records with one key is used")
  func newestWins() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device, .small(reinsertionBytes: 1 << 15))
    try store.insert(TestBlock(0))
    let first = SegmentHeader.fileName(of: 1)
    while device.images.count < 2 {
      try store.insert(TestBlock(store.statistics.records))
    }
    let old = try #require(device.images[first])
    var number = store.statistics.records
    while device.images[first] != nil {
      _ = try store.payload(of: TestBlock(0))
      try store.insert(TestBlock(number))
      number += 1
    }
    #expect(store.statistics.reinsertedRecords >= 1)
    // The removal of the first segment did not survive; its copy of the record is damaged.
    var images = device.images
    images[first] = old
    images[first]?[2 * 4096] ^= 1
    device.images = images
    let recovered = try SegmentStore(on: device, .small(capacityBytes: 9 << 16))
    #expect(try recovered.payload(of: TestBlock(0)) == TestBlock(0).payload())
  }

  @Test("an older copy is used if the newest is torn")
  func olderCopy() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(0), count: 5000)
    let old = try #require(device.images[SegmentHeader.fileName(of: 1)])
    // The same record once more, in a newer segment, as a reinsertion writes it.
    let other = FaultyDevice()
    other.images[SegmentHeader.fileName(of: 5)] = []
    let later = try SegmentStore(on: other)
    for block in [1, 0].map(TestBlock.init) { try later.insert(block, count: 5000) }
    let name = try #require(other.images.keys.first)
    var images = [SegmentHeader.fileName(of: 1): old, name: try #require(other.images[name])]
    images[name]?[5 * 4096 + 100] ^= 1
    device.images = images

    let recovered = try SegmentStore(on: device)
    #expect(try recovered.readable(blocks(0..<2), count: 5000).count == 2)
    images[SegmentHeader.fileName(of: 1)]?[2 * 4096 + 100] ^= 1
    device.images = images
    let damaged = try SegmentStore(on: device)
    #expect(try damaged.payload(of: TestBlock(0)) == nil)
    #expect(damaged.statistics.corruptRecords == 1 && damaged.statistics.misses == 1)
  }

  @Test("a process that may not open all segments opens no store")
  func tooManyFiles() throws {
    let device = try filled()
    device.set(.error(EMFILE), on: .open)
    let error = #expect(throws: MeshError.self) { try SegmentStore(on: device) }
    #expect(error?.code == .unavailable)
    device.set(nil, on: .open)
    #expect(try SegmentStore(on: device).statistics.records == 26)
  }

  @Test("files that are no segments are left alone")
  func unknownFiles() throws {
    let device = try filled(5)
    let strangers = [
      "LOCK", "notes.txt", "1.segment", "0000000000000001.segment.bak", "000000000000000g.segment",
      "00000000000000AB.segment", "+000000000000001.segment", "ffffffffffffffff.segment",
    ]
    for name in strangers { device.images[name] = [1, 2, 3] }
    let store = try SegmentStore(on: device)
    #expect(store.statistics.unknownFiles == strangers.count - 1)
    #expect(try store.readable(blocks(0..<5)).count == 5)
    for number in 0..<300 { try store.insert(TestBlock(number)) }
    for name in strangers { #expect(device.images[name] == [1, 2, 3]) }
  }

  @Test("segments that nothing can be read from are removed")
  func unreadable() throws {
    let device = try filled(5)
    let names = Set(device.images.keys)
    device.images[SegmentHeader.fileName(of: 100)] = []
    device.images[SegmentHeader.fileName(of: 101)] = [UInt8](repeating: 7, count: 10_000)
    // A copy under another name is not the segment of that name.
    device.images[SegmentHeader.fileName(of: 102)] = device.images[SegmentHeader.fileName(of: 1)]
    let store = try SegmentStore(on: device)
    #expect(store.statistics.unreadableSegments == 3)
    #expect(Set(device.images.keys) == names)
    #expect(try store.readable(blocks(0..<5)).count == 5)
  }

  @Test("a segment that the device cannot read counts until it is evicted")
  func unreadableNow() throws {
    let device = try filled()
    device.set(.error(EIO), on: .read)
    let store = try SegmentStore(on: device)
    #expect(store.statistics.records == 0)
    let bytes = device.images.values.reduce(0) { $0 + $1.count }
    #expect(store.statistics.occupiedBytes == bytes)
    device.set(nil, on: .read)
    for number in 100..<400 { #expect(try store.insert(TestBlock(number)) == .stored) }
    #expect(device.mostBytes <= store.settings.capacityBytes)
    #expect(device.images[SegmentHeader.fileName(of: 1)] == nil)
  }

  @Test("a smaller capacity evicts the oldest segments at once")
  func smallerCapacity() throws {
    let device = try filled(70)
    let settings = SegmentStoreSettings.small(capacityBytes: 3 << 16)
    let store = try SegmentStore(on: device, settings)
    #expect(store.statistics.occupiedBytes <= settings.capacityBytes)
    let readable = try store.readable(blocks(0..<70))
    #expect(!readable.isEmpty && readable == Set(blocks(70 - readable.count..<70)))
  }

  @Test("records longer than a lowered limit are left out")
  func lowerLimit() throws {
    let device = FaultyDevice()
    let old = try SegmentStore(on: device)
    try old.insert(TestBlock(0), count: 3 * 4096)
    try old.insert(TestBlock(1), count: 100)
    var settings = SegmentStoreSettings.small()
    settings.maximumPayloadBytes = 4096
    let store = try SegmentStore(on: device, settings)
    #expect(try store.readable([TestBlock(1)], count: 100).count == 1)
    #expect(!store.contains(TestBlock(0).key))
  }

  @Test("a forged record in a payload is never taken for a record")
  func forgery() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    // A payload whose second page is the header of a record of another key, and what follows it.
    let victim = TestBlock(7)
    var forged = PageBuffer(byteCount: 3 * 4096)
    let lie = TestBlock(8).payload(count: 4096)
    forged.copy(lie.span.bytes, to: 2 * 4096)
    RecordHeader(
      key: victim.key,
      payloadBytes: 4096,
      generation: 1000,
      nonce: 0,
      payloadChecksum: CRC32C.checksum(lie.span.bytes)
    ).store(in: &forged, at: 4096)
    let payload = forged.withBytes(in: 0..<3 * 4096) { $0.withUnsafeBytes { Array($0) } }
    #expect(try store.insert(TestBlock(1).key, payload.span.bytes) == .stored)

    // The segment is cut so that a scan would come by the forged header.
    let name = SegmentHeader.fileName(of: 1)
    let image = try #require(device.images[name])
    device.images[name] = Array(image[..<4096] + image[(3 * 4096)...])
    let recovered = try SegmentStore(on: device)
    #expect(try recovered.payload(of: victim) == nil)
  }
}
