import BlockCache
import Glibc
import SegmentStore
import Synchronization
import Testing

@Suite("Eviction of segments")
struct SegmentStoreEvictionTests {
  @Test("files never have more bytes than the capacity, and are counted exactly")
  func capacity() throws {
    let settings = SegmentStoreSettings.small()
    let device = FaultyDevice()
    let store = try SegmentStore(on: device, settings)
    for number in 0..<500 {
      #expect(try store.insert(TestBlock(number)) == .stored)
      if number % 3 == 0 { _ = try store.payload(of: TestBlock(number)) }
      let bytes = device.images.values.reduce(0) { $0 + $1.count }
      #expect(store.statistics.occupiedBytes == bytes)
    }
    #expect(device.mostBytes <= settings.capacityBytes)
    #expect(device.mostBytes > settings.capacityBytes * 3 / 4, "the capacity is made use of")
    let largest = device.images.values.map(\.count).max() ?? 0
    #expect(largest <= settings.segmentBytes)
    let statistics = store.statistics
    #expect(statistics.evictedSegments > 10 && statistics.reinsertedRecords > 0)
    #expect(try store.readable(blocks(0..<500)).count == statistics.records)
  }

  @Test("the oldest segment goes first, and the keys that went are told")
  func oldestFirst() throws {
    let gone = Mutex<Set<BlockKey>>([])
    let store = try SegmentStore(
      settings: .small(),
      device: FaultyDevice(),
      evicted: { keys in gone.withLock { $0.formUnion(keys) } }
    )
    var number = 0
    while store.statistics.evictedSegments == 0 {
      try store.insert(TestBlock(number), count: 4096)
      number += 1
    }
    let readable = try store.readable(blocks(0..<number), count: 4096)
    let evicted = number - readable.count
    #expect(evicted > 0 && readable == Set(blocks(evicted..<number)))
    #expect(gone.withLock { $0 } == Set(blocks(0..<evicted).map(\.key)))
    #expect(store.statistics.evictedRecords == evicted)
  }

  @Test("records hit since they were written are written again, the most hit first")
  func reinsertion() throws {
    // Room for three records of two pages each.
    let store = try SegmentStore(on: FaultyDevice(), .small(reinsertionBytes: 3 * 8192))
    for block in blocks(0..<5) { try store.insert(block, count: 4096) }
    for (number, hits) in [(0, 1), (1, 3), (2, 0), (3, 2), (4, 1)] {
      for _ in 0..<hits { _ = try store.payload(of: TestBlock(number)) }
    }
    var number = 5
    while store.statistics.evictedSegments == 0 {
      try store.insert(TestBlock(number), count: 4096)
      number += 1
    }
    #expect(try store.readable(blocks(0..<5), count: 4096) == Set([1, 3, 4].map(TestBlock.init)))
    #expect(store.statistics.reinsertedRecords == 3)
  }

  @Test("what is hit again and again stays for ever, what was hit once goes in the end")
  func hotForEver() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(0))
    try store.insert(TestBlock(1))
    store.touch(TestBlock(1).key)
    for number in 2..<600 {
      try store.insert(TestBlock(number))
      try #require(try store.payload(of: TestBlock(0)) == TestBlock(0).payload(), "\(number)")
    }
    #expect(!store.contains(TestBlock(1).key))
    let reopened = try SegmentStore(on: device)
    #expect(try reopened.payload(of: TestBlock(0)) == TestBlock(0).payload())
  }

  @Test("a damaged record is not written again")
  func damagedHot() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(0), count: 4096)
    _ = try store.payload(of: TestBlock(0))
    let inserted = try SegmentStore(on: device)
    inserted.touch(TestBlock(0).key)
    let name = SegmentHeader.fileName(of: 1)
    var images = device.images
    images[name]?[2 * 4096 + 5] ^= 1
    device.images = images
    let damaged = try SegmentStore(on: device)
    damaged.touch(TestBlock(0).key)
    var number = 1
    while damaged.statistics.evictedSegments == 0 {
      try damaged.insert(TestBlock(number))
      number += 1
    }
    #expect(!damaged.contains(TestBlock(0).key))
    #expect(damaged.statistics.reinsertedRecords == 0)
  }

  @Test("while files cannot be removed, inserts are refused and nothing more is forgotten")
  func removalFails() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    device.set(.error(EROFS), on: .remove)
    var number = 0
    while try store.insert(TestBlock(number), count: 4096) == .stored { number += 1 }
    let records = store.statistics.records
    #expect(records > 0)
    for again in 0..<20 {
      #expect(try store.insert(TestBlock(number + again), count: 4096) == .full)
    }
    #expect(store.statistics.records == records && store.statistics.refusedFull == 21)
    device.set(nil, on: .remove)
    #expect(try store.insert(TestBlock(number)) == .stored)
    #expect(device.mostBytes <= store.settings.capacityBytes)
  }
}
