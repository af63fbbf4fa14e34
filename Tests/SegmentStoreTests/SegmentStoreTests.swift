import BlockCache
import MeshTypes
import SegmentStore
import Testing

@Suite("A segment store")
struct SegmentStoreTests {
  @Test("gives back what was inserted, and a miss for what was not")
  func roundTrip() throws {
    let store = try SegmentStore(on: FaultyDevice())
    for block in blocks(0..<20) { #expect(try store.insert(block) == .stored) }
    #expect(try store.readable(blocks(0..<40)) == Set(blocks(0..<20)))
    let statistics = store.statistics
    #expect(statistics.stored == 20 && statistics.records == 20)
    #expect(statistics.hits == 20 && statistics.misses == 20)
  }

  @Test("payloads of every length around a page survive", arguments: [1, 4095, 4096, 4097, 12_288])
  func lengths(count: Int) throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(1), count: count)
    #expect(try store.payload(of: TestBlock(1)) == TestBlock(1).payload(count: count))
    #expect(store.payloadBytes(of: TestBlock(1).key) == count)
    let reopened = try SegmentStore(on: device)
    #expect(try reopened.payload(of: TestBlock(1)) == TestBlock(1).payload(count: count))
  }

  @Test("payloads begin at a page of the buffer")
  func alignment() throws {
    let store = try SegmentStore(on: FaultyDevice())
    try store.insert(TestBlock(1))
    var buffer = store.makeBuffer()
    let range = try #require(try store.read(TestBlock(1).key, into: &buffer))
    #expect(range.lowerBound % PageBuffer.pageBytes == 0)
  }

  @Test("the first payload of a key stays, whatever comes later")
  func firstStays() throws {
    let store = try SegmentStore(on: FaultyDevice())
    let block = TestBlock(1)
    #expect(try store.insert(block, count: 100) == .stored)
    #expect(try store.insert(block, count: 100) == .present)
    #expect(try store.insert(block, count: 99) == .conflict)
    #expect(try store.insert(block.key, TestBlock(2).payload(count: 100).span.bytes) == .conflict)
    #expect(try store.payload(of: block) == block.payload(count: 100))
    #expect(store.statistics.present == 1 && store.statistics.conflicts == 2)
  }

  @Test("payloads that are empty or too long are invalid")
  func limits() throws {
    let store = try SegmentStore(on: FaultyDevice())
    for count in [0, 3 * 4096 + 1] {
      let error = #expect(throws: MeshError.self) {
        try store.insert(TestBlock(1), count: count)
      }
      #expect(error?.code == .invalidArgument && error?.field == "payload")
    }
  }

  @Test("a buffer too small for a record is an error, not a miss")
  func smallBuffer() throws {
    let store = try SegmentStore(on: FaultyDevice())
    try store.insert(TestBlock(1), count: 5000)
    var buffer = PageBuffer(byteCount: 8192)
    let error = #expect(throws: MeshError.self) {
      _ = try store.read(TestBlock(1).key, into: &buffer)
    }
    #expect(error?.code == .outOfRange)
    #expect(store.contains(TestBlock(1).key))
  }

  @Test("the longest prefix that is there ends at the first gap")
  func prefix() throws {
    let store = try SegmentStore(on: FaultyDevice())
    for block in blocks(0..<5) + blocks(6..<9) { try store.insert(block) }
    #expect(store.prefixLength(of: blocks(0..<9).map(\.key)) == 5)
    #expect(store.prefixLength(of: blocks(6..<9).map(\.key)) == 3)
    #expect(store.prefixLength(of: blocks(20..<22).map(\.key)) == 0)
    #expect(store.prefixLength(of: []) == 0)
  }

  @Test("a removed key is gone, and can be inserted again")
  func removal() throws {
    let store = try SegmentStore(on: FaultyDevice())
    try store.insert(TestBlock(1))
    #expect(store.remove(TestBlock(1).key))
    #expect(!store.remove(TestBlock(1).key))
    #expect(try store.payload(of: TestBlock(1)) == nil)
    #expect(try store.insert(TestBlock(1)) == .stored)
    #expect(try store.readable([TestBlock(1)]).count == 1)
  }

  @Test("on the second hit, a block is written when it is offered again")
  func secondHit() throws {
    let store = try SegmentStore(on: FaultyDevice(), .small(admission: .secondHit))
    #expect(try store.insert(TestBlock(1)) == .notAdmitted)
    #expect(try store.payload(of: TestBlock(1)) == nil)
    #expect(try store.insert(TestBlock(1)) == .stored)
    #expect(try store.insert(TestBlock(1)) == .present)
    #expect(store.statistics.notAdmitted == 1)
  }

  @Test("as many keys are remembered as set, the oldest forgotten first")
  func rememberedKeys() throws {
    let store = try SegmentStore(on: FaultyDevice(), .small(admission: .secondHit))
    for block in blocks(0..<65) { #expect(try store.insert(block) == .notAdmitted) }
    #expect(try store.insert(TestBlock(64)) == .stored)
    #expect(try store.insert(TestBlock(1)) == .stored)
    #expect(try store.insert(TestBlock(0)) == .notAdmitted)
  }

  @Test(
    "settings out of range name themselves",
    arguments: [
      ("segmentBytes", SegmentStoreSettings.small(segmentBytes: 4 * 4096)),
      ("segmentBytes", .small(segmentBytes: (1 << 16) + 1)),
      ("segmentBytes", .small(capacityBytes: 1 << 40, segmentBytes: 2 << 30)),
      ("capacityBytes", .small(capacityBytes: 3 << 16 - 1)),
      ("reinsertionBytes", .small(reinsertionBytes: 1 << 16)),
      ("syncIntervalBytes", .small(syncIntervalBytes: -1)),
    ]
  )
  func settings(field: String, settings: SegmentStoreSettings) {
    let error = #expect(throws: MeshError.self) {
      _ = try SegmentStore(on: FaultyDevice(), settings)
    }
    #expect(error?.code == .invalidArgument && error?.field == field)
  }

  @Test("readers see whole payloads while others insert and evict")
  func threads() async throws {
    let store = try SegmentStore(on: FaultyDevice())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<2 {
        group.addTask {
          for number in 0..<400 { try store.insert(TestBlock(number * 2 + writer)) }
        }
      }
      for reader in 0..<2 {
        group.addTask {
          var random = SplitMix(UInt64(reader))
          for _ in 0..<2000 {
            _ = try store.readable([TestBlock(Int.random(in: 0..<800, using: &random))])
          }
        }
      }
      try await group.waitForAll()
    }
    let statistics = store.statistics
    #expect(statistics.stored == 800 && statistics.evictedSegments > 0)
    #expect(statistics.corruptRecords == 0 && statistics.readErrors == 0)
  }
}
